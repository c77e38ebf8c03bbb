//! Words that a person types about the walk: why a step is passed over, what was done otherwise, who agrees.

use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::prompt::Prompt;
use crate::engine::run::Run;
use crate::engine::run::rows;
use crate::engine::run::rows::Row;
use crate::engine::run::walk::held_up;
use crate::engine::run::walk::me;
use crate::engine::run::walk::revive;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::model::run::Because;
use crate::model::run::Outcome;
use crate::model::run::Status;
use crate::model::run::What;

/// What words are typed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Why a step is passed over.
    Skip(usize),
    /// Why checks are passed over.
    Pass,
    /// What was done otherwise, and why.
    Deviate(usize),
    /// Who agrees.
    Approve,
    /// Why it cannot wait for somebody who agrees.
    BreakGlass,
    /// Why a step is taken as done though it did not hold.
    GoOn(usize),
    /// Why the walk is left.
    Leave,
}

/// Words being typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    /// What for.
    pub purpose: Purpose,
    /// The words.
    pub typed: Prompt,
}

/// Words are wanted for something about the selected step.
pub(super) fn ask(state: &mut State, purpose: impl Fn(Option<usize>) -> Option<Purpose>) -> Reaction {
    if let Some(why) = held_up(state) {
        return notice(state, why);
    }
    if let Some(reaction) = revive(state) {
        return reaction;
    }
    let at = state.run.as_ref().and_then(|r| rows::step(r)).map(|(at, _)| at);
    match purpose(at) {
        Some(purpose) => show(state, Overlay::Words(Box::new(Words { purpose, typed: Prompt::default() }))),
        None => notice(state, Notice::NoStep),
    }
}

pub(super) fn skip(state: &mut State) -> Reaction {
    let Some(run) = &state.run else { return Reaction::none() };
    if run.busy() {
        return notice(state, Notice::StepRuns);
    }
    match rows::selected(run) {
        Some(Row::Checks) if !rows::passable(run) => notice(state, Notice::MustBeSigned),
        Some(Row::Checks) => ask(state, |_| Some(Purpose::Pass)),
        Some(Row::Step(at)) => {
            let failed = run.step(at).is_some_and(|s| run.tale.status(&s.id) == Status::Failed);
            ask(state, |at| Some(if failed { Purpose::GoOn(at?) } else { Purpose::Skip(at?) }))
        }
        None => Reaction::none(),
    }
}

/// A key while words are typed.
pub(crate) fn on_words(state: &mut State, mut words: Box<Words>, chord: Chord) -> Reaction {
    match chord.code {
        Code::Esc => show(state, Overlay::Walk),
        Code::Enter => {
            let text = words.typed.text().trim().to_owned();
            // Without a reason nobody can follow it later.
            if text.is_empty() || (words.purpose == Purpose::Approve && text.eq_ignore_ascii_case(&me(state))) {
                return show(state, Overlay::Words(words));
            }
            state.ui.overlay = Overlay::Walk;
            said(state, &words.purpose, text)
        }
        _ => {
            words.typed.key(chord);
            show(state, Overlay::Words(words))
        }
    }
}

fn said(state: &mut State, purpose: &Purpose, text: String) -> Reaction {
    let by = me(state);
    let Some(run) = &state.run else { return Reaction::none() };
    let id = |at: &usize| run.step(*at).map(|s| s.id.clone()).unwrap_or_default();
    let judged = |step: String, status: Status, by: String, reason: String| What::Judged {
        step,
        status,
        by,
        reason,
        because: Because::Nothing,
    };
    let what = match purpose {
        Purpose::Skip(at) | Purpose::GoOn(at) => judged(id(at), Status::Skipped, by, text),
        Purpose::Pass => What::Passed { reason: text, by },
        Purpose::Deviate(at) => What::Deviated { step: id(at), text, by },
        Purpose::Approve => What::Approved { by: text },
        Purpose::BreakGlass => What::BrokeGlass { by, reason: text },
        Purpose::Leave => {
            let failed = run.tale.steps.values().any(|s| s.status == Status::Failed);
            let back = run.tale.rollback.is_some();
            let outcome = match (back, failed) {
                (true, false) => Outcome::RolledBack,
                (true, true) => Outcome::RollbackFailed,
                (false, true) => Outcome::Failed,
                (false, false) => Outcome::Abandoned,
            };
            What::Finished { outcome, by, reason: text }
        }
    };
    let effects = vec![Run::tell(what)];
    if *purpose == Purpose::BreakGlass {
        let text = state.settings.lang.broke_glass_call(&run.tale.head.runbook, me(state));
        return Reaction { effects: effects.into_iter().chain([Effect::Announce(text)]).collect(), redraw: true };
    }
    Reaction { effects, redraw: true }
}

/// A key on the card that asks for a second person.
pub(crate) fn on_approval(state: &mut State, chord: Chord) -> Reaction {
    let purpose = match chord.code {
        Code::Char('a') => Purpose::Approve,
        Code::Char('b') => Purpose::BreakGlass,
        Code::Esc => return show(state, Overlay::Walk),
        _ => return show(state, Overlay::Approval),
    };
    show(state, Overlay::Words(Box::new(Words { purpose, typed: Prompt::default() })))
}
