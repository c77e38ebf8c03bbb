//! What happened, newest first.

use std::collections::HashSet;

use ratatui::layout::Rect;

use crate::engine::filter::pinned;
use crate::engine::record;
use crate::engine::timeline::Entry;
use crate::engine::visible_facts;
use crate::engine::words::figure;
use crate::layout::Pane;
use crate::model::fact::Fact;
use crate::model::signal::Unit;
use crate::model::text;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::health::below;
use crate::view::health::first_line;
use crate::view::paint::Painter;

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let hidden = p.shown().timeline.len() - visible_facts(p.state).len();
    let right = if hidden > 0 { p.lang().hidden(hidden) } else { p.lang().facts_newest() };
    Heading { right, ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let places = visible_facts(p.state);
    let focused = p.state.ui.focus == Pane::Facts;
    let at = p.state.ui.selected[Pane::Facts.index()];
    let rows = usize::from(area.height);
    let from = first_line(at, places.len(), rows, focused);
    let pinned = pinned(state);
    for (row, i) in places.iter().enumerate().skip(from).take(rows) {
        let Some(entry) = state.timeline.at(*i) else {
            continue;
        };
        let y = area.y + (row - from) as u16;
        line(p, area, y, entry, &pinned);
        if focused && row == at {
            p.select(area, y);
        }
    }
    below(p, area, places.len().saturating_sub(from + rows));
}

fn line(p: &mut Painter<'_>, area: Rect, y: u16, entry: &Entry, pinned: &HashSet<(&str, i64)>) {
    let lang = p.lang();
    let state = p.shown();
    let clock = state.settings.zone.hms(entry.at);
    let mut area = area;
    if record::unsaved(state, entry) {
        let mark = format!(" {}", lang.fact_saving());
        p.right(area, y, &mark, Role::Unknown);
        area.width = area.width.saturating_sub(text::width(&mark) as u16);
    } else if let Some(share) = entry.moment.and_then(|m| m.failing).filter(|_| area.width >= 90) {
        // The figures of that moment.
        let mark = format!("  {}", lang.fact_failing(figure(lang, share, Unit::Ratio)));
        p.right(area, y, &mark, Role::Muted);
        area.width = area.width.saturating_sub(text::width(&mark) as u16);
    }
    let kept_up = entry.place().is_some_and(|at| pinned.contains(&at));
    let mut used = p.text(area.x, y, area.width, &format!("{clock} "), if kept_up { Role::Focus } else { Role::Muted });
    if kept_up {
        used += p.text(area.x + used, y, area.width, "▪ ", Role::Focus);
    }
    if area.width >= 90 {
        used += p.text(area.x + used, y, 10, &text::pad(&entry.who(lang), 10), Role::Muted);
    }
    let role = match &entry.what {
        Fact::Level { to, from, .. } if to > from => Role::Text,
        Fact::Opened | Fact::Level { .. } => Role::Muted,
        _ => Role::Text,
    };
    p.text(
        area.x + used,
        y,
        area.width.saturating_sub(used),
        &entry.words(lang, p.shown().settings.zone).replace('\n', " ⏎ "),
        role,
    );
}
