//! Reads a body piece by piece, as it arrives: no more of it is held than the line that has not ended.

use crate::sources::exposition::Exposition;
use crate::sources::exposition::Format;
use crate::sources::exposition::Sample;
use crate::sources::exposition::batch::BATCH;
use crate::sources::exposition::batch::Batch;
use crate::sources::exposition::line;
use crate::sources::exposition::line::Line;
use crate::sources::exposition::openmetrics::Strict;

/// A line that is longer is none that anybody wrote: labels of ordinary length fill a thousandth of it.
const LONGEST: usize = 1024 * 1024;

/// Where in a body of OpenMetrics the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Body,
    /// `# EOF` was read: a line after it is a problem.
    Ended,
    /// Something followed, and was told once.
    Beyond,
}

/// What was read of a body so far.
#[derive(Debug)]
pub struct Reader {
    format: Format,
    /// Only samples of these names are read; `None` is every line.
    names: Option<Vec<String>>,
    /// Samples that are kept until they are taken.
    most: usize,
    /// The number of the line that was read last.
    number: usize,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// The line that is being read is longer than any.
    skipping: bool,
    place: Place,
    /// The last line ended in `# EOF`.
    signed: bool,
    batch: Batch,
    /// What a family demands is checked when values are known: batch by batch, beside the lines that are no samples.
    strict: Strict,
    out: Exposition,
}

impl Reader {
    /// Reads every line.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            names: None,
            most: usize::MAX,
            number: 0,
            held: Vec::new(),
            skipping: false,
            place: Place::Body,
            signed: false,
            batch: Batch::default(),
            strict: Strict::default(),
            out: Exposition::default(),
        }
    }

    /// Reads only the samples of these names.
    #[must_use]
    pub fn only(format: Format, names: Vec<String>) -> Self {
        Self { names: Some(names), ..Self::new(format) }
    }

    /// Keeps no more samples than this; of the others it is counted how many there were.
    #[must_use]
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Reads the next piece of the body.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (now, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
            if self.held.is_empty() && !self.skipping && now.len() <= LONGEST {
                self.line(now);
            } else {
                self.hold(now);
                self.whole();
            }
            rest = after;
        }
        self.hold(rest);
    }

    /// What was read since this was last asked for.
    pub fn taken(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.out.samples)
    }

    /// The body is at its end: what was not taken yet, and every problem.
    #[must_use]
    pub fn end(mut self) -> Exposition {
        if !self.held.is_empty() || self.skipping {
            self.whole();
        }
        self.empty();
        if self.format == Format::OpenMetrics {
            let whole = match self.names {
                None => {
                    if let Err(why) = self.strict.close() {
                        self.out.reject(self.number.max(1), why);
                    }
                    self.place != Place::Body
                }
                Some(_) => self.signed,
            };
            if !whole {
                // Where only some lines are read, none of them is to blame.
                let line = if self.names.is_some() { 1 } else { self.number.max(1) };
                self.out.reject(line, "the body ends without # EOF: it may be cut off");
            }
        }
        self.out.problems.sort_by_key(|p| p.line);
        self.out
    }

    fn hold(&mut self, part: &[u8]) {
        if self.skipping {
            return;
        }
        self.held.extend_from_slice(part);
        if self.held.len() > LONGEST {
            if self.is_wanted(&self.held) {
                self.out.reject(self.number + 1, "the line is longer than a mebibyte");
            }
            self.held = Vec::new();
            self.skipping = true;
        }
    }

    /// The held line is whole.
    fn whole(&mut self) {
        if std::mem::take(&mut self.skipping) {
            self.number += 1;
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        self.line(&held);
        held.clear();
        self.held = held;
    }

    fn is_wanted(&self, line: &[u8]) -> bool {
        self.names.as_ref().is_none_or(|names| is_one_of(line, names))
    }

    fn line(&mut self, line: &[u8]) {
        self.number += 1;
        let number = self.number;
        // A byte order mark is no part of any line.
        let bare = line.strip_prefix("\u{FEFF}".as_bytes()).filter(|_| number == 1 && self.format == Format::Text);
        let line = bare.unwrap_or(line);
        self.signed = line.ends_with(b"# EOF");
        match self.place {
            Place::Body => {}
            Place::Ended => {
                self.place = Place::Beyond;
                return self.out.reject(number, "something follows # EOF");
            }
            Place::Beyond => return,
        }
        if !self.is_wanted(line) {
            return;
        }
        let text = self.format == Format::Text;
        let line = if text { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        let Ok(words) = std::str::from_utf8(line) else {
            self.out.reject(number, "not UTF-8");
            return;
        };
        match line::read(words, self.format) {
            Ok(Line::Sample(_)) if self.out.samples.len() + self.batch.len() >= self.most => self.out.left_out += 1,
            Ok(Line::Sample(sample)) => {
                self.batch.push(number, sample);
                if self.batch.len() == BATCH {
                    self.empty();
                }
            }
            Ok(Line::End) if !text => self.place = Place::Ended,
            Ok(Line::Metadata(metadata)) if self.is_strict() => {
                self.empty();
                if let Err(why) = self.strict.metadata(number, &metadata) {
                    self.out.reject(number, why);
                }
            }
            Ok(_) => {}
            Err(why) => self.out.reject(number, why),
        }
    }

    /// Where only some lines are read, nothing can be said of their families.
    fn is_strict(&self) -> bool {
        self.format == Format::OpenMetrics && self.names.is_none()
    }

    fn empty(&mut self) {
        if self.is_strict() {
            self.batch.judge_into(&mut self.out, &mut self.strict);
        } else {
            self.batch.empty_into(&mut self.out);
        }
    }
}

/// Does a sample of one of these names stand on the line? A name in quotes may be any.
fn is_one_of(line: &[u8], names: &[String]) -> bool {
    let line = match line.first() {
        Some(b'#') | None => return false,
        Some(b'{') => return true,
        Some(b' ' | b'\t') => line.trim_ascii_start(),
        Some(_) => line,
    };
    names.iter().any(|n| {
        line.strip_prefix(n.as_bytes()).is_some_and(|rest| matches!(rest.first(), Some(b'{' | b' ' | b'\t') | None))
    })
}
