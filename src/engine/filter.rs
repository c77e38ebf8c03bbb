//! What the filter lets through, in each list. It says how many it hides, and never hides what is down.

use std::collections::HashSet;
use std::sync::Arc;

use nucleo_matcher::Config;
use nucleo_matcher::Matcher as Fuzzy;
use nucleo_matcher::pattern::AtomKind;
use nucleo_matcher::pattern::CaseMatching;
use nucleo_matcher::pattern::Normalization;
use nucleo_matcher::pattern::Pattern;

use crate::engine::alerts::Fold;
use crate::engine::annotations::Annotations;
use crate::engine::annotations::is_annotation;
use crate::engine::silence;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::words;
use crate::input::command::Command;
use crate::lang::Lang;
use crate::layout::Pane;
use crate::model::alert::Alert;
use crate::model::health::Check;
use crate::model::health::Status;
use crate::model::matcher;
use crate::model::matcher::Matcher;

/// The filter as matchers, where it is one.
pub(crate) fn filter_matchers(state: &State) -> Vec<Matcher> {
    let filter = filter_of(state, Pane::Alerts);
    if filter.contains('=') || filter.contains('~') { matcher::parse(filter).unwrap_or_default() } else { Vec::new() }
}

/// Places of the folds of alerts that the filter lets through: a text, or matchers such as `severity="critical"`.
#[must_use]
pub fn visible_alerts(state: &State) -> Vec<usize> {
    let alerts = &state.shown().alerts;
    let typed = filter_matchers(state);
    if !typed.is_empty() {
        let matching: HashSet<String> = silence::holding(&typed, &alerts.all).map(Alert::fingerprint).collect();
        let any = |f: &Fold| f.members.iter().any(|i| matching.contains(&alerts.all[*i].fingerprint()));
        return alerts.folds.iter().enumerate().filter(|(_, f)| any(f)).map(|(i, _)| i).collect();
    }
    filtered(state, Pane::Alerts, alerts.folds.len(), |i, m, p| {
        let fold = &alerts.folds[i];
        let labels = |i: &usize| alerts.all[*i].labels.values().any(|v| matches(m, p, v));
        fold.members.iter().any(labels)
    })
}

/// Does a text match the filter? Letters without their accents, anywhere.
fn matches(matcher: &mut Fuzzy, pattern: &Pattern, text: &str) -> bool {
    let mut buf = Vec::new();
    pattern.score(nucleo_matcher::Utf32Str::new(text, &mut buf), matcher).is_some()
}

fn substring(text: &str) -> Pattern {
    Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring)
}

/// Places of the checks that the filter lets through. What is not up is never hidden.
#[must_use]
pub fn visible_checks(state: &State) -> Vec<usize> {
    let hidden = |c: &Check, m: &mut Fuzzy, p: &Pattern| c.shown() == Status::Up && !matches(m, p, &c.name);
    filtered(state, Pane::Health, state.shown().checks.all.len(), |i, m, p| !hidden(&state.shown().checks.all[i], m, p))
}

/// Places of the signals that the filter lets through. What is in a finding is never hidden.
#[must_use]
pub fn visible_signals(state: &State) -> Vec<usize> {
    let shown = state.shown();
    let there = |i: &usize| {
        let s = &shown.signals.all[*i];
        !s.spec.optional || s.good.is_some()
    };
    let all = filtered(state, Pane::Signals, shown.signals.all.len(), |i, m, p| {
        let name = &shown.signals.all[i].spec.name;
        shown.verdict.findings.iter().any(|f| f.subject == *name) || matches(m, p, name)
    });
    all.into_iter().filter(there).collect()
}

/// What the filter lets through of the timeline, as it was last looked for, and which of it is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    filter: String,
    version: u64,
    places: Option<Arc<[usize]>>,
    /// How many the filter hides.
    hidden: usize,
    /// The line that was selected when this was looked for.
    line: usize,
    /// The entry that a person has chosen: the selection stays with it, whatever comes in.
    chosen: Option<u64>,
}

/// Looks again where something has changed: a journal may be long, and a frame is drawn more often than it grows.
pub(crate) fn refresh(state: &mut State) {
    let (filter, version) = (filter_of(state, Pane::Facts), state.shown().timeline.version());
    let line = state.ui.selected[Pane::Facts.index()];
    let known = &state.ui.found;
    let moved = line != known.line;
    let stands = known.places.is_some() && known.version == version && known.filter == filter;
    if stands && !moved {
        return;
    }
    let mut found = known.clone();
    if moved {
        // The first line is the newest, whatever that is; any other one is an entry that was chosen.
        found.chosen = if line == 0 { None } else { nr_at(state, line) };
    }
    if !stands {
        let filter = filter.to_owned();
        let (places, hidden) = look(state);
        found = Found { filter, version, places: Some(places), hidden, ..found };
    }
    let places = found.places.clone().unwrap_or_default();
    let nr = |i: &usize| state.shown().timeline.at(*i).map(|e| e.nr);
    let stays = found.chosen.and_then(|chosen| places.iter().position(|i| nr(i) == Some(chosen)));
    found.line = stays.unwrap_or(line).min(places.len().saturating_sub(1));
    if stays.is_none() {
        found.chosen = None;
    }
    state.ui.selected[Pane::Facts.index()] = found.line;
    state.ui.found = found;
}

/// Chooses the selected entry of the timeline: what is said about it next is said about this one.
pub(crate) fn choose(state: &mut State) {
    let line = state.ui.selected[Pane::Facts.index()];
    state.ui.found.chosen = nr_at(state, line);
}

fn nr_at(state: &State, line: usize) -> Option<u64> {
    let place = *visible_facts(state).get(line)?;
    state.shown().timeline.at(place).map(|e| e.nr)
}

/// Places of the timeline entries that the filter lets through, newest first, what is pinned before the rest. An entry
/// is found by who said it, what kind it is, its words and its tags.
#[must_use]
pub fn visible_facts(state: &State) -> Arc<[usize]> {
    match current(state) {
        Some(found) => found.places.clone().unwrap_or_default(),
        None => look(state).0,
    }
}

/// How many entries the filter hides.
#[must_use]
pub fn hidden_facts(state: &State) -> usize {
    current(state).map_or_else(|| look(state).1, |found| found.hidden)
}

fn current(state: &State) -> Option<&Found> {
    let known = &state.ui.found;
    let current = known.version == state.shown().timeline.version() && known.filter == filter_of(state, Pane::Facts);
    Some(known).filter(|_| current && known.places.is_some())
}

fn look(state: &State) -> (Arc<[usize]>, usize) {
    let shown = state.shown();
    let (lang, zone) = (shown.settings.lang, shown.settings.zone);
    let filter = filter_of(state, Pane::Facts);
    let said = Annotations::of(shown);
    // What only says something about another entry shows there.
    let entries = || shown.timeline.newest().enumerate().filter(|(_, e)| !is_annotation(&e.what));
    let mut hidden = 0;
    let mut places: Vec<usize> = if filter.is_empty() {
        entries().map(|(i, _)| i).collect()
    } else {
        let (mut matcher, pattern) = (Fuzzy::new(Config::DEFAULT), substring(filter));
        let mut found = |e: &Entry| {
            let (kind, words) = (words::fact_kind(lang, &e.what), said.words(shown, e, lang, zone));
            let good = matches(&mut matcher, &pattern, &format!("{} {kind} {words}", e.who(lang)));
            hidden += usize::from(!good);
            good
        };
        entries().filter(|(_, e)| found(e)).map(|(i, _)| i).collect()
    };
    if said.any_pinned() {
        let on_top: HashSet<usize> = entries().filter(|(_, e)| said.pinned(e)).map(|(i, _)| i).collect();
        places.sort_by_key(|i| !on_top.contains(i));
    }
    (places.into(), hidden)
}

/// The filter, if it belongs to this pane.
#[must_use]
pub fn filter_of(state: &State, pane: Pane) -> &str {
    if state.ui.focus == pane { &state.ui.filter } else { "" }
}

fn filtered(state: &State, pane: Pane, n: usize, keep: impl Fn(usize, &mut Fuzzy, &Pattern) -> bool) -> Vec<usize> {
    let filter = filter_of(state, pane);
    if filter.is_empty() {
        return (0..n).collect();
    }
    let mut matcher = Fuzzy::new(Config::DEFAULT);
    let pattern = substring(filter);
    (0..n).filter(|i| keep(*i, &mut matcher, &pattern)).collect()
}

/// Commands that fit what was typed, best first.
#[must_use]
pub fn matching(lang: Lang, typed: &str) -> Vec<Command> {
    let mut matcher = Fuzzy::new(Config::DEFAULT);
    let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut scored: Vec<(u32, Command)> = Command::TYPED
        .iter()
        .filter_map(|c| {
            let mut buf = Vec::new();
            let name = c.name(lang);
            let score = pattern.score(nucleo_matcher::Utf32Str::new(&name, &mut buf), &mut matcher)?;
            Some((score, *c))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, c)| c).collect()
}
