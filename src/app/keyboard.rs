//! The keyboard becomes events.

use crossterm::event::Event as Input;
use crossterm::event::EventStream;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyEventKind;
use crossterm::event::KeyModifiers;
use futures_util::StreamExt as _;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use tokio::sync::watch;

use crate::app::typing::Route;
use crate::app::typing::Taken;
use crate::bus::Bus;
use crate::bus::task;
use crate::engine::Kind;
use crate::engine::event::Ending;
use crate::input::key::Chord;
use crate::input::key::Code;

/// The most of a paste that is taken: no field here holds more.
const PASTE: usize = 64 * 1024;

/// Reads on a thread of its own: reading from a terminal that has just gone can spin without ever giving way, and
/// everything else, the end of the program among it, must go on all the same.
#[must_use]
pub(super) fn spawn(bus: Bus) -> Keyboard {
    let (wanted, wants) = watch::channel(true);
    let (reads, reading) = watch::channel(true);
    let route = Route::default();
    let way = route.clone();
    std::thread::spawn(move || {
        if let Ok(own) = tokio::runtime::Builder::new_current_thread().build() {
            task::wait(&own, run(bus, wants, reads, way));
        }
    });
    Keyboard { wanted, reading, route }
}

/// The keyboard, as it is held by whoever lends the terminal.
#[derive(Clone)]
pub(super) struct Keyboard {
    wanted: watch::Sender<bool>,
    reading: watch::Receiver<bool>,
    /// Where keys go.
    pub(super) route: Route,
}

impl Keyboard {
    /// Stops reading; returns when nothing is read any more.
    pub(super) async fn rest(&self) {
        self.wanted.send_replace(false);
        let _ = self.reading.clone().wait_for(|reads| !reads).await;
    }

    /// Reads again.
    pub(super) fn go_on(&self) {
        self.wanted.send_replace(true);
    }
}

/// Reads until the input ends.
async fn run(bus: Bus, mut wants: watch::Receiver<bool>, reads: watch::Sender<bool>, route: Route) {
    let mut input = EventStream::new();
    loop {
        let next = tokio::select! {
            next = input.next() => next,
            over = async { wants.wait_for(|wanted| !wanted).await.is_err() } => {
                drop(input);
                reads.send_replace(false);
                if over || wants.wait_for(|wanted| *wanted).await.is_err() {
                    return;
                }
                input = EventStream::new();
                reads.send_replace(true);
                continue;
            }
        };
        let kind = match next {
            Some(Ok(Input::Key(key))) => match (route.key(key), chord(key)) {
                (Taken::Told(kind), _) => *kind,
                (Taken::No, Some(chord)) => Kind::Key(chord),
                (Taken::Yes, _) | (Taken::No, None) => continue,
            },
            Some(Ok(Input::Paste(text))) if route.paste(&text) => continue,
            Some(Ok(Input::Paste(text))) => Kind::Pasted(text.chars().take(PASTE).collect()),
            Some(Ok(Input::Resize(width, height))) => Kind::Resized { width, height },
            Some(Ok(Input::FocusGained | Input::FocusLost | Input::Mouse(_))) => continue,
            None | Some(Err(_)) => {
                bus.send(Kind::Shutdown(Ending::TerminalGone)).await;
                return;
            }
        };
        if !bus.send(kind).await {
            return;
        }
    }
}

/// Waits, without ever waking, until the terminal hangs up. Reading alone does not tell: a terminal that is gone can
/// look like one where nobody types, or like one that never stops.
pub(super) fn watch_for_hang_up(bus: Bus) {
    std::thread::spawn(move || {
        let stdin = rustix::stdio::stdin();
        loop {
            let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
            match rustix::event::poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
                Ok(_) if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => {
                    let _ = bus.send_blocking(Kind::Shutdown(Ending::TerminalGone));
                    return;
                }
                Ok(_) => {}
            }
        }
    });
}

fn chord(key: KeyEvent) -> Option<Chord> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let code = match key.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::F(n) => Code::F(n),
        _ => Code::Other,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(Chord { code, ctrl, alt })
}
