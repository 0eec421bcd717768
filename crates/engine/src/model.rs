//! What the engine knows of its targets: systems, their processes, threads and modules.
//!
//! Plain data with numbers that are dense in the order of creation. Nothing here talks to a target; [`crate::access`]
//! does. Read [`System`] first.

mod module;
mod process;

pub(crate) use module::{Module, SymbolState};
pub(crate) use process::{Origin, Process, Thread};

use farsight_target::{MachineDescription, ProcessBirth, Resumed, SignalOrder, TargetError, ThreadDelta};
use farsight_types::{OsPid, ProcessId, SystemId, ThreadId, without_secrets};
use farsight_wire::Pending;

use crate::Destination;
use crate::mailbox::Link;
use crate::traps::PlantedTraps;

/// The current (or the event's) system, process and thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) system: SystemId,
    pub(crate) process: ProcessId,
    pub(crate) thread: ThreadId,
}

/// What a system's processes do.
#[derive(Default)]
pub(crate) enum Motion {
    /// They rest, or there are none.
    #[default]
    Rest,
    /// They run.
    Running {
        /// The unanswered resume.
        pending: Option<Pending<Resumed, TargetError>>,
        /// Whether it has been asked to stop.
        asked_to_stop: bool,
    },
}

/// The processes reached through one link. It outlives them: the link stays until it is lost or the session ends.
pub(crate) struct System {
    pub(crate) id: SystemId,
    pub(crate) link: Link,
    /// Where the link leads.
    pub(crate) destination: Destination,
    pub(crate) motion: Motion,
    /// What becomes of the signal that it stopped for, where that has been decided and it has not run since.
    pub(crate) signal: Option<SignalOrder>,
    /// The machine's name, from the handshake.
    pub(crate) machine: String,
    /// Name and release of the server there.
    pub(crate) server: String,
    /// Fetched when first asked for.
    pub(crate) description: Option<MachineDescription>,
    pub(crate) processes: Vec<Process>,
    /// The process that was the current one when another system was chosen.
    pub(crate) left_at: Option<ProcessId>,
    next_process: u32,
    /// Counts the stops; caches belong to one.
    pub(crate) stop_number: u64,
    pub(crate) traps: PlantedTraps,
}

impl System {
    pub(crate) fn new(id: SystemId, link: Link, destination: Destination) -> System {
        System {
            id,
            link,
            destination,
            motion: Motion::Rest,
            signal: None,
            machine: String::new(),
            server: String::new(),
            description: None,
            processes: Vec::new(),
            left_at: None,
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

    /// A process that a followed one made: it begins with its maker's images.
    pub(crate) fn add_child(&mut self, birth: &ProcessBirth) {
        if self.process_by_os(birth.process).is_some() {
            return;
        }
        let parent = self.process_by_os(birth.parent);
        let origin = Origin::Child {
            of_launched: parent.is_some_and(|parent| parent.origin.dies_at_quit()),
        };
        let heritage = parent.map(Process::heritage);
        let child = self.add_process(birth.process, String::new(), origin);
        child.parent = Some(birth.parent);
        if let Some(heritage) = heritage {
            child.inherit(heritage);
        }
        child.apply_threads(ThreadDelta {
            started: vec![birth.thread.clone()],
            ended: Vec::new(),
        });
    }

    /// A copy that a process which is gone made of itself by fork, and that still runs the same program at the same
    /// place: a daemon's breakpoints are those of the process that it was started by.
    pub(crate) fn heir_of(&self, gone: &Process) -> Option<(ProcessId, OsPid)> {
        let program = |process: &Process| {
            let module = process.modules.get(process.program_index()?)?;
            Some((module.image.base, module.image.path.clone()))
        };
        let copies = self.processes.iter().filter(|one| one.parent == Some(gone.os));
        let mut alike = copies.filter(|one| program(one).is_some() && program(one) == program(gone));
        alike.next().map(|one| (one.id, one.os))
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.motion, Motion::Running { .. })
    }

    /// How a user would find it again: the server's connection string without its secrets; none on this machine.
    pub(crate) fn server_name(&self) -> Option<String> {
        match &self.destination {
            Destination::Local | Destination::Image(_) => None,
            Destination::ProcessServer(text) => Some(without_secrets(text).into_owned()),
        }
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
