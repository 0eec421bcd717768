//! A target made of nothing but memory: a machine with a few processes, some of which can be debugged.
//!
//! It is deterministic: processes and their threads take turns instruction by instruction, addresses and numbers are
//! always the same, and a running program stops at a break-in, a trap, the end of a step, an event that was asked for, or
//! its exit. The programs are real x86-64 code with real symbols and unwind tables ([`toy`]), so that an engine can be
//! tested on them whole.
//!
//! Process 4711, `toy`, has three threads and runs for ever; process 4720 does so too, and is held by another debugger.
//! Launched programs get the numbers 4800, 4810 and so on. One whose name ends in `forker`, `loader` or `faults` runs that
//! program of [`toy::Toy`]; every other one is a second copy of `toy`, which starts with one thread, writes to its
//! terminal, starts two more threads and exits after three rounds.

mod changes;
mod debuggee;
mod processor;
mod running;
mod services;
mod serving;
pub mod toy;

use std::collections::{BTreeMap, VecDeque};

use std::sync::Arc;

use farsight_target::plan::HitBook;
use farsight_target::{Event, LossPolicy, ProcessBirth, ProcessEnd, ResumePlan, SignalInfo, SignalPolicy};
use farsight_types::{Address, Generation, OsPid, OsTid};

use debuggee::Debuggee;
pub use serving::Served;
use toy::Toy;

/// The process that can be attached to.
pub const TOY: OsPid = OsPid(4711);
/// A process that another debugger, process [`HOLDER`], holds.
pub const HELD: OsPid = OsPid(4720);
/// That debugger.
pub const HOLDER: OsPid = OsPid(77);
/// The first process that launching makes.
pub const LAUNCHED: OsPid = OsPid(4800);
/// A process that may not be attached to.
pub const INIT: OsPid = OsPid(1);
/// The machine's name where it is given none.
pub const MACHINE: &str = "fakebox";

/// The machine and its debuggees. It implements all target services; [`FakeTarget::serve`] puts it behind a stream.
#[derive(Debug)]
pub struct FakeTarget {
    machine: String,
    toy: Arc<Toy>,
    debuggees: Vec<Debuggee>,
    /// Left by this session for another one, which is again this one: a machine has one session.
    abandoned: Vec<Debuggee>,
    next_pid: OsPid,
    plan: ResumePlan,
    signals: Option<SignalPolicy>,
    /// The thread that stopped the target and where it is: it leaves that place without another hit.
    rests: Option<(OsTid, Address)>,
    /// The signal that the thread at rest stopped for.
    pending: Option<SignalInfo>,
    /// The debuggee whose turn it is.
    turn: usize,
    /// What the next stop has to tell.
    born: Vec<ProcessBirth>,
    ended: Vec<ProcessEnd>,
    book: HitBook,
    generation: Generation,
    events: VecDeque<Event>,
    stops: u64,
    /// The step that the last stop broke off.
    broken_off: Option<debuggee::Stepping>,
    policy: LossPolicy,
    /// Files that were sent here, by their paths.
    files: BTreeMap<String, Vec<u8>>,
    /// Files of which some parts have come.
    partial_files: BTreeMap<String, Vec<u8>>,
}

impl FakeTarget {
    /// A machine on which nothing is debugged.
    pub fn new() -> FakeTarget {
        FakeTarget::named(MACHINE)
    }

    /// A machine of that name on which nothing is debugged.
    pub fn named(machine: &str) -> FakeTarget {
        FakeTarget {
            machine: machine.into(),
            toy: Arc::new(Toy::build()),
            debuggees: Vec::new(),
            abandoned: Vec::new(),
            next_pid: LAUNCHED,
            plan: ResumePlan::default(),
            signals: None,
            rests: None,
            pending: None,
            turn: 0,
            born: Vec::new(),
            ended: Vec::new(),
            book: HitBook::default(),
            generation: Generation(0),
            events: VecDeque::new(),
            stops: 0,
            broken_off: None,
            policy: LossPolicy::default(),
            files: BTreeMap::new(),
            partial_files: BTreeMap::new(),
        }
    }

    /// The program that its processes run.
    pub fn toy(&self) -> &Toy {
        &self.toy
    }

    /// Events that came up since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }
}

impl Default for FakeTarget {
    fn default() -> FakeTarget {
        FakeTarget::new()
    }
}

#[cfg(test)]
mod tests;
