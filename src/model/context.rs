//! What stands around the figures: how much traffic is usual at this hour, what changed, and whether the targets can
//! be read at all.

use serde::Deserialize;
use serde::Serialize;

use crate::model::deploy::Deploy;
use crate::model::time::DAY;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// Fewer past weeks than this, and nothing is expected.
pub const LEAST_WEEKS: usize = 2;
/// Starts so near each other are one restart: a deploy goes from host to host.
const ONE_RESTART: Millis = 5 * MINUTE;
/// A mark and the version seen to change so near to it are one deploy: scripts mark at their beginning or at their end.
const ONE_DEPLOY: Millis = 30 * MINUTE;
/// Changes are looked back for this long.
pub const LOOK_BACK: Millis = DAY;

/// The traffic of the same hour in past weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Requests a minute, one figure for each week that is known, the newest first.
    pub weeks: Vec<f64>,
}

impl Usual {
    /// The median, in requests a minute; `None` under two weeks.
    #[must_use]
    pub fn per_minute(&self) -> Option<f64> {
        let mut all = self.weeks.clone();
        all.retain(|v| v.is_finite());
        all.sort_by(f64::total_cmp);
        let (n, half) = (all.len(), all.len() / 2);
        match n {
            _ if n < LEAST_WEEKS => None,
            _ if n % 2 == 1 => all.get(half).copied(),
            _ => Some((all.get(half - 1)? + all.get(half)?) / 2.0),
        }
    }
}

/// A version and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its name, fit for showing.
    pub name: String,
    /// First seen, ms since the epoch.
    pub from: Millis,
    /// Last seen.
    pub to: Millis,
}

/// What was seen of versions and processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// From when on was looked; what was there then has not changed.
    pub looked_from: Millis,
    /// Time between two looks.
    pub step: Millis,
    /// Versions of the service.
    pub versions: Vec<Version>,
    /// When each process started, by instance.
    pub starts: Vec<(String, Millis)>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, ms since the epoch.
    pub at: Millis,
    /// What.
    pub what: Changed,
}

/// What can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Another version runs.
    Version {
        /// The one before, where one was seen.
        from: Option<String>,
        /// The new one.
        to: String,
    },
    /// Processes were started.
    Started {
        /// How many.
        n: usize,
        /// The first of them.
        first: String,
    },
    /// Somebody marked a deploy.
    Deployed {
        /// What they said of it.
        deploy: Deploy,
    },
}

/// What was seen and what was marked, as one list, oldest first. A version that was seen to change and restarts that
/// were seen around a mark are what the mark says.
#[must_use]
pub fn merged(seen: &[Change], deploys: &[Deploy]) -> Vec<Change> {
    let bare = |version: &str| version.trim_start_matches('v').to_owned();
    let explained = |c: &Change, d: &Deploy| match &c.what {
        Changed::Version { to, .. } => bare(to) == bare(&d.version) && (c.at - d.at).abs() <= ONE_DEPLOY,
        Changed::Started { .. } => (c.at - d.at).abs() <= ONE_RESTART,
        Changed::Deployed { .. } => false,
    };
    let mut out: Vec<Change> = seen.iter().filter(|c| !deploys.iter().any(|d| explained(c, d))).cloned().collect();
    out.extend(deploys.iter().map(|d| Change { at: d.at, what: Changed::Deployed { deploy: d.clone() } }));
    out.sort_by_key(|c| c.at);
    out
}

impl Seen {
    /// The changes, oldest first. A restart that comes with a new version is part of it.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut versions: Vec<&Version> = self.versions.iter().collect();
        versions.sort_by_key(|v| v.from);
        let mut out: Vec<Change> = Vec::new();
        for v in versions.iter().filter(|v| v.from > self.looked_from + self.step) {
            let before = versions.iter().filter(|b| b.name != v.name && b.from < v.from).max_by_key(|b| b.to);
            let from = before.map(|b| b.name.clone());
            out.push(Change { at: v.from, what: Changed::Version { from, to: v.name.clone() } });
        }
        let mut starts: Vec<&(String, Millis)> = self.starts.iter().collect();
        starts.sort_by_key(|(_, at)| *at);
        let mut restarts: Vec<Change> = Vec::new();
        for (name, at) in starts {
            match restarts.last_mut() {
                Some(Change { at: last, what: Changed::Started { n, .. } }) if *at - *last <= ONE_RESTART => *n += 1,
                _ => restarts.push(Change { at: *at, what: Changed::Started { n: 1, first: name.clone() } }),
            }
        }
        restarts.retain(|r| !out.iter().any(|v| (v.at - r.at).abs() <= ONE_RESTART));
        out.extend(restarts);
        out.sort_by_key(|c| c.at);
        out
    }
}

/// A target of the service, as its Prometheus sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its instance, fit for showing.
    pub name: String,
    /// The server could read it.
    pub up: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_a_median_of_at_least_two_weeks() {
        let usual = |weeks: &[f64]| Usual { weeks: weeks.to_vec() }.per_minute();
        assert_eq!(usual(&[100.0]), None);
        assert_eq!(usual(&[100.0, 300.0]), Some(200.0));
        assert_eq!(usual(&[100.0, 900.0, 110.0]), Some(110.0), "one holiday does not count");
    }

    #[test]
    fn a_new_version_is_a_change_and_its_restarts_are_part_of_it() {
        let version = |name: &str, from, to| Version { name: name.to_owned(), from, to };
        let m = MINUTE;
        let seen = Seen {
            looked_from: 0,
            step: m,
            versions: vec![version("v2", 50 * m, 60 * m), version("v1", 0, 52 * m)],
            starts: vec![("web1".to_owned(), 50 * m), ("web2".to_owned(), 52 * m), ("db1".to_owned(), 20 * m)],
        };
        let changes = seen.changes();
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert_eq!(changes[0].what, Changed::Started { n: 1, first: "db1".to_owned() });
        assert_eq!(changes[1].what, Changed::Version { from: Some("v1".to_owned()), to: "v2".to_owned() });
    }

    #[test]
    fn what_was_there_at_the_first_look_has_not_changed() {
        let seen = Seen {
            looked_from: 1_000,
            step: 60_000,
            versions: vec![Version { name: "v1".to_owned(), from: 1_000, to: 9_000 }],
            starts: Vec::new(),
        };
        assert_eq!(seen.changes(), Vec::new());
    }
}
