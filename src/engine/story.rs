//! The story of an incident, told from its journal and its curves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::engine::fact::said;
use crate::engine::fact::teller;
use crate::engine::words;
use crate::engine::words::figure;
use crate::export::postmortem::Action;
use crate::export::postmortem::Curve;
use crate::export::postmortem::Impact;
use crate::export::postmortem::Line;
use crate::export::postmortem::Output;
use crate::export::postmortem::PostMortem;
use crate::lang::Lang;
use crate::model::breakdown::Dimension;
use crate::model::fact::Fact;
use crate::model::incident::COMMANDER;
use crate::model::incident::Incident;
use crate::model::incident::OWNER;
use crate::model::incident::RULES;
use crate::model::journal::Entry;
use crate::model::journal::Worst;
use crate::model::severity::Level;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Sample;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::time::Zone;

/// Curves begin so long before the incident: what was usual is part of the picture.
pub const LEAD: Millis = 15 * MINUTE;
/// A gap between two points that is longer is not counted through: nobody knows what was there.
const GAP: Millis = 5 * MINUTE;
/// Outputs that stand in the document; all of them are in the journal.
const OUTPUTS: usize = 30;

/// Where curves were read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// What a recorder kept.
    Recording,
    /// The Prometheus server.
    Prometheus,
    /// The figures of each entry.
    #[default]
    Journal,
}

/// The curves that a document shows.
const WANTED: [&str; 3] = [ERROR_RATE_1M, LATENCY_P95, REQUEST_RATE];

/// Points by signal and moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Where they were read from.
    pub from: From,
    /// By the signal's name; session rows under [`ROWS`].
    points: BTreeMap<String, BTreeMap<Millis, f64>>,
    span: (Millis, Millis),
    /// What targets said themselves, until it is known where it is wanted.
    direct: Vec<(String, Millis, f64)>,
    /// When the server said something.
    server: BTreeMap<String, BTreeSet<Millis>>,
}

/// Rates over less than the usual interval of a scrape say more of the interval than of the service.
const SHORTEST: Millis = 15 * SECOND;
/// A point of another source within so much of a server's is of the same moment: servers are asked every 15 s.
const NEAR: Millis = MINUTE;
/// The name of the curve of the session table.
const ROWS: &str = "session_rows";

impl Curves {
    /// Curves of a span without a point yet.
    #[must_use]
    pub fn within(span: (Millis, Millis)) -> Self {
        Self { from: From::Recording, span, ..Self::default() }
    }

    /// Curves from the figures that go with entries.
    #[must_use]
    pub fn of_journal(entries: &[Entry]) -> Self {
        let mut curves = Self { from: From::Journal, span: (Millis::MIN, Millis::MAX), ..Self::default() };
        for entry in entries {
            let Some(m) = &entry.moment else { continue };
            for (name, value) in [(ERROR_RATE_1M, m.failing), (LATENCY_P95, m.p95), (REQUEST_RATE, m.rate)] {
                if let Some(value) = value {
                    curves.put(name, entry.at, value);
                }
            }
        }
        curves
    }

    /// Takes in samples that one of several sources read: those of a target itself stand only where the server, which
    /// sees all targets and does not begin anew with the program, has none.
    pub fn read_by(&mut self, origin: Origin, samples: &[Sample]) {
        if origin != Origin::Scrape {
            return self.sampled(samples);
        }
        // The first two looks of a program lie close together: a rate over a moment is none.
        let lasts = |s: &&Sample| s.counts.is_none_or(|c| c.window >= SHORTEST);
        for sample in samples.iter().filter(|s| WANTED.contains(&s.signal.as_str())).filter(lasts) {
            if let Some(value) = sample.reading.value().filter(|v| v.is_finite()) {
                self.direct.push((sample.signal.clone(), sample.at, value));
            }
        }
    }

    /// Puts what was read from targets themselves where nothing else is known.
    pub fn settle(&mut self) {
        for (name, at, value) in std::mem::take(&mut self.direct) {
            let server = self.server.get(&name);
            let near = server.is_some_and(|s| s.range(at - NEAR..=at + NEAR).next().is_some());
            if !near {
                self.put(&name, at, value);
            }
        }
    }

    /// Takes samples in.
    pub fn sampled(&mut self, samples: &[Sample]) {
        for sample in samples.iter().filter(|s| WANTED.contains(&s.signal.as_str())) {
            if let Some(value) = sample.reading.value().filter(|v| v.is_finite()) {
                self.server.entry(sample.signal.clone()).or_default().insert(sample.at);
                self.put(&sample.signal, sample.at, value);
            }
        }
    }

    /// Takes the size of the session table in.
    pub fn measured(&mut self, at: Millis, rows: f64) {
        self.put(ROWS, at, rows);
    }

    /// Is there a curve of errors?
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.points.contains_key(ERROR_RATE_1M)
    }

    fn put(&mut self, name: &str, at: Millis, value: f64) {
        if at >= self.span.0 && at <= self.span.1 {
            self.points.entry(name.to_owned()).or_default().insert(at, value);
        }
    }

    fn get(&self, name: &str) -> Vec<(Millis, f64)> {
        self.points.get(name).map(|p| p.iter().map(|(at, v)| (*at, *v)).collect()).unwrap_or_default()
    }
}

/// Who reads, and when.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The language of the document.
    pub lang: Lang,
    /// The zone beside UTC.
    pub zone: Zone,
    /// Now, ms since the epoch.
    pub now: Millis,
    /// What was watched.
    pub service: &'a str,
    /// Where it runs.
    pub environment: &'a str,
}

/// Everything a post-mortem says. `entries` in the order in which things happened.
#[must_use]
pub fn postmortem(incident: &Incident, entries: &[Entry], curves: &Curves, reader: Reader<'_>) -> PostMortem {
    let Reader { lang, now, .. } = reader;
    let end = incident.resolved_at.or(incident.closed_at).unwrap_or(now);
    let worst = incident.levels.iter().map(|(_, l)| *l).filter(|l| *l != Level::Unknown).max();
    let edits = edits(entries);
    PostMortem {
        id: incident.id.clone(),
        title: incident.title.clone(),
        service: reader.service.to_owned(),
        environment: reader.environment.to_owned(),
        severity: worst.unwrap_or(incident.level).word().to_owned(),
        phase: words::phase(lang, incident.phase),
        opened: incident.opened_at,
        recorded: incident.recorded_at,
        acknowledged: incident.acknowledged_at,
        resolved: incident.resolved_at,
        span: (incident.opened_at - LEAD, end.max(incident.opened_at + MINUTE)),
        people: people(incident).map(|(role, who)| (words::role(lang, role), who.clone())).collect(),
        summary: summary(incident, entries, worst, end, reader),
        impact: impact(incident, entries, curves, end, reader),
        timeline: entries.iter().filter_map(|e| line(e, &edits, reader)).collect(),
        helped: helped(entries, reader),
        surprises: surprises(entries, reader),
        factors: factors(incident, entries, reader),
        actions: incident
            .actions
            .iter()
            .map(|a| Action {
                text: edits.get(&a.seq).cloned().unwrap_or_else(|| a.text.clone()),
                owner: a.owner.clone(),
                due: a.due.clone(),
                done: a.done,
            })
            .collect(),
        curves: drawn(curves, lang),
        outputs: outputs(entries, reader),
        made: now,
    }
}

/// What corrected notes say now, by the entry they correct.
fn edits(entries: &[Entry]) -> BTreeMap<i64, String> {
    let mut by_seq: Vec<&Entry> = entries.iter().collect();
    by_seq.sort_by_key(|e| e.seq);
    let edit = |e: &&Entry| match &e.fact {
        Fact::Edited { of, text } => Some((*of, text.clone())),
        _ => None,
    };
    by_seq.iter().filter_map(edit).collect()
}

fn line(e: &Entry, edits: &BTreeMap<i64, String>, reader: Reader<'_>) -> Option<Line> {
    let Reader { lang, zone, .. } = reader;
    // Corrections stand where the note stands; marks are for whoever looks.
    if matches!(e.fact, Fact::Edited { .. } | Fact::Marked { .. }) {
        return None;
    }
    let who = match teller(&e.fact, lang) {
        Some(machine) => machine,
        None if e.who == RULES => lang.who_rules(),
        None => e.who.clone(),
    };
    let text = match edits.get(&e.seq) {
        Some(text) => lang.pm_corrected(text),
        None => said(&e.fact, lang, zone),
    };
    Some(Line { at: e.at, who, kind: e.fact.kind(), text })
}

fn summary(
    incident: &Incident,
    entries: &[Entry],
    worst: Option<Level>,
    end: Millis,
    reader: Reader<'_>,
) -> Vec<String> {
    let Reader { lang, zone, .. } = reader;
    let place = format!("{} {}", reader.service, reader.environment).trim().to_owned();
    let mut out = Vec::new();
    if !place.is_empty() {
        out.push(lang.pm_summary_place(place));
    }
    let (time, date, span) =
        (zone.hm(incident.opened_at), zone.date(incident.opened_at), Span(end - incident.opened_at));
    out.push(if incident.resolved_at.is_some() {
        lang.pm_summary_lasted(time, date, span)
    } else {
        lang.pm_summary_goes_on(time, date, span)
    });
    out.extend(worst.map(|level| lang.pm_summary_worst(level.word())));
    out.extend(incident.owner().map(|who| lang.pm_summary_owner(who)));
    let resolved = entries.iter().rev().find_map(|e| match &e.fact {
        Fact::Resolved { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    });
    out.extend(resolved.map(|text| lang.pm_summary_resolved(text)));
    out
}

fn impact(incident: &Incident, entries: &[Entry], curves: &Curves, end: Millis, reader: Reader<'_>) -> Impact {
    let Reader { lang, zone, now, .. } = reader;
    let within = |points: &[(Millis, f64)]| -> Vec<(Millis, f64)> {
        points.iter().copied().filter(|(at, _)| *at >= incident.opened_at && *at <= end).collect()
    };
    let (share, rate) = (within(&curves.get(ERROR_RATE_1M)), curves.get(REQUEST_RATE));
    let counted = requests(&share, &rate);
    let peak = share.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, v)| (v, at));
    let rows = within(&curves.get(ROWS));
    let most = rows.iter().map(|(_, v)| *v).reduce(f64::max);
    let sessions = match (rows.first(), most, rows.last()) {
        (Some((_, start)), Some(most), Some((_, last))) => Some((*start, most, *last)),
        _ => None,
    };
    let levels: Vec<(String, Millis)> =
        incident.spent(now).into_iter().map(|(level, ms)| (level.word().to_owned(), ms)).collect();
    let mut lines: Vec<String> = levels.iter().map(|(l, ms)| lang.pm_level_minutes(l, Span(*ms))).collect();
    let count = |v: f64| figure(lang, v.round(), Unit::Count);
    lines.push(match counted {
        Some((failed, all)) => lang.pm_failed(count(failed), count(all)),
        None => lang.pm_failed_unknown(),
    });
    lines.extend(peak.map(|(v, at)| lang.pm_peak(figure(lang, v, Unit::Ratio), zone.hm(at))));
    lines.extend(place(entries, reader));
    lines.extend(sessions.map(|(a, b, c)| lang.pm_sessions(count(a), count(b), count(c))));
    let source = match (curves.points.is_empty(), curves.from) {
        (true, _) => lang.pm_no_curves(),
        (_, From::Recording) => lang.pm_from_recording(),
        (_, From::Prometheus) => lang.pm_from_prometheus(),
        (_, From::Journal) => lang.pm_from_journal(),
    };
    Impact {
        levels,
        failed: counted.map(|(failed, _)| failed),
        requests: counted.map(|(_, all)| all),
        peak,
        sessions,
        source,
        lines,
    }
}

/// Failed requests and all of them: the share times the rate, over the time that each point stands for.
fn requests(share: &[(Millis, f64)], rate: &[(Millis, f64)]) -> Option<(f64, f64)> {
    let rate_at = |at: Millis| {
        let next = rate.partition_point(|(t, _)| *t <= at);
        let near = [next.checked_sub(1), Some(next)].into_iter().flatten().filter_map(|i| rate.get(i));
        near.min_by_key(|(t, _)| (t - at).abs()).filter(|(t, _)| (t - at).abs() <= GAP).map(|(_, v)| *v)
    };
    let (mut failed, mut all, mut known) = (0.0, 0.0, false);
    for pair in share.windows(2) {
        let [(from, v), (to, _)] = pair else { continue };
        let Some(rate) = rate_at(*from).filter(|_| to - from <= GAP) else { continue };
        let requests = rate * (to - from) as f64 / 1_000.0;
        failed += v * requests;
        all += requests;
        known = true;
    }
    known.then_some((failed, all))
}

/// Whoever has it first, then whoever leads, then the rest.
fn people(incident: &Incident) -> impl Iterator<Item = (&String, &String)> {
    let rank = |role: &str| if role == OWNER { 0 } else { 1 + usize::from(role != COMMANDER) };
    let mut all: Vec<_> = incident.roles.iter().collect();
    all.sort_by_key(|(role, _)| rank(role));
    all.into_iter()
}

/// What failed most when most failed.
fn place(entries: &[Entry], reader: Reader<'_>) -> Option<String> {
    let worst = entries.iter().filter_map(|e| e.moment.as_ref()).filter(|m| !m.worst.is_empty());
    let worst = worst.max_by(|a, b| a.failing.unwrap_or(0.0).total_cmp(&b.failing.unwrap_or(0.0)))?;
    let lang = reader.lang;
    let share = |v| figure(lang, v, Unit::Ratio);
    let part = |w: &Worst| match w.by {
        Dimension::Endpoint => lang.place_worst(&w.name, share(w.share)),
        Dimension::Status => lang.place_status(&w.name, share(w.share)),
        Dimension::Host => lang.place_worst_host(&w.name, share(w.share)),
    };
    Some(lang.pm_where(worst.worst.iter().map(part).collect::<Vec<_>>().join(" · ")))
}

fn helped(entries: &[Entry], reader: Reader<'_>) -> Vec<String> {
    let Reader { lang, zone, .. } = reader;
    entries
        .iter()
        .filter(|e| matches!(&e.fact, Fact::Resolved { text, .. } if !text.is_empty()))
        .map(|e| said(&e.fact, lang, zone))
        .collect()
}

/// Moments at which somebody may have been surprised: what could not be seen, and what came back.
fn surprises(entries: &[Entry], reader: Reader<'_>) -> Vec<String> {
    let Reader { lang, zone, .. } = reader;
    let mut seen = std::collections::BTreeSet::new();
    entries
        .iter()
        .filter_map(|e| match &e.fact {
            Fact::Blind { since, .. } => Some(lang.pm_blind_surprise(zone.hm(*since))),
            Fact::Lost { .. } | Fact::Absorbed { .. } => Some(said(&e.fact, lang, zone)),
            _ => None,
        })
        // Twice is no more of a surprise.
        .filter(|text| seen.insert(text.clone()))
        .collect()
}

/// What changed within the hour before.
fn factors(incident: &Incident, entries: &[Entry], reader: Reader<'_>) -> Vec<String> {
    let Reader { lang, zone, .. } = reader;
    let before = |e: &&Entry| e.at <= incident.opened_at && incident.opened_at - e.at <= HOUR;
    entries
        .iter()
        .filter(before)
        .filter(|e| matches!(e.fact, Fact::Deployed { .. } | Fact::Changed { .. } | Fact::ReadOnly { .. }))
        .map(|e| {
            let what = said(&e.fact, lang, zone);
            lang.pm_change_before(what, zone.hm(e.at), Span(incident.opened_at - e.at))
        })
        .collect()
}

fn drawn(curves: &Curves, lang: Lang) -> Vec<Curve> {
    type Label = fn(Lang, String) -> String;
    let wanted: [(&str, Unit, Label); 4] = [
        (ERROR_RATE_1M, Unit::Ratio, |l, top| l.pm_curve_errors(top)),
        (LATENCY_P95, Unit::Seconds, |l, top| l.pm_curve_latency(top)),
        (REQUEST_RATE, Unit::PerSecond, |l, top| l.pm_curve_traffic(top)),
        (ROWS, Unit::Count, |l, top| l.pm_curve_sessions(top)),
    ];
    wanted
        .into_iter()
        .filter_map(|(name, unit, label)| {
            let points = curves.get(name);
            let top = points.iter().map(|(_, v)| *v).reduce(f64::max)?;
            let label = label(lang, figure(lang, top, unit));
            Some(Curve { name: name.to_owned(), label, points })
        })
        .collect()
}

fn outputs(entries: &[Entry], reader: Reader<'_>) -> Vec<Output> {
    let Reader { lang, zone, .. } = reader;
    let mut all: Vec<Output> = entries
        .iter()
        .filter_map(|e| match &e.fact {
            Fact::Ran { output, .. } if !output.is_empty() => {
                Some(Output { at: e.at, what: said(&e.fact, lang, zone), text: output.clone() })
            }
            _ => None,
        })
        .collect();
    // The last ones are nearest to what helped.
    let many = all.len().saturating_sub(OUTPUTS);
    all.drain(..many);
    all
}
