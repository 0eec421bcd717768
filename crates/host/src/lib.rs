//! Roles with an engine or a console.

mod files;
mod link;
pub mod options;
mod outside;
mod sys;

pub use outside::Machine;
