//! The file of a run: a line of JSON for each thing told, on the disk before anybody acts on it. While its supervisor
//! lives it is locked; whoever can lock it knows that the supervisor is gone.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FlockOperation;
use rustix::fs::flock;

use crate::bus;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::time::Millis;

/// A run has some hundred lines; the ends of outputs are the most of it.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Runs looked at when a cabina starts, the newest.
const RUNS: usize = 1_000;
/// The longest name that a socket may have (`sun_path` of Linux, less its end).
const SOCKET: usize = 107;

/// The folder of the runs that belong to a store.
#[must_use]
pub fn folder(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".runs");
    name.into()
}

/// The file of a run.
#[must_use]
pub fn path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}.jsonl"))
}

/// The procedure as it was when the run began.
#[must_use]
pub fn document(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}.md"))
}

/// Is there while a cabina drives the run.
#[must_use]
pub fn driven(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}.driven"))
}

/// The file of a block's output.
#[must_use]
pub fn cast(folder: &Path, run: &str, block: u64) -> PathBuf {
    folder.join(format!("{run}-{block:03}.cast"))
}

/// The socket of a run. Where the folder's name is too long for one it lies in a folder of its owner's.
#[must_use]
pub fn socket(folder: &Path, run: &str) -> PathBuf {
    let near = folder.join(format!("{run}.sock"));
    if near.as_os_str().len() <= SOCKET {
        return near;
    }
    let uid = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("cabina-{uid}")).join(format!("{run}.sock"))
}

/// Makes a folder that only its owner may look into.
///
/// # Errors
/// When it cannot be made, or is somebody else's.
pub fn private(folder: &Path) -> io::Result<()> {
    // One that was left open to looks is put right; one that others may write to is not trusted.
    crate::store::own(folder, true).map(drop)
}

/// The file of a run, held by whoever writes it.
#[derive(Debug)]
pub struct RunFile {
    file: File,
    /// The last line's place.
    seq: u64,
    /// A part of a line was written, and no more: what is whole is so long.
    torn: Option<u64>,
}

impl RunFile {
    /// Begins the file of a run.
    ///
    /// # Errors
    /// When it cannot be made, or is there already.
    pub fn create(folder: &Path, run: &str) -> io::Result<Self> {
        private(folder)?;
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path(folder, run))?;
        // Somebody may be looking whether it is alive; that takes no time.
        flock(&file, FlockOperation::LockExclusive)?;
        // The name is on the disk only when its folder is.
        File::open(folder)?.sync_all()?;
        Ok(Self { file, seq: 0, torn: None })
    }

    /// Takes over the file of a run whose supervisor is gone; `None` while it lives.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn take_over(folder: &Path, run: &str) -> io::Result<Option<(Self, Vec<Told>)>> {
        let path = path(folder, run);
        let file = OpenOptions::new().append(true).read(true).open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        let lines = read(&path)?;
        let seq = lines.last().map_or(0, |t| t.seq);
        let mut taken = Self { file, seq, torn: None };
        // Half a line is what a power cut leaves: the next one begins on its own.
        if !fs::read(&path)?.ends_with(b"\n") {
            taken.file.write_all(b"\n")?;
        }
        Ok(Some((taken, lines)))
    }

    /// Writes a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk would not take it.
    pub fn tell(&mut self, at: Millis, what: What) -> io::Result<Told> {
        let told = Told { seq: self.seq + 1, at, what };
        let mut line = serde_json::to_vec(&told)?;
        line.push(b'\n');
        if let Some(whole) = self.torn {
            self.file.set_len(whole)?;
            self.torn = None;
        }
        let whole = self.file.metadata()?.len();
        if let Err(e) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // What a full disk took of a line is taken back, so that it stands nowhere when it is written again.
            if self.file.set_len(whole).is_err() {
                self.torn = Some(whole);
            }
            return Err(e);
        }
        self.seq = told.seq;
        Ok(told)
    }
}

/// The lines of a run, as far as they are whole.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<Told>> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut text)?;
    let mut lines: Vec<Told> = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        // From a text like everything else: what reads JSON from bytes would be compiled once more for it.
        let Some(told) = std::str::from_utf8(line).ok().and_then(|l| serde_json::from_str::<Told>(l).ok()) else {
            continue;
        };
        if lines.last().is_none_or(|l| l.seq < told.seq) {
            lines.push(told);
        }
    }
    Ok(lines)
}

/// The runs of a folder, newest first: their names begin with the time.
#[must_use]
pub fn runs(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |e: fs::DirEntry| e.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned);
    let mut all: Vec<String> = entries.flatten().filter_map(name).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.truncate(RUNS);
    all
}

/// Is the supervisor of a run alive? It holds its file as long as it is.
#[must_use]
pub fn alive(folder: &Path, run: &str) -> bool {
    let Ok(file) = File::open(path(folder, run)) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Says of every run whose supervisor is gone that nobody knows what came of what ran; gives the lines of a run as they
/// are now, and whether its supervisor lives.
///
/// # Errors
/// When its file cannot be read.
pub fn settle(folder: &Path, run: &str) -> io::Result<(Vec<Told>, bool)> {
    let path = path(folder, run);
    if alive(folder, run) {
        return Ok((read(&path)?, true));
    }
    let lines = read(&path)?;
    let tale = crate::model::tale::Tale::of(&lines);
    let Some((block, _)) = tale.open else { return Ok((lines, false)) };
    match RunFile::take_over(folder, run)? {
        None => Ok((read(&path)?, true)),
        Some((mut file, mut lines)) => {
            // Somebody else may have said so in between.
            if crate::model::tale::Tale::of(&lines).open.is_some() {
                lines.push(file.tell(bus::now().wall, What::Lost { block })?);
            }
            Ok((lines, false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::Part;
    use crate::model::run::Status;
    use crate::model::tale::Tale;

    fn began() -> What {
        let (command, cast) = ("true".to_owned(), String::new());
        What::Began { block: 1, step: "1".to_owned(), part: Part::Command(0), command, cast }
    }

    #[test]
    fn a_run_whose_supervisor_is_gone_is_unknown_and_one_that_lives_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = RunFile::create(folder.path(), "r1").unwrap();
        file.tell(1, began()).unwrap();
        let (lines, alive) = settle(folder.path(), "r1").unwrap();
        assert!(alive && Tale::of(&lines).status("1") == Status::Running);
        drop(file);
        for _ in 0..2 {
            let (lines, alive) = settle(folder.path(), "r1").unwrap();
            assert!(!alive && lines.len() == 2 && Tale::of(&lines).status("1") == Status::Unknown);
        }
    }

    #[test]
    fn half_a_line_at_the_end_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = RunFile::create(folder.path(), "r1").unwrap();
        file.tell(1, began()).unwrap();
        drop(file);
        let path = path(folder.path(), "r1");
        let mut torn = fs::read(&path).unwrap();
        torn.extend(b"{\"seq\":2,\"at\":5,\"ki");
        fs::write(&path, torn).unwrap();
        let (mut file, lines) = RunFile::take_over(folder.path(), "r1").unwrap().unwrap();
        assert_eq!(lines.len(), 1);
        file.tell(9, What::Lost { block: 1 }).unwrap();
        assert_eq!(read(&path).unwrap().iter().map(|t| t.seq).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_socket_fits_wherever_the_folder_lies() {
        let long = PathBuf::from(format!("/{}", "a".repeat(200)));
        assert!(socket(&long, "0192").as_os_str().len() <= SOCKET);
        assert_eq!(socket(Path::new("/x"), "0192"), Path::new("/x/0192.sock"));
    }
}
