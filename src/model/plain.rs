//! What is left of a terminal's bytes without control sequences, and where each byte of it stood: a secret is one
//! whatever colours it is printed in (ECMA-48, sections 5.4 and 5.6).

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Bytes without control sequences.
#[derive(Debug)]
pub struct Plain<'a> {
    /// What is left.
    pub bytes: Cow<'a, [u8]>,
    /// Where each of these stood; `None` where nothing was left out.
    places: Option<Vec<usize>>,
}

impl Plain<'_> {
    /// Where a byte of the plain ones stood.
    #[must_use]
    pub fn place(&self, at: usize) -> usize {
        self.places.as_ref().map_or(at, |places| places.get(at).copied().unwrap_or_default())
    }

    /// Where a span of the plain ones stood, with the sequences inside of it.
    #[must_use]
    pub fn span(&self, from: usize, to: usize) -> (usize, usize) {
        if to <= from { (self.place(from), self.place(from)) } else { (self.place(from), self.place(to - 1) + 1) }
    }
}

/// Leaves out control sequences and control characters, but for ends of lines and tabs. One that is not at its end yet is
/// left out too.
#[must_use]
pub fn plain(bytes: &[u8]) -> Plain<'_> {
    let control = |b: &u8| b.is_ascii_control() && !matches!(b, b'\n' | b'\t');
    if !bytes.iter().any(control) {
        return Plain { bytes: Cow::Borrowed(bytes), places: None };
    }
    let (mut left, mut places) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == ESCAPE {
            at += sequence(bytes.get(at..).unwrap_or_default());
            continue;
        }
        if !control(byte) {
            left.push(*byte);
            places.push(at);
        }
        at += 1;
    }
    Plain { bytes: Cow::Owned(left), places: Some(places) }
}

/// How long the control sequence is that these bytes begin with; all of them where it has no end.
fn sequence(bytes: &[u8]) -> usize {
    let rest = bytes.get(2..).unwrap_or_default();
    let end = match bytes.get(1) {
        Some(b'[') => rest.iter().position(|b| (0x40..=0x7e).contains(b)).map(|i| i + 3),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let bell = rest.iter().position(|b| *b == BELL).map(|i| i + 3);
            let string = rest.windows(2).position(|w| w == [ESCAPE, b'\\']).map(|i| i + 4);
            bell.into_iter().chain(string).min()
        }
        Some(0x20..=0x2f) => rest.iter().position(|b| (0x30..=0x7e).contains(b)).map(|i| i + 3),
        Some(_) => Some(2),
        None => None,
    };
    end.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_and_moves_are_left_out_and_places_kept() {
        let text = "a\u{1b}[31mb\u{1b}]0;title\u{7}c\u{1b}(Bd\u{1b}P1$r\u{1b}\\e\r\nf\u{8}g";
        let p = plain(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&p.bytes), "abcde\nfg");
        for (i, b) in p.bytes.iter().enumerate() {
            assert_eq!(text.as_bytes()[p.place(i)], *b);
        }
        assert_eq!(p.span(0, 2), (0, 7));
        assert_eq!(plain(b"x\x1b[3").bytes.as_ref(), b"x");
        assert!(matches!(plain(b"plain\n\ttext").bytes, Cow::Borrowed(_)));
    }
}
