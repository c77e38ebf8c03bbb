//! The post-mortem, as Markdown and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::export::curve;
use crate::export::template;
use crate::lang::Lang;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::time::rfc3339;

/// One thing that happened, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// When, ms since the epoch.
    pub at: Millis,
    /// Who says so.
    pub who: String,
    /// The word for its kind in JSON.
    pub kind: String,
    /// What.
    pub text: String,
}

/// Something that was left to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub text: String,
    /// Who does it.
    pub owner: Option<String>,
    /// Until when.
    pub due: Option<String>,
    /// It is done.
    pub done: bool,
}

/// A curve and what it is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The signal's name in JSON.
    pub name: String,
    /// What a person calls it, with its highest value.
    pub label: String,
    /// Points, oldest first: ms since the epoch, and the value.
    pub points: Vec<(Millis, f64)>,
}

/// The end of what a command said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// When it was run, ms since the epoch.
    pub at: Millis,
    /// How it ended, in words.
    pub what: String,
    /// What it said.
    pub text: String,
}

/// What it cost, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impact {
    /// How long it was how bad, worst first.
    pub levels: Vec<(String, Millis)>,
    /// Requests that failed, from the curve.
    pub failed: Option<f64>,
    /// All requests of that time.
    pub requests: Option<f64>,
    /// The highest share of failures, and when.
    pub peak: Option<(f64, Millis)>,
    /// Rows of the session table: at the beginning, at most, at the end.
    pub sessions: Option<(f64, f64, f64)>,
    /// Why something is not known, or where it was read from; in words.
    pub source: String,
    /// All of it in sentences.
    pub lines: Vec<String>,
}

/// Everything the document says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostMortem {
    /// `INC-2026-0042`
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What was watched.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// The worst level that was declared.
    pub severity: String,
    /// Where it is on its way.
    pub phase: String,
    /// When it began, ms since the epoch.
    pub opened: Millis,
    /// When it was written down.
    pub recorded: Millis,
    /// When somebody took it.
    pub acknowledged: Option<Millis>,
    /// When it worked again.
    pub resolved: Option<Millis>,
    /// The span that curves are drawn over.
    pub span: (Millis, Millis),
    /// Role and name.
    pub people: Vec<(String, String)>,
    /// The story in some sentences.
    pub summary: Vec<String>,
    /// What it cost.
    pub impact: Impact,
    /// What happened, oldest first.
    pub timeline: Vec<Line>,
    /// What is known to have helped.
    pub helped: Vec<String>,
    /// What may have surprised somebody.
    pub surprises: Vec<String>,
    /// What was there before, and may have contributed.
    pub factors: Vec<String>,
    /// What is left to do, and what is done.
    pub actions: Vec<Action>,
    /// Curves of the time.
    pub curves: Vec<Curve>,
    /// What commands said.
    pub outputs: Vec<Output>,
    /// When this was made.
    pub made: Millis,
}

impl PostMortem {
    /// The same with every text rewritten.
    #[must_use]
    pub fn rewritten(self, fit: impl Fn(&str) -> String) -> Self {
        let all = |texts: Vec<String>| texts.iter().map(|t| fit(t)).collect();
        let line = |l: Line| Line { who: fit(&l.who), text: fit(&l.text), ..l };
        let action = |a: Action| Action {
            text: fit(&a.text),
            owner: a.owner.map(|o| fit(&o)),
            due: a.due.map(|d| fit(&d)),
            ..a
        };
        Self {
            title: fit(&self.title),
            people: self.people.iter().map(|(role, who)| (fit(role), fit(who))).collect(),
            summary: all(self.summary),
            timeline: self.timeline.into_iter().map(line).collect(),
            helped: all(self.helped),
            surprises: all(self.surprises),
            factors: all(self.factors),
            actions: self.actions.into_iter().map(action).collect(),
            outputs: self.outputs.into_iter().map(|o| Output { what: fit(&o.what), text: fit(&o.text), ..o }).collect(),
            ..self
        }
    }

    /// From when it began until it was written down.
    #[must_use]
    pub fn detection(&self) -> Millis {
        (self.recorded - self.opened).max(0)
    }

    /// From when it was written down until somebody had it.
    #[must_use]
    pub fn acknowledgement(&self) -> Option<Millis> {
        self.acknowledged.map(|at| (at - self.recorded).max(0))
    }

    /// From when it began until it worked again.
    #[must_use]
    pub fn recovery(&self) -> Option<Millis> {
        self.resolved.map(|at| (at - self.opened).max(0))
    }
}

/// The document that comes with the program.
#[must_use]
pub fn own_template(lang: Lang) -> &'static str {
    match lang {
        Lang::Es => include_str!("postmortem.es.md"),
        Lang::En => include_str!("postmortem.en.md"),
    }
}

/// The document in Markdown.
///
/// # Errors
/// The first name in the template that is no part of the document.
pub fn markdown(p: &PostMortem, lang: Lang, zone: Zone, template: &str) -> Result<String, String> {
    let line = |text: &str| escaped(&text.replace('\n', " "));
    let parts = [
        ("id", p.id.clone()),
        ("title", line(&p.title)),
        ("service", line(&p.service)),
        ("environment", line(&p.environment)),
        ("severity", p.severity.clone()),
        ("phase", p.phase.clone()),
        ("opened", both(p.opened, zone)),
        ("resolved", p.resolved.map_or_else(|| lang.pm_not_yet(), |at| both(at, zone))),
        ("summary", p.summary.iter().map(|s| line(s)).collect::<Vec<_>>().join(" ")),
        ("facts", facts(p, lang, zone)),
        ("impact", list(&p.impact.lines)),
        ("times", times(p, lang)),
        ("timeline", timeline(p, lang, zone)),
        ("helped", prompted(&p.helped, &lang.pm_ask_helped())),
        ("surprises", prompted(&p.surprises, &lang.pm_ask_surprises())),
        ("factors", prompted(&p.factors, &lang.pm_ask_factors())),
        ("actions", actions(p, lang)),
        ("evidence", evidence(p, lang, zone)),
        ("people", p.people.iter().map(|(r, w)| line(&format!("{r}: {w}"))).collect::<Vec<_>>().join(", ")),
    ];
    template::fill(template, &parts)
}

/// What would be markup is text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The time here, and in UTC.
fn both(at: Millis, zone: Zone) -> String {
    let utc = Zone::named("UTC").unwrap_or(zone);
    format!("{} {} ({} UTC)", zone.date(at), zone.hms(at), utc.hms(at))
}

fn facts(p: &PostMortem, lang: Lang, zone: Zone) -> String {
    let mut rows = vec![
        (lang.pm_service(), format!("{} {}", p.service, p.environment).trim().to_owned()),
        (lang.pm_severity(), p.severity.clone()),
        (lang.pm_opened(), both(p.opened, zone)),
        (lang.pm_resolved(), p.resolved.map_or_else(|| lang.pm_not_yet(), |at| both(at, zone))),
        (lang.pm_phase(), p.phase.clone()),
    ];
    rows.extend(p.people.iter().cloned());
    rows.iter().map(|(a, b)| format!("| {} | {} |", escaped(a), escaped(b))).collect::<Vec<_>>().join("\n")
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|l| format!("- {}", escaped(&l.replace('\n', " ")))).collect::<Vec<_>>().join("\n")
}

/// What is known, and the question that only people can answer.
fn prompted(lines: &[String], ask: &str) -> String {
    let known = list(lines);
    let ask = format!("_{ask}_");
    if known.is_empty() { ask } else { format!("{known}\n\n{ask}") }
}

fn times(p: &PostMortem, lang: Lang) -> String {
    let span = |ms: Option<Millis>| ms.map_or_else(|| lang.pm_not_yet(), |ms| Span(ms).to_string());
    let rows = [
        (lang.pm_detection(), span(Some(p.detection()))),
        (lang.pm_acknowledgement(), span(p.acknowledgement())),
        (lang.pm_recovery(), span(p.recovery())),
    ];
    let rows: Vec<String> = rows.iter().map(|(a, b)| format!("| {a} | {b} |")).collect();
    format!("| | |\n| --- | --- |\n{}", rows.join("\n"))
}

fn timeline(p: &PostMortem, lang: Lang, zone: Zone) -> String {
    let utc = Zone::named("UTC").unwrap_or(zone);
    let mut out = Vec::new();
    let mut day = String::new();
    for line in &p.timeline {
        let date = zone.date(line.at);
        if date != day {
            out.push(format!("{}**{date}** ({})\n", if day.is_empty() { "" } else { "\n" }, lang.pm_zone(zone.name())));
            day = date;
        }
        // Further lines of a note stay under its point.
        let text = line.text.lines().map(escaped).collect::<Vec<_>>().join("  \n  ");
        out.push(format!("- **{}** ({} UTC) {}: {text}", zone.hms(line.at), utc.hms(line.at), escaped(&line.who)));
    }
    out.join("\n")
}

fn actions(p: &PostMortem, lang: Lang) -> String {
    if p.actions.is_empty() {
        return format!("_{}_", lang.pm_ask_actions());
    }
    let row = |a: &Action| {
        let mark = if a.done { "x" } else { " " };
        let owner = a.owner.clone().unwrap_or_else(|| lang.pm_nobody());
        let due = a.due.clone().unwrap_or_else(|| lang.pm_no_date());
        format!("- [{mark}] {} · {} · {due}", escaped(&a.text.replace('\n', " ")), escaped(&owner))
    };
    p.actions.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn evidence(p: &PostMortem, lang: Lang, zone: Zone) -> String {
    let mut parts = Vec::new();
    if p.curves.is_empty() {
        parts.push(format!("_{}_", lang.pm_no_curves()));
    } else {
        let mut text = vec!["```text".to_owned()];
        for c in &p.curves {
            text.push(c.label.clone());
            text.push(format!("  {}", curve::bars(&curve::buckets(&c.points, p.span))));
        }
        text.push(format!("  {:<55}{}", zone.hm(p.span.0), zone.hm(p.span.1)));
        text.push("```".to_owned());
        parts.push(text.join("\n"));
        parts.push(p.impact.source.clone());
    }
    for o in &p.outputs {
        // A fence is longer than any within.
        let longest = o.text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        parts.push(format!("{} {}\n\n{fence}text\n{}\n{fence}", zone.hms(o.at), escaped(&o.what), o.text));
    }
    parts.join("\n\n")
}

/// The document as JSON: everything that Markdown says, with the figures as figures.
#[must_use]
pub fn as_json(p: &PostMortem, lang: Lang) -> Value {
    let at = |moment: Option<Millis>| moment.map_or(Value::Null, |m| json!(rfc3339(m)));
    let seconds = |ms: Option<Millis>| ms.map_or(Value::Null, |ms| json!(ms / SECOND));
    let minutes: serde_json::Map<String, Value> = p
        .impact
        .levels
        .iter()
        .map(|(level, ms)| (level.clone(), json!((*ms as f64 / MINUTE as f64 * 10.0).round() / 10.0)))
        .collect();
    let whole = |v: Option<f64>| v.map_or(Value::Null, |v| json!(v.round() as i64));
    let curves: Vec<Value> = p
        .curves
        .iter()
        .map(|c| {
            let points: Vec<Value> = c.points.iter().map(|(at, v)| json!([rfc3339(*at), v])).collect();
            json!({ "name": c.name, "label": c.label, "points": points,
                "text": curve::bars(&curve::buckets(&c.points, p.span)) })
        })
        .collect();
    json!({
        "schema": 1,
        "id": p.id,
        "title": p.title,
        "language": lang.code(),
        "service": p.service,
        "environment": p.environment,
        "severity": p.severity,
        "opened_at": rfc3339(p.opened),
        "recorded_at": rfc3339(p.recorded),
        "acknowledged_at": at(p.acknowledged),
        "resolved_at": at(p.resolved),
        "detection_s": p.detection() / SECOND,
        "acknowledgement_s": seconds(p.acknowledgement()),
        "recovery_s": seconds(p.recovery()),
        "people": p.people.iter().map(|(role, who)| json!({ "role": role, "who": who })).collect::<Vec<_>>(),
        "summary": p.summary.join(" "),
        "impact": {
            "minutes": minutes,
            "failed_requests": whole(p.impact.failed),
            "requests": whole(p.impact.requests),
            "peak_error_share": p.impact.peak.map(|(v, _)| v),
            "peak_at": at(p.impact.peak.map(|(_, at)| at)),
            "sessions": p.impact.sessions.map(|(start, most, end)| json!({ "start": start, "most": most, "end": end })),
            "reason": p.impact.source,
        },
        "timeline": p.timeline.iter().map(|l| json!({ "at": rfc3339(l.at), "who": l.who, "kind": l.kind, "text": l.text }))
            .collect::<Vec<_>>(),
        "helped": p.helped,
        "surprises": p.surprises,
        "contributing_factors": p.factors,
        "actions": p.actions.iter().map(|a| json!({ "text": a.text, "owner": a.owner, "due": a.due, "done": a.done }))
            .collect::<Vec<_>>(),
        "evidence": {
            "curves": curves,
            "outputs": p.outputs.iter().map(|o| json!({ "at": rfc3339(o.at), "what": o.what, "text": o.text }))
                .collect::<Vec<_>>(),
        },
        "made_at": rfc3339(p.made),
    })
}
