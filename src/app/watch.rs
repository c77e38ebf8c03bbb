//! `watch`: a window after a deploy. In a cockpit, or watched by nobody, where the verdict is the exit code; and `deploys`,
//! the log that both keep.

use std::time::Duration;

use crate::app::cockpit;
use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::object;
use crate::app::performer::Live;
use crate::app::print;
use crate::app::ready;
use crate::app::run::run_blind;
use crate::app::signals;
use crate::app::store;
use crate::app::store::host;
use crate::app::terminal;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::library;
use crate::effects::record::Plan;
use crate::effects::record::Recorder;
use crate::engine::Kind;
use crate::engine::State;
use crate::engine::state::Mode;
use crate::model::deploy::Deploy;
use crate::model::text::clean;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::watch::Watch;
use crate::model::window::Verdict;
use crate::model::window::Window;
use crate::report;
use crate::sources;
use crate::sources::Manner;
use crate::store::Store;
use crate::store::StoreError;

/// No window is shorter: a counter that is read every few seconds has to be seen growing.
const SHORTEST: Duration = Duration::from_secs(10);
/// A mark of the same version so long ago is the deploy that is watched now.
const MARKED: Millis = HOUR;
/// The log is no reason to keep a pipeline waiting.
const PATIENCE: Millis = 2 * SECOND;
/// Deploys and windows that are looked through, or listed.
const LISTED: i64 = 10_000;
/// The word for the window that went well last.
const LAST_GOOD: &str = "last-good";
/// Windows that went well lie no further back: the house deploys two or three times a week.
const GOOD_SINCE: Millis = 90 * DAY;

/// What the command line says of a window.
pub(super) struct Asked<'a> {
    pub(super) length: Option<Duration>,
    pub(super) baseline: Option<&'a str>,
    pub(super) offset: Option<Duration>,
    pub(super) version: Option<&'a str>,
    pub(super) keep_old: Option<Duration>,
    pub(super) headless: bool,
}

/// What a window is compared with.
#[derive(Clone, Copy)]
enum Baseline {
    /// As long as the window, or so long, just before.
    Before(Option<Millis>),
    /// The window that went well last.
    LastGood,
}

fn millis(d: Duration) -> Millis {
    d.as_millis() as Millis
}

pub(super) fn main(cli: &Cli, asked: &Asked<'_>) -> u8 {
    let (mut configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let lang = configured.settings.lang;
    let wrong = |sentence: String| {
        complain(&format!("cabina: {sentence}"));
        exit::USAGE
    };
    let length = asked.length.map_or(configured.settings.window.length, millis);
    let baseline = match asked.baseline {
        None => Baseline::Before(None),
        Some(LAST_GOOD) => Baseline::LastGood,
        Some(text) => match humantime::parse_duration(text).ok().filter(|_| !text.contains(['M', 'y'])) {
            Some(time) if time < SHORTEST => return wrong(lang.window_too_short()),
            Some(time) if millis(time) <= DAY => Baseline::Before(Some(millis(time))),
            _ => return wrong(lang.window_bad_baseline(format!("{text:?}"))),
        },
    };
    if length < millis(SHORTEST) {
        return wrong(lang.window_too_short());
    }
    // Other days are compared at the same time of theirs.
    if asked.offset.is_some_and(|o| millis(o) < length) {
        return wrong(lang.window_offset_within());
    }
    configured.settings.read_only |= cli.read_only;
    let watch = match task::wait(&runtime, opened(&configured, asked, length, baseline)) {
        Ok(watch) => watch,
        Err(code) => return code,
    };
    // Without a terminal, or for a machine, nobody looks.
    if !asked.headless && !cli.json && terminal::present() {
        let code = task::wait(&runtime, cockpit::show(configured, Some(watch)));
        runtime.shutdown_background();
        return code;
    }
    let (code, state) = task::wait(&runtime, watched(&configured, watch));
    match (&state.window, cli.json) {
        (Some(w), true) => object(&report::window::json(&state, &w.watch)),
        (Some(w), false) => print(&report::window::markdown(&state, &w.watch)),
        (None, _) => {}
    }
    if let Some(why) = state.record.problem.as_ref().filter(|_| !state.settings.read_only) {
        complain(&format!("cabina: {}", lang.window_unlogged(why)));
    }
    runtime.shutdown_background();
    code
}

/// The window that is asked for; its deploy is marked where nobody has.
async fn opened(configured: &Configured, asked: &Asked<'_>, length: Millis, baseline: Baseline) -> Result<Watch, u8> {
    let settings = &configured.settings;
    let lang = settings.lang;
    let now = bus::now().wall;
    // A server answers by the second.
    let from = now / SECOND * SECOND;
    let version = clean(&configured.secrets.redact(asked.version.unwrap_or_default()));
    let found = async {
        let store = if settings.read_only {
            store::open(configured, PATIENCE).await?
        } else {
            store::open_quickly(configured, PATIENCE).await?
        };
        let deploy = deployed(configured, &store, &version, asked.keep_old, now).await;
        let good = store.windows(now - GOOD_SINCE, LISTED).await;
        let found = deploy.and_then(|d| Ok((d, good?))).map_err(|why| store.named(why));
        store.close().await;
        found
    };
    let (deploy, known) = match found.await {
        Ok(found) => found,
        // A log that cannot be written is told again at the end, and no reason not to watch.
        Err(why) => {
            complain(&format!("cabina: {}", lang.window_unlogged(why.words(lang))));
            (None, Vec::new())
        }
    };
    // A mark of this very second comes first.
    let from = if deploy.as_ref().is_some_and(|d: &Deploy| d.at > from) { from + SECOND } else { from };
    let since = deploy.as_ref().map_or(0, |d| (from - d.at / SECOND * SECOND).max(0));
    let spans = match (asked.offset, baseline) {
        // It ends where this one will end, so long ago.
        (Some(offset), Baseline::Before(as_long)) => (as_long.unwrap_or(length), millis(offset) - length),
        // What came after the change is not what was before it.
        (None, Baseline::Before(as_long)) => (as_long.unwrap_or(length), since),
        (_, Baseline::LastGood) => {
            let good = |w: &&Watch| w.ended.is_some() && w.verdict == Verdict::Pass && w.withdrawn.is_none();
            let Some(last) = known.iter().rev().find(good) else {
                complain(&format!("cabina: {}", lang.window_no_last_good()));
                return Err(exit::USAGE);
            };
            (last.window.length, from - last.window.to())
        }
    };
    let window = Window::new(version, from, length, spans, settings.counts_every());
    let keep = asked.keep_old.map_or(settings.window.keep_old, millis);
    let kept = deploy.as_ref().and_then(|d| d.old_until).filter(|_| asked.keep_old.is_none());
    Ok(Watch {
        old_until: Some(kept.unwrap_or(from + keep)),
        deploy: deploy.map(|d| d.id),
        ..Watch::new(crate::store::new_id(), window, &settings.operator, &host())
    })
}

/// The mark of what is watched: the one that is there, else a new one. Without a version it is the newest whose old side
/// may still be there.
async fn deployed(
    configured: &Configured,
    store: &Store,
    version: &str,
    keep_old: Option<Duration>,
    now: Millis,
) -> Result<Option<Deploy>, StoreError> {
    let settings = &configured.settings;
    let known = store.deploys(now - DAY, LISTED).await?;
    if version.is_empty() {
        let last = known.into_iter().next_back();
        return Ok(last.filter(|d| now <= d.old_until.unwrap_or(d.at + settings.window.keep_old)));
    }
    if let Some(last) = known.into_iter().rev().find(|d| d.version == version && now - d.at <= MARKED) {
        return Ok(Some(last));
    }
    if settings.read_only {
        return Ok(None);
    }
    let keep = keep_old.map_or(settings.window.keep_old, millis);
    let deploy = Deploy {
        id: crate::store::new_id(),
        version: version.to_owned(),
        at: now / SECOND * SECOND,
        by: settings.operator.clone(),
        from: host(),
        old_until: Some(now + keep),
        ..Deploy::default()
    };
    store.mark(deploy).await.map(Some)
}

async fn watched(configured: &Configured, watch: Watch) -> (u8, State) {
    let (bus, mut events) = Bus::new();
    signals::spawn(&bus, false);
    let now = bus::now();
    let settings = &configured.settings;
    let mut state = State::new(settings.clone(), Mode::Watch, now);
    bus.send(Kind::WindowOpened { watch: Box::new(watch) }).await;
    task::spawn(ticks::run(bus.clone()));
    // It goes when the window ends: what machines see is written down by whoever stays.
    let recorder = Recorder::spawn(Plan { scribes: false, ..configured.record() }, &bus);
    // Its other end is held: without it, nothing would be waited for.
    let (_folders, wanted) = tokio::sync::watch::channel((settings.runbooks.clone(), settings.zone));
    task::spawn(library::watch(wanted, bus.clone()));
    let reins = sources::spawn(settings, &configured.secrets, &bus, Manner::Always);
    let mut performer = Live::blind(reins, bus, settings.lang, &configured.secrets);
    performer.recorder = Some(recorder);
    let mut progress = Progress { at: now.mono, verdict: None };
    let code = run_blind(&mut state, &mut events, &mut performer, |state| progress.tell(state)).await;
    if let Some(recorder) = performer.recorder.take() {
        // What was said last is on the disk when this ends.
        if !recorder.close().await {
            state.record.problem = Some(settings.lang.store_busy());
        }
    }
    // What came meanwhile may say that it could not be written.
    while let Ok(event) = events.try_recv() {
        if matches!(event.kind, Kind::RecordFailed { .. }) {
            crate::engine::update(&mut state, event);
        }
    }
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
        let verdict = watched.watch.verdict;
        let first = self.verdict.is_none();
        let same = self.verdict == Some(verdict) && state.now.mono - self.at < SAYS;
        if !first && (watched.now.is_none() || same) {
            return;
        }
        (self.at, self.verdict) = (state.now.mono, Some(verdict));
        complain(&report::window::progress(state, &watched.watch));
    }
}

/// `deploys`: the deployment log.
pub(super) fn log(cli: &Cli, days: i64) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let settings = &configured.settings;
    let now = bus::now().wall;
    let since = now - days * DAY;
    let read = store::look(&configured, runtime, settings.lang, async |store| {
        Ok((store.deploys(since, LISTED).await?, store.windows(since, LISTED).await?))
    });
    let ((deploys, watches), code) = match read {
        Ok(read) => read,
        Err(why) => {
            complain(&format!("cabina: {}", why.words(settings.lang)));
            return store::FAILED;
        }
    };
    let all = report::window::log(&deploys, &watches);
    if cli.json {
        object(&report::window::log_json(&all, settings.lang, settings.zone, now));
    } else {
        print(&report::window::log_text(&all, days, settings.lang, settings.zone, now));
    }
    code
}
