//! Everything the world can be asked to do. Data, carried out by one performer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::model::journal::Draft;
use crate::model::matcher::Matcher;
use crate::model::run::Head;
use crate::model::run::Part;
use crate::model::run::What;
use crate::model::time::Millis;
use crate::model::watch::Watch;
use crate::model::watch::Withdrawn;
use crate::model::window;

/// One request to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask every source now instead of at its next turn.
    PollNow,
    /// Ask the sources from here, or no longer: a recorder does.
    Ask(bool),
    /// Count the session table exactly, once, whatever the budget.
    CountExactly,
    /// Take these figures apart by endpoint, status and host from now on.
    LookCloser(Closer),
    /// Make, change or end a silence; the number comes back with the answer.
    Silence(u64, SilenceOrder),
    /// Write something down; the number comes back with the answer.
    Record(u64, RecordOrder),
    /// Restart what the new settings ask for otherwise than the old ones.
    Apply,
    /// Hand the terminal back and stop this process until it is continued.
    Suspend,
    /// Draw everything anew: something else may have written on the terminal.
    Repaint,
    /// Ring the bell and let the terminal notify.
    Announce(String),
    /// Read the curves of a span of the past; they come back moved by so many days.
    Compare {
        /// How many days back.
        days: i64,
        /// From, ms since the epoch.
        from: Millis,
        /// To, ms since the epoch.
        to: Millis,
    },
    /// Count one side of a window; it comes back.
    Count(CountOrder),
    /// Write the post-mortem of an incident, unless it is written; its file comes back.
    Document(String),
    /// Let the person edit a file with their own editor, on this terminal.
    Edit(String),
    /// Something for the run of a procedure.
    Run(RunOrder),
    /// From now on what is typed goes there, and nobody reads along.
    Keys(Keys),
    /// Give this text to the terminal's clipboard.
    Copy(String),
    /// End with this exit code.
    Exit(u8),
}

/// Where keys go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Here, as events.
    Here,
    /// Into the terminal of what runs.
    Step,
    /// Into a secret value of this name.
    Secret(String),
}

/// A block of commands to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The step.
    pub step: String,
    /// What of it.
    pub part: Part,
    /// The commands, as a shell reads them.
    pub text: String,
    /// The same with what is known filled in and what is secret hidden.
    pub shown: String,
    /// Columns and rows of its terminal; without one a prompt fails at once.
    pub terminal: Option<(u16, u16)>,
    /// It is killed after so long.
    pub killed_after: Option<Millis>,
}

/// Something for the run of a procedure.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOrder {
    /// What is ordered from now on, and what comes of it, belongs to this link to a run.
    Link(u64),
    /// Begin one.
    Open {
        /// What is known of it.
        head: Box<Head>,
        /// Variables that the procedure speaks of.
        names: Vec<String>,
        /// Values given before it begins.
        values: BTreeMap<String, String>,
    },
    /// Take one up again whose supervisor is gone.
    Resume {
        /// What is known of it.
        head: Box<Head>,
        /// Variables that the procedure speaks of.
        names: Vec<String>,
    },
    /// Come back to one.
    Attach {
        /// Which.
        run: String,
        /// Drive it from here; otherwise it is only looked at.
        take: bool,
    },
    /// Read what a block printed, all that is kept of it.
    Read {
        /// The files of its output, in order.
        casts: Vec<String>,
    },
    /// See when a file was last written.
    Age {
        /// The file.
        path: String,
    },
    /// Run a command that says what there is to choose from.
    Choices {
        /// For which value.
        name: String,
        /// The command; it only looks.
        command: String,
    },
    /// See which of these the machine can prove by itself.
    Prove {
        /// What has to be there.
        items: Vec<crate::model::runbook::Item>,
    },
    /// Write a line of it.
    Tell(What),
    /// Start a block.
    Start(Box<Block>),
    /// A value for the blocks to come.
    Give {
        /// Its name.
        name: String,
        /// The value.
        value: String,
    },
    /// The same of a value that was typed unseen: whoever performs this has it.
    GiveSecret {
        /// Its name.
        name: String,
    },
    /// The terminal has this size now.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Stop what runs.
    Stop {
        /// Whatever it does about it.
        kill: bool,
    },
    /// Leave the run alone; what runs goes on.
    Leave,
}

/// Something to be written down.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordOrder {
    /// Somebody has it: joins the incident that goes on, or opens one.
    Take {
        /// The year that a new incident is counted in.
        year: i64,
        /// The first entries of a new incident.
        opening: Vec<Draft>,
        /// That they have it; without, rules open one, and join none.
        took: Option<Box<Draft>>,
        /// The rules open it: of several cabinas one does, and proves it when it writes.
        led: bool,
    },
    /// Entries for the journal of an incident.
    Append {
        /// Which.
        incident: String,
        /// What.
        drafts: Vec<Draft>,
    },
    /// Entries before a place in a journal, as things happened.
    Older {
        /// Which incident.
        incident: String,
        /// When the oldest known entry happened, and its place.
        before: (Millis, i64),
    },
    /// From now on sentences are in this language, and this is who writes here.
    Renewed {
        /// The language.
        lang: crate::lang::Lang,
        /// Who.
        operator: String,
    },
    /// Lines of a run.
    Run {
        /// Which.
        run: String,
        /// Its lines.
        lines: Vec<crate::model::run::Told>,
    },
    /// What is watched from now on, as [`crate::engine::follow::watched`] says it.
    Watch(String),
    /// What is said of a window after a deploy.
    Window(Box<Watch>),
    /// A verdict does not hold any more.
    Withdraw {
        /// The window.
        watch: String,
        /// Since when, and why.
        withdrawn: Withdrawn,
    },
    /// The figures of delivery of so many days.
    Dora(i64),
    /// A note that is not finished: kept so that a crash does not take it.
    Unfinished(String),
}

/// A silence to be made, changed (with an id) or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceOrder {
    /// The silence to change; a new one without.
    pub id: Option<String>,
    /// What it silences.
    pub matchers: Vec<Matcher>,
    /// End that silence now instead of making one.
    pub over: bool,
    /// From when, ms since the epoch.
    pub starts: Millis,
    /// Until when, ms since the epoch.
    pub ends: Millis,
    /// Who.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// Which figures are taken apart: what costs the server something is asked for only while it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closer {
    /// Failed requests.
    pub errors: bool,
    /// Durations.
    pub latency: bool,
}

/// One side of a window to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountOrder {
    /// Which side.
    pub part: window::Part,
    /// From when to when, ms since the epoch.
    pub span: (Millis, Millis),
    /// Durations and values are wanted from then on only.
    pub since: Millis,
    /// In pieces of so many ms.
    pub piece: Millis,
}

/// What one event asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaction {
    /// Requests, in order.
    pub effects: Vec<Effect>,
    /// The screen differs from what was drawn.
    pub redraw: bool,
}

impl Reaction {
    /// Nothing to do.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Draw, and nothing else.
    #[must_use]
    pub fn redraw() -> Self {
        Self { effects: Vec::new(), redraw: true }
    }

    /// One request, and draw.
    #[must_use]
    pub fn with(effect: Effect) -> Self {
        Self { effects: vec![effect], redraw: true }
    }
}
