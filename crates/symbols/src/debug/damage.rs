//! What of the units could not be read, noted by whoever stumbles over it, so that what is missing can be explained.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::UnitId;

/// A part of a unit that cannot be read.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// All of it: its root, or the shapes of its entries.
    Root = 1,
    /// The names of its source files, and so all of its lines.
    LineHeader = 2,
    /// Lines, from some place on.
    LineProgram = 4,
    /// Where its code lies.
    Code = 8,
}

/// The parts of each unit that are known to be damaged.
pub(super) struct Noted(Vec<AtomicU8>);

impl Noted {
    /// For so many units.
    pub(super) fn new(units: usize) -> Noted {
        Noted((0..units).map(|_| AtomicU8::new(0)).collect())
    }

    pub(super) fn note(&self, unit: UnitId, part: Part) {
        if let Some(noted) = self.0.get(unit.0 as usize) {
            noted.fetch_or(part as u8, Ordering::Relaxed);
        }
    }

    pub(super) fn counted(&self) -> Damage {
        let mut damage = Damage::default();
        for noted in &self.0 {
            let noted = noted.load(Ordering::Relaxed);
            let has = |part: Part| u32::from(noted & part as u8 != 0);
            damage.units += has(Part::Root);
            damage.line_tables += has(Part::LineHeader) | has(Part::LineProgram);
            damage.code += has(Part::Code);
        }
        damage
    }
}

/// How many units are known to be damaged, by what is missing of them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Those that cannot be read at all.
    pub units: u32,
    /// Those whose line tables cannot be read, or not to their end.
    pub line_tables: u32,
    /// Those that do not say where their code lies.
    pub code: u32,
}

impl Damage {
    /// Whether none is known.
    pub fn is_none(&self) -> bool {
        *self == Damage::default()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.units, "that cannot be read"),
            (self.line_tables, "whose line tables cannot be read to their end"),
            (self.code, "that do not say where their code is"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("units {what}: {count}")).collect();
        write!(f, "damaged debug information: {}", parts.join(", "))
    }
}
