//! The journal of an incident: entries that are only added, each sealed with the hash of the one before it.

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::model::breakdown::Dimension;
use crate::model::fact::Fact;
use crate::model::incident::Incident;
use crate::model::incident::OWNER;
use crate::model::severity::Level;
use crate::model::text::harmless_json;
use crate::model::time::Millis;

/// How it stood at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// How bad the rules found it.
    pub level: Level,
    /// The failed share of the last minute's requests.
    #[serde(default)]
    pub failing: Option<f64>,
    /// p95 of their durations, in seconds.
    #[serde(default)]
    pub p95: Option<f64>,
    /// Requests a second.
    #[serde(default)]
    pub rate: Option<f64>,
    /// What most of the failures had in common.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst: Vec<Worst>,
}

/// A part that most failures fall on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// What kind of part.
    pub by: Dimension,
    /// Which.
    pub name: String,
    /// Its share of all failures.
    pub share: f64,
}

/// Something to be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Made by the writer: the same draft given twice is one entry. Empty, the store makes one.
    pub id: String,
    /// When it happened, ms since the epoch.
    pub at: Millis,
    /// Who did it or saw it.
    pub who: String,
    /// On which machine it was written.
    pub host: String,
    /// What.
    pub fact: Fact,
    /// How it stood then, where that was seen.
    pub moment: Option<Moment>,
}

impl Draft {
    /// A draft.
    #[must_use]
    pub fn new(at: Millis, who: &str, host: &str, fact: Fact) -> Self {
        Self { id: String::new(), at, who: who.to_owned(), host: host.to_owned(), fact, moment: None }
    }

    /// Somebody has the incident from now on.
    #[must_use]
    pub fn taken(at: Millis, who: &str, host: &str) -> Self {
        Self::new(at, who, host, Fact::Assigned { role: OWNER.to_owned(), who: who.to_owned() })
    }
}

/// One entry, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The incident it belongs to.
    pub incident: String,
    /// Its place, from 1.
    pub seq: i64,
    /// Made by the writer: the same entry given twice is one.
    pub id: String,
    /// When it happened, ms since the epoch.
    pub at: Millis,
    /// When it was written down.
    pub recorded_at: Millis,
    /// Who did it or saw it.
    pub who: String,
    /// On which machine it was written.
    pub host: String,
    /// What happened.
    pub fact: Fact,
    /// How it stood then.
    pub moment: Option<Moment>,
    /// Both as JSON, as they are kept and hashed.
    pub data: String,
    /// The hash of the entry before; empty for the first.
    pub prev: String,
    /// The hash of this one.
    pub hash: String,
}

impl Entry {
    /// Makes the next entry of an incident.
    #[must_use]
    pub fn seal(incident: &Incident, draft: Draft, recorded_at: Millis) -> Self {
        let mut entry = Self {
            incident: incident.id.clone(),
            seq: incident.last_seq + 1,
            id: draft.id,
            at: draft.at,
            recorded_at,
            who: draft.who,
            host: draft.host,
            data: written(&draft.fact, draft.moment.as_ref()),
            fact: draft.fact,
            moment: draft.moment,
            prev: incident.last_hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.proof();
        entry
    }

    /// What it was made of: written down elsewhere it is the same entry.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let (fact, moment) = (self.fact.clone(), self.moment.clone());
        Draft { id: self.id.clone(), moment, ..Draft::new(self.at, &self.who, &self.host, fact) }
    }

    /// The hash that the entry should have: SHA-256, in hex, over all that is kept of it and the hash before. Every
    /// field is preceded by its length, so that no two entries are written alike.
    #[must_use]
    pub fn proof(&self) -> String {
        let mut hasher = Sha256::new();
        let (seq, at, recorded) = (self.seq.to_string(), self.at.to_string(), self.recorded_at.to_string());
        let fields = ["cabina journal 1", &self.prev, &self.incident, &seq, &self.id, &at, &recorded];
        for field in fields.into_iter().chain([self.who.as_str(), &self.host, &self.data]) {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hex(hasher)
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
        hex
    })
}

/// The SHA-256 of a text, in hex.
#[must_use]
pub fn print(text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(text.as_bytes());
    hex(hasher)
}

/// A fact with its moment, as it is kept.
fn written(fact: &Fact, moment: Option<&Moment>) -> String {
    let mut value = serde_json::to_value(fact).unwrap_or_default();
    if let (Some(map), Some(moment)) = (value.as_object_mut(), moment) {
        map.insert("moment".to_owned(), serde_json::to_value(moment).unwrap_or_default());
    }
    value.to_string()
}

/// Reads what is kept; an entry of a newer program is one that nothing is known of.
#[must_use]
pub fn read(data: &str) -> (Fact, Option<Moment>) {
    #[derive(Deserialize)]
    struct Beside {
        #[serde(default)]
        moment: Option<Moment>,
    }
    let data = &harmless_json(data);
    let fact = serde_json::from_str(data).unwrap_or(Fact::Unknown);
    (fact, serde_json::from_str(data).ok().and_then(|b: Beside| b.moment))
}

/// What does not fit in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// An entry is missing before this one.
    Missing(i64),
    /// It does not follow the one before it.
    Unlinked(i64),
    /// It is not what was sealed.
    Altered(i64),
    /// Entries at the end are gone, or were put there: the incident ends with another one.
    Ends(i64),
    /// The chain holds, but what is shown of the incident is not what it adds up to.
    Sum,
}

/// Follows a chain entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    seq: i64,
    hash: String,
}

impl Chain {
    /// Takes the next entry.
    ///
    /// # Errors
    /// The first entry that does not fit.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Break> {
        if entry.seq != self.seq + 1 {
            return Err(Break::Missing(self.seq + 1));
        }
        if entry.prev != self.hash {
            return Err(Break::Unlinked(entry.seq));
        }
        if entry.hash != entry.proof() {
            return Err(Break::Altered(entry.seq));
        }
        self.seq = entry.seq;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    /// The end of the journal.
    ///
    /// # Errors
    /// When the incident says that it ends otherwise.
    pub fn ends(&self, incident: &Incident) -> Result<i64, Break> {
        if incident.last_seq == self.seq && incident.last_hash == self.hash {
            Ok(self.seq)
        } else {
            Err(Break::Ends(self.seq.min(incident.last_seq) + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(texts: &[&str]) -> (Incident, Vec<Entry>) {
        let mut incident = Incident::new("INC-2026-0001");
        let entries = texts
            .iter()
            .enumerate()
            .map(|(i, text)| {
                let draft = Draft::new(i as i64, "ana", "web1", Fact::Note { text: (*text).to_owned() });
                let entry = Entry::seal(&incident, Draft { id: format!("id{i}"), ..draft }, i as i64);
                incident.fold(&entry);
                entry
            })
            .collect();
        (incident, entries)
    }

    fn verify(incident: &Incident, entries: &[Entry]) -> Result<i64, Break> {
        let mut chain = Chain::default();
        entries.iter().try_for_each(|e| chain.follow(e))?;
        chain.ends(incident)
    }

    #[test]
    fn whatever_is_touched_is_found() {
        let (incident, entries) = chain(&["one", "two", "three"]);
        assert_eq!(verify(&incident, &entries), Ok(3));
        let mut altered = entries.clone();
        altered[1].data = altered[1].data.replace("two", "2");
        assert_eq!(verify(&incident, &altered), Err(Break::Altered(2)));
        // Sealing it anew does not help: the next one names its old hash.
        altered[1].hash = altered[1].proof();
        assert_eq!(verify(&incident, &altered), Err(Break::Unlinked(3)));
        let mut who = entries.clone();
        who[2].who = "eva".to_owned();
        assert_eq!(verify(&incident, &who), Err(Break::Altered(3)));
        assert_eq!(verify(&incident, &[entries[0].clone(), entries[2].clone()]), Err(Break::Missing(2)));
        assert_eq!(verify(&incident, &entries[..2]), Err(Break::Ends(3)));
    }

    #[test]
    fn the_hash_is_the_one_that_older_stores_hold() {
        // Reckoned by another program, from the description above: a change of it would break every chain there is.
        let (_, entries) = chain(&["one"]);
        assert_eq!(entries[0].hash, "ef5ce6ee3dc10d7e62d9aa08dbc7a6eaa3a35b4ebebc76efcfd7134265839744");
        assert_eq!(entries[0].data, r#"{"kind":"note","text":"one"}"#);
    }

    #[test]
    fn what_is_kept_is_read_again_also_when_it_is_newer() {
        let moment = Moment { level: Level::Sev1, failing: Some(0.124), p95: None, rate: Some(8.2), worst: Vec::new() };
        let note = Fact::Note { text: "one".to_owned() };
        assert_eq!(read(&written(&note, Some(&moment))), (note.clone(), Some(moment.clone())));
        assert_eq!(read(r#"{"kind":"note","text":"one"}"#), (note, None));
        assert_eq!(read(r#"{"kind":"telepathy","who":"ana","moment":{"level":"SEV1"}}"#).0, Fact::Unknown);
        assert_eq!(read("rubbish"), (Fact::Unknown, None));
    }
}
