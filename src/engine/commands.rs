//! What each command does to the state, and what it asks of the world.

use crate::engine::chart;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RunOrder;
use crate::engine::filter::visible_alerts;
use crate::engine::filter::visible_checks;
use crate::engine::filter::visible_facts;
use crate::engine::filter::visible_signals;
use crate::engine::known;
use crate::engine::library;
use crate::engine::links;
use crate::engine::note;
use crate::engine::prompt::Prompt;
use crate::engine::record;
use crate::engine::run::rows;
use crate::engine::run::walk;
use crate::engine::sentence::sentence;
use crate::engine::silence;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::take;
use crate::engine::todo;
use crate::engine::todo::Item;
use crate::engine::unsaved;
use crate::engine::window::pane;
use crate::engine::words;
use crate::input::command::Command;
use crate::layout::Pane;

/// Lines that `PgUp` and `PgDn` move by; the view does not tell the engine how tall a pane is.
const PAGE: usize = 10;

pub(crate) fn run(state: &mut State, command: Command) -> Reaction {
    if command != Command::Take {
        state.ui.asked_to_open = false;
    }
    if command != Command::WayBack {
        state.ui.asked_to_go_back = false;
    }
    if command != Command::Execute {
        state.ui.asked_to_drive = false;
    }
    if let Some(reaction) = on_window(state, command).or_else(|| on_walk(state, command)) {
        return reaction;
    }
    match command {
        Command::Take => take::take(state),
        Command::Document => take::document(state),
        Command::Note => note::ask(state),
        Command::Pin | Command::Tag | Command::Correct | Command::Finish => note::on_entry(state, command),
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
        Command::Open => open(state),
        Command::Runbooks => show(state, Overlay::Library(Prompt::default(), 0)),
        Command::Help => show(state, Overlay::Help(0)),
        Command::Severity => show(state, Overlay::Severity(0)),
        Command::Filter => {
            let prompt = Prompt::with(&state.ui.filter);
            show(state, Overlay::Filter(prompt))
        }
        Command::Palette => show(state, Overlay::Palette(Prompt::default(), 0)),
        Command::Back => back(state),
        Command::Freeze => freeze(state),
        Command::PollNow | Command::CountExactly if state.follow.host.is_some() => {
            let host = state.follow.host.clone().unwrap_or_default();
            notice(state, Notice::Recorded(host))
        }
        Command::PollNow => {
            notice(state, Notice::Polling);
            Reaction::with(Effect::PollNow)
        }
        Command::CountExactly if state.settings.sessions.is_none() => notice(state, Notice::NoSessions),
        Command::CountExactly => {
            notice(state, Notice::Counting);
            Reaction::with(Effect::CountExactly)
        }
        Command::Acknowledge => silence::ask(state, true),
        Command::Silence => silence::ask(state, false),
        Command::Unsilence => silence::ask_end(state),
        Command::Confirm | Command::Longer | Command::Shorter | Command::Comment => on_card(state, command),
        Command::Known => known::ask(state),
        Command::Links if state.settings.links.is_empty() => notice(state, Notice::NoLinks),
        Command::Links => show(state, Overlay::Links(0)),
        Command::Closer
        | Command::Wider
        | Command::Earlier
        | Command::Later
        | Command::Live
        | Command::CursorLeft
        | Command::CursorRight
        | Command::Compare => chart::run(state, command),
        Command::Copy => match copied(state) {
            Some(text) => Reaction::with(Effect::Copy(text)),
            None => notice(state, Notice::NothingToCopy),
        },
        Command::Repaint => Reaction::with(Effect::Repaint),
        Command::Suspend => Reaction { effects: vec![Effect::Suspend], redraw: false },
        Command::CtrlC => notice(state, Notice::CtrlC),
        Command::Quit if walk::runs(state) => show(state, Overlay::Quit),
        Command::Quit => quit(state),
        // The rest is bound in the editor, where keys are typed before they are looked up.
        _ => Reaction::none(),
    }
}

/// Ends, unless something would be left behind that is nowhere but here: that is asked about first.
pub(crate) fn quit(state: &mut State) -> Reaction {
    match unsaved::at_risk(state) {
        0 => Reaction { effects: vec![Effect::Exit(0)], redraw: false },
        _ => show(state, Overlay::Unsaved),
    }
}

/// What belongs to the window after a deploy; `None` for everything else.
fn on_window(state: &mut State, command: Command) -> Option<Reaction> {
    let open = matches!(state.ui.overlay, Overlay::Window(_));
    Some(match command {
        Command::Open if open => pane::enter(state),
        Command::Execute if open => pane::go_back(state),
        Command::Window if open => pane::begin(state),
        Command::Window => show(state, Overlay::Window(0)),
        Command::EndWindow => pane::end(state),
        Command::Dora => pane::dora(state),
        _ => return None,
    })
}

/// What belongs to the walk through a procedure; `None` for everything else.
fn on_walk(state: &mut State, command: Command) -> Option<Reaction> {
    Some(match command {
        Command::Walk if state.run.is_none() => notice(state, Notice::NoRun),
        Command::Walk => show(state, Overlay::Walk),
        Command::Begin => match state.ui.overlay {
            Overlay::Runbook(book, _) => walk::ask_begin(state, book),
            _ => Reaction::none(),
        },
        Command::Execute => match (&state.ui.overlay, library::chosen(state)) {
            (Overlay::None, Some(book)) => walk::ask_begin(state, book),
            (Overlay::None | Overlay::Walk, _) => walk::run(state, command),
            // Pages say nothing that could be run.
            _ => Reaction::none(),
        },
        Command::Validate
        | Command::Undo
        | Command::Skip
        | Command::Stop
        | Command::Type
        | Command::Output
        | Command::Deviate
        | Command::WayBack
        | Command::Leave
        | Command::Call
        | Command::Yes
        | Command::No => walk::run(state, command),
        _ => return None,
    })
}

/// Shows the selected line in full; it never runs anything.
fn open(state: &mut State) -> Reaction {
    if state.ui.overlay == Overlay::Walk {
        let on_checks = state.run.as_ref().and_then(|r| rows::selected(r)) == Some(rows::Row::Checks);
        return show(state, if on_checks { Overlay::Checks(0) } else { Overlay::StepText(0) });
    }
    match todo::selected(state) {
        Some(Item::Book(suggestion)) => show(state, Overlay::Runbook(suggestion.book, 0)),
        Some(Item::Walk) => show(state, Overlay::Walk),
        Some(Item::Left(at)) => {
            // What somebody else drives is looked at first.
            let found = state.runs.get(at);
            let take = found.is_some_and(|f| !f.driven) && !state.settings.read_only;
            let run = found.map(|f| f.tale.head.run.clone()).unwrap_or_default();
            Reaction::with(Effect::Run(RunOrder::Attach { run, take }))
        }
        _ => show(state, Overlay::Detail(0)),
    }
}

fn on_card(state: &mut State, command: Command) -> Reaction {
    match std::mem::take(&mut state.ui.overlay) {
        Overlay::Silence(card) => silence::on_card(state, card, command),
        Overlay::Known(mark) => known::on_card(state, mark, command),
        other => show(state, other),
    }
}

/// Says a sentence in the last line until the next key.
pub(crate) fn notice(state: &mut State, notice: Notice) -> Reaction {
    state.ui.notice = Some((notice, state.now));
    Reaction::redraw()
}

pub(crate) fn show(state: &mut State, overlay: Overlay) -> Reaction {
    state.ui.overlay = overlay;
    Reaction::redraw()
}

fn back(state: &mut State) -> Reaction {
    if matches!(state.ui.overlay, Overlay::StepText(_) | Overlay::Output(..) | Overlay::Call(_)) {
        state.ui.overlay = if state.run.is_some() { Overlay::Walk } else { Overlay::None };
    } else if state.ui.overlay != Overlay::None {
        state.ui.overlay = Overlay::None;
    } else if !state.ui.filter.is_empty() {
        state.ui.filter.clear();
    } else if state.ui.chart.cursor.take().is_some() {
        // The cursor goes first, then the zoom.
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

pub(crate) fn focus(state: &mut State, to: impl Fn(Pane) -> Pane) -> Reaction {
    state.ui.focus = to(state.ui.focus);
    state.ui.filter.clear();
    Reaction::redraw()
}

fn step(state: &mut State, to: impl Fn(usize) -> usize) -> Reaction {
    match &mut state.ui.overlay {
        // The view clamps to the page's length; what is beyond any page is pulled back here.
        Overlay::Help(at)
        | Overlay::Severity(at)
        | Overlay::Detail(at)
        | Overlay::Incident(at)
        | Overlay::StepText(at)
        | Overlay::Window(at)
        | Overlay::Dora(at)
        | Overlay::Call(at) => {
            *at = to(*at).min(500);
        }
        Overlay::Output(lines, at) => *at = to((*at).min(lines.len())).min(lines.len()),
        Overlay::Walk => walk::step(state, to),
        // The longest procedure seen has some hundred steps.
        Overlay::Runbook(_, at) => *at = to(*at).min(10_000),
        Overlay::Links(at) => *at = to(*at).min(state.settings.links.len().saturating_sub(1)),
        _ => {
            let most = lines(state, state.ui.focus).saturating_sub(1);
            let at = &mut state.ui.selected[state.ui.focus.index()];
            *at = to((*at).min(most)).min(most);
            let at = *at;
            if state.ui.focus == Pane::Facts
                && let Some(effect) = record::read_back(state, at)
            {
                return Reaction::with(effect);
            }
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
        Pane::Todo => todo::items(shown).len(),
        Pane::Facts => visible_facts(state).len(),
        Pane::Alerts => visible_alerts(state).len(),
        Pane::Sessions | Pane::Failures | Pane::Latency => 0,
    }
}

/// The text of the selected line.
fn copied(state: &State) -> Option<String> {
    let shown = state.shown();
    let lang = shown.settings.lang;
    let at = state.ui.selected[state.ui.focus.index()];
    if let Overlay::Links(at) = state.ui.overlay {
        return links::filled(shown).into_iter().nth(at).map(|l| l.url);
    }
    match state.ui.focus {
        Pane::Todo => match todo::items(shown).into_iter().nth(at)? {
            Item::Book(suggestion) => state.library.books.get(suggestion.book).map(|b| b.says.id.clone()),
            Item::Contact(at) => shown.settings.contacts.get(at).map(|c| c.how.clone()),
            Item::Walk => state.run.as_ref().map(|r| r.tale.head.runbook.clone()),
            Item::Left(at) => state.runs.get(at).map(|f| f.tale.head.runbook.clone()),
        },
        Pane::Facts => {
            let i = *visible_facts(state).get(at)?;
            shown
                .timeline
                .newest()
                .nth(i)
                .map(|e| format!("{} {}", crate::model::time::rfc3339(e.at), e.words(lang, shown.settings.zone)))
        }
        Pane::Health => {
            let i = *visible_checks(state).get(at)?;
            let c = shown.checks.all.get(i)?;
            Some(format!("{}: {}, {}", c.name, words::status(lang, c.shown()), words::check_detail(lang, c)))
        }
        Pane::Alerts => {
            let fold = shown.alerts.folds.get(*visible_alerts(state).get(at)?)?;
            let first = shown.alerts.all.get(*fold.members.first()?)?;
            Some(format!("{} {}", fold.name, first.summary).trim().to_owned())
        }
        Pane::Failures | Pane::Latency | Pane::Sessions | Pane::Signals => {
            shown.verdict.findings.first().map(|f| format!("{}: {}", f.level.word(), sentence(lang, f)))
        }
    }
}
