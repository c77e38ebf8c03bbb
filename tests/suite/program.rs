//! The whole loop without clock, network or terminal: events in, effects and a screen out.

use cabina::app::run::Perform;
use cabina::app::run::run;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::event::Ending;
use cabina::engine::state::Mode;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::signal::Absence;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Stamp;
use cabina::theme::Depth;
use cabina::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc;

use crate::support::settings;

#[derive(Default)]
struct Recorded(Vec<Effect>);

impl Perform for Recorded {
    fn perform(&mut self, effect: Effect) {
        self.0.push(effect);
    }
}

const CONFIG: &str = "language = \"en\"\n[[health]]\nname = \"API\"\nhttp = \"http://a\"\nfail_after = 1\n[sessions]\nurl = \"sqlite:///x\"\n";

/// Runs until the events end; returns the exit code, the effects, the screen and how often it was drawn.
async fn play(kinds: Vec<Kind>) -> (u8, Vec<Effect>, String, State) {
    let (settings, _) = settings(CONFIG);
    let mut state = State::new(settings, Mode::Cockpit, Stamp::default());
    let theme = Theme::named("noche", Depth::True, false).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    let (tx, mut rx) = mpsc::channel(1_024);
    for (i, kind) in kinds.into_iter().enumerate() {
        let at = Stamp { mono: i as i64 * 100, wall: i as i64 * 100 };
        tx.send(Event { at, kind }).await.unwrap();
    }
    drop(tx);
    let mut performer = Recorded::default();
    let code = run(&mut state, &theme, &mut terminal, &mut rx, &mut performer).await.unwrap();
    (code, performer.0, terminal.backend().to_string(), state)
}

fn key(c: char) -> Kind {
    Kind::Key(Chord::char(c))
}

#[tokio::test]
async fn what_happens_is_drawn() {
    let outcome = Outcome::Absent(Absence::Refused);
    let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
    let (code, effects, screen, _) = play(vec![Kind::Probed { check: "API".to_owned(), probe }]).await;
    assert_eq!((code, effects), (0, vec![]));
    assert!(screen.contains("DOWN") && screen.contains("connection refused"), "{screen}");
}

#[tokio::test]
async fn keys_become_effects() {
    let (_, effects, _, _) = play(vec![key('R'), key('C'), Kind::Key(Chord::ctrl('z'))]).await;
    assert_eq!(effects, [Effect::PollNow, Effect::CountExactly, Effect::Suspend]);
}

#[tokio::test]
async fn q_quits_and_ctrl_c_does_not() {
    let (code, _, screen, _) = play(vec![Kind::Key(Chord::ctrl('c')), key('q'), key('?')]).await;
    assert_eq!(code, 0);
    assert!(!screen.contains("Keys"), "nothing is taken in after the end");
    let (_, _, screen, _) = play(vec![Kind::Key(Chord::ctrl('c'))]).await;
    assert!(screen.contains("Ctrl-C does not quit"), "{screen}");
}

#[tokio::test]
async fn a_signal_and_a_terminal_that_is_gone_end_it() {
    let (code, _, _, _) = play(vec![Kind::Shutdown(Ending::Signal)]).await;
    assert_eq!(code, 143);
    let (code, _, _, _) = play(vec![Kind::Shutdown(Ending::TerminalGone)]).await;
    assert_eq!(code, 129);
}

#[tokio::test]
async fn a_paste_outside_a_text_field_does_nothing_and_says_so() {
    let (_, effects, screen, state) = play(vec![Kind::Pasted("q\nRq".to_owned())]).await;
    assert_eq!(effects, []);
    assert!(screen.contains("paste ignored"), "{screen}");
    assert_eq!(state.ui.filter, "");
}

#[tokio::test]
async fn typing_a_filter_and_a_command() {
    let enter = || Kind::Key(Chord::plain(Code::Enter));
    let (_, _, _, state) = play(vec![key('1'), key('/'), key('z'), key('q'), enter()]).await;
    assert_eq!(state.ui.filter, "zq", "keys go to the text while it is typed");
    let (_, effects, _, _) = play(vec![key(':'), key('p'), key('o'), key('l'), key('l'), enter()]).await;
    assert_eq!(effects, [Effect::PollNow]);
}

#[tokio::test]
async fn a_frozen_screen_stands_still_while_reading_goes_on() {
    let good = Probe {
        outcome: Outcome::Good,
        latency: Some(5),
        detail: "HTTP 200".to_owned(),
        cert_days: None,
        cert_soon: false,
    };
    let bad = Probe { outcome: Outcome::Absent(Absence::Refused), ..good.clone() };
    let probed = |probe: &Probe| Kind::Probed { check: "API".to_owned(), probe: probe.clone() };
    let (_, _, screen, state) = play(vec![probed(&good), key('f'), probed(&bad)]).await;
    assert!(screen.contains("FROZEN") && screen.contains("HTTP 200") && !screen.contains("refused"), "{screen}");
    assert_eq!(state.checks.get("API").unwrap().failures, 1);
}

/// Critical at once: `error_rate` beyond its limit without a `for`.
const LOUD: &str = "language = \"en\"\nservice = \"IACT\"\n[severity]\nquiet = { sev1 = \"1s\", sev3 = \"1s\", sev4 = \"1s\" }\n[prometheus]\nurl = \"http://p\"\n[[signal]]\nname = \"error_rate\"\nunit = \"ratio\"\ncritical = { above = 0.05 }\n";

/// Plays shares of failures, one a second from the tenth second on; returns what was announced, with its second.
fn announced(more: &str, keys: &[(i64, &str)], shares: &str) -> Vec<(i64, String)> {
    let (settings, _) = settings(&format!("{LOUD}{more}"));
    let mut state = State::new(settings, Mode::Cockpit, Stamp::default());
    let mut out = Vec::new();
    let mut take = |state: &mut State, second: i64, kind| {
        let at = Stamp { mono: second * 1_000, wall: second * 1_000 };
        for effect in cabina::engine::update(state, Event { at, kind }).effects {
            if let Effect::Announce(text) = effect {
                out.push((second, text));
            }
        }
    };
    for (i, c) in shares.chars().enumerate() {
        let second = 10 + i as i64;
        for (_, pressed) in keys.iter().filter(|(at, _)| *at == second) {
            for c in pressed.chars() {
                take(&mut state, second, key(c));
            }
        }
        let share = if c == '!' { 0.5 } else { 0.0 };
        let counts = Some(Counts { failed: share * 1_000.0, total: 1_000.0, window: 300_000 });
        let samples = ["error_rate", "error_rate_1m"].map(|signal| Sample {
            signal: signal.to_owned(),
            at: second * 1_000,
            reading: Reading::Value(share),
            counts,
            worst: None,
        });
        let kind = Kind::Sampled {
            source: "prometheus".to_owned(),
            origin: Origin::Prometheus,
            samples: samples.to_vec(),
            history: false,
            took: 5,
            notes: Vec::new(),
        };
        take(&mut state, second, kind);
        take(&mut state, second, Kind::Tick);
    }
    out
}

#[test]
fn a_person_is_called_on_transitions_only_and_rarely() {
    let calls = announced("", &[], &format!("...!!!!!!!!{}", ".".repeat(80)));
    let texts: Vec<&str> = calls.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[1].0 - calls[0].0 >= 60, "{calls:?}: what resolves within the minute is told when it is over");
    assert!(texts[0].starts_with("IACT SEV1: 50 % of requests fail"), "{calls:?}");
    let calls = announced("", &[], &format!("...{}{}", "!".repeat(70), ".".repeat(20)));
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[1].1.contains("OK: SEV1 resolved"), "{calls:?}");
    // Up and down all the time: one call a minute at the most.
    let calls = announced("", &[], &"!!!!....".repeat(15));
    assert!(calls.len() <= 3 && calls.windows(2).all(|w| w[1].0 - w[0].0 >= 60), "{calls:?}");
}

#[test]
fn what_is_planned_or_known_calls_nobody_and_is_judged_all_the_same() {
    let night = format!("...{}{}", "!".repeat(70), ".".repeat(20));
    let planned = "[[maintenance]]\nname = \"x\"\nfrom = \"1970-01-01T00:00:00Z\"\nfor = \"1h\"\n";
    let calls = announced(planned, &[], &night);
    assert!(calls.iter().all(|(_, t)| t.contains("resolved")), "planned: {calls:?}");
    let calls = announced("", &[(12, "5Ky")], &night);
    assert!(calls.iter().all(|(_, t)| t.contains("resolved")), "known: {calls:?}");
    assert!(announced("[[link]]\nname = \"x\"\nurl = \"y\"", &[], "....").is_empty());
}

#[test]
fn a_changed_configuration_keeps_what_stays_the_same() {
    let (first, _) = settings(CONFIG);
    let mut state = State::new(first, Mode::Cockpit, Stamp::default());
    let outcome = Outcome::Absent(Absence::Refused);
    let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
    let at = |ms| Stamp { mono: ms, wall: ms };
    cabina::engine::update(&mut state, Event { at: at(1_000), kind: Kind::Probed { check: "API".to_owned(), probe } });
    let down = state.checks.get("API").unwrap().clone();
    let (second, _) = settings(&format!("{CONFIG}[[health]]\nname = \"DB\"\ntcp = \"db:3306\"\n"));
    let reaction = cabina::engine::update(&mut state, Event { at: at(2_000), kind: Kind::Reloaded(Box::new(second)) });
    assert!(reaction.effects.contains(&Effect::Apply));
    assert_eq!(state.checks.get("API"), Some(&down), "what it knew it still knows");
    assert!(state.checks.get("DB").is_some());
    let (third, _) = settings(&CONFIG.replace("http://a", "http://b"));
    cabina::engine::update(&mut state, Event { at: at(3_000), kind: Kind::Reloaded(Box::new(third)) });
    assert_eq!(state.checks.get("API").unwrap().last, None, "another address: it begins anew");
    assert!(state.checks.get("DB").is_none());
    let mistakes = vec!["3: health[0].every: is wrong".to_owned()];
    cabina::engine::update(&mut state, Event { at: at(4_000), kind: Kind::ReloadFailed { mistakes } });
    assert_eq!(state.settings.checks.len(), 1, "the old one stays");
    assert_eq!(state.reload_problem.len(), 1);
}
