//! Is there room for a cockpit? One that comes up without a thread to read keys on could not even be left.

use std::fs::File;
use std::sync::mpsc;

use crate::app::complain;
use crate::app::exit;
use crate::lang::Lang;
use crate::store::StoreError;

/// Threads that a cockpit starts within its first second: keys, the store's connections, files.
const THREADS: usize = 8;
/// Files that it opens: the terminal, the store with its logs, sockets.
const FILES: usize = 12;
/// The stack of a thread that only waits.
const STACK: usize = 64 * 1024;

/// Looks whether there are files to be had, before the terminal is taken.
///
/// # Errors
/// The exit code; what is lacking was said.
pub(super) fn files(lang: Lang) -> Result<(), u8> {
    let files: Result<Vec<File>, _> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    if files.is_err() {
        complain(&format!("cabina: {}", StoreError::NoFiles.words(lang)));
        return Err(exit::INTERNAL);
    }
    Ok(())
}

/// Are there threads to be had? To find out takes as long as a frame: the first one is drawn before.
pub(super) fn has_threads() -> bool {
    let mut held = Vec::new();
    for _ in 0..THREADS {
        let (keep, waits) = mpsc::channel::<()>();
        // It ends when nobody holds the other end any more.
        let waits = move || waits.recv().unwrap_or_default();
        let Ok(thread) = std::thread::Builder::new().stack_size(STACK).spawn(waits) else { return false };
        held.push((keep, thread));
    }
    for (keep, thread) in held {
        drop(keep);
        // What it had is free again only when it has ended.
        let _ = thread.join();
    }
    true
}
