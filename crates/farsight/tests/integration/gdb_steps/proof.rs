//! What the line table itself says of a step that only one debugger made, read with nothing of farsight's between. Read
//! [`Proof`] first.

use std::collections::HashMap;
use std::ops::Range;

use super::walks::Difference;
use crate::gdb_values::proof::{LineRow, Testimony, Unit, Witness, origin_anywhere};
use crate::gdb_values::stops::plain;

/// Why farsight is right to stop there, or not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The rows of the line there begin no statement.
    NoStatement,
    /// A row of the line begins a statement there.
    Statement,
    /// Another line's row follows the line's at the same address: the line has no code there.
    NoCode,
    /// A function begins there, and behind it a statement of another line: farsight goes past the function's own line.
    FirstOfFunction,
    /// The row before it, those of inlined code and of no line apart, has the same line: it was not left.
    SameLine,
    /// It is in an inlined call of the function, which steps over calls go past.
    Inlined,
    /// The line is in two inlined calls of the function, one behind the other: it was not left.
    TwoInstances,
}

/// What shows that farsight is right by a proof, or what there is instead.
pub(super) fn cite(witness: &Witness, proof: Proof, difference: &Difference) -> Result<String, String> {
    witness.with(|testimony| {
        let place = difference.pc.wrapping_sub(testimony.bias);
        let unit = testimony.unit_at(place).ok_or("no unit holds the place")?;
        let rows = testimony.rows(&unit)?;
        Case {
            testimony: &testimony,
            unit: &unit,
            rows: &rows,
            place,
            difference,
        }
        .cite(proof)
    })
}

struct Case<'c, 'd> {
    testimony: &'c Testimony<'d>,
    unit: &'c Unit<'d>,
    rows: &'c [LineRow],
    place: u64,
    difference: &'c Difference,
}

/// A call that was inlined.
struct Instance {
    /// Where its entry is.
    die: u64,
    /// Where that of the function is.
    of: Option<u64>,
    code: Vec<Range<u64>>,
}

impl Case<'_, '_> {
    fn cite(&self, proof: Proof) -> Result<String, String> {
        let (place, line) = (self.place, self.difference.line.as_str());
        match proof {
            Proof::NoStatement => match self.own().any(|row| row.begins_statement) {
                false if self.covering().is_some_and(|row| row.place() == line) || self.own().next().is_some() => {
                    Ok(format!("no row `{line} {place:#x}` begins a statement"))
                }
                _ => Err(self.said()),
            },
            Proof::Statement => match self.own().any(|row| row.begins_statement) {
                true => Ok(format!("the row `{line} {place:#x}` begins a statement")),
                false => Err(self.said()),
            },
            Proof::NoCode => match (self.own().next(), self.own().all(|row| row.end == row.start)) {
                (Some(_), true) => Ok(format!("another row follows `{line} {place:#x}` at the same address")),
                _ => Err(self.said()),
            },
            Proof::FirstOfFunction => self.first_of_function(),
            Proof::SameLine => self.same_line(),
            Proof::Inlined => match self.instances_of_it().iter().find(|one| one.holds(place)) {
                Some(one) => Ok(format!("{place:#x} is in the inlined call of DIE {:#x}", one.die)),
                None => Err(format!(
                    "{place:#x} is in no inlined call of {}",
                    self.difference.function
                )),
            },
            Proof::TwoInstances => self.two_instances(),
        }
    }

    /// The rows of the difference's line that begin there.
    fn own(&self) -> impl Iterator<Item = &LineRow> {
        let here = self.rows.iter().filter(|row| row.start == self.place);
        here.filter(|row| row.place() == self.difference.line)
    }

    fn covering(&self) -> Option<&LineRow> {
        self.rows.iter().rfind(|row| (row.start..row.end).contains(&self.place))
    }

    fn said(&self) -> String {
        let here: Vec<&LineRow> = self.rows.iter().filter(|row| row.start == self.place).collect();
        format!("the rows at {:#x} are {here:?}", self.place)
    }

    fn first_of_function(&self) -> Result<String, String> {
        if !self.testimony.begins_function(self.unit, self.place) || self.own().next().is_none() {
            return Err(format!("no function begins at {:#x} with this line", self.place));
        }
        let behind = self.rows.iter().skip_while(|row| row.start != self.place);
        let mut behind = behind.filter(|row| row.start > self.place && row.begins_statement);
        match behind.find(|row| row.place() != self.difference.line) {
            Some(row) => Ok(format!(
                "`{} {:#x}` is the first of a function, and `{} {:#x}` the first statement behind it",
                self.difference.line,
                self.place,
                row.place(),
                row.start
            )),
            None => Err(self.said()),
        }
    }

    fn same_line(&self) -> Result<String, String> {
        let at = self.rows.iter().position(|row| row.start == self.place);
        let before = self.rows.get(..at.unwrap_or(0)).unwrap_or_default();
        let inlined = self.instances();
        let is_inlined = |row: &LineRow| {
            let mut instances = inlined.iter();
            instances.any(|one| one.holds(row.start) && !one.holds(self.place))
        };
        let mut before = before.iter().rev().filter(|row| row.line.is_some() && !is_inlined(row));
        match before.next() {
            Some(row) if row.place() == self.difference.line => Ok(format!(
                "between `{} {:#x}` and {:#x} are only rows of inlined code",
                row.place(),
                row.start,
                self.place
            )),
            other => Err(format!("the row before {:#x} is {other:?}", self.place)),
        }
    }

    fn two_instances(&self) -> Result<String, String> {
        let instances = self.instances_of_it();
        let here = instances.iter().find(|one| one.holds(self.place));
        let here = here.ok_or_else(|| format!("{:#x} is in no inlined call", self.place))?;
        let has_line = |one: &Instance| {
            let mut rows = self.rows.iter().filter(|row| row.place() == self.difference.line);
            rows.any(|row| one.holds(row.start))
        };
        let mut others = instances.iter().filter(|one| one.die != here.die && one.of == here.of);
        match others.find(|one| has_line(one)).filter(|_| has_line(here)) {
            Some(other) => Ok(format!(
                "rows of {} are in the inlined calls of DIE {:#x} and DIE {:#x}",
                self.difference.line, here.die, other.die
            )),
            None => Err(format!("only DIE {:#x} has rows of {}", here.die, self.difference.line)),
        }
    }

    /// The inlined calls of the difference's function.
    fn instances_of_it(&self) -> Vec<Instance> {
        let mut names: HashMap<u64, bool> = HashMap::new();
        let mut is_it = |of: u64| {
            let name = || self.testimony.name_at(of).unwrap_or_default();
            *names
                .entry(of)
                .or_insert_with(|| plain(&name()) == self.difference.function)
        };
        let mut found = self.instances();
        found.retain(|one| one.of.is_some_and(&mut is_it));
        found
    }

    fn instances(&self) -> Vec<Instance> {
        let mut found = Vec::new();
        let mut entries = self.unit.entries();
        while let Ok(Some(entry)) = entries.next_dfs() {
            if entry.tag() == gimli::DW_TAG_inlined_subroutine {
                found.push(Instance {
                    die: entry.offset().to_unit_section_offset(self.unit).0 as u64,
                    of: origin_anywhere(self.unit, entry),
                    code: self.testimony.code(self.unit, entry),
                });
            }
        }
        found
    }
}

impl Instance {
    fn holds(&self, place: u64) -> bool {
        self.code.iter().any(|range| range.contains(&place))
    }
}
