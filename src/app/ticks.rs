//! A tick for every second of the wall clock, at its beginning, so that the clock on the screen steps with it.

use crate::bus::Bus;
use crate::bus::pace;
use crate::engine::Kind;

/// Ticks for as long as the program runs; a tick that finds the channel full is dropped.
pub(super) async fn run(bus: Bus) {
    loop {
        pace::next().await;
        bus.offer(Kind::Tick);
    }
}
