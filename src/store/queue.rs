//! What could not be written at once: one append-only queue, each entry with its own identifier. It lies in a folder
//! beside the store, and where that takes nothing in the folder for state of whoever runs this. A file of it is on the
//! disk before anybody is told that it is kept, and is never changed. The next cabina that can write to the store takes
//! it in; taken in twice, everything is there once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use serde::Deserialize;
use serde::Serialize;

use crate::model::deploy::Deploy;
use crate::model::journal;
use crate::model::journal::Draft;
use crate::model::text::harmless_json;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::file;
use crate::store::new_id;

/// Files taken in at once: what is left waits for the next time.
const MOST: usize = 1_000;
/// What is kept at once is cut into files no larger than this …
const FULL: usize = 4 * 1024 * 1024;
/// … but for its last line; the largest entry is a note with the figures of its moment.
const LARGEST: u64 = 2 * FULL as u64;
/// Digits of a print that tell one store from another.
const DIGITS: usize = 16;

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// A version that went live.
    Deploy(Deploy),
    /// An entry for the journal of an incident.
    Entry {
        /// Which.
        incident: String,
        /// What.
        draft: Box<Draft>,
    },
}

/// Where a store's queue may lie, in the order in which that is tried.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<PathBuf>);

impl Places {
    /// Beside the store, else in a folder for state.
    #[must_use]
    pub fn of(store: &Path, state: Option<&Path>) -> Self {
        let print = journal::print(&store.to_string_lossy());
        let short = print.get(..DIGITS).unwrap_or(&print);
        let away = state.map(|folder| folder.join(format!("{short}.queue")));
        Self([Some(file::beside(store, ".queue")), away].into_iter().flatten().collect())
    }
}

/// What came of a look at a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Deploys that were taken in.
    pub deploys: usize,
    /// Entries that were taken in.
    pub entries: usize,
    /// Incidents that entries wait for, which the store does not have.
    pub without: Vec<String>,
}

/// Keeps what could not be written; it is on the disk when this returns. The folder that it lies in.
///
/// # Errors
/// When no place would take it.
pub fn keep(places: &Places, items: &[Item]) -> Result<PathBuf, StoreError> {
    let mut why = StoreError::OtherDatabase;
    for folder in &places.0 {
        match written(folder, items) {
            Ok(()) => return Ok(folder.clone()),
            // What stands in the way first is what a person should hear of.
            Err(e) if why == StoreError::OtherDatabase => why = StoreError::io(folder, &e),
            Err(_) => {}
        }
    }
    Err(why)
}

fn written(folder: &Path, items: &[Item]) -> io::Result<()> {
    let folder = file::own(folder, true)?;
    let mut text: Vec<u8> = Vec::new();
    for item in items {
        serde_json::to_writer(&mut text, item)?;
        text.push(b'\n');
        if text.len() >= FULL {
            put(&folder, &std::mem::take(&mut text))?;
        }
    }
    if text.is_empty() { Ok(()) } else { put(&folder, &text) }
}

/// Puts a file into the folder, as a whole or not at all.
fn put(folder: &File, text: &[u8]) -> io::Result<()> {
    let id = new_id();
    let (new, kept) = (format!("{id}.new"), format!("{id}.json"));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, &new, flags, Mode::RUSR | Mode::WUSR)?);
    if let Err(e) = file.write_all(text).and_then(|()| file.sync_all()) {
        let _ = rustix::fs::unlinkat(folder, &new, rustix::fs::AtFlags::empty());
        return Err(e);
    }
    rustix::fs::renameat(folder, &new, folder, &kept)?;
    // The name is on the disk only when its folder is.
    folder.sync_all()
}

/// Does anything wait?
#[must_use]
pub fn waits(places: &Places) -> bool {
    places.0.iter().any(|folder| file::own(folder, false).is_ok_and(|f| !waiting(&f).is_empty()))
}

/// Takes in what waits for a store. What cannot be read is left, under a name that says so; what belongs to an incident
/// that is not there waits on.
///
/// # Errors
/// When the store cannot be written; everything that was not taken in waits on.
pub async fn take_in(store: &Store, places: &Places) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    for folder in &places.0 {
        let Ok(folder) = file::own(folder, false) else { continue };
        for name in waiting(&folder) {
            let Some(items) = read(&folder, &name) else {
                let _ = rustix::fs::renameat(&folder, &name, &folder, name.replace(".json", ".unreadable"));
                continue;
            };
            if all_in(store, items, &mut taken).await? {
                let _ = rustix::fs::unlinkat(&folder, &name, rustix::fs::AtFlags::empty());
            }
        }
    }
    Ok(taken)
}

/// Takes in what one file holds; false where some of it has no place yet.
async fn all_in(store: &Store, items: Vec<Item>, taken: &mut Taken) -> Result<bool, StoreError> {
    let mut journals: BTreeMap<String, Vec<Draft>> = BTreeMap::new();
    let mut whole = true;
    for item in items {
        match item {
            Item::Deploy(deploy) => {
                store.mark(deploy).await?;
                taken.deploys += 1;
            }
            Item::Entry { incident, draft } => journals.entry(incident).or_default().push(*draft),
        }
    }
    for (incident, drafts) in journals {
        match store.append(&incident, drafts).await {
            Ok((_, added)) => taken.entries += added.len(),
            Err(StoreError::NoIncident(id)) => {
                whole = false;
                taken.without.push(id);
            }
            Err(why) => return Err(why),
        }
    }
    Ok(whole)
}

/// The files that wait, oldest first: their names begin with the time.
fn waiting(folder: &File) -> Vec<String> {
    let Ok(entries) = Dir::read_from(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|e| e.file_name().to_str().ok().map(str::to_owned));
    let mut files: Vec<String> = names.filter(|n| n.strip_suffix(".json").is_some()).collect();
    files.sort();
    files.truncate(MOST);
    files
}

fn read(folder: &File, name: &str) -> Option<Vec<Item>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    text.lines().map(item).collect()
}

/// A line of a file. One that names no kind is a deploy, as older programs kept them.
fn item(line: &str) -> Option<Item> {
    let line = &harmless_json(line);
    serde_json::from_str(line).ok().or_else(|| serde_json::from_str(line).ok().map(Item::Deploy))
}
