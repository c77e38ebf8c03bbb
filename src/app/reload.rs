//! Watches the configuration and what it reads: a change that is right is applied, one that is wrong is told, and the
//! one in use stays.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::app::config;
use crate::app::config::Parsed;
use crate::bus::Bus;
use crate::bus::pace;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::secrets::Secrets;

/// Settings that are right, on their way to whoever applies them.
pub(super) type Next = Arc<Mutex<Option<(Settings, Arc<Secrets>)>>>;

/// What a file looks like from outside: a change shows in one of these.
type Look = Vec<Option<(u64, u64, i64, i64)>>;

fn look(files: &[PathBuf]) -> Look {
    let one = |path: &PathBuf| {
        let about = fs::metadata(path).ok()?;
        Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
    };
    files.iter().map(one).collect()
}

/// Watches for as long as the program runs. `path` is the configuration, `files` what it read.
/// `text` is what is in use: the file may have been saved again before anybody watched it.
pub(super) async fn watch(path: PathBuf, text: String, mut files: Vec<PathBuf>, next: Next, bus: Bus) {
    files.push(path.clone());
    let same = fs::read_to_string(&path).is_ok_and(|now| now == text);
    drop(text);
    let mut resting = look(&files);
    let mut used = if same { resting.clone() } else { Look::new() };
    loop {
        // A change is taken when the files have rested for one look: editors write in steps.
        pace::next().await;
        let now = look(&files);
        let rested = std::mem::replace(&mut resting, now.clone()) == now;
        if now == used || !rested {
            continue;
        }
        used = now;
        let wanted = path.clone();
        let Ok((read, named)) = tokio::task::spawn_blocking(move || config::reread(&wanted)).await else { continue };
        // A file that is named for the first time is watched from now on, also while something is wrong with it.
        let before = files.clone();
        files = named;
        files.push(path.clone());
        if files != before {
            used = look(&files);
            resting.clone_from(&used);
        }
        let kind = match read {
            Ok(Parsed { settings, secrets, .. }) => {
                let slot = (settings.clone(), secrets);
                next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(slot);
                Kind::Reloaded(Box::new(settings))
            }
            Err(mistakes) => Kind::ReloadFailed { mistakes },
        };
        if !bus.send(kind).await {
            return;
        }
    }
}
