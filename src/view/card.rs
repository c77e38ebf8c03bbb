//! The card of a silence: everything that it would do, before it does it. It has no default.

use ratatui::layout::Rect;

use crate::engine::known::Mark;
use crate::engine::silence::Card;
use crate::engine::silence::matching;
use crate::model::alert::Alert;
use crate::model::text;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::overlay::page;
use crate::view::paint::Painter;

/// Draws the card; returns where the cursor stands while the comment is typed.
pub(super) fn draw(p: &mut Painter<'_>, screen: Rect, card: &Card) -> Option<(u16, u16)> {
    let lang = p.lang();
    let title = match card {
        Card { ends: Some(_), .. } => lang.card_unsilence(),
        Card { acknowledge: true, .. } => lang.card_acknowledge(),
        _ => lang.card_silence(),
    };
    let lines = lines(p, card);
    if card.typing {
        // The last line of the screen is where things are typed.
        let label = format!(" {}", lang.card_comment(""));
        let row = Rect { y: screen.bottom().saturating_sub(1), height: 1, ..screen };
        page(p, screen, &title, &lines, 0);
        p.clear(row);
        let used = p.text(row.x, row.y, row.width, &label, Role::Notice);
        p.text(row.x + used, row.y, row.width.saturating_sub(used), card.comment.text(), Role::Text);
        return Some((row.x + used + text::width(&card.comment.before_cursor()) as u16, row.y));
    }
    page(p, screen, &title, &lines, 0);
    None
}

/// Draws the card of a mark.
pub(super) fn known(p: &mut Painter<'_>, screen: Rect, mark: &Mark) {
    let lang = p.lang();
    let state = p.state;
    let until = state.settings.zone.hm(state.now.wall + mark.time);
    let first = if mark.marked {
        lang.card_known_over(&mark.subject)
    } else {
        lang.card_known_until(&mark.subject, until, Span(mark.time))
    };
    let lines = vec![
        vec![(first, Role::Title)],
        vec![(lang.card_by(&state.settings.operator), Role::Text)],
        vec![(lang.card_known_keeps(), Role::Muted)],
    ];
    page(p, screen, &lang.card_known(), &lines, 0);
}

fn lines(p: &Painter<'_>, card: &Card) -> Vec<Line> {
    let lang = p.lang();
    let state = p.state;
    let zone = state.settings.zone;
    let mut lines: Vec<Line> = card.matchers.iter().map(|m| vec![(format!("  {m}"), Role::Text)]).collect();
    let n = matching(&card.matchers, &state.alerts.all).count();
    lines.push(Vec::new());
    if let Some(silence) = &card.ends {
        lines.push(vec![(lang.card_made(&silence.by, &silence.comment), Role::Text)]);
        let rings = |a: &&Alert| a.silenced_by.iter().all(|id| *id == silence.id);
        let again = matching(&card.matchers, &state.alerts.all).filter(rings).count();
        lines.push(vec![(lang.card_rings(again), Role::Title)]);
        if n > again {
            lines.push(vec![(lang.card_still(n - again), Role::Text)]);
        }
        if !card.others.is_empty() {
            lines.push(vec![(lang.card_others(card.others.len() + 1), Role::Muted)]);
        }
        return lines;
    }
    lines.push(vec![(if n > 0 { lang.card_matches(n) } else { lang.card_matches_none() }, Role::Title)]);
    lines.push(vec![(lang.card_until(zone.hm(state.now.wall + card.time), Span(card.time)), Role::Title)]);
    if card.acknowledge {
        lines.push(vec![(lang.card_extends(), Role::Text)]);
    }
    lines.push(vec![(lang.card_by(&state.settings.operator), Role::Text)]);
    lines.push(vec![(lang.card_comment(card.comment.text()), Role::Text)]);
    lines.push(vec![(lang.card_keeps(), Role::Muted)]);
    lines
}
