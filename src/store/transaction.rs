//! Transactions that write. One connection writes; one whose write failed, or was given up, is closed and never used
//! again: after a full disk nobody knows what state it is in.

use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use sqlx::ConnectOptions as _;
use sqlx::SqliteConnection;
use tokio::sync::OwnedMutexGuard;

use crate::store::Store;
use crate::store::StoreError;
use crate::store::file;
use crate::store::file::Identity;
use crate::store::file::Standing;
use crate::store::options;

/// What others have written, as the connection that writes counts it: another number whenever there is something
/// (`PRAGMA data_version`, <https://www.sqlite.org/pragma.html#pragma_data_version>), of that connection alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    connection: u64,
    version: i64,
}

/// A transaction that writes: it takes the write lock at once, so that what it reads first still holds when it writes.
/// Dropped without a commit, its connection closes, and SQLite undoes what it wrote.
pub(super) struct Tx {
    conn: SqliteConnection,
    home: OwnedMutexGuard<Option<SqliteConnection>>,
    store: Store,
    identity: Option<Identity>,
}

impl Tx {
    /// Makes it durable.
    ///
    /// # Errors
    /// When nothing was written, or it was written to a file that is no longer the store.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::query("COMMIT").execute(&mut self.conn).await?;
        if self.store.stands(self.identity.as_ref()) {
            *self.home = Some(self.conn);
            return Ok(());
        }
        // To close it would delete the write-ahead log of another file, by its name.
        std::mem::forget(self.conn);
        Err(StoreError::Gone(self.store.path.to_path_buf()))
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

impl Store {
    /// Begins to write; goes over to the file that stands in the place of the one that was opened, if another one does.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        self.renew().await?;
        self.begin_here().await
    }

    /// Begins to write to the file that is open.
    pub(super) async fn begin_here(&self) -> Result<Tx, StoreError> {
        let at = self.at();
        let mut home = Arc::clone(&at.writer).lock_owned().await;
        let mut conn = if let Some(conn) = home.take() {
            conn
        } else {
            at.writers.fetch_add(1, Ordering::Relaxed);
            options(&self.path, self.wait).read_only(self.read_only).connect().await?
        };
        if let Err(why) = sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await {
            return Err(why.into());
        }
        if !self.stands(at.identity.as_ref()) {
            std::mem::forget(conn);
            return Err(StoreError::Gone(self.path.to_path_buf()));
        }
        *at.logs.lock().unwrap_or_else(PoisonError::into_inner) = file::logs(&self.path);
        Ok(Tx { conn, home, store: self.clone(), identity: at.identity.clone() })
    }

    /// Is the file that is open still the one that others find?
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.stands(self.at().identity.as_ref())
    }

    /// How the file and its log stand: another answer after whatever anybody has written. Asked of the file system, which
    /// wakes nobody; a counter of the database would be asked on a thread of its own.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        Standing::of(&self.path)
    }

    /// What others have written; `None` where nothing has been written from here, and nobody counts.
    pub async fn others(&self) -> Option<Others> {
        let at = self.at();
        let mut home = at.writer.lock().await;
        let conn = home.as_mut()?;
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(conn).await.ok()?;
        Some(Others { connection: at.writers.load(Ordering::Relaxed), version })
    }

    /// Is the file still the one that was opened?
    pub(super) fn stands(&self, identity: Option<&Identity>) -> bool {
        identity.is_some_and(|i| i.again(&self.path).as_ref() == Some(i))
    }
}
