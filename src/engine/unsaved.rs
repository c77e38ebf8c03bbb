//! What is shown and is not in the store: how it is marked, and what is done about it when the program ends.

use crate::engine::record::BEFORE;
use crate::engine::record::Scribe;
use crate::engine::record::is_due;
use crate::engine::record::words;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::timeline::Kept;
use crate::model::incident::RULES;
use crate::model::journal::Draft;

/// Is this entry shown, and not on the disk yet?
#[must_use]
pub fn unsaved(state: &State, entry: &Entry) -> bool {
    // Who only looks writes nothing; what others write comes from the disk.
    if state.settings.read_only {
        return false;
    }
    if state.record.gone.is_some() && matches!(entry.kept, Kept::Saved(..)) {
        return true;
    }
    match &state.record.incident {
        Some(incident) => matches!(entry.kept, Kept::Saving(_)) || is_due(entry, incident.opened_at - BEFORE),
        // Its incident is over, and it has not been written: a person's words are not to look as if they were.
        None => matches!(entry.kept, Kept::Saving(_)) || (entry.kept == Kept::Here && words(&entry.what)),
    }
}

/// Is there something in the way of what is to be written? Otherwise it takes a moment, no more.
#[must_use]
pub fn in_trouble(state: &State) -> bool {
    state.record.problem.is_some() || state.record.failed.is_some() || state.record.gone.is_some()
}

/// How many entries would be left behind if the program ended now; none while they are only on their way.
#[must_use]
pub fn at_risk(state: &State) -> usize {
    if in_trouble(state) { left(state).len() } else { 0 }
}

/// What is not in the store and was to be written from here, with the incident that it belongs to.
#[must_use]
pub fn left(state: &State) -> Vec<(String, Draft)> {
    let writes = matches!(state.mode, Mode::Cockpit | Mode::Record | Mode::Walk | Mode::Watch);
    let goes_on = state.record.incident.as_ref().map(|i| &i.id).or(state.record.last.as_ref());
    let (Some(goes_on), Some(desk), true) = (goes_on, &state.record.desk, writes) else { return Vec::new() };
    let mine = |e: &&Entry| state.record.scribe == Scribe::Here || e.what.happened_here();
    let mut n = state.record.drafts;
    let mut draft = |entry: &Entry| {
        let incident = match &entry.kept {
            Kept::Saved(incident, _) => incident.clone(),
            _ => goes_on.clone(),
        };
        let id = match entry.what.entry_of(&incident) {
            Some(id) => id,
            None if entry.id.is_empty() => {
                n += 1;
                format!("{}-{n:06}", desk.id)
            }
            None => entry.id.clone(),
        };
        let who = if entry.by.is_empty() { RULES } else { &entry.by };
        let draft = Draft::new(entry.at, who, &desk.host, entry.what.clone());
        (incident, Draft { id, moment: entry.moment.clone(), ..draft })
    };
    state.timeline.all().filter(|e| unsaved(state, e)).filter(mine).map(&mut draft).collect()
}
