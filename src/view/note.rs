//! A note being written, at the foot of the screen: what it is about stays in sight.

use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::engine::note::Editor;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Rows of the box, its frame included: five lines are a note, more scroll.
const ROWS: u16 = 8;

pub(super) fn draw(p: &mut Painter<'_>, screen: Rect, editor: &Editor) {
    let height = ROWS.min(screen.height.saturating_sub(3));
    if height < 4 || screen.width < 12 {
        return;
    }
    let area = Rect { y: screen.bottom() - 1 - height, height, ..screen };
    let lang = p.lang();
    p.clear(area);
    p.frame(area);
    let id = p.state.record.incident.as_ref().map_or("", |i| &i.id);
    p.text(area.x + 2, area.y, area.width - 4, &format!(" {} ", lang.note_title(id)), Role::Focus);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: height - 3 };
    let mut text = editor.area().clone();
    text.set_style(p.style(Role::Text));
    text.set_cursor_style(p.style(Role::Selected));
    text.render(inner, p.buffer());
    p.text(inner.x, inner.bottom(), inner.width, &lang.note_hint(), Role::Muted);
}
