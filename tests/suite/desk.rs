//! The record as people at the screen write it: several cockpits on one store, crashes, and a store that fails.

use std::time::Duration;

use cabina::engine;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::effect::RecordOrder;
use cabina::engine::record::Desk;
use cabina::engine::record::Scribe;
use cabina::engine::state::Mode;
use cabina::engine::state::Overlay;
use cabina::engine::unsaved::unsaved;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::model::fact::Fact;
use cabina::model::incident::Incident;
use cabina::model::journal::Draft;
use cabina::model::journal::Entry;
use cabina::model::severity::Level;
use cabina::model::time::Stamp;
use cabina::store::Store;
use rustix::process::Signal;

use crate::record::House;
use crate::support::fault::Fault;
use crate::support::fault::answer;
use crate::support::pty::Screen;
use crate::support::settings;
use crate::support::wait::until;

/// A house with one check of a server that does what the test wants.
async fn house() -> (Fault, House) {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let more = format!(
        "[[health]]\nname = \"API\"\nhttp = \"{0}/\"\nevery = \"1s\"\nfail_after = 1\nrecover_after = 1\n[[health]]\nname = \"Aside\"\nhttp = \"{0}/\"\nevery = \"1s\"\n",
        server.url
    );
    (server, House::new(&more))
}

fn cockpit(house: &House, who: &str) -> Screen {
    Screen::start(&["--config", &house.config()], &[("CABINA_USER", who)], 110, 40)
}

#[tokio::test]
async fn one_key_takes_it_and_the_next_person_joins() {
    let (_server, house) = house().await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("2 of 2 up").await;
    // Nothing is wrong: one press may be a slip.
    rosa.keys("i").await;
    rosa.shows("again opens an incident").await;
    rosa.keys("i").await;
    rosa.shows("opened, and you have it").await;
    let mut ana = cockpit(&house, "ana");
    ana.shows("rosa has it").await;
    ana.keys("i").await;
    ana.shows("you are down as helper").await;
    // Again: the page, for whoever helps too.
    ana.keys("i").await;
    ana.shows("by level:").await;
    ana.keys("\x1b").await;
    ana.until("the page is closed", |s| !s.text().contains("by level:")).await;

    rosa.keys("n").await;
    rosa.shows("Note in INC-").await;
    rosa.keys("-10m the client called").await;
    rosa.shows("will be, ").await;
    rosa.keys("\x1b\rand again\r").await;
    ana.shows("the client called").await;
    ana.keys("nTODO @rosa 2026-12-01 raise the pool\r").await;
    rosa.shows("to do, rosa: raise the pool").await;
    rosa.until("nothing waits", |s| !s.text().contains("saving")).await;

    let shown = house.json(&["incident", "show", "newest"]).await;
    let notes: Vec<_> = shown["timeline"].as_array().unwrap().iter().filter(|e| e["kind"] == "note").collect();
    assert_eq!(notes.len(), 1);
    assert_eq!((&notes[0]["text"], &notes[0]["who"]), (&"the client called\nand again".into(), &"rosa".into()));
    assert!(notes[0]["at"].as_str() < notes[0]["recorded_at"].as_str(), "it was dated back");
    assert_eq!(shown["roles"]["owner"], "rosa");
    assert_eq!(shown["actions"][0]["owner"], "rosa");

    // Pinned, tagged, put right, ticked off; the one who looks finds it by its tag.
    rosa.keys("7").await;
    rosa.shows("[p] pin").await;
    rosa.keys("x").await;
    rosa.shows("done: raise the pool").await;
    rosa.shows("to do, rosa: raise the pool (done)").await;
    rosa.keys("i").await;
    rosa.shows("by level:").await;
    rosa.keys("\x1b").await;
    rosa.until("the page is closed", |s| !s.text().contains("by level:")).await;
    rosa.keys("/client").await;
    rosa.until("only that is left", |s| s.text().contains("the client called") && !s.text().contains("you have it, "))
        .await;
    rosa.keys("\r").await;
    rosa.keys("p").await;
    rosa.shows("▪").await;
    rosa.keys("#").await;
    rosa.shows("Tags of entry").await;
    rosa.keys("customer\r").await;
    rosa.keys("\x1b").await;
    rosa.until("the filter is closed", |s| s.text().contains("customer") && !s.text().contains("/client")).await;
    rosa.keys("/#customer").await;
    rosa.until("found by its tag", |s| s.text().contains("the client called") && s.text().contains("hidden")).await;
    rosa.keys("\rE").await;
    rosa.shows("Put entry").await;
    rosa.keys("!\r").await;
    rosa.shows("and again! (corrected) #customer").await;
    house.good(&["incident", "verify", "newest"]).await;
    let look = async || {
        let shown = house.json(&["incident", "show", "newest"]).await;
        let kinds: Vec<String> =
            shown["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap().to_owned()).collect();
        if kinds.contains(&"edited".to_owned()) { Ok(kinds) } else { Err(format!("{kinds:?}")) }
    };
    let kinds = until("all of it is in the journal", Duration::from_secs(30), look).await;
    for kind in ["note", "todo", "done", "marked", "assigned"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn what_machines_saw_is_written_once_and_not_again_at_every_start() {
    let (server, house) = house().await;
    let opened = house.json(&["incident", "open", "--title", "calls fail"]).await;
    let id = opened["id"].as_str().unwrap();
    let mut rosa = cockpit(&house, "rosa");
    let mut ana = cockpit(&house, "ana");
    rosa.shows("2 of 2 up").await;
    ana.shows("2 of 2 up").await;
    server.on("/", answer(500, "text/plain", "no"));
    rosa.shows("API: UP -> DOWN").await;
    let downs = async || {
        let shown = house.json(&["incident", "show", id]).await;
        let of = |e: &&serde_json::Value| e["kind"] == "check" && e["text"].as_str().unwrap().starts_with("API");
        shown["timeline"].as_array().unwrap().iter().filter(of).count()
    };
    let look = async || if downs().await == 1 { Ok(()) } else { Err("not yet".to_owned()) };
    until("the scribe writes it down", Duration::from_secs(30), look).await;
    rosa.until("saved", |s| !s.text().contains("saving")).await;
    ana.until("saved", |s| !s.text().contains("saving")).await;
    rosa.signal(Signal::KILL);
    ana.signal(Signal::KILL);
    // A new one finds it down too: the journal says so already.
    let mut eva = cockpit(&house, "eva");
    eva.shows("0 of 2 up").await;
    eva.shows("API: UP -> DOWN").await;
    eva.until("it has settled", |s| !s.text().contains("saving")).await;
    assert_eq!(downs().await, 1);
    house.good(&["incident", "verify", id]).await;
}

#[tokio::test]
async fn a_note_survives_the_end_of_the_program_and_a_deploy_is_news() {
    let (_server, house) = house().await;
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("NOBODY HAS IT").await;
    rosa.keys("n").await;
    rosa.shows("Note in INC-").await;
    rosa.keys("half a sen").await;
    // Each who writes has a file of their own.
    let folder = house.store().parent().unwrap().to_path_buf();
    let kept = || {
        let found = std::fs::read_dir(&folder).unwrap().flatten().map(|e| e.path());
        found.into_iter().find(|p| p.to_string_lossy().contains("cabina.db.note-rosa@"))
    };
    let is_kept = || kept().and_then(|p| std::fs::read_to_string(p).ok()).is_some_and(|t| t == "half a sen");
    rosa.until("it is on the disk", |_| is_kept()).await;
    rosa.signal(Signal::KILL);
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("NOBODY HAS IT").await;
    house
        .good(&["deploy", "v4.12.0", "--before", "v4.11.3", "--keep-old", "30m", "--migrations", "0", "--at", "-1m"])
        .await;
    rosa.shows("v4.12.0 went live").await;
    rosa.shows("old side v4.11.3 alive until").await;
    rosa.keys("n").await;
    rosa.shows("half a sen").await;
    rosa.keys("tence\r").await;
    rosa.shows("half a sentence").await;
    rosa.until("nothing waits", |s| !s.text().contains("saving")).await;
    rosa.until("what is saved is no draft any more", |_| kept().is_none()).await;
    rosa.keys("q").await;
    rosa.ends().await;
    let goes_on = rosa.text();
    assert!(goes_on.contains("INC-"), "the last line names the incident\n{goes_on}");
}

#[tokio::test]
async fn the_selection_stays_with_its_entry_and_words_are_not_commands() {
    let (_server, house) = house().await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("2 of 2 up").await;
    // Without an incident, what is typed ahead opens none.
    rosa.keys("nis it broken?").await;
    rosa.shows("no incident yet").await;
    rosa.keys("\r").await;
    rosa.shows("is kept unfinished").await;
    assert!(house.good(&["incident", "list"]).await.contains("no incidents"));
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    for text in ["note one", "note two", "note three"] {
        house.good(&["incident", "note", "newest", text]).await;
    }
    rosa.shows("note three").await;
    rosa.keys("7j").await;
    // Somebody else writes meanwhile: the key is for the entry that was chosen.
    house.good(&["incident", "note", "newest", "note four"]).await;
    rosa.shows("note four").await;
    rosa.keys("E").await;
    rosa.shows("Put entry").await;
    rosa.until("that note", |s| s.text().lines().any(|l| l.contains("│ note two "))).await;
    rosa.keys(" it is\r").await;
    rosa.shows("note two it is (corrected)").await;
    // And a filter leaves nothing selected that is not there.
    rosa.keys("G/note four\r").await;
    rosa.until("one is left", |s| !s.text().contains("note three")).await;
    rosa.keys("\r").await;
    rosa.until("it in full", |s| !s.text().contains("Nothing is chosen") && s.text().contains("note four")).await;
    rosa.keys("\x1b").await;
    // It ends, and whoever asks for it again is told so before another one is opened.
    house.good(&["incident", "resolve", "newest", "went back"]).await;
    rosa.until("it is over", |s| !s.text().contains("NOBODY HAS IT")).await;
    rosa.keys("i").await;
    rosa.shows("ended at").await;
    assert_eq!(house.good(&["incident", "list"]).await.lines().count(), 1);
}

#[tokio::test]
async fn what_is_typed_is_kept_to_its_last_letter_when_the_terminal_goes() {
    let (_server, house) = house().await;
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("NOBODY HAS IT").await;
    rosa.keys("nfirst").await;
    rosa.shows("first").await;
    rosa.keys(" and last words").await;
    rosa.shows("and last words").await;
    rosa.signal(Signal::TERM);
    rosa.ends().await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("NOBODY HAS IT").await;
    rosa.keys("n").await;
    rosa.shows("first and last words").await;
}

#[tokio::test]
async fn the_terminal_is_lent_to_the_editor_and_taken_back() {
    let (server, house) = house().await;
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    let env = [("CABINA_USER", "rosa"), ("EDITOR", "sh -c 'head -1 \"$0\"; read answer; echo \"$answer\" >> \"$0\"'")];
    let mut rosa = Screen::start(&["--config", &house.config()], &env, 110, 40);
    rosa.shows("NOBODY HAS IT").await;
    rosa.keys("P").await;
    rosa.until("the editor has the main screen", |s| !s.alternate() && s.text().contains("calls fail")).await;
    // Looking goes on, nothing is drawn over the editor, and what is typed is the editor's: q would quit the cockpit.
    let asked = server.seen().len();
    let look = async || if server.seen().len() > asked + 2 { Ok(()) } else { Err(String::new()) };
    until("it looks on", Duration::from_secs(30), look).await;
    assert!(!rosa.alternate() && !rosa.text().contains("WHAT"), "{}", rosa.text());
    rosa.keys("q\n").await;
    rosa.until("the cockpit again", |s| s.alternate() && s.text().contains("NOBODY HAS IT")).await;
    rosa.keys("?").await;
    rosa.shows("Keys").await;
    let file = house.store().with_file_name("cabina.db.postmortem");
    let text = std::fs::read_to_string(std::fs::read_dir(&file).unwrap().next().unwrap().unwrap().path()).unwrap();
    assert!(text.starts_with("# INC-") && text.ends_with("q\n"), "{text}");
    rosa.keys("\x1b").await;
    rosa.until("the page is closed", |s| !s.text().contains("Keys")).await;
    // What was written there is opened again, not written anew.
    rosa.keys("P").await;
    rosa.until("the editor again", |s| !s.alternate()).await;
    rosa.keys("again\n").await;
    rosa.until("the cockpit again", Screen::alternate).await;
    let text = std::fs::read_to_string(std::fs::read_dir(&file).unwrap().next().unwrap().unwrap().path()).unwrap();
    assert!(text.ends_with("q\nagain\n"), "{text}");
    rosa.keys("q").await;
    assert_eq!(rosa.ends().await.code(), Some(0));
}

#[tokio::test]
async fn whoever_scrolls_back_reads_a_long_journal_to_its_beginning() {
    let (_server, house) = house().await;
    let opened = house.json(&["incident", "open", "--title", "calls fail", "--at", "-50m"]).await;
    let id = opened["id"].as_str().unwrap();
    let store = Store::open(&format!("sqlite://{}", house.store().display()), 5_000).await.unwrap().store;
    let from = cabina::bus::now().wall - 40 * 60_000;
    // Three at each moment: the end of one page may lie within one.
    let note = |i: i64| Draft::new(from + i / 3, "ana", "web1", Fact::Note { text: format!("note {i:04}") });
    for block in 0..3 {
        store.append(id, (0..1_000).map(|i| note(block * 1_000 + i)).collect()).await.unwrap();
    }
    store.close().await;
    let mut rosa = cockpit(&house, "rosa");
    rosa.shows("note 2999").await;
    rosa.keys("7z").await;
    let mut seen = String::new();
    rosa.shows("[p] pin").await;
    for _ in 0..40 {
        rosa.keys("G").await;
        rosa.until("another end, or the beginning", |s| s.text() != seen || s.text().contains("note 0000")).await;
        seen = rosa.text();
        if seen.contains("note 0000") {
            break;
        }
    }
    let numbers: Vec<u32> = seen.lines().filter_map(|l| l.split("note ").nth(1)?.get(..4)?.parse().ok()).collect();
    assert!(numbers.len() > 20 && numbers.windows(2).all(|w| w[0] == w[1] + 1), "one after the other: {numbers:?}");
    assert!(seen.contains("incident opened: calls fail"), "{seen}");

    // Another one searches at once: what was not read yet is searched too.
    let mut ana = cockpit(&house, "ana");
    ana.shows("note 2999").await;
    ana.keys("7/note 0007\r").await;
    ana.until("found, far back", |s| s.text().contains("ana       note 0007")).await;
    // A paste is text, its lines are lines, and nothing of it is a key.
    ana.keys("\x1b").await;
    ana.until("the filter is closed", |s| !s.text().contains("/note")).await;
    ana.keys("n\x1b[200~pasted one\rq\x1b[201~").await;
    ana.until("both lines", |s| s.text().contains("pasted one") && s.text().contains("│ q ")).await;
    ana.keys("\r").await;
    ana.shows("pasted one ⏎ q").await;
}

fn incident() -> (Incident, Vec<Entry>) {
    let mut incident = Incident::new("INC-2026-0001");
    let title = "calls fail".to_owned();
    let draft = Draft::new(0, "rosa", "web1", Fact::IncidentOpened { title, level: Level::Sev2, began: 0 });
    let entry = Entry::seal(&incident, Draft { id: "a".to_owned(), ..draft }, 0);
    incident.fold(&entry);
    (incident, vec![entry])
}

/// Takes events in, one a second.
fn play(state: &mut State, kinds: Vec<Kind>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for kind in kinds {
        let at = Stamp { mono: state.now.mono + 1_000, wall: state.now.wall + 1_000 };
        effects.extend(engine::update(state, Event { at, kind }).effects);
    }
    effects
}

fn typed(text: &str) -> Vec<Kind> {
    let keys = text.chars().map(|c| if c == '\n' { Chord::plain(Code::Enter) } else { Chord::char(c) });
    keys.map(Kind::Key).collect()
}

fn order(effects: &[Effect]) -> Option<(u64, Vec<Draft>)> {
    effects.iter().find_map(|e| match e {
        Effect::Record(n, RecordOrder::Append { drafts, .. }) => Some((*n, drafts.clone())),
        _ => None,
    })
}

#[test]
fn what_could_not_be_written_is_shown_as_such_and_tried_again() {
    let (settings, _) = settings("[[health]]\nname = \"API\"\nhttp = \"http://a\"\n");
    let mut state = State::new(settings, Mode::Cockpit, Stamp::default());
    let desk = Desk { id: "d".to_owned(), host: "web1".to_owned() };
    let (mut incident, entries) = incident();
    let scribe = Scribe::Elsewhere;
    play(&mut state, vec![Kind::RecordOpened { desk, draft: String::new() }]);
    play(
        &mut state,
        vec![Kind::RecordRead {
            incident: Some(incident.clone()),
            entries,
            deploys: Vec::new(),
            scribe,
            ended: None,
            last: None,
        }],
    );
    let waiting = |state: &State| state.timeline.newest().filter(|e| unsaved(state, e)).count();

    let effects = play(&mut state, typed("nlost\n"));
    let (first, drafts) = order(&effects).unwrap();
    assert_eq!((drafts.len(), waiting(&state)), (1, 1));
    assert_eq!(state.ui.overlay, Overlay::None);
    let effects =
        play(&mut state, vec![Kind::RecordFailed { request: Some(first), why: "the disk is full".to_owned() }]);
    assert_eq!(order(&effects), None, "not at once again");
    assert_eq!((waiting(&state), state.record.problem.as_deref()), (1, Some("the disk is full")));

    // It is tried again after a while, under the same name: should the first have arrived, nothing stands there twice.
    let effects = play(&mut state, vec![Kind::Tick; 6]);
    let (second, again) = order(&effects).unwrap();
    assert_eq!(again[0].id, drafts[0].id);
    let entry = Entry::seal(&incident, again[0].clone(), state.now.wall);
    incident.fold(&entry);
    let recorded = Kind::Recorded { request: second, incident, entries: vec![entry], opened: false };
    let effects = play(&mut state, vec![recorded, Kind::Tick, Kind::Tick]);
    assert_eq!((waiting(&state), order(&effects)), (0, None));
    assert_eq!(state.record.problem, None);
    assert_eq!(state.timeline.newest().filter(|e| e.what == Fact::Note { text: "lost".to_owned() }).count(), 1);
}

#[test]
fn who_only_looks_writes_nothing() {
    let (mut settings, _) = settings("[[health]]\nname = \"API\"\nhttp = \"http://a\"\n");
    settings.read_only = true;
    let mut state = State::new(settings, Mode::Cockpit, Stamp::default());
    let desk = Desk { id: "d".to_owned(), host: "web1".to_owned() };
    let (incident, entries) = incident();
    play(&mut state, vec![Kind::RecordOpened { desk, draft: String::new() }]);
    let scribe = Scribe::Nobody;
    play(
        &mut state,
        vec![Kind::RecordRead {
            incident: Some(incident),
            entries,
            deploys: Vec::new(),
            scribe,
            ended: None,
            last: None,
        }],
    );
    let effects = play(&mut state, typed("niK"));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Record(..))), "{effects:?}");
    assert_eq!(state.ui.overlay, Overlay::None);
}

fn cockpit_state(more: &str) -> State {
    let (settings, _) = settings(&format!("[[health]]\nname = \"API\"\nhttp = \"http://a\"\n{more}"));
    let mut state = State::new(settings, Mode::Cockpit, Stamp::default());
    let desk = Desk { id: "d".to_owned(), host: "web1".to_owned() };
    play(&mut state, vec![Kind::RecordOpened { desk, draft: String::new() }]);
    state
}

fn told(incident: Option<&Incident>, entries: Vec<Entry>, scribe: Scribe) -> Kind {
    Kind::RecordRead { incident: incident.cloned(), entries, deploys: Vec::new(), scribe, ended: None, last: None }
}

#[test]
fn words_for_an_incident_that_has_ended_meanwhile_are_kept() {
    let mut state = cockpit_state("");
    let (incident, entries) = incident();
    play(&mut state, vec![told(Some(&incident), entries, Scribe::Elsewhere)]);
    play(&mut state, typed("nhalf"));
    play(&mut state, vec![told(None, Vec::new(), Scribe::Elsewhere)]);
    let effects = play(&mut state, typed(" a sentence\n"));
    assert_eq!((order(&effects), state.record.unfinished.as_str()), (None, "half a sentence"));
    assert!(!state.timeline.newest().any(|e| matches!(e.what, Fact::Note { .. })));
    // The draft is not thrown away before the note is on the disk.
    let effects = play(&mut state, vec![told(Some(&incident), Vec::new(), Scribe::Elsewhere)]);
    assert_eq!(order(&effects), None);
    let effects = play(&mut state, typed("n\n"));
    let (request, drafts) = order(&effects).unwrap();
    let thrown = |effects: &[Effect]| {
        effects.iter().any(|e| matches!(e, Effect::Record(_, RecordOrder::Unfinished(text)) if text.is_empty()))
    };
    assert!(!thrown(&effects));
    let (mut after, entry) = (incident.clone(), Entry::seal(&incident, drafts[0].clone(), 9));
    after.fold(&entry);
    let recorded = Kind::Recorded { request, incident: after, entries: vec![entry], opened: false };
    assert!(thrown(&play(&mut state, vec![recorded])));
}

#[test]
fn what_one_journal_says_is_news_in_the_next_and_who_only_looks_marks_no_deploy() {
    let mut state = cockpit_state("");
    let (first, mut entries) = incident();
    let down = Fact::Check {
        name: "API".to_owned(),
        from: cabina::model::health::Status::Up,
        to: cabina::model::health::Status::Down,
        detail: String::new(),
    };
    let draft = Draft { id: "b".to_owned(), ..Draft::new(1, "rules", "web1", down.clone()) };
    entries.push(Entry::seal(&first, draft, 1));
    play(&mut state, vec![told(Some(&first), entries, Scribe::Here)]);
    play(&mut state, vec![told(None, Vec::new(), Scribe::Here)]);
    let mut second = Incident::new("INC-2026-0002");
    let at = state.now.wall;
    let opened = Fact::IncidentOpened { title: "again".to_owned(), level: Level::Sev2, began: at };
    let entry = Entry::seal(&second, Draft { id: "c".to_owned(), ..Draft::new(at, "rosa", "web1", opened) }, at);
    second.fold(&entry);
    play(&mut state, vec![told(Some(&second), vec![entry], Scribe::Here)]);
    let bad = cabina::model::health::Probe {
        outcome: cabina::model::health::Outcome::Absent(cabina::model::signal::Absence::Refused),
        latency: None,
        detail: String::new(),
        cert_days: None,
        cert_soon: false,
    };
    let probed = Kind::Probed { check: "API".to_owned(), probe: bad };
    let effects = play(&mut state, [vec![probed; 5], vec![Kind::Tick; 30]].concat());
    let (_, drafts) = order(&effects).expect("it is written in the second journal too");
    assert!(
        drafts.iter().any(|d| matches!(&d.fact, Fact::Check { to, .. } if *to == cabina::model::health::Status::Down))
    );

    let mut state = cockpit_state("");
    state.settings.read_only = true;
    let deploy = cabina::model::deploy::Deploy {
        id: "x".to_owned(),
        version: "v2".to_owned(),
        before: None,
        at: 1,
        by: "jlopez".to_owned(),
        from: "d1".to_owned(),
        old_until: None,
        migrations: None,
        note: String::new(),
    };
    let (first, entries) = incident();
    let (scribe, ended) = (Scribe::Nobody, None);
    let read = Kind::RecordRead { incident: Some(first), entries, deploys: vec![deploy], scribe, ended, last: None };
    let effects = play(&mut state, [vec![read], vec![Kind::Tick; 30]].concat());
    assert_eq!(order(&effects), None);
}
