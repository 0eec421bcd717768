//! What is fuzzed. Read [`parsers`].

pub mod parsers;
