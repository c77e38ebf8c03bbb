//! The health checks, one line each.

use ratatui::layout::Rect;

use crate::engine::visible_checks;
use crate::engine::words;
use crate::engine::words::figure;
use crate::model::health::Check;
use crate::model::health::Status;
use crate::model::signal::Unit;
use crate::model::text;
use crate::model::time::Millis;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::paint::Painter;

pub(super) fn role(status: Status) -> Role {
    match status {
        Status::Up => Role::Good,
        Status::Degraded | Status::Flapping => Role::Sev3,
        Status::Down => Role::Sev1,
        Status::Unknown => Role::Muted,
    }
}

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    let (up, all) = state.checks.up();
    if all == 0 {
        return Heading::default();
    }
    let hidden = all - visible_checks(p.state).len();
    let mut right = p.lang().health_count(up, all);
    if hidden > 0 {
        right = format!("{} · {right}", p.lang().hidden(hidden));
    }
    let worst = state.checks.all.iter().any(|c| c.shown() == Status::Down);
    Heading { right, role: worst.then_some(Role::Unknown), ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let places = visible_checks(p.state);
    let state = p.shown();
    if state.checks.all.is_empty() {
        let words = p.lang().health_none();
        p.text(area.x, area.y, area.width, &words, Role::Muted);
        return;
    }
    let focused = p.state.ui.focus == crate::layout::Pane::Health;
    let rows = usize::from(area.height);
    // What is wrong is shown first when not everything fits and nobody is choosing lines.
    let mut order: Vec<(usize, usize)> = places.iter().copied().enumerate().collect();
    if order.len() > rows && !focused {
        order.sort_by_key(|(_, i)| state.checks.all[*i].shown() == Status::Up);
    }
    let at = p.state.ui.selected[crate::layout::Pane::Health.index()];
    let from = first_line(at, order.len(), rows, focused);
    for (row, (line, i)) in order.iter().skip(from).take(rows).enumerate() {
        let y = area.y + row as u16;
        check(p, area, y, &state.checks.all[*i]);
        if focused && *line == at {
            p.select(area, y);
        }
    }
    below(p, area, order.len().saturating_sub(from + rows));
}

/// The first line shown so that the selected one is in sight.
pub(super) fn first_line(selected: usize, lines: usize, rows: usize, focused: bool) -> usize {
    if !focused || lines <= rows {
        return 0;
    }
    selected.saturating_sub(rows / 2).min(lines - rows)
}

/// Says in the last line's corner how many lines did not fit.
pub(super) fn below(p: &mut Painter<'_>, area: Rect, n: usize) {
    // The last line gives way: a figure that is half covered would be a wrong figure.
    if n > 0 && area.height > 1 {
        let row = Rect { y: area.bottom() - 1, height: 1, ..area };
        p.clear(row);
        let words = p.lang().more_below(n + 1);
        p.right(row, row.y, &words, Role::Muted);
    }
}

fn check(p: &mut Painter<'_>, area: Rect, y: u16, check: &Check) {
    let lang = p.lang();
    let zone = p.shown().settings.zone;
    let status = check.shown();
    let word = text::pad(&words::status(lang, status), 8);
    // Without a network nothing here is the service's fault: no red.
    let role = if p.shown().no_network() { Role::Unknown } else { role(status) };
    let used = p.text(area.x, y, area.width, &word, role) + 1;
    let strip = if area.width >= 90 { 30 } else { 11 };
    // What is wrong needs the room more than a strip does.
    let strip_room = if area.width >= 54 && status == Status::Up { strip } else { 0 };
    let middle = area.width.saturating_sub(used + strip_room + 1);
    let latency = check.last.as_ref().and_then(|probe| probe.latency).map_or(String::new(), ms);
    // Two parts: the name, then what it said; the name never takes more than it needs.
    let names = p.shown().checks.all.iter().map(|c| text::width(&c.name) + if c.critical { 0 } else { 2 }).max();
    let name_width = (names.unwrap_or(0).min(40) as u16).min(middle / 2);
    let name = if check.critical { check.name.clone() } else { format!("({})", check.name) };
    p.text(area.x + used, y, name_width, &text::pad(&name, usize::from(name_width)), Role::Text);
    let x = area.x + used + name_width + 1;
    let room = middle.saturating_sub(name_width + 1);
    let known = p.shown().announcer.words(lang, zone, &check.name, p.shown().now.wall);
    let detail = match known {
        Some(known) => format!("{known} · {}", words::check_detail(lang, check)),
        None => words::check_detail(lang, check),
    };
    let since = match status {
        Status::Up | Status::Unknown => String::new(),
        _ => {
            let at = check.failing_since.or(check.slow_since).unwrap_or(check.changed);
            format!(" {}", zone.hm(at.wall))
        }
    };
    let right = if status == Status::Up || status == Status::Degraded { format!("{latency:>7}") } else { since };
    let right_width = text::width(&right) as u16;
    let detail_role = if status == Status::Up { Role::Muted } else { Role::Text };
    p.text(x, y, room.saturating_sub(right_width), &detail, detail_role);
    if room >= right_width {
        p.text(x + room - right_width, y, right_width, &right, Role::Text);
    }
    if strip_room > 0 {
        strip_of(p, area, y, strip, check);
    }
}

fn ms(latency: Millis) -> String {
    figure(crate::lang::Lang::En, latency as f64 / 1_000.0, Unit::Seconds)
}

fn strip_of(p: &mut Painter<'_>, area: Rect, y: u16, width: u16, check: &Check) {
    let values: Vec<Option<f64>> = check.strip.iter().map(|l| l.map(|v| v as f64)).collect();
    // A few milliseconds more or less are not worth a mountain: the scale begins at 50 ms.
    let top = values.iter().flatten().copied().fold(50.0, f64::max);
    let x = area.right() - width;
    let shown = values.len().min(usize::from(width)) as u16;
    p.bars(x + width - shown, y, shown, &values, top, Role::Curve);
}
