//! Target services for Linux processes by ptrace, the first implementer of seam 2.
//!
//! [`LinuxServices`] answers requests on the thread that reads them: memory, files and the machine at once, all that
//! concerns threads through the [`tracer`], the one thread that calls ptrace. It never accepts connections and knows
//! no symbols. Read [`LinuxServices`] first.

mod details;
mod elf;
mod images;
mod inventory;
mod launch;
mod memory;
mod permission;
pub mod procfs;
mod registers;
mod search;
mod services;
mod sys;
mod terminal;
mod tracer;
mod transfer;

pub use services::{Door, LinuxServices, Server};
pub use tracer::{BreakIn, Events};
