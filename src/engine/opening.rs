//! Incidents that open themselves: by rule, when a level has stood for long enough and nobody has opened one.

use crate::engine::effect::Effect;
use crate::engine::effect::RecordOrder;
use crate::engine::record;
use crate::engine::record::Scribe;
use crate::engine::sentence::sentence;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::model::fact::Fact;
use crate::model::incident::RULES;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// Being blind for so long is itself told.
const BLIND: Millis = 3 * MINUTE;
/// An order that was not carried out is given again after so long.
const AGAIN: Millis = 10 * SECOND;

/// What is remembered of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// When an incident was last asked for.
    asked: Option<Stamp>,
    /// Being blind was told.
    blind: bool,
}

/// Asks for an incident where the rules want one. The scribe does: of several cabinas one.
pub(crate) fn due(state: &mut State) -> Option<Effect> {
    let writes = matches!(state.mode, Mode::Cockpit | Mode::Record) && !state.settings.read_only;
    if !writes || state.record.incident.is_some() || state.record.scribe != Scribe::Here {
        return None;
    }
    let (now, verdict) = (state.now, &state.verdict);
    let wait = state.settings.opens.of(verdict.level)?;
    let risen = state.risen_at();
    let stands = now.since(risen) >= wait;
    // What somebody has ended is not opened again while the same trouble lasts or fades. What was found at the start
    // rose when it began, not when somebody began to look.
    let began = if state.record.is_news(risen.wall) { risen.wall } else { verdict.since };
    let ended = state.record.ended.is_some_and(|at| at >= began);
    let asked = state.opening.asked.is_some_and(|at| now.since(at) < AGAIN);
    if !stands || ended || asked || state.reading() {
        return None;
    }
    let lang = state.settings.lang;
    let title = match verdict.findings.first().or_else(|| verdict.because.first()) {
        Some(finding) => sentence(lang, finding),
        None => lang.incident_untitled(&state.settings.service),
    };
    let (level, began) = (verdict.level, verdict.since);
    let opening = record::draft(state, began, RULES, Fact::IncidentOpened { title, level, began });
    state.opening.asked = Some(now);
    let year = state.settings.zone.year(now.wall);
    Some(Effect::Record(0, RecordOrder::Take { year, opening: vec![opening], took: None, led: true }))
}

/// Tells that nothing has been seen for some minutes, and that it is seen again.
pub(crate) fn tell_blindness(state: &mut State) {
    let since = state.verdict.blind.iter().map(|f| f.since).min();
    let (now, told) = (state.now.wall, state.opening.blind);
    match since {
        Some(since) if !told && now - since >= BLIND => {
            state.opening.blind = true;
            let findings = state.verdict.blind.clone();
            state.timeline.add(now, Fact::Blind { since, findings });
        }
        None if told => {
            state.opening.blind = false;
            state.timeline.add(now, Fact::Sighted);
        }
        _ => {}
    }
}
