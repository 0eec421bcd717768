//! What a step plan notes on its way, bounded.

use std::collections::VecDeque;

use farsight_types::{Address, AddressRange};

use crate::{StepMark, StepMarkKind};

/// Marks of one stop at most, whatever a client asks for.
pub(super) const MOST_MARKS: u32 = 1 << 16;

/// The marks of a plan so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    most: usize,
    marks: VecDeque<StepMark>,
    /// Instructions since the last mark.
    since: u64,
    /// Where the last of them led.
    at: Address,
}

impl Marks {
    pub(super) fn new(most: Option<u32>) -> Marks {
        Marks {
            most: most.unwrap_or(0).min(MOST_MARKS) as usize,
            ..Marks::default()
        }
    }

    pub(super) fn count(&mut self, pc: Address) {
        self.since += 1;
        self.at = pc;
    }

    /// Notes something; beyond the bound the oldest mark goes, and the next has its instructions.
    pub(super) fn note(&mut self, kind: StepMarkKind, pc: Address, value: Option<u64>) {
        let instructions = std::mem::take(&mut self.since);
        if self.most == 0 {
            return;
        }
        if self.is_full()
            && let Some(oldest) = self.marks.pop_front()
            && let Some(next) = self.marks.front_mut()
        {
            next.instructions += oldest.instructions;
        }
        self.marks.push_back(StepMark {
            kind,
            pc,
            instructions,
            value,
        });
    }

    /// Notes what is left, if anything is.
    pub(super) fn finish(&mut self, kind: StepMarkKind, pc: Address, value: Option<u64>) {
        if self.since > 0 {
            self.note(kind, pc, value);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.marks.len() >= self.most
    }

    pub(super) fn take(&mut self) -> Option<Vec<StepMark>> {
        if !self.is_full() {
            self.finish(StepMarkKind::Step, self.at, None);
        }
        (self.most > 0).then(|| std::mem::take(&mut self.marks).into())
    }
}

/// Bytes of code that show an instruction, and the most that come with all marks.
const CODE_BYTES: u64 = 16;
const MOST_CODE: u64 = 16 << 10;

/// The code that a stop shall carry so that the instructions at its step marks can be shown.
pub fn code_at_marks(marks: &[StepMark]) -> Vec<AddressRange> {
    let steps = marks.iter().filter(|mark| mark.kind == StepMarkKind::Step);
    let mut places: Vec<u64> = steps.map(|mark| mark.pc.0).collect();
    places.sort_unstable();
    let mut ranges: Vec<AddressRange> = Vec::new();
    let mut total = 0;
    for place in places {
        if total >= MOST_CODE {
            break;
        }
        match ranges.last_mut() {
            Some(last) if place <= last.start.0 + last.length => {
                let length = place.saturating_add(CODE_BYTES) - last.start.0;
                total += length.saturating_sub(last.length);
                last.length = last.length.max(length);
            }
            _ => {
                total += CODE_BYTES;
                ranges.push(AddressRange::new(Address(place), CODE_BYTES));
            }
        }
    }
    ranges
}
