//! The window after a deploy: its course by events, and the command against a real Prometheus.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cabina::engine;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::state::Mode;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::signal::Absence;
use cabina::model::significance::Share;
use cabina::model::time::MINUTE;
use cabina::model::time::Millis;
use cabina::model::time::SECOND;
use cabina::model::time::Stamp;
use cabina::model::watch::Ended;
use cabina::model::watch::Watch;
use cabina::model::window::Counted;
use cabina::model::window::Part;
use cabina::model::window::Piece;
use cabina::model::window::Reason;
use cabina::model::window::Verdict;
use cabina::model::window::Window;
use cabina::report;
use proptest::prelude::*;
use serde_json::Value;

use crate::servers::Exporter;
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
}

impl Course {
    fn open(before: Option<(f64, f64)>, after: Option<(f64, f64)>) -> Self {
        let (settings, _) = settings(
            "language = \"en\"\n[prometheus]\nurl = \"http://127.0.0.1:1\"\n[[health]]\nname = \"API\"\nhttp = \"http://127.0.0.1:1/\"\ncritical = true\n",
        );
        let state = State::new(settings, Mode::Watch, Stamp { mono: 0, wall: START });
        let window = Window::new("v4.12.0".to_owned(), START, 5 * MINUTE, (5 * MINUTE, 0), 15 * SECOND);
        let mut course = Self { state, now: 0, before, after, unseen: Vec::new(), code: None };
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

/// Runs `cabina watch --json`; its exit code and what it says.
async fn watch(config: &str, args: &[&str], meanwhile: impl Future<Output = ()>) -> (i32, Value) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cabina"));
    command.args(["watch", "--json", "--headless", "--config"]).arg(file.path()).args(args);
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
    let config = format!("language = \"en\"\n[prometheus]\nurl = \"{}\"\nevery = \"1s\"\n", server.url);
    // As soon as there is something to compare with, a service that has not changed passes.
    let short = ["--for", "10s", "--deploy", "v1 \"beta\""];
    let passed = until("an unchanged service passes", Duration::from_mins(2), async || {
        let (code, said) = watch(&config, &short, async {}).await;
        if code == 0 { Ok(said) } else { Err(said.to_string()) }
    })
    .await;
    assert_eq!((&passed["verdict"], &passed["version"]), (&"PASS".into(), &"v1 \"beta\"".into()));
    let rate = &passed["signals"].as_array().unwrap().iter().find(|s| s["name"] == "error_rate").unwrap().clone();
    assert!(rate["now"]["n"].as_f64().unwrap() > 3_000.0, "{rate}");

    // It breaks; nobody waits for the end.
    let start = tokio::time::Instant::now();
    let (code, said) = watch(&config, &["--for", "2m"], async { exporter.break_down() }).await;
    assert_eq!((code, &said["verdict"], &said["ended"]), (2, &"FAIL".into(), &"lost".into()), "{said}");
    assert!(start.elapsed() < Duration::from_mins(1), "{said}");

    // Without the server nobody knows.
    server.stop();
    let (code, said) = watch(&config, &["--for", "10s"], async {}).await;
    assert_eq!((code, &said["verdict"]), (3, &"INCONCLUSIVE".into()), "{said}");
}
