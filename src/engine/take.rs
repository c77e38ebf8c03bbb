//! What a person asks of the incident as a whole: to have it, and to have its story written.

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::record::draft;
use crate::engine::record::hands_off;
use crate::engine::sentence::sentence;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::model::fact::Fact;
use crate::model::journal::Draft;
use crate::model::severity::Level;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// What ended so recently may still fade.
const RECENT: Millis = 30 * MINUTE;

/// "I have it": joins the incident that goes on, or opens one.
pub(crate) fn take(state: &mut State) -> Reaction {
    if state.record.desk.is_none() && state.record.problem.is_none() && !state.settings.read_only {
        state.record.wished = true;
    }
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    if state.record.incident.is_none() && state.verdict.level == Level::Ok && state.reading() {
        // Nobody knows yet whether anything is wrong. Whoever presses again knows better.
        if !std::mem::replace(&mut state.record.wished, true) {
            return notice(state, Notice::Taking);
        }
        state.ui.asked_to_open = true;
    }
    state.record.wished = false;
    let me = state.settings.operator.clone();
    if state.record.incident.as_ref().is_some_and(|i| i.roles.values().any(|who| *who == me)) {
        return show(state, Overlay::Incident(0));
    }
    if state.record.taking.is_some() {
        return notice(state, Notice::Taking);
    }
    let (level, lang) = (state.verdict.level, state.settings.lang);
    let asked = std::mem::take(&mut state.ui.asked_to_open);
    let ended = state.record.ended.filter(|at| state.now.wall - at < RECENT);
    if state.record.incident.is_none()
        && let Some(at) = ended.filter(|_| !asked)
    {
        // Trouble fades: what is still seen of it is not another one.
        state.ui.asked_to_open = true;
        let id = state.record.last.clone().unwrap_or_default();
        return notice(state, Notice::EndedRecently(id, at));
    }
    if state.record.incident.is_none() && level == Level::Ok && !asked {
        // Nothing is wrong as far as can be seen: one press may be a slip.
        state.ui.asked_to_open = true;
        return notice(state, Notice::NothingWrong);
    }
    let began = if level == Level::Ok { state.now.wall } else { state.verdict.since };
    // What came before belongs to the one that ended.
    let began = ended.map_or(began, |at| began.max(at));
    let title = match state.verdict.findings.first().or_else(|| state.verdict.because.first()) {
        Some(finding) => sentence(lang, finding),
        None => lang.incident_untitled(&state.settings.service),
    };
    let level = if level == Level::Ok { Level::Unknown } else { level };
    let opening = draft(state, began, &me, Fact::IncidentOpened { title, level, began });
    let now = state.now.wall;
    let host = opening.host.clone();
    let took = draft(state, now, &me, Draft::taken(now, &me, &host).fact);
    let request = state.record.order();
    state.record.taking = Some(request);
    notice(state, Notice::Taking);
    let year = state.settings.zone.year(now);
    Reaction::with(Effect::Record(
        request,
        RecordOrder::Take { year, opening: vec![opening], took: Some(Box::new(took)), led: false },
    ))
}

/// Takes the incident for whoever wanted to before anything was known, as soon as it is.
pub(crate) fn due(state: &mut State) -> Reaction {
    let known = state.record.heard && (!state.reading() || state.verdict.level != Level::Ok);
    if known && std::mem::take(&mut state.record.wished) { take(state) } else { Reaction::none() }
}

/// Asks for the post-mortem of the incident that goes on, or of the last one that did.
pub(crate) fn document(state: &mut State) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    let Some(id) = state.record.incident.as_ref().map(|i| i.id.clone()).or_else(|| state.record.last.clone()) else {
        return notice(state, Notice::NoIncident);
    };
    notice(state, Notice::Documenting);
    Reaction::with(Effect::Document(id))
}

/// A document is there to be edited.
pub(crate) fn documented(state: &mut State, file: Result<String, String>) -> Reaction {
    state.ui.notice = None;
    match file {
        Ok(path) => Reaction::with(Effect::Edit(path)),
        Err(why) => notice(state, Notice::NoRecord(why)),
    }
}
