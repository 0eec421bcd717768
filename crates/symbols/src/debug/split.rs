//! Split units: what a compiler put into files of their own (`.dwo`), or a packager into one (`.dwp`).
//!
//! The image keeps a skeleton of each such unit: its code's places and lines, and the name and id of the rest. The rest
//! is looked for when it is first asked for, by [`SplitFiles`], and stays; a skeleton without it is a unit without
//! entries. Readers see one unit. Types that the compiler keeps apart ([`types`]) are units of the same file.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use gimli::{
    Abbreviations, Dwarf, DwarfPackage, DwarfPackageSections, DwoId, LittleEndian, Section as _, UnitHeader, UnitType,
};

use super::outline::Outline;
use super::reader::{Slice, shapes};
use super::sections::{self, DebugFile};
use super::{DebugError, UnitId};
use crate::bytes::SharedBytes;
use crate::image::Image;

mod types;

pub(super) use types::Opened;
use types::{Left, Numbers, TypeUnits};

/// A split unit, as its skeleton names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitUnit {
    /// The directory that the compiler ran in.
    pub directory: Option<String>,
    /// The file, often relative to that directory.
    pub name: String,
    /// What the unit in the file has to bear.
    pub id: u64,
}

/// Finds files with split units. Asked from whatever thread reads, once for each.
pub trait SplitFiles: Send + Sync {
    /// The package with all split units of the module (`.dwp`).
    fn package(&self) -> Option<Arc<dyn Image>>;

    /// The file of one unit: the first of those that may be it that `fits`.
    fn unit(&self, wanted: &SplitUnit, fits: &mut dyn FnMut(&dyn Image) -> bool);
}

/// Where a split unit was found.
pub(super) struct Found {
    home: Home,
    /// Its place in the `.debug_info` of its home.
    pub(super) start: usize,
    pub(super) abbreviations: Arc<Abbreviations>,
    /// The type units beside it, where it has a file of its own.
    types: OnceLock<TypeUnits>,
}

enum Home {
    File(Box<DebugFile>),
    Package,
}

/// Whether a skeleton's rest was found, once it was looked for.
type Slot = OnceLock<Option<Box<Found>>>;

/// The split units of a module.
#[derive(Default)]
pub(super) struct Split {
    files: Option<Box<dyn SplitFiles>>,
    package: OnceLock<Option<DwarfPackageSections<SharedBytes>>>,
    /// The package's type units.
    types: OnceLock<TypeUnits>,
    /// By the skeleton's place in the list of units.
    units: OnceLock<Box<[Slot]>>,
    numbers: Numbers,
    left: Left,
}

impl Split {
    /// For a module of so many units of its own.
    pub(super) fn new(files: Box<dyn SplitFiles>, units: usize) -> Split {
        Split {
            files: Some(files),
            numbers: Numbers::new(units),
            ..Split::default()
        }
    }

    /// The rest of a skeleton's unit, looked for at the first asking.
    pub(super) fn find(
        &self,
        id: UnitId,
        units: usize,
        wanted: &SplitUnit,
        parent: &Dwarf<Slice<'_>>,
    ) -> Option<&Found> {
        let files = self.files.as_deref()?;
        let slots = self.units.get_or_init(|| (0..units).map(|_| OnceLock::new()).collect());
        let slot = slots.get(usize::try_from(id.0).ok()?)?;
        let found = slot.get_or_init(|| {
            let packed = self.in_package(files, wanted, parent);
            packed.or_else(|| self.in_file(files, wanted)).map(Box::new)
        });
        found.as_deref()
    }

    fn in_package(&self, files: &dyn SplitFiles, wanted: &SplitUnit, parent: &Dwarf<Slice<'_>>) -> Option<Found> {
        let sections = self.package.get_or_init(|| packed(&*files.package()?));
        let package = borrow(sections.as_ref()?)?;
        let dwarf = package.find_cu(DwoId(wanted.id), parent).ok()??;
        let (start, abbreviations) = locate(&dwarf, wanted.id).ok()??;
        Some(Found {
            home: Home::Package,
            start,
            abbreviations,
            types: OnceLock::new(),
        })
    }

    fn in_file(&self, files: &dyn SplitFiles, wanted: &SplitUnit) -> Option<Found> {
        let mut found = None;
        files.unit(wanted, &mut |image| {
            let Some(file) = DebugFile::split(image, &|bytes| self.left.take_bytes(bytes)) else {
                return false;
            };
            let located = locate(&file.borrow(), wanted.id);
            let Ok(Some((start, abbreviations))) = located else {
                return false;
            };
            found = Some(Found {
                home: Home::File(Box::new(file)),
                start,
                abbreviations,
                types: OnceLock::new(),
            });
            true
        });
        found
    }

    /// The sections of a split unit, with those that stay in the image taken from there.
    pub(super) fn dwarf<'a>(
        &'a self,
        found: &'a Found,
        id: u64,
        parent: &Dwarf<Slice<'a>>,
    ) -> Result<Dwarf<Slice<'a>>, DebugError> {
        let mut dwarf = match &found.home {
            Home::File(file) => split_dwarf(file, parent),
            Home::Package => {
                let sections = self.package.get().and_then(Option::as_ref);
                let package = sections.and_then(borrow).ok_or(DebugError::Elsewhere)?;
                package.find_cu(DwoId(id), parent)?.ok_or(DebugError::Elsewhere)?
            }
        };
        // Lines stay in the image, and their texts with them.
        dwarf.debug_line = parent.debug_line;
        dwarf.debug_line_str = parent.debug_line_str;
        Ok(dwarf)
    }

    /// The type units of a file by its number, or of the package by the number behind those.
    fn types_of(&self, file: u32, parent: &Dwarf<Slice<'_>>) -> Option<&TypeUnits> {
        if file == self.numbers.package() {
            let package = borrow(self.package.get()?.as_ref()?)?;
            let list = || TypeUnits::of_package(&package, parent, &self.left);
            return Some(self.types.get_or_init(list));
        }
        let found = self.found(file)?;
        match &found.home {
            Home::Package => None,
            Home::File(home) => {
                let list = || TypeUnits::of_file(&home.borrow(), &self.left);
                Some(found.types.get_or_init(list))
            }
        }
    }

    /// What was found for a skeleton, if it was asked for.
    fn found(&self, skeleton: u32) -> Option<&Found> {
        let slot = self.units.get()?.get(usize::try_from(skeleton).ok()?)?;
        slot.get()?.as_deref()
    }

    /// The number of the file that a unit lies in, be it a split unit or a type unit.
    fn file_of(&self, unit: UnitId) -> Option<u32> {
        if let Some((file, _)) = self.numbers.place(unit) {
            return Some(file);
        }
        match &self.found(unit.0)?.home {
            Home::Package => Some(self.numbers.package()),
            Home::File(_) => Some(unit.0),
        }
    }

    /// The type of a signature, in the file that a unit lies in: its unit and the offset in that.
    pub(super) fn by_signature(
        &self,
        unit: UnitId,
        signature: u64,
        parent: &Dwarf<Slice<'_>>,
    ) -> Option<(UnitId, u64)> {
        let file = self.file_of(unit)?;
        self.types_of(file, parent)?.find(self.numbers, file, signature)
    }

    /// The type units that share a file with a skeleton's unit. Those of a package belong to none.
    pub(super) fn types_beside(&self, skeleton: UnitId, parent: &Dwarf<Slice<'_>>) -> Range<u32> {
        let types = self.types_of(skeleton.0, parent);
        types.map_or(0..0, |types| self.numbers.of(skeleton.0, types.len()))
    }

    /// The type units of the package, if it was asked for.
    pub(super) fn types_packed(&self, parent: &Dwarf<Slice<'_>>) -> Range<u32> {
        let file = self.numbers.package();
        let types = self.types_of(file, parent);
        types.map_or(0..0, |types| self.numbers.of(file, types.len()))
    }

    fn place(&self, id: UnitId, parent: &Dwarf<Slice<'_>>) -> Option<(u32, usize, &TypeUnits)> {
        let (file, at) = self.numbers.place(id)?;
        Some((file, at, self.types_of(file, parent)?))
    }

    /// What a type unit is known by.
    pub(super) fn signature(&self, id: UnitId, parent: &Dwarf<Slice<'_>>) -> Option<u64> {
        let (_, at, types) = self.place(id, parent)?;
        types.signature(at)
    }

    /// Where the outline of a type unit is kept.
    pub(super) fn outline(&self, id: UnitId, parent: &Dwarf<Slice<'_>>) -> Option<&OnceLock<Box<Outline>>> {
        let (_, at, types) = self.place(id, parent)?;
        types.outline(at)
    }

    /// A type unit's sections.
    pub(super) fn type_unit<'a>(&'a self, id: UnitId, parent: &Dwarf<Slice<'a>>) -> Result<Opened<'a>, DebugError> {
        let (file, at, types) = self.place(id, parent).ok_or(DebugError::Reference)?;
        match self.found(file).map(|found| &found.home) {
            Some(Home::File(home)) => types.in_file(at, split_dwarf(home, parent)),
            _ => {
                let sections = self.package.get().and_then(Option::as_ref);
                let package = sections.and_then(borrow).ok_or(DebugError::Elsewhere)?;
                types.in_package(at, &package, parent)
            }
        }
    }
}

fn split_dwarf<'a>(file: &'a DebugFile, parent: &Dwarf<Slice<'a>>) -> Dwarf<Slice<'a>> {
    let mut dwarf = file.borrow();
    dwarf.make_dwo(parent);
    dwarf
}

fn packed(image: &dyn Image) -> Option<DwarfPackageSections<SharedBytes>> {
    let section = |id: gimli::SectionId| {
        let bytes = id.dwo_name().map(|name| sections::section(image, name));
        Ok::<_, gimli::Error>(bytes.and_then(Result::ok).flatten().unwrap_or_default())
    };
    DwarfPackageSections::load(section).ok()
}

fn borrow(sections: &DwarfPackageSections<SharedBytes>) -> Option<DwarfPackage<Slice<'_>>> {
    let empty = Slice::new(&[], LittleEndian);
    sections.borrow(|bytes| Slice::new(bytes, LittleEndian), empty).ok()
}

/// The unit of this id: its place, and what its entries look like.
fn locate(dwarf: &Dwarf<Slice<'_>>, id: u64) -> Result<Option<(usize, Arc<Abbreviations>)>, DebugError> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let Some(start) = header.debug_info_offset() else {
            continue;
        };
        // Units that lie before it are not read for that: there may be thousands.
        if id_of(dwarf, &header)? == Some(id) {
            let table = dwarf
                .debug_abbrev
                .reader()
                .slice()
                .get(header.debug_abbrev_offset().0..);
            let abbreviations = shapes::table(table.unwrap_or_default(), true).ok_or(DebugError::Reference)??;
            return Ok(Some((start.0, Arc::new(abbreviations))));
        }
    }
    Ok(None)
}

/// The header says it, or, before DWARF 5, the root.
fn id_of(dwarf: &Dwarf<Slice<'_>>, header: &UnitHeader<Slice<'_>>) -> Result<Option<u64>, DebugError> {
    match header.type_() {
        UnitType::SplitCompilation(id) => Ok(Some(id.0)),
        UnitType::Compilation => {
            let Some(shape) = shapes::of_root(dwarf, header) else {
                return Ok(None);
            };
            let mut entries = header.entries(&shape);
            let root = entries.next_dfs()?;
            Ok(root.and_then(|root| match root.attr_value(gimli::DW_AT_GNU_dwo_id) {
                Some(gimli::AttributeValue::DwoId(id)) => Some(id.0),
                Some(gimli::AttributeValue::Udata(id)) => Some(id),
                Some(gimli::AttributeValue::Data8(id)) => Some(id),
                _ => None,
            }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
