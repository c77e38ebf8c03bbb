//! Why the machine judges a step as it does.

use serde::Deserialize;
use serde::Serialize;

/// Why the machine judges a step as it does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Because {
    /// A person judged, or everything holds.
    #[default]
    Nothing,
    /// A block ended with another exit code than 0.
    Exit {
        /// The code.
        code: i32,
    },
    /// A signal ended a block.
    Signal {
        /// The signal.
        signal: i32,
    },
    /// A person stopped it.
    Stopped,
    /// It could not be started.
    NotStarted {
        /// Why.
        error: String,
    },
    /// Something else was printed than what was expected.
    Output {
        /// What was expected.
        expected: String,
    },
    /// The expression of what is expected cannot be read.
    Expression {
        /// Why.
        error: String,
    },
    /// A signal was not what it is to be, in time.
    Signals {
        /// Which, and what it was to be.
        wanted: String,
        /// What it was last; `None` where it had no value.
        value: Option<f64>,
    },
    /// Only a person can do it, and none is there.
    NeedsPerson,
    /// Only a person can run it: it is no shell.
    NotShell {
        /// What it is.
        shell: String,
    },
    /// Values are missing.
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// Its condition does not hold.
    Condition {
        /// The condition.
        text: String,
    },
    /// The way back would take data away, and nobody has allowed that.
    LosesData,
    /// Somebody ended the program.
    Interrupted,
    /// Something of a newer program.
    #[serde(other)]
    Other,
}
