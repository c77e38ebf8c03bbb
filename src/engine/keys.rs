//! A key means something by what lies over the board. Text being typed comes first; then the table.

use crate::engine::commands;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::filter;
use crate::engine::library;
use crate::engine::note;
use crate::engine::run;
use crate::engine::run::rows;
use crate::engine::run::value;
use crate::engine::run::walk;
use crate::engine::run::words as run_words;
use crate::engine::silence::Card;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::command::Command;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::input::keymap;
use crate::input::keymap::Context;
use crate::layout::Pane;

/// The context that keys are looked up in.
#[must_use]
pub fn context(state: &State) -> Context {
    match state.ui.overlay {
        Overlay::Help(_)
        | Overlay::Severity(_)
        | Overlay::Detail(_)
        | Overlay::Links(_)
        | Overlay::Incident(_)
        | Overlay::StepText(_)
        | Overlay::Output(..)
        | Overlay::Dora(_)
        | Overlay::Call(_) => Context::Page,
        Overlay::Window(_) => Context::Window,
        Overlay::Runbook(..) => Context::Book,
        Overlay::Walk if state.ui.typing => Context::Typed,
        Overlay::Walk => match state.run.as_ref().and_then(|r| Some((r, rows::step(r)?.1))) {
            Some((run, step)) if rows::awaits(run, step) && run.tale.goes_on() => Context::Judge,
            _ => Context::Walk,
        },
        Overlay::Begin(_)
        | Overlay::Checks(_)
        | Overlay::Approval
        | Overlay::RunCard(_)
        | Overlay::Value(_)
        | Overlay::Words(_)
        | Overlay::Quit
        | Overlay::Unsaved => Context::Typed,
        Overlay::Silence(_) | Overlay::Known(_) => Context::Card,
        Overlay::None if matches!(state.ui.focus, Pane::Failures | Pane::Latency) => Context::Chart,
        Overlay::None if state.ui.focus == Pane::Alerts => Context::Alerts,
        Overlay::None if state.ui.focus == Pane::Facts => Context::Facts,
        Overlay::Note(_) => Context::Note,
        Overlay::None | Overlay::Filter(_) | Overlay::Palette(..) | Overlay::Library(..) => Context::Board,
    }
}

pub(crate) fn press(state: &mut State, chord: Chord) -> Reaction {
    if state.ui.deaf_until.is_some_and(|until| state.now.mono < until.mono) {
        state.ui.deaf_until = Some(run::later(state.now, run::DEAF));
        return Reaction::none();
    }
    state.ui.notice = None;
    match std::mem::take(&mut state.ui.overlay) {
        Overlay::Filter(prompt) => typing_filter(state, prompt, chord),
        Overlay::Palette(prompt, at) => typing_command(state, prompt, at, chord),
        Overlay::Library(prompt, at) => match reserved(chord) {
            Some(Command::CtrlC) => Reaction::redraw(),
            Some(command) => {
                state.ui.overlay = Overlay::Library(prompt, at);
                commands::run(state, command)
            }
            None => library::typing(state, prompt, at, chord),
        },
        Overlay::Silence(card) if card.typing => typing_comment(state, card, chord),
        Overlay::Note(editor) => match reserved(chord) {
            Some(command) => {
                state.ui.overlay = Overlay::Note(editor);
                commands::run(state, command)
            }
            None => note::typing(state, editor, chord),
        },
        overlay @ (Overlay::Begin(_)
        | Overlay::Checks(_)
        | Overlay::Approval
        | Overlay::RunCard(_)
        | Overlay::Value(_)
        | Overlay::Words(_)
        | Overlay::Quit
        | Overlay::Unsaved) => match reserved(chord) {
            Some(command) => {
                state.ui.overlay = overlay;
                commands::run(state, command)
            }
            None => on_walk(state, overlay, chord),
        },
        other => {
            state.ui.overlay = other;
            match keymap::lookup(context(state), chord) {
                Some(command) => commands::run(state, command),
                None => commands::notice(state, Notice::NoSuchKey(chord.to_string())),
            }
        }
    }
}

/// A key on one of the cards of a walk.
fn on_walk(state: &mut State, overlay: Overlay, chord: Chord) -> Reaction {
    match overlay {
        Overlay::Begin(book) => walk::on_begin(state, book, chord),
        Overlay::Checks(at) => walk::on_checks(state, at, chord),
        Overlay::Approval => run_words::on_approval(state, chord),
        Overlay::RunCard(card) => walk::on_card(state, card, chord),
        Overlay::Value(ask) => value::on_value(state, ask, chord),
        Overlay::Words(words) => run_words::on_words(state, words, chord),
        Overlay::Quit if chord == Chord::char('y') => commands::quit(state),
        Overlay::Unsaved if chord == Chord::char('y') => Reaction { effects: vec![Effect::Exit(0)], redraw: false },
        Overlay::Unsaved => commands::show(state, Overlay::None),
        Overlay::Quit => commands::show(state, Overlay::Walk),
        other => commands::show(state, other),
    }
}

pub(crate) fn paste(state: &mut State, text: &str) -> Reaction {
    match &mut state.ui.overlay {
        Overlay::Filter(prompt) => {
            prompt.paste(text);
            prompt.text().clone_into(&mut state.ui.filter);
            Reaction::redraw()
        }
        Overlay::Palette(prompt, at) | Overlay::Library(prompt, at) => {
            prompt.paste(text);
            *at = 0;
            Reaction::redraw()
        }
        Overlay::Silence(card) if card.typing => {
            card.comment.paste(text);
            Reaction::redraw()
        }
        Overlay::Words(words) => {
            words.typed.paste(text);
            Reaction::redraw()
        }
        Overlay::Value(ask) if ask.wishes.first().is_some_and(|w| !w.input.secret) => {
            ask.typed.paste(text);
            Reaction::redraw()
        }
        Overlay::Note(editor) => note::paste(editor, text),
        _ => commands::notice(state, Notice::PasteIgnored),
    }
}

fn typing_comment(state: &mut State, mut card: Box<Card>, chord: Chord) -> Reaction {
    let command = reserved(chord);
    match (command, chord.code) {
        (Some(Command::CtrlC), _) | (None, Code::Esc | Code::Enter) => card.typing = false,
        (Some(_), _) => {}
        (None, _) => card.comment.key(chord),
    }
    state.ui.overlay = Overlay::Silence(card);
    match command {
        Some(command) if command != Command::CtrlC => commands::run(state, command),
        _ => Reaction::redraw(),
    }
}

/// Ctrl-Z and Ctrl-L work while typing too.
fn reserved(chord: Chord) -> Option<Command> {
    let always = [Command::Suspend, Command::Repaint, Command::CtrlC];
    keymap::lookup(Context::Board, chord).filter(|c| chord.ctrl && always.contains(c))
}

fn typing_filter(state: &mut State, mut prompt: crate::engine::prompt::Prompt, chord: Chord) -> Reaction {
    match (reserved(chord), chord.code) {
        (Some(Command::CtrlC), _) | (None, Code::Esc) => state.ui.filter.clear(),
        (Some(command), _) => {
            state.ui.overlay = Overlay::Filter(prompt);
            return commands::run(state, command);
        }
        (None, Code::Enter) => {}
        (None, _) => {
            prompt.key(chord);
            prompt.text().clone_into(&mut state.ui.filter);
            state.ui.overlay = Overlay::Filter(prompt);
        }
    }
    Reaction::redraw()
}

fn typing_command(state: &mut State, mut prompt: crate::engine::prompt::Prompt, at: usize, chord: Chord) -> Reaction {
    match (reserved(chord), chord.code) {
        (Some(Command::CtrlC), _) | (None, Code::Esc) => Reaction::redraw(),
        (Some(command), _) => {
            state.ui.overlay = Overlay::Palette(prompt, at);
            commands::run(state, command)
        }
        (None, Code::Enter) => {
            if let Some(command) = filter::matching(state.settings.lang, prompt.text()).get(at) {
                commands::run(state, *command)
            } else {
                state.ui.overlay = Overlay::Palette(prompt, at);
                Reaction::redraw()
            }
        }
        (None, Code::Down | Code::Tab) => {
            let last = filter::matching(state.settings.lang, prompt.text()).len().saturating_sub(1);
            state.ui.overlay = Overlay::Palette(prompt, (at + 1).min(last));
            Reaction::redraw()
        }
        (None, Code::Up | Code::BackTab) => {
            state.ui.overlay = Overlay::Palette(prompt, at.saturating_sub(1));
            Reaction::redraw()
        }
        (None, _) => {
            prompt.key(chord);
            state.ui.overlay = Overlay::Palette(prompt, 0);
            Reaction::redraw()
        }
    }
}
