//! What can happen: the vocabulary of the timeline, kept as data and put into words when it is read.

use serde::Deserialize;
use serde::Serialize;

use crate::model::context::Changed;
use crate::model::deploy::Deploy;
use crate::model::health::Status as Health;
use crate::model::incident::Phase;
use crate::model::matcher::Matcher;
use crate::model::run::Because;
use crate::model::run::Outcome;
use crate::model::run::Status;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::signal::Absence;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::watch::Ended;
use crate::model::window::Judged;
use crate::model::window::Verdict;

/// Moments that are read from the same history by two programs lie this near to each other.
const ABOUT: Millis = 5 * MINUTE;

/// What can stand in the timeline. Stored as JSON under its `kind`; a variant is never renamed, and what is added to one
/// has a default: stores outlive programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The cockpit began to look.
    Opened,
    /// A figure began to go wrong.
    Onset {
        /// The rule that found it.
        finding: Finding,
    },
    /// The level changed.
    Level {
        /// From.
        from: Level,
        /// To.
        to: Level,
        /// The first reason for a rise.
        because: Option<Finding>,
    },
    /// A check changed its word.
    Check {
        /// Its name.
        name: String,
        /// From.
        from: Health,
        /// To.
        to: Health,
        /// What was seen, or the parent that explains it.
        detail: String,
    },
    /// A source stopped answering.
    Lost {
        /// Its name.
        source: String,
        /// Why.
        why: Absence,
    },
    /// A source answers again.
    Back {
        /// Its name.
        source: String,
    },
    /// Alerts began to fire.
    Fired {
        /// Their names.
        names: Vec<String>,
    },
    /// Alerts stopped firing.
    Over {
        /// Their names.
        names: Vec<String>,
    },
    /// A silence was made from here.
    Silenced {
        /// What it silences.
        matchers: Vec<Matcher>,
        /// Until when, ms since the epoch.
        ends: Millis,
        /// Who made it.
        by: String,
    },
    /// A silence was ended from here.
    Unsilenced {
        /// What it silenced.
        matchers: Vec<Matcher>,
    },
    /// Alertmanager did not take a silence.
    SilenceFailed {
        /// Why.
        why: Absence,
    },
    /// The database server takes no writes any more, or takes them again.
    ReadOnly {
        /// It takes none.
        read_only: bool,
    },
    /// Replication stopped, or runs again.
    Replica {
        /// It runs.
        running: bool,
        /// What stopped it; may be empty.
        error: String,
    },
    /// A version or a process start was seen.
    Changed {
        /// What changed.
        what: Changed,
    },
    /// Something is known to be bad until a moment, or no longer.
    KnownBad {
        /// The signal, check or alert.
        subject: String,
        /// Until when; `None` takes the mark away.
        until: Option<Millis>,
        /// Who said so.
        by: String,
    },
    /// A changed configuration is in use.
    Reloaded,
    /// Of a changed configuration this counts from the next start on.
    NextStart {
        /// Keys.
        later: Vec<String>,
    },
    /// A changed configuration is wrong; the old one stays in use.
    ReloadFailed {
        /// What is wrong with it.
        mistakes: Vec<String>,
    },
    /// Something has not been seen for some minutes.
    Blind {
        /// Since when, ms since the epoch.
        since: Millis,
        /// What is not seen.
        findings: Vec<Finding>,
    },
    /// Everything is seen again.
    Sighted,
    /// Rows were swept from the session table.
    Swept {
        /// How many.
        rows: u64,
    },
    /// An incident was opened.
    IncidentOpened {
        /// What it is called.
        title: String,
        /// How bad it was said to be; UNKNOWN where nobody has said.
        level: Level,
        /// When it began, ms since the epoch.
        began: Millis,
    },
    /// A person wrote something down.
    Note {
        /// Their words.
        text: String,
    },
    /// Something is left to do.
    Todo {
        /// What.
        text: String,
        /// Who does it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Until when: a day, `2026-12-01`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<String>,
    },
    /// Something that was left to do is done, or is not after all.
    Done {
        /// The entry that asked for it.
        of: i64,
        /// It is done.
        done: bool,
        /// What it was; empty in entries of older versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
    },
    /// Somebody says how bad it is.
    Declared {
        /// How bad.
        level: Level,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Somebody takes a role.
    Assigned {
        /// Which role: `owner` is whoever has the incident.
        role: String,
        /// Who; empty frees the role.
        who: String,
    },
    /// The incident is somewhere else on its way.
    Moved {
        /// Where.
        phase: Phase,
    },
    /// Those who wait were told how it goes.
    Update {
        /// What they were told.
        text: String,
    },
    /// It works again.
    Resolved {
        /// Since when, ms since the epoch.
        since: Millis,
        /// What helped.
        #[serde(default)]
        text: String,
    },
    /// Nothing is left to do about it.
    Closed {
        /// A last word.
        #[serde(default)]
        text: String,
    },
    /// It was another incident all along.
    Merged {
        /// The one that goes on.
        into: String,
    },
    /// Another incident turned out to be this one.
    Absorbed {
        /// The one that ends.
        from: String,
    },
    /// A note was put right; the entry it is about stays as it was.
    Edited {
        /// The entry.
        of: i64,
        /// What it says now.
        text: String,
    },
    /// An entry was marked.
    Marked {
        /// The entry.
        of: i64,
        /// It stays in sight.
        #[serde(default)]
        pinned: bool,
        /// Words it can be found by.
        #[serde(default)]
        tags: Vec<String>,
    },
    /// Somebody ran a command.
    Ran {
        /// The command, without what is secret.
        command: String,
        /// Its exit code; `None` when a signal ended it.
        exit: Option<i64>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i64>,
        /// How long it took.
        took: Millis,
        /// The end of its output.
        #[serde(default)]
        output: String,
    },
    /// A procedure was begun.
    RunBegan {
        /// The run.
        run: String,
        /// The procedure.
        runbook: String,
        /// What that is called.
        title: String,
    },
    /// A step was begun; written down before it is.
    StepBegan {
        /// The run.
        run: String,
        /// The procedure.
        runbook: String,
        /// The step.
        step: String,
        /// What it is called.
        #[serde(default)]
        title: String,
        /// It is being undone.
        #[serde(default)]
        undo: bool,
        /// What is run, without what is secret.
        #[serde(default)]
        command: String,
        /// On which machine.
        #[serde(default)]
        host: String,
    },
    /// What came of a step.
    StepEnded {
        /// The run.
        run: String,
        /// The procedure.
        runbook: String,
        /// The step.
        step: String,
        /// What it is called.
        #[serde(default)]
        title: String,
        /// How it stands.
        status: Status,
        /// Its last exit code, where it ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<i64>,
        /// How long it took, from its first command on.
        #[serde(default)]
        took: Millis,
        /// Why it stands so, in a person's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        /// Why, where the machine judged.
        #[serde(default)]
        because: Because,
        /// The end of its output.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
    },
    /// Something about a run that people should know: a deviation, an approval, the way back.
    RunSaid {
        /// The run.
        run: String,
        /// The procedure.
        runbook: String,
        /// The step, where it is about one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        step: String,
        /// What kind of thing.
        what: RunWord,
        /// The words.
        #[serde(default)]
        text: String,
    },
    /// A procedure is over.
    RunEnded {
        /// The run.
        run: String,
        /// The procedure.
        runbook: String,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        took: Millis,
    },
    /// A version went live.
    Deployed {
        /// What is known of it.
        deploy: Deploy,
    },
    /// A window after a deploy has ended.
    WindowEnded {
        /// Which.
        watch: String,
        /// What had gone live; may be empty.
        version: String,
        /// What came of it.
        verdict: Verdict,
        /// How it ended.
        how: Ended,
        /// What decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Box<Judged>>,
    },
    /// Its verdict does not hold any more: trouble began while there was a way back.
    WindowWithdrawn {
        /// Which.
        watch: String,
        /// What had gone live; may be empty.
        version: String,
        /// What began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finding: Option<Box<Finding>>,
    },
    /// Nothing speaks against letting the old side of a deploy go.
    OldSideFree {
        /// The version that has proved itself; may be empty.
        version: String,
    },
    /// An entry of a newer program, kept as it is.
    #[serde(other)]
    Unknown,
}

/// What is said about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunWord {
    /// Something was done otherwise than it is written.
    Deviated,
    /// Checks were passed over.
    Passed,
    /// A second person agrees.
    Approved,
    /// Nobody was there to agree.
    BrokeGlass,
    /// The way back was begun.
    Rollback,
    /// The file changed; the walk goes on with the one it began with.
    Changed,
    /// It goes on under another supervisor.
    Resumed,
    /// Something of a newer program.
    #[serde(other)]
    Other,
}

impl Fact {
    /// The word that the store and JSON carry as `kind`.
    #[must_use]
    pub fn kind(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("kind").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
    }

    /// The identifier of its entry in an incident's journal, where several cabinas may write the same: whoever does, it
    /// is there once.
    #[must_use]
    pub fn entry_of(&self, incident: &str) -> Option<String> {
        match self {
            Self::Deployed { deploy } => Some(deploy.entry_of(incident)),
            Self::WindowEnded { watch, .. } => Some(format!("{watch} ended {incident}")),
            Self::WindowWithdrawn { watch, .. } => Some(format!("{watch} withdrawn {incident}")),
            Self::OldSideFree { version } => Some(format!("{version} alone {incident}")),
            _ => None,
        }
    }

    /// The same with a person's words rewritten.
    #[must_use]
    pub fn rewritten(self, fit: impl Fn(&str) -> String) -> Self {
        match self {
            Self::IncidentOpened { title, level, began } => Self::IncidentOpened { title: fit(&title), level, began },
            Self::Note { text } => Self::Note { text: fit(&text) },
            Self::Todo { text, owner, due } => Self::Todo { text: fit(&text), owner: owner.map(|o| fit(&o)), due },
            Self::Declared { level, reason } => Self::Declared { level, reason: fit(&reason) },
            Self::Update { text } => Self::Update { text: fit(&text) },
            Self::Done { of, done, text } => Self::Done { of, done, text: fit(&text) },
            Self::Resolved { since, text } => Self::Resolved { since, text: fit(&text) },
            Self::Closed { text } => Self::Closed { text: fit(&text) },
            Self::Edited { of, text } => Self::Edited { of, text: fit(&text) },
            Self::Ran { command, exit, signal, took, output } => {
                Self::Ran { command: fit(&command), exit, signal, took, output: fit(&output) }
            }
            Self::StepBegan { run, runbook, step, title, undo, command, host } => {
                Self::StepBegan { run, runbook, step, title, undo, command: fit(&command), host }
            }
            Self::StepEnded { run, runbook, step, title, status, exit, took, reason, because, output } => {
                let (reason, output) = (fit(&reason), fit(&output));
                Self::StepEnded { run, runbook, step, title, status, exit, took, reason, because, output }
            }
            Self::RunSaid { run, runbook, step, what, text } => {
                Self::RunSaid { run, runbook, step, what, text: fit(&text) }
            }
            Self::Assigned { role, who } => Self::Assigned { role: fit(&role), who: fit(&who) },
            Self::Marked { of, pinned, tags } => {
                Self::Marked { of, pinned, tags: tags.iter().map(|t| fit(t)).collect() }
            }
            other => other,
        }
    }

    /// What a machine says of the state of things: the thing, and its state. Two cabinas that say the same of a thing
    /// one after the other have seen the same. `at` is when it was, ms since the epoch.
    #[must_use]
    pub fn tells(&self, at: Millis) -> Vec<(String, String)> {
        let named = |what: &str, names: &[String], state: &str| {
            names.iter().map(|n| (format!("{what} {n}"), state.to_owned())).collect()
        };
        match self {
            // An onset is found again by whoever reads the same history; it lies where it lay, to the minute or two.
            Self::Onset { finding } => {
                vec![(format!("onset {:?} {}", finding.rule, finding.subject), (finding.since / ABOUT).to_string())]
            }
            Self::Level { to, .. } => vec![("level".to_owned(), to.word().to_owned())],
            Self::Check { name, to, .. } => vec![(format!("check {name}"), to.word().to_owned())],
            Self::Lost { source, .. } => vec![(format!("source {source}"), "lost".to_owned())],
            Self::Back { source } => vec![(format!("source {source}"), "back".to_owned())],
            Self::Fired { names } => named("alert", names, "fires"),
            Self::Over { names } => named("alert", names, "over"),
            Self::Blind { .. } => vec![("sight".to_owned(), "blind".to_owned())],
            Self::Sighted => vec![("sight".to_owned(), "sighted".to_owned())],
            Self::ReadOnly { read_only } => vec![("read-only".to_owned(), read_only.to_string())],
            Self::Replica { running, .. } => vec![("replica".to_owned(), running.to_string())],
            Self::Changed { what } => vec![match what {
                Changed::Version { to, .. } => ("version".to_owned(), to.clone()),
                _ => ("start".to_owned(), (at / ABOUT).to_string()),
            }],
            _ => Vec::new(),
        }
    }

    /// What a person did here, or what came of it: no other cabina has seen it.
    #[must_use]
    pub fn happened_here(&self) -> bool {
        self.by_person() || matches!(self, Self::SilenceFailed { .. })
    }

    /// Written by a person, not by a machine.
    #[must_use]
    pub fn by_person(&self) -> bool {
        !matches!(
            self,
            Self::Opened
                | Self::Onset { .. }
                | Self::Level { .. }
                | Self::Check { .. }
                | Self::Lost { .. }
                | Self::Back { .. }
                | Self::Fired { .. }
                | Self::Over { .. }
                | Self::SilenceFailed { .. }
                | Self::ReadOnly { .. }
                | Self::Replica { .. }
                | Self::Changed { .. }
                | Self::Reloaded
                | Self::NextStart { .. }
                | Self::ReloadFailed { .. }
                | Self::Blind { .. }
                | Self::Sighted
                | Self::Swept { .. }
                | Self::Unknown
        )
    }
}
