//! Documents made of what was kept. Pure: what they say arrives in words.

pub mod curve;
pub mod postmortem;
pub mod template;
