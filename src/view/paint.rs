//! The few strokes everything is drawn with. All of them keep to their area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::engine::State;
use crate::lang::Lang;
use crate::model::text;
use crate::theme::Role;
use crate::theme::Theme;
use crate::view::Heading;

/// Heights of a bar, in eighths of a cell.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A buffer with what is needed to draw on it.
pub(super) struct Painter<'a> {
    pub(super) buf: &'a mut Buffer,
    pub(super) theme: &'a Theme,
    pub(super) state: &'a State,
}

impl<'a> Painter<'a> {
    pub(super) fn new(buf: &'a mut Buffer, theme: &'a Theme, state: &'a State) -> Self {
        Self { buf, theme, state }
    }

    pub(super) fn lang(&self) -> Lang {
        self.state.settings.lang
    }

    /// The state to be drawn: live, or frozen.
    pub(super) fn shown(&self) -> &'a State {
        self.state.shown()
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.buf
    }

    pub(super) fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Writes at a place, cut to `width` cells with an ellipsis; returns the cells used.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, content: &str, role: Role) -> u16 {
        if width == 0 || y >= self.buf.area.bottom() || x >= self.buf.area.right() {
            return 0;
        }
        let width = width.min(self.buf.area.right() - x);
        let style = self.style(role);
        let fitted = text::fit(content, usize::from(width));
        let (end, _) = self.buf.set_stringn(x, y, fitted, usize::from(width), style);
        end - x
    }

    /// Writes pieces one after another on a line; returns the cells used.
    pub(super) fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (content, role) in pieces {
            used += self.text(x + used, y, width.saturating_sub(used), content, *role);
        }
        used
    }

    /// Writes so that the last cell is the last of the area; nothing when it does not fit.
    pub(super) fn right(&mut self, area: Rect, y: u16, content: &str, role: Role) -> u16 {
        let w = text::width(content) as u16;
        if w > area.width {
            return 0;
        }
        self.text(area.right() - w, y, w, content, role)
    }

    /// Gives a whole line the look of the selection.
    pub(super) fn select(&mut self, area: Rect, y: u16) {
        let style = self.style(Role::Selected);
        self.buf.set_style(Rect { y, height: 1, ..area }.intersection(self.buf.area), style);
    }

    /// A box.
    pub(super) fn frame(&mut self, area: Rect) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let style = self.style(Role::Border);
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..right {
            self.put(x, area.y, "─", style);
            self.put(x, bottom, "─", style);
        }
        for y in area.y + 1..bottom {
            self.put(area.x, y, "│", style);
            self.put(right, y, "│", style);
        }
        for (x, y, corner) in [(area.x, area.y, "┌"), (right, area.y, "┐"), (area.x, bottom, "└"), (right, bottom, "┘")]
        {
            self.put(x, y, corner, style);
        }
    }

    /// A line across a box.
    pub(super) fn divider(&mut self, row: Rect) {
        self.rule(row);
        let style = self.style(Role::Border);
        if row.width >= 2 {
            self.put(row.x, row.y, "├", style);
            self.put(row.right() - 1, row.y, "┤", style);
        }
    }

    /// A line without ends.
    pub(super) fn rule(&mut self, row: Rect) {
        let style = self.style(Role::Border);
        if row.height > 0 {
            for x in row.x..row.right() {
                self.put(x, row.y, "─", style);
            }
        }
    }

    /// A pane's title on its line: `─ 3 Failures ──── 5m 12.6 % · 1m 13.0 % ─`.
    pub(super) fn title(&mut self, row: Rect, number: usize, name: &str, focused: bool, heading: &Heading) {
        if row.height == 0 || row.width < 8 {
            return;
        }
        let role = if focused { Role::Focus } else { Role::Title };
        let number = format!(" {number} ");
        let mut x = row.x + 2;
        let room = row.width - 4;
        let mut used = self.text(x, row.y, room, &number, if focused { Role::Focus } else { Role::Muted });
        used += self.text(x + used, row.y, room - used, &format!("{name} "), role);
        if !heading.left.is_empty() {
            used += self.text(x + used, row.y, room - used, &format!("{} ", heading.left), Role::Muted);
        }
        x += used;
        if !heading.right.is_empty() {
            let content = format!(" {} ", heading.right);
            let room = Rect { x, y: row.y, width: (row.right() - 2).saturating_sub(x), height: 1 };
            let content = text::fit(&content, usize::from(room.width));
            self.right(room, row.y, &content, heading.role.unwrap_or(Role::Muted));
        }
    }

    pub(super) fn put(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }

    /// One line of bars for values from 0 to `top`; `None` is a gap. The newest stands at the right end.
    pub(super) fn bars(&mut self, x: u16, y: u16, width: u16, values: &[Option<f64>], top: f64, role: Role) {
        let style = self.style(role);
        let skip = values.len().saturating_sub(usize::from(width));
        for (i, value) in values.iter().skip(skip).enumerate() {
            let symbol = match value {
                None => " ",
                Some(v) if top > 0.0 => BARS[((v / top * 7.0).round().clamp(0.0, 7.0)) as usize],
                Some(_) => BARS[0],
            };
            self.put(x + i as u16, y, symbol, style);
        }
    }

    /// Clears an area: something will lie over what was drawn.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}
