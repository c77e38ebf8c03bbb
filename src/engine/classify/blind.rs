//! What cannot be seen. Blindness is said beside any level; alone it is UNKNOWN.

use crate::engine::signals::Signal;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::engine::sources::SESSIONS;
use crate::engine::state::State;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Absence;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::Reading;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::source::Freshness;
use crate::model::source::Source;
use crate::model::time::Millis;
use crate::model::time::Stamp;

pub(super) fn find(state: &State, out: &mut Vec<Finding>) {
    if state.watches_nothing() {
        out.push(finding(Rule::NothingWatched, Level::Unknown, "", state.started));
    }
    traffic(state, out);
    checks(state, out);
    sessions(state, out);
    alerts(state, out);
    away(state, out);
}

fn finding(rule: Rule, level: Level, subject: &str, since: Stamp) -> Finding {
    Finding {
        rule,
        level,
        subject: subject.to_owned(),
        value: None,
        threshold: None,
        unit: Unit::Count,
        counts: None,
        since: since.wall,
        hold: 0,
    }
}

/// No fresh error share from any source for three intervals.
fn traffic(state: &State, out: &mut Vec<Finding>) {
    if !state.settings.reads_metrics() {
        return;
    }
    let every = state.sources.of(Feed::Metrics).map(|s| s.every + s.timeout / 3).max().unwrap_or_default();
    let seen = state.signals.get(ERROR_RATE).and_then(last_seen);
    let since = seen.unwrap_or(state.started);
    if blind_for(state, since, every) || (state.over && seen.is_none()) {
        out.push(finding(Rule::BlindTraffic, Level::Unknown, ERROR_RATE, since));
    }
}

/// When the error share was last known; "no requests at all" is knowledge too.
fn last_seen(signal: &Signal) -> Option<Stamp> {
    let quiet =
        signal.last.as_ref().filter(|(_, s)| s.reading == Reading::Absent(Absence::NoTraffic)).map(|(at, _)| *at);
    let good = signal.good.as_ref().map(|(at, _)| *at);
    match (quiet, good) {
        (Some(a), Some(b)) => Some(if a.mono > b.mono { a } else { b }),
        (a, b) => a.or(b),
    }
}

fn blind_for(state: &State, since: Stamp, every: Millis) -> bool {
    state.now.since(since) >= 3 * every
}

/// No fresh critical check for three intervals (the probes themselves do not come back).
fn checks(state: &State, out: &mut Vec<Finding>) {
    let specs = state.settings.checks.iter().zip(&state.checks.probed).filter(|(spec, _)| spec.critical);
    let mut oldest: Option<Stamp> = None;
    let mut any = false;
    for (spec, probed) in specs {
        any = true;
        let since = probed.unwrap_or(state.started);
        let unasked = state.over && probed.is_none();
        if !unasked && !blind_for(state, since, spec.every + spec.timeout) {
            return;
        }
        oldest = Some(oldest.map_or(since, |o| if since.mono > o.mono { since } else { o }));
    }
    if let Some(since) = oldest.filter(|_| any) {
        out.push(finding(Rule::BlindChecks, Level::Unknown, "", since));
    }
}

/// Where nothing else is watched, not to see this one thing is not to know.
fn alone(state: &State) -> Level {
    if state.settings.reads_metrics() || !state.settings.checks.is_empty() { Level::Ok } else { Level::Unknown }
}

/// No look at the session table for three intervals.
fn sessions(state: &State, out: &mut Vec<Finding>) {
    for source in state.sources.of(Feed::Sessions) {
        let since = source.last_ok.unwrap_or(source.since);
        let once = state.over && source.last_ok.is_none();
        if once || matches!(source.freshness(state.now), Freshness::Stale(_)) {
            out.push(finding(Rule::BlindSessions, alone(state), SESSIONS, since));
        }
    }
}

/// No look at the alerts for three intervals, from any source of them.
fn alerts(state: &State, out: &mut Vec<Finding>) {
    let gone =
        |s: &Source| matches!(s.freshness(state.now), Freshness::Stale(_)) || (state.over && s.last_ok.is_none());
    // Where Alertmanager is configured, it is the one that knows: what Prometheus has beside it is not all.
    let asked: Vec<&Source> = state.sources.of(Feed::Alerts).filter(|s| s.name != PROMETHEUS_ALERTS).collect();
    if !asked.is_empty() && asked.iter().all(|s| gone(s)) {
        let since = asked.iter().map(|s| s.last_ok.unwrap_or(s.since)).max_by_key(|s| s.mono).unwrap_or(state.started);
        out.push(finding(Rule::BlindAlerts, alone(state), "alerts", since));
    }
}

/// Prometheus cannot be reached and direct scrape judges instead.
fn away(state: &State, out: &mut Vec<Finding>) {
    let Some(server) = state.sources.get(PROMETHEUS) else {
        return;
    };
    let gone = server.problem.is_some() && !matches!(server.freshness(state.now), Freshness::Fresh);
    let other =
        state.sources.of(Feed::Metrics).any(|s| s.name != PROMETHEUS && s.freshness(state.now) == Freshness::Fresh);
    if gone && other {
        let since = server.last_ok.unwrap_or(server.since);
        out.push(finding(Rule::PrometheusAway, Level::Sev4, PROMETHEUS, since));
    }
}
