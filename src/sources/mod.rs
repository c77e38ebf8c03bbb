//! The edge in: the world becomes events. One polling loop, and one small file per source.

pub mod check;
pub mod exposition;
pub mod http;
pub mod poll;
pub mod prometheus;
pub mod scrape;
pub mod secrets;
pub mod sessions;
pub mod tls;

use std::sync::Arc;

use tokio::sync::watch;

use crate::bus::Bus;
use crate::engine::Settings;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::SESSIONS;
use crate::engine::state::check_task;
use crate::model::time::SECOND;
use crate::sources::http::Clients;
use crate::sources::poll::Plan;
use crate::sources::secrets::Secrets;

/// How the pollers are spoken to while they run.
#[derive(Debug)]
pub struct Reins {
    poll_now: watch::Sender<()>,
    count: watch::Sender<()>,
}

impl Reins {
    /// Every source is asked as soon as it is free.
    pub fn poll_now(&self) {
        self.poll_now.send_replace(());
    }

    /// The next look at the session table counts exactly, and it is taken now.
    pub fn count_exactly(&self) {
        self.count.send_replace(());
        self.poll_now.send_replace(());
    }
}

/// Starts everything that the settings ask for. Returns at once: clients and connections are made by the tasks.
#[must_use]
pub fn spawn(settings: &Settings, secrets: &Arc<Secrets>, bus: &Bus, once: bool) -> Reins {
    let reins = Reins { poll_now: watch::channel(()).0, count: watch::channel(()).0 };
    let (settings, secrets, bus) = (settings.clone(), Arc::clone(secrets), bus.clone());
    let (wake, count) = (reins.poll_now.subscribe(), reins.count.subscribe());
    tokio::spawn(async move {
        // The machine's certificates take some ten milliseconds to read: not on the way to the first frame.
        let (wanted, known) = (settings.clone(), Arc::clone(&secrets));
        let clients = tokio::task::spawn_blocking(move || Clients::new(&wanted, &known)).await;
        let clients = Arc::new(clients.unwrap_or_default());
        start(&settings, &clients, &secrets, &bus, &wake, &count, once);
    });
    reins
}

fn start(
    settings: &Settings,
    clients: &Arc<Clients>,
    secrets: &Arc<Secrets>,
    bus: &Bus,
    wake: &watch::Receiver<()>,
    count: &watch::Receiver<()>,
    once: bool,
) {
    for spec in &settings.checks {
        let plan = Plan {
            name: check_task(&spec.name),
            every: spec.every,
            // The probe keeps its own time; this only catches a probe that does not.
            timeout: spec.timeout + SECOND,
            back_off: false,
            tries: spec.fail_after,
            once,
        };
        poll::spawn(plan, bus, wake, check::Checker::new(spec.clone(), clients, secrets));
    }
    if let Some(spec) = &settings.prometheus {
        let plan = Plan {
            name: PROMETHEUS.to_owned(),
            every: spec.every,
            timeout: 3 * spec.timeout,
            back_off: true,
            tries: 1,
            once,
        };
        poll::spawn(plan, bus, wake, prometheus::Server::new(spec.clone(), &settings.signals, clients, secrets));
    }
    if let Some(every) = settings.scrapes.iter().map(|s| s.every).min() {
        let timeout = settings.scrapes.iter().map(|s| s.timeout).max().unwrap_or(every) + SECOND;
        // A rate needs two looks.
        let tries = 2;
        let plan = Plan { name: SCRAPE.to_owned(), every, timeout, back_off: true, tries, once };
        poll::spawn(plan, bus, wake, scrape::Targets::new(settings.scrapes.clone(), clients, secrets));
    }
    if let Some(spec) = &settings.sessions {
        let plan = Plan {
            name: SESSIONS.to_owned(),
            every: spec.every,
            timeout: spec.timeout(),
            back_off: true,
            tries: 1,
            once,
        };
        poll::spawn(plan, bus, wake, sessions::Watcher::new(spec.clone(), secrets, count.clone()));
    }
}
