//! Rules on alerts that others have judged: by Alertmanager, by Prometheus, or by a rule file of the configuration.

use crate::engine::alerts::Fold;
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
use crate::model::time::Millis;

/// Alerts of the house and the signals that say the same.
const SAME: [(&str, &str); 4] = [
    ("HighErrorRate", ERROR_RATE),
    ("HighLatency", LATENCY_P95),
    ("DatabaseConnectionPoolExhausted", CONNECTION_POOL),
    ("CeleryQueueBacklog", CELERY_QUEUE),
];

pub(super) fn find(state: &State, out: &mut Vec<Finding>) {
    for fold in &state.alerts.folds {
        let (rule, level) = match (fold.standing, fold.grade) {
            (_, Grade::Other) => continue,
            (Standing::Pending, _) => (Rule::AlertPending, Level::Sev4),
            // What is inhibited says nothing that the alert above it does not say.
            _ if state.alerts_inhibited(fold) => continue,
            // A silence keeps it from being announced; it fires all the same.
            (_, Grade::Critical) => (Rule::AlertCritical, Level::Sev2),
            (_, Grade::Warning) => (Rule::AlertWarning, Level::Sev3),
        };
        if out.iter().any(|f| f.level >= level && same(&fold.name, &f.subject)) {
            continue;
        }
        out.push(finding(rule, level, &fold.name, fold.since, fold.members.len()));
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
    SAME.contains(&(alert, signal)) || bare(alert) == bare(signal)
}

/// An alert that always fires is not there, and the data is fresh: nobody would hear of the others either.
fn watchdog(state: &State, out: &mut Vec<Finding>) {
    let Some(name) = state.settings.prometheus.as_ref().and_then(|p| p.watchdog.as_ref()) else {
        return;
    };
    let fresh = |s: &crate::model::source::Source| s.freshness(state.now) == Freshness::Fresh;
    let mut answering = state.sources.of(Feed::Alerts).filter(|s| fresh(s)).peekable();
    if answering.peek().is_some() && !state.alerts.watchdog_seen {
        let since = state.alerts_watchdog_gone.unwrap_or(state.now.wall);
        out.push(finding(Rule::WatchdogAbsent, Level::Sev4, name, since, 0));
    }
}

impl State {
    /// Is everything in a fold suppressed by other alerts?
    #[must_use]
    pub fn alerts_inhibited(&self, fold: &Fold) -> bool {
        fold.members.iter().filter_map(|i| self.alerts.all.get(*i)).all(|a| !a.inhibited_by.is_empty())
    }
}
