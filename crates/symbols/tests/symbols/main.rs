//! Images, symbols and unwinding on real files and real processes; each test says what it skips where a tool is missing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper that fails fails its test"
)]

mod bombs;
mod damage;
mod forge;
mod gdb;
mod images;
mod lines;
mod objects;
mod scopes;
mod snapshot;
mod speed;
mod support;
mod types;
