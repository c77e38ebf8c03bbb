//! Rules on health checks. Judged from the checks as they stand and the time that has passed.

use crate::engine::state::State;
use crate::model::health::Check;
use crate::model::health::Status;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// With fewer requests than this the traffic cannot say that all is well.
const LITTLE_PER_MINUTE: f64 = 20.0;

/// What the request figures say about an outage that a check reports.
struct Witness {
    /// Share of the last minute, when it is fresh.
    share1: Option<f64>,
    /// Requests per minute, when fresh.
    per_minute: Option<f64>,
    /// Requests per minute that are expected at this hour.
    expected: Option<f64>,
}

impl Witness {
    fn of(state: &State) -> Self {
        if !state.sources.fresh(Feed::Metrics, state.now) {
            return Self { share1: None, per_minute: None, expected: None };
        }
        let t = state.signals.traffic();
        let expected = state.context.expected(state.now);
        Self { share1: t.share1(), per_minute: t.per_second.map(|r| r * 60.0), expected }
    }

    fn agrees(&self) -> bool {
        self.share1.is_some_and(|s| s > 0.05) || self.of_expected().is_some_and(|share| share < 0.5)
    }

    /// Traffic as a share of what is expected.
    fn of_expected(&self) -> Option<f64> {
        Some(self.per_minute? / self.expected.filter(|e| *e >= LITTLE_PER_MINUTE)?)
    }

    fn silent(&self) -> bool {
        self.per_minute.is_none_or(|r| r < LITTLE_PER_MINUTE)
    }

    fn says_fine(&self) -> bool {
        let enough = self.of_expected().is_none_or(|share| share >= 0.8);
        self.share1.is_some_and(|s| s < 0.01) && !self.silent() && enough
    }
}

pub(super) fn find(state: &State, out: &mut Vec<Finding>) {
    let witness = Witness::of(state);
    for check in &state.checks.all {
        if check.blocked_by.is_some() {
            continue;
        }
        if let Some((rule, level, since)) = judge(state, check, &witness) {
            out.push(finding(check, rule, level, since));
        }
        certificate(check, state.now, out);
    }
}

fn finding(check: &Check, rule: Rule, level: Level, since: Stamp) -> Finding {
    Finding {
        rule,
        level,
        subject: check.name.clone(),
        value: None,
        threshold: None,
        unit: Unit::Count,
        counts: None,
        since: since.wall,
        hold: 0,
    }
}

fn judge(state: &State, check: &Check, witness: &Witness) -> Option<(Rule, Level, Stamp)> {
    let now = state.now;
    match check.status {
        Status::Down => {
            let since = check.failing_since.unwrap_or(check.changed);
            // Unless something else says that it is more than that.
            let more = witness.agrees() || state.context.dead_since(now).is_some();
            if !more && state.context.explains(&check.name, since, now) {
                return Some((Rule::Restarting, Level::Sev4, since));
            }
            let (rule, level) = down(state, check, witness, now.since(since));
            Some((rule, level, since))
        }
        Status::Flapping if check.critical && check.failed_share() >= 0.3 => {
            Some((Rule::CheckFlappingCritical, Level::Sev2, check.changed))
        }
        Status::Flapping => Some((Rule::CheckFlapping, Level::Sev4, check.changed)),
        Status::Degraded if check.critical => {
            let since = check.slow_since.unwrap_or(check.changed);
            let long = now.since(since) >= 2 * MINUTE;
            let level = if long { Level::Sev3 } else { Level::Sev4 };
            Some((Rule::CheckDegraded, level, since))
        }
        Status::Up | Status::Degraded | Status::Unknown => {
            // Failing, not often enough in a row yet.
            let since = check.failing_since.filter(|_| check.failures > 0)?;
            Some((Rule::Pending, Level::Sev4, since))
        }
    }
}

fn down(state: &State, check: &Check, witness: &Witness, lasting: Millis) -> (Rule, Level) {
    if !check.critical {
        let long = lasting >= 60 * SECOND;
        return if long { (Rule::CheckDownMinor, Level::Sev3) } else { (Rule::Pending, Level::Sev4) };
    }
    let company = witness.agrees() || second_critical_down(state, check);
    if company && lasting >= 30 * SECOND {
        return (Rule::CheckDownCorroborated, Level::Sev1);
    }
    if witness.silent() && lasting >= 60 * SECOND {
        return (Rule::CheckDownNoTraffic, Level::Sev1);
    }
    if witness.says_fine() && lasting >= 5 * MINUTE {
        return (Rule::CheckDownAlone, Level::Sev2);
    }
    (Rule::CheckDownUncorroborated, Level::Sev3)
}

/// Another critical check is down that neither explains this one nor is explained by it.
fn second_critical_down(state: &State, check: &Check) -> bool {
    state.checks.all.iter().any(|other| {
        other.name != check.name
            && other.critical
            && other.blocked_by.is_none()
            && other.status == Status::Down
            && !other.depends_on.contains(&check.name)
            && !check.depends_on.contains(&other.name)
    })
}

/// A certificate ends sooner than the check allows.
fn certificate(check: &Check, now: Stamp, out: &mut Vec<Finding>) {
    let Some(probe) = check.last.as_ref().filter(|p| p.cert_soon) else {
        return;
    };
    out.push(Finding {
        value: probe.cert_days.map(|d| d as f64),
        ..finding(check, Rule::CertificateSoon, Level::Sev4, now)
    });
}
