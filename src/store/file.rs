//! The file that an embedded store lives in: who may read it, where it may lie, what becomes of a broken one.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
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

/// What SQLite keeps beside a file.
const LOGS: [&str; 2] = ["-wal", "-shm"];

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

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
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
    // Nobody can have put a link under a name that nobody knows; and none is followed.
    let new = beside(path, &format!(".{}.new", super::new_id()));
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(flags).open(&new)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Makes a file that only its owner may read, whatever the umask; what is there already, or leads elsewhere, is none.
///
/// # Errors
/// When it cannot be made or written.
pub fn make_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)?;
    file.write_all(bytes)
}

/// Opens a folder that is its owner's alone; where nobody else has had a hand in it, one that was left loose is put
/// right. No link is followed to it.
///
/// # Errors
/// When it is not there, or is, or may be changed by, somebody else.
pub fn own(folder: &Path, make: bool) -> io::Result<File> {
    use rustix::fs::Mode;
    use rustix::fs::OFlags;
    if make {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = File::from(rustix::fs::open(folder, flags, Mode::empty())?);
    let about = opened.metadata()?;
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if about.mode() & 0o022 != 0 {
        // Whoever could write into it may have done so.
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if about.mode() & 0o055 != 0 {
        rustix::fs::fchmod(&opened, Mode::RWXU)?;
    }
    Ok(opened)
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

/// How a store stood when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing(Identity);

impl Standing {
    /// `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Identity::standing(path).map(Self)
    }
}

/// Which file a name stands for. A name keeps, and what lies under it may be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// When it and its log were last written, and how long the log is: of a file that is read as it stands.
    stood: Option<(i64, i64, u64)>,
}

impl Identity {
    /// `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        Some(Self { device: about.dev(), inode: about.ino(), stood: None })
    }

    /// The same, of a file that is read as it stands: with a write it is another one.
    pub(super) fn standing(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        let log = fs::metadata(beside(path, "-wal"));
        let written = |m: &fs::Metadata| m.mtime().saturating_mul(1_000_000_000).saturating_add(m.mtime_nsec());
        let (at, length) = log.map_or((0, 0), |l| (written(&l), l.len()));
        Some(Self { stood: Some((written(&about), at, length)), ..Self::of(path)? })
    }

    /// The same file as it stands now.
    pub(super) fn again(&self, path: &Path) -> Option<Self> {
        if self.stood.is_some() { Self::standing(path) } else { Self::of(path) }
    }
}

/// Bytes that the write-ahead log holds.
pub(super) fn waiting_log(path: &Path) -> u64 {
    fs::metadata(beside(path, "-wal")).map_or(0, |l| l.len())
}

/// A copy of a store and its log, for whoever may only look; it goes when this does.
#[derive(Debug)]
pub(super) struct Copy {
    folder: PathBuf,
    file: PathBuf,
}

/// Where a copy may lie: in memory, else wherever there is room for things that pass.
const PASSING: [&str; 2] = ["/dev/shm", "/run"];
/// A copy is made so often before somebody else's writing is blamed.
const TRIES: usize = 3;

impl Copy {
    /// Copies a store as it is at one moment.
    ///
    /// # Errors
    /// When there is no room for one, or the store does not stand still.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let places = PASSING.map(PathBuf::from).into_iter().chain([std::env::temp_dir()]);
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for place in places {
            match Self::at(&place, path) {
                Ok(copy) => return Ok(copy),
                Err(e) => failed = e,
            }
        }
        Err(failed)
    }

    fn at(place: &Path, path: &Path) -> io::Result<Self> {
        let folder = place.join(format!("cabina-look-{}", super::new_id()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let copy = Self { file: folder.join("store.db"), folder };
        for _ in 0..TRIES {
            let before = Identity::standing(path);
            fs::copy(path, &copy.file)?;
            fs::copy(beside(path, "-wal"), beside(&copy.file, "-wal"))?;
            // Between the two somebody may have moved pages from one to the other.
            if before.is_some() && before == Identity::standing(path) {
                return Ok(copy);
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Takes away the log of a file that is no longer there, where it lies beside the one that came in its place: SQLite
/// would take it for that one's.
pub(super) fn part(path: &Path, logs: &[Option<Identity>; 2]) {
    for (ending, identity) in LOGS.into_iter().zip(logs) {
        let log = beside(path, ending);
        if identity.is_some() && Identity::of(&log) == *identity {
            let _ = fs::remove_file(log);
        }
    }
}

/// Which files they are.
pub(super) fn logs(path: &Path) -> [Option<Identity>; 2] {
    LOGS.map(|ending| Identity::of(&beside(path, ending)))
}
