//! The heartbeat of a run: what tells a terminal that dropped from a machine that is gone.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::bus;
use crate::model::run::Head;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::store::Store;
use crate::store::StoreError;

/// The store is told so often that the run is alive …
const HEARTBEAT: Duration = Duration::from_secs(5);
/// … and forgets it so long after the last word.
const LEASE: Millis = 15 * SECOND;

/// Tells the store that the run is alive, so that others know a terminal that dropped from a machine that is gone.
pub(super) async fn beat(store: PathBuf, head: Head) {
    loop {
        let _ = tell_alive(&store, &head).await;
        tokio::time::sleep(HEARTBEAT).await;
    }
}

async fn tell_alive(path: &Path, head: &Head) -> Result<(), StoreError> {
    let url = format!("sqlite://{}", path.display());
    // A store that is not there yet is made by a cabina, not by this.
    let store = Store::join(&url, SECOND).await?;
    let now = bus::now().wall;
    let told = store.lease(&format!("run {}", head.run), &head.host, now, now + LEASE).await;
    store.close().await;
    told.map(drop)
}
