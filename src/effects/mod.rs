//! Effects that take their time: each has a task of its own, and what comes of it returns as an event.

pub mod core;
pub mod curves;
pub mod figures;
pub mod follow;
pub mod library;
pub mod record;
pub mod step;
pub mod tape;
pub mod wrapped;
