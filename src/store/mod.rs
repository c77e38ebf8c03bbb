//! The record on disk: incidents, their journals, deploys. One store serves every cabina of a house.
//!
//! The shape fits SQLite, MySQL and PostgreSQL: 64-bit integers and text only, identifiers made by the writer, `?` for
//! values, and an order that comes from a counter bumped under the incident's row lock, never from a sequence of the
//! database (whose numbers can become visible out of order). Only SQLite is spoken so far.

mod deploys;
mod error;
mod file;
pub mod import;
mod incidents;
mod lease;
mod migrate;
pub mod queue;
pub mod recordings;
mod runs;
mod watches;

pub use error::StoreError;
pub use file::Note;
pub use file::keep_aside;
pub use incidents::Joined;
pub use incidents::new_id;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

use crate::model::time::Millis;

/// The databases that can hold a store.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// An embedded file.
    Sqlite(SqlitePool),
}

/// Does the same with whichever database it is; each arm is typed for its own.
macro_rules! on {
    ($pool:expr, $p:ident => $body:expr) => {
        match $pool {
            $crate::store::Pool::Sqlite($p) => $body,
        }
    };
}
pub(crate) use on;

/// Why a file cannot be used as it is.
enum Stale {
    /// It lacks tables.
    Older,
    /// It is no database, or a broken one.
    Broken,
}

/// A store that is open.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
    path: Arc<Path>,
}

/// What opening came to.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What the person should know about it.
    pub notes: Vec<Note>,
}

/// The file of an embedded store.
#[must_use]
pub fn path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?.split('?').next()?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

impl Store {
    /// Opens the store at `url` (`sqlite:///path`), makes it if it is not there, and brings it up to date. `wait` is
    /// how long a write waits for another writer, in ms.
    ///
    /// # Errors
    /// When it cannot be used; the sentence says what to do.
    pub async fn open(url: &str, wait: Millis) -> Result<Opened, StoreError> {
        let path = path(url).ok_or(StoreError::OtherDatabase)?;
        Self::open_file(path, wait).await
    }

    /// Opens the store at `url` to be read, and changes nothing: neither is one made, nor brought up to date, nor put
    /// aside.
    ///
    /// # Errors
    /// When it cannot be used as it is.
    pub async fn look(url: &str, wait: Millis) -> Result<Self, StoreError> {
        let path = path(url).ok_or(StoreError::OtherDatabase)?;
        if !path.exists() {
            return Err(StoreError::NotThere(path));
        }
        let looked = async {
            let store = Self::connect(&path, wait, true).await?;
            let standing = migrate::standing(&store.pool).await?;
            Ok::<_, StoreError>((store, standing))
        };
        match looked.await.map_err(|e| e.of(&path))? {
            (store, migrate::Standing::Current) => Ok(store),
            (_, migrate::Standing::Older) => Err(StoreError::Older(path)),
            (_, migrate::Standing::Newer) => Err(StoreError::Newer(path)),
        }
    }

    /// Opens the store at `url` as it is, to write to it; neither makes one nor brings one up to date.
    ///
    /// # Errors
    /// When it is not there, or cannot be used as it is.
    pub async fn join(url: &str, wait: Millis) -> Result<Self, StoreError> {
        let path = path(url).ok_or(StoreError::OtherDatabase)?;
        if !path.exists() {
            return Err(StoreError::NotThere(path));
        }
        match Self::current(&path, wait).await? {
            Ok(store) => Ok(store),
            Err(Stale::Older) => Err(StoreError::Older(path)),
            Err(Stale::Broken) => Err(StoreError::Damaged(path)),
        }
    }

    /// The error, with the name of this store's file where it has none.
    #[must_use]
    pub fn named(&self, why: StoreError) -> StoreError {
        why.of(&self.path)
    }

    async fn open_file(path: PathBuf, wait: Millis) -> Result<Opened, StoreError> {
        let mut notes = Vec::new();
        if file::on_a_network(&path) {
            notes.push(Note::Network(path.clone()));
        }
        if path.exists()
            && let Ok(store) = Self::current(&path, wait).await?
        {
            return Ok(Opened { store, notes });
        }
        // Ten may come at once: one makes the tables, or puts aside what is broken; the others wait for it.
        let lock = file::lock(&path).await?;
        if path.exists() {
            match Self::current(&path, wait).await? {
                Ok(store) => return Ok(Opened { store, notes }),
                Err(Stale::Broken) => notes.push(file::set_aside(&path)?),
                Err(Stale::Older) => {}
            }
        }
        file::make(&path)?;
        let store = Self::connect(&path, wait, false).await.map_err(|e| e.of(&path))?;
        migrate::run(&store.pool).await.map_err(|e| e.of(&path))?;
        drop(lock);
        Ok(Opened { store, notes })
    }

    /// The store as it is, if it can be used at once.
    async fn current(path: &Path, wait: Millis) -> Result<Result<Self, Stale>, StoreError> {
        let looked = async {
            let store = Self::connect(path, wait, false).await?;
            let standing = migrate::standing(&store.pool).await?;
            Ok((store, standing))
        };
        match looked.await {
            Ok((store, migrate::Standing::Current)) => Ok(Ok(store)),
            Ok((_, migrate::Standing::Older)) => Ok(Err(Stale::Older)),
            Ok((_, migrate::Standing::Newer)) => Err(StoreError::Newer(path.to_path_buf())),
            Err(StoreError::Damaged(_)) => Ok(Err(Stale::Broken)),
            Err(other) => Err(other.of(path)),
        }
    }

    async fn connect(path: &Path, wait: Millis, read_only: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(read_only)
            .foreign_keys(true)
            // A commit that was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_millis(wait.max(0) as u64));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_millis(wait.max(0) as u64 + 1_000))
            .connect_with(options)
            .await?;
        Ok(Self { pool: Pool::Sqlite(pool), path: path.into() })
    }

    /// Lets go of it: what was written is on the disk already.
    pub async fn close(self) {
        on!(&self.pool, p => p.close().await);
    }
}
