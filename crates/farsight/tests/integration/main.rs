//! `farsight` and `dbgsrv` as separate processes, on real debuggees: what a user does, done by a script.

// Helpers of tests are tests: a panic is how one fails, and what it prints shows when it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod aligned;
mod alike;
mod bad_input;
mod budgets;
mod clients;
mod corners;
mod damaged;
mod damaged_files;
mod discovery;
mod doctor;
mod edges;
mod events;
mod formatters;
mod gdb_frames;
mod gdb_steps;
mod gdb_values;
mod image_files;
mod languages;
mod names;
mod repeaters;
mod roles;
mod scopes;
mod secrets;
mod serial;
mod sessions;
mod sharing;
mod sharing_bad_input;
mod source_lines;
mod ssh;
mod support;
mod symbol_files;
mod systems;
mod tls;
mod type_units;
mod waiting;
