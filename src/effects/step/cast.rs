//! The session of a block as an asciicast v2 file, which `asciinema play` accepts
//! (<https://docs.asciinema.org/manual/asciicast/v2/>): a line that tells of it, then a line for each piece of output.
//! What is longer than a person would read keeps its beginning and its end.

use std::collections::VecDeque;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::model::credential::mask_printed;
use crate::model::time::Millis;

/// The beginning that is kept: some fifty thousand lines.
const HEAD: u64 = 4 * 1024 * 1024;
/// The end that is kept.
const TAIL: usize = 1024 * 1024;
/// Output waits so long in memory until it is written, where more of it comes.
const FLUSH: Millis = 250;
/// A line without an end is cut after this.
const LINE: usize = 64 * 1024;
/// A file read back is never longer: head and tail, each byte at most six letters long in JSON.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A session that is being written.
#[derive(Debug)]
pub struct Cast {
    /// `None` when the disk would take no more: the step goes on without.
    file: Option<BufWriter<File>>,
    began: Millis,
    flushed: Millis,
    kept: u64,
    tail: VecDeque<u8>,
    left_out: u64,
    /// The beginning of a letter whose end has not come yet.
    letter: Vec<u8>,
    /// The beginning of a line whose end has not come yet: a secret is known by what stands before it.
    line: Vec<u8>,
    /// The lines of a private key go by.
    in_key: bool,
}

impl Cast {
    /// Begins a session. `now` is a moment of a clock that never steps back, `wall` the same for people, in ms.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, size: (u16, u16), title: &str, now: Millis, wall: Millis) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut file = BufWriter::new(file);
        let head = json!({
            "version": 2, "width": size.0, "height": size.1, "timestamp": wall / 1_000, "title": title,
        });
        writeln!(file, "{head}")?;
        file.flush()?;
        let (tail, letter) = (VecDeque::new(), Vec::new());
        Ok(Self {
            file: Some(file),
            began: now,
            flushed: now,
            kept: 0,
            tail,
            left_out: 0,
            letter,
            line: Vec::new(),
            in_key: false,
        })
    }

    /// Takes what was printed.
    pub fn take(&mut self, bytes: &[u8], now: Millis) {
        let room = usize::try_from(HEAD.saturating_sub(self.kept)).unwrap_or(0);
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.kept += head.len() as u64;
        self.line.extend_from_slice(head);
        // A program that never ends its lines waits for none either.
        let whole = match memchr::memrchr(b'\n', &self.line) {
            _ if self.line.len() > LINE => self.line.len(),
            Some(at) => at + 1,
            None => 0,
        };
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        self.event(&lines, now);
        if !rest.is_empty() {
            self.left_out += rest.len() as u64;
            self.tail.extend(rest);
            let over = self.tail.len().saturating_sub(TAIL);
            self.tail.drain(..over);
        }
        if now - self.flushed >= FLUSH {
            self.flush(now);
        }
    }

    /// Puts on the disk what waits.
    pub fn flush(&mut self, now: Millis) {
        self.flushed = now;
        // What waits for somebody to type has no end of a line.
        let line = std::mem::take(&mut self.line);
        self.event(&line, now);
        if self.file.as_mut().is_some_and(|f| f.flush().is_err()) {
            self.file = None;
        }
    }

    fn event(&mut self, bytes: &[u8], now: Millis) {
        let mut whole = std::mem::take(&mut self.letter);
        whole.extend_from_slice(bytes);
        // Only a letter that is cut by the end of a piece waits for the next.
        let cut = match std::str::from_utf8(&whole) {
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => whole.len(),
        };
        self.letter = whole.split_off(cut);
        if whole.is_empty() {
            return;
        }
        let since = (now - self.began).max(0) as f64 / 1_000.0;
        let text = self.masked(&String::from_utf8_lossy(&whole));
        let line = json!([since, "o", text]);
        if self.file.as_mut().is_some_and(|f| writeln!(f, "{line}").is_err()) {
            self.file = None;
        }
    }

    /// The text without what is secret by its name, its place or its form. What is secret by its value did not come here.
    fn masked(&mut self, text: &str) -> String {
        const BEGIN: &str = "PRIVATE KEY-----";
        const END: &str = "-----END";
        let mut text = text;
        if self.in_key {
            let Some(at) = text.find(END) else { return String::new() };
            self.in_key = false;
            text = text.get(at..).unwrap_or_default();
        }
        self.in_key = text
            .rfind("-----BEGIN")
            .is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(BEGIN) && !rest.contains(END)));
        mask_printed(text)
    }

    /// Ends it: the end of what was too long, after a mark that tells how much is missing before it.
    pub fn finish(mut self, now: Millis) {
        let line = std::mem::take(&mut self.line);
        self.event(&line, now);
        if self.left_out > 0 {
            let missing = self.left_out - self.tail.len() as u64;
            if missing > 0 {
                self.event(mark(missing).as_bytes(), now);
            }
            let tail: Vec<u8> = self.tail.drain(..).collect();
            // A piece of a line, or of a letter, is none.
            let from = if missing > 0 { tail.iter().position(|b| *b == b'\n').map_or(0, |i| i + 1) } else { 0 };
            self.event(tail.get(from..).unwrap_or_default(), now);
        }
        if !self.letter.is_empty() {
            let letter = std::mem::take(&mut self.letter);
            self.event(String::from_utf8_lossy(&letter).as_bytes(), now);
        }
        if let Some(file) = &mut self.file {
            let _ = file.flush().and_then(|()| file.get_ref().sync_data());
        }
    }
}

/// What stands where output is missing; the same in every language, as the file is for machines too.
fn mark(bytes: u64) -> String {
    format!("\r\n\u{1b}[7m[cabina: {bytes} bytes are not kept here]\u{1b}[0m\r\n")
}

/// The output that a file holds, as the terminal got it, and the width of that.
///
/// # Errors
/// When it cannot be read, or is no such file.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, u16)> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    let mut lines = text.lines();
    let head: serde_json::Value = serde_json::from_str(lines.next().unwrap_or_default())?;
    let width = head.get("width").and_then(serde_json::Value::as_u64).and_then(|w| u16::try_from(w).ok());
    let mut out = Vec::new();
    for line in lines {
        // The last line of a file whose writer was killed may be half of one.
        let Ok((_, kind, said)) = serde_json::from_str::<(f64, String, String)>(line) else { continue };
        if kind == "o" {
            out.extend_from_slice(said.as_bytes());
        }
    }
    Ok((out, width.unwrap_or(80)))
}

/// Lines that a reader is shown at the most: the end of what is longer.
const LINES: u16 = 20_000;

/// An output as the lines that a terminal so wide would have shown, without control sequences.
#[must_use]
pub fn lines(bytes: &[u8], columns: u16) -> Vec<String> {
    let cells = |n: u16| std::num::NonZeroU16::new(n).unwrap_or(std::num::NonZeroU16::MIN);
    // One tall screen: what a progress bar wrote over is gone, as it was.
    let mut parser = vt100::Parser::new(cells(200), cells(columns), usize::from(LINES));
    parser.process(bytes);
    let mut lines = Vec::new();
    let mut back = parser.screen().scrollback_len();
    let clean = |text: String| crate::model::text::clean_lines(text.trim_end());
    while back > 0 {
        parser.screen_mut().set_scrollback(back);
        let shown = parser.screen().scrollback();
        let rows = parser.screen().rows(0, columns).take(back.min(200)).map(clean);
        lines.extend(rows);
        back = shown.saturating_sub(200);
    }
    parser.screen_mut().set_scrollback(0);
    lines.extend(parser.screen().rows(0, columns).map(clean));
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_also_when_letters_are_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cast");
        let mut cast = Cast::create(&path, (80, 24), "step 1", 0, 1_000_000).unwrap();
        let text = "ñandú 日本 \u{1b}[31mred\u{1b}[0m\r\n";
        for (i, byte) in text.as_bytes().iter().enumerate() {
            cast.take(&[*byte], i as i64);
        }
        cast.take(&[0xff, b'!'], 100);
        cast.finish(200);
        let (out, width) = read(&path).unwrap();
        assert_eq!((String::from_utf8(out).unwrap(), width), (format!("{text}\u{fffd}!"), 80));
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.starts_with("{\"height\":24,\"timestamp\":1000,\"title\":\"step 1\",\"version\":2,\"width\":80}\n")
        );
    }

    #[test]
    fn what_is_secret_by_name_or_form_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cast");
        let mut cast = Cast::create(&path, (80, 24), "step 1", 0, 0).unwrap();
        // In pieces, as a terminal gives them.
        for (i, piece) in [
            "\u{1b}[1mDB_\u{1b}[31mPASS\u{1b}[0m=\u{1b}[32mcone\u{1b}[0mjo\r\n",
            "MYSQL_P",
            "WD=cone",
            "jo\r\nIDENTIFIED BY 'cone",
            "jo' ok\r\nPassword: ",
        ]
        .iter()
        .enumerate()
        {
            cast.take(piece.as_bytes(), i as i64);
        }
        cast.take(b"\r\n-----BEGIN RSA PRIVATE KEY-----\r\nMIIEconejo\r\n", 10);
        cast.flush(400);
        cast.take(b"AAAAconejo\r\n-----END RSA PRIVATE KEY-----\r\nafter\r\n", 500);
        cast.finish(600);
        let text = String::from_utf8(read(&path).unwrap().0).unwrap();
        assert!(!text.contains("conejo"), "{text}");
        for kept in ["MYSQL_PWD=•••", "IDENTIFIED BY '•••' ok", "Password: ", "after"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }

    #[test]
    fn an_output_is_read_as_it_stood_on_the_screen() {
        let mut text: String =
            (0..1_000).flat_map(|i| ["line ".to_owned(), i.to_string(), "\r\n".to_owned()]).collect();
        text += "10 %\r20 %\r\n\u{1b}[31mred\u{1b}[0m";
        let lines = lines(text.as_bytes(), 40);
        assert_eq!(lines.len(), 1_002);
        assert_eq!((lines[0].as_str(), lines[999].as_str()), ("line 0", "line 999"));
        assert_eq!((lines[1_000].as_str(), lines[1_001].as_str()), ("20 %", "red"));
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cast");
        let mut cast = Cast::create(&path, (80, 24), "flood", 0, 0).unwrap();
        let line = b"0123456789 0123456789 0123456789\r\n".repeat(1_000);
        cast.take(b"the first line\r\n", 0);
        for i in 0..400 {
            cast.take(&line, i);
        }
        assert!(cast.tail.len() <= TAIL);
        cast.take(b"the last line\r\n", 500);
        cast.finish(600);
        let (out, _) = read(&path).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("the first line") && out.ends_with("the last line\r\n"));
        let missing = 400 * line.len() + 31 - HEAD as usize - TAIL;
        assert!(out.contains(&format!("[cabina: {missing} bytes are not kept here]")), "{missing}");
        assert!(out.len() as u64 <= HEAD + TAIL as u64 + 100);
    }
}
