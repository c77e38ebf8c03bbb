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
