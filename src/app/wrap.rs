//! `run -- COMMAND`: what is typed in another terminal lands on the incident's timeline.

use std::ffi::OsString;
use std::io::ErrorKind;

use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::ready;
use crate::app::store;
use crate::app::store::host;
use crate::bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::wrapped;
use crate::effects::wrapped::Ended;
use crate::model::fact::Fact;
use crate::model::journal::Draft;
use crate::model::text::clean;
use crate::model::text::quoted;
use crate::model::time::SECOND;
use crate::secrets::without_passwords;
use crate::store::Store;
use crate::store::StoreError;

/// Exit codes of shells for a command that cannot be run, and for one that is not there.
const CANNOT: u8 = 126;
const MISSING: u8 = 127;

pub(super) fn main(cli: &Cli, incident: Option<&str>, command: &[OsString]) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let code = task::wait(&runtime, run(&configured, incident, command));
    runtime.shutdown_background();
    code
}

async fn run(configured: &Configured, incident: Option<&str>, command: &[OsString]) -> u8 {
    let lang = configured.settings.lang;
    let found = if configured.settings.read_only { Ok(None) } else { find(configured, incident).await };
    let target = match found {
        Ok(Some(found)) => Some(found),
        Ok(None) => {
            complain(&format!("cabina: {}", lang.run_no_incident()));
            None
        }
        // A reference that is wrong is a mistake to be told before anything runs.
        Err(why @ StoreError::NoIncident(_)) => {
            complain(&format!("cabina: {}", why.words(lang)));
            return exit::USAGE;
        }
        Err(why) => {
            complain(&format!("cabina: {}", lang.run_unrecorded(why.words(lang))));
            None
        }
    };
    let began = bus::now();
    let ended = wrapped::run(command).await;
    let took = bus::now().since(began);
    let shown = shown(configured, command);
    let (code, ended) = match ended {
        Ok(ended) => (ended.code(), ended),
        Err(e) => {
            let missing = e.kind() == ErrorKind::NotFound;
            complain(&format!("cabina: {}", lang.run_failed(&shown, &e)));
            let code = if missing { MISSING } else { CANNOT };
            (code, Ended { exit: Some(i32::from(code)), signal: None, output: e.to_string() })
        }
    };
    if let Some((store, id)) = target {
        let output = configured.secrets.redact(&ended.output);
        let (exit, signal) = (ended.exit.map(i64::from), ended.signal.map(i64::from));
        let fact = Fact::Ran { command: shown, exit, signal, took, output };
        let draft = Draft::new(began.wall, &configured.settings.operator, &host(), fact);
        if let Err(why) = store.append(&id, vec![draft]).await {
            complain(&format!("cabina: {}", lang.run_unrecorded(store.named(why).words(lang))));
        }
        store.close().await;
    }
    code
}

/// The incident that it belongs to: the one that is named, else the newest that goes on.
async fn find(configured: &Configured, incident: Option<&str>) -> Result<Option<(Store, String)>, StoreError> {
    let store = store::open(configured, 2 * SECOND).await?;
    let found = match incident {
        Some(id) if id != crate::app::incident::NEWEST => Some(store.incident(&id.to_uppercase()).await?.id),
        _ => store.incidents(true, 1).await?.into_iter().next().map(|i| i.id),
    };
    Ok(found.map(|id| (store, id)))
}

/// The command as it may be shown: quoted where a shell would want it, without what is secret.
fn shown(configured: &Configured, command: &[OsString]) -> String {
    // Before they are quoted: quotes would part a secret from its own look.
    let words: Vec<String> = command.iter().map(|w| clean(&configured.secrets.redact(&w.to_string_lossy()))).collect();
    let words: Vec<String> = without_passwords(words).iter().map(|w| quoted(w)).collect();
    configured.secrets.redact(&words.join(" "))
}
