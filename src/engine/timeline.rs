//! What happened, newest last. An entry keeps what kind of thing it was and its figures; the words are found when it
//! is read, in the reader's language.

use std::collections::VecDeque;

use crate::engine::fact::said;
use crate::engine::fact::teller;
use crate::lang::Lang;
use crate::model::fact::Fact;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// Entries kept in memory; a night has some hundreds. The store keeps more.
const CAPACITY: usize = 2_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it happened, ms since the epoch.
    pub at: Millis,
    /// What it was.
    pub what: Fact,
}

impl Entry {
    /// The entry as one sentence.
    #[must_use]
    pub fn words(&self, lang: Lang, zone: Zone) -> String {
        said(&self.what, lang, zone)
    }

    /// Who says so: the rules, the checks, cabina itself.
    #[must_use]
    pub fn who(&self, lang: Lang) -> String {
        teller(&self.what, lang).unwrap_or_default()
    }
}

/// A bounded list of entries, in the order in which things happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    entries: VecDeque<Entry>,
}

impl Timeline {
    /// Adds an entry at its place in time: an onset is found after other things have been written.
    pub(crate) fn add(&mut self, at: Millis, what: Fact) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        let place = self.entries.iter().rposition(|e| e.at <= at).map_or(0, |i| i + 1);
        self.entries.insert(place, Entry { at, what });
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
