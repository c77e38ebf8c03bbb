//! `record`: the same loop without anybody looking. Polls, judges, records, opens incidents, until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::left;
use crate::app::performer::Live;
use crate::app::ready;
use crate::app::reload;
use crate::app::run::run_blind;
use crate::app::signals;
use crate::app::store;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::follow::LEASE;
use crate::effects::record::Plan;
use crate::effects::record::Recorder;
use crate::effects::tape::Keep;
use crate::effects::tape::Tape;
use crate::engine::Kind;
use crate::engine::State;
use crate::engine::event::Ending;
use crate::engine::recording::Head;
use crate::engine::state::Mode;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::sources;
use crate::sources::Manner;
use crate::store::Store;
use crate::store::StoreError;

/// The recorder says so often that it is there …
const SAYS: Duration = Duration::from_secs(3);
/// … and is taken for gone this long after its last word: three intervals of most checks.
const HELD: Millis = 10 * SECOND;
/// Whoever stands by looks this often.
const LOOKS: Duration = Duration::from_secs(2);

pub(super) fn main(cli: &Cli) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let lang = configured.settings.lang;
    if configured.settings.read_only || cli.read_only {
        complain(&format!("cabina: {}", lang.incident_read_only()));
        return exit::USAGE;
    }
    let code = task::wait(&runtime, async {
        let store = match store::open(&configured, SECOND * 10).await {
            Ok(store) => store,
            Err(why) => {
                complain(&format!("cabina: {}", why.words(lang)));
                return store::FAILED;
            }
        };
        let code = match record(configured, &store).await {
            Ok(code) => code,
            Err(why) => {
                complain(&format!("cabina: {}", store.named(why).words(lang)));
                store::FAILED
            }
        };
        store.close().await;
        code
    });
    runtime.shutdown_background();
    code
}

async fn record(configured: Configured, kept: &Store) -> Result<u8, StoreError> {
    let id = crate::store::new_id();
    let lang = configured.settings.lang;
    if !stand_by(kept, &id, lang).await? {
        return Ok(143);
    }
    let (bus, mut events) = Bus::new();
    let mut state = State::new(configured.settings.clone(), Mode::Record, bus::now());
    let head = Head {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: store::host(),
        started: state.started,
        settings: configured.settings.clone(),
        watches: None,
    };
    let head = serde_json::to_string(&head).map_err(|e| StoreError::Failed(e.to_string()))?;
    kept.begin_recording(&id, state.started.wall, &head).await?;
    let (spec, place) = (&configured.settings.store, store::shown(&configured));
    let keep = Keep { time: spec.retention, size: spec.size };
    let tape = Tape::spawn(kept.clone(), id.clone(), keep, lang, &bus);
    signals::spawn(&bus, false);
    task::spawn(ticks::run(bus.clone()));
    task::spawn(hold(kept.clone(), id.clone(), bus.clone()));
    let plan = configured.record();
    let queue = plan.queue.clone();
    let recorder = Recorder::spawn(Plan { recording: Some(id.clone()), ..plan }, &bus);
    let reins = sources::spawn(&state.settings, &configured.secrets, &bus, Manner::Always);
    let next = reload::Next::default();
    task::spawn(reload::watch(configured.path, configured.text, configured.files, Arc::clone(&next), bus.clone()));
    complain(&format!("cabina: {}", lang.record_records(place)));
    let mut performer = Live {
        reins,
        bus,
        with_terminal: false,
        recorder: Some(recorder),
        tape: Some(tape),
        lang,
        next,
        desk: None,
        driver: None,
        folders: None,
        secrets: Arc::clone(&configured.secrets),
    };
    let mut said = Said::default();
    let code = run_blind(&mut state, &mut events, &mut performer, |state| said.tell(state)).await;
    let left = left::close(&mut state, &mut performer, &mut events).await;
    let left = left::keep(&left, &queue, &configured.secrets, &state);
    if let Some(tape) = performer.tape.take() {
        tape.close().await;
    }
    let _ = kept.release(LEASE, &id).await;
    if code == exit::DISPLACED {
        complain(&format!("cabina: {}", lang.record_displaced()));
    }
    Ok(left.err().unwrap_or(code))
}

/// Waits until no other recorder has the store; false when it is stopped meanwhile.
async fn stand_by(store: &Store, id: &str, lang: crate::lang::Lang) -> Result<bool, StoreError> {
    let mut told = false;
    let listen = |kind| signal(kind).map_err(|e| StoreError::Failed(e.to_string()));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    loop {
        let now = bus::now().wall;
        if store.lease(LEASE, id, now, now + HELD).await? {
            return Ok(true);
        }
        if !std::mem::replace(&mut told, true) {
            complain(&format!("cabina: {}", lang.record_stands_by()));
        }
        tokio::select! {
            _ = term.recv() => return Ok(false),
            _ = int.recv() => return Ok(false),
            () = tokio::time::sleep(LOOKS) => {}
        }
    }
}

/// Keeps the lease; ends the program when another recorder has it.
async fn hold(store: Store, id: String, bus: Bus) {
    loop {
        tokio::time::sleep(SAYS).await;
        let now = bus::now().wall;
        // A store that does not answer is told by whoever writes to it.
        if let Ok(false) = store.lease(LEASE, &id, now, now + HELD).await {
            bus.send(Kind::Shutdown(Ending::Displaced)).await;
            return;
        }
    }
}

/// What of the timeline was said already, one line each, for the journal of the machine.
#[derive(Default)]
struct Said {
    lines: std::collections::VecDeque<(Millis, String)>,
    problem: Option<String>,
}

/// Lines remembered: what is older than these is not looked at.
const REMEMBERED: usize = 64;

impl Said {
    fn tell(&mut self, state: &State) {
        let (lang, zone) = (state.settings.lang, state.settings.zone);
        let mut fresh: Vec<(Millis, String)> = state
            .timeline
            .newest()
            .take(REMEMBERED / 2)
            .map(|e| (e.at, e.words(lang, zone).replace('\n', " ")))
            .filter(|line| !self.lines.contains(line))
            .collect();
        fresh.reverse();
        for (at, text) in fresh {
            complain(&format!("{} {text}", zone.hms(at)));
            self.lines.push_back((at, text));
            if self.lines.len() > REMEMBERED {
                self.lines.pop_front();
            }
        }
        if state.record.problem != self.problem {
            self.problem.clone_from(&state.record.problem);
            if let Some(why) = &self.problem {
                complain(&format!("cabina: {}", lang.head_no_record(why)));
            }
        }
    }
}
