//! The health checks: probes folded in, children of dead parents explained away.

use std::collections::BTreeMap;

use crate::engine::settings::CheckSpec;
use crate::model::health::Check;
use crate::model::health::Probe;
use crate::model::health::Status;
use crate::model::time::Stamp;

/// All checks, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checks {
    /// The checks.
    pub all: Vec<Check>,
    /// When each was last probed.
    pub probed: Vec<Option<Stamp>>,
    /// Place of each name.
    index: BTreeMap<String, usize>,
}

/// A status that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) from: Status,
    pub(crate) to: Status,
}

impl Checks {
    pub(crate) fn new(specs: &[CheckSpec], now: Stamp) -> Self {
        let all: Vec<Check> = specs
            .iter()
            .map(|s| Check::new(&s.name, s.critical, s.fail_after, s.recover_after, s.depends_on.clone(), now))
            .collect();
        let index = all.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        Self { probed: vec![None; all.len()], all, index }
    }

    /// The check of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Check> {
        self.index.get(name).and_then(|i| self.all.get(*i))
    }

    /// Takes a probe in; returns the changes of what is shown, this check's first.
    pub(crate) fn fold(&mut self, name: &str, at: Stamp, probe: Probe) -> Vec<Changed> {
        let Some(&i) = self.index.get(name) else {
            return Vec::new();
        };
        let before = self.all[i].shown();
        self.probed[i] = Some(at);
        if self.all[i].fold(at, probe).is_none() {
            return Vec::new();
        }
        let mut changes = self.explain(at);
        let after = self.all[i].shown();
        changes.retain(|c| c.name != name);
        if before != after {
            changes.insert(0, Changed { name: name.to_owned(), from: before, to: after });
        }
        changes
    }

    /// Takes over what is known of checks that stay the same.
    pub(crate) fn inherit(&mut self, before: &Self, same: impl Fn(&str) -> bool) {
        for (check, probed) in self.all.iter_mut().zip(&mut self.probed) {
            if let Some(i) = before.index.get(&check.name).filter(|_| same(&check.name)) {
                *check = before.all[*i].clone();
                *probed = before.probed[*i];
            }
        }
    }

    /// The network of this machine is back: what failed meanwhile says nothing of the service.
    pub(crate) fn absolve(&mut self, at: Stamp) {
        for check in &mut self.all {
            check.absolve(at);
        }
        self.explain(at);
    }

    /// The first round of a check is over; if nothing but failures was seen, it is down. True when that is news.
    pub(crate) fn give_up(&mut self, name: &str, at: Stamp) -> bool {
        let Some(&i) = self.index.get(name) else { return false };
        let check = &mut self.all[i];
        if check.status != Status::Unknown || check.failures == 0 || check.passes > 0 {
            return false;
        }
        check.status = Status::Down;
        check.changed = at;
        self.explain(at);
        true
    }

    /// Marks every check whose parent (or parent's parent) is down. A circle in `depends_on` is refused by the
    /// configuration; here a bounded number of rounds makes it harmless.
    fn explain(&mut self, at: Stamp) -> Vec<Changed> {
        let before: Vec<Status> = self.all.iter().map(Check::shown).collect();
        let mut root: Vec<Option<String>> = vec![None; self.all.len()];
        for _ in 0..self.all.len() {
            let mut moved = false;
            for i in 0..self.all.len() {
                if root[i].is_some() {
                    continue;
                }
                let why = self.all[i].depends_on.iter().find_map(|parent| {
                    let p = *self.index.get(parent)?;
                    root[p].clone().or_else(|| (self.all[p].status == Status::Down).then(|| parent.clone()))
                });
                moved |= why.is_some();
                root[i] = why;
            }
            if !moved {
                break;
            }
        }
        for (check, why) in self.all.iter_mut().zip(root) {
            // What failed while it was explained begins to count only now.
            if check.blocked_by.is_some() && why.is_none() && check.failing_since.is_some() {
                check.failing_since = Some(at);
            }
            check.blocked_by = why;
        }
        self.all
            .iter()
            .zip(before)
            .filter(|(c, before)| c.shown() != *before)
            .map(|(c, from)| Changed { name: c.name.clone(), from, to: c.shown() })
            .collect()
    }

    /// How many are up, and how many there are.
    #[must_use]
    pub fn up(&self) -> (usize, usize) {
        (self.all.iter().filter(|c| c.shown() == Status::Up).count(), self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::ProbeSpec;
    use crate::model::health::Outcome;
    use crate::model::signal::Absence;

    fn spec(name: &str, parents: &[&str]) -> CheckSpec {
        CheckSpec {
            name: name.to_owned(),
            probe: ProbeSpec::Dns { name: "localhost".to_owned() },
            every: 5_000,
            timeout: 1_000,
            critical: true,
            fail_after: 1,
            recover_after: 1,
            expect: Vec::new(),
            depends_on: parents.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    fn probe(ok: bool) -> Probe {
        let outcome = if ok { Outcome::Good } else { Outcome::Absent(Absence::Refused) };
        Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false }
    }

    #[test]
    fn the_child_of_a_dead_parent_is_unknown_and_says_why() {
        let mut checks = Checks::new(
            &[spec("API", &["Database"]), spec("Database", &["Host"]), spec("Host", &[])],
            Stamp::default(),
        );
        for name in ["API", "Database", "Host"] {
            checks.fold(name, Stamp::default(), probe(true));
        }
        assert_eq!(checks.up(), (3, 3));
        checks.fold("API", Stamp::default(), probe(false));
        let changes = checks.fold("Host", Stamp::default(), probe(false));
        assert_eq!(changes[0].name, "Host");
        assert_eq!(checks.get("API").map(Check::shown), Some(Status::Unknown));
        assert_eq!(checks.get("API").and_then(|c| c.blocked_by.as_deref()), Some("Host"));
        checks.fold("Host", Stamp::default(), probe(true));
        assert_eq!(checks.get("API").map(Check::shown), Some(Status::Down), "its own failure shows again");
    }

    #[test]
    fn a_circle_does_no_harm() {
        let mut checks = Checks::new(&[spec("a", &["b"]), spec("b", &["a"])], Stamp::default());
        checks.fold("a", Stamp::default(), probe(false));
        assert_eq!(checks.get("b").map(Check::shown), Some(Status::Unknown));
    }
}
