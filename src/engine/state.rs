//! All that the screen shows and the rules judge. Plain data: no handle, no sender, no clock, no secret.

use std::collections::BTreeMap;

use crate::engine::alerts::Alerts;
use crate::engine::announce::Announcer;
use crate::engine::chart::Compared;
use crate::engine::chart::Look;
use crate::engine::classify::Standing;
use crate::engine::classify::Verdict;
use crate::engine::context::Context;
use crate::engine::filter::Found;
use crate::engine::follow::Follow;
use crate::engine::health::Checks;
use crate::engine::known::Mark;
use crate::engine::library::Library;
use crate::engine::note::Editor;
use crate::engine::opening::Opening;
use crate::engine::place::Places;
use crate::engine::prompt::Prompt;
use crate::engine::record::Record;
use crate::engine::run::Asked;
use crate::engine::run::Run;
use crate::engine::run::ask::Ask;
use crate::engine::run::card::RunCard;
use crate::engine::run::words::Words;
use crate::engine::sessions::Sessions;
use crate::engine::settings::CheckSpec;
use crate::engine::settings::Settings;
use crate::engine::signals::Signal;
use crate::engine::signals::Signals;
use crate::engine::silence::Card;
use crate::engine::silence::Orders;
use crate::engine::sources::CONTEXT;
use crate::engine::sources::GLANCE;
use crate::engine::sources::PLACE;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::Sources;
use crate::engine::timeline::Timeline;
use crate::engine::window::Watched;
use crate::layout::Pane;
use crate::model::dora::Dora;
use crate::model::glance::Glance;
use crate::model::health::Check;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Absence;
use crate::model::signal::Sample;
use crate::model::source::Feed;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::model::watch::Watch;
use crate::model::watch::Withdrawn;

/// Which program is running around the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A person looks at the screen.
    Cockpit,
    /// Every source is asked once; then the level is the exit code.
    Once,
    /// Sources are asked for this long; then the level is the exit code.
    For(Millis),
    /// Nobody looks: it is judged, and written down.
    Record,
    /// The board is printed as text for this long; then 0.
    Print(Millis),
    /// A procedure is run by itself.
    Walk,
    /// A window after a deploy is watched; then its verdict is the exit code.
    Watch,
}

/// The whole state.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What the configuration asks for.
    pub settings: Settings,
    /// Which program this is.
    pub mode: Mode,
    /// The stamp of the newest event.
    pub now: Stamp,
    /// When this began.
    pub started: Stamp,
    /// Freshness of the sources of figures.
    pub sources: Sources,
    /// The health checks.
    pub checks: Checks,
    /// The signals.
    pub signals: Signals,
    /// The session table.
    pub sessions: Sessions,
    /// The alerts.
    pub alerts: Alerts,
    /// Since when the watchdog has not been seen, ms since the epoch.
    pub alerts_watchdog_gone: Option<Millis>,
    /// Silences ordered from here.
    pub orders: Orders,
    /// What stands around the figures.
    pub context: Context,
    /// The neutral target.
    pub neutral: Option<Check>,
    /// The database server at a glance, and when it was looked at.
    pub glance: Option<(Stamp, Glance)>,
    /// Why the newest glance failed.
    pub glance_problem: Option<Absence>,
    /// The window after a deploy that is counted here.
    pub window: Option<Box<Watched>>,
    /// The newest windows of the deployment log, oldest first.
    pub watches: Vec<Watch>,
    /// A verdict that is taken back, until the log says so: when that was last asked for, and of which window.
    pub(crate) withdrawing: Option<(Stamp, String, Withdrawn)>,
    /// The figures of delivery, once somebody asked for them; or why there are none.
    pub dora: Option<Result<Box<Dora>, String>>,
    /// Where it fails.
    pub places: Places,
    /// How bad it is.
    pub verdict: Verdict,
    /// What happened.
    pub timeline: Timeline,
    /// Who is called, and what is known.
    pub announcer: Announcer,
    /// The curves of another day.
    pub compared: Compared,
    /// Incidents that open themselves.
    pub opening: Opening,
    /// Where the figures come from.
    pub follow: Follow,
    /// The record: the incident that goes on, and what is on the disk.
    pub record: Record,
    /// What is wrong with the configuration as it stands in its file now; empty while that is the one in use.
    pub reload_problem: Vec<String>,
    /// What the person is doing with the screen.
    pub ui: Ui,
    /// What the clock showed when a tick last asked for a frame.
    pub(crate) clock_drawn: Millis,
    /// Figures of the direct scrape while the server judges.
    pub(crate) spare: Option<(Stamp, Vec<Sample>)>,
    /// Since when the server answers and knows nothing of the requests.
    pub(crate) useless_since: Option<Stamp>,
    /// When each level was last reached from below.
    pub(crate) risen: BTreeMap<Level, Stamp>,
    /// The procedures that are known.
    pub library: Library,
    /// A procedure that is to be run by itself, as soon as the record can say what it belongs to.
    pub(crate) asked: Option<Asked>,
    /// The run that is driven from here.
    pub run: Option<Box<Run>>,
    /// The secret value that keys go into, unseen.
    pub(crate) unseen: Option<String>,
    /// The number of the link to it.
    pub(crate) link: u64,
    /// Runs that have not ended, newest first.
    pub runs: std::sync::Arc<[crate::engine::run::Found]>,
    /// A one-shot's time is over: what has not answered by now is not known.
    pub(crate) over: bool,
    /// Sources whose first round is not over (one-shot modes end when none is left).
    pub(crate) rounds_left: Vec<String>,
}

impl State {
    /// The state before the first event.
    #[must_use]
    pub fn new(settings: Settings, mode: Mode, now: Stamp) -> Self {
        Self {
            spare: None,
            useless_since: None,
            over: false,
            rounds_left: rounds(&settings),
            sources: Sources::new(&settings, now),
            checks: Checks::new(&settings.checks, now),
            signals: Signals::new(&settings.signals),
            sessions: Sessions::default(),
            alerts: Alerts::new(&settings),
            alerts_watchdog_gone: None,
            orders: Orders::default(),
            context: Context::default(),
            neutral: settings.neutral.as_ref().map(|s| neutral(s, now)),
            glance: None,
            glance_problem: None,
            window: None,
            watches: Vec::new(),
            withdrawing: None,
            dora: None,
            places: Places::default(),
            verdict: Verdict::new(now),
            timeline: Timeline::default(),
            announcer: Announcer::default(),
            compared: Compared::default(),
            opening: Opening::default(),
            library: Library::default(),
            asked: None,
            run: None,
            unseen: None,
            link: 0,
            runs: std::sync::Arc::new([]),
            risen: BTreeMap::new(),
            follow: Follow::default(),
            record: Record::default(),
            reload_problem: Vec::new(),
            ui: Ui::default(),
            settings,
            mode,
            now,
            started: now,
            clock_drawn: 0,
        }
    }

    /// What a person looks at: the live state, or the moment it was frozen.
    #[must_use]
    pub fn shown(&self) -> &Self {
        self.ui.frozen.as_deref().unwrap_or(self)
    }

    /// True until every source has answered once, well or badly; alerts are said when they come.
    #[must_use]
    pub fn reading(&self) -> bool {
        self.sources.all.iter().any(|s| !s.answered && !matches!(s.feed, Feed::Alerts | Feed::Figures))
            || self.checks.all.iter().any(|c| c.last.is_none())
    }

    /// Since when the level in force has stood, or a worse one: what an incident waits by.
    pub(crate) fn risen_at(&self) -> Stamp {
        self.risen.get(&self.verdict.level).copied().unwrap_or(self.started)
    }

    /// True when the configuration gives cabina nothing to look at.
    #[must_use]
    pub fn watches_nothing(&self) -> bool {
        self.sources.all.is_empty() && self.checks.all.is_empty()
    }

    /// Age of the stalest check's newest probe, counted in whole seconds; `None` when nothing was probed yet.
    #[must_use]
    pub fn checks_age(&self) -> Option<Millis> {
        self.checks.probed.iter().flatten().map(|at| self.now.since(*at)).max().map(|ms| ms / SECOND * SECOND)
    }

    /// Does the configuration ask for this feed?
    #[must_use]
    pub fn has_feed(&self, feed: Feed) -> bool {
        match feed {
            Feed::Checks => !self.checks.all.is_empty(),
            Feed::Metrics | Feed::Sessions | Feed::Alerts | Feed::Figures => self.sources.of(feed).next().is_some(),
        }
    }
}

pub(crate) fn neutral(spec: &CheckSpec, now: Stamp) -> Check {
    Check::new(&spec.name, false, spec.fail_after, spec.recover_after, Vec::new(), now)
}

/// The name of the task behind a check: a check may be called `prometheus` too.
#[must_use]
pub fn check_task(check: &str) -> String {
    format!("check {check}")
}

/// The name of the task that judges a group of rules.
#[must_use]
pub fn rules_task(place: usize) -> String {
    format!("rules {place}")
}

/// The names of everything that will be asked.
fn rounds(settings: &Settings) -> Vec<String> {
    let figures = Sources::new(settings, Stamp::default()).all.into_iter().map(|s| s.name);
    let beside = settings.prometheus.iter().flat_map(|_| [PLACE, CONTEXT].map(str::to_owned));
    let neutral = settings.neutral.as_ref().map(|c| check_task(&c.name));
    let glance = settings.sessions.as_ref().filter(|s| s.is_mysql()).map(|_| GLANCE.to_owned());
    let groups = settings.prometheus.iter().flat_map(|p| p.rules.iter().enumerate()).map(|(i, _)| rules_task(i));
    settings
        .checks
        .iter()
        .map(|c| check_task(&c.name))
        .chain(figures)
        .chain(beside)
        .chain(neutral)
        .chain(glance)
        .chain(groups)
        .collect()
}

/// What the person is doing with the screen.
#[expect(clippy::struct_excessive_bools, reason = "switches that know nothing of each other")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ui {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Where the keys go.
    pub focus: Pane,
    /// The focused pane fills the screen.
    pub zoom: bool,
    /// Selected line of each list, by pane.
    pub selected: [usize; Pane::COUNT],
    /// Hides what does not match, in the focused pane; never what is down.
    pub filter: String,
    /// What the filter lets through of the timeline.
    pub found: Found,
    /// How the charts are looked at.
    pub chart: Look,
    /// What lies over the screen.
    pub overlay: Overlay,
    /// The way back was asked for: asked again, it is meant.
    pub asked_to_go_back: bool,
    /// A walk that another cabina drives was asked for: asked again, it is meant.
    pub asked_to_drive: bool,
    /// An incident was asked for while nothing is wrong: asked again, it is meant.
    pub asked_to_open: bool,
    /// A sentence for the person, until the stamp.
    pub notice: Option<(Notice, Stamp)>,
    /// The state as it was when a person froze it.
    pub frozen: Option<Box<State>>,
    /// What is typed goes into the terminal of what runs.
    pub typing: bool,
    /// Keys mean nothing until then: they were meant for a step that has ended meanwhile.
    pub(crate) deaf_until: Option<Stamp>,
}

/// What lies over the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// All keys; scrolled by so many lines.
    Help(usize),
    /// Why the level is what it is; scrolled by so many lines.
    Severity(usize),
    /// One thing in full (the selected line of the focused pane); scrolled by so many lines.
    Detail(usize),
    /// The filter is being typed.
    Filter(Prompt),
    /// A command is being typed; the selected match.
    Palette(Prompt, usize),
    /// A silence is about to be made.
    Silence(Box<Card>),
    /// Something is about to be marked as known.
    Known(Mark),
    /// Links to other tools; the selected one.
    Links(usize),
    /// A note is being written.
    Note(Box<Editor>),
    /// The incident that goes on; scrolled by so many lines.
    Incident(usize),
    /// The library is searched; the selected procedure.
    Library(Prompt, usize),
    /// A procedure is read: its place in the library; scrolled by so many lines.
    Runbook(usize, usize),
    /// A procedure of the library is about to be walked.
    Begin(usize),
    /// The walk.
    Walk,
    /// What has to be there first; the selected line.
    Checks(usize),
    /// A second person has to agree.
    Approval,
    /// Something is about to be run.
    RunCard(Box<RunCard>),
    /// A value is being typed.
    Value(Box<Ask>),
    /// Words about the walk are being typed.
    Words(Box<Words>),
    /// The selected step in full; scrolled by so many lines.
    StepText(usize),
    /// The output of a block; scrolled by so many lines.
    Output(std::sync::Arc<[String]>, usize),
    /// Whom to call; scrolled by so many lines.
    Call(usize),
    /// The window after a deploy; scrolled by so many lines.
    Window(usize),
    /// The figures of delivery; scrolled by so many lines.
    Dora(usize),
    /// A step runs, and would go on alone.
    Quit,
    /// Entries are not in the store, and would be left behind.
    Unsaved,
}

/// A short answer to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Anybody may change this procedure.
    LooseBook(String),
    /// The procedure on the card is another one now.
    BookChanged,
    /// What came of the step is not on the disk yet: why.
    Unwritten(String),
    /// This key does nothing here.
    NoSuchKey(String),
    /// Sources are being asked.
    Polling,
    /// A recorder asks them.
    Recorded(String),
    /// The exact count is on its way.
    Counting,
    /// Text was sent to the terminal's clipboard.
    Copied,
    /// There is nothing to copy here.
    NothingToCopy,
    /// A paste outside a text field does nothing.
    PasteIgnored,
    /// Ctrl-C does not quit.
    CtrlC,
    /// There is no session table to count.
    NoSessions,
    /// There is no alert selected to silence.
    NoAlert,
    /// Alertmanager does not have the alert: it cannot silence it.
    NotManaged,
    /// There is no Alertmanager that could silence.
    NoAlertmanager,
    /// The alert has no silence that could be ended.
    NotSilenced,
    /// An order is under way.
    Silencing,
    /// There is nothing selected that could be marked.
    NothingToMark,
    /// There are no links.
    NoLinks,
    /// A window goes on already.
    WindowOpen,
    /// No window is counted here.
    NoWindow,
    /// The newest window gives no reason to go back.
    NothingToGoBack,
    /// There is no server that remembers another day.
    NoHistory,
    /// The server has nothing of that day.
    NothingThen,
    /// What a person should know of the store.
    OfStore(String),
    /// The record cannot be written: why.
    NoRecord(String),
    /// No incident goes on that could be written to.
    NoIncident,
    /// An unfinished note is kept.
    NoteKept,
    /// The same: there is no incident that it could go into.
    NoteWaits,
    /// A note was written down, at this moment of the past.
    Noted(Millis),
    /// An incident ended a little while ago; asked again, another one is opened.
    EndedRecently(String, Millis),
    /// The selected entry does not stand in the journal of the incident.
    NotInJournal,
    /// Only notes can be put right.
    NotYourWords,
    /// The selected entry asks for nothing.
    NothingToDo,
    /// An order for the incident is under way.
    Taking,
    /// The post-mortem is being written.
    Documenting,
    /// Nothing is wrong; asked again, an incident is opened all the same.
    NothingWrong,
    /// An incident was opened, and is theirs.
    Opened(String),
    /// The incident is theirs now.
    Joined(String),
    /// Somebody else has it: they help.
    Helping(String, String),
    /// Looking only: nothing is changed from here.
    ReadOnly,
    /// The picture is frozen: it may not be what is.
    Frozen,
    /// Nothing is being walked.
    NoRun,
    /// The walk is over.
    RunOver,
    /// Its supervisor is being started, or found.
    RunOpening,
    /// Another cabina drives it: asked again, it is taken over.
    RunDisplaced,
    /// Its supervisor was gone; another one is started.
    RunRevived,
    /// Something runs.
    StepRuns,
    /// Nobody knows what came of it: somebody has to say so first.
    SayFirst,
    /// A person does it.
    ByHand,
    /// Nothing says whether it worked.
    NoValidation,
    /// Nothing undoes it.
    NoUndo,
    /// A step before the procedure itself was not passed.
    PrepareFirst(String),
    /// An earlier step was not passed.
    EarlierFirst(String),
    /// What has to be there first cannot be passed over.
    MustBeSigned,
    /// No step is selected.
    NoStep,
    /// Nothing waits for a person's word.
    NothingToJudge,
    /// Nothing runs.
    NothingRuns,
    /// What runs was asked to stop.
    Stopping,
    /// What runs is killed.
    Killing,
    /// It has printed nothing yet.
    NoOutput,
    /// There is no way back.
    NoWayBack,
    /// One walk at a time.
    OneRun,
    /// It has nothing that can be walked.
    NoSteps,
    /// What is typed goes nowhere for a moment: the step that it was for has ended.
    TypingOver,
    /// The way back begins when it is asked for again.
    GoBack,
    /// Something could not be read or done: why.
    Failed(String),
}

/// Is the newest sample of a signal too old to speak of now? Measured by the source that it came from: another one
/// may be fresh.
#[must_use]
pub fn outdated(state: &State, signal: &Signal) -> bool {
    let Some((at, _)) = &signal.last else { return false };
    let name = &signal.spec.name;
    let source = match signal.origin {
        Origin::Prometheus => PROMETHEUS.to_owned(),
        Origin::Scrape => SCRAPE.to_owned(),
        Origin::Sql => format!("sql {name}"),
        Origin::Log => format!("log {name}"),
    };
    let every = state.sources.get(&source).map_or(MINUTE, |s| s.every);
    state.now.since(*at) > 3 * every + every / 2 + SECOND
}

/// Where a signal stands, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalState {
    /// Within its limits, or without any.
    Ok,
    /// Beyond a limit since, not yet for long enough.
    Pending(Millis),
    /// Beyond its warning limit.
    Warning,
    /// Beyond its critical limit.
    Critical,
    /// It has no value.
    Unknown,
}

impl SignalState {
    /// The word that JSON carries; never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending(_) => "pending",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a signal stands.
#[must_use]
pub fn standing(state: &State, signal: &Signal) -> SignalState {
    // Without a value nothing can be said of it now; that a level stays all the same is the verdict's to say.
    if signal.last.as_ref().is_none_or(|(_, s)| s.reading.value().is_none()) {
        return SignalState::Unknown;
    }
    let name = &signal.spec.name;
    let judge = &state.verdict.judge;
    let critical = [Rule::ErrorRateCritical, Rule::SignalCritical].map(|rule| judge.standing(rule, name));
    let warning = judge.standing(Rule::SignalWarning, name);
    if critical.contains(&Standing::Hot) {
        return SignalState::Critical;
    }
    if warning == Standing::Hot {
        return SignalState::Warning;
    }
    match critical.into_iter().chain([warning]).max() {
        Some(Standing::Pending(since)) => SignalState::Pending(since),
        _ => SignalState::Ok,
    }
}
