//! What a person does at the window: opens one, ends it, takes the way back.

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::library;
use crate::engine::library::Reason;
use crate::engine::run::walk;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::window;
use crate::engine::window::log;
use crate::model::deploy::Deploy;
use crate::model::time::SECOND;
use crate::model::watch::Watch;
use crate::model::window::Verdict;
use crate::model::window::Window;

/// Days that the figures of delivery are worked out of on the screen.
const DAYS: i64 = 30;

/// The window that is looked at: one that goes on, else the newest.
#[must_use]
pub fn shown(state: &State) -> Option<&Watch> {
    let all = log::known(state);
    let live = all.iter().rev().find(|w| w.live(state.now.wall)).copied();
    live.or_else(|| all.last().copied())
}

/// The newest deploy whose old side may still be there: what a window that is opened now is about.
#[must_use]
pub fn newest_deploy(state: &State) -> Option<&Deploy> {
    let keep = state.settings.window.keep_old;
    state.context.deploys.last().filter(|d| state.now.wall <= d.old_until.unwrap_or(d.at + keep).max(d.at + keep))
}

/// Is the way back what a person needs next?
#[must_use]
pub fn wants_back(state: &State, watch: &Watch) -> bool {
    watch.stands(state.now.wall) == Verdict::Fail && !superseded(state, watch)
}

/// Something else has gone live since: what is said of this speaks of the past.
#[must_use]
pub fn superseded(state: &State, watch: &Watch) -> bool {
    let newer = |d: &&Deploy| d.at > watch.window.from && Some(&d.id) != watch.deploy.as_ref();
    state.context.deploys.last().as_ref().is_some_and(newer)
}

/// The procedure of the way back: the one that is advised, else the first.
#[must_use]
pub fn way_back(state: &State) -> Option<usize> {
    let advised =
        library::suggested(state).into_iter().find(|s| matches!(s.reason, Reason::Window(_) | Reason::Change(..)));
    advised.map(|s| s.book).or_else(|| {
        let books = &state.library.books;
        let all = library::searched(books, "", state.settings.lang);
        all.into_iter().find(|i| books.get(*i).is_some_and(|b| b.says.kind == "rollback"))
    })
}

/// What is known of a deploy for the variables of its way back. A bare `VERSION` could mean either side: it is the new
/// one where another variable names the old one, and nobody's guess where none does.
#[must_use]
pub fn fills(state: &State, names: &[String]) -> Vec<(String, String)> {
    // The window that asks for the way back says from what; without one it is the newest.
    let of = shown(state).filter(|w| wants_back(state, w)).map(|w| w.deploy.as_ref());
    let deploys = &state.context.deploys;
    let found = match of {
        Some(id) => deploys.iter().find(|d| Some(&d.id) == id),
        None => deploys.last(),
    };
    let Some(deploy) = found else { return Vec::new() };
    let says = |name: &str, words: &[&str]| {
        let name = name.to_uppercase();
        ["VERSION", "RELEASE", "TAG"].iter().any(|w| name.contains(w)) && words.iter().any(|w| name.contains(w))
    };
    let old = |name: &str| says(name, &["OLD", "PREV", "ANTERIOR", "LAST_GOOD", "STABLE", "ESTABLE"]);
    let new = |name: &str| says(name, &["NEW", "NUEVA", "FAILED", "FALLIDA", "BAD", "CURRENT", "ACTUAL"]);
    let bare = |name: &str| matches!(name.to_uppercase().as_str(), "VERSION" | "RELEASE" | "TAG");
    let names_old = names.iter().any(|n| old(n));
    let value = |name: &String| match () {
        () if old(name) => deploy.before.clone(),
        () if new(name) || bare(name) && names_old => Some(deploy.version.clone()),
        () => None,
    };
    names.iter().filter_map(|n| Some((n.clone(), value(n)?))).collect()
}

/// Enter at the window: the way back where it is needed; otherwise a window, where none goes on.
pub(crate) fn enter(state: &mut State) -> Reaction {
    let back = shown(state).is_some_and(|w| wants_back(state, w));
    match way_back(state).filter(|_| back) {
        Some(book) => show(state, Overlay::Runbook(book, 0)),
        None if back => notice(state, Notice::NoWayBack),
        None => begin(state),
    }
}

/// Begins the way back.
pub(crate) fn go_back(state: &mut State) -> Reaction {
    let back = shown(state).is_some_and(|w| wants_back(state, w));
    match way_back(state).filter(|_| back) {
        Some(book) => walk::ask_begin(state, book),
        None => notice(state, if back { Notice::NoWayBack } else { Notice::NothingToGoBack }),
    }
}

/// Opens a window now.
pub(crate) fn begin(state: &mut State) -> Reaction {
    if state.ui.frozen.is_some() {
        return notice(state, Notice::Frozen);
    }
    let here = state.window.as_ref().is_some_and(|w| w.goes_on());
    if here || shown(state).is_some_and(|w| w.live(state.now.wall)) {
        return notice(state, Notice::WindowOpen);
    }
    let watch = new(state);
    let reaction = window::open(state, watch);
    state.ui.overlay = Overlay::Window(0);
    reaction
}

/// A window that begins now, compared with what was just before the newest deploy, or before now.
fn new(state: &mut State) -> Watch {
    // A server answers by the second.
    let from = state.now.wall / SECOND * SECOND;
    let length = state.settings.window.length;
    let deploy = newest_deploy(state).cloned();
    let every = state.settings.counts_every();
    let from = if deploy.as_ref().is_some_and(|d| d.at > from) { from + SECOND } else { from };
    let (version, at) = deploy.as_ref().map_or_else(Default::default, |d| (d.version.clone(), d.at));
    // Direct scrape knows nothing from before it began to look: then what was just before now has to do.
    let known = state.settings.prometheus.is_some() || at >= state.started.wall;
    let back = if at > 0 && known { (from - at / SECOND * SECOND).max(0) } else { 0 };
    let window = Window::new(version, from, length, (length, back), every);
    let id = match &state.record.desk {
        Some(_) => state.record.id(),
        None => format!("window-{from}"),
    };
    let host = state.record.desk.as_ref().map(|d| d.host.clone()).unwrap_or_default();
    let keep = state.settings.window.keep_old;
    Watch {
        old_until: Some(deploy.as_ref().and_then(|d| d.old_until).unwrap_or(from + keep)),
        deploy: deploy.map(|d| d.id),
        ..Watch::new(id, window, &state.settings.operator, &host)
    }
}

/// Ends the window that is counted here.
pub(crate) fn end(state: &mut State) -> Reaction {
    if state.ui.frozen.is_some() {
        return notice(state, Notice::Frozen);
    }
    match window::interrupt(state) {
        Some(_) => Reaction::redraw(),
        None => notice(state, Notice::NoWindow),
    }
}

/// Asks for the figures of delivery.
pub(crate) fn dora(state: &mut State) -> Reaction {
    if state.record.desk.is_none() {
        let why = state.record.problem.clone().unwrap_or_default();
        return notice(state, Notice::NoRecord(why));
    }
    state.dora = None;
    state.ui.overlay = Overlay::Dora(0);
    Reaction::with(Effect::Record(0, RecordOrder::Dora(DAYS)))
}
