//! Of several cabinas on one store one writes down what machines see; and whether anybody has written at all.

use crate::bus;
use crate::effects::record::Keeper;
use crate::effects::record::LEASE;
use crate::effects::record::SCRIBE;
use crate::engine::record::Scribe;
use crate::model::time::Millis;
use crate::store::StoreError;

impl Keeper {
    /// Was everything read that anybody has written? Whoever follows a recorder has to see it die without a word.
    pub(super) fn is_read(&self) -> bool {
        let well = self.shown.told && self.shown.problem.is_none() && self.held.is_none();
        well && !self.follower.follows() && self.stood.is_some() && self.stood == self.store.standing()
    }

    /// Sees to who writes down what machines see. True where that is somebody else now, or others have written meanwhile:
    /// what was written here for it is no news.
    pub(super) async fn lead(&mut self) -> Result<bool, StoreError> {
        let (now, before) = (bus::now().wall, (self.scribe, self.others));
        let writes = !self.plan.read_only && self.held.is_none();
        let mine = writes && self.plan.scribes && self.lease(now).await?;
        self.scribe = match mine {
            true => Scribe::Here,
            false if self.store.leased(SCRIBE, now).await?.is_some() => Scribe::Elsewhere,
            false => Scribe::Nobody,
        };
        if mine {
            // In this order: what others write between the two is counted, and read.
            self.stood = self.store.standing();
            self.others = self.store.others().await;
        }
        Ok((self.scribe, self.others) != before)
    }

    async fn lease(&self, now: Millis) -> Result<bool, StoreError> {
        if self.plan.recording.is_some() {
            // Whatever cockpit had it has it no more.
            return self.store.lease_first(SCRIBE, &self.desk.id, now, now + LEASE).await;
        }
        self.store.lease(SCRIBE, &self.desk.id, now, now + LEASE).await
    }
}
