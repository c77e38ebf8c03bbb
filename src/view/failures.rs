//! Failures per minute: the curve that says since when.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::words;
use crate::engine::words::figure;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::source::Origin;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::chart;
use crate::view::chart::Chart;
use crate::view::now::stale;
use crate::view::paint::Painter;

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    let lang = p.lang();
    if let Some(why) = stale(state, p, Feed::Metrics) {
        return Heading { right: why, role: Some(Role::Unknown), ..Heading::default() };
    }
    let window = state.signals.traffic().five.and_then(|s| s.counts).map_or(5 * MINUTE, |c| c.window);
    let share = |name: &str| state.signals.value(name).map(|v| figure(lang, v, Unit::Ratio));
    let right = match (share(ERROR_RATE), share(ERROR_RATE_1M)) {
        (Some(five), Some(one)) => lang.chart_now(words::window(window), five, one),
        (Some(five), None) => five,
        _ => String::new(),
    };
    // Where a server is configured, figures that come from elsewhere say so.
    let origin = state.signals.get(ERROR_RATE).filter(|s| s.last.is_some()).map(|s| s.origin);
    let elsewhere = origin == Some(Origin::Scrape) && state.settings.prometheus.is_some();
    let left = if elsewhere { lang.source_scrape() } else { String::new() };
    Heading { left, right, ..Heading::default() }
}

/// The longest span a chart of this width shows: half an hour, an hour from 80 columns of curve on.
pub(super) fn longest(width: u16) -> Millis {
    if width >= 87 { HOUR } else { 30 * MINUTE }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    let (Some(errors), Some(one)) = (state.signals.get(ERROR_RATE), state.signals.get(ERROR_RATE_1M)) else {
        return;
    };
    // A target that is scraped every minute has no one-minute figure; the five-minute one is better than nothing.
    let series = if one.series.last_value().is_some() { &one.series } else { &errors.series };
    let Some(span) = chart::span(&[series], longest(area.width)) else {
        let words = if state.settings.reads_metrics() { lang.chart_empty() } else { lang.chart_no_source() };
        p.text(area.x, area.y, area.width, &words, Role::Muted);
        return;
    };
    let zone = state.settings.zone;
    let limit = errors.spec.critical.or(errors.spec.warning);
    let onset = state.verdict.because.iter().find(|f| f.subject.starts_with(ERROR_RATE)).map(|f| f.since);
    let chart = Chart {
        curves: vec![(series, Role::Curve)],
        limits: limit.iter().map(|l| (l.value, figure(lang, l.value, Unit::Ratio))).collect(),
        marks: onset.map(|at| (at, zone.hm(at))).into_iter().chain(seams(state)).collect(),
        span,
        write: &|v| figure(lang, v, Unit::Ratio),
        clock: &|at| zone.hm(at),
        // Calm looks calm: the limit stays in sight.
        least_top: limit.map_or(0.05, |l| l.value * 1.6),
        stale: stale(state, p, Feed::Metrics).is_some(),
    };
    chart::draw(p, area, &chart);
    small(p, area, series, span);
}

/// Where the curve goes on from another source.
fn seams(state: &State) -> impl Iterator<Item = (Millis, String)> {
    let lang = state.settings.lang;
    let word =
        move |origin: &Origin| if *origin == Origin::Scrape { lang.source_scrape() } else { "Prometheus".to_owned() };
    state.signals.seams.iter().map(move |(at, origin)| (*at, word(origin)))
}

/// Too low for a chart: one line of bars with its two clock times.
fn small(p: &mut Painter<'_>, area: Rect, series: &crate::model::series::Series, span: (Millis, Millis)) {
    if area.height >= 3 || area.width < 24 {
        return;
    }
    let zone = p.shown().settings.zone;
    let n = usize::from(area.width - 14);
    let values: Vec<Option<f64>> = series.columns(span.0, span.1, n).iter().map(|c| c.map(|c| c.max)).collect();
    let top = values.iter().flatten().copied().fold(0.05, f64::max);
    p.text(area.x, area.y, 6, &zone.hm(span.0), Role::Muted);
    p.bars(area.x + 6, area.y, n as u16, &values, top, Role::Curve);
    p.text(area.right() - 6, area.y, 6, &zone.hm(span.1), Role::Muted);
}
