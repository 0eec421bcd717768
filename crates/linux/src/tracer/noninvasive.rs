//! Debuggees that are only looked at. One that is seized rests until it is let go of; one that is not seized runs on, and
//! what can be known of it without ptrace is told: memory, images, threads, and where a sleeping thread is.

use std::sync::Arc;

use farsight_target::{Acquired, AttachSpec, StopCause, TargetError, ThreadRecord};
use farsight_types::registers::amd64;
use farsight_types::{Architecture, OsPid, OsTid, Registers};

use libc::pid_t;

use super::Tracer;
use super::debuggee::{Debuggee, Hold};
use crate::images::Loader;
use crate::memory::ProcessMemory;
use crate::procfs::{self, AuxiliaryVector};
use crate::{inventory, permission};

impl Tracer {
    /// Takes a process in without seizing it.
    pub(super) fn look_at(&mut self, spec: &AttachSpec) -> Result<Acquired, TargetError> {
        let pid = spec.process;
        let machine = &self.shared.machine;
        let memory = ProcessMemory::open_to_read(pid).map_err(|error| permission::explain(pid, machine, &error))?;
        let memory = Arc::new(memory);
        let tracer = procfs::status(pid.0).ok().and_then(|status| status.tracer);
        let mut debuggee = Debuggee::new(memory.clone(), false);
        debuggee.hold = Hold::Unseized {
            tracer: tracer.map(procfs::process_of),
        };
        debuggee.auxv = AuxiliaryVector::of(pid).unwrap_or_default();
        debuggee.loader = Loader::find(pid, &memory, &debuggee.auxv);
        debuggee.refresh_images(pid);
        debuggee.thread_news.started = self.seen_threads(pid);
        if debuggee.thread_news.started.is_empty() {
            return Err(TargetError::Ended { pid });
        }
        self.shared.set_memory(pid, Some(memory));
        self.debuggees.insert(pid, debuggee);
        let tid = OsTid(pid.0);
        let acquired = self.acquired(pid);
        self.tell_targets();
        let registers = partial_registers(pid, tid);
        self.tell_stop(
            pid,
            tid.0 as pid_t,
            StopCause::Attached,
            registers,
            spec.detail.stack_bytes,
        );
        Ok(acquired)
    }

    /// The threads of a process that is not seized, as they are now.
    pub(super) fn seen_threads(&self, pid: OsPid) -> Vec<ThreadRecord> {
        let mut tids = procfs::threads(pid).unwrap_or_default();
        tids.sort_by_key(|tid| (tid.0 != pid.0, *tid));
        let record = |tid| ThreadRecord {
            tid,
            name: procfs::thread_name(pid, tid),
        };
        tids.into_iter().map(record).collect()
    }

    /// Whether a debuggee is not seized, so that nothing of it is known to the tracer.
    pub(super) fn is_unseized(&self, pid: OsPid) -> bool {
        self.debuggee(pid)
            .is_ok_and(|debuggee| matches!(debuggee.hold, Hold::Unseized { .. }))
    }

    /// Refuses what needs a debuggee that is seized.
    pub(crate) fn seized(&self, pid: OsPid) -> Result<(), TargetError> {
        match self.debuggee(pid)?.hold {
            Hold::Unseized { tracer } => Err(TargetError::Noninvasive { pid, tracer }),
            Hold::Debugged | Hold::Looked => Ok(()),
        }
    }

    /// Refuses what needs a debuggee that is debugged and not only looked at.
    pub(crate) fn debugged(&self, pid: OsPid) -> Result<(), TargetError> {
        self.seized(pid)?;
        match self.debuggee(pid)?.hold {
            Hold::Looked => Err(TargetError::Noninvasive { pid, tracer: None }),
            _ => Ok(()),
        }
    }

    /// Whether a debuggee is set going by a resume.
    pub(super) fn goes(&self, pid: OsPid) -> bool {
        self.debuggees
            .get(&pid)
            .is_some_and(|debuggee| debuggee.hold == Hold::Debugged)
    }

    /// Whether anything is left that can run and have events.
    pub(super) fn has_going(&self) -> bool {
        self.debuggees.values().any(|debuggee| debuggee.hold == Hold::Debugged)
    }

    /// Why nothing can be set going.
    pub(super) fn why_nothing_goes(&self) -> TargetError {
        match self.debuggees.iter().next() {
            None => TargetError::NotRunning,
            Some((pid, debuggee)) => {
                let tracer = match debuggee.hold {
                    Hold::Unseized { tracer } => tracer,
                    Hold::Debugged | Hold::Looked => None,
                };
                TargetError::Noninvasive { pid: *pid, tracer }
            }
        }
    }

    /// What a phrase about this session's targets says; empty for none.
    pub(super) fn describe_targets(&self) -> String {
        const MOST: usize = 8;
        let name = |pid: &OsPid| inventory::name_of(*pid);
        let held = self.debuggees.keys().map(|pid| format!("{pid} ({})", name(pid)));
        let kept = self.kept.keys().map(|pid| format!("{pid} ({}), abandoned", name(pid)));
        let mut all: Vec<String> = held.chain(kept).take(MOST + 1).collect();
        let count = self.debuggees.len() + self.kept.len();
        if count > MOST {
            all.truncate(MOST);
            all.push(format!("{} more", count - MOST));
        }
        all.join(", ")
    }
}

/// Program counter and stack pointer of a thread that sleeps, the only registers that can be known without ptrace; none
/// of one that runs.
pub(super) fn partial_registers(pid: OsPid, tid: OsTid) -> Option<Registers> {
    let (sp, pc) = procfs::sleeping_place(pid, tid)?;
    let mut registers = Registers::zeroed(Architecture::Amd64);
    registers.set_value(amd64::RSP, sp.0);
    registers.set_pc(pc);
    registers.known = Some(1 << amd64::RSP | 1 << amd64::RIP);
    Some(registers)
}
