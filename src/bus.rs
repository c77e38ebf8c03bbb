//! The one way in: stamps what happened and sends it. The only reader of a clock.

pub mod pace;
pub mod task;

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use rustix::time::ClockId;
use rustix::time::clock_gettime;
use tokio::sync::mpsc;

use crate::engine::Event;
use crate::engine::Kind;
use crate::model::time::Millis;
use crate::model::time::Stamp;

/// Events under way at the most. A night's storm is some hundreds a second; the loop takes 256 at a time, so four
/// rounds of it fit. Pollers and the keyboard wait when it is full, ticks are dropped.
pub const CAPACITY: usize = 1_024;

/// Reads both clocks.
#[must_use]
pub fn now() -> Stamp {
    let boot = clock_gettime(ClockId::Boottime);
    Stamp { mono: boot.tv_sec * 1_000 + boot.tv_nsec / 1_000_000, wall: wall() }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}

/// Sends events, each with the moment it was received.
#[derive(Clone, Debug)]
pub struct Bus {
    tx: mpsc::Sender<Event>,
}

impl Bus {
    /// A bus and its other end.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Event>) {
        let (tx, rx) = mpsc::channel(CAPACITY);
        (Self { tx }, rx)
    }

    /// Sends, and waits while the channel is full. False when nobody listens any more.
    pub async fn send(&self, kind: Kind) -> bool {
        self.tx.send(Event { at: now(), kind }).await.is_ok()
    }

    /// Sends if there is room; what does not fit is dropped.
    pub fn offer(&self, kind: Kind) {
        let _ = self.tx.try_send(Event { at: now(), kind });
    }

    /// Sends from a thread that is not part of the runtime.
    #[must_use]
    pub fn send_blocking(&self, kind: Kind) -> bool {
        self.tx.blocking_send(Event { at: now(), kind }).is_ok()
    }
}
