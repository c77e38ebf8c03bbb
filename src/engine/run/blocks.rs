//! Starts blocks, one after the other, and says what came of a step when the last has ended.

use crate::engine::effect::Block;
use crate::engine::effect::Effect;
use crate::engine::effect::RunOrder;
use crate::engine::run::Link;
use crate::engine::run::Run;
use crate::engine::run::Waiting;
use crate::engine::run::judge;
use crate::engine::run::plan;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::layout;
use crate::model::console::Console;
use crate::model::run::Because;
use crate::model::run::End;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::run::What;

/// Starts the next block that is wanted, where nothing runs.
pub(crate) fn next(state: &mut State) -> Vec<Effect> {
    let terminal = (state.mode == Mode::Cockpit).then(|| layout::console(state.ui.size, state.ui.zoom));
    let Some(run) = &mut state.run else { return Vec::new() };
    let idle = run.link == Link::Live && !run.starting && run.tale.open.is_none();
    let Some(wanted) = idle.then(|| run.queue.pop_front()).flatten() else { return Vec::new() };
    let Some(step) = run.book.steps.get(wanted.step) else { return Vec::new() };
    let Some(command) = plan::command(step, wanted.part).cloned() else { return Vec::new() };
    let id = step.id.clone();
    if !plan::is_shell(&command) {
        run.queue.clear();
        let because = Because::NotShell { shell: command.shell };
        return vec![judged(&id, Status::Failed, because)];
    }
    let killed_after = step.killed_after.filter(|_| matches!(wanted.part, Part::Command(_)));
    let text = plan::filled(&command.text, &run.fills);
    let shown = plan::shown(run, &command.text);
    run.starting = true;
    run.current = Some(wanted);
    let fresh = run.console_of != Some(wanted.step) || matches!(wanted.part, Part::Command(0) | Part::Undo(0));
    if fresh {
        let (columns, rows) = terminal.unwrap_or((80, 24));
        run.console = Console::new(columns, rows);
        run.console_of = Some(wanted.step);
    }
    let block = Block { step: id, part: wanted.part, text, shown, terminal, killed_after };
    vec![Effect::Run(RunOrder::Start(Box::new(block)))]
}

/// A line of the machine's own judgement.
pub(super) fn judged(step: &str, status: Status, because: Because) -> Effect {
    let (by, reason) = (String::new(), String::new());
    Run::tell(What::Judged { step: step.to_owned(), status, by, reason, because })
}

/// A block ended: is there more, or is it known what came of the step?
pub(super) fn ended(state: &mut State, part: Part, id: &str, end: &End) -> Vec<Effect> {
    let now = state.now;
    let Some(run) = &mut state.run else { return Vec::new() };
    let Some(at) = run.place(id) else { return Vec::new() };
    let book = std::sync::Arc::clone(&run.book);
    let Some(step) = book.steps.get(at) else { return Vec::new() };
    let expected = match part {
        Part::Validation(n) => step.validations.get(n).map_or("", |v| &v.expected),
        _ => "",
    };
    let wrong = judge::ended(end).or_else(|| judge::printed(&end.tail, expected));
    if let Some(because) = wrong {
        run.queue.clear();
        return vec![judged(id, Status::Failed, because)];
    }
    if run.queue.iter().any(|w| w.step == at) {
        return Vec::new();
    }
    match part {
        Part::Undo(_) => vec![judged(id, Status::Undone, Because::Nothing)],
        _ if !step.until.is_empty() => {
            run.waiting = Some(Waiting { step: at, since: now, held: vec![None; step.until.len()] });
            Vec::new()
        }
        _ if judge::proves(step) => vec![judged(id, Status::Ok, Because::Nothing)],
        _ if step.prints && judge::holds(&end.tail, &step.expected) => vec![judged(id, Status::Ok, Because::Nothing)],
        // Only a person can say whether this is what was to be seen; an example of output may differ in every figure.
        _ if !step.expected.is_empty() && run.auto.is_none() => Vec::new(),
        _ => vec![judged(id, Status::Ran, Because::Nothing)],
    }
}
