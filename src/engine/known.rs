//! The card that marks something as known to be bad for a while.

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Reaction;
use crate::engine::filter::visible_alerts;
use crate::engine::filter::visible_checks;
use crate::engine::filter::visible_signals;
use crate::engine::silence::TIMES;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::command::Command;
use crate::layout::Pane;
use crate::model::fact::Fact;
use crate::model::time::HOUR;
use crate::model::time::Millis;

/// What is about to be marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The signal, check or alert.
    pub subject: String,
    /// For how long; ignored where a mark is taken away.
    pub time: Millis,
    /// It is marked already: the card takes the mark away.
    pub marked: bool,
}

/// The name of the selected line, where it is something that can be bad.
fn chosen(state: &State) -> Option<String> {
    let at = state.ui.selected[state.ui.focus.index()];
    match state.ui.focus {
        Pane::Health => state.checks.all.get(*visible_checks(state).get(at)?).map(|c| c.name.clone()),
        Pane::Signals => state.signals.all.get(*visible_signals(state).get(at)?).map(|s| s.spec.name.clone()),
        Pane::Alerts => state.alerts.folds.get(*visible_alerts(state).get(at)?).map(|f| f.name.clone()),
        _ => state.verdict.findings.first().map(|f| f.subject.clone()),
    }
}

/// Opens the card.
pub(crate) fn ask(state: &mut State) -> Reaction {
    if state.ui.frozen.is_some() {
        return notice(state, Notice::Frozen);
    }
    let Some(subject) = chosen(state) else {
        return notice(state, Notice::NothingToMark);
    };
    let marked = state.announcer.known_until(&subject, state.now.wall).is_some();
    show(state, Overlay::Known(Mark { subject, time: HOUR, marked }))
}

/// A key on the card.
pub(crate) fn on_card(state: &mut State, mut mark: Mark, command: Command) -> Reaction {
    match command {
        Command::Confirm => {
            let until = (!mark.marked).then_some(state.now.wall + mark.time);
            let by = state.settings.operator.clone();
            state.announcer.mark(&mark.subject, until, &by);
            state.timeline.add(state.now.wall, Fact::KnownBad { subject: mark.subject, until, by });
            return Reaction::redraw();
        }
        Command::Longer | Command::Shorter => {
            let at = TIMES.iter().position(|t| *t >= mark.time).unwrap_or_default();
            let at = if command == Command::Longer { at + 1 } else { at.saturating_sub(1) };
            mark.time = TIMES[at.min(TIMES.len() - 1)];
        }
        _ => {}
    }
    show(state, Overlay::Known(mark))
}
