//! How a store is opened to be kept: to be written to, or where its disk takes nothing to be read.

use std::path::Path;
use std::path::PathBuf;

use crate::effects::record::PATIENCE;
use crate::effects::record::Plan;
use crate::effects::step::settle::settle;
use crate::store;
use crate::store::Opened;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::queue;

/// A store as it was opened.
pub(super) struct Begun {
    pub(super) store: Store,
    pub(super) path: PathBuf,
    /// Why it can only be read.
    pub(super) held: Option<StoreError>,
    /// What a person should know of it.
    pub(super) told: Vec<String>,
}

pub(super) async fn open(plan: &Plan) -> Result<Begun, StoreError> {
    let url = plan.url.clone()?;
    let path = store::path(&url).ok_or(StoreError::OtherDatabase)?;
    if plan.read_only {
        // Looking changes nothing.
        return Ok(Begun { store: Store::look(&url, PATIENCE).await?, path, held: None, told: Vec::new() });
    }
    match Store::open(&url, PATIENCE).await {
        Ok(opened) => {
            let (store, told) = taken(plan, &path, opened).await;
            Ok(Begun { store, path, held: None, told })
        }
        // On a full disk what is there is read all the same; what is written meanwhile is kept on the screen.
        Err(why) if why.is_of_the_disk() => {
            let store = Store::look(&url, PATIENCE).await.map_err(|_| why.clone())?;
            Ok(Begun { store, path, held: Some(why), told: Vec::new() })
        }
        Err(why) => Err(why),
    }
}

/// A store that can be written to takes in what waited for it; what is to be known of it.
pub(super) async fn taken(plan: &Plan, path: &Path, Opened { store, notes }: Opened) -> (Store, Vec<String>) {
    let _ = queue::take_in(&store, &plan.queue).await;
    let _ = settle(&store, path, &plan.secrets).await;
    (store, notes.iter().map(|n| n.words(plan.lang)).collect())
}

/// The file beside the store that an unfinished note waits in: one for each who writes, and where they do.
pub(super) fn unfinished(path: &Path, plan: &Plan) -> PathBuf {
    let fit = |text: &str| text.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let (who, host): (String, String) = (fit(&plan.operator), fit(&plan.host));
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".note-{who}@{host}"));
    name.into()
}
