//! The run of a procedure that is driven from here. What has happened stands in its tale, and is changed only by lines
//! that are on the disk; what is wanted next stands here.

pub mod ask;
pub mod auto;
mod blocks;
pub mod card;
pub mod card_text;
mod fold;
mod judge;
pub mod plan;
pub mod rows;
pub mod say;
mod told;
pub mod until;
pub mod value;
pub mod walk;
pub mod watch;
pub mod words;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

pub use auto::Auto;
pub use auto::Options;
pub(crate) use fold::DEAF;
pub(crate) use fold::due;
pub use fold::entry_id;
pub(crate) use fold::fold;
pub(crate) use fold::keys_go;
pub(crate) use fold::later;
pub(crate) use fold::number;
pub use judge::holds;
pub use told::facts;

use crate::engine::effect::Effect;
use crate::engine::effect::RunOrder;
use crate::engine::library::Book;
use crate::engine::settings::Settings;
use crate::engine::state::Mode;
use crate::engine::state::State;
use crate::model::console::Console;
use crate::model::incident::Incident;
use crate::model::run::Alive;
use crate::model::run::Head;
use crate::model::run::PROTOCOL;
use crate::model::run::Part;
use crate::model::run::What;
use crate::model::runbook::Criticality;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::tale::Tale;
use crate::model::time::Stamp;
use crate::runbook::variables;

/// How this cabina stands to the supervisor of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// It is being started, or found.
    #[default]
    Opening,
    /// What is asked for is done.
    Live,
    /// Another cabina drives.
    Displaced,
    /// It is gone, or could not be started: why.
    Gone(String),
}

/// A procedure that is to be run by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The procedure.
    pub book: Arc<Book>,
    /// How.
    pub auto: Auto,
    /// What its placeholders are filled with.
    pub fills: BTreeMap<String, String>,
}

/// A run that has not ended, as its file tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What has happened.
    pub tale: Tale,
    /// Its supervisor lives.
    pub alive: bool,
    /// A cabina drives it.
    pub driven: bool,
}

/// A block that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The step's place in the procedure.
    pub step: usize,
    /// What of it.
    pub part: Part,
}

/// A step waits for its signals.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The step's place.
    pub step: usize,
    /// Since when: the end of its last block.
    pub since: Stamp,
    /// Since when each condition has held; `None` while it does not.
    pub held: Vec<Option<Stamp>>,
}

/// The run that is driven from here.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What has happened.
    pub tale: Tale,
    /// The procedure, as it was when the run began.
    pub book: Arc<Runbook>,
    /// Its file's hash then.
    pub hash: String,
    /// How the supervisor can be reached.
    pub link: Link,
    /// Variables that are known, by name; secret ones are hidden.
    pub values: BTreeMap<String, String>,
    /// What placeholders were filled with.
    pub fills: BTreeMap<String, String>,
    /// The selected step.
    pub at: usize,
    /// The screen of what runs, or ran last.
    pub console: Console,
    /// Whose output that is: the step's place.
    pub console_of: Option<usize>,
    /// What is seen of the block that runs, and when it was.
    pub alive: Option<(Alive, Stamp)>,
    /// Blocks to be started, one after the other.
    pub queue: VecDeque<Wanted>,
    /// One was asked for, and has not begun yet.
    pub starting: bool,
    /// The step whose block that is, or was last.
    pub current: Option<Wanted>,
    /// What a step waits for.
    pub waiting: Option<Waiting>,
    /// Lines that were printed while nobody listened.
    pub missed: u64,
    /// The dump that would be put back, and when it was made.
    pub backup: Option<(String, crate::model::time::Millis)>,
    /// What was refused last.
    pub problem: Option<String>,
    /// What has happened is not on the disk yet.
    pub unwritten: Option<Unwritten>,
    /// It runs by itself.
    pub auto: Option<Auto>,
    /// Reasons to go back that name a signal.
    pub triggers: Vec<watch::Trigger>,
    /// When output was last drawn.
    pub(crate) drawn: Option<Stamp>,
    /// Somebody asked the running block to stop.
    pub stopping: bool,
}

/// What has happened, and the disk does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Since when.
    pub since: Stamp,
    /// The block has ended whose end is not written.
    pub ended: Option<u64>,
    /// Why.
    pub why: String,
}

impl Run {
    /// A run of which so much is known.
    #[must_use]
    pub fn new(tale: Tale, book: Arc<Runbook>, link: Link) -> Self {
        Self {
            hash: tale.head.hash.clone(),
            fills: tale.given.clone().into_iter().filter(|(n, _)| !variables::is_name(n)).collect(),
            tale,
            book,
            link,
            values: BTreeMap::new(),
            at: 0,
            console: Console::default(),
            console_of: None,
            alive: None,
            queue: VecDeque::new(),
            starting: false,
            current: None,
            waiting: None,
            missed: 0,
            backup: None,
            problem: None,
            unwritten: None,
            auto: None,
            triggers: Vec::new(),
            drawn: None,
            stopping: false,
        }
    }

    /// A step by its place.
    #[must_use]
    pub fn step(&self, at: usize) -> Option<&Step> {
        self.book.steps.get(at)
    }

    /// The place of a step.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<usize> {
        self.book.steps.iter().position(|s| s.id == id)
    }

    /// Something runs, or is about to.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.starting || self.tale.open.is_some() || !self.queue.is_empty() || self.waiting.is_some()
    }

    /// The selected step has the whole screen: somebody wants so, or types into a program that fills screens.
    #[must_use]
    pub fn zoomed(&self, state: &State) -> bool {
        state.ui.zoom || (state.ui.typing && self.console.screen().alternate_screen())
    }

    /// A value that is known, for commands shown to a person.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).or_else(|| self.tale.given.get(name)).map(String::as_str)
    }

    /// An order for its supervisor.
    pub(crate) fn tell(what: What) -> Effect {
        Effect::Run(RunOrder::Tell(what))
    }
}

/// Steps of the procedure itself, as progress is counted.
#[must_use]
pub fn proper(book: &Runbook) -> usize {
    book.steps.iter().filter(|s| s.section == Section::Steps).count()
}

/// What is known of a run before it begins; who, and on which machine, is filled in where it is begun.
#[must_use]
pub fn head(book: &Book, settings: &Settings, incident: Option<&Incident>, headless: bool) -> Head {
    let says = &book.says;
    Head {
        protocol: PROTOCOL,
        runbook: says.id.clone(),
        title: says.title.clone(),
        path: book.path.clone(),
        hash: book.hash.clone(),
        steps: proper(says),
        minutes: says.minutes,
        criticality: says.criticality.map(Criticality::word).unwrap_or_default().to_owned(),
        who: settings.operator.clone(),
        environment: settings.environment.clone(),
        incident: incident.map(|i| i.id.clone()),
        headless,
        ..Head::default()
    }
}

/// Begins a run.
pub(crate) fn begin(state: &mut State, book: &Book, fills: BTreeMap<String, String>, auto: Option<Auto>) -> Effect {
    let headless = state.mode == Mode::Walk;
    let head = head(book, &state.settings, state.record.incident.as_ref(), headless);
    let names = plan::names(&book.says);
    let tale = Tale { head: head.clone(), ..Tale::default() };
    let run = Run { fills, auto, ..Run::new(tale, Arc::new(book.says.clone()), Link::Opening) };
    state.run = Some(Box::new(run));
    Effect::Run(RunOrder::Open { head: Box::new(head), names, values: BTreeMap::new() })
}
