//! What happened, newest first.

use ratatui::layout::Rect;

use crate::engine::annotations::Annotations;
use crate::engine::filter::hidden_facts;
use crate::engine::timeline::Entry;
use crate::engine::unsaved;
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
    let hidden = hidden_facts(p.state);
    let right = match hidden {
        0 if p.shown().timeline.is_full() => p.lang().facts_full(),
        0 => p.lang().facts_newest(),
        n => p.lang().hidden(n),
    };
    Heading { right, ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let places = visible_facts(p.state);
    let focused = p.state.ui.focus == Pane::Facts;
    let at = p.state.ui.selected[Pane::Facts.index()];
    let rows = usize::from(area.height);
    let from = first_line(at, places.len(), rows, focused);
    let said = Annotations::of(state);
    // Who does not look here in particular wants the news: what is pinned leaves most of the room to it.
    let pins = if focused { usize::MAX } else { rows / 3 };
    let is_pin = |i: &usize| said.any_pinned() && state.timeline.at(*i).is_some_and(|e| said.pinned(e));
    let leading = places.iter().take_while(|i| is_pin(i)).count();
    let shown = places.iter().take(leading.min(pins)).chain(places.iter().skip(leading));
    for (row, i) in shown.enumerate().skip(from).take(rows) {
        let Some(entry) = state.timeline.at(*i) else {
            continue;
        };
        let y = area.y + (row - from) as u16;
        line(p, area, y, entry, &said);
        if focused && row == at {
            p.select(area, y);
        }
    }
    below(p, area, places.len().saturating_sub(from + rows));
}

fn line<'a>(p: &mut Painter<'a>, area: Rect, y: u16, entry: &'a Entry, said: &Annotations<'a>) {
    let lang = p.lang();
    let state = p.shown();
    let clock = state.settings.zone.hms(entry.at);
    let mut area = area;
    if unsaved::unsaved(state, entry) {
        let lost = unsaved::in_trouble(state);
        let mark = format!(" {}", if lost { lang.fact_not_saved() } else { lang.fact_saving() });
        p.right(area, y, &mark, Role::Unknown);
        area.width = area.width.saturating_sub(text::width(&mark) as u16);
    } else if let Some(share) = entry.moment.as_ref().and_then(|m| m.failing).filter(|_| area.width >= 90) {
        // The figures of that moment.
        let mark = format!("  {}", lang.fact_failing(figure(lang, share, Unit::Ratio)));
        p.right(area, y, &mark, Role::Muted);
        area.width = area.width.saturating_sub(text::width(&mark) as u16);
    }
    let kept_up = said.pinned(entry);
    // The mark takes the place of the blank: what follows stays in its column.
    let mark = if kept_up { '▪' } else { ' ' };
    let mut used =
        p.text(area.x, y, area.width, &format!("{clock}{mark}"), if kept_up { Role::Focus } else { Role::Muted });
    if area.width >= 90 {
        used += p.text(area.x + used, y, 10, &text::pad(&entry.who(lang), 10), Role::Muted);
    } else if entry.what.by_person()
        && !entry.by.is_empty()
        && !matches!(entry.what, Fact::Silenced { .. } | Fact::KnownBad { .. })
    {
        used += p.text(area.x + used, y, 14, &format!("{}: ", entry.by), Role::Muted);
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
        &said.words(state, entry, lang, state.settings.zone).replace('\n', " ⏎ "),
        role,
    );
}
