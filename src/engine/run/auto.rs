//! A run that nobody walks: step after step, and the way back where that was asked for.

use std::collections::VecDeque;

use crate::engine::effect::Effect;
use crate::engine::effect::RunOrder;
use crate::engine::run::Link;
use crate::engine::run::Run;
use crate::engine::run::begin;
use crate::engine::run::blocks;
use crate::engine::run::blocks::judged;
use crate::engine::run::plan;
use crate::engine::state::State;
use crate::engine::timeline::Kept;
use crate::model::fact::Fact;
use crate::model::run::Because;
use crate::model::run::Outcome;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::run::What;
use crate::model::runbook::Section;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::runbook::condition;

/// What was written down may take so long to reach the store; it is in the run's own file already.
const SAVES: Millis = 2 * SECOND;
/// A block that was asked to stop is waited for so long: its supervisor kills it before.
const STOPS: Millis = 15 * SECOND;
/// What the disk does not take is waited for so long: a log that is rotated away gives room within seconds.
const UNWRITTEN: Millis = 30 * SECOND;
/// After a block that was asked to stop, the end of the run may take so long to be written.
const ENDS: Millis = 5 * SECOND;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Undo what was done when a step fails.
    pub rollback: bool,
    /// Also where that takes data away.
    pub data_loss: bool,
    /// What a person would be asked is answered with yes.
    pub yes: bool,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// Forward.
    Doing,
    /// Back: what is left to be undone.
    Undoing(VecDeque<Back>),
    /// Somebody ended the program; what runs was asked to stop.
    Leaving(Stamp, u8),
    /// It is over; with this exit code, since then.
    Over(u8, Stamp),
}

/// Something that is to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    /// A step, by its own commands.
    Step(usize),
    /// A step of the way back.
    Way(usize),
}

/// A run that nobody walks.
#[derive(Clone, Debug, PartialEq)]
pub struct Auto {
    options: Options,
    order: VecDeque<usize>,
    /// The step that runs.
    current: Option<usize>,
    phase: Phase,
    /// Its end was told, and is on its way to the disk.
    ending: bool,
}

impl Auto {
    /// Walks these steps.
    #[must_use]
    pub fn new(order: Vec<usize>, options: Options) -> Self {
        Self { options, order: order.into(), current: None, phase: Phase::Doing, ending: false }
    }

    /// The exit code, once it is over.
    #[must_use]
    pub fn over(&self) -> Option<u8> {
        match self.phase {
            Phase::Over(code, _) => Some(code),
            _ => None,
        }
    }
}

/// Somebody ends the program: what runs is asked to stop. `code` is what it then ends with.
pub(crate) fn interrupt(state: &mut State, code: u8) -> Option<Vec<Effect>> {
    let now = state.now;
    let run = state.run.as_mut()?;
    let open = run.tale.open.is_some();
    let auto = run.auto.as_mut()?;
    if matches!(auto.phase, Phase::Leaving(..) | Phase::Over(..)) {
        return None;
    }
    auto.phase = Phase::Leaving(now, code);
    run.queue.clear();
    Some(if open { vec![Effect::Run(RunOrder::Stop { kill: false })] } else { Vec::new() })
}

/// What is to be done now.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    // The incident that goes on is part of what is written first; a store that does not answer holds nothing up.
    let known = state.record.heard || state.record.problem.is_some() || state.now.since(state.started) >= SAVES;
    if known && let Some(asked) = state.asked.take() {
        return vec![begin(state, &asked.book, asked.fills, Some(asked.auto))];
    }
    let Some(run) = &mut state.run else { return Vec::new() };
    let Some(mut auto) = run.auto.take() else { return Vec::new() };
    let mut effects = auto.step(state);
    if auto.over().is_some() && effects.is_empty() {
        // It has just ended: there may be nothing to wait for.
        effects = auto.step(state);
    }
    if let Some(run) = &mut state.run {
        run.auto = Some(auto);
    }
    effects
}

impl Auto {
    fn step(&mut self, state: &mut State) -> Vec<Effect> {
        let now = state.now;
        if let Phase::Over(code, since) = self.phase {
            let unsaved = |e: &crate::engine::timeline::Entry| {
                matches!(e.kept, Kept::Here | Kept::Saving(_)) && matches!(e.what, Fact::RunEnded { .. })
            };
            let waits = state.record.incident.is_some() && state.timeline.all().any(unsaved);
            let done = !waits || now.since(since) >= SAVES;
            return if done { vec![Effect::Exit(code)] } else { Vec::new() };
        }
        let Some(run) = &mut state.run else { return Vec::new() };
        if let Phase::Leaving(since, code) = self.phase
            && now.since(since) >= STOPS + ENDS
        {
            // Whatever the disk or the supervisor does: who ends the program ends it.
            self.phase = Phase::Over(code, now);
            return Vec::new();
        }
        if run.unwritten.as_ref().is_some_and(|u| now.since(u.since) >= UNWRITTEN) {
            // What came of it happened, and nobody can read it there.
            self.phase = Phase::Over(3, now);
            return Vec::new();
        }
        if let Link::Gone(_) | Link::Displaced = run.link {
            // Nobody knows what came of what ran; without a run nothing came of anything.
            let code = if run.tale.head.run.is_empty() { 70 } else { 3 };
            self.phase = Phase::Over(code, now);
            return Vec::new();
        }
        if run.link != Link::Live {
            return Vec::new();
        }
        if let Some((outcome, _)) = run.tale.outcome {
            let code = match (&self.phase, outcome) {
                (Phase::Leaving(_, code), _) => *code,
                (_, Outcome::Ok) => 0,
                (_, Outcome::Failed | Outcome::Abandoned) => 1,
                (_, Outcome::RolledBack) => 2,
                (_, Outcome::RollbackFailed) => 3,
            };
            self.phase = Phase::Over(code, now);
            return Vec::new();
        }
        if self.ending {
            return Vec::new();
        }
        if let Phase::Leaving(since, code) = self.phase {
            let runs = run.tale.open.is_some() && run.unwritten.as_ref().is_none_or(|u| u.ended.is_none());
            if runs && now.since(since) < STOPS {
                return Vec::new();
            }
            self.phase = Phase::Leaving(since, code);
            return self.finish(Outcome::Abandoned);
        }
        if run.busy() || run.problem.is_some() && run.tale.open.is_some() {
            return Vec::new();
        }
        if run.problem.is_some() {
            // What could not be written down was not done.
            self.phase = Phase::Over(70, now);
            return Vec::new();
        }
        let mut effects = match &mut self.phase {
            Phase::Doing => self.forward(run),
            Phase::Undoing(_) => self.back(run),
            Phase::Leaving(..) | Phase::Over(..) => Vec::new(),
        };
        effects.extend(blocks::next(state));
        effects
    }

    /// The machine says that it is over.
    fn finish(&mut self, outcome: Outcome) -> Vec<Effect> {
        self.ending = true;
        let (by, reason) = (String::new(), String::new());
        vec![Run::tell(What::Finished { outcome, by, reason })]
    }

    fn forward(&mut self, run: &mut Run) -> Vec<Effect> {
        if let Some(at) = self.current {
            let id = run.step(at).map(|s| s.id.clone()).unwrap_or_default();
            let tale = run.tale.step(&id).filter(|t| t.judged);
            match tale.map(|t| t.status) {
                // Its judgement is on its way to the disk.
                None => return Vec::new(),
                Some(status) if status.passed() => self.current = None,
                Some(_) => return self.failed(run, at),
            }
        }
        let Some(at) = self.order.pop_front() else { return self.finish(Outcome::Ok) };
        self.current = Some(at);
        self.begin(run, at)
    }

    /// Begins a step, or says at once what comes of it.
    fn begin(&mut self, run: &mut Run, at: usize) -> Vec<Effect> {
        let book = std::sync::Arc::clone(&run.book);
        let Some(step) = book.steps.get(at) else { return Vec::new() };
        let id = step.id.as_str();
        if let Some(when) = &step.when
            && !condition::holds(when, run.value(&when.name))
        {
            let status = if when.stops { Status::Failed } else { Status::Skipped };
            return vec![judged(id, status, Because::Condition { text: when.text.clone() })];
        }
        if step.manual() && step.validations.is_empty() {
            // What is left to do afterwards holds nothing up.
            let (status, by) = match (self.options.yes, step.section) {
                (true, _) => (Status::Ok, run.tale.head.who.clone()),
                (false, Section::Post) => (Status::Skipped, String::new()),
                (false, _) => (Status::Failed, String::new()),
            };
            let because = if self.options.yes { Because::Nothing } else { Because::NeedsPerson };
            let (step, reason) = (id.to_owned(), String::new());
            return vec![Run::tell(What::Judged { step, status, by, reason, because })];
        }
        let wanted = plan::doing(step, at);
        let commands = wanted.iter().filter_map(|w| plan::command(step, w.part));
        let missing = plan::missing(commands, |name| run.value(name).is_some(), &run.fills, &[]);
        if !missing.is_empty() {
            return vec![judged(id, Status::Failed, Because::Missing { names: missing })];
        }
        run.at = at;
        run.queue = wanted.into();
        Vec::new()
    }

    /// A step failed: the way back, or the end.
    fn failed(&mut self, run: &mut Run, at: usize) -> Vec<Effect> {
        let back = way(run, at);
        let asked = self.options.rollback && !back.is_empty();
        if !asked {
            return self.finish(Outcome::Failed);
        }
        let loses = |b: &Back| match b {
            Back::Step(at) => {
                run.step(*at).is_some_and(|s| (0..s.rollback.len()).any(|n| plan::destroys(s, Part::Undo(n))))
            }
            Back::Way(at) => {
                run.step(*at).is_some_and(|s| (0..s.commands.len()).any(|n| plan::destroys(s, Part::Command(n))))
            }
        };
        let id = run.step(at).map(|s| s.id.clone()).unwrap_or_default();
        if back.iter().any(loses) && !self.options.data_loss {
            let mut effects = vec![judged(&id, Status::Failed, Because::LosesData)];
            effects.extend(self.finish(Outcome::Failed));
            return effects;
        }
        self.phase = Phase::Undoing(back.into());
        self.current = None;
        vec![Run::tell(What::RollbackBegan { reason: id, by: String::new() })]
    }

    fn back(&mut self, run: &mut Run) -> Vec<Effect> {
        if run.tale.rollback.is_none() {
            return Vec::new();
        }
        if let Some(at) = self.current {
            let Some(step) = run.step(at) else { return Vec::new() };
            match run.tale.step(&step.id).filter(|t| t.judged).map(|t| t.status) {
                None => return Vec::new(),
                Some(Status::Undone | Status::Ok | Status::Ran | Status::Skipped) => self.current = None,
                Some(_) => return self.finish(Outcome::RollbackFailed),
            }
        }
        let Phase::Undoing(left) = &mut self.phase else { return Vec::new() };
        match left.pop_front() {
            None => self.finish(Outcome::RolledBack),
            Some(Back::Step(at)) => {
                self.current = Some(at);
                if let Some(step) = run.book.steps.get(at) {
                    run.queue = plan::undoing(step, at).into();
                }
                Vec::new()
            }
            Some(Back::Way(at)) => {
                self.current = Some(at);
                self.begin(run, at)
            }
        }
    }
}

/// The way back from a step that failed: each step that ran by its own commands, the last first, where all that changed
/// something have them; else the document's own way back; else what there is.
fn way(run: &Run, failed: usize) -> Vec<Back> {
    let ran = |at: &usize| {
        let step = run.step(*at);
        step.and_then(|s| run.tale.step(&s.id))
            .is_some_and(|t| t.blocks.iter().any(|b| matches!(b.part, Part::Command(_))))
    };
    let mut done: Vec<usize> = (0..run.book.steps.len()).filter(ran).collect();
    done.sort_by_key(|at| std::cmp::Reverse((*at == failed, *at)));
    let changes = |at: &usize| run.step(*at).is_some_and(|s| s.section == Section::Steps && !s.looks);
    let undone = |at: &usize| run.step(*at).is_some_and(|s| !s.rollback.is_empty());
    let whole = done.iter().filter(|at| changes(at)).all(undone);
    let document = plan::way_back(&run.book);
    let own = || done.iter().copied().filter(undone).map(Back::Step).collect::<Vec<_>>();
    if whole && done.iter().any(undone) || document.is_empty() {
        own()
    } else if done.iter().any(changes) {
        document.into_iter().map(Back::Way).collect()
    } else {
        // Nothing was changed yet: there is nothing to go back from.
        Vec::new()
    }
}
