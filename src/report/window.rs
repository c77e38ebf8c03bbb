//! A window after a deploy: for a pipeline, and for whoever reads its log.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::engine::State;
use crate::engine::window::Watched;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::time::Span;
use crate::model::time::rfc3339;
use crate::model::watch::Ended;
use crate::model::window::Figure;
use crate::model::window::Judged;
use crate::model::window::Verdict;

/// One object, as the contract has it.
#[must_use]
pub fn json(state: &State, watched: &Watched) -> Value {
    let lang = state.settings.lang;
    let side = |f: Figure| json!({ "n": f.n.round(), "value": f.value });
    let window = &watched.window;
    let signals: Vec<Value> = watched
        .said
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
        "verdict": watched.said.verdict.word(),
        "version": (!window.version.is_empty()).then_some(&window.version),
        "from": rfc3339(window.from),
        "to": rfc3339(window.to().min(state.now.wall)),
        "baseline": { "from": rfc3339(window.baseline.0), "to": rfc3339(window.baseline.1) },
        "ended": match watched.ended { Some(Ended::Over) => "over", Some(Ended::Lost) => "lost", _ => "early" },
        "reasons": reasons(lang, watched),
        "signals": signals,
    })
}

/// Why it is what it is: whatever is no pass, worst first; of a pass, what it rests on.
fn reasons(lang: Lang, watched: &Watched) -> Vec<String> {
    let worst = |j: &&Judged| match (j.verdict, j.critical) {
        (Verdict::Fail, true) => 0,
        (Verdict::Inconclusive, true) => 1,
        (Verdict::Fail, false) => 2,
        (Verdict::Warn, _) => 3,
        (Verdict::Inconclusive, false) => 4,
        (Verdict::Pass, _) => 5,
    };
    let mut signals: Vec<&Judged> = watched.said.signals.iter().collect();
    signals.sort_by_key(worst);
    let passed = watched.said.verdict == Verdict::Pass;
    let said = signals.into_iter().filter(|j| passed || j.verdict != Verdict::Pass);
    let early = (watched.ended == Some(Ended::Early)).then(|| lang.window_ended_early());
    early
        .into_iter()
        .chain(said.map(|j| format!("{}: {}", words::signal(lang, &j.name), words::window_reason(lang, j))))
        .collect()
}

/// What went live, as far as it was said.
fn what(lang: Lang, watched: &Watched) -> String {
    let version = &watched.window.version;
    if version.is_empty() { lang.window_a_change() } else { version.clone() }
}

/// A line while it goes on.
#[must_use]
pub fn progress(state: &State, watched: &Watched) -> String {
    let lang = state.settings.lang;
    let left = Span((watched.window.to() - state.now.wall).max(0));
    let why = reasons(lang, watched).into_iter().next().unwrap_or_default();
    if watched.now.is_none() {
        return lang.window_begins(Span(watched.window.length), what(lang, watched));
    }
    lang.window_progress(watched.said.verdict.word(), left, why)
}

/// The report.
#[must_use]
pub fn markdown(state: &State, watched: &Watched) -> String {
    let lang = state.settings.lang;
    let zone = state.settings.zone;
    let window = &watched.window;
    let mut out = format!("# {}\n\n", lang.window_title(what(lang, watched), watched.said.verdict.word()));
    let clock = |at| zone.hms(at);
    let spans = lang.window_spans(
        clock(window.from),
        clock(window.to().min(state.now.wall)),
        clock(window.baseline.0),
        clock(window.baseline.1),
    );
    let _ = writeln!(out, "{spans}\n");
    for reason in reasons(lang, watched) {
        let _ = writeln!(out, "- {reason}");
    }
    let _ = writeln!(out, "\n{}\n| --- | --- | ---: | ---: | ---: | ---: |", lang.window_table());
    for s in &watched.said.signals {
        let value = |f: Figure| f.value.map_or_else(|| "-".to_owned(), |v| words::figure(lang, v, s.unit));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            words::signal(lang, &s.name).replace('|', "\\|"),
            s.verdict.word(),
            value(s.before),
            lang.grouped(s.before.n.round()),
            value(s.now),
            lang.grouped(s.now.n.round()),
        );
    }
    out
}
