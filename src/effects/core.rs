//! Core dumps: memory holds secrets, so none of it is written to a disk when this program dies. What it starts for a
//! person keeps the limit that they had.

use std::sync::OnceLock;

use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;

/// The variable that tells the limit to this program, started again as a supervisor.
pub const CARRIED: &str = "CABINA_CORE_LIMIT";

/// The soft limit that whoever started this program had, in bytes; `None` is no limit.
static BEFORE: OnceLock<Option<u64>> = OnceLock::new();

/// Lets no core be dumped from now on.
pub fn none() {
    let now = getrlimit(Resource::Core);
    let carried = std::env::var(CARRIED).ok();
    let before = match carried.as_deref() {
        Some("unlimited") => None,
        Some(text) => text.parse().ok().map_or(now.current, Some),
        None => now.current,
    };
    let _ = BEFORE.set(before);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: now.maximum });
}

/// The limit as it was, in the words of `ulimit -c`, which counts in blocks of 1,024 bytes.
#[must_use]
pub fn in_blocks() -> String {
    match BEFORE.get() {
        None | Some(None) => "unlimited".to_owned(),
        Some(Some(bytes)) => (bytes / 1_024).to_string(),
    }
}

/// The same in bytes, for a supervisor.
#[must_use]
pub fn carried() -> String {
    match BEFORE.get() {
        None | Some(None) => "unlimited".to_owned(),
        Some(Some(bytes)) => bytes.to_string(),
    }
}

/// Starts something with the limit as it was: it inherits what holds at that moment. To set it from outside afterwards
/// would be a race with its first line.
pub fn as_it_was<T>(start: impl FnOnce() -> T) -> T {
    let maximum = getrlimit(Resource::Core).maximum;
    let set = |current| setrlimit(Resource::Core, Rlimit { current, maximum });
    let put = BEFORE.get().map(|before| set(*before));
    let started = start();
    if put.is_some() {
        let _ = set(Some(0));
    }
    started
}
