//! A command that somebody runs in another terminal: it behaves as it would alone, and the end of what it said is kept.

use std::ffi::OsString;
use std::io;
use std::num::NonZeroU16;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::Pin;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use pty_process::OwnedWritePty;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::pty::OpenptFlags;
use rustix::termios::isatty;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::bus::task;
use crate::effects::core;
use crate::model::text::clean_lines;

/// Lines of the end that are kept: what a person would scroll back to.
const LINES: u16 = 40;
/// Forty lines of the widest screen, each letter in a colour of its own.
const READ_BACK: usize = 256 * 1024;
/// Bytes moved at once.
const CHUNK: usize = 32 * 1024;
/// What a command said last may arrive this long after it has ended, one piece after another (a busy machine takes its
/// time; where nothing that it left running holds its output, nobody waits) …
const LAST_WORDS: Duration = Duration::from_millis(500);
/// … and no longer than this in all: what it left running is not waited for.
const LEAVES: Duration = Duration::from_secs(2);
/// Bytes that were typed or pasted and that the command has not read yet; more wait in the terminal.
const TYPED: usize = 64 * 1024;
/// Signals that are for the command, not for whoever wraps it.
const PASSED_ON: [Signal; 6] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

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

/// The last lines of an output, as they stood on a screen so wide; `plain` where no terminal has made lines of it.
#[must_use]
pub fn last_lines(bytes: &[u8], columns: u16, plain: bool) -> String {
    let mut tail = Tail::new(columns);
    let bytes = bytes.get(bytes.len().saturating_sub(READ_BACK)..).unwrap_or_default();
    if plain {
        tail.take_plain(bytes);
    } else {
        tail.take(bytes);
    }
    clean_lines(&tail.0.screen().contents())
}

/// Signals that are for the command, not for whoever wraps it.
struct Signals(mpsc::Receiver<Signal>);

impl Signals {
    fn listen(wanted: &[Signal]) -> io::Result<Self> {
        let (tx, rx) = mpsc::channel(8);
        for wanted in wanted.iter().copied() {
            let mut stream = signal(SignalKind::from_raw(wanted.as_raw()))?;
            let tx = tx.clone();
            task::spawn(async move {
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

/// Where a stream of the command goes on to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Out,
    Err,
}

impl To {
    fn fd(self) -> BorrowedFd<'static> {
        match self {
            Self::Out => rustix::stdio::stdout(),
            Self::Err => rustix::stdio::stderr(),
        }
    }

    fn is_terminal(self) -> bool {
        isatty(self.fd())
    }

    fn write(self, bytes: &[u8]) -> io::Result<()> {
        use rustix::event::PollFd;
        use rustix::event::PollFlags;
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(self.fd(), rest) {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    let mut wait = [PollFd::from_borrowed_fd(self.fd(), PollFlags::OUT)];
                    let _ = rustix::event::poll(&mut wait, None);
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// What a command says on one way, and where it goes on to.
struct Stream {
    from: Box<dyn AsyncRead + Send + Unpin>,
    to: To,
    /// No terminal has made lines of it.
    plain: bool,
}

impl Stream {
    fn pipe(from: impl AsyncRead + Send + Unpin + 'static, to: To) -> Self {
        Self { from: Box::new(from), to, plain: true }
    }
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

/// The size of the terminal that it is shown in: rows and columns.
fn size() -> (u16, u16) {
    let of = |to: To| rustix::termios::tcgetwinsize(to.fd()).ok().filter(|s| s.ws_row > 0 && s.ws_col > 0);
    of(To::Out).or_else(|| of(To::Err)).map_or((24, 80), |s| (s.ws_row, s.ws_col))
}

/// The terminal of the command.
enum Terminal {
    /// Its own, with its keys: what is typed here goes there.
    Own(OwnedWritePty),
    /// One to write to; it reads from elsewhere.
    Written(OwnedFd),
}

impl Terminal {
    fn resize(&self) {
        let (rows, columns) = size();
        match self {
            Self::Own(write) => {
                let _ = write.resize(pty_process::Size::new(rows, columns));
            }
            Self::Written(fd) => {
                let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
                let _ = rustix::termios::tcsetwinsize(fd, size);
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Own(write) => write.write(bytes).await,
            Self::Written(_) => std::future::pending().await,
        }
    }
}

/// Runs a command so that it finds what it would find without anybody in between: a terminal where there is one, with
/// its keys where they are typed at one, and each stream that goes elsewhere as a stream of its own.
///
/// # Errors
/// When it could not be started.
pub async fn run(command: &[OsString]) -> io::Result<Ended> {
    let keys = isatty(rustix::stdio::stdin()) && in_front();
    if keys && (To::Out.is_terminal() || To::Err.is_terminal()) {
        at_the_keyboard(command).await
    } else {
        without_keys(command).await
    }
}

/// Is this what the terminal listens to now? Whoever is in the background must not touch it.
fn in_front() -> bool {
    rustix::termios::tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|front| front == rustix::process::getpgrp())
}

/// In a terminal of its own, inside this one.
async fn at_the_keyboard(command: &[OsString]) -> io::Result<Ended> {
    let (program, args) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    let (rows, columns) = size();
    pty.resize(pty_process::Size::new(rows, columns)).map_err(io::Error::other)?;
    let mut prepared = pty_process::Command::new(program).args(args);
    if !To::Out.is_terminal() {
        prepared = prepared.stdout(Stdio::piped());
    }
    if !To::Err.is_terminal() {
        prepared = prepared.stderr(Stdio::piped());
    }
    let mut child = core::as_it_was(|| prepared.spawn(pts)).map_err(|e| match e {
        pty_process::Error::Io(e) => e,
        other => io::Error::other(other),
    })?;
    let shown_at = if To::Out.is_terminal() { To::Out } else { To::Err };
    let (read, write) = pty.into_split();
    let streams = [
        Some(Stream { from: Box::new(read), to: shown_at, plain: false }),
        child.stdout.take().map(|s| Stream::pipe(s, To::Out)),
        child.stderr.take().map(|s| Stream::pipe(s, To::Err)),
    ];
    let _cooked = Cooked::raw()?;
    let wrapped = Wrapped { child, streams, terminal: Some(Terminal::Own(write)), group: true, own_keys: false };
    wrapped.follow(Tail::new(columns), Some(keys())).await
}

/// With the input as it is. What goes to a terminal goes to one.
async fn without_keys(command: &[OsString]) -> io::Result<Ended> {
    let (program, args) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut prepared = tokio::process::Command::new(program);
    prepared.args(args).stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (out, err) = (To::Out.is_terminal(), To::Err.is_terminal());
    let opened = if out || err { Some(written_terminal()?) } else { None };
    if let Some((_, slave)) = &opened {
        if out {
            prepared.stdout(slave.try_clone()?);
        }
        if err {
            prepared.stderr(slave.try_clone()?);
        }
    }
    let mut child = core::as_it_was(|| prepared.spawn())?;
    // The command alone has it open now, so that its end is seen.
    drop(prepared);
    let master = opened.map(|(master, _)| master);
    let shown = match &master {
        Some(master) => Some(Stream {
            from: Box::new(tokio::fs::File::from_std(master.try_clone()?.into())),
            to: if out { To::Out } else { To::Err },
            plain: false,
        }),
        None => None,
    };
    let streams = [
        shown,
        child.stdout.take().map(|s| Stream::pipe(s, To::Out)),
        child.stderr.take().map(|s| Stream::pipe(s, To::Err)),
    ];
    // Keys that interrupt go from the terminal to the command itself; a signal sent to this process goes on to it.
    let own_keys = isatty(rustix::stdio::stdin()) || out || err;
    let terminal = master.map(Terminal::Written);
    let wrapped = Wrapped { child, streams, terminal, group: false, own_keys };
    wrapped.follow(Tail::new(if out || err { size().1 } else { 120 }), None).await
}

/// A terminal to be written to: what reads it, and what the command gets.
fn written_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let slave = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty())?;
    let terminal = Terminal::Written(master);
    terminal.resize();
    match terminal {
        Terminal::Written(master) => Ok((master, slave)),
        Terminal::Own(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A command that was started.
struct Wrapped {
    child: Child,
    streams: [Option<Stream>; 3],
    terminal: Option<Terminal>,
    /// It leads a group of its own: signals go to all of it.
    group: bool,
    /// The keys that interrupt reach it without us.
    own_keys: bool,
}

impl Wrapped {
    async fn follow(mut self, mut tail: Tail, mut typed: Option<mpsc::Receiver<Vec<u8>>>) -> io::Result<Ended> {
        let mut signals = Signals::listen(&PASSED_ON)?;
        let mut resized = signal(SignalKind::window_change())?;
        let mut pending: Vec<u8> = Vec::new();
        let mut chunks = [vec![0u8; CHUNK], vec![0u8; CHUNK], vec![0u8; CHUNK]];
        let mut ended: Option<(ExitStatus, Pin<Box<tokio::time::Sleep>>)> = None;
        while ended.is_none() || self.streams.iter().any(Option::is_some) {
            let [one, two, three] = &mut self.streams;
            let [first, second, third] = &mut chunks;
            let over = ended.is_some();
            tokio::select! {
                biased;
                Some(signal) = signals.0.recv() => self.pass_on(signal),
                status = self.child.wait(), if !over => {
                    ended = Some((status?, Box::pin(tokio::time::sleep(LEAVES))));
                }
                bytes = next(&mut typed), if pending.len() < TYPED => match bytes {
                    Some(bytes) => pending.extend(bytes),
                    None => typed = None,
                },
                written = put(&mut self.terminal, &pending), if !pending.is_empty() => match written {
                    Ok(n) => drop(pending.drain(..n)),
                    // Nobody reads it any more.
                    Err(_) => pending.clear(),
                },
                _ = resized.recv() => self.terminal.iter().for_each(Terminal::resize),
                said = take(one, first), if one.is_some() => pass(one, said, &mut tail),
                said = take(two, second), if two.is_some() => pass(two, said, &mut tail),
                said = take(three, third), if three.is_some() => pass(three, said, &mut tail),
                () = tokio::time::sleep(LAST_WORDS), if over => break,
                () = until(&mut ended), if over => break,
            }
        }
        let status = match ended {
            Some((status, _)) => status,
            None => self.child.wait().await?,
        };
        Ok(tail.ended(status))
    }

    fn pass_on(&self, signal: Signal) {
        let own = self.own_keys && matches!(signal, Signal::INT | Signal::QUIT);
        let Some(pid) = pid(&self.child).filter(|_| !own) else { return };
        let _ = if self.group {
            rustix::process::kill_process_group(pid, signal)
        } else {
            rustix::process::kill_process(pid, signal)
        };
    }
}

async fn until(ended: &mut Option<(ExitStatus, Pin<Box<tokio::time::Sleep>>)>) {
    match ended {
        Some((_, leaves)) => leaves.await,
        None => std::future::pending().await,
    }
}

async fn next(typed: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match typed {
        Some(typed) => typed.recv().await,
        None => std::future::pending().await,
    }
}

async fn put(terminal: &mut Option<Terminal>, bytes: &[u8]) -> io::Result<usize> {
    match terminal {
        Some(terminal) => terminal.write(bytes).await,
        None => std::future::pending().await,
    }
}

async fn take<'a>(stream: &mut Option<Stream>, chunk: &'a mut [u8]) -> Option<&'a [u8]> {
    let n = stream.as_mut()?.from.read(chunk).await.ok().filter(|n| *n > 0)?;
    chunk.get(..n)
}

/// Hands on what was said. A reader that went away is told to the command as it would be without anybody in between:
/// what it writes to is closed.
fn pass(stream: &mut Option<Stream>, said: Option<&[u8]>, tail: &mut Tail) {
    let (Some(open), Some(bytes)) = (stream.as_ref(), said) else {
        *stream = None;
        return;
    };
    let plain = open.plain;
    if open.to.write(bytes).is_err() {
        *stream = None;
    }
    if plain { tail.take_plain(bytes) } else { tail.take(bytes) }
}

/// What is typed here, read on a thread of its own: a read that waits when the command ends takes nothing with it.
fn keys() -> mpsc::Receiver<Vec<u8>> {
    let (tx, rx) = mpsc::channel(4);
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
