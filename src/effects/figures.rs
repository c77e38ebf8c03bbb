//! What the figures of delivery are made of, from the store.

use crate::model::deploy::Deploy;
use crate::model::dora::Commit;
use crate::model::dora::Known;
use crate::model::incident::Incident;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::model::watch::Watch;
use crate::store::Store;
use crate::store::StoreError;

/// Incidents read at the most.
pub const INCIDENTS: i64 = 10_000;
/// Deploys and windows read at the most: three years of ten a day.
const DEPLOYS: i64 = 10_000;
/// So much before the span a deploy may have been that one within it goes back from.
const BEFORE: Millis = 60 * DAY;

/// What the store knows.
#[derive(Debug)]
pub struct Read {
    deploys: Vec<Deploy>,
    watches: Vec<Watch>,
    incidents: Vec<Incident>,
}

impl Read {
    /// The same, with the commits of a repository.
    #[must_use]
    pub fn known<'a>(&'a self, commits: Option<&'a [Commit]>) -> Known<'a> {
        Known { deploys: &self.deploys, watches: &self.watches, incidents: &self.incidents, commits }
    }
}

/// Reads what the figures of some days need.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(store: &Store, now: Millis, days: i64) -> Result<Read, StoreError> {
    let since = now - days * DAY - BEFORE;
    Ok(Read {
        deploys: store.deploys(since, DEPLOYS).await?,
        watches: store.windows(since, DEPLOYS).await?,
        incidents: store.incidents(false, INCIDENTS).await?,
    })
}
