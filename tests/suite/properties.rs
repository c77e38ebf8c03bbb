//! Whatever happens, in whatever order, on whatever screen: no panic, and what happened once happens again.

use cabina::engine;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::recording;
use cabina::engine::recording::Writer;
use cabina::engine::state::Mode;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::sessions::Measurement;
use cabina::model::sessions::Rows;
use cabina::model::signal::Absence;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Stamp;
use cabina::theme::Depth;
use cabina::theme::Theme;
use cabina::view;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::support::settings;

const CONFIG: &str = r#"
service = "IACT \u001b[31m"
environment = "production"
[prometheus]
url = "http://p:9090"
[[scrape]]
url = "http://a/metrics"
[sessions]
url = "sqlite:///x"
[[signal]]
name = "q"
query = "q"
warning = { above = 10 }
[[health]]
name = "A"
http = "http://a"
critical = true
[[health]]
name = "B ñ 日本"
tcp = "b:1"
depends_on = ["A"]
[[contact]]
role = "DBA"
how = "x"
"#;

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        any::<f64>().prop_map(Reading::from_float),
        (0.0..2.0f64).prop_map(Reading::Value),
        Just(Reading::Absent(Absence::NoSeries)),
        Just(Reading::Absent(Absence::NoTraffic)),
        Just(Reading::Absent(Absence::Failed("x".to_owned()))),
    ]
}

const NAMES: [&str; 8] =
    ["error_rate", "error_rate_1m", "error_rate_30m", "latency_p95", "latency_p99", "request_rate", "q", "zzz"];

fn sample() -> impl Strategy<Value = Sample> {
    let counts = proptest::option::of((0.0..5_000.0f64, 0.0..5_000.0f64));
    (proptest::sample::select(&NAMES[..]), any::<u32>(), reading(), counts).prop_map(|(name, at, reading, counts)| {
        Sample {
            signal: name.to_owned(),
            at: i64::from(at) * 1_000,
            reading,
            counts: counts.map(|(failed, total)| Counts { failed, total, window: 300_000 }),
            worst: None,
        }
    })
}

fn key() -> impl Strategy<Value = Chord> {
    let plain = prop_oneof![
        proptest::char::range(' ', '~').prop_map(Code::Char),
        proptest::sample::select(
            &[
                Code::Enter,
                Code::Esc,
                Code::Tab,
                Code::BackTab,
                Code::Up,
                Code::Down,
                Code::PageUp,
                Code::PageDown,
                Code::Home,
                Code::End,
                Code::Backspace,
                Code::Other
            ][..]
        ),
    ];
    (plain, any::<bool>()).prop_map(|(code, ctrl)| Chord {
        code,
        ctrl: ctrl && matches!(code, Code::Char(_)),
        alt: false,
    })
}

fn look() -> impl Strategy<Value = Result<Measurement, Absence>> {
    let good = (any::<u32>(), any::<bool>(), proptest::option::of(0.0..1e6f64), proptest::option::of(any::<u32>()));
    prop_oneof![
        good.prop_map(|(n, exact, pace, expired)| Ok(Measurement {
            rows: if exact { Rows::exact(n.into()) } else { Rows::estimate(n.into()) },
            renewed_per_min: pace,
            renewed_per_min_1h: pace,
            usual_per_min: pace.map(|p| p / 7.0),
            expired: expired.map(|e| Rows::exact(e.into())),
            bytes: Some(u64::from(n)),
            oldest_expiry: expired.map(i64::from),
            sweepable: Some(0.5),
            answer: i64::from(n % 5_000),
            took: 10,
            count_gave_up: !exact,
        })),
        Just(Err(Absence::Timeout(5))),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let outcome = prop_oneof![
        Just(Outcome::Good),
        Just(Outcome::Slow("a".to_owned(), "b".to_owned())),
        Just(Outcome::Absent(Absence::Refused)),
        any::<String>().prop_map(|s| Outcome::Unexpected(cabina::model::text::clean(&s), "x".to_owned())),
    ];
    prop_oneof![
        4 => Just(Kind::Tick),
        2 => (0u16..220, 0u16..70).prop_map(|(width, height)| Kind::Resized { width, height }),
        6 => key().prop_map(Kind::Key),
        1 => any::<String>().prop_map(Kind::Pasted),
        4 => (proptest::sample::select(&["A", "B ñ 日本", "nobody"][..]), outcome, 0i64..9_000).prop_map(|(c, outcome, ms)| Kind::Probed {
            check: c.to_owned(),
            probe: Probe { outcome, latency: Some(ms), detail: "HTTP 200".to_owned(), cert_days: Some(ms), cert_soon: ms % 2 == 0 },
        }),
        4 => (proptest::sample::select(&["prometheus", "scrape", "zzz"][..]), proptest::collection::vec(sample(), 0..12), any::<bool>()).prop_map(
            |(source, samples, history)| Kind::Sampled { source: source.to_owned(), origin: Origin::Prometheus, samples, history, took: 3, notes: Vec::new() }
        ),
        2 => look().prop_map(|look| Kind::Measured { look }),
        1 => Just(Kind::SourceFailed { source: "prometheus".to_owned(), why: Absence::Refused }),
        1 => Just(Kind::SourceDied { source: "sessions".to_owned(), why: "panic".to_owned() }),
    ]
}

fn play(events: &[(u32, Kind)]) -> State {
    let (settings, _) = settings(CONFIG);
    let mut state = State::new(settings, Mode::Cockpit, Stamp { mono: 0, wall: 1_700_000_000_000 });
    let mut at = 0i64;
    for (later, kind) in events {
        at += i64::from(*later);
        let stamp = Stamp { mono: at, wall: 1_700_000_000_000 + at };
        engine::update(&mut state, Event { at: stamp, kind: kind.clone() });
    }
    state
}

fn draw(state: &State, width: u16, height: u16, ascii: bool) -> ratatui::buffer::Buffer {
    let theme = Theme::named("noche", Depth::True, ascii).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|f| view::render(state, &theme, f)).unwrap();
    terminal.backend().buffer().clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_at_any_size(
        events in proptest::collection::vec((0u32..40_000, kind()), 0..60),
        width in 0u16..210,
        height in 0u16..66,
    ) {
        let state = play(&events);
        draw(&state, width, height, false);
        let plain = draw(&state, width, height, true);
        prop_assert!(plain.content.iter().all(|c| c.symbol().is_ascii()), "LANG=C draws only ASCII");
    }

    #[test]
    fn the_same_events_give_the_same_state(events in proptest::collection::vec((0u32..40_000, kind()), 0..40)) {
        prop_assert_eq!(play(&events), play(&events));
    }

    #[test]
    fn an_event_survives_being_written_down(kind in kind()) {
        let event = Event { at: Stamp { mono: 1, wall: 2 }, kind };
        let text = serde_json::to_string(&event).unwrap();
        let back: Event = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, event);
    }

    #[test]
    fn recorded_and_folded_again_it_is_the_same_state(events in proptest::collection::vec((0u32..40_000, kind()), 0..40)) {
        let mut writer = Writer::default();
        let (mut at, mut stamped) = (0i64, Vec::new());
        for (later, kind) in &events {
            at += i64::from(*later);
            stamped.push(Event { at: Stamp { mono: at, wall: 1_700_000_000_000 + at }, kind: kind.clone() });
        }
        for event in &stamped {
            writer.push(event);
        }
        let chunk = recording::read(&writer.finish()).unwrap();
        prop_assert_eq!(&chunk.events, &stamped);
        let mut state = State::new(settings(CONFIG).0, Mode::Cockpit, Stamp { mono: 0, wall: 1_700_000_000_000 });
        for event in chunk.events {
            engine::update(&mut state, event);
        }
        prop_assert_eq!(state, play(&events));
    }

    #[test]
    fn no_bytes_make_reading_a_recording_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = recording::read(&bytes);
        let _ = recording::read(&[b"CBR1", bytes.as_slice()].concat());
    }

    #[test]
    fn no_text_from_outside_reaches_a_cell_as_a_control_sequence(text in any::<String>(), width in 20u16..140) {
        let (mut settings, _) = settings(CONFIG);
        settings.service = cabina::model::text::clean(&text);
        let state = State::new(settings, Mode::Cockpit, Stamp::default());
        let buffer = draw(&state, width, 24, false);
        for cell in &buffer.content {
            let steers = cell.symbol().chars().any(cabina::model::text::is_unsafe);
            prop_assert!(!steers);
        }
    }
}

#[test]
fn every_size_from_nothing_to_huge() {
    let state = play(&[(1_000, Kind::Tick), (1_000, Kind::Key(Chord::char('?')))]);
    for width in [0, 1, 2, 3, 5, 8, 13, 20, 40, 79, 80, 99, 100, 101, 160, 200, 300] {
        for height in [0, 1, 2, 3, 5, 8, 9, 10, 13, 23, 24, 40, 60, 100] {
            draw(&state, width, height, false);
        }
    }
}
