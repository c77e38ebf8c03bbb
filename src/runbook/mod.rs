//! Runbooks: plain Markdown in, a procedure that can be walked out. No clock, no file; what a document says, and what is
//! wrong with it.

mod blocks;
mod entropy;
mod fences;
mod front;
pub mod lint;
pub mod new;
pub mod placeholder;
mod prepare;
mod read;
mod vocabulary;
mod walk;
pub mod words;

pub use read::LARGEST;
pub use read::Unreadable;
pub use read::read;
