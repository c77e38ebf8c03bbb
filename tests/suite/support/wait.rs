//! Waiting for a condition with a deadline; never for a time.

use std::time::Duration;

use tokio::time::Instant;

/// Looks again after this long.
const AGAIN: Duration = Duration::from_millis(20);

/// Waits until `look` finds something; at the deadline fails with what `shown` says.
pub(crate) async fn until<T>(what: &str, deadline: Duration, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        let why = match look().await {
            Ok(found) => return found,
            Err(why) => why,
        };
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}\n{why}");
        tokio::time::sleep(AGAIN).await;
    }
}
