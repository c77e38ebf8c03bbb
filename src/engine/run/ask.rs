//! Values that a step wants: asked for once, each by its kind; what is secret is typed unseen, and never comes here.

use crate::engine::prompt::Prompt;
use crate::engine::run::Run;
use crate::engine::run::card;
use crate::engine::run::card::Doing;
use crate::engine::run::plan;
use crate::engine::state::State;
use crate::engine::window::pane;
use crate::model::credential::named_secret;
use crate::model::runbook::Input;
use crate::model::runbook::InputKind;

/// One value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// What is known of it; its name is a variable, or a placeholder as it stands in the procedure.
    pub input: Input,
    /// It stands in the text itself.
    pub placeholder: bool,
}

/// Values being asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The step that wants them.
    pub step: usize,
    /// What is done with it afterwards.
    pub doing: Doing,
    /// What is asked for; the first is the one being typed.
    pub wishes: Vec<Wish>,
    /// What was typed.
    pub typed: Prompt,
    /// Why it was not taken.
    pub wrong: Option<Wrong>,
}

/// Why a value was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is no number.
    NotNumber,
    /// It is none of those to choose from.
    NotChoice,
    /// It could mean something else in a command.
    Unsafe,
    /// There is nothing.
    Empty,
}

/// What a step lacks before it can be run.
#[must_use]
pub fn wishes(run: &Run, at: usize, doing: Doing) -> Vec<Wish> {
    let Some(step) = run.step(at) else { return Vec::new() };
    let blocks = card::wanted(step, at, doing);
    let commands = blocks.iter().filter_map(|w| plan::command(step, w.part));
    let missing = plan::missing(commands, |name| run.value(name).is_some(), &run.fills, &run.book.front.inputs);
    let inputs = &run.book.front.inputs;
    let wish = |name: String| {
        let placeholder = !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let known = inputs.iter().find(|i| i.name == name).cloned();
        let secret = !placeholder && named_secret(&name);
        let mut input = known.unwrap_or_else(|| Input { name, ..Input::default() });
        input.secret |= secret;
        Wish { input, placeholder }
    };
    // `XXX` reads as a name, but stands in the text.
    let fills = |w: &Wish| {
        w.placeholder
            || blocks
                .iter()
                .filter_map(|b| plan::command(step, b.part))
                .any(|c| crate::runbook::placeholder::find(&c.text).iter().any(|p| p.text == w.input.name))
    };
    missing.into_iter().map(wish).map(|w| Wish { placeholder: fills(&w), ..w }).collect()
}

/// The same; what a deploy tells of the way back from it stands there already, and whoever walks it reads it before they
/// take it.
#[must_use]
pub fn offered(state: &State, run: &Run, at: usize, doing: Doing) -> Vec<Wish> {
    let mut wishes = wishes(run, at, doing);
    if run.book.kind == "rollback" {
        let fills = pane::fills(state, &plan::names(&run.book));
        for wish in wishes.iter_mut().filter(|w| w.input.default.is_none() && !w.input.secret) {
            wish.input.default = fills.iter().find(|(n, _)| *n == wish.input.name).map(|(_, v)| v.clone());
        }
    }
    wishes
}

/// What is wrong with a value, if anything is.
#[must_use]
pub fn wrong(wish: &Wish, value: &str) -> Option<Wrong> {
    let input = &wish.input;
    match () {
        () if value.is_empty() => Some(Wrong::Empty),
        () if wish.placeholder && !plan::fits(value) => Some(Wrong::Unsafe),
        () if input.kind == InputKind::Number && value.parse::<f64>().is_err() => Some(Wrong::NotNumber),
        () if input.kind == InputKind::Choice
            && !input.choices.is_empty()
            && !input.choices.iter().any(|c| c == value) =>
        {
            Some(Wrong::NotChoice)
        }
        () => None,
    }
}

impl Ask {
    /// An ask for these; the default of the first stands there already.
    #[must_use]
    pub fn new(step: usize, doing: Doing, wishes: Vec<Wish>) -> Self {
        let typed = Prompt::with(wishes.first().and_then(|w| w.input.default.as_deref()).unwrap_or_default());
        Self { step, doing, wishes, typed, wrong: None }
    }
}
