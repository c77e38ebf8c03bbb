//! A run of a procedure: what is told of it, line by line, and what those lines add up to. The lines are all there is:
//! whoever reads them from the first knows what whoever drove it knew.

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
    /// A command of the procedure said what there is to choose from for a value.
    Looked {
        /// The value.
        name: String,
        /// The command.
        command: String,
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

    #[test]
    fn a_line_survives_being_written_and_one_of_a_newer_program_is_kept() {
        let line = Told { seq: 3, at: 3_000, what: What::Ended { block: 1, end: End::default() } };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), line);
        let newer: Told = serde_json::from_str(r#"{"seq":9,"at":1,"kind":"telepathy","x":1}"#).unwrap();
        assert_eq!(newer.what, What::Unknown);
    }
}
