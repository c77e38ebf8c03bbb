//! A tick for every second of the wall clock, at its beginning, so that the clock on the screen steps with it.

use std::time::Duration;

use crate::bus;
use crate::bus::Bus;
use crate::engine::Kind;
use crate::model::time::SECOND;

/// Ticks for as long as the program runs; a tick that finds the channel full is dropped.
pub(super) async fn run(bus: Bus) {
    loop {
        let into = bus::now().wall.rem_euclid(SECOND);
        // A millisecond past the edge, so that rounding never lands before it.
        tokio::time::sleep(Duration::from_millis((SECOND - into + 1) as u64)).await;
        bus.offer(Kind::Tick);
    }
}
