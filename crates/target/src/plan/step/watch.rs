//! `wt`: one invocation traced instruction by instruction, with a mark for each call and return in it.

use farsight_types::{Address, AddressRange};

use super::decode::Kind;
use super::marks::Marks;
use super::{Move, Observation, pushed_return_address};
use crate::StepMarkKind;

/// Nested calls that are traced at most; deeper ones run as a whole.
const MOST_DEPTH: usize = 1024;

/// What is traced.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) return_address: Address,
    pub(super) frame_address: Address,
    pub(super) end: Option<Address>,
    pub(super) depth: u32,
    pub(super) inside: Option<Vec<AddressRange>>,
    /// Where the frames around it go on when it throws.
    pub(super) landings: Vec<Address>,
}

/// A call that has not returned.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// The stack pointer before the call, and after the return.
    sp: Address,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Fresh,
    /// Stepped an instruction of this kind at this place.
    Stepped {
        kind: Kind,
        pc: Address,
        sp: Address,
        /// The result register before it.
        number: u64,
    },
    /// A call runs as a whole.
    InWhole,
    /// There is no room for more marks: the rest runs.
    Cut,
}

/// The trace in progress.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    order: Order,
    state: State,
    frames: Vec<Frame>,
    /// It began at a call, which is entered wherever it leads.
    from_call: bool,
}

impl Watch {
    pub(super) fn new(order: Order) -> Watch {
        Watch {
            order,
            state: State::Fresh,
            frames: Vec::new(),
            from_call: false,
        }
    }

    pub(super) fn next(&mut self, seen: Observation<'_>, marks: &mut Marks) -> Move {
        match self.state {
            State::Fresh => self.from_call = Kind::of(seen.code) == Kind::Call,
            // It is still in the middle of what is traced, where something was caught.
            State::Cut if seen.sp < self.order.frame_address => return self.run_out(),
            State::Cut => return Move::Done,
            State::InWhole => {
                marks.note(StepMarkKind::Return, seen.pc, Some(seen.result));
                // What was called has thrown past these.
                self.leave_frames(seen, marks);
            }
            State::Stepped { kind, pc, sp, number } => {
                marks.count(seen.pc);
                if let Some(next) = self.stepped(kind, (pc, sp, number), seen, marks) {
                    return next;
                }
            }
        }
        let order = &self.order;
        let started = self.state != State::Fresh;
        let is_left = seen.pc == order.return_address || order.landings.contains(&seen.pc);
        if started && is_left && seen.sp >= order.frame_address {
            marks.finish(StepMarkKind::Return, seen.pc, Some(seen.result));
            return Move::Done;
        }
        if started && order.end == Some(seen.pc) {
            marks.finish(StepMarkKind::Step, seen.pc, None);
            return Move::Done;
        }
        if marks.is_full() {
            self.state = State::Cut;
            return match order.end {
                Some(_) => Move::Done,
                None => self.run_out(),
            };
        }
        self.state = State::Stepped {
            kind: Kind::of(seen.code),
            pc: seen.pc,
            sp: seen.sp,
            number: seen.result,
        };
        Move::Step
    }

    fn run_out(&self) -> Move {
        Move::RunTo {
            address: self.order.return_address,
            stack_at_least: self.order.frame_address,
        }
    }

    /// Judges where an instruction has led; a move where the call that it entered runs as a whole.
    fn stepped(
        &mut self,
        kind: Kind,
        (pc, sp, number): (Address, Address, u64),
        seen: Observation<'_>,
        marks: &mut Marks,
    ) -> Option<Move> {
        match kind {
            Kind::Call => {
                let return_address = pushed_return_address(pc, sp, seen)?;
                marks.note(StepMarkKind::Call, seen.pc, Some(pc.0));
                let is_first = self.from_call && self.frames.is_empty();
                if is_first || self.is_traced(seen.pc) {
                    self.frames.push(Frame { sp });
                    return None;
                }
                self.state = State::InWhole;
                return Some(Move::RunTo {
                    address: return_address,
                    stack_at_least: sp,
                });
            }
            Kind::Return | Kind::IndirectJump => {
                // What unwinds several frames at once leaves them all.
                self.leave_frames(seen, marks);
                let moved_on = kind == Kind::IndirectJump && self.is_at_entry(seen.sp);
                if moved_on {
                    marks.note(StepMarkKind::Step, seen.pc, None);
                }
            }
            // Where the stack is as it was at the entry, a jump may lead to another function.
            Kind::Jump if self.is_at_entry(seen.sp) && is_far(pc, seen.pc) => {
                marks.note(StepMarkKind::Step, seen.pc, None)
            }
            Kind::SystemCall => marks.note(StepMarkKind::SystemCall, seen.pc, Some(number)),
            _ => {}
        }
        None
    }

    fn leave_frames(&mut self, seen: Observation<'_>, marks: &mut Marks) {
        while self.frames.last().is_some_and(|frame| seen.sp >= frame.sp) {
            self.frames.pop();
            marks.note(StepMarkKind::Return, seen.pc, Some(seen.result));
        }
    }

    fn is_traced(&self, callee: Address) -> bool {
        let level = self.frames.len() + 1;
        let deep = self.order.depth != 0 && level >= self.order.depth as usize || level > MOST_DEPTH;
        let inside = self.order.inside.as_ref();
        !deep && inside.is_none_or(|ranges| ranges.iter().any(|range| range.contains(callee)))
    }

    fn is_at_entry(&self, sp: Address) -> bool {
        let below = match self.frames.last() {
            Some(frame) => frame.sp,
            None => self.order.frame_address,
        };
        sp.0.wrapping_add(8) == below.0
    }
}

/// Jumps inside of a small function are no news.
fn is_far(from: Address, to: Address) -> bool {
    const NEAR: u64 = 128;
    from.0.abs_diff(to.0) > NEAR
}
