//! The terminal of a step, cell by cell. Nothing of what a program prints reaches the person's terminal but these cells.

use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::model::console::Console;
use crate::model::credential;
use crate::theme::Depth;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Draws it; returns where its cursor stands.
pub(super) fn draw(p: &mut Painter<'_>, area: Rect, console: &Console) -> (u16, u16) {
    let screen = console.screen();
    let plain = p.style(Role::Text);
    let depth = p.theme.depth;
    let (columns, rows) = console.size();
    for row in 0..rows.min(area.height) {
        let secret = secret(screen, row, columns);
        for column in 0..columns.min(area.width) {
            let Some(cell) = screen.cell(row, column) else { continue };
            if cell.is_wide_continuation() {
                continue;
            }
            let mut style = coloured(plain, cell.fgcolor(), cell.bgcolor(), depth);
            let marks = [
                (cell.bold(), Modifier::BOLD),
                (cell.dim(), Modifier::DIM),
                (cell.italic(), Modifier::ITALIC),
                (cell.underline(), Modifier::UNDERLINED),
                (cell.inverse(), Modifier::REVERSED),
            ];
            for (_, mark) in marks.iter().filter(|(on, _)| *on) {
                style = style.add_modifier(*mark);
            }
            let symbol = match () {
                () if secret.contains(&column) => "•",
                () if cell.has_contents() => cell.contents(),
                () => " ",
            };
            p.put(area.x + column, area.y + row, symbol, style);
        }
    }
    let (row, column) = screen.cursor_position();
    (area.x + column.min(area.width.saturating_sub(1)), area.y + row.min(area.height.saturating_sub(1)))
}

/// The columns of a row in which a secret stands, by its name, its place or its form.
fn secret(screen: &vt100::Screen, row: u16, columns: u16) -> Vec<u16> {
    let (mut text, mut places) = (String::new(), Vec::new());
    for column in 0..columns {
        let contents = screen.cell(row, column).filter(|c| c.has_contents()).map_or(" ", vt100::Cell::contents);
        places.extend(std::iter::repeat_n(column, contents.len()));
        text.push_str(contents);
    }
    let found = credential::find(text.trim_end()).into_iter();
    found.flat_map(|c| places.get(c.at).unwrap_or_default().to_vec()).collect()
}

/// The colours of a program, as far as the person's terminal has them.
fn coloured(style: Style, front: vt100::Color, back: vt100::Color, depth: Depth) -> Style {
    // The cube of 6 by 6 by 6 that terminals of 256 colours have.
    let cube = |r: u8, g: u8, b: u8| 16 + 36 * (r / 43) + 6 * (g / 43) + b / 43;
    let colour = |c: vt100::Color| match (c, depth) {
        (vt100::Color::Default, _) | (_, Depth::None) | (vt100::Color::Rgb(..), Depth::Sixteen) => None,
        (vt100::Color::Idx(n), Depth::Sixteen) => (n < 16).then_some(Color::Indexed(n)),
        (vt100::Color::Idx(n), _) => Some(Color::Indexed(n)),
        (vt100::Color::Rgb(r, g, b), Depth::Indexed) => Some(Color::Indexed(cube(r, g, b))),
        (vt100::Color::Rgb(r, g, b), Depth::True) => Some(Color::Rgb(r, g, b)),
    };
    let style = colour(front).map_or(style, |c| style.fg(c));
    colour(back).map_or(style, |c| style.bg(c))
}
