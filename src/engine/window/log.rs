//! The deployment log as it was read: what others watch, what came of it, and whether it still holds.

use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::record::Scribe;
use crate::engine::sentence::sentence;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::window;
use crate::engine::window::pane;
use crate::engine::window::subjects::GROWTH;
use crate::engine::words;
use crate::model::fact::Fact;
use crate::model::incident::RULES;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::watch::Ended;
use crate::model::watch::Watch;
use crate::model::watch::Withdrawn;
use crate::model::window::Verdict;

/// An order that was not carried out is given again after so long.
const AGAIN: Millis = 10 * SECOND;
/// "It may go now" is news for so long.
const NEWS: Millis = 5 * MINUTE;

/// The log was read.
pub(crate) fn read(state: &mut State, watches: Vec<Watch>) -> Reaction {
    for watch in &watches {
        let ended = watch.ended_fact().map(|f| (f, watch.by.clone()));
        let withdrawn = watch.withdrawn_fact().map(|f| (f, RULES.to_owned()));
        for ((at, what), by) in ended.into_iter().chain(withdrawn) {
            put(state, at, what, by);
        }
        // What others took back of a window from here is taken back here.
        if let Some(own) = state.window.as_mut().filter(|w| w.watch.id == watch.id && w.watch.withdrawn.is_none()) {
            own.watch.withdrawn.clone_from(&watch.withdrawn);
        }
    }
    let said = |id: &String| watches.iter().any(|w| w.id == *id && w.withdrawn.is_some());
    state.withdrawing.take_if(|(_, id, _)| said(id));
    state.watches = watches;
    if let Some((_, id, withdrawn)) = state.withdrawing.clone() {
        // What is on its way is not unsaid meanwhile.
        for watch in state.watches.iter_mut().filter(|w| w.id == id) {
            watch.withdrawn = Some(withdrawn.clone());
        }
    }
    Reaction::redraw()
}

fn put(state: &mut State, at: Millis, what: Fact, by: String) {
    if !state.timeline.newest().any(|e| e.what == what) {
        state.timeline.put(Entry::new(at, what, by));
    }
}

/// Every window that is known, newest last; the one that is counted here as it is known here.
#[must_use]
pub fn known(state: &State) -> Vec<&Watch> {
    let own = state.window.as_ref().map(|w| &w.watch);
    let others = state.watches.iter().filter(|w| own.is_none_or(|o| o.id != w.id));
    let mut all: Vec<&Watch> = others.chain(own).collect();
    all.sort_by_key(|w| w.window.from);
    all
}

/// What the newest window says of a deploy.
#[must_use]
pub fn of_deploy<'a>(state: &'a State, deploy: &str) -> Option<&'a Watch> {
    known(state).into_iter().rev().find(|w| w.deploy.as_deref() == Some(deploy))
}

/// Until when there is a way back from what a window is about.
#[must_use]
pub fn old_until(state: &State, watch: &Watch) -> Millis {
    let marked = || {
        let deploy = state.context.deploys.iter().find(|d| Some(&d.id) == watch.deploy.as_ref())?;
        deploy.old_until
    };
    watch.old_until.or_else(marked).unwrap_or(watch.window.from + state.settings.window.keep_old)
}

/// What is to become of the side that ran before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSide {
    /// It is kept until then.
    Kept(Millis),
    /// Nothing speaks against letting it go.
    MayGo,
    /// It is the way back, and may be needed.
    Stays,
}

/// What is to become of the side that ran before.
#[must_use]
pub fn old_side(state: &State, watch: &Watch) -> OldSide {
    let until = old_until(state, watch);
    let passed = watch.ended.is_some() && watch.stands(state.now.wall) == Verdict::Pass && watch.withdrawn.is_none();
    match () {
        () if pane::wants_back(state, watch) => OldSide::Stays,
        () if state.now.wall < until => OldSide::Kept(until),
        () if passed && state.verdict.level < Level::Unknown => OldSide::MayGo,
        () => OldSide::Stays,
    }
}

/// What began after a change and is bad enough to take back what was said of it: SEV2 and worse, and warnings about what
/// the window had judged.
fn trouble<'a>(state: &'a State, watch: &Watch) -> Option<&'a Finding> {
    let table = state.settings.sessions.as_ref().map(|s| s.table.as_str());
    let about = |name: &str, f: &Finding| name == f.subject || name == GROWTH && table == Some(f.subject.as_str());
    let judged = |f: &Finding| watch.signals.iter().any(|j| about(&j.name, f));
    state.verdict.findings.iter().find(|f| {
        let bad = f.level >= Level::Sev2 || f.level == Level::Sev3 && judged(f);
        bad && f.since >= watch.window.from
    })
}

/// What was taken back is given again until the log says so.
fn again(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let Some((at, watch, withdrawn)) = &mut state.withdrawing else { return Vec::new() };
    if now.since(*at) < AGAIN {
        return Vec::new();
    }
    *at = now;
    vec![Effect::Record(0, RecordOrder::Withdraw { watch: watch.clone(), withdrawn: withdrawn.clone() })]
}

/// What is said of windows that are over: that one does not hold any more, that an old side may go.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    let tells = matches!(state.mode, Mode::Cockpit | Mode::Record) && !state.reading();
    if !tells || state.follow.catching_up {
        return Vec::new();
    }
    let now = state.now.wall;
    let passed =
        |w: &&Watch| matches!(w.ended, Some((Ended::Over, _))) && w.verdict == Verdict::Pass && w.withdrawn.is_none();
    // What was opened afterwards about the same takes nothing back; another deploy does.
    let all = known(state).into_iter().rev();
    let Some(watch) = all.filter(passed).find(|w| !pane::superseded(state, w)).cloned() else { return again(state) };
    let until = old_until(state, &watch);
    if now >= until {
        if now - until < NEWS && old_side(state, &watch) == OldSide::MayGo {
            let version = watch.window.version.clone();
            put(state, until, Fact::OldSideFree { version }, RULES.to_owned());
        }
        return again(state);
    }
    let Some(finding) = trouble(state, &watch).cloned() else { return again(state) };
    // Of several cabinas the scribe does it; the others hear of it. Without a record it is at least said here.
    let alone = state.record.problem.is_some() || state.settings.read_only;
    if state.record.scribe != Scribe::Here && !alone {
        return Vec::new();
    }
    let withdrawn = Withdrawn { at: now, finding: Some(finding.clone()) };
    let own = state.window.as_mut().map(|w| &mut w.watch);
    for known in state.watches.iter_mut().chain(own).filter(|w| w.id == watch.id) {
        known.withdrawn = Some(withdrawn.clone());
    }
    let watch = Watch { withdrawn: Some(withdrawn.clone()), ..watch };
    if let Some((at, what)) = watch.withdrawn_fact() {
        put(state, at, what, RULES.to_owned());
    }
    state.withdrawing = Some((state.now, watch.id.clone(), withdrawn.clone()));
    if state.settings.read_only {
        return Vec::new();
    }
    let mut effects = vec![Effect::Record(0, RecordOrder::Withdraw { watch: watch.id.clone(), withdrawn })];
    if state.verdict.level >= Level::Sev2 {
        let lang = state.settings.lang;
        let why = sentence(lang, &finding);
        let title = lang.window_incident_withdrawn(words::version(lang, &watch.window.version), why);
        let host = state.record.desk.as_ref().map(|d| d.host.clone()).unwrap_or_default();
        effects.extend(window::incident(state, title, finding.since, RULES, &host));
    }
    effects
}
