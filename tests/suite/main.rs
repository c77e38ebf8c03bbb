//! The suite: one binary, so that one link serves all rings. `support` holds what they share.

mod cli;
mod program;
mod properties;
mod scenarios;
mod screens;
mod servers;
mod sources;
mod support;
mod terminal;
mod tidy;
