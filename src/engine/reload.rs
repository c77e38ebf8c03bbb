//! A changed configuration, applied: what stays the same keeps its memory, what changed begins anew.

use crate::engine::alerts::Alerts;
use crate::engine::classify;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::health::Checks;
use crate::engine::sessions::Sessions;
use crate::engine::settings::Settings;
use crate::engine::signals::Signals;
use crate::engine::sources::Sources;
use crate::engine::state::State;
use crate::engine::state::neutral;
use crate::engine::timeline::What;

/// Puts new settings in the place of the old ones.
pub(crate) fn apply(state: &mut State, new: Settings) -> Reaction {
    let now = state.now;
    let old = std::mem::replace(&mut state.settings, new);
    let new = &mut state.settings;
    // What came from the command line is not the file's to change.
    new.read_only = old.read_only;
    new.demo = old.demo;
    state.reload_problem.clear();
    if *new == old {
        return Reaction::redraw();
    }
    let mut checks = Checks::new(&new.checks, now);
    let same =
        |name: &str| old.checks.iter().find(|c| c.name == name).is_some_and(|o| new.checks.iter().any(|n| n == o));
    checks.inherit(&state.checks, same);
    state.checks = checks;
    let mut signals = Signals::new(&new.signals);
    signals.inherit(std::mem::take(&mut state.signals));
    state.signals = signals;
    let mut sources = Sources::new(new, now);
    sources.inherit(&state.sources);
    state.sources = sources;
    if new.sessions.as_ref().map(|s| (&s.url, &s.table)) != old.sessions.as_ref().map(|s| (&s.url, &s.table)) {
        state.sessions = Sessions::default();
        state.glance = None;
    }
    if new.neutral != old.neutral {
        state.neutral = new.neutral.as_ref().map(|s| neutral(s, now));
    }
    if new.prometheus != old.prometheus || new.alertmanagers != old.alertmanagers {
        state.alerts = Alerts::new(new);
    }
    // A rule about what is no longer watched holds no more.
    state.verdict.judge.forget(|subject| {
        let known = |s: &Settings| {
            s.signals.iter().any(|x| x.name == subject)
                || s.checks.iter().any(|x| x.name == subject)
                || s.sessions.as_ref().is_some_and(|x| x.table == subject)
        };
        known(&old) && !known(&state.settings)
    });
    for at in &mut state.ui.selected {
        *at = 0;
    }
    state.timeline.add(now.wall, What::Reloaded);
    classify::judge(state);
    Reaction::with(Effect::Apply)
}
