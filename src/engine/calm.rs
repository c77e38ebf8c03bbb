//! When nothing calls for the second hand: the clock steps every five seconds then, and a bad link carries as many bytes
//! less. Whatever is wrong, late or going on brings it back.

use crate::engine::state::State;
use crate::model::severity::Level;
use crate::model::source::Freshness;
use crate::model::time::Millis;
use crate::model::time::STEP;
use crate::model::time::stepped;

impl State {
    /// Is there nothing that one counts the seconds of?
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.verdict.level == Level::Ok
            && self.verdict.findings.is_empty()
            && self.verdict.blind.is_empty()
            && self.record.incident.is_none()
            && self.run.is_none()
            && !self.watches.iter().any(|w| w.live(self.now.wall))
            && self.sources.all.iter().all(|s| matches!(s.freshness(self.now), Freshness::Fresh | Freshness::Waiting))
    }

    /// The moment that the clock shows, in ms since the Unix epoch.
    #[must_use]
    pub fn clock(&self) -> Millis {
        if self.is_calm() { stepped(self.now.wall, STEP) } else { self.now.wall }
    }
}
