//! What was said about entries after they were written: corrections, marks, and what is done. The entries stay as they
//! were; whoever reads them sees what holds now.

use std::collections::HashMap;

use crate::engine::fact::said;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::lang::Lang;
use crate::model::fact::Fact;
use crate::model::time::Zone;

/// An incident and a place in its journal.
type Place<'a> = (&'a str, i64);

/// What holds of the entries of a timeline; the newest word about each.
#[derive(Debug, Default)]
pub struct Annotations<'a> {
    edits: HashMap<Place<'a>, &'a str>,
    done: HashMap<Place<'a>, bool>,
    marks: HashMap<Place<'a>, (bool, &'a [String])>,
}

impl<'a> Annotations<'a> {
    /// Reads them from what is known.
    #[must_use]
    pub fn of(shown: &'a State) -> Self {
        let mut all = Self::default();
        if !shown.timeline.annotated() {
            return all;
        }
        for entry in shown.timeline.newest() {
            let here = |of: &i64| (journal_of(shown, entry), *of);
            match &entry.what {
                Fact::Edited { of, text } => _ = all.edits.entry(here(of)).or_insert(text.as_str()),
                Fact::Done { of, done, .. } => _ = all.done.entry(here(of)).or_insert(*done),
                Fact::Marked { of, pinned, tags } => {
                    all.marks.entry(here(of)).or_insert((*pinned, tags.as_slice()));
                }
                _ => {}
            }
        }
        all
    }

    /// What a corrected entry says now.
    #[must_use]
    pub fn edited(&self, place: Place<'a>) -> Option<&'a str> {
        self.edits.get(&place).copied()
    }

    /// Is this entry kept in sight?
    #[must_use]
    pub fn pinned(&self, entry: &'a Entry) -> bool {
        entry.place().and_then(|p| self.marks.get(&p)).is_some_and(|(pinned, _)| *pinned)
    }

    /// Pinned, and the tags, of an entry.
    #[must_use]
    pub fn marks(&self, place: Place<'a>) -> (bool, Vec<String>) {
        self.marks.get(&place).map(|(pinned, tags)| (*pinned, tags.to_vec())).unwrap_or_default()
    }

    /// Tags by which an entry is found, each with a `#` before it.
    #[must_use]
    pub fn tags(&self, entry: &'a Entry) -> String {
        let of = entry.place().and_then(|p| self.marks.get(&p));
        of.map_or_else(String::new, |(_, tags)| tags.iter().flat_map(|t| ["#", t, " "]).collect())
    }

    /// Is anything kept in sight?
    #[must_use]
    pub fn any_pinned(&self) -> bool {
        self.marks.values().any(|(pinned, _)| *pinned)
    }

    /// An entry as one sentence, as it holds now; that of another incident than the one that goes on says of which.
    #[must_use]
    pub fn words(&self, shown: &'a State, entry: &'a Entry, lang: Lang, zone: Zone) -> String {
        let place = entry.place();
        let edited = place.and_then(|p| self.edited(p));
        let words = match (&entry.what, edited) {
            (Fact::Todo { owner, due, .. }, Some(text)) => {
                let (owner, due) = (owner.clone(), due.clone());
                lang.pm_corrected(said(&Fact::Todo { text: text.to_owned(), owner, due }, lang, zone))
            }
            (_, Some(text)) => lang.pm_corrected(text),
            (what, None) => said(what, lang, zone),
        };
        let done = place.is_some_and(|p| self.done.get(&p) == Some(&true));
        let words = if done { lang.fact_is_done(words) } else { words };
        let words = format!("{words} {}", self.tags(entry)).trim_end().to_owned();
        let current = shown.record.incident.as_ref().map(|i| i.id.as_str());
        match place {
            Some((of, _)) if current.is_some_and(|c| c != of) => format!("{of}: {words}"),
            _ => words,
        }
    }
}

/// What only says something about another entry: it shows there.
#[must_use]
pub fn is_annotation(fact: &Fact) -> bool {
    matches!(fact, Fact::Marked { .. } | Fact::Edited { .. })
}

/// The incident that an entry is about: what is not written yet goes into the one that goes on.
fn journal_of<'a>(shown: &'a State, entry: &'a Entry) -> &'a str {
    let current = || shown.record.incident.as_ref().map_or("", |i| i.id.as_str());
    entry.place().map_or_else(current, |(incident, _)| incident)
}
