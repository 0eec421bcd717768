//! What the engine knows of its targets: systems, their processes, threads and modules.
//!
//! Plain data with numbers that are dense in the order of creation. Nothing here talks to a target; [`crate::access`]
//! does. Read [`System`] first.

mod module;
mod process;

pub(crate) use module::{Module, SymbolState};
pub(crate) use process::{Origin, Process, Thread};

use farsight_target::MachineDescription;
use farsight_types::{OsPid, ProcessId, SystemId, ThreadId};

use crate::mailbox::Link;
use crate::traps::PlantedTraps;

/// The current (or the event's) system, process and thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) system: SystemId,
    pub(crate) process: ProcessId,
    pub(crate) thread: ThreadId,
}

/// The processes reached through one link.
pub(crate) struct System {
    pub(crate) id: SystemId,
    pub(crate) link: Link,
    /// The machine's name, from the handshake.
    pub(crate) machine: String,
    /// Name and release of the server there.
    pub(crate) server: String,
    /// Fetched when first asked for.
    pub(crate) description: Option<MachineDescription>,
    pub(crate) processes: Vec<Process>,
    next_process: u32,
    /// Counts the stops; caches belong to one.
    pub(crate) stop_number: u64,
    pub(crate) traps: PlantedTraps,
}

impl System {
    pub(crate) fn new(id: SystemId, link: Link, machine: String, server: String) -> System {
        System {
            id,
            link,
            machine,
            server,
            description: None,
            processes: Vec::new(),
            next_process: 0,
            stop_number: 0,
            traps: PlantedTraps::default(),
        }
    }

    /// A new process, with the next number.
    pub(crate) fn add_process(&mut self, os: OsPid, path: String, origin: Origin) -> &mut Process {
        let id = ProcessId(self.next_process);
        self.next_process += 1;
        let at = self.processes.len();
        self.processes.push(Process::new(id, os, path, origin));
        &mut self.processes[at]
    }

    pub(crate) fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.iter().find(|process| process.id == id)
    }

    pub(crate) fn process_mut(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.id == id)
    }

    pub(crate) fn process_by_os(&self, os: OsPid) -> Option<&Process> {
        self.processes.iter().find(|process| process.os == os)
    }

    /// Forgets what was only true while the targets rested.
    pub(crate) fn forget_rest(&mut self) {
        for process in &mut self.processes {
            process.forget_rest();
        }
    }
}
