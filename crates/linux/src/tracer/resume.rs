//! Setting the session going, and single threads on.

use farsight_target::{ResumePlan, Resumed, SignalOrder, TargetError, ThreadRule, Trap, TrapDelta, TrapId, TrapKind};
use farsight_types::{Generation, OsPid};
use libc::pid_t;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::debuggee::State;
use super::step_over::Past;
use super::{Phase, Run, Stepper, Tracer};
use crate::sys::ptrace;
use farsight_target::plan::StepMachine;

impl Tracer {
    /// Carries out a resume request: traps first, then every thread that is not held.
    pub(crate) fn resume(&mut self, plan: ResumePlan) -> Result<Resumed, TargetError> {
        self.at_rest()?;
        if !self.has_going() {
            return Err(self.why_nothing_goes());
        }
        if let Some(step) = &plan.step
            && !self
                .threads
                .get(&(step.thread.0 as pid_t))
                .is_some_and(|thread| self.goes(thread.pid))
        {
            return Err(TargetError::NoSuchThread { tid: step.thread });
        }
        if let Some(step) = &plan.step
            && let Some(thread) = self.threads.get(&(step.thread.0 as pid_t))
            && thread.suspended > 0
        {
            return Err(TargetError::Invalid {
                why: format!("thread {} is suspended and cannot step; ~m resumes it", step.thread),
            });
        }
        let generation = self.change_traps(&plan.traps)?;
        if let Some(signals) = plan.signals {
            self.signals = signals;
        }
        if let Some(seconds) = plan.break_in_seconds {
            self.patience = Duration::from_secs(u64::from(seconds.max(1)));
        }
        if plan.signal == SignalOrder::Drop
            && let Some(thread) = self.threads.get_mut(&self.event_thread)
        {
            thread.deliver = 0;
        }
        // A process that was attached to since is the last stop now. Nobody has asked for this SIGTRAP, which ends most
        // programs.
        let event = self.event_thread;
        for thread in self.threads.values_mut().filter(|thread| thread.tid != event) {
            if thread.is_at_own_trap() {
                thread.deliver = 0;
            }
        }
        for order in plan.threads.iter().filter(|order| order.rule == ThreadRule::Hold) {
            if let Some(thread) = self.threads.get_mut(&(order.thread.0 as pid_t)) {
                thread.on_hold = true;
            }
        }
        let broken_off = self.broken_off.take();
        let stepper = plan.step.as_ref().map(|step| {
            let tid = step.thread.0 as pid_t;
            let same = broken_off.filter(|broken| step.goes_on == Some(true) && broken.tid == tid);
            same.unwrap_or_else(|| Stepper {
                tid,
                machine: StepMachine::new(step.clone()),
                phase: Phase::Step,
                landed: Vec::new(),
                moves: 0,
                from: 0,
            })
        });
        let stepping = stepper.as_ref().map(|stepper| stepper.tid);
        self.pass_new_trap(&plan.traps);
        self.continue_stopped();
        self.start_run(Run {
            plan,
            stepper,
            starting: None,
        });
        self.go(stepping);
        Ok(Resumed { generation })
    }

    /// From here on the session runs. A break-in that was asked for before is answered by the stop before.
    pub(super) fn start_run(&mut self, run: Run) {
        self.shared.break_in.store(false, Ordering::SeqCst);
        self.run = Some(run);
    }

    /// A trap that the user has just set where the event thread rests is not hit by going on from there.
    fn pass_new_trap(&mut self, traps: &TrapDelta) {
        if let Some(thread) = self.threads.get_mut(&self.event_thread)
            && let Ok(registers) = thread.registers()
            && traps.set.iter().any(|trap| trap.address.0 == registers.rip)
        {
            thread.past_trap = Some(registers.rip);
        }
    }

    /// Judges what was put off, then sets every thread on that rests. The stepping thread takes its first step last,
    /// so that the others run while it steps.
    pub(super) fn go(&mut self, stepping: Option<pid_t>) {
        while self.run.is_some()
            && let Some((tid, waited)) = self.backlog.pop_front()
        {
            self.judge(tid, waited);
        }
        let resting: Vec<pid_t> = self
            .threads
            .values()
            .filter(|thread| thread.state == State::Stopped && Some(thread.tid) != stepping)
            .map(|thread| thread.tid)
            .collect();
        // First those that must be taken past a trap: nobody else runs yet, so nobody must be halted for it.
        for tid in resting {
            if self.run.is_some()
                && self.is_at_trap(tid)
                && let Past::Diverted = self.go_past_trap(tid)
            {
                continue;
            }
        }
        if let Some(tid) = stepping
            && self.run.is_some()
            && self
                .threads
                .get(&tid)
                .is_some_and(|thread| thread.state == State::Stopped)
        {
            self.take_up_step(tid);
        }
        for thread in self.threads.keys().copied().collect::<Vec<_>>() {
            if self.run.is_none() {
                return;
            }
            if Some(thread) != stepping {
                self.let_run(thread);
            }
        }
    }

    /// Sets one stopped thread on, past the trap that it has dealt with, with the signal it is to get. Does nothing
    /// where the session has come to rest, the thread is held, or a status of it is still to be judged.
    pub(super) fn let_run(&mut self, tid: pid_t) {
        let goes = |thread: &super::Thread| self.goes(thread.pid);
        if self.run.is_none() || !self.threads.get(&tid).is_some_and(goes) {
            return;
        }
        let delivers = self.threads.get(&tid).is_some_and(|thread| thread.deliver != 0);
        if delivers {
            self.leave_trap_for_handler(tid);
        } else if self.is_at_trap(tid) {
            let stepping = self.steps_one(tid);
            match self.go_past_trap(tid) {
                Past::Done if stepping => {
                    if !self.report_due(tid) {
                        self.step_on(tid);
                    }
                    return;
                }
                Past::Done | Past::Entered | Past::NotNeeded => {}
                Past::Diverted => return,
            }
            if self.run.is_none() {
                return;
            }
        }
        let stepping = self.steps_one(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        if thread.state != State::Stopped || thread.deferred || thread.is_held() {
            return;
        }
        if !thread.due.is_empty() && self.report_due(tid) {
            return;
        }
        self.prepare(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        if let Some(held) = thread.held.pop_front() {
            // It rests in the stop that ended its way past the trap; the held signal takes that stop's place.
            if held.put(tid).is_ok() {
                return self.signalled(tid, held);
            }
        }
        thread.past_trap = None;
        let signal = std::mem::take(&mut thread.deliver);
        if signal != 0 {
            thread.last_signal = signal;
        }
        if thread.job_stopped && signal == 0 && !stepping && ptrace::listen(tid).is_ok() {
            thread.went(State::Listening);
            return;
        }
        if std::mem::take(&mut thread.check_job_stop) {
            // It stops again before it runs any of the program's code, and says whether its process is stopped.
            let _ = ptrace::interrupt(tid);
        }
        thread.went(State::Running);
        // Fails only for a thread that was killed in its stop; its end is on its way.
        let _ = if stepping {
            ptrace::single_step(tid, signal)
        } else {
            ptrace::cont(tid, signal)
        };
    }

    /// A thread that rests on a trap it has dealt with gets a signal: the handler runs first, and when it returns the
    /// trap is hit once more, which does not count.
    fn leave_trap_for_handler(&mut self, tid: pid_t) {
        if self.is_at_trap(tid)
            && let Some(thread) = self.threads.get_mut(&tid)
            && let Ok(registers) = thread.registers()
        {
            thread.counted = Some((registers.rip, registers.rsp));
        }
    }

    /// Plants and takes away traps. Where one cannot be planted, nothing is changed.
    pub(crate) fn change_traps(&mut self, delta: &TrapDelta) -> Result<Generation, TargetError> {
        if let Some(base) = delta.base
            && base != self.generation
        {
            return Err(TargetError::Invalid {
                why: format!(
                    "the trap set is at generation {}, the change is for {}; send the full set",
                    self.generation.0, base.0
                ),
            });
        }
        // A trap that only replaces itself is replaced in every process that was born with it.
        let set: Vec<Trap> = delta
            .set
            .iter()
            .flat_map(|trap| {
                let processes = self.book.processes_of(trap).into_iter();
                processes.map(|process| Trap {
                    process,
                    ..trap.clone()
                })
            })
            .collect();
        let hardware = self.plan_hardware(delta, &set)?;
        // What went with unmapped memory must not be taken away from those that are planted there now.
        let lost = self.lost_traps();
        let mut planted = 0;
        let plant = |trap: &Trap| self.plant(trap).map(|()| planted += 1);
        let done = set.iter().try_for_each(plant);
        let halted = done.and_then(|()| self.set_hardware(hardware)).inspect_err(|_| {
            for undone in &set[..planted] {
                self.unplant(undone);
            }
        })?;
        let gone = self.book.apply(delta);
        for trap in gone.iter().filter(|trap| !lost.contains(&(trap.id, trap.process))) {
            self.unplant(trap);
        }
        self.generation = delta.generation;
        self.set_on(&halted, 0);
        Ok(self.generation)
    }

    /// Traps of the book that are not planted, because their memory was unmapped.
    fn lost_traps(&self) -> Vec<(TrapId, OsPid)> {
        let is_lost = |trap: &&Trap| {
            let debuggee = self.debuggee(trap.process);
            let planted = debuggee.is_ok_and(|debuggee| debuggee.memory.is_planted(trap.address));
            trap.kind == TrapKind::Software && !planted
        };
        let lost = self.book.traps().filter(is_lost);
        lost.map(|trap| (trap.id, trap.process)).collect()
    }

    fn plant(&self, trap: &Trap) -> Result<(), TargetError> {
        self.debugged(trap.process)?;
        let debuggee = self.debuggee(trap.process)?;
        let refused = |why: String| TargetError::Trap { at: trap.address, why };
        match trap.kind {
            TrapKind::Software => debuggee.memory.plant(trap.address).map_err(refused),
            // These are planned for all threads at once.
            TrapKind::HardwareExecute | TrapKind::HardwareData { .. } => Ok(()),
        }
    }

    fn unplant(&self, trap: &Trap) {
        if trap.kind == TrapKind::Software
            && let Ok(debuggee) = self.debuggee(trap.process)
        {
            debuggee.memory.unplant(trap.address);
        }
    }
}
