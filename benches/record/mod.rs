//! The figures of the record: what a night takes on the disk, how long an entry takes to be there, and to be read.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench reads the clock and says what it read")]

use std::time::Instant;

use cabina::engine;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::record::Desk;
use cabina::engine::record::Scribe;
use cabina::engine::recording::Writer;
use cabina::engine::story;
use cabina::export::postmortem as document;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::lang::Lang;
use cabina::model::fact::Fact;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::incident::Incident;
use cabina::model::journal::Draft;
use cabina::model::journal::Entry;
use cabina::model::sessions::Measurement;
use cabina::model::sessions::Rows;
use cabina::model::severity::Level;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Stamp;
use cabina::model::time::Zone;
use cabina::store::Store;
use cabina::theme::Depth;
use cabina::theme::Theme;
use cabina::view;
use divan::Bencher;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::START;

/// What the issue asks for: 50 signals, 100 checks and the session table, each at 5 s.
const SIGNALS: usize = 50;
const CHECKS: usize = 100;
/// Spans hold five minutes.
const SPAN: i64 = 5 * 60_000;

/// Noise without a library: the same on every run (Knuth's 64-bit LCG).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn whole(&mut self, below: i64) -> i64 {
        (self.next() * below as f64) as i64
    }
}

/// Five seconds of a house; every moment and every figure has its own noise.
fn round(at: i64, noise: &mut Noise, push: &mut impl FnMut(Event)) {
    let mut event = |late: i64, kind| push(Event { at: Stamp { mono: at + late, wall: START + at + late }, kind });
    for i in 0..CHECKS {
        let late = noise.whole(40);
        let probe = Probe {
            outcome: Outcome::Good,
            latency: Some(20 + noise.whole(60)),
            detail: "HTTP 200".to_owned(),
            cert_days: None,
            cert_soon: false,
        };
        event(late, Kind::Probed { check: format!("check {i}"), probe });
    }
    let samples = (0..SIGNALS)
        .map(|i| Sample {
            signal: format!("signal_{i}"),
            at: START + at,
            reading: Reading::Value(noise.next() * i as f64),
            counts: (i < 3).then(|| Counts { failed: noise.whole(300) as f64, total: 2_460.0, window: 300_000 }),
            worst: None,
        })
        .collect();
    let took = 10 + noise.whole(20);
    let (source, origin, notes) = ("prometheus".to_owned(), Origin::Prometheus, Vec::new());
    event(60, Kind::Sampled { source, origin, samples, history: false, took, notes });
    let look = Ok(Measurement {
        rows: Rows::exact((60_000 + noise.whole(900)) as u64),
        renewed_per_min: Some(noise.next() * 20.0),
        renewed_per_min_1h: Some(noise.next() * 20.0),
        usual_per_min: Some(19.5),
        expired: Some(Rows::exact(noise.whole(3_000) as u64)),
        bytes: Some(30_000_000),
        oldest_expiry: Some(noise.whole(9_000)),
        sweepable: Some(0.5),
        answer: noise.whole(9),
        took: noise.whole(30),
        count_gave_up: false,
    });
    event(70, Kind::Measured { look });
    for second in 0..5 {
        event(second * 1_000 + 1, Kind::Tick);
    }
}

/// Bytes of an hour, as spans of five minutes.
fn hour() -> usize {
    let mut noise = Noise(42);
    let mut bytes = 0;
    for span in 0..12 {
        let mut writer = Writer::default();
        for step in 0..SPAN / 5_000 {
            round(span * SPAN + step * 5_000, &mut noise, &mut |e| writer.push(&e));
        }
        bytes += writer.finish().len();
    }
    bytes
}

fn note(i: usize) -> Draft {
    let text = format!("note {i}: what somebody saw and wrote down in one line of usual length");
    Draft::new(START + i as i64, "rosa", "web1", Fact::Note { text })
}

async fn store(folder: &std::path::Path) -> (Store, String) {
    let url = format!("sqlite://{}/cabina.db", folder.display());
    let store = Store::open(&url, 10_000).await.unwrap_or_else(|e| panic!("{e:?}")).store;
    let opened = Fact::IncidentOpened { title: "calls fail".to_owned(), level: Level::Sev1, began: START };
    let opened = store.open_incident(2026, vec![Draft::new(START, "rosa", "web1", opened)]).await;
    (store, opened.unwrap_or_else(|e| panic!("{e:?}")).id)
}

/// Figures that are no loop: printed before the benches.
pub(crate) fn figures() {
    // `cargo test --benches` and `--list` only want to know that it builds.
    if !std::env::args().any(|a| a == "--bench") || std::env::args().any(|a| a == "--list") {
        return;
    }
    let day = hour() as f64 * 24.0 / 1e6;
    println!("recording, 24 h of 50 signals, 100 checks and the session table at 5 s: {day:.1} MB (wanted: 25)");
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap_or_else(|e| panic!("{e}")).block_on(async {
        let (store, id) = store(folder.path()).await;
        let mut took: Vec<f64> = Vec::new();
        for i in 0..500 {
            let start = Instant::now();
            let _ = store.append(&id, vec![note(i)]).await.unwrap_or_else(|e| panic!("{e:?}"));
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        println!(
            "append with durability: median {:.2} ms, p95 {:.2} ms (wanted: 10), worst {:.1} ms",
            took[took.len() / 2],
            took[took.len() * 95 / 100],
            took[took.len() - 1]
        );
        for block in 0..100 {
            let notes = (0..1_000).map(|i| note(500 + block * 1_000 + i)).collect();
            let _ = store.append(&id, notes).await.unwrap_or_else(|e| panic!("{e:?}"));
        }
        store.close().await;
        let start = Instant::now();
        let url = format!("sqlite://{}/cabina.db", folder.path().display());
        let store = Store::open(&url, 10_000).await.unwrap_or_else(|e| panic!("{e:?}")).store;
        let page = store.newest(&id, (i64::MAX, i64::MAX), 500).await.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(page.len(), 500);
        println!(
            "newest page of 100,000 entries, store opened anew: {:.1} ms (wanted: 300)",
            start.elapsed().as_secs_f64() * 1e3
        );
        store.close().await;
    });
}

/// A round of 50 signals and 100 checks into a chunk: what a recorder does every five seconds.
#[divan::bench]
fn record_five_seconds(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| (Writer::default(), Noise(7))).bench_values(|(mut writer, mut noise)| {
        round(0, &mut noise, &mut |e| writer.push(&e));
        writer.finish()
    });
}

/// A cockpit that has read fifty thousand entries back, with the timeline in sight.
fn long_journal(filter: &str) -> State {
    let mut state = crate::state();
    let mut incident = Incident::new("INC-2026-0001");
    let opened = Fact::IncidentOpened { title: "calls fail".to_owned(), level: Level::Sev1, began: START };
    let mut entries = Vec::new();
    let drafts = std::iter::once(Draft::new(START, "rosa", "web1", opened)).chain((1..49_000).map(note));
    for (i, draft) in drafts.enumerate() {
        let entry = Entry::seal(&incident, Draft { id: i.to_string(), ..draft }, START);
        incident.fold(&entry);
        entries.push(entry);
    }
    let mut at = Stamp { mono: 0, wall: START + 60_000 };
    let mut take = |kind| {
        at.mono += 1;
        engine::update(&mut state, Event { at, kind });
    };
    take(Kind::RecordOpened { desk: Desk::default(), draft: String::new() });
    let (deploys, scribe, ended) = (Vec::new(), Scribe::Here, None);
    take(Kind::RecordRead { incident: Some(incident), entries, deploys, scribe, ended, last: None });
    for key in format!("7z{}", if filter.is_empty() { String::new() } else { format!("/{filter}") }).chars() {
        take(Kind::Key(Chord::char(key)));
    }
    if !filter.is_empty() {
        take(Kind::Key(Chord::plain(Code::Enter)));
    }
    state
}

/// Wanted: under 2 ms a frame.
#[divan::bench(args = ["", "note 48"])]
fn scroll_a_long_journal(bencher: Bencher<'_, '_>, filter: &str) {
    let mut state = long_journal(filter);
    let theme = Theme::named("noche", Depth::True, false).unwrap_or_else(|e| panic!("{e}"));
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap_or_else(|e| panic!("{e}"));
    let mut at = state.now;
    bencher.bench_local(|| {
        at.mono += 10;
        let kind = Kind::Key(Chord::char('j'));
        let _ = engine::update(&mut state, Event { at, kind });
        if let Err(e) = terminal.draw(|f| view::render(&state, &theme, f)) {
            panic!("{e}");
        }
    });
}

/// Wanted: under 300 ms.
#[divan::bench]
fn postmortem_of_10000_entries(bencher: Bencher<'_, '_>) {
    let mut incident = Incident::new("INC-2026-0001");
    let mut entries = Vec::new();
    for i in 0..10_000 {
        let entry = Entry::seal(&incident, Draft { id: i.to_string(), ..note(i) }, START);
        incident.fold(&entry);
        entries.push(entry);
    }
    bencher.bench_local(|| {
        let zone = Zone::default();
        let reader = story::Reader { lang: Lang::Es, zone, now: START + 3_600_000, service: "IACT", environment: "x" };
        let told = story::postmortem(&incident, &entries, &story::Curves::of_journal(&entries), reader);
        document::markdown(&told, Lang::Es, zone, document::own_template(Lang::Es)).map_or(0, |t| t.len())
    });
}
