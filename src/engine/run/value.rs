//! Values that are asked for before a block runs, one after the other; a secret is typed where nobody reads along.

use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Keys;
use crate::engine::effect::Reaction;
use crate::engine::effect::RunOrder;
use crate::engine::prompt::Prompt;
use crate::engine::run::Run;
use crate::engine::run::ask;
use crate::engine::run::ask::Ask;
use crate::engine::run::walk::ready;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::model::run::What;
use crate::runbook::danger;
use crate::runbook::odd;

/// Asks for the next value; one that is secret is typed where nobody reads along.
pub(super) fn asks(state: &mut State, ask: Ask) -> Reaction {
    let secret = ask.wishes.first().filter(|w| w.input.secret).map(|w| w.input.name.clone());
    let asks = ask.wishes.first().map(|w| &w.input).filter(|i| only_looks(&i.command) && i.choices.is_empty());
    if let Some(input) = asks {
        let (name, command) = (input.name.clone(), input.command.clone());
        // It stood on the card before the walk; that it was run stands in the run.
        let told = Run::tell(What::Looked { name: name.clone(), command: command.clone() });
        let effect = Effect::Run(RunOrder::Choices { name, command });
        state.ui.overlay = Overlay::Value(Box::new(ask));
        return Reaction { effects: vec![told, effect], redraw: true };
    }
    state.ui.overlay = Overlay::Value(Box::new(ask));
    match secret {
        Some(name) => Reaction::with(Effect::Keys(Keys::Secret(name))),
        None => Reaction::redraw(),
    }
}

/// Is this a command that says what there is to choose from, and does nothing else that is known?
#[must_use]
pub fn only_looks(command: &str) -> bool {
    !command.trim().is_empty() && !danger::changes(command) && odd::find(command).is_empty()
}

/// What there is to choose from has come.
pub(crate) fn choices(state: &mut State, name: &str, choices: Vec<String>) -> Reaction {
    if let Overlay::Value(ask) = &mut state.ui.overlay
        && let Some(wish) = ask.wishes.first_mut().filter(|w| w.input.name == name)
    {
        wish.input.choices = choices;
    }
    Reaction::redraw()
}

/// A key while a value is typed.
pub(crate) fn on_value(state: &mut State, mut ask: Box<Ask>, chord: Chord) -> Reaction {
    let Some(wish) = ask.wishes.first().cloned() else { return show(state, Overlay::Walk) };
    match chord.code {
        Code::Esc => show(state, Overlay::Walk),
        Code::Enter => {
            let value = ask.typed.text().trim().to_owned();
            ask.wrong = ask::wrong(&wish, &value);
            if ask.wrong.is_some() {
                return show(state, Overlay::Value(ask));
            }
            let name = wish.input.name;
            let effect = if wish.placeholder {
                if let Some(run) = &mut state.run {
                    run.fills.insert(name.clone(), value.clone());
                }
                Run::tell(What::Given { name, value })
            } else {
                if let Some(run) = &mut state.run {
                    run.values.insert(name.clone(), value.clone());
                }
                Effect::Run(RunOrder::Give { name, value })
            };
            let mut reaction = given(state, *ask);
            reaction.effects.insert(0, effect);
            reaction
        }
        // What there is to choose from, one after the other.
        Code::Down | Code::Up if !wish.input.choices.is_empty() => {
            let choices = &wish.input.choices;
            let at = choices.iter().position(|c| c == ask.typed.text());
            let n = choices.len();
            let next = match (at, chord.code) {
                (None, _) => 0,
                (Some(at), Code::Down) => (at + 1) % n,
                (Some(at), _) => (at + n - 1) % n,
            };
            ask.typed = Prompt::with(choices.get(next).map_or("", String::as_str));
            show(state, Overlay::Value(ask))
        }
        _ => {
            ask.typed.key(chord);
            ask.wrong = None;
            show(state, Overlay::Value(ask))
        }
    }
}

/// A value is there: the next one, or on with what it was for.
fn given(state: &mut State, ask: Ask) -> Reaction {
    let left: Vec<ask::Wish> = ask.wishes.into_iter().skip(1).collect();
    if left.is_empty() { ready(state, ask.step, ask.doing) } else { asks(state, Ask::new(ask.step, ask.doing, left)) }
}

/// A secret was typed, or given up.
pub(crate) fn secret(state: &mut State, name: &str, is_given: bool) -> Reaction {
    state.unseen = None;
    let asked = |ask: &Ask| ask.wishes.first().is_some_and(|w| w.input.name == name);
    // What has taken the place of its card stays.
    let Overlay::Value(ask) = &state.ui.overlay else { return Reaction::redraw() };
    if !asked(ask) {
        return Reaction::redraw();
    }
    let Overlay::Value(ask) = std::mem::take(&mut state.ui.overlay) else { return Reaction::redraw() };
    if !is_given {
        return show(state, Overlay::Walk);
    }
    if let Some(run) = &mut state.run {
        run.values.insert(name.to_owned(), crate::model::credential::HIDDEN.to_owned());
    }
    let mut reaction = given(state, *ask);
    reaction.effects.insert(0, Effect::Run(RunOrder::GiveSecret { name: name.to_owned() }));
    reaction
}
