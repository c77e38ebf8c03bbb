//! `demo`: the cockpit on the embedded target; without a terminal, the board as text on every change, for one cycle.

use std::path::Path;
use std::time::Duration;

use crate::app::cockpit;
use crate::app::complain;
use crate::app::config;
use crate::app::exit;
use crate::app::print;
use crate::app::runtime;
use crate::app::terminal;
use crate::bus::task;
use crate::cli::Cli;
use crate::lab::CYCLE;
use crate::lab::Scenario;
use crate::lab::Target;
use crate::model::deploy::Deploy;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::store::Opened;
use crate::store::Store;

/// Trouble waits so long for a visitor to read what is offered.
const READS: Millis = 2 * MINUTE;

pub(super) fn main(cli: &Cli, scenario: Option<&str>) -> u8 {
    let scenario = match scenario {
        None => Scenario::default(),
        Some(name) => {
            if let Some(scenario) = Scenario::named(name) {
                scenario
            } else {
                let names: Vec<&str> = Scenario::NAMES.iter().take(5).map(|(n, _)| *n).collect();
                complain(&format!("cabina demo: {name:?}? {}", names.join(", ")));
                return exit::USAGE;
            }
        }
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = task::wait(&runtime, run(cli, scenario));
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

async fn run(cli: &Cli, scenario: Scenario) -> u8 {
    // A visitor reads before they decide; a pipe does not.
    let patience = if terminal::present() { READS } else { 0 };
    let target = match Target::start(scenario, patience).await {
        Ok(target) => target,
        Err(why) => {
            complain(&format!("cabina demo: {why}"));
            return exit::INTERNAL;
        }
    };
    let language = config::language();
    let text = target.config(language.code());
    let mut configured = match config::parse(&text, Path::new("demo.toml")) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    configured.settings.demo = true;
    configured.settings.read_only = cli.read_only;
    // The target lives until the screen is closed.
    if terminal::present() { cockpit::show(configured, None).await } else { print::show(configured, CYCLE).await }
}

/// A version that went live shortly before the visitor came, its old side still there.
pub(super) async fn deploy(url: String, now: Millis) {
    let Ok(Opened { store, .. }) = Store::open(&url, 10 * SECOND).await else { return };
    let at = now - 2 * MINUTE;
    let deploy = Deploy {
        id: crate::store::new_id(),
        version: "v4.12.0".to_owned(),
        before: Some("v4.11.3".to_owned()),
        at,
        by: "jlopez".to_owned(),
        from: "deploy1".to_owned(),
        old_until: Some(at + 30 * MINUTE),
        migrations: Some(0),
        note: String::new(),
    };
    // A playground that cannot be written to has no deploy, and everything else.
    let _ = store.mark(deploy).await;
    store.close().await;
}
