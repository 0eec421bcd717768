//! The list of a module's units, and which unit's code holds a place.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use farsight_types::Rva;
use gimli::{Abbreviations, DebugInfoOffset, DebugTypeSignature, DebugTypesOffset, Section as _, UnitHeader, UnitType};

use super::sections::DebugFile;
use super::{DebugError, DebugReader, Slice, UnitId};

mod tables;

pub(super) use tables::{Known, Tables};

/// Most units of one module; a hostile section could hold more empty ones than memory.
const MOST_UNITS: usize = 1 << 22;

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
    tables: Tables,
    signatures: HashMap<u64, (UnitId, u64)>,
    /// Whether some unit is the skeleton of one in another file.
    has_skeletons: bool,
    pub(super) trouble: Option<DebugError>,
}

impl Units {
    pub(super) fn list(files: &[DebugFile]) -> Units {
        let mut units = Units {
            list: Vec::new(),
            tables: Tables::default(),
            signatures: HashMap::new(),
            has_skeletons: false,
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
        let mut known = Known::default();
        let mut take = |units: &mut Units, header: UnitHeader<Slice<'_>>| {
            let start = match (header.debug_info_offset(), header.debug_types_offset()) {
                (Some(offset), _) => UnitStart::Info(offset.0),
                (None, Some(offset)) => UnitStart::Types(offset.0),
                (None, None) => return Ok(()),
            };
            let (UnitStart::Info(offset) | UnitStart::Types(offset)) = start;
            let signature = signature(&header);
            units.has_skeletons |= matches!(header.type_(), UnitType::Skeleton(_));
            let abbreviations = units.tables.of_unit(&mut known, header.debug_abbrev_offset().0);
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
        self.tables.end(known, section);
        listed
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
        self.tables.parsed(entry.abbreviations, section)
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

    /// Whether types may be in other units than those that have them: in type units, or in split ones.
    pub(super) fn has_types_elsewhere(&self) -> bool {
        self.has_skeletons || !self.signatures.is_empty()
    }

    /// The type of this signature: its unit and the offset in it.
    pub(super) fn by_signature(&self, signature: u64) -> Option<(UnitId, u64)> {
        self.signatures.get(&signature).copied()
    }
}

/// What a type unit is known by, and where in it its type is.
pub(super) fn signature(header: &UnitHeader<Slice<'_>>) -> Option<(DebugTypeSignature, usize)> {
    match header.type_() {
        UnitType::Type {
            type_signature,
            type_offset,
        }
        | UnitType::SplitType {
            type_signature,
            type_offset,
        } => Some((type_signature, type_offset.0)),
        _ => None,
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
