//! The pen of a terminal: where it stands and what it writes in, so that what it is told is only what changes. The
//! sequences are those of ECMA-48 (CUP, CHA, SGR) and the backspace.

use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::style::Color;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr as _;

/// Further back than this a column is told as a number: backspaces would be longer.
const BACK: u16 = 3;

/// Modifiers, the number that puts each on, and the one that takes it off.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

#[derive(Clone, Copy, PartialEq, Eq)]
struct Ink {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Ink = Ink { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// What is known of the pen; nothing at first.
#[derive(Default)]
pub(super) struct Pen {
    at: Option<Position>,
    /// The last it wrote is as wide everywhere: it stands where it is thought to.
    certain: bool,
    ink: Option<Ink>,
}

impl Pen {
    /// Writes a cell. `width` is that of the screen.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, to: Position, cell: &Cell, width: u16) {
        if self.at != Some(to) {
            self.go(out, to);
        }
        self.dip(out, Ink { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
        let symbol = cell.symbol();
        out.extend_from_slice(symbol.as_bytes());
        // Past the last column, and after what is wide, terminals differ.
        let next = to.x + 1;
        self.at = (symbol.width() == 1 && next < width).then_some(Position { x: next, ..to });
        self.certain = symbol.is_ascii();
    }

    /// Goes somewhere, the shortest way.
    pub(super) fn go(&mut self, out: &mut Vec<u8>, to: Position) {
        match self.at {
            Some(at) if self.certain && at == to => {}
            Some(at) if at.y == to.y && self.certain && at.x > to.x && at.x - to.x <= BACK => {
                out.extend(std::iter::repeat_n(b'\x08', usize::from(at.x - to.x)));
            }
            Some(at) if at.y == to.y => out.extend_from_slice(format!("\x1b[{}G", to.x + 1).as_bytes()),
            _ => out.extend_from_slice(format!("\x1b[{};{}H", to.y + 1, to.x + 1).as_bytes()),
        }
        self.at = Some(to);
        self.certain = true;
    }

    /// Takes the terminal's own colours, and no modifier.
    pub(super) fn plain(&mut self, out: &mut Vec<u8>) {
        self.dip(out, PLAIN);
    }

    fn dip(&mut self, out: &mut Vec<u8>, ink: Ink) {
        if self.ink == Some(ink) {
            return;
        }
        let anew = anew(ink);
        let codes = match self.ink {
            Some(before) => Some(changed(before, ink)).filter(|c| c.len() < anew.len()).unwrap_or(anew),
            None => anew,
        };
        out.extend_from_slice(format!("\x1b[{codes}m").as_bytes());
        self.ink = Some(ink);
    }
}

/// What puts an ink on whatever was there before.
fn anew(ink: Ink) -> String {
    let rest = changed(PLAIN, ink);
    if rest.is_empty() { rest } else { format!("0;{rest}") }
}

/// What makes one ink of another.
fn changed(before: Ink, ink: Ink) -> String {
    let mut codes: Vec<String> = Vec::new();
    let mut now = before.modifier;
    for (_, _, off) in MODIFIERS {
        // One number takes two of them off, and to some terminals the two are one: what changes is put on anew.
        let both = MODIFIERS.iter().filter(|m| m.2 == off).fold(Modifier::empty(), |all, m| all | m.0);
        if now.intersects(both) && now & both != ink.modifier & both {
            codes.push(off.to_string());
            now.remove(both);
        }
    }
    let on = MODIFIERS.iter().filter(|m| ink.modifier.contains(m.0) && !now.contains(m.0));
    codes.extend(on.map(|m| m.1.to_string()));
    if before.fg != ink.fg {
        codes.push(colour(ink.fg, 30));
    }
    if before.bg != ink.bg {
        codes.push(colour(ink.bg, 40));
    }
    codes.join(";")
}

/// The number of a colour; `base` is that of black.
fn colour(colour: Color, base: u8) -> String {
    let bright = base + 60;
    let number = match colour {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(n) => return format!("{};5;{n}", base + 8),
        Color::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", base + 8),
    };
    number.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    fn cell(symbol: &'static str, style: Style) -> Cell {
        let mut cell = Cell::new(symbol);
        cell.set_style(style);
        cell
    }

    #[test]
    fn a_clock_that_steps_is_two_bytes() {
        let (mut pen, mut out) = (Pen::default(), Vec::new());
        let muted = Style::new().fg(Color::Indexed(245));
        let at = Position { x: 30, y: 0 };
        pen.put(&mut out, at, &cell("6", muted), 80);
        assert_eq!(out, b"\x1b[1;31H\x1b[0;38;5;245m6");
        out.clear();
        pen.put(&mut out, at, &cell("7", muted), 80);
        assert_eq!(out, b"\x087");
        // What may be wider elsewhere is not gone back over.
        pen.put(&mut out, at, &cell("·", muted), 80);
        out.clear();
        pen.put(&mut out, at, &cell("8", muted), 80);
        assert_eq!(out, b"\x1b[31G8");
    }

    #[test]
    fn the_last_column_and_a_clear_are_told_anew() {
        let (mut pen, mut out) = (Pen::default(), Vec::new());
        pen.put(&mut out, Position { x: 79, y: 4 }, &cell("│", Style::new().fg(Color::Red)), 80);
        out.clear();
        pen.put(&mut out, Position { x: 0, y: 5 }, &cell("│", Style::new().fg(Color::Red)), 80);
        assert_eq!(out, "\x1b[6;1H│".as_bytes());
        out.clear();
        pen.plain(&mut out);
        assert_eq!(out, b"\x1b[m");
    }

    /// What a terminal of 14x4 shows after these bytes.
    fn shown(bytes: &[u8]) -> vt100::Parser {
        let size = |n| std::num::NonZeroU16::new(n).unwrap();
        let mut terminal = vt100::Parser::new(size(4), size(14), 0);
        terminal.process(bytes);
        terminal
    }

    fn ink() -> impl Strategy<Value = Style> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::LightBlue),
            any::<u8>().prop_map(Color::Indexed),
            any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        ];
        let some = Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED | Modifier::DIM;
        (colour.clone(), colour, any::<u16>().prop_map(move |bits| Modifier::from_bits_truncate(bits) & some))
            .prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
    }

    proptest! {
        /// However cells come, a terminal shows what it would if each were told in full.
        #[test]
        fn a_terminal_shows_every_cell_as_it_is(
            cells in prop::collection::vec((0u16..12, 0u16..4, prop_oneof![Just("x"), Just("7"), Just("·"), Just("電")], ink()), 1..40)
        ) {
            let (mut pen, mut short, mut long) = (Pen::default(), Vec::new(), Vec::new());
            for (x, y, symbol, style) in cells {
                let (to, cell) = (Position { x, y }, cell(symbol, style));
                pen.put(&mut short, to, &cell, 14);
                Pen::default().put(&mut long, to, &cell, 14);
            }
            let (short, long) = (shown(&short), shown(&long));
            for row in 0..4 {
                for column in 0..14 {
                    prop_assert_eq!(short.screen().cell(row, column), long.screen().cell(row, column));
                }
            }
        }
    }
}
