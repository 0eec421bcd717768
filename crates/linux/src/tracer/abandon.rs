//! Debuggees that are left stopped for another debugger: kept by this session until another asks for them, or released
//! with a SIGSTOP that holds them when nobody traces them any more. Each end of the handing over is here.

use farsight_target::TargetError;
use farsight_types::{OsPid, OsTid};
use libc::pid_t;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::Tracer;
use super::debuggee::{Hold, State};
use super::hardware::disarm;
use crate::procfs;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace, wait};

/// How often, and at what distance, it is looked whether a process has stopped.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

impl Tracer {
    /// Takes everything of ours out of a debuggee and leaves it stopped. Whatever becomes of this process, it stays so:
    /// a SIGSTOP is queued while all threads are trapped, and stops them when they are let go of.
    pub(crate) fn abandon(&mut self, pid: OsPid, release: bool) -> Result<(), TargetError> {
        self.debugged(pid)?;
        self.at_rest()?;
        let why = |why: &str| TargetError::Invalid {
            why: format!("process {pid} cannot be abandoned now: {why}"),
        };
        let threads = self.threads_of(pid);
        let shares = self.sharers(pid).len() > 1
            || threads
                .iter()
                .any(|tid| self.threads.get(tid).is_some_and(|thread| thread.borrower));
        if shares {
            return Err(why(
                "another process runs in its memory; let that run its program first",
            ));
        }
        self.halt(None);
        let loose = |tid: &&pid_t| {
            let thread = self.threads.get(tid);
            thread.is_some_and(|thread| !matches!(thread.state, State::Stopped | State::Gone) && !thread.exiting)
        };
        if threads.iter().any(|tid| loose(&tid)) {
            return Err(why("a thread waits in the kernel and cannot be stopped"));
        }
        let hides_trap = |tid: &pid_t| {
            let thread = self.threads.get(tid);
            thread.is_some_and(|thread| thread.may_hide_trap() && ptrace::has_queued_trap(*tid))
        };
        if threads.iter().any(hides_trap) {
            return Err(why("signals come too fast for a thread to be set back before its trap"));
        }
        self.clean_memory(pid);
        child::signal_process(pid.0 as pid_t, libc::SIGSTOP).map_err(|_| TargetError::Ended { pid })?;
        for tid in threads {
            self.put_back_signals(pid, tid);
            // The policy is for debuggees; this one is to survive.
            let _ = ptrace::set_options(tid, ptrace::OPTIONS);
        }
        self.shared.set_memory(pid, None);
        if let Some(debuggee) = self.debuggees.remove(&pid) {
            self.kept.insert(pid, debuggee);
        }
        if release {
            self.hand_over(pid)?;
        }
        self.tell_targets();
        Ok(())
    }

    /// Signals that a thread has stopped for, or that are held for it, go back into its queue. Faults do not: the
    /// instruction will fault again.
    fn put_back_signals(&mut self, pid: OsPid, tid: pid_t) {
        let deferred = self.deferred_signal(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        disarm(thread);
        let stopped_for = match thread.deliver {
            0 => deferred,
            signal => signal,
        };
        let is_fault = ptrace::SignalDetail::of(tid).is_ok_and(|detail| detail.code() > 0);
        let held = thread.held.drain(..).map(|detail| detail.number());
        for signal in held.chain((stopped_for != 0 && !is_fault).then_some(stopped_for)) {
            let _ = child::signal_thread(pid.0 as pid_t, tid, signal);
        }
        thread.deliver = 0;
        if thread.state == State::Stopped {
            thread.deferred = false;
            self.backlog.retain(|(other, _)| *other != tid);
        }
    }

    /// Lets go of a debuggee that was abandoned: it stays stopped, by its SIGSTOP. This process may end when whoever asked
    /// for it has been told.
    pub(crate) fn hand_over(&mut self, pid: OsPid) -> Result<(), TargetError> {
        let debuggee = self.kept.remove(&pid).ok_or(TargetError::NotDebugged { pid })?;
        if let Some(terminal) = &debuggee.terminal {
            terminal.keep_open();
        }
        for tid in self.threads_of(pid) {
            let state = self.threads.get(&tid).map(|thread| thread.state);
            if ptrace::detach(tid, 0).is_err() && state != Some(State::Gone) {
                self.leave(tid, debuggee.memory.clone(), false);
            }
        }
        self.threads.retain(|_, thread| thread.pid != pid);
        let threads = &self.threads;
        self.backlog.retain(|(tid, _)| threads.contains_key(tid));
        drop(debuggee);
        self.tell_targets();
        Ok(())
    }

    /// The sender is dropped when no abandoned debuggee is left.
    pub(crate) fn when_nothing_is_kept(&mut self, waiting: Sender<()>) {
        self.waiting = Some(waiting);
        self.tell_kept();
    }

    /// Somebody who has taken over is still to be told so: until then this process stays.
    pub(crate) fn owe_answer(&mut self) {
        self.owed += 1;
    }

    /// They have been told.
    pub(crate) fn give_answer(&mut self) {
        self.owed = self.owed.saturating_sub(1);
        self.tell_kept();
    }

    /// An abandoned debuggee has gone its way, or was killed.
    pub(super) fn tell_kept(&mut self) {
        if self.kept.is_empty() && self.owed == 0 {
            self.waiting = None;
        }
    }

    /// Says what stands in the way of taking over a process that is said to be stopped and held by nobody.
    pub(super) fn check_abandoned(&self, pid: OsPid) -> Result<(), TargetError> {
        // It may have been let go of just now, and its threads be on their way into the stop.
        for _ in 0..LOOKS {
            if procfs::status(pid.0).is_ok_and(|status| status.state == 'T') {
                return Ok(());
            }
            std::thread::park_timeout(PAUSE);
        }
        Err(TargetError::Invalid {
            why: format!(
                "process {pid} on {} was not abandoned: nobody holds it and it is not stopped; attach to it without -pe",
                self.shared.machine
            ),
        })
    }

    /// Ends the job-control stop of a debuggee at rest, unseen by the program: one thread takes the SIGCONT that ends it,
    /// and that is dropped. No instruction of the program runs.
    pub(super) fn end_job_stop(&mut self, pid: OsPid) {
        const MOST: usize = 16;
        let mine = |thread: &&super::Thread| thread.pid == pid && thread.state == State::Stopped && !thread.deferred;
        let threads: Vec<pid_t> = self.threads.values().filter(mine).map(|thread| thread.tid).collect();
        let unblocked = |tid: &pid_t| procfs::blocked_signals(pid, OsTid(*tid as u32)) & 1 << (libc::SIGCONT - 1) == 0;
        let taker = threads.iter().copied().find(unblocked);
        if child::signal_process(pid.0 as pid_t, libc::SIGCONT).is_err() {
            return;
        }
        if let Some(debuggee) = self.debuggees.get_mut(&pid) {
            debuggee.drop_cont = true;
        }
        for thread in self.threads.values_mut().filter(|thread| thread.pid == pid) {
            thread.job_stopped = false;
        }
        let Some(tid) = taker else { return };
        for _ in 0..MOST {
            if ptrace::cont(tid, 0).is_err() {
                return;
            }
            let Ok(waited) = wait::one(tid) else { return };
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.stopped();
            }
            match waited {
                Waited::Stopped {
                    signal: libc::SIGCONT,
                    event: 0,
                } => {
                    if let Some(debuggee) = self.debuggees.get_mut(&pid) {
                        debuggee.drop_cont = false;
                    }
                    return;
                }
                Waited::Stopped {
                    event: libc::PTRACE_EVENT_STOP,
                    ..
                } => {}
                _ => return self.note_at_rest(tid, waited),
            }
        }
    }

    /// The next resume ends the job-control stop that a process was found in, as the program's user would.
    pub(super) fn continue_stopped(&mut self) {
        for (pid, debuggee) in &mut self.debuggees {
            if debuggee.hold == Hold::Debugged && std::mem::take(&mut debuggee.continue_first) {
                let _ = child::signal_process(pid.0 as pid_t, libc::SIGCONT);
                for thread in self.threads.values_mut().filter(|thread| thread.pid == *pid) {
                    thread.job_stopped = false;
                }
            }
        }
    }
}
