//! The edge in: the world becomes events. One polling loop, and one small file per source.

pub mod alertmanager;
pub mod check;
pub(crate) mod database;
pub mod exposition;
pub mod glance;
pub mod http;
pub(crate) mod json;
pub mod log;
pub mod poll;
pub mod prometheus;
pub mod scrape;
pub mod secrets;
pub mod sessions;
pub mod sql;
pub mod tls;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::bus::Bus;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::effect::Closer;
use crate::engine::effect::SilenceOrder;
use crate::engine::sources::CONTEXT;
use crate::engine::sources::GLANCE;
use crate::engine::sources::PLACE;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::SESSIONS;
use crate::engine::state::check_task;
use crate::engine::state::rules_task;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::sources::http::Clients;
use crate::sources::poll::Plan;
use crate::sources::secrets::Secrets;

/// Orders under way at the most: a person gives one, acknowledgements extend one by one.
const ORDERS: usize = 64;

/// How the pollers are spoken to while they run.
#[derive(Debug)]
pub struct Reins {
    poll_now: watch::Sender<()>,
    count: watch::Sender<()>,
    closer: watch::Sender<Closer>,
    place: watch::Sender<()>,
    silences: mpsc::Sender<(u64, SilenceOrder)>,
}

impl Reins {
    /// Tells Alertmanager about a silence; the answer comes as an event. False when too many orders are under way.
    #[must_use]
    pub fn silence(&self, request: u64, order: SilenceOrder) -> bool {
        self.silences.try_send((request, order)).is_ok()
    }

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
}

/// The other ends of the reins.
struct Bits {
    wake: watch::Receiver<()>,
    count: watch::Receiver<()>,
    closer: watch::Receiver<Closer>,
    place: watch::Receiver<()>,
    silences: mpsc::Receiver<(u64, SilenceOrder)>,
}

/// Starts everything that the settings ask for. Returns at once: clients and connections are made by the tasks.
#[must_use]
pub fn spawn(settings: &Settings, secrets: &Arc<Secrets>, bus: &Bus, once: bool) -> Reins {
    let (silences, orders) = mpsc::channel(ORDERS);
    let reins = Reins {
        silences,
        poll_now: watch::channel(()).0,
        count: watch::channel(()).0,
        closer: watch::channel(Closer::default()).0,
        place: watch::channel(()).0,
    };
    let (settings, secrets, bus) = (settings.clone(), Arc::clone(secrets), bus.clone());
    let bits = Bits {
        wake: reins.poll_now.subscribe(),
        count: reins.count.subscribe(),
        closer: reins.closer.subscribe(),
        place: reins.place.subscribe(),
        silences: orders,
    };
    tokio::spawn(async move {
        // The machine's certificates take some ten milliseconds to read: not on the way to the first frame.
        let (wanted, known) = (settings.clone(), Arc::clone(&secrets));
        let clients = tokio::task::spawn_blocking(move || Clients::new(&wanted, &known)).await;
        let start = Start { settings, clients: Arc::new(clients.unwrap_or_default()), secrets, bus, bits, once };
        start.checks();
        start.prometheus();
        start.alertmanagers();
        start.scrapes();
        start.sessions();
        start.figures();
        // A single look makes no silences.
        if !once {
            start.silencer().await;
        }
    });
    reins
}

/// What starting takes.
struct Start {
    settings: Settings,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    bus: Bus,
    bits: Bits,
    once: bool,
}

impl Start {
    fn plan(&self, name: &str, every: Millis, timeout: Millis) -> Plan {
        Plan { name: name.to_owned(), every, timeout, back_off: true, tries: 1, once: self.once }
    }

    fn checks(&self) {
        for spec in self.settings.checks.iter().chain(&self.settings.neutral) {
            // The probe keeps its own time; this only catches a probe that does not.
            let plan = self.plan(&check_task(&spec.name), spec.every, spec.timeout + SECOND);
            let plan = Plan { back_off: false, tries: spec.fail_after, ..plan };
            let checker = check::Checker::new(spec.clone(), &self.clients, &self.secrets);
            poll::spawn(plan, &self.bus, &self.bits.wake, checker);
        }
    }

    fn prometheus(&self) {
        let Some(spec) = &self.settings.prometheus else { return };
        let (bus, clients, secrets) = (&self.bus, &self.clients, &self.secrets);
        let plan = self.plan(PROMETHEUS, spec.every, 3 * spec.timeout);
        let server = prometheus::Server::new(spec.clone(), &self.settings.signals, clients, secrets);
        poll::spawn(plan, bus, &self.bits.wake, server);
        let plan = self.plan(PLACE, spec.every, 2 * spec.timeout);
        let place = prometheus::Place::new(spec.clone(), clients, secrets, self.bits.closer.clone(), self.once);
        poll::spawn(plan, bus, &self.bits.place, place);
        let plan = self.plan(PROMETHEUS_ALERTS, spec.every, 2 * spec.timeout);
        poll::spawn(plan, bus, &self.bits.wake, prometheus::Alerts::new(spec.clone(), clients, secrets));
        let plan = self.plan(CONTEXT, spec.every, 4 * spec.timeout);
        poll::spawn(plan, bus, &self.bits.wake, prometheus::Context::new(spec.clone(), clients, secrets));
        for (i, group) in spec.rules.iter().enumerate() {
            let plan = self.plan(&rules_task(i), group.interval, 2 * spec.timeout);
            let judged = prometheus::Judged::new(spec.clone(), (i, group.clone()), clients, secrets);
            poll::spawn(plan, bus, &self.bits.wake, judged);
        }
    }

    fn alertmanagers(&self) {
        for spec in &self.settings.alertmanagers {
            let plan = self.plan(&spec.name, spec.every, 2 * spec.timeout);
            let source = alertmanager::Alertmanager::new(spec.clone(), &self.clients, &self.secrets);
            poll::spawn(plan, &self.bus, &self.bits.wake, source);
        }
    }

    fn scrapes(&self) {
        let specs = &self.settings.scrapes;
        let Some(every) = specs.iter().map(|s| s.every).min() else { return };
        let timeout = specs.iter().map(|s| s.timeout).max().unwrap_or(every) + SECOND;
        // A rate needs two looks.
        let plan = Plan { tries: 2, ..self.plan(SCRAPE, every, timeout) };
        let targets = scrape::Targets::new(specs.clone(), &self.clients, &self.secrets, self.bits.closer.clone());
        poll::spawn(plan, &self.bus, &self.bits.wake, targets);
    }

    /// Carries orders for silences out, one after the other, for as long as the program runs.
    async fn silencer(mut self) {
        while let Some((request, order)) = self.bits.silences.recv().await {
            let specs = &self.settings.alertmanagers;
            let answer = alertmanager::silence(specs, &self.clients, &self.secrets, &order).await;
            if !self.bus.send(Kind::SilenceAnswered { request, answer }).await {
                return;
            }
        }
    }

    fn sessions(&self) {
        let Some(spec) = &self.settings.sessions else { return };
        let plan = self.plan(SESSIONS, spec.every, spec.timeout());
        let watcher = sessions::Watcher::new(spec.clone(), &self.secrets, self.bits.count.clone());
        poll::spawn(plan, &self.bus, &self.bits.wake, watcher);
        if spec.is_mysql() {
            let plan = self.plan(GLANCE, spec.every, spec.timeout());
            poll::spawn(plan, &self.bus, &self.bits.wake, glance::Glancer::new(spec.clone(), &self.secrets));
        }
    }

    fn figures(&self) {
        for spec in &self.settings.sql {
            let plan = self.plan(&spec.source(), spec.every, spec.budget + 2 * SECOND);
            poll::spawn(plan, &self.bus, &self.bits.wake, sql::Figure::new(spec.clone(), &self.secrets));
        }
        for spec in &self.settings.logs {
            // Reading the count costs nothing: a dead command is told at every look.
            let plan = Plan { back_off: false, ..self.plan(&spec.source(), spec.every, 5 * SECOND) };
            poll::spawn(plan, &self.bus, &self.bits.wake, log::Log::new(spec.clone(), &self.secrets));
        }
    }
}
