//! The memories of rules that need time: one per rule and subject.

use crate::engine::hold::Hold;
use crate::engine::hold::Seen;
use crate::engine::settings::Quiet;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::time::Millis;

/// Where a limit stands, as `check --json` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not broken.
    Calm,
    /// Broken, not yet for long enough.
    Pending(Millis),
    /// Broken for long enough, and not calm since.
    Hot,
}

#[derive(Clone, Debug, PartialEq)]
struct Held {
    hold: Hold,
    finding: Finding,
}

/// All memories.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judge {
    held: Vec<Held>,
}

impl Judge {
    /// Takes one moment of one rule in. `finding` carries what was seen; its `since` is the onset if known, else 0.
    pub(super) fn fold(&mut self, at: Millis, seen: Seen, gap: Millis, quiet: Quiet, finding: Finding) {
        let place =
            self.held.iter().position(|h| h.finding.rule == finding.rule && h.finding.subject == finding.subject);
        let held = match place {
            Some(i) => &mut self.held[i],
            None if seen != Seen::Broken => return,
            None => {
                self.held.push(Held { hold: Hold::default(), finding: finding.clone() });
                let last = self.held.len() - 1;
                &mut self.held[last]
            }
        };
        held.hold.fold(at, seen, finding.hold, gap, quiet.of(finding.level));
        if seen == Seen::Unknown {
            return;
        }
        let onset = match (held.hold.since(), finding.since) {
            // What is hot keeps its first onset: a better figure does not make it younger.
            _ if held.hold.hot() && held.finding.since > 0 && held.finding.since <= at => held.finding.since,
            (_, known) if known > 0 => known,
            (since, _) => since.unwrap_or(at),
        };
        held.finding = Finding { since: onset, ..finding };
        if !held.hold.hot() && held.hold.pending().is_none() {
            held.finding.since = 0;
        }
    }

    /// What holds now: hot rules as they are, pending ones as SEV4.
    ///
    /// A warning adds nothing to a critical limit of the same signal that holds: it is left out, and so is what is
    /// pending for no higher level than the one already reached.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut out: Vec<Finding> = Vec::new();
        let mut all: Vec<&Held> = self.held.iter().collect();
        all.sort_by_key(|h| std::cmp::Reverse((h.hold.hot(), h.finding.level)));
        for held in all {
            let reached = out.iter().filter(|f| f.subject == held.finding.subject).map(|f| f.level).max();
            let pending_already = out.iter().any(|f| f.rule == Rule::Pending && f.subject == held.finding.subject);
            if held.hold.hot() {
                let lesser =
                    held.finding.rule == Rule::SignalWarning && reached.is_some_and(|l| l > held.finding.level);
                if !lesser {
                    out.push(held.finding.clone());
                }
            } else if held.hold.pending().is_some()
                && !pending_already
                && reached.is_none_or(|level| level < held.finding.level)
            {
                out.push(Finding { rule: Rule::Pending, level: Level::Sev4, ..held.finding.clone() });
            }
        }
        out
    }

    /// Forgets every rule about these subjects.
    pub(crate) fn forget(&mut self, gone: impl Fn(&str) -> bool) {
        self.held.retain(|h| !gone(&h.finding.subject));
    }

    /// Where one rule about one subject stands.
    #[must_use]
    pub fn standing(&self, rule: Rule, subject: &str) -> Standing {
        self.held.iter().find(|h| h.finding.rule == rule && h.finding.subject == subject).map_or(Standing::Calm, |h| {
            match h.hold.pending() {
                _ if h.hold.hot() => Standing::Hot,
                Some(since) => Standing::Pending(since),
                None => Standing::Calm,
            }
        })
    }
}
