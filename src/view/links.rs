//! The links to other tools. The terminal is told their addresses beside the picture (OSC 8), so that a click opens
//! them where a terminal knows how; the address stands there in full for whoever has to copy it.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::links::filled;
use crate::engine::state::Overlay;
use crate::model::text;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Columns of the names.
const NAME: u16 = 16;

/// A name on the screen and the address behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Column of its first cell.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// What stands there.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

fn area(screen: Rect, n: usize) -> Rect {
    let height = (n as u16 * 2 + 2).min(screen.height.saturating_sub(3));
    let width = screen.width.saturating_sub(4).min(110);
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + 2, width, height }
}

pub(super) fn draw(p: &mut Painter<'_>, screen: Rect, at: usize) {
    let links = filled(p.shown());
    let area = area(screen, links.len());
    if area.width < 20 || area.height < 4 {
        return;
    }
    p.clear(area);
    p.frame(area);
    let lang = p.lang();
    p.text(area.x + 2, area.y, area.width - 4, &format!(" {} ", lang.page_links()), Role::Focus);
    for (i, link) in links.iter().enumerate() {
        let y = area.y + 1 + i as u16 * 2;
        if y + 1 >= area.bottom() - 1 {
            break;
        }
        let mark = if i == at { "> " } else { "  " };
        p.text(area.x + 2, y, 2, mark, Role::Key);
        p.text(area.x + 4, y, NAME, &link.name, Role::Title);
        // Two rows: an address that is cut off leads nowhere.
        let width = usize::from(area.width - 4 - 2 - NAME);
        for (row, piece) in pieces(&link.url, width).into_iter().take(2).enumerate() {
            p.text(area.x + 4 + NAME, y + row as u16, width as u16, &piece, Role::Text);
        }
        if i == at {
            p.select(Rect { x: area.x + 1, width: area.width - 2, ..area }, y);
        }
    }
    let close = format!(" [y] {} · {} ", lang.cmd_copy(), lang.page_close());
    p.right(Rect { width: area.width - 2, ..area }, area.bottom() - 1, &close, Role::Muted);
}

fn pieces(url: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = url.chars().collect();
    chars.chunks(width.max(1)).map(|c| c.iter().collect()).collect()
}

/// What is on the screen now and leads somewhere.
#[must_use]
pub fn anchors(state: &State, size: (u16, u16)) -> Vec<Anchor> {
    if !matches!(state.ui.overlay, Overlay::Links(_)) {
        return Vec::new();
    }
    let links = filled(state.shown());
    let area = area(Rect::new(0, 0, size.0, size.1), links.len());
    let room = usize::from(area.height.saturating_sub(2) / 2);
    links
        .into_iter()
        .take(room)
        .enumerate()
        .map(|(i, l)| Anchor {
            x: area.x + 4,
            y: area.y + 1 + i as u16 * 2,
            text: text::fit(&l.name, usize::from(NAME)),
            url: l.url,
        })
        .collect()
}
