//! cabina: the terminal an on-call engineer opens at 3 a.m.
//!
//! cabina is a pure function over a recorded stream. The edges (pollers, keyboard, signals, clock) turn the world into
//! stamped [`engine::Event`]s on one bounded channel. [`engine::update`] is the only thing that changes
//! [`engine::State`]; it has no clock, no I/O and no async, and returns [`engine::Effect`]s as data. One performer
//! carries effects out, and what comes of them returns as events. [`view::render`] draws from a shared reference.
//!
//! ```text
//!  8 shell   main, app, cli            knows all, decides nothing (cli is only the shape of the command line)
//!  7 edges   sources, effects, lab     world -> Event, Effect -> world, embedded target
//!  6 store   store, secrets            incidents, journals and deploys on disk; what no text may show
//!  5 way in  bus                       stamps and sends; the only reader of a clock
//!  ------------------------------------ below: no async, I/O, clock, lock, thread, environment
//!  4 faces   view, report, config      State -> cells, State -> text and JSON, text -> Settings
//!  3 core    engine                    Event x State -> State + Effects
//!  2 helpers input, layout, theme, runbook, export
//!  1 nouns   model, lang               plain data and arithmetic; every visible sentence
//! ```
//!
//! A module imports only from lower numbers: never up, never sideways. `tests/tidy.rs` keeps this table true.
//!
//! Invariants, above all what is absent: nothing below the line reads a clock; drawing changes nothing; a missing
//! reading is a value and never 0; `Settings` and `State` hold no secret; nothing is asked of the terminal; every
//! channel, series, body and text is bounded.

pub mod app;
pub mod bus;
pub mod cli;
pub mod config;
pub mod effects;
pub mod engine;
pub mod export;
pub mod input;
pub mod lab;
pub mod lang;
pub mod layout;
pub mod model;
pub mod report;
pub mod runbook;
pub mod secrets;
pub mod sources;
pub mod store;
pub mod theme;
pub mod view;
