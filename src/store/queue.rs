//! What could not be written at once: a folder of files beside the store, each on the disk before anybody is told that
//! it is kept. The next cabina that opens the store takes them in; taken in twice, they are there once.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::model::deploy::Deploy;
use crate::store::Store;
use crate::store::StoreError;

/// Files taken in at one start: what is left waits for the next.
const MOST: usize = 1_000;
/// No deploy is larger.
const LARGEST: u64 = 64 * 1024;

/// The folder beside a store.
fn folder(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".queue");
    name.into()
}

/// Keeps a deploy until a store can be written; it is on the disk when this returns.
///
/// # Errors
/// When it could not be kept.
pub fn keep(store: &Path, deploy: &Deploy) -> Result<(), StoreError> {
    let folder = folder(store);
    let io = |e: std::io::Error| StoreError::io(&folder, &e);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io)?;
    let text = serde_json::to_string(deploy).map_err(|e| StoreError::Failed(e.to_string()))?;
    let (new, kept) = (folder.join(format!("{}.new", deploy.id)), folder.join(format!("{}.json", deploy.id)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(io)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&new, &kept).map_err(io)?;
    // The name is on the disk only when its folder is.
    File::open(&folder).and_then(|f| f.sync_all()).map_err(io)
}

/// Takes in what waits beside a store; how many deploys there were. What cannot be read is left, under a name that
/// says so.
///
/// # Errors
/// When the store cannot be written; everything waits on.
pub async fn take_in(store: &Store, path: &Path) -> Result<usize, StoreError> {
    let mut taken = 0;
    for file in waiting(path) {
        let Some(deploy) = read(&file) else {
            let _ = fs::rename(&file, file.with_extension("unreadable"));
            continue;
        };
        store.mark(deploy).await?;
        let _ = fs::remove_file(&file);
        taken += 1;
    }
    Ok(taken)
}

/// The files that wait, oldest first: their names begin with the time.
fn waiting(store: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder(store)) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files.truncate(MOST);
    files
}

fn read(path: &Path) -> Option<Deploy> {
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
