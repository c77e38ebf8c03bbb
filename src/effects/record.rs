//! The record, kept: one task owns the store, carries orders out one after another, and looks once a second what
//! others have written.

mod begin;
mod lead;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bus;
use crate::bus::Bus;
use crate::bus::pace;
use crate::bus::task;
use crate::effects::figures;
use crate::effects::follow::Follower;
use crate::effects::step::settle::settle;
use crate::engine::Kind;
use crate::engine::effect::RecordOrder;
use crate::engine::record::Desk;
use crate::engine::record::Scribe;
use crate::lang::Lang;
use crate::model::deploy::Deploy;
use crate::model::dora;
use crate::model::exercised::Exercised;
use crate::model::incident::Incident;
use crate::model::journal::Draft;
use crate::model::journal::Entry;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::text::WRITTEN_LIMIT;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::watch::Watch;
use crate::secrets::Secrets;
use crate::store;
use crate::store::Led;
use crate::store::Others;
use crate::store::Standing;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::queue;
use crate::store::queue::Places;

/// Orders that may wait: a person gives one at a time, machines one.
const ORDERS: usize = 64;
/// How often is looked for what others have written.
const LOOK: Duration = Duration::from_secs(1);
/// A store that could not be opened is tried again after this long.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a write waits for another writer.
const PATIENCE: Millis = 10 * SECOND;
/// The scribe says so every few looks …
const LEASE_EVERY: u32 = 5;
/// … and is forgotten three times as long after its last word.
const LEASE: Millis = 15 * SECOND;
/// Everything is read all the same once a minute: what is shown depends on the time too.
const WHOLE_EVERY: u32 = 60;
/// The lease of whoever writes down what machines see.
const SCRIBE: &str = "scribe";
/// Entries of a journal that are shown at first.
const FIRST: i64 = 500;
/// Entries read at once by whoever scrolls back.
const OLDER: i64 = 2_000;
/// Entries read at once afterwards.
const PAGE: i64 = 500;
/// Among so many of the newest incidents is the one that ended last.
const NEWEST: i64 = 8;
/// Runs so old say nothing of how well a procedure works now.
const YEAR: Millis = 365 * DAY;
/// Deploys of a day.
const DEPLOYS: i64 = 200;
/// Windows that are looked at: the newest, of the last week.
const WINDOWS: i64 = 20;
const WINDOWS_SINCE: Millis = 7 * DAY;
/// What is under way when the program ends may take this long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the task needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the store is, or why it cannot be found.
    pub url: Result<String, StoreError>,
    /// Where what could not be written to it waits.
    pub queue: Places,
    /// Nothing is written from here.
    pub read_only: bool,
    /// It may be the one that writes down what machines see.
    pub scribes: bool,
    /// The language of sentences.
    pub lang: Lang,
    /// This machine.
    pub host: String,
    /// Values that must not be written down.
    pub secrets: Arc<Secrets>,
    /// What this cabina would watch, where it may leave that to a recorder.
    pub watched: Option<String>,
    /// Who writes notes here: each has a file of their own for the one that is not finished.
    pub operator: String,
    /// What this records to. A recorder writes what machines see before any cockpit does.
    pub recording: Option<String>,
}

/// The task, as the performer holds it.
#[derive(Debug)]
pub struct Recorder {
    orders: mpsc::Sender<(u64, RecordOrder)>,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Starts the task.
    #[must_use]
    pub fn spawn(plan: Plan, bus: &Bus) -> Self {
        let (orders, rx) = mpsc::channel(ORDERS);
        let task = task::spawn(run(plan, bus.clone(), rx));
        Self { orders, task }
    }

    /// Gives an order; false when too many wait.
    #[must_use]
    pub fn give(&self, request: u64, order: RecordOrder) -> bool {
        self.orders.try_send((request, order)).is_ok()
    }

    /// Carries out what waits, and lets go of the store; false when that took too long, and was given up.
    pub async fn close(self) -> bool {
        drop(self.orders);
        tokio::time::timeout(LAST_WORDS, self.task).await.is_ok()
    }
}

async fn run(plan: Plan, bus: Bus, mut orders: mpsc::Receiver<(u64, RecordOrder)>) {
    let desk = Desk { id: store::new_id(), host: plan.host.clone() };
    let begun = loop {
        let why = match begin::open(&plan).await {
            Ok(begun) => break begun,
            Err(why) => why.words(plan.lang),
        };
        bus.send(Kind::RecordFailed { request: None, why: why.clone() }).await;
        match tokio::time::timeout(AGAIN, orders.recv()).await {
            Ok(None) => return,
            Ok(Some((request, _))) => {
                bus.send(Kind::RecordFailed { request: Some(request), why }).await;
            }
            Err(_) => {}
        }
    };
    let begin::Begun { store, path, held, told } = begun;
    let draft = std::fs::read_to_string(begin::unfinished(&path, &plan)).unwrap_or_default();
    let draft: String = draft.chars().take(WRITTEN_LIMIT).collect();
    bus.send(Kind::RecordOpened { desk: desk.clone(), draft }).await;
    let mut keeper = Keeper {
        plan,
        desk,
        store,
        path,
        bus,
        shown: Shown::default(),
        looks: 0,
        renewals: 0,
        scribe: Scribe::Nobody,
        follower: Follower::default(),
        held,
        told,
        said: Vec::new(),
        stood: None,
        others: None,
    };
    if !keeper.count().await {
        return;
    }
    let mut next = Instant::now();
    loop {
        let go_on = tokio::select! {
            order = orders.recv() => match order {
                Some((request, order)) => keeper.carry_out(request, order).await,
                None => break,
            },
            () = tokio::time::sleep_until(next) => {
                next = pace::near(Instant::now() + LOOK);
                keeper.look().await
            }
        };
        if !go_on {
            break;
        }
    }
    if !keeper.plan.read_only {
        let _ = keeper.store.release(SCRIBE, &keeper.desk.id).await;
    }
    keeper.store.close().await;
}

/// What the cockpit was last told.
#[derive(Debug, Default)]
struct Shown {
    incident: Option<Incident>,
    deploys: Vec<Deploy>,
    scribe: Scribe,
    ended: Option<Millis>,
    told: bool,
    problem: Option<StoreError>,
    /// How many windows there were, and when something was last said of one.
    windows: Option<(i64, Millis)>,
}

struct Keeper {
    plan: Plan,
    desk: Desk,
    store: Store,
    path: PathBuf,
    bus: Bus,
    shown: Shown,
    looks: u32,
    /// How often the store's file was another one.
    renewals: u64,
    follower: Follower,
    scribe: Scribe,
    /// Why the store can only be read.
    held: Option<StoreError>,
    /// What a person should know of the store's file: it was put aside, it was another one.
    told: Vec<String>,
    /// What the cockpit was last told of it.
    said: Vec<String>,
    /// How it stood when it was last read whole, or when nothing was new.
    stood: Option<Standing>,
    /// What others had written by then.
    others: Option<Others>,
}

impl Keeper {
    /// Carries an order out; false when nobody listens any more.
    async fn carry_out(&mut self, request: u64, order: RecordOrder) -> bool {
        if self.plan.read_only
            && !matches!(
                order,
                RecordOrder::Older { .. } | RecordOrder::Dora(_) | RecordOrder::Window(_) | RecordOrder::Renewed { .. }
            )
        {
            return true;
        }
        if let (Some(why), true) = (&self.held, writes(&order)) {
            let why = self.words(why.clone());
            return self.bus.send(Kind::RecordFailed { request: Some(request), why }).await;
        }
        self.carry(request, order).await
    }

    async fn carry(&mut self, request: u64, order: RecordOrder) -> bool {
        let done = match order {
            RecordOrder::Take { year, opening, took, led } => {
                let opening = self.redacted(opening);
                // What a person does needs no lease; what the rules do is done by one.
                let led = led.then_some(Led { name: SCRIBE, holder: &self.desk.id });
                let joined = self.store.open_or_join(year, opening, took.map(|t| *t), led).await;
                joined.map(|j| (j.incident, j.entries, j.opened))
            }
            RecordOrder::Append { incident, drafts } => {
                let drafts = self.redacted(drafts);
                let seen = drafts.iter().any(|d| !d.fact.happened_here());
                let led = seen.then_some(Led { name: SCRIBE, holder: &self.desk.id });
                let done = self.store.append_led(&incident, drafts, led).await;
                done.map(|(incident, entries)| (incident, entries, false))
            }
            RecordOrder::Older { incident, before } => {
                let kind = match self.store.newest(&incident, before, OLDER).await {
                    Ok(entries) => Kind::RecordOlder { request, incident, entries },
                    Err(why) => Kind::RecordFailed { request: Some(request), why: self.words(why) },
                };
                return self.bus.send(kind).await;
            }
            RecordOrder::Run { run, lines } => {
                // The file of the run holds them too: whoever opens the store next takes them in.
                let _ = self.store.tell_run(&run, &lines).await;
                let news = |t: &Told| matches!(t.what, What::Opened(_) | What::Finished { .. });
                return if lines.iter().any(news) { self.count().await } else { true };
            }
            RecordOrder::Window(watch) => return self.window(*watch).await,
            RecordOrder::Withdraw { watch, withdrawn } => {
                let done = self.store.withdraw(&watch, &withdrawn).await;
                return self.told(done.map(|_| ())).await;
            }
            RecordOrder::Dora(days) => {
                let now = bus::now().wall;
                let read = figures::read(&self.store, now, days).await;
                let figures = read.map(|r| Box::new(dora::dora(r.known(None), now, days)));
                return self.bus.send(Kind::DoraRead { figures: figures.map_err(|why| self.words(why)) }).await;
            }
            RecordOrder::Watch(watched) => {
                self.watches(watched).await;
                return true;
            }
            RecordOrder::Renewed { lang, operator } => {
                (self.plan.lang, self.plan.operator) = (lang, operator);
                return true;
            }
            RecordOrder::Unfinished(text) => {
                let text = self.plan.secrets.redact(&text);
                // A note that cannot be kept aside is still on the screen.
                let _ = store::keep_aside(&begin::unfinished(&self.path, &self.plan), &text);
                return true;
            }
        };
        let kind = match done {
            Ok((incident, entries, opened)) => Kind::Recorded { request, incident, entries, opened },
            Err(StoreError::Unled) => {
                // Who leads is asked at once, and what was written meanwhile is read before anything else is.
                self.looks = 0;
                self.scribe = Scribe::Elsewhere;
                Kind::RecordUnled { request }
            }
            Err(why @ StoreError::Gone(_)) => {
                let why = self.words(why);
                if !self.bus.send(Kind::RecordGone { why: why.clone() }).await {
                    return false;
                }
                Kind::RecordFailed { request: Some(request), why }
            }
            Err(why) => Kind::RecordFailed { request: Some(request), why: self.words(why) },
        };
        self.bus.send(kind).await && self.look().await
    }

    /// Goes over to the file that stands in the place of the one that was open; false when nobody listens.
    async fn renew(&mut self) -> bool {
        let kind = match self.store.renew().await {
            Ok(_) if self.store.renewals() == self.renewals => return true,
            Ok(_) => {
                self.renewals = self.store.renewals();
                // It is read as if for the first time.
                self.shown = Shown::default();
                self.follower = Follower::default();
                self.looks = 0;
                if !self.plan.read_only && self.held.is_none() {
                    self.told = vec![self.plan.lang.store_replaced(self.path.display())];
                    let _ = settle(&self.store, &self.path, &self.plan.secrets).await;
                }
                return true;
            }
            Err(why) if self.shown.problem.as_ref() == Some(&why) => return true,
            Err(why) => {
                let sentence = self.words(why.clone());
                self.shown.problem = Some(why);
                self.shown.told = false;
                Kind::RecordGone { why: sentence }
            }
        };
        self.bus.send(kind).await
    }

    /// Tries whether a store that could only be read can be written to by now.
    async fn reopen(&mut self) {
        if self.held.is_none() || !self.looks.is_multiple_of(2) {
            return;
        }
        let Ok(url) = self.plan.url.clone() else { return };
        if let Ok(opened) = Store::open(&url, SECOND).await {
            let (store, told) = begin::taken(&self.plan, &self.path, opened).await;
            let old = std::mem::replace(&mut self.store, store);
            old.close().await;
            (self.held, self.told) = (None, told);
            self.renewals = 0;
            self.shown = Shown::default();
            self.follower = Follower::default();
        }
    }

    /// Tells what is to be known of the store, where that is news; false when nobody listens.
    async fn say(&mut self) -> bool {
        let sentences: Vec<String> = self.told.iter().cloned().chain(self.store.unreadable(self.plan.lang)).collect();
        if sentences == self.said {
            return true;
        }
        self.said.clone_from(&sentences);
        self.bus.send(Kind::RecordSays { sentences }).await
    }

    /// Takes in what waits for the store. What it does not take waits on.
    async fn take_in(&self) {
        let writes = !self.plan.read_only && self.held.is_none();
        if writes && queue::waits(&self.plan.queue) {
            let _ = queue::take_in(&self.store, &self.plan.queue).await;
        }
    }

    /// Keeps what is said of a window. Of a new one it is told whether what it is compared with was an incident.
    async fn window(&mut self, watch: Watch) -> bool {
        let new = watch.signals.is_empty() && watch.ended.is_none() && watch.unclean.is_none();
        // Looking changes nothing; what it is compared with is looked at all the same.
        let kept = if self.plan.read_only { Ok(()) } else { self.store.log_window(&watch).await };
        if new && kept.is_ok() {
            let met = self.store.met(watch.window.baseline).await.ok().flatten();
            if let Some((incident, clean)) = met
                && !self.bus.send(Kind::BaselineMet { watch: watch.id, incident, clean }).await
            {
                return false;
            }
        }
        self.told(kept).await
    }

    /// Looks what came of it; what was not written is said.
    async fn told(&mut self, done: Result<(), StoreError>) -> bool {
        match done {
            Ok(()) => self.look().await,
            Err(why) => self.bus.send(Kind::RecordFailed { request: None, why: self.words(why) }).await,
        }
    }

    /// Tells how often procedures were run.
    async fn count(&self) -> bool {
        let Ok(runs) = self.store.run_lines(bus::now().wall - YEAR).await else { return true };
        self.bus.send(Kind::RunsCounted { figures: Arc::new(Exercised::of(runs.values())) }).await
    }

    fn words(&self, why: StoreError) -> String {
        self.store.named(why).words(self.plan.lang)
    }

    /// Something else is watched now: a recorder says so to whoever reads it, a cockpit looks again whom it can read.
    async fn watches(&mut self, watched: String) {
        if let Some(recording) = &self.plan.recording {
            // Who reads a recorder that says nothing new asks for itself in the worst case: nothing is lost.
            let _ = self.store.watches(recording, &watched).await;
        } else if self.plan.watched.as_ref().is_some_and(|w| *w != watched) {
            self.plan.watched = Some(watched);
            self.follower = Follower::default();
        }
    }

    fn redacted(&self, drafts: Vec<Draft>) -> Vec<Draft> {
        let fit = |text: &str| self.plan.secrets.redact(text);
        drafts.into_iter().map(|d| Draft { fact: d.fact.rewritten(fit), ..d }).collect()
    }

    /// Looks what others have written; false when nobody listens any more.
    async fn look(&mut self) -> bool {
        self.reopen().await;
        if !self.renew().await {
            return false;
        }
        if !self.store.is_there() {
            // Nothing can be read until there is a file again.
            return true;
        }
        let (leads, whole) = (self.looks.is_multiple_of(LEASE_EVERY), self.looks.is_multiple_of(WHOLE_EVERY));
        if leads {
            self.take_in().await;
        }
        let quiet = self.is_read() && !whole;
        let led = if leads { self.lead().await } else { Ok(false) };
        if led.is_ok() {
            self.looks = self.looks.wrapping_add(1);
        }
        if quiet && led == Ok(false) {
            return true;
        }
        self.stood = self.store.standing();
        let found = match &self.plan.watched {
            Some(watched) => self.follower.news(&self.store, watched).await,
            None => Ok(Vec::new()),
        };
        // What a recorder read is told whatever becomes of the rest.
        let found = match found {
            Ok(kinds) => {
                for kind in kinds {
                    if !self.bus.send(kind).await {
                        return false;
                    }
                }
                match led {
                    Ok(_) => self.news().await,
                    Err(why) => Err(why),
                }
            }
            Err(why) => {
                self.follower = Follower::default();
                Err(why)
            }
        };
        if !self.windows().await || !self.say().await {
            return false;
        }
        match found {
            Ok(None) => true,
            Ok(Some(kind)) => {
                self.shown.problem = None;
                // That it was read is no word about writing to it.
                let held = self.held.clone().map(|why| Kind::RecordFailed { request: None, why: self.words(why) });
                if !self.bus.send(kind).await {
                    return false;
                }
                match held {
                    Some(kind) => self.bus.send(kind).await,
                    None => true,
                }
            }
            Err(why) if self.shown.problem.as_ref() == Some(&why) => true,
            Err(why) => {
                let sentence = self.words(why.clone());
                self.shown.problem = Some(why);
                self.shown.told = false;
                self.bus.send(Kind::RecordFailed { request: None, why: sentence }).await
            }
        }
    }

    /// Tells of windows that others, or this cabina, have said something of. False when nobody listens.
    async fn windows(&mut self) -> bool {
        // A store that cannot be read is told by whoever reads the rest of it.
        let Ok(print) = self.store.windows_print().await else { return true };
        if self.shown.windows == Some(print) {
            return true;
        }
        let Ok(watches) = self.store.windows(bus::now().wall - WINDOWS_SINCE, WINDOWS).await else { return true };
        self.shown.windows = Some(print);
        self.bus.send(Kind::WindowsRead { watches }).await
    }

    async fn news(&mut self) -> Result<Option<Kind>, StoreError> {
        let now = bus::now().wall;
        let incident = self.store.incidents(true, 1).await?.into_iter().next();
        let deploys = self.store.deploys(now - DAY, DEPLOYS).await?;
        let newest = self.store.incidents(false, NEWEST).await?;
        let over = newest.iter().filter_map(|i| Some((i.resolved_at.or(i.closed_at)?, i.id.clone()))).max();
        let (ended, last) = over.map_or((None, None), |(at, id)| (Some(at), Some(id)));
        let mut entries = Vec::new();
        if let Some(before) = self.shown.incident.clone() {
            // Also of one that is over now: its end is news too.
            let mut after = before.last_seq;
            loop {
                let page = self.store.entries(&before.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                entries.extend(page);
            }
        }
        if let Some(new) = incident.as_ref().filter(|i| self.shown.incident.as_ref().is_none_or(|b| b.id != i.id)) {
            entries.extend(self.store.newest(&new.id, (Millis::MAX, i64::MAX), FIRST).await?);
        }
        let same = self.shown.told
            && entries.is_empty()
            && incident == self.shown.incident
            && deploys == self.shown.deploys
            && ended == self.shown.ended
            && self.scribe == self.shown.scribe;
        if same {
            return Ok(None);
        }
        self.shown = Shown {
            incident: incident.clone(),
            deploys: deploys.clone(),
            scribe: self.scribe,
            ended,
            told: true,
            problem: None,
            windows: self.shown.windows,
        };
        Ok(Some(Kind::RecordRead { incident, entries: entries_of(entries), deploys, scribe: self.scribe, ended, last }))
    }
}

/// Does an order want something written to the store? What is told of a run lies in the run's own file too.
fn writes(order: &RecordOrder) -> bool {
    match order {
        RecordOrder::Take { .. }
        | RecordOrder::Append { .. }
        | RecordOrder::Window(_)
        | RecordOrder::Withdraw { .. } => true,
        RecordOrder::Older { .. }
        | RecordOrder::Run { .. }
        | RecordOrder::Dora(_)
        | RecordOrder::Watch(_)
        | RecordOrder::Renewed { .. }
        | RecordOrder::Unfinished(_) => false,
    }
}

/// Oldest first, as they were written down.
fn entries_of(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| (&a.incident, a.seq).cmp(&(&b.incident, b.seq)));
    entries
}
