//! State into text and JSON, for programs and for pipes.

pub mod board;
pub mod check;
pub mod dora;
pub mod incident;
pub mod run;
pub mod runbook;
pub mod scraped;
pub mod stats;
pub mod trends;
pub mod window;
