//! The library of procedures, and which of them fit what is happening: best first, each with its reason.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;

use nucleo_matcher::Config;
use nucleo_matcher::Matcher;
use nucleo_matcher::Utf32Str;
use nucleo_matcher::pattern::CaseMatching;
use nucleo_matcher::pattern::Normalization;
use nucleo_matcher::pattern::Pattern;

use crate::engine::alerts::Fold;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RunOrder;
use crate::engine::prompt::Prompt;
use crate::engine::run::Link;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::todo;
use crate::engine::todo::Item;
use crate::engine::window::log;
use crate::engine::window::pane;
use crate::engine::words;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::lang::Lang;
use crate::model::alert::Standing;
use crate::model::context::Changed;
use crate::model::exercised::Exercised;
use crate::model::run::What;
use crate::model::runbook::Runbook;
use crate::model::severity::Level;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Span;

/// Procedures that are suggested at once: more is a list, not an advice, and leaves no room for whom to call.
pub const SUGGESTED: usize = 2;

/// A procedure of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    /// What it says.
    pub says: Runbook,
    /// Its file.
    pub path: String,
    /// Days by which its review is overdue.
    pub overdue: Option<i64>,
    /// SHA-256 of the file.
    pub hash: String,
    /// Anybody on the machine may change it.
    pub loose: bool,
}

/// The procedures that are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    /// By their ids.
    pub books: Arc<[Book]>,
    /// Files that are no procedures: their names, and why, in Spanish and in English.
    pub skipped: Arc<[(String, (String, String))]>,
    /// How often each was run, by its id, as far as the record goes.
    pub exercised: Arc<BTreeMap<String, Exercised>>,
}

/// Why a procedure fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The window after this version failed, or its verdict was withdrawn.
    Window(String),
    /// Something changed shortly before it began: back is the safest way.
    Change(String, Millis),
    /// An alert names it.
    Named(String),
    /// It is for an alert that fires.
    Alert(String),
    /// It is for a signal beyond its limit.
    Signal(String),
}

impl Reason {
    /// The reason as a sentence.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::Window(version) => lang.suggest_window(words::version(lang, version)),
            Self::Change(version, ago) => lang.suggest_change(version, Span(ago / MINUTE * MINUTE)),
            Self::Named(alert) => lang.suggest_named(alert),
            Self::Alert(alert) => lang.suggest_alert(alert),
            Self::Signal(name) => lang.suggest_signal(words::signal(lang, name)),
        }
    }
}

/// A procedure that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Its place in the library.
    pub book: usize,
    /// Why.
    pub reason: Reason,
}

/// What fits now, best first; nothing while nothing is wrong.
#[must_use]
pub fn suggested(state: &State) -> Vec<Suggestion> {
    let v = &state.verdict;
    // A window that failed asks for the way back before any rule does, while there is one.
    let failed = pane::shown(state).filter(|w| pane::wants_back(state, w) && state.now.wall < log::old_until(state, w));
    if v.level < Level::Sev3 && failed.is_none() || state.library.books.is_empty() {
        return Vec::new();
    }
    let books = &state.library.books;
    let mut found: Vec<Suggestion> = Vec::new();
    let mut add = |fits: &dyn Fn(&Book) -> bool, reason: &Reason| {
        for (book, _) in books.iter().enumerate().filter(|(_, b)| fits(b)) {
            found.push(Suggestion { book, reason: reason.clone() });
        }
    };
    if let Some(watch) = failed {
        add(&|b| b.says.kind == "rollback", &Reason::Window(watch.window.version.clone()));
    }
    if v.level < Level::Sev3 {
        return once(state, found);
    }
    // A change within the hour before puts the way back first.
    if let Some(change) = state.context.change_before(v.since).filter(|c| v.since - c.at <= HOUR) {
        let version = match &change.what {
            Changed::Deployed { deploy } => Some(deploy.version.clone()),
            Changed::Version { to, .. } => Some(to.clone()),
            Changed::Started { .. } => None,
        };
        if let Some(version) = version {
            add(&|b| b.says.kind == "rollback", &Reason::Change(version, state.now.wall - change.at));
        }
    }
    for alert in state.alerts.all.iter().filter(|a| a.standing == Standing::Firing && !a.runbook.is_empty()) {
        add(&|b| names(&alert.runbook, b), &Reason::Named(alert.name()));
    }
    for finding in &v.findings {
        let subject = if finding.subject == ERROR_RATE_1M { ERROR_RATE } else { &finding.subject };
        let among = |names: &[String]| names.iter().any(|s| s == subject || *s == finding.subject);
        add(&|b| among(&b.says.alerts), &Reason::Alert(finding.subject.clone()));
        add(&|b| among(&b.says.signals), &Reason::Signal(subject.to_owned()));
    }
    let fires =
        |f: &&Fold| f.members.iter().filter_map(|i| state.alerts.all.get(*i)).any(|a| a.standing == Standing::Firing);
    for fold in state.alerts.folds.iter().filter(fires) {
        let listed = |b: &Book| b.says.alerts.contains(&fold.name);
        add(&listed, &Reason::Alert(fold.name.clone()));
    }
    once(state, found)
}

/// What stands in the pane of what to do: the first few.
#[must_use]
pub fn advised(state: &State) -> Vec<Suggestion> {
    let mut all = suggested(state);
    all.truncate(SUGGESTED);
    all
}

/// The procedure that is selected in that pane.
#[must_use]
pub fn chosen(state: &State) -> Option<usize> {
    match todo::selected(state)? {
        Item::Book(suggestion) => Some(suggestion.book),
        _ => None,
    }
}

/// Each procedure once, in the reader's language where it has a twin.
fn once(state: &State, found: Vec<Suggestion>) -> Vec<Suggestion> {
    let books = &state.library.books;
    let own = state.settings.lang.code();
    let mut out: Vec<Suggestion> = Vec::new();
    for suggestion in found {
        let Some(book) = books.get(suggestion.book) else { continue };
        let same = out.iter_mut().find(|s| books.get(s.book).is_some_and(|b| b.says.id == book.says.id));
        match same {
            Some(first) => {
                if book.says.language == own && books.get(first.book).is_some_and(|b| b.says.language != own) {
                    first.book = suggestion.book;
                }
            }
            None => out.push(suggestion),
        }
    }
    out
}

/// Does an address lead to this procedure: by its id, or by its file's name?
fn names(url: &str, book: &Book) -> bool {
    let last = url.trim_end_matches('/').rsplit(['/', '#']).next().unwrap_or_default();
    let last = last.trim_end_matches(".md");
    let file = book.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".md");
    !last.is_empty() && (last.eq_ignore_ascii_case(&book.says.id) || last.eq_ignore_ascii_case(file))
}

/// Places of the procedures that fit what was typed, best first; of all of them, what is suggested comes first.
#[must_use]
pub fn listed(state: &State, typed: &str) -> Vec<usize> {
    let found = searched(&state.library.books, typed, state.settings.lang);
    if !typed.trim().is_empty() {
        return found;
    }
    let first: Vec<usize> = suggested(state).into_iter().map(|s| s.book).collect();
    let rest = found.into_iter().filter(|i| !first.contains(i));
    first.iter().copied().chain(rest).collect()
}

/// Places of the procedures that fit a text, best first, or all in their order; of twins the one in the reader's
/// language, and what has no twin whatever its language.
#[must_use]
pub fn searched(books: &[Book], typed: &str, lang: Lang) -> Vec<usize> {
    let own = lang.code();
    let in_own: HashSet<&str> = books.iter().filter(|b| b.says.language == own).map(|b| b.says.id.as_str()).collect();
    let shown =
        books.iter().enumerate().filter(|(_, b)| b.says.language == own || !in_own.contains(b.says.id.as_str()));
    if typed.trim().is_empty() {
        return shown.map(|(i, _)| i).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut scored: Vec<(u32, usize)> = shown
        .filter_map(|(i, b)| {
            let mut buf = Vec::new();
            let score = pattern.score(Utf32Str::new(&b.searched(), &mut buf), &mut matcher)?;
            Some((score, i))
        })
        .collect();
    scored.sort_by_key(|(score, i)| (std::cmp::Reverse(*score), *i));
    scored.into_iter().map(|(_, i)| i).collect()
}

impl Book {
    /// What it is found by: its id, its title, the problems that it knows.
    fn searched(&self) -> String {
        let troubles = self.says.troubles.iter().map(|t| format!("{} {}", t.title, t.symptoms.join(" ")));
        format!("{} {} {}", self.says.id, self.says.title, troubles.collect::<Vec<_>>().join(" "))
    }
}

/// A key while the library is open.
pub(crate) fn typing(state: &mut State, mut prompt: Prompt, at: usize, chord: Chord) -> Reaction {
    let found = listed(state, prompt.text());
    let last = found.len().saturating_sub(1);
    match chord.code {
        Code::Esc => Reaction::redraw(),
        Code::Enter => match found.get(at.min(last)) {
            Some(book) => show(state, Overlay::Runbook(*book, 0)),
            None => show(state, Overlay::Library(prompt, 0)),
        },
        Code::Down | Code::Tab => show(state, Overlay::Library(prompt, (at + 1).min(last))),
        Code::Up | Code::BackTab => show(state, Overlay::Library(prompt, at.saturating_sub(1))),
        Code::PageDown => show(state, Overlay::Library(prompt, (at + 10).min(last))),
        Code::PageUp => show(state, Overlay::Library(prompt, at.saturating_sub(10))),
        _ => {
            prompt.key(chord);
            show(state, Overlay::Library(prompt, 0))
        }
    }
}

/// The library was read.
pub(crate) fn read(state: &mut State, books: Arc<[Book]>) -> Reaction {
    // Places in the old one mean nothing in the new one.
    let before = |book: usize| state.library.books.get(book);
    match state.ui.overlay {
        Overlay::Runbook(book, at) => {
            let now = before(book).and_then(|b| books.iter().position(|n| n.path == b.path));
            state.ui.overlay = now.map_or(Overlay::None, |book| Overlay::Runbook(book, at));
        }
        Overlay::Begin(book) => {
            // What was on the card is what a person would say yes to: of another text they have read nothing.
            let same = before(book).and_then(|b| books.iter().position(|n| n.path == b.path && n.hash == b.hash));
            let read = before(book).and_then(|b| books.iter().position(|n| n.path == b.path));
            state.ui.overlay = match (same, read) {
                (Some(book), _) => Overlay::Begin(book),
                (None, Some(book)) => Overlay::Runbook(book, 0),
                (None, None) => Overlay::None,
            };
            if same.is_none() {
                state.ui.notice = Some((Notice::BookChanged, state.now));
            }
        }
        _ => {}
    }
    state.library.books = books;
    let mut reaction = Reaction::redraw();
    // What is walked is what it was when it began; that it is another one now is said, and not applied.
    if let Some(run) = state.run.as_ref().filter(|r| r.tale.goes_on() && !r.tale.changed && r.link == Link::Live) {
        let now = state.library.books.iter().find(|b| b.path == run.tale.head.path);
        if let Some(hash) = now.map(|b| b.hash.clone()).filter(|h| *h != run.hash) {
            reaction.effects.push(Effect::Run(RunOrder::Tell(What::Changed { hash })));
        }
    }
    reaction
}
