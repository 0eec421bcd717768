//! An image all of whose bytes are here.

use std::sync::Arc;

use farsight_types::Rva;

use super::{Image, ImageError, ImageLayout, elf};
use crate::bytes::{ImageBytes, SharedBytes};

/// A whole ELF file (or the vdso, which is a whole ELF file in memory).
#[derive(Debug, Clone)]
pub struct ImageFile {
    bytes: SharedBytes,
    layout: ImageLayout,
}

impl ImageFile {
    /// Reads the headers; the bytes are kept, not copied.
    pub fn parse(bytes: Arc<dyn ImageBytes>) -> Result<ImageFile, ImageError> {
        let bytes = SharedBytes::whole(bytes);
        let layout = elf::layout(&bytes)?;
        Ok(ImageFile { bytes, layout })
    }
}

impl Image for ImageFile {
    fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        let _ = index;
        None
    }

    fn bytes_at(&self, rva: Rva, length: usize) -> SharedBytes {
        let _ = (rva, length, &self.bytes);
        SharedBytes::default()
    }
}
