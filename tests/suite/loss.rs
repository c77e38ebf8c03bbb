//! Nothing that was said to be saved is lost: disks that fill up and empty again, stores that are moved, deleted,
//! replaced and damaged under whoever has them open, and looks at what may not be written.

use std::path::Path;
use std::time::Duration;

use cabina::model::fact::Fact;
use cabina::model::journal::Draft;
use cabina::model::severity::Level;
use cabina::store::Led;
use cabina::store::Store;
use cabina::store::StoreError;

use crate::record::House;
use crate::support::disk::Disk;
use crate::support::pty::Screen;
use crate::support::wait::until;

const PATIENCE: Duration = Duration::from_secs(30);
const CHECK: &str = "[[health]]\nname = \"A\"\ntcp = \"127.0.0.1:9\"\nevery = \"1s\"\n";

fn cockpit(house: &House, state: &Path) -> Screen {
    let state = state.display().to_string();
    Screen::start(&["--config", &house.config()], &[("CABINA_USER", "rosa"), ("XDG_STATE_HOME", &state)], 110, 40)
}

async fn note(screen: &mut Screen, text: &str) {
    screen.keys("n").await;
    screen.shows("Note in INC-").await;
    screen.keys(&format!("{text}\r")).await;
    screen.shows(text).await;
}

/// Notes after each other until one is not saved: a log that has room within its last page takes some more.
async fn until_not_saved(screen: &mut Screen, text: &str) {
    for n in 0.. {
        note(screen, &format!("{text} {n} {}", "x".repeat(60))).await;
        screen.until("saved or not", |s| !s.text().contains("saving")).await;
        if screen.text().contains("NOT SAVED") {
            return;
        }
        assert!(n < 200, "it never fills");
    }
}

/// Opens an incident, and waits until its entries are on the disk.
async fn opened(screen: &mut Screen) {
    screen.shows("Facts").await;
    screen.keys("i").await;
    screen.until("an incident", |s| s.text().contains("opened, and you have it")).await;
}

async fn notes(house: &House) -> Vec<String> {
    let shown = house.json(&["incident", "show", "newest"]).await;
    let timeline = shown["timeline"].as_array().unwrap();
    timeline.iter().filter(|e| e["kind"] == "note").map(|e| e["text"].as_str().unwrap().to_owned()).collect()
}

async fn written(house: &House, wanted: &[&str]) {
    until("the notes", PATIENCE, async || {
        let notes = notes(house).await;
        if notes == wanted { Ok(()) } else { Err(format!("{notes:?}")) }
    })
    .await;
    assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);
}

#[tokio::test]
async fn a_disk_that_was_full_for_a_while_ends_nothing() {
    let Some(disk) = Disk::new(512).await else { return };
    let house = House::at(CHECK, &disk.path("state/cabina.db"));
    let state = tempfile::tempdir().unwrap();
    let mut screen = cockpit(&house, state.path());
    opened(&mut screen).await;
    note(&mut screen, "before it was full").await;
    written(&house, &["before it was full"]).await;
    for round in ["first", "second"] {
        disk.fill().await;
        note(&mut screen, &format!("while it was full, {round}")).await;
        until_not_saved(&mut screen, "more").await;
        disk.free().await;
        screen.until("it is saved", |s| !s.text().contains("NOT SAVED")).await;
    }
    let notes = notes(&house).await;
    assert!(notes.iter().any(|n| n.contains("second")), "{notes:?}");
    assert_eq!(house.json(&["incident", "verify", "newest"]).await["ok"], true);

    // Whoever quits with something unsaved is asked, and it waits where there is room.
    disk.fill().await;
    until_not_saved(&mut screen, "last words").await;
    screen.keys("q").await;
    screen.shows("Entries are not saved").await;
    screen.keys("\u{1b}").await;
    screen.until("the card is gone", |s| !s.text().contains("Entries are not saved")).await;
    screen.keys("q").await;
    screen.shows("Entries are not saved").await;
    screen.keys("y").await;
    assert!(screen.ends().await.success(), "{}", screen.text());
    assert!(screen.text().contains("did not reach the store"), "{}", screen.text());
    disk.free().await;
    let out =
        house.command(&["incident", "show", "newest"]).env("XDG_STATE_HOME", state.path()).output().await.unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("last words 0"), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
}

#[tokio::test]
async fn a_cockpit_that_comes_up_on_a_full_disk_reads_and_keeps() {
    let Some(disk) = Disk::new(512).await else { return };
    let house = House::at("language = \"en\"\n", &disk.path("state/cabina.db"));
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let state = tempfile::tempdir().unwrap();
    disk.fill().await;
    let mut screen = cockpit(&house, state.path());
    screen.shows("INC-").await;
    screen.until("why it cannot be written to", |s| s.text().contains("NOT SAVED: the disk of")).await;
    note(&mut screen, "written on a full disk").await;
    screen.until("it is not saved", |s| !s.text().contains("saving") && s.text().contains("NOT SAVED")).await;
    disk.free().await;
    screen.until("it is saved", |s| !s.text().contains("NOT SAVED")).await;
    written(&house, &["written on a full disk"]).await;
    // What waits in the queue is not in what is read: that is said.
    disk.fill().await;
    until_not_saved(&mut screen, "for the queue").await;
    screen.keys("q").await;
    screen.shows("Entries are not saved").await;
    screen.keys("y").await;
    assert!(screen.ends().await.success(), "{}", screen.text());
    let look = async || {
        let out = house.command(&["incident", "show", "newest"]).env("XDG_STATE_HOME", state.path()).output().await;
        String::from_utf8_lossy(&out.unwrap().stderr).into_owned()
    };
    let said = look().await;
    assert!(said.contains("entries wait in the queue"), "{said}");
}

#[tokio::test]
async fn whoever_looks_moves_no_damaged_store_away_and_who_writes_says_so() {
    let house = House::new("language = \"en\"\n");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let mut bytes = std::fs::read(house.store()).unwrap();
    bytes[..4096].fill(0xEE);
    std::fs::write(house.store(), &bytes).unwrap();
    let looks: [&[&str]; 8] = [
        &["incident", "list"],
        &["--json", "incident", "list"],
        &["incident", "show", "newest"],
        &["incident", "verify", "newest"],
        &["incident", "export"],
        &["postmortem", "newest"],
        &["deploys"],
        &["report"],
    ];
    for looked in looks {
        let (code, said) = house.bad(looked).await;
        assert!(code == 1 && said.contains("cannot be read") && said.contains("backup"), "{looked:?}: {code} {said}");
        assert!(std::fs::read(house.store()).unwrap() == bytes, "{looked:?}");
    }
    // A cockpit has to write: it puts the old one aside, and says where.
    let state = tempfile::tempdir().unwrap();
    let mut screen = cockpit(&house, state.path());
    screen.shows("look at the store: [s]").await;
    screen.keys("s").await;
    screen.shows(".damaged-").await;
}

#[tokio::test]
async fn a_cockpit_says_what_of_its_store_cannot_be_read() {
    let house = House::new("language = \"en\"\n");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    for n in 0..5 {
        house.good(&["incident", "note", "newest", &format!("note {n}")]).await;
    }
    let url = format!("sqlite://{}", house.store().display());
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
    let mut raw = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("UPDATE entry SET data = CAST(x'7bff' AS TEXT) WHERE seq = 3").execute(&mut raw).await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let mut screen = cockpit(&house, state.path());
    screen.shows("look at the store: [s]").await;
    screen.keys("s").await;
    screen.shows("entries cannot be read (no. 3)").await;
}

#[tokio::test]
async fn ended_by_a_signal_what_is_unsaved_waits_or_is_said() {
    let Some(disk) = Disk::new(512).await else { return };
    let house = House::at(CHECK, &disk.path("state/cabina.db"));
    // There is no room anywhere.
    let state = disk.path("elsewhere");
    let mut screen = cockpit(&house, &state);
    opened(&mut screen).await;
    disk.fill().await;
    until_not_saved(&mut screen, "nowhere to go").await;
    screen.signal(rustix::process::Signal::TERM);
    assert_eq!(screen.ends().await.code(), Some(70), "{}", screen.text());
    assert!(screen.text().contains("ENTRIES LOST") && screen.text().contains("nowhere to go"), "{}", screen.text());
}

#[tokio::test]
async fn a_connection_whose_write_failed_is_not_used_again() {
    let Some(disk) = Disk::new(512).await else { return };
    let url = format!("sqlite://{}", disk.path("cabina.db").display());
    let store = Store::open(&url, 1_000).await.unwrap().store;
    let fact = Fact::IncidentOpened { title: "x".to_owned(), level: Level::Sev2, began: 1 };
    let id = store.open_incident(2026, vec![Draft::new(1, "ana", "web1", fact)]).await.unwrap().id;
    let note = || vec![Draft::new(2, "ana", "web1", Fact::Note { text: "y".repeat(3_000) })];
    disk.fill().await;
    let mut failed = 0;
    for _ in 0..40 {
        match store.append(&id, note()).await {
            Ok(_) => {}
            Err(StoreError::NoRoom(_)) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failed > 2, "{failed}");
    assert!(store.lease("scribe", "me", 1_000, 6_000).await.is_err());
    disk.free().await;
    store.append(&id, note()).await.unwrap();
    assert!(store.lease("scribe", "me", 1_000, 6_000).await.unwrap());
    store.verify(&id).await.unwrap().unwrap();
}

fn all(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect()
}

#[tokio::test]
async fn a_store_that_goes_away_is_written_anew() {
    for how in ["moved", "deleted", "its folder deleted"] {
        let house = House::new(CHECK);
        let state = tempfile::tempdir().unwrap();
        let mut screen = cockpit(&house, state.path());
        opened(&mut screen).await;
        note(&mut screen, "before it went").await;
        written(&house, &["before it went"]).await;
        let before = house.json(&["incident", "show", "newest"]).await;
        let folder = house.store().parent().unwrap().to_path_buf();
        let old = tempfile::tempdir().unwrap();
        match how {
            "moved" => {
                for file in all(&folder) {
                    std::fs::rename(&file, old.path().join(file.file_name().unwrap())).unwrap();
                }
            }
            "deleted" => {
                for file in all(&folder) {
                    if file.is_dir() {
                        std::fs::remove_dir_all(&file).unwrap();
                    } else {
                        std::fs::remove_file(&file).unwrap();
                    }
                }
            }
            _ => std::fs::remove_dir_all(&folder).unwrap(),
        }
        note(&mut screen, "after it went").await;
        screen.until("it is saved", |s| !s.text().contains("NOT SAVED") && !s.text().contains("saving")).await;
        written(&house, &["before it went", "after it went"]).await;
        let after = house.json(&["incident", "show", "newest"]).await;
        let n = before["timeline"].as_array().unwrap().len();
        for (i, entry) in before["timeline"].as_array().unwrap().iter().enumerate() {
            assert!(i < n && after["timeline"].as_array().unwrap().contains(entry), "{how}: {entry}\n{after}");
        }
        if how == "moved" {
            // Whoever moved it has it whole.
            let moved =
                Store::look(&format!("sqlite://{}", old.path().join("cabina.db").display()), 1_000).await.unwrap();
            assert!(!moved.incidents(true, 1).await.unwrap().is_empty());
        }
        screen.keys("q").await;
        assert!(screen.ends().await.success(), "{how}: {}", screen.text());
    }
}

#[tokio::test]
async fn a_backup_that_comes_back_gets_only_what_it_lacks() {
    let house = House::new("");
    let id = house.json(&["incident", "open", "--title", "calls fail"]).await["id"].as_str().unwrap().to_owned();
    house.good(&["incident", "note", &id, "in the backup"]).await;
    let url = format!("sqlite://{}", house.store().display());
    let backup = house.store().with_extension("backup");
    std::fs::copy(house.store(), &backup).unwrap();

    let store = Store::open(&url, 5_000).await.unwrap().store;
    let note = |text: &str| vec![Draft::new(2, "ana", "web1", Fact::Note { text: text.to_owned() })];
    store.append(&id, note("not in the backup")).await.unwrap();
    let fact = Fact::IncidentOpened { title: "another".to_owned(), level: Level::Sev2, began: 1 };
    let other = store.open_incident(2026, vec![Draft::new(1, "ana", "web1", fact)]).await.unwrap().id;
    let before = store.entries(&id, 0, 100).await.unwrap();
    // The log of the old file is still there, and is not the new one's.
    std::fs::rename(&backup, house.store()).unwrap();
    store.append(&id, note("after the restore")).await.unwrap();
    assert_eq!(store.renewals(), 1);
    let after = Store::look(&url, 5_000).await.unwrap();
    let entries = after.entries(&id, 0, 100).await.unwrap();
    assert_eq!(entries[..before.len()], before[..]);
    assert_eq!(entries.len(), before.len() + 1);
    assert!(after.verify(&id).await.unwrap().is_ok() && after.verify(&other).await.unwrap().is_ok());

    // Somebody has gone on with the backup before this one came: what it lacks goes behind that.
    let backup = house.store().with_extension("backup");
    let copy = |to: &Path| std::fs::copy(house.store(), to).unwrap();
    after.close().await;
    copy(&backup);
    let elsewhere = Store::open(&format!("sqlite://{}", backup.display()), 5_000).await.unwrap().store;
    elsewhere.append(&id, note("by another")).await.unwrap();
    elsewhere.close().await;
    store.append(&id, note("only here")).await.unwrap();
    std::fs::rename(&backup, house.store()).unwrap();
    store.append(&id, note("and on")).await.unwrap();
    let texts: Vec<String> = store
        .entries(&id, 0, 100)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|e| if let Fact::Note { text } = e.fact { Some(text) } else { None })
        .collect();
    for text in ["by another", "only here", "and on"] {
        assert_eq!(texts.iter().filter(|t| *t == text).count(), 1, "{texts:?}");
    }
    assert!(store.verify(&id).await.unwrap().is_ok());
}

#[tokio::test]
async fn looking_works_on_a_disk_that_takes_nothing() {
    let Some(disk) = Disk::new(2_048).await else { return };
    let house = House::at("", &disk.path("state/cabina.db"));
    let id = house.json(&["incident", "open", "--title", "calls fail"]).await["id"].as_str().unwrap().to_owned();
    house.good(&["incident", "note", &id, "read me"]).await;
    // With an empty log, and with one that whoever was killed has left.
    for left in [false, true] {
        if left {
            let url = format!("sqlite://{}", disk.path("state/cabina.db").display());
            let store = Store::open(&url, 5_000).await.unwrap().store;
            let fact = Fact::Note { text: "in the log".to_owned() };
            store.append(&id, vec![Draft::new(2, "ana", "web1", fact)]).await.unwrap();
            disk.does("cp -a state kept").await;
            store.close().await;
            disk.does("rm -rf state; mv kept state; rm -f state/cabina.db-shm").await;
        }
        for how in ["full", "read-only"] {
            match how {
                "full" => disk.fill().await,
                _ => disk.lock(true).await,
            }
            for args in [&["incident", "list"][..], &["incident", "show", &id], &["postmortem", &id]] {
                let text = house.good(args).await;
                assert!(text.contains("calls fail"), "{how} {args:?}: {text}");
            }
            let text = house.good(&["incident", "show", &id]).await;
            assert_eq!(text.contains("in the log"), left, "{how}: {text}");
            disk.lock(false).await;
            disk.free().await;
        }
    }
}

#[tokio::test]
async fn a_bad_page_hides_only_what_is_on_it() {
    let house = House::new("");
    let id = house.json(&["incident", "open", "--title", "calls fail"]).await["id"].as_str().unwrap().to_owned();
    let url = format!("sqlite://{}", house.store().display());
    let store = Store::open(&url, 5_000).await.unwrap().store;
    let note = |n: usize| Draft::new(2, "ana", "web1", Fact::Note { text: format!("note-{n:04} {}", "x".repeat(900)) });
    store.append(&id, (0..60).map(note).collect()).await.unwrap();
    store.close().await;
    // The page that holds a note in the middle becomes rubbish.
    let mut bytes = std::fs::read(house.store()).unwrap();
    let at = bytes.windows(9).position(|w| w == b"note-0030").unwrap() / 4096 * 4096;
    bytes[at..at + 4096].fill(0xEE);
    std::fs::write(house.store(), bytes).unwrap();
    let out = house.run(&["incident", "show", &id]).await;
    let (text, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(text.contains("note-0000") && text.contains("note-0059") && !text.contains("note-0030"), "{text}\n{said}");
    assert!(text.matches("note-").count() > 50, "{text}");
    assert!(said.contains(&id) && said.contains("cannot be read (no. ") && said.contains("damaged"), "{said}");
    assert!(house.run(&["incident", "list"]).await.status.success());
    // Before the file is moved away, what can be read of it is to be had.
    let (code, said) = house.bad(&["incident", "verify", &id]).await;
    assert!(code == 1 && said.contains("incident export") && said.contains("then move it away"), "{code} {said}");
    assert!(said.contains("cannot be read (no. "), "{said}");
    // A document that is not made of everything says so.
    let out = house.run(&["postmortem", &id]).await;
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.code() == Some(1) && text.contains("> INC-") && text.contains("cannot be read (no. "), "{text}");
}

#[tokio::test]
async fn figures_of_a_damaged_store_are_not_all_there_is_and_say_so() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    house.good(&["deploy", "v1"]).await;
    let url = format!("sqlite://{}", house.store().display());
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
    let mut raw = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let looks: [&[&str]; 3] = [&["--json", "deploys"], &["deploys"], &["dora"]];
    for looked in looks {
        assert_eq!(house.run(looked).await.status.code(), Some(0), "{looked:?}");
    }
    sqlx::query("UPDATE deploy SET data = CAST(x'7bff' AS TEXT)").execute(&mut raw).await.unwrap();
    for looked in looks {
        let (code, said) = house.bad(looked).await;
        assert!(code == 1 && said.contains("cannot be read"), "{looked:?}: {code} {said}");
    }
    // What is read of an incident's own row its journal tells too, and a new deploy is kept.
    sqlx::query("UPDATE incident SET state = '{}'").execute(&mut raw).await.unwrap();
    let out = house.run(&["incident", "list"]).await;
    assert!(String::from_utf8_lossy(&out.stdout).contains("calls fail"), "{out:?}");
    house.good(&["deploy", "v2"]).await;
    let out = house.run(&["--json", "deploys"]).await;
    assert!(String::from_utf8_lossy(&out.stdout).contains("v2"), "{out:?}");
}

#[tokio::test]
async fn a_row_that_is_no_text_and_one_that_is_gone_are_named() {
    use sqlx::ConnectOptions as _;
    for spoil in ["UPDATE entry SET data = CAST(x'7bff' AS TEXT) WHERE seq = 3", "DELETE FROM entry WHERE seq = 3"] {
        let house = House::new("");
        let id = house.json(&["incident", "open", "--title", "calls fail"]).await["id"].as_str().unwrap().to_owned();
        for n in 1..=5 {
            house.good(&["incident", "note", &id, &format!("note {n}")]).await;
        }
        let url = format!("sqlite://{}", house.store().display());
        let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
        let mut raw = options.connect().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(spoil)).execute(&mut raw).await.unwrap();
        let out = house.run(&["incident", "show", &id]).await;
        let (text, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(text.contains("note 1") && text.contains("note 5") && !text.contains("note 2"), "{spoil}: {text}");
        assert!(out.status.code() == Some(1) && said.contains("(no. 3)"), "{spoil}: {said}");
    }
}

#[tokio::test]
async fn of_two_that_woke_together_one_writes() {
    let house = House::new("");
    let id = house.json(&["incident", "open", "--title", "calls fail"]).await["id"].as_str().unwrap().to_owned();
    let url = format!("sqlite://{}", house.store().display());
    let (one, two) = (Store::open(&url, 5_000).await.unwrap().store, Store::open(&url, 5_000).await.unwrap().store);
    let now = chrono::Utc::now().timestamp_millis();
    let line = || vec![Draft::new(2, "rules", "web1", Fact::Note { text: "once".to_owned() })];
    let led = |holder| Some(Led { name: "scribe", holder });
    // Both slept: what each knows of the lease is old.
    assert!(one.lease("scribe", "one", now - 60_000, now - 45_000).await.unwrap());
    assert_eq!(one.append_led(&id, line(), led("one")).await.unwrap_err(), StoreError::Unled);
    assert_eq!(two.append_led(&id, line(), led("two")).await.unwrap_err(), StoreError::Unled);
    assert!(two.lease("scribe", "two", now, now + 15_000).await.unwrap());
    two.append_led(&id, line(), led("two")).await.unwrap();
    assert_eq!(one.append_led(&id, line(), led("one")).await.unwrap_err(), StoreError::Unled);
    assert_eq!(one.open_or_join(2026, line(), None, led("one")).await.unwrap_err(), StoreError::Unled);
    assert_eq!(notes(&house).await, ["once"]);
}
