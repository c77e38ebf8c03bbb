//! Where it fails, in full: the breakdown below a zoomed chart.

use ratatui::layout::Rect;

use crate::engine::words;
use crate::engine::words::figure;
use crate::layout::Pane;
use crate::model::breakdown::Breakdown;
use crate::model::breakdown::Dimension;
use crate::model::breakdown::Part;
use crate::model::breakdown::Topic;
use crate::model::signal::Unit;
use crate::model::text;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Rows of the list.
const ROWS: u16 = 8;
/// Narrower columns name the part instead of what stands behind it.
const WITH_TOTALS: u16 = 40;
/// Cells of the column of statuses, its gap with it: `500      12,345 · 100 %`.
const STATUS: u16 = 28;
/// Empty cells between columns.
const GAP: u16 = 2;

/// Draws the breakdown in the lower part of a zoomed pane; returns what is left for the chart.
pub(super) fn below(p: &mut Painter<'_>, area: Rect, topic: Topic) -> Rect {
    let pane = if topic == Topic::Errors { Pane::Failures } else { Pane::Latency };
    if !p.state.ui.zoom || p.state.ui.focus != pane || area.height < 10 {
        return area;
    }
    let state = p.shown();
    let found: Vec<&Breakdown> =
        Dimension::ALL.into_iter().filter_map(|by| state.places.get(state.now, topic, by)).collect();
    if found.is_empty() {
        return area;
    }
    let rows = ROWS.min(area.height / 2);
    let chart = Rect { height: area.height - rows, ..area };
    let list = Rect { y: chart.bottom(), height: rows, ..area };
    // A narrow screen has room for endpoints alone.
    if list.width < 90 {
        column(p, list, found[0], topic);
        return chart;
    }
    // A status is short; endpoints and hosts share what it leaves.
    let short: u16 = found.iter().filter(|b| b.by == Dimension::Status).map(|_| STATUS).sum();
    let both = found.iter().filter(|b| b.by != Dimension::Status).count() > 1;
    let endpoint = (list.width - short) * if both { 3 } else { 5 } / 5;
    let mut left = list;
    for (i, b) in found.iter().enumerate() {
        let width = match b.by {
            _ if i + 1 == found.len() => left.width + GAP,
            Dimension::Status => STATUS,
            Dimension::Endpoint | Dimension::Host => endpoint.min(left.width),
        };
        column(p, Rect { width: width.saturating_sub(GAP), ..left }, b, topic);
        left = Rect { x: left.x + width, width: left.width.saturating_sub(width), ..left };
    }
    chart
}

fn column(p: &mut Painter<'_>, area: Rect, b: &Breakdown, topic: Topic) {
    let lang = p.lang();
    let title = match b.by {
        Dimension::Endpoint => lang.breakdown_endpoint(),
        Dimension::Status => lang.breakdown_status(),
        Dimension::Host => lang.breakdown_host(),
    };
    let title = if b.window > 0 { format!("{title}, {}", words::window(b.window)) } else { title };
    p.text(area.x, area.y, area.width, &title, Role::Title);
    for (i, part) in b.parts.iter().enumerate() {
        let y = area.y + 1 + i as u16;
        if y >= area.bottom() {
            return;
        }
        let words = figures(p, b, part, topic, area.width >= WITH_TOTALS);
        let used = text::width(&words) as u16;
        let room = area.width.saturating_sub(used + 1);
        // Hosts of a house often differ only in their last letters.
        let name = if b.by == Dimension::Host { text::fit_middle(&part.name, room.into()) } else { part.name.clone() };
        p.text(area.x, y, room, &name, Role::Text);
        p.right(area, y, &words, if i == 0 { Role::Text } else { Role::Muted });
    }
}

/// `290 of 344 · 94 %`, or the seconds.
fn figures(p: &Painter<'_>, b: &Breakdown, part: &Part, topic: Topic, with_total: bool) -> String {
    let lang = p.lang();
    if topic == Topic::Latency {
        return figure(lang, part.value, Unit::Seconds);
    }
    let share = figure(lang, if b.sum > 0.0 { part.value / b.sum } else { 0.0 }, Unit::Ratio);
    let failed = lang.grouped(part.value.round());
    match part.total.filter(|_| with_total) {
        Some(total) => lang.breakdown_of(failed, lang.grouped(total.round()), share),
        None => format!("{failed} · {share}"),
    }
}
