//! `record`: nobody looks, and it is all there; and whoever opens a cockpit beside it asks nobody again.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cabina::engine;
use cabina::engine::State;
use cabina::engine::fact::said;
use cabina::engine::recording;
use cabina::engine::recording::Head;
use cabina::engine::recording::Writer;
use cabina::engine::state::Mode;
use cabina::store::Store;
use cabina::store::recordings::Span;
use tokio::process::Child;

use crate::record::House;
use crate::support::fault::Fault;
use crate::support::fault::answer;
use crate::support::play;
use crate::support::pty::Screen;
use crate::support::wait::until;

const PATIENCE: Duration = Duration::from_secs(40);

/// A house with one critical check, where the mildest trouble opens an incident.
async fn house() -> (Fault, House) {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let more = format!(
        "[[health]]\nname = \"API\"\nhttp = \"{0}/\"\nevery = \"1s\"\nfail_after = 2\ncritical = true\n[severity.open]\nsev3 = \"1s\"\nsev2 = \"1s\"\nsev1 = \"0s\"\n[severity.quiet]\nsev2 = \"1s\"\nsev3 = \"1s\"\nsev4 = \"1s\"\n",
        server.url
    );
    (server, House::new(&more))
}

fn recorder(house: &House) -> Child {
    let mut command = house.command(&["record"]);
    command.stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

fn end(child: &Child) {
    let pid = rustix::process::Pid::from_raw(child.id().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

async fn incidents(house: &House) -> Vec<serde_json::Value> {
    house.json(&["incident", "list"]).await["incidents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_opens_an_incident_by_rule_writes_what_it_sees_and_does_not_open_what_was_ended() {
    let (server, house) = house().await;
    let mut child = recorder(&house);
    until("it asks", PATIENCE, async || if server.seen().len() > 2 { Ok(()) } else { Err(String::new()) }).await;
    assert!(incidents(&house).await.is_empty(), "nothing is wrong");
    server.on("/", answer(500, "text/plain", "no"));
    let look = async || match incidents(&house).await.as_slice() {
        [one] => Ok(one["id"].as_str().unwrap().to_owned()),
        other => Err(format!("{other:?}")),
    };
    let id = until("an incident is opened", PATIENCE, look).await;
    let look = async || {
        let shown = house.json(&["incident", "show", &id]).await;
        let lines: Vec<String> = shown["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| format!("{} {} {}", e["who"].as_str().unwrap(), e["kind"].as_str().unwrap(), e["text"]))
            .collect();
        let all = ["rules incident_opened", "rules check", "rules level"];
        if all.iter().all(|k| lines.iter().any(|l| l.starts_with(k))) { Ok(shown) } else { Err(lines.join("\n")) }
    };
    let shown = until("what it saw is in the journal", PATIENCE, look).await;
    assert_eq!((&shown["severity"], &shown["roles"]), (&"SEV3".into(), &serde_json::json!({})));
    let opened = shown["timeline"].as_array().unwrap().iter().find(|e| e["kind"] == "incident_opened").unwrap();
    assert!(opened["at"].as_str() <= opened["recorded_at"].as_str());
    house.good(&["incident", "verify", &id]).await;

    // Somebody ends it while it still fails: it stays ended.
    house.good(&["incident", "resolve", &id, "known, being replaced"]).await;
    let asked = server.seen().len();
    until("it has looked again and again", PATIENCE, async || {
        if server.seen().len() > asked + 5 { Ok(()) } else { Err(server.seen().len().to_string()) }
    })
    .await;
    assert_eq!(incidents(&house).await.len(), 1);
    // Well again, and failing anew: that is another one.
    server.on("/", answer(200, "text/plain", "ok"));
    let asked = server.seen().len();
    until("it is well for a while", PATIENCE, async || {
        if server.seen().len() > asked + 5 { Ok(()) } else { Err(server.seen().len().to_string()) }
    })
    .await;
    server.on("/", answer(500, "text/plain", "no"));
    let look = async || match incidents(&house).await.len() {
        2 => Ok(()),
        n => Err(n.to_string()),
    };
    until("a second incident", PATIENCE, look).await;
    end(&child);
    assert_eq!(child.wait().await.unwrap().code(), Some(143));
}

#[tokio::test]
async fn a_cockpit_beside_it_reads_what_it_read_and_asks_for_itself_when_it_is_gone() {
    let (server, house) = house().await;
    let mut child = recorder(&house);
    server.on("/", answer(500, "text/plain", "no"));
    until("it asks", PATIENCE, async || if server.seen().len() > 3 { Ok(()) } else { Err(String::new()) }).await;
    // Recorded already: the cockpit shows what happened before it was opened.
    let look = async || if incidents(&house).await.is_empty() { Err(String::new()) } else { Ok(()) };
    until("an incident is opened", PATIENCE, look).await;
    let mut rosa = Screen::start(&["--config", &house.config()], &[("CABINA_USER", "rosa")], 120, 40);
    rosa.shows("· recorder on").await;
    rosa.shows("API: UNKNOWN -> DOWN").await;
    rosa.shows("NOBODY HAS IT").await;
    rosa.keys("R").await;
    rosa.shows("reads the sources").await;
    // Whoever asks says when: one asks, at its interval.
    let agents = server.seen().len();
    let start = tokio::time::Instant::now();
    until("five more looks", PATIENCE, async || {
        if server.seen().len() >= agents + 5 { Ok(()) } else { Err(server.seen().len().to_string()) }
    })
    .await;
    assert!(start.elapsed() > Duration::from_millis(3_800), "two ask: {:?}", start.elapsed());

    child.start_kill().unwrap();
    child.wait().await.unwrap();
    let before = server.seen().len();
    rosa.until("it asks for itself", |s| !s.text().contains("· recorder on")).await;
    server.on("/", answer(200, "text/plain", "ok"));
    rosa.shows("API: DOWN -> UP").await;
    assert!(server.seen().len() > before);
    // The next one takes over again.
    let mut child = recorder(&house);
    rosa.shows("· recorder on").await;
    rosa.keys("q").await;
    rosa.ends().await;
    end(&child);
    child.wait().await.unwrap();
}

/// Killed at any moment of its life, the next one goes on where it was: one incident, a chain that holds, and the
/// recording can be read to its end.
#[tokio::test]
async fn a_store_that_is_deleted_under_it_is_written_anew() {
    let (server, house) = house().await;
    server.on("/", answer(500, "text/plain", "no"));
    let mut child = recorder(&house);
    let open = async || match incidents(&house).await.as_slice() {
        [one] if one["open"] == true => Ok(one["id"].as_str().unwrap().to_owned()),
        other => Err(format!("{other:?}")),
    };
    let id = until("it opens one", PATIENCE, open).await;
    let before = house.json(&["incident", "show", &id]).await["timeline"][0].clone();
    std::fs::remove_dir_all(house.store().parent().unwrap()).unwrap();
    // Nobody makes a new one meanwhile but the recorder itself.
    until(
        "it is there again",
        PATIENCE,
        async || {
            if house.store().exists() { Ok(()) } else { Err("no store".to_owned()) }
        },
    )
    .await;
    assert_eq!(until("it is whole", PATIENCE, open).await, id);
    let after = house.json(&["incident", "show", &id]).await;
    assert_eq!(after["timeline"][0], before);
    assert_eq!(house.json(&["incident", "verify", &id]).await["ok"], true);
    // What it sees goes on being written there.
    server.on("/", answer(200, "text/plain", "ok"));
    until("it writes on", PATIENCE, async || {
        let shown = house.json(&["incident", "show", &id]).await.to_string();
        if shown.contains("DOWN -> UP") { Ok(()) } else { Err(shown) }
    })
    .await;
    end(&child);
    child.wait().await.unwrap();
}

#[tokio::test]
async fn killed_again_and_again_it_goes_on() {
    let (server, house) = house().await;
    server.on("/", answer(500, "text/plain", "no"));
    for round in 0..4u32 {
        let mut child = recorder(&house);
        let asked = server.seen().len();
        until("it asks", PATIENCE, async || if server.seen().len() > asked { Ok(()) } else { Err(String::new()) })
            .await;
        let mut next = Duration::from_millis(u64::from(round) * 700);
        // Somewhere between its first look and its second write.
        while tokio::time::timeout(next, child.wait()).await.is_ok() {
            next = Duration::ZERO;
        }
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }
    let child = recorder(&house);
    let look = async || match incidents(&house).await.as_slice() {
        [one] => Ok(one["id"].as_str().unwrap().to_owned()),
        other => Err(format!("{other:?}")),
    };
    let id = until("one incident, opened by rule", PATIENCE, look).await;
    house.good(&["incident", "verify", &id]).await;
    let mut rosa = Screen::start(&["--config", &house.config()], &[("CABINA_USER", "rosa")], 120, 40);
    rosa.shows("· recorder on").await;
    rosa.shows("API: UNKNOWN -> DOWN").await;
    end(&child);
}

/// The clock is put back by an hour while a level waits for its incident: waiting goes on, and ends when it should.
#[test]
fn a_clock_that_steps_back_neither_stops_nor_doubles_an_incident() {
    use cabina::engine::Event;
    use cabina::engine::Kind;
    use cabina::engine::effect::Effect;
    use cabina::engine::effect::RecordOrder;
    use cabina::engine::record::Desk;
    use cabina::engine::record::Scribe;
    use cabina::model::health::Outcome;
    use cabina::model::health::Probe;
    use cabina::model::signal::Absence;
    use cabina::model::time::Stamp;
    let (settings, _) = crate::support::settings(
        "[[health]]\nname = \"API\"\ntcp = \"127.0.0.1:1\"\nevery = \"5s\"\nfail_after = 1\ncritical = true\n[severity.open]\nsev1 = \"5m\"\n[severity.quiet]\nsev3 = \"1s\"\n",
    );
    let mut state = State::new(settings, Mode::Record, play::stamp(0));
    let (mut asked, mut told) = (Vec::new(), 0);
    for second in 0..900i64 {
        // An hour back after two minutes of trouble.
        let stepped = if second >= 180 { 3_600_000 } else { 0 };
        let at = play::stamp(second * 1_000);
        let at = Stamp { wall: at.wall - stepped, ..at };
        let mut kinds = vec![Kind::Tick];
        if second == 0 {
            kinds.push(Kind::RecordOpened { desk: Desk { id: "d".into(), host: "h".into() }, draft: String::new() });
            let (incident, ended) = (None, None);
            kinds.push(Kind::RecordRead {
                incident,
                entries: Vec::new(),
                deploys: Vec::new(),
                scribe: Scribe::Here,
                ended,
                last: None,
            });
        }
        if second % 5 == 0 {
            let outcome = if second < 60 { Outcome::Good } else { Outcome::Absent(Absence::Refused) };
            let detail = String::new();
            let probe = Probe { outcome, latency: Some(1), detail, cert_days: None, cert_soon: false };
            kinds.push(Kind::Probed { check: "API".into(), probe });
        }
        for kind in kinds {
            for effect in engine::update(&mut state, Event { at, kind }).effects {
                if matches!(effect, Effect::Record(_, RecordOrder::Take { .. })) {
                    asked.push(second);
                }
            }
        }
        told = told.max(state.timeline.len());
    }
    // Five minutes after it was SEV1; and again while nobody answers, not before.
    assert!((418..=426).contains(&asked[0]), "{asked:?}");
    assert!(asked.windows(2).all(|w| w[1] - w[0] >= 10), "{asked:?}");
    assert!(told < 10, "each thing is told once: {told}");
}

#[tokio::test]
async fn of_two_recorders_one_stands_by_until_the_other_ends() {
    use tokio::io::AsyncBufReadExt as _;
    let (server, house) = house().await;
    let mut first = recorder(&house);
    until("it asks", PATIENCE, async || if server.seen().len() > 1 { Ok(()) } else { Err(String::new()) }).await;
    let mut second = recorder(&house);
    let mut lines = tokio::io::BufReader::new(second.stderr.take().unwrap()).lines();
    let said = lines.next_line().await.unwrap().unwrap();
    assert!(said.contains("standing by"), "{said}");
    end(&first);
    assert_eq!(first.wait().await.unwrap().code(), Some(143));
    let said = lines.next_line().await.unwrap().unwrap();
    assert!(said.contains("recording to"), "{said}");
    end(&second);
    assert_eq!(second.wait().await.unwrap().code(), Some(143));
    let (code, said) = house.bad(&["--read-only", "record"]).await;
    assert!(code == 64 && said.contains("read-only"), "{code} {said}");
}

#[tokio::test]
async fn what_was_written_small_is_put_together_and_the_oldest_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/s.db", folder.path().display());
    let store = Store::open(&url, 1_000).await.unwrap().store;
    store.begin_recording("a", 0, "{}").await.unwrap();
    let span = |first: i64, events: i64, from: i64, to: i64, size: usize| Span {
        recording: "a".to_owned(),
        first,
        events,
        from,
        to,
        bytes: vec![7; size],
    };
    for i in 0..4 {
        store.put_span(&span(i * 10, 10, i * 100, i * 100 + 99, 500)).await.unwrap();
    }
    // Whoever has read fifteen reads on within the second span.
    let on: Vec<i64> = store.spans("a", 15, 10).await.unwrap().iter().map(|s| s.first).collect();
    assert_eq!(on, [10, 20, 30]);
    store.put_span(&span(10, 30, 100, 399, 600)).await.unwrap();
    let on: Vec<(i64, i64)> = store.spans("a", 15, 10).await.unwrap().iter().map(|s| (s.first, s.events)).collect();
    assert_eq!(on, [(10, 30)]);
    assert_eq!(store.spans("a", 40, 10).await.unwrap(), []);
    assert_eq!(store.spans_since(150, 10).await.unwrap().len(), 1);
    store.put_span(&span(40, 10, 400, 499, 700)).await.unwrap();
    store.forget(50, 1_000_000).await.unwrap();
    assert_eq!(store.spans("a", 0, 10).await.unwrap().len(), 3, "all of them end later");
    store.forget(100, 1_000_000).await.unwrap();
    assert_eq!(store.spans("a", 0, 10).await.unwrap().len(), 2, "the first ended before");
    store.forget(100, 1_000).await.unwrap();
    let left: Vec<i64> = store.spans("a", 0, 10).await.unwrap().iter().map(|s| s.first).collect();
    assert_eq!(left, [40], "both together are too large");
    assert_eq!(store.recording("a").await.unwrap().as_deref(), Some("{}"));
    store.close().await;
}

/// A recording that was made by the first version that could; what comes later must read it.
fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

#[test]
fn old_recordings_stay_readable() {
    let head: Head = serde_json::from_str(&std::fs::read_to_string(golden("1.json")).unwrap()).unwrap();
    let chunk = recording::read(&std::fs::read(golden("1.cbr")).unwrap()).unwrap();
    assert_eq!(chunk.all, chunk.events.len() as u64, "every event is still known");
    let mut state = State::new(head.settings, Mode::Record, head.started);
    for event in chunk.events {
        engine::update(&mut state, event);
    }
    let (lang, zone) = (state.settings.lang, state.settings.zone);
    let mut lines: Vec<String> =
        state.timeline.newest().map(|e| format!("{} {}", zone.hms(e.at), said(&e.what, lang, zone))).collect();
    lines.push(format!("{} since {}", state.verdict.level.word(), zone.hms(state.verdict.since)));
    insta::assert_snapshot!("recording_1", lines.join("\n"));
}

/// Makes the recording above. To be run once for each version of the format, never to make a test pass:
/// `cargo test makes_the_golden_recording -- --ignored`
#[test]
#[ignore = "it writes the file that another test holds later versions to"]
fn makes_the_golden_recording() {
    let scenario =
        play::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/bad-deploy-error-rate.toml"));
    let (settings, events) = play::events(&scenario, 30 * 60_000);
    let mut writer = Writer::default();
    for event in &events {
        writer.push(event);
    }
    let (version, host) = (env!("CARGO_PKG_VERSION").to_owned(), "lb1".to_owned());
    let head = Head { version, host, started: play::stamp(0), settings, watches: None };
    std::fs::create_dir_all(golden("")).unwrap();
    std::fs::write(golden("1.json"), serde_json::to_string(&head).unwrap()).unwrap();
    std::fs::write(golden("1.cbr"), writer.finish()).unwrap();
}

#[test]
fn every_night_of_the_scenarios_is_the_same_when_it_is_read_from_its_recording() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    for file in std::fs::read_dir(folder).unwrap() {
        let scenario = play::read(&file.unwrap().path());
        let (settings, events) = play::events(&scenario, 40 * 60_000);
        let mut writer = Writer::default();
        for event in &events {
            writer.push(event);
        }
        let chunk = recording::read(&writer.finish()).unwrap();
        assert_eq!(chunk.events, events);
        let fold = |events: Vec<engine::Event>| {
            let mut state = State::new(settings.clone(), Mode::Record, play::stamp(0));
            for event in events {
                engine::update(&mut state, event);
            }
            state
        };
        assert_eq!(fold(chunk.events), fold(events));
    }
}
