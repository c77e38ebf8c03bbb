//! Beside a recorder a cockpit reads what that has read: the service is asked once, whoever looks.

use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::event::Event;
use crate::engine::settings::Settings;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::engine::update::fold;
use crate::model::time::Millis;
use crate::model::time::SECOND;

/// The record has so long to say that there is a recorder; then sources are asked from here.
const DECIDES: Millis = SECOND;

/// Where the figures come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// The machine whose recorder is read; `None` where sources are asked from here.
    pub host: Option<String>,
    /// Sources are asked from here; `None` until that is decided.
    asks: Option<bool>,
    /// What a recorder saw is being taken in: the clock of rules stands still meanwhile.
    pub(crate) catching_up: bool,
}

/// What of the settings decides what is read: two cabinas that agree on it see the same.
#[must_use]
pub fn watched(settings: &Settings) -> String {
    let s = settings;
    let parts = (&s.checks, &s.prometheus, &s.scrapes, &s.signals, &s.sessions, &s.neutral, &s.sql, &s.logs);
    serde_json::to_string(&(parts, &s.alertmanagers)).unwrap_or_default()
}

/// A recorder was found, or is gone.
pub(crate) fn followed(state: &mut State, host: Option<String>) -> Reaction {
    state.follow.catching_up = false;
    state.follow.host = host;
    let mut reaction = ask(state, state.follow.host.is_none());
    reaction.redraw = true;
    reaction
}

/// Takes in what a recorder saw, as of when it saw it.
pub(crate) fn backlog(state: &mut State, events: Vec<Event>) -> Reaction {
    let now = state.now;
    state.follow.catching_up = true;
    for event in events {
        state.now = event.at;
        fold(state, event.kind);
    }
    state.now = now;
    Reaction::redraw()
}

/// Decides for itself when nobody says anything.
pub(crate) fn due(state: &mut State) -> Option<Effect> {
    let waits = state.mode == Mode::Cockpit && state.follow.asks.is_none() && !state.follow.catching_up;
    let alone = state.record.problem.is_some() || state.now.since(state.started) >= DECIDES;
    if waits && alone { ask(state, true).effects.pop() } else { None }
}

fn ask(state: &mut State, asks: bool) -> Reaction {
    if state.follow.asks.replace(asks) == Some(asks) {
        return Reaction::none();
    }
    Reaction::with(Effect::Ask(asks))
}
