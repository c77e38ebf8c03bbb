//! The cockpit: a terminal, the loop, and everything given back at the end.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::Terminal;

use crate::app::backend::WholeFrames;
use crate::app::complain;
use crate::app::config;
use crate::app::config::Configured;
use crate::app::demo;
use crate::app::exit;
use crate::app::keyboard;
use crate::app::left;
use crate::app::performer::Desk;
use crate::app::performer::Live;
use crate::app::print;
use crate::app::ready;
use crate::app::reload;
use crate::app::room;
use crate::app::run;
use crate::app::signals;
use crate::app::store;
use crate::app::terminal;
use crate::app::ticks;
use crate::app::walk;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::library;
use crate::effects::record::Plan;
use crate::effects::record::Recorder;
use crate::effects::step::client::Driver;
use crate::effects::step::settle;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::State;
use crate::engine::follow::watched;
use crate::engine::state::Mode;
use crate::engine::state::Overlay;
use crate::engine::window::log;
use crate::lang::Lang;
use crate::model::watch::Watch;
use crate::sources;
use crate::sources::Manner;
use crate::store::StoreError;
use crate::view;

pub(super) fn main(cli: &Cli) -> u8 {
    let lang = config::language();
    if !terminal::present() {
        complain(&lang.cli_no_terminal());
        return exit::USAGE;
    }
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let code = task::wait(&runtime, show(configured, None));
    // Probes that hang must not hold up the end.
    runtime.shutdown_background();
    code
}

/// Shows the cockpit until a person quits; returns the exit code. With a window that is counted in it, that is its
/// verdict.
pub(super) async fn show(configured: Configured, watch: Option<Watch>) -> u8 {
    let lang = configured.settings.lang;
    if std::env::var("TERM").is_ok_and(|t| t == "dumb") {
        complain(&lang.cli_dumb_terminal());
        return exit::USAGE;
    }
    let theme = match room::files(lang).and_then(|()| config::theme(&configured.settings.theme)) {
        Ok(theme) => theme,
        Err(code) => return code,
    };
    let (bus, mut events) = Bus::new();
    let mut state = State::new(configured.settings.clone(), Mode::Cockpit, bus::now());
    terminal::install_panic_hook(std::thread::current().id());
    signals::spawn(&bus, true);
    let guard = match terminal::take() {
        Ok(guard) => guard,
        Err(e) => {
            terminal::give_back();
            complain(&format!("cabina: {e}"));
            return exit::INTERNAL;
        }
    };
    let Ok(mut screen) = Terminal::new(WholeFrames::new(terminal::raw())) else { return exit::INTERNAL };
    // Nobody tells the size until it changes; a step's terminal is as large as its place on the screen.
    state.ui.size = crossterm::terminal::size().unwrap_or(state.ui.size);
    // The first frame stands before anything is asked: on two cores even starting to ask would hold it up.
    if screen.draw(|frame| view::render(&state, &theme, frame)).is_err() {
        return exit::TERMINAL_GONE;
    }
    if !room::has_threads() {
        return without_threads(guard, lang);
    }
    let asked = watch.as_ref().map(|w| w.id.clone());
    if let Some(watch) = watch {
        state.ui.overlay = Overlay::Window(0);
        bus.offer(Kind::WindowOpened { watch: Box::new(watch) });
    }
    keyboard::watch_for_hang_up(bus.clone());
    let keyboard = keyboard::spawn(bus.clone());
    task::spawn(ticks::run(bus.clone()));
    let (playground, url) = place(&configured);
    let queue = url.as_ref().map(|url| store::queue_of(url)).unwrap_or_default();
    let recorder = recorder(&configured, &state.settings, url.clone(), &bus);
    let (folders, wanted) = tokio::sync::watch::channel((state.settings.runbooks.clone(), state.settings.zone));
    task::spawn(library::watch(wanted, bus.clone()));
    let reins = sources::spawn(
        &state.settings,
        &configured.secrets,
        &bus,
        if state.settings.demo { Manner::Always } else { Manner::Later },
    );
    let (kept, next) = (Arc::clone(&configured.secrets), reload::Next::default());
    let (settings, secrets) = (configured.settings.clone(), Arc::clone(&configured.secrets));
    let desk = Some(Desk { keyboard, settings, secrets, url });
    let driver = driver(&configured, desk.as_ref(), &bus);
    if !state.settings.demo {
        task::spawn(reload::watch(configured.path, configured.text, configured.files, Arc::clone(&next), bus.clone()));
    }
    let mut performer = Live {
        reins,
        bus,
        with_terminal: true,
        recorder: Some(recorder),
        tape: None,
        lang,
        next,
        desk,
        driver,
        folders: Some(folders),
        secrets: Arc::clone(&kept),
    };
    let ended = run::run(&mut state, &theme, &mut screen, &mut events, &mut performer).await;
    drop(guard);
    let left = left::close(&mut state, &mut performer, &mut events).await;
    let left = if playground.is_some() { Ok(()) } else { left::keep(&left, &queue, &kept, &state) };
    if let Some(folder) = playground {
        let _ = std::fs::remove_dir_all(folder);
    }
    // A terminal that can no longer be written to is gone, and there is nobody to tell.
    let Ok(code) = ended else { return exit::TERMINAL_GONE };
    print(&farewell(&state));
    left.err().unwrap_or_else(|| verdict(&state, asked.as_ref(), code))
}

/// The terminal is given back, and it is said why.
fn without_threads(guard: terminal::Guard, lang: Lang) -> u8 {
    drop(guard);
    complain(&format!("cabina: {}", lang.cli_no_threads()));
    exit::INTERNAL
}

/// What the window that was counted says; without one, how the program ended.
fn verdict(state: &State, asked: Option<&String>, code: u8) -> u8 {
    let known = log::known(state).into_iter().find(|w| Some(&w.id) == asked);
    known.filter(|_| code == 0).map_or(code, |w| w.stands(state.now.wall).exit_code())
}

/// Where the store is. A visitor's incident is not the house's: theirs lies in a folder of its own.
fn place(configured: &Configured) -> (Option<PathBuf>, Result<String, StoreError>) {
    if !configured.settings.demo {
        return (None, store::url(configured));
    }
    let folder = store::playground();
    let url = store::in_folder(&folder);
    // The visitor's night has a deploy in it, as most have: what changed, and the way back.
    task::spawn(demo::deploy(url.clone(), bus::now().wall));
    (Some(folder), Ok(url))
}

/// Whoever writes things down.
fn recorder(configured: &Configured, settings: &Settings, url: Result<String, StoreError>, bus: &Bus) -> Recorder {
    let plan = Plan {
        queue: url.as_ref().map(|url| store::queue_of(url)).unwrap_or_default(),
        url,
        read_only: settings.read_only,
        watched: (!settings.demo).then(|| watched(settings)),
        operator: settings.operator.clone(),
        ..configured.record()
    };
    Recorder::spawn(plan, bus)
}

/// What drives runs from here; nothing where there is no place for their files.
fn driver(configured: &Configured, desk: Option<&Desk>, bus: &Bus) -> Option<Driver> {
    let desk = desk?;
    let path = crate::store::path(desk.url.as_ref().ok()?)?;
    let vault = Arc::clone(&desk.keyboard.route.vault);
    let plan = walk::plan_at(configured, path, std::collections::BTreeMap::new(), Vec::new());
    task::spawn(settle::watch(plan.folder.clone(), bus.clone()));
    Some(Driver::new(plan, bus.clone(), vault))
}

/// One line on the main screen: where things stand, and how to come back.
fn farewell(state: &State) -> String {
    let s = &state.settings;
    let v = &state.verdict;
    let service = format!("{} {}", s.service, s.environment).trim().to_owned();
    let mut line = s.lang.farewell(service, v.level.word(), s.zone.hm(v.since));
    if let Some(incident) = &state.record.incident {
        line += &s.lang.farewell_incident(&incident.id);
    }
    if let Some((run, (_, step))) = state.run.as_ref().and_then(|r| Some((r, r.tale.open.clone()?))) {
        line += &s.lang.farewell_step(&run.book.id, step);
    }
    if !state.record.unfinished.is_empty() {
        line += &s.lang.farewell_unfinished();
    }
    line + "\n"
}
