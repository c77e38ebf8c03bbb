//! `deploy`: marks that a version went live. For deploy scripts: it is quick, and a store that is busy or broken is no
//! reason to fail; the mark then waits beside the store for the next cabina.

use std::time::Duration;

use crate::app::complain;
use crate::app::exit;
use crate::app::object;
use crate::app::print;
use crate::app::ready;
use crate::app::store;
use crate::app::store::host;
use crate::bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::model::deploy::Deploy;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::store::queue;
use crate::store::queue::Item;

/// A script waits no longer than this for another writer.
const PATIENCE: Millis = 500;

/// What the command line says of a deploy.
pub(super) struct Said<'a> {
    pub(super) version: &'a str,
    pub(super) at: Option<&'a str>,
    pub(super) keep_old: Option<Duration>,
    pub(super) migrations: Option<u32>,
    pub(super) before: Option<&'a str>,
    pub(super) note: &'a str,
}

pub(super) fn main(cli: &Cli, said: &Said<'_>) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let settings = &configured.settings;
    let lang = settings.lang;
    if settings.read_only {
        complain(&format!("cabina: {}", lang.incident_read_only()));
        return exit::USAGE;
    }
    let now = bus::now().wall;
    let at = match said.at.map(|text| settings.zone.said(text, now).ok_or(text)) {
        None => now,
        Some(Ok(at)) => at,
        Some(Err(text)) => {
            complain(&format!("cabina: {}", lang.incident_bad_time(text)));
            return exit::USAGE;
        }
    };
    let fit = |text: &str| clean(&configured.secrets.redact(text));
    let version = fit(said.version);
    if version.is_empty() {
        complain(&format!("cabina: {}", lang.incident_empty_text()));
        return exit::USAGE;
    }
    let deploy = Deploy {
        id: crate::store::new_id(),
        version,
        before: said.before.map(fit),
        at,
        by: settings.operator.clone(),
        from: host(),
        old_until: said.keep_old.map(|d| at + d.as_millis() as Millis),
        migrations: said.migrations,
        note: fit(said.note),
    };
    let kept = task::wait(&runtime, async {
        let store = store::open_quickly(&configured, PATIENCE).await?;
        let kept = store.mark(deploy.clone()).await.map_err(|why| store.named(why));
        store.close().await;
        kept
    });
    let (queued, why) = match kept {
        Ok(_) => (false, String::new()),
        Err(why) => {
            let places = store::url(&configured).map(|url| store::queue_of(&url));
            let kept = places.and_then(|places| queue::keep(&places, &[Item::Deploy(deploy.clone())]));
            if let Err(lost) = kept {
                complain(&format!("cabina: {}", lost.words(lang)));
                return store::FAILED;
            }
            (true, why.words(lang))
        }
    };
    if cli.json {
        object(&serde_json::json!({ "schema": 1, "id": deploy.id, "queued": queued }));
    } else if queued {
        complain(&format!("cabina: {}", lang.deploy_queued(&deploy.version, why)));
    } else {
        print(&format!("{}\n", lang.deploy_marked(&deploy.version)));
    }
    0
}
