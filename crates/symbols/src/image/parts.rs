//! An image of which only some pieces are here: the ones that symbols and unwinding need, fetched from another machine.

use farsight_types::Rva;

use super::{Image, ImageError, ImageLayout};
use crate::bytes::SharedBytes;

/// Bytes of a file: what [`PartsReader`] wants fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRange {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// How many; fewer may be supplied where the file ends.
    pub length: u64,
}

/// The layout of an image and the bytes of those of its sections that matter here: `.dynsym`, `.dynstr`, `.symtab`,
/// `.strtab`, `.eh_frame`, `.eh_frame_hdr`, `.debug_frame`, `.plt*`, `.rela.plt`, `.rela.dyn`.
#[derive(Debug, Clone)]
pub struct ImageParts {
    layout: ImageLayout,
    parts: Vec<Option<SharedBytes>>,
}

impl ImageParts {
    /// An image from a layout and some of its sections' bytes: (section index, uncompressed bytes).
    pub fn new(layout: ImageLayout, sections: Vec<(usize, SharedBytes)>) -> ImageParts {
        let mut parts = vec![None; layout.sections.len()];
        for (index, bytes) in sections {
            if let Some(part) = parts.get_mut(index) {
                *part = Some(bytes);
            }
        }
        ImageParts { layout, parts }
    }
}

impl Image for ImageParts {
    fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        self.parts.get(index).cloned().flatten()
    }

    fn bytes_at(&self, rva: Rva, length: usize) -> SharedBytes {
        let _ = (rva, length);
        SharedBytes::default()
    }
}

/// What a [`PartsReader`] wants next.
#[derive(Debug)]
pub enum PartsStep {
    /// Fetch these (one batch, one round trip), [`PartsReader::supply`] each, and ask again.
    Need(Vec<FileRange>),
    /// All that matters is here.
    Done(Box<ImageParts>),
}

/// Fetches an image's useful pieces from a file elsewhere, in two batches where the file's size is known (three where
/// not): headers, then sections. Knows no wire: it says what it needs and is given it.
#[derive(Debug)]
pub struct PartsReader {
    supplied: Vec<(FileRange, SharedBytes)>,
}

impl PartsReader {
    /// A reader of a file of this size in bytes, where it is known.
    pub fn new(file_size: Option<u64>) -> PartsReader {
        let _ = file_size;
        PartsReader { supplied: Vec::new() }
    }

    /// Gives bytes that were asked for; `bytes` may be short where the file ended.
    pub fn supply(&mut self, range: FileRange, bytes: Vec<u8>) {
        self.supplied.push((range, SharedBytes::from(bytes)));
    }

    /// What is wanted now, or the finished parts. A file that cannot be read far enough is an error, so this never asks
    /// for the same range twice.
    pub fn step(&mut self) -> Result<PartsStep, ImageError> {
        Err(ImageError::NotElf)
    }
}
