//! Stepping by source line, with the line tables that the order brings.
//!
//! A step ends where a statement of another line begins, in the frame that it began in or in a caller; what a line calls
//! runs as a whole, or is entered where its first statement begins. A thread that returns into the middle of a caller's
//! line finishes that line. Stack pointers tell invocations of one function apart.

use farsight_types::{Address, AddressRange};

use super::decode::Kind;
use super::marks::Marks;
use super::{Move, Observation, pushed_return_address};
use crate::{LineEntry, LineMark, StepMarkKind, StepPlan};

/// Instructions on the way through a stub, the binding of its function at the first call included.
const MOST_IN_STUB: u32 = 50_000;

#[derive(Clone, Copy, Debug)]
enum State {
    Begin,
    /// Stepped an instruction; where it looked like a call, from where.
    Stepped {
        call: Option<(Address, Address)>,
    },
    /// Ran to where a call returns to, or to a landing of one of the frames.
    Returned,
    /// Ran to the first statement of a function whose frame this is.
    Entered {
        frame: Address,
    },
    /// Between a call and the function that it means.
    InStub {
        return_address: Address,
        frame: Address,
        left: u32,
    },
}

/// A plan by lines in progress.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    left: u64,
    into: bool,
    line: u32,
    /// Innermost first.
    frames: Vec<Address>,
    rows: Vec<LineMark>,
    entries: Vec<LineEntry>,
    known: Vec<AddressRange>,
    stubs: Vec<AddressRange>,
    end: Option<Address>,
    state: State,
}

impl Lines {
    pub(super) fn of(plan: &StepPlan) -> Option<Lines> {
        let StepPlan::Lines {
            count,
            into,
            line,
            frames,
            rows,
            entries,
            known,
            stubs,
            end,
            ..
        } = plan
        else {
            return None;
        };
        // A peer's order is not trusted to be in order.
        let mut rows = rows.clone();
        rows.sort_by_key(|row| (row.start, row.line.is_some()));
        Some(Lines {
            left: *count,
            into: *into,
            line: *line,
            frames: frames.clone(),
            rows,
            entries: entries.clone(),
            known: known.clone(),
            stubs: stubs.clone(),
            end: *end,
            state: State::Begin,
        })
    }

    pub(super) fn next(&mut self, seen: Observation<'_>, marks: &mut Marks) -> Move {
        if !matches!(self.state, State::Begin) && self.end == Some(seen.pc) {
            marks.count(seen.pc);
            marks.note(StepMarkKind::Step, seen.pc, None);
            return Move::Done;
        }
        match self.state {
            State::Begin if self.left == 0 => return Move::Done,
            State::Begin => return self.step(seen),
            State::Stepped { call } => {
                marks.count(seen.pc);
                let pushed = call.and_then(|(pc, sp)| Some((pushed_return_address(pc, sp, seen)?, sp)));
                if let Some((return_address, frame)) = pushed {
                    return self.called(return_address, frame, MOST_IN_STUB, seen, marks);
                }
            }
            State::Returned => marks.count(seen.pc),
            State::Entered { frame } => {
                marks.count(seen.pc);
                self.frames.insert(0, frame);
                return self.line_done(seen, marks);
            }
            State::InStub {
                return_address,
                frame,
                left,
            } => {
                marks.count(seen.pc);
                if seen.pc != return_address || seen.sp < frame {
                    return self.called(return_address, frame, left, seen, marks);
                }
            }
        }
        self.judge(seen, marks)
    }

    /// The thread is in what was called, or on its way there.
    fn called(
        &mut self,
        return_address: Address,
        frame: Address,
        left: u32,
        seen: Observation<'_>,
        marks: &mut Marks,
    ) -> Move {
        if self.into {
            if let Some(entry) = self.entries.iter().find(|entry| entry.entry == seen.pc) {
                self.state = State::Entered { frame };
                return match entry.statement == seen.pc {
                    true => {
                        self.frames.insert(0, frame);
                        self.line_done(seen, marks)
                    }
                    // Only this invocation gets there first: nothing is called before the first statement.
                    false => Move::RunTo {
                        address: entry.statement,
                        stack_at_least: Address(0),
                    },
                };
            }
            let on_the_way = matches!(self.state, State::InStub { .. });
            if has(&self.stubs, seen.pc) || on_the_way && !has(&self.known, seen.pc) && left > 0 {
                self.state = State::InStub {
                    return_address,
                    frame,
                    left: left.saturating_sub(1),
                };
                return Move::Step;
            }
            if has(&self.known, seen.pc) {
                marks.note(StepMarkKind::Step, seen.pc, None);
                return Move::Done;
            }
        }
        self.state = State::Returned;
        Move::RunTo {
            address: return_address,
            stack_at_least: frame,
        }
    }

    /// Judges a place that no call has led to.
    fn judge(&mut self, seen: Observation<'_>, marks: &mut Marks) -> Move {
        let depth = self.frames.len();
        while self.frames.first().is_some_and(|frame| seen.sp >= *frame) {
            self.frames.remove(0);
        }
        let returned = self.frames.len() < depth;
        let row = self.row_at(seen.pc);
        match row.and_then(|row| Some((row, row.line?))) {
            Some((row, line)) => {
                let begins = row.start == seen.pc && row.statement && line != 0;
                // A call in the middle of its line may end where another row of that line begins.
                let begins = begins && !(returned && self.is_of_line(Address(seen.pc.0.wrapping_sub(1)), line));
                if begins && line != self.line {
                    return self.line_done(seen, marks);
                }
                if returned {
                    // The middle of a line that called: it is finished. Where optimised code has another line right behind
                    // the call, it is still the call's line that is.
                    let call = self.row_at(Address(seen.pc.0.wrapping_sub(1))).and_then(|row| row.line);
                    let lines = [call.unwrap_or(0), line, self.line];
                    self.line = lines.into_iter().find(|line| *line != 0).unwrap_or(0);
                }
                self.step(seen)
            }
            None if returned => {
                marks.note(StepMarkKind::Step, seen.pc, None);
                Move::Done
            }
            // A jump to another function, which returns for this one.
            None if self
                .frames
                .first()
                .is_some_and(|frame| seen.sp.0.wrapping_add(8) == frame.0) =>
            {
                let frame = self.frames.first().copied().unwrap_or_default();
                match seen.stack_top {
                    Some(top) => self.called(Address(top), frame, MOST_IN_STUB, seen, marks),
                    None => self.step(seen),
                }
            }
            // A signal's handler, or code that nobody described.
            None => self.step(seen),
        }
    }

    fn row_at(&self, pc: Address) -> Option<LineMark> {
        let behind = self.rows.partition_point(|row| row.start <= pc);
        let last = *self.rows.get(behind.checked_sub(1)?)?;
        // Of several that begin together, rather one that begins a statement.
        let together = self.rows.get(..behind)?.iter().rev();
        let mut together = together.take_while(|row| row.start == last.start);
        Some(together.find(|row| row.statement).copied().unwrap_or(last))
    }

    fn is_of_line(&self, at: Address, line: u32) -> bool {
        self.row_at(at).is_some_and(|row| row.line == Some(line))
    }

    fn line_done(&mut self, seen: Observation<'_>, marks: &mut Marks) -> Move {
        marks.note(StepMarkKind::Step, seen.pc, None);
        self.left = self.left.saturating_sub(1);
        let row = self.row_at(seen.pc);
        match row.and_then(|row| row.line) {
            // Nothing is known of the lines here.
            None => Move::Done,
            Some(_) if self.left == 0 => Move::Done,
            Some(line) => {
                self.line = line;
                self.step(seen)
            }
        }
    }

    fn step(&mut self, seen: Observation<'_>) -> Move {
        let is_call = Kind::of(seen.code) == Kind::Call;
        self.state = State::Stepped {
            call: is_call.then_some((seen.pc, seen.sp)),
        };
        Move::Step
    }
}

fn has(ranges: &[AddressRange], at: Address) -> bool {
    ranges.iter().any(|range| range.contains(at))
}

#[cfg(test)]
mod tests;
