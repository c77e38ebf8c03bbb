//! The context folded in: changes become facts, and what is expected becomes a measure.

use std::collections::BTreeMap;

use crate::engine::state::State;
use crate::model::context::Change;
use crate::model::context::Changed;
use crate::model::context::Seen;
use crate::model::context::Target;
use crate::model::context::Usual;
use crate::model::context::merged;
use crate::model::deploy::Deploy;
use crate::model::health::Status;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// After a change, checks may be down for a moment …
const RESTARTING_FOR: Millis = 10 * MINUTE;
/// … of at most this long, once each.
pub(crate) const RESTARTING_MOST: Millis = 60 * SECOND;
/// What is usual is asked for every ten minutes; twice that, and it is of another hour.
const USUAL_FOR: Millis = 20 * MINUTE;
/// Targets that were not asked for so long may be anything by now.
const TARGETS_FOR: Millis = 2 * MINUTE;
/// So long after a change, failures are taken as its own: the time that the house keeps the old side.
const OWN_FAULT_FOR: Millis = 30 * MINUTE;

/// What is known of the surroundings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Traffic of the same hour in past weeks; `None` until it was asked for.
    pub usual: Option<(Stamp, Usual)>,
    /// Changes of the last day, seen and marked, oldest first; `None` until they were asked for.
    pub changes: Option<Vec<Change>>,
    /// Those that were seen.
    seen: Option<Vec<Change>>,
    /// Deploys that were marked, oldest first.
    pub deploys: Vec<Deploy>,
    /// From when on changes would have been seen, ms since the epoch.
    pub looked_from: Millis,
    /// The version that runs now, where one is exposed.
    pub version: Option<String>,
    /// The targets of the service as the server sees them.
    pub targets: Vec<Target>,
    /// When they were last asked for.
    targets_at: Option<Stamp>,
    /// Since when none of them can be read.
    pub all_down: Option<Stamp>,
    /// The one outage of each check that a change explains: the change, and when it began.
    grace: BTreeMap<String, (Millis, Stamp)>,
}

impl Context {
    /// Takes targets in.
    pub(crate) fn targets(&mut self, now: Stamp, targets: Vec<Target>) {
        let down = !targets.is_empty() && targets.iter().all(|t| !t.up);
        self.all_down = down.then(|| self.all_down.unwrap_or(now));
        self.targets = targets;
        self.targets_at = Some(now);
    }

    /// Since when no target can be read, while that is still known.
    pub(crate) fn dead_since(&self, now: Stamp) -> Option<Stamp> {
        self.all_down.filter(|_| self.targets_at.is_some_and(|at| now.since(at) <= TARGETS_FOR))
    }

    /// Takes versions and starts in; returns the changes that are news.
    pub(crate) fn seen(&mut self, seen: &Seen) -> Vec<Change> {
        let changes = seen.changes();
        let known = self.seen.as_deref().unwrap_or_default();
        // A time is only as good as the step it was read with.
        let same = |a: &Change, b: &Change| {
            let what = match (&a.what, &b.what) {
                // A restart goes on from host to host: it is the same one.
                (Changed::Started { first: a, .. }, Changed::Started { first: b, .. }) => a == b,
                (a, b) => a == b,
            };
            what && (a.at - b.at).abs() <= 2 * seen.step
        };
        let news = changes.iter().filter(|c| !known.iter().any(|k| same(k, c))).cloned().collect();
        self.looked_from = seen.looked_from;
        self.version = seen.versions.iter().max_by_key(|v| (v.to, v.from)).map(|v| v.name.clone());
        self.seen = Some(changes);
        self.merge();
        news
    }

    /// Takes the deploys of the last day in; returns those that are news.
    pub(crate) fn deployed(&mut self, deploys: Vec<Deploy>) -> Vec<Deploy> {
        let news = deploys.iter().filter(|d| !self.deploys.contains(d)).cloned().collect();
        self.deploys = deploys;
        self.merge();
        news
    }

    fn merge(&mut self) {
        if self.seen.is_some() || !self.deploys.is_empty() {
            self.changes = Some(merged(self.seen.as_deref().unwrap_or_default(), &self.deploys));
        }
    }

    /// Requests a minute that are expected now. What was usual at another hour is no measure.
    #[must_use]
    pub fn expected(&self, now: Stamp) -> Option<f64> {
        let (_, usual) = self.usual.as_ref().filter(|(at, _)| now.since(*at) <= USUAL_FOR)?;
        usual.per_minute()
    }

    /// The newest change not later than a moment.
    #[must_use]
    pub fn change_before(&self, at: Millis) -> Option<&Change> {
        self.changes.iter().flatten().rev().find(|c| c.at <= at)
    }

    /// The change whose own fault failures at this moment would be.
    #[must_use]
    pub(crate) fn fault_of(&self, at: Millis) -> Option<&Change> {
        self.change_before(at).filter(|c| match &c.what {
            Changed::Deployed { deploy } => at <= deploy.old_until.unwrap_or(c.at + OWN_FAULT_FOR),
            _ => at - c.at <= OWN_FAULT_FOR,
        })
    }

    /// Is this outage the one that a change explains?
    #[must_use]
    pub(crate) fn explains(&self, check: &str, since: Stamp, now: Stamp) -> bool {
        now.since(since) <= RESTARTING_MOST && self.grace.get(check).is_some_and(|(_, began)| *began == since)
    }
}

/// Notes the outage that a recent change explains, if it is the check's first since then.
pub(crate) fn note_outage(state: &mut State, name: &str) {
    let now = state.now;
    let Some(check) = state.checks.get(name).filter(|c| c.status == Status::Down) else { return };
    let since = check.failing_since.unwrap_or(check.changed);
    let Some(change) = state.context.change_before(now.wall).filter(|c| now.wall - c.at <= RESTARTING_FOR) else {
        return;
    };
    let at = change.at;
    let noted = state.context.grace.entry(name.to_owned()).or_insert((at, since));
    if noted.0 != at {
        *noted = (at, since);
    }
}
