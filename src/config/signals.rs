//! `[[signal]]`: a figure and its limits. One with the name of a built-in signal replaces it; without a query it
//! keeps the built-in question and replaces the limits.

use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::config::window;
use crate::engine::Settings;
use crate::engine::settings::SignalSpec;
use crate::model::signal::Limit;
use crate::model::signal::Side;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::DAY;

pub(super) const UNITS: [Unit; 5] = [Unit::Ratio, Unit::Seconds, Unit::Count, Unit::Bytes, Unit::PerSecond];

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>, settings: &mut Settings) {
    let mut seen: Vec<String> = Vec::new();
    for mut s in root.sections(cx, "signal") {
        let name = s.required(cx, "name", "a name such as \"celery_queue\"");
        if seen.contains(&name) {
            cx.mistake(&s, "name", format!("two signals are called {name:?}"), "");
        }
        let place = settings.signals.iter().position(|b| b.name == name);
        let built_in = place.filter(|i| settings.signals[*i].built_in());
        let optional = place.and_then(|i| settings.signals[i].query.clone().filter(|_| settings.signals[i].optional));
        let query = s.text(cx, "query").or(optional);
        if query.is_none() && built_in.is_none() {
            cx.mistake(&s, "", "query is missing".to_owned(), "only a built-in signal may go without");
        }
        let default_unit = place.map_or(Unit::Count, |i| settings.signals[i].unit);
        let words: Vec<&str> = UNITS.iter().map(|u| u.word()).collect();
        let unit = s.choice(cx, "unit", &words, default_unit.word());
        let unit = UNITS.into_iter().find(|u| u.word() == unit).unwrap_or_default();
        let mut spec = SignalSpec {
            name: name.clone(),
            query,
            origin: Origin::Prometheus,
            optional: false,
            unit,
            warning: s.section(cx, "warning").and_then(|mut l| limit(&mut l, cx)),
            critical: s.section(cx, "critical").and_then(|mut l| limit(&mut l, cx)),
            window: None,
        };
        if let Some(mut section) = s.section(cx, "window") {
            spec.window = Some(window::criteria(&mut section, cx, unit));
        }
        s.finish(cx);
        match place {
            Some(i) => settings.signals[i] = spec,
            None => settings.signals.push(spec),
        }
        seen.push(name);
    }
    if settings.prometheus.is_none() {
        // Direct scrape answers no PromQL: such a signal would stay unknown for ever without a word.
        for spec in settings.signals.iter().filter(|s| !s.built_in() && !s.optional) {
            cx.not_yet.push(format!("[[signal]] {} (needs [prometheus])", spec.name));
        }
        // A built-in one keeps its own question, which direct scrape can answer, with the limits that were given.
        for spec in &mut settings.signals {
            if crate::engine::built_in::built_in_signals().iter().any(|b| b.name == spec.name) {
                spec.query = None;
            }
        }
        settings.signals.retain(SignalSpec::built_in);
    }
}

/// `{ above = 0.01, for = "5m", min_requests = 200 }`
pub(super) fn limit(s: &mut Section<'_>, cx: &mut Context<'_>) -> Option<Limit> {
    let (above, below) = (s.number(cx, "above"), s.number(cx, "below"));
    let hold = s.duration(cx, "for", 0, 0, DAY);
    let min_requests = s.number(cx, "min_requests").unwrap_or(0.0);
    let min_failed = s.number(cx, "min_failed").unwrap_or(0.0);
    s.finish(cx);
    let (side, value) = match (above, below) {
        (Some(v), None) => (Side::Above, v),
        (None, Some(v)) => (Side::Below, v),
        (Some(_), Some(_)) => {
            cx.mistake(s, "below", "stands beside above".to_owned(), "a limit has one side");
            return None;
        }
        (None, None) => {
            if !s.has("above") && !s.has("below") {
                cx.mistake(
                    s,
                    "",
                    "says not which side is trouble".to_owned(),
                    "write { above = 0.05 } or { below = 8 }",
                );
            }
            return None;
        }
    };
    Some(Limit { side, value, hold, min_requests, min_failed })
}
