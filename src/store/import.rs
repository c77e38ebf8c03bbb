//! Journals that come back: from another store, or from a file that was put away.

use sqlx::Row as _;
use sqlx::SqliteConnection;

use crate::model::deploy::Deploy;
use crate::model::incident::Incident;
use crate::model::journal::Break;
use crate::model::journal::Chain;
use crate::model::journal::Entry;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::deploys::put as put_deploy;
use crate::store::incidents::put;
use crate::store::incidents::write;

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

/// The largest number of an incident in its year.
pub(super) const MOST: i64 = 999_999;
/// Years that incidents are counted in.
const YEARS: std::ops::RangeInclusive<i64> = 2000..=2200;

/// Year and number of `INC-2026-0042`, written as cabina writes it and in no other way.
fn numbered(id: &str) -> Option<(i64, i64)> {
    let (year, number) = id.strip_prefix("INC-")?.split_once('-')?;
    let (year, number): (i64, i64) = (year.parse().ok()?, number.parse().ok()?);
    let canonical = YEARS.contains(&year) && (1..=MOST).contains(&number) && name(year, number) == id;
    canonical.then_some((year, number))
}

/// The name of an incident.
pub(super) fn name(year: i64, number: i64) -> String {
    format!("INC-{year}-{number:04}")
}

/// The journal of one incident, from its first entry on.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Which.
    pub id: String,
    /// Its entries, as they were sealed.
    pub entries: Vec<Entry>,
}

impl Store {
    /// Takes in the journal of one incident; how many entries were new. What is there already must be its beginning.
    ///
    /// # Errors
    /// Why nothing was taken in.
    pub async fn take_back(&self, id: &str, entries: &[Entry]) -> Result<usize, Refused> {
        let mut tx = self.begin().await?;
        let new = take_in(&mut tx, id, entries).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Takes in journals and deploys, all or nothing; how many entries were new.
    ///
    /// # Errors
    /// Which incident is in the way, and why: nothing was taken in.
    pub async fn take_back_all(&self, journals: &[Journal], deploys: Vec<Deploy>) -> Result<usize, (String, Refused)> {
        let store = |why: StoreError| (String::new(), Refused::Store(why));
        let mut tx = self.begin().await.map_err(store)?;
        let mut new = 0;
        for journal in journals {
            let taken = take_in(&mut tx, &journal.id, &journal.entries).await;
            new += taken.map_err(|why| (journal.id.clone(), why))?;
        }
        for deploy in deploys {
            put_deploy(&mut tx, deploy).await.map_err(store)?;
        }
        tx.commit().await.map_err(store)?;
        Ok(new)
    }
}

/// Takes in a journal inside a transaction.
async fn take_in(tx: &mut SqliteConnection, id: &str, entries: &[Entry]) -> Result<usize, Refused> {
    let (year, number) = numbered(id).ok_or(Refused::NoNumber)?;
    let (mut chain, mut incident) = (Chain::default(), Incident::new(id));
    for entry in entries {
        chain.follow(entry).map_err(Refused::Broken)?;
        incident.fold(entry);
    }
    let there = sqlx::query("SELECT last_seq FROM incident WHERE id = ?").bind(id).fetch_optional(&mut *tx).await?;
    let known: i64 = there.as_ref().map_or(Ok(0), |row| row.try_get(0))?;
    if there.is_some() {
        // The hash of an entry stands for all before it.
        let both = known.min(incident.last_seq);
        let here: Option<String> = sqlx::query_scalar("SELECT hash FROM entry WHERE incident = ? AND seq = ?")
            .bind(id)
            .bind(both)
            .fetch_optional(&mut *tx)
            .await?;
        let given = entries.iter().find(|e| e.seq == both).map(|e| e.hash.clone());
        if here.is_none() || here != given {
            return Err(Refused::Another);
        }
        if known >= incident.last_seq {
            return Ok(0);
        }
    } else {
        sqlx::query("INSERT INTO incident (id, year, number, last_seq, going_on, opened_at, state) VALUES (?, ?, ?, 0, 1, 0, '')")
            .bind(id)
            .bind(year)
            .bind(number)
            .execute(&mut *tx)
            .await?;
    }
    let mut new = 0;
    for entry in entries.iter().filter(|e| e.seq > known) {
        let twice: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM entry WHERE id = ?").bind(&entry.id).fetch_one(&mut *tx).await?;
        if twice > 0 {
            // It stands in the journal of another incident.
            return Err(Refused::Another);
        }
        put!(tx, entry);
        new += 1;
    }
    sqlx::query("UPDATE incident SET last_seq = ?, going_on = ?, opened_at = ?, state = ? WHERE id = ?")
        .bind(incident.last_seq)
        .bind(i64::from(incident.open()))
        .bind(incident.opened_at)
        .bind(write(&incident)?)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_incidents() {
        assert_eq!(numbered("INC-2026-0042"), Some((2026, 42)));
        assert_eq!(numbered("INC-2026-12345"), Some((2026, 12_345)));
        let huge = "INC-2026-9223372036854775807";
        let odd =
            ["INC-2026-042", "INC-2026-00042", "INC-2026-+042", "INC-2026-0000", "INC-02026-0001", "inc-2026-0001"];
        let far = [huge, "INC-2026-1000000", "INC-1999-0001", "INC-9999-0001", "INC-2026--001", "INC-2026-٠٠٤٢"];
        let none = ["INC-2026", "INC-2026-", "INC--1", "2026-0001", "INC-2026-00x1", ""];
        for bad in odd.into_iter().chain(far).chain(none) {
            assert_eq!(numbered(bad), None, "{bad}");
        }
    }
}
