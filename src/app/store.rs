//! Opens the store for commands and for the cockpit, and says what is the matter with it.

use std::path::Path;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use tokio::runtime::Runtime;

use crate::app::complain;
use crate::app::config::Configured;
use crate::bus::task;
use crate::lang::Lang;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::store::Opened;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::path;
use crate::store::queue;
use crate::store::queue::Places;

/// How long a command waits for another writer.
pub(super) const PATIENCE: Millis = 10 * SECOND;
/// A store that could not be used.
pub(super) const FAILED: u8 = 1;

/// Where the store is: as configured, else in the folder for state of whoever runs this.
pub(super) fn url(configured: &Configured) -> Result<String, StoreError> {
    if let Some(name) = &configured.settings.store.url {
        return Ok(configured.secrets.get(name).to_owned());
    }
    let folder = state_folder().ok_or_else(|| StoreError::Failed("no home folder".to_owned()))?;
    Ok(in_folder(&folder))
}

/// The folder for state of whoever runs this.
fn state_folder() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("cabina"))
}

/// Where what could not be written to a store waits.
pub(super) fn queue_of(url: &str) -> Places {
    path(url).map(|path| Places::of(&path, state_folder().as_deref())).unwrap_or_default()
}

/// Where the store is, as it may be said.
pub(super) fn shown(configured: &Configured) -> String {
    match &configured.settings.store {
        spec if spec.url.is_some() => spec.shown.clone(),
        _ => url(configured).unwrap_or_default(),
    }
}

/// The store in a folder.
pub(super) fn in_folder(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("cabina.db").display())
}

/// A folder for a store that is thrown away.
pub(super) fn playground() -> PathBuf {
    std::env::temp_dir().join(format!("cabina-demo-{}", crate::store::new_id()))
}

/// Opens the store, says what the person should know, and takes in what waits.
pub(super) async fn open(configured: &Configured, wait: Millis) -> Result<Store, StoreError> {
    let lang = configured.settings.lang;
    let url = url(configured)?;
    if configured.settings.read_only {
        // Looking changes nothing.
        return Store::look(&url, wait).await;
    }
    let store = opened(configured, Store::open(&url, wait).await?);
    take_in(&store, &url, lang).await;
    Ok(store)
}

/// Takes in what waits for a store, and says what came of it.
async fn take_in(store: &Store, url: &str, lang: Lang) {
    let Ok(taken) = queue::take_in(store, &queue_of(url)).await else {
        complain(&format!("cabina: {}", lang.queue_waits()));
        return;
    };
    if taken.deploys > 0 {
        complain(&format!("cabina: {}", lang.deploy_taken_in(taken.deploys)));
    }
    if taken.entries > 0 {
        complain(&format!("cabina: {}", lang.queue_taken_in(taken.entries)));
    }
    for id in taken.without {
        complain(&format!("cabina: {}", lang.queue_without(id)));
    }
}

/// Opens the store to be read. Where it cannot be opened as ever, since its disk is full or may not be written to, it is
/// read as it stands; what waits to be written to it is said, since it is not in what is read. Where it is broken it is
/// left where it lies: whoever looks for a record is not shown an empty one.
pub(super) async fn to_read(configured: &Configured, wait: Millis) -> Result<Store, StoreError> {
    let (url, lang) = (url(configured)?, configured.settings.lang);
    if configured.settings.read_only {
        // Looking changes nothing.
        return Store::look(&url, wait).await;
    }
    let why = match Store::open_whole(&url, wait).await {
        Ok(whole) => {
            let store = opened(configured, whole);
            take_in(&store, &url, lang).await;
            return Ok(store);
        }
        Err(why) if why.is_of_the_disk() => why,
        Err(why) => return Err(why),
    };
    let store = Store::look(&url, wait).await.map_err(|_| why)?;
    if queue::waits(&queue_of(&url)) {
        complain(&format!("cabina: {}", lang.queue_waits()));
    }
    Ok(store)
}

/// Opens the store, reads from it, closes it, and says what of it could not be read. With what was read comes the exit
/// code: what is printed is not all there is where something could not be read.
pub(super) fn look<T>(
    configured: &Configured,
    runtime: Runtime,
    lang: Lang,
    read: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
) -> Result<(T, u8), StoreError> {
    let looked = task::wait(&runtime, async {
        let store = to_read(configured, PATIENCE).await?;
        let read = read(&store).await.map_err(|why| store.named(why));
        let unread = say_unreadable(&store, lang);
        store.close().await;
        Ok((read?, if unread { FAILED } else { 0 }))
    });
    runtime.shutdown_background();
    looked
}

/// Says what of the store could not be read. False when there is nothing of that kind.
pub(super) fn say_unreadable(store: &Store, lang: Lang) -> bool {
    let said = store.unreadable(lang);
    for sentence in &said {
        complain(&format!("cabina: {sentence}"));
    }
    !said.is_empty()
}

/// Opens the store to write one thing to it, at once: what waits is left to others.
pub(super) async fn open_quickly(configured: &Configured, wait: Millis) -> Result<Store, StoreError> {
    Ok(opened(configured, Store::open(&url(configured)?, wait).await?))
}

/// Says what is to be known of a store that was opened.
fn opened(configured: &Configured, Opened { store, notes }: Opened) -> Store {
    for note in notes {
        complain(&format!("cabina: {}", note.words(configured.settings.lang)));
    }
    store
}

/// The name of this machine.
pub(super) fn host() -> String {
    crate::model::text::clean(&rustix::system::uname().nodename().to_string_lossy())
}
