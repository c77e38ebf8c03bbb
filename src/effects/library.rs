//! The library: every procedure in its folders. Read anew whenever it is asked for; a folder of some hundred is read in
//! less time than a key takes.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use crate::bus;
use crate::bus::Bus;
use crate::engine::Kind;
use crate::engine::library::Book;
use crate::lang::Lang;
use crate::model::journal::print;
use crate::model::runbook::Runbook;
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
            Self::Document(Unreadable::TooLarge(bytes)) => lang.runbook_too_large(bytes),
            Self::Document(Unreadable::Binary(line)) => lang.runbook_binary(line),
            Self::Document(Unreadable::NotUtf8(line)) => lang.runbook_not_utf8(line),
            Self::Document(Unreadable::TooManySteps(line)) => lang.runbook_too_many(line),
        }
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

/// Reads one file.
///
/// # Errors
/// Why it is no procedure.
pub fn open(path: &Path) -> Result<Opened, Wrong> {
    let about = fs::metadata(path).map_err(Wrong::File)?;
    if about.is_dir() {
        return Err(Wrong::Folder);
    }
    if about.len() > LARGEST as u64 {
        return Err(Wrong::Document(Unreadable::TooLarge(about.len())));
    }
    let mut bytes = Vec::new();
    // What is no file may have no end.
    fs::File::open(path).and_then(|f| f.take(LARGEST as u64 + 1).read_to_end(&mut bytes)).map_err(Wrong::File)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let book = runbook::read(&name, &bytes).map_err(Wrong::Document)?;
    Ok((book, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Every procedure of some folders that can be read, by id; what cannot is told by whoever checks them.
#[must_use]
pub fn books(folders: &[PathBuf], today: chrono::NaiveDate) -> Vec<Book> {
    let book = |path: PathBuf| {
        let (says, text) = open(&path).ok()?;
        let overdue = lint::overdue(&says, today);
        Some(Book { says, path: path.display().to_string(), overdue, hash: print(&text) })
    };
    let mut books: Vec<Book> = files(folders).into_iter().filter_map(book).collect();
    books.sort_by(|a, b| (&a.says.id, &a.path).cmp(&(&b.says.id, &b.path)));
    books
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
            let books = news.then(|| books(&asked, today(zone)));
            (now, books)
        });
        let Ok((now, books)) = look.await else { return };
        known = Some(now);
        if let Some(books) = books
            && !bus.send(Kind::LibraryRead { books: books.into() }).await
        {
            return;
        }
        // A configuration that names other folders is followed at once.
        let _ = tokio::time::timeout(PACE, folders.changed()).await;
    }
}

/// What a file looks like from outside: its name, its size, when it was written.
type Look = (PathBuf, u64, Option<std::time::SystemTime>);

fn looks(folders: &[PathBuf]) -> Vec<Look> {
    let look = |path: PathBuf| {
        let about = fs::metadata(&path).ok()?;
        Some((path, about.len(), about.modified().ok()))
    };
    files(folders).into_iter().filter_map(look).collect()
}

/// The Markdown files of some folders, by name. What leads into a folder is named as it is reached.
#[must_use]
pub fn files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = folders.iter().rev().map(|f| (f.clone(), 0)).collect();
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in &entries {
            let (path, hidden) = (entry.path(), entry.file_name().to_string_lossy().starts_with('.'));
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !hidden && depth < DEEPEST {
                open.push((path, depth + 1));
            } else if !kind.is_dir() && is_markdown(&path) && !hidden && out.len() < FILES {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// `.md`, `.markdown`, and what generators make of them (`.md.erb`).
fn is_markdown(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    [".md", ".markdown", ".md.erb"].iter().any(|end| name.ends_with(end)) && !name.starts_with("readme")
}
