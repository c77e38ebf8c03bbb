//! What happens to the target, and when: a function of the time since it started.

use crate::model::time::Millis;
use crate::model::time::SECOND;

/// One turn of the loop: calm, trouble, calm again long enough for every level to fall. Levels calm by the one-minute
/// share: a minute after the trouble ended it holds none of it, and the quiet time comes on top.
pub const CYCLE: Millis = 120 * SECOND;
/// Trouble begins here …
const FROM: Millis = 12 * SECOND;
/// … and ends here.
const UNTIL: Millis = 40 * SECOND;
/// In the whole story latency and sessions follow the failures.
const LATER: Millis = 8 * SECOND;

/// The two sides of the service: which one has the traffic, and how far the night has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sides {
    /// The story's clock.
    pub(super) clock: Millis,
    /// The previous version has the traffic.
    previous: bool,
    /// Somebody is at it: the trouble waits for them.
    watched: bool,
    /// How long trouble waits for somebody to read and decide, in each turn.
    patience: Millis,
    /// How long it has waited in this turn.
    waited: Millis,
}

impl Sides {
    /// Sides whose trouble waits so long for a visitor.
    pub(super) fn patient(patience: Millis) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Time goes by. While somebody is at it trouble does not end by itself; with the previous version there is none.
    pub(super) fn pass(&mut self, time: Millis) {
        if self.previous {
            return;
        }
        let turn = self.clock.rem_euclid(CYCLE);
        // The whole of it is there by then: what follows later in the story has followed.
        let last = (UNTIL - SECOND..UNTIL).contains(&turn);
        if last && (self.watched || self.waited < self.patience) {
            self.waited += time;
            return;
        }
        if turn < FROM {
            self.waited = 0;
        }
        self.clock += time;
    }

    /// Where in the story things are as they are now.
    pub(super) fn moment(&self) -> Millis {
        if self.previous { self.clock - self.clock.rem_euclid(CYCLE) + UNTIL } else { self.clock }
    }

    /// The version that has the traffic.
    pub(super) fn version(&mut self) -> &'static str {
        self.watched = true;
        if self.previous { "v4.11.3" } else { "v4.12.0" }
    }

    /// Gives the traffic to the previous version: the trouble is over. Or to the new one again: it is back.
    pub(super) fn give(&mut self, previous: bool) {
        let turn = self.clock.rem_euclid(CYCLE);
        if self.previous && !previous {
            self.clock += FROM + LATER - turn;
        }
        self.previous = previous;
    }
}

/// Which story is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// A bad deploy at night: one endpoint fails, then everything slows down and sessions pile up.
    #[default]
    Night,
    /// One endpoint fails.
    Errors,
    /// Everything is slow.
    Latency,
    /// Sessions flood in.
    Sessions,
    /// The database is gone.
    Outage,
}

impl Scenario {
    /// The words that name them, Spanish first.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("noche", Self::Night),
        ("errores", Self::Errors),
        ("latencia", Self::Latency),
        ("sesiones", Self::Sessions),
        ("caida", Self::Outage),
        ("errors", Self::Errors),
        ("latency", Self::Latency),
        ("outage", Self::Outage),
    ];

    /// The story of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(n, _)| *n == name).map(|(_, s)| *s)
    }

    /// How things are so long after the start.
    #[must_use]
    pub fn at(self, since: Millis) -> Conditions {
        let t = since.rem_euclid(CYCLE);
        let trouble = (FROM..UNTIL).contains(&t);
        let late = (FROM + LATER..UNTIL).contains(&t);
        let mut c = Conditions { sweep: t >= UNTIL, ..Conditions::default() };
        match self {
            Self::Night => {
                c.failing = if trouble { 0.94 } else { 0.0 };
                c.slow = late;
                c.flood = late;
            }
            Self::Errors => c.failing = if trouble { 0.94 } else { 0.0 },
            Self::Latency => c.slow = trouble,
            Self::Sessions => c.flood = trouble,
            Self::Outage => c.database_gone = trouble,
        }
        c
    }
}

/// How things are at one moment.
#[expect(clippy::struct_excessive_bools, reason = "troubles that can come alone or together")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Share of the calls endpoint's requests that fail.
    pub failing: f64,
    /// Requests wait for locks.
    pub slow: bool,
    /// Something logs in without end.
    pub flood: bool,
    /// The database does not answer.
    pub database_gone: bool,
    /// The sweep of expired sessions has run.
    pub sweep: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_waits_for_whoever_is_at_it_and_the_previous_version_ends_it() {
        let failing = |sides: &Sides| Scenario::Errors.at(sides.moment()).failing > 0.0;
        let mut sides = Sides::default();
        sides.pass(FROM + SECOND);
        assert!(failing(&sides));
        assert_eq!(sides.version(), "v4.12.0");
        for _ in 0..600 {
            sides.pass(SECOND);
        }
        assert!(failing(&sides), "it does not end by itself");
        sides.give(true);
        assert_eq!((failing(&sides), sides.version()), (false, "v4.11.3"));
        for _ in 0..600 {
            sides.pass(SECOND);
        }
        assert!(!failing(&sides), "nor does it begin anew");
        sides.give(false);
        assert!(failing(&sides));
        // For whoever only reads it waits too, but not for ever.
        let mut sides = Sides::patient(60 * SECOND);
        for _ in 0..80 {
            sides.pass(SECOND);
        }
        assert!(failing(&sides));
        for _ in 0..30 {
            sides.pass(SECOND);
        }
        assert!(!failing(&sides));
    }

    #[test]
    fn every_story_begins_calm_breaks_within_the_first_minute_and_recovers() {
        for (name, story) in Scenario::NAMES {
            let calm = Conditions { sweep: false, ..story.at(0) };
            assert_eq!(calm, Conditions::default(), "{name}");
            assert!((0..60).any(|s| Conditions { sweep: false, ..story.at(s * SECOND) } != calm), "{name}");
            assert_eq!(Conditions { sweep: false, ..story.at(CYCLE - SECOND) }, calm, "{name}");
        }
    }
}
