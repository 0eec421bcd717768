//! The service tables. A service that a server does not offer is missing from its capabilities.

mod acquire;
mod files;
mod look;
mod machine;
mod run;

pub use acquire::*;
pub use files::*;
pub use look::*;
pub use machine::*;
pub use run::*;

use farsight_wire::{CallStatus, Incoming, Operation, Reply};

/// Capability name of a server whose targets are Linux processes.
pub const LINUX_PROCESSES: &str = "linux-processes";

/// Everything a process server's session does.
pub trait TargetServices: Machine + Acquire + Run + Look + Files {}

impl<T: Machine + Acquire + Run + Look + Files> TargetServices for T {}

/// Runs a request on whichever service it is for.
pub fn dispatch<S: TargetServices + ?Sized>(services: &mut S, mut call: Incoming) -> Reply {
    machine::machine_service::dispatch(services, &mut call)
        .or_else(|| acquire::acquire_service::dispatch(services, &mut call))
        .or_else(|| run::run_service::dispatch(services, &mut call))
        .or_else(|| look::look_service::dispatch(services, &mut call))
        .or_else(|| files::files_service::dispatch(services, &mut call))
        .unwrap_or_else(|| Reply::bare(CallStatus::Unsupported))
}

/// Every operation of every service, with the name of its method.
pub fn operations() -> impl Iterator<Item = (Operation, &'static str)> {
    [
        machine::machine_service::OPERATIONS,
        acquire::acquire_service::OPERATIONS,
        run::run_service::OPERATIONS,
        look::look_service::OPERATIONS,
        files::files_service::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Whether a request changes state, so that its reply is kept until it is acknowledged.
pub fn changes_state(operation: Operation) -> bool {
    machine::machine_service::changes_state(operation)
        || acquire::acquire_service::changes_state(operation)
        || run::run_service::changes_state(operation)
        || look::look_service::changes_state(operation)
        || files::files_service::changes_state(operation)
}
