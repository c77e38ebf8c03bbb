//! The screen of a step: what its output looks like on a terminal. The bytes of a program reach a person only through
//! here: what would steer the person's own terminal, or its clipboard, stays inside.

use std::fmt;
use std::num::NonZeroU16;

use vt100::Parser;
use vt100::Screen;

/// Lines that can be scrolled back to. What came before is in the file of the output.
const SCROLLBACK: usize = 1_000;
/// So much of a flood is held until it is looked at: what is printed between two frames.
const HELD: usize = 1024 * 1024;

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
const BELL: u8 = 0x07;

/// A terminal's screen, and the lines that have left it.
pub struct Console {
    parser: Parser,
    /// Printed, and not yet on the screen.
    held: Vec<u8>,
    /// The last control sequence was not at its end yet: what follows may belong to it.
    amid: bool,
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
        let parser = Parser::new(cells(rows), cells(columns), SCROLLBACK);
        Self { parser, held: Vec::new(), amid: false, version: 0, lines: 0 }
    }

    /// Takes what a terminal would.
    pub fn take(&mut self, bytes: &[u8]) {
        self.hold(bytes);
        self.settle();
    }

    /// Takes what a terminal would, to be shown when [`Console::settle`] is called: lines of a flood that leave the
    /// screen before anybody sees it need not be put on it.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.version += 1;
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.held.extend_from_slice(bytes);
        if self.held.len() >= HELD {
            self.settle();
        }
    }

    /// Is there something that is not on the screen yet?
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Puts on the screen what is held.
    pub fn settle(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        // As many lines as fill the screen and what can be scrolled back to, wherever the cursor stood; the screen once
        // more, for what stood on it.
        let most = SCROLLBACK + 2 * usize::from(self.parser.screen().size().0.get());
        let (plain, amid) = plain_from(&held, self.amid);
        self.amid = amid;
        let (mixed, rest) = held.split_at(plain);
        let seen = memchr::memrchr_iter(b'\n', rest).nth(most).map_or(0, |i| i + 1);
        // A line that only went down did not go back to its beginning.
        let ends = rest.get(..seen).is_some_and(|unseen| unseen.ends_with(b"\r\n"));
        self.parser.process(mixed);
        self.parser.process(if ends { rest.get(seen..).unwrap_or_default() } else { rest });
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

/// From where on there is nothing but lines of text, and whether a control sequence is still open at the end. `amid`: one
/// was open before.
fn plain_from(bytes: &[u8], amid: bool) -> (usize, bool) {
    let last = memchr::memrchr3(ESCAPE, SHIFT_OUT, SHIFT_IN, bytes);
    let ended = match (last, last.and_then(|at| bytes.get(at..))) {
        (Some(at), Some([ESCAPE, sequence @ ..])) => ends(sequence).map(|n| at + 1 + n),
        (Some(at), _) => (!amid).then_some(at + 1),
        _ => (!amid).then_some(0),
    };
    let Some(ended) = ended else { return (bytes.len(), true) };
    // Up to the end of the line: a letter may have been cut before.
    let rest = bytes.get(ended..).unwrap_or_default();
    (memchr::memchr(b'\n', rest).map_or(bytes.len(), |i| ended + i + 1), false)
}

/// How many bytes after the escape belong to its sequence (ECMA-48, 5.4 and 5.6); `None` where its end is not there.
fn ends(sequence: &[u8]) -> Option<usize> {
    match sequence.first()? {
        // A control sequence ends with its final byte.
        b'[' => sequence.iter().skip(1).position(|b| (0x40..=0x7e).contains(b)).map(|i| i + 2),
        // A control string; xterm ends a command to itself with BEL too.
        b']' => memchr::memchr(BELL, sequence).map(|i| i + 1),
        b'P' | b'X' | b'^' | b'_' => None,
        _ => sequence.iter().position(|b| (0x30..=0x7e).contains(b)).map(|i| i + 1),
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

    /// The screen and all that can be scrolled back to.
    fn whole(console: &mut Console) -> Vec<String> {
        console.settle();
        let (columns, rows) = console.size();
        let screen = console.parser.screen_mut();
        screen.set_scrollback(SCROLLBACK);
        let mut back = screen.scrollback();
        let mut all = vec![format!("{back} {:?} {:?}", screen.cursor_position(), screen.fgcolor())];
        loop {
            screen.set_scrollback(back);
            all.extend(screen.rows(0, columns));
            all.push(screen.contents_formatted());
            if back == 0 {
                return all;
            }
            back = back.saturating_sub(usize::from(rows));
        }
    }

    #[test]
    fn what_a_flood_skips_would_not_have_been_seen() {
        let lines = |n: usize| (0..n).map(|i| format!("line {i} ñandú\r\n")).collect::<Vec<_>>().concat();
        let cases = [
            lines(9_000),
            format!("\x1b[31m{}", lines(3_000)),
            format!("{}\x1b[32m{}\x1b[0m", lines(2_000), lines(2_000)),
            format!("abc\x1b]0;{}\x07{}", lines(1_500), lines(1_500)),
            format!("\x1b]0;{}", lines(3_000)),
            format!("\x1bP{}\x1b\\{}", lines(2_000), lines(1_200)),
            format!("\x1b[?1049h{}\x1b[?1049l{}", lines(1_500), lines(10)),
            format!("\x1b[2;4r{}", lines(3_000)),
            format!("full\x1b[1;1H{}", lines(1_050)),
            lines(3_000).replace("\r\n", "\n"),
            format!("{}\x1b", lines(2_000)),
            "x".repeat(300_000),
            format!("{}\x0e{}", lines(1_500), lines(1_500)),
        ];
        for (n, text) in cases.iter().enumerate() {
            for cut in [text.len(), text.len() / 2 + 1, 70_001, 4_096, 333] {
                let (mut held, mut taken) = (Console::new(30, 6), Console::new(30, 6));
                for (i, piece) in text.as_bytes().chunks(cut).enumerate() {
                    held.hold(piece);
                    if i % 5 == 4 {
                        held.settle();
                    }
                    taken.lines += memchr::memchr_iter(b'\n', piece).count() as u64;
                    taken.parser.process(piece);
                }
                assert!(whole(&mut held) == whole(&mut taken), "case {n}, cut {cut}");
                assert_eq!(held.lines(), taken.lines());
            }
        }
    }

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
