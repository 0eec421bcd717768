//! What happened to a target, as data.

use farsight_types::{Address, OsPid, OsTid};
use minicbor::{Decode, Encode};

use super::{Location, RegisterDump};

/// First or second chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SignalChance {
    /// About to be delivered.
    #[n(0)]
    First,
    /// Unhandled, and ends the process.
    #[n(1)]
    Second,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Ending {
    /// With this exit code.
    #[n(0)]
    Code {
        /// 0 to 255.
        #[n(0)]
        code: i32,
    },
    /// By a signal.
    #[n(1)]
    Signal {
        /// Its number.
        #[n(0)]
        number: i32,
        /// Its name, such as `SIGKILL`.
        #[n(1)]
        name: String,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum EventKind {
    /// The session attached to the process.
    #[n(0)]
    Attached {
        /// Its executable.
        #[n(0)]
        name: String,
    },
    /// The session launched the process: libraries are mapped, no constructor has run.
    #[n(1)]
    Created {
        /// Its executable.
        #[n(0)]
        name: String,
    },
    /// Breakpoints were hit.
    #[n(2)]
    Breakpoints {
        /// Their numbers; empty for a temporary one (`g ADDRESS`).
        #[n(0)]
        ids: Vec<u32>,
    },
    /// A step ended.
    #[n(3)]
    Step,
    /// Somebody broke in.
    #[n(4)]
    BreakIn,
    /// A breakpoint instruction of the program's own.
    #[n(5)]
    BreakInstruction,
    /// A signal.
    #[n(6)]
    Signal {
        /// Its number.
        #[n(0)]
        number: i32,
        /// Its name, such as `SIGSEGV`.
        #[n(1)]
        name: String,
        /// What it means, such as `Segmentation fault`.
        #[n(2)]
        meaning: String,
        /// The address that could not be accessed, where it has one.
        #[n(3)]
        address: Option<Address>,
        /// Who sent it, where somebody did.
        #[n(4)]
        sender: Option<OsPid>,
        /// First or second.
        #[n(5)]
        chance: SignalChance,
    },
    /// A module was mapped.
    #[n(7)]
    ModuleLoaded {
        /// First byte.
        #[n(0)]
        start: Address,
        /// One past the last.
        #[n(1)]
        end: Address,
        /// Its file.
        #[n(2)]
        path: String,
    },
    /// A module was unmapped.
    #[n(8)]
    ModuleUnloaded {
        /// Where it began.
        #[n(0)]
        start: Address,
        /// Its file.
        #[n(1)]
        path: String,
    },
    /// A thread began.
    #[n(9)]
    ThreadStarted,
    /// A thread ended.
    #[n(10)]
    ThreadEnded,
    /// The process runs another program now.
    #[n(11)]
    Exec {
        /// The program.
        #[n(0)]
        path: String,
    },
    /// The process is about to end; it can still be looked at.
    #[n(12)]
    Exiting {
        /// How.
        #[n(0)]
        ending: Ending,
    },
    /// The process is gone.
    #[n(13)]
    Exited {
        /// How.
        #[n(0)]
        ending: Ending,
    },
    /// Anything else, in words.
    #[n(14)]
    Other {
        /// The words.
        #[n(0)]
        text: String,
    },
    /// A followed process made this one.
    #[n(15)]
    ProcessStarted {
        /// The process that made it.
        #[n(0)]
        parent: OsPid,
    },
}

/// What happened, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EventReport {
    /// The process.
    #[n(0)]
    pub pid: OsPid,
    /// The thread.
    #[n(1)]
    pub tid: OsTid,
    /// What.
    #[n(2)]
    pub kind: EventKind,
}

/// What is shown when the session comes to rest.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StopReport {
    /// What happened.
    #[n(0)]
    pub event: EventReport,
    /// Registers, where they are wanted at stops.
    #[n(1)]
    pub registers: Option<RegisterDump>,
    /// Where the thread stands; none when the process is gone.
    #[n(2)]
    pub location: Option<Location>,
}

/// `.lastevent`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LastEvent {
    /// The event; none before the first.
    #[n(0)]
    pub event: Option<EventReport>,
}
