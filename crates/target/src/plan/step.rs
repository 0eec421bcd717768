//! One thread's step plan in progress.

use farsight_types::{Address, AddressRange};

use crate::{StepGoal, StepMark, StepMarkKind, StepOrder, StepPlan};

mod decode;
mod lines;
mod marks;
mod watch;

use decode::Kind;
pub use decode::enters_kernel;
use lines::Lines;
use marks::Marks;
pub use marks::code_at_marks;
use watch::Watch;

/// Where the stepping thread is.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// Program counter.
    pub pc: Address,
    /// Stack pointer.
    pub sp: Address,
    /// Code bytes at `pc`, trap bytes hidden; at least 4 where memory allows.
    pub code: &'a [u8],
    /// The 8 bytes at `sp`, none where they cannot be read; needed only where [`StepMachine::wants_stack`] says so.
    pub stack_top: Option<u64>,
    /// The register of results and of system call numbers.
    pub result: u64,
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
    marks: Marks,
    watch: Option<Watch>,
    lines: Option<Lines>,
    landings: Vec<Address>,
}

/// Traps that are planted beside a step's own, at most.
const MOST_LANDINGS: usize = 4096;

/// Longest x86 instruction in bytes.
const LONGEST_INSTRUCTION: u64 = 15;

impl StepMachine {
    /// A machine at the start of an order's plan.
    pub fn new(order: StepOrder) -> StepMachine {
        let StepOrder {
            plan, marks, landings, ..
        } = order;
        let of_lines = match &plan {
            StepPlan::Lines { landings, .. } => landings.as_deref(),
            _ => None,
        };
        let landings = landings.as_deref().into_iter().chain(of_lines).flatten();
        let landings: Vec<Address> = landings.take(MOST_LANDINGS).copied().collect();
        let left = match plan {
            StepPlan::Into { count } | StepPlan::Over { count } => count,
            StepPlan::Goal { count, .. } => count,
            StepPlan::OverRange { .. }
            | StepPlan::UntilReturn { .. }
            | StepPlan::Watch { .. }
            | StepPlan::Lines { .. } => 1,
        };
        let watch = match &plan {
            StepPlan::Watch {
                return_address,
                frame_address,
                end,
                depth,
                inside,
            } => Some(Watch::new(watch::Order {
                return_address: *return_address,
                frame_address: *frame_address,
                end: *end,
                depth: *depth,
                inside: inside.clone(),
                landings: landings.clone(),
            })),
            _ => None,
        };
        let lines = Lines::of(&plan);
        StepMachine {
            plan,
            left,
            last: Last::Plain,
            started: false,
            marks: Marks::new(marks),
            watch,
            lines,
            landings,
        }
    }

    /// Whether the next observation must have [`Observation::stack_top`].
    pub fn wants_stack(&self) -> bool {
        self.watch.is_some() || self.lines.is_some() || matches!(self.last, Last::Call { .. })
    }

    /// Where the thread may come to as well while it runs to a place, with a stack pointer that counts there: what was
    /// called has thrown.
    pub fn landings(&self) -> &[Address] {
        &self.landings
    }

    /// What was noted so far, where the order asks for marks.
    pub fn take_marks(&mut self) -> Option<Vec<StepMark>> {
        self.marks.take()
    }

    /// Told at the start and after each completed move; says what comes next.
    pub fn next(&mut self, seen: Observation<'_>) -> Move {
        if let Some(watch) = &mut self.watch {
            return watch.next(seen, &mut self.marks);
        }
        if let Some(lines) = &mut self.lines {
            return lines.next(seen, &mut self.marks);
        }
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
            (StepPlan::Into { .. } | StepPlan::Goal { over: false, .. }, _) => {}
            (_, Last::Call { pc, sp }) => {
                if let Some(address) = pushed_return_address(pc, sp, seen) {
                    self.last = Last::Plain;
                    return Move::RunTo {
                        address,
                        stack_at_least: sp,
                    };
                }
            }
            (_, Last::Repeat { pc }) if pc == seen.pc => return self.step(seen),
            _ => {}
        }
        self.marks.count(seen.pc);
        self.marks.note(StepMarkKind::Step, seen.pc, None);
        let done = match self.plan {
            StepPlan::OverRange { start, length } => !AddressRange::new(start, length).contains(seen.pc),
            StepPlan::Goal { goal, .. } if !is_reached(goal, seen) => false,
            _ => {
                self.left = self.left.saturating_sub(1);
                self.left == 0
            }
        };
        if done { Move::Done } else { self.step(seen) }
    }

    fn step(&mut self, seen: Observation<'_>) -> Move {
        self.last = match Kind::of(seen.code) {
            Kind::Call => Last::Call {
                pc: seen.pc,
                sp: seen.sp,
            },
            Kind::Repeat => Last::Repeat { pc: seen.pc },
            _ => Last::Plain,
        };
        Move::Step
    }
}

/// Whether these bytes of code look like a call, which a step over it runs as a whole.
pub fn is_call(code: &[u8]) -> bool {
    Kind::of(code) == Kind::Call
}

/// Whether a thread stands where a goal wants it.
fn is_reached(goal: StepGoal, seen: Observation<'_>) -> bool {
    let kind = Kind::of(seen.code);
    match goal {
        StepGoal::Address { address } => seen.pc == address,
        StepGoal::Call => kind == Kind::Call,
        StepGoal::Return => kind == Kind::Return,
        StepGoal::CallOrReturn => matches!(kind, Kind::Call | Kind::Return),
        StepGoal::Branch => kind.branches(),
    }
}

/// After a step of what looked like a call at `pc`: the return address, if it was one and has one on the stack.
fn pushed_return_address(pc: Address, sp: Address, seen: Observation<'_>) -> Option<Address> {
    let return_address = Address(seen.stack_top?);
    let distance = return_address.distance_from(pc)?;
    let pushed = seen.sp == Address(sp.0.wrapping_sub(8));
    let fell_through = seen.pc == return_address;
    (pushed && !fell_through && (2..=LONGEST_INSTRUCTION).contains(&distance)).then_some(return_address)
}

#[cfg(test)]
mod tests;
