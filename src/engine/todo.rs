//! What stands in the pane of what to do, line by line: the walk that goes on, those that were left, procedures that
//! fit, whom to call.

use crate::engine::library;
use crate::engine::library::Suggestion;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::layout::Pane;

/// Walks that were left are named, the newest; the rest is in their files.
const LEFT: usize = 3;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The walk that is driven from here.
    Walk,
    /// One that was left: its place among those found.
    Left(usize),
    /// A procedure that fits.
    Book(Suggestion),
    /// Somebody to call: their place.
    Contact(usize),
}

/// Every line, in order.
#[must_use]
pub fn items(state: &State) -> Vec<Item> {
    let own = state.run.as_ref().filter(|r| r.tale.goes_on());
    let name = own.map(|r| r.tale.head.run.clone()).unwrap_or_default();
    let all = state.runs.iter().enumerate();
    // What a pipeline left is its own affair, unless it still runs.
    let left = all.filter(|(_, f)| f.tale.head.run != name && (!f.tale.head.headless || f.tale.open.is_some()));
    // What is being walked need not be advised.
    let walked = |s: &Suggestion| {
        let book = state.library.books.get(s.book);
        own.is_some_and(|r| book.is_some_and(|b| b.says.id == r.tale.head.runbook))
    };
    own.map(|_| Item::Walk)
        .into_iter()
        .chain(left.take(LEFT).map(|(i, _)| Item::Left(i)))
        .chain(library::advised(state).into_iter().filter(|s| !walked(s)).map(Item::Book))
        .chain((0..state.settings.contacts.len()).map(Item::Contact))
        .collect()
}

/// The selected line, while that pane has the keys.
#[must_use]
pub fn selected(state: &State) -> Option<Item> {
    if state.ui.focus != Pane::Todo || state.ui.overlay != Overlay::None {
        return None;
    }
    items(state).into_iter().nth(state.ui.selected[Pane::Todo.index()])
}
