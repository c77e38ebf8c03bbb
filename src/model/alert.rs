//! Alerts and silences, as Prometheus and Alertmanager have them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::model::matcher::Matcher;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// Labels, exact: they are what a server is told.
pub type Labels = BTreeMap<String, String>;

/// Alerts of one source that are kept; the rest is counted.
pub const MOST: usize = 10_000;
/// An expired silence is shown for so long: whoever wonders why it rings again sees the reason.
pub const JUST_EXPIRED: Millis = 10 * MINUTE;

/// How bad an alert calls itself, by its `severity` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// `critical` or `page`.
    Critical,
    /// `warning`.
    Warning,
    /// Anything else, or nothing.
    Other,
}

impl Grade {
    /// The grade of a label's value.
    #[must_use]
    pub fn of(severity: &str) -> Self {
        match severity.to_ascii_lowercase().as_str() {
            "critical" | "page" => Self::Critical,
            "warning" | "warn" => Self::Warning,
            _ => Self::Other,
        }
    }
}

/// Where an alert stands. The order is that of the list: what rings first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its condition has held for long enough.
    Firing,
    /// Its condition holds, not yet for long enough.
    Pending,
    /// It fires, and a silence or another alert keeps it from being announced.
    Suppressed,
}

impl Standing {
    /// The word that JSON carries; never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Pending => "pending",
            Self::Suppressed => "suppressed",
        }
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// `summary` and `description`, fit for showing; the first one that there is, or empty.
    pub summary: String,
    /// The longer text, fit for showing; may be empty.
    pub description: String,
    /// Where its procedure is, by its annotation `runbook_url`; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runbook: String,
    /// Where it stands.
    pub standing: Standing,
    /// Since when its condition holds, ms since the epoch.
    pub since: Millis,
    /// The value of its expression, where known.
    pub value: Option<f64>,
    /// Alertmanager has it: only then can it be silenced.
    pub managed: bool,
    /// Silences that suppress it.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<String>,
}

impl Alert {
    /// Its name, fit for showing.
    #[must_use]
    pub fn name(&self) -> String {
        clean(self.labels.get("alertname").map_or("", String::as_str))
    }

    /// How bad it calls itself.
    #[must_use]
    pub fn grade(&self) -> Grade {
        Grade::of(self.labels.get("severity").map_or("", String::as_str))
    }

    /// The name that Alertmanager knows it by.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.labels)
    }
}

/// The fingerprint of labels, as Prometheus and Alertmanager compute it: FNV-1a over names and values in the order of
/// the names, each ended by 0xFF (`prometheus/common/model`, `labelSetToFingerprint`).
#[must_use]
pub fn fingerprint(labels: &Labels) -> String {
    const OFFSET: u64 = 14_695_981_039_346_656_037;
    const PRIME: u64 = 1_099_511_628_211;
    let mut hash = OFFSET;
    let mut add = |bytes: &[u8]| {
        for b in bytes.iter().chain(&[0xFF]) {
            hash = (hash ^ u64::from(*b)).wrapping_mul(PRIME);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

/// Where a silence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// In force.
    Active,
    /// It begins later.
    Pending,
    /// Over.
    Expired,
}

/// One silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The id of its Alertmanager.
    pub id: String,
    /// What it silences.
    pub matchers: Vec<Matcher>,
    /// From when, ms since the epoch.
    pub starts: Millis,
    /// Until when, ms since the epoch.
    pub ends: Millis,
    /// Who made it, fit for showing.
    pub by: String,
    /// Why, fit for showing.
    pub comment: String,
    /// Where it stands.
    pub phase: Phase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_alertmanager() {
        // Captured from a real Alertmanager 0.25.
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        assert_eq!(fingerprint(&labels(&[("alertname", "Watchdog"), ("severity", "none")])), "448881ef475b9b26");
        let latency =
            [("alertname", "HighLatency"), ("cluster", "eu1"), ("service", "callcentersite"), ("severity", "warning")];
        assert_eq!(fingerprint(&labels(&latency)), "5d589e9e4dab1bdd");
    }
}
