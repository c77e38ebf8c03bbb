//! Secrets blotted out of bytes that come piece by piece, in whatever colours: what could begin one is held back until it
//! is known.

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;

use crate::model::credential::HIDDEN;
use crate::model::plain::plain;
use crate::secrets::LEAST;
use crate::secrets::forms;

/// So little of what could begin a secret may be shown while the rest is waited for: a prompt that ends like one begins.
const LITTLE: usize = 3;

/// Blots secret values out of a stream.
#[derive(Debug, Default)]
pub struct Stream {
    find: Option<AhoCorasick>,
    values: Vec<Vec<u8>>,
    longest: usize,
    /// What could begin a secret.
    held: Vec<u8>,
    /// So much of that was shown all the same.
    shown: usize,
}

impl Stream {
    /// A stream in which these values are not to be seen, neither as they are nor encoded.
    #[must_use]
    pub fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut stream = Self::default();
        values.for_each(|v| stream.put(v));
        stream.build();
        stream
    }

    /// One more value that is not to be seen from now on.
    pub fn hide(&mut self, value: &str) {
        self.put(value);
        self.build();
    }

    fn put(&mut self, value: &str) {
        for form in forms(value).into_iter().filter(|f| f.len() >= LEAST) {
            if !self.values.contains(&form.clone().into_bytes()) {
                self.values.push(form.into_bytes());
            }
        }
    }

    fn build(&mut self) {
        self.longest = self.values.iter().map(Vec::len).max().unwrap_or(0);
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.values);
        self.find = built.ok().filter(|_| !self.values.is_empty());
    }

    /// Passes bytes on, without what is secret.
    #[must_use]
    pub fn pass(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(find) = &self.find else { return bytes };
        let whole = if self.held.is_empty() {
            bytes
        } else {
            let mut whole = std::mem::take(&mut self.held);
            whole.extend_from_slice(&bytes);
            whole
        };
        let shown = std::mem::take(&mut self.shown);
        let mut out = Vec::with_capacity(whole.len());
        let put = |from: usize, to: usize, out: &mut Vec<u8>| {
            out.extend_from_slice(whole.get(from.max(shown)..to).unwrap_or_default());
        };
        let plain = plain(&whole);
        let (mut at, mut known) = (0, 0);
        for hit in find.find_iter(plain.bytes.as_ref()) {
            let (from, to) = plain.span(hit.start(), hit.end());
            put(at, from, &mut out);
            out.extend_from_slice(HIDDEN.as_bytes());
            // What stands in the middle of it changes colours: they stay as the program wants them.
            for i in hit.start() + 1..hit.end() {
                put(plain.place(i - 1) + 1, plain.place(i), &mut out);
            }
            (at, known) = (to, hit.end());
        }
        let keep = self.could_begin(plain.bytes.get(known..).unwrap_or_default());
        let from = if keep == 0 { whole.len() } else { plain.place(plain.bytes.len() - keep) };
        put(at, from, &mut out);
        self.held = whole.get(from..).unwrap_or_default().to_vec();
        self.shown = shown.saturating_sub(from).min(self.held.len());
        out
    }

    /// What was held back, when nothing follows it.
    #[must_use]
    pub fn rest(&mut self) -> Vec<u8> {
        let shown = std::mem::take(&mut self.shown);
        std::mem::take(&mut self.held).split_off(shown)
    }

    /// What may be shown of what is held back while nothing follows it. It may still turn out to have begun a secret: what
    /// follows is blotted out then.
    #[must_use]
    pub fn overdue(&mut self) -> Vec<u8> {
        if !self.holds() {
            return Vec::new();
        }
        let out = self.held.get(self.shown..).unwrap_or_default().to_vec();
        self.shown = self.held.len();
        out
    }

    /// Is something held back that may be shown when nothing follows it for a moment?
    #[must_use]
    pub fn holds(&self) -> bool {
        self.held.len() > self.shown && self.held.len() <= LITTLE
    }

    /// How many bytes at the end could be the beginning of a secret.
    fn could_begin(&self, bytes: &[u8]) -> usize {
        let most = bytes.len().min(self.longest.saturating_sub(1));
        let begins = |n: &usize| {
            let end = bytes.get(bytes.len() - n..).unwrap_or_default();
            self.values.iter().any(|v| v.len() > *n && v.starts_with(end))
        };
        (1..=most).rev().find(begins).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(secrets: &[&str], pieces: &[&str]) -> String {
        let mut stream = Stream::new(secrets.iter().copied());
        let mut out: Vec<u8> = Vec::new();
        for piece in pieces {
            out.extend(stream.pass(piece.as_bytes().to_vec()));
        }
        out.extend(stream.rest());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_not_seen_however_it_is_cut() {
        let text = "user=ana pass=hunter22 and hunter22, hunter2";
        for cut in 1..text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(through(&["hunter22"], &[a, b]), "user=ana pass=••• and •••, hunter2", "{cut}");
        }
        let bytes: Vec<String> = text.chars().map(|c| c.to_string()).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(through(&["hunter22"], &bytes), "user=ana pass=••• and •••, hunter2");
    }

    #[test]
    fn a_secret_is_not_seen_in_any_colour_nor_after_a_pause() {
        let pieces = "x \u{1b}[1mhun\u{1b}[31mter\u{1b}[0m22 y";
        assert_eq!(through(&["hunter22"], &[pieces]), "x \u{1b}[1m•••\u{1b}[31m\u{1b}[0m y");
        for cut in 1..pieces.len() {
            let (a, b) = pieces.split_at(cut);
            let out = through(&["hunter22"], &[a, b]);
            assert!(out.contains("•••") && !out.contains("ter") && out.ends_with(" y"), "{cut}: {out:?}");
        }
        let mut stream = Stream::new(["hunter22"].into_iter());
        // A prompt may end so: it is shown. What is more than that waits.
        assert_eq!((stream.pass(b"Rush hu".to_vec()), stream.overdue()), (b"Rush ".to_vec(), b"hu".to_vec()));
        assert_eq!((stream.pass(b"nt".to_vec()), stream.overdue()), (b"".to_vec(), b"".to_vec()));
        assert_eq!(stream.pass(b"er22 there".to_vec()), "••• there".as_bytes());
        assert_eq!((stream.pass(b"hu".to_vec()), stream.overdue()), (b"".to_vec(), b"hu".to_vec()));
        assert_eq!((stream.pass(b"nted".to_vec()), stream.rest()), (b"nted".to_vec(), b"".to_vec()));
    }

    #[test]
    fn only_what_could_begin_one_is_held_back() {
        let mut stream = Stream::new(["hunter22"].into_iter());
        assert_eq!(stream.pass(b"Password: ".to_vec()), b"Password: ");
        assert_eq!(stream.pass(b"tree hun".to_vec()), b"tree ");
        assert_eq!(stream.pass(b"t".to_vec()), b"");
        assert_eq!(stream.pass(b"!".to_vec()), b"hunt!");
        assert_eq!(through(&[], &["anything"]), "anything");
        assert_eq!(through(&["short"], &["short words are not looked for"]), "short words are not looked for");
    }
}
