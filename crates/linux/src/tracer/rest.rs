//! Bringing the session to rest, and saying so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use farsight_target::plan::code_at_marks;
use farsight_target::{Event, Family, ProcessDelta, Stop, StopCause};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange, OsPid, OsTid, Registers};
use libc::{pid_t, user_regs_struct};

use super::debuggee::State;
use super::{Stepper, Tracer};
use crate::registers::to_registers;
use crate::sys::wait::Waited;
use crate::sys::{ptrace, wait};
use crate::terminal::Terminal;

/// Bytes of code from the pc on that come with every stop.
const CODE_BYTES: usize = 64;
/// Bytes below the stack pointer: a function that calls nothing keeps its locals there.
const RED_ZONE_BYTES: usize = 512;

/// How long threads may take to stop where the client does not say. Those that run need microseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

impl Tracer {
    /// Stops every loose thread of one debuggee, or of all, and waits for them. What else they had to say waits in the
    /// backlog. Returns those that were running.
    ///
    /// One debuggee's threads are those of all that run in its memory. Those of others that have something to say
    /// meanwhile are judged afterwards.
    pub(super) fn halt(&mut self, only: Option<OsPid>) -> Vec<pid_t> {
        let only = only.map(|only| self.sharers(only));
        let wanted = |pid: OsPid| only.as_ref().is_none_or(|only| only.contains(&pid));
        if only.is_none() {
            self.sort_backlog();
        }
        let mut asked = Vec::new();
        for thread in self.threads.values().filter(|thread| wanted(thread.pid)) {
            if matches!(thread.state, State::Running | State::Listening) {
                // A thread that is dying cannot be interrupted; its end will be waited for like a stop.
                let _ = ptrace::interrupt(thread.tid);
                asked.push(thread.tid);
            }
        }
        let mut halted = Vec::new();
        self.collect(asked, &mut halted);
        let deadline = Instant::now() + self.patience;
        // Counted again only when as many have come as were missing.
        let mut missing = self.count_loose(only.as_deref());
        while missing > 0 {
            match wait::within(deadline) {
                Ok(Some((tid, waited))) if tid == self.bell => {
                    self.answer_bell(waited);
                    continue;
                }
                Ok(Some((tid, waited))) => {
                    let others = self.threads.get(&tid).is_some_and(|thread| !wanted(thread.pid));
                    if others && let Waited::Stopped { .. } = waited {
                        if let Some(thread) = self.threads.get_mut(&tid) {
                            thread.stopped();
                            thread.unsorted = true;
                        }
                        self.defer(tid, waited);
                        continue;
                    }
                    self.note_halted(tid, waited);
                    halted.push(tid);
                }
                Ok(None) => self.give_up_on_stuck(only.as_deref()),
                Err(_) => break,
            }
            missing -= 1;
            if missing == 0 {
                missing = self.count_loose(only.as_deref());
            }
        }
        if only.is_none() {
            self.take_hidden_traps();
        }
        halted
    }

    /// Takes the stops of threads that were interrupted, one by one and in rounds, as long as each round brings any: there
    /// may be ten thousand of them. Who does not come that way is waited for with all others.
    fn collect(&mut self, mut asked: Vec<pid_t>, halted: &mut Vec<pid_t>) {
        const FEW: usize = 64;
        while asked.len() > FEW {
            let before = asked.len();
            asked.retain(|tid| {
                // One that an exec has ended is no longer ours to ask for.
                if !self.threads.contains_key(tid) {
                    return false;
                }
                match wait::look(*tid) {
                    Ok(Some(waited)) => {
                        self.note_halted(*tid, waited);
                        halted.push(*tid);
                        false
                    }
                    Ok(None) => true,
                    Err(_) => false,
                }
            });
            if asked.len() == before {
                break;
            }
            std::thread::yield_now();
        }
    }

    /// How many are still to stop, or, forked, to be cleaned.
    fn count_loose(&self, only: Option<&[OsPid]>) -> usize {
        let wanted = |pid: OsPid| only.is_none_or(|only| only.contains(&pid));
        let loose = self.threads.values().filter(|thread| thread.is_loose());
        let forked = self
            .forked
            .values()
            .filter(|forked| wanted(forked.parent) && !forked.stuck);
        loose.filter(|thread| wanted(thread.pid)).count() + forked.count()
    }

    /// A thread can wait in the kernel where nothing can stop it: for its vfork child, for a dead disk. The session
    /// comes to rest without it.
    fn give_up_on_stuck(&mut self, only: Option<&[OsPid]>) {
        let wanted = |pid: OsPid| only.is_none_or(|only| only.contains(&pid));
        let mut stuck = Vec::new();
        for thread in self
            .threads
            .values_mut()
            .filter(|thread| wanted(thread.pid) && thread.is_loose())
        {
            thread.stuck = true;
            stuck.push(thread.tid.to_string());
        }
        for forked in self.forked.values_mut().filter(|forked| wanted(forked.parent)) {
            forked.stuck = true;
        }
        if !stuck.is_empty() {
            self.trouble(format!(
                "thread {} cannot be stopped: it waits in the kernel and will stop when that is over",
                stuck.join(", ")
            ));
        }
    }

    /// Files a status that came while threads were being stopped: traps are taken back, to be hit again, births are
    /// registered, and the rest is put off.
    pub(super) fn note_halted(&mut self, tid: pid_t, waited: Waited) {
        if self.clean_forked(tid, waited) {
            return;
        }
        self.adopt(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return self.note_stranger(tid, waited);
        };
        thread.unsorted = false;
        let Waited::Stopped { signal, event } = waited else {
            thread.state = State::Gone;
            thread.deferred = true;
            self.backlog.push_back((tid, waited));
            self.tell_end(tid);
            return;
        };
        thread.stopped();
        let (pid, borrower) = (thread.pid, thread.borrower);
        if event == 0 && signal == libc::SIGTRAP {
            if !self.steps_one(tid) {
                self.restore_lost_status(tid);
            }
            self.collect_hits(tid, true);
        }
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        match event {
            libc::PTRACE_EVENT_STOP => {
                thread.job_stopped = signal != libc::SIGTRAP;
                // Its birth is an event of its own, told when the session runs again.
                if thread.fresh && self.is_birth_wanted(tid) {
                    self.defer(tid, waited);
                } else if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.fresh = false;
                }
            }
            libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => self.born(tid, event),
            libc::PTRACE_EVENT_EXIT if self.exit_cause(tid).is_none() => {
                // Others wait for its end: an exec for that of all threads.
                self.tell_end(tid);
                self.pass_exit(tid);
            }
            libc::PTRACE_EVENT_EXEC => {
                self.end_vfork(tid);
                if !borrower {
                    self.others_ended_by_exec(tid, pid);
                }
                self.defer(tid, waited);
            }
            // The end of a step is news only for the one who steps.
            0 if !self.steps_one(tid) && self.take_back_trap(tid, signal) => {}
            0 if self.is_planted_trap(tid, signal) && self.take_back_trap(tid, signal) => {}
            _ => self.defer(tid, waited),
        }
    }

    fn is_birth_wanted(&self, tid: pid_t) -> bool {
        let Some(thread) = self.threads.get(&tid).filter(|thread| !thread.borrower) else {
            return false;
        };
        if tid == thread.pid.0 as pid_t {
            self.debuggee(thread.pid).is_ok_and(|debuggee| debuggee.newborn)
        } else {
            self.stops().is_some_and(|stops| stops.thread_started)
        }
    }

    /// Keeps a status for when the session runs.
    pub(super) fn defer(&mut self, tid: pid_t, waited: Waited) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.deferred = true;
        }
        self.backlog.push_back((tid, waited));
    }

    /// Deals with statuses that were put off as they came like with those that come while the session is brought to rest.
    pub(super) fn sort_backlog(&mut self) {
        for (tid, waited) in std::mem::take(&mut self.backlog) {
            match self.threads.get_mut(&tid).filter(|thread| thread.unsorted) {
                Some(thread) => {
                    thread.unsorted = false;
                    thread.deferred = false;
                    self.note_halted(tid, waited);
                }
                None => self.backlog.push_back((tid, waited)),
            }
        }
    }

    /// Lets a thread at its exit event end.
    pub(super) fn pass_exit(&mut self, tid: pid_t) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.exiting = true;
            thread.went(State::Running);
        }
        let _ = ptrace::cont(tid, 0);
    }

    /// Whether a stop is that of a breakpoint instruction, and not the end of a step.
    fn is_planted_trap(&self, tid: pid_t, signal: i32) -> bool {
        signal == libc::SIGTRAP
            && ptrace::SignalDetail::of(tid).is_ok_and(|detail| detail.code() == super::events::INT3)
    }

    /// Whether a stop was a trap of ours or the end of a step, with nothing left to say of it: the pc is set back
    /// before the trap, which will be hit again.
    pub(super) fn take_back_trap(&mut self, tid: pid_t, signal: i32) -> bool {
        if signal & 0x7f != libc::SIGTRAP {
            return false;
        }
        if signal == libc::SIGTRAP {
            self.collect_hits(tid, true);
        }
        let Ok(detail) = ptrace::SignalDetail::of(tid) else {
            return true;
        };
        let Some(thread) = self.threads.get_mut(&tid) else {
            return true;
        };
        match detail.code() {
            code if code == super::events::INT3 => {
                let Ok(registers) = thread.registers() else { return true };
                let place = registers.rip.wrapping_sub(1);
                let memory = self.debuggees.get(&thread.pid).map(|debuggee| debuggee.memory.clone());
                let Some(memory) = memory else { return false };
                if memory.is_planted(Address(place)) || !memory.holds_trap_byte(Address(place)) {
                    let _ = thread.set_pc(place);
                    return true;
                }
                false
            }
            libc::TRAP_TRACE | libc::TRAP_BRKPT => thread.due.is_empty(),
            libc::TRAP_HWBKPT => thread.due.is_empty() && self.is_spent_hit(tid),
            _ if self.is_disguised_trap(tid, &detail) => {
                if let Some(thread) = self.threads.get_mut(&tid)
                    && let Ok(registers) = thread.registers()
                {
                    let _ = thread.set_pc(registers.rip.wrapping_sub(1));
                }
                // The signal is the program's own all the same.
                false
            }
            _ => signal == libc::SIGTRAP | 0x80,
        }
    }

    /// Whether a SIGTRAP that somebody sent stands for a trap's: a thread has room for one. Where it has not moved since it
    /// was set going behind a trap, it has hit none.
    pub(super) fn is_disguised_trap(&mut self, tid: pid_t, detail: &ptrace::SignalDetail) -> bool {
        let Some(thread) = self.threads.get_mut(&tid).filter(|_| detail.code() <= 0) else {
            return false;
        };
        let (pid, went_from) = (thread.pid, thread.went_from);
        let Ok(now) = thread.registers() else {
            return false;
        };
        let place = Address(now.rip.wrapping_sub(1));
        // A loop can bring it to the same place, but hardly with the same registers.
        let words = |registers: &user_regs_struct| {
            let of = registers;
            [of.rip, of.rsp, of.rbp, of.rax, of.rbx, of.rcx, of.rdx, of.rsi, of.rdi]
        };
        let has_moved = went_from.is_none_or(|before| words(&before) != words(&now));
        has_moved
            && self
                .debuggee(pid)
                .is_ok_and(|debuggee| debuggee.memory.is_planted(place) && debuggee.memory.holds_trap_byte(place))
    }

    /// Somebody asked a running session to stop.
    pub(super) fn stop_for_break_in(&mut self) {
        let stepping = self
            .run
            .as_ref()
            .and_then(|run| run.stepper.as_ref())
            .map(|stepper| stepper.tid);
        self.halt(None);
        // Prefer the stepping thread, then the last event's, then the first thread there is.
        let shown = |tid: &pid_t| {
            self.threads
                .get(tid)
                .is_some_and(|thread| thread.state == State::Stopped && !thread.borrower && self.goes(thread.pid))
        };
        let tid = stepping
            .into_iter()
            .chain([self.event_thread])
            .chain(self.threads.keys().copied())
            .find(shown);
        // With nobody to show, everything is at its end; how is on its way, and stops the run.
        if let Some(tid) = tid {
            self.report(tid, StopCause::BreakIn);
        }
    }

    /// Comes to rest for an event of one thread, and tells it.
    pub(super) fn report(&mut self, tid: pid_t, cause: StopCause) {
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else {
            return;
        };
        self.halt(None);
        let detail = self.run.as_ref().map(|run| run.plan.detail).unwrap_or_default();
        self.end_run();
        self.event_thread = tid;
        let registers = self.full_registers(tid, detail.vector);
        if cause == StopCause::StepDone {
            self.broken_off = None;
        }
        if cause == StopCause::StepDone
            && let Some(registers) = &registers
            && let Some(thread) = self.threads.get_mut(&tid)
        {
            thread.past_trap = Some(registers.pc().0);
        }
        self.tell_stop(pid, tid, cause, registers, detail.stack_bytes);
    }

    /// Tells of a stop, with the memory that belongs to these registers.
    pub(super) fn tell_stop(
        &mut self,
        pid: OsPid,
        tid: pid_t,
        cause: StopCause,
        registers: Option<Registers>,
        stack_bytes: u32,
    ) {
        let mut ranges = Vec::new();
        let mut bytes = Vec::new();
        if let Some(debuggee) = self.debuggees.get(&pid)
            && let Some(general) = &registers
        {
            let (memory, pc) = (&debuggee.memory, general.pc());
            let stack_bytes = stack_bytes.min(1 << 20) as usize;
            let sp = general.sp();
            let below = Address(sp.0.saturating_sub(RED_ZONE_BYTES as u64));
            for (start, length) in [(sp, stack_bytes), (pc, CODE_BYTES), (below, RED_ZONE_BYTES)] {
                let part = memory.read(start, length);
                ranges.push(AddressRange::new(start, part.len() as u64));
                bytes.extend_from_slice(&part);
            }
            for range in code_at_marks(self.marks.as_deref().unwrap_or_default()) {
                let part = memory.read(range.start, range.length as usize);
                ranges.push(AddressRange::new(range.start, part.len() as u64));
                bytes.extend_from_slice(&part);
            }
        }
        self.send_stop(pid, tid, cause, registers, ranges, bytes);
    }

    /// Tells of a process that is gone; nothing of it can be looked at.
    pub(super) fn report_gone(&mut self, pid: OsPid, cause: StopCause) {
        self.halt(None);
        self.end_run();
        self.event_thread = 0;
        self.send_stop(pid, pid.0 as pid_t, cause, None, Vec::new(), Vec::new());
    }

    fn send_stop(
        &mut self,
        pid: OsPid,
        tid: pid_t,
        cause: StopCause,
        registers: Option<Registers>,
        memory: Vec<AddressRange>,
        bytes: Vec<u8>,
    ) {
        self.stops += 1;
        let mut settled: Option<&Arc<Terminal>> = None;
        for terminal in self
            .debuggees
            .values()
            .filter_map(|debuggee| debuggee.terminal.as_ref())
        {
            // A family has one terminal.
            if settled.is_none_or(|settled| !Arc::ptr_eq(settled, terminal)) {
                terminal.settle();
                settled = Some(terminal);
            }
        }
        let family = self.take_family(pid);
        let (threads, images) = match self.debuggees.get_mut(&pid) {
            Some(debuggee) => (
                std::mem::take(&mut debuggee.thread_news),
                std::mem::take(&mut debuggee.image_news),
            ),
            None => Default::default(),
        };
        let stop = Stop {
            number: self.stops,
            process: pid,
            thread: OsTid(tid as u32),
            cause,
            registers,
            memory,
            bytes,
            threads,
            images,
            hits: self.book.take_changes(),
            family,
            marks: self.marks.take(),
        };
        self.shared.events.tell(Event::Stop(Box::new(stop)));
    }

    /// What is new of all debuggees but one.
    fn take_family(&mut self, but: OsPid) -> Option<Family> {
        let others = self.debuggees.iter_mut().filter(|(pid, _)| **pid != but);
        let changed: Vec<ProcessDelta> = others
            .filter_map(|(pid, debuggee)| {
                let (threads, images) = debuggee.take_news()?;
                Some(ProcessDelta {
                    process: *pid,
                    threads,
                    images,
                    path: None,
                })
            })
            .collect();
        let started = std::mem::take(&mut self.births);
        (!started.is_empty() || !changed.is_empty()).then_some(Family {
            started,
            changed,
            ended: Vec::new(),
        })
    }

    /// The run is over: the stepping thread's own trap goes.
    pub(super) fn end_run(&mut self) {
        self.unpin();
        self.marks = None;
        if let Some(run) = self.run.take()
            && let Some(mut stepper) = run.stepper
        {
            self.marks = stepper.machine.take_marks();
            self.end_step(&stepper);
            self.broken_off = Some(stepper);
        }
        for thread in self.threads.values_mut() {
            thread.on_hold = false;
        }
    }

    /// A debuggee is let go of while one of its threads steps: the end of the step is nothing that the program shall get.
    pub(super) fn drop_stepper_of(&mut self, pid: OsPid) {
        let threads = &self.threads;
        let is_ours = |stepper: &mut Stepper| threads.get(&stepper.tid).is_some_and(|thread| thread.pid == pid);
        if let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.take_if(is_ours)) {
            self.end_step(&stepper);
        }
    }

    fn end_step(&mut self, stepper: &Stepper) {
        if let Some(pid) = self.threads.get(&stepper.tid).map(|thread| thread.pid) {
            self.drop_step_trap(pid, stepper.phase, &stepper.landed);
            self.drop_step_end(stepper.tid);
        }
    }

    /// The end of a step that nobody waits for any more is no event.
    fn drop_step_end(&mut self, tid: pid_t) {
        let is_end = |waited: &Waited| {
            matches!(
                waited,
                Waited::Stopped {
                    signal: libc::SIGTRAP,
                    event: 0
                }
            )
        };
        let deferred = self
            .backlog
            .iter()
            .any(|(other, waited)| *other == tid && is_end(waited));
        if deferred && self.take_back_trap(tid, libc::SIGTRAP) {
            self.backlog.retain(|(other, waited)| *other != tid || !is_end(waited));
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.deferred = false;
            }
        }
    }

    /// General and debug registers, and vector state when wanted, of a stopped thread.
    pub(super) fn full_registers(&mut self, tid: pid_t, vector: bool) -> Option<Registers> {
        let thread = self
            .threads
            .get_mut(&tid)
            .filter(|thread| thread.state == State::Stopped)?;
        let mut registers = to_registers(&thread.registers().ok()?);
        registers.debug = debug_registers(tid);
        if vector {
            registers.vector = ptrace::vector_state(tid).unwrap_or_default();
        }
        Some(registers)
    }
}

/// In the order of [`amd64::DEBUG`]: dr0 to dr3, dr6, dr7.
pub(super) fn debug_registers(tid: pid_t) -> Vec<u64> {
    const NUMBERS: [usize; amd64::DEBUG.len()] = [0, 1, 2, 3, 6, 7];
    NUMBERS
        .iter()
        .map(|number| ptrace::debug_register(tid, *number).unwrap_or(0))
        .collect()
}
