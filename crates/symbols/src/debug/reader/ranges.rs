//! The code of an entry, as its range list or its two ends say it.
//!
//! Any number of entries may name one long list. Compilers give each its own, so that all lists of a unit that are read
//! for one question are together no longer than their section: what reads more than that is cut short.

use std::ops::Range;

use farsight_types::Rva;
use gimli::{Dwarf, Section};

use super::{DebugError, DebugReader, Entry, Slice, Unit};

/// What a unit may read that has no range lists worth mentioning.
const LEAST: u64 = 4096;

/// How many parts of range lists may be read of these sections for one question; a part takes several bytes.
pub(super) fn allowance(dwarf: &Dwarf<Slice<'_>>) -> u64 {
    let lengths = [
        dwarf.ranges.debug_ranges().reader().slice().len(),
        dwarf.ranges.debug_rnglists().reader().slice().len(),
    ];
    lengths
        .iter()
        .map(|length| *length as u64)
        .sum::<u64>()
        .saturating_add(LEAST)
}

/// The ranges of an entry as they are written, removed ones too.
pub(crate) struct Ranges<'u, 'a> {
    unit: &'u Unit<'a>,
    written: Written<'a>,
    /// How many parts are read for nothing: one range is as much as an entry without a list has.
    free: u32,
}

enum Written<'a> {
    List(gimli::RngListIter<Slice<'a>>),
    Ends(gimli::RangeIter<Slice<'a>>),
}

impl Ranges<'_, '_> {
    pub(crate) fn next(&mut self) -> Result<Option<gimli::Range>, DebugError> {
        let list = match &mut self.written {
            Written::List(list) => list,
            Written::Ends(ends) => return Ok(ends.next()?),
        };
        // Part by part: a list may hold any number of parts that are no range.
        while let Some(part) = list.next_raw()? {
            match self.free.checked_sub(1) {
                Some(free) => self.free = free,
                None => {
                    let left = &self.unit.ranges_left;
                    left.set(left.get().checked_sub(1).ok_or(DebugError::Reference)?);
                }
            }
            if let Some(range) = list.convert_raw(part)? {
                return Ok(Some(range));
            }
        }
        Ok(None)
    }
}

impl<'a> Unit<'a> {
    /// A new question begins, which may read all range lists again.
    pub(crate) fn begin_question(&self) {
        self.ranges_left.set(allowance(&self.dwarf));
    }

    /// The code of an entry: `DW_AT_ranges`, or `DW_AT_low_pc` and `DW_AT_high_pc`. Empty and removed ones
    /// (tombstones of the linker) are left out.
    pub(crate) fn ranges_of(&self, entry: &Entry<'a>) -> Result<Vec<Range<Rva>>, DebugError> {
        let mut found = Vec::new();
        let mut ranges = self.each_range(entry)?;
        while let Some(range) = ranges.next()? {
            if self.is_code(&range) {
                found.push(Rva(range.begin)..Rva(range.end));
            }
        }
        Ok(found)
    }

    /// The ranges of an entry as they are written, removed ones too.
    pub(crate) fn each_range(&self, entry: &Entry<'a>) -> Result<Ranges<'_, 'a>, DebugError> {
        // gimli adds the two without a look at the sum, and takes the last of those that are there twice.
        let of = |name| entry.attrs().iter().filter(move |attribute| attribute.name() == name);
        let start = |attribute: &gimli::Attribute<Slice<'a>>| self.of().attr_address(attribute.value()).ok()?;
        let starts = of(gimli::DW_AT_low_pc).filter_map(start).max();
        let size = of(gimli::DW_AT_high_pc).filter_map(gimli::Attribute::udata_value).max();
        if let (Some(start), Some(size)) = (starts, size)
            && start.checked_add(size).is_none()
        {
            return Err(DebugError::Reference);
        }
        let list = match entry.attr_value(gimli::DW_AT_ranges) {
            Some(value) => self.of().attr_ranges(value)?,
            None => None,
        };
        Ok(Ranges {
            unit: self,
            written: match list {
                Some(list) => Written::List(list),
                None => Written::Ends(self.of().die_ranges(entry)?),
            },
            // A base, and a range.
            free: 2,
        })
    }

    /// Whether a range holds code: it is neither empty nor removed.
    pub(crate) fn is_code(&self, range: &gimli::Range) -> bool {
        let removed = range.begin == 0 || self.unit.header.is_tombstone_address(range.begin);
        range.begin < range.end && !removed
    }
}

impl DebugReader<'_> {
    /// How many parts of range lists may be read of the module's own file for one question.
    pub(in crate::debug) fn ranges_allowance(&self) -> u64 {
        self.dwarfs.first().map_or(0, |dwarf| allowance(dwarf))
    }
}
