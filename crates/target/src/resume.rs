//! How a target is set going: everything that must be decided at an event is said beforehand.

use farsight_types::{Address, AddressRange, Generation, OsPid, OsTid};
use farsight_wire::message;
use minicbor::{Decode, Encode};

/// Names a trap for the length of a session; chosen by the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct TrapId(#[n(0)] pub u32);

/// What data access a hardware trap waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DataAccess {
    /// Writes.
    #[n(0)]
    Write,
    /// Reads and writes.
    #[n(1)]
    ReadWrite,
}

/// What is behind a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum TrapKind {
    /// A breakpoint instruction in the code.
    #[n(0)]
    Software,
    /// A debug register on execution.
    #[n(1)]
    HardwareExecute,
    /// A debug register on data: hit after the access, whether or not it changed anything. What the kernel reads and writes
    /// for a system call is not seen.
    #[n(2)]
    HardwareData {
        /// Which accesses.
        #[n(0)]
        access: DataAccess,
        /// 1, 2, 4 or 8 bytes.
        #[n(1)]
        size: u8,
    },
}

/// One trap, with everything that decides whether a hit is shown.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Trap {
    /// Its name.
    #[n(0)]
    pub id: TrapId,
    /// The process whose code it is in.
    #[n(1)]
    pub process: OsPid,
    /// Where.
    #[n(2)]
    pub address: Address,
    /// What stands behind it.
    #[n(3)]
    pub kind: TrapKind,
    /// Stops at this hit and every later one, counting from the setting; 1 stops at each. Hits that do not stop are
    /// counted and passed at the server.
    #[n(4)]
    pub passes: u64,
    /// Only hits of this thread count.
    #[n(5)]
    pub thread: Option<OsTid>,
    /// Only hits with a stack pointer at or above this count: how a return is told from a deeper recursion.
    #[n(6)]
    pub stack_at_least: Option<Address>,
}

/// Changes of the trap set against the last acknowledged generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TrapDelta {
    /// The set that this changes; none means "forget all, this is the full set".
    #[n(0)]
    pub base: Option<Generation>,
    /// The set's number afterwards.
    #[n(1)]
    pub generation: Generation,
    /// Taken away first.
    #[n(2)]
    pub remove: Vec<TrapId>,
    /// Then set; a trap with a known id replaces it and its count starts anew.
    #[n(3)]
    pub set: Vec<Trap>,
}

/// What one thread does while the target runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ThreadRule {
    /// Runs.
    #[n(0)]
    Run,
    /// Stays where it is.
    #[n(1)]
    Hold,
}

/// A rule for one thread; threads without one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadOrder {
    /// The thread.
    #[n(0)]
    pub thread: OsTid,
    /// What it does.
    #[n(1)]
    pub rule: ThreadRule,
}

/// What becomes of the signal that the target stopped for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum SignalOrder {
    /// It is delivered (`gn`; the default).
    #[n(0)]
    #[default]
    Deliver,
    /// It is dropped (`gh`).
    #[n(1)]
    Drop,
}

/// A set of signals: bit `n - 1` is signal `n`, 1 to 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct SignalSet(#[n(0)] pub u64);

impl SignalSet {
    /// The set of these signals.
    pub fn of(signals: &[i32]) -> SignalSet {
        SignalSet(signals.iter().fold(0, |set, signal| set | Self::bit(*signal)))
    }

    /// Whether the set has a signal; false for numbers that are no signals.
    pub fn has(self, signal: i32) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    fn bit(signal: i32) -> u64 {
        match signal {
            1..=64 => 1 << (signal - 1),
            _ => 0,
        }
    }
}

/// Which signals stop the target before delivery, and which are only told. The rest pass unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignalPolicy {
    /// Stop at the first chance.
    #[n(0)]
    pub stop: SignalSet,
    /// Deliver and send a [`crate::Note`].
    #[n(1)]
    pub report: SignalSet,
    /// Stop at the second chance: unhandled and fatal, at the exit event.
    #[n(2)]
    pub stop_second: SignalSet,
    /// Of those that do not stop: never delivered, because the user calls them handled. None is none of them.
    #[n(3)]
    pub drop: Option<SignalSet>,
}

/// What a step does; counted and carried out at the server.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StepPlan {
    /// `t`: that many instructions, into calls.
    #[n(0)]
    Into {
        /// Instructions.
        #[n(0)]
        count: u64,
    },
    /// `p`: that many instructions, calls and repeated string instructions as one.
    #[n(1)]
    Over {
        /// Instructions.
        #[n(0)]
        count: u64,
    },
    /// Inside a range of code, stepping over calls, until it is left at the same depth or the frame returns.
    #[n(2)]
    OverRange {
        /// First byte.
        #[n(0)]
        start: Address,
        /// Length in bytes.
        #[n(1)]
        length: u64,
    },
    /// `gu`: until the invocation whose return address and canonical frame address these are has returned.
    #[n(3)]
    UntilReturn {
        /// Where it returns to.
        #[n(0)]
        return_address: Address,
        /// Its canonical frame address: the stack pointer after the return is at least this.
        #[n(1)]
        frame_address: Address,
    },
    /// At least one instruction, then on until a goal is reached for the `count`th time.
    #[n(4)]
    Goal {
        /// Where it ends.
        #[n(0)]
        goal: StepGoal,
        /// Calls and repeated string instructions as one.
        #[n(1)]
        over: bool,
        /// How often the goal must be reached; at least 1.
        #[n(2)]
        count: u64,
    },
    /// `wt`: instruction by instruction into everything, until the invocation whose return address and canonical frame
    /// address these are has returned, or `end` is reached. The stop carries a [`crate::StepMark`] for each call and return.
    #[n(5)]
    Watch {
        /// Where it returns to.
        #[n(0)]
        return_address: Address,
        /// Its canonical frame address.
        #[n(1)]
        frame_address: Address,
        /// An address that ends it as well.
        #[n(2)]
        end: Option<Address>,
        /// Calls at this depth and deeper run as a whole; 0 is no limit.
        #[n(3)]
        depth: u32,
        /// Calls to places outside of these run as a whole; none traces everywhere.
        #[n(4)]
        inside: Option<Vec<AddressRange>>,
    },
    /// `p` and `t` by source line: until statements of other lines have begun. The server knows lines only from here.
    #[n(6)]
    Lines {
        /// How many lines.
        #[n(0)]
        count: u64,
        /// Into functions that have lines (`t`); otherwise calls run as a whole (`p`).
        #[n(1)]
        into: bool,
        /// The line that the thread is on.
        #[n(2)]
        line: u32,
        /// Canonical frame addresses of the thread's frame and of its callers, as far as [`Self::Lines::rows`] has
        /// their functions.
        #[n(3)]
        frames: Vec<Address>,
        /// The line tables of these frames' functions, by address.
        #[n(4)]
        rows: Vec<LineMark>,
        /// Where functions that may be called are entered, and where their first statement begins (`t`).
        #[n(5)]
        entries: Vec<LineEntry>,
        /// All code with lines (`t`): an entry that is not known ends the step there.
        #[n(6)]
        known: Vec<AddressRange>,
        /// Code that only leads to functions elsewhere (`t`).
        #[n(7)]
        stubs: Vec<AddressRange>,
        /// An address that ends it as well (`pa`, `ta`).
        #[n(8)]
        end: Option<Address>,
        /// Where the frames go on when what they called throws or jumps back to them: it does not return then.
        #[n(9)]
        landings: Option<Vec<Address>>,
    },
}

/// One row of a line table: what begins at a place and goes on up to the next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LineMark {
    /// Where.
    #[n(0)]
    pub start: Address,
    /// Stands for a file and a line; 0 is code of no line of its own, which is stepped through. None ends what is known.
    #[n(1)]
    pub line: Option<u32>,
    /// A statement begins: a step may end here.
    #[n(2)]
    pub statement: bool,
}

/// Where a function with lines is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LineEntry {
    /// Its first instruction.
    #[n(0)]
    pub entry: Address,
    /// Its first statement behind the prologue.
    #[n(1)]
    pub statement: Address,
}

/// Where a step plan ends, beside a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StepGoal {
    /// At this address (`pa`, `ta`).
    #[n(0)]
    Address {
        /// Where.
        #[n(0)]
        address: Address,
    },
    /// Before a call instruction (`pc`, `tc`).
    #[n(1)]
    Call,
    /// Before a return instruction (`pt`, `tt`).
    #[n(2)]
    Return,
    /// Before either (`pct`, `tct`).
    #[n(3)]
    CallOrReturn,
    /// Before any instruction that branches: jumps, calls, returns, system calls (`ph`, `th`).
    #[n(4)]
    Branch,
}

/// A step of one thread; the others run unless held.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StepOrder {
    /// The thread that steps.
    #[n(0)]
    pub thread: OsTid,
    /// How.
    #[n(1)]
    pub plan: StepPlan,
    /// Note so many last steps as [`crate::StepMark`]s of the stop, with the code there; none notes nothing. Instructions
    /// of earlier ones are counted with the first. A watch that has so many goes on untraced.
    #[n(2)]
    pub marks: Option<u32>,
    /// Goes on with the plan of the last run, which something else broke off, from where it was: in the middle of a call
    /// that is stepped over, or with some of its count done. Where nothing of this thread was broken off it begins anew.
    #[n(3)]
    pub goes_on: Option<bool>,
    /// Where the thread's frames go on when what they called throws or jumps back to them: a call that is stepped over,
    /// or a frame that is left, ends there as well. Plans by source line have their own.
    #[n(4)]
    pub landings: Option<Vec<Address>>,
}

/// What happens when images are mapped or unmapped. Stops come after mapping and before constructors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ModuleOrder {
    /// Stop whenever something is loaded, so that deferred breakpoints can be resolved.
    #[n(0)]
    pub stop: bool,
    /// Stop when the file name's tail of a loaded image is one of these.
    #[n(1)]
    pub stop_names: Vec<String>,
}

/// Events that stop the target beside those that always do (`sxe cpr`, `epr`, `ct`, `et`, `ud`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct EventStops {
    /// A followed process started.
    #[n(0)]
    pub process_started: bool,
    /// Any process of the session is about to end, copies made by fork included.
    #[n(1)]
    pub process_ended: bool,
    /// A thread started.
    #[n(2)]
    pub thread_started: bool,
    /// A thread is about to end.
    #[n(3)]
    pub thread_ended: bool,
    /// Any image was unmapped.
    #[n(4)]
    pub unload: bool,
    /// An image was unmapped whose file name's tail is one of these.
    #[n(5)]
    pub unload_names: Vec<String>,
}

/// What a stop carries beside the general registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StopDetail {
    /// Bytes of stack from the stack pointer up.
    #[n(0)]
    pub stack_bytes: u32,
    /// Vector state too.
    #[n(1)]
    pub vector: bool,
}

impl Default for StopDetail {
    fn default() -> StopDetail {
        StopDetail {
            stack_bytes: 4096,
            vector: false,
        }
    }
}

/// Sets every debuggee of the session going.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ResumePlan {
    /// Traps to plant and to take away first.
    #[n(0)]
    pub traps: TrapDelta,
    /// Threads that do not simply run.
    #[n(1)]
    pub threads: Vec<ThreadOrder>,
    /// The pending signal of the last stop.
    #[n(2)]
    pub signal: SignalOrder,
    /// A step, if one is wanted.
    #[n(3)]
    pub step: Option<StepOrder>,
    /// Loading and unloading of images.
    #[n(4)]
    pub modules: ModuleOrder,
    /// New signal policy; none keeps the last.
    #[n(5)]
    pub signals: Option<SignalPolicy>,
    /// What the stop shall carry.
    #[n(6)]
    pub detail: StopDetail,
    /// Stop at the process's exit while its memory is still there (`-G` turns it off).
    #[n(7)]
    pub stop_at_exit: bool,
    /// Send a note for every thread that starts or ends.
    #[n(8)]
    pub note_threads: bool,
    /// Further events that stop; none is none of them.
    #[n(9)]
    pub stops: Option<EventStops>,
    /// How many seconds threads may take to stop before the session rests without them; none is the server's own
    /// choice (`-pt`, DbgEng's `SetInterruptTimeout`).
    #[n(10)]
    pub break_in_seconds: Option<u32>,
}

message!(ResumePlan);

/// The target runs, or could not be set going for the traps named here (then nothing runs).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Resumed {
    /// The trap set's generation now.
    #[n(0)]
    pub generation: Generation,
}

message!(Resumed);

/// Changes traps while the target runs or rests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TrapUpdate {
    /// The change.
    #[n(0)]
    pub traps: TrapDelta,
}

message!(TrapUpdate);
