//! Why the record cannot be read or written.

use std::path::Path;
use std::path::PathBuf;

use crate::lang::Lang;

/// What went wrong with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// A newer cabina made it.
    Newer(PathBuf),
    /// An older cabina made it, and it may not be brought up to date.
    Older(PathBuf),
    /// There is none yet, and none may be made.
    NotThere(PathBuf),
    /// It may not be read or written.
    Denied(PathBuf),
    /// The disk is full.
    NoRoom(PathBuf),
    /// It was moved, deleted or replaced while it was open.
    Gone(PathBuf),
    /// Whoever was to write down what machines see is another one by now.
    Unled,
    /// This process may open no more files.
    NoFiles,
    /// Somebody else is writing, for longer than we wait.
    Busy,
    /// The file is broken; some of it can be read.
    Damaged(PathBuf),
    /// The file is no store, or so broken that nothing of it can be read.
    Unreadable(PathBuf),
    /// The disk under it does not do what it is told (SQLite's I/O errors).
    Disk(PathBuf),
    /// A database that a store cannot be in yet.
    OtherDatabase,
    /// No such incident.
    NoIncident(String),
    /// Anything else, in the words of the database.
    Failed(String),
}

impl StoreError {
    /// The same, with the file's name where it was not known yet.
    #[must_use]
    pub(crate) fn of(self, path: &Path) -> Self {
        let named = |old: PathBuf| if old.as_os_str().is_empty() { path.to_path_buf() } else { old };
        match self {
            Self::Newer(p) => Self::Newer(named(p)),
            Self::Denied(p) => Self::Denied(named(p)),
            Self::NoRoom(p) => Self::NoRoom(named(p)),
            Self::Damaged(p) => Self::Damaged(named(p)),
            Self::Disk(p) => {
                let path = named(p);
                // What its logs want is not given by a full disk: SQLite calls that an I/O error.
                if is_full(&path) { Self::NoRoom(path) } else { Self::Disk(path) }
            }
            other => other,
        }
    }

    /// What stands in the way is the disk: what is there can perhaps be read as it stands.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::NoRoom(_) | Self::Disk(_) | Self::Failed(_))
    }

    /// One sentence for a person.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::Newer(path) => lang.store_newer(path.display()),
            Self::Older(path) => lang.store_older(path.display()),
            Self::NotThere(path) => lang.store_not_there(path.display()),
            Self::Denied(path) => lang.store_denied(path.display()),
            Self::NoRoom(path) => lang.store_no_room(path.display()),
            Self::Gone(path) => lang.store_gone(path.display()),
            Self::Unled => lang.store_unled(),
            Self::NoFiles => lang.store_no_files(),
            Self::Busy => lang.store_busy(),
            Self::Damaged(path) => lang.store_damaged(path.display()),
            Self::Unreadable(path) => lang.store_unreadable(path.display()),
            Self::Disk(path) => lang.store_disk(path.display()),
            Self::OtherDatabase => lang.store_other_database(),
            Self::NoIncident(id) => lang.store_no_incident(id),
            Self::Failed(why) => lang.store_failed(why),
        }
    }

    /// A file of the store could not be handled.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        if matches!(error.raw_os_error(), Some(23 | 24)) {
            return Self::NoFiles;
        }
        match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Self::Denied(path.into()),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoRoom(path.into()),
            _ => Self::Failed(format!("{}: {error}", path.display())),
        }
    }
}

/// Has the disk of a file no room for what SQLite keeps beside it? A -shm alone takes 32 KiB
/// (<https://www.sqlite.org/walformat.html>).
fn is_full(path: &Path) -> bool {
    const LEAST: u64 = 64 * 1024;
    let nearest = path.ancestors().find(|p| p.exists());
    nearest
        .and_then(|p| rustix::fs::statvfs(p).ok())
        .is_some_and(|s| s.f_bavail.saturating_mul(s.f_frsize) < LEAST || (s.f_files > 0 && s.f_favail == 0))
}

/// SQLite says of every file that it cannot open the same. EMFILE and ENFILE are 24 and 23 (`errno(3)`).
///
/// It closes what it had opened before it says so: the store, its -wal, its -shm, and its folder (to sync it) must fit.
fn no_more_files() -> bool {
    let room: Result<Vec<_>, _> = (0..4).map(|_| std::fs::File::open("/dev/null")).collect();
    room.is_err_and(|e| matches!(e.raw_os_error(), Some(23 | 24)))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        // A value that is none of its column's is a row that somebody, or a disk, has spoilt.
        if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) {
            return Self::Damaged(PathBuf::new());
        }
        // SQLite's extended codes carry the primary one in their low byte (https://sqlite.org/rescode.html).
        let code =
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|c| c.parse::<u32>().ok());
        match code.map(|c| c & 0xff) {
            Some(5 | 6) => Self::Busy,
            Some(14) if no_more_files() => Self::NoFiles,
            Some(3 | 8 | 14 | 23) => Self::Denied(PathBuf::new()),
            Some(10) => Self::Disk(PathBuf::new()),
            Some(13) => Self::NoRoom(PathBuf::new()),
            Some(11 | 26) => Self::Damaged(PathBuf::new()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
