//! `check --json`: the contract of section 3 of the design.

use serde_json::Value;
use serde_json::json;

use crate::engine::State;
use crate::engine::library::suggested;
use crate::engine::outdated;
use crate::engine::sentence::sentence;
use crate::engine::standing;
use crate::engine::state::SignalState;
use crate::engine::words;
use crate::model::alert::Alert;
use crate::model::health::Check;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Absence;
use crate::model::signal::Reading;
use crate::model::time::SECOND;
use crate::model::time::rfc3339;

/// A number, or its name where JSON has no number for it.
fn number(value: f64) -> Value {
    match () {
        () if value.is_finite() => json!(value),
        () if value.is_nan() => json!("NaN"),
        () if value > 0.0 => json!("+Inf"),
        () => json!("-Inf"),
    }
}

/// The whole answer as one object.
#[must_use]
pub fn json(state: &State) -> Value {
    let v = &state.verdict;
    json!({
        "schema": 1,
        "environment": state.settings.environment,
        "at": rfc3339(state.now.wall),
        "severity": {
            "level": v.level.word(),
            "since": if v.level == Level::Ok { Value::Null } else { json!(rfc3339(v.since)) },
            "reasons": v.findings.iter().map(|f| reason(state, f)).collect::<Vec<_>>(),
            "blind": v.blind.iter().map(blind).collect::<Vec<_>>(),
        },
        "health": state.checks.all.iter().map(|c| health(state, c)).collect::<Vec<_>>(),
        "signals": state.signals.shown().map(|s| signal(state, s)).collect::<Vec<_>>(),
        "sessions": sessions(state),
        "alerts": state.alerts.all.iter().map(alert).collect::<Vec<_>>(),
        "runbooks": suggested(state).iter().filter_map(|s| state.library.books.get(s.book)).map(|b| b.says.id.clone()).collect::<Vec<_>>(),
        "notes": state.sources.all.iter().flat_map(|s| s.notes.iter().map(move |n| format!("{}: {n}", s.name))).collect::<Vec<_>>(),
    })
}

fn reason(state: &State, f: &Finding) -> Value {
    json!({
        "rule": f.rule.word(),
        "level": f.level.word(),
        "signal": f.subject,
        "text": sentence(state.settings.lang, f),
        "value": f.value.map(number),
        "threshold": f.threshold.map(number),
        "since": rfc3339(f.since),
    })
}

/// What cannot be seen, as a word.
fn blind(f: &Finding) -> &'static str {
    match f.rule {
        Rule::BlindChecks => "checks",
        Rule::BlindSessions => "sessions",
        Rule::BlindAlerts => "alerts",
        Rule::NoNetwork => "network",
        _ => "metrics",
    }
}

fn health(state: &State, c: &Check) -> Value {
    let last = c.last.as_ref();
    json!({
        "name": c.name,
        "state": c.shown().word(),
        "blocked_by": c.blocked_by,
        "latency_ms": last.and_then(|p| p.latency),
        "detail": words::check_detail(state.settings.lang, c),
        "critical": c.critical,
        "cert_days": last.and_then(|p| p.cert_days),
    })
}

fn signal(state: &State, s: &crate::engine::signals::Signal) -> Value {
    let sample = s.last.as_ref();
    let (value, reason) = match sample.map(|(_, x)| &x.reading) {
        Some(Reading::Value(v)) => (Some(number(*v)), None),
        Some(Reading::Absent(why)) => (None, Some(why.word())),
        None if s.spec.origin.tells_requests() => (None, Some(not_read(state))),
        None => (None, Some(Absence::NotYet.word())),
    };
    let standing = standing(state, s);
    let old = outdated(state, s);
    json!({
        "name": s.spec.name,
        "value": value,
        "unit": s.spec.unit.word(),
        "state": if old { SignalState::Unknown.word() } else { standing.word() },
        "source": sample.map_or_else(|| if s.spec.origin.tells_requests() { first_origin(state) } else { s.spec.origin.word() }, |_| s.origin.word()),
        "age_s": sample.map(|(at, _)| state.now.since(*at) as f64 / SECOND as f64),
        "reason": if old && reason.is_none() { Some("stale") } else { reason },
        "counts": sample.and_then(|(_, x)| x.counts).map(|c| json!({"failed": number(c.failed), "total": number(c.total)})),
    })
}

fn first_origin(state: &State) -> &'static str {
    if state.settings.prometheus.is_some() { "prometheus" } else { "scrape" }
}

/// Why a signal was never read: what its source says.
fn not_read(state: &State) -> &'static str {
    let problem = state.sources.all.iter().find_map(|s| s.problem.as_ref());
    problem.map_or(Absence::NotYet.word(), Absence::word)
}

fn alert(a: &Alert) -> Value {
    json!({
        "name": a.labels.get("alertname"),
        "severity": a.labels.get("severity"),
        "state": a.standing.word(),
        "since": (a.since > 0).then(|| rfc3339(a.since)),
        "labels": a.labels,
        "summary": a.summary,
        "value": a.value.map(number),
        "silenced_by": a.silenced_by,
        "inhibited_by": a.inhibited_by,
    })
}

fn sessions(state: &State) -> Value {
    let Some(spec) = &state.settings.sessions else {
        return Value::Null;
    };
    let table = &state.sessions.table;
    let problem = state.sessions.problem.as_ref();
    let Some((_, m)) = &table.last else {
        return json!({
            "table": spec.table, "rows": null, "rows_exact": null, "renewed_per_min": null, "expired": null,
            "expired_exact": null, "growth_per_min": null, "bytes": null, "eta_s": null, "sweep_late_s": null,
            "state": "unknown", "reason": problem.map_or("not_yet", Absence::word),
            "detail": problem.map(|w| words::absence(state.settings.lang, w)),
        });
    };
    let late = table.sweep_age().map(|age| (age - spec.cleanup_every).max(0) / SECOND);
    let eta = table.time_until(spec.critical_rows).map(|ms| ms / SECOND);
    let worst = state.verdict.findings.iter().find(|f| f.subject == spec.table).map(|f| f.level);
    let word = match worst {
        _ if problem.is_some() => "unknown",
        Some(Level::Sev1 | Level::Sev2) => "critical",
        Some(Level::Sev3) => "warning",
        Some(Level::Sev4) => "pending",
        _ => "ok",
    };
    json!({
        "table": spec.table,
        "rows": m.rows.n,
        "rows_exact": m.rows.exact,
        "renewed_per_min": m.renewed_per_min.map(number),
        "expired": m.expired.map(|r| r.n),
        "expired_exact": m.expired.map(|r| r.exact && !r.at_least),
        "growth_per_min": table.growth_per_min().map(number),
        "bytes": m.bytes,
        "eta_s": eta,
        "sweep_late_s": late,
        "state": word,
        "reason": problem.map(Absence::word),
        "detail": problem.map(|w| words::absence(state.settings.lang, w)),
        "usual_per_min": m.usual_per_min.map(number),
        "sweepable": m.sweepable.map(number),
        "answer_ms": m.answer,
    })
}
