//! Runs the debuggees by the plan they were resumed with, in slices between requests.

use farsight_target::plan::{Move, Observation, Verdict, code_at_marks};
use farsight_target::{
    BirthKind, Chance, ChildPolicy, DataAccess, Event, ExitStatus, Family, Note, OutputChunk, ProcessBirth,
    ProcessDelta, ProcessEnd, SignalInfo, SignalOrder, Stop, StopCause, ThreadDelta, ThreadRule, TrapKind,
};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange, OsPid, OsTid};

use super::FakeTarget;
use super::debuggee::{Debuggee, State};
use super::processor::{Outcome, step};
use super::toy::{self, Toy};

/// SIGILL, which is what code that is no code gets.
const ILLEGAL_INSTRUCTION: i32 = 4;
const BREAKPOINT_TRAP: i32 = 5;
const USER_SIGNAL: i32 = 10;
/// Bytes that an access of the toy processor is wide.
const ACCESS: u64 = 8;

impl FakeTarget {
    /// Whether the debuggees run.
    pub fn is_running(&self) -> bool {
        self.debuggees.iter().any(|debuggee| debuggee.state == State::Running)
    }

    /// Runs up to that many instructions, until the next event.
    pub fn run_slice(&mut self, instructions: usize) {
        for _ in 0..instructions {
            if !self.is_running() || !self.events.is_empty() {
                return;
            }
            self.run_one();
        }
    }

    /// Stops running debuggees; does nothing to those at rest.
    pub fn break_in(&mut self) {
        let running = self.debuggees.iter().find(|debuggee| debuggee.state == State::Running);
        if let Some(thread) = running.and_then(|debuggee| debuggee.threads.first()) {
            self.stop(thread.tid(), StopCause::BreakIn);
        }
    }

    pub(super) fn index_of_thread(&self, tid: OsTid) -> Option<usize> {
        let mut debuggees = self.debuggees.iter();
        debuggees.position(|debuggee| debuggee.thread(tid).is_some())
    }

    /// What the other processes have become since that was last told.
    fn family(&mut self, but: OsPid) -> Option<Family> {
        let others = self.debuggees.iter_mut().filter(|debuggee| debuggee.pid != but);
        let changed = others.map(|debuggee| {
            let images = debuggee.image_delta();
            ProcessDelta {
                process: debuggee.pid,
                threads: debuggee.thread_delta(),
                path: images.replaced.then(|| debuggee.program.image.path.clone()),
                images,
            }
        });
        let nothing = |delta: &ProcessDelta| {
            delta.threads == ThreadDelta::default() && delta.images == farsight_target::ImageDelta::default()
        };
        let family = Family {
            changed: changed.filter(|delta| !nothing(delta)).collect(),
            started: std::mem::take(&mut self.born),
            ended: std::mem::take(&mut self.ended),
        };
        (family != Family::default()).then_some(family)
    }

    fn rest(&mut self) {
        for debuggee in &mut self.debuggees {
            if debuggee.state == State::Running {
                debuggee.state = State::AtRest;
            }
        }
    }

    /// Comes to rest and says so.
    pub(super) fn stop(&mut self, tid: OsTid, cause: StopCause) {
        let Some(index) = self.index_of_thread(tid) else { return };
        self.stops += 1;
        self.rest();
        let steppings = self
            .debuggees
            .iter_mut()
            .filter_map(|debuggee| debuggee.stepping.take());
        let mut stepping = steppings.last();
        let marks = stepping.as_mut().and_then(|stepping| stepping.machine.take_marks());
        self.broken_off = stepping.filter(|_| cause != StopCause::StepDone);
        self.pending = match &cause {
            StopCause::Signal {
                signal,
                chance: Chance::First,
            } => Some(*signal),
            StopCause::ForeignTrap => Some(SignalInfo {
                number: BREAKPOINT_TRAP,
                ..SignalInfo::default()
            }),
            _ => None,
        };
        let family = self.family(self.debuggees[index].pid);
        let debuggee = &mut self.debuggees[index];
        let thread = debuggee.thread(tid).cloned();
        self.rests = thread.as_ref().map(|thread| (tid, thread.registers.pc()));
        let (mut memory, mut bytes) = match &thread {
            Some(thread) => debuggee.surroundings(thread, self.plan.detail),
            None => (Vec::new(), Vec::new()),
        };
        for range in code_at_marks(marks.as_deref().unwrap_or_default()) {
            let code = debuggee.memory.read(range);
            memory.push(AddressRange::new(range.start, code.len() as u64));
            bytes.extend(code);
        }
        let stop = Stop {
            number: self.stops,
            process: debuggee.pid,
            thread: tid,
            cause,
            registers: thread.map(|thread| thread.registers),
            memory,
            bytes,
            threads: debuggee.thread_delta(),
            images: debuggee.image_delta(),
            hits: self.book.take_changes(),
            family,
            marks,
        };
        self.events.push_back(Event::Stop(Box::new(stop)));
    }

    /// Resumes by the plan.
    pub(super) fn set_going(&mut self) {
        let ending = self.debuggees.iter().find_map(|debuggee| match debuggee.state {
            State::Ending(status) => Some((debuggee.pid, status)),
            _ => None,
        });
        for debuggee in &mut self.debuggees {
            debuggee.bury_threads();
            if debuggee.state == State::AtRest && !debuggee.is_held() {
                debuggee.state = State::Running;
            }
        }
        if let Some((pid, status)) = ending {
            self.exited(pid, status);
        }
        let mut steppings = self.debuggees.iter().filter_map(|debuggee| debuggee.stepping.as_ref());
        if let Some(thread) = steppings.next().map(|stepping| stepping.thread) {
            self.take_up_step(thread);
        }
    }

    /// The process and thread whose turn it is; none where all are held.
    fn whose_turn(&mut self) -> Option<(usize, usize)> {
        let orders = &self.plan.threads;
        let held = |tid: OsTid| {
            let mut orders = orders.iter();
            orders.any(|order| order.thread == tid && order.rule == ThreadRule::Hold)
        };
        let processes = self.debuggees.len();
        for process in (0..processes).map(|offset| (self.turn + offset) % processes) {
            let debuggee = &mut self.debuggees[process];
            if debuggee.state != State::Running {
                continue;
            }
            let count = debuggee.threads.len();
            let turns = (0..count).map(|offset| (debuggee.turn + offset) % count);
            let runs = |index: &usize| {
                let thread = &debuggee.threads[*index];
                thread.suspended == 0 && !held(thread.tid())
            };
            if let Some(thread) = turns.into_iter().find(runs) {
                debuggee.turn = (thread + 1) % count;
                self.turn = (process + 1) % processes;
                return Some((process, thread));
            }
        }
        None
    }

    fn run_one(&mut self) {
        let Some((process, index)) = self.whose_turn() else {
            return;
        };
        let debuggee = &mut self.debuggees[process];
        let thread = &debuggee.threads[index];
        let (pid, tid, pc, sp) = (debuggee.pid, thread.tid(), thread.registers.pc(), thread.registers.sp());
        let leaves = self.rests.take_if(|(thread, _)| *thread == tid) == Some((tid, pc));
        let kinds = [TrapKind::Software, TrapKind::HardwareExecute];
        if !leaves && let Some(cause) = self.due(kinds.map(|kind| (pc, kind)), (pid, tid, sp)) {
            self.stop(tid, cause);
            return;
        }
        let debuggee = &mut self.debuggees[process];
        let outcome = step(&mut debuggee.threads[index], &mut debuggee.memory);
        let now = &debuggee.threads[index];
        let accesses = now.accesses.clone();
        let (pc, sp) = (now.registers.pc(), now.registers.sp());
        let moved = debuggee.stepping.as_ref().is_some_and(|stepping| {
            stepping.thread == tid
                && stepping.until.is_none_or(|(address, least)| {
                    (pc == address || stepping.machine.landings().contains(&pc)) && sp >= least
                })
        });
        match outcome {
            Outcome::Done => {}
            Outcome::Call(number) => self.system_call(tid, number),
            Outcome::Breakpoint => self.stop(tid, StopCause::ForeignTrap),
            Outcome::Illegal => self.signal(tid, ILLEGAL_INSTRUCTION, Some(pc)),
        }
        let watched = self.watched(pid, &accesses);
        if self.is_running()
            && let Some(cause) = self.due(watched, (pid, tid, sp))
        {
            self.stop(tid, cause);
        }
        if moved && self.is_running() {
            self.make_move(tid);
        }
    }

    /// Counts hits at places and says whether one is due.
    fn due(
        &mut self,
        places: impl IntoIterator<Item = (Address, TrapKind)>,
        (pid, tid, sp): (OsPid, OsTid, Address),
    ) -> Option<StopCause> {
        let mut due = Vec::new();
        for (at, kind) in places {
            if let Verdict::Stop(ids) = self.book.hit_kind(pid, at, kind, tid, sp) {
                due.extend(ids);
            }
        }
        (!due.is_empty()).then_some(StopCause::Traps { ids: due })
    }

    /// Places of data traps that accesses touched, once each.
    fn watched(&self, pid: OsPid, accesses: &[(u64, bool)]) -> Vec<(Address, TrapKind)> {
        let mut places: Vec<(Address, TrapKind)> = Vec::new();
        for trap in self.book.traps_in(pid) {
            let TrapKind::HardwareData { access, size } = trap.kind else {
                continue;
            };
            let touches = |(at, wrote): &(u64, bool)| {
                (*wrote || access == DataAccess::ReadWrite)
                    && *at < trap.address.0.saturating_add(u64::from(size))
                    && trap.address.0 < at.saturating_add(ACCESS)
            };
            if accesses.iter().any(touches) && !places.contains(&(trap.address, trap.kind)) {
                places.push((trap.address, trap.kind));
            }
        }
        places
    }

    /// The first move of a step, or the one that was broken off.
    fn take_up_step(&mut self, tid: OsTid) {
        let Some(index) = self.index_of_thread(tid) else { return };
        let debuggee = &self.debuggees[index];
        let (Some(stepping), Some(thread)) = (&debuggee.stepping, debuggee.thread(tid)) else {
            return;
        };
        let (pc, sp) = (thread.registers.pc(), thread.registers.sp());
        let complete = match stepping.until {
            Some((address, least)) => pc == address && sp >= least,
            None => stepping.from != Some(pc),
        };
        if complete {
            self.make_move(tid);
        }
    }

    /// Tells the step machine where its thread is and notes what it wants next.
    fn make_move(&mut self, tid: OsTid) {
        let Some(index) = self.index_of_thread(tid) else { return };
        let debuggee = &mut self.debuggees[index];
        let Some(registers) = debuggee.thread(tid).map(|thread| thread.registers.clone()) else {
            return;
        };
        let (pc, sp) = (registers.pc(), registers.sp());
        let code = debuggee.memory.read(AddressRange::new(pc, 16));
        let stack_top = debuggee.memory.number(sp.0);
        let Some(stepping) = &mut debuggee.stepping else { return };
        let seen = Observation {
            pc,
            sp,
            code: &code,
            stack_top,
            result: registers.value(amd64::RAX),
        };
        stepping.from = Some(pc);
        match stepping.machine.next(seen) {
            Move::Step => stepping.until = None,
            Move::RunTo {
                address,
                stack_at_least,
            } => stepping.until = Some((address, stack_at_least)),
            Move::Done => self.stop(tid, StopCause::StepDone),
        }
    }

    /// A signal comes to a thread.
    fn signal(&mut self, tid: OsTid, number: i32, address: Option<Address>) {
        let Some(index) = self.index_of_thread(tid) else { return };
        let process = self.debuggees[index].pid;
        let signal = SignalInfo {
            number,
            code: if address.is_some() { 2 } else { -6 },
            address,
            sender: address.is_none().then_some(process),
        };
        if self.signals.is_none_or(|policy| policy.stop.has(number)) {
            let chance = Chance::First;
            return self.stop(tid, StopCause::Signal { signal, chance });
        }
        if self.signals.is_some_and(|policy| policy.report.has(number)) {
            let note = Note::Signal {
                process,
                thread: tid,
                signal,
            };
            self.events.push_back(Event::Note(note));
        }
        self.deliver(tid, signal);
    }

    /// What a delivered signal does: SIGUSR1 is handled by the programs here, all others end them.
    fn deliver(&mut self, tid: OsTid, signal: SignalInfo) {
        let number = signal.number;
        let Some(index) = self.index_of_thread(tid).filter(|_| number != USER_SIGNAL) else {
            return;
        };
        let pid = self.debuggees[index].pid;
        let status = ExitStatus::Signal { number };
        if self.signals.is_some_and(|policy| policy.stop_second.has(number)) {
            let chance = Chance::Second;
            self.stop(tid, StopCause::Signal { signal, chance });
            self.debuggees[index].state = State::Ending(status);
        } else {
            self.exited(pid, status);
        }
    }

    fn system_call(&mut self, tid: OsTid, number: u64) {
        let Some(index) = self.index_of_thread(tid) else { return };
        let stops = self.plan.stops.clone().unwrap_or_default();
        let named = |names: &[String]| names.iter().any(|name| toy::PLUGIN_PATH.ends_with(name.as_str()));
        let debuggee = &mut self.debuggees[index];
        let process = debuggee.pid;
        match number {
            toy::SYS_WRITE if debuggee.launched => {
                let bytes = toy::GREETING.iter().flat_map(|byte| match byte {
                    b'\n' => vec![b'\r', b'\n'],
                    byte => vec![*byte],
                });
                let bytes = bytes.collect();
                self.events.push_back(Event::Output(OutputChunk { process, bytes }));
            }
            toy::SYS_LOAD => {
                debuggee.set_plugin(true);
                if self.plan.modules.stop || named(&self.plan.modules.stop_names) {
                    self.stop(tid, StopCause::Modules);
                }
            }
            toy::SYS_UNLOAD => {
                debuggee.set_plugin(false);
                if stops.unload || named(&stops.unload_names) {
                    self.stop(tid, StopCause::Modules);
                }
            }
            toy::SYS_CLONE => {
                let name = format!("worker{}", debuggee.threads.len());
                let start = debuggee.program.function("worker");
                let thread = debuggee.start_thread(&name, start);
                if stops.thread_started {
                    self.stop(thread, StopCause::ThreadStarted);
                } else if self.plan.note_threads {
                    self.events
                        .push_back(Event::Note(Note::ThreadStarted { process, thread }));
                }
            }
            toy::SYS_EXIT_THREAD => self.end_thread(index, tid, stops.thread_ended),
            toy::SYS_FORK => self.fork(index, tid, stops.process_started),
            toy::SYS_EXEC => {
                let path = self.toy.image.path.clone();
                self.book.forget(process);
                debuggee.replace_program(&self.toy);
                self.stop(OsTid(process.0), StopCause::Exec { path });
            }
            toy::SYS_RAISE => self.signal(tid, USER_SIGNAL, None),
            toy::SYS_EXIT => {
                let status = ExitStatus::Code { code: 0 };
                if stops.process_ended || (self.plan.stop_at_exit && !debuggee.copy) {
                    self.stop(tid, StopCause::Exiting { status });
                    self.debuggees[index].state = State::Ending(status);
                } else {
                    self.exited(process, status);
                }
            }
            _ => {}
        }
    }

    fn end_thread(&mut self, index: usize, tid: OsTid, stops: bool) {
        let debuggee = &self.debuggees[index];
        let process = debuggee.pid;
        if stops {
            self.stop(tid, StopCause::ThreadEnding);
        } else if self.plan.note_threads {
            let note = Note::ThreadEnded { process, thread: tid };
            self.events.push_back(Event::Note(note));
        }
        let debuggee = &mut self.debuggees[index];
        if let Some(thread) = debuggee.thread_mut(tid) {
            thread.ending = true;
        }
        if !stops {
            debuggee.bury_threads();
        }
    }

    fn fork(&mut self, index: usize, tid: OsTid, stops: bool) {
        let pid = self.take_pid();
        let debuggee = &mut self.debuggees[index];
        let parent = debuggee.pid;
        if let Some(thread) = debuggee.thread_mut(tid) {
            thread.registers.set_value(amd64::RAX, u64::from(pid.0));
        }
        if debuggee.children == ChildPolicy::Leave {
            return;
        }
        let mut child = debuggee.fork(pid, tid);
        let Some(thread) = child.threads.first_mut() else {
            return;
        };
        thread.registers.set_value(amd64::RAX, 0);
        let birth = ProcessBirth {
            process: pid,
            parent,
            kind: BirthKind::Fork,
            thread: thread.record.clone(),
        };
        self.book.inherit(parent, pid);
        self.debuggees.push(child);
        if stops {
            self.born.push(birth);
            self.stop(OsTid(pid.0), StopCause::ProcessStarted);
        } else {
            self.events.push_back(Event::Note(Note::ProcessStarted { birth }));
        }
    }

    /// A number that no process has had.
    pub(super) fn take_pid(&mut self) -> OsPid {
        let pid = self.next_pid;
        self.next_pid = OsPid(pid.0 + 10);
        pid
    }

    /// The process is gone. The session rests when it was the last one.
    pub(super) fn exited(&mut self, pid: OsPid, status: ExitStatus) {
        let Some(index) = self.debuggees.iter().position(|debuggee| debuggee.pid == pid) else {
            return;
        };
        let Debuggee { launched, threads, .. } = self.debuggees.remove(index);
        self.turn = 0;
        self.book.forget(pid);
        if launched {
            let bytes = Vec::new();
            self.events
                .push_back(Event::Output(OutputChunk { process: pid, bytes }));
        }
        if self.debuggees.iter().any(|debuggee| !debuggee.is_held()) {
            let end = ProcessEnd { process: pid, status };
            self.events.push_back(Event::Note(Note::ProcessEnded { end }));
            return;
        }
        self.stops += 1;
        let stop = Stop {
            number: self.stops,
            process: pid,
            thread: OsTid(pid.0),
            cause: StopCause::Exited { status },
            registers: None,
            memory: Vec::new(),
            bytes: Vec::new(),
            threads: ThreadDelta {
                started: Vec::new(),
                ended: threads.iter().map(|thread| thread.tid()).collect(),
            },
            images: farsight_target::ImageDelta::default(),
            hits: self.book.take_changes(),
            family: self.family(pid),
            marks: None,
        };
        self.events.push_back(Event::Stop(Box::new(stop)));
    }

    /// Carries out what was said about the signal of the last stop.
    pub(super) fn take_signal(&mut self, order: SignalOrder) {
        let (Some(signal), Some((tid, pc))) = (self.pending.take(), self.rests) else {
            return;
        };
        // One whose program counter was set elsewhere does not execute again what it was signalled for.
        let thread = self
            .index_of_thread(tid)
            .and_then(|index| self.debuggees[index].thread(tid));
        let stays = thread.is_some_and(|thread| thread.registers.pc() == pc);
        if stays && order == SignalOrder::Deliver {
            self.deliver(tid, signal);
        }
    }

    /// The program that a path or name leads to.
    pub(super) fn program_at(&self, path: &str) -> std::sync::Arc<Toy> {
        match path.rsplit('/').next() {
            Some("forker") => Toy::forker().into(),
            Some("loader") => Toy::loader().into(),
            Some("faults") => Toy::faults().into(),
            Some("lined") => Toy::lined().into(),
            _ => std::sync::Arc::clone(&self.toy),
        }
    }
}
