//! The board as plain text: for `check` without `--json`, and for `demo` in a pipe.

use std::fmt::Write as _;

use crate::engine::State;
use crate::engine::now;
use crate::engine::outdated;
use crate::engine::sentence::sentence;
use crate::engine::words;
use crate::engine::words::figure;
use crate::lang::Lang;
use crate::model::signal::Reading;
use crate::model::signal::Unit;
use crate::model::text::pad;

/// The board, several lines, each ended.
#[must_use]
pub fn text(state: &State) -> String {
    let lang = state.settings.lang;
    let mut out = String::new();
    head(state, lang, &mut out);
    let n = now::now(state);
    let what = if n.trend.is_empty() { n.what } else { format!("{} · {}", n.what, n.trend) };
    for (label, content) in [
        (lang.label_what(), what),
        (lang.label_where(), n.place),
        (lang.label_change(), n.change),
        (lang.label_back(), n.back),
        (lang.label_fine(), n.fine),
    ] {
        line(&mut out, &format!("  {} {content}", pad(&label, 7)));
    }
    for f in &state.verdict.findings {
        let since = state.settings.zone.hms(f.since);
        line(&mut out, &format!("  - {} {since} {}", pad(f.level.word(), 7), sentence(lang, f)));
    }
    for c in &state.checks.all {
        let latency = c.last.as_ref().and_then(|p| p.latency).map(|ms| format!(" {ms} ms")).unwrap_or_default();
        let detail = words::check_detail(lang, c);
        line(&mut out, &format!("  {} {}{latency}  {detail}", pad(&words::status(lang, c.shown()), 9), c.name));
    }
    for f in &state.alerts.folds {
        let count = if f.members.len() > 1 { format!(" ×{}", f.members.len()) } else { String::new() };
        let since = state.settings.zone.hms(f.since);
        line(&mut out, &format!("  {} {}{count}  {since}", pad(f.standing.word(), 10), f.name));
    }
    figures(state, lang, &mut out);
    out
}

fn head(state: &State, lang: Lang, out: &mut String) {
    let v = &state.verdict;
    let zone = state.settings.zone;
    let environment = &state.settings.environment;
    let place = if environment.is_empty() { String::new() } else { format!(" {environment}") };
    let at = zone.hms_offset(state.now.wall);
    line(out, &format!("{}{place}  {}  {}", state.settings.service, v.level.word(), lang.board_at(at)));
    for b in &v.blind {
        line(out, &format!("  {}", lang.board_blind(sentence(lang, b))));
    }
}

fn figures(state: &State, lang: Lang, out: &mut String) {
    for s in state.signals.shown() {
        let Some((_, sample)) = &s.last else { continue };
        let value = match &sample.reading {
            Reading::Value(v) if outdated(state, s) => {
                format!("{} {}", figure(lang, *v, s.spec.unit), lang.signal_stale())
            }
            Reading::Value(v) => figure(lang, *v, s.spec.unit),
            Reading::Absent(why) => words::absence(lang, why),
        };
        line(out, &format!("  {} {value}", pad(&words::signal(lang, &s.spec.name), 18)));
    }
    for s in state.sources.all.iter().filter(|s| s.problem.is_some()) {
        let why = s.problem.as_ref().map(|w| words::absence(lang, w)).unwrap_or_default();
        line(out, &format!("  {}: {why}", words::source(lang, &s.name)));
    }
    for s in &state.sources.all {
        for note in &s.notes {
            line(out, &format!("  {}: {note}", words::source(lang, &s.name)));
        }
    }
    if let (Some(spec), Some((_, m))) = (&state.settings.sessions, &state.sessions.table.last) {
        let rows = words::rows(lang, m.rows);
        let pace = m.renewed_per_min.map(|n| format!(", {}", lang.sessions_new(figure(lang, n, Unit::Count))));
        line(out, &format!("  {} {}{}", spec.table, lang.sessions_rows(rows), pace.unwrap_or_default()));
    }
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}
