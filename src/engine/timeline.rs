//! What happened, newest last. An entry keeps what kind of thing it was and its figures; the words are found when it
//! is read, in the reader's language.

use std::collections::VecDeque;

use crate::engine::annotations::is_annotation;
use crate::engine::fact::said;
use crate::engine::fact::teller;
use crate::lang::Lang;
use crate::model::fact::Fact;
use crate::model::incident::RULES;
use crate::model::journal::Moment;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// Entries kept in memory; a night has some hundreds, and whoever scrolls back reads older ones from the store.
const CAPACITY: usize = 50_000;

/// Where an entry stands to the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Only here.
    #[default]
    Here,
    /// On its way to the disk, with this order.
    Saving(u64),
    /// On the disk: the incident, and its place in the journal.
    Saved(String, i64),
    /// Another cabina has written the same down as it saw it.
    Elsewhere,
    /// Seen from here alone: the one that writes has not seen it so.
    Own,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it happened, ms since the epoch.
    pub at: Millis,
    /// What it was.
    pub what: Fact,
    /// Who did it; empty where a machine saw it.
    pub by: String,
    /// Its identifier in the record; empty while it has none.
    pub id: String,
    /// How it stood then.
    pub moment: Option<Moment>,
    /// Where it stands to the record.
    pub kept: Kept,
    /// Its number among all that came in here: it stays the same whatever becomes of the rest.
    pub(crate) nr: u64,
}

impl Entry {
    /// Something that has just become known, and stands nowhere else yet. `by` is empty where a machine saw it.
    #[must_use]
    pub fn new(at: Millis, what: Fact, by: String) -> Self {
        Self { at, what, by, id: String::new(), moment: None, kept: Kept::Here, nr: 0 }
    }

    /// Its incident and its place in that one's journal, once it is there.
    #[must_use]
    pub fn place(&self) -> Option<(&str, i64)> {
        match &self.kept {
            Kept::Saved(incident, seq) => Some((incident, *seq)),
            _ => None,
        }
    }

    /// Its place in the journal, once it is there.
    #[must_use]
    pub fn seq(&self) -> Option<i64> {
        match self.kept {
            Kept::Saved(_, seq) => Some(seq),
            _ => None,
        }
    }

    /// The entry as one sentence.
    #[must_use]
    pub fn words(&self, lang: Lang, zone: Zone) -> String {
        said(&self.what, lang, zone)
    }

    /// Who says so: a person, the rules, the checks, cabina itself.
    #[must_use]
    pub fn who(&self, lang: Lang) -> String {
        match teller(&self.what, lang) {
            Some(machine) => machine,
            None if self.by == RULES => lang.who_rules(),
            None => self.by.clone(),
        }
    }
}

/// A bounded list of entries, in the order in which things happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    entries: VecDeque<Entry>,
    /// Some may have to be written down still.
    pub(crate) unsettled: bool,
    /// Another one after every change.
    version: u64,
    /// Something was said about an entry: without that, nobody has to look for it.
    annotated: bool,
}

impl Timeline {
    /// Adds an entry at its place in time: an onset is found after other things have been written.
    pub(crate) fn add(&mut self, at: Millis, what: Fact) {
        self.put(Entry::new(at, what, String::new()));
    }

    /// Adds an entry as it is.
    pub(crate) fn put(&mut self, mut entry: Entry) {
        self.unsettled |= entry.kept == Kept::Here;
        self.version += 1;
        entry.nr = self.version;
        self.annotated |= is_annotation(&entry.what) || matches!(entry.what, Fact::Done { .. });
        // What happened at one moment stands as it was written down.
        let key = |e: &Entry| (e.at, e.seq().unwrap_or(i64::MAX));
        let place = self.entries.partition_point(|e| key(e) <= key(&entry));
        if self.entries.len() >= CAPACITY {
            if place == 0 {
                return;
            }
            self.entries.pop_front();
            self.entries.insert(place - 1, entry);
            return;
        }
        self.entries.insert(place, entry);
    }

    /// The entry of a moment with this identifier.
    pub(crate) fn find_mut(&mut self, at: Millis, id: &str) -> Option<&mut Entry> {
        self.version += 1;
        let from = self.entries.partition_point(|e| e.at < at);
        self.entries.iter_mut().skip(from).take_while(|e| e.at == at).find(|e| e.id == id)
    }

    /// Lets go of what another cabina has written down: it stands here as that one saw it.
    pub(crate) fn let_go(&mut self) {
        let before = self.entries.len();
        self.entries.retain(|e| e.kept != Kept::Elsewhere);
        self.version += u64::from(self.entries.len() != before);
    }

    /// Lets go of what was seen from here alone, now that the journal says the same of about that moment.
    pub(crate) fn told(&mut self, at: Millis, tells: &[(String, String)], about: Millis) {
        let from = self.entries.partition_point(|e| e.at < at - about);
        let same = |e: &Entry| e.kept == Kept::Own && e.what.tells(e.at).iter().any(|t| tells.contains(t));
        let places: Vec<usize> = self
            .entries
            .iter()
            .enumerate()
            .skip(from)
            .take_while(|(_, e)| e.at <= at + about)
            .filter(|(_, e)| same(e))
            .map(|(i, _)| i)
            .collect();
        for place in places.into_iter().rev() {
            self.entries.remove(place);
            self.version += 1;
        }
    }

    /// Another number after every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Has anything been corrected, marked or done?
    #[must_use]
    pub fn annotated(&self) -> bool {
        self.annotated
    }

    /// The entry at a place, the newest first.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Entry> {
        self.entries.get(self.entries.len().checked_sub(place + 1)?)
    }

    /// No more are kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries.len() >= CAPACITY
    }

    /// Every entry, oldest first.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Every entry, to be marked as kept.
    pub(crate) fn all_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Entry> {
        self.unsettled = true;
        self.version += 1;
        self.entries.iter_mut()
    }

    /// Newest first. What another cabina has written down stands there as it saw it.
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
