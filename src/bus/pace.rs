//! One beat for everything that looks again and again: whoever waits for it wakes together with all the others, and not
//! each at a moment of their own. It is the second of the wall clock, so that the clock on the screen steps with it.

use std::time::Duration;

use tokio::time::Instant;

use crate::bus;
use crate::model::time::Millis;
use crate::model::time::SECOND;

/// The beat that is nearest to a moment: whoever adds whole seconds to a beat comes to a beat, however late a timer was.
#[must_use]
pub fn near(at: Instant) -> Instant {
    let (now, wall) = (Instant::now(), bus::now().wall);
    let ahead = at.saturating_duration_since(now).as_millis() as Millis;
    let into = (wall + ahead).rem_euclid(SECOND);
    let to = if into < SECOND / 2 { -into } else { SECOND - into };
    // A millisecond past the edge, so that rounding never lands before it.
    now + Duration::from_millis((ahead + to + 1).max(0) as u64)
}

/// Waits for the beat that is nearest to so much time from now.
pub async fn after(time: Duration) {
    tokio::time::sleep_until(near(Instant::now() + time)).await;
}

/// Waits for the next beat.
pub async fn next() {
    after(Duration::from_secs(1)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_nearest_beat_is_half_a_second_away_at_most() {
        for ahead in [0, 1, 250, 499, 501, 999, 1_000, 4_321] {
            let at = Instant::now() + Duration::from_millis(ahead);
            let beat = near(at);
            // Two milliseconds for the test itself.
            let apart = beat.saturating_duration_since(at).max(at.saturating_duration_since(beat));
            assert!(apart <= Duration::from_millis(503) || beat <= Instant::now(), "{ahead}: {apart:?}");
            let again = near(beat + Duration::from_secs(5));
            let apart = again.saturating_duration_since(beat);
            assert!((4_990..=5_010).contains(&apart.as_millis()) || ahead < 500, "{ahead}: {apart:?}");
        }
    }
}
