//! A note being written, at the foot of the screen: what it is about stays in sight.

use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::engine::fact::said;
use crate::engine::note::Editor;
use crate::engine::note::Purpose;
use crate::engine::note::understood;
use crate::model::fact::Fact;
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
    let id = p.state.record.incident.as_ref().map_or("", |i| i.id.as_str());
    let settings = &p.state.settings;
    let (title, hint) = match editor.purpose {
        Purpose::Correction(seq) => (lang.note_correction(seq), String::new()),
        Purpose::Tags(seq) => (lang.note_tags(seq), lang.note_tags_hint()),
        Purpose::Note => {
            // What is said of it before it is saved: a slip is seen in time.
            let (at, fact) = understood(&editor.text(), p.state.now.wall, settings.zone);
            let what = match &fact {
                Fact::Note { .. } => lang.note_is_note(),
                other => said(other, lang, settings.zone).replace('\n', " "),
            };
            let plain = matches!(fact, Fact::Note { .. }) && at == p.state.now.wall;
            let hint = if plain { lang.note_hint() } else { lang.note_is(settings.zone.hm(at), what) };
            let title = if id.is_empty() { lang.note_no_incident() } else { lang.note_title(id) };
            (title, hint)
        }
    };
    p.text(area.x + 2, area.y, area.width - 4, &format!(" {title} "), Role::Focus);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: height - 3 };
    let mut text = editor.area().clone();
    text.set_style(p.style(Role::Text));
    text.set_cursor_style(p.style(Role::Selected));
    text.render(inner, p.buffer());
    p.text(inner.x, inner.bottom(), inner.width, &hint, Role::Muted);
}
