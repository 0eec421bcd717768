//! The DWARF sections of one file: unpacked, and put together where no linker has done it.

use std::ops::Range;

use gimli::{Dwarf, DwarfFileType, DwarfSections, LittleEndian, Section as _, SectionId};
use object::elf as consts;

use super::DebugError;
use super::reader::Slice;
use crate::bytes::SharedBytes;
use crate::image::elf;
use crate::image::{Image, ImageKind, Section};

/// The DWARF sections of one file, uncompressed.
pub(super) struct DebugFile {
    sections: DwarfSections<SharedBytes>,
    kind: DwarfFileType,
    /// The first section that is there and cannot be used.
    pub(super) trouble: Option<DebugError>,
}

impl DebugFile {
    /// None where there is no `.debug_info`.
    pub(super) fn new(image: &dyn Image) -> Option<DebugFile> {
        DebugFile::of(image, DwarfFileType::Main, &|_| true)
    }

    /// The sections of a `.dwo` file. `may_copy` says whether so many bytes may be put together from several sections.
    pub(super) fn split(image: &dyn Image, may_copy: &dyn Fn(u64) -> bool) -> Option<DebugFile> {
        DebugFile::of(image, DwarfFileType::Dwo, may_copy)
    }

    fn of(image: &dyn Image, kind: DwarfFileType, may_copy: &dyn Fn(u64) -> bool) -> Option<DebugFile> {
        let mut trouble = None;
        // Where packed sections lie: one that serves for several would be unpacked as often.
        let mut packed: Vec<Range<u64>> = Vec::new();
        let mut load = |id: SectionId| -> Result<SharedBytes, std::convert::Infallible> {
            let name = match kind {
                DwarfFileType::Main => Some(id.name()),
                DwarfFileType::Dwo => id.dwo_name(),
            };
            Ok(match name.map(|name| apart(image, name, &mut packed, may_copy)) {
                None | Some(Ok(None)) => SharedBytes::default(),
                Some(Ok(Some(bytes))) => bytes,
                Some(Err(error)) => {
                    trouble.get_or_insert(error);
                    SharedBytes::default()
                }
            })
        };
        let Ok(sections) = DwarfSections::load(&mut load);
        let file = DebugFile {
            sections,
            kind,
            trouble,
        };
        let is_empty = file.borrow().debug_info.reader().slice().is_empty();
        (!is_empty || file.trouble.is_some()).then_some(file)
    }

    /// How long its line programs are, all together.
    pub(super) fn line_bytes(&self) -> usize {
        self.borrow().debug_line.reader().slice().len()
    }

    pub(super) fn borrow(&self) -> Dwarf<Slice<'_>> {
        let mut dwarf = self.sections.borrow(|bytes| Slice::new(bytes, LittleEndian));
        dwarf.file_type = self.kind;
        dwarf
    }
}

/// As [`section`], but refuses a packed one that shares its bytes with another.
fn apart(
    image: &dyn Image,
    name: &'static str,
    packed: &mut Vec<Range<u64>>,
    may_copy: &dyn Fn(u64) -> bool,
) -> Result<Option<SharedBytes>, DebugError> {
    let layout = image.layout();
    let index = layout.section_index(name);
    if let Some(joined) = joined(image, name, may_copy)? {
        return Ok(Some(joined));
    }
    if let Some(section) = index.and_then(|index| layout.sections.get(index))
        && section.flags & consts::SHF_COMPRESSED.0 != 0
    {
        let place = section.file_offset..section.file_offset.saturating_add(section.size);
        let shared = |other: &Range<u64>| place.start < other.end && other.start < place.end;
        if packed.iter().any(shared) {
            return Err(DebugError::Section(name));
        }
        packed.push(place);
    }
    section(image, name)
}

/// Most sections of one name, which are the units of one compiler's run.
const MOST_JOINED: usize = 1 << 16;

/// What is in several sections of one name, as a linker would put it together: before linking each type unit has one of
/// its own. None where there is one at most.
fn joined(
    image: &dyn Image,
    name: &'static str,
    may_copy: &dyn Fn(u64) -> bool,
) -> Result<Option<SharedBytes>, DebugError> {
    let layout = image.layout();
    let named = |(at, section): (usize, &Section)| (section.name == name).then_some(at);
    let all: Vec<usize> = layout.sections.iter().enumerate().filter_map(named).collect();
    if all.len() < 2 || layout.kind != ImageKind::Relocatable {
        return Ok(None);
    }
    let mut places: Vec<Range<u64>> = all
        .iter()
        .filter_map(|at| layout.sections.get(*at))
        .map(|section| section.file_offset..section.file_offset.saturating_add(section.size))
        .collect();
    places.sort_unstable_by_key(|place| place.start);
    let overlap = places.windows(2).any(|pair| match pair {
        [one, next] => next.start < one.end,
        _ => false,
    });
    // Any number of sections could name the same bytes.
    if overlap || all.len() > MOST_JOINED {
        return Err(DebugError::Section(name));
    }
    let mut whole = Vec::new();
    for at in all {
        let Some(bytes) = image.section_bytes(at) else {
            if image.has_section_bytes(at) {
                return Err(DebugError::Section(name));
            }
            continue;
        };
        if !may_copy(bytes.len() as u64) {
            return Err(DebugError::Section(name));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(Some(SharedBytes::from(whole)))
}

/// A section's bytes as DWARF readers want them; none where the file has no such section.
pub(super) fn section(image: &dyn Image, name: &'static str) -> Result<Option<SharedBytes>, DebugError> {
    let layout = image.layout();
    if let Some(index) = layout.section_index(name) {
        let Some(bytes) = image.section_bytes(index) else {
            // A section that did not come along, or that only its header is left of, is none.
            return match image.has_section_bytes(index) {
                true => Err(DebugError::Section(name)),
                false => Ok(None),
            };
        };
        return Ok(Some(bytes));
    }
    // As it was before the header of a section could say it: `.zdebug_info`.
    let old = layout
        .sections
        .iter()
        .position(|section| section.name.strip_prefix(".z") == name.strip_prefix('.'));
    let Some(raw) = old.and_then(|index| image.section_bytes(index)) else {
        return Ok(None);
    };
    elf::unpacked_old(&raw).map(Some).ok_or(DebugError::Section(name))
}
