//! `farsight` and `dbgsrv` as separate processes, on real debuggees: what a user does, done by a script.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod budgets;
mod clients;
mod languages;
mod sessions;
mod support;
