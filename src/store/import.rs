//! Journals that come back: from another store, or from a file that was put away.

use crate::model::deploy::Deploy;
use crate::model::incident::Incident;
use crate::model::journal::Break;
use crate::model::journal::Chain;
use crate::model::journal::Entry;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::incidents::begin;
use crate::store::incidents::put;
use crate::store::incidents::write;
use crate::store::on;

/// Why a journal cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not fit together.
    Broken(Break),
    /// The store has another incident under this number.
    Another,
    /// What it is called is no incident's number.
    NoNumber,
    /// The store itself.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(why: sqlx::Error) -> Self {
        Self::Store(why.into())
    }
}

/// Year and number of `INC-2026-0042`.
fn numbered(id: &str) -> Option<(i64, i64)> {
    let (year, number) = id.strip_prefix("INC-")?.split_once('-')?;
    let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
    (digits(year) && digits(number)).then(|| Some((year.parse().ok()?, number.parse().ok()?))).flatten()
}

impl Store {
    /// Takes in the journal of one incident, from its first entry on, as it was sealed; how many entries were new. What
    /// is there already must be its beginning.
    ///
    /// # Errors
    /// Why nothing was taken in.
    pub async fn take_back(&self, id: &str, entries: &[Entry]) -> Result<usize, Refused> {
        let (year, number) = numbered(id).ok_or(Refused::NoNumber)?;
        let (mut chain, mut incident) = (Chain::default(), Incident::new(id));
        for entry in entries {
            chain.follow(entry).map_err(Refused::Broken)?;
            incident.fold(entry);
        }
        let there = match self.incident(id).await {
            Ok(there) => Some(there),
            Err(StoreError::NoIncident(_)) => None,
            Err(why) => return Err(why.into()),
        };
        let known = there.as_ref().map_or(0, |i| i.last_seq);
        if let Some(there) = &there {
            // The hash of an entry stands for all before it.
            let at = entries.iter().find(|e| e.seq == there.last_seq);
            if at.is_some_and(|e| e.hash == there.last_hash) && known == incident.last_seq {
                return Ok(0);
            }
            let longer = self.entries(id, incident.last_seq - 1, 1).await?;
            if longer.first().is_some_and(|e| e.hash == incident.last_hash) {
                return Ok(0);
            }
            if at.is_none_or(|e| e.hash != there.last_hash) {
                return Err(Refused::Another);
            }
        }
        let new: Vec<&Entry> = entries.iter().filter(|e| e.seq > known).collect();
        on!(&self.pool, p => {
            let mut tx = begin!(p).await?;
            if there.is_none() {
                sqlx::query("INSERT INTO incident (id, year, number, last_seq, going_on, opened_at, state) VALUES (?, ?, ?, 0, 1, 0, '')")
                    .bind(id)
                    .bind(year)
                    .bind(number)
                    .execute(&mut *tx)
                    .await?;
            }
            for entry in &new {
                put!(tx, entry);
            }
            // Whoever wrote meanwhile wrote first.
            let done = sqlx::query("UPDATE incident SET last_seq = ?, going_on = ?, opened_at = ?, state = ? WHERE id = ? AND last_seq = ?")
                .bind(incident.last_seq)
                .bind(i64::from(incident.open()))
                .bind(incident.opened_at)
                .bind(write(&incident)?)
                .bind(id)
                .bind(known)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if done != 1 {
                return Err(Refused::Another);
            }
            tx.commit().await?;
        });
        Ok(new.len())
    }

    /// Takes in a deploy as it was kept.
    ///
    /// # Errors
    /// When it was not written.
    pub async fn take_back_deploy(&self, deploy: Deploy) -> Result<(), StoreError> {
        self.deployed(deploy).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_incidents() {
        assert_eq!(numbered("INC-2026-0042"), Some((2026, 42)));
        for bad in ["INC-2026", "INC-2026-", "INC--1", "2026-0001", "INC-2026-00x1", ""] {
            assert_eq!(numbered(bad), None, "{bad}");
        }
    }
}
