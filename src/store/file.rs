//! The file that an embedded store lives in: who may read it, where it may lie, what becomes of a broken one.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::bus;
use crate::lang::Lang;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::store::StoreError;

/// How long one start waits for another that makes the tables.
const PATIENCE: Millis = 20 * SECOND;
/// Kinds of file systems whose locks do not hold across machines (statfs(2)): NFS, SMB, CIFS, SMB2, Coda, AFS, 9P.
const NETWORKS: [u64; 7] = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x7375_7245, 0x5346_414F, 0x0102_1997];

/// What a person should know about their store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was broken, is kept under this name, and a new one was begun.
    SetAside(PathBuf),
    /// It lies on a network file system, where it is not safe.
    Network(PathBuf),
}

impl Note {
    /// One sentence for a person.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::SetAside(path) => lang.store_set_aside(path.display()),
            Self::Network(path) => lang.store_network(path.display()),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes the folder, for its owner alone, and takes the lock under which tables are made.
pub(super) async fn lock(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent().filter(|f| !f.exists()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|e| StoreError::io(folder, &e))?;
    }
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(false).mode(0o600).open(beside(path, ".lock"));
    let file = opened.map_err(|e| StoreError::io(path, &e))?;
    let began = bus::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if bus::now().since(began) < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy),
            Err(TryLockError::Error(e)) => return Err(StoreError::io(path, &e)),
        }
    }
}

/// Makes the file, for its owner alone. The write-ahead log takes its mode.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map(|_| ()).map_err(|e| StoreError::io(path, &e))
}

/// Writes a small text as a whole or not at all, for its owner alone; an empty one is no file.
///
/// # Errors
/// When it could not be written.
pub fn keep_aside(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    if text.is_empty() {
        return fs::remove_file(path)
            .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) });
    }
    let new = beside(path, ".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    fs::rename(&new, path)
}

/// Puts a broken store aside, under a name of its own. Nothing of it is overwritten. The caller holds the lock.
pub(super) fn set_aside(path: &Path) -> Result<Note, StoreError> {
    let kept = beside(path, &format!(".damaged-{}", bus::now().wall));
    for ending in ["-wal", "-shm", ""] {
        let (from, to) = (beside(path, ending), beside(&kept, ending));
        match fs::rename(&from, &to) {
            // The last reader takes the two beside it away with it.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            moved => moved.map_err(|e| StoreError::io(&from, &e))?,
        }
    }
    Ok(Note::SetAside(kept))
}

/// Does the folder lie on another machine?
pub(super) fn on_a_network(path: &Path) -> bool {
    let nearest = path.ancestors().find(|p| p.exists());
    nearest.and_then(|p| rustix::fs::statfs(p).ok()).is_some_and(|s| NETWORKS.contains(&(s.f_type as u64)))
}
