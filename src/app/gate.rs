//! The one way out for text: standard output and standard error of every command. What leaves steers no terminal: no
//! control characters but newline and tab, none that turn or hide text; in JSON they are escaped. What could not be
//! written is remembered, and the exit code says so.
//!
//! Nothing else writes to the two, but for the screen (`terminal`), the command of `run` (`effects::wrapped`), and the
//! line by which a supervisor answers; a test sees to it.

use std::io;
use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::fd::BorrowedFd;

use crate::app::exit;
use crate::lang::Lang;
use crate::model::text::escaped_json;
use crate::model::text::harmless;

/// A pipe takes so much without a wait once it says that it takes something (`PIPE_BUF` of Linux).
const PIECE: usize = 4_096;
/// How often somebody who reads nothing is looked at again.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// A reader of standard error that takes nothing for so many looks is not waited for any more.
const LOOKS: usize = 20;

/// Why standard output took no more; the first reason counts.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);
/// Whoever reads standard error reads it no more: nothing waits for them until they do.
static DEAF: AtomicBool = AtomicBool::new(false);
/// Lines that were not said meanwhile.
static UNSAID: AtomicUsize = AtomicUsize::new(0);
/// The program was asked to end: nothing waits for a reader any more.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Nothing waits any more for those who read what is written.
pub(super) fn ending() {
    ENDING.store(true, Ordering::SeqCst);
}

/// Writes text to standard output.
pub(super) fn text(text: &str) {
    out(harmless(text).as_bytes());
}

/// Writes a document of JSON, or lines of it.
pub(super) fn json(text: &str) {
    out(escaped_json(text).as_bytes());
}

/// Writes what is no text for a person: a completion script, a manual page.
pub(super) fn raw(bytes: &[u8]) {
    out(bytes);
}

/// Says something to the person, on standard error. Whoever does not listen holds nothing up.
pub(super) fn say(text: &str) {
    let missed = UNSAID.load(Ordering::Relaxed);
    let more = if missed > 0 { format!("[+{missed}]\n") } else { String::new() };
    let line = format!("{more}{}\n", harmless(text));
    let looks = if DEAF.load(Ordering::Relaxed) { 0 } else { LOOKS };
    let said = pass(rustix::stdio::stderr(), line.as_bytes(), Some(looks)).is_ok();
    DEAF.store(!said, Ordering::Relaxed);
    if said {
        UNSAID.fetch_sub(missed, Ordering::Relaxed);
    } else {
        UNSAID.fetch_add(1, Ordering::Relaxed);
    }
}

fn out(bytes: &[u8]) {
    if FAILED.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        return;
    }
    if let Err(e) = pass(rustix::stdio::stdout(), bytes, None) {
        FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
    }
}

/// Writes it all, a piece at a time, so that a reader who stops reading cannot hold the end of the program up. `looks`
/// is how often such a one is waited for.
fn pass(fd: BorrowedFd<'_>, mut bytes: &[u8], looks: Option<usize>) -> io::Result<()> {
    let mut waited = 0;
    while !bytes.is_empty() {
        let mut polled = [PollFd::new(&fd, PollFlags::OUT)];
        match poll(&mut polled, Some(&LOOK)) {
            Ok(0) => {
                waited += 1;
                if ENDING.load(Ordering::SeqCst) || looks.is_some_and(|most| waited > most) {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                continue;
            }
            // A signal says nothing of whether there is room.
            Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(e) => return Err(e.into()),
        }
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        match rustix::io::write(fd, piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                waited = 0;
                bytes = bytes.get(n..).unwrap_or_default();
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// What the program ends with: as it was, unless what was to be printed could not be. A reader that went away is not an
/// error worth a word.
pub(super) fn end(code: u8, lang: Lang) -> u8 {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failed {
        None => code,
        Some(e) if e.kind() == io::ErrorKind::BrokenPipe || ENDING.load(Ordering::SeqCst) => code,
        Some(e) => {
            say(&format!("cabina: {}", lang.cli_not_printed(e)));
            exit::INTERNAL
        }
    }
}

/// Standard output for JSON that is written in pieces.
#[derive(Default)]
pub(super) struct Json {
    held: Vec<u8>,
}

impl Write for Json {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= 16 * PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Half a letter at the end waits for its other half.
        let whole = match std::str::from_utf8(&self.held) {
            Ok(text) => text.len(),
            Err(e) => e.valid_up_to(),
        };
        let rest = self.held.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.held, rest)).unwrap_or_default();
        json(&text);
        Ok(())
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// Writes a file as a whole or not at all; what is no regular file is written as it is.
///
/// # Errors
/// When it could not be written; what was there before is there still.
pub(super) fn file(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let there = std::fs::metadata(path).ok();
    if there.as_ref().is_some_and(|m| !m.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // A link goes on leading to the file that it leads to.
    let path = if there.is_some() { std::fs::canonicalize(path)? } else { path.to_path_buf() };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", crate::store::new_id()));
    let new = std::path::PathBuf::from(name);
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.write_all(bytes)?;
        if let Some(about) = &there {
            file.set_permissions(about.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&new, &path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}
