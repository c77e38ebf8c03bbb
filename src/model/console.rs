//! The screen of a step: what its output looks like on a terminal. The bytes of a program reach a person only through
//! here: what would steer the person's own terminal, or its clipboard, stays inside.

use std::fmt;
use std::num::NonZeroU16;

use vt100::Parser;
use vt100::Screen;

/// Lines that can be scrolled back to. What came before is in the file of the output.
const SCROLLBACK: usize = 1_000;

/// A terminal's screen, and the lines that have left it.
pub struct Console {
    parser: Parser,
    /// Another one after every change.
    version: u64,
    /// Lines ended so far.
    lines: u64,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}

impl Console {
    /// An empty screen of so many columns and rows.
    #[must_use]
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { parser: Parser::new(cells(rows), cells(columns), SCROLLBACK), version: 0, lines: 0 }
    }

    /// Takes what a terminal would.
    pub fn take(&mut self, bytes: &[u8]) {
        self.version += 1;
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.parser.process(bytes);
    }

    /// Another size; what stands there is kept as far as it fits.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        if self.size() != (columns, rows) {
            self.version += 1;
            self.parser.screen_mut().set_size(cells(rows), cells(columns));
        }
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.parser.screen().size();
        (columns.get(), rows.get())
    }

    /// What stands on it.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Lines ended so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new(80, 24)
    }
}

impl Clone for Console {
    /// What is on the screen; a copy is looked at, not scrolled back in.
    fn clone(&self) -> Self {
        let (columns, rows) = self.size();
        let mut copy = Self::new(columns, rows);
        copy.parser.process(self.parser.screen().state_formatted().as_bytes());
        (copy.version, copy.lines) = (self.version, self.lines);
        copy
    }
}

impl PartialEq for Console {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.size() == other.size()
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (columns, rows) = self.size();
        write!(f, "Console({columns}x{rows}, {} lines)", self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_the_terminal_of_the_person_stays_inside() {
        let mut console = Console::new(20, 3);
        console.take(b"\x1b]52;c;aGVsbG8=\x07\x1b]0;title\x07\x1b[31mred\x1b[0m\r\n");
        assert_eq!(console.screen().contents().trim_end(), "red");
        let copy = console.clone();
        assert_eq!((copy.screen().contents(), copy == console), (console.screen().contents(), true));
        console.resize(5, 2);
        assert_eq!(console.size(), (5, 2));
    }
}
