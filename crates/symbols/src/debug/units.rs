//! The list of a module's units, and which unit's code holds a place.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use farsight_types::Rva;
use gimli::{
    Abbreviations, DebugAbbrevOffset, DebugInfoOffset, DebugTypeSignature, DebugTypesOffset, Section as _, UnitHeader,
    UnitType,
};

use super::reader::shapes;
use super::sections::DebugFile;
use super::{DebugError, DebugReader, Slice, UnitId};

/// Most units of one module; a hostile section could hold more empty ones than memory.
const MOST_UNITS: usize = 1 << 22;
/// How many times the length of their section overlapping abbreviation tables may take.
const MOST_OVERLAPS: u64 = 16;

/// Where a unit's header lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum UnitStart {
    Info(usize),
    Types(usize),
}

/// One unit of the list.
pub(super) struct UnitEntry {
    /// Which of the module's files.
    pub(super) file: usize,
    pub(super) start: UnitStart,
    /// One past its last byte.
    pub(super) end: usize,
    /// Only type units and units of supplementary files have no code.
    pub(super) has_code: bool,
    /// Index into the list of abbreviation tables, which units may share.
    abbreviations: usize,
}

/// All units of a module, of each file in the order of its sections.
pub(super) struct Units {
    list: Vec<UnitEntry>,
    abbreviations: Vec<Table>,
    signatures: HashMap<u64, (UnitId, u64)>,
    /// Bytes of abbreviation tables that may still be read although they are parts of other tables.
    overlaps_left: AtomicU64,
    pub(super) trouble: Option<DebugError>,
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

impl Units {
    pub(super) fn list(files: &[DebugFile]) -> Units {
        let mut units = Units {
            list: Vec::new(),
            abbreviations: Vec::new(),
            signatures: HashMap::new(),
            overlaps_left: AtomicU64::new(0),
            trouble: None,
        };
        for file in 0..files.len() {
            if let Err(error) = units.add_file(files, file) {
                units.trouble.get_or_insert(error);
            }
        }
        units
    }

    fn add_file(&mut self, files: &[DebugFile], file: usize) -> Result<(), DebugError> {
        let Some(dwarf) = files.get(file).map(DebugFile::borrow) else {
            return Ok(());
        };
        let mut tables: HashMap<DebugAbbrevOffset, usize> = HashMap::new();
        let mut table = |units: &mut Units, offset| {
            let number = *tables.entry(offset).or_insert_with(|| {
                units.abbreviations.push(Table {
                    bytes: offset.0..usize::MAX,
                    ..Table::default()
                });
                units.abbreviations.len() - 1
            });
            if let Some(table) = units.abbreviations.get_mut(number) {
                table.units = table.units.saturating_add(1);
            }
            number
        };
        let mut take = |units: &mut Units, header: UnitHeader<Slice<'_>>| {
            let start = match (header.debug_info_offset(), header.debug_types_offset()) {
                (Some(offset), _) => UnitStart::Info(offset.0),
                (None, Some(offset)) => UnitStart::Types(offset.0),
                (None, None) => return Ok(()),
            };
            let (UnitStart::Info(offset) | UnitStart::Types(offset)) = start;
            let signature = match header.type_() {
                UnitType::Type {
                    type_signature,
                    type_offset,
                }
                | UnitType::SplitType {
                    type_signature,
                    type_offset,
                } => Some((type_signature, type_offset.0)),
                _ => None,
            };
            let abbreviations = table(units, header.debug_abbrev_offset());
            let entry = UnitEntry {
                file,
                start,
                end: offset.saturating_add(header.length_including_self()),
                has_code: file == 0 && signature.is_none(),
                abbreviations,
            };
            units.add(entry, signature)
        };
        let mut each = || {
            let mut info = dwarf.units();
            while let Some(header) = info.next()? {
                take(self, header)?;
            }
            let mut types = dwarf.type_units();
            while let Some(header) = types.next()? {
                take(self, header)?;
            }
            Ok(())
        };
        let listed = each();
        let section = dwarf.debug_abbrev.reader().slice().len();
        self.end_tables(tables.into_values().collect(), section);
        listed
    }

    /// Says of each table of a file where the next one begins.
    fn end_tables(&mut self, mut tables: Vec<usize>, section: usize) {
        let start = |units: &Units, table: usize| units.abbreviations.get(table).map_or(0, |table| table.bytes.start);
        tables.sort_unstable_by_key(|table| start(self, *table));
        let mut end = section;
        for table in tables.into_iter().rev() {
            if let Some(table) = self.abbreviations.get_mut(table) {
                table.bytes.end = end;
                end = table.bytes.start;
            }
        }
        let overlaps = (section as u64).saturating_mul(MOST_OVERLAPS);
        *self.overlaps_left.get_mut() = self.overlaps_left.get_mut().saturating_add(overlaps);
    }

    fn add(&mut self, entry: UnitEntry, signature: Option<(DebugTypeSignature, usize)>) -> Result<(), DebugError> {
        let id = u32::try_from(self.list.len()).map(UnitId);
        let (Ok(id), true) = (id, self.list.len() < MOST_UNITS) else {
            return Err(DebugError::Reference);
        };
        if let Some((signature, offset)) = signature {
            self.signatures.entry(signature.0).or_insert((id, offset as u64));
        }
        self.list.push(entry);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, id: UnitId) -> Option<&UnitEntry> {
        self.list.get(usize::try_from(id.0).ok()?)
    }

    /// The table that a unit's entries are shaped by, parsed once for all the units that share it, and
    /// each time for a unit that has one of its own.
    pub(super) fn abbreviations(&self, entry: &UnitEntry, section: &[u8]) -> Result<Arc<Abbreviations>, DebugError> {
        let table = self
            .abbreviations
            .get(entry.abbreviations)
            .ok_or(DebugError::Reference)?;
        if table.units == 1 {
            return self.parse_table(table, section).map(Arc::new);
        }
        let parsed = table
            .parsed
            .get_or_init(|| self.parse_table(table, section).ok().map(Arc::new));
        parsed
            .clone()
            .ok_or(DebugError::Damaged(gimli::Error::AbbreviationTagZero))
    }

    /// Compilers write one table behind the other. Units of a hostile file could each name another place of one long
    /// table, so what reaches into the next table is only read as far as its allowance goes.
    fn parse_table(&self, table: &Table, section: &[u8]) -> Result<Abbreviations, DebugError> {
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

    /// The unit of a file that holds a place of a section.
    pub(super) fn holding(&self, file: usize, place: UnitStart) -> Option<UnitId> {
        let index = self
            .list
            .partition_point(|entry| (entry.file, entry.start) <= (file, place))
            .checked_sub(1)?;
        let entry = self.list.get(index).filter(|entry| entry.file == file)?;
        let inside = match (entry.start, place) {
            (UnitStart::Info(_), UnitStart::Info(place)) | (UnitStart::Types(_), UnitStart::Types(place)) => {
                place < entry.end
            }
            _ => false,
        };
        if !inside {
            return None;
        }
        u32::try_from(index).ok().map(UnitId)
    }

    /// The type of this signature: its unit and the offset in it.
    pub(super) fn by_signature(&self, signature: u64) -> Option<(UnitId, u64)> {
        self.signatures.get(&signature).copied()
    }
}

impl UnitStart {
    pub(super) fn info(self) -> Option<DebugInfoOffset> {
        match self {
            UnitStart::Info(offset) => Some(DebugInfoOffset(offset)),
            UnitStart::Types(_) => None,
        }
    }

    pub(super) fn types(self) -> Option<DebugTypesOffset> {
        match self {
            UnitStart::Info(_) => None,
            UnitStart::Types(offset) => Some(DebugTypesOffset(offset)),
        }
    }
}

/// Which unit's code lies where.
pub(super) struct Places {
    /// Invariant: by start; of several with one start the longest first.
    ranges: Vec<(u64, u64, UnitId)>,
    /// The furthest end of any range up to and including each.
    furthest: Vec<u64>,
}

/// How many ranges are looked back over for one that holds a place; only hostile units overlap more.
const MAX_LOOK_BACK: usize = 256;

impl Places {
    pub(super) fn new(reader: &DebugReader<'_>) -> Places {
        let mut ranges = Vec::new();
        // Hostile units could all name one long list.
        let left = Cell::new(reader.ranges_allowance().saturating_mul(4));
        for id in (0..reader.info().unit_count()).map(UnitId) {
            if let Ok(found) = reader.unit_ranges(id, &left) {
                ranges.extend(found.into_iter().map(|range| (range.start.0, range.end.0, id)));
            }
        }
        ranges.sort_unstable_by_key(|&(start, end, id)| (start, std::cmp::Reverse(end), id));
        let furthest = ranges
            .iter()
            .scan(0, |furthest, &(_, end, _)| {
                *furthest = end.max(*furthest);
                Some(*furthest)
            })
            .collect();
        Places { ranges, furthest }
    }

    /// All code, as few ranges as there are gaps of at least `gap` bytes.
    pub(super) fn merged(&self, gap: u64) -> Vec<std::ops::Range<Rva>> {
        let mut merged: Vec<std::ops::Range<Rva>> = Vec::new();
        for &(start, end, _) in &self.ranges {
            match merged.last_mut() {
                Some(last) if start.saturating_sub(last.end.0) < gap => last.end = last.end.max(Rva(end)),
                _ => merged.push(Rva(start)..Rva(end)),
            }
        }
        merged
    }

    pub(super) fn at(&self, rva: Rva) -> Option<UnitId> {
        let end = self.ranges.partition_point(|&(start, _, _)| start <= rva.0);
        for index in (0..end).rev().take(MAX_LOOK_BACK) {
            if *self.furthest.get(index)? <= rva.0 {
                return None;
            }
            let &(_, end, id) = self.ranges.get(index)?;
            if rva.0 < end {
                return Some(id);
            }
        }
        None
    }
}
