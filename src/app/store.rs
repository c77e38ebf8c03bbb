//! Opens the store for commands and for the cockpit, and says what is the matter with it.

use std::path::Path;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use tokio::runtime::Runtime;

use crate::app::complain;
use crate::app::config::Configured;
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
    let store = opened(configured, &url, wait).await?;
    if let Ok(taken) = queue::take_in(&store, &queue_of(&url)).await {
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
    Ok(store)
}

/// Opens the store to be read. Where it cannot be opened as ever, since its disk is full or may not be written to, it is
/// read as it stands.
pub(super) async fn to_read(configured: &Configured, wait: Millis) -> Result<Store, StoreError> {
    let why = match open(configured, wait).await {
        Ok(store) => return Ok(store),
        Err(why @ (StoreError::Denied(_) | StoreError::NoRoom(_) | StoreError::Failed(_))) => why,
        Err(why) => return Err(why),
    };
    Store::look(&url(configured)?, wait).await.map_err(|_| why)
}

/// Opens the store, reads from it, closes it, and says what of it could not be read. With what was read comes the exit
/// code: what is printed is not all there is where something could not be read.
pub(super) fn look<T>(
    configured: &Configured,
    runtime: Runtime,
    lang: Lang,
    read: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
) -> Result<(T, u8), StoreError> {
    let looked = runtime.block_on(async {
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
    opened(configured, &url(configured)?, wait).await
}

async fn opened(configured: &Configured, url: &str, wait: Millis) -> Result<Store, StoreError> {
    let Opened { store, notes } = Store::open(url, wait).await?;
    for note in notes {
        complain(&format!("cabina: {}", note.words(configured.settings.lang)));
    }
    Ok(store)
}

/// The name of this machine.
pub(super) fn host() -> String {
    crate::model::text::clean(&rustix::system::uname().nodename().to_string_lossy())
}
