//! An incident: what its journal adds up to. The journal is the truth, this is its sum.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::model::fact::Fact;
use crate::model::journal::Entry;
use crate::model::severity::Level;
use crate::model::time::Millis;

/// Whoever has the incident.
pub const OWNER: &str = "owner";
/// Whoever leads the people who work on it.
pub const COMMANDER: &str = "commander";
/// Whoever works on it too: `helper ana`.
pub const HELPER: &str = "helper";

/// The name that what rules do is signed with.
pub const RULES: &str = "rules";

/// Where an incident is on its way. The order is the usual one; nothing holds anybody to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Somebody or something has seen it.
    #[default]
    Detected,
    /// It is said how bad it is.
    Classified,
    /// Somebody has it.
    Assigned,
    /// They look for why.
    Investigating,
    /// They do something about it.
    Mitigating,
    /// It works again.
    Resolved,
    /// They write down what was learnt.
    PostMortem,
    /// Nothing is left to do.
    Closed,
}

impl Phase {
    /// Every phase, in the usual order.
    pub const ALL: [Self; 8] = [
        Self::Detected,
        Self::Classified,
        Self::Assigned,
        Self::Investigating,
        Self::Mitigating,
        Self::Resolved,
        Self::PostMortem,
        Self::Closed,
    ];

    /// The word of the command line and of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Classified => "classified",
            Self::Assigned => "assigned",
            Self::Investigating => "investigating",
            Self::Mitigating => "mitigating",
            Self::Resolved => "resolved",
            Self::PostMortem => "post-mortem",
            Self::Closed => "closed",
        }
    }

    /// The phase of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }

    /// It still goes on.
    #[must_use]
    pub fn open(self) -> bool {
        self < Self::Resolved
    }
}

/// Something that was left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The entry that asked for it.
    pub seq: i64,
    /// What.
    pub text: String,
    /// Who does it.
    pub owner: Option<String>,
    /// Until when: a day, `2026-12-01`.
    pub due: Option<String>,
    /// It is done.
    pub done: bool,
}

/// What is known of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// `INC-2026-0042`
    pub id: String,
    /// What it is called.
    pub title: String,
    /// How bad it is said to be. Rules only raise it; a person may lower it.
    pub level: Level,
    /// Where it is on its way.
    pub phase: Phase,
    /// When it began, ms since the epoch; may lie before it was written down.
    pub opened_at: Millis,
    /// When it was written down.
    pub recorded_at: Millis,
    /// When somebody first took it.
    pub acknowledged_at: Option<Millis>,
    /// Since when it works again.
    pub resolved_at: Option<Millis>,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// The incident that it turned out to be.
    pub merged_into: Option<String>,
    /// Who does what.
    pub roles: BTreeMap<String, String>,
    /// From when on it was how bad.
    pub levels: Vec<(Millis, Level)>,
    /// What is left to do, and what is done.
    pub actions: Vec<Action>,
    /// When those who wait were last told.
    pub updated_at: Option<Millis>,
    /// The newest entry.
    pub last_seq: i64,
    /// Its hash.
    pub last_hash: String,
}

impl Incident {
    /// An incident without an entry.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// It is neither over nor part of another one.
    #[must_use]
    pub fn open(&self) -> bool {
        self.phase.open() && self.merged_into.is_none()
    }

    /// Whoever has it.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.roles.get(OWNER).map(String::as_str)
    }

    /// Takes one more entry in.
    pub fn fold(&mut self, entry: &Entry) {
        self.last_seq = entry.seq;
        self.last_hash.clone_from(&entry.hash);
        match &entry.fact {
            Fact::IncidentOpened { title, level, began } => {
                self.title.clone_from(title);
                self.opened_at = *began;
                self.recorded_at = entry.recorded_at;
                self.level(*began, *level);
            }
            Fact::Declared { level, .. } => self.level(entry.at, *level),
            Fact::Assigned { role, who } => {
                if who.is_empty() {
                    self.roles.remove(role);
                } else {
                    self.roles.insert(role.clone(), who.clone());
                    self.acknowledged_at.get_or_insert(entry.at);
                    self.at_least(Phase::Assigned);
                }
            }
            Fact::Moved { phase } => self.move_to(*phase, entry.at),
            Fact::Resolved { since, .. } => self.move_to(Phase::Resolved, *since),
            Fact::Closed { .. } => self.move_to(Phase::Closed, entry.at),
            Fact::Merged { into } => {
                self.merged_into = Some(into.clone());
                self.move_to(Phase::Closed, entry.at);
            }
            Fact::Update { .. } => self.updated_at = Some(entry.at),
            Fact::Todo { text, owner, due } => self.actions.push(Action {
                seq: entry.seq,
                text: text.clone(),
                owner: owner.clone(),
                due: due.clone(),
                done: false,
            }),
            Fact::Done { of, done, .. } => {
                if let Some(action) = self.actions.iter_mut().find(|a| a.seq == *of) {
                    action.done = *done;
                }
            }
            Fact::Edited { of, text } => {
                if let Some(action) = self.actions.iter_mut().find(|a| a.seq == *of) {
                    action.text.clone_from(text);
                }
            }
            _ => {}
        }
    }

    fn level(&mut self, at: Millis, level: Level) {
        self.level = level;
        self.levels.push((at, level));
        if level != Level::Unknown {
            self.at_least(Phase::Classified);
        }
    }

    fn at_least(&mut self, phase: Phase) {
        self.phase = self.phase.max(phase);
    }

    fn move_to(&mut self, phase: Phase, at: Millis) {
        self.phase = phase;
        if phase.open() {
            // It was not over after all.
            self.resolved_at = None;
            self.closed_at = None;
            return;
        }
        self.resolved_at.get_or_insert(at);
        if phase == Phase::Closed {
            self.closed_at.get_or_insert(at);
        }
    }

    /// How long it was how bad, until it was over or until `now`; worst first.
    #[must_use]
    pub fn spent(&self, now: Millis) -> Vec<(Level, Millis)> {
        let end = self.resolved_at.unwrap_or(now);
        let mut steps = self.levels.clone();
        // A level may be declared for an earlier moment; the one that was said last holds from there on.
        steps.sort_by_key(|(at, _)| *at);
        let ends = steps.iter().skip(1).map(|(at, _)| (*at).min(end)).chain([end]);
        let mut spent: BTreeMap<Level, Millis> = BTreeMap::new();
        for ((from, level), to) in steps.iter().zip(ends) {
            let from = (*from).max(self.opened_at);
            if to > from {
                *spent.entry(*level).or_default() += to - from;
            }
        }
        spent.into_iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::Draft;
    use crate::model::time::MINUTE;

    fn told(facts: Vec<(Millis, Fact)>) -> Incident {
        let mut incident = Incident::new("INC-2026-0001");
        for (at, fact) in facts {
            let draft = Draft::new(at, "ana", "web1", fact);
            let entry = Entry::seal(&incident, draft, at);
            incident.fold(&entry);
        }
        incident
    }

    fn opened(level: Level) -> (Millis, Fact) {
        (10 * MINUTE, Fact::IncidentOpened { title: "fails".to_owned(), level, began: 2 * MINUTE })
    }

    #[test]
    fn phases_follow_from_what_is_done_and_never_gate() {
        let i = told(vec![opened(Level::Unknown)]);
        assert_eq!((i.phase, i.open(), i.opened_at, i.recorded_at), (Phase::Detected, true, 2 * MINUTE, 10 * MINUTE));
        let i = told(vec![opened(Level::Sev2)]);
        assert_eq!(i.phase, Phase::Classified);
        let taken = Fact::Assigned { role: OWNER.to_owned(), who: "ana".to_owned() };
        let i = told(vec![opened(Level::Sev2), (11 * MINUTE, taken.clone())]);
        assert_eq!((i.phase, i.owner(), i.acknowledged_at), (Phase::Assigned, Some("ana"), Some(11 * MINUTE)));
        let over = Fact::Resolved { since: 30 * MINUTE, text: String::new() };
        let i = told(vec![opened(Level::Sev2), (31 * MINUTE, over.clone())]);
        assert_eq!((i.phase, i.open(), i.resolved_at), (Phase::Resolved, false, Some(30 * MINUTE)));
        // Taking it afterwards does not open it again, saying so does.
        let again = Fact::Moved { phase: Phase::Investigating };
        let i = told(vec![opened(Level::Sev2), (31 * MINUTE, over), (32 * MINUTE, taken), (33 * MINUTE, again)]);
        assert_eq!((i.phase, i.open(), i.resolved_at), (Phase::Investigating, true, None));
    }

    #[test]
    fn minutes_are_counted_for_each_level() {
        let declare = |level| Fact::Declared { level, reason: String::new() };
        let i = told(vec![
            opened(Level::Sev3),
            (12 * MINUTE, declare(Level::Sev1)),
            (20 * MINUTE, declare(Level::Sev3)),
            (30 * MINUTE, Fact::Resolved { since: 25 * MINUTE, text: String::new() }),
        ]);
        assert_eq!(i.spent(99 * MINUTE), [(Level::Sev1, 8 * MINUTE), (Level::Sev3, 15 * MINUTE)]);
        let i = told(vec![opened(Level::Sev3)]);
        assert_eq!(i.spent(5 * MINUTE), [(Level::Sev3, 3 * MINUTE)]);
    }

    #[test]
    fn what_is_left_to_do_can_be_done_and_put_right() {
        let todo = Fact::Todo { text: "raise the pool".to_owned(), owner: Some("ana".to_owned()), due: None };
        let i = told(vec![
            opened(Level::Sev3),
            (12 * MINUTE, todo),
            (13 * MINUTE, Fact::Edited { of: 2, text: "raise the pool to 40".to_owned() }),
            (14 * MINUTE, Fact::Done { of: 2, done: true, text: String::new() }),
        ]);
        assert_eq!((i.actions[0].text.as_str(), i.actions[0].done), ("raise the pool to 40", true));
    }
}
