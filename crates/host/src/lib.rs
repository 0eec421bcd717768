//! Roles with an engine or a console.

mod files;
mod link;
mod outside;
mod sys;

pub use outside::Machine;
