//! The window after a deploy: its course by events, and the command against a real Prometheus.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cabina::engine;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::Settings;
use cabina::engine::State;
use cabina::engine::effect::RecordOrder;
use cabina::engine::record::Scribe;
use cabina::engine::state::Mode;
use cabina::engine::window::log::OldSide;
use cabina::engine::window::log::old_side;
use cabina::engine::window::pane;
use cabina::engine::window::pane::superseded;
use cabina::engine::window::said;
use cabina::lang::Lang;
use cabina::model::deploy::Deploy;
use cabina::model::fact::Fact;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::journal::Draft;
use cabina::model::sessions::Measurement;
use cabina::model::sessions::Rows;
use cabina::model::severity::Level;
use cabina::model::signal::Absence;
use cabina::model::significance::Share;
use cabina::model::time::MINUTE;
use cabina::model::time::Millis;
use cabina::model::time::SECOND;
use cabina::model::time::Stamp;
use cabina::model::watch::Ended;
use cabina::model::watch::Watch;
use cabina::model::watch::Withdrawn;
use cabina::model::window::Counted;
use cabina::model::window::Part;
use cabina::model::window::Piece;
use cabina::model::window::Reason;
use cabina::model::window::Verdict;
use cabina::model::window::Window;
use cabina::report;
use cabina::store::Store;
use proptest::prelude::*;
use serde_json::Value;

use crate::record::House;
use crate::servers::Exporter;
use crate::support::play;
use crate::support::prometheus::Prometheus;
use crate::support::settings;
use crate::support::wait::until;

const START: Millis = 1_773_477_600_000;

/// A window of five minutes, its state, and a server that counts as it is told.
struct Course {
    state: State,
    now: Millis,
    /// Failed of so many requests a minute: before, and now. `None`: the server does not answer.
    before: Option<(f64, f64)>,
    after: Option<(f64, f64)>,
    /// Minutes of the window that nobody has seen.
    unseen: Vec<Millis>,
    code: Option<u8>,
    /// What was to be written down.
    orders: Vec<RecordOrder>,
}

impl Course {
    fn open(before: Option<(f64, f64)>, after: Option<(f64, f64)>) -> Self {
        let (settings, _) = settings(
            "language = \"en\"\n[prometheus]\nurl = \"http://127.0.0.1:1\"\n[[health]]\nname = \"API\"\nhttp = \"http://127.0.0.1:1/\"\ncritical = true\n",
        );
        Self::with(settings, before, after)
    }

    fn with(settings: Settings, before: Option<(f64, f64)>, after: Option<(f64, f64)>) -> Self {
        let state = State::new(settings, Mode::Watch, Stamp { mono: 0, wall: START });
        let window = Window::new("v4.12.0".to_owned(), START, 5 * MINUTE, (5 * MINUTE, 0), 15 * SECOND);
        let mut course = Self { state, now: 0, before, after, unseen: Vec::new(), code: None, orders: Vec::new() };
        course.event(Kind::WindowOpened { watch: Box::new(Watch::new("w1".to_owned(), window, "rgomez", "deploy1")) });
        course
    }

    fn event(&mut self, kind: Kind) {
        let at = Stamp { mono: self.now, wall: START + self.now };
        for effect in engine::update(&mut self.state, Event { at, kind }).effects {
            match effect {
                Effect::Count(order) => {
                    let rate = if order.part == Part::Before { self.before } else { self.after };
                    let counted = rate.map_or(Err(Absence::Timeout(5_000)), |rate| {
                        Ok(self.counted(rate, order.span, order.since, order.piece))
                    });
                    self.event(Kind::WindowCounted { part: order.part, span: order.span, counted });
                }
                Effect::Record(_, order) => self.orders.push(order),
                Effect::Exit(code) => self.code = Some(self.code.unwrap_or(code)),
                _ => {}
            }
        }
    }

    fn counted(&self, (bad, all): (f64, f64), span: (Millis, Millis), since: Millis, piece: Millis) -> Counted {
        let share = |ms: Millis| {
            let minutes = ms as f64 / MINUTE as f64;
            Share { part: (bad * minutes).round(), all: all * minutes }
        };
        let pieces = (1..=(span.1 - span.0) / piece).map(|i| {
            let to = span.1 - ((span.1 - span.0) / piece - i) * piece;
            let unseen = self.unseen.contains(&((to - START) / MINUTE));
            Piece { to, requests: (!unseen).then(|| share(piece)) }
        });
        let total = share(span.1 - since);
        let buckets = vec![(0.1, total.all * 0.5), (0.5, total.all * 0.97), (1.0, total.all)];
        Counted { requests: Some(total), pieces: pieces.collect(), buckets, observed: total.all, ..Counted::default() }
    }

    /// Seconds go by; the check is probed every five.
    fn seconds(&mut self, n: i64, well: bool) {
        for i in 0..n {
            if self.code.is_some() {
                return;
            }
            self.now += SECOND;
            if i % 5 == 0 {
                let outcome = if well { Outcome::Good } else { Outcome::Absent(Absence::Refused) };
                let probe =
                    Probe { outcome, latency: Some(5), detail: String::new(), cert_days: None, cert_soon: false };
                self.event(Kind::Probed { check: "API".to_owned(), probe });
            }
            self.event(Kind::Tick);
        }
    }

    fn said(&self) -> (Option<u8>, Verdict, Option<Ended>) {
        let window = self.state.window.as_ref().unwrap();
        (self.code, window.watch.verdict, window.watch.ended.map(|(how, _)| how))
    }

    fn reason(&self, name: &str) -> Reason {
        let window = self.state.window.as_ref().unwrap();
        window.watch.signals.iter().find(|s| s.name == name).unwrap().reason.clone()
    }
}

#[test]
fn an_unchanged_service_passes_at_the_end_and_not_before() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    course.seconds(299, true);
    assert_eq!(course.said(), (None, Verdict::Pass, None));
    course.seconds(1, true);
    assert_eq!(course.said(), (Some(0), Verdict::Pass, Some(Ended::Over)));
}

#[test]
fn a_broken_deploy_is_lost_long_before_the_end() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((150.0, 1_000.0)));
    course.seconds(60, true);
    assert_eq!(course.said(), (Some(2), Verdict::Fail, Some(Ended::Lost)));
    assert!(course.now < MINUTE, "{}", course.now);
    // Of so few that nothing else could be said, what breaks a limit beyond doubt is said as that.
    let mut few = Course::open(Some((2.0, 1_000.0)), Some((200.0, 400.0)));
    few.seconds(60, true);
    assert_eq!((few.said().1, few.reason("error_rate")), (Verdict::Fail, Reason::Beyond { limit: 0.05 }));
}

#[test]
fn what_was_as_bad_before_is_not_the_deploys_doing() {
    let mut course = Course::open(Some((150.0, 1_000.0)), Some((150.0, 1_000.0)));
    course.seconds(300, true);
    assert_eq!(course.said(), (Some(0), Verdict::Pass, Some(Ended::Over)));
}

#[test]
fn a_check_that_fails_fails_the_window_and_a_restart_does_not() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    course.seconds(40, false);
    course.seconds(260, true);
    assert_eq!(course.said().1, Verdict::Pass);
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    course.seconds(100, true);
    course.seconds(200, false);
    assert_eq!(course.said(), (Some(2), Verdict::Fail, Some(Ended::Over)));
}

#[test]
fn nobody_who_does_not_know_says_that_it_is_well() {
    // No server; a server that dies half way; a baseline that nobody knows; half of the window unseen; too little.
    let mut dead = Course::open(None, None);
    dead.seconds(340, true);
    assert_eq!(dead.said(), (Some(3), Verdict::Inconclusive, Some(Ended::Over)));
    assert_eq!(dead.reason("error_rate"), Reason::Unmeasured { why: Absence::Timeout(5_000) });

    let mut dies = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    dies.seconds(150, true);
    assert_eq!(dies.said().1, Verdict::Pass);
    dies.after = None;
    dies.seconds(200, true);
    assert_eq!(dies.said(), (Some(3), Verdict::Inconclusive, Some(Ended::Over)));

    let mut unknown = Course::open(None, Some((2.0, 1_000.0)));
    unknown.seconds(340, true);
    assert_eq!(unknown.said().0, Some(3));

    let mut gaps = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    gaps.unseen = vec![2, 3];
    gaps.seconds(340, true);
    assert_eq!((gaps.said().0, gaps.reason("error_rate")), (Some(3), Reason::Gap));

    let mut few = Course::open(Some((2.0, 1_000.0)), Some((0.0, 12.0)));
    few.seconds(340, true);
    assert_eq!((few.said().0, few.reason("error_rate")), (Some(3), Reason::FewNow { wanted: 300.0 }));
}

#[test]
fn ended_early_it_is_no_pass_and_late_answers_change_nothing() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    course.seconds(200, true);
    assert_eq!(course.said().1, Verdict::Pass);
    course.event(Kind::Shutdown(engine::event::Ending::Signal));
    assert_eq!(course.said(), (Some(3), Verdict::Inconclusive, Some(Ended::Early)));
    let before = course.state.window.clone();
    let counted = Ok(course.counted((500.0, 1_000.0), (START, START + MINUTE), START, MINUTE));
    course.event(Kind::WindowCounted { part: Part::Now, span: (START, START + MINUTE), counted });
    assert_eq!(course.state.window, before);
}

fn count() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0..5_000.0f64, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

fn answer() -> impl Strategy<Value = Result<Counted, Absence>> {
    let share = || (count(), count()).prop_map(|(part, all)| Share { part, all });
    let pieces = proptest::collection::vec((any::<i32>(), proptest::option::of(share())), 0..70);
    let buckets = proptest::collection::vec((count(), count()), 0..6);
    let values = proptest::collection::vec(count(), 0..30);
    let good = (proptest::option::of(share()), pieces, buckets, count(), values);
    prop_oneof![
        6 => good.prop_map(|(requests, pieces, buckets, observed, values)| Ok(Counted {
            requests,
            pieces: pieces.into_iter().map(|(to, requests)| Piece { to: START + i64::from(to), requests }).collect(),
            buckets,
            observed,
            values: [("celery_queue".to_owned(), values)].into(),
            ..Counted::default()
        })),
        1 => Just(Err(Absence::Refused)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn whatever_a_server_counts_something_is_said(answers in proptest::collection::vec((any::<bool>(), answer()), 1..12)) {
        let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
        for (before, counted) in answers {
            course.seconds(7, true);
            let part = if before { Part::Before } else { Part::Now };
            course.event(Kind::WindowCounted { part, span: (START, START + course.now), counted });
            let watched = course.state.window.as_ref().unwrap();
            let said = (report::window::markdown(&course.state, &watched.watch), report::window::json(&course.state, &watched.watch).to_string());
            prop_assert!(!said.0.contains("NaN") && !said.0.contains("inf"), "{}", said.0);
            prop_assert!(said.1.contains("\"verdict\""));
        }
    }
}

/// A window that has passed, after the deploy of a scenario.
fn passed(from: Millis, keep: Millis) -> Watch {
    let window = Window::new("v4.12.0".to_owned(), from, 5 * MINUTE, (5 * MINUTE, 0), 15 * SECOND);
    Watch {
        old_until: Some(from + keep),
        verdict: Verdict::Pass,
        ended: Some((Ended::Over, from + 5 * MINUTE)),
        ..Watch::new("w1".to_owned(), window, "jlopez", "deploy1")
    }
}

/// The night of a marked deploy (it goes live after ten minutes and fails after twenty-five), at a minute of it, with
/// what the log says of it, and this cabina as the scribe.
fn night(minute: Millis, watch: Watch) -> (State, Vec<Effect>) {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/deploy-marked.toml");
    let mut state = play::play(&play::read(&path), minute * MINUTE);
    let (at, deploys) = (state.now, state.context.deploys.clone());
    let mut effects = Vec::new();
    let read = Kind::RecordRead {
        incident: None,
        entries: Vec::new(),
        deploys,
        scribe: Scribe::Here,
        ended: None,
        last: None,
    };
    for kind in [read, Kind::WindowsRead { watches: vec![watch] }, Kind::Tick] {
        effects.extend(engine::update(&mut state, Event { at, kind }).effects);
    }
    (state, effects)
}

fn facts(state: &State) -> Vec<String> {
    state.timeline.newest().map(|e| e.words(state.settings.lang, state.settings.zone)).collect()
}

#[test]
fn a_pass_is_withdrawn_while_there_is_a_way_back() {
    let from = play::stamp(10 * MINUTE).wall;
    let orders = |effects: &[Effect]| -> Vec<RecordOrder> {
        let orders = effects.iter().filter_map(|e| if let Effect::Record(_, o) = e { Some(o.clone()) } else { None });
        orders.filter(|o| matches!(o, RecordOrder::Withdraw { .. } | RecordOrder::Take { .. })).collect()
    };
    // All is well: it stands, and is told once.
    let (state, effects) = night(20, passed(from, 30 * MINUTE));
    assert_eq!(orders(&effects), []);
    assert_eq!(facts(&state).iter().filter(|f| f.contains("window after v4.12.0: PASS")).count(), 1);
    assert_eq!(old_side(&state, &state.watches[0]), OldSide::Kept(from + 30 * MINUTE));

    // Trouble begins: it is taken back, an incident is asked for, and the way back is what is shown.
    let (state, effects) = night(27, passed(from, 30 * MINUTE));
    assert!(
        matches!(orders(&effects).as_slice(), [RecordOrder::Withdraw { .. }, RecordOrder::Take { .. }]),
        "{effects:?}"
    );
    assert!(state.watches[0].withdrawn.is_some());
    assert!(facts(&state).iter().any(|f| f.starts_with("the PASS of v4.12.0 is withdrawn: ")), "{:?}", facts(&state));
    assert_eq!(old_side(&state, &state.watches[0]), OldSide::Stays);
    assert_eq!(
        said::verdict(&state.watches[0], Lang::En, state.settings.zone, state.now.wall).split(' ').nth(1),
        Some("withdrawn")
    );

    // The old side has gone: there is nothing to take back.
    let (state, effects) = night(27, passed(from, 12 * MINUTE));
    assert_eq!((orders(&effects), &state.watches[0].withdrawn), (vec![], &None));

    // A window that was opened afterwards, and ended early, takes nothing of that away; another deploy does.
    let later = Watch {
        verdict: Verdict::Inconclusive,
        ended: Some((Ended::Early, from + 9 * MINUTE)),
        ..Watch { id: "w2".to_owned(), ..passed(from + 8 * MINUTE, 30 * MINUTE) }
    };
    let (mut state, _) = night(20, passed(from, 30 * MINUTE));
    let at = play::stamp(27 * MINUTE);
    engine::update(
        &mut state,
        Event { at, kind: Kind::WindowsRead { watches: vec![passed(from, 30 * MINUTE), later] } },
    );
    assert!(!superseded(&state, &state.watches[0]));
    state.context.deploys.push(Deploy { id: "d2".to_owned(), at: from + 15 * MINUTE, ..Deploy::default() });
    assert!(superseded(&state, &state.watches[0]));

    // Whoever is not the scribe leaves it to that one.
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/deploy-marked.toml");
    let mut other = play::play(&play::read(&path), 27 * MINUTE);
    let at = other.now;
    let read = Kind::WindowsRead { watches: vec![passed(from, 30 * MINUTE)] };
    assert_eq!(orders(&engine::update(&mut other, Event { at, kind: read }).effects), []);
}

#[test]
fn an_old_side_that_nothing_speaks_for_may_go() {
    let from = play::stamp(10 * MINUTE).wall;
    let (state, _) = night(22, passed(from, 11 * MINUTE));
    assert_eq!(old_side(&state, &state.watches[0]), OldSide::MayGo);
    assert!(facts(&state).iter().any(|f| f == "v4.12.0 stays: the old side may go"), "{:?}", facts(&state));
    // After trouble it stays, however late it is.
    let (state, _) = night(27, passed(from, 11 * MINUTE));
    assert_eq!(old_side(&state, &state.watches[0]), OldSide::Stays);
}

#[test]
fn the_way_back_is_filled_in_from_the_deploy() {
    let from = play::stamp(10 * MINUTE).wall;
    let (state, _) = night(20, passed(from, 30 * MINUTE));
    let fills = |names: &[&str]| pane::fills(&state, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        fills(&["BASE_URL", "OLD_VERSION", "VERSION"]),
        [pair("OLD_VERSION", "v4.11.3"), pair("VERSION", "v4.12.0")]
    );
    assert_eq!(fills(&["PREVIOUS_TAG"]), [pair("PREVIOUS_TAG", "v4.11.3")]);
    // Alone it could be either.
    assert_eq!(fills(&["VERSION", "GOLD_MEMBERS"]), []);
}

#[test]
fn an_outage_of_the_hour_before_hides_no_broken_deploy() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((150.0, 1_000.0)));
    let past = course.state.window.as_ref().unwrap().watch.window.past();
    let piece = course.state.window.as_ref().unwrap().watch.window.piece;
    let mut counted = course.counted((2.0, 1_000.0), past, START - 5 * MINUTE, piece);
    // Twenty minutes of an incident, half an hour before.
    for p in counted.pieces.iter_mut().filter(|p| (20..40).contains(&((START - p.to) / MINUTE))) {
        p.requests = p.requests.map(|s| Share { part: s.all * 0.3, ..s });
    }
    course.event(Kind::WindowCounted { part: Part::Before, span: past, counted: Ok(counted) });
    course.before = None;
    course.seconds(60, true);
    assert_eq!(course.said(), (Some(2), Verdict::Fail, Some(Ended::Lost)));
}

#[test]
fn what_is_of_another_time_is_not_counted() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    // A recorder's hour is caught up with as of then.
    let outcome = Outcome::Absent(Absence::Refused);
    let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
    let kind = Kind::Probed { check: "API".to_owned(), probe };
    let event = Event { at: Stamp { mono: 0, wall: START - MINUTE }, kind };
    engine::update(&mut course.state, Event { at: Stamp::default(), kind: Kind::Backlog { events: vec![event] } });
    assert!(course.state.window.as_ref().unwrap().probes.is_empty());
    // An answer that was asked for by the window before is none to this one.
    let counted = course.counted((900.0, 1_000.0), (START - 9 * MINUTE, START), START - 9 * MINUTE, MINUTE);
    course.event(Kind::WindowCounted { part: Part::Before, span: (START - 9 * MINUTE, START), counted: Ok(counted) });
    course.seconds(300, true);
    assert_eq!(course.said(), (Some(0), Verdict::Pass, Some(Ended::Over)));
}

#[test]
fn a_window_that_is_compared_with_an_incident_is_no_pass() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    let (incident, clean) = ("INC-2026-0001".to_owned(), Some(START - 40 * MINUTE));
    course.event(Kind::BaselineMet { watch: "w1".to_owned(), incident, clean });
    course.seconds(300, true);
    assert_eq!(course.said(), (Some(3), Verdict::Inconclusive, Some(Ended::Over)));
    let said = report::window::json(&course.state, &course.state.window.as_ref().unwrap().watch).to_string();
    assert!(said.contains("compared with an incident (INC-2026-0001") && said.contains("--offset 60m"), "{said}");
    // What is worse than an incident has failed all the same.
    let mut worse = Course::open(Some((2.0, 1_000.0)), Some((200.0, 1_000.0)));
    worse.event(Kind::BaselineMet { watch: "w1".to_owned(), incident: "INC-2026-0001".to_owned(), clean: None });
    worse.seconds(300, true);
    assert_eq!(worse.said().0, Some(2));
}

#[test]
fn a_window_that_fails_is_logged_and_opens_an_incident_before_the_end() {
    let mut course = Course::open(Some((2.0, 1_000.0)), Some((150.0, 1_000.0)));
    assert!(matches!(course.orders.first(), Some(RecordOrder::Window(w)) if w.ended.is_none()), "from its start");
    course.seconds(60, true);
    let last: Vec<&RecordOrder> = course.orders.iter().rev().take(2).collect();
    assert!(matches!(last[1], RecordOrder::Window(w) if w.ended.is_some() && w.verdict == Verdict::Fail), "{last:?}");
    let RecordOrder::Take { opening, .. } = last[0] else { panic!("{last:?}") };
    assert!(
        matches!(&opening[0].fact, Fact::IncidentOpened { level: Level::Sev2, title, .. } if title.contains("v4.12.0"))
    );
    // One that passes opens none.
    let mut well = Course::open(Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
    well.seconds(300, true);
    assert!(!well.orders.iter().any(|o| matches!(o, RecordOrder::Take { .. })));
    assert!(
        matches!(well.orders.last(), Some(RecordOrder::Window(w)) if w.verdict == Verdict::Pass && w.ended.is_some())
    );
}

#[test]
fn criteria_are_as_the_configuration_has_them() {
    let (settings, _) = settings(
        "language = \"en\"\n[prometheus]\nurl = \"http://127.0.0.1:1\"\n[window]\nfor = \"2m\"\nkeep_old = \"10m\"\n[[signal]]\nname = \"error_rate\"\nunit = \"ratio\"\nwindow = { pass = [\"<= +50%\", \"< 1%\"], critical = false, min_requests = 50 }\n",
    );
    assert_eq!((settings.window.length, settings.window.keep_old), (2 * MINUTE, 10 * MINUTE));
    let mut course = Course::with(settings, Some((2.0, 1_000.0)), Some((30.0, 1_000.0)));
    course.seconds(300, true);
    // 3 % is beyond its limit; it is not critical, so the whole is a warning.
    assert_eq!((course.said().0, course.reason("error_rate")), (Some(1), Reason::Beyond { limit: 0.01 }));
}

#[test]
fn a_session_table_that_is_flooded_fails_the_window() {
    let sessions = |pace: f64| {
        let (settings, _) = settings(
            "[prometheus]\nurl = \"http://127.0.0.1:1\"\n[sessions]\nurl = \"sqlite:///x.db\"\ntable = \"django_session\"\n",
        );
        let mut course = Course::with(settings, Some((2.0, 1_000.0)), Some((2.0, 1_000.0)));
        for _ in 0..10 {
            course.seconds(30, true);
            let look = Ok(Measurement {
                rows: Rows::exact(1_000),
                renewed_per_min: Some(pace),
                renewed_per_min_1h: None,
                usual_per_min: Some(20.0),
                expired: Some(Rows::exact(3)),
                bytes: None,
                oldest_expiry: Some(START - 2 * 60 * MINUTE),
                sweepable: None,
                answer: 1,
                took: 1,
                count_gave_up: false,
            });
            course.event(Kind::Measured { look });
        }
        course.seconds(5, true);
        course
    };
    let calm = sessions(25.0);
    assert_eq!((calm.said().0, calm.reason("session_growth")), (Some(0), Reason::Tolerated));
    assert!(matches!(calm.reason("session_sweep"), Reason::Swept { .. }));
    let flood = sessions(412.0);
    assert_eq!((flood.said().0, flood.reason("session_growth")), (Some(2), Reason::Worse { times: 20.6 }));
}

#[tokio::test]
async fn the_log_keeps_windows_and_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("c.db").display());
    let store = Store::open(&url, 1_000).await.unwrap().store;
    let now = cabina::bus::now().wall;
    let open = |title: &str, at: Millis| {
        let fact = Fact::IncidentOpened { title: title.to_owned(), level: Level::Sev2, began: at };
        store.open_incident(2026, vec![Draft::new(at, "ana", "h", fact)])
    };
    let first = open("first", now - 60 * MINUTE).await.unwrap().id;
    let over = Fact::Resolved { since: now - 50 * MINUTE, text: String::new() };
    store.append(&first, vec![Draft::new(now, "ana", "h", over)]).await.unwrap();

    // A baseline that meets it, and the clean stretch before it; one that meets none.
    let met = store.met((now - 55 * MINUTE, now - 50 * MINUTE - 1)).await.unwrap();
    assert_eq!(met, Some((first.clone(), Some(now - 60 * MINUTE))));
    assert_eq!(store.met((now - 20 * MINUTE, now - 15 * MINUTE)).await.unwrap(), None);

    let goes_on = Watch { verdict: Verdict::Inconclusive, ended: None, ..passed(now - 6 * MINUTE, 30 * MINUTE) };
    store.log_window(&goes_on).await.unwrap();
    let second = open("second", now - MINUTE).await.unwrap().id;
    store.log_window(&passed(now - 6 * MINUTE, 30 * MINUTE)).await.unwrap();
    store.log_window(&passed(now - 6 * MINUTE, 30 * MINUTE)).await.unwrap();
    let taken = Withdrawn { at: now, finding: None };
    assert!(store.withdraw("w1", &taken).await.unwrap());
    // The first word counts, and a late word of whoever counted takes nothing back.
    assert!(!store.withdraw("w1", &Withdrawn { at: now + 1, finding: None }).await.unwrap());
    store.log_window(&passed(now - 6 * MINUTE, 30 * MINUTE)).await.unwrap();
    let kept = store.windows(0, 10).await.unwrap();
    assert_eq!((kept.len(), kept[0].withdrawn.clone()), (1, Some(taken)));
    let kinds: Vec<String> = store.entries(&second, 0, 100).await.unwrap().iter().map(|e| e.fact.kind()).collect();
    assert_eq!(kinds, ["incident_opened", "window_ended", "window_withdrawn"]);
    // An incident that is opened afterwards has its story too.
    store
        .append(&second, vec![Draft::new(now, "ana", "h", Fact::Resolved { since: now, text: String::new() })])
        .await
        .unwrap();
    let third = open("third", now).await.unwrap().id;
    assert_eq!(store.entries(&third, 0, 100).await.unwrap().len(), 3);
    store.close().await;
}

/// What would be infinite in JSON comes back as it was.
#[test]
fn a_window_survives_its_way_through_the_store() {
    let mut course = Course::open(Some((0.0, 1_000.0)), Some((40.0, 1_000.0)));
    course.seconds(300, true);
    let watch = course.state.window.as_ref().unwrap().watch.clone();
    let text = serde_json::to_string(&watch).unwrap();
    assert_eq!(serde_json::from_str::<Watch>(&text).unwrap(), watch);
}

/// Runs `cabina watch --json` in a house of its own; its exit code and what it says.
async fn watch(house: &House, args: &[&str], meanwhile: impl Future<Output = ()>) -> (i32, Value) {
    let mut command = house.command(&[&["watch", "--json", "--headless"], args].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (out, ()) = tokio::join!(child.wait_with_output(), meanwhile);
    let out = out.unwrap();
    let said =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    (out.status.code().unwrap_or(-1), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_says_what_a_deploy_did() {
    let exporter = Arc::new(Exporter::new(100, 1));
    let target = Arc::clone(&exporter).serve(400, 0).await;
    let mut server = Prometheus::start(&[target]).await;
    let runbooks = format!("{}/runbooks", env!("CARGO_MANIFEST_DIR"));
    let house = House::new(&format!(
        "language = \"en\"\nrunbooks = [\"{runbooks}\"]\n[prometheus]\nurl = \"{}\"\nevery = \"1s\"\n",
        server.url
    ));
    // As soon as there is something to compare with, a service that has not changed passes.
    until("there is something to compare with", Duration::from_mins(2), async || {
        let (code, said) = watch(&house, &["--for", "10s"], async {}).await;
        if code == 0 { Ok(()) } else { Err(said.to_string()) }
    })
    .await;
    let (_, passed) = watch(&house, &["--for", "10s", "--deploy", "v1 \"beta\""], async {}).await;
    assert_eq!((&passed["verdict"], &passed["version"]), (&"PASS".into(), &"v1 \"beta\"".into()));
    let rate = &passed["signals"].as_array().unwrap().iter().find(|s| s["name"] == "error_rate").unwrap().clone();
    assert!(rate["now"]["n"].as_f64().unwrap() > 3_000.0, "{rate}");
    // The window that went well is something to compare with.
    let (_, said) = watch(&house, &["--for", "10s", "--baseline", "last-good"], async {}).await;
    assert_eq!((&said["baseline"]["from"], &said["baseline"]["to"]), (&passed["from"], &passed["to"]), "{said}");

    // It breaks; nobody waits for the end. Its way back is named with what is known, and an incident is open.
    let start = tokio::time::Instant::now();
    let (code, said) = watch(&house, &["--for", "2m", "--deploy", "v2"], async { exporter.break_down() }).await;
    assert_eq!((code, &said["verdict"], &said["ended"]), (2, &"FAIL".into(), &"lost".into()), "{said}");
    assert!(start.elapsed() < Duration::from_mins(1), "{said}");
    let command = said["rollback"]["command"].as_str().unwrap();
    assert_eq!(command, "cabina runbook run PROC-BACKEND-008 --set 'OLD_VERSION=v1 \"beta\"' --set VERSION=v2");
    let incidents = house.good(&["incident", "list", "--json"]).await;
    assert!(incidents.contains("The window after v2 has failed"), "{incidents}");
    let journal = house.good(&["incident", "show", "newest"]).await;
    assert!(journal.contains("deploy v2") && journal.contains("window after v2: FAIL"), "{journal}");

    // Without the server nobody knows.
    server.stop();
    let (code, said) = watch(&house, &["--for", "10s"], async {}).await;
    assert_eq!((code, &said["verdict"]), (3, &"INCONCLUSIVE".into()), "{said}");

    // All of it stands in the log, and the figures know.
    let log: Value = serde_json::from_str(&house.good(&["deploys", "--json"]).await).unwrap();
    let first = &log["deploys"].as_array().unwrap()[0];
    assert_eq!((&first["version"], &first["before"]), (&"v2".into(), &"v1 \"beta\"".into()), "{log}");
    let dora: Value = serde_json::from_str(&house.good(&["dora", "--json"]).await).unwrap();
    assert_eq!(dora["change_failure_rate"]["value"].as_f64(), Some(0.5), "{dora}");
}
