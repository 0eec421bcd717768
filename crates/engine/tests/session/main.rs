//! The engine against a target made of memory, over a real stream.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod code;
mod execution;
mod files;
mod hostile;
mod looking;
mod meanwhile;
mod memory;
mod random;
mod registers;
mod roles;
mod scripting;
mod search;
mod sharing;
mod stacks;
mod stepping;
mod support;
mod systems;
