//! Where figures come from, and how fresh they are.

use serde::Deserialize;
use serde::Serialize;

use crate::model::signal::Absence;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// The kinds of feed that the line of ages tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Request figures, from a Prometheus server or a direct scrape.
    Metrics,
    /// Health checks.
    Checks,
    /// The session table.
    Sessions,
    /// Alerts, from Alertmanager or Prometheus.
    Alerts,
    /// Figures of the configuration's own: databases and logs.
    Figures,
}

/// How a source reads, for `check --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A Prometheus server.
    Prometheus,
    /// A target's own `/metrics`.
    Scrape,
    /// A database.
    Sql,
    /// A log.
    Log,
}

impl Origin {
    /// Does it tell of requests?
    #[must_use]
    pub fn tells_requests(self) -> bool {
        matches!(self, Self::Prometheus | Self::Scrape)
    }
}

impl Origin {
    /// The word that JSON carries as `source`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Scrape => "scrape",
            Self::Sql => "sql",
            Self::Log => "log",
        }
    }
}

/// How far a source's newest answer can be trusted to speak of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Asked for the first time, no answer yet.
    Waiting,
    /// Within one interval (and the time an answer may take).
    Fresh,
    /// Older than one interval; the age is shown.
    Late(Millis),
    /// Three intervals or more: the value is history.
    Stale(Millis),
}

/// What is known of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The name events carry.
    pub name: String,
    /// Which kind of feed it belongs to.
    pub feed: Feed,
    /// How often it is asked.
    pub every: Millis,
    /// How long it may take to answer.
    pub timeout: Millis,
    /// When cabina first began to wait for it.
    pub since: Stamp,
    /// The last answer that could be read.
    pub last_ok: Option<Stamp>,
    /// Why the last attempt failed; `None` after a good one.
    pub problem: Option<Absence>,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// How long the last good answer took.
    pub took: Option<Millis>,
    /// What the server said beside its answer (Prometheus' `warnings` and `infos`).
    pub notes: Vec<String>,
    /// Its clock minus ours, in ms, to the second; where it says what time it is.
    pub skew: Option<Millis>,
    /// True once the first attempt has ended, well or badly.
    pub answered: bool,
}

impl Source {
    /// A source that has not answered yet.
    #[must_use]
    pub fn new(name: &str, feed: Feed, every: Millis, timeout: Millis, since: Stamp) -> Self {
        Self {
            name: name.to_owned(),
            feed,
            every,
            timeout,
            since,
            last_ok: None,
            problem: None,
            attempts: 0,
            took: None,
            notes: Vec::new(),
            skew: None,
            answered: false,
        }
    }

    /// Age of the newest good answer, or of the wait for the first one.
    #[must_use]
    pub fn age(&self, now: Stamp) -> Millis {
        now.since(self.last_ok.unwrap_or(self.since))
    }

    /// How fresh the newest answer is.
    #[must_use]
    pub fn freshness(&self, now: Stamp) -> Freshness {
        let age = self.age(now);
        // An answer takes its time, and no clock is exact: half an interval, but never more than the timeout.
        let slack = self.timeout.min(self.every / 2 + SECOND);
        if age >= 3 * self.every + slack {
            return Freshness::Stale(age);
        }
        match self.last_ok {
            None if !self.answered => Freshness::Waiting,
            None => Freshness::Late(age),
            Some(_) if age > self.every + slack => Freshness::Late(age),
            Some(_) => Freshness::Fresh,
        }
    }
}
