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
mod renew;
mod runs;
mod salvage;
mod transaction;
mod watches;

pub use error::StoreError;
pub use file::Note;
pub use file::Standing;
pub use file::keep_aside;
pub use file::make_private;
pub use file::own;
pub use incidents::Joined;
pub use incidents::new_id;
pub use lease::Led;
pub use transaction::Others;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::SqliteConnection;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

use crate::model::time::Millis;
use crate::store::file::Identity;

/// The databases that can hold a store.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// An embedded file.
    Sqlite(SqlitePool),
}

/// Does the same with whichever database it is; each arm is typed for its own.
macro_rules! on {
    ($pool:expr, $p:ident => $body:expr) => {
        match &$pool {
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

/// A store that is open. Its clones are the same store: where the file is replaced, all of them go over to the new one.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<Path>,
    /// How long a write waits for another writer, ms.
    wait: Millis,
    read_only: bool,
    at: Arc<Mutex<Arc<At>>>,
    /// Held by whoever goes over to another file.
    renewing: Arc<tokio::sync::Mutex<()>>,
    /// How often it has gone over to another file.
    renewals: Arc<AtomicU64>,
    /// What could not be read, as it was come across.
    lost: Arc<Mutex<salvage::Lost>>,
}

/// A file that is open.
#[derive(Debug)]
struct At {
    /// For reading.
    pool: Pool,
    /// The one connection that writes; there is none before the first write, and after one that failed.
    writer: Arc<tokio::sync::Mutex<Option<SqliteConnection>>>,
    /// How many such connections there were.
    writers: AtomicU64,
    /// Which file it was when it was opened.
    identity: Option<Identity>,
    /// Which files its logs were.
    logs: Mutex<[Option<Identity>; 2]>,
    /// Where that is a copy, it is deleted with this.
    _way: Way,
}

/// How a file is read.
#[derive(Debug)]
enum Way {
    /// As everybody does.
    Live,
    /// As it stands, its log left aside.
    Standing,
    /// From a copy.
    Copied(file::Copy),
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
        Self::open_file(path, wait, true).await
    }

    /// The same for whoever only looks: a broken one is left where it lies, and is an error.
    ///
    /// # Errors
    /// When it cannot be used; the sentence says what to do.
    pub async fn open_whole(url: &str, wait: Millis) -> Result<Opened, StoreError> {
        let path = path(url).ok_or(StoreError::OtherDatabase)?;
        Self::open_file(path, wait, false).await
    }

    /// Opens the store at `url` to be read, and changes nothing: neither is one made, nor brought up to date, nor put
    /// aside.
    ///
    /// # Errors
    /// When it cannot be used as it is.
    pub async fn look(url: &str, wait: Millis) -> Result<Self, StoreError> {
        Self::look_at(path(url).ok_or(StoreError::OtherDatabase)?, wait).await
    }

    async fn look_at(path: PathBuf, wait: Millis) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NotThere(path));
        }
        let store = match Self::connect(&path, wait, true).await {
            Ok(store) => store,
            // The write-ahead log wants a file of its own beside it, which a full or read-only disk does not give.
            Err(why) if why.is_of_the_disk() => Self::apart(&path, wait).await.map_err(|_| why.of(&path))?,
            Err(why) => return Err(why.of(&path)),
        };
        match migrate::standing(&store.pool()).await.map_err(|e| e.of(&path))? {
            migrate::Standing::Current => Ok(store),
            migrate::Standing::Older => Err(StoreError::Older(path)),
            migrate::Standing::Newer => Err(StoreError::Newer(path)),
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
            Err(Stale::Broken) => Err(StoreError::Unreadable(path)),
        }
    }

    /// The error, with the name of this store's file where it has none.
    #[must_use]
    pub fn named(&self, why: StoreError) -> StoreError {
        why.of(&self.path)
    }

    async fn open_file(path: PathBuf, wait: Millis, sets_aside: bool) -> Result<Opened, StoreError> {
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
                Err(Stale::Broken) if sets_aside => notes.push(file::set_aside(&path)?),
                Err(Stale::Broken) => return Err(StoreError::Unreadable(path)),
                Err(Stale::Older) => {}
            }
        }
        file::make(&path)?;
        let store = Self::connect(&path, wait, false).await.map_err(|e| e.of(&path))?;
        migrate::run(&store.pool()).await.map_err(|e| e.of(&path))?;
        drop(lock);
        Ok(Opened { store, notes })
    }

    /// The store as it is, if it can be used at once.
    async fn current(path: &Path, wait: Millis) -> Result<Result<Self, Stale>, StoreError> {
        let looked = async {
            let store = Self::connect(path, wait, false).await?;
            let standing = migrate::standing(&store.pool()).await?;
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
        Self::over(path, wait, read_only, Way::Live).await
    }

    /// Reads it as it stands where nothing may be written beside it: at once where the write-ahead log is empty, else
    /// from a copy of both in memory. Where there is no room for one either, what the log holds is not seen, and counted.
    async fn apart(path: &Path, wait: Millis) -> Result<Self, StoreError> {
        let waiting = file::waiting_log(path);
        if waiting == 0 {
            return Self::over(path, wait, true, Way::Standing).await;
        }
        if let Ok(copy) = file::Copy::of(path) {
            return Self::over(path, wait, true, Way::Copied(copy)).await;
        }
        let store = Self::over(path, wait, true, Way::Standing).await?;
        store.lose(|lost| lost.log = waiting);
        Ok(store)
    }

    async fn over(path: &Path, wait: Millis, read_only: bool, way: Way) -> Result<Self, StoreError> {
        let identified = if matches!(way, Way::Live) { Identity::of } else { Identity::standing };
        let identity = identified(path);
        let options = match &way {
            Way::Live => options(path, wait).read_only(read_only),
            Way::Standing => options(path, wait).read_only(true).immutable(true),
            Way::Copied(copy) => options(copy.path(), wait).read_only(true),
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_millis(wait.max(0) as u64 + 1_000))
            // Whoever closes the last connection deletes the write-ahead log by its name: it may be that of a file which
            // has come in the place of this one.
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        // Opening is lazy: only a look at the file says whether it can be read.
        sqlx::query("SELECT COUNT(*) FROM sqlite_master").execute(&pool).await?;
        let at = At {
            pool: Pool::Sqlite(pool),
            writer: Arc::default(),
            writers: AtomicU64::new(0),
            identity: identity.filter(|i| identified(path).as_ref() == Some(i)),
            logs: Mutex::new(file::logs(path)),
            _way: way,
        };
        Ok(Self {
            path: path.into(),
            wait,
            read_only,
            at: Arc::new(Mutex::new(Arc::new(at))),
            renewing: Arc::default(),
            renewals: Arc::default(),
            lost: Arc::default(),
        })
    }

    fn at(&self) -> Arc<At> {
        Arc::clone(&self.at.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn pool(&self) -> Pool {
        self.at().pool.clone()
    }

    fn lose(&self, what: impl FnOnce(&mut salvage::Lost)) {
        what(&mut self.lost.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How often the file was another one.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Relaxed)
    }

    /// Lets go of it: what was written is on the disk already.
    pub async fn close(self) {
        let at = self.at();
        if at.identity.is_some() && at.identity != Identity::of(&self.path) {
            // To close it would delete the write-ahead log of another file.
            std::mem::forget(at);
            return;
        }
        let writer = at.writer.lock().await.take();
        if let Some(writer) = writer {
            let _ = sqlx::Connection::close(writer).await;
        }
        on!(at.pool, p => p.close().await);
    }
}

fn options(path: &Path, wait: Millis) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        // A commit that was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_millis(wait.max(0) as u64))
        // Pages of the file that each connection keeps, in KiB where it is negative: the kernel has them all anyhow.
        .pragma("cache_size", "-400")
        // A prepared statement is some ten kilobytes, in every connection; to prepare one takes 50 µs.
        .statement_cache_capacity(16)
        .disable_statement_logging()
}
