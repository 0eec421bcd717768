//! Judging what happens while the session runs: most of it is dealt with here and goes on; the rest brings the session
//! to rest.

use farsight_target::plan::{Move, Observation, Verdict};
use farsight_target::{Chance, Event, ExitStatus, Note, ProcessEnd, SignalInfo, StopCause};
use farsight_types::{Address, OsPid, OsTid};
use libc::{c_int, pid_t};

use super::debuggee::{Hold, State, Thread, exit_status};
use super::{Phase, Tracer, pinning};
use crate::images::Loader;
use crate::memory::ProcessMemory;
use crate::procfs::{self, AuxiliaryVector};
use crate::sys::ptrace::{self, SignalDetail};
use crate::sys::wait::Waited;

/// `si_code` of a breakpoint instruction's SIGTRAP on x86: SI_KERNEL.
pub(super) const INT3: c_int = 0x80;

impl Tracer {
    /// Deals with one status of a running session.
    pub(super) fn judge(&mut self, tid: pid_t, waited: Waited) {
        if self.clean_forked(tid, waited) {
            return;
        }
        self.adopt(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return self.note_stranger(tid, waited);
        };
        thread.deferred = false;
        thread.unsorted = false;
        let Waited::Stopped { signal, event } = waited else {
            self.thread_gone(tid, waited);
            return;
        };
        // A status out of the backlog finds its thread stopped already, with registers that may have been set since.
        if thread.state != State::Stopped {
            thread.stopped();
        }
        match event {
            0 => self.signal_stop(tid, signal),
            libc::PTRACE_EVENT_STOP => {
                thread.job_stopped = signal != libc::SIGTRAP;
                let fresh = std::mem::take(&mut thread.fresh);
                match fresh.then(|| self.birth_cause(tid)).flatten() {
                    Some(cause) => self.report(tid, cause),
                    None => self.let_run(tid),
                }
            }
            libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => {
                self.born(tid, event);
                self.let_run(tid);
            }
            libc::PTRACE_EVENT_EXEC => self.executed(tid),
            libc::PTRACE_EVENT_EXIT => self.exit_event(tid),
            _ => self.let_run(tid),
        }
    }

    /// A status at rest: something was killed, or a late birth. It is filed for the next run; a killed thread is let
    /// die at once.
    pub(super) fn note_at_rest(&mut self, tid: pid_t, waited: Waited) {
        if self.clean_forked(tid, waited) {
            return;
        }
        self.adopt(tid);
        let Some(thread) = self.threads.get_mut(&tid) else {
            return self.note_stranger(tid, waited);
        };
        let kept = self.kept.contains_key(&thread.pid);
        match waited {
            // Nobody will ask for the end of one that was abandoned.
            Waited::Exited(_) | Waited::Killed(_) if kept => self.thread_gone(tid, waited),
            Waited::Stopped {
                event: libc::PTRACE_EVENT_EXIT,
                ..
            } => {
                thread.exiting = true;
                thread.went(State::Gone);
                let _ = ptrace::cont(tid, 0);
            }
            Waited::Stopped { .. } if kept || thread.fresh => {
                thread.stopped();
                self.defer(tid, waited);
            }
            // It could not be stopped with the others, and comes only now.
            Waited::Stopped { .. } => {
                self.note_halted(tid, waited);
                self.take_hidden_trap(tid);
            }
            Waited::Exited(_) | Waited::Killed(_) => {
                thread.state = State::Gone;
                thread.deferred = true;
                self.backlog.push_back((tid, waited));
            }
        }
    }

    /// Whether the first stop of a thread is worth a stop of the session.
    pub(super) fn birth_cause(&mut self, tid: pid_t) -> Option<StopCause> {
        let wanted = self.stops().is_some_and(|stops| stops.thread_started);
        let thread = self.threads.get(&tid).filter(|thread| !thread.borrower)?;
        let debuggee = self.debuggees.get_mut(&thread.pid)?;
        if tid == thread.pid.0 as pid_t {
            return std::mem::take(&mut debuggee.newborn).then_some(StopCause::ProcessStarted);
        }
        wanted.then_some(StopCause::ThreadStarted)
    }

    fn signal_stop(&mut self, tid: pid_t, signal: c_int) {
        if signal == libc::SIGTRAP | 0x80 {
            return self.let_run(tid);
        }
        if signal == libc::SIGTRAP && !self.steps_one(tid) {
            self.restore_lost_status(tid);
        }
        let Ok(detail) = SignalDetail::of(tid) else { return };
        if detail.is_of_event() {
            // It was killed in its stop, as by another thread's exec; its exit event is on its way.
            return;
        }
        if signal != libc::SIGTRAP {
            return self.signalled(tid, detail);
        }
        if self.is_disguised_trap(tid, &detail) {
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.held.push_back(detail);
            }
            return self.trapped(tid, detail);
        }
        self.collect_hits(tid, false);
        if let Some(thread) = self.threads.get_mut(&tid)
            && !thread.due.is_empty()
        {
            // Somebody's SIGTRAP can stand for the hit's, for the thread has room for one; it is delivered all the same.
            if detail.code() <= 0 {
                thread.deliver = libc::SIGTRAP;
            }
            if self.report_due(tid) {
                return;
            }
            if detail.code() == libc::TRAP_TRACE && !self.steps_one(tid) {
                return self.let_run(tid);
            }
        }
        match detail.code() {
            INT3 => self.trapped(tid, detail),
            libc::TRAP_HWBKPT if self.is_spent_hit(tid) => self.let_run(tid),
            libc::TRAP_TRACE | libc::TRAP_BRKPT | libc::TRAP_HWBKPT if self.steps_one(tid) => self.step_on(tid),
            _ => self.signalled(tid, detail),
        }
    }

    /// A breakpoint instruction was executed.
    fn trapped(&mut self, tid: pid_t, detail: SignalDetail) {
        let Some((pid, borrower, registers)) = self.place_of(tid) else {
            return;
        };
        let Ok(debuggee) = self.debuggee(pid) else { return };
        let memory = debuggee.memory.clone();
        let place = Address(registers.rip.wrapping_sub(1));
        if !memory.is_planted(place) {
            if !memory.was_planted(place) || memory.holds_trap_byte(place) {
                return self.foreign_trap(tid, detail);
            }
            // The trap was taken away while this hit was on its way: the instruction that was there is still to run.
            self.set_pc(tid, place.0);
            return self.let_run(tid);
        }
        let at_loader = debuggee.loader.is_some_and(|loader| loader.notify == place);
        self.set_pc(tid, place.0);
        let mut counted = false;
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.past_trap = Some(place.0);
            counted = thread.counted.take() == Some((place.0, registers.rsp));
        }
        if borrower {
            return self.let_run(tid);
        }
        let verdict = if counted {
            Verdict::Pass
        } else {
            self.executed_hit(pid, place, OsTid(tid as u32), Address(registers.rsp))
        };
        let loader_stop = if at_loader { self.loader_changed(pid) } else { None };
        if let Verdict::Stop(ids) = verdict {
            return self.report(tid, StopCause::Traps { ids });
        }
        if let Some(cause) = loader_stop {
            return self.report(tid, cause);
        }
        if self.reached(tid, place.0, registers.rsp) {
            return self.step_on(tid);
        }
        self.let_run(tid);
    }

    /// A breakpoint instruction of the program's own was executed.
    pub(super) fn foreign_trap(&mut self, tid: pid_t, detail: SignalDetail) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        if thread.borrower || !self.signals.stop.has(libc::SIGTRAP) {
            return self.signalled(tid, detail);
        }
        thread.deliver = libc::SIGTRAP;
        thread.came = SignalInfo {
            number: libc::SIGTRAP,
            code: libc::TRAP_BRKPT,
            ..SignalInfo::default()
        };
        self.report(tid, StopCause::ForeignTrap);
    }

    /// The dynamic linker says that its list changes or has changed.
    fn loader_changed(&mut self, pid: OsPid) -> Option<StopCause> {
        let run = self.run.as_ref()?;
        let (order, starting) = (run.plan.modules.clone(), run.starting == Some(pid));
        let debuggee = self.debuggees.get_mut(&pid)?;
        if !debuggee.loader?.is_consistent(&debuggee.memory) {
            return None;
        }
        let (names, gone) = debuggee.refresh_images(pid);
        if !gone.is_empty() {
            debuggee
                .memory
                .forget_unmapped(&procfs::mappings(pid).unwrap_or_default());
        }
        if starting {
            return Some(StopCause::Launched);
        }
        let named = |path: &String| {
            order
                .stop_names
                .iter()
                .any(|name| path.rsplit('/').next() == Some(name))
        };
        let loaded = !names.is_empty() && (order.stop || names.iter().any(named));
        (loaded || self.is_unload_wanted(&gone)).then_some(StopCause::Modules)
    }

    fn is_unload_wanted(&self, gone: &[String]) -> bool {
        let Some(stops) = self.stops() else { return false };
        let named = |path: &String| {
            let tail = path.rsplit('/').next();
            stops.unload_names.iter().any(|name| tail == Some(name))
        };
        !gone.is_empty() && (stops.unload || gone.iter().any(named))
    }

    /// A signal is about to be delivered.
    pub(super) fn signalled(&mut self, tid: pid_t, detail: SignalDetail) {
        let Some((pid, borrower, registers)) = self.place_of(tid) else {
            return;
        };
        let number = detail.number();
        let info = signal_info(&detail);
        if borrower {
            return self.deliver(tid, number);
        }
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.came = info;
        }
        if number == libc::SIGCONT
            && let Some(debuggee) = self.debuggees.get_mut(&pid)
            && info.sender == Some(OsPid(std::process::id()))
            && std::mem::take(&mut debuggee.drop_cont)
        {
            return self.deliver(tid, 0);
        }
        if self.signals.stop.has(number) {
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.deliver = number;
            }
            return self.report(
                tid,
                StopCause::Signal {
                    signal: info,
                    chance: Chance::First,
                },
            );
        }
        if self.signals.report.has(number) {
            self.shared.events.tell(Event::Note(Note::Signal {
                process: pid,
                thread: OsTid(tid as u32),
                signal: info,
            }));
        }
        if self.signals.drop.is_some_and(|dropped| dropped.has(number)) {
            return self.deliver(tid, 0);
        }
        self.start_detour(tid, registers.rip, registers.rsp);
        self.deliver(tid, number);
    }

    fn deliver(&mut self, tid: pid_t, signal: c_int) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.deliver = signal;
        }
        self.let_run(tid);
    }

    /// A process runs another program: its other threads are gone, and so is its memory with all traps.
    fn executed(&mut self, tid: pid_t) {
        let Some(thread) = self.threads.get(&tid) else { return };
        let (pid, borrower) = (thread.pid, thread.borrower);
        self.end_vfork(tid);
        if borrower {
            // It has memory of its own now, without our traps.
            self.threads.remove(&tid);
            let _ = ptrace::detach(tid, 0);
            return;
        }
        self.others_ended_by_exec(tid, pid);
        self.leave_memory(pid);
        if let Some(run) = &mut self.run
            && run
                .stepper
                .as_ref()
                .is_some_and(|stepper| !self.threads.contains_key(&stepper.tid) || stepper.tid == tid)
        {
            run.stepper = None;
        }
        let Ok(memory) = ProcessMemory::open(pid).map(std::sync::Arc::new) else {
            self.trouble(format!(
                "process {pid} runs another program whose memory cannot be opened"
            ));
            return self.let_run(tid);
        };
        self.shared.set_memory(pid, Some(memory.clone()));
        let Some(debuggee) = self.debuggees.get_mut(&pid) else {
            return;
        };
        debuggee.memory = memory;
        debuggee.copy_of = None;
        debuggee.hardware = Default::default();
        debuggee.images = Default::default();
        debuggee.image_news = Default::default();
        debuggee.image_news.replaced = true;
        self.look_around(pid);
        // Under the leader's number runs the thread that called exec; what was known of the old leader is void.
        self.threads.insert(tid, Thread::new(tid, pid, State::Stopped));
        let starting = self.run.as_ref().is_some_and(|run| run.starting == Some(pid));
        let has_loader = self.debuggee(pid).is_ok_and(|debuggee| debuggee.loader.is_some());
        match (starting, has_loader) {
            (true, true) => self.let_run(tid),
            (true, false) => self.report(tid, StopCause::Launched),
            (false, _) => {
                let path = procfs::executable(pid).unwrap_or_default();
                self.report(tid, StopCause::Exec { path });
            }
        }
    }

    /// Drops the threads that an exec has ended; some of them never report their end.
    pub(super) fn others_ended_by_exec(&mut self, tid: pid_t, pid: OsPid) {
        let others: Vec<pid_t> = self
            .threads
            .values()
            .filter(|other| other.pid == pid && other.tid != tid && !other.borrower)
            .map(|other| other.tid)
            .collect();
        self.backlog.retain(|(other, _)| !others.contains(other));
        for other in others {
            self.tell_end(other);
            self.threads.remove(&other);
        }
    }

    /// Reads the auxiliary vector, finds the dynamic linker and plants the trap at its notification, lists images.
    pub(super) fn look_around(&mut self, pid: OsPid) {
        let Some(debuggee) = self.debuggees.get_mut(&pid) else {
            return;
        };
        debuggee.auxv = AuxiliaryVector::of(pid).unwrap_or_default();
        debuggee.loader = Loader::find(pid, &debuggee.memory, &debuggee.auxv);
        if let Some(loader) = debuggee.loader
            && debuggee.hold == Hold::Debugged
            && let Err(why) = debuggee.memory.plant(loader.notify)
        {
            debuggee.loader = None;
            let text = format!("libraries that process {pid} loads from now on will not be seen: {why}");
            self.shared.events.tell(Event::Note(Note::Trouble { text }));
        }
        debuggee.refresh_images(pid);
    }

    /// A thread is at its exit, its registers and the process's memory still there.
    fn exit_event(&mut self, tid: pid_t) {
        // What is not set going ends all the same when it is killed.
        if self.threads.get(&tid).is_some_and(|thread| !self.goes(thread.pid)) {
            self.tell_end(tid);
            return self.pass_exit(tid);
        }
        if let Some(cause) = self.exit_cause(tid) {
            if cause != StopCause::ThreadEnding
                && let Some(debuggee) = self
                    .threads
                    .get(&tid)
                    .and_then(|thread| self.debuggees.get_mut(&thread.pid))
            {
                debuggee.exit_shown = true;
            }
            return self.report(tid, cause);
        }
        self.tell_end(tid);
        self.let_run(tid);
    }

    /// Marks a thread at its exit event, and says whether that is worth a stop: an end by a signal that it did not
    /// handle, or the end of the process.
    pub(super) fn exit_cause(&mut self, tid: pid_t) -> Option<StopCause> {
        let status = exit_status(ptrace::event_message(tid).map_or(0, |message| message as c_int));
        self.collect_last_hits(tid);
        let thread = self.threads.get_mut(&tid)?;
        thread.exiting = true;
        let (pid, last_signal, came) = (thread.pid, thread.last_signal, thread.came);
        let debuggee = self.debuggees.get(&pid)?;
        if thread.borrower || debuggee.exit_shown {
            return None;
        }
        let is_copy = debuggee.copy_of.is_some();
        if let ExitStatus::Signal { number } = status
            && number == last_signal
            && self.signals.stop_second.has(number)
        {
            let signal = match came.number == number {
                true => came,
                // The user gave it another one than came.
                false => SignalInfo {
                    number,
                    ..SignalInfo::default()
                },
            };
            return Some(StopCause::Signal {
                signal,
                chance: Chance::Second,
            });
        }
        let is_last = self
            .threads
            .values()
            .all(|other| other.pid != pid || other.exiting || other.borrower || other.state == State::Gone);
        if self.run.as_ref().is_some_and(|run| run.starting.is_some()) {
            return None;
        }
        let (ends, thread_ends) = self
            .stops()
            .map_or((false, false), |stops| (stops.process_ended, stops.thread_ended));
        let stop_at_exit = self.run.as_ref().is_some_and(|run| run.plan.stop_at_exit);
        if is_last {
            return (ends || stop_at_exit && !is_copy).then_some(StopCause::Exiting { status });
        }
        (thread_ends && self.ends_itself(tid)).then_some(StopCause::ThreadEnding)
    }

    /// Whether a thread at its exit event left by itself, and not with its whole process.
    fn ends_itself(&mut self, tid: pid_t) -> bool {
        let registers = self.threads.get_mut(&tid).map(Thread::registers);
        registers.is_some_and(|registers| registers.is_ok_and(|now| now.orig_rax == libc::SYS_exit as u64))
    }

    /// Notes a thread's end for the next stop, once. The leader's is the process's and is told apart.
    pub(super) fn tell_end(&mut self, tid: pid_t) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let pid = thread.pid;
        if thread.borrower || thread.end_told || tid == pid.0 as pid_t {
            return;
        }
        thread.end_told = true;
        if let Some(debuggee) = self.debuggees.get_mut(&pid) {
            debuggee.thread_ended(OsTid(tid as u32));
        }
        if self.run.as_ref().is_some_and(|run| run.plan.note_threads) {
            self.shared.events.tell(Event::Note(Note::ThreadEnded {
                process: pid,
                thread: OsTid(tid as u32),
            }));
        }
    }

    /// A thread is gone. The leader's end comes last and is the process's.
    fn thread_gone(&mut self, tid: pid_t, waited: Waited) {
        self.tell_end(tid);
        self.end_vfork(tid);
        let Some(thread) = self.threads.remove(&tid) else {
            return;
        };
        let pid = thread.pid;
        if thread.borrower {
            return;
        }
        if let Some(run) = &mut self.run
            && let Some(stepper) = run.stepper.take_if(|stepper| stepper.tid == tid)
        {
            self.drop_step_trap(pid, stepper.phase, &stepper.landed);
        }
        // A leader that had ended before the attach is no thread: then the last thread's end is the process's.
        let others_left = self.threads.values().any(|other| other.pid == pid && !other.borrower);
        if tid != pid.0 as pid_t && others_left {
            return;
        }
        if self.kept.remove(&pid).is_some() {
            self.threads.retain(|_, thread| thread.pid != pid);
            self.tell_targets();
            return self.tell_kept();
        }
        let status = match waited {
            Waited::Killed(number) => ExitStatus::Signal { number },
            Waited::Exited(code) => ExitStatus::Code { code },
            Waited::Stopped { .. } => return,
        };
        let (shown, is_copy) = self.debuggee(pid).map_or((false, false), |debuggee| {
            (debuggee.exit_shown, debuggee.copy_of.is_some())
        });
        self.take_orphans(pid);
        self.forget(pid);
        // Copies come and go by the thousand.
        if !is_copy || self.debuggees.is_empty() {
            self.tell_targets();
        }
        let wanted = !shown && self.stops().is_some_and(|stops| stops.process_ended);
        // A step that can never end, and a start, must be answered.
        let awaited = self.run.as_ref().is_some_and(|run| {
            let step = run.plan.step.as_ref().map(|step| step.thread.0 as pid_t);
            run.starting == Some(pid) || step.is_some_and(|step| !self.threads.contains_key(&step))
        });
        if wanted || awaited || !self.has_going() {
            return self.report_gone(pid, StopCause::Exited { status });
        }
        let end = ProcessEnd { process: pid, status };
        self.shared.events.tell(Event::Note(Note::ProcessEnded { end }));
    }

    /// Drops everything known of a process that is gone or no longer ours.
    pub(super) fn forget(&mut self, pid: OsPid) {
        self.let_strangers_go(pid);
        self.leave_memory(pid);
        self.births.retain(|birth| birth.process != pid);
        self.threads.retain(|_, thread| thread.pid != pid);
        let threads = &self.threads;
        self.backlog.retain(|(tid, _)| threads.contains_key(tid));
        self.shared.set_memory(pid, None);
        // With it goes its terminal, which first sends what the program wrote last.
        self.debuggees.remove(&pid);
    }

    /// Whether a thread is the one that steps a single instruction now.
    pub(super) fn steps_one(&self, tid: pid_t) -> bool {
        let stepper = self.run.as_ref().and_then(|run| run.stepper.as_ref());
        stepper.is_some_and(|stepper| stepper.tid == tid && stepper.phase == Phase::Step)
    }

    /// Whether a thread has come to the place that it ran to.
    fn reached(&self, tid: pid_t, place: u64, sp: u64) -> bool {
        let stepper = self.run.as_ref().and_then(|run| run.stepper.as_ref());
        stepper.is_some_and(|stepper| {
            let is_due_at = |address| address == place || stepper.landed.contains(&place);
            let due = |(address, least)| is_due_at(address) && sp >= least;
            stepper.tid == tid && stepper.phase.trap().is_some_and(due)
        })
    }

    /// The first move of a step, or the one that was broken off.
    pub(super) fn take_up_step(&mut self, tid: pid_t) {
        let Some((pid, _, registers)) = self.place_of(tid) else {
            return;
        };
        let Some(stepper) = self.run.as_ref().and_then(|run| run.stepper.as_ref()) else {
            return;
        };
        let (phase, begun, from) = (stepper.phase, stepper.moves > 0, stepper.from);
        let complete = match phase.trap() {
            None => !begun || registers.rip != from,
            Some((address, _)) => {
                if !self.plant_for_step(tid, pid, Address(address)) {
                    return;
                }
                if matches!(phase, Phase::RunTo { .. }) {
                    self.plant_landings(pid);
                }
                self.reached(tid, registers.rip, registers.rsp)
            }
        };
        match complete {
            true => self.step_on(tid),
            false => self.let_run(tid),
        }
    }

    /// Plants the trap that the stepping thread runs to; where that fails the step ends.
    fn plant_for_step(&mut self, tid: pid_t, pid: OsPid, address: Address) -> bool {
        let Ok(debuggee) = self.debuggee(pid) else { return false };
        let Err(why) = debuggee.memory.plant(address) else {
            return true;
        };
        self.trouble(format!("the step cannot run to {address}: {why}"));
        if let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.as_mut()) {
            stepper.phase = Phase::Step;
        }
        self.report(tid, StopCause::StepDone);
        false
    }

    /// Plants traps where the plan's frames go on when what they called throws. One that fails cannot be reached.
    fn plant_landings(&mut self, pid: OsPid) {
        let Some(memory) = self.debuggee(pid).ok().map(|debuggee| debuggee.memory.clone()) else {
            return;
        };
        if let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.as_mut()) {
            let landings = stepper.machine.landings().iter();
            let planted = landings.filter(|landing| memory.plant(**landing).is_ok());
            stepper.landed = planted.map(|landing| landing.0).collect();
        }
    }

    /// The stepping thread has completed a move: the plan says what comes next.
    pub(super) fn step_on(&mut self, tid: pid_t) {
        let Some((pid, _, registers)) = self.place_of(tid) else {
            return;
        };
        let Ok(debuggee) = self.debuggee(pid) else { return };
        let memory = debuggee.memory.clone();
        let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.as_mut()) else {
            return;
        };
        let old = stepper.phase;
        let landed = std::mem::take(&mut stepper.landed);
        let next = if matches!(old, Phase::Detour { .. }) {
            Move::Step
        } else {
            let mut code = [0u8; 16];
            let length = memory.read_into(Address(registers.rip), &mut code);
            stepper.machine.next(Observation {
                pc: Address(registers.rip),
                sp: Address(registers.rsp),
                code: &code[..length],
                stack_top: match stepper.machine.wants_stack() {
                    true => memory.read_word(Address(registers.rsp)),
                    false => None,
                },
                result: registers.rax,
            })
        };
        stepper.moves = stepper.moves.saturating_add(1);
        let long = stepper.moves == pinning::WORTH_PINNING;
        stepper.phase = Phase::Step;
        stepper.from = registers.rip;
        if let Move::RunTo {
            address,
            stack_at_least,
        } = next
        {
            if !self.plant_for_step(tid, pid, address) {
                self.drop_step_trap(pid, old, &landed);
                return;
            }
            if let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.as_mut()) {
                stepper.phase = Phase::RunTo {
                    address: address.0,
                    stack_at_least: stack_at_least.0,
                };
            }
            self.plant_landings(pid);
        }
        self.drop_step_trap(pid, old, &landed);
        if long {
            self.pin(tid);
        }
        match next {
            Move::Done => self.report(tid, StopCause::StepDone),
            Move::Step | Move::RunTo { .. } => self.let_run(tid),
        }
    }

    /// A signal goes to the stepping thread: its handler runs whole, then the step goes on where it was.
    fn start_detour(&mut self, tid: pid_t, pc: u64, sp: u64) {
        if !self.steps_one(tid) {
            return;
        }
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else {
            return;
        };
        let planted = self
            .debuggee(pid)
            .is_ok_and(|debuggee| debuggee.memory.plant(Address(pc)).is_ok());
        if let Some(stepper) = self.run.as_mut().and_then(|run| run.stepper.as_mut())
            && planted
        {
            stepper.phase = Phase::Detour {
                address: pc,
                stack_at_least: sp,
            };
        }
    }

    /// Takes away the traps that a phase had planted for the stepping thread.
    pub(super) fn drop_step_trap(&mut self, pid: OsPid, phase: Phase, landed: &[u64]) {
        let Some(debuggee) = self.debuggees.get(&pid) else {
            return;
        };
        let own = phase.trap().map(|(address, _)| address);
        for address in own.iter().chain(landed) {
            debuggee.memory.unplant(Address(*address));
        }
    }

    /// Process, whether it borrows memory, and registers of a stopped thread.
    fn place_of(&mut self, tid: pid_t) -> Option<(OsPid, bool, libc::user_regs_struct)> {
        let thread = self.threads.get_mut(&tid)?;
        // A thread that was killed in its stop has no registers; its end is on its way.
        let registers = thread.registers().ok()?;
        Some((thread.pid, thread.borrower, registers))
    }

    fn set_pc(&mut self, tid: pid_t, pc: u64) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            // Fails only for a thread that was killed in its stop.
            let _ = thread.set_pc(pc);
        }
    }
}

/// A signal as the seam tells it.
pub(super) fn signal_info(detail: &SignalDetail) -> SignalInfo {
    let (number, code) = (detail.number(), detail.code());
    let is_fault = matches!(
        number,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP
    );
    SignalInfo {
        number,
        code,
        address: (is_fault && code > 0).then(|| Address(detail.address())),
        sender: (code <= 0).then(|| OsPid(detail.sender() as u32)),
    }
}
