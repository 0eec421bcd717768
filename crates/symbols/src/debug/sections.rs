//! The DWARF sections of one file.

use std::convert::Infallible;

use gimli::{Dwarf, DwarfFileType, DwarfSections, LittleEndian, Section as _, SectionId};

use super::reader::Slice;
use crate::bytes::SharedBytes;
use crate::image::Image;

/// The DWARF sections of one file, uncompressed.
pub(super) struct DebugFile {
    sections: DwarfSections<SharedBytes>,
    kind: DwarfFileType,
}

impl DebugFile {
    /// None where there is no `.debug_info`.
    pub(super) fn new(image: &dyn Image) -> Option<DebugFile> {
        let section = |id: SectionId| image.section_named(id.name()).unwrap_or_default();
        if section(SectionId::DebugInfo).is_empty() {
            return None;
        }
        let Ok(sections) = DwarfSections::load(|id| Ok::<_, Infallible>(section(id)));
        Some(DebugFile {
            sections,
            kind: DwarfFileType::Main,
        })
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
