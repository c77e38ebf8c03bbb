//! A database server at a glance: is it full, busy, waiting, behind, or read-only?

use serde::Deserialize;
use serde::Serialize;

use crate::model::signal::Absence;
use crate::model::time::Millis;

/// Waits that are named; more are counted.
pub const WAITS: usize = 10;

/// What one look brought; what the login may not see is `None`, and named in `denied`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Glance {
    /// Connections in use, and how many there may be.
    pub connections: Option<(u64, u64)>,
    /// Threads that run a statement now.
    pub running: Option<u64>,
    /// The statement that has run longest, in ms, and who runs it.
    pub statement: Option<(Millis, String)>,
    /// The transaction that is open longest, in ms.
    pub transaction: Option<Millis>,
    /// Who waits for whom.
    pub waits: Option<Vec<Wait>>,
    /// Replication, where this server is a replica.
    pub replica: Option<Replica>,
    /// The server takes no writes.
    pub read_only: Option<bool>,
    /// What this login may not see.
    pub denied: Vec<String>,
}

/// One statement waiting for a lock of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The connection that waits.
    pub waiting: u64,
    /// The connection that holds it up.
    pub blocking: u64,
    /// For how long, in ms.
    pub lasting: Millis,
}

/// Replication of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// How far behind, in ms; `None` while it does not run.
    pub lag: Option<Millis>,
    /// What keeps it from running, fit for showing; may be empty.
    pub error: String,
}

/// A look, or why there is none.
pub type Look = Result<Glance, Absence>;

impl Glance {
    /// Connections in use as a share of all.
    #[must_use]
    pub fn fullness(&self) -> Option<f64> {
        self.connections.filter(|(_, max)| *max > 0).map(|(used, max)| used as f64 / max as f64)
    }
}
