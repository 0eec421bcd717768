//! Type units of split files: listed when the first of a file is asked for, by their signatures.
//!
//! Their numbers follow those of the module's own units: each skeleton's file has as many as there is room for, and
//! behind all of them come those of the package.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gimli::{
    Abbreviations, DebugInfoOffset, DebugTypesOffset, Dwarf, DwarfPackage, IndexSectionId, Section as _, UnitHeader,
};

use super::super::outline::Outline;
use super::super::reader::{Slice, root};
use super::super::units::{Known, Tables, UnitStart, signature};
use super::super::{DebugError, UnitId};

/// Most type units of all files of a module that are known at once.
const MOST_UNITS: u64 = 1 << 21;
/// Most bytes of all files of a module that are copied from several sections into one.
const MOST_COPIED: u64 = 1 << 29;

/// How the numbers of units are shared out.
#[derive(Clone, Copy, Default)]
pub(super) struct Numbers {
    /// How many units the module has itself.
    own: u32,
}

impl Numbers {
    pub(super) fn new(own: usize) -> Numbers {
        Numbers {
            own: u32::try_from(own).unwrap_or(u32::MAX),
        }
    }

    /// The number that stands for the package among the files.
    pub(super) fn package(self) -> u32 {
        self.own
    }

    /// How many units a file may have.
    fn each(self) -> u32 {
        (u32::MAX - self.own) / self.own.saturating_add(1)
    }

    fn first(self, file: u32) -> u32 {
        self.own.saturating_add(file.saturating_mul(self.each()))
    }

    fn id(self, file: u32, at: usize) -> Option<UnitId> {
        let at = u32::try_from(at).ok().filter(|at| *at < self.each())?;
        Some(UnitId(self.first(file).checked_add(at)?))
    }

    /// The numbers of a file's units, where it has so many.
    pub(super) fn of(self, file: u32, count: usize) -> Range<u32> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(self.each());
        self.first(file)..self.first(file).saturating_add(count)
    }

    /// The file of a type unit, and its place in the file's list.
    pub(super) fn place(self, id: UnitId) -> Option<(u32, usize)> {
        let behind = id.0.checked_sub(self.own)?;
        let (file, at) = (behind.checked_div(self.each())?, behind.checked_rem(self.each())?);
        Some((file, usize::try_from(at).ok()?))
    }
}

/// The type units of one file, or of the package.
pub(super) struct TypeUnits {
    /// Invariant: by signature, of which each is there once.
    list: Box<[TypeUnit]>,
    tables: Tables,
}

struct TypeUnit {
    signature: u64,
    /// From the unit's start.
    type_offset: u32,
    /// The table of its abbreviations.
    table: u32,
    start: UnitStart,
    /// Its row in the package's list.
    row: u32,
    outline: OnceLock<Box<Outline>>,
}

/// What may still be kept of all files together: any number of hostile skeletons could name the same file.
pub(super) struct Left {
    units: AtomicU64,
    bytes: AtomicU64,
}

impl Default for Left {
    fn default() -> Left {
        Left {
            units: AtomicU64::new(MOST_UNITS),
            bytes: AtomicU64::new(MOST_COPIED),
        }
    }
}

impl Left {
    /// Whether one more type unit may be listed.
    fn take_unit(&self) -> bool {
        take(&self.units, 1)
    }

    /// Whether so many bytes may be copied.
    pub(super) fn take_bytes(&self, count: u64) -> bool {
        take(&self.bytes, count)
    }
}

fn take(left: &AtomicU64, count: u64) -> bool {
    let less = |left: u64| left.checked_sub(count);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
}

/// A type unit, as readers need it.
pub(in crate::debug) struct Opened<'a> {
    pub(in crate::debug) dwarf: Dwarf<Slice<'a>>,
    pub(in crate::debug) header: UnitHeader<Slice<'a>>,
    pub(in crate::debug) abbreviations: Arc<Abbreviations>,
}

/// Puts a list together.
#[derive(Default)]
struct Builder {
    list: Vec<TypeUnit>,
    tables: Tables,
    known: Known,
}

impl Builder {
    /// `table` is where the offsets of its tables begin in their section.
    fn add(&mut self, header: &UnitHeader<Slice<'_>>, row: u32, table: usize) {
        let start = match (header.debug_info_offset(), header.debug_types_offset()) {
            (Some(offset), _) => UnitStart::Info(offset.0),
            (None, Some(offset)) => UnitStart::Types(offset.0),
            (None, None) => return,
        };
        let Some((signature, type_offset)) = signature(header) else {
            return;
        };
        let table = table.saturating_add(header.debug_abbrev_offset().0);
        let table = self.tables.of_unit(&mut self.known, table);
        if let (Ok(type_offset), Ok(table)) = (u32::try_from(type_offset), u32::try_from(table)) {
            self.list.push(TypeUnit {
                signature: signature.0,
                type_offset,
                table,
                start,
                row,
                outline: OnceLock::new(),
            });
        }
    }

    fn finish(mut self, section: usize) -> TypeUnits {
        self.list.sort_by_key(|unit| unit.signature);
        self.list.dedup_by_key(|unit| unit.signature);
        self.tables.end(self.known, section);
        TypeUnits {
            list: self.list.into_boxed_slice(),
            tables: self.tables,
        }
    }
}

impl TypeUnits {
    /// Those of a file, up to the first that is damaged.
    pub(super) fn of_file(dwarf: &Dwarf<Slice<'_>>, left: &Left) -> TypeUnits {
        let mut builder = Builder::default();
        let mut info = dwarf.units();
        while let Ok(Some(header)) = info.next() {
            if signature(&header).is_some() && !left.take_unit() {
                break;
            }
            builder.add(&header, 0, 0);
        }
        let mut types = dwarf.type_units();
        while let Ok(Some(header)) = types.next() {
            if !left.take_unit() {
                break;
            }
            builder.add(&header, 0, 0);
        }
        builder.finish(dwarf.debug_abbrev.reader().slice().len())
    }

    /// Those of a package, but for damaged ones.
    pub(super) fn of_package(package: &DwarfPackage<Slice<'_>>, parent: &Dwarf<Slice<'_>>, left: &Left) -> TypeUnits {
        let mut builder = Builder::default();
        for row in 1..=package.tu_index.unit_count() {
            let Ok(sections) = package.tu_index.sections(row) else {
                continue;
            };
            let table = sections.filter(|section| section.section == IndexSectionId::DebugAbbrev);
            let table = table.last().map_or(0, |section| section.offset as usize);
            let Ok(dwarf) = package.tu_sections(row, parent) else {
                continue;
            };
            let info = dwarf.units().next().ok().flatten();
            let Some(header) = info.or_else(|| dwarf.type_units().next().ok().flatten()) else {
                continue;
            };
            if !left.take_unit() {
                break;
            }
            builder.add(&header, row, table);
        }
        builder.finish(package.debug_abbrev.reader().slice().len())
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Where the type of a signature is: the unit's place in the list, and the offset in it.
    pub(super) fn find(&self, numbers: Numbers, file: u32, signature: u64) -> Option<(UnitId, u64)> {
        let at = self.list.binary_search_by_key(&signature, |unit| unit.signature).ok()?;
        let unit = self.list.get(at)?;
        Some((numbers.id(file, at)?, u64::from(unit.type_offset)))
    }

    pub(super) fn signature(&self, at: usize) -> Option<u64> {
        self.list.get(at).map(|unit| unit.signature)
    }

    pub(super) fn outline(&self, at: usize) -> Option<&OnceLock<Box<Outline>>> {
        self.list.get(at).map(|unit| &unit.outline)
    }

    /// The unit at a place of the list, of a file with these sections.
    pub(super) fn in_file<'a>(&self, at: usize, dwarf: Dwarf<Slice<'a>>) -> Result<Opened<'a>, DebugError> {
        let section = dwarf.debug_abbrev.reader().slice();
        self.open(at, dwarf, section)
    }

    /// The unit at a place of the list, of this package.
    pub(super) fn in_package<'a>(
        &self,
        at: usize,
        package: &DwarfPackage<Slice<'a>>,
        parent: &Dwarf<Slice<'a>>,
    ) -> Result<Opened<'a>, DebugError> {
        let unit = self.list.get(at).ok_or(DebugError::Reference)?;
        let dwarf = package.tu_sections(unit.row, parent)?;
        self.open(at, dwarf, package.debug_abbrev.reader().slice())
    }

    fn open<'a>(&self, at: usize, dwarf: Dwarf<Slice<'a>>, section: &[u8]) -> Result<Opened<'a>, DebugError> {
        let unit = self.list.get(at).ok_or(DebugError::Reference)?;
        let header = match unit.start {
            UnitStart::Info(offset) => dwarf.unit_header(DebugInfoOffset(offset))?,
            UnitStart::Types(offset) => root::type_unit_header(&dwarf, DebugTypesOffset(offset))?,
        };
        let table = usize::try_from(unit.table).map_err(|_| DebugError::Reference)?;
        Ok(Opened {
            abbreviations: self.tables.parsed(table, section)?,
            header,
            dwarf,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_type_unit_leads_back_to_its_file() {
        for own in [0, 1, 7, 100_000, 1 << 22, u32::MAX - 1, u32::MAX] {
            let numbers = Numbers { own };
            let each = numbers.each();
            for file in [0, own / 2, own] {
                for at in [0, 1, each / 2, each.saturating_sub(1), each] {
                    let id = numbers.id(file, at as usize);
                    assert_eq!(id.is_some(), at < each, "{own} {file} {at}");
                    let back = id.and_then(|id| numbers.place(id));
                    assert_eq!(back, id.map(|_| (file, at as usize)), "{own} {file} {at}");
                    assert!(id.is_none_or(|id| id.0 >= own), "{own} {file} {at}");
                }
                assert_eq!(numbers.of(file, usize::MAX).len(), each as usize);
            }
            assert_eq!(numbers.place(UnitId(own.saturating_sub(1))).is_some(), own == 0);
        }
    }

    #[test]
    fn what_is_kept_of_all_files_has_a_bound() {
        let left = Left::default();
        assert!(left.take_bytes(MOST_COPIED) && !left.take_bytes(1));
        assert!((0..MOST_UNITS).all(|_| left.take_unit()) && !left.take_unit());
    }
}
