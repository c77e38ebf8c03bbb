//! Everything that can happen. Nothing else changes `State`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::effect::Closer;
use crate::engine::record::Desk;
use crate::engine::record::Scribe;
use crate::engine::settings::Settings;
use crate::input::key::Chord;
use crate::model::alert::Alert;
use crate::model::alert::Silence;
use crate::model::breakdown::Breakdown;
use crate::model::context::Seen;
use crate::model::context::Target;
use crate::model::context::Usual;
use crate::model::deploy::Deploy;
use crate::model::flaps::Flaps;
use crate::model::glance;
use crate::model::health::Probe;
use crate::model::incident::Incident;
use crate::model::journal;
use crate::model::rule::Evaluation;
use crate::model::run::Alive;
use crate::model::run::Told;
use crate::model::sessions::Look;
use crate::model::signal::Absence;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::time::Millis;
use crate::model::time::Stamp;
use crate::model::watch::Watch;
use crate::model::window;
use crate::model::window::Counted;

/// One thing that happened, with the moment it was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was received.
    pub at: Stamp,
    /// What happened.
    pub kind: Kind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A second of the wall clock began. Dropped when the channel is full.
    Tick,
    /// The terminal has this size now, in cells.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A key was pressed.
    Key(Chord),
    /// Text was pasted.
    Pasted(String),
    /// One probe of a health check came back.
    Probed {
        /// The check's name.
        check: String,
        /// What it found.
        probe: Probe,
    },
    /// A source of figures answered.
    Sampled {
        /// The source's name.
        source: String,
        /// How it was read.
        origin: Origin,
        /// The figures, oldest first; several moments only when history is read.
        samples: Vec<Sample>,
        /// True for history read at start.
        history: bool,
        /// How long the answer took.
        took: Millis,
        /// What the server said beside its answer.
        notes: Vec<String>,
    },
    /// A look at the session table ended.
    Measured {
        /// Figures, or why there are none.
        look: Look,
    },
    /// A source of figures gave no answer.
    SourceFailed {
        /// The source's name.
        source: String,
        /// Why.
        why: Absence,
    },
    /// The surroundings were read; what was not asked for this time is `None`.
    ContextRead {
        /// The targets of the service.
        targets: Option<Vec<Target>>,
        /// Versions and process starts.
        seen: Option<Seen>,
        /// Traffic of past weeks.
        usual: Option<Usual>,
    },
    /// A glance at the database server ended.
    Glanced {
        /// What was seen, or why nothing was.
        look: glance::Look,
    },
    /// A source of alerts answered.
    AlertsRead {
        /// The source's name.
        source: String,
        /// All that it has.
        alerts: Vec<Alert>,
        /// Its silences in force, to come, or just over.
        silences: Vec<Silence>,
        /// Alerts beyond what is kept.
        left_out: usize,
        /// Its clock minus ours, in ms, to the second.
        skew: Option<Millis>,
        /// How long the answer took.
        took: Millis,
    },
    /// The last week of some alerts, by shown name.
    Flapped {
        /// How often each came and went.
        flaps: BTreeMap<String, Flaps>,
    },
    /// A rule of a rule file was evaluated.
    RuleJudged {
        /// Place of its group.
        group: usize,
        /// Its place in the group.
        rule: usize,
        /// Its expression: what is told of another one is not taken.
        expr: String,
        /// What came of it, oldest first; several only when history is read.
        evaluations: Result<Vec<Evaluation>, Absence>,
    },
    /// An order for a silence was answered.
    SilenceAnswered {
        /// The number of the order.
        request: u64,
        /// The silence's id, or why there is none.
        answer: Result<String, Absence>,
    },
    /// A figure was taken apart.
    BrokenDown {
        /// The source's name.
        source: String,
        /// What was asked for: a topic that is asked for and has no parts has none now.
        wanted: Closer,
        /// The parts.
        parts: Vec<Breakdown>,
    },
    /// A source's first round is over (after it, one-shot modes need nothing more from it).
    SourceDone {
        /// The source's name.
        source: String,
    },
    /// The task behind a source ended by itself.
    SourceDied {
        /// The source's name.
        source: String,
        /// Its last words.
        why: String,
    },
    /// The curves of another day were read.
    Compared {
        /// How many days back.
        days: i64,
        /// Their figures, dated as they were.
        samples: Vec<Sample>,
    },
    /// The configuration was changed, and it is right.
    Reloaded(Box<Settings>),
    /// The configuration was changed, and it is wrong: every mistake, with its line and key.
    ReloadFailed {
        /// The mistakes.
        mistakes: Vec<String>,
    },
    /// The record can be written.
    RecordOpened {
        /// Who writes here.
        desk: Desk,
        /// A note that was not finished.
        draft: String,
    },
    /// The record could not be read or written.
    RecordFailed {
        /// The order that was not carried out, if it was one.
        request: Option<u64>,
        /// Why, in one sentence.
        why: String,
    },
    /// What a person should know of the store, in sentences, beside whether it can be written to: what of it cannot be
    /// read, where a damaged one was put.
    RecordSays {
        /// The sentences; none where all is well.
        sentences: Vec<String>,
    },
    /// Whoever wrote down what machines see is another one by now: nothing of the order was written.
    RecordUnled {
        /// The order.
        request: u64,
    },
    /// The file of the record was moved, deleted or replaced: what was on the disk is not found there any more.
    RecordGone {
        /// Why it cannot be written anew yet, in one sentence.
        why: String,
    },
    /// The record was read.
    RecordRead {
        /// The newest incident that goes on.
        incident: Option<Incident>,
        /// Entries of its journal that are new here.
        entries: Vec<journal::Entry>,
        /// The deploys of the last day, oldest first.
        deploys: Vec<Deploy>,
        /// Who writes what machines see.
        scribe: Scribe,
        /// When the newest incident that is over was resolved.
        ended: Option<Millis>,
        /// Which incident ended last; `None` in recordings of older versions.
        #[serde(default)]
        last: Option<String>,
    },
    /// An order was carried out: it is on the disk.
    Recorded {
        /// The order.
        request: u64,
        /// The incident it was about.
        incident: Incident,
        /// What was added.
        entries: Vec<journal::Entry>,
        /// The incident was opened by it.
        opened: bool,
    },
    /// A recorder on the same store is read from now on; or none is, and sources are asked from here.
    Followed {
        /// The recorder's machine.
        host: Option<String>,
    },
    /// What a recorder saw before, a piece of it.
    Backlog {
        /// Its events, each with the moment it was received there.
        events: Vec<Event>,
    },
    /// Older entries were read; none is the end.
    RecordOlder {
        /// The order.
        request: u64,
        /// The incident.
        incident: String,
        /// Its entries before those known, newest first.
        entries: Vec<journal::Entry>,
    },
    /// A document is written: its file, or why there is none.
    Documented {
        /// The file's path.
        file: Result<String, String>,
    },
    /// The library was read. It is read again by whoever looks: a recording does not hold it.
    #[serde(skip)]
    LibrarySkipped {
        /// Their names, and why, in Spanish and in English.
        files: std::sync::Arc<[(String, (String, String))]>,
    },
    /// The library was read.
    #[serde(skip)]
    LibraryRead {
        /// Every procedure, by its id.
        books: std::sync::Arc<[crate::engine::library::Book]>,
    },
    /// A procedure is to be run by itself.
    #[serde(skip)]
    WalkAsked {
        /// The procedure.
        book: std::sync::Arc<crate::engine::library::Book>,
        /// How.
        auto: Box<crate::engine::run::Auto>,
        /// What its placeholders are filled with.
        fills: BTreeMap<String, String>,
    },
    /// A line of the run that is driven from here; it is on the disk.
    RunTold {
        /// The run.
        run: String,
        /// The line.
        told: Box<Told>,
    },
    /// What is told of the run that has this link to here: what comes late of one that was left goes no further.
    #[serde(skip)]
    OfRun(u64, Box<Kind>),
    /// Something of the run has happened, and the disk does not take it yet.
    RunUnwritten {
        /// The block has ended whose end is not written.
        ended: Option<u64>,
        /// Why.
        why: String,
    },
    /// All lines of the run are here.
    RunCaught {
        /// The run.
        run: String,
        /// Lines that were printed while nobody listened.
        missed: u64,
    },
    /// Variables of the run, by name; secret ones are hidden.
    RunKnown {
        /// The variables.
        values: BTreeMap<String, String>,
    },
    /// Something was not done.
    RunRefused {
        /// Why.
        why: String,
    },
    /// The run is not driven from here any more.
    RunLeft {
        /// The run.
        run: String,
        /// Why.
        left: Left,
    },
    /// What a block printed. Its file holds it: a recording does not.
    #[serde(skip)]
    StepOutput {
        /// The bytes, as a terminal takes them.
        bytes: std::sync::Arc<[u8]>,
    },
    /// Runs that have not ended were found, newest first.
    #[serde(skip)]
    RunsFound {
        /// The runs.
        runs: std::sync::Arc<[crate::engine::run::Found]>,
    },
    /// How often each procedure was run, by its id.
    #[serde(skip)]
    RunsCounted {
        /// The figures.
        figures: std::sync::Arc<BTreeMap<String, crate::model::exercised::Exercised>>,
    },
    /// A run was read, to be gone on with.
    #[serde(skip)]
    RunRead {
        /// What happened.
        tale: Box<crate::model::tale::Tale>,
        /// The procedure as it was when the run began.
        book: std::sync::Arc<crate::model::runbook::Runbook>,
        /// Its supervisor lives.
        alive: bool,
    },
    /// The whole output of a block was read.
    #[serde(skip)]
    OutputRead {
        /// Its lines; or why there are none.
        lines: Result<std::sync::Arc<[String]>, String>,
    },
    /// The machine has proved some of what has to be there first.
    Proved {
        /// By place.
        items: Vec<usize>,
    },
    /// When a file was last written, ms since the epoch; `None` where nobody can say.
    Aged {
        /// The file.
        path: String,
        /// When.
        at: Option<Millis>,
    },
    /// What there is to choose from for a value.
    ChoicesRead {
        /// The value.
        name: String,
        /// The choices.
        choices: Vec<String>,
    },
    /// A secret was typed; whoever performs effects has it.
    SecretGiven {
        /// Its name.
        name: String,
        /// It was; otherwise it was given up.
        given: bool,
    },
    /// The keys come here again.
    KeysBack,
    /// What is seen of the block that runs.
    StepAlive {
        /// What.
        alive: Alive,
    },
    /// A window after a deploy begins.
    WindowOpened {
        /// Which.
        watch: Box<Watch>,
    },
    /// The deployment log was read: the newest windows, oldest first.
    WindowsRead {
        /// The windows.
        watches: Vec<Watch>,
    },
    /// What a window is compared with was an incident.
    BaselineMet {
        /// The window.
        watch: String,
        /// The incident.
        incident: String,
        /// When a stretch of the same length that was none ended, ms since the epoch.
        clean: Option<Millis>,
    },
    /// The figures of delivery were worked out. Whoever looks works them out again: a recording does not hold them.
    #[serde(skip)]
    DoraRead {
        /// The figures; or why there are none.
        figures: Result<Box<crate::model::dora::Dora>, String>,
    },
    /// One side of a window was counted.
    WindowCounted {
        /// Which side.
        part: window::Part,
        /// From when to when, ms since the epoch.
        span: (Millis, Millis),
        /// What; or why nothing.
        counted: Result<Counted, Absence>,
    },
    /// The waiting time of a one-shot mode is over.
    TimeUp,
    /// Somebody asks this process to stop for a while (TSTP).
    StopAsked,
    /// The process was stopped and goes on; the terminal may show anything.
    Resumed,
    /// The clipboard was written to.
    Copied,
    /// It is time to end.
    Shutdown(Ending),
}

impl Kind {
    /// What is told, whichever run it is told of.
    #[must_use]
    pub fn told(&self) -> &Self {
        match self {
            Self::OfRun(_, kind) => kind.told(),
            kind => kind,
        }
    }

    /// It was seen out there, by whoever looked: another cabina can take it in as its own.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        matches!(
            self,
            Self::Probed { .. }
                | Self::Sampled { .. }
                | Self::Measured { .. }
                | Self::SourceFailed { .. }
                | Self::ContextRead { .. }
                | Self::Glanced { .. }
                | Self::AlertsRead { .. }
                | Self::Flapped { .. }
                | Self::RuleJudged { .. }
                | Self::BrokenDown { .. }
                | Self::SourceDied { .. }
        )
    }
}

/// Why a run is not driven from here any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// It was left.
    OnPurpose,
    /// Another cabina drives it.
    Displaced,
    /// Its supervisor is gone, or could not be started: why.
    Gone(String),
}

/// Why the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A person asked.
    Asked,
    /// A signal asked (TERM, INT, QUIT).
    Signal,
    /// The terminal is gone.
    TerminalGone,
    /// Another recorder has taken the store.
    Displaced,
}
