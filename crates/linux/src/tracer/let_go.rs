//! Letting go of debuggees: set back behind traps, code restored, no hidden signal left.

use std::sync::Arc;
use std::time::Instant;

use farsight_target::{LettingGo, LossPolicy, SignalOrder, TargetError};
use farsight_types::{Address, OsPid};
use libc::pid_t;

use super::Tracer;
use super::debuggee::State;
use super::events::INT3;
use super::hardware::{disarm, disarm_registers};
use crate::memory::ProcessMemory;
use crate::procfs;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace, wait};

/// A thread of a process that was let go of without it; it is let go at its next stop.
pub(super) struct Leaving {
    memory: Arc<ProcessMemory>,
    /// A trap's stop is on its way to it.
    hides_trap: bool,
}

impl Tracer {
    /// Lets a debuggee run on by itself, from rest or running.
    pub(crate) fn detach(&mut self, pid: OsPid, order: SignalOrder) -> Result<(), TargetError> {
        self.debuggee(pid)?;
        if self.is_unseized(pid) {
            self.forget(pid);
            self.tell_targets();
            return Ok(());
        }
        let was_running = self.run.is_some();
        self.halt(None);
        self.unpin();
        if self.becomes_borrower(pid) {
            if was_running {
                self.go_on_or_end();
            }
            return Ok(());
        }
        self.drop_stepper_of(pid);
        if order == SignalOrder::Drop
            && let Some(thread) = self.threads.get_mut(&self.event_thread)
            && thread.pid == pid
        {
            thread.deliver = 0;
        }
        self.clean_memory(pid);
        if let Some(debuggee) = self.debuggees.get(&pid)
            && let Some(terminal) = &debuggee.terminal
            // Relatives that stay keep it open.
            && Arc::strong_count(terminal) == 1
        {
            terminal.keep_open();
        }
        for tid in self.threads_of(pid) {
            self.release(tid);
        }
        self.forget(pid);
        self.tell_targets();
        if was_running {
            self.go_on_or_end();
        }
        Ok(())
    }

    /// Lets one thread go its way, with the signals that it is still to get.
    fn release(&mut self, tid: pid_t) {
        let deferred = self.deferred_signal(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        for held in thread.held.drain(..) {
            // A borrower is no thread of the debuggee's.
            let process = procfs::process_of(OsPid(tid as u32)).0 as pid_t;
            let _ = child::signal_thread(process, tid, held.number());
        }
        let clean = disarm(thread);
        let signal = if thread.deliver != 0 { thread.deliver } else { deferred };
        let (pid, is_gone) = (thread.pid, thread.state == State::Gone);
        let hides_trap = thread.may_hide_trap() && ptrace::has_queued_trap(tid) && ptrace::cont(tid, 0).is_ok();
        // A thread that waits in the kernel is let go when it comes out; others fail only when they are gone.
        if hides_trap || ptrace::detach(tid, signal).is_err() && !is_gone {
            if let Some(debuggee) = self.debuggees.get(&pid) {
                self.leave(tid, debuggee.memory.clone(), hides_trap);
            }
        } else if !clean && !is_gone {
            self.trouble(format!("thread {tid} keeps debug registers that could not be cleared"));
        }
    }

    pub(super) fn leave(&mut self, tid: pid_t, memory: Arc<ProcessMemory>, hides_trap: bool) {
        self.leaving.insert(tid, Leaving { memory, hides_trap });
    }

    /// A thread that could not be let go with its process has stopped: it is set back behind a trap that it hit on its way
    /// into the kernel, and let go.
    pub(super) fn let_go_late(&mut self, tid: pid_t, leaving: Leaving, waited: Waited) {
        let memory = leaving.memory;
        let Waited::Stopped { signal, event } = waited else {
            return;
        };
        disarm_registers(tid);
        let mut passed_on = if event == 0 && signal & 0x80 == 0 { signal } else { 0 };
        if passed_on == libc::SIGTRAP
            && ptrace::SignalDetail::of(tid).is_ok_and(|detail| detail.code() == INT3)
            && let Ok(mut registers) = ptrace::registers(tid)
        {
            let place = Address(registers.rip.wrapping_sub(1));
            if memory.was_planted(place) && !memory.holds_trap_byte(place) {
                registers.rip = place.0;
                let _ = ptrace::set_registers(tid, &registers);
                passed_on = 0;
            }
        }
        let hides_trap = passed_on == 0 && ptrace::has_queued_trap(tid);
        match hides_trap && ptrace::cont(tid, 0).is_ok() {
            true => self.leave(tid, memory, true),
            false => drop(ptrace::detach(tid, passed_on)),
        }
    }

    /// A followed child that still runs in its parent's memory cannot be let go of while that is debugged: it would meet
    /// the parent's traps. It is taken along unseen, as if it had never been followed.
    fn becomes_borrower(&mut self, pid: OsPid) -> bool {
        let Some(parent) = self.parent_in_memory(pid) else {
            return false;
        };
        self.leave_memory(pid);
        for thread in self.threads.values_mut().filter(|thread| thread.pid == pid) {
            thread.pid = parent;
            thread.borrower = true;
        }
        self.forget(pid);
        true
    }

    /// The debuggee that made this one, while it still runs in its memory.
    fn parent_in_memory(&self, pid: OsPid) -> Option<OsPid> {
        let parent = self.debuggees.get(&pid)?.copy_of?;
        self.sharers(pid).contains(&parent).then_some(parent)
    }

    /// Takes every trap out of a debuggee's memory. Others that run in it lose theirs.
    pub(super) fn clean_memory(&mut self, pid: OsPid) {
        let Some(debuggee) = self.debuggees.get(&pid) else {
            return;
        };
        debuggee.memory.unplant_all();
        for sharer in self.sharers(pid) {
            self.book.forget(sharer);
            if let Some(debuggee) = self.debuggees.get_mut(&sharer) {
                debuggee.loader = None;
            }
        }
    }

    /// All threads that run in a debuggee's memory, those that are not shown included. The first thread of all comes last:
    /// whoever sees that free may take the process.
    pub(super) fn threads_of(&self, pid: OsPid) -> Vec<pid_t> {
        let ours = self.threads.values().filter(|thread| thread.pid == pid);
        let mut tids: Vec<pid_t> = ours.map(|thread| thread.tid).collect();
        tids.sort_by_key(|tid| *tid == pid.0 as pid_t);
        tids
    }

    /// An interrupt stop can hide a breakpoint's SIGTRAP in a thread's queue: the pc is behind the trap, and a thread
    /// detached with it would die. It is taken here, and the thread set back before the trap.
    pub(super) fn take_hidden_traps(&mut self) {
        for tid in self.threads.keys().copied().collect::<Vec<_>>() {
            self.take_hidden_trap(tid);
        }
    }

    /// Stops of job control come before any signal, and every SIGCONT or SIGSTOP that is sent meanwhile brings one more:
    /// they are taken until the trap's own stop comes. The thread runs none of the program's code on the way there.
    pub(super) fn take_hidden_trap(&mut self, tid: pid_t) {
        let deadline = Instant::now() + self.patience;
        let mut job_stopped = false;
        while let Some(thread) = self.threads.get(&tid)
            && thread.may_hide_trap()
            && ptrace::has_queued_trap(tid)
        {
            job_stopped |= thread.job_stopped;
            if Instant::now() >= deadline {
                return self.trouble(format!(
                    "thread {tid} gets signals too fast for its trap to be taken back"
                ));
            }
            let Ok(waited) = ptrace::cont(tid, 0).and_then(|()| wait::one(tid)) else {
                break;
            };
            self.note_halted(tid, waited);
        }
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.check_job_stop |= job_stopped && !thread.job_stopped;
        }
    }

    /// The signal whose delivery stop a thread rests in with its status put off, 0 for none.
    pub(super) fn deferred_signal(&self, tid: pid_t) -> i32 {
        let status = self.backlog.iter().find(|(other, _)| *other == tid);
        match status {
            Some((_, Waited::Stopped { signal, event: 0 })) if signal & 0x80 == 0 && !self.is_hardware_hit(tid) => {
                *signal
            }
            _ => 0,
        }
    }

    /// Whether a status put off is that of a hardware trap, and nothing that the program shall get.
    fn is_hardware_hit(&self, tid: pid_t) -> bool {
        self.threads.get(&tid).is_some_and(|thread| !thread.due.is_empty())
            || ptrace::SignalDetail::of(tid)
                .is_ok_and(|detail| detail.number() == libc::SIGTRAP && detail.code() == libc::TRAP_HWBKPT)
    }

    /// Kills a debuggee and waits for its end.
    pub(crate) fn terminate(&mut self, pid: OsPid) -> Result<(), TargetError> {
        self.seized(pid)?;
        let was_running = self.run.is_some();
        self.kill(pid);
        self.tell_targets();
        if was_running {
            self.halt(None);
            self.go_on_or_end();
        }
        Ok(())
    }

    fn kill(&mut self, pid: OsPid) {
        // Children that share its memory live on, in clean memory.
        self.sort_backlog();
        self.halt(Some(pid));
        self.unpin();
        let borrowers = self
            .threads
            .values()
            .filter(|thread| thread.pid == pid && thread.borrower);
        let borrowers: Vec<pid_t> = borrowers.map(|thread| thread.tid).collect();
        for tid in &borrowers {
            self.take_hidden_trap(*tid);
        }
        if self.parent_in_memory(pid).is_some() {
            self.leave_memory(pid);
        } else {
            self.clean_memory(pid);
        }
        for tid in borrowers {
            self.release(tid);
        }
        let _ = child::signal_process(pid.0 as pid_t, libc::SIGKILL);
        for thread in self
            .threads
            .values()
            .filter(|thread| thread.pid == pid && thread.state == State::Stopped)
        {
            let _ = ptrace::cont(thread.tid, 0);
        }
        self.threads
            .retain(|_, thread| thread.pid != pid || (!thread.borrower && thread.state != State::Gone));
        for (tid, waited) in std::mem::take(&mut self.strangers) {
            self.note_dying(pid, tid, waited);
        }
        // Every thread's end is waited for; on the way there may be exit events.
        while self.threads.values().any(|thread| thread.pid == pid) {
            let Ok((tid, waited)) = wait::any() else { break };
            if tid == self.bell {
                self.answer_bell(waited);
            } else {
                self.note_dying(pid, tid, waited);
            }
        }
        self.forget(pid);
    }

    /// Files a status while a debuggee is being killed: its own threads are hurried on, the others' statuses kept.
    fn note_dying(&mut self, dying: OsPid, tid: pid_t, waited: Waited) {
        if self.clean_forked(tid, waited) {
            return;
        }
        self.adopt(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return self.note_stranger(tid, waited);
        };
        match waited {
            _ if thread.pid != dying && self.run.is_some() => self.note_halted(tid, waited),
            _ if thread.pid != dying => self.note_at_rest(tid, waited),
            Waited::Stopped { event, .. } => {
                if event == libc::PTRACE_EVENT_EXEC {
                    self.others_ended_by_exec(tid, dying);
                }
                let _ = ptrace::cont(tid, 0);
            }
            Waited::Exited(_) | Waited::Killed(_) => drop(self.threads.remove(&tid)),
        }
    }

    /// After a debuggee has left a running session: the others go on, or the run is over with the last.
    fn go_on_or_end(&mut self) {
        if !self.has_going() {
            self.end_run();
        } else {
            self.go(None);
        }
    }

    /// Says what happens on loss. Launched programs that are to be killed die with this process whatever ends it.
    pub(crate) fn set_loss_policy(&mut self, policy: LossPolicy) {
        self.loss = policy;
        let was_running = self.run.is_some();
        if self.debuggees.is_empty() {
            return;
        }
        // Options can only be set on stopped threads.
        self.halt(None);
        for thread in self.threads.values().filter(|thread| self.goes(thread.pid)) {
            let launched = self
                .debuggees
                .get(&thread.pid)
                .is_some_and(|debuggee| debuggee.launched);
            let _ = ptrace::set_options(thread.tid, self.options(launched));
        }
        if was_running {
            self.go(None);
        }
    }

    /// The client or the server is gone: every debuggee goes its way by the policy.
    pub(crate) fn let_go_of_all(&mut self) {
        let all: Vec<(OsPid, bool)> = self
            .debuggees
            .iter()
            .map(|(pid, debuggee)| (*pid, debuggee.launched))
            .collect();
        for (pid, launched) in all {
            let fate = if launched {
                self.loss.launched
            } else {
                self.loss.attached
            };
            match fate {
                _ if !self.goes(pid) => drop(self.detach(pid, SignalOrder::Deliver)),
                LettingGo::Detach => drop(self.detach(pid, SignalOrder::Deliver)),
                LettingGo::Kill => self.kill(pid),
            }
        }
        for (_, terminal) in std::mem::take(&mut self.undebugged) {
            terminal.keep_open();
        }
        self.run = None;
        // The end of this thread would let them die of their traps.
        while self.leaving.values().any(|leaving| leaving.hides_trap) {
            let Ok((tid, waited)) = wait::any() else { break };
            self.arrived(tid, waited);
        }
    }
}
