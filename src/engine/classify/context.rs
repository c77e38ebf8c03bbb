//! Rules on what stands around the figures: traffic that should be there, targets that cannot be read, this machine
//! itself.

use crate::engine::hold::Seen;
use crate::engine::signals::Traffic;
use crate::engine::state::State;
use crate::model::health::Status;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::Limit;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Unit;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// No request for three minutes where so many are expected in them.
const GONE: (Millis, f64) = (3 * MINUTE, 60.0);
/// Less than half of what is expected, for five minutes; with fewer expected a minute, chance alone does that.
const LOW: (f64, Millis, f64) = (0.5, 5 * MINUTE, 20.0);
/// All targets unreadable for so long.
const DEAD: Millis = 30 * SECOND;

fn finding(rule: Rule, level: Level, subject: &str, since: Millis) -> Finding {
    Finding {
        rule,
        level,
        subject: subject.to_owned(),
        value: None,
        threshold: None,
        unit: Unit::Count,
        counts: None,
        since,
        hold: 0,
    }
}

/// Traffic against what is expected; judged per moment of data.
pub(super) fn traffic(state: &State, traffic: &Traffic, out: &mut Vec<(Seen, Finding)>) {
    let Some(expected) = state.context.expected(state.now) else { return };
    let Some(counts) = traffic.one.as_ref().and_then(|s| s.counts).filter(|c| c.window > 0) else { return };
    let per_minute = counts.total * MINUTE as f64 / counts.window as f64;
    let per = |v: f64| Some(v / 60.0);
    let judged = |rule, level, limit: f64, hold| Finding {
        value: per(per_minute),
        threshold: per(limit),
        unit: Unit::PerSecond,
        counts: Some(counts),
        hold,
        ..finding(rule, level, REQUEST_RATE, 0)
    };
    if expected * GONE.0 as f64 / MINUTE as f64 >= GONE.1 {
        let seen = if counts.total <= 0.0 { Seen::Broken } else { Seen::Clear };
        // The minute that is looked at is the first of the three.
        out.push((seen, judged(Rule::TrafficGone, Level::Sev1, expected, GONE.0 - MINUTE)));
    }
    if expected >= LOW.2 {
        let limit = expected * LOW.0;
        let seen = match per_minute {
            v if v < limit => Seen::Broken,
            // A fifth above the limit is calm, as for any lower limit.
            v if v >= limit * 1.25 => Seen::Clear,
            _ => Seen::Between,
        };
        out.push((seen, judged(Rule::TrafficLow, Level::Sev2, limit, LOW.1)));
    }
}

/// Failures soon after a change are taken as its own, earlier than the five-minute rule would say so.
pub(super) fn after_change(state: &State, at: Millis, traffic: &Traffic, out: &mut Vec<(Seen, Finding)>) {
    let Some(one) = traffic.one.as_ref() else { return };
    let limit = Limit::above(0.05).held(60 * SECOND).from_requests(60.0, 10.0);
    let near = state.context.fault_of(at).is_some();
    let seen = match one.value {
        None => Seen::Unknown,
        Some(v) if near && limit.broken_by(v) && limit.judges(one.counts) => Seen::Broken,
        Some(v) if limit.cleared_by(v) => Seen::Clear,
        Some(_) => Seen::Between,
    };
    let counts: Option<Counts> = one.counts;
    out.push((
        seen,
        Finding {
            value: one.value,
            threshold: Some(limit.value),
            unit: Unit::Ratio,
            counts,
            hold: limit.hold,
            ..finding(Rule::ErrorsAfterChange, Level::Sev2, ERROR_RATE_1M, 0)
        },
    ));
}

/// The server cannot read a single target of the service, and a check agrees: the service is dead.
pub(super) fn targets(state: &State, out: &mut Vec<Finding>) {
    let Some(since) = state.context.dead_since(state.now).filter(|since| state.now.since(*since) >= DEAD || state.over)
    else {
        return;
    };
    let agrees = state.checks.all.iter().any(|c| c.status == Status::Down && c.critical);
    if agrees {
        let n = state.context.targets.len() as f64;
        out.push(Finding { value: Some(n), ..finding(Rule::TargetsDown, Level::Sev1, "up", since.wall) });
    }
}

/// When the neutral target fails too, what fails is this machine's network: nothing is judged.
pub(super) fn no_network(state: &State) -> Option<Finding> {
    let neutral = state.neutral.as_ref().filter(|_| state.no_network())?;
    let since = neutral.failing_since.unwrap_or(neutral.changed);
    Some(finding(Rule::NoNetwork, Level::Unknown, "neutral", since.wall))
}

impl State {
    /// The neutral target cannot be reached, something else cannot either, and nothing beyond this machine has answered
    /// since.
    #[must_use]
    pub fn no_network(&self) -> bool {
        let Some(neutral) = self.neutral.as_ref().filter(|c| c.status == Status::Down) else {
            return false;
        };
        let failing =
            self.checks.all.iter().any(|c| c.failures > 0) || self.sources.all.iter().any(|s| s.problem.is_some());
        let since = neutral.failing_since.unwrap_or(neutral.changed).mono;
        let later = |at: Option<Stamp>| at.is_some_and(|at| at.mono > since);
        let specs = self.settings.checks.iter().zip(self.checks.all.iter().zip(&self.checks.probed));
        let check_answers =
            specs.filter(|(spec, _)| !local(&spec.probe.shown())).any(|(_, (c, at))| c.failures == 0 && later(*at));
        let remote = |name: &str| !local(&self.settings.address(name));
        let source_answers =
            self.sources.all.iter().any(|s| later(s.last_ok) && s.problem.is_none() && remote(&s.name));
        failing && !check_answers && !source_answers
    }
}

/// Does an address lie on this machine? What answers there says nothing of the network.
fn local(address: &str) -> bool {
    address.is_empty()
        || ["localhost", "127.", "[::1]", "sqlite:", "/"].iter().any(|w| {
            let host = address.split_once("://").map_or(address, |(_, rest)| rest);
            let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
            let host = host.trim_start_matches("GET ").trim_start_matches("tcp ").trim_start_matches("tls ");
            let host = host.split_once("://").map_or(host, |(_, rest)| rest);
            host.starts_with(w) || address.starts_with(w)
        })
}
