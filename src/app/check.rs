//! `check`: one look, or a look of some length; the level is the exit code. Opens no store, changes nothing.

use std::time::Duration;

use crate::app::config;
use crate::app::object;
use crate::app::performer::Live;
use crate::app::print;
use crate::app::ready;
use crate::app::run::run_blind;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::library;
use crate::engine::Kind;
use crate::engine::State;
use crate::engine::state::Mode;
use crate::model::time::Millis;
use crate::report;
use crate::sources;
use crate::sources::Manner;

pub(super) fn main(cli: &Cli, wait: Option<Duration>) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let mode = wait.map_or(Mode::Once, |w| Mode::For(w.as_millis() as Millis));
    let (code, state) = task::wait(&runtime, look(&configured, mode));
    if cli.json {
        object(&report::check::json(&state));
    } else {
        print(&report::board::text(&state));
    }
    runtime.shutdown_background();
    code
}

/// Looks as the mode says; returns the exit code and what was seen.
pub(super) async fn look(configured: &config::Configured, mode: Mode) -> (u8, State) {
    let (bus, mut events) = Bus::new();
    let mut state = State::new(configured.settings.clone(), mode, bus::now());
    // Before anything else: what fits is part of the answer.
    let (folders, zone) = (state.settings.runbooks.clone(), state.settings.zone);
    if let Ok(books) = tokio::task::spawn_blocking(move || library::books(&folders, library::today(zone))).await {
        bus.send(Kind::LibraryRead { books: books.into() }).await;
    }
    let once = mode == Mode::Once;
    let reins =
        sources::spawn(&state.settings, &configured.secrets, &bus, if once { Manner::Once } else { Manner::Always });
    match mode {
        Mode::For(time) => {
            let bus = bus.clone();
            task::spawn(ticks::run(bus.clone()));
            task::spawn(async move {
                tokio::time::sleep(Duration::from_millis(time.max(0) as u64)).await;
                bus.send(Kind::TimeUp).await;
            });
        }
        // Nothing to ask: the answer is there at once.
        _ if state.watches_nothing() => bus.offer(Kind::TimeUp),
        _ => {}
    }
    let mut performer = Live::blind(reins, bus, state.settings.lang, &configured.secrets);
    let code = run_blind(&mut state, &mut events, &mut performer, |_| {}).await;
    (code, state)
}
