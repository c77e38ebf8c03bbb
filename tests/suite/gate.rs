//! What leaves as text: it steers no terminal, and an exit code does not say that it arrived when it did not.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use cabina::model::fact::Fact;
use cabina::model::journal::Draft;
use cabina::model::severity::Level;
use cabina::store::Store;
use sqlx::ConnectOptions as _;

use crate::record::House;
use crate::support::fault::Fault;
use crate::support::fault::answer;
use crate::support::wait::until;

const PATIENCE: Duration = Duration::from_secs(30);
/// What a terminal would obey, and what hides or turns words.
const HOSTILE: &str = "x\u{1b}]52;c;aGFja2Vk\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{200b}\u{7f}y";

/// A house with something to print for every command.
async fn house() -> (House, String) {
    let house = House::new("runbooks = [\"books\"]\n");
    let id = house.json(&["incident", "open", "--title", "calls fail", "--severity", "SEV2"]).await;
    let id = id["id"].as_str().unwrap().to_owned();
    house.good(&["incident", "note", &id, "look at this", "--kind", "todo", "--owner", "ana"]).await;
    house.good(&["deploy", "v1"]).await;
    let books = house.store().parent().unwrap().parent().unwrap().join("books");
    std::fs::create_dir_all(&books).unwrap();
    let book = "---\nid: PROC-X-001\ntitulo: Uno\n---\n# Uno\n\n## Pasos\n\n### Paso 1: mirar\n\n```bash\ntrue\n```\n";
    std::fs::write(books.join("PROC-X-001-uno.md"), book).unwrap();
    std::fs::write(books.join("metrics.txt"), "a 1\nb{x=\"y\"} 2\n").unwrap();
    (house, id)
}

/// Runs a command whose standard output goes there.
async fn into(house: &House, args: &[&str], out: impl Into<Stdio>) -> Output {
    let mut command = house.command(args);
    command.stdout(out).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().await.unwrap()
}

/// Every command that prints something, with the code that it has when that arrives.
fn commands<'a>(id: &'a str, metrics: &'a str) -> Vec<Vec<&'a str>> {
    vec![
        vec!["incident", "list"],
        vec!["incident", "list", "--actions"],
        vec!["incident", "show", id],
        vec!["incident", "verify", id],
        vec!["incident", "export"],
        vec!["postmortem", id],
        vec!["deploys"],
        vec!["dora"],
        vec!["report"],
        vec!["check"],
        vec!["doctor"],
        vec!["scrape", metrics],
        vec!["runbook", "list"],
        vec!["runbook", "show", "PROC-X-001"],
        vec!["runbook", "lint"],
        vec!["runbook", "stats"],
        vec!["runbook", "run", "PROC-X-001", "--dry-run"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["--help"],
    ]
}

#[tokio::test]
async fn what_could_not_be_printed_is_an_error_and_a_reader_that_left_is_none() {
    let (house, id) = house().await;
    let metrics = house.store().parent().unwrap().parent().unwrap().join("books/metrics.txt").display().to_string();
    for args in commands(&id, &metrics) {
        for json in [false, true] {
            let mut args = args.clone();
            if json {
                args.insert(0, "--json");
            }
            let own = house.run(&args).await.status.code();
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let out = into(&house, &args, full).await;
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(70), "{args:?}: {said}");
            assert!(said.contains("could not be written whole"), "{args:?}: {said}");
            // A pipe that nobody reads any more.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let out = into(&house, &args, writer).await;
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), own, "{args:?}: {said}");
            assert!(!said.contains("written whole"), "{args:?}: {said}");
        }
    }
}

#[tokio::test]
async fn a_file_that_may_not_grow_is_an_error_and_what_was_there_stays() {
    let (house, id) = house().await;
    let folder = house.store().parent().unwrap().parent().unwrap().to_path_buf();
    let file = folder.join("pm.md");
    std::fs::write(&file, "what was there").unwrap();
    let run = async |limit: &str, args: &str| -> Output {
        let script =
            format!("ulimit -f {limit}; exec {} --config {} {args}", env!("CARGO_BIN_EXE_cabina"), house.config());
        tokio::process::Command::new("bash").args(["-c", &script]).env("LANG", "en_US.UTF-8").output().await.unwrap()
    };
    for args in ["-o pm.md", "> out.md"] {
        let args = args
            .replace("pm.md", &file.display().to_string())
            .replace("out.md", &folder.join("out").display().to_string());
        let out = run("0", &format!("postmortem {id} {args}")).await;
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), out.status.signal()), (Some(70), None), "{args}: {said}");
        assert!(said.contains("cabina: "), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "what was there");
    assert_eq!(
        std::fs::read_dir(&folder)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains(".new"))
            .count(),
        0
    );
    // The store, too.
    let out = run("0", &format!("incident note {id} x")).await;
    assert!(out.status.code().is_some_and(|c| c != 0), "{:?} {}", out.status, String::from_utf8_lossy(&out.stderr));
    house.good(&["postmortem", &id, "-o", &file.display().to_string()]).await;
    assert!(std::fs::read_to_string(&file).unwrap().contains("calls fail"));
}

#[tokio::test]
async fn a_recorder_to_which_nobody_listens_goes_on_and_ends() {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let house = House::new(&format!(
        "[[health]]\nname = \"API\"\nhttp = \"{}/\"\nevery = \"1s\"\nfail_after = 1\ncritical = true\n[severity.open]\nsev3 = \"0s\"\nsev2 = \"0s\"\nsev1 = \"0s\"\n",
        server.url
    ));
    let (reader, writer) = std::io::pipe().unwrap();
    // The pipe is full before the first word.
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
    let mut child = house.command(&["record"]).stderr(writer).kill_on_drop(true).spawn().unwrap();
    until("it asks", PATIENCE, async || if server.seen().len() > 2 { Ok(()) } else { Err(String::new()) }).await;
    server.on("/", answer(500, "text/plain", "no"));
    until("it judges and records", PATIENCE, async || {
        let list = house.json(&["incident", "list"]).await;
        if list["incidents"].as_array().unwrap().is_empty() { Err(list.to_string()) } else { Ok(()) }
    })
    .await;
    let pid = rustix::process::Pid::from_raw(child.id().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), child.wait()).await.expect("it does not end").unwrap();
    assert_eq!(ended.code(), Some(143));
    drop(reader);
}

fn harmless(args: &[&str], out: &Output) {
    for (name, bytes) in [("stdout", &out.stdout), ("stderr", &out.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        let bad = text.chars().find(|c| cabina::model::text::is_unsafe(*c) && *c != '\n' && *c != '\t');
        assert!(bad.is_none(), "{args:?} {name}: {bad:?} in {text:?}");
    }
}

#[tokio::test]
async fn rows_of_another_writer_steer_no_terminal() {
    let (house, id) = house().await;
    let url = format!("sqlite://{}", house.store().display());
    let store = Store::open(&url, 5_000).await.unwrap().store;
    let (who, now) = (HOSTILE.to_owned(), chrono::Utc::now().timestamp_millis());
    let draft = |fact| Draft::new(now, HOSTILE, HOSTILE, fact);
    let facts = vec![
        Fact::Note { text: who.clone() },
        Fact::Todo { text: who.clone(), owner: Some(who.clone()), due: Some(who.clone()) },
        Fact::Update { text: who.clone() },
        Fact::Declared { level: Level::Sev1, reason: who.clone() },
        Fact::Assigned { role: who.clone(), who: who.clone() },
        Fact::Resolved { since: now, text: who.clone() },
    ];
    store.append(&id, facts.into_iter().map(draft).collect()).await.unwrap();
    let opened = Fact::IncidentOpened { title: who.clone(), level: Level::Sev2, began: now };
    let other = store.open_incident(2026, vec![draft(opened)]).await.unwrap().id;
    store.close().await;
    // Raw in the columns, as cabina itself would never write them.
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
    let mut raw = options.connect().await.unwrap();
    let deploy = serde_json::json!({ "id": "d", "version": HOSTILE, "at": now, "by": HOSTILE, "from": HOSTILE, "note": HOSTILE });
    for data in [deploy.to_string(), deploy.to_string().replace("\\u001b", "\u{1b}").replace("\"d\"", "\"e\"")] {
        let id = if data.contains("\"e\"") { "e" } else { "d" };
        sqlx::query("INSERT INTO deploy (id, happened_at, data) VALUES (?, ?, ?)")
            .bind(id)
            .bind(now)
            .bind(data)
            .execute(&mut raw)
            .await
            .unwrap();
    }
    let metrics = house.store().parent().unwrap().parent().unwrap().join("books").join(format!("{HOSTILE}.txt"));
    std::fs::write(&metrics, format!("a{{x=\"{HOSTILE}\"}} 1\n")).unwrap();
    let (metrics, gone) = (metrics.display().to_string(), format!("{HOSTILE}-none"));
    for id in [&id, &other] {
        let mut all = commands(id, &metrics);
        all.extend([
            vec!["incident", "show", &gone],
            vec!["postmortem", &gone],
            vec!["runbook", "show", &gone],
            vec![&gone],
        ]);
        all.push(vec!["scrape", &gone]);
        for args in all {
            for json in [&[][..], &["--json"]] {
                let args = [json, &args[..]].concat();
                harmless(&args, &house.run(&args).await);
            }
        }
    }
    // JSON loses nothing of it.
    let out = house.good(&["scrape", &metrics]).await;
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(read["samples"][0]["labels"]["x"], HOSTILE);
}

#[tokio::test]
async fn names_of_a_cloned_repository_steer_no_terminal() {
    let (house, _) = house().await;
    let books = house.store().parent().unwrap().parent().unwrap().join("books");
    for (i, text) in ["no procedure", "---\nid: [broken\n---\n# x\n"].into_iter().enumerate() {
        std::fs::write(books.join(format!("{HOSTILE}{i}.md")), text).unwrap();
    }
    let folder = books.join(HOSTILE);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("x.md"), format!("# {HOSTILE}\n\n```bash\necho {HOSTILE}\n```\n")).unwrap();
    let (books, one) = (books.display().to_string(), folder.join("x.md").display().to_string());
    for args in [
        vec!["runbook", "lint", &books],
        vec!["runbook", "lint", &one],
        vec!["runbook", "list"],
        vec!["runbook", "show", &one],
    ] {
        for json in [&[][..], &["--json"]] {
            let args = [json, &args[..]].concat();
            harmless(&args, &house.run(&args).await);
        }
    }
}

#[tokio::test]
async fn what_is_taken_in_is_all_or_nothing_and_bounded() {
    let one = House::new("");
    let year = chrono::Utc::now().format("%Y").to_string();
    for n in 1..=3 {
        one.good(&["incident", "open", "--title", &format!("number {n}")]).await;
        one.good(&["incident", "note", "newest", "first"]).await;
    }
    one.good(&["deploy", "v1"]).await;
    let good = one.good(&["incident", "export"]).await;
    let with = |f: &dyn Fn(usize, String) -> String| -> String {
        good.lines().enumerate().map(|(i, l)| f(i, l.to_owned()) + "\n").collect()
    };
    let last = good.lines().count() - 2;
    let of = |key: &'static str, value: serde_json::Value| {
        move |i: usize, line: String| {
            let mut entry: serde_json::Value = serde_json::from_str(&line).unwrap();
            if i == last {
                entry[key] = value.clone();
            }
            entry.to_string()
        }
    };
    let reversed: String = good.lines().rev().collect::<Vec<_>>().join("\n");
    let renamed = |to: &str| good.replace(&format!("INC-{year}-0002"), to);
    let cases = [
        ("another number", renamed(&format!("INC-{year}-9223372036854775807"))),
        ("not as it is written", renamed(&format!("INC-{year}-02"))),
        ("out of order", reversed),
        ("a place beyond all", with(&of("seq", serde_json::json!(i64::MAX)))),
        ("a negative place", with(&of("seq", serde_json::json!(-1)))),
        ("a time beyond all", with(&of("at", serde_json::json!("9999-12-31T23:59:59Z")))),
        ("a time before all", with(&of("recorded_at", serde_json::json!("0001-01-01T00:00:00Z")))),
        ("a name without end", with(&of("who", serde_json::json!("x".repeat(100_000))))),
        ("a line without end", good.clone() + &format!("{{\"schema\":1,\"x\":\"{}\"}}\n", "x".repeat(3_000_000))),
        ("an entry that does not fit", with(&of("hash", serde_json::json!("00")))),
        ("no line of ours", good.clone() + "{}\n"),
    ];
    for (what, text) in cases {
        let two = House::new("");
        let file = two.store().parent().unwrap().parent().unwrap().join("in.jsonl");
        std::fs::write(&file, &text).unwrap();
        let (code, said) = two.bad(&["incident", "import", &file.display().to_string()]).await;
        assert!(code == 64 || code == 2, "{what}: {code} {said}");
        assert!(said.len() < 4_000, "{what}: {said}");
        assert!(
            two.json(&["incident", "list"]).await["incidents"].as_array().unwrap().is_empty(),
            "{what}: nothing is in"
        );
        assert!(two.json(&["deploys"]).await["deploys"].as_array().unwrap().is_empty(), "{what}: nothing is in");
        two.good(&["incident", "open", "--title", "after it"]).await;
    }
    // The last number there is does not end the year.
    let two = House::new("");
    let lines: Vec<&str> = good.lines().filter(|l| l.contains(&format!("INC-{year}-0001"))).collect();
    let store = Store::open(&format!("sqlite://{}", two.store().display()), 5_000).await.unwrap().store;
    let fact = Fact::IncidentOpened { title: "far".to_owned(), level: Level::Sev4, began: 1_700_000_000_000 };
    let far = cabina::model::incident::Incident::new(&format!("INC-{year}-999999"));
    let draft = Draft { id: "far".to_owned(), ..Draft::new(1_700_000_000_000, "ana", "web1", fact) };
    let entry = cabina::model::journal::Entry::seal(&far, draft, 1_700_000_000_000);
    store.take_back(&far.id, &[entry]).await.unwrap();
    store.close().await;
    assert!(!lines.is_empty());
    for n in ["0001", "0002"] {
        let id = two.json(&["incident", "open", "--title", "goes on"]).await["id"].clone();
        assert_eq!(id, format!("INC-{year}-{n}"));
    }
}
