//! The window after a deploy: counted every few seconds, judged at its end, or before it where nothing is left to wait
//! for.

pub mod judge;
pub mod log;
pub mod pane;
pub mod said;
pub mod subjects;

use std::collections::BTreeMap;

use crate::engine::effect::CountOrder;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::window::subjects::subjects;
use crate::engine::words;
use crate::model::fact::Fact;
use crate::model::health::Probe;
use crate::model::journal::Draft;
use crate::model::severity::Level;
use crate::model::signal::Absence;
use crate::model::significance::Share;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::model::watch::Ended;
use crate::model::watch::HEARTBEAT;
use crate::model::watch::Watch;
use crate::model::window::Counted;
use crate::model::window::Part;
use crate::model::window::Reason;
use crate::model::window::Verdict;

/// A window is looked at so many times, if that is not too often for a server.
const LOOKS: Millis = 40;
/// No more often than this, nor more seldom.
const OFTEN: (Millis, Millis) = (2 * SECOND, 15 * SECOND);
/// The first look is worth asking for after this: a few samples of a counter.
const FIRST: Millis = 5 * SECOND;
/// After its end a server that is slow, or away for a moment, has so long to say what it counted.
const PATIENCE: Millis = 30 * SECOND;
/// What others see of it is no older than this while it changes.
const TELLS: Millis = 3 * SECOND;

/// What is known of one side: what was asked for, and what came of it.
pub type Answer = ((Millis, Millis), Result<Counted, Absence>);

/// A window that is counted here.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// What is said of it, as the log has it.
    pub watch: Watch,
    /// What it is compared with; `None` until it is known.
    pub before: Option<Answer>,
    /// What was counted so far.
    pub now: Option<Answer>,
    /// Failed of all probes since it began, by check.
    pub probes: BTreeMap<String, Share>,
    /// The same of those remembered from before.
    pub probes_before: BTreeMap<String, Share>,
    /// When each side was last asked for: before, now.
    asked: [Option<Stamp>; 2],
    /// Its answer has not come yet.
    waits: [bool; 2],
    /// When it was last told to the log, and what.
    told: Option<(Stamp, Watch)>,
    /// The exit code, until it was given.
    leaves: Option<u8>,
}

/// A window begins.
pub(crate) fn open(state: &mut State, watch: Watch) -> Reaction {
    let remembered = |c: &crate::model::health::Check| Share {
        part: c.recent.iter().filter(|failed| **failed).count() as f64,
        all: c.recent.len() as f64,
    };
    let probes_before = state.checks.all.iter().map(|c| (c.name.clone(), remembered(c))).collect();
    state.window = Some(Box::new(Watched {
        watch,
        before: None,
        now: None,
        probes: BTreeMap::new(),
        probes_before,
        asked: [None, None],
        waits: [false, false],
        told: None,
        leaves: None,
    }));
    Reaction::redraw()
}

impl Watched {
    /// It goes on.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.watch.ended.is_none()
    }
}

/// The window that is counted here, while it goes on.
fn going_on(state: &mut State) -> Option<&mut Watched> {
    state.window.as_deref_mut().filter(|w| w.goes_on())
}

/// One side was counted.
pub(crate) fn counted(
    state: &mut State,
    part: Part,
    span: (Millis, Millis),
    counted: Result<Counted, Absence>,
) -> Reaction {
    let Some(watched) = going_on(state) else { return Reaction::none() };
    let window = &watched.watch.window;
    let of_this = match part {
        Part::Before => span == window.past(),
        Part::Now => span.0 == window.from,
    };
    // An answer that comes late may be about the window before this one.
    if !of_this {
        return Reaction::none();
    }
    let (side, asked) = match part {
        Part::Before => (&mut watched.before, 0),
        Part::Now => (&mut watched.now, 1),
    };
    watched.waits[asked] = false;
    if let Ok(counted) = &counted {
        watched.watch.skew = counted.skew;
    }
    // A server that is away for a moment takes nothing back of what it said.
    if counted.is_ok() || !matches!(side, Some((_, Ok(_)))) || span.1 >= watched.watch.window.to() {
        *side = Some((span, counted.map(Counted::tidy)));
    }
    look(state);
    Reaction::redraw()
}

/// A probe of a check came back.
pub(crate) fn probed(state: &mut State, check: &str, probe: &Probe) {
    // What a recorder saw before is caught up with as of then.
    let now = state.now.wall;
    let Some(watched) = going_on(state).filter(|w| now >= w.watch.window.from) else { return };
    let share = watched.probes.entry(check.to_owned()).or_default();
    share.all += 1.0;
    share.part += f64::from(u8::from(probe.outcome.failed()));
}

/// What it is compared with was an incident.
pub(crate) fn met(state: &mut State, id: &str, incident: String, clean: Option<Millis>) -> Reaction {
    if let Some(watched) = state.window.as_deref_mut().filter(|w| w.watch.id == id) {
        watched.watch.unclean = Some((incident, clean));
        look(state);
    }
    Reaction::redraw()
}

/// Judges what is known so far.
fn look(state: &mut State) {
    let Some(watched) = &state.window else { return };
    let subjects = subjects(state, watched);
    let said = judge::judge(&subjects);
    let lost = judge::lost(&subjects).and_then(|s| Some((s.name.clone(), s.criteria.fatal?)));
    let now = state.now.wall;
    let Some(watched) = going_on(state) else { return };
    let watch = &mut watched.watch;
    (watch.verdict, watch.signals) = (said.verdict, said.signals);
    if let Some((name, limit)) = lost {
        watch.verdict = Verdict::Fail;
        // Whatever else would be said of it: this is why.
        for judged in watch.signals.iter_mut().filter(|j| j.name == name) {
            (judged.verdict, judged.reason) = (Verdict::Fail, Reason::Beyond { limit });
        }
        end(watched, Ended::Lost, now);
    } else if watch.unclean.is_some() && watch.verdict != Verdict::Fail {
        // No worse than an incident is nothing to be glad of.
        watch.verdict = Verdict::Inconclusive;
    }
}

fn end(watched: &mut Watched, how: Ended, now: Millis) {
    watched.watch.ended = Some((how, now));
    watched.leaves = Some(watched.watch.verdict.exit_code());
}

/// Somebody ends it: that is no verdict, unless it is lost already.
pub(crate) fn interrupt(state: &mut State) -> Option<u8> {
    let now = state.now.wall;
    let watched = going_on(state)?;
    watched.watch.verdict = Verdict::Inconclusive;
    end(watched, Ended::Early, now);
    watched.leaves
}

/// What is to be asked and told now; and the end, where it has come.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    let mut effects = ask(state);
    let before = state.window.as_ref().and_then(|w| w.told.as_ref()).is_some_and(|(_, w)| w.ended.is_some());
    effects.extend(tell(state));
    let ended = state.window.as_ref().is_some_and(|w| !w.goes_on());
    if ended && !before {
        effects.extend(ended_now(state));
    }
    effects.extend(log::due(state));
    effects
}

/// The exit code, once: whatever is to be written down is ordered by then.
pub(crate) fn exit(state: &mut State) -> Option<Effect> {
    let leaves = state.mode == Mode::Watch;
    state.window.as_mut().filter(|_| leaves).and_then(|w| w.leaves.take()).map(Effect::Exit)
}

fn ask(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let mut effects = Vec::new();
    // Direct scrape counts at its own pace.
    let patience = PATIENCE.max(state.settings.counts_every() + PATIENCE / 3);
    let Some(watched) = going_on(state) else { return effects };
    let window = &watched.watch.window;
    let (from, to, piece) = (window.from, window.to(), window.piece);
    let every = (window.length / LOOKS).clamp(OFTEN.0, OFTEN.1);
    // One question at a time for each side; one that gets no answer at all is asked again.
    let (asked, waits) = (watched.asked, watched.waits);
    let free =
        |i: usize, every: Millis| asked[i].is_none_or(|at| now.since(at) >= if waits[i] { patience } else { every });
    // A baseline that could not be read is asked for again until the end.
    if !matches!(watched.before, Some((_, Ok(_)))) && free(0, every) {
        (watched.asked[0], watched.waits[0]) = (Some(now), true);
        let (span, since) = (window.past(), window.baseline.0);
        effects.push(Effect::Count(CountOrder { part: Part::Before, span, since, piece }));
    }
    let whole = watched.now.as_ref().is_some_and(|(span, counted)| span.1 >= to && counted.is_ok());
    // The last look is taken at the end, whenever the one before it was.
    let last = now.wall >= to && asked[1].is_none_or(|at| at.wall < to);
    if now.wall - from >= FIRST && !whole && free(1, if last { 0 } else { every }) {
        (watched.asked[1], watched.waits[1]) = (Some(now), true);
        let span = (from, now.wall.min(to));
        effects.push(Effect::Count(CountOrder { part: Part::Now, span, since: from, piece }));
    }
    let answered = whole && matches!(watched.before, Some((_, Ok(_))));
    if now.wall >= to && (answered || now.wall >= to + patience) {
        // What was seen of a part does not speak for the whole.
        if !whole && matches!(watched.now, Some((_, Ok(_)))) {
            watched.now = None;
        }
        look(state);
        if let Some(watched) = going_on(state) {
            end(watched, Ended::Over, now.wall);
        }
    }
    effects
}

/// Tells the log what is said now, if that is news, or the last word is a while ago.
fn tell(state: &mut State) -> Option<Effect> {
    if !matches!(state.mode, Mode::Watch | Mode::Cockpit) {
        return None;
    }
    let now = state.now;
    let logged = |id: &str| state.watches.iter().any(|w| w.id == id && w.ended.is_some());
    let watched = state.window.as_deref_mut()?;
    let due = match &watched.told {
        None => true,
        // The last word is given again until it stands in the log.
        Some((at, told)) if told.ended.is_some() => {
            !state.settings.read_only && !logged(&told.id) && now.since(*at) >= HEARTBEAT
        }
        Some((at, told)) => {
            let verdict = (told.verdict, &told.ended, &told.unclean);
            let changed = verdict != (watched.watch.verdict, &watched.watch.ended, &watched.watch.unclean);
            let moved = told.signals != watched.watch.signals && now.since(*at) >= TELLS;
            changed || moved || now.since(*at) >= HEARTBEAT
        }
    };
    if !due {
        return None;
    }
    watched.watch.told = now.wall;
    watched.told = Some((now, watched.watch.clone()));
    Some(Effect::Record(0, RecordOrder::Window(Box::new(watched.watch.clone()))))
}

/// It has just ended: that is a fact, and where it failed, an incident.
fn ended_now(state: &mut State) -> Option<Effect> {
    let watch = state.window.as_ref()?.watch.clone();
    if let Some((at, fact)) = watch.ended_fact() {
        state.timeline.put(Entry::new(at, fact, watch.by.clone()));
    }
    if watch.verdict != Verdict::Fail {
        return None;
    }
    let lang = state.settings.lang;
    let why = watch.signals.iter().find(|j| j.verdict == Verdict::Fail).map(|j| {
        let reason = words::window_reason(lang, j);
        format!("{}: {reason}", words::signal(lang, &j.name))
    });
    let title = lang.window_incident(words::version(lang, &watch.window.version), why.unwrap_or_default());
    incident(state, title, watch.window.from, &watch.by, &watch.host)
}

/// An incident about a deploy, unless one goes on. A change that has to be taken back is SEV2 at the least.
fn incident(state: &State, title: String, began: Millis, by: &str, host: &str) -> Option<Effect> {
    if state.record.incident.is_some() || state.settings.read_only {
        return None;
    }
    let level = state.verdict.level.max(Level::Sev2);
    let opening = Draft::new(began, by, host, Fact::IncidentOpened { title, level, began });
    let year = state.settings.zone.year(state.now.wall);
    Some(Effect::Record(0, RecordOrder::Take { year, opening: vec![opening], took: None, led: false }))
}
