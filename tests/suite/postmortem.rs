//! The documents of an incident: the post-mortem in both languages, and everything out and in again.

use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::recording::Writer;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Stamp;
use cabina::store::Store;
use cabina::store::recordings::Span;
use serde_json::Value;

use crate::record::House;

const MINUTE: i64 = 60_000;

/// An incident of half an hour in which a tenth of ten requests a second failed for ten minutes.
async fn night(house: &House) -> String {
    let id = house.json(&["incident", "open", "--title", "calls | fail", "--severity", "sev1", "--at", "-30m"]).await;
    let id = id["id"].as_str().unwrap().to_owned();
    house.good(&["incident", "assign", &id, "rosa"]).await;
    house.good(&["incident", "note", &id, "only POST fails\n# not a <heading>", "--at", "-20m"]).await;
    house
        .good(&["incident", "note", &id, "raise the pool", "--kind", "todo", "--owner", "ana", "--due", "2026-12-01"])
        .await;
    assert_eq!(house.run(&["run", "--", "sh", "-c", "echo '```'; echo $SECRET; exit 4"]).await.status.code(), Some(4));
    house.good(&["incident", "resolve", &id, "went back to v4.11.3"]).await;
    id
}

async fn record_curves(house: &House) {
    let store = Store::open(&format!("sqlite://{}", house.store().display()), 5_000).await.unwrap().store;
    let now = cabina::bus::now().wall;
    let mut writer = Writer::default();
    for i in 0..40 * 12 {
        let at = now - 40 * MINUTE + i * 5_000;
        let bad = (now - 25 * MINUTE..now - 15 * MINUTE).contains(&at);
        let sample = |signal: &str, value: f64| Sample {
            signal: signal.to_owned(),
            at,
            reading: Reading::Value(value),
            counts: None,
            worst: None,
        };
        let samples = vec![sample("error_rate_1m", if bad { 0.1 } else { 0.0 }), sample("request_rate", 10.0)];
        let (source, origin, notes) = ("prometheus".to_owned(), Origin::Prometheus, Vec::new());
        let kind = Kind::Sampled { source, origin, samples, history: false, took: 1, notes };
        writer.push(&Event { at: Stamp { mono: i, wall: at }, kind });
    }
    let span = Span {
        recording: "r".to_owned(),
        first: 0,
        events: writer.events() as i64,
        from: now - 40 * MINUTE,
        to: now,
        bytes: writer.finish(),
    };
    store.begin_recording("r", now, "{}").await.unwrap();
    store.put_span(&span).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn it_says_what_figures_can_say_and_asks_people_the_rest() {
    let house = House::new("service = \"IACT\"\n[sessions]\nurl = \"mysql://u:${SECRET}@127.0.0.1:1/x\"\n");
    let id = night(&house).await;
    record_curves(&house).await;
    let made = house.json(&["postmortem", &id, "--format", "json"]).await;
    // Ten minutes of ten requests a second, a tenth of which failed: 600 of the 18,000 of half an hour.
    let (failed, all) =
        (made["impact"]["failed_requests"].as_i64().unwrap(), made["impact"]["requests"].as_i64().unwrap());
    assert!((590..=610).contains(&failed) && (17_800..=18_000).contains(&all), "{failed} of {all}");
    assert_eq!(made["impact"]["peak_error_share"], 0.1);
    assert_eq!(made["impact"]["minutes"], serde_json::json!({ "SEV1": 30.0 }));
    assert!((1_799..1_810).contains(&made["recovery_s"].as_i64().unwrap()));
    assert_eq!((&made["language"], &made["severity"]), (&"en".into(), &"SEV1".into()));
    assert_eq!(made["actions"][0]["owner"], "ana");
    assert_eq!(made["evidence"]["outputs"][0]["text"], "```\n•••");
    assert_eq!(made["evidence"]["curves"].as_array().unwrap().len(), 2);

    let en = house.good(&["postmortem", &id]).await;
    for part in [
        "# INC-",
        "calls \\| fail",
        "## Impact",
        "about 600 failed requests",
        "at worst 10 % failed",
        "\\# not a &lt;heading>",
        "- [ ] raise the pool · ana · 2026-12-01",
        "What really helped, and what was luck?",
        "went back to v4.11.3",
        "exit 4",
        "````text",
        " UTC)",
    ] {
        assert!(en.contains(part), "{part}\n{en}");
    }
    assert!(!en.contains("s3cr3t-token"));
    let es = house.good(&["postmortem", &id, "--language", "es"]).await;
    assert!(es.contains("## Qué nos sorprendió") && es.contains("unas 600 peticiones fallidas"), "{es}");
    assert!(!es.contains("What "), "{es}");

    let file = house.store().with_file_name("pm.md");
    house.good(&["postmortem", "newest", "-o", file.to_str().unwrap()]).await;
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("# INC-"));
    let template = house.store().with_file_name("own.md");
    std::fs::write(&template, "{{title}} / {{actions}}").unwrap();
    let own = house.good(&["postmortem", &id, "--template", template.to_str().unwrap()]).await;
    assert_eq!(own, "calls \\| fail / - [ ] raise the pool · ana · 2026-12-01");
    std::fs::write(&template, "{{titel}}").unwrap();
    let (code, said) = house.bad(&["postmortem", &id, "--template", template.to_str().unwrap()]).await;
    assert!(code == 64 && said.contains("{{titel}}"), "{said}");
    let (code, said) = house.bad(&["postmortem", "INC-2020-0001"]).await;
    assert!(code == 64 && said.contains("INC-2020-0001"), "{said}");
}

#[tokio::test]
async fn without_curves_it_says_that_they_are_not_known() {
    let house = House::new("[sessions]\nurl = \"mysql://u:${SECRET}@127.0.0.1:1/x\"\n");
    let id = night(&house).await;
    let made = house.json(&["postmortem", &id, "--format", "json"]).await;
    assert_eq!(made["impact"]["failed_requests"], Value::Null);
    assert!(made["impact"]["reason"].as_str().unwrap().contains("no curves"), "{made}");
    assert!(house.good(&["postmortem", &id]).await.contains("failed requests: not known"));
}

#[tokio::test]
async fn everything_goes_out_and_comes_back_in_as_it_was_sealed() {
    let (one, two) = (House::new("[sessions]\nurl = \"mysql://u:${SECRET}@127.0.0.1:1/x\"\n"), House::new(""));
    let id = night(&one).await;
    one.good(&["deploy", "v2", "--before", "v1"]).await;
    let file = one.store().with_file_name("all.jsonl");
    let path = file.to_str().unwrap();
    one.good(&["incident", "export", "-o", path]).await;
    two.good(&["incident", "import", path]).await;
    two.good(&["incident", "verify", &id]).await;
    assert_eq!(one.json(&["incident", "show", &id]).await, two.json(&["incident", "show", &id]).await);
    assert_eq!(two.json(&["incident", "import", path]).await["entries"], 0, "a second time there is nothing new");
    // What was written since is added where it belongs.
    one.good(&["incident", "close", &id, "done"]).await;
    one.good(&["incident", "export", "-o", path]).await;
    assert_eq!(two.json(&["incident", "import", path]).await["entries"], 1);
    two.good(&["incident", "verify", &id]).await;
    let again = two.good(&["incident", "export"]).await;
    assert_eq!(again, std::fs::read_to_string(&file).unwrap());

    // More than a note may hold comes through a pipe too.
    let long = "x".repeat(40_000);
    for _ in 0..3 {
        one.good(&["incident", "note", &id, &long]).await;
    }
    let text = one.good(&["incident", "export"]).await;
    let mut command = two.command(&["incident", "import", "-"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, text.as_bytes()).await.unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    two.good(&["incident", "verify", &id]).await;
    assert_eq!(two.good(&["incident", "export"]).await, text);

    // Another incident of the same number stays; so does everything when a journal was changed by hand.
    let three = House::new("");
    three.good(&["incident", "open", "--title", "something else"]).await;
    let (code, said) = three.bad(&["incident", "import", path]).await;
    assert!(code == 2 && said.contains("another incident"), "{said}");
    let four = House::new("");
    std::fs::write(&file, again.replace("only POST fails", "nothing fails")).unwrap();
    let (code, said) = four.bad(&["incident", "import", path]).await;
    assert!(code == 2 && said.contains("is not what was written"), "{said}");
    assert_eq!(four.json(&["incident", "list"]).await["incidents"], serde_json::json!([]));
    for bad in ["{}", "no json", "{\"schema\":1,\"incident\":\"INC-2026-0001\\u001b[2J\"}"] {
        std::fs::write(&file, bad).unwrap();
        let (code, said) = four.bad(&["incident", "import", path]).await;
        assert!(code == 64 && said.contains("line 1"), "{said}");
    }
}
