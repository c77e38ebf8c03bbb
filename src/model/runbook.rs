//! A runbook: what a procedure says, taken out of its Markdown.

use crate::model::time::Millis;

/// Where a step stands in the procedure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What is checked before anything changes: P1, P2 …
    Preflight,
    /// The procedure itself: 1, 2 …
    #[default]
    Steps,
    /// Does all of it work now? V1, V2 …
    Validation,
    /// The way back: R1, R2 …
    Rollback,
    /// What is left to do afterwards: X1, X2 …
    Post,
}

impl Section {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Steps => "steps",
            Self::Validation => "validation",
            Self::Rollback => "rollback",
            Self::Post => "post",
        }
    }

    /// What the numbers of its steps begin with.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Preflight => "P",
            Self::Steps => "",
            Self::Validation => "V",
            Self::Rollback => "R",
            Self::Post => "X",
        }
    }
}

/// How much a procedure or a step may break, in the house's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criticality {
    /// Minor upkeep.
    Baja,
    /// Routine.
    Media,
    /// Important systems.
    Alta,
    /// Production itself: approval, and a way back.
    Critica,
}

impl Criticality {
    /// The word of the house, never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Baja => "BAJA",
            Self::Media => "MEDIA",
            Self::Alta => "ALTA",
            Self::Critica => "CRITICA",
        }
    }
}

/// A block of commands: one fence of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// What reads it, in the word of the fence: `bash`, `sh`, `sql` …; `bash` where the fence has none.
    pub shell: String,
    /// The commands, without prompts and without what they print.
    pub text: String,
    /// The line of the document that they begin on, from 1.
    pub line: usize,
    /// Characters in its lines that are not what they seem, by their names.
    pub odd: Vec<String>,
}

/// Commands that say whether something worked, and what they are to print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// The commands.
    pub command: Command,
    /// What a machine compares their output with: as it is, or `regex:` and an expression. Empty: only that they end well.
    pub expected: String,
}

/// A line with its place in the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// The pieces of code in it.
    pub code: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// `P1`, `1`, `V1`, `R1`, `X1`.
    pub id: String,
    /// Where it stands.
    pub section: Section,
    /// What it is called.
    pub title: String,
    /// The line of its heading, from 1.
    pub line: usize,
    /// How much it may break, where it says.
    pub criticality: Option<Criticality>,
    /// How long it takes, in minutes, where it says.
    pub minutes: Option<f64>,
    /// Does it say that there is a way back? `None` where it says nothing.
    pub undoable: Option<bool>,
    /// What is run.
    pub commands: Vec<Command>,
    /// What a person is to see.
    pub expected: String,
    /// It stands there as output of the commands: where they print it, nobody has to be asked.
    pub prints: bool,
    /// What says that it worked.
    pub validations: Vec<Validation>,
    /// What to do if it fails.
    pub if_fails: Vec<String>,
    /// What undoes it.
    pub rollback: Vec<Command>,
    /// What else it says.
    pub notes: Vec<String>,
    /// It says that it only looks.
    pub looks: bool,
    /// Does it say that it takes data away? `None` where it says nothing.
    pub loses: Option<bool>,
    /// The machine that it is meant for; empty where it does not say.
    pub host: String,
    /// The condition on which it is done at all.
    pub when: Option<When>,
    /// What signals are to be before it counts as done.
    pub until: Vec<Until>,
    /// It is killed after so long, in ms; only where it says so.
    pub killed_after: Option<Millis>,
    /// Checks, signals and alerts that it takes down while it runs.
    pub outages: Vec<String>,
    /// Conditions that could not be read, with their lines.
    pub unread: Vec<(usize, String)>,
}

/// What a signal is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its name.
    pub signal: String,
    /// Above the value, or below it.
    pub above: bool,
    /// The value, in the signal's own unit.
    pub value: f64,
}

/// What is waited for after a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    /// What is to be.
    pub limit: Limit,
    /// For how long, in ms.
    pub hold: Millis,
    /// Until when at the latest, in ms from the step's end.
    pub timeout: Millis,
    /// The line that says so.
    pub line: usize,
}

/// On what condition a step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// As it is written.
    pub text: String,
    /// The variable.
    pub name: String,
    /// `==`, `!=`, `>`, `<`, `>=`, `<=`, `set`, `empty`
    pub operator: &'static str,
    /// What it is compared with.
    pub value: String,
    /// Where it does not hold the walk stops instead of passing over.
    pub stops: bool,
}

/// What kind of value is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    #[default]
    Text,
    /// A number.
    Number,
    /// One of several.
    Choice,
}

/// A value that is asked for once, before anything runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The variable.
    pub name: String,
    /// What kind.
    pub kind: InputKind,
    /// What is asked; empty, the name is.
    pub label: String,
    /// What there is to choose from.
    pub choices: Vec<String>,
    /// A command that prints what there is to choose from, a line each.
    pub command: String,
    /// The value where nothing is said.
    pub default: Option<String>,
    /// It is typed unseen.
    pub secret: bool,
}

impl Step {
    /// A person does it: there is nothing to run.
    #[must_use]
    pub fn manual(&self) -> bool {
        self.commands.is_empty()
    }
}

/// A known problem and what helps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// What it is called.
    pub title: String,
    /// What is seen of it.
    pub symptoms: Vec<String>,
    /// Why it happens.
    pub cause: String,
    /// What helps.
    pub commands: Vec<Command>,
}

/// Whom to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// `DBA`
    pub role: String,
    /// Who, and how.
    pub name: String,
}

/// What the steps were read from: how sure it is that they are steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Structure {
    /// Nothing in it can be walked.
    #[default]
    None,
    /// Headings that have commands below them.
    Headings,
    /// Numbered lists.
    Lists,
    /// Headings that call themselves steps.
    Steps,
}

impl Structure {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Headings => "headings",
            Self::Lists => "lists",
            Self::Steps => "steps",
        }
    }

    /// How sure it is, from 0 to 1: a heading that says "step" is one; a numbered list nearly always is; commands below
    /// a heading may be alternatives, or examples.
    #[must_use]
    pub fn confidence(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Headings => 0.5,
            Self::Lists => 0.7,
            Self::Steps => 1.0,
        }
    }
}

/// What the front matter says, in either language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    /// Every key as it is written, with its line and its value as text; lists have their parts in `lists`.
    pub keys: Vec<(String, usize, String)>,
    /// Keys whose value is a list.
    pub lists: Vec<(String, Vec<String>)>,
    /// Values that are asked for.
    pub inputs: Vec<Input>,
    /// What could not be read of it: the line, and one sentence of the parser.
    pub problem: Option<(usize, String)>,
    /// It is there.
    pub present: bool,
    /// The line it ends on; 0 without one.
    pub ends: usize,
}

impl Front {
    /// The value of the first of several names; what is left as it stood in the template counts as missing.
    #[must_use]
    pub fn get(&self, names: &[&str]) -> Option<&str> {
        self.entry(names).map(|(_, _, value)| value.as_str())
    }

    /// The same with its line.
    #[must_use]
    pub fn entry(&self, names: &[&str]) -> Option<&(String, usize, String)> {
        let found = names.iter().find_map(|n| self.keys.iter().find(|(key, _, _)| key == n));
        found.filter(|(_, _, value)| !value.trim().is_empty())
    }

    /// The values of a list, or the one value.
    #[must_use]
    pub fn list(&self, names: &[&str]) -> Vec<String> {
        let list = names.iter().find_map(|n| self.lists.iter().find(|(key, _)| key == n));
        match list {
            Some((_, values)) => values.clone(),
            None => self.get(names).map(str::to_owned).into_iter().collect(),
        }
    }
}

/// A procedure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runbook {
    /// `PROC-BACKEND-008`
    pub id: String,
    /// What it is called.
    pub title: String,
    /// `es` or `en`.
    pub language: &'static str,
    /// `deployment`, `rollback`, `maintenance` …; empty where it does not say.
    pub kind: String,
    /// How much it may break.
    pub criticality: Option<Criticality>,
    /// How often it is used, as it is written.
    pub frequency: String,
    /// `1.0.0`
    pub version: String,
    /// How long all of it takes, in minutes.
    pub minutes: Option<f64>,
    /// The signals that it is for.
    pub signals: Vec<String>,
    /// The alerts that it is for.
    pub alerts: Vec<String>,
    /// What must be there first.
    pub prerequisites: Vec<Item>,
    /// Every step, in the order of the document.
    pub steps: Vec<Step>,
    /// When to go back.
    pub triggers: Vec<Item>,
    /// Known problems.
    pub troubles: Vec<Trouble>,
    /// Whom to call.
    pub contacts: Vec<Contact>,
    /// What the steps were read from.
    pub structure: Structure,
    /// The front matter.
    pub front: Front,
    /// Headings of the second level, normalised, with their lines: what belongs where.
    pub headings: Vec<Item>,
    /// Lines on which a fence opens that nothing closes.
    pub unclosed: Vec<usize>,
    /// Lines of the document.
    pub lines: usize,
}
