//! A window after a deploy: for a pipeline, and for whoever reads its log.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::engine::State;
use crate::engine::window::log::old_until;
use crate::engine::window::said;
use crate::engine::window::said::reasons;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::deploy::Deploy;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::time::rfc3339;
use crate::model::watch::Ended;
use crate::model::watch::Watch;
use crate::model::window::Figure;
use crate::model::window::Verdict;

/// One object, as the contract has it.
#[must_use]
pub fn json(state: &State, watch: &Watch) -> Value {
    let lang = state.settings.lang;
    let back = said::back(state, watch).map(|b| {
        let set: serde_json::Map<String, Value> = b.fills.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        json!({ "runbook": b.id, "title": b.title, "set": set, "command": b.command() })
    });
    let mut out = kept(watch, lang, state.settings.zone, state.now.wall);
    if let Some(object) = out.as_object_mut() {
        object.insert("rollback".to_owned(), back.unwrap_or_default());
        object.insert("old_until".to_owned(), json!(rfc3339(old_until(state, watch))));
    }
    out
}

/// A window as the log has it.
fn kept(watch: &Watch, lang: Lang, zone: Zone, now: Millis) -> Value {
    let side = |f: Figure| json!({ "n": f.n.round() as i64, "value": f.value });
    let window = &watch.window;
    let signals: Vec<Value> = watch
        .signals
        .iter()
        .map(|s| {
            json!({
                "name": s.name,
                "verdict": s.verdict.word(),
                "critical": s.critical,
                "baseline": side(s.before),
                "now": side(s.now),
                "reason": words::window_reason(lang, s),
            })
        })
        .collect();
    json!({
        "schema": 1,
        "verdict": watch.stands(now).word(),
        "version": (!window.version.is_empty()).then_some(&window.version),
        "by": watch.by,
        "from": rfc3339(window.from),
        "to": rfc3339(watch.until(now).min(window.to())),
        "baseline": { "from": rfc3339(window.baseline.0), "to": rfc3339(window.baseline.1) },
        "ended": watch.ended.map(|(how, _)| how.word()),
        "withdrawn_at": watch.withdrawn.as_ref().map(|w| rfc3339(w.at)),
        "reasons": reasons(lang, zone, now, watch),
        "signals": signals,
    })
}

/// A line while it goes on.
#[must_use]
pub fn progress(state: &State, watch: &Watch) -> String {
    let (lang, zone, now) = (state.settings.lang, state.settings.zone, state.now.wall);
    let left = Span((watch.window.to() - now).max(0));
    let what = words::version(lang, &watch.window.version);
    if watch.signals.is_empty() {
        return lang.window_begins(Span(watch.window.length), what);
    }
    let why = reasons(lang, zone, now, watch).into_iter().next().unwrap_or_default();
    lang.window_progress(watch.verdict.word(), left, why)
}

/// The report.
#[must_use]
pub fn markdown(state: &State, watch: &Watch) -> String {
    let (lang, zone, now) = (state.settings.lang, state.settings.zone, state.now.wall);
    let window = &watch.window;
    let title = lang.window_title(words::version(lang, &window.version), watch.stands(now).word());
    let mut out = format!("# {title}\n\n");
    let clock = |at| zone.hms(at);
    let end = watch.until(now).min(window.to());
    let spans = lang.window_spans(clock(window.from), clock(end), clock(window.baseline.0), clock(window.baseline.1));
    let _ = writeln!(out, "{spans}\n");
    for reason in reasons(lang, zone, now, watch) {
        let _ = writeln!(out, "- {reason}");
    }
    let _ = writeln!(out, "\n{}\n| --- | --- | ---: | ---: | ---: | ---: |", lang.window_table());
    for s in &watch.signals {
        let value = |f: Figure| f.value.map_or_else(|| "-".to_owned(), |v| words::figure(lang, v, s.unit));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&words::signal(lang, &s.name)),
            s.verdict.word(),
            value(s.before),
            lang.grouped(s.before.n.round()),
            value(s.now),
            lang.grouped(s.now.n.round()),
        );
    }
    if let Some(back) = said::back(state, watch) {
        let _ = writeln!(out, "\n{}\n\n    {}", lang.window_back(&back.id, &back.title), back.command());
    } else if matches!(watch.ended, Some((Ended::Over, _))) && watch.verdict == Verdict::Pass {
        let until = old_until(state, watch);
        let _ = writeln!(out, "\n{}", lang.window_old_kept(zone.hm(until), Span((until - now).max(0))));
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A deploy of the log, and the newest window after it; or a window without a mark.
pub type Logged<'a> = (Option<&'a Deploy>, Option<&'a Watch>);

/// Deploys with their windows, and windows that belong to none, newest first.
#[must_use]
pub fn log<'a>(deploys: &'a [Deploy], watches: &'a [Watch]) -> Vec<Logged<'a>> {
    let of = |d: &Deploy| watches.iter().rev().find(|w| w.deploy.as_ref() == Some(&d.id));
    let marked = deploys.iter().map(|d| (Some(d), of(d)));
    let alone = watches.iter().filter(|w| !deploys.iter().any(|d| Some(&d.id) == w.deploy.as_ref()));
    let mut all: Vec<Logged<'a>> = marked.chain(alone.map(|w| (None, Some(w)))).collect();
    all.sort_by_key(|(d, w)| std::cmp::Reverse(d.map_or_else(|| w.map_or(0, |w| w.window.from), |d| d.at)));
    all
}

/// The deployment log for a machine.
#[must_use]
pub fn log_json(all: &[Logged<'_>], lang: Lang, zone: Zone, now: Millis) -> Value {
    let one = |(deploy, watch): &Logged<'_>| {
        json!({
            "version": deploy.map(|d| d.version.as_str()).or(watch.map(|w| w.window.version.as_str())),
            "at": deploy.map(|d| d.at).or(watch.map(|w| w.window.from)).map(rfc3339),
            "by": deploy.map(|d| d.by.as_str()).or(watch.map(|w| w.by.as_str())),
            "before": deploy.and_then(|d| d.before.as_deref()),
            "old_until": deploy.and_then(|d| d.old_until).map(rfc3339),
            "migrations": deploy.and_then(|d| d.migrations),
            "note": deploy.map(|d| d.note.as_str()),
            "window": watch.map(|w| kept(w, lang, zone, now)),
        })
    };
    json!({ "schema": 1, "deploys": all.iter().map(one).collect::<Vec<_>>() })
}

/// The deployment log for a person.
#[must_use]
pub fn log_text(all: &[Logged<'_>], days: i64, lang: Lang, zone: Zone, now: Millis) -> String {
    let mut out = format!("# {}\n\n", lang.log_title(days, zone.date(now)));
    if all.is_empty() {
        let _ = writeln!(out, "{}", lang.log_empty());
        return out;
    }
    let _ = writeln!(out, "{}\n| --- | --- | --- | --- | --- |", lang.log_head());
    for (deploy, watch) in all {
        let at = deploy.map_or_else(|| watch.map_or(0, |w| w.window.from), |d| d.at);
        let version = deploy.map(|d| &d.version).or(watch.map(|w| &w.window.version));
        let version = words::version(lang, version.map_or("", String::as_str));
        let before = deploy.and_then(|d| d.before.as_ref()).map(|b| format!(" ({})", lang.log_before(clean(b))));
        let by = deploy.map(|d| &d.by).or(watch.map(|w| &w.by)).map_or("", String::as_str);
        let window =
            watch.map_or_else(|| "-".to_owned(), |w| format!("{}-{}", zone.hm(w.window.from), zone.hm(w.until(now))));
        let verdict = watch.map_or_else(|| "-".to_owned(), |w| said::verdict(w, lang, zone, now));
        let before = before.unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {}{} | {} | {window} | {verdict} |",
            zone.day_hm(at),
            cell(&version),
            cell(&before),
            cell(&clean(by)),
        );
    }
    out
}
