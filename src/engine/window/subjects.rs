//! What is compared in a window, with what was seen of it: signals, health checks, the session table.

use crate::engine::settings::SignalSpec;
use crate::engine::state::State;
use crate::engine::window::Answer;
use crate::engine::window::Watched;
use crate::engine::window::judge::LOOKS;
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
use crate::model::significance::median;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::window::Counted;
use crate::model::window::Criteria;
use crate::model::window::Figure;
use crate::model::window::Measure;
use crate::model::window::Reason;
use crate::model::window::Subject;
use crate::model::window::TOLERANCE;
use crate::model::window::Verdict;

/// A check that fails more of its probes than this is not well: the share that is SEV2 by the rules of severity.
const FAILING: f64 = 0.3;
/// Probes of a check that are worth a word.
const PROBES: f64 = 3.0;
/// Pieces that may be missing: more, and what was seen does not speak for the window.
const MISSING: f64 = 0.2;
/// Traffic goes up and down by itself: half of it is where the rules of severity begin to mind.
const TRAFFIC: f64 = 0.5;
/// Times the usual, and rows a minute, of sessions that fail a window, and of those worth a word: the limits of the rules
/// of severity.
const FLOOD: (f64, f64) = (10.0, 300.0);
const FAST: (f64, f64) = (5.0, 100.0);
/// A sweep is late at one and a half times its interval.
const LATE_SWEEP: f64 = 1.5;
/// The name of the row about growth: rows written a minute.
pub const GROWTH: &str = "session_growth";
/// The name of the row about sweeping.
pub const SWEEP: &str = "session_sweep";

/// What is compared, with what was seen of it.
#[must_use]
pub fn subjects(state: &State, watched: &Watched) -> Vec<Subject> {
    let mut out: Vec<Subject> = state.settings.signals.iter().filter_map(|spec| subject(watched, spec)).collect();
    for check in &state.settings.checks {
        let share = watched.probes.get(&check.name).copied().unwrap_or_default();
        let before = watched.probes_before.get(&check.name).copied().into_iter().collect();
        let criteria = Criteria {
            tolerance: None,
            limit: Some(FAILING),
            critical: check.critical,
            min_requests: PROBES,
            ..Criteria::default()
        };
        let measure = Measure::Shares { before, now: vec![share], spread: Spread::default(), gap: false };
        out.push(Subject { name: check.name.clone(), unit: Unit::Ratio, criteria, measure });
    }
    out.extend(sessions(state, watched));
    out
}

fn subject(watched: &Watched, spec: &SignalSpec) -> Option<Subject> {
    let name = spec.name.as_str();
    if name == ERROR_RATE_1M || !spec.origin.tells_requests() {
        return None;
    }
    let traffic = name == REQUEST_RATE && spec.query.is_none();
    // A short window has too few pieces to tell traffic by ranks, now or at its end.
    let window = &watched.watch.window;
    if traffic && window.length / window.piece.max(1) < LOOKS as Millis {
        return None;
    }
    let side = if traffic { Side::Below } else { Side::Above };
    let usual = Criteria {
        side: spec.warning.or(spec.critical).map_or(side, |l| l.side),
        tolerance: Some(if traffic { TRAFFIC } else { TOLERANCE }),
        matters: spec.warning.or(spec.critical).map(|l| l.value),
        fatal: spec.critical.map(|l| l.value),
        critical: matches!(name, ERROR_RATE | LATENCY_P95),
        must_have_data: name == ERROR_RATE,
        ..Criteria::default()
    };
    let criteria = spec.window.as_ref().map_or(usual.clone(), |wanted| usual.wanted(wanted));
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
    let window = &watched.watch.window;
    match (spec.name.as_str(), &spec.query) {
        (ERROR_RATE, None) => {
            // A baseline is what is known of it: a server that is younger than it has seen less, which is counted.
            let pieces = || now.within((window.from, window.to()));
            let gap =
                (pieces().filter(|p| p.requests.is_some()).count() as f64) < pieces().count() as f64 * (1.0 - MISSING);
            // An outage is not how a service differs by itself: it would hide the next one.
            let fatal = spec.critical.map_or(f64::INFINITY, |l| l.value);
            let usual = |s: &Share| s.value().is_none_or(|v| v <= fatal);
            let past: Vec<Share> = before.within(window.past()).filter_map(|p| p.requests).filter(usual).collect();
            let shares = |c: &Counted| c.requests.into_iter().collect();
            let seen = watched.now.as_ref().map_or(0, |(span, _)| span.1 - span.0);
            let spread = Spread::seen(&past, (seen / window.piece.max(1)) as usize);
            Measure::Shares { before: shares(before), now: shares(now), spread, gap }
        }
        (LATENCY_P95 | LATENCY_P99, None) => {
            let q = if spec.name == LATENCY_P95 { 0.95 } else { 0.99 };
            Measure::Quantile { q, before: before.durations(), now: now.durations() }
        }
        (REQUEST_RATE, None) => {
            let rates = |c: &Counted, span| -> Vec<f64> {
                let seconds = window.piece.max(SECOND) as f64 / SECOND as f64;
                c.within(span).filter_map(|p| p.requests).map(|s| s.all / seconds).collect()
            };
            Measure::Values { before: rates(before, window.past()), now: rates(now, (window.from, window.to())) }
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

/// The session table: does it grow as before, and is it swept?
fn sessions(state: &State, watched: &Watched) -> Vec<Subject> {
    let Some(spec) = &state.settings.sessions else { return Vec::new() };
    let window = &watched.watch.window;
    let table = &state.sessions.table;
    let looked = |from: Millis, to: Millis| -> Vec<f64> {
        table.renewed.since(from).filter(|p| p.at <= to).filter_map(|p| p.value).collect()
    };
    let figure = |values: &[f64]| Figure { n: values.len() as f64, value: median(values) };
    let fresh = table.last.as_ref().filter(|(at, _)| at.wall >= window.from);
    let usual = table.last.as_ref().and_then(|(_, m)| m.usual_per_min);
    let before = match looked(window.baseline.0, window.baseline.1).as_slice() {
        [] => Figure { n: f64::from(u8::from(usual.is_some())), value: usual },
        values => figure(values),
    };
    let now = figure(&looked(window.from, window.to()));
    let (verdict, reason) = match (before.value, now.value) {
        (_, None) => (Verdict::Inconclusive, Reason::NothingNow),
        (None, _) => (Verdict::Inconclusive, Reason::NothingBefore),
        (Some(was), Some(is)) => {
            let beyond = |(times, least): (f64, f64)| is > (was * times).max(least);
            let times = if was > 0.0 { is / was } else { f64::INFINITY };
            match () {
                () if beyond(FLOOD) => (Verdict::Fail, Reason::Worse { times }),
                () if beyond(FAST) => (Verdict::Warn, Reason::Worse { times }),
                () => (Verdict::Pass, Reason::Tolerated),
            }
        }
    };
    let said = |name: &str, critical: bool, (before, now): (Figure, Figure), verdict, reason| Subject {
        name: name.to_owned(),
        unit: Unit::Count,
        // A look that failed is said, and decides nothing: the deploy did not touch the reader's connection.
        criteria: Criteria { critical: critical && verdict == Verdict::Fail, ..Criteria::default() },
        measure: Measure::Said { before, now, verdict, reason },
    };
    let mut out = vec![said(GROWTH, true, (before, now), verdict, reason)];
    let expired = fresh.and_then(|(_, m)| m.expired);
    if let (Some(rows), Some(age)) = (expired, table.sweep_age()) {
        let late = age as f64 > spec.cleanup_every as f64 * LATE_SWEEP;
        let (verdict, reason) =
            if late { (Verdict::Warn, Reason::Unswept { age }) } else { (Verdict::Pass, Reason::Swept { age }) };
        let now = Figure { n: 1.0, value: Some(rows.n as f64) };
        out.push(said(SWEEP, false, (Figure::default(), now), verdict, reason));
    }
    out
}
