//! A changed configuration, applied: what stays the same keeps its memory, what changed begins anew.

use crate::engine::alerts::Alerts;
use crate::engine::classify;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::follow::watched;
use crate::engine::health::Checks;
use crate::engine::sessions::Sessions;
use crate::engine::settings::Settings;
use crate::engine::signals::Signals;
use crate::engine::sources::Sources;
use crate::engine::state::State;
use crate::engine::state::neutral;
use crate::model::fact::Fact;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;

/// Keeps what runs, and remembers what is wrong with the file; said once in the log, not at every look.
pub(crate) fn refuse(state: &mut State, mistakes: Vec<String>) -> Reaction {
    if state.reload_problem != mistakes {
        state.timeline.add(state.now.wall, Fact::ReloadFailed { mistakes: mistakes.clone() });
    }
    state.reload_problem = mistakes;
    Reaction::redraw()
}

/// Puts new settings in the place of the old ones.
pub(crate) fn apply(state: &mut State, new: Settings) -> Reaction {
    let now = state.now;
    let old = std::mem::replace(&mut state.settings, new);
    let new = &mut state.settings;
    // What came from the command line is not the file's to change.
    new.read_only = old.read_only;
    new.demo = old.demo;
    // These are read once, at the start: what is in use stays, and that is said.
    let mut later = Vec::new();
    if new.theme != old.theme {
        later.push("theme".to_owned());
        new.theme.clone_from(&old.theme);
    }
    if new.store != old.store {
        later.push("[store]".to_owned());
        new.store = old.store.clone();
    }
    state.reload_problem.clear();
    if !later.is_empty() {
        state.timeline.add(now.wall, Fact::NextStart { later });
    }
    let new = &mut state.settings;
    if *new == old {
        // A secret may have changed: settings hold only its name. The pollers' keeper knows.
        return Reaction::with(Effect::Apply);
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
        let mut alerts = Alerts::new(new);
        let rules = |s: &Settings| s.prometheus.as_ref().map(|p| (p.endpoint.url.clone(), p.rules.clone()));
        alerts.inherit(std::mem::take(&mut state.alerts), rules(new) == rules(&old), new);
        state.alerts = alerts;
    }
    // A rule about what is no longer watched, or is judged otherwise now, holds no more.
    let new = &state.settings;
    let changed = |name: &str| {
        let of = |s: &Settings| s.signals.iter().find(|x| x.name == name).cloned();
        of(&old) != of(new) || (!new.reads_metrics() && of(new).is_some_and(|s| s.origin.tells_requests()))
    };
    state.verdict.judge.forget(|subject| {
        let of_errors = [ERROR_RATE, ERROR_RATE_1M].contains(&subject);
        let table = |s: &Settings| s.sessions.as_ref().map(|x| x.table.clone());
        changed(subject)
            || (of_errors && changed(ERROR_RATE))
            || (table(&old).as_deref() == Some(subject) && table(&old) != table(new))
    });
    for at in &mut state.ui.selected {
        *at = 0;
    }
    state.timeline.add(now.wall, Fact::Reloaded);
    classify::judge(state);
    let watches = Effect::Record(0, RecordOrder::Watch(watched(&state.settings)));
    let (lang, operator) = (state.settings.lang, state.settings.operator.clone());
    let renewed = Effect::Record(0, RecordOrder::Renewed { lang, operator });
    Reaction { effects: vec![Effect::Apply, renewed, watches], redraw: true }
}
