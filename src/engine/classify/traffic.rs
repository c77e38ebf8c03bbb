//! Rules on request figures and signals. Judged once per moment of data, history included.

use crate::engine::classify::context;
use crate::engine::hold::Seen;
use crate::engine::signals::Share;
use crate::engine::signals::Signal;
use crate::engine::signals::Traffic;
use crate::engine::state::State;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Absence;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::Limit;
use crate::model::signal::Side;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;

/// Fewer requests than this in five minutes and the share is judged over thirty.
const FEW: f64 = 100.0;
/// So many failures make even a few requests a matter for a person.
const FEW_FAILED: f64 = 5.0;

pub(super) fn fold(state: &mut State, origin: Origin, at: Millis, gap: Millis) {
    let traffic = state.signals.traffic();
    let few = too_few(&traffic);
    let own = |name: &str| state.signals.get(name).is_some_and(|s| s.spec.built_in());
    let one_minute = own(ERROR_RATE) && own(ERROR_RATE_1M);
    let mut judged: Vec<(Seen, Finding)> = Vec::new();
    let same = |s: &&Signal| s.spec.origin.tells_requests() == origin.tells_requests();
    for signal in state.signals.all.iter().filter(same) {
        signal_limits(signal, at, &traffic, (few.is_some(), one_minute), &mut judged);
    }
    // A figure from a database or a log says nothing new of requests.
    if origin.tells_requests() {
        burst(state, &traffic, &mut judged);
        latency(state, at, &mut judged);
        context::traffic(state, &traffic, &mut judged);
        context::after_change(state, at, &traffic, &mut judged);
        few_requests(&traffic, few, &mut judged);
        onsets(state, gap, &mut judged);
    }
    let quiet = state.settings.quiet;
    for (seen, finding) in judged {
        state.verdict.judge.fold(at, seen, gap, quiet, finding);
    }
}

/// An error share crosses its five-minute limit long after it began to go wrong; the one-minute curve knows when.
fn onsets(state: &State, gap: Millis, judged: &mut [(Seen, Finding)]) {
    let Some(one) = state.signals.get(ERROR_RATE_1M) else {
        return;
    };
    for (seen, finding) in judged.iter_mut() {
        let about_errors = finding.subject == ERROR_RATE || finding.subject == ERROR_RATE_1M;
        if *seen != Seen::Broken || !about_errors {
            continue;
        }
        // It began when the last minute first stood above a fifth of the limit, and has not come back under since.
        let floor = finding.threshold.unwrap_or(0.05) / 5.0;
        finding.since = one.series.run_start(gap, |v| v > floor).unwrap_or(0);
    }
}

/// With fewer than 100 requests in five minutes, what there is to judge by: the counts of thirty minutes, or of five
/// while those are not known. `None` when five minutes are enough.
fn too_few(traffic: &Traffic) -> Option<Counts> {
    let five = traffic.five.as_ref().and_then(|s| s.counts).filter(|c| c.total < FEW)?;
    Some(traffic.thirty.as_ref().and_then(|s| s.counts).unwrap_or(five))
}

/// The warning and critical limits of one signal.
///
/// `one_minute`: the one-minute share speaks of the same requests as the five-minute one (neither was replaced).
fn signal_limits(
    signal: &Signal,
    at: Millis,
    traffic: &Traffic,
    (few, one_minute): (bool, bool),
    out: &mut Vec<(Seen, Finding)>,
) {
    let Some((_, sample)) = &signal.last else {
        return;
    };
    if sample.at != at {
        return;
    }
    let is_errors = signal.spec.name == ERROR_RATE;
    let share = Share { value: sample.reading.value(), counts: sample.counts, why: None };
    let (value, counts) = match (&traffic.thirty, few && is_errors && signal.spec.built_in()) {
        (Some(thirty), true) => (thirty.value, thirty.counts),
        _ => (share.value, share.counts),
    };
    // A figure without request counts of its own is measured against the requests of the service.
    let judged_by = counts.or_else(|| traffic.requests.map(|n| Counts { failed: n, total: n, window: 5 * MINUTE }));
    let critical = if is_errors { (Rule::ErrorRateCritical, Level::Sev1) } else { (Rule::SignalCritical, Level::Sev2) };
    let limits = [(signal.spec.critical, critical), (signal.spec.warning, (Rule::SignalWarning, Level::Sev3))];
    for (limit, (rule, level)) in limits {
        let Some(limit) = limit else { continue };
        // Calming is read from the last minute, not from a memory of five.
        let calm_by = if is_errors && one_minute { traffic.share1().or(value) } else { value };
        let seen = see(&limit, value, calm_by, judged_by);
        let finding = Finding {
            rule,
            level,
            subject: signal.spec.name.clone(),
            value,
            threshold: Some(limit.value),
            unit: signal.spec.unit,
            counts,
            since: 0,
            hold: limit.hold,
        };
        out.push((seen, finding));
    }
}

/// Holds one value against one limit.
fn see(limit: &Limit, value: Option<f64>, calm_by: Option<f64>, counts: Option<Counts>) -> Seen {
    let Some(value) = value else {
        return Seen::Unknown;
    };
    let calm = calm_by.is_some_and(|v| limit.cleared_by(v));
    if limit.broken_by(value) && limit.judges(counts) && !calm {
        Seen::Broken
    } else if calm {
        Seen::Clear
    } else {
        Seen::Between
    }
}

/// A quarter of a minute's requests, and not just of a handful: the house's line for an outage that is plain at once.
pub const BURST: Limit =
    Limit { side: Side::Above, value: 0.25, hold: 60 * SECOND, min_requests: 60.0, min_failed: 15.0 };

/// More than a quarter of the last minute's requests fail, for a minute.
fn burst(state: &State, traffic: &Traffic, out: &mut Vec<(Seen, Finding)>) {
    let replaced = state.signals.get(ERROR_RATE).is_none_or(|s| !s.spec.built_in());
    let Some(one) = traffic.one.as_ref().filter(|_| !replaced) else {
        return;
    };
    let limit = BURST;
    out.push((
        see(&limit, one.value, one.value, one.counts),
        Finding {
            rule: Rule::ErrorBurst,
            level: Level::Sev1,
            subject: ERROR_RATE_1M.to_owned(),
            value: one.value,
            threshold: Some(limit.value),
            unit: Unit::Ratio,
            counts: one.counts,
            since: 0,
            hold: limit.hold,
        },
    ));
}

/// p95 above 1 s for a quarter of an hour, or above 2 s for five minutes; p99 above 1 s for five.
fn latency(state: &State, at: Millis, out: &mut Vec<(Seen, Finding)>) {
    let rules = [
        (LATENCY_P95, Rule::LatencyLong, Level::Sev2, Limit::above(1.0).held(15 * MINUTE).from_requests(200.0, 0.0)),
        (LATENCY_P95, Rule::LatencySevere, Level::Sev2, Limit::above(2.0).held(5 * MINUTE).from_requests(200.0, 0.0)),
        (LATENCY_P99, Rule::LatencyTail, Level::Sev4, Limit::above(1.0).held(5 * MINUTE).from_requests(300.0, 0.0)),
    ];
    for (name, rule, level, limit) in rules {
        let Some(signal) = state.signals.get(name).filter(|s| s.spec.built_in()) else {
            continue;
        };
        let Some((_, sample)) = signal.last.as_ref().filter(|(_, s)| s.at == at) else {
            continue;
        };
        let value = sample.reading.value();
        out.push((
            see(&limit, value, value, sample.counts),
            Finding {
                rule,
                level,
                subject: name.to_owned(),
                value,
                threshold: Some(limit.value),
                unit: Unit::Seconds,
                counts: sample.counts,
                since: 0,
                hold: limit.hold,
            },
        ));
    }
}

/// Too few requests for a share: five failures that are at least half of all are SEV2, any other failure SEV4.
fn few_requests(traffic: &Traffic, counts: Option<Counts>, out: &mut Vec<(Seen, Finding)>) {
    let five = traffic.five.as_ref();
    let failing_now = five.and_then(|s| s.counts).is_some_and(|c| c.failed > 0.0);
    // No requests at all say nothing: silence calms nobody.
    let silent = five.and_then(|s| s.counts).is_some_and(|c| c.total <= 0.0);
    let no_answer = silent || five.is_none_or(|s| s.counts.is_none() && s.why != Some(Absence::NoTraffic));
    let judged = counts.filter(|c| c.total < FEW && failing_now);
    let bad = judged.is_some_and(|c| c.failed.round() >= FEW_FAILED && c.failed >= c.total / 2.0);
    for (rule, level, broken) in
        [(Rule::FewRequestsFailing, Level::Sev2, bad), (Rule::TooFewToJudge, Level::Sev4, judged.is_some() && !bad)]
    {
        let seen = match (broken, no_answer) {
            (_, true) => Seen::Unknown,
            (true, _) => Seen::Broken,
            (false, _) => Seen::Clear,
        };
        out.push((
            seen,
            Finding {
                rule,
                level,
                subject: ERROR_RATE.to_owned(),
                value: counts.filter(|c| c.total > 0.0).map(|c| c.failed / c.total),
                threshold: None,
                unit: Unit::Ratio,
                counts,
                since: 0,
                hold: 0,
            },
        ));
    }
}
