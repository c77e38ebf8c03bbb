//! Runbooks: plain Markdown in, a procedure that can be walked out. No clock, no file; what a document says, and what is
//! wrong with it.

mod blocks;
pub mod condition;
pub mod danger;
mod entropy;
pub mod fences;
mod front;
mod grades;
pub mod lint;
pub mod machines;
mod mark;
pub mod needs;
pub mod new;
pub mod odd;
pub mod placeholder;
mod prepare;
mod read;
pub mod shell;
pub mod variables;
mod vocabulary;
mod walk;
pub mod words;

pub use read::LARGEST;
pub use read::Unreadable;
pub use read::read;
