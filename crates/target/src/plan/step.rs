//! One thread's step plan in progress.

use farsight_types::{Address, AddressRange};

use crate::StepPlan;

/// Where the stepping thread is.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// Program counter.
    pub pc: Address,
    /// Stack pointer.
    pub sp: Address,
    /// Code bytes at `pc`, trap bytes hidden; at least 4 where memory allows.
    pub code: &'a [u8],
    /// The 8 bytes at `sp`, none where they cannot be read.
    pub stack_top: Option<u64>,
}

/// What the implementer does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Step one instruction.
    Step,
    /// Run until the thread is at `address` with a stack pointer of at least `stack_at_least`. Other threads and
    /// deeper frames that come by do not count.
    RunTo {
        /// Where.
        address: Address,
        /// How deep.
        stack_at_least: Address,
    },
    /// The plan is done; the thread rests here.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing yet, or a move that needs no look back.
    Plain,
    /// Stepped an instruction that looked like a call at this place.
    Call { pc: Address, sp: Address },
    /// Stepped a repeated string instruction at this place.
    Repeat { pc: Address },
}

/// Carries out a [`StepPlan`].
#[derive(Clone, Debug)]
pub struct StepMachine {
    plan: StepPlan,
    left: u64,
    last: Last,
    started: bool,
}

/// Longest x86 instruction in bytes.
const LONGEST_INSTRUCTION: u64 = 15;

impl StepMachine {
    /// A machine at the start of a plan.
    pub fn new(plan: StepPlan) -> StepMachine {
        let left = match plan {
            StepPlan::Into { count } | StepPlan::Over { count } => count,
            StepPlan::Goal { count, .. } => count,
            StepPlan::OverRange { .. } | StepPlan::UntilReturn { .. } | StepPlan::Watch { .. } => 1,
        };
        StepMachine {
            plan,
            left,
            last: Last::Plain,
            started: false,
        }
    }

    /// Told at the start and after each completed move; says what comes next.
    pub fn next(&mut self, seen: Observation<'_>) -> Move {
        if !self.started {
            self.started = true;
            return match self.plan {
                StepPlan::UntilReturn {
                    return_address,
                    frame_address,
                } => Move::RunTo {
                    address: return_address,
                    stack_at_least: frame_address,
                },
                _ if self.left == 0 => Move::Done,
                _ => self.step(seen),
            };
        }
        match (&self.plan, self.last) {
            (StepPlan::UntilReturn { .. }, _) => return Move::Done,
            (StepPlan::Into { .. }, _) => {}
            (_, Last::Call { pc, sp }) => {
                if let Some(run) = entered_call(pc, sp, seen) {
                    self.last = Last::Plain;
                    return run;
                }
            }
            (_, Last::Repeat { pc }) if pc == seen.pc => return self.step(seen),
            _ => {}
        }
        let done = match self.plan {
            StepPlan::OverRange { start, length } => !AddressRange::new(start, length).contains(seen.pc),
            _ => {
                self.left -= 1;
                self.left == 0
            }
        };
        if done { Move::Done } else { self.step(seen) }
    }

    fn step(&mut self, seen: Observation<'_>) -> Move {
        self.last = if is_call(seen.code) {
            Last::Call {
                pc: seen.pc,
                sp: seen.sp,
            }
        } else if is_repeated_string(seen.code) {
            Last::Repeat { pc: seen.pc }
        } else {
            Last::Plain
        };
        Move::Step
    }
}

/// After a step of what looked like a call at `pc`: whether it was one, seen by the return address on the stack.
fn entered_call(pc: Address, sp: Address, seen: Observation<'_>) -> Option<Move> {
    let return_address = Address(seen.stack_top?);
    let distance = return_address.distance_from(pc)?;
    let pushed = seen.sp == Address(sp.0.wrapping_sub(8));
    let fell_through = seen.pc == return_address;
    (pushed && !fell_through && (2..=LONGEST_INSTRUCTION).contains(&distance)).then_some(Move::RunTo {
        address: return_address,
        stack_at_least: sp,
    })
}

/// Whether code starts with a near call: `E8`, or `FF /2` behind prefixes. Far calls do not occur in 64-bit programs.
fn is_call(code: &[u8]) -> bool {
    let mut bytes = code.iter().copied().skip_while(|byte| is_prefix(*byte));
    match bytes.next() {
        Some(0xe8) => true,
        Some(0xff) => bytes.next().is_some_and(|modrm| modrm >> 3 & 7 == 2),
        _ => false,
    }
}

/// Whether code starts with a string instruction under a repeat prefix.
fn is_repeated_string(code: &[u8]) -> bool {
    let repeated = code
        .iter()
        .take_while(|byte| is_prefix(**byte))
        .any(|byte| matches!(byte, 0xf2 | 0xf3));
    let opcode = code.iter().copied().find(|byte| !is_prefix(*byte));
    repeated && opcode.is_some_and(|byte| matches!(byte, 0x6c..=0x6f | 0xa4..=0xa7 | 0xaa..=0xaf))
}

/// Legacy and REX prefixes.
fn is_prefix(byte: u8) -> bool {
    matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)
}

#[cfg(test)]
mod tests;
