//! Service 1: the machine and the processes on it. Touches no target.

use farsight_types::{Architecture, OperatingSystem, OsPid};
use farsight_wire::{Nothing, message, service};
use minicbor::{Decode, Encode};

use crate::TargetError;

/// The server's machine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MachineDescription {
    /// Host name.
    #[n(0)]
    pub name: String,
    /// Operating system.
    #[n(1)]
    pub system: OperatingSystem,
    /// Kernel release, as `uname -r` prints it.
    #[n(2)]
    pub release: String,
    /// Instruction set.
    #[n(3)]
    pub architecture: Architecture,
    /// Processors in use.
    #[n(4)]
    pub processors: u32,
    /// Bytes per page.
    #[n(5)]
    pub page_size: u32,
    /// User id that the server runs as.
    #[n(6)]
    pub user: u32,
    /// The session process's own id.
    #[n(7)]
    pub server_pid: OsPid,
    /// Program and release.
    #[n(8)]
    pub product: String,
}

message!(MachineDescription);

/// Which processes to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ProcessQuery {
    /// Only this one.
    #[n(0)]
    pub pid: Option<OsPid>,
    /// With command line and user.
    #[n(1)]
    pub verbose: bool,
}

message!(ProcessQuery);

/// One process of the machine, debugged or not.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessDescription {
    /// Its id.
    #[n(0)]
    pub pid: OsPid,
    /// File name of the executable, or the command name where that is hidden.
    #[n(1)]
    pub name: String,
    /// Full path of the executable, where it can be read.
    #[n(2)]
    pub path: Option<String>,
    /// Arguments, when asked for.
    #[n(3)]
    pub command_line: Vec<String>,
    /// User id.
    #[n(4)]
    pub user: u32,
    /// Parent process.
    #[n(5)]
    pub parent: OsPid,
    /// Number of threads.
    #[n(6)]
    pub threads: u32,
    /// The debugger that holds it.
    #[n(7)]
    pub tracer: Option<OsPid>,
    /// State letter of `/proc/PID/status`, such as `S`.
    #[n(8)]
    pub state: char,
}

message!(ProcessDescription);

/// Processes, by ascending id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessList {
    /// One each.
    #[n(0)]
    pub processes: Vec<ProcessDescription>,
}

message!(ProcessList);

/// A process by the name of its executable.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NameQuery {
    /// The tail of the executable's path, or all of it when it holds a slash.
    #[n(0)]
    pub name: String,
}

message!(NameQuery);

/// A process's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessRef {
    /// The id.
    #[n(0)]
    pub process: OsPid,
}

message!(ProcessRef);

/// Asks a server to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct EndServerOrder {
    /// Only when no other session holds targets: [`TargetError::InUse`] otherwise. None is no condition.
    #[n(0)]
    pub only_unused: Option<bool>,
}

message!(EndServerOrder);

service! {
    /// The machine that a server runs on.
    pub trait Machine = 1, proxy MachineProxy, module machine_service, error TargetError {
        /// The machine, its kernel and the server.
        1 reads describe / begin_describe(Nothing) -> MachineDescription;
        /// DbgEng's `GetRunningProcessSystemIds` and `GetRunningProcessDescription` in one.
        2 reads list_processes / begin_list_processes(ProcessQuery) -> ProcessList;
        /// DbgEng's `GetRunningProcessSystemIdByExecutableName` with `ONLY_MATCH`: the one process with that name, or
        /// [`TargetError::NoSuchName`] or [`TargetError::Ambiguous`].
        3 reads find_by_name / begin_find_by_name(NameQuery) -> ProcessRef;
        /// Asks the whole server to end (DbgEng's `EndProcessServer`, `.endpsrv`). Sessions let go of their debuggees.
        4 changes end_server / begin_end_server(EndServerOrder) -> Nothing;
    }
}
