//! What a target says when it has come to rest.

use farsight_types::{Address, AddressRange, OsPid, OsTid, Registers};
use farsight_wire::message;
use minicbor::{Decode, Encode};

use crate::{Image, TrapId};

/// First or second chance, in DbgEng's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Chance {
    /// The signal is about to be delivered.
    #[n(0)]
    First,
    /// It was not handled and ends the process; seen at the exit event.
    #[n(1)]
    Second,
}

/// A signal as the kernel describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SignalInfo {
    /// Its number.
    #[n(0)]
    pub number: i32,
    /// `si_code`.
    #[n(1)]
    pub code: i32,
    /// Faulting address, where the signal has one.
    #[n(2)]
    pub address: Option<Address>,
    /// Who sent it, where somebody did.
    #[n(3)]
    pub sender: Option<OsPid>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ExitStatus {
    /// By itself, with this code.
    #[n(0)]
    Code {
        /// 0 to 255.
        #[n(0)]
        code: i32,
    },
    /// By a signal.
    #[n(1)]
    Signal {
        /// The signal.
        #[n(0)]
        number: i32,
    },
}

/// Why the target came to rest.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StopCause {
    /// Attached: nothing has happened yet.
    #[n(0)]
    Attached,
    /// Launched: libraries are mapped, no constructor has run.
    #[n(1)]
    Launched,
    /// Traps that are due.
    #[n(2)]
    Traps {
        /// All at this address that are due.
        #[n(0)]
        ids: Vec<TrapId>,
    },
    /// The step plan is done.
    #[n(3)]
    StepDone,
    /// Somebody asked for it.
    #[n(4)]
    BreakIn,
    /// A signal (an exception in DbgEng's words).
    #[n(5)]
    Signal {
        /// Which.
        #[n(0)]
        signal: SignalInfo,
        /// First or second chance.
        #[n(1)]
        chance: Chance,
    },
    /// A breakpoint instruction that nobody here planted; pc is behind it. Its SIGTRAP is pending: resumed with
    /// [`crate::SignalOrder::Drop`] the program goes on as if it had handled it.
    #[n(6)]
    ForeignTrap,
    /// Images were mapped or unmapped (see the delta) and the plan asked to stop.
    #[n(7)]
    Modules,
    /// The process runs another program now; traps of the old one are gone.
    #[n(8)]
    Exec {
        /// The new program.
        #[n(0)]
        path: String,
    },
    /// The process is about to end; its memory is still there.
    #[n(9)]
    Exiting {
        /// How.
        #[n(0)]
        status: ExitStatus,
    },
    /// The process is gone.
    #[n(10)]
    Exited {
        /// How.
        #[n(0)]
        status: ExitStatus,
    },
    /// The thread has just started, as [`crate::EventStops`] asked.
    #[n(11)]
    ThreadStarted,
    /// The thread is about to end, as [`crate::EventStops`] asked.
    #[n(12)]
    ThreadEnding,
    /// The process is a new, followed one, as [`crate::EventStops`] asked; its birth is in [`Stop::family`].
    #[n(13)]
    ProcessStarted,
}

/// How a followed process came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum BirthKind {
    /// `fork`: a copy with a memory of its own.
    #[n(0)]
    Fork,
    /// `vfork`: shares its parent's memory until it runs a program or ends.
    #[n(1)]
    Vfork,
    /// `clone` without `CLONE_THREAD`, with or without a memory of its own.
    #[n(2)]
    Clone,
}

/// A process that joined the session because its parent is followed.
///
/// It is born with its parent's images, and with its parent's traps under the same ids: a hit in it names the process
/// in [`Stop::process`]. Running another program ends both.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessBirth {
    /// The new process.
    #[n(0)]
    pub process: OsPid,
    /// Who made it.
    #[n(1)]
    pub parent: OsPid,
    /// How.
    #[n(2)]
    pub kind: BirthKind,
    /// Its first thread.
    #[n(3)]
    pub thread: ThreadRecord,
}

/// How one process differs from what was last sent of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessDelta {
    /// Which.
    #[n(0)]
    pub process: OsPid,
    /// Its threads.
    #[n(1)]
    pub threads: ThreadDelta,
    /// Its images.
    #[n(2)]
    pub images: ImageDelta,
    /// The program that it runs now, where that changed.
    #[n(3)]
    pub path: Option<String>,
}

/// A process that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessEnd {
    /// Which.
    #[n(0)]
    pub process: OsPid,
    /// How it ended.
    #[n(1)]
    pub status: ExitStatus,
}

/// What happened since the last stop to the processes of a session, to be applied in this order: births, changes, ends.
/// Changes of [`Stop::process`] itself are in the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Family {
    /// Started, parents before their children.
    #[n(0)]
    pub started: Vec<ProcessBirth>,
    /// Changed.
    #[n(1)]
    pub changed: Vec<ProcessDelta>,
    /// Gone, those born since the last stop included.
    #[n(2)]
    pub ended: Vec<ProcessEnd>,
}

/// What a step plan met on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum StepMarkKind {
    /// Instructions were executed; in a watch, a jump that may have led to another function.
    #[n(0)]
    Step,
    /// A call was entered; the pc is its first instruction.
    #[n(1)]
    Call,
    /// An invocation returned; the pc is behind its call.
    #[n(2)]
    Return,
    /// A system call was made.
    #[n(3)]
    SystemCall,
}

/// One mark of a step plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StepMark {
    /// What.
    #[n(0)]
    pub kind: StepMarkKind,
    /// The pc afterwards.
    #[n(1)]
    pub pc: Address,
    /// Instructions executed since the mark before.
    #[n(2)]
    pub instructions: u64,
    /// In a watch: where a call was made, what a return left in the result register, the number of a system call.
    #[n(3)]
    pub value: Option<u64>,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadRecord {
    /// The operating system's number.
    #[n(0)]
    pub tid: OsTid,
    /// The name that the program gave it.
    #[n(1)]
    pub name: String,
}

/// How the thread list differs from what was last sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ThreadDelta {
    /// Started since, in the order of creation.
    #[n(0)]
    pub started: Vec<ThreadRecord>,
    /// Ended since.
    #[n(1)]
    pub ended: Vec<OsTid>,
}

/// How the image list differs from what was last sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ImageDelta {
    /// Everything known before is gone (a new program).
    #[n(0)]
    pub replaced: bool,
    /// Mapped since.
    #[n(1)]
    pub loaded: Vec<Image>,
    /// Bases of images unmapped since.
    #[n(2)]
    pub unloaded: Vec<Address>,
}

/// The hit count of one trap since it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TrapHits {
    /// The trap.
    #[n(0)]
    pub id: TrapId,
    /// Hits so far, those that did not stop included.
    #[n(1)]
    pub hits: u64,
}

/// The session has come to rest: every thread of every debuggee is stopped.
///
/// One `Stop` answers one resume. Other threads that hit a trap in the same moment were set back and hit it again with
/// no count taken; their pending signals stay queued.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stop {
    /// Counts the stops of the session; caches are keyed by it.
    #[n(0)]
    pub number: u64,
    /// Where the event happened.
    #[n(1)]
    pub process: OsPid,
    /// The thread it happened to.
    #[n(2)]
    pub thread: OsTid,
    /// What happened.
    #[n(3)]
    pub cause: StopCause,
    /// The event thread's general, segment and debug registers; none when the process is gone.
    #[n(4)]
    pub registers: Option<Registers>,
    /// Which memory `bytes` holds, in order: the stack from the stack pointer up, code around the pc, and code at marks.
    #[n(5)]
    pub memory: Vec<AddressRange>,
    /// That memory, one range behind the other.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
    /// Threads of `process`.
    #[n(6)]
    pub threads: ThreadDelta,
    /// Images of `process`.
    #[n(7)]
    pub images: ImageDelta,
    /// Counts of traps that were hit since the last stop.
    #[n(8)]
    pub hits: Vec<TrapHits>,
    /// News of the session's other processes; none where there is nothing.
    #[n(9)]
    pub family: Option<Family>,
    /// What the step plan met, where marks were asked for.
    #[n(10)]
    pub marks: Option<Vec<StepMark>>,
}

message!(Stop, bulk = bytes);

impl Stop {
    /// The memory that came with the stop, range by range.
    pub fn memory_parts(&self) -> impl Iterator<Item = (AddressRange, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.memory.iter().map_while(move |range| {
            let (part, behind) = rest.split_at_checked(usize::try_from(range.length).ok()?)?;
            rest = behind;
            Some((*range, part))
        })
    }
}
