//! Single figures: what is asked of a server of metrics, a database, or a log, and the limits of each.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::settings::SecretId;
use crate::model::signal::Limit;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::Millis;
use crate::model::window::Wanted;

/// One figure and its limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalSpec {
    /// Its name.
    pub name: String,
    /// The question behind it; `None` for a built-in one, whose query follows from the metric names.
    pub query: Option<String>,
    /// Who answers: a Prometheus server (or direct scrape in its place), a database, a log.
    pub origin: Origin,
    /// What it counts in.
    pub unit: Unit,
    /// Shown only once it has been seen: not every service exports it.
    pub optional: bool,
    /// Beyond this, SEV3.
    pub warning: Option<Limit>,
    /// Beyond this, SEV2 (the error rate: SEV1).
    pub critical: Option<Limit>,
    /// What it has to be in a window after a deploy, where somebody has said.
    #[serde(default)]
    pub window: Option<Wanted>,
}

impl SignalSpec {
    /// True for the figures that come with the program.
    #[must_use]
    pub fn built_in(&self) -> bool {
        self.query.is_none()
    }
}

/// A figure from a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SqlSpec {
    /// The signal's name.
    pub name: String,
    /// The database URL, by name.
    pub url: SecretId,
    /// The URL as it may be shown.
    pub shown: String,
    /// One statement that returns one number.
    pub query: String,
    /// Time between looks.
    pub every: Millis,
    /// The most a look may cost the server.
    pub budget: Millis,
}

impl SqlSpec {
    /// The name of its source.
    #[must_use]
    pub fn source(&self) -> String {
        format!("sql {}", self.name)
    }
}

/// Lines that match, per minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSpec {
    /// The signal's name.
    pub name: String,
    /// Where the lines come from.
    pub from: LogFrom,
    /// A regular expression.
    pub pattern: String,
    /// Time between two looks at the count; lines are read as they come.
    pub every: Millis,
}

impl LogSpec {
    /// The name of its source.
    #[must_use]
    pub fn source(&self) -> String {
        format!("log {}", self.name)
    }
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFrom {
    /// A command that goes on, run by `sh -c`.
    Command {
        /// The command line, by name: it may carry a password.
        line: SecretId,
        /// The command line as it stands in the file.
        shown: String,
    },
    /// A file that is followed.
    File(PathBuf),
}

/// The session table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionsSpec {
    /// The database URL, by name.
    pub url: SecretId,
    /// The URL as it may be shown.
    pub shown: String,
    /// Table name.
    pub table: String,
    /// Time between looks.
    pub every: Millis,
    /// The most a look may cost the server.
    pub budget: Millis,
    /// `SESSION_COOKIE_AGE`.
    pub cookie_age: Millis,
    /// Rows from which the table is large.
    pub warning_rows: u64,
    /// Rows that must not be reached.
    pub critical_rows: u64,
    /// How often the sweep runs.
    pub cleanup_every: Millis,
}

impl SessionsSpec {
    /// Is it MySQL or MariaDB, which can be looked at as a server too?
    #[must_use]
    pub fn is_mysql(&self) -> bool {
        self.shown.starts_with("mysql") || self.shown.starts_with("mariadb")
    }

    /// A look has at most eight statements, each stopped by the server at the budget; two seconds more for a slow
    /// connection to open.
    #[must_use]
    pub fn timeout(&self) -> Millis {
        8 * self.budget + 2 * crate::model::time::SECOND
    }
}
