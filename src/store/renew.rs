//! A file that is deleted, moved or replaced while it is open. What was said to be saved lies in a file that nobody
//! finds any more; it is still open here, so what the new one lacks is carried over before anything else is written.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use sqlx::Row as _;

use crate::bus;
use crate::model::incident::Incident;
use crate::model::journal::Draft;
use crate::model::journal::Entry;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::store::At;
use crate::store::Opened;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::file;
use crate::store::import::Refused;
use crate::store::on;

/// Incidents, deploys, windows and recordings carried over at the most, the newest: a year of a busy house.
const MOST: i64 = 1_000;
/// Deploys and recordings so old are of no use to what goes on.
const RECENT: Millis = DAY;
/// Entries read at once.
const PAGE: i64 = 1_000;

impl Store {
    /// Goes over to the file that stands under the store's name now, and makes one where there is none. False when it
    /// is the one that is open.
    ///
    /// # Errors
    /// When there is none that can be used, or it would not take what it lacks: that is then tried again.
    pub async fn renew(&self) -> Result<bool, StoreError> {
        if self.stands(self.at().identity.as_ref()) {
            return Ok(false);
        }
        let _one = self.renewing.lock().await;
        let old = self.at();
        if self.stands(old.identity.as_ref()) {
            return Ok(false);
        }
        let new = if self.read_only {
            Self::look_at(self.path.to_path_buf(), self.wait).await?
        } else {
            // Whoever has moved the file away has it whole.
            let _ = on!(old.pool, p => sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(p).await);
            file::part(&self.path, &old.logs());
            let Opened { store, .. } = Box::pin(Self::open_file(self.path.to_path_buf(), self.wait, true)).await?;
            let past = Self { at: Arc::new(Mutex::new(Arc::clone(&old))), ..self.clone() };
            Box::pin(carry(&past, &store)).await.map_err(|e| e.of(&self.path))?;
            store
        };
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = new.at();
        self.renewals.fetch_add(1, Ordering::Relaxed);
        if !self.read_only {
            // To close it would delete the log of the new file, by its name. It ends with the program.
            std::mem::forget(old);
        }
        Ok(true)
    }

    /// When its first tables were made, ms since the epoch: a backup of a store is as old as the store.
    async fn made(&self) -> Option<Millis> {
        let sql = "SELECT CAST(strftime('%s', MIN(installed_on)) AS INTEGER) * 1000 FROM _sqlx_migrations";
        let read = on!(self.pool(), p => sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(p).await);
        read.ok().flatten()
    }

    /// Is this entry in any journal?
    async fn holds(&self, entry: &str) -> Result<bool, StoreError> {
        let n: i64 = on!(self.pool(), p => {
            sqlx::query_scalar("SELECT COUNT(*) FROM entry WHERE id = ?").bind(entry).fetch_one(p).await?
        });
        Ok(n > 0)
    }

    /// Recordings that were begun since a moment: who, when, and their head.
    async fn recordings(&self, since: Millis) -> Result<Vec<(String, Millis, String)>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT id, started_at, head FROM recording WHERE started_at >= ? ORDER BY started_at DESC LIMIT ?")
                .bind(since)
                .bind(MOST)
                .fetch_all(p)
                .await?
        });
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }
}

/// Gives the new file what it lacks. What cannot be read of the old one is left; what the new one does not take is an
/// error.
async fn carry(past: &Store, new: &Store) -> Result<(), StoreError> {
    let now = bus::now().wall;
    // One that was begun after the old one is no backup of it: whoever deleted that wanted what was over gone.
    let anew = new.made().await > past.made().await;
    for (id, started, head) in past.recordings(now - RECENT).await.unwrap_or_default() {
        if new.recording(&id).await?.is_none() {
            new.begin_recording(&id, started, &head).await?;
        }
    }
    for incident in past.incidents(anew, MOST).await.unwrap_or_default().into_iter().rev() {
        let Ok(entries) = journal(past, &incident.id).await else { continue };
        match new.take_back(&incident.id, &entries).await {
            Ok(_) => {}
            Err(Refused::Store(why)) => return Err(why),
            Err(_) => adopt(new, &incident, &entries).await?,
        }
    }
    for deploy in past.deploys(now - RECENT, MOST).await.unwrap_or_default() {
        new.deployed(deploy).await?;
    }
    let known = new.windows(0, MOST).await?;
    for window in past.windows(now - 7 * DAY, MOST).await.unwrap_or_default() {
        if !known.contains(&window) {
            new.log_window(&window).await?;
        }
    }
    Ok(())
}

async fn journal(store: &Store, id: &str) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = store.entries(id, entries.last().map_or(0, |e| e.seq), PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// Writes what others have gone on with otherwise behind what they wrote; what goes on and has lost its number to
/// another incident gets a new one.
async fn adopt(new: &Store, incident: &Incident, entries: &[Entry]) -> Result<(), StoreError> {
    let Some(first) = entries.first() else { return Ok(()) };
    let drafts = || entries.iter().map(Entry::draft).collect::<Vec<Draft>>();
    let there = new.entries(&incident.id, 0, 1).await?;
    if there.first().is_some_and(|e| e.id == first.id) {
        new.append(&incident.id, drafts()).await?;
    } else if incident.open() && !new.holds(&first.id).await? {
        let year = incident.id.split('-').nth(1).and_then(|y| y.parse().ok()).unwrap_or_default();
        new.open_incident(year, drafts()).await?;
    }
    Ok(())
}

impl At {
    fn logs(&self) -> [Option<file::Identity>; 2] {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
