//! What to do: whom to call. Runbooks that fit come first here as soon as there is a library of them.

use ratatui::layout::Rect;

use crate::engine::sentence::sentence;
use crate::layout::Pane;
use crate::model::text;
use crate::theme::Role;
use crate::view::health::first_line;
use crate::view::paint::Painter;

/// With fewer rows than this for the reasons, only those that WHAT does not say already, without a title.
const WHY_ROWS: u16 = 4;

/// The reasons below the contacts, where there is room.
fn why(p: &mut Painter<'_>, area: Rect, used: u16) {
    let room = area.height.saturating_sub(used);
    let state = p.shown();
    let findings = &state.verdict.findings;
    let short = room < WHY_ROWS;
    if room == 0 || findings.len() <= usize::from(short) {
        return;
    }
    let lang = p.lang();
    let mut y = area.y + used;
    if short {
        // What WHAT says already is left out: these come beside it.
        y -= 1;
        p.text(area.x, y, area.width, &lang.todo_also(), Role::Title);
    } else {
        p.text(area.x, y, area.width, &lang.todo_why(), Role::Title);
    }
    let all = findings.len() - usize::from(short);
    for (said, f) in findings.iter().skip(usize::from(short)).enumerate() {
        let indent = 16;
        if y + 2 >= area.bottom() && said + 1 < all {
            y += 1;
            if y < area.bottom() {
                let more = format!("{} [s]", lang.more_below(all - said));
                p.text(area.x + 2, y, area.width.saturating_sub(2), &more, Role::Muted);
            }
            return;
        }
        let lines = text::wrap(&sentence(lang, f), usize::from(area.width.saturating_sub(indent)));
        for (i, line) in lines.iter().enumerate() {
            y += 1;
            if y >= area.bottom() {
                return;
            }
            if i == 0 {
                p.text(area.x + 2, y, 7, f.level.word(), Role::of(f.level));
                p.text(area.x + 10, y, 6, &state.settings.zone.hm(f.since), Role::Muted);
            }
            p.text(area.x + indent, y, area.width.saturating_sub(indent), line, Role::Text);
        }
    }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    let contacts = &state.settings.contacts;
    if contacts.is_empty() {
        p.text(area.x, area.y, area.width, &lang.todo_no_contacts(), Role::Muted);
        return;
    }
    p.text(area.x, area.y, area.width, &lang.todo_call(), Role::Title);
    let rows = usize::from(area.height.saturating_sub(1));
    why(p, area, contacts.len() as u16 + 2);
    let focused = p.state.ui.focus == Pane::Todo;
    let at = p.state.ui.selected[Pane::Todo.index()];
    let from = first_line(at, contacts.len(), rows, focused);
    let role_width = contacts.iter().map(|c| text::width(&c.role)).max().unwrap_or(0).min(20);
    let name_width = contacts.iter().map(|c| text::width(&c.name)).max().unwrap_or(0).min(24);
    for (i, c) in contacts.iter().enumerate().skip(from).take(rows) {
        let y = area.y + 1 + (i - from) as u16;
        let mark = if focused && i == at { "> " } else { "  " };
        let (role, name) = (text::pad(&c.role, role_width), text::pad(&c.name, name_width));
        let used = p.pieces(
            area.x,
            y,
            area.width,
            &[
                (mark, Role::Key),
                (&role, Role::Text),
                ("  ", Role::Text),
                (&name, Role::Text),
                ("  ", Role::Text),
                (&c.how, Role::Muted),
            ],
        );
        if focused && i == at {
            p.select(area, y);
            let hint = lang.todo_copy();
            if used + text::width(&hint) as u16 + 2 <= area.width {
                p.right(area, y, &hint, Role::Muted);
            }
        }
    }
}
