//! The core: `Event × State → State + Effects`. No clock, no I/O, no async; the same fold runs the live cockpit,
//! `check`, `demo`, and every test.

pub mod alerts;
pub mod announce;
pub mod built_in;
pub mod chart;
pub mod classify;
mod commands;
pub mod context;
pub mod effect;
pub mod event;
pub mod fact;
mod filter;
pub mod health;
mod hold;
pub mod keys;
pub mod known;
pub mod links;
pub mod now;
pub mod place;
pub mod prompt;
mod reload;
pub mod sentence;
pub mod sessions;
pub mod settings;
pub mod signals;
pub mod silence;
pub mod sources;
pub mod state;
pub mod timeline;
mod update;
pub mod words;

pub use effect::Effect;
pub use effect::Reaction;
pub use event::Event;
pub use event::Kind;
pub use filter::filter_of;
pub use filter::matching;
pub use filter::visible_alerts;
pub use filter::visible_checks;
pub use filter::visible_facts;
pub use filter::visible_signals;
pub use settings::Settings;
pub use state::State;
pub use state::outdated;
pub use state::standing;
pub use update::update;
