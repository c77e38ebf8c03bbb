//! The nouns: plain data and the arithmetic that belongs to it. Nothing here knows a clock, a network,
//! a terminal or any other module of the crate.

pub mod alert;
pub mod because;
pub mod breakdown;
pub mod console;
pub mod context;
pub mod credential;
pub mod deploy;
pub mod dora;
pub mod exercised;
pub mod fact;
pub mod flaps;
pub mod glance;
pub mod health;
pub mod incident;
pub mod journal;
pub mod maintenance;
pub mod matcher;
pub mod plain;
pub mod promql;
pub mod rule;
pub mod run;
pub mod runbook;
pub mod series;
pub mod sessions;
pub mod severity;
pub mod signal;
pub mod significance;
pub mod source;
pub mod tale;
pub mod template;
pub mod text;
pub mod time;
pub mod trends;
pub mod watch;
pub mod window;
