//! `watch`: a window after a deploy, watched by nobody; the verdict is the exit code.

use std::time::Duration;

use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::performer::Live;
use crate::app::print;
use crate::app::ready;
use crate::app::run::run_blind;
use crate::app::signals;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::cli::Cli;
use crate::engine::Kind;
use crate::engine::State;
use crate::engine::state::Mode;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::window::Verdict;
use crate::model::window::Window;
use crate::report;
use crate::sources;
use crate::sources::Manner;

/// No window is shorter: a counter that is read every few seconds has to be seen growing.
const SHORTEST: Duration = Duration::from_secs(10);

/// What the command line says of a window.
pub(super) struct Asked<'a> {
    pub(super) length: Duration,
    pub(super) baseline: Option<Duration>,
    pub(super) offset: Option<Duration>,
    pub(super) version: Option<&'a str>,
}

pub(super) fn main(cli: &Cli, asked: &Asked<'_>) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let lang = configured.settings.lang;
    if asked.length < SHORTEST || asked.baseline.is_some_and(|b| b < SHORTEST) {
        complain(&format!("cabina: {}", lang.window_too_short()));
        return exit::USAGE;
    }
    // Other days are compared at the same time of theirs.
    if asked.offset.is_some_and(|o| o < asked.length) {
        complain(&format!("cabina: {}", lang.window_offset_within()));
        return exit::USAGE;
    }
    let (code, state) = runtime.block_on(watch(&configured, asked));
    match (&state.window, cli.json) {
        (Some(watched), true) => print(&format!("{}\n", report::window::json(&state, watched))),
        (Some(watched), false) => print(&report::window::markdown(&state, watched)),
        (None, _) => {}
    }
    runtime.shutdown_background();
    code
}

async fn watch(configured: &Configured, asked: &Asked<'_>) -> (u8, State) {
    let (bus, mut events) = Bus::new();
    signals::spawn(&bus, false);
    let now = bus::now();
    let mut state = State::new(configured.settings.clone(), Mode::Watch, now);
    let millis = |d: Duration| d.as_millis() as Millis;
    let length = millis(asked.length);
    let (baseline, back) = match asked.offset {
        // It ends where this one will end, so long ago.
        Some(offset) => (asked.baseline.map_or(length, millis), millis(offset) - length),
        None => (asked.baseline.map_or(length, millis), 0),
    };
    let version = clean(&configured.secrets.redact(asked.version.unwrap_or_default()));
    // A server answers by the second.
    let from = now.wall / SECOND * SECOND;
    let every = state.settings.prometheus.as_ref().map_or(SECOND, |p| p.every);
    let window = Window::new(version, from, length, (baseline, back), every);
    bus.send(Kind::WindowOpened { window }).await;
    tokio::spawn(ticks::run(bus.clone()));
    let reins = sources::spawn(&state.settings, &configured.secrets, &bus, Manner::Always);
    let mut performer = Live::blind(reins, bus, state.settings.lang);
    let mut progress = Progress { at: now.mono, verdict: None };
    let code = run_blind(&mut state, &mut events, &mut performer, |state| progress.tell(state)).await;
    (code, state)
}

/// What is said while it goes on: when the verdict of the moment changes, and now and then.
struct Progress {
    at: Millis,
    verdict: Option<Verdict>,
}

/// A line so often: a pipeline that says nothing for longer is taken for hung.
const SAYS: Millis = 30 * SECOND;

impl Progress {
    fn tell(&mut self, state: &State) {
        let Some(watched) = &state.window else { return };
        let verdict = watched.said.verdict;
        let first = self.verdict.is_none();
        if watched.now.is_none() && !first || !first && self.verdict == Some(verdict) && state.now.mono - self.at < SAYS
        {
            return;
        }
        (self.at, self.verdict) = (state.now.mono, Some(verdict));
        complain(&report::window::progress(state, watched));
    }
}
