//! A run of a procedure: what is told of it, line by line, and what those lines add up to. The lines are all there is:
//! whoever reads them from the first knows what whoever drove it knew.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

pub use crate::model::because::Because;
use crate::model::time::Millis;

/// The version of the lines below and of what is said over the socket. A supervisor outlives the program that started
/// it: what is added has a default, and nothing is renamed.
pub const PROTOCOL: u32 = 1;

/// Which commands of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the step does: its n-th block, from 0.
    Command(usize),
    /// What says that it worked.
    Validation(usize),
    /// What undoes it.
    Undo(usize),
}

/// What is known of a run before its first step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the lines that follow.
    pub protocol: u32,
    /// Its identifier, made by whoever began it.
    pub run: String,
    /// `PROC-BACKEND-008`
    pub runbook: String,
    /// What the procedure is called.
    pub title: String,
    /// Its file.
    pub path: String,
    /// SHA-256 of the file as it was.
    pub hash: String,
    /// Steps of the procedure proper: what the run is measured by.
    pub steps: usize,
    /// Its estimate in minutes, where it has one.
    #[serde(default)]
    pub minutes: Option<f64>,
    /// How much it may break, in the house's word; empty where it does not say.
    #[serde(default)]
    pub criticality: String,
    /// Who began it.
    pub who: String,
    /// The login that it runs as.
    pub user: String,
    /// The machine that it runs on.
    pub host: String,
    /// Where they came from, as ssh has it; empty at the machine itself.
    #[serde(default)]
    pub ssh: String,
    /// The environment of the service.
    #[serde(default)]
    pub environment: String,
    /// The incident that it belongs to.
    #[serde(default)]
    pub incident: Option<String>,
    /// Nobody walks it: it runs by itself.
    #[serde(default)]
    pub headless: bool,
    /// What restarts with the machine.
    #[serde(default)]
    pub boot: String,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing of it was run.
    #[default]
    Pending,
    /// Something of it runs.
    Running,
    /// It ran to its end, and nothing says whether it worked.
    Ran,
    /// Exit, output, validation and signals hold, or a person said so.
    Ok,
    /// Something of it does not hold.
    Failed,
    /// Somebody passed over it, and said why.
    Skipped,
    /// It was undone.
    Undone,
    /// Whoever ran it is gone: nobody knows what came of it.
    Unknown,
}

impl Status {
    /// The word of JSON and of the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ran => "ran",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Undone => "undone",
            Self::Unknown => "unknown",
        }
    }

    /// The walk may go past it.
    #[must_use]
    pub fn passed(self) -> bool {
        matches!(self, Self::Ran | Self::Ok | Self::Skipped)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was passed.
    Ok,
    /// A step failed, and what was done stands.
    Failed,
    /// It was undone.
    RolledBack,
    /// The way back failed too.
    RollbackFailed,
    /// Somebody left it before its end.
    Abandoned,
}

impl Outcome {
    /// The word of JSON and of the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::RollbackFailed => "rollback_failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// How a block of commands ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Its exit code; `None` when a signal ended it, or when it could not be started.
    pub exit: Option<i32>,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// How long it took.
    pub took: Millis,
    /// The end of its output, as it stood on a screen, without control sequences and secrets.
    #[serde(default)]
    pub tail: String,
    /// Bytes that it printed.
    #[serde(default)]
    pub bytes: u64,
    /// A person stopped it.
    #[serde(default)]
    pub stopped: bool,
    /// Why it could not be started; empty where it could.
    #[serde(default)]
    pub error: String,
}

impl End {
    /// It ended as commands do that have worked.
    #[must_use]
    pub fn well(&self) -> bool {
        self.exit == Some(0) && !self.stopped
    }

    /// The exit code as shells have it; `None` where nothing was started.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.exit.or_else(|| self.signal.map(|s| 128 + s))
    }
}

/// What can be told of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// It begins.
    Opened(Box<Head>),
    /// It goes on under another supervisor: variables and folder of the first one are gone.
    Resumed {
        /// Who.
        who: String,
        /// Where.
        host: String,
    },
    /// What has to be there first is, one of them.
    Signed {
        /// Its place among the prerequisites, from 0.
        item: usize,
        /// Who says so; empty where the machine proved it.
        by: String,
    },
    /// Checks were passed over.
    Passed {
        /// Why.
        reason: String,
        /// Who.
        by: String,
    },
    /// A second person agrees.
    Approved {
        /// Who.
        by: String,
    },
    /// Nobody was there to agree, and it could not wait.
    BrokeGlass {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A value was given.
    Given {
        /// Its name.
        name: String,
        /// The value; hidden where it is secret.
        value: String,
    },
    /// A block is about to be started. On the disk before it is.
    Began {
        /// Its number in this run, from 1.
        block: u64,
        /// The step.
        step: String,
        /// What of it.
        part: Part,
        /// The commands, with what is known filled in and what is secret hidden.
        command: String,
        /// The file of its output, beside this one.
        #[serde(default)]
        cast: String,
    },
    /// A block ended.
    Ended {
        /// Its number.
        block: u64,
        /// How.
        #[serde(flatten)]
        end: End,
    },
    /// Whoever ran a block is gone.
    Lost {
        /// Its number.
        block: u64,
    },
    /// What came of a step.
    Judged {
        /// The step.
        step: String,
        /// What.
        status: Status,
        /// Who says so; empty for the machine.
        #[serde(default)]
        by: String,
        /// Why, in a person's words; may be empty.
        #[serde(default)]
        reason: String,
        /// Why, where the machine judged.
        #[serde(default)]
        because: Because,
    },
    /// Something was done otherwise than it is written.
    Deviated {
        /// The step.
        step: String,
        /// What, and why.
        text: String,
        /// Who.
        by: String,
    },
    /// The file is another one now; the walk goes on with the one that it began with.
    Changed {
        /// SHA-256 of the file as it is.
        hash: String,
    },
    /// The way back was begun.
    RollbackBegan {
        /// Why.
        reason: String,
        /// Who; empty for the machine.
        #[serde(default)]
        by: String,
    },
    /// It is over.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// Who says so; empty for the machine.
        #[serde(default)]
        by: String,
        /// Why, in a person's words; may be empty.
        #[serde(default)]
        reason: String,
    },
    /// A line of a newer program, kept as it is.
    #[serde(other)]
    Unknown,
}

/// One line of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its place, from 1.
    pub seq: u64,
    /// When, ms since the epoch.
    pub at: Millis,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

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
            What::Unknown => {}
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

/// What is seen of a block that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alive {
    /// The process that leads it.
    pub pid: i32,
    /// Time on a processor so far, of all its processes, in ms.
    pub cpu: Millis,
    /// How long nothing has been printed, in ms.
    pub silent: Millis,
    /// What it waits for: the name of the program that runs innermost; may be empty.
    pub program: String,
    /// That program waits for a disk.
    pub disk: bool,
    /// What is typed is not shown: it asks for something secret.
    pub hidden: bool,
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

    #[test]
    fn a_line_survives_being_written_and_one_of_a_newer_program_is_kept() {
        let line = told(3, ended(1, 0));
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), line);
        let newer: Told = serde_json::from_str(r#"{"seq":9,"at":1,"kind":"telepathy","x":1}"#).unwrap();
        assert_eq!(newer.what, What::Unknown);
    }
}
