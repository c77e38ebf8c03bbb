//! What the supervisor says, taken in.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Keys;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::effect::RunOrder;
use crate::engine::event::Kind;
use crate::engine::event::Left;
use crate::engine::run::Asked;
use crate::engine::run::Link;
use crate::engine::run::Run;
use crate::engine::run::Unwritten;
use crate::engine::run::blocks;
use crate::engine::run::rows;
use crate::engine::run::rows::Row;
use crate::engine::run::told::facts;
use crate::engine::run::until;
use crate::engine::run::value;
use crate::engine::run::walk;
use crate::engine::run::watch;
use crate::engine::state::Mode;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::layout;
use crate::model::run::Alive;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::runbook::Runbook;
use crate::model::tale::Tale;
use crate::model::time::Millis;
use crate::model::time::Stamp;

/// Takes in what is told of runs.
pub(crate) fn fold(state: &mut State, kind: Kind) -> Reaction {
    match kind {
        Kind::WalkAsked { book, auto, fills } => {
            state.asked = Some(Asked { book, auto: *auto, fills });
            Reaction::none()
        }
        Kind::RunTold { run, told: line } => told(state, &run, &line),
        Kind::RunCaught { run, missed } => caught(state, &run, missed),
        Kind::RunKnown { values } => known(state, values),
        Kind::RunRefused { why } => refused(state, why),
        Kind::RunUnwritten { ended, why } => unwritten(state, ended, why),
        Kind::RunLeft { run, left: why } => left(state, &run, why),
        Kind::RunsFound { runs } => {
            // Who only looks sees how far it has come.
            if let Some(run) = state.run.as_mut().filter(|r| r.link == Link::Displaced)
                && let Some(found) = runs.iter().find(|f| f.tale.head.run == run.tale.head.run)
                && found.tale.seq > run.tale.seq
            {
                run.tale = found.tale.clone();
            }
            state.runs = runs;
            Reaction::redraw()
        }
        Kind::RunsCounted { figures } => {
            state.library.exercised = figures;
            Reaction::redraw()
        }
        Kind::RunRead { tale, book, alive } => read(state, *tale, book, alive),
        Kind::OutputRead { lines: Ok(lines) } => {
            // The end is what a person looks for first.
            let at = lines.len();
            show(state, Overlay::Output(lines, at))
        }
        Kind::OutputRead { lines: Err(why) } => notice(state, Notice::Failed(why)),
        Kind::Aged { path, at } => {
            if let (Some(run), Some(at)) = (&mut state.run, at) {
                run.backup = Some((path, at));
            }
            Reaction::redraw()
        }
        Kind::ChoicesRead { name, choices } => value::choices(state, &name, choices),
        Kind::Proved { items } => walk::proved(state, &items),
        Kind::SecretGiven { name, given } => value::secret(state, &name, given),
        Kind::KeysBack => walk::keys_back(state),
        Kind::StepOutput { bytes } => output(state, &bytes),
        Kind::StepAlive { alive: seen } => alive(state, seen),
        _ => Reaction::none(),
    }
}

/// A run was read from its file: it is the one that is driven from here, as far as it can be.
fn read(state: &mut State, tale: Tale, book: Arc<Runbook>, alive: bool) -> Reaction {
    let mut run = Run::new(tale, book, if alive { Link::Opening } else { Link::Gone(String::new()) });
    // The step that ran when it was left is what whoever comes back looks for.
    let last = run.tale.steps.iter().max_by_key(|(_, s)| s.ended.or(s.began)).map(|(id, _)| id.clone());
    let open = run.tale.open.as_ref().map(|(_, id)| id.clone());
    let place = open.or(last).and_then(|id| run.place(&id));
    run.console_of = place;
    let rows = rows::rows(&run);
    let at = place.and_then(|p| rows.iter().position(|r| *r == Row::Step(p)));
    let waits = at.is_some() && run.tale.open.is_some();
    run.at = match (waits, rows::next(&run)) {
        (false, Some(next)) => next,
        _ => at.unwrap_or(0),
    };
    state.run = Some(Box::new(run));
    show(state, Overlay::Walk)
}

/// What is to be done whatever has happened: the terminal follows the screen, keys come back when nothing runs.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    let zoom = state.run.as_ref().is_some_and(|r| r.zoomed(state));
    let size = layout::console(state.ui.size, zoom);
    let cockpit = state.mode == Mode::Cockpit;
    effects.extend(until::due(state));
    watch::due(state);
    let Some(run) = &mut state.run else { return effects };
    if cockpit && run.console.size() != size {
        run.console.resize(size.0, size.1);
        if run.tale.open.is_some() && run.link == Link::Live {
            effects.push(Effect::Run(RunOrder::Resize { columns: size.0, rows: size.1 }));
        }
    }
    if state.ui.typing && (run.tale.open.is_none() || run.link != Link::Live) && run.queue.is_empty() && !run.starting {
        state.ui.typing = false;
        state.ui.deaf_until = Some(later(state.now, DEAF));
        state.ui.notice = Some((Notice::TypingOver, state.now));
        effects.push(Effect::Keys(Keys::Here));
    }
    effects
}

/// A line is on the disk.
fn told(state: &mut State, name: &str, told: &Told) -> Reaction {
    let Some(run) = &mut state.run else { return Reaction::none() };
    let known = &run.tale.head.run;
    if !(known.is_empty() || known == name) || told.seq <= run.tale.seq {
        return Reaction::none();
    }
    run.tale.take(told);
    // What waits is written in order: this is the first of it, and if more waits that is said again.
    run.unwritten = None;
    let mut effects = Vec::new();
    // Words for the timeline; whoever folds the file in later makes the same entry of the same line.
    if let Some((who, fact)) = facts(&run.tale, Some(&run.book), told) {
        let id = entry_id(name, told.seq);
        if state.timeline.find_mut(told.at, &id).is_none() {
            state.timeline.put(Entry { id, ..Entry::new(told.at, fact, who) });
        }
    }
    effects.push(Effect::Record(0, RecordOrder::Run { run: name.to_owned(), lines: vec![told.clone()] }));
    let Some(run) = &mut state.run else { return Reaction::none() };
    match &told.what {
        What::Began { .. } => {
            run.starting = false;
            run.alive = None;
            run.stopping = false;
        }
        What::Ended { block, end } => {
            // What was said of a stop is over with what was stopped.
            state.ui.notice.take_if(|(n, _)| matches!(n, Notice::Stopping | Notice::Killing | Notice::Unwritten(_)));
            if end.stopped {
                // What goes on elsewhere is seen only by looking now.
                effects.push(Effect::PollNow);
            }
            run.alive = None;
            run.stopping = false;
            let found = run.tale.block(*block).map(|(id, b)| (id.to_owned(), b.part));
            // Of a run that is read again the lines say what was judged.
            if let Some((id, part)) = found.filter(|_| run.link == Link::Live) {
                effects.extend(blocks::ended(state, part, &id, end));
            }
        }
        What::Lost { .. } => {
            run.alive = None;
            run.queue.clear();
        }
        // A placeholder that was filled in stays so for whoever takes the run over.
        What::Given { name, value } if !crate::runbook::variables::is_name(name) => {
            run.fills.insert(name.clone(), value.clone());
        }
        _ => {}
    }
    watch::told(state, &told.what);
    effects.extend(walk::moved(state, &told.what));
    effects.extend(blocks::next(state));
    Reaction { effects, redraw: true }
}

/// The identifier of the entry that is made of a line of a run.
#[must_use]
pub fn entry_id(run: &str, seq: u64) -> String {
    format!("run-{run}-{seq}")
}

/// All lines are here: from now on what is asked for is done.
fn caught(state: &mut State, name: &str, missed: u64) -> Reaction {
    let Some(run) = state.run.as_mut().filter(|r| r.tale.head.run == name) else { return Reaction::none() };
    run.link = Link::Live;
    run.missed = missed;
    let effects = blocks::next(state);
    Reaction { effects, redraw: true }
}

fn known(state: &mut State, values: BTreeMap<String, String>) -> Reaction {
    if let Some(run) = &mut state.run {
        run.values = values;
    }
    Reaction::redraw()
}

fn refused(state: &mut State, why: String) -> Reaction {
    if let Some(run) = &mut state.run {
        run.starting = false;
        run.queue.clear();
        run.problem = Some(why);
    }
    Reaction::redraw()
}

/// It has happened, and is not on the disk: whoever looks at the step is told, and nothing is taken for done.
fn unwritten(state: &mut State, ended: Option<u64>, why: String) -> Reaction {
    let now = state.now;
    if let Some(run) = &mut state.run {
        let since = run.unwritten.as_ref().map_or(now, |u| u.since);
        run.unwritten = Some(Unwritten { since, ended, why });
        if ended.is_some() {
            run.alive = None;
            run.stopping = false;
        }
    }
    Reaction::redraw()
}

/// Keys go into a secret for as long as its card is there, and no longer, whatever has put something else in its place.
pub(crate) fn keys_go(state: &mut State, effects: &mut Vec<Effect>) {
    for effect in &*effects {
        match effect {
            Effect::Keys(Keys::Secret(name)) => state.unseen = Some(name.clone()),
            Effect::Keys(_) => state.unseen = None,
            _ => {}
        }
    }
    let Some(name) = &state.unseen else { return };
    let asked = match &state.ui.overlay {
        Overlay::Value(ask) => ask.wishes.first().is_some_and(|w| w.input.secret && w.input.name == *name),
        _ => false,
    };
    if !asked {
        state.unseen = None;
        effects.push(Effect::Keys(Keys::Here));
    }
}

/// Every link to a run has a number of its own: the one that an order begins is told to whoever carries it out.
pub(crate) fn number(state: &mut State, effects: &mut Vec<Effect>) {
    let begins = |e: &Effect| {
        matches!(e, Effect::Run(RunOrder::Open { .. } | RunOrder::Resume { .. } | RunOrder::Attach { .. }))
    };
    if let Some(at) = effects.iter().position(begins) {
        state.link += 1;
        effects.insert(at, Effect::Run(RunOrder::Link(state.link)));
    }
}

fn left(state: &mut State, name: &str, left: Left) -> Reaction {
    let Some(run) = &mut state.run else { return Reaction::none() };
    let known = &run.tale.head.run;
    if !known.is_empty() && known != name {
        return Reaction::none();
    }
    run.starting = false;
    run.queue.clear();
    run.waiting = None;
    run.alive = None;
    match left {
        Left::OnPurpose => {}
        Left::Displaced => run.link = Link::Displaced,
        Left::Gone(why) => run.link = Link::Gone(why),
    }
    Reaction::redraw()
}

/// Whoever types into a step that has just ended is still typing; a pause of so long ends that.
pub(crate) const DEAF: Millis = 700;

pub(crate) fn later(now: Stamp, by: Millis) -> Stamp {
    Stamp { mono: now.mono + by, wall: now.wall + by }
}

/// So much at once is a flood, which nobody reads as it comes: more than a prompt, or what is typed, and less than the
/// four thousand bytes that a terminal gives at a time …
const FLOOD: usize = 1024;
/// … and which is drawn so often: as often as an eye sees, and a thin line takes.
const FRAME: Millis = 50;

/// A piece of output.
fn output(state: &mut State, bytes: &[u8]) -> Reaction {
    let now = state.now;
    let Some(run) = &mut state.run else { return Reaction::none() };
    // A terminal gives the rest of what it had as a small piece: in a flood that is no prompt.
    let flood = bytes.len() >= FLOOD || run.console.holds();
    if flood && run.drawn.is_some_and(|at| now.since(at) < FRAME) {
        // The next piece, or the next second, draws it.
        run.console.hold(bytes);
        return Reaction::none();
    }
    run.console.take(bytes);
    run.drawn = Some(now);
    Reaction::redraw()
}

fn alive(state: &mut State, alive: Alive) -> Reaction {
    let now = state.now;
    if let Some(run) = state.run.as_mut().filter(|r| r.tale.open.is_some()) {
        run.alive = Some((alive, now));
    }
    Reaction::redraw()
}
