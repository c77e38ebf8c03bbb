//! What each command does to the state, and what it asks of the world.

use nucleo_matcher::Config;
use nucleo_matcher::Matcher;
use nucleo_matcher::pattern::AtomKind;
use nucleo_matcher::pattern::CaseMatching;
use nucleo_matcher::pattern::Normalization;
use nucleo_matcher::pattern::Pattern;

use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::prompt::Prompt;
use crate::engine::sentence::sentence;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::words;
use crate::input::command::Command;
use crate::lang::Lang;
use crate::layout::Pane;
use crate::model::health::Check;
use crate::model::health::Status;

/// Lines that `PgUp` and `PgDn` move by; the view does not tell the engine how tall a pane is.
const PAGE: usize = 10;

pub(crate) fn run(state: &mut State, command: Command) -> Reaction {
    match command {
        Command::Up => step(state, |at| at.saturating_sub(1)),
        Command::Down => step(state, |at| at + 1),
        Command::PageUp => step(state, |at| at.saturating_sub(PAGE)),
        Command::PageDown => step(state, |at| at + PAGE),
        Command::First => step(state, |_| 0),
        Command::Last => step(state, |_| usize::MAX - 1),
        Command::NextPane => focus(state, Pane::next),
        Command::PreviousPane => focus(state, Pane::previous),
        Command::Pane(n) => focus(state, |now| Pane::numbered(n).unwrap_or(now)),
        Command::Zoom => {
            state.ui.zoom = !state.ui.zoom;
            Reaction::redraw()
        }
        Command::Open => show(state, Overlay::Detail(0)),
        Command::Help => show(state, Overlay::Help(0)),
        Command::Severity => show(state, Overlay::Severity(0)),
        Command::Filter => {
            let prompt = Prompt::with(&state.ui.filter);
            show(state, Overlay::Filter(prompt))
        }
        Command::Palette => show(state, Overlay::Palette(Prompt::default(), 0)),
        Command::Back => back(state),
        Command::Freeze => freeze(state),
        Command::PollNow => {
            notice(state, Notice::Polling);
            Reaction::with(Effect::PollNow)
        }
        Command::CountExactly if state.settings.sessions.is_none() => notice(state, Notice::NoSessions),
        Command::CountExactly => {
            notice(state, Notice::Counting);
            Reaction::with(Effect::CountExactly)
        }
        Command::Copy => match copied(state) {
            Some(text) => Reaction::with(Effect::Copy(text)),
            None => notice(state, Notice::NothingToCopy),
        },
        Command::Repaint => Reaction::with(Effect::Repaint),
        Command::Suspend => Reaction { effects: vec![Effect::Suspend], redraw: false },
        Command::CtrlC => notice(state, Notice::CtrlC),
        Command::Quit => Reaction { effects: vec![Effect::Exit(0)], redraw: false },
    }
}

/// Says a sentence in the last line until the next key.
pub(crate) fn notice(state: &mut State, notice: Notice) -> Reaction {
    state.ui.notice = Some((notice, state.now));
    Reaction::redraw()
}

fn show(state: &mut State, overlay: Overlay) -> Reaction {
    state.ui.overlay = overlay;
    Reaction::redraw()
}

fn back(state: &mut State) -> Reaction {
    if state.ui.overlay != Overlay::None {
        state.ui.overlay = Overlay::None;
    } else if !state.ui.filter.is_empty() {
        state.ui.filter.clear();
    } else if state.ui.zoom {
        state.ui.zoom = false;
    } else if state.ui.frozen.is_some() {
        state.ui.frozen = None;
    } else {
        state.ui.focus = Pane::default();
    }
    Reaction::redraw()
}

fn freeze(state: &mut State) -> Reaction {
    state.ui.frozen = match state.ui.frozen.take() {
        Some(_) => None,
        None => Some(Box::new(state.clone())),
    };
    Reaction::redraw()
}

fn focus(state: &mut State, to: impl Fn(Pane) -> Pane) -> Reaction {
    state.ui.focus = to(state.ui.focus);
    state.ui.filter.clear();
    Reaction::redraw()
}

fn step(state: &mut State, to: impl Fn(usize) -> usize) -> Reaction {
    match &mut state.ui.overlay {
        // The view clamps to the page's length; what is beyond any page is pulled back here.
        Overlay::Help(at) | Overlay::Severity(at) | Overlay::Detail(at) => *at = to(*at).min(500),
        _ => {
            let most = lines(state, state.ui.focus).saturating_sub(1);
            let at = &mut state.ui.selected[state.ui.focus.index()];
            *at = to((*at).min(most)).min(most);
        }
    }
    Reaction::redraw()
}

/// How many lines a pane's list has, after the filter.
#[must_use]
pub(crate) fn lines(state: &State, pane: Pane) -> usize {
    let shown = state.shown();
    match pane {
        Pane::Health => visible_checks(state).len(),
        Pane::Signals => visible_signals(state).len(),
        Pane::Todo => shown.settings.contacts.len(),
        Pane::Facts => visible_facts(state).len(),
        Pane::Sessions | Pane::Failures | Pane::Latency => 0,
    }
}

/// Does a text match the filter? Letters without their accents, anywhere.
fn matches(matcher: &mut Matcher, pattern: &Pattern, text: &str) -> bool {
    let mut buf = Vec::new();
    pattern.score(nucleo_matcher::Utf32Str::new(text, &mut buf), matcher).is_some()
}

fn substring(text: &str) -> Pattern {
    Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring)
}

/// Places of the checks that the filter lets through. What is not up is never hidden.
#[must_use]
pub fn visible_checks(state: &State) -> Vec<usize> {
    let hidden = |c: &Check, m: &mut Matcher, p: &Pattern| c.shown() == Status::Up && !matches(m, p, &c.name);
    filtered(state, Pane::Health, state.shown().checks.all.len(), |i, m, p| !hidden(&state.shown().checks.all[i], m, p))
}

/// Places of the signals that the filter lets through. What is in a finding is never hidden.
#[must_use]
pub fn visible_signals(state: &State) -> Vec<usize> {
    let shown = state.shown();
    filtered(state, Pane::Signals, shown.signals.all.len(), |i, m, p| {
        let name = &shown.signals.all[i].spec.name;
        shown.verdict.findings.iter().any(|f| f.subject == *name) || matches(m, p, name)
    })
}

/// Places of the timeline entries that the filter lets through, newest first.
#[must_use]
pub fn visible_facts(state: &State) -> Vec<usize> {
    let shown = state.shown();
    let texts: Vec<String> = if filter_of(state, Pane::Facts).is_empty() {
        Vec::new()
    } else {
        shown.timeline.newest().map(|e| e.words(shown.settings.lang)).collect()
    };
    filtered(state, Pane::Facts, shown.timeline.len(), |i, m, p| texts.get(i).is_some_and(|t| matches(m, p, t)))
}

/// The filter, if it belongs to this pane.
#[must_use]
pub fn filter_of(state: &State, pane: Pane) -> &str {
    if state.ui.focus == pane { &state.ui.filter } else { "" }
}

fn filtered(state: &State, pane: Pane, n: usize, keep: impl Fn(usize, &mut Matcher, &Pattern) -> bool) -> Vec<usize> {
    let filter = filter_of(state, pane);
    if filter.is_empty() {
        return (0..n).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = substring(filter);
    (0..n).filter(|i| keep(*i, &mut matcher, &pattern)).collect()
}

/// Commands that fit what was typed, best first.
#[must_use]
pub fn matching(lang: Lang, typed: &str) -> Vec<Command> {
    let mut matcher = Matcher::new(Config::DEFAULT);
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

/// The text of the selected line.
fn copied(state: &State) -> Option<String> {
    let shown = state.shown();
    let lang = shown.settings.lang;
    let at = state.ui.selected[state.ui.focus.index()];
    match state.ui.focus {
        Pane::Todo => shown.settings.contacts.get(at).map(|c| c.how.clone()),
        Pane::Facts => {
            let i = *visible_facts(state).get(at)?;
            shown.timeline.newest().nth(i).map(|e| format!("{} {}", crate::model::time::rfc3339(e.at), e.words(lang)))
        }
        Pane::Health => {
            let i = *visible_checks(state).get(at)?;
            let c = shown.checks.all.get(i)?;
            Some(format!("{}: {}, {}", c.name, words::status(lang, c.shown()), words::check_detail(lang, c)))
        }
        Pane::Failures | Pane::Latency | Pane::Sessions | Pane::Signals => {
            shown.verdict.findings.first().map(|f| format!("{}: {}", f.level.word(), sentence(lang, f)))
        }
    }
}
