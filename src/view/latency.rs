//! Latency: p95 and p99, as bars where there is little room, as curves where there is much.

use ratatui::layout::Rect;

use crate::engine::words::figure;
use crate::layout::Pane;
use crate::model::breakdown::Topic;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::time::MINUTE;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::chart;
use crate::view::chart::Chart;
use crate::view::failures::changes;
use crate::view::failures::longest;
use crate::view::now::stale;
use crate::view::paint::Painter;
use crate::view::place;

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    let lang = p.lang();
    if let Some(why) = stale(state, p, Feed::Metrics) {
        return Heading { right: why, role: Some(Role::Unknown), ..Heading::default() };
    }
    if let (Some(at), Pane::Latency) = (p.state.ui.chart.cursor, p.state.ui.focus) {
        let read = |name: &str| {
            let found = state.signals.get(name).and_then(|s| chart::value_at(&s.series, at, MINUTE));
            found.map_or_else(|| lang.chart_no_value(), |(_, v)| figure(lang, v, Unit::Seconds))
        };
        let words = format!("p95 {} · p99 {}", read(LATENCY_P95), read(LATENCY_P99));
        let right = lang.chart_at(state.settings.zone.hms(at), words);
        return Heading { right, role: Some(Role::Focus), ..Heading::default() };
    }
    let value = |name: &str| state.signals.value(name).map(|v| figure(lang, v, Unit::Seconds));
    let mut parts: Vec<String> = Vec::new();
    if let (Some(a), Some(b)) = (value(LATENCY_P95), value(LATENCY_P99)) {
        parts.push(format!("p95 {a} · p99 {b}"));
    }
    let limit = state.signals.get(LATENCY_P95).and_then(|s| s.spec.warning.or(s.spec.critical));
    if let Some(limit) = limit {
        parts.push(lang.chart_limit(figure(lang, limit.value, Unit::Seconds)));
    }
    Heading { right: parts.join(" · "), ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    let (Some(p95), Some(p99)) = (state.signals.get(LATENCY_P95), state.signals.get(LATENCY_P99)) else {
        return;
    };
    let Some(own) = chart::span(&[&p95.series, &p99.series], longest(area.width)) else {
        p.text(area.x, area.y, area.width, &lang.chart_empty(), Role::Muted);
        return;
    };
    let span = p.state.ui.chart.span(own);
    let area = place::below(p, area, Topic::Latency);
    let old = stale(state, p, Feed::Metrics).is_some();
    if area.height >= 6 {
        let zone = state.settings.zone;
        let limit = p95.spec.warning.or(p95.spec.critical);
        let other = p.state.compared.series.get(LATENCY_P95);
        let chart = Chart {
            curves: other
                .map(|s| (s, Role::Stale))
                .into_iter()
                .chain([(&p99.series, Role::Second), (&p95.series, Role::Curve)])
                .collect(),
            limits: limit.iter().map(|l| (l.value, figure(lang, l.value, Unit::Seconds))).collect(),
            marks: changes(state),
            span,
            write: &|v| figure(lang, v, Unit::Seconds),
            clock: &|at| zone.hm(at),
            least_top: limit.map_or(0.1, |l| l.value * 1.25),
            stale: old,
            cursor: p.state.ui.chart.cursor,
        };
        chart::draw(p, area, &chart);
        return;
    }
    if area.width < 12 {
        return;
    }
    let rows = [("p95", p95, Role::Curve), ("p99", p99, Role::Second)];
    for (i, (name, signal, role)) in rows.into_iter().enumerate().take(usize::from(area.height)) {
        let y = area.y + i as u16;
        let n = usize::from(area.width - 5);
        let columns = signal.series.columns(span.0, span.1, n);
        let values = chart::held(columns.iter().map(|c| c.map(|c| c.max)).collect());
        // Calm looks calm: the limit is the least top.
        let limit = p95.spec.warning.or(p95.spec.critical).map_or(0.1, |l| l.value);
        let top = values.iter().flatten().copied().fold(limit, f64::max);
        p.text(area.x, y, 4, name, Role::Muted);
        p.bars(area.x + 4, y, n as u16, &values, top, if old { Role::Stale } else { role });
    }
}
