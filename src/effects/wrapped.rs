//! A command that somebody runs in another terminal: it behaves as it would alone, and the end of what it said is kept.

use std::ffi::OsString;
use std::io;
use std::num::NonZeroU16;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::model::text::clean_lines;

/// Lines of the end that are kept: what a person would scroll back to.
const LINES: u16 = 40;
/// Bytes moved at once.
const CHUNK: usize = 32 * 1024;
/// What a command said last may arrive this long after it has ended; what it left running is not waited for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The end of its output, as it stood on a screen, without control sequences.
    pub output: String,
}

impl Ended {
    /// The exit code as shells have it.
    #[must_use]
    pub fn code(&self) -> u8 {
        let code = self.exit.unwrap_or_else(|| 128 + self.signal.unwrap_or(0));
        u8::try_from(code & 0xff).unwrap_or(1)
    }
}

/// The last lines of what was said, read as a terminal would.
struct Tail(vt100::Parser);

impl Tail {
    fn new(columns: u16) -> Self {
        let cells = |n: u16| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
        Self(vt100::Parser::new(cells(LINES), cells(columns), 0))
    }

    fn take(&mut self, bytes: &[u8]) {
        self.0.process(bytes);
    }

    /// The same from a pipe: no terminal has made lines of it yet.
    fn take_plain(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            match part.split_last() {
                Some((b'\n', line)) => {
                    self.0.process(line);
                    self.0.process(b"\r\n");
                }
                _ => self.0.process(part),
            }
        }
    }

    fn ended(self, status: ExitStatus) -> Ended {
        let output = clean_lines(&self.0.screen().contents());
        Ended { exit: status.code(), signal: status.signal(), output }
    }
}

/// Signals that are for the command, not for whoever wraps it.
struct Signals(mpsc::Receiver<Signal>);

impl Signals {
    fn listen(wanted: &[Signal]) -> io::Result<Self> {
        let (tx, rx) = mpsc::channel(8);
        for wanted in wanted.iter().copied() {
            let mut stream = signal(SignalKind::from_raw(wanted.as_raw()))?;
            let tx = tx.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if tx.send(wanted).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self(rx))
    }
}

fn pid(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
}

fn out(bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), rest) {
            Ok(n) => rest = rest.get(n..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Puts the terminal back as it was.
struct Cooked(rustix::termios::Termios);

impl Cooked {
    /// Keys go to the command as they are typed; its own terminal makes of them what it should.
    fn raw() -> io::Result<Self> {
        let before = rustix::termios::tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(rustix::stdio::stdin(), rustix::termios::OptionalActions::Drain, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Cooked {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), rustix::termios::OptionalActions::Drain, &self.0);
    }
}

fn size() -> pty_process::Size {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok();
    let size = size.filter(|s| s.ws_row > 0 && s.ws_col > 0);
    size.map_or_else(|| pty_process::Size::new(24, 80), |s| pty_process::Size::new(s.ws_row, s.ws_col))
}

/// Runs a command in a terminal of its own, inside this one.
///
/// # Errors
/// When it could not be started.
pub async fn in_terminal(command: &[OsString]) -> io::Result<Ended> {
    let (program, args) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    pty.resize(size()).map_err(io::Error::other)?;
    let started = pty_process::Command::new(program).args(args).spawn(pts);
    let mut child = started.map_err(|e| match e {
        pty_process::Error::Io(e) => e,
        other => io::Error::other(other),
    })?;
    let columns = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).map_or(80, |s| s.ws_col.max(1));
    let mut signals = Signals::listen(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT])?;
    let mut resized = signal(SignalKind::window_change())?;
    let _cooked = Cooked::raw()?;
    let (mut read, mut write) = pty.into_split();
    let mut typed = keys();
    let mut tail = Tail::new(columns);
    let mut chunk = vec![0u8; CHUNK];
    let status = loop {
        tokio::select! {
            got = read.read(&mut chunk) => match got {
                Ok(n) if n > 0 => {
                    let bytes = chunk.get(..n).unwrap_or_default();
                    let _ = out(bytes);
                    tail.take(bytes);
                }
                // Nobody has it open any more: the command is at its end.
                _ => break child.wait().await?,
            },
            status = child.wait() => {
                while let Ok(Ok(n @ 1..)) = tokio::time::timeout(LAST_WORDS, read.read(&mut chunk)).await {
                    let bytes = chunk.get(..n).unwrap_or_default();
                    let _ = out(bytes);
                    tail.take(bytes);
                }
                break status?;
            }
            Some(bytes) = typed.recv() => {
                let _ = write.write_all(&bytes).await;
            }
            _ = resized.recv() => {
                let _ = write.resize(size());
            }
            Some(signal) = signals.0.recv() => {
                if let Some(pid) = pid(&child) {
                    let _ = rustix::process::kill_process_group(pid, signal);
                }
            }
        }
    };
    Ok(tail.ended(status))
}

/// What is typed here, read on a thread of its own: a read that waits when the command ends takes nothing with it.
fn keys() -> mpsc::Receiver<Vec<u8>> {
    let (tx, rx) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut chunk = [0u8; 4096];
        loop {
            match rustix::io::read(rustix::stdio::stdin(), &mut chunk) {
                Ok(n) if n > 0 => {
                    if tx.blocking_send(chunk.get(..n).unwrap_or_default().to_vec()).is_err() {
                        return;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                _ => return,
            }
        }
    });
    rx
}

/// Runs a command whose output goes somewhere else than a terminal: bytes pass through as they are.
///
/// # Errors
/// When it could not be started.
pub async fn in_pipes(command: &[OsString]) -> io::Result<Ended> {
    let (program, args) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Keys that interrupt go from the terminal to the command itself; a signal sent to this process goes on to it.
    let at_terminal = rustix::termios::isatty(rustix::stdio::stdin());
    let mut signals = Signals::listen(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT])?;
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let mut tail = Tail::new(120);
    let (mut one, mut two) = (vec![0u8; CHUNK], vec![0u8; CHUNK]);
    let mut ended: Option<ExitStatus> = None;
    while stdout.is_some() || stderr.is_some() {
        tokio::select! {
            got = take(&mut stdout, &mut one), if stdout.is_some() => match got {
                // A reader that went away is told to the command as it would be without anybody in between.
                Some(bytes) if out(bytes).is_ok() => tail.take_plain(bytes),
                _ => stdout = None,
            },
            got = take(&mut stderr, &mut two), if stderr.is_some() => match got {
                Some(bytes) if err(bytes).is_ok() => tail.take_plain(bytes),
                _ => stderr = None,
            },
            status = child.wait(), if ended.is_none() => ended = Some(status?),
            () = tokio::time::sleep(LAST_WORDS), if ended.is_some() => break,
            Some(signal) = signals.0.recv() => {
                let own = at_terminal && matches!(signal, Signal::INT | Signal::QUIT);
                if let Some(pid) = pid(&child).filter(|_| !own) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    }
    let status = match ended {
        Some(status) => status,
        None => loop {
            tokio::select! {
                status = child.wait() => break status?,
                Some(signal) = signals.0.recv() => {
                    if let Some(pid) = pid(&child) {
                        let _ = rustix::process::kill_process(pid, signal);
                    }
                }
            }
        },
    };
    Ok(tail.ended(status))
}

async fn take<'a>(from: &mut Option<impl AsyncRead + Unpin>, chunk: &'a mut [u8]) -> Option<&'a [u8]> {
    let n = from.as_mut()?.read(chunk).await.ok().filter(|n| *n > 0)?;
    chunk.get(..n)
}

fn err(bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    std::io::stderr().lock().write_all(bytes)
}
