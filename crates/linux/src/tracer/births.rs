//! Threads and processes that are born of debuggees: threads are taken in, children that share the memory are taken
//! along unseen, all others are cleaned of traps and let go.

use farsight_target::{Event, Note, ThreadRecord};
use farsight_types::{Address, OsPid, OsTid};
use libc::{c_int, pid_t};

use super::Tracer;
use super::debuggee::{State, Thread};
use crate::memory::ProcessMemory;
use crate::procfs;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace};

/// A forked child on its way to its first stop, and the traps that its copy of the memory holds.
pub(super) struct Forked {
    pub(super) parent: OsPid,
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
        let pid = thread.pid;
        thread.in_vfork |= event == libc::PTRACE_EVENT_VFORK;
        self.unpin_child(child);
        let first = self.strangers.remove(&child);
        let Ok(status) = procfs::status(child as u32) else {
            // It ran and ended before its birth was told of.
            return;
        };
        let is_thread = event == libc::PTRACE_EVENT_CLONE && status.process == pid;
        let shares_memory = match event {
            libc::PTRACE_EVENT_FORK => false,
            libc::PTRACE_EVENT_VFORK => true,
            _ => is_thread || shares_memory(parent, child),
        };
        if !shares_memory {
            self.expect_forked(child, pid);
            if let Some(first) = first {
                self.clean_forked(child, first);
            }
            return;
        }
        if is_thread {
            self.adopt(child);
        } else {
            let mut thread = Thread::new(child, pid, State::New);
            thread.borrower = true;
            self.threads.insert(child, thread);
        }
        if let Some(first) = first {
            if let Some(thread) = self.threads.get_mut(&child) {
                thread.stopped();
                thread.deferred = true;
            }
            self.backlog.push_back((child, first));
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
        self.forked.insert(child, Forked { parent, traps });
    }

    /// The first stop of a forked child: its copy of our traps is cleaned, then it is let go. So is a thread that could
    /// not be let go with its process. Whether it was one of these.
    pub(super) fn clean_forked(&mut self, tid: pid_t, waited: Waited) -> bool {
        if self.leaving.remove(&tid) {
            let _ = ptrace::detach(tid, 0);
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

    /// A debuggee ends or is let go of: children of it whose birth was never told go their own way.
    pub(super) fn let_strangers_go(&mut self, pid: OsPid) {
        let strangers: Vec<pid_t> = self.strangers.keys().copied().collect();
        for tid in strangers {
            let parent = procfs::status(tid as u32).ok().map(|status| status.parent);
            // Those of another debuggee are still to be told of.
            if parent.is_some_and(|parent| parent != pid && self.debuggees.contains_key(&parent)) {
                continue;
            }
            if let Some(waited) = self.strangers.remove(&tid) {
                self.expect_forked(tid, pid);
                self.clean_forked(tid, waited);
            }
        }
    }
}

/// Whether two processes share their memory, which a clone may without being a thread or a vfork.
fn shares_memory(one: pid_t, other: pid_t) -> bool {
    const KCMP_VM: c_int = 1;
    child::same_kernel_object(one, other, KCMP_VM)
}
