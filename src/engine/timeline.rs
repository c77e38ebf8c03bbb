//! What happened, newest last. An entry keeps what kind of thing it was and its figures; the words are found when it
//! is read, in the reader's language.

use std::collections::VecDeque;

use crate::engine::sentence::sentence;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::context::Changed;
use crate::model::health::Status;
use crate::model::matcher::Matcher;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::signal::Absence;
use crate::model::signal::Unit;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// Entries kept in memory; a night has some hundreds. The store keeps more.
const CAPACITY: usize = 2_000;
/// Alerts of one moment that are named.
const NAMED: usize = 4;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it happened, ms since the epoch.
    pub at: Millis,
    /// What it was.
    pub what: What,
}

/// What can stand in the timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The cockpit began to look.
    Opened,
    /// A figure began to go wrong.
    Onset {
        /// The rule that found it.
        finding: Finding,
    },
    /// The level changed.
    Level {
        /// From.
        from: Level,
        /// To.
        to: Level,
        /// The first reason for a rise.
        because: Option<Finding>,
    },
    /// A check changed its word.
    Check {
        /// Its name.
        name: String,
        /// From.
        from: Status,
        /// To.
        to: Status,
        /// What was seen, or the parent that explains it.
        detail: String,
    },
    /// A source stopped answering.
    Lost {
        /// Its name.
        source: String,
        /// Why.
        why: Absence,
    },
    /// A source answers again.
    Back {
        /// Its name.
        source: String,
    },
    /// Alerts began to fire.
    Fired {
        /// Their names.
        names: Vec<String>,
    },
    /// Alerts stopped firing.
    Over {
        /// Their names.
        names: Vec<String>,
    },
    /// A silence was made from here.
    Silenced {
        /// What it silences.
        matchers: Vec<Matcher>,
        /// Until when, ms since the epoch.
        ends: Millis,
        /// Who made it.
        by: String,
    },
    /// A silence was ended from here.
    Unsilenced {
        /// What it silenced.
        matchers: Vec<Matcher>,
    },
    /// Alertmanager did not take a silence.
    SilenceFailed {
        /// Why.
        why: Absence,
    },
    /// The database server takes no writes any more, or takes them again.
    ReadOnly {
        /// It takes none.
        read_only: bool,
    },
    /// Replication stopped, or runs again.
    Replica {
        /// It runs.
        running: bool,
        /// What stopped it; may be empty.
        error: String,
    },
    /// A version or a process start was seen.
    Changed {
        /// What changed.
        what: Changed,
    },
    /// Something is known to be bad until a moment, or no longer.
    KnownBad {
        /// The signal, check or alert.
        subject: String,
        /// Until when; `None` takes the mark away.
        until: Option<Millis>,
        /// Who said so.
        by: String,
    },
    /// A changed configuration is in use.
    Reloaded,
    /// A changed configuration is wrong; the old one stays in use.
    ReloadFailed {
        /// What is wrong with it.
        mistakes: Vec<String>,
    },
    /// Rows were swept from the session table.
    Swept {
        /// How many.
        rows: u64,
    },
}

impl Entry {
    /// The entry as one sentence.
    #[must_use]
    pub fn words(&self, lang: Lang, zone: Zone) -> String {
        match &self.what {
            What::Opened => lang.fact_opened(),
            What::Onset { finding } => lang.fact_onset(words::finding_name(lang, finding)),
            What::Level { from, to, because: Some(f) } => {
                lang.fact_level_because(from.word(), to.word(), sentence(lang, f))
            }
            What::Level { from, to, because: None } => lang.fact_level(from.word(), to.word()),
            What::Check { name, from, to, detail } => {
                let (from, to) = (words::status(lang, *from), words::status(lang, *to));
                if detail.is_empty() {
                    lang.fact_check(name, from, to)
                } else {
                    lang.fact_check_detail(name, from, to, detail)
                }
            }
            What::Lost { source, why } => lang.fact_lost(words::source(lang, source), words::absence(lang, why)),
            What::Back { source } => lang.fact_back(words::source(lang, source)),
            What::Fired { names } => few(lang, names, |names| lang.fact_fired(names)),
            What::Over { names } => few(lang, names, |names| lang.fact_over(names)),
            What::Silenced { matchers, ends, by } => {
                let until = zone.hm(*ends);
                lang.fact_silenced(by, listed(matchers), until)
            }
            What::Unsilenced { matchers } => lang.fact_unsilenced(listed(matchers)),
            What::SilenceFailed { why } => lang.fact_silence_failed(words::absence(lang, why)),
            What::ReadOnly { read_only: true } => lang.fact_read_only(),
            What::ReadOnly { read_only: false } => lang.fact_writable(),
            What::Replica { running: true, .. } => lang.fact_replica_runs(),
            What::Replica { running: false, error } => lang.fact_replica_stopped(error),
            What::Changed { what } => words::changed(lang, what),
            What::KnownBad { subject, until: Some(until), by } => lang.fact_known(subject, zone.hm(*until), by),
            What::KnownBad { subject, until: None, by } => lang.fact_known_over(subject, by),
            What::Reloaded => lang.fact_reloaded(),
            What::ReloadFailed { mistakes } => {
                let first = mistakes.first().map_or("", String::as_str);
                lang.fact_reload_failed(mistakes.len(), first)
            }
            What::Swept { rows } => lang.fact_swept(words::figure(lang, *rows as f64, Unit::Count)),
        }
    }

    /// Who says so: the rules, the checks, cabina itself.
    #[must_use]
    pub fn who(&self, lang: Lang) -> String {
        match &self.what {
            What::Opened | What::Reloaded | What::ReloadFailed { .. } => "cabina".to_owned(),
            What::Onset { .. } | What::Level { .. } => lang.who_rules(),
            What::Check { .. } => lang.who_checks(),
            What::Lost { .. } | What::Back { .. } => lang.who_sources(),
            What::Swept { .. } => lang.who_sessions(),
            What::Changed { .. } => lang.who_changes(),
            What::ReadOnly { .. } | What::Replica { .. } => "MySQL".to_owned(),
            What::Fired { .. } | What::Over { .. } | What::SilenceFailed { .. } | What::Unsilenced { .. } => {
                lang.who_alerts()
            }
            What::Silenced { by, .. } | What::KnownBad { by, .. } => by.clone(),
        }
    }
}

/// Names of a storm: the first few, and how many more.
fn few(lang: Lang, names: &[String], say: impl Fn(String) -> String) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => say(first),
        more => say(lang.fact_and_more(first, more)),
    }
}

fn listed(matchers: &[Matcher]) -> String {
    matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(", ")
}

/// A bounded list of entries, in the order in which things happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    entries: VecDeque<Entry>,
}

impl Timeline {
    /// Adds an entry at its place in time: an onset is found after other things have been written.
    pub(crate) fn add(&mut self, at: Millis, what: What) {
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
