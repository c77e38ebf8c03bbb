//! `[[log]]`: lines per minute that match, from a command or from a file that is followed through its rotations. A
//! reader of its own takes every line; each poll tells how many matched in the last minute, and the last one.

mod command;
mod file;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use regex::bytes::Regex;

use crate::bus;
use crate::bus::task;
use crate::engine::Kind;
use crate::engine::settings::LogFrom;
use crate::engine::settings::LogSpec;
use crate::model::signal::Absence;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::secrets::Secrets;
use crate::sources::poll::Round;
use crate::sources::poll::Source;

/// A longer line is cut here: no sentence is that long, and a hostile one has no end.
const LINE: usize = 64 * 1024;
/// Characters of the last matching line that are kept.
const SHOWN: usize = 300;

/// What the reader has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Matches by second.
    matches: VecDeque<(Millis, u64)>,
    last: Option<String>,
    /// Why nothing can be read; `None` while lines may come.
    problem: Option<Absence>,
    /// The reader has got as far as reading.
    reading: bool,
}

/// What the reader and the poller share.
#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Seen>>,
    pattern: Arc<Regex>,
    secrets: Arc<Secrets>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A reader that panicked leaves counts that still count.
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes whole lines; returns nothing, keeps nothing but counts and the last match.
    fn take(&self, lines: &[u8]) {
        let mut n = 0;
        let mut last = None;
        for line in lines.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            if self.pattern.is_match(line.get(..LINE.min(line.len())).unwrap_or_default()) {
                n += 1;
                last = Some(line);
            }
        }
        let Some(last) = last else { return };
        let text = String::from_utf8_lossy(last.get(..LINE.min(last.len())).unwrap_or_default()).into_owned();
        let text: String = clean(&self.secrets.redact(&text)).chars().take(SHOWN).collect();
        let second = bus::now().wall.div_euclid(SECOND) * SECOND;
        let mut seen = self.seen();
        match seen.matches.back_mut() {
            Some((at, count)) if *at == second => *count += n,
            _ => seen.matches.push_back((second, n)),
        }
        while seen.matches.len() > 120 {
            seen.matches.pop_front();
        }
        seen.last = Some(text);
    }

    fn problem(&self, why: Option<Absence>) {
        let mut seen = self.seen();
        seen.reading = why.is_none();
        seen.problem = why;
    }
}

/// Cuts what comes into whole lines; the rest of a line waits, up to its limit.
#[derive(Default)]
struct Cutter {
    rest: Vec<u8>,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8], shared: &Shared) {
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            // No end in sight: only the beginning can match anyway.
            let room = LINE.saturating_sub(self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(bytes.get(..room).unwrap_or_default());
            return;
        };
        let (whole, rest) = bytes.split_at(end + 1);
        if self.rest.is_empty() {
            shared.take(whole);
        } else {
            self.rest.extend_from_slice(whole);
            shared.take(&self.rest);
        }
        self.rest.clear();
        self.rest.extend_from_slice(rest.get(..LINE.min(rest.len())).unwrap_or_default());
    }
}

/// One log.
pub struct Log {
    spec: LogSpec,
    shared: Result<Shared, Absence>,
    reader: Option<tokio::task::JoinHandle<()>>,
    began: Option<Millis>,
}

impl Log {
    /// One whose reader starts when it is first asked.
    #[must_use]
    pub fn new(spec: LogSpec, secrets: &Arc<Secrets>) -> Self {
        let shared = match Regex::new(&spec.pattern) {
            Ok(pattern) => {
                Ok(Shared { seen: Arc::default(), pattern: Arc::new(pattern), secrets: Arc::clone(secrets) })
            }
            Err(_) => Err(Absence::Failed("the pattern is no regular expression".to_owned())),
        };
        Self { spec, shared, reader: None, began: None }
    }

    fn read(&mut self) -> Result<(f64, Option<String>), Absence> {
        let shared = self.shared.as_ref().map_err(Clone::clone)?;
        let now = bus::now().wall;
        if self.reader.is_none() {
            self.began = Some(now);
            let shared = shared.clone();
            self.reader = Some(match &self.spec.from {
                LogFrom::Command { line, .. } => {
                    let line = shared.secrets.get(line).to_owned();
                    task::spawn(command::follow(line, shared))
                }
                LogFrom::File(path) => task::spawn(file::follow(path.clone(), shared)),
            });
        }
        let seen = shared.seen();
        if let Some(why) = &seen.problem {
            return Err(why.clone());
        }
        if !seen.reading {
            return Err(Absence::NotYet);
        }
        let recent: f64 =
            seen.matches.iter().filter(|(at, _)| *at > now - MINUTE).map(|(_, n)| *n as f64).fold(0.0, |a, b| a + b);
        // Silence is an answer only after the minute that it speaks of.
        if recent <= 0.0 && self.began.is_none_or(|began| now - began < MINUTE) {
            return Err(Absence::TooYoung);
        }
        Ok((recent, seen.last.clone()))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

impl Source for Log {
    async fn ask(&mut self) -> Round {
        let mut read = self.read();
        if matches!(read, Err(Absence::NotYet)) {
            // The reader has just been started: a moment is enough to open a file.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            read = self.read();
        }
        let failed = matches!(&read, Err(why) if *why != Absence::TooYoung);
        let (reading, worst) = match read {
            Ok((n, last)) => (Reading::Value(n), last),
            Err(why) => (Reading::Absent(why), None),
        };
        let sample = Sample { signal: self.spec.name.clone(), at: bus::now().wall, reading, counts: None, worst };
        let kind = Kind::Sampled {
            source: self.spec.source(),
            origin: Origin::Log,
            samples: vec![sample],
            history: false,
            took: 0,
            notes: Vec::new(),
        };
        Round { kinds: vec![kind], failed }
    }

    fn overdue(&mut self, _after: Millis) -> Option<Kind> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(pattern: &str) -> Shared {
        let secrets = Arc::new(Secrets::new(std::collections::BTreeMap::new(), vec!["hunter22".to_owned().into()]));
        Shared { seen: Arc::default(), pattern: Arc::new(Regex::new(pattern).unwrap()), secrets }
    }

    #[test]
    fn lines_are_counted_whole_however_they_come() {
        let s = shared("CRITICAL|Traceback");
        let mut cutter = Cutter::default();
        for piece in ["ok\nCRIT", "ICAL one\nTrace", "back two\n", "not CRITI\ncal\n", "CRITICAL no end"] {
            cutter.push(piece.as_bytes(), &s);
        }
        let n: u64 = s.seen().matches.iter().map(|(_, n)| n).sum();
        assert_eq!(n, 2);
        assert_eq!(s.seen().last.as_deref(), Some("Traceback two"));
    }

    #[test]
    fn what_is_shown_of_a_line_is_clean_and_short() {
        let s = shared("CRITICAL");
        let mut cutter = Cutter::default();
        let long = format!("CRITICAL \u{1b}[31mred hunter22 {}\n", "x".repeat(1_000_000));
        cutter.push(long.as_bytes(), &s);
        cutter.push(b"\xff\xfe CRITICAL not UTF-8\n", &s);
        let last = s.seen().last.clone().unwrap();
        assert!(last.contains("CRITICAL not UTF-8") && last.chars().count() <= SHOWN, "{last}");
        cutter.push(b"CRITICAL \x1b]0;x\x07 hunter22\n", &s);
        let last = s.seen().last.clone().unwrap();
        assert!(!last.contains('\u{1b}') && !last.contains("hunter22"), "{last}");
    }

    #[test]
    fn a_line_without_end_costs_no_memory() {
        let s = shared("x");
        let mut cutter = Cutter::default();
        for _ in 0..100 {
            cutter.push(&[b'a'; 8_192], &s);
        }
        assert!(cutter.rest.len() <= LINE);
    }
}
