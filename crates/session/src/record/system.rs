//! Threads, processes, systems and machines as data.

use farsight_types::{Address, Architecture, OperatingSystem, OsPid, OsTid, ProcessId, SystemId, ThreadId};
use minicbor::{Decode, Encode};

use super::{Place, SourcePosition};

/// Whether a row of a listing is the current one or the one of the last event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// Commands are about this one (`.`).
    #[n(0)]
    pub current: bool,
    /// The last event happened here (`#`).
    #[n(1)]
    pub event: bool,
}

/// One thread of `~`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadRow {
    /// Current, event.
    #[n(0)]
    pub mark: Mark,
    /// The engine's number.
    #[n(1)]
    pub number: ThreadId,
    /// Its process's id.
    #[n(2)]
    pub pid: OsPid,
    /// Its id.
    #[n(3)]
    pub tid: OsTid,
    /// The name that the program gave it.
    #[n(4)]
    pub name: String,
    /// Held by the user (`~f`).
    #[n(5)]
    pub frozen: bool,
    /// How often it was suspended (`~n`).
    #[n(6)]
    pub suspended: u32,
    /// Where it stands, when asked for.
    #[n(7)]
    pub location: Option<Place>,
    /// More about it, when asked for.
    #[n(8)]
    pub details: Option<ThreadDetails>,
}

/// What the system says of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadDetails {
    /// Where it began, as far as that is known.
    #[n(0)]
    pub start: Option<Place>,
    /// State letter of `/proc/PID/stat`.
    #[n(1)]
    pub state: char,
    /// Nice value.
    #[n(2)]
    pub nice: i32,
    /// The processor that it last ran on.
    #[n(3)]
    pub processor: u32,
}

/// `~`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Threads {
    /// One each.
    #[n(0)]
    pub rows: Vec<ThreadRow>,
}

/// How a process came to be debugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Origin {
    /// Attached to.
    #[n(0)]
    Attached,
    /// Launched by the session.
    #[n(1)]
    Created,
    /// Forked by a debuggee.
    #[n(2)]
    Child,
    /// Looked at without stopping it.
    #[n(3)]
    Observed,
}

/// One process of `|`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessRow {
    /// Current, event.
    #[n(0)]
    pub mark: Mark,
    /// The engine's number.
    #[n(1)]
    pub number: ProcessId,
    /// Its id.
    #[n(2)]
    pub pid: OsPid,
    /// How it came.
    #[n(3)]
    pub origin: Origin,
    /// Its executable.
    #[n(4)]
    pub name: String,
}

/// `|`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Processes {
    /// One each.
    #[n(0)]
    pub rows: Vec<ProcessRow>,
}

/// One system of `||`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SystemRow {
    /// Current, event.
    #[n(0)]
    pub mark: Mark,
    /// The engine's number.
    #[n(1)]
    pub number: SystemId,
    /// What kind of system, such as `Live user mode`.
    #[n(2)]
    pub kind: String,
    /// Where: a connection string without secrets; none for this machine.
    #[n(3)]
    pub server: Option<String>,
}

/// `||`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Systems {
    /// One each.
    #[n(0)]
    pub rows: Vec<SystemRow>,
}

/// One process of `.tlist`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RunningProcess {
    /// Its id.
    #[n(0)]
    pub pid: OsPid,
    /// Its executable's name.
    #[n(1)]
    pub name: String,
    /// The user id it runs as.
    #[n(2)]
    pub user: u32,
    /// Number of threads.
    #[n(3)]
    pub threads: u32,
    /// The debugger that holds it.
    #[n(4)]
    pub tracer: Option<OsPid>,
    /// Its arguments, when asked for.
    #[n(5)]
    pub command_line: Vec<String>,
}

/// `.tlist`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ProcessList {
    /// One each.
    #[n(0)]
    pub rows: Vec<RunningProcess>,
    /// With user and command line (`-v`).
    #[n(1)]
    pub verbose: bool,
}

/// `vertarget`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MachineReport {
    /// Host name.
    #[n(0)]
    pub name: String,
    /// Operating system.
    #[n(1)]
    pub system: OperatingSystem,
    /// Kernel release.
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
    /// Program and release of what serves the target.
    #[n(6)]
    pub product: String,
    /// How it is reached: a connection string without secrets; none for this machine.
    #[n(7)]
    pub server: Option<String>,
}

/// How a breakpoint is set behind the scenes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum BreakpointKind {
    /// An instruction in the code.
    #[n(0)]
    #[default]
    Software,
    /// A debug register.
    #[n(1)]
    Hardware {
        /// `e`, `r` or `w`.
        #[n(0)]
        access: char,
        /// Bytes.
        #[n(1)]
        size: u8,
    },
}

/// One breakpoint of `bl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BreakpointRow {
    /// Its number.
    #[n(0)]
    pub id: u32,
    /// Whether it can be hit.
    #[n(1)]
    pub enabled: bool,
    /// Where; none while its expression names nothing (`u`).
    #[n(2)]
    pub address: Option<Address>,
    /// What stands behind it.
    #[n(3)]
    pub kind: BreakpointKind,
    /// Hits left until it stops.
    #[n(4)]
    pub remaining: u64,
    /// Hits asked for.
    #[n(5)]
    pub passes: u64,
    /// How often it was hit in all.
    #[n(6)]
    pub hits: u64,
    /// Its process.
    #[n(7)]
    pub process: ProcessId,
    /// The one thread that it is for.
    #[n(8)]
    pub thread: Option<ThreadId>,
    /// What it was set on: a symbol with displacement, or the expression as typed.
    #[n(9)]
    pub expression: String,
    /// Goes when it is hit (`/1`).
    #[n(10)]
    pub one_shot: bool,
    /// What runs when it is hit.
    #[n(11)]
    pub commands: String,
    /// Why it could not be planted, when it could not.
    #[n(12)]
    pub trouble: Option<String>,
    /// Its system, where there are several.
    #[n(13)]
    pub system: Option<SystemId>,
    /// The source line of its address.
    #[n(14)]
    pub source: Option<SourcePosition>,
    /// Its other places, where a source line became several.
    #[n(15)]
    pub more: Option<Vec<Place>>,
}

/// `bl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Breakpoints {
    /// By number.
    #[n(0)]
    pub rows: Vec<BreakpointRow>,
}

/// One command of `.help`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HelpRow {
    /// Its names, the usual one first.
    #[n(0)]
    pub names: Vec<String>,
    /// Its form, such as `bp[ID] [/1] [Address [Passes]] ["Commands"]`.
    #[n(1)]
    pub usage: String,
    /// What it does, in a sentence.
    #[n(2)]
    pub summary: String,
    /// More about it, for `.help NAME`.
    #[n(3)]
    pub details: Vec<String>,
}

/// `.help`, `?`. One row is shown in full, several as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Help {
    /// By name.
    #[n(0)]
    pub rows: Vec<HelpRow>,
}
