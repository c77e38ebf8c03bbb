//! Freshness of the sources.

use crate::engine::settings::Settings;
use crate::model::signal::Absence;
use crate::model::source::Feed;
use crate::model::source::Freshness;
use crate::model::source::Source;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// The name of the Prometheus source.
pub const PROMETHEUS: &str = "prometheus";
/// The name of the poller that asks where it fails.
pub const PLACE: &str = "prometheus place";
/// The name of the poller of the alerts that Prometheus itself has.
pub const PROMETHEUS_ALERTS: &str = "prometheus alerts";
/// How the names of Alertmanagers begin.
pub const ALERTMANAGER: &str = "alertmanager";
/// The name of the poller of what stands around the figures.
pub const CONTEXT: &str = "prometheus context";
/// The name of the poller of the database server.
pub const GLANCE: &str = "glance";
/// The name of the session source.
pub const SESSIONS: &str = "sessions";

/// The name of the source that reads all direct targets and adds them up.
pub const SCRAPE: &str = "scrape";

/// Everything that is asked, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The sources of figures; checks stand for themselves.
    pub all: Vec<Source>,
}

impl Sources {
    pub(crate) fn new(settings: &Settings, now: Stamp) -> Self {
        let mut all = Vec::new();
        if let Some(p) = &settings.prometheus {
            all.push(Source::new(PROMETHEUS, Feed::Metrics, p.every, p.timeout, now));
        }
        let every = settings.scrapes.iter().map(|s| s.every).min();
        let timeout = settings.scrapes.iter().map(|s| s.timeout).max();
        if let (Some(every), Some(timeout)) = (every, timeout) {
            all.push(Source::new(SCRAPE, Feed::Metrics, every, timeout, now));
        }
        if let Some(s) = &settings.sessions {
            all.push(Source::new(SESSIONS, Feed::Sessions, s.every, s.timeout(), now));
        }
        // A look has one statement, and two seconds for a slow connection to open.
        for s in &settings.sql {
            all.push(Source::new(&s.source(), Feed::Figures, s.every, s.budget + 2 * SECOND, now));
        }
        for l in &settings.logs {
            all.push(Source::new(&l.source(), Feed::Figures, l.every, SECOND, now));
        }
        for a in &settings.alertmanagers {
            all.push(Source::new(&a.name, Feed::Alerts, a.every, a.timeout, now));
        }
        if let Some(p) = &settings.prometheus {
            all.push(Source::new(PROMETHEUS_ALERTS, Feed::Alerts, p.every, p.timeout, now));
        }
        Self { all }
    }

    /// The source of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.all.iter().find(|s| s.name == name)
    }

    /// Takes over what is known of sources that are still asked.
    pub(crate) fn inherit(&mut self, before: &Self) {
        for s in &mut self.all {
            if let Some(old) = before.get(&s.name).filter(|o| o.feed == s.feed) {
                *s = Source { every: s.every, timeout: s.timeout, ..old.clone() };
            }
        }
    }

    /// Notes how far a server's clock is from ours.
    pub(crate) fn clocked(&mut self, name: &str, skew: Option<Millis>) {
        if let (Some(s), Some(skew)) = (self.get_mut(name), skew) {
            s.skew = Some(skew);
        }
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Source> {
        self.all.iter_mut().find(|s| s.name == name)
    }

    /// Sources of one feed.
    pub fn of(&self, feed: Feed) -> impl Iterator<Item = &Source> {
        self.all.iter().filter(move |s| s.feed == feed)
    }

    /// Notes a good answer; true when the source had been failing.
    pub(crate) fn answered(&mut self, name: &str, at: Stamp, took: Millis, notes: Vec<String>) -> bool {
        let Some(s) = self.get_mut(name) else {
            return false;
        };
        let returned = s.problem.is_some();
        s.last_ok = Some(at);
        s.problem = None;
        s.attempts = 0;
        s.took = Some(took);
        s.notes = notes;
        s.answered = true;
        returned
    }

    /// Notes a failure; true when it is the first in a row or for another reason.
    pub(crate) fn failed(&mut self, name: &str, why: Absence) -> bool {
        let Some(s) = self.get_mut(name) else {
            return false;
        };
        let news = s.problem.as_ref().map(Absence::word) != Some(why.word());
        s.attempts = s.attempts.saturating_add(1);
        s.problem = Some(why);
        s.answered = true;
        news
    }

    /// The freshest source of a feed: what the feed as a whole can be trusted for.
    #[must_use]
    pub fn best(&self, feed: Feed, now: Stamp) -> Option<&Source> {
        self.of(feed).min_by_key(|s| (s.last_ok.is_none(), s.age(now)))
    }

    /// Is any source of the feed fresh?
    #[must_use]
    pub fn fresh(&self, feed: Feed, now: Stamp) -> bool {
        self.of(feed).any(|s| s.freshness(now) == Freshness::Fresh)
    }
}
