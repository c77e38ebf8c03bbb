//! The core: `Event × State → State + Effects`. No clock, no I/O, no async; the same fold runs the live cockpit,
//! `check`, `demo`, and every test.

pub mod classify;
mod commands;
pub mod effect;
pub mod event;
pub mod health;
mod hold;
mod keys;
pub mod now;
pub mod prompt;
pub mod sentence;
pub mod sessions;
pub mod settings;
pub mod signals;
pub mod sources;
pub mod state;
pub mod timeline;
mod update;
pub mod words;

pub use commands::filter_of;
pub use commands::matching;
pub use commands::visible_checks;
pub use commands::visible_facts;
pub use commands::visible_signals;
pub use effect::Effect;
pub use effect::Reaction;
pub use event::Event;
pub use event::Kind;
pub use settings::Settings;
pub use state::State;
pub use state::outdated;
pub use state::standing;
pub use update::update;
