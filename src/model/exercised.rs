//! How often procedures were run, and how well.

use std::collections::BTreeMap;

use crate::model::run::Outcome;
use crate::model::run::Told;
use crate::model::tale::Tale;
use crate::model::time::Millis;

/// How often a procedure was run, and how well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exercised {
    /// Runs that have ended.
    pub runs: usize,
    /// Of them, those that ended well.
    pub ok: usize,
    /// When it was last begun, ms since the epoch.
    pub last: Millis,
}

impl Exercised {
    /// The share of runs that ended well; `None` where none has ended.
    #[must_use]
    pub fn success(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.ok as f64 / self.runs as f64)
    }

    /// By procedure, of the lines of some runs.
    #[must_use]
    pub fn of<'a>(runs: impl Iterator<Item = &'a Vec<Told>>) -> BTreeMap<String, Self> {
        let mut by: BTreeMap<String, Self> = BTreeMap::new();
        for tale in runs.map(|lines| Tale::of(lines)).filter(|t| !t.head.runbook.is_empty()) {
            let of = by.entry(tale.head.runbook.clone()).or_default();
            of.last = of.last.max(tale.began);
            if let Some((outcome, _)) = tale.outcome {
                of.runs += 1;
                of.ok += usize::from(outcome == Outcome::Ok);
            }
        }
        by
    }
}
