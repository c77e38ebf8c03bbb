//! What the filter lets through, in each list. It says how many it hides, and never hides what is down.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use nucleo_matcher::Config;
use nucleo_matcher::Matcher as Fuzzy;
use nucleo_matcher::pattern::AtomKind;
use nucleo_matcher::pattern::CaseMatching;
use nucleo_matcher::pattern::Normalization;
use nucleo_matcher::pattern::Pattern;

use crate::engine::alerts::Fold;
use crate::engine::silence;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::words;
use crate::input::command::Command;
use crate::lang::Lang;
use crate::layout::Pane;
use crate::model::alert::Alert;
use crate::model::fact::Fact;
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

/// What the filter lets through of the timeline, as it was last looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    filter: String,
    version: u64,
    places: Option<Arc<[usize]>>,
}

/// Looks again where something has changed: a journal may be long, and a frame is drawn more often than it grows.
pub(crate) fn refresh(state: &mut State) {
    let (filter, version) = (filter_of(state, Pane::Facts), state.shown().timeline.version());
    let known = &state.ui.found;
    if known.places.is_none() || known.version != version || known.filter != filter {
        let (filter, places) = (filter.to_owned(), Some(look(state)));
        state.ui.found = Found { filter, version, places };
    }
}

/// Places of the timeline entries that the filter lets through, newest first, what is pinned before the rest. An entry
/// is found by who said it, what kind it is, its words and its tags.
#[must_use]
pub fn visible_facts(state: &State) -> Arc<[usize]> {
    let known = &state.ui.found;
    let current = known.version == state.shown().timeline.version() && known.filter == filter_of(state, Pane::Facts);
    match &known.places {
        Some(places) if current => Arc::clone(places),
        _ => look(state),
    }
}

fn look(state: &State) -> Arc<[usize]> {
    let shown = state.shown();
    let (lang, zone) = (shown.settings.lang, shown.settings.zone);
    let filter = filter_of(state, Pane::Facts);
    let mut places: Vec<usize> = if filter.is_empty() {
        (0..shown.timeline.len()).collect()
    } else {
        let tags = tags(shown);
        let (mut matcher, pattern) = (Fuzzy::new(Config::DEFAULT), substring(filter));
        let mut found = |e: &Entry| {
            let of = e.place().and_then(|at| tags.get(&at)).map_or("", String::as_str);
            let text = format!("{} {} {} {of}", e.who(lang), words::fact_kind(lang, &e.what), e.words(lang, zone));
            matches(&mut matcher, &pattern, &text)
        };
        shown.timeline.newest().enumerate().filter(|(_, e)| found(e)).map(|(i, _)| i).collect()
    };
    let pinned = pinned(shown);
    if !pinned.is_empty() {
        let on_top: HashSet<usize> = shown
            .timeline
            .newest()
            .enumerate()
            .filter(|(_, e)| e.place().is_some_and(|at| pinned.contains(&at)))
            .map(|(i, _)| i)
            .collect();
        places.sort_by_key(|i| !on_top.contains(i));
    }
    places.into()
}

/// The incident that an entry is about: what is not written yet goes into the one that goes on.
pub(crate) fn journal_of<'a>(shown: &'a State, entry: &'a Entry) -> &'a str {
    let current = || shown.record.incident.as_ref().map_or("", |i| i.id.as_str());
    entry.place().map_or_else(current, |(incident, _)| incident)
}

/// Tags by entry, each with a `#` before it; the newest mark holds.
fn tags(shown: &State) -> HashMap<(&str, i64), String> {
    let mut found = HashMap::new();
    if !shown.timeline.marked() {
        return found;
    }
    for entry in shown.timeline.newest() {
        if let Fact::Marked { of, tags, .. } = &entry.what {
            found
                .entry((journal_of(shown, entry), *of))
                .or_insert_with(|| tags.iter().flat_map(|t| ["#", t, " "]).collect());
        }
    }
    found
}

/// Entries that stay in sight; the newest mark holds.
#[must_use]
pub fn pinned(shown: &State) -> HashSet<(&str, i64)> {
    let mut seen = HashSet::new();
    let mut found = HashSet::new();
    if !shown.timeline.marked() {
        return found;
    }
    for entry in shown.timeline.newest() {
        if let Fact::Marked { of, pinned, .. } = &entry.what
            && seen.insert((journal_of(shown, entry), *of))
            && *pinned
        {
            found.insert((journal_of(shown, entry), *of));
        }
    }
    found
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
