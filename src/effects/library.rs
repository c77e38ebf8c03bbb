//! The library: every procedure in its folders. Read anew whenever it is asked for; a folder of some hundred is read in
//! less time than a key takes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::bus;
use crate::bus::Bus;
use crate::bus::pace;
use crate::engine::Kind;
use crate::engine::library::Book;
use crate::lang::Lang;
use crate::model::journal::print;
use crate::model::runbook::Runbook;
use crate::model::text::clean;
use crate::model::time::Zone;
use crate::runbook;
use crate::runbook::LARGEST;
use crate::runbook::Unreadable;
use crate::runbook::lint;

/// How often the folders are looked at: whoever puts a procedure right at night sees it within this time.
const PACE: Duration = Duration::from_secs(10);
/// Files of one library.
const FILES: usize = 5_000;
/// Folders inside each other; links to folders are not followed, so none leads in a circle.
const DEEPEST: usize = 8;

/// Why a file is no procedure.
#[derive(Debug)]
pub enum Wrong {
    /// It cannot be read.
    File(io::Error),
    /// It is a folder.
    Folder,
    /// It is a pipe, a socket, a device: whoever reads it may wait for ever.
    NoFile,
    /// It was not read within a moment: what it lies on hangs.
    Slow,
    /// It is one of more files than a library has.
    TooMany,
    /// It is no document.
    Document(Unreadable),
}

impl Wrong {
    /// One sentence for a person.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::File(e) => e.to_string(),
            Self::Folder => lang.runbook_is_folder(),
            Self::TooMany => lang.runbook_too_many_files(FILES),
            Self::NoFile => lang.runbook_no_file(),
            Self::Slow => lang.runbook_slow(),
            Self::Document(Unreadable::TooLarge(bytes)) => lang.runbook_too_large(bytes),
            Self::Document(Unreadable::Binary(line)) => lang.runbook_binary(line),
            Self::Document(Unreadable::NotUtf8(line)) => lang.runbook_not_utf8(line),
            Self::Document(Unreadable::TooManySteps(line)) => lang.runbook_too_many(line),
        }
    }

    /// The same as data, for whoever says it in their own language.
    #[must_use]
    pub fn kind(&self) -> (String, String) {
        (self.words(Lang::Es), self.words(Lang::En))
    }

    /// The line that it is about, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Document(Unreadable::Binary(n) | Unreadable::NotUtf8(n) | Unreadable::TooManySteps(n)) => *n,
            _ => 1,
        }
    }
}

/// A procedure and the text that it was read from.
pub type Opened = (Runbook, String);

/// A file, or a folder, that is not read within this time lies on something that hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// What hangs: whoever waits there still is not joined by others.
static HANGS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Does something with a path that may never answer, on a thread of its own; `None` where it does not in time.
fn in_time<T: Send + 'static>(path: &Path, does: impl Fn(&Path) -> T + Clone + Send + 'static) -> Option<T> {
    let hangs = || HANGS.lock().unwrap_or_else(PoisonError::into_inner);
    if hangs().contains(path) {
        return None;
    }
    let (tell, told) = mpsc::channel();
    let (own, theirs) = (path.to_path_buf(), does.clone());
    let begun = std::thread::Builder::new().spawn(move || {
        let done = theirs(&own);
        // Nobody may be waiting any more; then it hangs no longer.
        HANGS.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
        let _ = tell.send(done);
    });
    if begun.is_err() {
        // No thread is to be had: then it is waited for here.
        return Some(does(path));
    }
    let done = told.recv_timeout(PATIENCE).ok();
    if done.is_none() {
        hangs().insert(path.to_path_buf());
    }
    done
}

/// Reads one file.
///
/// # Errors
/// Why it is no procedure.
pub fn open(path: &Path) -> Result<Opened, Wrong> {
    let bytes = in_time(path, bytes).unwrap_or(Err(Wrong::Slow))?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let book = runbook::read(&name, &bytes).map_err(Wrong::Document)?;
    Ok((book, String::from_utf8_lossy(&bytes).into_owned()))
}

/// The bytes of a regular file, and of nothing else.
fn bytes(path: &Path) -> Result<Vec<u8>, Wrong> {
    // Opened so, a pipe that nobody writes to is no wait; what it is is asked of what was opened.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let opened = fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|e| if path.is_dir() { Wrong::Folder } else { Wrong::File(e) })?;
    let about = file.metadata().map_err(Wrong::File)?;
    if about.is_dir() {
        return Err(Wrong::Folder);
    }
    if !about.is_file() {
        return Err(Wrong::NoFile);
    }
    if about.len() > LARGEST as u64 {
        return Err(Wrong::Document(Unreadable::TooLarge(about.len())));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(Wrong::File)?;
    Ok(bytes)
}

/// May anybody on this machine change a file, or put another in its place?
#[must_use]
pub fn is_loose(path: &Path) -> bool {
    const OTHERS: u32 = 0o002;
    let loose = |path: &Path| fs::metadata(path).is_ok_and(|m| m.mode() & OTHERS != 0);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    loose(path) || loose(folder)
}

/// A file of a library that is no procedure, and why.
pub type Skipped = (PathBuf, Wrong);

/// Every procedure of some folders that can be read, by id, and what was skipped.
#[must_use]
pub fn shelves(folders: &[PathBuf], today: chrono::NaiveDate) -> (Vec<Book>, Vec<Skipped>) {
    let (found, mut skipped) = listed(folders);
    let mut books = Vec::new();
    for path in found {
        match open(&path) {
            Ok((says, text)) => {
                let (overdue, loose) = (lint::overdue(&says, today), is_loose(&path));
                books.push(Book { says, path: path.display().to_string(), overdue, hash: print(&text), loose });
            }
            Err(why) => skipped.push((path, why)),
        }
    }
    books.sort_by(|a: &Book, b| (&a.says.id, &a.path).cmp(&(&b.says.id, &b.path)));
    (books, skipped)
}

/// Every procedure of some folders that can be read, by id.
#[must_use]
pub fn books(folders: &[PathBuf], today: chrono::NaiveDate) -> Vec<Book> {
    shelves(folders, today).0
}

/// Today in a zone, for reviews that are overdue.
#[must_use]
pub fn today(zone: Zone) -> chrono::NaiveDate {
    chrono::NaiveDate::parse_from_str(&zone.date(bus::now().wall), "%Y-%m-%d").unwrap_or_default()
}

/// Tells the library at the start and whenever a file of it has changed, for as long as anybody listens.
pub async fn watch(mut folders: watch::Receiver<(Vec<PathBuf>, Zone)>, bus: Bus) {
    let mut known: Option<Vec<Look>> = None;
    loop {
        let ((asked, zone), before) = (folders.borrow_and_update().clone(), known.take());
        let look = tokio::task::spawn_blocking(move || {
            let now = looks(&asked);
            let news = before.as_ref() != Some(&now);
            let books = news.then(|| shelves(&asked, today(zone)));
            (now, books)
        });
        let Ok((now, books)) = look.await else { return };
        known = Some(now);
        if let Some((books, skipped)) = books {
            let skipped = skipped.iter().map(|(path, why)| (clean(&path.display().to_string()), why.kind())).collect();
            let told = bus.send(Kind::LibraryRead { books: books.into() }).await;
            if !told || !bus.send(Kind::LibrarySkipped { files: skipped }).await {
                return;
            }
        }
        // A configuration that names other folders is followed at once.
        let _ = tokio::time::timeout_at(pace::near(Instant::now() + PACE), folders.changed()).await;
    }
}

/// What a file looks like from outside: its name, its size, when it was written.
type Look = (PathBuf, u64, Option<std::time::SystemTime>);

fn looks(folders: &[PathBuf]) -> Vec<Look> {
    let look = |path: &Path| {
        let about = fs::metadata(path).ok()?;
        Some((path.to_path_buf(), about.len(), about.modified().ok()))
    };
    let mut all = Vec::new();
    // One thread for all of a folder; only where something in it hangs each file has its own.
    let mut by_folder: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files(folders) {
        by_folder.entry(file.parent().unwrap_or(Path::new("")).to_path_buf()).or_default().push(file);
    }
    for (folder, files) in by_folder {
        let (own, key) = (Arc::new(files), folder.join("."));
        let asked = Arc::clone(&own);
        match in_time(&key, move |_| asked.iter().filter_map(|f| look(f)).collect::<Vec<Look>>()) {
            Some(found) => all.extend(found),
            None => all.extend(own.iter().filter_map(|file| in_time(file, look).flatten())),
        }
    }
    all
}

/// The Markdown files of some folders, by name. What leads into a folder is named as it is reached.
#[must_use]
pub fn files(folders: &[PathBuf]) -> Vec<PathBuf> {
    listed(folders).0
}

/// The same, and folders that could not be read; one that is not there is none.
fn listed(folders: &[PathBuf]) -> (Vec<PathBuf>, Vec<Skipped>) {
    let (mut out, mut skipped) = (Vec::new(), Vec::new());
    let mut open: Vec<(PathBuf, usize)> = folders.iter().rev().map(|f| (f.clone(), 0)).collect();
    while let Some((folder, depth)) = open.pop() {
        let entries = match in_time(&folder, entries) {
            Some(Ok(entries)) => entries,
            Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => continue,
            Some(Err(e)) => {
                skipped.push((folder, Wrong::File(e)));
                continue;
            }
            None => {
                skipped.push((folder, Wrong::Slow));
                continue;
            }
        };
        for (path, is_folder) in entries {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if is_folder && !hidden && depth < DEEPEST {
                open.push((path, depth + 1));
            } else if !is_folder && is_markdown(&path) && !hidden {
                if out.len() < FILES {
                    out.push(path);
                } else {
                    skipped.push((path, Wrong::TooMany));
                }
            }
        }
    }
    out.sort();
    (out, skipped)
}

/// What a folder holds, by name, and whether it is a folder too.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries.iter().filter_map(|e| Some((e.path(), e.file_type().ok()?.is_dir()))).collect())
}

/// `.md`, `.markdown`, and what generators make of them (`.md.erb`).
fn is_markdown(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    [".md", ".markdown", ".md.erb"].iter().any(|end| name.ends_with(end)) && !name.starts_with("readme")
}
