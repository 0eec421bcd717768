//! Why a target service did not do what it was asked.

use farsight_types::{Address, OsPid, OsTid};
use farsight_wire::{PortError, message};
use minicbor::{Decode, Encode};

/// What stands between this server and a process that it was asked to debug.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Obstacle {
    /// Another user's process.
    #[n(0)]
    OtherUser {
        /// The process's user id.
        #[n(0)]
        owner: u32,
        /// The server's user id.
        #[n(1)]
        ours: u32,
    },
    /// Yama's `ptrace_scope` forbids it.
    #[n(1)]
    PtraceScope {
        /// The setting, 1 to 3.
        #[n(0)]
        level: u32,
    },
    /// The process cannot be dumped (set-user-id program, `PR_SET_DUMPABLE`) or has capabilities that the server lacks.
    #[n(2)]
    MissingCapability,
    /// Another debugger holds it.
    #[n(3)]
    Tracer {
        /// The debugger's process id.
        #[n(0)]
        pid: OsPid,
        /// Its command name.
        #[n(1)]
        name: String,
    },
    /// It is the server itself or one of its ancestors.
    #[n(4)]
    Ourselves,
    /// It is a thread of the kernel.
    #[n(5)]
    KernelThread,
    /// It has ended and waits for its parent.
    #[n(6)]
    Zombie,
    /// It runs a 32-bit program.
    #[n(7)]
    ThirtyTwoBit,
    /// The system forbids it for a reason it does not tell (a security module, a container's filter).
    #[n(8)]
    Unknown,
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Obstacle::OtherUser { owner, ours } => write!(
                f,
                "it belongs to user {owner} and the server runs as user {ours}; run dbgsrv as root, as that user, or with CAP_SYS_PTRACE"
            ),
            Obstacle::PtraceScope { level: 3 } => f.write_str(
                "kernel.yama.ptrace_scope is 3, which forbids debugging until the machine is restarted with a lower setting",
            ),
            Obstacle::PtraceScope { level } => write!(
                f,
                "kernel.yama.ptrace_scope is {level}; run dbgsrv as root or with CAP_SYS_PTRACE, or lower the setting"
            ),
            Obstacle::MissingCapability => f.write_str(
                "it is protected (set-user-id program, or more capabilities than the server has); run dbgsrv as root or with CAP_SYS_PTRACE",
            ),
            Obstacle::Tracer { pid, name } => write!(
                f,
                "process {pid} ({name}) is already debugging it; detach that debugger first"
            ),
            Obstacle::Ourselves => f.write_str("it is this server or one of its ancestors; stopping it would stop the server"),
            Obstacle::KernelThread => f.write_str("it is a thread of the kernel, not a process"),
            Obstacle::Zombie => f.write_str("it has ended already and only waits for its parent"),
            Obstacle::ThirtyTwoBit => f.write_str("it is a 32-bit program, which this build does not debug"),
            Obstacle::Unknown => f.write_str(
                "the system does not say why; a security module or a container's system call filter may forbid ptrace",
            ),
        }
    }
}

/// The error of every target service. It crosses the wire as data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum TargetError {
    /// No process with that id.
    #[n(0)]
    #[error("no process {pid} on {machine}; .tlist shows those there are")]
    NoSuchProcess {
        /// The id asked for.
        #[n(0)]
        pid: OsPid,
        /// Where.
        #[n(1)]
        machine: String,
    },
    /// No process whose executable has that name.
    #[n(1)]
    #[error("no process named '{name}' on {machine}; .tlist shows those there are")]
    NoSuchName {
        /// The name asked for.
        #[n(0)]
        name: String,
        /// Where.
        #[n(1)]
        machine: String,
    },
    /// Several processes have that name.
    #[n(2)]
    #[error("'{name}' is not unique on {machine}: {}; attach by process id", candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The name asked for.
        #[n(0)]
        name: String,
        /// All that have it.
        #[n(1)]
        candidates: Vec<OsPid>,
        /// Where.
        #[n(2)]
        machine: String,
    },
    /// The process may not be debugged.
    #[n(3)]
    #[error("cannot attach to {pid} on {machine}: {obstacle}")]
    Denied {
        /// The process.
        #[n(0)]
        pid: OsPid,
        /// Where.
        #[n(1)]
        machine: String,
        /// Why, with the cure.
        #[n(2)]
        obstacle: Obstacle,
    },
    /// The session has no such process.
    #[n(4)]
    #[error("process {pid} is not being debugged in this session")]
    NotDebugged {
        /// The process.
        #[n(0)]
        pid: OsPid,
    },
    /// The process has no such thread.
    #[n(5)]
    #[error("there is no thread {tid}; it may have ended")]
    NoSuchThread {
        /// The thread.
        #[n(0)]
        tid: OsTid,
    },
    /// The target runs; this needs it stopped.
    #[n(6)]
    #[error("the target is running; break in first")]
    Running,
    /// The target is stopped; this needs it running.
    #[n(7)]
    #[error("the target is not running")]
    NotRunning,
    /// No memory there, or it cannot be read.
    #[n(8)]
    #[error("memory at {at} cannot be read")]
    Unreadable {
        /// First byte that could not be.
        #[n(0)]
        at: Address,
    },
    /// No memory there, or it cannot be written.
    #[n(9)]
    #[error("memory at {at} cannot be written")]
    Unwritable {
        /// First byte that could not be.
        #[n(0)]
        at: Address,
    },
    /// A trap could not be planted.
    #[n(10)]
    #[error("cannot plant a trap at {at}: {why}")]
    Trap {
        /// Where.
        #[n(0)]
        at: Address,
        /// Why.
        #[n(1)]
        why: String,
    },
    /// A program could not be started.
    #[n(11)]
    #[error("cannot start '{program}' on {machine}: {why}")]
    Launch {
        /// The program.
        #[n(0)]
        program: String,
        /// Where.
        #[n(1)]
        machine: String,
        /// The operating system's reason and the cure.
        #[n(2)]
        why: String,
    },
    /// The file may not be read through this session, or cannot be.
    #[n(12)]
    #[error("cannot read '{path}' on {machine}: {why}")]
    File {
        /// The file.
        #[n(0)]
        path: String,
        /// Where.
        #[n(1)]
        machine: String,
        /// Why.
        #[n(2)]
        why: String,
    },
    /// A request's value makes no sense.
    #[n(13)]
    #[error("invalid request: {why}")]
    Invalid {
        /// What is wrong with it.
        #[n(0)]
        why: String,
    },
    /// A system call failed in a way that has no variant of its own.
    #[n(14)]
    #[error("{operation} failed on {machine}: {why}")]
    System {
        /// What was tried.
        #[n(0)]
        operation: String,
        /// Where.
        #[n(1)]
        machine: String,
        /// The operating system's words.
        #[n(2)]
        why: String,
    },
    /// The process ended.
    #[n(15)]
    #[error("process {pid} has ended")]
    Ended {
        /// The process.
        #[n(0)]
        pid: OsPid,
    },
    /// The link is gone; whether the request ran is unknown.
    #[n(16)]
    #[error("the connection to the server was lost; whether the request was carried out is unknown")]
    Lost,
    /// The user gave up waiting.
    #[n(17)]
    #[error("cancelled")]
    Cancelled,
    /// The server does not offer this.
    #[n(18)]
    #[error("the server does not offer this operation")]
    Unsupported,
    /// The peer sent something that cannot be read.
    #[n(19)]
    #[error("the server's answer cannot be read: {why}")]
    Malformed {
        /// The decoder's words.
        #[n(0)]
        why: String,
    },
    /// Other sessions hold targets.
    #[n(20)]
    #[error("the server on {machine} is in use: {}; end those sessions, or end it all the same with /f", holders.join(", "))]
    InUse {
        /// Where.
        #[n(0)]
        machine: String,
        /// Who holds what, a phrase each.
        #[n(1)]
        holders: Vec<String>,
    },
    /// The process is only looked at.
    #[n(21)]
    #[error("{pid} is only looked at, not debugged{}, so this cannot be done", tracer.as_ref().map(|tracer| format!(" (process {tracer} debugs it)")).unwrap_or_default())]
    Noninvasive {
        /// The process.
        #[n(0)]
        pid: OsPid,
        /// The debugger that holds it.
        #[n(1)]
        tracer: Option<OsPid>,
    },
    /// The server was started so that nobody does this through it.
    #[n(22)]
    #[error("{what} is not allowed: the server on {machine} was started with {limit}; {cure}")]
    Limited {
        /// What was asked for.
        #[n(0)]
        what: String,
        /// Where.
        #[n(1)]
        machine: String,
        /// The option that forbids it.
        #[n(2)]
        limit: String,
        /// What helps.
        #[n(3)]
        cure: String,
    },
}

message!(TargetError);

impl From<PortError> for TargetError {
    fn from(error: PortError) -> TargetError {
        match error {
            PortError::Lost => TargetError::Lost,
            PortError::Cancelled => TargetError::Cancelled,
            PortError::Unsupported => TargetError::Unsupported,
            PortError::Forbidden => TargetError::Invalid { why: error.to_string() },
            PortError::Malformed(error) => TargetError::Malformed { why: error.to_string() },
        }
    }
}
