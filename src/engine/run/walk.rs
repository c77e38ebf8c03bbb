//! What a person asks of the walk. Enter opens and never runs; whatever changes something passes `start`, and nothing
//! else does.

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Keys;
use crate::engine::effect::Reaction;
use crate::engine::effect::RunOrder;
use crate::engine::prompt::Prompt;
use crate::engine::run::Link;
use crate::engine::run::Run;
use crate::engine::run::ask;
use crate::engine::run::ask::Ask;
use crate::engine::run::begin;
use crate::engine::run::blocks;
use crate::engine::run::card;
use crate::engine::run::card::Demand;
use crate::engine::run::card::Doing;
use crate::engine::run::card::FLUSHED;
use crate::engine::run::card::RunCard;
use crate::engine::run::card_text;
use crate::engine::run::plan;
use crate::engine::run::rows;
use crate::engine::run::rows::Row;
use crate::engine::run::value;
use crate::engine::run::watch;
use crate::engine::run::words;
use crate::engine::run::words::Purpose;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::command::Command;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::model::run::Because;
use crate::model::run::Outcome;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::run::What;
use crate::model::runbook::Criticality;
use crate::model::runbook::Section;

/// May something be changed from here now? The one place that says no.
pub(crate) fn hands_off(state: &State) -> Option<Notice> {
    match () {
        () if state.settings.read_only => Some(Notice::ReadOnly),
        () if state.ui.frozen.is_some() => Some(Notice::Frozen),
        () => None,
    }
}

/// A command while the walk is in sight, or one that belongs to it from anywhere.
pub(crate) fn run(state: &mut State, command: Command) -> Reaction {
    if state.run.is_none() {
        return notice(state, Notice::NoRun);
    }
    state.ui.overlay = Overlay::Walk;
    match command {
        Command::Execute => execute(state, Doing::Do),
        Command::Validate => execute(state, Doing::Validate),
        Command::Undo => execute(state, Doing::Undo),
        Command::Skip => words::skip(state),
        Command::Stop => stop(state),
        Command::Type => type_into(state),
        Command::Output => output(state),
        Command::Deviate => words::ask(state, |at| Some(Purpose::Deviate(at?))),
        Command::WayBack => way_back(state),
        Command::Leave if state.run.as_ref().is_some_and(|r| rows::done(r) && r.link == Link::Live) => finish(state),
        Command::Leave => words::ask(state, |_| Some(Purpose::Leave)),
        Command::Call => show(state, Overlay::Call(0)),
        Command::Yes => judge(state, true),
        Command::No => judge(state, false),
        _ => Reaction::redraw(),
    }
}

/// Everything is done: the walk is over, and nobody asks why.
fn finish(state: &mut State) -> Reaction {
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    let (by, reason) = (me(state), String::new());
    let back = state.run.as_ref().is_some_and(|r| r.tale.rollback.is_some());
    let outcome = if back { Outcome::RolledBack } else { Outcome::Ok };
    Reaction::with(Run::tell(What::Finished { outcome, by, reason }))
}

/// Why nothing can be asked of the run now.
pub(super) fn held_up(state: &State) -> Option<Notice> {
    let run = state.run.as_ref()?;
    hands_off(state).or(match &run.link {
        _ if run.tale.outcome.is_some() => Some(Notice::RunOver),
        Link::Opening => Some(Notice::RunOpening),
        Link::Displaced => Some(Notice::RunDisplaced),
        Link::Live | Link::Gone(_) => None,
    })
}

pub(super) fn me(state: &State) -> String {
    state.settings.operator.clone()
}

/// Starts a supervisor anew where the old one is gone; says so, and nothing else is done.
pub(super) fn revive(state: &mut State) -> Option<Reaction> {
    let run = state.run.as_mut().filter(|r| matches!(r.link, Link::Gone(_)))?;
    run.link = Link::Opening;
    let head = Box::new(run.tale.head.clone());
    let names = plan::names(&run.book);
    notice(state, Notice::RunRevived);
    Some(Reaction::with(Effect::Run(RunOrder::Resume { head, names })))
}

fn execute(state: &mut State, doing: Doing) -> Reaction {
    if state.run.as_ref().is_some_and(|r| r.link == Link::Displaced && r.tale.goes_on()) && hands_off(state).is_none() {
        // Two hands on one wheel: it is said once, and done when it is meant.
        if !std::mem::replace(&mut state.ui.asked_to_drive, true) {
            return notice(state, Notice::RunDisplaced);
        }
        state.ui.asked_to_drive = false;
        let run = state.run.as_ref().map(|r| r.tale.head.run.clone()).unwrap_or_default();
        return Reaction::with(Effect::Run(RunOrder::Attach { run, take: true }));
    }
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    if let Some(reaction) = revive(state) {
        return reaction;
    }
    let Some(run) = &state.run else { return Reaction::none() };
    if run.busy() {
        return notice(state, Notice::StepRuns);
    }
    let Some(row) = rows::selected(run) else { return Reaction::none() };
    let Row::Step(at) = row else { return show(state, Overlay::Checks(0)) };
    let Some(step) = run.step(at) else { return Reaction::none() };
    if run.tale.status(&step.id) == Status::Unknown && doing != Doing::Validate {
        return notice(state, Notice::SayFirst);
    }
    if card::wanted(step, at, doing).is_empty() {
        return notice(
            state,
            match doing {
                Doing::Do => Notice::ByHand,
                Doing::Validate => Notice::NoValidation,
                Doing::Undo => Notice::NoUndo,
            },
        );
    }
    let proper = matches!(step.section, Section::Steps | Section::Post) && doing == Doing::Do;
    if proper && !rows::checked(run) {
        return show(state, Overlay::Checks(0));
    }
    if proper && let Some(first) = rows::unprepared(run).first() {
        let id = first.id.clone();
        return notice(state, Notice::PrepareFirst(id));
    }
    if let Some(first) = rows::before(run, at).filter(|_| step.section == Section::Steps && doing == Doing::Do) {
        let id = first.id.clone();
        return notice(state, Notice::EarlierFirst(id));
    }
    if proper && needs_approval(state) {
        return show(state, Overlay::Approval);
    }
    let wishes = ask::offered(state, run, at, doing);
    if !wishes.is_empty() {
        return value::asks(state, Ask::new(at, doing, wishes));
    }
    ready(state, at, doing)
}

/// A second person has to agree before the first change, and nobody has.
fn needs_approval(state: &State) -> bool {
    let Some(run) = &state.run else { return false };
    let names = ["aprobacion", "aprobado_por", "aprobadores", "approval", "approved_by", "approvers"];
    let no = |v: &str| matches!(v.trim().to_lowercase().as_str(), "no" | "false" | "none" | "ninguna");
    let demanded = run.book.front.get(&names).is_some_and(|v| !no(v));
    run.book.criticality == Some(Criticality::Critica)
        && demanded
        && run.tale.approved.is_none()
        && run.tale.broke_glass.is_none()
}

/// Everything is known: looks run at once, changes are asked about.
pub(super) fn ready(state: &mut State, at: usize, doing: Doing) -> Reaction {
    let Some(run) = &state.run else { return Reaction::none() };
    match card::demand(state, run, at, doing) {
        None => start(state, at, doing),
        Some(demand) => {
            let (typed, opened) = (Prompt::default(), state.now);
            let card =
                RunCard { step: at, doing, demand, typed, wrong: false, opened, scroll: 0, seen: false, early: false };
            let mut reaction = Reaction::redraw();
            // How old the dump is says how much would be lost.
            if let Some(run) = &mut state.run {
                run.backup = None;
                let step = run.book.steps.get(at);
                let texts = step.into_iter().flat_map(|s| {
                    card::wanted(s, at, doing)
                        .into_iter()
                        .filter_map(|w| plan::command(s, w.part).map(|c| c.text.clone()))
                });
                let shown: Vec<String> = texts.map(|t| plan::shown(run, &t)).collect();
                reaction.effects.extend(shown.iter().find_map(|t| watch::dump(t)));
            }
            state.ui.overlay = Overlay::RunCard(Box::new(card));
            reaction
        }
    }
}

/// The one place from which blocks are started by a person.
fn start(state: &mut State, at: usize, doing: Doing) -> Reaction {
    state.ui.overlay = Overlay::Walk;
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    let Some(run) = &mut state.run else { return Reaction::none() };
    if run.busy() {
        return notice(state, Notice::StepRuns);
    }
    let Some(step) = run.book.steps.get(at) else { return Reaction::none() };
    run.queue = card::wanted(step, at, doing).into();
    run.problem = None;
    let effects = blocks::next(state);
    Reaction { effects, redraw: true }
}

/// A key on the card.
pub(crate) fn on_card(state: &mut State, mut card: Box<RunCard>, chord: Chord) -> Reaction {
    let early = state.now.since(card.opened) < FLUSHED;
    let in_sight =
        |state: &State, card: &RunCard| state.run.as_ref().is_some_and(|run| card_text::end_in_sight(state, run, card));
    card.seen |= in_sight(state, &card);
    card.early = false;
    let confirmed = match (&card.demand, chord.code) {
        (_, Code::Esc) => return show(state, Overlay::Walk),
        (_, Code::PageDown | Code::Down) => {
            card.scroll += 5;
            false
        }
        (_, Code::PageUp | Code::Up) => {
            card.scroll = card.scroll.saturating_sub(5);
            false
        }
        _ if early => false,
        (Demand::Key, Code::Char('y')) if !chord.ctrl && !chord.alt => true,
        (Demand::Key, _) => false,
        (demand, Code::Enter) => {
            let right = demand.text().is_some_and(|t| t == card.typed.text().trim());
            card.wrong = !right;
            if !right {
                card.typed = Prompt::default();
            }
            right
        }
        _ => {
            card.wrong = false;
            card.typed.key(chord);
            false
        }
    };
    if confirmed && state.settings.production() && !card.seen {
        // What is confirmed is what was read, to its last line.
        card.early = true;
        card.typed = Prompt::default();
    } else if confirmed {
        return start(state, card.step, card.doing);
    }
    card.seen |= in_sight(state, &card);
    show(state, Overlay::RunCard(card))
}

/// A person says whether it is so.
fn judge(state: &mut State, good: bool) -> Reaction {
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    if let Some(reaction) = revive(state) {
        return reaction;
    }
    let by = me(state);
    let Some(run) = &state.run else { return Reaction::none() };
    let Some((_, step)) = rows::step(run).filter(|(_, s)| rows::awaits(run, s)) else {
        return notice(state, Notice::NothingToJudge);
    };
    let gated = step.section == Section::Steps && run.tale.status(&step.id) == Status::Pending;
    if gated && !rows::checked(run) {
        return show(state, Overlay::Checks(0));
    }
    let (status, step) = (if good { Status::Ok } else { Status::Failed }, step.id.clone());
    let (reason, because) = (String::new(), Because::Nothing);
    Reaction::with(Run::tell(What::Judged { step, status, by, reason, because }))
}

/// A key on the list of what has to be there first.
pub(crate) fn on_checks(state: &mut State, at: usize, chord: Chord) -> Reaction {
    let n = state.run.as_ref().map_or(0, |r| r.book.prerequisites.len());
    let sign = |state: &mut State, items: Vec<usize>, at: usize| {
        state.ui.overlay = Overlay::Checks(at);
        if let Some(why) = held_up(state) {
            return notice(state, why);
        }
        if let Some(reaction) = revive(state) {
            return reaction;
        }
        let by = me(state);
        let open = |i: &usize| state.run.as_ref().is_some_and(|r| !r.tale.signed.contains_key(i));
        let left = (0..n).filter(open).count();
        let signed: Vec<usize> = items.into_iter().filter(open).collect();
        if signed.len() == left {
            // Nothing is left to sign: on with the walk.
            state.ui.overlay = Overlay::Walk;
        }
        let signed = signed.into_iter();
        let effects: Vec<Effect> = signed.map(|item| Run::tell(What::Signed { item, by: by.clone() })).collect();
        Reaction { effects, redraw: true }
    };
    match chord.code {
        Code::Esc | Code::Enter | Code::Char('q') => show(state, Overlay::Walk),
        Code::Down | Code::Char('j') => show(state, Overlay::Checks((at + 1).min(n.saturating_sub(1)))),
        Code::Up | Code::Char('k') => show(state, Overlay::Checks(at.saturating_sub(1))),
        Code::Char(' ') => sign(state, vec![at], (at + 1).min(n.saturating_sub(1))),
        Code::Char('y') => sign(state, (0..n).collect(), at),
        Code::Char('S') => {
            state.ui.overlay = Overlay::Walk;
            if let Some(run) = &mut state.run {
                run.at = 0;
            }
            words::skip(state)
        }
        _ => show(state, Overlay::Checks(at)),
    }
}

/// Stops what runs: asked once it may end by itself, asked twice it is killed. It never asks back.
fn stop(state: &mut State) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    let Some(run) = &mut state.run else { return Reaction::none() };
    if run.waiting.take().is_some() {
        let id = run.current.and_then(|w| run.step(w.step)).map(|s| s.id.clone()).unwrap_or_default();
        return Reaction::with(blocks::judged(&id, Status::Failed, Because::Stopped));
    }
    if let Some(unwritten) = run.unwritten.as_ref().filter(|u| u.ended.is_some()) {
        // There is nothing left to stop.
        let why = unwritten.why.clone();
        return notice(state, Notice::Unwritten(why));
    }
    if run.tale.open.is_none() {
        return notice(state, Notice::NothingRuns);
    }
    let kill = std::mem::replace(&mut run.stopping, true);
    run.queue.clear();
    notice(state, if kill { Notice::Killing } else { Notice::Stopping });
    Reaction::with(Effect::Run(RunOrder::Stop { kill }))
}

fn type_into(state: &mut State) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    let Some(run) = &mut state.run else { return Reaction::none() };
    let runs = run.tale.open.is_some() || run.starting;
    if !runs || run.link != Link::Live {
        return notice(state, Notice::NothingRuns);
    }
    // What is typed goes where it is seen.
    if let (Some(at), Some(place)) = (run.console_of, run.console_of.and_then(|s| row_of(run, s))) {
        let _ = at;
        run.at = place;
    }
    state.ui.typing = true;
    Reaction::with(Effect::Keys(Keys::Step))
}

fn row_of(run: &Run, step: usize) -> Option<usize> {
    rows::rows(run).iter().position(|r| *r == Row::Step(step))
}

/// The keys come here again.
pub(crate) fn keys_back(state: &mut State) -> Reaction {
    state.ui.typing = false;
    Reaction::redraw()
}

/// Reads the whole output of the selected step's last block.
fn output(state: &mut State) -> Reaction {
    let Some(run) = &state.run else { return Reaction::none() };
    let tale = rows::step(run).and_then(|(_, s)| run.tale.step(&s.id));
    let blocks = tale.map(|t| t.blocks.as_slice()).unwrap_or_default();
    // All of the last try: what it did, and what says whether it worked.
    let from = blocks.iter().rposition(|b| matches!(b.part, Part::Command(0) | Part::Undo(0))).unwrap_or(0);
    let casts: Vec<String> = blocks.iter().skip(from).map(|b| b.cast.clone()).collect();
    if casts.is_empty() {
        return notice(state, Notice::NoOutput);
    }
    Reaction::with(Effect::Run(RunOrder::Read { casts }))
}

/// The way back begins: from here on the cursor walks its steps.
fn way_back(state: &mut State) -> Reaction {
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    if let Some(reaction) = revive(state) {
        return reaction;
    }
    let by = me(state);
    let Some(run) = &mut state.run else { return Reaction::none() };
    if run.busy() {
        return notice(state, Notice::StepRuns);
    }
    let rows = rows::rows(run);
    let back = plan::way_back(&run.book);
    let first = match back.first() {
        Some(first) => Some(*first),
        // Without a way back of its own each step is undone by itself, the last first.
        None => (0..run.book.steps.len()).rev().find(|at| {
            run.step(*at)
                .is_some_and(|s| !s.rollback.is_empty() && run.tale.step(&s.id).is_some_and(|t| !t.blocks.is_empty()))
        }),
    };
    let Some(first) = first else { return notice(state, Notice::NoWayBack) };
    run.at = rows.iter().position(|r| *r == Row::Step(first)).unwrap_or(run.at);
    if run.tale.rollback.is_some() {
        return Reaction::redraw();
    }
    if !std::mem::replace(&mut state.ui.asked_to_go_back, true) {
        return notice(state, Notice::GoBack);
    }
    state.ui.asked_to_go_back = false;
    let Some(run) = &state.run else { return Reaction::none() };
    let failed = run.tale.steps.iter().find(|(_, s)| s.status == Status::Failed).map(|(id, _)| id.clone());
    Reaction::with(Run::tell(What::RollbackBegan { reason: failed.unwrap_or_default(), by }))
}

/// Begins to walk a procedure of the library.
pub(crate) fn ask_begin(state: &mut State, book: usize) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    if state.run.as_ref().is_some_and(|r| r.tale.goes_on()) {
        return notice(state, Notice::OneRun);
    }
    let Some(found) = state.library.books.get(book) else { return Reaction::none() };
    if found.says.steps.is_empty() {
        return notice(state, Notice::NoSteps);
    }
    show(state, Overlay::Begin(book))
}

/// A key on the card before the walk.
pub(crate) fn on_begin(state: &mut State, book: usize, chord: Chord) -> Reaction {
    match chord.code {
        Code::Char('y') if !chord.ctrl && !chord.alt => {
            if let Some(why) = hands_off(state) {
                return notice(state, why);
            }
            let Some(found) = state.library.books.get(book).cloned() else { return Reaction::redraw() };
            if found.loose && state.settings.production() {
                state.ui.overlay = Overlay::Begin(book);
                return notice(state, Notice::LooseBook(found.path));
            }
            let effect = begin(state, &found, std::collections::BTreeMap::new(), None);
            if let Some(run) = &mut state.run {
                run.at = 0;
            }
            state.ui.overlay = Overlay::Walk;
            let prove = Effect::Run(RunOrder::Prove { items: found.says.prerequisites.clone() });
            Reaction { effects: vec![effect, prove], redraw: true }
        }
        Code::Esc => show(state, Overlay::Runbook(book, 0)),
        _ => show(state, Overlay::Begin(book)),
    }
}

/// The machine has proved some of it.
pub(crate) fn proved(state: &mut State, proved: &[usize]) -> Reaction {
    let Some(run) = state.run.as_ref().filter(|r| r.tale.goes_on()) else { return Reaction::none() };
    let open = |i: &&usize| !run.tale.signed.contains_key(*i) && **i < run.book.prerequisites.len();
    let signed = proved.iter().filter(open).map(|i| Run::tell(What::Signed { item: *i, by: String::new() }));
    Reaction { effects: signed.collect(), redraw: true }
}

/// After a line of the run: the cursor goes on to what is next, and a walk that has come to its end says so.
pub(crate) fn moved(state: &mut State, told: &What) -> Vec<Effect> {
    let Some(run) = state.run.as_mut().filter(|r| r.auto.is_none() && r.link == Link::Live) else { return Vec::new() };
    let passed = match told {
        What::Judged { step, status, .. } => status.passed().then(|| run.place(step)).flatten(),
        What::Signed { .. } | What::Passed { .. } => {
            if rows::selected(run) == Some(Row::Checks) && rows::checked(run) {
                run.at = rows::next(run).unwrap_or(run.at);
            }
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    let selected = rows::step(run).map(|(at, _)| at);
    if passed.is_some() && passed == selected {
        run.at = rows::next(run).unwrap_or(run.at);
    }
    // Where there is a way back, whoever walks says when it is not needed any more.
    if passed.is_some() && rows::done(run) && !rows::can_go_back(run) {
        let outcome = if run.tale.rollback.is_some() { Outcome::RolledBack } else { Outcome::Ok };
        let (by, reason) = (state.settings.operator.clone(), String::new());
        return vec![Run::tell(What::Finished { outcome, by, reason })];
    }
    Vec::new()
}

/// Moves the cursor.
pub(crate) fn step(state: &mut State, to: impl Fn(usize) -> usize) {
    if let Some(run) = &mut state.run {
        let last = rows::rows(run).len().saturating_sub(1);
        run.at = to(run.at.min(last)).min(last);
    }
}

/// Does a step run here that would go on alone?
#[must_use]
pub(crate) fn runs(state: &State) -> bool {
    state.run.as_ref().is_some_and(|r| r.tale.open.is_some() && r.link == Link::Live)
}
