//! The host engine: systems, breakpoints, event filters, expressions and commands.
//!
//! One thread owns everything and wakes for one closed enum of events ([`EngineMessage`]). The engine knows no
//! transport, no socket and no operating system; what it needs from outside is one small trait, [`Outside`].

mod aliases;
mod breakpoints;
mod clients;
mod commands;
pub mod disassembly;
mod error;
mod execution;
pub mod expression;
mod filters;
mod history;
mod inbox;
mod log;
mod mailbox;
mod manners;
mod memory;
mod model;
mod options;
mod output;
mod outside;
mod rights;
mod secrets;
mod servers;
mod session;
mod start;
mod symbols;
mod traps;
mod values;

pub use commands::{CommandNeeds, CommandRow, check_event, check_format, command_rows, rows_of_line};
pub use farsight_target::{AttachMode, ChildPolicy};
pub use inbox::{ClientLoss, EngineMessage, LinkId, LinkNews};
pub use options::{Acquisition, EngineOptions, EventStatus, InitialBreak, Target};
pub use outside::{
    ConnectFailure, DebuggingServer, Destination, FileFailure, Invitation, LinkSender, ListingFailure, OpenFiles,
    OutputFile, OutputMode, Outside,
};
pub use start::Engine;
pub use values::{check_formatters, try_formatters};
