//! The library: every procedure in its folders. Read anew whenever it is asked for; a folder of some hundred is read in
//! less time than a key takes.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use crate::lang::Lang;
use crate::model::runbook::Runbook;
use crate::runbook;
use crate::runbook::LARGEST;
use crate::runbook::Unreadable;

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
