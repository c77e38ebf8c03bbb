//! The window after a deploy.

pub mod judge;
