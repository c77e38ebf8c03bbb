//! Failures per minute: the curve that says since when.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::timeline::Entry;
use crate::engine::words;
use crate::engine::words::figure;
use crate::model::breakdown::Topic;
use crate::model::context::Change;
use crate::model::context::Changed;
use crate::model::fact::Fact;
use crate::model::severity::Level;
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
use crate::view::place;

/// Rises of the level that are marked.
const RISES: usize = 4;

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    let lang = p.lang();
    if let Some(why) = stale(state, p, Feed::Metrics) {
        return Heading { right: why, role: Some(Role::Unknown), ..Heading::default() };
    }
    let window = state.signals.traffic().five.and_then(|s| s.counts).map_or(5 * MINUTE, |c| c.window);
    if let Some(at) = p.state.ui.chart.cursor {
        return Heading { right: read(p, at), role: Some(Role::Focus), ..Heading::default() };
    }
    let share = |name: &str| state.signals.value(name).map(|v| figure(lang, v, Unit::Ratio));
    let right = match (share(ERROR_RATE), share(ERROR_RATE_1M)) {
        (Some(five), Some(one)) => lang.chart_now(words::window(window), five, one),
        (Some(five), None) => five,
        _ => String::new(),
    };
    // Where a server is configured, figures that come from elsewhere say so.
    let origin = state.signals.get(ERROR_RATE).filter(|s| s.last.is_some()).map(|s| s.origin);
    let elsewhere = origin == Some(Origin::Scrape) && state.settings.prometheus.is_some();
    let mut left = if elsewhere { lang.source_scrape() } else { String::new() };
    let compared = p.state.ui.chart.days.filter(|_| !p.state.compared.series.is_empty());
    if let Some(days) = compared {
        left = [left, lang.chart_compared(days)].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ");
    }
    Heading { left, right, ..Heading::default() }
}

/// What stands under the cursor.
fn read(p: &Painter<'_>, at: Millis) -> String {
    let state = p.shown();
    let lang = p.lang();
    let Some(one) = state.signals.get(ERROR_RATE_1M) else { return String::new() };
    let Some((at, v)) = chart::value_at(&one.series, at, MINUTE) else {
        return lang.chart_at(state.settings.zone.hms(at), lang.chart_no_value());
    };
    let (time, share) = (state.settings.zone.hms(at), figure(lang, v, Unit::Ratio));
    match chart::value_at(&state.signals.totals, at, MINUTE) {
        Some((_, n)) => lang.chart_at_counts(time, share, lang.grouped((v * n).round()), lang.grouped(n.round())),
        None => lang.chart_at(time, share),
    }
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
    let Some(own) = chart::span(&[series], longest(area.width)) else {
        let words = if state.settings.reads_metrics() { lang.chart_empty() } else { lang.chart_no_source() };
        p.text(area.x, area.y, area.width, &words, Role::Muted);
        return;
    };
    let span = p.state.ui.chart.span(own);
    let area = place::below(p, area, Topic::Errors);
    let zone = state.settings.zone;
    let limit = errors.spec.critical.or(errors.spec.warning);
    let onset = state.verdict.because.iter().find(|f| f.subject.starts_with(ERROR_RATE)).map(|f| f.since);
    let other = p.state.compared.series.get(&one.spec.name);
    let chart = Chart {
        curves: other.map(|s| (s, Role::Stale)).into_iter().chain([(series, Role::Curve)]).collect(),
        limits: limit.iter().map(|l| (l.value, figure(lang, l.value, Unit::Ratio))).collect(),
        // What changed comes first: where words have no room, those of later ones go.
        marks: changes(state)
            .into_iter()
            .chain(onset.map(|at| (at, zone.hm(at))))
            .chain(seams(state))
            .chain(levels(state, onset, span.0))
            .chain(notes(state, span.0))
            .collect(),
        span,
        write: &|v| figure(lang, v, Unit::Ratio),
        clock: &|at| zone.hm(at),
        // Calm looks calm: the limit stays in sight.
        least_top: limit.map_or(0.05, |l| l.value * 1.6),
        stale: stale(state, p, Feed::Metrics).is_some(),
        cursor: p.state.ui.chart.cursor,
    };
    // The requests behind the share stand below it, where there is room: 50 % of four is not 50 % of four hundred.
    let with_requests = area.height >= 8 && state.signals.totals.last_value().is_some();
    let upper = Rect { height: area.height - u16::from(with_requests), ..area };
    chart::draw(p, upper, &chart);
    if with_requests {
        requests(p, area, span);
    }
    small(p, area, series, span);
}

/// One row of bars: requests a minute.
fn requests(p: &mut Painter<'_>, area: Rect, span: (Millis, Millis)) {
    let plot = chart::plot(area);
    let columns = p.shown().signals.totals.columns(span.0, span.1, usize::from(plot.width));
    let values = chart::held(columns.iter().map(|c| c.map(|c| c.last)).collect());
    let top = values.iter().flatten().copied().fold(1.0, f64::max);
    let y = area.bottom() - 1;
    let words = p.lang().chart_requests();
    p.text(area.x, y, plot.x - area.x, &words, Role::Muted);
    p.bars(plot.x, y, plot.width, &values, top, Role::Second);
}

/// Versions that went live or were seen to change.
pub(super) fn changes(state: &State) -> Vec<(Millis, String)> {
    let zone = state.settings.zone;
    let version = |c: &Change| match &c.what {
        Changed::Deployed { deploy } => Some((c.at, format!("{} {}", zone.hm(c.at), deploy.version))),
        Changed::Version { to, .. } => Some((c.at, format!("{} {to}", zone.hm(c.at)))),
        Changed::Started { .. } => None,
    };
    state.context.changes.iter().flatten().rev().filter_map(version).take(RISES).collect()
}

/// The newest few notes.
fn notes(state: &State, from: Millis) -> Vec<(Millis, String)> {
    let word = state.settings.lang.kind_note();
    let note = |e: &Entry| matches!(e.what, Fact::Note { .. }).then(|| (e.at, word.clone()));
    state.timeline.newest().take_while(|e| e.at >= from).filter_map(note).take(RISES).collect()
}

/// Rises of the level, the newest few: more would hide the curve.
fn levels(state: &State, onset: Option<Millis>, from: Millis) -> Vec<(Millis, String)> {
    let rise = |e: &Entry| match &e.what {
        Fact::Level { from, to, .. } if to > from && *to >= Level::Sev3 && Some(e.at) != onset => {
            Some((e.at, to.word().to_owned()))
        }
        _ => None,
    };
    state.timeline.newest().take_while(|e| e.at >= from).filter_map(rise).take(RISES).collect()
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
