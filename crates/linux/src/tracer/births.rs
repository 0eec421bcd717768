//! Threads and processes that are born of debuggees: threads are taken in, and so are children that are followed. Of the
//! others, those that share the memory are taken along unseen, and the rest are cleaned of traps and let go.

use std::collections::BTreeMap;
use std::sync::Arc;

use farsight_target::{
    BirthKind, ChildPolicy, Event, EventStops, Note, ProcessBirth, TargetError, ThreadRecord, TrapKind,
};
use farsight_types::{Address, OsPid, OsTid};
use libc::{c_int, pid_t};

use super::Tracer;
use super::debuggee::{Debuggee, State, Thread};
use crate::memory::ProcessMemory;
use crate::procfs;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace};

/// A forked child on its way to its first stop, and the traps that its copy of the memory holds.
pub(super) struct Forked {
    pub(super) parent: OsPid,
    /// Did not stop in time; it will.
    pub(super) stuck: bool,
    traps: Vec<(Address, u8)>,
}

impl Tracer {
    /// A thread or process was born of one of ours.
    pub(super) fn born(&mut self, parent: pid_t, event: c_int) {
        // Fails where the parent was killed in the telling; the child is dealt with as a stranger.
        let Ok(message) = ptrace::event_message(parent) else {
            return;
        };
        let child = message as pid_t;
        let Some(thread) = self.threads.get_mut(&parent) else {
            return;
        };
        let (pid, borrower) = (thread.pid, thread.borrower);
        thread.in_vfork |= event == libc::PTRACE_EVENT_VFORK;
        self.unpin_child(child);
        let first = self.strangers.remove(&child);
        let Ok(status) = procfs::status(child as u32) else {
            // It ran and ended before its birth was told of.
            self.end_vfork_of(Some(parent));
            return;
        };
        let is_thread = event == libc::PTRACE_EVENT_CLONE && status.process == pid;
        let shares_memory = match event {
            libc::PTRACE_EVENT_FORK => false,
            libc::PTRACE_EVENT_VFORK => true,
            _ => is_thread || shares_memory(parent, child),
        };
        let kind = match event {
            libc::PTRACE_EVENT_FORK => BirthKind::Fork,
            libc::PTRACE_EVENT_VFORK => BirthKind::Vfork,
            _ => BirthKind::Clone,
        };
        if is_thread {
            self.adopt(child);
        } else if !borrower && self.follows(pid) {
            self.join(child, pid, kind, shares_memory);
        } else if shares_memory {
            let mut thread = Thread::new(child, pid, State::New);
            thread.borrower = true;
            self.threads.insert(child, thread);
        } else {
            self.expect_forked(child, pid);
            if let Some(first) = first {
                self.clean_forked(child, first);
            }
            return;
        }
        if let Some(thread) = self.threads.get_mut(&child) {
            thread.vfork_parent = (kind == BirthKind::Vfork).then_some(parent);
            if let Some(first) = first {
                thread.stopped();
                thread.deferred = true;
                self.backlog.push_back((child, first));
            }
        }
    }

    /// Says what becomes of the processes that a debuggee makes from now on.
    pub(crate) fn set_children(&mut self, pid: OsPid, children: ChildPolicy) -> Result<(), TargetError> {
        self.debugged(pid)?;
        let debuggee = self.debuggees.get_mut(&pid);
        debuggee.ok_or(TargetError::NotDebugged { pid })?.children = children;
        Ok(())
    }

    fn follows(&self, pid: OsPid) -> bool {
        self.debuggee(pid)
            .is_ok_and(|debuggee| debuggee.children == ChildPolicy::Follow)
    }

    /// A child of a followed process becomes a debuggee, with the images and traps of its parent.
    fn join(&mut self, child: pid_t, parent: OsPid, kind: BirthKind, shares_memory: bool) {
        let process = OsPid(child as u32);
        let Some(debuggee) = self.debuggees.get(&parent) else {
            return;
        };
        let memory = if shares_memory {
            debuggee.memory.clone()
        } else {
            // Fails where it was killed already.
            let Ok(memory) = ProcessMemory::open(process) else {
                return;
            };
            Arc::new(memory)
        };
        let parents_memory = debuggee.memory.clone();
        let mut joined = debuggee.child(parent, memory.clone());
        let mut users: BTreeMap<u64, u32> = BTreeMap::new();
        let inherited = self.book.inherit(parent, process);
        let software = inherited.iter().filter(|trap| trap.kind == TrapKind::Software);
        let notify = joined.loader.map(|loader| loader.notify);
        for address in software.map(|trap| trap.address).chain(notify) {
            *users.entry(address.0).or_default() += 1;
        }
        if shares_memory {
            for (address, users) in users {
                for _ in 0..users {
                    // It is planted already, and gets one more user.
                    let _ = memory.plant(Address(address));
                }
            }
        } else {
            memory.inherit(&parents_memory, &users);
        }
        let tid = OsTid(process.0);
        let birth = ProcessBirth {
            process,
            parent,
            kind,
            thread: ThreadRecord {
                tid,
                name: procfs::thread_name(process, tid),
            },
        };
        joined.newborn = self.stops().is_some_and(|stops| stops.process_started);
        if joined.newborn {
            self.births.push(birth);
        } else {
            self.shared.events.tell(Event::Note(Note::ProcessStarted { birth }));
        }
        self.shared.set_memory(process, Some(memory));
        self.debuggees.insert(process, joined);
        self.threads.insert(child, Thread::new(child, process, State::New));
    }

    /// The further events that stop this run.
    pub(super) fn stops(&self) -> Option<&EventStops> {
        self.run.as_ref()?.plan.stops.as_ref()
    }

    /// A vfork child has memory of its own or is gone: the thread that waited for that can be stopped again.
    pub(super) fn end_vfork(&mut self, child: pid_t) {
        let parent = self
            .threads
            .get_mut(&child)
            .and_then(|thread| thread.vfork_parent.take());
        self.end_vfork_of(parent);
    }

    fn end_vfork_of(&mut self, parent: Option<pid_t>) {
        if let Some(parent) = parent.and_then(|parent| self.threads.get_mut(&parent)) {
            parent.in_vfork = false;
        }
    }

    /// The debuggees that run in the same memory as this one, itself included.
    pub(super) fn sharers(&self, pid: OsPid) -> Vec<OsPid> {
        let Some(debuggee) = self.debuggees.get(&pid) else {
            return vec![pid];
        };
        let same = |(_, other): &(&OsPid, &Debuggee)| Arc::ptr_eq(&other.memory, &debuggee.memory);
        self.debuggees.iter().filter(same).map(|(pid, _)| *pid).collect()
    }

    /// A process ends, runs another program or is let go of: it no longer uses the traps in memory that it may have
    /// shared.
    pub(super) fn leave_memory(&mut self, pid: OsPid) {
        let shared = self.sharers(pid).len() > 1;
        let traps = self.book.forget(pid);
        let Some(debuggee) = self.debuggees.get_mut(&pid).filter(|_| shared) else {
            return;
        };
        let software = traps.iter().filter(|trap| trap.kind == TrapKind::Software);
        let notify = debuggee.loader.take().map(|loader| loader.notify);
        for address in software.map(|trap| trap.address).chain(notify) {
            debuggee.memory.unplant(address);
        }
    }

    /// Keeps a status of a thread that nobody has told of yet. One that is gone needs no more telling.
    pub(super) fn note_stranger(&mut self, tid: pid_t, waited: Waited) {
        if let Waited::Stopped { .. } = waited {
            self.strangers.insert(tid, waited);
        } else {
            // With it goes its terminal, which first sends what the program wrote last.
            self.undebugged.remove(&tid);
        }
    }

    /// Takes a thread of a debuggee that is not known yet. Its birth may be told of later, or never, where the thread
    /// that made it was killed in the telling.
    pub(super) fn adopt(&mut self, child: pid_t) {
        if self.threads.contains_key(&child) {
            return;
        }
        let Ok(status) = procfs::status(child as u32) else {
            return;
        };
        let pid = status.process;
        let Some(debuggee) = self.debuggees.get_mut(&pid) else {
            return;
        };
        self.threads.insert(child, Thread::new(child, pid, State::New));
        let thread = OsTid(child as u32);
        debuggee.thread_news.started.push(ThreadRecord {
            tid: thread,
            name: procfs::thread_name(pid, thread),
        });
        if self.run.as_ref().is_some_and(|run| run.plan.note_threads) {
            self.shared
                .events
                .tell(Event::Note(Note::ThreadStarted { process: pid, thread }));
        }
    }

    fn expect_forked(&mut self, child: pid_t, parent: OsPid) {
        let traps = self
            .debuggee(parent)
            .map_or_else(|_| Vec::new(), |debuggee| debuggee.memory.planted_bytes());
        let stuck = false;
        self.forked.insert(child, Forked { parent, stuck, traps });
    }

    /// The first stop of a forked child: its copy of our traps is cleaned, then it is let go. So is a thread that could
    /// not be let go with its process. Whether it was one of these.
    pub(super) fn clean_forked(&mut self, tid: pid_t, waited: Waited) -> bool {
        if let Some(leaving) = self.leaving.remove(&tid) {
            self.let_go_late(tid, leaving, waited);
            return true;
        }
        let Some(forked) = self.forked.remove(&tid) else {
            return false;
        };
        if let Waited::Stopped { .. } = waited {
            if let Ok(copy) = ProcessMemory::open(OsPid(tid as u32)) {
                copy.clean_of(&forked.traps);
            }
            let _ = ptrace::detach(tid, 0);
        }
        true
    }

    /// A followed debuggee was killed in the telling of a birth: the child joins all the same. Called before what is known
    /// of the parent is forgotten.
    pub(super) fn take_orphans(&mut self, pid: OsPid) {
        if !self.follows(pid) {
            return;
        }
        for (tid, waited) in std::mem::take(&mut self.strangers) {
            let parent = procfs::status(tid as u32).map_or(OsPid(0), |status| status.parent);
            if !self.debuggees.contains_key(&parent) {
                self.join(tid, pid, BirthKind::Fork, false);
            }
            match self.threads.get_mut(&tid) {
                Some(thread) => {
                    thread.stopped();
                    self.defer(tid, waited);
                }
                None => drop(self.strangers.insert(tid, waited)),
            }
        }
    }

    /// A debuggee ends or is let go of: children of it whose birth was never told go their own way.
    pub(super) fn let_strangers_go(&mut self, pid: OsPid) {
        let strangers: Vec<pid_t> = self.strangers.keys().copied().collect();
        for tid in strangers {
            let parent = procfs::status(tid as u32).ok().map(|status| status.parent);
            // Those of another debuggee are still to be told of.
            if parent.is_some_and(|parent| parent != pid && self.debuggees.contains_key(&parent)) {
                continue;
            }
            let Some(waited) = self.strangers.remove(&tid) else {
                continue;
            };
            self.expect_forked(tid, pid);
            self.clean_forked(tid, waited);
        }
    }
}

/// Whether two processes share their memory, which a clone may without being a thread or a vfork.
fn shares_memory(one: pid_t, other: pid_t) -> bool {
    const KCMP_VM: c_int = 1;
    child::same_kernel_object(one, other, KCMP_VM)
}
