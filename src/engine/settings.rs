//! What the configuration asks for, checked and ready. No secret is in here: secrets are named, and only the edges
//! can look a name up.

mod check;
mod figures;
mod metrics;
mod window;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::built_in::built_in_signals;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::SESSIONS;
use crate::lang::Lang;
use crate::model::maintenance::Maintenance;
use crate::model::severity::Level;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Zone;

pub use check::CheckSpec;
pub use check::Endpoint;
pub use check::Expect;
pub use check::Op;
pub use check::ProbeSpec;
pub use figures::LogFrom;
pub use figures::LogSpec;
pub use figures::SessionsSpec;
pub use figures::SignalSpec;
pub use figures::SqlSpec;
pub use metrics::AlertmanagerSpec;
pub use metrics::MetricNames;
pub use metrics::PrometheusSpec;
pub use metrics::ScrapeSpec;
pub use window::WindowSpec;

/// The name under which the edges find a secret value.
pub type SecretId = String;

/// Everything that the configuration decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What is watched; the first word on the screen.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// The reader's language.
    pub lang: Lang,
    /// The zone beside UTC.
    pub zone: Zone,
    /// Name of the theme.
    pub theme: String,
    /// Nothing may be changed from here.
    pub read_only: bool,
    /// The embedded target is watched, with limits short enough for a visitor.
    pub demo: bool,
    /// Health checks, in the order of the file.
    pub checks: Vec<CheckSpec>,
    /// The Prometheus server.
    pub prometheus: Option<PrometheusSpec>,
    /// Targets read directly.
    pub scrapes: Vec<ScrapeSpec>,
    /// Figures, the built-in ones first.
    pub signals: Vec<SignalSpec>,
    /// The session table.
    pub sessions: Option<SessionsSpec>,
    /// How long a level stays after its rules have calmed.
    pub quiet: Quiet,
    /// How long a level stands until an incident is opened for it.
    #[serde(default)]
    pub opens: Opens,
    /// Whom to call.
    pub contacts: Vec<Contact>,
    /// Ring the terminal's bell and notify on transitions.
    pub bell: bool,
    /// Windows in which nobody is called.
    pub maintenance: Vec<Maintenance>,
    /// Links to other tools.
    pub links: Vec<Link>,
    /// A target beyond the service: when it fails too, what fails is this machine's network.
    pub neutral: Option<CheckSpec>,
    /// Figures from databases.
    pub sql: Vec<SqlSpec>,
    /// Lines that match, per minute.
    pub logs: Vec<LogSpec>,
    /// Alertmanagers; several are one cluster.
    pub alertmanagers: Vec<AlertmanagerSpec>,
    /// Where the record is kept.
    pub store: StoreSpec,
    /// The folders of the library of procedures.
    #[serde(default)]
    pub runbooks: Vec<std::path::PathBuf>,
    /// The window after a deploy.
    #[serde(default)]
    pub window: WindowSpec,
    /// Who sits here: the author of what is written from this cockpit.
    pub operator: String,
}

impl Settings {
    /// Settings that watch nothing: the ground that a configuration is built on.
    #[must_use]
    pub fn empty(lang: Lang) -> Self {
        Self {
            service: String::new(),
            environment: String::new(),
            lang,
            zone: Zone::default(),
            theme: "noche".to_owned(),
            read_only: false,
            demo: false,
            checks: Vec::new(),
            prometheus: None,
            scrapes: Vec::new(),
            signals: built_in_signals(),
            sessions: None,
            quiet: Quiet::default(),
            opens: Opens::default(),
            contacts: Vec::new(),
            bell: true,
            maintenance: Vec::new(),
            links: Vec::new(),
            neutral: None,
            sql: Vec::new(),
            logs: Vec::new(),
            alertmanagers: Vec::new(),
            store: StoreSpec::default(),
            runbooks: Vec::new(),
            window: WindowSpec::default(),
            operator: String::new(),
        }
    }

    /// A production environment gets the loud colour.
    #[must_use]
    pub fn production(&self) -> bool {
        self.environment.to_lowercase().starts_with("prod")
    }

    /// The address of a source as it may be shown.
    #[must_use]
    pub fn address(&self, source: &str) -> String {
        match source {
            PROMETHEUS => self.prometheus.as_ref().map(|p| p.endpoint.shown.clone()).unwrap_or_default(),
            SCRAPE => self.scrapes.iter().map(|s| s.endpoint.shown.clone()).collect::<Vec<_>>().join(" "),
            SESSIONS => self.sessions.as_ref().map(|s| s.shown.clone()).unwrap_or_default(),
            PROMETHEUS_ALERTS => self.address(PROMETHEUS),
            other => {
                let alertmanager =
                    self.alertmanagers.iter().find(|a| a.name == other).map(|a| a.endpoint.shown.clone());
                let sql = self.sql.iter().find(|s| s.source() == other).map(|s| s.shown.clone());
                let log = self.logs.iter().find(|l| l.source() == other).map(|l| match &l.from {
                    LogFrom::Command { shown, .. } => shown.clone(),
                    LogFrom::File(path) => path.display().to_string(),
                });
                alertmanager.or(sql).or(log).unwrap_or_default()
            }
        }
    }

    /// The maintenance window that holds at a moment, and when it ends.
    #[must_use]
    pub fn maintenance_at(&self, now: Millis) -> Option<(&Maintenance, Millis)> {
        self.maintenance.iter().find_map(|m| Some((m, m.until(now, self.zone)?)))
    }

    /// How often whoever counts requests has a new sample, ms.
    #[must_use]
    pub fn counts_every(&self) -> Millis {
        let scraped = self.scrapes.iter().map(|s| s.every).min();
        self.prometheus.as_ref().map(|p| p.every).or(scraped).unwrap_or(15 * SECOND)
    }

    /// Does anything feed the request figures?
    #[must_use]
    pub fn reads_metrics(&self) -> bool {
        self.prometheus.is_some() || !self.scrapes.is_empty()
    }
}

/// The name of the check behind `neutral`; no check of the configuration may have it.
pub const NEUTRAL: &str = "neutral target";

/// How long each level stays after its rules have calmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// For SEV1.
    pub sev1: Millis,
    /// For SEV2.
    pub sev2: Millis,
    /// For SEV3.
    pub sev3: Millis,
    /// For SEV4.
    pub sev4: Millis,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { sev1: 5 * MINUTE, sev2: 5 * MINUTE, sev3: 2 * MINUTE, sev4: 2 * MINUTE }
    }
}

impl Quiet {
    /// The quiet time of a level; what is not a severity falls at once.
    #[must_use]
    pub fn of(self, level: Level) -> Millis {
        match level {
            Level::Sev1 => self.sev1,
            Level::Sev2 => self.sev2,
            Level::Sev3 => self.sev3,
            Level::Sev4 => self.sev4,
            Level::Unknown | Level::Ok => 0,
        }
    }
}

/// How long each level stands until an incident is opened for it by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opens {
    /// For SEV1; `None` never opens one.
    pub sev1: Option<Millis>,
    /// For SEV2.
    pub sev2: Option<Millis>,
    /// For SEV3.
    pub sev3: Option<Millis>,
    /// For SEV4.
    pub sev4: Option<Millis>,
}

impl Default for Opens {
    fn default() -> Self {
        Self { sev1: Some(0), sev2: Some(5 * MINUTE), sev3: None, sev4: None }
    }
}

impl Opens {
    /// How long a level stands first; `None` where none is opened for it.
    #[must_use]
    pub fn of(self, level: Level) -> Option<Millis> {
        match level {
            Level::Sev1 => self.sev1,
            Level::Sev2 => self.sev2,
            Level::Sev3 => self.sev3,
            Level::Sev4 => self.sev4,
            Level::Unknown | Level::Ok => None,
        }
    }
}

/// A link to another tool; `{service}`, `{environment}`, `{from}`, `{to}`, `{from_iso}` and `{to_iso}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// Someone to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// What they are.
    pub role: String,
    /// Who they are.
    pub name: String,
    /// How to reach them.
    pub how: String,
}

/// Where the record is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreSpec {
    /// The database URL, by name; without one it is a file in the folder for state of whoever runs cabina.
    pub url: Option<SecretId>,
    /// The URL as it may be shown.
    pub shown: String,
    /// How long what was seen is kept.
    pub retention: Millis,
    /// Bytes of what was seen that are kept at the most.
    #[serde(default)]
    pub size: i64,
}
