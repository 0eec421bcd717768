//! Taking a thread past a trap, so that no other thread slips by unseen: by doing the instruction's work here where
//! that is simple, else by lifting the trap for one step while all other threads are halted.

use farsight_target::plan::enters_kernel;
use farsight_types::Address;
use libc::{pid_t, user_regs_struct};

use super::Tracer;
use super::debuggee::State;
use super::emulate::{Effect, emulate};
use super::events::INT3;
use crate::memory::ProcessMemory;
use crate::sys::ptrace::{self, SignalDetail};
use crate::sys::wait::Waited;
use crate::sys::{child, wait};

/// Signals that may come during one step.
const MOST_HELD: usize = 64;

/// How it went.
pub(super) enum Past {
    /// There was no trap to go past.
    NotNeeded,
    /// The instruction was done; the thread rests behind it.
    Done,
    /// The instruction is a system call that was entered; the thread is in it.
    Entered,
    /// Something else happened to the thread, which was dealt with or waits in the backlog.
    Diverted,
}

impl Tracer {
    /// Whether a stopped thread rests on a trap that it has dealt with.
    pub(super) fn is_at_trap(&mut self, tid: pid_t) -> bool {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return false;
        };
        if thread.state != State::Stopped || thread.deferred || thread.is_held() {
            return false;
        }
        let Some(place) = thread.past_trap else { return false };
        let here = thread.registers().is_ok_and(|registers| registers.rip == place);
        let planted = self
            .debuggees
            .get(&thread.pid)
            .is_some_and(|debuggee| debuggee.memory.is_planted(Address(place)));
        here && planted
    }

    /// Does the instruction under the trap.
    pub(super) fn go_past_trap(&mut self, tid: pid_t) -> Past {
        let delivers = self.threads.get(&tid).is_some_and(|thread| thread.deliver != 0);
        if delivers || !self.is_at_trap(tid) {
            return Past::NotNeeded;
        }
        let Some(thread) = self.threads.get_mut(&tid) else {
            return Past::NotNeeded;
        };
        let pid = thread.pid;
        let Ok(registers) = thread.registers() else {
            return Past::Diverted;
        };
        let Some(debuggee) = self.debuggees.get(&pid) else {
            return Past::Diverted;
        };
        let memory = debuggee.memory.clone();
        let place = Address(registers.rip);
        let mut code = [0u8; 16];
        let length = memory.read_into(place, &mut code);
        let code = &code[..length];
        let mut after = registers;
        if let Some(effect) = emulate(code, &mut after)
            && !matches!(effect, Effect::Store { address, .. } if debuggee.hardware.watches(address, 8))
            && store(tid, effect)
        {
            thread.past_trap = None;
            return match thread.set_registers(&after) {
                Ok(()) => Past::Done,
                Err(_) => Past::Diverted,
            };
        }
        let halted = self.halt(Some(pid));
        if !self.is_at_trap(tid) {
            // It was killed, or its status came, while the others were being halted.
            self.set_on(&halted, tid);
            return Past::Diverted;
        }
        memory.lift(place);
        let past = self.step_in_place(tid, registers, enters_kernel(code));
        memory.replant(place);
        if let Past::Done = past
            && code.starts_with(&[0x9c])
        {
            hide_trap_flag(self, tid, &memory, registers);
        }
        self.set_on(&halted, tid);
        past
    }

    /// Sets on the threads that were halted for a step, if the session still runs.
    pub(super) fn set_on(&mut self, halted: &[pid_t], except: pid_t) {
        for tid in halted.iter().copied().filter(|tid| *tid != except) {
            self.let_run(tid);
        }
    }

    /// One step of one thread while all others of its process rest. A system call is only entered, for it may block:
    /// once in the kernel the thread has no more use for the displaced byte.
    pub(super) fn step_in_place(&mut self, tid: pid_t, before: user_regs_struct, is_system_call: bool) -> Past {
        self.prepare(tid);
        loop {
            let started = if is_system_call {
                ptrace::run_to_system_call(tid)
            } else {
                ptrace::single_step(tid, 0)
            };
            let waited = started.and_then(|()| wait::one(tid));
            let Some(thread) = self.threads.get_mut(&tid) else {
                return Past::Diverted;
            };
            let Ok(Waited::Stopped { signal, event }) = waited else {
                thread.state = State::Gone;
                thread.deferred = true;
                if let Ok(ended) = waited {
                    self.backlog.push_back((tid, ended));
                }
                return Past::Diverted;
            };
            thread.stopped();
            if event != 0 {
                if event == libc::PTRACE_EVENT_STOP {
                    thread.check_job_stop |= signal != libc::SIGTRAP;
                    continue;
                }
                thread.deferred = true;
                self.backlog.push_back((tid, Waited::Stopped { signal, event }));
                return Past::Diverted;
            }
            if signal == libc::SIGTRAP {
                self.collect_hits(tid, false);
            }
            let Some(thread) = self.threads.get_mut(&tid) else {
                return Past::Diverted;
            };
            let detail = SignalDetail::of(tid);
            if signal == libc::SIGTRAP | 0x80 {
                thread.past_trap = None;
                return Past::Entered;
            }
            let Ok(detail) = detail else { return Past::Diverted };
            if signal == libc::SIGTRAP
                && matches!(detail.code(), libc::TRAP_TRACE | libc::TRAP_BRKPT | libc::TRAP_HWBKPT)
            {
                thread.past_trap = None;
                let behind_first = 1.min(thread.held.len());
                send_again(thread.pid.0 as pid_t, tid, thread.held.drain(behind_first..));
                return Past::Done;
            }
            let raised_by_itself = detail.code() > 0 && thread.registers().is_ok_and(|now| now.rip == before.rip);
            if signal == libc::SIGTRAP && detail.code() == INT3 {
                self.foreign_trap(tid, detail);
                return Past::Diverted;
            }
            if raised_by_itself || thread.held.len() >= MOST_HELD {
                // The instruction faults: that is the event. So is the signal where somebody floods it with them. The place
                // stays dealt with, for when the instruction is tried again.
                send_again(thread.pid.0 as pid_t, tid, thread.held.drain(..));
                thread.deferred = true;
                self.backlog.push_back((tid, Waited::Stopped { signal, event }));
                return Past::Diverted;
            }
            thread.held.push_back(detail);
        }
    }
}

/// Held signals go back into the thread's queue; only one can take the place of a stop.
fn send_again(pid: pid_t, tid: pid_t, held: impl Iterator<Item = SignalDetail>) {
    for detail in held {
        let _ = child::signal_thread(pid, tid, detail.number());
    }
}

/// Stores as the thread itself would: where its memory is protected the store fails, and the processor gets to fault.
fn store(tid: pid_t, effect: Effect) -> bool {
    match effect {
        Effect::Registers => true,
        Effect::Store { address, value } => child::write_as(tid, address, &value.to_le_bytes()),
    }
}

/// A stepped `pushf` shows the step's own trap flag to the program.
fn hide_trap_flag(tracer: &mut Tracer, tid: pid_t, memory: &ProcessMemory, before: user_regs_struct) {
    const TRAP_FLAG: u64 = 1 << 8;
    let Some(thread) = tracer.threads.get_mut(&tid) else {
        return;
    };
    let Ok(registers) = thread.registers() else { return };
    let place = Address(registers.rsp);
    if before.eflags & TRAP_FLAG == 0
        && let Some(flags) = memory.read_word(place)
    {
        memory.write(place, &(flags & !TRAP_FLAG).to_le_bytes());
    }
}
