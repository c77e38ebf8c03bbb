//! The suite: one binary, so that one link serves all rings. `support` holds what they share.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop loudly"
)]
#![expect(clippy::disallowed_methods, reason = "certificates for tests are dated by the real clock")]

mod alerts;
mod cli;
mod desk;
mod figures;
mod files;
mod gate;
mod loss;
mod postmortem;
mod program;
mod properties;
mod record;
mod recorder;
mod runbook;
mod scenarios;
mod screens;
mod servers;
mod sources;
mod steps;
mod support;
mod terminal;
mod tidy;
mod walk;
mod window;
mod wrapped;
