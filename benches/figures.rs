//! The figures that the README quotes: `cargo bench`.

use std::fmt::Write as _;

use cabina::engine;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::Settings;
use cabina::engine::State;
use cabina::engine::settings::CheckSpec;
use cabina::engine::settings::ProbeSpec;
use cabina::engine::settings::PrometheusSpec;
use cabina::engine::state::Mode;
use cabina::input::key::Chord;
use cabina::lang::Lang;
use cabina::model::alert::Alert;
use cabina::model::alert::Standing;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Stamp;
use cabina::sources::exposition;
use cabina::sources::exposition::Format;
use cabina::theme::Depth;
use cabina::theme::Theme;
use cabina::view;
use divan::Bencher;
use divan::counter::BytesCount;
use divan::counter::ItemsCount;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

mod record;
mod runbook;
mod window;

fn main() {
    window::figures();
    record::figures();
    runbook::figures();
    runbook::walk::figures();
    divan::main();
}

const START: i64 = 1_773_477_600_000;

fn state() -> State {
    let mut settings = Settings::empty(Lang::Es);
    "IACT".clone_into(&mut settings.service);
    settings.prometheus = Some(PrometheusSpec {
        endpoint: cabina::engine::settings::Endpoint::open(String::new(), "http://p"),
        every: 15_000,
        timeout: 5_000,
        history: 3_600_000,
        metrics: cabina::engine::settings::MetricNames::default(),
        rules: Vec::new(),
        watchdog: None,
    });
    settings.checks = (0..20)
        .map(|i| CheckSpec {
            name: format!("check {i}"),
            probe: ProbeSpec::Dns { name: "x".to_owned() },
            every: 5_000,
            timeout: 1_000,
            critical: i < 4,
            fail_after: 3,
            recover_after: 2,
            expect: Vec::new(),
            depends_on: Vec::new(),
        })
        .collect();
    State::new(settings, Mode::Cockpit, Stamp { mono: 0, wall: START })
}

fn samples(at: i64) -> Kind {
    let counts = Some(Counts { failed: 305.0, total: 2_460.0, window: 300_000 });
    let sample = |signal: &str, value| Sample {
        signal: signal.to_owned(),
        at: START + at,
        reading: Reading::Value(value),
        counts,
        worst: None,
    };
    let wave = (at as f64 / 90_000.0).sin().abs();
    Kind::Sampled {
        source: "prometheus".to_owned(),
        origin: Origin::Prometheus,
        samples: vec![
            sample("error_rate", 0.12 * wave),
            sample("error_rate_1m", 0.13 * wave),
            sample("latency_p95", 0.8 * wave),
            sample("latency_p99", 2.6 * wave),
            sample("request_rate", 8.2),
        ],
        history: false,
        took: 20,
        notes: Vec::new(),
    }
}

fn probed(i: usize) -> Kind {
    let probe = Probe {
        outcome: Outcome::Good,
        latency: Some(30 + (i % 7) as i64),
        detail: "HTTP 200".to_owned(),
        cert_days: None,
        cert_soon: false,
    };
    Kind::Probed { check: format!("check {}", i % 20), probe }
}

/// An hour as it comes: 20 checks at 5 s, Prometheus at 15 s, a tick a second.
fn hour() -> Vec<Event> {
    let mut events = Vec::new();
    let mut push = |at: i64, kind| events.push(Event { at: Stamp { mono: at, wall: START + at }, kind });
    for second in 0..3_600i64 {
        let at = second * 1_000;
        for i in 0..4 {
            push(at + i, probed((second * 4 + i) as usize));
        }
        if second % 15 == 0 {
            push(at + 5, samples(at));
        }
        push(at + 9, Kind::Tick);
    }
    events
}

fn played() -> State {
    let mut state = state();
    for event in hour() {
        engine::update(&mut state, event);
    }
    state
}

/// Wanted: above 500,000 events a second.
#[divan::bench]
fn update_an_hour_of_events(bencher: Bencher<'_, '_>) {
    let events = hour();
    bencher.counter(ItemsCount::new(events.len())).with_inputs(|| (state(), events.clone())).bench_values(
        |(mut state, events)| {
            for event in events {
                divan::black_box(engine::update(&mut state, event));
            }
            state
        },
    );
}

fn render(bencher: Bencher<'_, '_>, width: u16, height: u16) {
    let state = played();
    let theme = Theme::named("noche", Depth::True, false).unwrap_or_else(|e| panic!("{e}"));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap_or_else(|e| panic!("{e}"));
    bencher.bench_local(|| {
        let mut frame = terminal.get_frame();
        view::render(&state, &theme, &mut frame);
    });
}

#[divan::bench]
fn render_80x24(bencher: Bencher<'_, '_>) {
    render(bencher, 80, 24);
}

#[divan::bench]
fn render_120x40(bencher: Bencher<'_, '_>) {
    render(bencher, 120, 40);
}

/// Wanted: under 0.5 ms.
#[divan::bench]
fn render_200x60(bencher: Bencher<'_, '_>) {
    render(bencher, 200, 60);
}

/// Five thousand alerts of two hundred names.
fn stormy() -> State {
    let mut state = played();
    let alert = |i: usize| {
        let labels = [
            ("alertname", format!("Alert{}", i % 200)),
            ("severity", if i.is_multiple_of(3) { "critical" } else { "warning" }.to_owned()),
            ("instance", format!("web{i}:8000")),
            ("job", "app".to_owned()),
        ];
        Alert {
            labels: labels.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            summary: format!("something is wrong on web{i}"),
            description: String::new(),
            runbook: String::new(),
            standing: Standing::Firing,
            since: START + i as i64,
            value: None,
            managed: true,
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
        }
    };
    let kind = Kind::AlertsRead {
        source: "alertmanager".to_owned(),
        alerts: (0..5_000).map(alert).collect(),
        silences: Vec::new(),
        left_out: 0,
        skew: None,
        took: 20,
    };
    let at = state.now;
    engine::update(&mut state, Event { at, kind });
    for c in ['8', 'z'] {
        engine::update(&mut state, Event { at, kind: Kind::Key(Chord::char(c)) });
    }
    assert_eq!(state.alerts.all.len(), 5_000);
    state
}

/// Wanted: under 2 ms.
#[divan::bench]
fn render_5000_alerts(bencher: Bencher<'_, '_>) {
    let state = stormy();
    let theme = Theme::named("noche", Depth::True, false).unwrap_or_else(|e| panic!("{e}"));
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap_or_else(|e| panic!("{e}"));
    bencher.bench_local(|| {
        let mut frame = terminal.get_frame();
        view::render(&state, &theme, &mut frame);
    });
}

/// 10 MB as a service with many routes exposes them.
fn page() -> Vec<u8> {
    let mut out = String::from("# TYPE http_requests_total counter\n");
    let mut i = 0u64;
    while out.len() < 10_000_000 {
        i += 1;
        let route = i % 400;
        let _ = writeln!(
            out,
            "http_requests_total{{method=\"GET\",path=\"/api/v1/items/{{id}}/part{route}\",status=\"{}\",pod=\"web-{}\"}} {}",
            200 + i % 5,
            i % 40,
            i * 17
        );
    }
    out.into_bytes()
}

/// Wanted: 25 MB/s or more, with nothing lost.
#[divan::bench]
fn exposition_in_full(bencher: Bencher<'_, '_>) {
    let page = page();
    let lines = page.split(|b| *b == b'\n').count() - 1;
    bencher.counter(BytesCount::new(page.len())).bench_local(|| {
        let read = exposition::read(&page, Format::Text);
        assert_eq!((read.samples.len(), read.rejected), (lines - 1, 0), "nothing is lost");
        read.samples.len()
    });
}

/// 10 MB of which one line in twenty belongs to a family that is asked for.
fn mixed() -> Vec<u8> {
    let mut out = String::from("# TYPE http_requests_total counter\n");
    let mut i = 0u64;
    while out.len() < 10_000_000 {
        i += 1;
        if i.is_multiple_of(20) {
            let _ =
                writeln!(out, "http_requests_total{{method=\"GET\",path=\"/api/part{}\",status=\"200\"}} {i}", i % 400);
        } else {
            let _ = writeln!(
                out,
                "python_gc_objects_collected_total{{generation=\"{}\",pod=\"web-{}\"}} {i}",
                i % 3,
                i % 40
            );
        }
    }
    out.into_bytes()
}

/// Wanted: 300 MB/s or more when only the configured families are read.
#[divan::bench]
fn exposition_of_the_configured_families(bencher: Bencher<'_, '_>) {
    let page = mixed();
    let names = ["http_requests_total", "http_request_duration_seconds_bucket"];
    let wanted = page.split(|b| *b == b'\n').filter(|l| l.starts_with(b"http_")).count();
    bencher.counter(BytesCount::new(page.len())).bench_local(|| {
        let read = exposition::read_only(&page, Format::Text, &names);
        assert_eq!((read.samples.len(), read.rejected), (wanted, 0), "nothing that is wanted is lost");
        read.samples.len()
    });
}
