//! The record from here: the incident that goes on, what of the timeline is on the disk, and who has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::classify;
use crate::engine::commands::notice;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::follow;
use crate::engine::place;
use crate::engine::state::Mode;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::timeline::Kept;
use crate::model::deploy::Deploy;
use crate::model::fact::Fact;
use crate::model::incident::Incident;
use crate::model::incident::RULES;
use crate::model::journal;
use crate::model::journal::Draft;
use crate::model::journal::Moment;
use crate::model::severity::Level;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::REQUEST_RATE;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// Older entries are asked for when so few are left below the selected one: more than a page of the largest screen.
const NEAR_THE_END: usize = 100;
/// A moment and now are one within so much.
const NEAR: Millis = 5 * SECOND;
/// What happened so long before an incident began belongs to its story: a change within the hour is suspected first.
pub(crate) const BEFORE: Millis = HOUR;
/// Entries written with one order.
const BATCH: usize = 100;
/// After a failure nothing is tried for so long; what is not written is shown as such meanwhile.
const AGAIN: Millis = 5 * SECOND;
/// Whoever begins to look finds what the journal says already: that is told apart once every source has answered, and
/// the rules have had so long to judge …
const SETTLES: Millis = 3 * SECOND;
/// … or after so long, whatever does not answer.
const SETTLES_ANYWAY: Millis = 20 * SECOND;
/// Two cabinas that see the same see it within so much: the slowest checks look once a minute.
const SAME: Millis = 2 * MINUTE;
/// The scribe has had so long to write down what it saw; it then stands in the journal.
const SCRIBE_TAKES: Millis = 10 * SECOND;

/// Who writes here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// Begins the identifiers of what is written by this process; no other has it.
    pub id: String,
    /// This machine.
    pub host: String,
}

/// Who writes what machines see. Of several cabinas on one store it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scribe {
    /// Nobody does.
    #[default]
    Nobody,
    /// This cabina.
    Here,
    /// Another one.
    Elsewhere,
}

/// What is known of the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Who writes here; `None` until the store is open.
    pub desk: Option<Desk>,
    /// The newest incident that goes on.
    pub incident: Option<Incident>,
    /// Why it cannot be read or written now, in one sentence.
    pub problem: Option<String>,
    /// What a person should know of the store, whether or not it can be written to.
    pub says: Vec<String>,
    /// Since when what was on the disk is not found there any more.
    pub(crate) gone: Option<Stamp>,
    /// Who writes what machines see.
    pub scribe: Scribe,
    /// The newest incident that was seen here.
    pub last: Option<String>,
    /// A note that was not finished.
    pub unfinished: String,
    /// When it was last put on the disk.
    pub(crate) unfinished_at: Option<Stamp>,
    /// Orders given so far.
    orders: u64,
    /// Drafts made so far.
    pub(crate) drafts: u64,
    /// The order about machines that is under way.
    under_way: Option<u64>,
    /// The order of a person that asked for the incident.
    pub(crate) taking: Option<u64>,
    /// When something last failed.
    pub(crate) failed: Option<Stamp>,
    /// When the newest incident that is over was resolved.
    pub ended: Option<Millis>,
    /// A note was finished whose draft is still on the disk.
    pub(crate) written: bool,
    /// How far back the journal of an incident was read: the oldest entry of the last page.
    read_to: Option<(String, (Millis, i64))>,
    /// The order for older entries that is under way.
    reads_back: Option<u64>,
    /// The incident whose first entry is here: there is nothing older.
    from_first: Option<String>,
    /// What the journal says of the state of things, and where: what was written last holds, whatever the clock said.
    told: BTreeMap<String, (i64, String)>,
    /// It was read once.
    pub(crate) heard: bool,
    /// From when on what is seen is news.
    settles: Option<Stamp>,
    /// Somebody wants to take the incident as soon as the store is there and every source has answered once.
    pub(crate) wished: bool,
    /// The level that the rules were last at: only a rise raises what a person has declared.
    judged: Option<Level>,
}

impl Record {
    /// Did it happen after whoever began to look had seen what there was?
    pub(crate) fn is_news(&self, at: Millis) -> bool {
        self.settles.is_some_and(|from| at >= from.wall)
    }

    pub(crate) fn id(&mut self) -> String {
        self.drafts += 1;
        format!("{}-{:06}", self.desk.as_ref().map_or("", |d| &d.id), self.drafts)
    }

    pub(crate) fn order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }
}

/// How it stands now.
fn moment(state: &State) -> Moment {
    let value = |name: &str| state.signals.value(name).filter(|v| v.is_finite());
    Moment {
        level: state.verdict.level,
        failing: value(ERROR_RATE_1M),
        p95: value(LATENCY_P95),
        rate: value(REQUEST_RATE),
        worst: place::worst(state),
    }
}

/// A draft with an identifier of its own.
pub(crate) fn draft(state: &mut State, at: Millis, who: &str, fact: Fact) -> Draft {
    let desk = state.record.desk.clone().unwrap_or_default();
    let id = state.record.id();
    Draft { id, moment: near(state, at).then(|| moment(state)), ..Draft::new(at, who, &desk.host, fact) }
}

/// How it stands now says nothing of another moment.
fn near(state: &State, at: Millis) -> bool {
    (state.now.wall - at).abs() <= NEAR
}

/// Gives what has just happened the figures of its moment.
pub(crate) fn notice_moment(state: &mut State) {
    let blank = |e: &Entry| e.kept == Kept::Here && e.moment.is_none();
    let from = state.now.wall - NEAR;
    if !state.timeline.all().rev().take_while(|e| e.at >= from).any(blank) {
        return;
    }
    let moment = moment(state);
    for entry in state.timeline.all_mut().rev().take_while(|e| e.at >= from).filter(|e| blank(e)) {
        entry.moment = Some(moment.clone());
    }
}

/// Why nothing can be written down from here now.
pub(crate) fn hands_off(state: &State) -> Option<Notice> {
    match () {
        () if state.settings.read_only => Some(Notice::ReadOnly),
        () if state.ui.frozen.is_some() => Some(Notice::Frozen),
        () if state.record.desk.is_none() => Some(Notice::NoRecord(state.record.problem.clone().unwrap_or_default())),
        () => None,
    }
}

/// The record can be written.
pub(crate) fn opened(state: &mut State, desk: Desk, unfinished: String) -> Reaction {
    state.record.desk = Some(desk);
    state.record.unfinished = unfinished;
    state.record.problem = None;
    Reaction::redraw()
}

/// Nothing of an order was written.
fn undone(state: &mut State, request: u64) {
    for entry in state.timeline.all_mut().filter(|e| e.kept == Kept::Saving(request)) {
        entry.kept = Kept::Here;
    }
    state.record.under_way.take_if(|n| *n == request);
}

/// Another one writes down what machines see: what this one has seen is judged anew once that one's word was read.
pub(crate) fn unled(state: &mut State, request: u64) -> Reaction {
    undone(state, request);
    state.record.scribe = Scribe::Elsewhere;
    Reaction::redraw()
}

/// What was on the disk is not found there any more.
pub(crate) fn gone(state: &mut State, why: String) -> Reaction {
    state.record.gone.get_or_insert(state.now);
    failed(state, None, why)
}

/// The store is not as it was, or not whole.
pub(crate) fn says(state: &mut State, sentences: Vec<String>) -> Reaction {
    if let Some(first) = sentences.first().filter(|s| !state.record.says.contains(s)) {
        notice(state, Notice::OfStore(first.clone()));
    }
    state.record.says = sentences;
    Reaction::redraw()
}

/// The record could not be read or written.
pub(crate) fn failed(state: &mut State, request: Option<u64>, why: String) -> Reaction {
    state.record.failed = Some(state.now);
    if let Some(request) = request {
        undone(state, request);
    }
    if request.is_some() && state.record.reads_back == request {
        state.record.reads_back = None;
    }
    if request.is_some() && state.record.taking == request {
        state.record.taking = None;
        notice(state, Notice::NoRecord(why.clone()));
    }
    if state.dora.is_none() && matches!(state.ui.overlay, Overlay::Dora(_)) {
        state.dora = Some(Err(why.clone()));
    }
    state.record.problem = Some(why);
    if request.is_none() && state.follow.host.is_some() {
        // What a recorder reads comes through the store too: without it somebody has to ask.
        return follow::followed(state, None);
    }
    Reaction::redraw()
}

/// From now on this incident goes on. What the journal of another one says of the state of things is not said in this.
fn goes_on(state: &mut State, incident: Option<Incident>) {
    let id = |i: &Incident| i.id.clone();
    if incident.as_ref().map(id) != state.record.incident.as_ref().map(id) {
        state.record.told.clear();
    }
    state.record.last = incident.as_ref().map(id).or(state.record.last.take());
    state.record.incident = incident;
}

/// The record was read.
pub(crate) fn read(
    state: &mut State,
    incident: Option<Incident>,
    entries: &[journal::Entry],
    deploys: Vec<Deploy>,
    scribe: Scribe,
    ended: Option<Millis>,
    last: Option<String>,
) -> Reaction {
    state.record.problem = None;
    state.record.gone = None;
    state.record.failed = None;
    state.record.heard = true;
    state.record.scribe = scribe;
    state.record.ended = ended;
    state.record.last = last.or(state.record.last.take());
    for deploy in state.context.deployed(deploys) {
        let (at, by) = (deploy.at, deploy.by.clone());
        if !state.timeline.newest().any(|e| e.what == Fact::Deployed { deploy: deploy.clone() }) {
            let what = Fact::Deployed { deploy };
            state.timeline.put(Entry::new(at, what, by));
        }
    }
    classify::judge(state);
    if incident.is_some() && state.record.incident.is_none() {
        // Whoever declared it knew of this level.
        state.record.judged.get_or_insert(state.verdict.level);
    }
    goes_on(state, incident);
    if let Some(id) = state.record.incident.as_ref().map(|i| i.id.clone())
        && state.record.read_to.as_ref().is_none_or(|(of, _)| *of != id)
    {
        // The first page of it: what lies before its oldest entry is read when somebody scrolls back.
        let oldest = entries.iter().filter(|e| e.incident == id).map(|e| (e.at, e.seq)).min();
        state.record.read_to = oldest.map(|place| (id, place));
    }
    for entry in entries {
        keep(state, entry);
    }
    Reaction::redraw()
}

/// Asks for older entries when a person comes near the end of what is here.
pub(crate) fn read_back(state: &mut State, selected: usize) -> Option<Effect> {
    let incident = state.record.incident.as_ref()?.id.clone();
    let all_here = state.record.from_first.as_ref() == Some(&incident) || state.timeline.is_full();
    let near = selected + NEAR_THE_END >= state.timeline.len();
    if all_here || !near || state.record.reads_back.is_some() || state.record.desk.is_none() {
        return None;
    }
    let (_, before) = state.record.read_to.clone().filter(|(of, _)| *of == incident)?;
    let request = state.record.order();
    state.record.reads_back = Some(request);
    Some(Effect::Record(request, RecordOrder::Older { incident, before }))
}

/// Older entries were read; none is the end.
pub(crate) fn older(state: &mut State, request: u64, incident: String, entries: &[journal::Entry]) -> Reaction {
    if state.record.reads_back.take_if(|n| *n == request).is_none() {
        return Reaction::none();
    }
    match entries.iter().map(|e| (e.at, e.seq)).min() {
        Some(place) => state.record.read_to = Some((incident, place)),
        None => state.record.from_first = Some(incident),
    }
    for entry in entries {
        keep(state, entry);
    }
    Reaction::redraw()
}

/// An order was carried out.
pub(crate) fn recorded(
    state: &mut State,
    request: u64,
    incident: &Incident,
    entries: &[journal::Entry],
    opened: bool,
) -> Reaction {
    state.record.problem = None;
    state.record.gone = None;
    state.record.failed = None;
    if state.record.under_way == Some(request) {
        state.record.under_way = None;
    }
    let newer = state.record.incident.as_ref().is_none_or(|i| i.id != incident.id || i.last_seq < incident.last_seq);
    if newer && incident.open() {
        goes_on(state, Some(incident.clone()));
    }
    for entry in entries {
        keep(state, entry);
    }
    for entry in state.timeline.all_mut() {
        // What was there already was written by an order whose answer was lost.
        if entry.kept == Kept::Saving(request) {
            entry.kept = Kept::Elsewhere;
        }
    }
    state.timeline.let_go();
    if state.record.taking == Some(request) {
        state.record.taking = None;
        state.record.judged.get_or_insert(state.verdict.level);
        let mine = incident.owner() == Some(&state.settings.operator);
        let id = incident.id.clone();
        notice(
            state,
            match (opened, mine) {
                (true, _) => Notice::Opened(id),
                (false, true) => Notice::Joined(id),
                (false, false) => Notice::Helping(id, incident.owner().unwrap_or_default().to_owned()),
            },
        );
    }
    let waits = |e: &Entry| e.what.by_person() && matches!(e.kept, Kept::Here | Kept::Saving(_));
    if state.record.written && state.record.unfinished.is_empty() && !state.timeline.all().any(waits) {
        // Only now is the draft of no use any more.
        state.record.written = false;
        return Reaction::with(Effect::Record(0, RecordOrder::Unfinished(String::new())));
    }
    Reaction::redraw()
}

/// Puts an entry of the journal into the timeline, or in the place of the one that it was made of.
fn keep(state: &mut State, entry: &journal::Entry) {
    let by = if entry.fact.by_person() || entry.who == RULES { entry.who.clone() } else { String::new() };
    let kept = Kept::Saved(entry.incident.clone(), entry.seq);
    let of_this = state.record.incident.as_ref().is_some_and(|i| i.id == entry.incident);
    let tells = if of_this { entry.fact.tells(entry.at) } else { Vec::new() };
    state.timeline.told(entry.at, &tells, SAME);
    for (thing, is) in tells {
        let told = state.record.told.entry(thing).or_insert_with(|| (entry.seq, is.clone()));
        if told.0 <= entry.seq {
            *told = (entry.seq, is);
        }
    }
    let (id, moment) = (entry.id.clone(), entry.moment.clone());
    let whole = Entry { id, moment, kept, ..Entry::new(entry.at, entry.fact.clone(), by) };
    if let Some(known) = state.timeline.find_mut(entry.at, &entry.id) {
        *known = Entry { nr: known.nr, ..whole };
    } else {
        state.timeline.put(whole);
    }
}

/// Is this to be written down still? What cabina says of itself is not, nor what a machine saw long before.
pub(crate) fn is_due(entry: &Entry, from: Millis) -> bool {
    let about_here =
        matches!(entry.what, Fact::Opened | Fact::Reloaded | Fact::NextStart { .. } | Fact::ReloadFailed { .. });
    entry.kept == Kept::Here && !about_here && (words(&entry.what) || entry.at >= from)
}

/// What somebody wrote for an incident; deploys, silences and runs are told without one too.
pub(crate) fn words(fact: &Fact) -> bool {
    let told_anyway = matches!(
        fact,
        Fact::Deployed { .. }
            | Fact::WindowEnded { .. }
            | Fact::WindowWithdrawn { .. }
            | Fact::OldSideFree { .. }
            | Fact::Silenced { .. }
            | Fact::KnownBad { .. }
            | Fact::RunBegan { .. }
            | Fact::StepBegan { .. }
            | Fact::StepEnded { .. }
            | Fact::RunSaid { .. }
            | Fact::RunEnded { .. }
    );
    fact.by_person() && !told_anyway
}

/// Once every source has answered, what is seen is news.
fn settle(state: &mut State) {
    if state.record.settles.is_none() && (!state.reading() || state.now.since(state.started) >= SETTLES_ANYWAY) {
        let now = state.now;
        state.record.settles = Some(Stamp { mono: now.mono + SETTLES, wall: now.wall + SETTLES });
    }
}

/// What is to be written down now: what machines saw, by the scribe; what people did here, by whoever they did it at.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    settle(state);
    let writes = matches!(state.mode, Mode::Cockpit | Mode::Record | Mode::Walk)
        && state.record.desk.is_some()
        && !state.settings.read_only;
    let rests = state.record.failed.is_some_and(|at| state.now.since(at) < AGAIN);
    let Some(incident) = state.record.incident.clone().filter(|_| writes) else {
        return Vec::new();
    };
    if rests || state.record.under_way.is_some() {
        return Vec::new();
    }
    raise(state, &incident);
    let (from, now) = (incident.opened_at - BEFORE, state.now.wall);
    let whose = state.record.scribe;
    let scribe = whose == Scribe::Here;
    // Looking through a long journal at every event would cost more than all else.
    if state.timeline.unsettled && !state.timeline.all().any(|e| is_due(e, from)) {
        state.timeline.unsettled = false;
    }
    if !state.timeline.unsettled {
        return Vec::new();
    }
    let request = state.record.order();
    let host = state.record.desk.as_ref().map(|d| d.host.clone()).unwrap_or_default();
    let mut chosen: Vec<Draft> = Vec::new();
    let told = if whose == Scribe::Elsewhere { state.record.told.clone() } else { BTreeMap::new() };
    let settles = state.record.settles.filter(|at| at.mono <= state.now.mono);
    let settled = settles.is_some();
    let known = match settles {
        Some(at) if scribe => known_already(state, from, at.wall),
        _ => Vec::new(),
    };
    for (i, entry) in state.timeline.all_mut().enumerate() {
        if !is_due(entry, from) || chosen.len() >= BATCH {
            continue;
        }
        if known.get(i).is_some_and(|known| *known) {
            entry.kept = Kept::Elsewhere;
        } else if (scribe && settled) || entry.what.happened_here() {
            entry.kept = Kept::Saving(request);
            entry.id = match entry.what.entry_of(&incident.id) {
                // Whoever marked it may have written it down already.
                Some(id) => id,
                None if entry.id.is_empty() => state.record.id(),
                None => entry.id.clone(),
            };
            let who = match &entry.what {
                Fact::Silenced { by, .. } | Fact::KnownBad { by, .. } => by.clone(),
                Fact::SilenceFailed { .. } => state.settings.operator.clone(),
                _ if entry.by.is_empty() => RULES.to_owned(),
                _ => entry.by.clone(),
            };
            let draft = Draft::new(entry.at, &who, &host, entry.what.clone());
            chosen.push(Draft { id: entry.id.clone(), moment: entry.moment.clone(), ..draft });
        } else if whose == Scribe::Elsewhere && now - entry.at > SCRIBE_TAKES {
            // What the journal does not say was seen from here alone; it stays in sight.
            let said = |(thing, is): &(String, String)| told.get(thing).is_some_and(|(_, told)| told == is);
            let tells = entry.what.tells(entry.at);
            entry.kept = if !tells.is_empty() && tells.iter().all(said) { Kept::Elsewhere } else { Kept::Own };
        }
    }
    state.timeline.let_go();
    if chosen.is_empty() {
        return Vec::new();
    }
    state.record.under_way = Some(request);
    vec![Effect::Record(request, RecordOrder::Append { incident: incident.id, drafts: chosen })]
}

/// What a machine saw here and the journal says already. At the start only what it came to counts: OK, SEV3, SEV1 one
/// after the other is how long it took to look.
fn known_already(state: &State, from: Millis, settled: Millis) -> Vec<bool> {
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let waiting = |e: &&Entry| e.kept == Kept::Here && e.at >= from;
    for entry in state.timeline.all().filter(waiting).filter(|e| e.at < settled) {
        last.extend(entry.what.tells(entry.at));
    }
    let mut told: BTreeMap<String, String> =
        state.record.told.iter().map(|(thing, (_, is))| (thing.clone(), is.clone())).collect();
    let mut is_told = |entry: &Entry| {
        let tells = entry.what.tells(entry.at);
        let first = entry.at < settled;
        let same = |(thing, is): &(String, String)| {
            let is = if first { last.get(thing).unwrap_or(is) } else { is };
            told.get(thing) == Some(is)
        };
        let same = !tells.is_empty() && tells.iter().all(same);
        if !first {
            told.extend(tells);
        }
        same
    };
    state.timeline.all().map(|e| waiting(&e) && is_told(e)).collect()
}

/// Rules raise the declared level when they rise themselves; only a person lowers it. It stands in the timeline until it
/// is written: what fails is tried again.
fn raise(state: &mut State, incident: &Incident) {
    let level = state.verdict.level;
    let declared = if incident.level == Level::Unknown { Level::Ok } else { incident.level };
    if state.record.scribe != Scribe::Here {
        // Another one raises it. Should that one be gone before it did, what it left undone is a rise for the next.
        if level <= declared || state.record.judged.is_none() {
            state.record.judged = Some(level);
        }
        return;
    }
    let Some(before) = state.record.judged.replace(level) else { return };
    if level > before && level > declared && level != Level::Unknown {
        let (at, what) = (state.now.wall, Fact::Declared { level, reason: String::new() });
        let by = RULES.to_owned();
        state.timeline.put(Entry::new(at, what, by));
    }
}
