//! A target made of nothing but memory: a machine with two processes, one of which can be debugged.
//!
//! It is deterministic: threads take turns instruction by instruction, addresses and numbers are always the same, and
//! a running program stops at a break-in, a trap, the end of a step, or its exit. The program is real x86-64 code with
//! real symbols and unwind tables ([`toy`]), so that an engine can be tested on it whole.
//!
//! Process 4711, `toy`, has three threads and runs for ever. Launching any program runs a second copy of it as process
//! 4800, which starts with one thread, writes to its terminal, starts two more threads and exits after three rounds.

mod changes;
mod debuggee;
mod processor;
mod running;
mod services;
mod serving;
pub mod toy;

use std::collections::{BTreeMap, VecDeque};

use farsight_target::plan::HitBook;
use farsight_target::{Event, LossPolicy};
use farsight_types::{Generation, OsPid};

use debuggee::Debuggee;
pub use serving::Served;
use toy::Toy;

/// The process that can be attached to.
pub const TOY: OsPid = OsPid(4711);
/// The process that launching makes.
pub const LAUNCHED: OsPid = OsPid(4800);
/// A process that may not be attached to.
pub const INIT: OsPid = OsPid(1);
/// The machine's name.
pub const MACHINE: &str = "fakebox";

/// The machine, with at most one debuggee. It implements all target services; [`FakeTarget::serve`] puts it behind a
/// stream.
#[derive(Debug)]
pub struct FakeTarget {
    toy: Toy,
    debuggee: Option<Debuggee>,
    book: HitBook,
    generation: Generation,
    events: VecDeque<Event>,
    stops: u64,
    policy: LossPolicy,
    /// Files that were sent here, by their paths.
    files: BTreeMap<String, Vec<u8>>,
    /// Files of which some parts have come.
    partial_files: BTreeMap<String, Vec<u8>>,
}

impl FakeTarget {
    /// A machine on which nothing is debugged.
    pub fn new() -> FakeTarget {
        FakeTarget {
            toy: Toy::build(),
            debuggee: None,
            book: HitBook::default(),
            generation: Generation(0),
            events: VecDeque::new(),
            stops: 0,
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
