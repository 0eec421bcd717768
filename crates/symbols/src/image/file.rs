//! An image all of whose bytes are here.

use std::sync::Arc;

use farsight_types::Rva;

use super::elf::{self, HeaderError};
use super::relocatable::Filled;
use super::{Image, ImageError, ImageKind, ImageLayout};
use crate::bytes::{ImageBytes, SharedBytes};

/// A whole ELF file (or the vdso, which is a whole ELF file in memory).
#[derive(Debug, Clone)]
pub struct ImageFile {
    bytes: SharedBytes,
    layout: ImageLayout,
    /// Of a relocatable object.
    filled: Option<Arc<Filled>>,
}

impl ImageFile {
    /// Reads the headers; the bytes are kept, not copied.
    pub fn parse(bytes: Arc<dyn ImageBytes>) -> Result<ImageFile, ImageError> {
        let bytes = SharedBytes::whole(bytes);
        let headers = elf::headers(&bytes).map_err(|error| match error {
            HeaderError::Bad(error) => error,
            HeaderError::NotFetched(_) => ImageError::Damaged { what: "headers" },
        })?;
        let layout = elf::layout(headers, &bytes);
        let is_relocatable = layout.kind == ImageKind::Relocatable;
        let filled = is_relocatable.then(|| Arc::new(Filled::new(&layout, bytes.len())));
        Ok(ImageFile { bytes, layout, filled })
    }

    /// A section's bytes as the file has them, uncompressed.
    fn section_as_written(&self, index: usize) -> Option<SharedBytes> {
        let section = self.layout.sections.get(index)?;
        let range = elf::raw_range(section)?;
        elf::uncompressed(section, self.bytes.part(range.offset, range.length)?)
    }

    /// All the file's bytes, as for [`crc_matches`](crate::crc_matches).
    pub fn bytes(&self) -> &SharedBytes {
        &self.bytes
    }
}

impl Image for ImageFile {
    fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        let bytes = self.section_as_written(index)?;
        Some(match &self.filled {
            None => bytes,
            Some(filled) => filled.section(&self.layout, index, bytes, &|other| self.section_as_written(other)),
        })
    }

    fn has_section_bytes(&self, index: usize) -> bool {
        let range = self.layout.sections.get(index).and_then(elf::raw_range);
        range.is_some_and(|range| range.length > 0 && self.bytes.part(range.offset, range.length).is_some())
    }

    fn bytes_at(&self, rva: Rva, length: usize) -> SharedBytes {
        if self.filled.is_some() {
            let found = self.layout.section_at(rva).and_then(|(index, section)| {
                let bytes = self.section_bytes(index)?;
                let inside = rva.0.checked_sub(section.address.0)?;
                let left = (bytes.len() as u64).checked_sub(inside)?;
                bytes.part(inside, left.min(length as u64))
            });
            return found.unwrap_or_default();
        }
        let found = self.layout.segment_at(rva).and_then(|segment| {
            let inside = rva.0.checked_sub(segment.address.0)?;
            let offset = segment.file_offset.checked_add(inside)?;
            let in_segment = segment.file_size.checked_sub(inside)?;
            let in_file = (self.bytes.len() as u64).checked_sub(offset)?;
            let length = (length as u64).min(in_segment).min(in_file);
            self.bytes.part(offset, length)
        });
        found.unwrap_or_default()
    }
}
