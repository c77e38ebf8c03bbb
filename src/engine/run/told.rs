//! A line of a run as an entry of the timeline: what people should know of it, and nothing of the machinery.

use crate::model::fact::Fact;
use crate::model::fact::RunWord;
use crate::model::run::End;
use crate::model::run::Part;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::runbook::Runbook;
use crate::model::tale::Tale;
use crate::model::text::last_lines;

/// Lines of an output that stand in the journal: what a person looks back for.
const OUTPUT: usize = 40;

/// What a line is in the timeline, and who did it; `tale` has it taken in already. `None` for what is no news.
#[must_use]
pub fn facts(tale: &Tale, book: Option<&Runbook>, told: &Told) -> Option<(String, Fact)> {
    let head = &tale.head;
    let (run, runbook) = (head.run.clone(), head.runbook.clone());
    let title = |id: &str| {
        let step = book.and_then(|b| b.steps.iter().find(|s| s.id == id));
        step.map(|s| s.title.clone()).unwrap_or_default()
    };
    let mine = |by: &String| if by.is_empty() { head.who.clone() } else { by.clone() };
    let said = |step: &str, what: RunWord, text: &str, by: &String| {
        let (step, text) = (step.to_owned(), text.to_owned());
        Some((mine(by), Fact::RunSaid { run: run.clone(), runbook: runbook.clone(), step, what, text }))
    };
    match &told.what {
        What::Opened(head) => {
            Some((head.who.clone(), Fact::RunBegan { run: head.run.clone(), runbook, title: head.title.clone() }))
        }
        What::Began { step, part: part @ (Part::Command(0) | Part::Undo(0)), command, .. } => {
            let undo = matches!(part, Part::Undo(_));
            let (title, host) = (title(step), head.host.clone());
            let (step, command) = (step.clone(), command.clone());
            Some((head.who.clone(), Fact::StepBegan { run, runbook, step, title, undo, command, host }))
        }
        What::Judged { step, status, by, reason, because } => {
            let known = tale.step(step)?;
            let last = known.blocks.last();
            let end = last.and_then(|b| b.end.as_ref());
            // From the first command of this try on.
            let began = known.blocks.iter().rev().find(|b| matches!(b.part, Part::Command(0) | Part::Undo(0)));
            let ended = last.and_then(|b| Some(b.began + b.end.as_ref()?.took));
            let took = began.map_or(0, |b| ended.unwrap_or(told.at) - b.began).max(0);
            Some((
                mine(by),
                Fact::StepEnded {
                    run,
                    runbook,
                    step: step.clone(),
                    title: title(step),
                    status: *status,
                    exit: end.and_then(End::code).map(i64::from),
                    took,
                    reason: reason.clone(),
                    because: because.clone(),
                    output: end.map(|e| last_lines(&e.tail, OUTPUT)).unwrap_or_default(),
                },
            ))
        }
        What::Lost { block } => {
            let (step, _) = tale.block(*block)?;
            let (status, step) = (crate::model::run::Status::Unknown, step.to_owned());
            let title = title(&step);
            let (exit, took, reason, output) = (None, 0, String::new(), String::new());
            let because = crate::model::run::Because::Nothing;
            let fact = Fact::StepEnded { run, runbook, step, title, status, exit, took, reason, because, output };
            Some((head.who.clone(), fact))
        }
        What::Deviated { step, text, by } => said(step, RunWord::Deviated, text, by),
        What::Passed { reason, by } => said("", RunWord::Passed, reason, by),
        What::Approved { by } => said("", RunWord::Approved, "", by),
        What::BrokeGlass { by, reason } => said("", RunWord::BrokeGlass, reason, by),
        What::RollbackBegan { reason, by } => said("", RunWord::Rollback, reason, by),
        What::Changed { .. } => said("", RunWord::Changed, "", &String::new()),
        What::Resumed { who, .. } => said("", RunWord::Resumed, "", who),
        What::Finished { outcome, by, .. } => {
            let took = (told.at - tale.began).max(0);
            Some((mine(by), Fact::RunEnded { run, runbook, outcome: *outcome, took }))
        }
        What::Signed { .. }
        | What::Given { .. }
        | What::Looked { .. }
        | What::Began { .. }
        | What::Ended { .. }
        | What::Unknown => None,
    }
}
