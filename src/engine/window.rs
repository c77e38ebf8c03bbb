//! The window after a deploy: counted every few seconds, judged at its end, or before it where nothing is left to wait
//! for.

pub mod judge;

use std::collections::BTreeMap;

use crate::engine::effect::CountOrder;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::settings::SignalSpec;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::engine::window::judge::Judgement;
use crate::model::health::Probe;
use crate::model::signal::Absence;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Side;
use crate::model::signal::Unit;
use crate::model::significance::Share;
use crate::model::significance::Spread;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::model::watch::Ended;
use crate::model::window::Counted;
use crate::model::window::Criteria;
use crate::model::window::Measure;
use crate::model::window::Part;
use crate::model::window::Reason;
use crate::model::window::Subject;
use crate::model::window::Verdict;
use crate::model::window::Window;

/// A window is looked at so many times, if that is not too often for a server.
const LOOKS: Millis = 40;
/// No more often than this, nor more seldom.
const OFTEN: (Millis, Millis) = (2 * SECOND, 15 * SECOND);
/// The first look is worth asking for after this: a few samples of a counter.
const FIRST: Millis = 5 * SECOND;
/// After its end a server that is slow, or away for a moment, has so long to say what it counted.
const PATIENCE: Millis = 30 * SECOND;
/// A check that fails more of its probes than this is not well: the share that is SEV2 by the rules of severity.
const FAILING: f64 = 0.3;
/// Probes of a check that are worth a word.
const PROBES: f64 = 3.0;
/// Pieces that may be missing: more, and what was seen does not speak for the window.
const MISSING: f64 = 0.2;

/// What is known of one side: what was asked for, and what came of it.
pub type Answer = ((Millis, Millis), Result<Counted, Absence>);

/// A window that is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Which.
    pub window: Window,
    /// What it is compared with; `None` until it is known.
    pub before: Option<Answer>,
    /// What was counted so far.
    pub now: Option<Answer>,
    /// Failed of all probes since it began, by check.
    pub probes: BTreeMap<String, Share>,
    /// What is said of it so far; of one that has ended, for good.
    pub said: Judgement,
    /// How it ended; `None` while it goes on.
    pub ended: Option<Ended>,
    /// When each side was last asked for: before, now.
    asked: [Option<Stamp>; 2],
    /// Its answer has not come yet.
    waits: [bool; 2],
}

/// A window begins.
pub(crate) fn open(state: &mut State, window: Window) -> Reaction {
    state.window = Some(Box::new(Watched {
        window,
        before: None,
        now: None,
        probes: BTreeMap::new(),
        said: Judgement { verdict: Verdict::Inconclusive, signals: Vec::new() },
        ended: None,
        asked: [None, None],
        waits: [false, false],
    }));
    Reaction::redraw()
}

/// One side was counted.
pub(crate) fn counted(
    state: &mut State,
    part: Part,
    span: (Millis, Millis),
    counted: Result<Counted, Absence>,
) -> Reaction {
    let Some(watched) = state.window.as_mut().filter(|w| w.ended.is_none()) else { return Reaction::none() };
    let (side, asked) = match part {
        Part::Before => (&mut watched.before, 0),
        Part::Now => (&mut watched.now, 1),
    };
    watched.waits[asked] = false;
    // A server that is away for a moment takes nothing back of what it said.
    if counted.is_ok() || !matches!(side, Some((_, Ok(_)))) || span.1 >= watched.window.to() {
        *side = Some((span, counted.map(Counted::tidy)));
    }
    look(state);
    Reaction::redraw()
}

/// A probe of a check came back.
pub(crate) fn probed(state: &mut State, check: &str, probe: &Probe) {
    let Some(watched) = state.window.as_mut().filter(|w| w.ended.is_none()) else { return };
    let share = watched.probes.entry(check.to_owned()).or_default();
    share.all += 1.0;
    share.part += f64::from(u8::from(probe.outcome.failed()));
}

/// Judges what is known so far.
fn look(state: &mut State) {
    let Some(watched) = &state.window else { return };
    let subjects = subjects(state, watched);
    let said = judge::judge(&subjects);
    let lost = judge::lost(&subjects).and_then(|s| Some((s.name.clone(), s.criteria.fatal?)));
    if let Some(watched) = &mut state.window {
        watched.said = said;
        if let Some((name, limit)) = lost {
            watched.said.verdict = Verdict::Fail;
            // Whatever else would be said of it: this is why.
            for judged in watched.said.signals.iter_mut().filter(|j| j.name == name) {
                (judged.verdict, judged.reason) = (Verdict::Fail, Reason::Beyond { limit });
            }
            watched.ended = Some(Ended::Lost);
        }
    }
}

/// Somebody ends it: that is no verdict. Returns the exit code.
pub(crate) fn interrupt(state: &mut State) -> u8 {
    let Some(watched) = state.window.as_mut().filter(|w| w.ended.is_none()) else {
        return Verdict::Inconclusive.exit_code();
    };
    watched.ended = Some(Ended::Early);
    watched.said.verdict = Verdict::Inconclusive;
    Verdict::Inconclusive.exit_code()
}

/// What is to be asked now; and the end, where it has come.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let Some(watched) = &mut state.window else { return Vec::new() };
    if watched.ended.is_some() {
        let leaves = state.mode == Mode::Watch;
        return leaves.then(|| Effect::Exit(watched.said.verdict.exit_code())).into_iter().collect();
    }
    let mut effects = Vec::new();
    let (from, to, piece) = (watched.window.from, watched.window.to(), watched.window.piece);
    let every = (watched.window.length / LOOKS).clamp(OFTEN.0, OFTEN.1);
    // One question at a time for each side; one that gets no answer at all is asked again.
    let (asked, waits) = (watched.asked, watched.waits);
    let free =
        |i: usize, every: Millis| asked[i].is_none_or(|at| now.since(at) >= if waits[i] { PATIENCE } else { every });
    // A baseline that could not be read is asked for again until the end.
    if !matches!(watched.before, Some((_, Ok(_)))) && free(0, every) {
        (watched.asked[0], watched.waits[0]) = (Some(now), true);
        let (span, since) = (watched.window.past(), watched.window.baseline.0);
        effects.push(Effect::Count(CountOrder { part: Part::Before, span, since, piece }));
    }
    let whole = watched.now.as_ref().is_some_and(|(span, counted)| span.1 >= to && counted.is_ok());
    // The last look is taken at the end, whenever the one before it was.
    let last = now.wall >= to && asked[1].is_none_or(|at| at.wall < to);
    if now.wall - from >= FIRST && !whole && free(1, if last { 0 } else { every }) {
        (watched.asked[1], watched.waits[1]) = (Some(now), true);
        let span = (from, now.wall.min(to));
        effects.push(Effect::Count(CountOrder { part: Part::Now, span, since: from, piece }));
    }
    let answered = whole && matches!(watched.before, Some((_, Ok(_))));
    if now.wall >= to && (answered || now.wall >= to + PATIENCE) {
        watched.ended = Some(Ended::Over);
        // What was seen of a part does not speak for the whole.
        if !whole && matches!(watched.now, Some((_, Ok(_)))) {
            watched.now = None;
        }
        look(state);
        if state.mode == Mode::Watch
            && let Some(watched) = &state.window
        {
            effects.push(Effect::Exit(watched.said.verdict.exit_code()));
        }
    }
    effects
}

/// What is compared, with what was seen of it.
#[must_use]
pub fn subjects(state: &State, watched: &Watched) -> Vec<Subject> {
    let mut out: Vec<Subject> = state.settings.signals.iter().filter_map(|spec| subject(watched, spec)).collect();
    for check in &state.settings.checks {
        let share = watched.probes.get(&check.name).copied().unwrap_or_default();
        let criteria = Criteria {
            tolerance: None,
            limit: Some(FAILING),
            critical: check.critical,
            min_requests: PROBES,
            ..Criteria::default()
        };
        let measure = Measure::Shares { before: Vec::new(), now: vec![share], spread: Spread::default(), gap: false };
        out.push(Subject { name: check.name.clone(), unit: Unit::Ratio, criteria, measure });
    }
    out
}

fn subject(watched: &Watched, spec: &SignalSpec) -> Option<Subject> {
    let name = spec.name.as_str();
    if matches!(name, ERROR_RATE_1M | REQUEST_RATE) || !spec.origin.tells_requests() {
        return None;
    }
    let side = spec.warning.or(spec.critical).map_or(Side::Above, |l| l.side);
    let criteria = Criteria {
        side,
        matters: spec.warning.or(spec.critical).map(|l| l.value),
        fatal: spec.critical.map(|l| l.value),
        critical: matches!(name, ERROR_RATE | LATENCY_P95),
        must_have_data: name == ERROR_RATE,
        ..Criteria::default()
    };
    let measure = match (counts(watched.before.as_ref()), counts(watched.now.as_ref())) {
        (Err(why), _) | (_, Err(why)) => Measure::Nothing(why),
        (Ok(before), Ok(now)) => measure(watched, spec, before, now),
    };
    // What a service does not export at all is nobody's matter.
    let absent = match &measure {
        Measure::Values { before, now } => before.is_empty() && now.is_empty(),
        other => matches!(other, Measure::Nothing(_)),
    };
    (!(spec.optional && absent)).then(|| Subject { name: name.to_owned(), unit: spec.unit, criteria, measure })
}

/// What was counted of one side, or why nothing was.
fn counts(answer: Option<&Answer>) -> Result<&Counted, Absence> {
    answer.map_or(Err(Absence::NotYet), |(_, counted)| counted.as_ref().map_err(Clone::clone))
}

fn measure(watched: &Watched, spec: &SignalSpec, before: &Counted, now: &Counted) -> Measure {
    let window = &watched.window;
    match (spec.name.as_str(), &spec.query) {
        (ERROR_RATE, None) => {
            // A baseline is what is known of it: a server that is younger than it has seen less, which is counted.
            let pieces = || now.within((window.from, window.to()));
            let gap =
                (pieces().filter(|p| p.requests.is_some()).count() as f64) < pieces().count() as f64 * (1.0 - MISSING);
            let past: Vec<Share> = before.within(window.past()).filter_map(|p| p.requests).collect();
            let shares = |c: &Counted| c.requests.into_iter().collect();
            let seen = watched.now.as_ref().map_or(0, |(span, _)| span.1 - span.0);
            let spread = Spread::seen(&past, (seen / window.piece.max(1)) as usize);
            Measure::Shares { before: shares(before), now: shares(now), spread, gap }
        }
        (LATENCY_P95 | LATENCY_P99, None) => {
            let q = if spec.name == LATENCY_P95 { 0.95 } else { 0.99 };
            Measure::Quantile { q, before: before.durations(), now: now.durations() }
        }
        (name, _) => {
            if let Some(why) = now.refused.get(name).or(before.refused.get(name)) {
                return Measure::Nothing(why.clone());
            }
            let values = |c: &Counted| c.values.get(name).cloned().unwrap_or_default();
            Measure::Values { before: values(before), now: values(now) }
        }
    }
}
