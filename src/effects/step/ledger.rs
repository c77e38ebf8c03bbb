//! What a supervisor has told, and what the disk has not taken yet: that waits in memory, in order, and is tried again.

use std::collections::VecDeque;
use std::io;

use crate::effects::step::file::RunFile;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::tale::Tale;
use crate::model::time::Millis;

/// The lines of a run.
pub(super) struct Ledger {
    file: RunFile,
    /// Those that are on the disk.
    pub(super) lines: Vec<Told>,
    /// What they come to.
    pub(super) tale: Tale,
    /// Those that are not, and when each happened.
    waiting: VecDeque<(Millis, What)>,
}

impl Ledger {
    pub(super) fn new(file: RunFile, lines: Vec<Told>) -> Self {
        Self { file, tale: Tale::of(&lines), lines, waiting: VecDeque::new() }
    }

    /// Writes a line, or nothing: what is to be on the disk before anything is done.
    pub(super) fn tell(&mut self, at: Millis, what: What) -> io::Result<Told> {
        if !self.waiting.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.put(at, what)
    }

    fn put(&mut self, at: Millis, what: What) -> io::Result<Told> {
        let told = self.file.tell(at, what)?;
        self.tale.take(&told);
        self.lines.push(told.clone());
        Ok(told)
    }

    /// What has happened, whatever the disk says; it is written when that takes it.
    pub(super) fn keep(&mut self, at: Millis, what: What) {
        self.waiting.push_back((at, what));
    }

    /// Writes what waits, as far as the disk takes it; and why it takes no more.
    pub(super) fn flush(&mut self) -> (Vec<Told>, Option<io::Error>) {
        let mut written = Vec::new();
        while let Some((at, what)) = self.waiting.front().cloned() {
            match self.put(at, what) {
                Ok(told) => written.push(told),
                Err(e) => return (written, Some(e)),
            }
            self.waiting.pop_front();
        }
        (written, None)
    }

    /// Does anything wait?
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The block whose end waits.
    pub(super) fn ended(&self) -> Option<u64> {
        self.waiting.iter().find_map(|(_, what)| match what {
            What::Ended { block, .. } | What::Lost { block } => Some(*block),
            _ => None,
        })
    }
}
