//! A curve in braille dots: two by four to a cell, gaps left open, limits dashed, moments marked.

use ratatui::layout::Rect;

use crate::model::series::Point;
use crate::model::series::Series;
use crate::model::text;
use crate::model::time::Millis;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Cells for the figures at the left edge.
const AXIS: u16 = 7;
/// Dots of a braille cell by row and column (Unicode chart U+2800).
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// What a chart shows.
pub(super) struct Chart<'a> {
    /// Curves, the most important last.
    pub(super) curves: Vec<(&'a Series, Role)>,
    /// A limit and its words.
    pub(super) limits: Vec<(f64, String)>,
    /// Moments with their words.
    pub(super) marks: Vec<(Millis, String)>,
    /// The span shown, ms since the epoch.
    pub(super) span: (Millis, Millis),
    /// How a value is written at the edge.
    pub(super) write: &'a dyn Fn(f64) -> String,
    /// How a time of day is written below.
    pub(super) clock: &'a dyn Fn(Millis) -> String,
    /// The least top of the axis, so that calm looks calm.
    pub(super) least_top: f64,
    /// The curve is history.
    pub(super) stale: bool,
    /// The moment that is read.
    pub(super) cursor: Option<Millis>,
}

/// The span to show: the widest of these that is at least half filled, ending at the newest sample. In steps, so that
/// the picture does not crawl with every sample.
pub(super) fn span(series: &[&Series], most: Millis) -> Option<(Millis, Millis)> {
    const STEPS: [Millis; 6] = [2, 5, 15, 30, 60, 180];
    let newest = series.iter().filter_map(|s| s.newest()).map(|p| p.at).max()?;
    let oldest = series.iter().filter_map(|s| s.oldest()).map(|p| p.at).min()?;
    let held = newest - oldest;
    let minutes = STEPS.iter().map(|m| m * 60_000).filter(|m| *m <= most).find(|m| held <= *m).unwrap_or(most);
    Some((newest - minutes, newest))
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect, chart: &Chart<'_>) {
    if area.width < AXIS + 8 || area.height < 3 {
        return;
    }
    let plot = Rect { x: area.x + AXIS, width: area.width - AXIS, height: area.height - 1, ..area };
    let top = top_of(chart, plot);
    limits(p, chart, plot, area, top);
    marks(p, chart, plot);
    for (series, role) in &chart.curves {
        let role = if chart.stale { Role::Stale } else { *role };
        curve(p, series, chart.span, plot, top, role);
    }
    if let Some(x) = chart.cursor.and_then(|at| column_of(at, chart.span, plot)) {
        let style = p.style(Role::Focus);
        for y in plot.y..plot.bottom() {
            p.put(x, y, "│", style);
        }
    }
    axis(p, chart, area, plot, top);
}

/// The cells that a curve is drawn on, for what is to stand below it.
pub(super) fn plot(area: Rect) -> Rect {
    Rect { x: area.x + AXIS.min(area.width), width: area.width.saturating_sub(AXIS), ..area }
}

/// Bars between two samples keep the height of the one before, for up to twice the usual distance.
pub(super) fn held(mut values: Vec<Option<f64>>) -> Vec<Option<f64>> {
    let places: Vec<usize> = values.iter().enumerate().filter_map(|(i, v)| v.map(|_| i)).collect();
    let mut gaps: Vec<usize> = places.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1);
    for w in places.windows(2) {
        let (a, b) = (w[0], w[1]);
        if b - a <= 2 * usual {
            let value = values[a];
            values[a + 1..b].fill(value);
        }
    }
    values
}

/// What a series holds at a moment: its point nearest to it, within a column of a chart.
pub(super) fn value_at(series: &Series, at: Millis, within: Millis) -> Option<(Millis, f64)> {
    let near = |p: &Point| (p.at - at).abs() <= within;
    let found = series.iter().filter(|p| p.value.is_some() && near(p)).min_by_key(|p| (p.at - at).abs())?;
    Some((found.at, found.value?))
}

/// The greatest value shown, and the limit if it is near enough to matter.
fn top_of(chart: &Chart<'_>, plot: Rect) -> f64 {
    let n = usize::from(plot.width) * 2;
    let mut top = chart.least_top;
    for (series, _) in &chart.curves {
        for c in series.columns(chart.span.0, chart.span.1, n).into_iter().flatten() {
            top = top.max(c.max);
        }
    }
    nice(top)
}

/// The next "round" number: 1, 1.6, 2, 3, 4, 5, 6, 8 times a power of ten.
fn nice(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let scale = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|s| s * scale).find(|s| *s >= value * 0.999).unwrap_or(value)
}

/// The dot row of a value, from the top.
fn dot_row(value: f64, top: f64, rows: i64) -> i64 {
    let share = (value / top).clamp(0.0, 1.0);
    rows - 1 - (share * (rows - 1) as f64).round() as i64
}

fn limits(p: &mut Painter<'_>, chart: &Chart<'_>, plot: Rect, area: Rect, top: f64) {
    let style = p.style(Role::Limit);
    for (value, words) in &chart.limits {
        if *value > top {
            continue;
        }
        let y = plot.y + (dot_row(*value, top, i64::from(plot.height) * 4) / 4) as u16;
        for x in plot.x..plot.right() {
            p.put(x, y, "┄", style);
        }
        // The words of the edge give way to those of a limit on the same line.
        if y != plot.y && y != plot.bottom() - 1 {
            let w = text::width(words) as u16;
            p.text(area.x + AXIS.saturating_sub(w + 1), y, w, words, Role::Limit);
        }
    }
}

fn marks(p: &mut Painter<'_>, chart: &Chart<'_>, plot: Rect) {
    let style = p.style(Role::Marker);
    for (at, _) in &chart.marks {
        let Some(x) = column_of(*at, chart.span, plot) else {
            continue;
        };
        for y in plot.y..plot.bottom() {
            p.put(x, y, "┊", style);
        }
    }
}

fn column_of(at: Millis, span: (Millis, Millis), plot: Rect) -> Option<u16> {
    if at <= span.0 || at > span.1 {
        return None;
    }
    let i = (at - span.0 - 1) * i64::from(plot.width) / (span.1 - span.0).max(1);
    Some(plot.x + i as u16)
}

fn curve(p: &mut Painter<'_>, series: &Series, span: (Millis, Millis), plot: Rect, top: f64, role: Role) {
    let (w, rows) = (usize::from(plot.width) * 2, i64::from(plot.height) * 4);
    let mut cells = vec![0u32; usize::from(plot.width) * usize::from(plot.height)];
    let columns = series.columns(span.0, span.1, w);
    // Samples come less often than dots: what lies between two of them is drawn as held, up to twice their usual pace.
    let gap = (2 * usual_gap(&columns)).max(2);
    let mut before: Option<(usize, i64)> = None;
    for (i, column) in columns.iter().enumerate() {
        let Some(c) = column else { continue };
        let (high, low) = (dot_row(c.max, top, rows), dot_row(c.min, top, rows));
        if let Some((j, level)) = before.filter(|(j, _)| i - j <= gap) {
            for k in j + 1..i {
                dot(&mut cells, plot, k, level);
            }
            for y in high.min(level)..=low.max(level) {
                dot(&mut cells, plot, i, y);
            }
        }
        for y in high..=low {
            dot(&mut cells, plot, i, y);
        }
        before = Some((i, dot_row(c.last, top, rows)));
    }
    let style = p.style(role);
    for (i, bits) in cells.iter().enumerate().filter(|(_, bits)| **bits > 0) {
        let (x, y) = (plot.x + (i % usize::from(plot.width)) as u16, plot.y + (i / usize::from(plot.width)) as u16);
        let mut buf = [0u8; 4];
        if let Some(c) = char::from_u32(0x2800 + bits) {
            p.put(x, y, c.encode_utf8(&mut buf), style);
        }
    }
}

fn usual_gap<T>(columns: &[Option<T>]) -> usize {
    let at: Vec<usize> = columns.iter().enumerate().filter_map(|(i, c)| c.as_ref().map(|_| i)).collect();
    let mut gaps: Vec<usize> = at.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(1)
}

fn dot(cells: &mut [u32], plot: Rect, column: usize, row: i64) {
    let row = row.max(0) as usize;
    let place = (row / 4) * usize::from(plot.width) + column / 2;
    if let Some(cell) = cells.get_mut(place) {
        *cell |= DOTS[row % 4][column % 2];
    }
}

fn axis(p: &mut Painter<'_>, chart: &Chart<'_>, area: Rect, plot: Rect, top: f64) {
    let edge = Rect { width: AXIS - 1, ..area };
    let mut label = |y: u16, value: f64| {
        let words = (chart.write)(value);
        p.right(edge, y, &words, Role::Muted);
    };
    label(plot.y, top);
    if plot.height >= 9 {
        let y = plot.y + (plot.height - 1) / 2;
        let taken = chart.limits.iter().any(|(v, _)| {
            *v <= top && (plot.y + (dot_row(*v, top, i64::from(plot.height) * 4) / 4) as u16).abs_diff(y) <= 1
        });
        if !taken {
            label(y, top / 2.0);
        }
    }
    label(plot.bottom() - 1, 0.0);
    let y = area.bottom() - 1;
    let (from, to) = ((chart.clock)(chart.span.0), (chart.clock)(chart.span.1));
    p.text(plot.x, y, 5, &from, Role::Muted);
    p.right(plot, y, &to, Role::Muted);
    // Words that would run into others are left out; their arrow stays.
    let mut taken: Vec<(u16, u16)> = vec![(plot.x, plot.x + 6), (plot.right().saturating_sub(6), plot.right())];
    for (at, words) in &chart.marks {
        let Some(x) = column_of(*at, chart.span, plot) else {
            continue;
        };
        let w = text::width(words) as u16 + 2;
        let right = (x, x + w, format!("▲ {words}"));
        let left = ((x + 1).saturating_sub(w), x + 1, format!("{words} ▲"));
        let free = |from: u16, to: u16| {
            from >= plot.x && to <= plot.right() && taken.iter().all(|(a, b)| to < *a || from > *b)
        };
        let found = [right, left].into_iter().find(|(from, to, _)| free(*from, *to));
        if let Some((from, to, content)) = found {
            p.text(from, y, to - from, &content, Role::Marker);
            taken.push((from, to));
        } else if taken.iter().all(|(a, b)| x < *a || x >= *b) {
            p.text(x, y, 1, "▲", Role::Marker);
            taken.push((x, x + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_on_a_round_number() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(nice(0.131), 0.16));
        assert!(close(nice(0.05), 0.05));
        assert!(close(nice(0.0), 1.0));
        assert!(close(nice(2.6), 3.0));
        assert!(close(nice(f64::NAN), 1.0));
    }

    #[test]
    fn the_span_grows_in_steps_and_ends_at_the_newest_sample() {
        let mut s = Series::default();
        for i in 0..100 {
            s.push(i * 15_000, Some(1.0));
        }
        assert_eq!(span(&[&s], 1_800_000), Some((99 * 15_000 - 1_800_000, 99 * 15_000)));
        assert_eq!(span(&[&Series::default()], 1_800_000), None);
    }

    #[test]
    fn a_value_finds_its_row() {
        assert_eq!(dot_row(0.0, 1.0, 8), 7);
        assert_eq!(dot_row(1.0, 1.0, 8), 0);
        assert_eq!(dot_row(9.0, 1.0, 8), 0);
    }
}
