//! A version that went live, as a deploy script or a person marks it.

use serde::Deserialize;
use serde::Serialize;

use crate::model::fact::Fact;
use crate::model::journal::Draft;
use crate::model::time::Millis;

/// One deploy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deploy {
    /// Made by whoever marks it: the same mark given twice is one.
    pub id: String,
    /// What went live.
    pub version: String,
    /// What ran before, where it is known.
    #[serde(default)]
    pub before: Option<String>,
    /// When it went live, ms since the epoch.
    pub at: Millis,
    /// Who did it.
    pub by: String,
    /// From which machine.
    #[serde(default)]
    pub from: String,
    /// Until when the old side is kept, ms since the epoch.
    #[serde(default)]
    pub old_until: Option<Millis>,
    /// Migrations that came with it; `None` where nobody has said.
    #[serde(default)]
    pub migrations: Option<u32>,
    /// A word about it.
    #[serde(default)]
    pub note: String,
}

impl Deploy {
    /// The identifier of the entry about it in an incident's journal: whoever writes it, it is there once.
    #[must_use]
    pub fn entry_of(&self, incident: &str) -> String {
        format!("{} {incident}", self.id)
    }

    /// The entry that says so in an incident's journal.
    #[must_use]
    pub fn draft_for(&self, incident: &str) -> Draft {
        let fact = Fact::Deployed { deploy: self.clone() };
        Draft { id: self.entry_of(incident), ..Draft::new(self.at, &self.by, &self.from, fact) }
    }
}
