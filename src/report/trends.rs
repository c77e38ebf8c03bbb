//! Incidents over months: for machines, and as a document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::lang::Lang;
use crate::model::severity::Level;
use crate::model::time::DAY;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::time::rfc3339;
use crate::model::trends::Recovery;
use crate::model::trends::Trends;

/// One object.
#[must_use]
pub fn json(trends: &Trends, lang: Lang) -> Value {
    let recovery = |r: Recovery| {
        json!({
            "mean_s": r.mean.map(|ms| ms / SECOND),
            "n": r.n,
            "reason": r.mean.is_none().then(|| lang.dora_no_incidents()),
        })
    };
    let months: Vec<Value> = trends
        .months
        .iter()
        .map(|m| {
            let by: BTreeMap<&str, usize> =
                Level::ALL.iter().map(|l| (l.word(), m.by.get(l).copied().unwrap_or_default())).collect();
            json!({ "month": m.name, "incidents": m.by.values().sum::<usize>(), "severity": by })
        })
        .collect();
    json!({
        "schema": 1,
        "days": trends.days,
        "from": rfc3339(trends.to - trends.days * DAY),
        "to": rfc3339(trends.to),
        "incidents": trends.incidents,
        "months": months,
        "time_to_recover": { "with_runbook": recovery(trends.with), "without_runbook": recovery(trends.without) },
        "alerts": trends.alerts.iter().map(|(name, n)| json!({ "name": name, "fired": n })).collect::<Vec<_>>(),
        "runbooks": {
            "n": trends.procedures,
            "never_run": trends.never.iter().map(|(id, title)| json!({ "id": id, "title": title })).collect::<Vec<_>>(),
        },
    })
}

/// A document.
#[must_use]
pub fn markdown(trends: &Trends, lang: Lang, zone: Zone) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut out = format!("# {}\n\n", lang.trends_title(trends.days, zone.date(trends.to)));
    let _ = writeln!(out, "{}\n", lang.trends_incidents(trends.incidents));
    // A level that nobody met needs no column; the first two always stand there.
    let met = |level: &Level| {
        matches!(level, Level::Sev1 | Level::Sev2) || trends.months.iter().any(|m| m.by.contains_key(level))
    };
    let levels: Vec<Level> = Level::ALL.into_iter().filter(met).collect();
    let words: Vec<&str> = levels.iter().map(|l| l.word()).collect();
    let _ = writeln!(out, "| {} | {} | {} |", lang.trends_month(), words.join(" | "), lang.trends_total());
    let _ = writeln!(out, "| --- |{} ---: |", " ---: |".repeat(levels.len()));
    for month in &trends.months {
        let by: Vec<String> = levels.iter().map(|l| month.by.get(l).copied().unwrap_or_default().to_string()).collect();
        let _ = writeln!(out, "| {} | {} | {} |", month.name, by.join(" | "), month.by.values().sum::<usize>());
    }
    let _ = writeln!(out, "\n{}\n\n{}\n| --- | ---: | ---: |", lang.trends_recovery(), lang.trends_recovery_head());
    for (name, r) in [(lang.trends_with(), trends.with), (lang.trends_without(), trends.without)] {
        let mean = r.mean.map_or_else(|| "-".to_owned(), |ms| Span(ms).to_string());
        let _ = writeln!(out, "| {name} | {mean} | {} |", r.n);
    }
    let _ = writeln!(out, "\n{}\n", lang.trends_alerts());
    if trends.alerts.is_empty() {
        let _ = writeln!(out, "{}", lang.trends_no_alerts());
    } else {
        let _ = writeln!(out, "{}\n| --- | ---: |", lang.trends_alerts_head());
        for (name, n) in &trends.alerts {
            let _ = writeln!(out, "| {} | {n} |", cell(name));
        }
    }
    let _ = writeln!(out, "\n{}\n", lang.trends_never(trends.never.len(), trends.procedures));
    if trends.procedures == 0 {
        let _ = writeln!(out, "{}", lang.trends_no_library());
    } else if trends.never.is_empty() {
        let _ = writeln!(out, "{}", lang.trends_all_run());
    }
    for (id, title) in &trends.never {
        let _ = writeln!(out, "- {id}: {title}");
    }
    out
}
