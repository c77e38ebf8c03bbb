//! The edge in: the world becomes events. One polling loop, and one small file per source.

pub mod alertmanager;
pub mod check;
mod cookies;
pub(crate) mod database;
pub mod exposition;
pub mod git;
pub mod glance;
pub mod http;
pub(crate) mod json;
pub mod log;
pub mod names;
pub mod poll;
pub mod prometheus;
pub mod scrape;
pub mod sessions;
pub mod sql;
pub mod tls;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::bus::Bus;
use crate::bus::task;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::effect::Closer;
use crate::engine::effect::CountOrder;
use crate::engine::effect::SilenceOrder;
use crate::engine::settings::PrometheusSpec;
use crate::engine::sources::CONTEXT;
use crate::engine::sources::GLANCE;
use crate::engine::sources::PLACE;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::SESSIONS;
use crate::engine::state::check_task;
use crate::engine::state::rules_task;
use crate::model::signal::Absence;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::poll::Plan;
use crate::sources::poll::Source;

/// Orders under way at the most: a person gives one, acknowledgements extend one by one.
const ORDERS: usize = 64;

/// What is asked of the pollers' keeper.
enum Control {
    /// Tell Alertmanager about a silence.
    Silence(u64, SilenceOrder),
    /// Read the curves of a span of the past.
    Compare(i64, (Millis, Millis)),
    /// Count one side of a window.
    Count(CountOrder),
    /// Ask, or leave it to somebody else.
    Ask(bool),
    /// Go on with these settings.
    Apply(Box<Settings>, Arc<Secrets>),
}

/// How the pollers are spoken to while they run.
#[derive(Debug)]
pub struct Reins {
    poll_now: watch::Sender<()>,
    count: watch::Sender<()>,
    closer: watch::Sender<Closer>,
    place: watch::Sender<()>,
    control: mpsc::Sender<Control>,
}

impl Reins {
    /// Every source is asked as soon as it is free.
    pub fn poll_now(&self) {
        self.poll_now.send_replace(());
        self.place.send_replace(());
    }

    /// Figures are taken apart from now on as this says, the first time at once.
    pub fn look_closer(&self, closer: Closer) {
        self.closer.send_replace(closer);
        self.place.send_replace(());
    }

    /// The next look at the session table counts exactly, and it is taken now.
    pub fn count_exactly(&self) {
        self.count.send_replace(());
        self.poll_now.send_replace(());
    }

    /// Tells Alertmanager about a silence; the answer comes as an event. False when too many orders are under way.
    #[must_use]
    pub fn silence(&self, request: u64, order: SilenceOrder) -> bool {
        self.control.try_send(Control::Silence(request, order)).is_ok()
    }

    /// Reads the curves of a span of the past; they come back as an event.
    pub fn compare(&self, days: i64, span: (Millis, Millis)) {
        // One question too many is forgotten: the next one asks again.
        let _ = self.control.try_send(Control::Compare(days, span));
    }

    /// Counts one side of a window; it comes back as an event. False when too much is under way.
    #[must_use]
    pub fn count_window(&self, order: CountOrder) -> bool {
        self.control.try_send(Control::Count(order)).is_ok()
    }

    /// Asks the sources from now on, or leaves that to somebody else.
    pub fn ask(&self, asks: bool) {
        // The channel is as good as empty whenever this is decided.
        let _ = self.control.try_send(Control::Ask(asks));
    }

    /// Goes on with other settings: only what they ask for otherwise is restarted. Where much is under way it comes
    /// after that.
    pub fn apply(&self, settings: Settings, secrets: Arc<Secrets>) {
        let control = self.control.clone();
        task::spawn(async move { control.send(Control::Apply(Box::new(settings), secrets)).await });
    }
}

/// The other ends of the reins.
struct Bits {
    wake: watch::Receiver<()>,
    count: watch::Receiver<()>,
    closer: watch::Receiver<Closer>,
    place: watch::Receiver<()>,
    /// Windows that the direct scrape is to count.
    counts: broadcast::Sender<CountOrder>,
}

/// How sources are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Each once.
    Once,
    /// Each at its interval.
    Always,
    /// Not until it is asked for.
    Later,
}

/// Starts everything that the settings ask for. Returns at once: clients and connections are made by the tasks.
#[must_use]
pub fn spawn(settings: &Settings, secrets: &Arc<Secrets>, bus: &Bus, manner: Manner) -> Reins {
    let once = manner == Manner::Once;
    let (control, orders) = mpsc::channel(ORDERS);
    let reins = Reins {
        control,
        poll_now: watch::channel(()).0,
        count: watch::channel(()).0,
        closer: watch::channel(Closer::default()).0,
        place: watch::channel(()).0,
    };
    let bits = Bits {
        wake: reins.poll_now.subscribe(),
        count: reins.count.subscribe(),
        closer: reins.closer.subscribe(),
        place: reins.place.subscribe(),
        counts: broadcast::channel(ORDERS).0,
    };
    let (settings, secrets, bus) = (settings.clone(), Arc::clone(secrets), bus.clone());
    task::spawn(async move {
        let clients = clients(&settings, &secrets).await;
        let mut keeper = Keeper {
            settings,
            clients,
            secrets,
            bus,
            bits,
            once,
            asks: manner != Manner::Later,
            running: BTreeMap::new(),
            wanted: Vec::new(),
        };
        keeper.start();
        // A single look makes no silences, and its settings do not change.
        if !once {
            keeper.keep(orders).await;
        }
    });
    reins
}

/// The machine's certificates take some ten milliseconds to read: not on the way to the first frame.
async fn clients(settings: &Settings, secrets: &Arc<Secrets>) -> Arc<Clients> {
    let (wanted, known) = (settings.clone(), Arc::clone(secrets));
    let clients = tokio::task::spawn_blocking(move || Clients::new(&wanted, &known)).await;
    Arc::new(clients.unwrap_or_default())
}

/// Starts pollers, and knows which run for what.
struct Keeper {
    settings: Settings,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    bus: Bus,
    bits: Bits,
    once: bool,
    /// Sources are asked from here.
    asks: bool,
    /// By name: what each was started for, and how to stop it.
    running: BTreeMap<String, (String, AbortHandle)>,
    /// Names that the settings at hand ask for.
    wanted: Vec<String>,
}

impl Keeper {
    /// Carries orders out for as long as the program runs.
    async fn keep(mut self, mut orders: mpsc::Receiver<Control>) {
        let mut comparing: Option<tokio::task::JoinHandle<()>> = None;
        while let Some(order) = orders.recv().await {
            match order {
                Control::Silence(request, order) => {
                    let (specs, clients) = (self.settings.alertmanagers.clone(), Arc::clone(&self.clients));
                    let (secrets, bus) = (Arc::clone(&self.secrets), self.bus.clone());
                    // A server that is slow to answer holds nothing else up.
                    task::spawn(async move {
                        let answer = alertmanager::silence(&specs, &clients, &secrets, &order).await;
                        bus.send(Kind::SilenceAnswered { request, answer }).await;
                    });
                }
                Control::Compare(days, span) => {
                    let Some(spec) = self.settings.prometheus.clone() else { continue };
                    let server = prometheus::Server::new(spec, &self.settings.signals, &self.clients, &self.secrets);
                    let bus = self.bus.clone();
                    // Beside everything else; only the newest question is of use.
                    let asked = task::spawn(async move {
                        let samples = server.past(span).await.unwrap_or_default();
                        bus.send(Kind::Compared { days, samples }).await;
                    });
                    if let Some(before) = comparing.replace(asked) {
                        before.abort();
                    }
                }
                Control::Count(order) if self.settings.prometheus.is_none() => {
                    // Direct scrape knows what it saw itself, and no more; nobody else knows anything.
                    if self.bits.counts.send(order).is_err() {
                        let counted = Err(Absence::TooYoung);
                        let (bus, CountOrder { part, span, .. }) = (self.bus.clone(), order);
                        task::spawn(async move { bus.send(Kind::WindowCounted { part, span, counted }).await });
                    }
                }
                Control::Count(CountOrder { part, span, since, piece }) => {
                    let Some(spec) = self.settings.prometheus.clone() else { continue };
                    let (signals, clients) = (self.settings.signals.clone(), Arc::clone(&self.clients));
                    let (secrets, bus) = (Arc::clone(&self.secrets), self.bus.clone());
                    task::spawn(async move {
                        let server = prometheus::Server::new(spec, &signals, &clients, &secrets);
                        let counted = server.counted(span, since, piece).await;
                        bus.send(Kind::WindowCounted { part, span, counted }).await;
                    });
                }
                Control::Ask(asks) => {
                    self.asks = asks;
                    self.start();
                }
                Control::Apply(settings, secrets) => {
                    self.clients = clients(&settings, &secrets).await;
                    (self.settings, self.secrets) = (*settings, secrets);
                    self.start();
                }
            }
        }
    }

    /// Starts what does not run yet as the settings ask, and stops what nobody asks for any more.
    fn start(&mut self) {
        self.wanted.clear();
        if self.asks {
            self.checks();
            self.prometheus();
            self.alertmanagers();
            self.scrapes();
            self.sessions();
            self.figures();
        } else if let Some(spec) = self.settings.prometheus.clone() {
            // What only this person looks at closely nobody else reads.
            self.place(&spec);
        }
        let wanted = std::mem::take(&mut self.wanted);
        self.running.retain(|name, (_, handle)| {
            let keep = wanted.contains(name);
            if !keep {
                handle.abort();
            }
            keep
        });
    }

    /// Starts a poller, unless one runs for the very same.
    fn run<S: Source>(&mut self, plan: Plan, woken: Woken, asked: &impl Debug, source: impl FnOnce(&Self) -> S) {
        let (name, print) = (plan.name.clone(), format!("{asked:?} {plan:?} {}", self.secrets.print()));
        self.wanted.push(name.clone());
        if self.running.get(&name).is_some_and(|(before, _)| *before == print) {
            return;
        }
        if let Some((_, handle)) = self.running.remove(&name) {
            handle.abort();
        }
        let wake = match woken {
            Woken::Always => &self.bits.wake,
            Woken::ByPlace => &self.bits.place,
        };
        let handle = poll::spawn(plan, &self.bus, wake, source(self));
        self.running.insert(name, (print, handle));
    }

    fn plan(&self, name: &str, every: Millis, timeout: Millis) -> Plan {
        Plan { name: name.to_owned(), every, timeout, back_off: true, tries: 1, once: self.once }
    }

    fn checks(&mut self) {
        for spec in self.settings.checks.clone().iter().chain(&self.settings.neutral.clone()) {
            // The probe keeps its own time; this only catches a probe that does not.
            let plan = self.plan(&check_task(&spec.name), spec.every, spec.timeout + SECOND);
            let plan = Plan { back_off: false, tries: spec.fail_after, ..plan };
            self.run(plan, Woken::Always, spec, |k| check::Checker::new(spec.clone(), &k.clients, &k.secrets));
        }
    }

    fn prometheus(&mut self) {
        let Some(spec) = self.settings.prometheus.clone() else { return };
        let signals = self.settings.signals.clone();
        let plan = self.plan(PROMETHEUS, spec.every, 3 * spec.timeout);
        self.run(plan, Woken::Always, &(&spec, &signals), |k| {
            prometheus::Server::new(spec.clone(), &signals, &k.clients, &k.secrets)
        });
        self.place(&spec);
        let plan = self.plan(PROMETHEUS_ALERTS, spec.every, 2 * spec.timeout);
        self.run(plan, Woken::Always, &spec, |k| prometheus::Alerts::new(spec.clone(), &k.clients, &k.secrets));
        let plan = self.plan(CONTEXT, spec.every, 4 * spec.timeout);
        self.run(plan, Woken::Always, &spec, |k| prometheus::Context::new(spec.clone(), &k.clients, &k.secrets));
        for (i, group) in spec.rules.iter().enumerate() {
            // They are asked eight at a time, each for its past and its present.
            let rounds = 2 + group.rules.len() as Millis / 8;
            let plan = self.plan(&rules_task(i), group.interval, 2 * rounds * spec.timeout);
            self.run(plan, Woken::Always, &spec, |k| {
                prometheus::Judged::new(spec.clone(), (i, group.clone()), &k.clients, &k.secrets)
            });
        }
    }

    fn place(&mut self, spec: &PrometheusSpec) {
        let plan = self.plan(PLACE, spec.every, 2 * spec.timeout);
        self.run(plan, Woken::ByPlace, spec, |k| {
            prometheus::Place::new(spec.clone(), &k.clients, &k.secrets, k.bits.closer.clone(), k.once)
        });
    }

    fn alertmanagers(&mut self) {
        for spec in &self.settings.alertmanagers.clone() {
            let plan = self.plan(&spec.name, spec.every, 2 * spec.timeout);
            self.run(plan, Woken::Always, spec, |k| {
                alertmanager::Alertmanager::new(spec.clone(), &k.clients, &k.secrets)
            });
        }
    }

    fn scrapes(&mut self) {
        let specs = self.settings.scrapes.clone();
        let Some(every) = specs.iter().map(|s| s.every).min() else { return };
        let timeout = specs.iter().map(|s| s.timeout).max().unwrap_or(every) + SECOND;
        // A rate needs two looks.
        let plan = Plan { tries: 2, ..self.plan(SCRAPE, every, timeout) };
        self.run(plan, Woken::Always, &specs, |k| {
            let wanted = (k.bits.closer.clone(), k.bits.counts.subscribe());
            scrape::Targets::new(specs.clone(), &k.clients, &k.secrets, wanted)
        });
    }

    fn sessions(&mut self) {
        let Some(spec) = self.settings.sessions.clone() else { return };
        let plan = self.plan(SESSIONS, spec.every, spec.timeout());
        self.run(plan, Woken::Always, &spec, |k| {
            sessions::Watcher::new(spec.clone(), &k.secrets, k.bits.count.clone())
        });
        if spec.is_mysql() {
            let plan = self.plan(GLANCE, spec.every, spec.timeout());
            self.run(plan, Woken::Always, &spec, |k| glance::Glancer::new(spec.clone(), &k.secrets));
        }
    }

    fn figures(&mut self) {
        for spec in &self.settings.sql.clone() {
            let plan = Plan { back_off: false, ..self.plan(&spec.source(), spec.every, spec.budget + 2 * SECOND) };
            self.run(plan, Woken::Always, spec, |k| sql::Figure::new(spec.clone(), &k.secrets));
        }
        for spec in &self.settings.logs.clone() {
            // Reading the count costs nothing: a dead command is told at every look.
            let plan = Plan { back_off: false, ..self.plan(&spec.source(), spec.every, 5 * SECOND) };
            self.run(plan, Woken::Always, spec, |k| log::Log::new(spec.clone(), &k.secrets));
        }
    }
}

/// What makes a poller ask before its time.
#[derive(Clone, Copy)]
enum Woken {
    /// Whatever a person wants to know now.
    Always,
    /// That, and the wish to look closer.
    ByPlace,
}
