//! Every signal: value, limit, state.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::outdated;
use crate::engine::signals::Signal;
use crate::engine::standing;
use crate::engine::state::SignalState;
use crate::engine::visible_signals;
use crate::engine::words;
use crate::engine::words::figure;
use crate::lang::Lang;
use crate::layout::Pane;
use crate::model::signal::Limit;
use crate::model::signal::Reading;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::text;
use crate::model::time::Short;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::health::below;
use crate::view::health::first_line;
use crate::view::now::stale;
use crate::view::paint::Painter;

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let hidden = p.shown().signals.shown().count() - visible_signals(p.state).len();
    let right = if hidden > 0 { p.lang().hidden(hidden) } else { String::new() };
    Heading { right, ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let places = visible_signals(p.state);
    let focused = p.state.ui.focus == Pane::Signals;
    let at = p.state.ui.selected[Pane::Signals.index()];
    let rows = usize::from(area.height);
    let from = first_line(at, places.len(), rows, focused);
    let old = stale(state, p, Feed::Metrics).is_some();
    for (row, i) in places.iter().enumerate().skip(from).take(rows) {
        let y = area.y + (row - from) as u16;
        let s = &state.signals.all[*i];
        signal(p, area, y, s, s.last.is_some() && (old || outdated(state, s)));
        if focused && row == at {
            p.select(area, y);
        }
    }
    below(p, area, places.len().saturating_sub(from + rows));
}

fn signal(p: &mut Painter<'_>, area: Rect, y: u16, signal: &Signal, old: bool) {
    let lang = p.lang();
    let state = p.shown();
    let name_width = (area.width / 3).clamp(8, 30);
    p.text(area.x, y, name_width, &words::signal(lang, &signal.spec.name), Role::Text);
    let x = area.x + name_width + 1;
    let (value, role) = match signal.last.as_ref().map(|(_, s)| &s.reading) {
        Some(Reading::Value(v)) if old => (figure(lang, *v, signal.spec.unit), Role::Stale),
        Some(Reading::Value(v)) => (figure(lang, *v, signal.spec.unit), Role::Text),
        Some(Reading::Absent(why)) => (words::absence(lang, why), Role::Muted),
        None => (lang.absent_not_yet(), Role::Muted),
    };
    // A verdict on an old figure would be a verdict on now.
    let (word, word_role) = if old { (lang.signal_stale(), Role::Unknown) } else { state_words(state, lang, signal) };
    let word_width = text::width(&word) as u16;
    let room = area.right().saturating_sub(x + word_width + 1);
    let mut used = p.text(x, y, room, &value, role);
    let limit = signal.spec.critical.or(signal.spec.warning);
    if let Some(limit) = limit.filter(|_| role != Role::Muted) {
        let words = format!("  {}", lang.chart_limit(figure(lang, limit.value, signal.spec.unit)));
        if used + text::width(&words) as u16 <= room {
            used += p.text(x + used, y, room - used, &words, Role::Muted);
        }
    }
    p.right(Rect { x: x + used, width: area.right().saturating_sub(x + used), ..area }, y, &word, word_role);
}

fn state_words(state: &State, lang: Lang, signal: &Signal) -> (String, Role) {
    let zone = state.settings.zone;
    if let Some(known) = state.announcer.words(lang, zone, &signal.spec.name, state.now.wall) {
        return (known, Role::Notice);
    }
    let limited = signal.spec.warning.is_some() || signal.spec.critical.is_some();
    match standing(state, signal) {
        SignalState::Ok if limited && beyond(signal) => (lang.signal_calming(), Role::Sev4),
        SignalState::Ok if limited => (lang.signal_calm(), Role::Good),
        SignalState::Ok => (String::new(), Role::Muted),
        SignalState::Pending(since) => (lang.signal_pending(Short(state.now.wall - since)), Role::Sev4),
        SignalState::Warning => (lang.signal_warning(), Role::Sev3),
        SignalState::Critical => (lang.signal_critical(), Role::Sev2),
        SignalState::Unknown => (lang.signal_unknown(), Role::Muted),
    }
}

/// The five-minute memory is still beyond a limit while the last minute is calm.
fn beyond(signal: &Signal) -> bool {
    let value = signal.last.as_ref().and_then(|(_, s)| s.reading.value());
    let limits = [signal.spec.warning, signal.spec.critical];
    value.is_some_and(|v| limits.iter().flatten().any(|l| l.broken_by(v)))
}

/// A limit with its time, for the detail page.
pub(super) fn limit_words(lang: Lang, limit: Option<Limit>, unit: Unit) -> String {
    match limit {
        None => lang.detail_no_limit(),
        Some(l) if l.hold == 0 => figure(lang, l.value, unit),
        Some(l) => lang.detail_limit_for(figure(lang, l.value, unit), Span(l.hold)),
    }
}
