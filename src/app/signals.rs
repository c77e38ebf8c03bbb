//! Signals become events: TERM, HUP, INT and QUIT end the program, TSTP and CONT stop it and let it go on.

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::app::gate;
use crate::app::terminal;
use crate::bus::Bus;
use crate::bus::task;
use crate::engine::Kind;
use crate::engine::event::Ending;

/// Listens for as long as the program runs.
pub(super) fn spawn(bus: &Bus, with_terminal: bool) {
    let endings = [
        (SignalKind::terminate(), Ending::Signal),
        (SignalKind::interrupt(), Ending::Signal),
        (SignalKind::quit(), Ending::Signal),
        (SignalKind::hangup(), Ending::TerminalGone),
    ];
    for (kind, ending) in endings {
        let typed = with_terminal && (kind == SignalKind::interrupt() || kind == SignalKind::quit());
        listen(bus, kind, Kind::Shutdown(ending), typed);
    }
    if with_terminal {
        // SIGTSTP and SIGCONT have no constructor of their own; the numbers are libc's through rustix.
        listen(bus, SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()), Kind::StopAsked, false);
        listen(bus, SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()), Kind::Resumed, false);
    }
}

fn listen(bus: &Bus, kind: SignalKind, event: Kind, typed: bool) {
    // A signal that cannot be listened to keeps its default effect, which is to end the program.
    let Ok(mut stream) = signal(kind) else { return };
    let bus = bus.clone();
    task::spawn(async move {
        while stream.recv().await.is_some() {
            // While an editor has the terminal, what is typed there is for the editor.
            if typed && terminal::lent() {
                continue;
            }
            if matches!(event, Kind::Shutdown(_)) {
                gate::ending();
            }
            if !bus.send(event.clone()).await {
                return;
            }
        }
    });
}
