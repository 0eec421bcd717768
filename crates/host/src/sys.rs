//! The only unsafe code of the host: memory maps and what the terminal is asked.
#![allow(unsafe_code)]

mod map;
mod terminal;

pub(crate) use map::FileMap;
pub(crate) use terminal::{SavedTerminal, columns};
