//! Incidents over months: how many, how soon they were over, what fired, what nobody has practised.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::model::fact::Fact;
use crate::model::incident::Incident;
use crate::model::severity::Level;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// Alerts that are named: what is further down is not where anybody begins.
const NAMED: usize = 10;

/// One month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// `2026-11`, in the zone of the house.
    pub name: String,
    /// Incidents that began in it, by how bad they were said to be last.
    pub by: BTreeMap<Level, usize>,
}

/// How soon incidents were over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Of how many.
    pub n: usize,
    /// On average, ms.
    pub mean: Option<Millis>,
}

impl Recovery {
    fn of(times: &[Millis]) -> Self {
        let mean = Millis::try_from(times.len()).ok().filter(|n| *n > 0).map(|n| times.iter().sum::<Millis>() / n);
        Self { n: times.len(), mean }
    }
}

/// What some months came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trends {
    /// Of so many days …
    pub days: i64,
    /// … until this moment, ms since the epoch.
    pub to: Millis,
    /// Incidents in all.
    pub incidents: usize,
    /// Month by month, oldest first; the first and the last may be parts.
    pub months: Vec<Month>,
    /// Incidents in which a procedure was walked.
    pub with: Recovery,
    /// Those in which none was.
    pub without: Recovery,
    /// Alerts that began to fire most often while an incident went on.
    pub alerts: Vec<(String, usize)>,
    /// Procedures that there are.
    pub procedures: usize,
    /// Those that were never run: id and title.
    pub never: Vec<(String, String)>,
}

/// What the figures are made of.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Incidents.
    pub incidents: &'a [Incident],
    /// What journals say of alerts and of procedures, by incident.
    pub said: &'a [(String, Fact)],
    /// Procedures, id and title.
    pub procedures: &'a BTreeMap<String, String>,
    /// Those that were run.
    pub run: &'a BTreeSet<String>,
}

/// The figures of the last `days`.
#[must_use]
pub fn trends(known: Known<'_>, now: Millis, days: i64, zone: Zone) -> Trends {
    let from = now - days * DAY;
    let incidents: Vec<&Incident> = known
        .incidents
        .iter()
        .filter(|i| i.merged_into.is_none() && i.opened_at > from && i.opened_at <= now)
        .collect();
    let mut months: BTreeMap<String, BTreeMap<Level, usize>> = BTreeMap::new();
    // A day at a time meets every month.
    for day in 0..=days {
        months.entry(zone.month(from + day * DAY)).or_default();
    }
    for incident in &incidents {
        let by = months.entry(zone.month(incident.opened_at)).or_default();
        *by.entry(incident.level).or_default() += 1;
    }
    let walked: BTreeSet<&str> =
        known.said.iter().filter(|(_, f)| matches!(f, Fact::RunBegan { .. })).map(|(i, _)| i.as_str()).collect();
    let times = |with: bool| -> Recovery {
        let over = |i: &&Incident| i.resolved_at.or(i.closed_at).map(|at| (at - i.opened_at).max(0));
        let of = incidents.iter().filter(|i| walked.contains(i.id.as_str()) == with);
        Recovery::of(&of.filter_map(over).collect::<Vec<_>>())
    };
    let mut fired: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, fact) in known.said {
        if let Fact::Fired { names } = fact {
            for name in names {
                *fired.entry(name).or_default() += 1;
            }
        }
    }
    let mut alerts: Vec<(String, usize)> = fired.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    alerts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    alerts.truncate(NAMED);
    let never = known.procedures.iter().filter(|(id, _)| !known.run.contains(*id));
    Trends {
        days,
        to: now,
        incidents: incidents.len(),
        months: months.into_iter().map(|(name, by)| Month { name, by }).collect(),
        with: times(true),
        without: times(false),
        alerts,
        procedures: known.procedures.len(),
        never: never.map(|(id, title)| (id.clone(), title.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;

    #[test]
    fn months_alerts_and_what_nobody_practised() {
        let zone = Zone::named("America/Mexico_City").unwrap();
        let now = zone.moment("2026-11-23 03:08").unwrap();
        let incident = |id: &str, days: i64, level: Level, hours: i64| Incident {
            level,
            opened_at: now - days * DAY,
            resolved_at: (hours > 0).then(|| now - days * DAY + hours * HOUR),
            ..Incident::new(id)
        };
        let merged = Incident { merged_into: Some("A".to_owned()), ..incident("D", 3, Level::Sev1, 1) };
        let incidents = [
            incident("A", 1, Level::Sev1, 1),
            incident("B", 40, Level::Sev2, 3),
            incident("C", 40, Level::Sev2, 0),
            merged,
            incident("E", 100, Level::Sev1, 9),
        ];
        let fired = |names: &[&str]| Fact::Fired { names: names.iter().map(|n| (*n).to_owned()).collect() };
        let run = |id: &str| Fact::RunBegan { run: "r".to_owned(), runbook: id.to_owned(), title: String::new() };
        let said = [
            ("A".to_owned(), fired(&["HighErrorRate", "HighLatency"])),
            ("A".to_owned(), run("PROC-1")),
            ("B".to_owned(), fired(&["HighLatency"])),
        ];
        let procedures: BTreeMap<String, String> =
            [("PROC-1", "One"), ("PROC-2", "Two")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let run: BTreeSet<String> = ["PROC-1".to_owned()].into();
        let known = Known { incidents: &incidents, said: &said, procedures: &procedures, run: &run };
        let all = trends(known, now, 90, zone);
        let names: Vec<&str> = all.months.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["2026-08", "2026-09", "2026-10", "2026-11"]);
        assert_eq!(all.months[2].by.get(&Level::Sev2), Some(&2));
        assert_eq!(all.incidents, 3);
        assert_eq!((all.with.n, all.with.mean), (1, Some(HOUR)));
        assert_eq!((all.without.n, all.without.mean), (1, Some(3 * HOUR)));
        assert_eq!(all.alerts, [("HighLatency".to_owned(), 2), ("HighErrorRate".to_owned(), 1)]);
        assert_eq!(all.never, [("PROC-2".to_owned(), "Two".to_owned())]);
    }
}
