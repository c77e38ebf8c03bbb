//! Keys become commands. One table says which; footer hints, help and the palette are read from it.

pub mod command;
pub mod key;
pub mod keymap;
