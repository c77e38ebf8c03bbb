//! Tasks. What is spawned or waited for goes through here, boxed: the runtime is then compiled once, and not again
//! around each of them. Half a megabyte of the program was copies of it.

use std::pin::Pin;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Sent<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Starts a task beside everything else.
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let boxed: Sent<T> = Box::pin(future);
    tokio::spawn(boxed)
}

/// Runs a future to its end on this thread.
pub fn wait<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    let boxed: Boxed<'_, T> = Box::pin(future);
    runtime.block_on(boxed)
}
