//! The abbreviation tables of a section, as its units name them: parsed when asked for, with a bound on what overlaps.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gimli::Abbreviations;

use super::super::reader::shapes;
use super::DebugError;

/// How many times the length of their section overlapping abbreviation tables may take.
const MOST_OVERLAPS: u64 = 16;

/// All tables of a module's units.
#[derive(Default)]
pub(in crate::debug) struct Tables {
    list: Vec<Table>,
    /// Bytes of tables that may still be read although they are parts of other tables.
    overlaps_left: AtomicU64,
}

/// A table of abbreviations.
#[derive(Default)]
struct Table {
    units: u32,
    /// From where it begins in its section to where the next one does.
    bytes: Range<usize>,
    /// Kept where several units share it: those of units with tables of their own would take more memory than all
    /// names together.
    parsed: OnceLock<Option<Arc<Abbreviations>>>,
}

/// The tables of one section while its units are listed, by where they begin.
#[derive(Default)]
pub(in crate::debug) struct Known(HashMap<usize, usize>);

impl Tables {
    /// The number of the table at an offset of the section, for one more unit.
    pub(in crate::debug) fn of_unit(&mut self, known: &mut Known, offset: usize) -> usize {
        let number = *known.0.entry(offset).or_insert_with(|| {
            self.list.push(Table {
                bytes: offset..usize::MAX,
                ..Table::default()
            });
            self.list.len() - 1
        });
        if let Some(table) = self.list.get_mut(number) {
            table.units = table.units.saturating_add(1);
        }
        number
    }

    /// Says of each table of a section, which is that long, where the next one begins.
    pub(in crate::debug) fn end(&mut self, known: Known, section: usize) {
        let mut numbers: Vec<usize> = known.0.into_values().collect();
        numbers.sort_unstable_by_key(|table| self.list.get(*table).map_or(0, |table| table.bytes.start));
        let mut end = section;
        for table in numbers.into_iter().rev() {
            if let Some(table) = self.list.get_mut(table) {
                table.bytes.end = end;
                end = table.bytes.start;
            }
        }
        let overlaps = (section as u64).saturating_mul(MOST_OVERLAPS);
        *self.overlaps_left.get_mut() = self.overlaps_left.get_mut().saturating_add(overlaps);
    }

    /// A table, parsed once for all the units that share it, and each time for a unit that has one of its own.
    pub(in crate::debug) fn parsed(&self, number: usize, section: &[u8]) -> Result<Arc<Abbreviations>, DebugError> {
        let table = self.list.get(number).ok_or(DebugError::Reference)?;
        if table.units == 1 {
            return self.parse(table, section).map(Arc::new);
        }
        let parsed = table
            .parsed
            .get_or_init(|| self.parse(table, section).ok().map(Arc::new));
        parsed
            .clone()
            .ok_or(DebugError::Damaged(gimli::Error::AbbreviationTagZero))
    }

    /// Compilers write one table behind the other. Units of a hostile file could each name another place of one long
    /// table, so what reaches into the next table is only read as far as its allowance goes.
    fn parse(&self, table: &Table, section: &[u8]) -> Result<Abbreviations, DebugError> {
        let own = section.get(table.bytes.clone()).unwrap_or_default();
        if let Some(parsed) = shapes::table(own, table.bytes.end == section.len()) {
            return parsed;
        }
        let rest = section.get(table.bytes.start..).ok_or(DebugError::Reference)?;
        let take = |left: u64| left.checked_sub(rest.len() as u64);
        let taken = self
            .overlaps_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map_err(|_| DebugError::Reference)?;
        shapes::table(rest, true).unwrap_or(Err(DebugError::Reference))
    }
}
