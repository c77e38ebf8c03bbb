//! A block that runs: its processes, what it prints, and its end.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use pty_process::OwnedWritePty;
use rustix::process::Pid;
use rustix::process::Signal;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::bus::task;
use crate::effects::step::cast::Cast;
use crate::effects::step::look;
use crate::effects::step::shell::Output;
use crate::effects::step::shell::Started;
use crate::effects::step::wire::Start;
use crate::model::time::Millis;

/// Bytes read from a block at once.
const CHUNK: usize = 32 * 1024;
/// Chunks that may wait to be taken.
const CHUNKS: usize = 4;
/// Pieces that were typed and that the block has not read yet.
const TYPED: usize = 64;

/// What comes from a block.
pub(super) enum Heard {
    Bytes(Vec<u8>),
    /// It prints no more.
    Silence,
    Ended(io::Result<ExitStatus>),
}

/// A block that runs.
pub(super) struct Running {
    pub(super) number: u64,
    pub(super) pid: i32,
    pub(super) started: Started,
    /// Where it is typed into.
    pub(super) typed: Option<mpsc::Sender<Vec<u8>>>,
    pub(super) terminal: Option<OwnedFd>,
    pub(super) columns: u16,
    pub(super) heard: mpsc::Receiver<Heard>,
    pub(super) cast: Option<Cast>,
    pub(super) began: Millis,
    pub(super) spoke: Millis,
    pub(super) bytes: u64,
    /// Its end has come: until when its last words are waited for, each, and in all.
    pub(super) status: Option<(Option<ExitStatus>, Instant, Instant)>,
    pub(super) silent: bool,
    pub(super) stopped: Option<Millis>,
    pub(super) killed: bool,
    pub(super) killed_after: Option<Millis>,
    /// Its processes when it was asked to stop.
    pub(super) known: Vec<look::Known>,
}

impl Running {
    pub(super) fn new(number: u64, mut started: Started, start: &Start, cast: Option<Cast>, now: Millis) -> Self {
        let pid = started.child.as_ref().and_then(|c| i32::try_from(c.id()?).ok()).unwrap_or(0);
        let (tx, heard) = mpsc::channel(CHUNKS);
        let (typed, terminal) = match started.output.take() {
            Some(Output::Terminal(read, write, look)) => {
                task::spawn(listen(read, tx.clone()));
                let (typed, keys) = mpsc::channel(TYPED);
                task::spawn(write_keys(write, keys));
                (Some(typed), Some(look))
            }
            Some(Output::Pipe(read)) => {
                task::spawn(listen(read, tx.clone()));
                (None, None)
            }
            None => (None, None),
        };
        // The end is waited for beside the output: either may come first.
        if let Some(mut child) = started.child.take() {
            task::spawn(async move {
                let status = child.wait().await;
                let _ = tx.send(Heard::Ended(status)).await;
            });
        }
        Self {
            number,
            pid,
            started,
            typed,
            terminal,
            columns: start.terminal.map_or(120, |(columns, _)| columns),
            heard,
            cast,
            began: now,
            spoke: now,
            bytes: 0,
            status: None,
            silent: false,
            stopped: None,
            killed: false,
            killed_after: start.killed_after,
            known: Vec::new(),
        }
    }

    /// To all of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.status.is_none()) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.signal(Signal::KILL);
    }

    /// After a stop nothing of it is left, not even what has left its group.
    pub(super) fn sweep(&self) {
        if self.stopped.is_none() {
            return;
        }
        for left in look::left(self.pid, &self.known) {
            if let Some(pid) = Pid::from_raw(left.pid) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
    }
}

async fn listen(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Heard>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        match from.read(&mut chunk).await {
            Ok(n) if n > 0 => {
                chunk.truncate(n);
                if to.send(Heard::Bytes(chunk)).await.is_err() {
                    return;
                }
            }
            // A terminal that nobody has open any more answers with an error.
            _ => {
                let _ = to.send(Heard::Silence).await;
                return;
            }
        }
    }
}

async fn write_keys(mut to: OwnedWritePty, mut keys: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = keys.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
