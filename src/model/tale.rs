//! What is known of a run: its lines, in their order, added up.

use std::collections::BTreeMap;

use crate::model::because::Because;
use crate::model::run::End;
use crate::model::run::Head;
use crate::model::run::Outcome;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::time::Millis;

/// A block of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// What of its step.
    pub part: Part,
    /// The commands as they were shown.
    pub command: String,
    /// The file of its output.
    pub cast: String,
    /// When it began.
    pub began: Millis,
    /// How it ended; `None` while it runs, and where nobody knows.
    pub end: Option<End>,
    /// Whoever ran it is gone.
    pub lost: bool,
}

/// What is known of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepTale {
    /// How it stands.
    pub status: Status,
    /// What was run of it, oldest first.
    pub blocks: Vec<Block>,
    /// Who judged it; empty for the machine.
    pub by: String,
    /// Why it stands so, in a person's words; may be empty.
    pub reason: String,
    /// Why it stands so, where the machine judged.
    pub because: Because,
    /// What was done otherwise.
    pub deviations: Vec<String>,
    /// When it was first begun.
    pub began: Option<Millis>,
    /// When it was last judged, or ended.
    pub ended: Option<Millis>,
    /// Somebody, or the machine, has said what came of it.
    pub judged: bool,
    /// The undoing failed.
    pub undo_failed: bool,
}

/// What the lines of a run add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tale {
    /// What is known of it.
    pub head: Head,
    /// The last line taken in.
    pub seq: u64,
    /// When it began.
    pub began: Millis,
    /// When the last line was told.
    pub last: Millis,
    /// By the step's id.
    pub steps: BTreeMap<String, StepTale>,
    /// The block that runs: its number, and its step.
    pub open: Option<(u64, String)>,
    /// Blocks begun so far.
    pub blocks: u64,
    /// Who signed what has to be there first, by place; empty for the machine.
    pub signed: BTreeMap<usize, String>,
    /// Why checks were passed over, and by whom.
    pub passed: Option<(String, String)>,
    /// A second person agreed.
    pub approved: Option<String>,
    /// Nobody could be asked: who, and why.
    pub broke_glass: Option<(String, String)>,
    /// Values that were given, by name; hidden where they are secret.
    pub given: BTreeMap<String, String>,
    /// The file is another one now.
    pub changed: bool,
    /// It went on under another supervisor: what blocks left behind before is gone.
    pub resumed: bool,
    /// When the way back was begun, and why.
    pub rollback: Option<(Millis, String)>,
    /// How it ended, and when.
    pub outcome: Option<(Outcome, Millis)>,
}

impl Tale {
    /// The tale of some lines.
    #[must_use]
    pub fn of(lines: &[Told]) -> Self {
        let mut tale = Self::default();
        for told in lines {
            tale.take(told);
        }
        tale
    }

    /// How a step stands.
    #[must_use]
    pub fn status(&self, step: &str) -> Status {
        self.steps.get(step).map_or(Status::Pending, |s| s.status)
    }

    /// A step of it.
    #[must_use]
    pub fn step(&self, step: &str) -> Option<&StepTale> {
        self.steps.get(step)
    }

    /// A block by its number, and its step.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<(&str, &Block)> {
        let of = |(id, s): (&'_ String, &'_ StepTale)| s.blocks.iter().any(|b| b.number == number).then(|| id.clone());
        let id = self.steps.iter().find_map(of)?;
        let (id, step) = self.steps.get_key_value(&id)?;
        Some((id, step.blocks.iter().find(|b| b.number == number)?))
    }

    /// It has neither ended nor been left.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.outcome.is_none()
    }

    /// Takes the next line in. One that is known already changes nothing.
    pub fn take(&mut self, told: &Told) {
        if told.seq <= self.seq {
            return;
        }
        self.seq = told.seq;
        self.last = told.at;
        let at = told.at;
        match &told.what {
            What::Opened(head) => {
                self.head = (**head).clone();
                self.began = at;
            }
            What::Resumed { .. } => self.resumed = true,
            What::Signed { item, by } => drop(self.signed.insert(*item, by.clone())),
            What::Passed { reason, by } => self.passed = Some((reason.clone(), by.clone())),
            What::Approved { by } => self.approved = Some(by.clone()),
            What::BrokeGlass { by, reason } => self.broke_glass = Some((by.clone(), reason.clone())),
            What::Given { name, value } => drop(self.given.insert(name.clone(), value.clone())),
            What::Began { block, step, part, command, cast } => {
                self.open = Some((*block, step.clone()));
                self.blocks = self.blocks.max(*block);
                let tale = self.steps.entry(step.clone()).or_default();
                tale.status = Status::Running;
                tale.began.get_or_insert(at);
                tale.reason.clear();
                tale.because = Because::Nothing;
                tale.judged = false;
                let (command, cast) = (command.clone(), cast.clone());
                let (number, part) = (*block, *part);
                tale.blocks.push(Block { number, part, command, cast, began: at, end: None, lost: false });
            }
            What::Ended { block, end } => self.ended(*block, at, Some(end)),
            What::Lost { block } => self.ended(*block, at, None),
            What::Judged { step, status, by, reason, because } => {
                let tale = self.steps.entry(step.clone()).or_default();
                (tale.status, tale.by, tale.reason) = (*status, by.clone(), reason.clone());
                tale.because = because.clone();
                tale.judged = true;
                tale.began.get_or_insert(at);
                tale.ended = Some(at);
            }
            What::Deviated { step, text, .. } => {
                self.steps.entry(step.clone()).or_default().deviations.push(text.clone());
            }
            What::Changed { .. } => self.changed = true,
            What::RollbackBegan { reason, .. } => self.rollback = Some((at, reason.clone())),
            What::Finished { outcome, .. } => self.outcome = Some((*outcome, at)),
            What::Looked { .. } | What::Unknown => {}
        }
    }

    fn ended(&mut self, number: u64, at: Millis, end: Option<&End>) {
        if self.open.as_ref().is_some_and(|(open, _)| *open == number) {
            self.open = None;
        }
        for tale in self.steps.values_mut() {
            let Some(block) = tale.blocks.iter_mut().find(|b| b.number == number) else { continue };
            block.end = end.cloned();
            block.lost = end.is_none();
            tale.ended = Some(at);
            let undo = matches!(block.part, Part::Undo(_));
            tale.undo_failed = undo && end.is_some_and(|e| !e.well());
            tale.status = match end {
                None => Status::Unknown,
                // Until somebody says more: what failed has failed, and what ended well has only run.
                Some(end) if end.well() && !undo => Status::Ran,
                Some(end) if end.well() => Status::Undone,
                Some(_) => Status::Failed,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(seq: u64, what: What) -> Told {
        Told { seq, at: seq as i64 * 1_000, what }
    }

    fn began(block: u64, part: Part) -> What {
        What::Began { block, step: "1".to_owned(), part, command: "true".to_owned(), cast: String::new() }
    }

    fn ended(block: u64, exit: i32) -> What {
        What::Ended { block, end: End { exit: Some(exit), took: 5, ..End::default() } }
    }

    #[test]
    fn lines_taken_twice_or_again_add_up_to_the_same() {
        let lines = [
            told(1, What::Opened(Box::new(Head { run: "r".to_owned(), ..Head::default() }))),
            told(2, began(1, Part::Command(0))),
            told(3, ended(1, 0)),
            told(4, began(2, Part::Validation(0))),
            told(5, ended(2, 1)),
        ];
        let mut tale = Tale::of(&lines);
        assert_eq!(tale.status("1"), Status::Failed);
        let before = tale.clone();
        for told in &lines {
            tale.take(told);
        }
        assert_eq!(tale, before);
        tale.take(&told(
            6,
            What::Judged {
                step: "1".to_owned(),
                status: Status::Ok,
                by: "ana".to_owned(),
                reason: String::new(),
                because: Because::Nothing,
            },
        ));
        assert_eq!(tale.status("1"), Status::Ok);
    }

    #[test]
    fn what_nobody_saw_end_is_unknown_and_never_ok() {
        let mut tale = Tale::of(&[told(1, began(1, Part::Command(0)))]);
        assert_eq!((tale.status("1"), tale.open.is_some()), (Status::Running, true));
        tale.take(&told(2, What::Lost { block: 1 }));
        assert_eq!((tale.status("1"), tale.open.is_some()), (Status::Unknown, false));
        assert!(!tale.status("1").passed());
    }

    #[test]
    fn undoing_is_told_apart_from_doing() {
        let mut tale = Tale::of(&[told(1, began(1, Part::Undo(0))), told(2, ended(1, 0))]);
        assert_eq!(tale.status("1"), Status::Undone);
        tale.take(&told(3, began(2, Part::Undo(0))));
        tale.take(&told(4, ended(2, 1)));
        assert!(tale.steps["1"].undo_failed);
        assert_eq!(tale.status("1"), Status::Failed);
    }
}
