//! Steps of a procedure, run: the supervisor that runs them, and the way to it.

mod block;
pub mod cast;
pub mod client;
pub mod file;
mod heart;
mod ledger;
mod look;
pub mod process;
mod prove;
pub mod settle;
mod shell;
mod supervisor;
pub mod wire;
