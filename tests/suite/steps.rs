//! Procedures walked through `engine::update`, with a supervisor that does what a test says: what is asked before
//! anything runs, what is offered when it fails, what signals are waited for.

use std::collections::VecDeque;
use std::sync::Arc;

use cabina::engine;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::effect::Block;
use cabina::engine::effect::Keys;
use cabina::engine::effect::RunOrder;
use cabina::engine::library::Book;
use cabina::engine::run::card::Demand;
use cabina::engine::run::watch;
use cabina::engine::state::Mode;
use cabina::engine::state::Overlay;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::lang::Lang;
use cabina::model::run::Because;
use cabina::model::run::End;
use cabina::model::run::Head;
use cabina::model::run::Outcome;
use cabina::model::run::Status;
use cabina::model::run::Told;
use cabina::model::run::What;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::MINUTE;
use cabina::model::time::Millis;
use cabina::model::time::SECOND;
use cabina::model::time::Stamp;
use cabina::runbook;
use cabina::theme::Depth;
use cabina::theme::Theme;
use cabina::view;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::support::play::START;
use crate::support::settings;

/// A walk, and the supervisor behind it.
struct Walk {
    state: State,
    now: Millis,
    seq: u64,
    blocks: u64,
    /// The block that runs.
    open: Option<(u64, Block)>,
    /// What was asked for, but lines and blocks.
    others: Vec<Effect>,
    /// Every block that was started.
    started: Vec<String>,
}

impl Walk {
    /// Opens a procedure to be read.
    fn read(config: &str, document: &str) -> Self {
        let (mut settings, _) = settings(&format!("language = \"en\"\n{config}"));
        "rgomez".clone_into(&mut settings.operator);
        let mut state = State::new(settings, Mode::Cockpit, Stamp { mono: 0, wall: START });
        state.ui.size = (80, 24);
        let says = runbook::read("PROC-X-001.md", document.as_bytes()).unwrap();
        let book =
            Book { says, path: "/x/PROC-X-001.md".to_owned(), overdue: None, hash: "h".to_owned(), loose: false };
        let mut walk = Self { state, now: 0, seq: 0, blocks: 0, open: None, others: Vec::new(), started: Vec::new() };
        walk.event(Kind::LibraryRead { books: Arc::new([book]) });
        walk.keys("r<enter>");
        walk
    }

    /// The same, and begins to walk it.
    fn begin(config: &str, document: &str) -> Self {
        let mut walk = Self::read(config, document);
        walk.keys("e");
        assert!(matches!(walk.state.ui.overlay, Overlay::Begin(_)), "{:?}", walk.state.ui.overlay);
        walk.keys("y");
        walk
    }

    fn event(&mut self, kind: Kind) {
        let mut kinds = VecDeque::from([kind]);
        while let Some(kind) = kinds.pop_front() {
            // A person takes longer between two keys than a card is deaf.
            self.now += 300;
            let at = Stamp { mono: self.now, wall: START + self.now };
            for effect in engine::update(&mut self.state, Event { at, kind }).effects {
                kinds.extend(self.perform(effect));
            }
        }
    }

    fn told(&mut self, what: What) -> Kind {
        self.seq += 1;
        Kind::RunTold { run: "r1".to_owned(), told: Box::new(Told { seq: self.seq, at: START + self.now, what }) }
    }

    fn perform(&mut self, effect: Effect) -> Vec<Kind> {
        match effect {
            Effect::Run(RunOrder::Open { head, .. }) => {
                let (run, host, user) = ("r1".to_owned(), "web1".to_owned(), "iact".to_owned());
                let opened = self.told(What::Opened(Box::new(Head { run, host, user, ..*head })));
                vec![opened, Kind::RunCaught { run: "r1".to_owned(), missed: 0 }]
            }
            Effect::Run(RunOrder::Tell(what)) => vec![self.told(what)],
            Effect::Run(RunOrder::Give { name, value }) => vec![self.told(What::Given { name, value })],
            Effect::Run(RunOrder::Start(block)) => {
                self.blocks += 1;
                self.started.push(block.text.clone());
                let (number, step, part) = (self.blocks, block.step.clone(), block.part);
                let command = block.shown.clone();
                self.open = Some((number, *block));
                vec![self.told(What::Began { block: number, step, part, command, cast: "c".to_owned() })]
            }
            other => {
                self.others.push(other);
                Vec::new()
            }
        }
    }

    /// The block that runs prints this and ends so.
    fn ends(&mut self, exit: i32, output: &str) {
        let (block, _) = self.open.take().expect("nothing runs");
        self.event(Kind::StepOutput { bytes: output.replace('\n', "\r\n").into_bytes().into() });
        let end = End { exit: Some(exit), took: 8 * SECOND, tail: output.to_owned(), ..End::default() };
        let told = self.told(What::Ended { block, end });
        self.event(told);
    }

    fn press(&mut self, code: Code) {
        self.event(Kind::Key(Chord { code, ..Chord::char('x') }));
    }

    fn keys(&mut self, keys: &str) {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let named = [("<enter>", Code::Enter), ("<esc>", Code::Esc), ("<down>", Code::Down), ("<up>", Code::Up)];
            let found = named.into_iter().find(|(name, _)| rest.starts_with(name));
            let (code, len) = found.map_or((Code::Char(c), c.len_utf8()), |(name, code)| (code, name.len()));
            rest = rest.split_at(len).1;
            self.event(Kind::Key(Chord::plain(code)));
        }
    }

    /// A minute's share of failures, read now.
    fn failing(&mut self, share: f64) {
        let counts = Some(Counts { failed: share * 1_000.0, total: 1_000.0, window: MINUTE });
        self.sampled(&[("error_rate", share), ("error_rate_1m", share)], counts);
    }

    /// These figures, read now.
    fn sampled(&mut self, figures: &[(&str, f64)], counts: Option<Counts>) {
        self.now += 15 * SECOND;
        let at = START + self.now;
        let sample = |(signal, value): &(&str, f64)| Sample {
            signal: (*signal).to_owned(),
            at,
            reading: Reading::Value(*value),
            counts,
            worst: None,
        };
        let samples = figures.iter().map(sample).collect();
        let (source, origin) = ("prometheus".to_owned(), Origin::Prometheus);
        self.event(Kind::Sampled { source, origin, samples, history: false, took: 5, notes: Vec::new() });
    }

    fn status(&self, step: &str) -> Status {
        self.state.run.as_ref().unwrap().tale.status(step)
    }

    fn because(&self, step: &str) -> Because {
        self.state.run.as_ref().unwrap().tale.steps[step].because.clone()
    }

    fn demand(&self) -> Option<Demand> {
        match &self.state.ui.overlay {
            Overlay::RunCard(card) => Some(card.demand.clone()),
            _ => None,
        }
    }

    fn screen(&self, width: u16, height: u16) -> String {
        let theme = Theme::named("noche", Depth::True, false).unwrap();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|f| view::render(&self.state, &theme, f)).unwrap();
        terminal.backend().to_string()
    }
}

const PRODUCTION: &str = "environment = \"production\"\n[prometheus]\nurl = \"http://127.0.0.1:1\"\n";

fn one(more: &str, text: &str) -> String {
    format!("# PROC-X-001: Test\n\n## Steps\n\n### Step 1: First\n{more}\n```bash\n{text}\n```\n")
}

const UNDO: &str = "**Rollback of this step:**\n```bash\nundo\n```\n";

#[test]
fn what_is_asked_before_a_step_depends_on_what_it_may_break() {
    let undone = format!("{}{UNDO}", one("", "restart"));
    let critical = format!("{}{UNDO}", one("**Criticality:** CRITICA", "restart"));
    let restores = format!("{}{UNDO}", one("", "gzip -dc d.sql.gz | mysql ${DB_NAME}"));
    for (environment, document, wanted) in [
        ("staging", &undone, Demand::Key),
        ("production", &undone, Demand::Number("1".to_owned())),
        ("production", &critical, Demand::Word("PROCEED".to_owned())),
        ("production", &one("", "restart"), Demand::Word("PROCEED".to_owned())),
        ("staging", &restores, Demand::Lost("iact_production".to_owned())),
        ("production", &restores, Demand::Lost("iact_production".to_owned())),
    ] {
        let mut walk = Walk::begin(&format!("environment = \"{environment}\"\n"), document);
        walk.event(Kind::RunKnown { values: [("DB_NAME".to_owned(), "iact_production".to_owned())].into() });
        walk.keys("e");
        assert_eq!(walk.demand(), Some(wanted.clone()), "{environment}\n{document}");
        // Enter never runs, nor does a word that was not asked for.
        walk.keys("<enter>no<enter>");
        assert!(walk.started.is_empty(), "{wanted:?}");
        let typed = wanted.text().map_or_else(|| "y".to_owned(), |t| format!("{t}<enter>"));
        walk.keys(&format!("<esc>e{typed}"));
        assert_eq!(walk.started.len(), 1, "{wanted:?}");
    }
    // What only looks runs at once, wherever.
    let mut walk = Walk::begin("environment = \"production\"\n", &one("**Read-only:** YES", "look"));
    walk.keys("e");
    assert_eq!(walk.started, ["look"]);
}

#[test]
fn a_key_that_was_on_its_way_is_no_answer() {
    let mut walk = Walk::begin("environment = \"staging\"\n", &one("", "restart"));
    let chord = |c| Kind::Key(Chord::char(c));
    for kind in [chord('e'), chord('y'), chord('y')] {
        // All within the moment in which the card opened.
        let at = Stamp { mono: walk.now + 10, wall: START + walk.now + 10 };
        for effect in engine::update(&mut walk.state, Event { at, kind }).effects {
            walk.perform(effect);
        }
    }
    assert!(walk.started.is_empty() && walk.demand().is_some());
}

#[test]
fn a_step_is_ok_only_if_everything_holds_and_it_never_runs_on() {
    let proved = "**Validation:**\n```bash\ncheck\n```\n**Expected output:**\n```\nready\n```\n";
    let document = format!("{}{proved}{UNDO}### Step 2: Second\n```bash\nnext\n```\n", one("", "go"));
    let mut walk = Walk::begin("environment = \"staging\"\n", &document);
    walk.keys("ey");
    walk.ends(0, "gone");
    assert_eq!((walk.started.last().map(String::as_str), walk.status("1")), (Some("check"), Status::Running));
    walk.ends(0, "not what was wanted");
    assert_eq!(walk.status("1"), Status::Failed);
    assert!(matches!(walk.because("1"), Because::Output { .. }));
    // The next step waits until this one is done, or passed over with a reason.
    walk.keys("<down>e");
    assert!(walk.demand().is_none() && walk.started.len() == 2);
    walk.keys("<up>v");
    walk.ends(0, "ready");
    assert_eq!((walk.status("1"), walk.started.len()), (Status::Ok, 3));
    // The cursor has moved on.
    walk.keys("ey");
    assert_eq!(walk.started.last().map(String::as_str), Some("next"));
    walk.ends(1, "");
    walk.keys("S<enter>");
    assert_eq!(walk.status("2"), Status::Failed, "without a reason nobody can follow it later");
    walk.keys("it is known<enter>");
    assert_eq!(walk.status("2"), Status::Skipped);
    // Where there is a way back, whoever walks says when it is over.
    assert!(walk.state.run.as_ref().unwrap().tale.outcome.is_none());
    walk.keys("X");
    assert_eq!(walk.state.run.as_ref().unwrap().tale.outcome.map(|(o, _)| o), Some(Outcome::Ok));
}

#[test]
fn what_only_a_person_can_see_a_person_says() {
    let document = format!("{}\n**Expected result:** the light is green\n", one("", "go"));
    let mut walk = Walk::begin("environment = \"staging\"\n", &document);
    walk.keys("ey");
    walk.ends(0, "");
    assert_eq!((walk.status("1"), walk.state.run.as_ref().unwrap().tale.outcome), (Status::Ran, None));
    walk.keys("x");
    assert_eq!(walk.status("1"), Status::Failed);
    walk.keys("ey");
    walk.ends(0, "");
    walk.keys("y");
    let tale = &walk.state.run.as_ref().unwrap().tale;
    assert_eq!((tale.status("1"), tale.steps["1"].by.as_str()), (Status::Ok, "rgomez"));
}

#[test]
fn output_that_is_as_the_procedure_shows_it_needs_no_person() {
    let document = format!("{}\n**Expected output:**\n```\nroot\n```\n", one("", "id -un"));
    for (printed, wanted) in [("password:\nroot\n", Status::Ok), ("rooted\n", Status::Ran)] {
        let mut walk = Walk::begin("environment = \"staging\"\n", &document);
        walk.keys("ey");
        walk.ends(0, printed);
        assert_eq!(walk.status("1"), wanted, "{printed}");
    }
    // Said as a sentence it is for a person, whatever is printed.
    let document = format!("{}\n**Expected result:** root\n", one("", "id -un"));
    let mut walk = Walk::begin("environment = \"staging\"\n", &document);
    walk.keys("ey");
    walk.ends(0, "root\n");
    assert_eq!(walk.status("1"), Status::Ran);
}

#[test]
fn signals_are_waited_for_on_what_followed_the_step() {
    let document = one("**Until:** error_rate < 1% for 1m, timeout 4m", "go");
    let mut walk = Walk::begin(PRODUCTION, &format!("{document}{UNDO}"));
    walk.failing(0.2);
    walk.keys("e1<enter>");
    walk.ends(0, "");
    assert_eq!((walk.status("1"), walk.state.run.as_ref().unwrap().waiting.is_some()), (Status::Ran, true));
    // A minute's figure read ten seconds later is mostly of before.
    for _ in 0..3 {
        walk.failing(0.0);
    }
    assert!(walk.state.run.as_ref().unwrap().waiting.as_ref().unwrap().held[0].is_none());
    for _ in 0..10 {
        walk.failing(0.0);
    }
    assert_eq!(walk.status("1"), Status::Ok);

    let mut walk = Walk::begin(PRODUCTION, &format!("{document}{UNDO}"));
    walk.failing(0.2);
    walk.keys("e1<enter>");
    walk.ends(0, "");
    for _ in 0..20 {
        walk.failing(0.02);
    }
    assert_eq!(walk.status("1"), Status::Failed);
    assert!(matches!(walk.because("1"), Because::Signals { value: Some(v), .. } if v > 0.019));
}

#[test]
fn latency_is_waited_for_on_one_minute_and_on_five_where_there_is_no_other() {
    let document = one("**Until:** p95 < 500ms for 1m, timeout 8m", "go");
    // After the step, the figure of five minutes remembers what was before it for so many looks.
    let looks_until_ok = |figures: &[(&str, f64)]| {
        let mut walk = Walk::begin(PRODUCTION, &format!("{document}{UNDO}"));
        walk.sampled(&[("latency_p95", 3.0)], None);
        walk.keys("e1<enter>");
        walk.ends(0, "");
        (1..40).find(|_| {
            walk.sampled(figures, None);
            walk.status("1") == Status::Ok
        })
    };
    let minute = looks_until_ok(&[("latency_p95", 3.0), ("latency_p95_1m", 0.2)]).unwrap();
    assert!((8..=10).contains(&minute), "{minute}");
    let five = looks_until_ok(&[("latency_p95", 0.2)]).unwrap();
    assert!((24..=26).contains(&five), "{five}");
}

#[test]
fn reasons_to_go_back_are_offered_when_met_and_never_after_it_began() {
    let document = format!(
        "{}{UNDO}## Rollback\n\n**When to roll back:**\n- Error rate > 5 %\n- Somebody says so\n\n### Step R1: Back\n```bash\nback\n```\n",
        one("", "go")
    );
    let mut walk = Walk::begin(PRODUCTION, &document);
    for _ in 0..6 {
        walk.failing(0.2);
    }
    let met = |walk: &Walk| watch::met(walk.state.run.as_ref().unwrap(), walk.state.now).map(str::to_owned);
    assert_eq!(met(&walk), None, "nothing was changed yet");
    walk.keys("e1<enter>");
    for _ in 0..6 {
        walk.failing(0.2);
    }
    assert_eq!(met(&walk).as_deref(), Some("Error rate > 5 %"));
    assert!(walk.screen(80, 24).contains("reason to go back"));
    walk.ends(0, "");
    // One press may be a slip.
    walk.keys("R");
    assert!(walk.state.run.as_ref().unwrap().tale.rollback.is_none());
    walk.keys("R");
    walk.failing(0.2);
    assert_eq!(met(&walk), None);
    walk.keys("eR1<enter>");
    assert_eq!(walk.started.last().map(String::as_str), Some("back"));
}

#[test]
fn what_a_step_takes_down_is_expected_while_it_runs() {
    let document = one("**Expected down:** API Backend\n**Estimated duration:** 10 minutes", "go");
    let mut walk = Walk::begin("environment = \"staging\"\n", &document);
    walk.keys("ey");
    let known = |walk: &Walk| walk.state.announcer.known_until("API Backend", walk.state.now.wall);
    let until = known(&walk).unwrap() - walk.state.now.wall;
    assert!((9 * MINUTE..=10 * MINUTE).contains(&until), "{until}");
    walk.ends(0, "");
    assert_eq!(known(&walk), None);
}

#[test]
fn prerequisites_and_a_second_person_stand_before_the_first_change() {
    let front = "---\nid: PROC-X-001\ntitle: Test\ncriticality: CRITICA\napproval: Tech Lead\n---\n";
    let document = format!(
        "{front}# PROC-X-001: Test\n\n## Prerequisites\n\n- [ ] one\n- [ ] two\n\n## Steps\n\n### Step 1: First\n```bash\ngo\n```\n{UNDO}"
    );
    let mut walk = Walk::begin("environment = \"staging\"\n", &document);
    walk.keys("<down>e");
    assert!(matches!(walk.state.ui.overlay, Overlay::Checks(_)));
    // One by hand, one key for the rest.
    walk.keys(" y<esc>");
    assert_eq!(walk.state.run.as_ref().unwrap().tale.signed.len(), 2);
    walk.keys("e");
    assert_eq!(walk.state.ui.overlay, Overlay::Approval);
    walk.keys("argomez<enter>");
    assert!(walk.state.run.as_ref().unwrap().tale.approved.is_none(), "nobody approves their own");
    walk.keys("<esc>ebcannot wait<enter>");
    assert!(walk.state.run.as_ref().unwrap().tale.broke_glass.is_some());
    assert!(walk.others.iter().any(|e| matches!(e, Effect::Announce(_))), "somebody is told");
    walk.keys("ey");
    assert_eq!(walk.started, ["go"]);
    // Passing over them takes a reason, and only where the way back touches no data.
    let loses = document.replace("\nundo\n", "\nmysql x < /b/d.sql\n");
    for (document, passed) in [(&document, true), (&loses, false)] {
        let mut walk = Walk::begin("environment = \"staging\"\n", document);
        walk.keys("<up><up>Sno time<enter>");
        assert_eq!(walk.state.run.as_ref().unwrap().tale.passed.is_some(), passed);
    }
}

#[test]
fn what_comes_late_of_a_run_that_was_left_ends_there() {
    let text = format!("# PROC-X-001: Test\n\n## Prerequisites\n\n- [ ] `sh`\n\n## Steps\n\n{}", one("", "make it"));
    let mut walk = Walk::begin("", &text);
    let link = |walk: &Walk| {
        let of = |e: &Effect| if let Effect::Run(RunOrder::Link(n)) = e { Some(*n) } else { None };
        walk.others.iter().filter_map(of).next_back().unwrap()
    };
    let first = link(&walk);
    walk.keys("X");
    walk.keys("enough<enter>");
    walk.keys("<esc><esc>r<enter>ey");
    let second = link(&walk);
    assert!(second > first, "each link has a number of its own");
    let before = walk.state.run.clone().unwrap();
    let old = |kind: Kind| Kind::OfRun(first, Box::new(kind));
    walk.event(old(Kind::Proved { items: vec![0] }));
    walk.event(old(Kind::StepOutput { bytes: b"of the first".as_slice().into() }));
    walk.event(old(Kind::RunRefused { why: "of the first".to_owned() }));
    walk.event(old(Kind::RunKnown { values: [("X".to_owned(), "first".to_owned())].into() }));
    walk.event(old(Kind::Aged { path: "/x.sql".to_owned(), at: Some(1) }));
    walk.event(old(Kind::RunUnwritten { ended: Some(1), why: "of the first".to_owned() }));
    let after = walk.state.run.as_ref().unwrap();
    assert_eq!(after.tale.signed, before.tale.signed, "nothing was signed by a place in another list");
    assert_eq!((&after.problem, &after.values, &after.backup), (&before.problem, &before.values, &before.backup));
    assert!(after.unwritten.is_none() && !after.console.screen().contents().contains("first"));
    walk.event(Kind::OfRun(second, Box::new(Kind::Proved { items: vec![0] })));
    assert!(walk.state.run.as_ref().unwrap().tale.signed.contains_key(&0));
}

#[test]
fn yes_is_said_to_the_procedure_that_was_on_the_card() {
    let book = |id: &str, hash: &str| {
        let text = format!("# {id}: Test\n\n## Steps\n\n{}", one("", "make it"));
        let says = runbook::read(&format!("{id}.md"), text.as_bytes()).unwrap();
        Book { says, path: format!("/x/{id}.md"), overdue: None, hash: hash.to_owned(), loose: false }
    };
    let mut walk = Walk::read("", "# x");
    walk.event(Kind::LibraryRead { books: Arc::new([book("PROC-X-002", "h2")]) });
    walk.keys("<esc><esc>r<enter>e");
    assert!(matches!(walk.state.ui.overlay, Overlay::Begin(0)));
    // Another one comes before it in the list: the card is still about the same one.
    walk.event(Kind::LibraryRead { books: Arc::new([book("PROC-X-001", "h1"), book("PROC-X-002", "h2")]) });
    walk.keys("y");
    assert_eq!(walk.state.run.as_ref().unwrap().tale.head.runbook, "PROC-X-002");

    for books in [vec![book("PROC-X-001", "h1"), book("PROC-X-002", "changed")], vec![book("PROC-X-001", "h1")]] {
        let mut walk = Walk::read("", "# x");
        walk.event(Kind::LibraryRead { books: Arc::new([book("PROC-X-002", "h2")]) });
        walk.keys("<esc><esc>r<enter>e");
        walk.event(Kind::LibraryRead { books: books.into() });
        assert!(!matches!(walk.state.ui.overlay, Overlay::Begin(_)), "{:?}", walk.state.ui.overlay);
        walk.keys("y");
        assert!(walk.state.run.is_none(), "nobody has read what it is now");
    }
}

#[test]
fn keys_go_into_a_secret_only_while_its_card_is_there() {
    let text = format!(
        "---\nid: PROC-X-001\ninputs:\n  - name: DB_PASSWORD\n    secret: true\n---\n# T\n\n## Steps\n\n{}",
        one("", "make \"${DB_PASSWORD}\"")
    );
    let keys = |walk: &Walk| {
        let of = |e: &Effect| if let Effect::Keys(keys) = e { Some(keys.clone()) } else { None };
        walk.others.iter().filter_map(of).next_back()
    };
    let mut walk = Walk::begin("", &text);
    walk.keys("e");
    assert!(matches!(walk.state.ui.overlay, Overlay::Value(_)), "{:?}", walk.state.ui.overlay);
    assert_eq!(keys(&walk), Some(Keys::Secret("DB_PASSWORD".to_owned())));
    {
        // A reference is no secret: the card shows it, not dots.
        let mut walk = Walk::begin("", &text);
        walk.keys("e");
        walk.event(Kind::SecretGiven { name: "DB_PASSWORD".to_owned(), given: true });
        assert!(matches!(walk.state.ui.overlay, Overlay::RunCard(_)), "{:?}", walk.state.ui.overlay);
        let screen = walk.screen(80, 24);
        assert!(screen.contains("${DB_PASSWORD}") && !screen.contains("•••"), "{screen}");
    }
    // Something else takes the place of the card.
    walk.event(Kind::OutputRead { lines: Ok(Arc::new(["a line".to_owned()])) });
    assert_eq!(keys(&walk), Some(Keys::Here));
    // What was under way does not put the card's page away, nor run anything.
    walk.event(Kind::SecretGiven { name: "DB_PASSWORD".to_owned(), given: true });
    assert!(matches!(walk.state.ui.overlay, Overlay::Output(..)), "{:?}", walk.state.ui.overlay);
    assert!(walk.started.is_empty());
}

#[test]
fn a_reload_says_what_counts_only_from_the_next_start() {
    let mut walk = Walk::read("", "# x");
    let (mut changed, _) = settings("language = \"en\"\ntheme = \"dia\"\n[store]\nurl = \"sqlite:///elsewhere.db\"\n");
    changed.operator.clone_from(&walk.state.settings.operator);
    let before = walk.state.settings.clone();
    walk.event(Kind::Reloaded(Box::new(changed)));
    let said: Vec<String> = walk.state.timeline.newest().map(|e| e.words(Lang::En, walk.state.settings.zone)).collect();
    assert!(said.iter().any(|s| s.contains("theme, [store]") && s.contains("next start")), "{said:?}");
    assert!(!said.iter().any(|s| s.contains("is in use")), "nothing of it is: {said:?}");
    assert_eq!((walk.state.settings.theme, walk.state.settings.store), (before.theme, before.store));
}

#[test]
fn what_changes_is_no_look_and_what_destroys_is_asked_for_whatever_the_document_calls_it() {
    let looks = "**Read-only:** YES\n";
    let proves = |text: &str| format!("**Validation:**\n```bash\n{text}\n```\n");
    let cases = [
        (one(looks, "mysql app -e 'SELECT 1'"), None),
        (one(looks, "mysql app -e 'DROP TABLE calls'"), Some(Demand::Lost("calls".to_owned()))),
        (one(looks, "systemctl restart gunicorn"), Some(Demand::Key)),
        (one("**Loses data:** no\n", "docker volume rm pgdata"), Some(Demand::Lost("pgdata".to_owned()))),
        (one("", "rm -rf /srv/app/old"), Some(Demand::Lost("/srv/app/old".to_owned()))),
        (one(&format!("{looks}{}", proves("redis-cli FLUSHALL")), "uptime"), Some(Demand::Lost("redis".to_owned()))),
    ];
    for (text, wanted) in cases {
        let mut walk = Walk::begin("environment = \"staging\"\n", &format!("# PROC-X-001: T\n\n## Steps\n\n{text}"));
        walk.keys("e");
        let demand = match &walk.state.ui.overlay {
            Overlay::RunCard(card) => Some(card.demand.clone()),
            _ => None,
        };
        assert_eq!((demand.as_ref(), walk.started.is_empty()), (wanted.as_ref(), wanted.is_some()), "{text}");
        if let Some(Demand::Lost(name)) = demand {
            walk.keys("y<enter>");
            assert!(walk.started.is_empty(), "{text}");
            walk.keys(&format!("{name}<enter>"));
            assert_eq!(walk.started.len(), 1, "{text}");
        }
    }
    // A validation that changes something is no look either.
    let text = one(&proves("systemctl restart web"), "uptime");
    let mut walk = Walk::begin("environment = \"staging\"\n", &format!("# PROC-X-001: T\n\n## Steps\n\n{text}"));
    walk.keys("v");
    assert!(matches!(walk.state.ui.overlay, Overlay::RunCard(_)), "{:?}", walk.state.ui.overlay);
}

#[test]
fn a_command_is_what_it_looks_like_or_says_so() {
    for (text, name) in [
        ("rm\u{a0}-rf x", "U+00A0"),
        ("syst\u{435}mctl status x", "U+0435"),
        ("echo a\u{200b}b", "U+200B"),
        ("echo \u{202e}x", "U+202E"),
    ] {
        // Also one that only looks gets its card.
        let text = format!("# PROC-X-001: T\n\n## Steps\n\n{}", one("**Read-only:** YES\n", text));
        let mut walk = Walk::begin("", &text);
        // What cannot be seen at all is taken out of what runs; the rest the page of the step names too.
        let page = walk.screen(80, 24);
        assert!(page.contains(name) || name.starts_with("U+20"), "{page}");
        walk.keys("e");
        assert!(matches!(walk.state.ui.overlay, Overlay::RunCard(_)) && walk.started.is_empty(), "{name}");
        let screen = walk.screen(80, 24);
        assert!(screen.contains("not what they seem") && screen.contains(name), "{screen}");
    }
}

#[test]
fn in_production_what_is_confirmed_was_read_to_its_end() {
    let long = (0..40).map(|n| format!("echo line {n}")).collect::<Vec<_>>().join("\n");
    let text = format!("# PROC-X-001: T\n\n## Steps\n\n{}", one("", &long));
    let mut walk = Walk::begin("environment = \"production\"\n", &text);
    walk.keys("e");
    let Overlay::RunCard(card) = &walk.state.ui.overlay else { panic!("{:?}", walk.state.ui.overlay) };
    let word = card.demand.text().unwrap().to_owned();
    walk.keys(&format!("{word}<enter>"));
    assert!(walk.started.is_empty(), "nobody has seen its end");
    assert!(walk.screen(80, 24).contains("Read it to its end"), "{}", walk.screen(80, 24));
    for _ in 0..10 {
        walk.press(Code::PageDown);
    }
    assert!(
        walk.screen(80, 24).contains("Nothing undoes") || walk.screen(80, 24).contains("undo"),
        "{}",
        walk.screen(80, 24)
    );
    walk.keys(&format!("{word}<enter>"));
    assert_eq!(walk.started.len(), 1);
}

#[test]
fn the_command_of_an_input_is_shown_before_it_runs_and_never_where_it_changes_something() {
    let document = |command: &str| {
        format!(
            "---\nid: PROC-X-001\ninputs:\n  - name: SIDE\n    command: {command}\n---\n# T\n\n## Steps\n\n{}",
            one("", "echo \"$SIDE\" ${SIDE%/} $((SIDE+1))")
        )
    };
    let mut walk = Walk::read("", &document("ls /srv/sides"));
    walk.keys("e");
    assert!(walk.screen(80, 24).contains("ls /srv/sides"), "{}", walk.screen(80, 24));
    assert!(!walk.others.iter().any(|e| matches!(e, Effect::Run(_))), "nothing of it runs before the card");
    walk.keys("ye");
    assert!(
        matches!(walk.state.ui.overlay, Overlay::Value(_)),
        "in whatever form it is used: {:?}",
        walk.state.ui.overlay
    );
    let asked = |walk: &Walk| walk.others.iter().any(|e| matches!(e, Effect::Run(RunOrder::Choices { .. })));
    assert!(asked(&walk));
    for command in ["systemctl restart x", "rm -rf /srv", "curl -X DELETE http://h/x"] {
        let mut walk = Walk::read("", &document(command));
        walk.keys("e");
        assert!(walk.screen(80, 24).contains("is not run"), "{}", walk.screen(80, 24));
        walk.keys("ye");
        assert!(!asked(&walk), "{command}");
    }
}

#[test]
fn walks_are_calm_on_every_screen() {
    let document = include_str!("../../src/lab/rollback.es.md").replace("@HOST@", "127.0.0.1").replace("@PORT@", "80");
    for (lang, width, height, name) in
        [(Lang::Es, 80, 24, "es_80x24"), (Lang::En, 120, 40, "en_120x40"), (Lang::Es, 200, 60, "es_200x60")]
    {
        let document = if lang == Lang::Es {
            document.clone()
        } else {
            include_str!("../../src/lab/rollback.en.md").replace("@HOST@", "127.0.0.1").replace("@PORT@", "80")
        };
        let mut walk = Walk::begin(PRODUCTION, &document);
        walk.state.settings.lang = lang;
        walk.state.ui.size = (width, height);
        "IACT".clone_into(&mut walk.state.settings.service);
        walk.failing(0.124);
        insta::assert_snapshot!(format!("walk_begun_{name}"), walk.screen(width, height));
        walk.keys("ey<esc>");
        walk.keys("e");
        walk.ends(0, "v4.12.0");
        walk.keys("y");
        walk.keys("e");
        insta::assert_snapshot!(format!("walk_card_{name}"), walk.screen(width, height));
        walk.keys("1<enter>");
        walk.ends(7, "connect: Connection refused\n");
        insta::assert_snapshot!(format!("walk_failed_{name}"), walk.screen(width, height));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn whoever_only_looks_starts_nothing_whatever_keys_are_pressed(keys in "[a-zA-Z0-9 :/?]{0,40}", more in "[eyuvSRXdot1]{0,20}") {
        let mut walk = Walk::read("environment = \"production\"\n", &one("", "go"));
        walk.state.settings.read_only = true;
        walk.keys(&format!("e{keys}<esc>r<enter>e{more}<enter>"));
        prop_assert!(walk.started.is_empty());
        let asked = |e: &Effect| matches!(e, Effect::Run(RunOrder::Open { .. } | RunOrder::Stop { .. }));
        prop_assert!(!walk.others.iter().any(asked), "a run was asked for");
    }

    #[test]
    fn any_keys_at_any_size_draw_and_never_run_without_the_word(keys in "[eyuvSRXdotjk<n ]{0,60}", width in 0u16..200, height in 0u16..60) {
        let mut walk = Walk::begin("environment = \"production\"\n", &one("", "go"));
        walk.state.ui.size = (width, height);
        for key in keys.chars() {
            walk.keys(&key.to_string());
            walk.screen(width.max(1), height.max(1));
        }
        // The word that the card prints was never typed: it holds letters that are not among these.
        prop_assert!(walk.started.is_empty());
    }
}
