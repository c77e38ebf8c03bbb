//! The terminal is taken once and given back exactly once: on quit, error, panic and every signal.

use std::io;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::ThreadId;

use crossterm::cursor::Hide;
use crossterm::cursor::Show;
use crossterm::event::DisableBracketedPaste;
use crossterm::event::DisableFocusChange;
use crossterm::event::EnableBracketedPaste;
use crossterm::event::EnableFocusChange;
use crossterm::queue;
use crossterm::terminal::EnterAlternateScreen;
use crossterm::terminal::LeaveAlternateScreen;
use crossterm::terminal::disable_raw_mode;
use crossterm::terminal::enable_raw_mode;

/// Whether the terminal is ours at this moment. Guard, panic hook and suspension may all give it back; only one does.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether somebody else has it, for a while: an editor.
static LENT: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back when it goes out of scope.
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Takes the terminal.
///
/// # Errors
/// When it cannot be put into raw mode; whatever was done up to then is undone.
pub fn take() -> io::Result<Guard> {
    // The guard exists before the terminal is touched, so that a start that fails half-way is undone too.
    let guard = Guard(());
    enter()?;
    Ok(guard)
}

/// True from the moment at which somebody else is to have the terminal until it comes back.
#[must_use]
pub fn lent() -> bool {
    LENT.load(Ordering::SeqCst)
}

/// Says that somebody else is to have the terminal, or that it is back; false when it was so already.
pub fn lend(lent: bool) -> bool {
    LENT.swap(lent, Ordering::SeqCst) != lent
}

/// Puts the terminal into the state that the screen needs; also after the process was stopped.
///
/// # Errors
/// When the terminal is gone.
pub fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mut out = Vec::new();
    queue!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide)?;
    write(&out)
}

/// Undoes `enter`, once. Errors are left alone: a terminal that is gone needs nothing back.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = Vec::new();
    let _ = queue!(out, DisableFocusChange, DisableBracketedPaste, Show, LeaveAlternateScreen);
    let _ = write(&out);
    let _ = disable_raw_mode();
}

/// One write, past the line buffer of standard output.
fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = raw();
    out.write_all(bytes)
}

/// Standard output without a buffer in between.
#[must_use]
pub fn raw() -> impl Write {
    struct Raw;
    impl Write for Raw {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Raw
}

/// Prints panics after the terminal was given back, and only gives it back for the thread that draws: a poller that
/// panics is an event, and the screen goes on.
pub fn install_panic_hook(drawing: ThreadId) {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == drawing {
            give_back();
            report(info);
        }
    }));
}

/// True when both ends of the screen are a terminal.
#[must_use]
pub fn present() -> bool {
    use std::io::IsTerminal as _;
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
