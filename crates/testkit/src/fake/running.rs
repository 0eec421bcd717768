//! Runs the debuggee by the plan it was resumed with, in slices between requests.

use farsight_target::plan::{Move, Observation, Verdict, code_at_marks};
use farsight_target::{
    Chance, Event, ExitStatus, Note, OutputChunk, SignalInfo, SignalOrder, Stop, StopCause, ThreadDelta, ThreadRule,
};
use farsight_types::registers::amd64;
use farsight_types::{AddressRange, OsTid, Registers};

use super::FakeTarget;
use super::debuggee::{Debuggee, State};
use super::processor::{Outcome, step};
use super::toy;

/// SIGILL, which is what code that is no code gets.
const ILLEGAL_INSTRUCTION: i32 = 4;

impl FakeTarget {
    /// Whether the debuggee runs.
    pub fn is_running(&self) -> bool {
        self.debuggee
            .as_ref()
            .is_some_and(|debuggee| debuggee.state == State::Running)
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

    /// Stops a running debuggee; does nothing to one at rest.
    pub fn break_in(&mut self) {
        let first = self.debuggee.as_ref().and_then(|debuggee| debuggee.threads.first());
        if let Some(tid) = first.map(|thread| thread.tid()).filter(|_| self.is_running()) {
            self.stop(tid, StopCause::BreakIn);
        }
    }

    /// Comes to rest and says so.
    pub(super) fn stop(&mut self, tid: OsTid, cause: StopCause) {
        let Some(debuggee) = &mut self.debuggee else { return };
        self.stops += 1;
        debuggee.state = State::AtRest;
        let marks = debuggee
            .stepping
            .take()
            .and_then(|mut stepping| stepping.machine.take_marks());
        let detail = debuggee.plan.detail;
        let thread = debuggee.thread(tid).cloned();
        debuggee.rests = thread.as_ref().map(|thread| (tid, thread.registers.pc()));
        let (mut memory, mut bytes) = match &thread {
            Some(thread) => debuggee.surroundings(thread, detail),
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
            images: debuggee.image_delta(&self.toy),
            hits: self.book.take_changes(),
            family: None,
            marks,
        };
        self.events.push_back(Event::Stop(Box::new(stop)));
    }

    /// Resumes; the plan is in the debuggee already.
    pub(super) fn set_going(&mut self) {
        let Some(debuggee) = &mut self.debuggee else { return };
        if let State::Ending(status) = debuggee.state {
            self.exited(status);
            return;
        }
        debuggee.state = State::Running;
        if let Some(thread) = debuggee.stepping.as_ref().map(|stepping| stepping.thread) {
            self.make_move(thread);
        }
    }

    fn run_one(&mut self) {
        let Some(debuggee) = &mut self.debuggee else { return };
        let count = debuggee.threads.len();
        let held = |tid: OsTid| {
            let mut orders = debuggee.plan.threads.iter();
            orders.any(|order| order.thread == tid && order.rule == ThreadRule::Hold)
        };
        let turns = (0..count).map(|offset| (debuggee.turn + offset) % count);
        let Some(index) = turns.into_iter().find(|index| !held(debuggee.threads[*index].tid())) else {
            return;
        };
        debuggee.turn = (index + 1) % count;
        let (tid, pc, sp) = {
            let thread = &debuggee.threads[index];
            (thread.tid(), thread.registers.pc(), thread.registers.sp())
        };
        let pid = debuggee.pid;
        let leaves = debuggee.rests.take_if(|(thread, _)| *thread == tid) == Some((tid, pc));
        if !leaves && let Verdict::Stop(ids) = self.book.hit(pid, pc, tid, sp) {
            self.stop(tid, StopCause::Traps { ids });
            return;
        }
        let outcome = step(&mut debuggee.threads[index], &mut debuggee.memory);
        let now = &debuggee.threads[index].registers;
        let (pc, sp) = (now.pc(), now.sp());
        let moved = debuggee.stepping.as_ref().is_some_and(|stepping| {
            stepping.thread == tid
                && stepping
                    .until
                    .is_none_or(|(address, least)| pc == address && sp >= least)
        });
        match outcome {
            Outcome::Done => {}
            Outcome::Call(number) => self.system_call(tid, number),
            Outcome::Illegal => {
                let signal = SignalInfo {
                    number: ILLEGAL_INSTRUCTION,
                    code: 2,
                    address: Some(pc),
                    sender: None,
                };
                self.stop(
                    tid,
                    StopCause::Signal {
                        signal,
                        chance: Chance::First,
                    },
                );
                return;
            }
        }
        if moved && self.is_running() {
            self.make_move(tid);
        }
    }

    /// Tells the step machine where its thread is and notes what it wants next.
    fn make_move(&mut self, tid: OsTid) {
        let Some(debuggee) = &mut self.debuggee else { return };
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
        match stepping.machine.next(seen) {
            Move::Step => stepping.until = None,
            Move::RunTo {
                address,
                stack_at_least,
            } => stepping.until = Some((address, stack_at_least)),
            Move::Done => self.stop(tid, StopCause::StepDone),
        }
    }

    fn system_call(&mut self, tid: OsTid, number: u64) {
        let Some(debuggee) = &mut self.debuggee else { return };
        match number {
            toy::SYS_WRITE if debuggee.launched => {
                let process = debuggee.pid;
                let bytes = toy::GREETING.iter().flat_map(|byte| match byte {
                    b'\n' => vec![b'\r', b'\n'],
                    byte => vec![*byte],
                });
                let bytes = bytes.collect();
                self.events.push_back(Event::Output(OutputChunk { process, bytes }));
            }
            toy::SYS_CLONE => {
                let name = format!("worker{}", debuggee.threads.len());
                debuggee.start_thread(&name, self.toy.function("worker"));
                if debuggee.plan.note_threads {
                    let (process, thread) = (debuggee.pid, debuggee.threads[debuggee.threads.len() - 1].tid());
                    let note = Note::ThreadStarted { process, thread };
                    self.events.push_back(Event::Note(note));
                }
            }
            toy::SYS_EXIT => {
                let status = ExitStatus::Code { code: 0 };
                if debuggee.plan.stop_at_exit {
                    self.stop(tid, StopCause::Exiting { status });
                    if let Some(debuggee) = &mut self.debuggee {
                        debuggee.state = State::Ending(status);
                    }
                } else {
                    self.exited(status);
                }
            }
            _ => {}
        }
    }

    /// The process is gone.
    pub(super) fn exited(&mut self, status: ExitStatus) {
        let Some(Debuggee {
            pid, launched, threads, ..
        }) = self.debuggee.take()
        else {
            return;
        };
        self.stops += 1;
        let hits = self.book.take_changes();
        self.book.forget(pid);
        if launched {
            let end = OutputChunk {
                process: pid,
                bytes: Vec::new(),
            };
            self.events.push_back(Event::Output(end));
        }
        let registers: Option<Registers> = None;
        let stop = Stop {
            number: self.stops,
            process: pid,
            thread: OsTid(pid.0),
            cause: StopCause::Exited { status },
            registers,
            memory: Vec::new(),
            bytes: Vec::new(),
            threads: ThreadDelta {
                started: Vec::new(),
                ended: threads.iter().map(|thread| thread.tid()).collect(),
            },
            images: farsight_target::ImageDelta::default(),
            hits,
            family: None,
            marks: None,
        };
        self.events.push_back(Event::Stop(Box::new(stop)));
    }

    /// Carries out what was said about the signal of the last stop; true when the process ends of it.
    pub(super) fn dies_of_signal(&mut self, order: SignalOrder) -> bool {
        let Some(debuggee) = &self.debuggee else { return false };
        if debuggee.state != State::AtRest {
            return false;
        }
        let Some((tid, pc)) = debuggee.rests else { return false };
        let resting = debuggee.thread(tid).is_some_and(|thread| thread.registers.pc() == pc);
        let mut thread = debuggee.thread(tid).cloned();
        let mut memory = debuggee.memory.clone();
        // Deterministic as the machine is, the instruction would be illegal again exactly when it was.
        let illegal = thread
            .as_mut()
            .is_some_and(|thread| step(thread, &mut memory) == Outcome::Illegal);
        let dies = resting && illegal && order == SignalOrder::Deliver;
        if dies {
            self.exited(ExitStatus::Signal {
                number: ILLEGAL_INSTRUCTION,
            });
        }
        dies
    }
}
