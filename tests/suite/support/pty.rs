//! The built program in a pseudo-terminal, its screen read through a terminal emulator.

use std::process::ExitStatus;
use std::time::Duration;

use pty_process::OwnedReadPty;
use pty_process::OwnedWritePty;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::time::Instant;

/// Longer than any of this takes on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(30);

fn cells(n: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(n).unwrap()
}

/// A program on a screen.
pub(crate) struct Screen {
    child: Child,
    read: Option<OwnedReadPty>,
    write: Option<OwnedWritePty>,
    parser: vt100::Parser,
    _state: tempfile::TempDir,
    /// Everything the program wrote.
    pub(crate) bytes: Vec<u8>,
}

impl Screen {
    /// Starts the program; the environment is only what is given, and a terminal.
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        Self::run(std::path::Path::new(env!("CARGO_BIN_EXE_cabina")), args, env, cols, rows)
    }

    /// The same with another program.
    pub(crate) fn run(program: &std::path::Path, args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(pty_process::Size::new(rows, cols)).unwrap();
        let mut command = pty_process::Command::new(program)
            .args(args)
            .env_clear()
            .env("TERM", "xterm-256color")
            .env("LANG", "en_US.UTF-8")
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("TZ", "UTC")
            // The record of whoever runs the tests is not theirs to write.
            .env("XDG_STATE_HOME", state.path())
            .kill_on_drop(true);
        for (k, v) in env {
            command = command.env(k, v);
        }
        let child = command.spawn(pts).unwrap();
        let (read, write) = pty.into_split();
        let parser = vt100::Parser::new(cells(rows), cells(cols), 0);
        Self { child, read: Some(read), write: Some(write), parser, bytes: Vec::new(), _state: state }
    }

    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    pub(crate) fn alternate(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    pub(crate) fn cursor_hidden(&self) -> bool {
        self.parser.screen().hide_cursor()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().unwrap() as i32
    }

    /// Types.
    pub(crate) async fn keys(&mut self, keys: &str) {
        self.write.as_mut().unwrap().write_all(keys.as_bytes()).await.unwrap();
    }

    /// Pastes while the screen is read, as a terminal does; nothing can be typed after it.
    pub(crate) fn pastes(&mut self, text: String) {
        let mut write = self.write.take().unwrap();
        tokio::spawn(async move { write.write_all(text.as_bytes()).await });
    }

    pub(crate) fn resize(&mut self, cols: u16, rows: u16) {
        self.write.as_ref().unwrap().resize(pty_process::Size::new(rows, cols)).unwrap();
        self.parser.screen_mut().set_size(cells(rows), cells(cols));
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Reads what is there; false at the end.
    async fn take(&mut self, within: Duration) -> bool {
        let mut chunk = [0u8; 16 * 1024];
        let Some(read) = self.read.as_mut() else {
            return false;
        };
        match tokio::time::timeout(within, read.read(&mut chunk)).await {
            Ok(Ok(n)) if n > 0 => {
                self.parser.process(&chunk[..n]);
                self.bytes.extend_from_slice(&chunk[..n]);
                true
            }
            // The other end is closed: the kernel says EIO.
            Ok(_) => false,
            Err(_) => true,
        }
    }

    /// Waits until the screen satisfies a condition; at the deadline fails with the screen.
    pub(crate) async fn until(&mut self, what: &str, mut good: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        let mut open = true;
        while !good(self) {
            assert!(open && start.elapsed() < PATIENCE, "not seen: {what}\n{}", self.text());
            open = self.take(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a text is on the screen.
    pub(crate) async fn shows(&mut self, text: &str) {
        self.until(text, |s| s.text().contains(text)).await;
    }

    /// Waits for the end, reading on.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            let open = self.take(Duration::from_millis(20)).await;
            if let Some(status) = self.child.try_wait().unwrap() {
                while open && self.take(Duration::from_millis(20)).await && start.elapsed() < PATIENCE {
                    if self.read.is_none() {
                        break;
                    }
                }
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end\n{}", self.text());
        }
    }

    /// Closes the terminal, as a window that is closed or a link that breaks; returns how long the program lived on.
    pub(crate) async fn hang_up(mut self) -> Duration {
        self.read = None;
        self.write = None;
        let start = Instant::now();
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it outlives its terminal");
        start.elapsed()
    }
}
