//! The lines of a walk: what has to be there first, then the steps; those of the way back last.

use crate::engine::run::Run;
use crate::engine::run::plan;
use crate::model::run::Status;
use crate::model::runbook::Section;
use crate::model::runbook::Step;

/// A line of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// What has to be there first.
    Checks,
    /// A step, by its place in the procedure.
    Step(usize),
}

/// Every line, in the order in which they are walked.
#[must_use]
pub fn rows(run: &Run) -> Vec<Row> {
    let checks = (!run.book.prerequisites.is_empty()).then_some(Row::Checks);
    let steps = plan::order(&run.book).into_iter().chain(plan::way_back(&run.book)).map(Row::Step);
    checks.into_iter().chain(steps).collect()
}

/// The selected line.
#[must_use]
pub fn selected(run: &Run) -> Option<Row> {
    let rows = rows(run);
    rows.get(run.at.min(rows.len().saturating_sub(1))).copied()
}

/// The selected step.
#[must_use]
pub fn step(run: &Run) -> Option<(usize, &Step)> {
    match selected(run)? {
        Row::Step(at) => Some((at, run.step(at)?)),
        Row::Checks => None,
    }
}

/// The walk may go past a step: it was passed, and somebody or the machine has said so.
#[must_use]
pub fn passed(run: &Run, step: &Step) -> bool {
    run.tale.step(&step.id).is_some_and(|t| t.judged && t.status.passed())
}

/// Everything that has to be there first is, or was passed over.
#[must_use]
pub fn checked(run: &Run) -> bool {
    run.tale.passed.is_some() || (0..run.book.prerequisites.len()).all(|i| run.tale.signed.contains_key(&i))
}

/// Steps before the procedure itself that nobody has passed yet.
#[must_use]
pub fn unprepared(run: &Run) -> Vec<&Step> {
    if run.tale.passed.is_some() {
        return Vec::new();
    }
    let before = run.book.steps.iter().filter(|s| s.section == Section::Preflight);
    before.filter(|s| !passed(run, s)).collect()
}

/// The way back touches no data: what is checked before may be passed over.
#[must_use]
pub fn passable(run: &Run) -> bool {
    let undo = |s: &Step| (0..s.rollback.len()).any(|n| plan::destroys(s, crate::model::run::Part::Undo(n)));
    let back = |s: &Step| {
        s.section == Section::Rollback
            && (0..s.commands.len()).any(|n| plan::destroys(s, crate::model::run::Part::Command(n)))
    };
    !run.book.steps.iter().any(|s| undo(s) || back(s))
}

/// The step waits for a person's word: it ran, and only a person can say whether what it shows is right; or only a
/// person can do it.
#[must_use]
pub fn awaits(run: &Run, step: &Step) -> bool {
    let tale = run.tale.step(&step.id);
    let judged = tale.is_some_and(|t| t.judged);
    let status = run.tale.status(&step.id);
    match status {
        Status::Ran => !judged && !step.expected.is_empty() && !run.busy(),
        Status::Unknown => true,
        Status::Pending => step.manual() && step.validations.is_empty(),
        _ => false,
    }
}

/// How many steps of the procedure itself were passed, and how many there are.
#[must_use]
pub fn progress(run: &Run) -> (usize, usize) {
    let proper = || run.book.steps.iter().filter(|s| s.section == Section::Steps);
    (proper().filter(|s| passed(run, s)).count(), proper().count())
}

/// Minutes that are left, by the estimates of what was not passed yet; `None` where none has one.
#[must_use]
pub fn minutes_left(run: &Run) -> Option<f64> {
    let back = run.tale.rollback.is_some();
    let left = run.book.steps.iter().filter(|s| (s.section == Section::Rollback) == back);
    let left = left.filter(|s| !passed(run, s));
    let minutes: Vec<f64> = left.filter_map(|s| s.minutes).collect();
    (!minutes.is_empty()).then(|| minutes.iter().sum())
}

/// Every line was passed, and nothing runs.
#[must_use]
pub fn done(run: &Run) -> bool {
    next(run).is_none() && !run.busy()
}

/// Something undoes it, as a whole or step by step, and that was not begun.
#[must_use]
pub fn can_go_back(run: &Run) -> bool {
    run.tale.rollback.is_none()
        && run.book.steps.iter().any(|s| s.section == Section::Rollback || !s.rollback.is_empty())
}

/// A line that was not passed yet, and is due.
fn open(run: &Run, row: Row) -> bool {
    let back = run.tale.rollback.is_some();
    match row {
        Row::Checks => !back && !checked(run),
        Row::Step(at) => run.step(at).is_some_and(|s| {
            let (way, status) = (s.section == Section::Rollback, run.tale.status(&s.id));
            way == back && !passed(run, s) && status != Status::Undone
        }),
    }
}

/// Where the walk goes on: the next line after the selected one that was not passed, else the first.
pub(crate) fn next(run: &Run) -> Option<usize> {
    let rows = rows(run);
    let after = rows.iter().enumerate().skip(run.at + 1).find(|(_, r)| open(run, **r)).map(|(i, _)| i);
    after.or_else(|| rows.iter().position(|r| open(run, *r)))
}

/// A step of the procedure before this one that was not passed: it is done, or passed over with a reason, first.
pub(crate) fn before(run: &Run, at: usize) -> Option<&Step> {
    let proper = run.book.steps.iter().take(at).filter(|s| s.section == Section::Steps);
    proper.into_iter().find(|s| {
        let status = run.tale.status(&s.id);
        !passed(run, s) && status != Status::Undone
    })
}
