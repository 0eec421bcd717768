//! Letting go of debuggees: set back behind traps, code restored, no hidden signal left.

use farsight_target::{LettingGo, LossPolicy, SignalOrder, TargetError};
use farsight_types::OsPid;
use libc::pid_t;

use super::Tracer;
use super::debuggee::State;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace, wait};

impl Tracer {
    /// Lets a debuggee run on by itself, from rest or running.
    pub(crate) fn detach(&mut self, pid: OsPid, order: SignalOrder) -> Result<(), TargetError> {
        self.debuggee(pid)?;
        let was_running = self.run.is_some();
        self.halt(None);
        if order == SignalOrder::Drop
            && let Some(tracee) = self.tracees.get_mut(&self.event_thread)
            && tracee.pid == pid
        {
            tracee.deliver = 0;
        }
        self.take_hidden_traps(pid);
        let Some(debuggee) = self.debuggees.get(&pid) else {
            return Ok(());
        };
        debuggee.memory.unplant_all();
        let ours: Vec<pid_t> = self
            .tracees
            .values()
            .filter(|tracee| tracee.pid == pid)
            .map(|tracee| tracee.tid)
            .collect();
        for tid in ours {
            let deferred = self.take_deferred_signal(tid);
            let Some(tracee) = self.tracees.get_mut(&tid) else {
                continue;
            };
            for held in tracee.held.drain(..) {
                let _ = child::signal_thread(pid.0 as pid_t, tid, held.number());
            }
            let signal = if tracee.deliver != 0 { tracee.deliver } else { deferred };
            // Fails only for a thread that is gone.
            let _ = ptrace::detach(tid, signal);
        }
        self.forget(pid);
        if was_running {
            self.go_on_or_end();
        }
        Ok(())
    }

    /// An interrupt stop can hide a breakpoint's SIGTRAP in the thread's queue; detached with it, the thread would die.
    /// It is taken here, and the thread set back before the trap.
    fn take_hidden_traps(&mut self, pid: OsPid) {
        const MOST: usize = 16;
        let ours: Vec<pid_t> = self
            .tracees
            .values()
            .filter(|tracee| tracee.pid == pid)
            .map(|tracee| tracee.tid)
            .collect();
        for tid in ours {
            for _ in 0..MOST {
                let resting = self
                    .tracees
                    .get(&tid)
                    .is_some_and(|tracee| tracee.state == State::Stopped && !tracee.deferred && tracee.deliver == 0);
                if !resting || !ptrace::has_queued_trap(tid) || ptrace::cont(tid, 0).is_err() {
                    break;
                }
                let Ok(waited) = wait::one(tid) else { break };
                let Some(tracee) = self.tracees.get_mut(&tid) else {
                    break;
                };
                tracee.stopped();
                match waited {
                    Waited::Stopped { signal, event: 0 } if self.take_back_trap(tid, signal) => {}
                    Waited::Stopped { .. } => {
                        tracee_deferred(self, tid);
                        self.backlog.push_back((tid, waited));
                    }
                    Waited::Exited(_) | Waited::Killed(_) => {
                        tracee_deferred(self, tid);
                        self.backlog.push_back((tid, waited));
                        break;
                    }
                }
            }
        }
    }

    /// The signal whose delivery stop a thread rests in with its status put off, 0 for none.
    fn take_deferred_signal(&mut self, tid: pid_t) -> i32 {
        let status = self
            .backlog
            .iter()
            .find(|(other, _)| *other == tid)
            .map(|(_, waited)| *waited);
        match status {
            Some(Waited::Stopped { signal, event: 0 }) if signal & 0x80 == 0 => signal,
            _ => 0,
        }
    }

    /// Kills a debuggee and waits for its end.
    pub(crate) fn terminate(&mut self, pid: OsPid) -> Result<(), TargetError> {
        self.debuggee(pid)?;
        let was_running = self.run.is_some();
        self.kill(pid);
        if was_running {
            self.halt(None);
            self.go_on_or_end();
        }
        Ok(())
    }

    fn kill(&mut self, pid: OsPid) {
        let leader = pid.0 as pid_t;
        let _ = child::signal_process(leader, libc::SIGKILL);
        for tracee in self
            .tracees
            .values()
            .filter(|tracee| tracee.pid == pid && tracee.state == State::Stopped)
        {
            let _ = ptrace::cont(tracee.tid, 0);
        }
        self.tracees
            .retain(|_, tracee| tracee.pid != pid || (!tracee.borrower && tracee.state != State::Gone));
        // Every thread's end is waited for; on the way there may be exit events.
        while self.tracees.values().any(|tracee| tracee.pid == pid) {
            let Ok((tid, waited)) = wait::any() else { break };
            self.adopt(tid);
            if tid == self.bell {
                self.answer_bell(waited);
            } else if self.tracees.get(&tid).is_some_and(|tracee| tracee.pid == pid) {
                match waited {
                    Waited::Stopped { .. } => drop(ptrace::cont(tid, 0)),
                    Waited::Exited(_) | Waited::Killed(_) => drop(self.tracees.remove(&tid)),
                }
            } else if !self.clean_forked(tid, waited) {
                if let Some(tracee) = self.tracees.get_mut(&tid) {
                    tracee.stopped();
                    tracee.deferred = true;
                    self.backlog.push_back((tid, waited));
                } else {
                    self.strangers.insert(tid, waited);
                }
            }
        }
        self.forget(pid);
    }

    /// After a debuggee has left a running session: the others go on, or the run is over with the last.
    fn go_on_or_end(&mut self) {
        if self.debuggees.is_empty() {
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
        for tracee in self.tracees.values() {
            let launched = self
                .debuggees
                .get(&tracee.pid)
                .is_some_and(|debuggee| debuggee.launched);
            let _ = ptrace::set_options(tracee.tid, self.options(launched));
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
                LettingGo::Detach => drop(self.detach(pid, SignalOrder::Deliver)),
                LettingGo::Kill => self.kill(pid),
            }
        }
        self.run = None;
    }
}

fn tracee_deferred(tracer: &mut Tracer, tid: pid_t) {
    if let Some(tracee) = tracer.tracees.get_mut(&tid) {
        tracee.deferred = true;
    }
}
