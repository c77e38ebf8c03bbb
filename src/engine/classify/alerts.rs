//! Rules on alerts that others have judged: by Alertmanager, by Prometheus, or by a rule file of the configuration.

use crate::engine::sources::PROMETHEUS;
use crate::engine::state::State;
use crate::model::alert::Grade;
use crate::model::alert::Standing;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::CELERY_QUEUE;
use crate::model::signal::CONNECTION_POOL;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::source::Freshness;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// A watchdog that is missing for so long is gone.
const GONE: Millis = 2 * MINUTE;

/// Alerts of the house and the signals that say the same.
const SAME: [(&str, &str); 4] = [
    ("HighErrorRate", ERROR_RATE),
    ("HighLatency", LATENCY_P95),
    ("DatabaseConnectionPoolExhausted", CONNECTION_POOL),
    ("CeleryQueueBacklog", CELERY_QUEUE),
];

pub(super) fn find(state: &State, out: &mut Vec<Finding>) {
    for fold in &state.alerts.folds {
        let members = || fold.members.iter().filter_map(|i| state.alerts.all.get(*i));
        // A silence keeps it from being announced; it fires all the same. What is inhibited says nothing that the
        // alert above it does not say.
        let firing = members().filter(|a| a.standing != Standing::Pending && a.inhibited_by.is_empty()).count();
        let pending = members().filter(|a| a.standing == Standing::Pending).count();
        let (rule, level, n) = match (firing, pending, fold.grade) {
            (_, _, Grade::Other) | (0, 0, _) => continue,
            (0, n, _) => (Rule::AlertPending, Level::Sev4, n),
            (n, _, Grade::Critical) => (Rule::AlertCritical, Level::Sev2, n),
            (n, _, Grade::Warning) => (Rule::AlertWarning, Level::Sev3, n),
        };
        if out.iter().any(|f| f.level >= level && same(&fold.name, &f.subject)) {
            continue;
        }
        out.push(finding(rule, level, &fold.name, fold.since, n));
    }
    watchdog(state, out);
}

fn finding(rule: Rule, level: Level, subject: &str, since: Millis, n: usize) -> Finding {
    Finding {
        rule,
        level,
        subject: subject.to_owned(),
        value: Some(n as f64),
        threshold: None,
        unit: Unit::Count,
        counts: None,
        since,
        hold: 0,
    }
}

/// Does a signal's finding say what the alert says?
fn same(alert: &str, signal: &str) -> bool {
    let bare = |t: &str| t.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SAME.contains(&(alert, signal)) || (!bare(alert).is_empty() && bare(alert) == bare(signal))
}

/// An alert that always fires is not there, and the data is fresh: nobody would hear of the others either.
fn watchdog(state: &State, out: &mut Vec<Finding>) {
    let Some(name) = state.settings.prometheus.as_ref().and_then(|p| p.watchdog.as_ref()) else {
        return;
    };
    let fresh = |s: &crate::model::source::Source| s.freshness(state.now) == Freshness::Fresh;
    let answering = state.sources.of(Feed::Alerts).any(fresh);
    // With the server away its watchdog cannot bark; one that has just started has not evaluated its rules yet.
    let server = state.sources.get(PROMETHEUS).is_some_and(fresh);
    let since = state.alerts_watchdog_gone.unwrap_or(state.now.wall);
    let long = state.now.wall - since >= GONE || state.over;
    if answering && server && long && !state.alerts.watchdog_seen {
        out.push(finding(Rule::WatchdogAbsent, Level::Sev4, name, since, 0));
    }
}
