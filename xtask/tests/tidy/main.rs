//! The rules of the project that a compiler does not hold: layers, places of `unsafe`, sizes, words.
//!
//! Each rule is a function from a text to complaints, and has a test that shows it complain.

// A test fails by a panic.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod layers;
mod project;
mod sources;
mod threats;
mod words;

/// Fails with all complaints at once.
#[track_caller]
fn none(rule: &str, complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{rule}\n  {}\n", complaints.join("\n  "));
}
