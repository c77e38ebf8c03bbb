//! The record: the store through the real binary, many at once, killed, full, broken, and of another version.

use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use cabina::model::fact::Fact;
use cabina::model::journal::Draft;
use cabina::model::severity::Level;
use cabina::store::Store;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A house with a store of its own.
pub(crate) struct House {
    folder: TempDir,
}

impl House {
    pub(crate) fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config =
            format!("timezone = \"America/Mexico_City\"\n{more}\n[store]\nurl = \"sqlite://state/cabina.db\"\n");
        std::fs::write(folder.path().join("cabina.toml"), config).unwrap();
        Self { folder }
    }

    /// The same with its store in a folder of its own.
    pub(crate) fn at(more: &str, store: &Path) -> Self {
        let house = Self::new(more);
        let config =
            format!("timezone = \"America/Mexico_City\"\n{more}\n[store]\nurl = \"sqlite://{}\"\n", store.display());
        std::fs::write(house.folder.path().join("cabina.toml"), config).unwrap();
        house
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("state/cabina.db")
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> String {
        self.folder.path().join("cabina.toml").display().to_string()
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.store().display())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cabina"));
        command.arg("--config").arg(self.folder.path().join("cabina.toml")).args(args);
        command.env("LANG", "en_US.UTF-8").env("CABINA_USER", "rgomez").env("SECRET", "s3cr3t-token");
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().await.unwrap()
    }

    /// Runs a command that must end well.
    pub(crate) async fn good(&self, args: &[&str]) -> String {
        let out = self.run(args).await;
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        let text = self.good(&[&["--json"], args].concat()).await;
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"));
        assert_eq!(value["schema"], 1, "{args:?}");
        value
    }

    /// The exit code and the sentence of a command that must not end well.
    pub(crate) async fn bad(&self, args: &[&str]) -> (i32, String) {
        let out = self.run(args).await;
        assert!(!out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stdout));
        (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&out.stderr).into_owned())
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn texts(shown: &Value) -> Vec<&str> {
    shown["timeline"].as_array().unwrap().iter().map(|e| e["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_incident_from_its_opening_to_its_end() {
    let house = House::new("");
    let id = house.json(&["incident", "open", "--title", "calls fail", "--severity", "sev2", "--at", "-30m"]).await;
    let year = chrono::Utc::now().format("%Y").to_string();
    let id = id["id"].as_str().unwrap();
    assert_eq!(id, format!("INC-{year}-0001"));
    assert_eq!(house.json(&["incident", "open", "--title", "another"]).await["id"], format!("INC-{year}-0002"));

    house.good(&["incident", "note", id, "only POST fails\nsince 02:50", "--at", "-20m"]).await;
    house
        .good(&["incident", "note", id, "raise the pool", "--kind", "todo", "--owner", "ana", "--due", "2026-12-01"])
        .await;
    house.good(&["incident", "assign", id, "rgomez"]).await;
    house.good(&["incident", "assign", id, "ana", "--role", "comms"]).await;
    house.good(&["incident", "severity", id, "SEV1", "--reason", "half of the site"]).await;
    house.good(&["incident", "update", id, "we are going back", "--phase", "mitigating"]).await;
    let shown = house.json(&["incident", "show", &id.to_lowercase()]).await;
    assert_eq!(
        (&shown["severity"], &shown["phase"], &shown["open"]),
        (&"SEV1".into(), &"mitigating".into(), &true.into())
    );
    assert_eq!(shown["roles"], serde_json::json!({ "owner": "rgomez", "comms": "ana" }));
    assert_eq!(shown["resolved_at"], Value::Null);
    // In the order in which things happened, not in which they were written down.
    assert_eq!(texts(&shown)[..2], ["incident opened: calls fail", "only POST fails\nsince 02:50"]);
    let todo = &shown["actions"][0];
    assert_eq!(
        (&todo["text"], &todo["owner"], &todo["done"]),
        (&"raise the pool".into(), &"ana".into(), &false.into())
    );
    for entry in shown["timeline"].as_array().unwrap() {
        for key in ["seq", "at", "recorded_at", "who", "kind", "text", "data"] {
            assert!(!entry[key].is_null(), "{key}: {entry}");
        }
    }
    house.good(&["incident", "done", id, &todo["seq"].to_string()]).await;
    house.good(&["incident", "resolve", id, "went back to v4.11.3", "--at", "-5m"]).await;
    let shown = house.json(&["incident", "show", id]).await;
    assert_eq!((&shown["phase"], &shown["open"]), (&"resolved".into(), &false.into()));
    // Half an hour ago until five minutes ago, all of it SEV2: SEV1 was said only now.
    assert_eq!(shown["minutes"], serde_json::json!({ "SEV2": 25.0 }));
    assert_eq!(house.json(&["incident", "list", "--actions"]).await["actions"][0]["done"], true);
    assert_eq!(house.json(&["incident", "list", "--open"]).await["incidents"].as_array().unwrap().len(), 1);

    house.good(&["incident", "merge", "newest", id]).await;
    let merged = house.json(&["incident", "show", &format!("INC-{year}-0002")]).await;
    assert_eq!((&merged["merged_into"], &merged["open"]), (&id.into(), &false.into()));
    house.good(&["incident", "close", id]).await;
    assert_eq!(house.json(&["incident", "list", "--open"]).await["incidents"], serde_json::json!([]));
    let lines = house.good(&["incident", "export"]).await;
    let n = lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|l| l["incident"] == id).count();
    assert_eq!(house.json(&["incident", "verify", id]).await["ok"], true);
    assert_eq!(house.json(&["incident", "show", id]).await["timeline"].as_array().unwrap().len(), n);
    assert_eq!((mode(&house.store()), mode(house.store().parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn what_makes_no_sense_of_an_incident_is_refused() {
    let house = House::new("");
    let open = async || house.json(&["incident", "open", "--title", "x"]).await["id"].as_str().unwrap().to_owned();
    let (one, two, three) = (open().await, open().await, open().await);
    house.good(&["incident", "merge", &two, &one]).await;
    house.good(&["incident", "close", &three]).await;
    let cases: [(&[&str], &str); 9] = [
        (&["incident", "merge", &two, &three], "already"),
        (&["incident", "merge", &one, &one], "the same incident"),
        (&["incident", "note", &two, "here?"], "write there"),
        (&["incident", "resolve", &three], "closed already"),
        (&["incident", "note", &one, "x", "--owner", "ana"], "--kind todo"),
        (&["incident", "note", &one, "x", "--kind", "todo", "--due", "2026-13-40"], "is no day"),
        (&["incident", "note", &one, "x", "--at", "2099-01-01 10:00"], "still to come"),
        (&["incident", "done", &one, "999"], "no TODO"),
        (&["incident", "note", &one, &"x".repeat(70_000)], "does not fit"),
    ];
    for (args, says) in cases {
        let (code, said) = house.bad(args).await;
        assert!(code == 64 && said.contains(says), "{says}: {code} {said}");
    }
    // What is over can still be read by its nickname, and said about.
    house.good(&["incident", "resolve", &one]).await;
    house.good(&["incident", "show", "newest"]).await;
    house.good(&["incident", "verify", "newest"]).await;
    house.good(&["incident", "note", &three, "learnt later"]).await;
}

#[tokio::test]
async fn wrong_questions_are_one_sentence() {
    let house = House::new("[prometheus]\nurl = \"http://127.0.0.1:9/\"\nbearer_token = \"${SECRET}\"");
    let cases: &[(&[&str], &str)] = &[
        (&["incident", "show", "INC-2026-0042"], "no incident INC-2026-0042"),
        (&["incident", "note", "newest", "x"], "no incident newest"),
        (&["incident", "open", "--title", " "], "the text is missing"),
        (&["incident", "open", "--title", "x", "--severity", "SEV9"], "is no level"),
        (&["incident", "open", "--title", "x", "--at", "tomorrow"], "is no moment"),
        (&["incident", "update", "newest", "--phase", "asleep"], "is no phase"),
        (&["incident", "note"], "required"),
        (&["--read-only", "incident", "open", "--title", "x"], "read-only"),
        (&["--read-only", "deploy", "v1"], "read-only"),
    ];
    for (args, sentence) in cases {
        let (code, said) = house.bad(args).await;
        assert_eq!(code, 64, "{args:?}: {said}");
        assert!(said.contains(sentence), "{args:?}: {said}");
    }
    // What is written down holds no secret and no control sequence.
    house.good(&["incident", "open", "--title", "uses s3cr3t-token\u{1b}[2J"]).await;
    assert_eq!(house.json(&["incident", "show", "newest"]).await["title"], "uses •••[2J");
    let raw = std::fs::read(house.store()).unwrap();
    assert!(!raw.windows(12).any(|w| w == b"s3cr3t-token"));
}

#[tokio::test]
async fn a_change_within_the_hour_belongs_to_every_incident_after_it() {
    let house = House::new("");
    house.good(&["deploy", "v1", "--at", "-2h"]).await;
    house.good(&["deploy", "v2", "--at", "-30m"]).await;
    for title in ["calls fail", "and the queue"] {
        house.good(&["incident", "open", "--title", title]).await;
        let shown = house.json(&["incident", "show", "newest"]).await;
        let deploys: Vec<&Value> =
            shown["timeline"].as_array().unwrap().iter().filter(|e| e["kind"] == "deployed").collect();
        assert_eq!(deploys.len(), 1, "{shown}");
        assert_eq!(deploys[0]["data"]["deploy"]["version"], "v2");
        assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);
    }
}

#[tokio::test]
async fn what_was_left_to_do_long_ago_is_left_to_do() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "the first"]).await;
    house.good(&["incident", "note", "newest", "raise the pool", "--kind", "todo"]).await;
    let drafts =
        || vec![Draft::new(0, "x", "h", Fact::IncidentOpened { title: "later".into(), level: Level::Sev3, began: 0 })];
    let store = Store::open(&house.url(), 1_000).await.unwrap().store;
    for _ in 0..60 {
        store.open_incident(2_026, drafts()).await.unwrap();
    }
    store.close().await;
    let listed = house.json(&["incident", "list", "--actions"]).await;
    assert_eq!(listed["actions"].as_array().unwrap().len(), 1, "{listed}");
    let first = listed["actions"][0]["incident"].as_str().unwrap().to_owned();
    let (code, said) = house.bad(&["incident", "done", &first, "1"]).await;
    assert!(code == 64 && said.contains("is no TODO"), "{code} {said}");
    house.good(&["incident", "done", &first, "2"]).await;
}

#[tokio::test]
async fn a_deploy_is_marked_quickly_and_never_fails_a_script() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    house.good(&["deploy", "v4.11.3", "--at", "-2h"]).await;
    house
        .good(&["deploy", "v4.12.0", "--at", "-20m", "--keep-old", "30m", "--migrations", "0", "--note", "by hand"])
        .await;
    let shown = house.json(&["incident", "show", "newest"]).await;
    assert_eq!(texts(&shown)[..2], ["deploy v4.11.3", "deploy v4.12.0 (before: v4.11.3) · by hand"]);
    let data = &shown["timeline"][1]["data"]["deploy"];
    assert_eq!((&data["by"], &data["migrations"], &data["note"]), (&"rgomez".into(), &0.into(), &"by hand".into()));
    assert!(data["from"].as_str().is_some_and(|h| !h.is_empty()) && data["old_until"].is_number());

    // Somebody else holds the store: the mark waits beside it, and the script goes on.
    let lock = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect(&house.url()).await.unwrap();
    let held = lock.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let queued = house.json(&["deploy", "v4.12.1"]).await;
    assert_eq!(queued["queued"], true);
    drop(held);
    lock.close().await;
    let shown = house.json(&["incident", "show", "newest"]).await;
    assert_eq!(texts(&shown).iter().filter(|t| t.contains("v4.12.1")).count(), 1, "{:?}", texts(&shown));
    // The next one finds nothing left to take in.
    house.good(&["incident", "list"]).await;
    let shown = house.json(&["incident", "show", "newest"]).await;
    assert_eq!(texts(&shown).iter().filter(|t| t.contains("v4.12.1")).count(), 1, "{:?}", texts(&shown));
    assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_may_start_at_once_and_twenty_may_write() {
    let house = House::new("");
    let opened = futures_util::future::join_all(
        (0..10).map(|i| house.command(&["incident", "open", "--title", &format!("start {i}")]).output()),
    );
    let mut ids: Vec<String> =
        opened.await.into_iter().map(|out| String::from_utf8(out.unwrap().stdout).unwrap().trim().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10, "{ids:?}");
    let id = &ids[0];
    let notes = (0..20).map(|i| async move { (i, i.to_string()) });
    let notes = futures_util::future::join_all(notes).await;
    let written = futures_util::future::join_all(
        notes.iter().map(|(_, text)| house.command(&["incident", "note", id, text]).output()),
    );
    for out in written.await {
        let out = out.unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    assert_eq!(house.json(&["incident", "verify", id]).await["ok"], true);
    let shown = house.json(&["incident", "show", id]).await;
    assert_eq!(shown["timeline"].as_array().unwrap().len(), 21);
    for (_, text) in &notes {
        assert!(texts(&shown).contains(&text.as_str()), "{text} is missing");
    }
}

/// Killed a hundred times, at every point of its short life: what was acknowledged is there, and the chain holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_hundred_times_nothing_acknowledged_is_lost() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let began = std::time::Instant::now();
    house.good(&["incident", "note", "newest", "how long one takes"]).await;
    let whole = began.elapsed();
    let (mut acknowledged, mut killed) = (Vec::new(), 0);
    let mut round = 0_u32;
    while killed < 100 {
        assert!(round < 2_000, "only {killed} of {round} were killed in time");
        let text = format!("note {round}");
        let args = ["--json", "incident", "note", "newest", &text];
        let mut child = house.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From at once to just after a whole run.
        let moment = whole * (round % 23) / 20;
        match tokio::time::timeout(moment, child.wait()).await {
            Ok(Ok(ended)) if ended.success() => acknowledged.push(text),
            Ok(_) => panic!("{text} failed by itself"),
            Err(_) => {
                // It may still end well before the signal: then it is acknowledged too.
                child.start_kill().unwrap();
                if child.wait().await.unwrap().success() {
                    acknowledged.push(text);
                } else {
                    killed += 1;
                }
            }
        }
        round += 1;
    }
    assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);
    let shown = house.json(&["incident", "show", "newest"]).await;
    let there = texts(&shown);
    for text in &acknowledged {
        assert!(there.contains(&text.as_str()), "{text} was acknowledged and is gone");
    }
}

#[tokio::test]
async fn whoever_touches_the_journal_is_found() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    for text in ["one", "two", "three"] {
        house.good(&["incident", "note", "newest", text]).await;
    }
    let pool = sqlx::SqlitePool::connect(&house.url()).await.unwrap();
    let touches = [
        ("UPDATE entry SET data = replace(data, 'two', '2') WHERE seq = 3", "entry 3 is not what was written"),
        ("UPDATE entry SET data = replace(data, '2', 'two') WHERE seq = 3", ""),
        ("UPDATE entry SET who = 'eva' WHERE seq = 2", "entry 2 is not what was written"),
        ("UPDATE entry SET who = 'rgomez' WHERE seq = 2", ""),
        ("UPDATE incident SET state = replace(state, 'calls fail', 'nothing')", "does not follow from them"),
        ("UPDATE incident SET state = replace(state, 'nothing', 'calls fail')", ""),
        ("DELETE FROM entry WHERE seq = 4", "from entry 4 on"),
    ];
    for (sql, sentence) in touches {
        sqlx::query(sql).execute(&pool).await.unwrap();
        let out = house.run(&["incident", "verify", "newest"]).await;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let wanted = if sentence.is_empty() { (0, "entries fit") } else { (2, sentence) };
        assert_eq!(out.status.code(), Some(wanted.0), "{sql}: {said}");
        assert!(said.contains(wanted.1), "{sql}: {said}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_says_what_to_do() {
    // Made by a newer version.
    let house = House::new("");
    house.good(&["incident", "open", "--title", "x"]).await;
    let pool = sqlx::SqlitePool::connect(&house.url()).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations SELECT 99, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let (code, said) = house.bad(&["incident", "list"]).await;
    assert!(code == 1 && said.contains("newer cabina"), "{code} {said}");

    // Not a store at all, and one whose pages are rubbish: kept aside, never overwritten.
    let mut rubbish = std::fs::read(house.store()).unwrap();
    rubbish[100..].fill(b'x');
    for broken in [b"a letter to my aunt, long enough to be one".to_vec(), rubbish] {
        let house = House::new("");
        std::fs::create_dir(house.store().parent().unwrap()).unwrap();
        std::fs::write(house.store(), &broken).unwrap();
        let out = house.run(&["incident", "open", "--title", "x"]).await;
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && said.contains("damaged"), "{said}");
        let kept: Vec<PathBuf> = std::fs::read_dir(house.store().parent().unwrap())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.to_string_lossy().contains("damaged") && !p.to_string_lossy().ends_with("-wal"))
            .filter(|p| !p.to_string_lossy().ends_with("-shm"))
            .collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(said.contains(kept[0].to_str().unwrap()), "{said}");
        assert_eq!(std::fs::read(&kept[0]).unwrap(), broken);
        assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);
    }

    // Made by an older version: looking changes nothing, and the next that may write brings it up to date.
    let house = House::new("");
    house.good(&["incident", "open", "--title", "old"]).await;
    let pool = sqlx::SqlitePool::connect(&house.url()).await.unwrap();
    for sql in [
        "DROP TABLE chunk",
        "DROP TABLE recording",
        "DROP TABLE run_line",
        "DROP TABLE watch",
        "DELETE FROM _sqlx_migrations WHERE version > 1",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let (code, said) = house.bad(&["--read-only", "incident", "list"]).await;
    assert!(code == 1 && said.contains("older cabina"), "{code} {said}");
    assert!(house.good(&["incident", "list"]).await.contains("old"));
    assert!(house.good(&["--read-only", "incident", "list"]).await.contains("old"));

    // Looking makes nothing either, and takes nothing in.
    let house = House::new("");
    let (code, said) = house.bad(&["--read-only", "incident", "list"]).await;
    assert!(code == 1 && said.contains("does not exist yet"), "{code} {said}");
    assert!(!house.store().parent().unwrap().exists());

    // An address that is no place.
    let house = House::new("");
    let config = "[store]\nurl = \"mysql://cabina@127.0.0.1/cabina\"\n";
    std::fs::write(house.folder.path().join("cabina.toml"), config).unwrap();
    let (code, said) = house.bad(&["incident", "list"]).await;
    assert!(code == 1 && said.contains("only be in SQLite"), "{code} {said}");
}

/// A full disk and a folder that may not be written: one sentence, nothing half written. In a namespace of its own.
#[tokio::test]
async fn a_full_disk_and_a_read_only_folder_are_said() {
    let house = House::new("");
    let script = r#"
        set -e
        mkdir -p "$HOUSE/state"
        mount -t tmpfs -o size=256k none "$HOUSE/state"
        $CABINA incident open --title fills
        set +e
        i=0
        while [ $i -lt 200 ]; do
            $CABINA incident note newest "$(head -c 4000 /dev/zero | tr '\0' x)" >/dev/null 2>"$HOUSE/said" || break
            i=$((i + 1))
        done
        cat "$HOUSE/said" >&2
        $CABINA incident verify newest
        mount -o remount,ro "$HOUSE/state"
        $CABINA incident note newest x
        echo "ro: $?"
    "#;
    let cabina =
        format!("{} --config {}", env!("CARGO_BIN_EXE_cabina"), house.folder.path().join("cabina.toml").display());
    let out = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .env("HOUSE", house.folder.path())
        .env("CABINA", cabina)
        .env("LANG", "en_US.UTF-8")
        .output()
        .await
        .unwrap();
    let (said, err) =
        (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned());
    if err.starts_with("unshare:") {
        // Some machines give nobody a namespace; there is then no disk that could be filled.
        return;
    }
    assert!(err.contains("disk of") && err.contains("is full"), "{said}\n{err}");
    assert!(said.contains("entries fit"), "{said}\n{err}");
    assert!(said.contains("ro: 1") && err.contains("cannot be read or written"), "{said}\n{err}");
}

#[tokio::test]
async fn a_clock_that_steps_back_and_leases() {
    let house = House::new("");
    let store = Store::open(&house.url(), 1_000).await.unwrap().store;
    assert!(store.lease("scribe", "a", 1_000, 6_000).await.unwrap());
    assert!(!store.lease("scribe", "b", 2_000, 7_000).await.unwrap());
    assert!(store.lease("scribe", "a", 3_000, 8_000).await.unwrap());
    assert!(store.lease("scribe", "b", 9_000, 14_000).await.unwrap(), "it had run out");
    assert!(!store.lease("scribe", "a", 10_000, 15_000).await.unwrap());
    // The clock steps back an hour: nobody waits for it to come round again.
    assert!(store.lease("scribe", "a", 9_000 - 3_600_000, 14_000 - 3_600_000).await.unwrap());
    store.release("scribe", "a").await.unwrap();
    assert!(store.lease("scribe", "b", 1_000, 6_000).await.unwrap());

    // Entries keep the order in which they were written down, whatever the clock says meanwhile.
    let opening = Fact::IncidentOpened { title: "x".to_owned(), level: Level::Sev2, began: 5_000 };
    let incident = store.open_incident(2026, vec![Draft::new(5_000, "ana", "web1", opening)]).await.unwrap();
    let note = |at| Draft::new(at, "ana", "web1", Fact::Note { text: at.to_string() });
    store.append(&incident.id, vec![note(9_000), note(2_000)]).await.unwrap();
    let newest = store.newest(&incident.id, (i64::MAX, i64::MAX), 10).await.unwrap();
    assert_eq!(newest.iter().map(|e| e.at).collect::<Vec<_>>(), [9_000, 5_000, 2_000]);
    let next = store.newest(&incident.id, (newest[0].at, newest[0].seq), 10).await.unwrap();
    assert_eq!(next, newest[1..]);
    assert_eq!(store.verify(&incident.id).await.unwrap(), Ok(3));
}

/// "I have it", pressed by two at once: one incident, one owner, one helper.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_press_at_once_share_one_incident() {
    let house = House::new("");
    let store = Store::open(&house.url(), 10_000).await.unwrap().store;
    let press = |who: &'static str| {
        let store = store.clone();
        tokio::spawn(async move {
            let opening = Fact::IncidentOpened { title: "x".to_owned(), level: Level::Sev1, began: 1 };
            let drafts = vec![Draft::new(1, who, "web1", opening)];
            store.open_or_join(2026, drafts, Some(Draft::taken(2, who, "web1")), None).await.unwrap()
        })
    };
    let (a, b) = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(press("ana"), press("eva")) })
        .await
        .unwrap();
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.incident.id, b.incident.id);
    assert!(a.opened != b.opened);
    let incident = store.incident(&a.incident.id).await.unwrap();
    let owner = incident.owner().unwrap().to_owned();
    let other = if owner == "ana" { "eva" } else { "ana" };
    assert_eq!(incident.roles.get(&format!("helper {other}")).map(String::as_str), Some(other));
    // Pressing again changes nothing.
    let again = store.open_or_join(2026, Vec::new(), Some(Draft::taken(3, &owner, "web1")), None).await.unwrap();
    assert_eq!((again.opened, again.incident.last_seq), (false, incident.last_seq));
}

#[tokio::test]
async fn proving_a_journal_while_others_write_to_it_raises_no_alarm() {
    let house = House::new("");
    let id = house.json(&["incident", "open", "--title", "busy"]).await["id"].as_str().unwrap().to_owned();
    let store = Store::open(&house.url(), 10_000).await.unwrap().store;
    let (writer, of) = (store.clone(), id.clone());
    let writing = tokio::spawn(async move {
        for i in 0..300 {
            let note = Fact::Note { text: format!("note {i}") };
            writer.append(&of, vec![Draft::new(i, "ana", "web1", note)]).await.unwrap();
        }
    });
    let mut proved = 0;
    while !writing.is_finished() {
        assert!(store.verify(&id).await.unwrap().is_ok());
        proved += 1;
    }
    writing.await.unwrap();
    assert!(proved > 3, "{proved}");
    assert_eq!(store.verify(&id).await.unwrap(), Ok(301));
    store.close().await;
}
