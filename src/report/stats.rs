//! Figures of runs: how often, how well, how long, and how often the way back was taken.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::engine::library::Book;
use crate::lang::Lang;
use crate::model::run::Outcome;
use crate::model::run::Told;
use crate::model::runbook::Criticality;
use crate::model::tale::Tale;
use crate::model::text::pad;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::model::time::Span;
use crate::model::time::rfc3339;

/// A quarter: what was not run for longer is not exercised.
const QUARTER: Millis = 90 * DAY;

/// Figures of one procedure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Its id.
    pub id: String,
    /// Runs that have ended.
    pub runs: usize,
    /// Of them, those that ended well.
    pub ok: usize,
    /// How long those took that ended well, in ms.
    pub times: Vec<Millis>,
    /// Ways back that were begun.
    pub rollbacks: usize,
    /// How long those took that ended, in ms.
    pub rollback_times: Vec<Millis>,
    /// Runs that have not ended.
    pub open: usize,
    /// When it was last begun, ms since the epoch.
    pub last: Millis,
}

impl Figures {
    /// The share of runs that ended well; `None` where none has ended.
    #[must_use]
    pub fn success(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.ok as f64 / self.runs as f64)
    }
}

/// Figures of all procedures, and of the house.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct All {
    /// By id.
    pub by: Vec<Figures>,
    /// Procedures that there are.
    pub procedures: usize,
    /// Of them, those that were run in the last quarter.
    pub exercised: usize,
    /// Procedures of the highest criticality.
    pub critical: usize,
    /// Of them, those that were ever run to a good end.
    pub critical_proved: usize,
}

/// Figures of runs, as their lines tell them.
#[must_use]
pub fn figures(runs: &BTreeMap<String, Vec<Told>>, library: &[Book], now: Millis) -> All {
    let mut by: BTreeMap<String, Figures> = BTreeMap::new();
    for tale in runs.values().map(|lines| Tale::of(lines)).filter(|t| !t.head.runbook.is_empty()) {
        let id = tale.head.runbook.clone();
        let of = by.entry(id.clone()).or_insert_with(|| Figures { id, ..Figures::default() });
        of.last = of.last.max(tale.began);
        of.rollbacks += usize::from(tale.rollback.is_some());
        let Some((outcome, ended)) = tale.outcome else {
            of.open += 1;
            continue;
        };
        of.runs += 1;
        if outcome == Outcome::Ok {
            of.ok += 1;
            of.times.push((ended - tale.began).max(0));
        }
        if let Some((began, _)) = tale.rollback {
            of.rollback_times.push((ended - began).max(0));
        }
    }
    let mut ids: Vec<(&str, Option<Criticality>)> =
        library.iter().map(|b| (b.says.id.as_str(), b.says.criticality)).collect();
    ids.sort_unstable();
    ids.dedup_by_key(|(id, _)| *id);
    let recent = |id: &str| by.get(id).is_some_and(|f| f.runs > 0 && now - f.last <= QUARTER);
    let critical: Vec<&str> = ids.iter().filter(|(_, c)| *c == Some(Criticality::Critica)).map(|(id, _)| *id).collect();
    All {
        procedures: ids.len(),
        exercised: ids.iter().filter(|(id, _)| recent(id)).count(),
        critical: critical.len(),
        critical_proved: critical.iter().filter(|id| by.get(**id).is_some_and(|f| f.ok > 0)).count(),
        by: by.into_values().collect(),
    }
}

fn spread(times: &[Millis]) -> Option<(Millis, Millis, Millis)> {
    let n = Millis::try_from(times.len()).ok().filter(|n| *n > 0)?;
    Some((times.iter().sum::<Millis>() / n, *times.iter().min()?, *times.iter().max()?))
}

fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1_000.0
}

/// `runbook stats --json`
#[must_use]
pub fn json(all: &All) -> Value {
    let times = |times: &[Millis]| {
        let spread = spread(times);
        json!({
            "mean_s": spread.map(|s| seconds(s.0)), "min_s": spread.map(|s| seconds(s.1)),
            "max_s": spread.map(|s| seconds(s.2)), "n": times.len(),
        })
    };
    let one = |f: &Figures| {
        json!({
            "id": f.id, "runs": f.runs, "ok": f.ok, "success_rate": f.success(), "duration": times(&f.times),
            "rollbacks": f.rollbacks, "rollback_duration": times(&f.rollback_times), "unfinished": f.open,
            "last": rfc3339(f.last),
        })
    };
    let share = |of: usize, n: usize| (n > 0).then(|| of as f64 / n as f64);
    json!({
        "schema": 1,
        "runbooks": all.by.iter().map(one).collect::<Vec<_>>(),
        "global": {
            "procedures": all.procedures,
            "exercised_last_quarter": all.exercised,
            "exercised_share": share(all.exercised, all.procedures),
            "critical": all.critical,
            "critical_proved": all.critical_proved,
            "critical_proved_share": share(all.critical_proved, all.critical),
        },
    })
}

/// The same for a person.
#[must_use]
pub fn text(all: &All, lang: Lang) -> String {
    if all.by.is_empty() {
        return format!("{}\n", lang.stats_none());
    }
    let mut out = format!("{}\n", lang.stats_head());
    let right = |text: String, cells: usize| format!("{text:>cells$}");
    let took = |ms: Option<Millis>| ms.map_or_else(|| "-".to_owned(), |ms| Span(ms).to_string());
    for f in &all.by {
        let spread = spread(&f.times);
        let ok = f.success().map_or_else(|| "-".to_owned(), |s| format!("{:.0} %", s * 100.0));
        let cells = [
            pad(&f.id, 20),
            right(f.runs.to_string(), 7),
            right(ok, 6),
            right(took(spread.map(|s| s.0)), 8),
            right(took(spread.map(|s| s.1)), 8),
            right(took(spread.map(|s| s.2)), 8),
            right(f.rollbacks.to_string(), 9),
            format!("  {}", rfc3339(f.last)),
        ];
        out += &cells.concat();
        out.push('\n');
    }
    let global = lang.stats_global(all.procedures, all.exercised, all.critical, all.critical_proved);
    format!("{out}\n{global}\n")
}
