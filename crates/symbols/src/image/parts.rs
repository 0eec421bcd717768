//! An image of which only some pieces are here: the ones that symbols and unwinding need, fetched from another machine.

use farsight_types::Rva;
use object::elf as consts;

use super::elf::{self, Gap, HeaderError, Headers, Source};
use super::{Image, ImageError, ImageLayout, Section, dynamic};
use crate::bytes::SharedBytes;

/// Bytes of a file: what [`PartsReader`] wants fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRange {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// How many; fewer may be supplied where the file ends.
    pub length: u64,
}

impl FileRange {
    fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
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
        let found = self.layout.section_at(rva).and_then(|(index, section)| {
            let bytes = self.parts.get(index)?.as_ref()?;
            let inside = rva.0.checked_sub(section.address.0)?;
            let left = (bytes.len() as u64).checked_sub(inside)?;
            bytes.part(inside, left.min(length as u64))
        });
        found.unwrap_or_default()
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

/// How much of the file's start is asked for at first: headers, notes and often the dynamic tables lie there.
const HEAD: u64 = 4096;
/// How much of its end: the section table and its names lie there.
const TAIL: u64 = 16 << 10;
/// What is asked for before a section table, where its names usually lie.
const NAMES_GUESS: u64 = 4096;
/// A section that claims to be larger is not fetched.
const MAX_PART: u64 = 512 << 20;

/// Fetches an image's useful pieces from a file elsewhere: headers, then sections. Knows no wire: it says what it needs
/// and is given it.
///
/// Two batches where the file's size is known and its section names lie at its end, where GNU ld puts them; one more
/// where they lie elsewhere (lld), and one more where the size is not known.
#[derive(Debug)]
pub struct PartsReader {
    file_size: Option<u64>,
    debug: bool,
    supplied: Supplied,
    headers: Option<Headers>,
    asked: Vec<FileRange>,
}

/// The pieces so far, each with the range it was asked by.
#[derive(Debug, Default)]
struct Supplied(Vec<(FileRange, SharedBytes)>);

impl Source for Supplied {
    fn fetch(&self, range: FileRange) -> Result<SharedBytes, Gap> {
        if range.length == 0 {
            return Ok(SharedBytes::default());
        }
        for (asked, bytes) in &self.0 {
            let Some(inside) = range.offset.checked_sub(asked.offset) else {
                continue;
            };
            if let Some(part) = bytes.part(inside, range.length) {
                return Ok(part);
            }
            let came_short = (bytes.len() as u64) < asked.length;
            if came_short && inside < asked.length {
                return Err(Gap::PastEnd);
            }
        }
        Err(Gap::NotFetched(range))
    }
}

impl PartsReader {
    /// A reader of a file of this size in bytes, where it is known.
    pub fn new(file_size: Option<u64>) -> PartsReader {
        PartsReader {
            file_size,
            debug: false,
            supplied: Supplied::default(),
            headers: None,
            asked: Vec::new(),
        }
    }

    /// A reader that wants the debug information too; what that may come to is for the caller to limit.
    pub fn with_debug(file_size: Option<u64>) -> PartsReader {
        PartsReader {
            debug: true,
            ..PartsReader::new(file_size)
        }
    }

    /// Gives bytes that were asked for; `bytes` may be short where the file ended.
    pub fn supply(&mut self, range: FileRange, bytes: Vec<u8>) {
        self.supplied.0.push((range, SharedBytes::from(bytes)));
    }

    /// What is wanted now, or the finished parts. A file that cannot be read far enough is an error, so this never asks
    /// for the same range twice.
    pub fn step(&mut self) -> Result<PartsStep, ImageError> {
        if self.asked.is_empty() {
            return self.need(self.first_ranges());
        }
        let headers = match &self.headers {
            Some(headers) => headers.clone(),
            None => match elf::headers(&self.supplied) {
                Ok(headers) => {
                    self.headers = Some(headers.clone());
                    let wanted = self.wanted(&headers);
                    if !wanted.is_empty() {
                        return self.need(wanted);
                    }
                    headers
                }
                Err(HeaderError::Bad(error)) => return Err(error),
                Err(HeaderError::NotFetched(range)) => return self.need_header(range),
            },
        };
        Ok(PartsStep::Done(Box::new(self.finish(headers))))
    }

    fn first_ranges(&self) -> Vec<FileRange> {
        let whole = |length| vec![FileRange { offset: 0, length }];
        match self.file_size {
            Some(size) if size <= HEAD + TAIL => whole(size.max(1)),
            Some(size) => vec![
                FileRange {
                    offset: 0,
                    length: HEAD,
                },
                FileRange {
                    offset: size - TAIL,
                    length: TAIL,
                },
            ],
            None => whole(HEAD),
        }
    }

    /// A piece of the tables is missing: asks for it, and for what usually lies before it.
    fn need_header(&mut self, range: FileRange) -> Result<PartsStep, ImageError> {
        if range.length > MAX_PART || self.file_size.is_some_and(|size| range.end() > size) {
            return Err(ImageError::Damaged {
                what: "section headers",
            });
        }
        let before = range.offset.min(NAMES_GUESS);
        self.need(vec![FileRange {
            offset: range.offset - before,
            length: before.saturating_add(range.length).saturating_add(TAIL),
        }])
    }

    fn need(&mut self, ranges: Vec<FileRange>) -> Result<PartsStep, ImageError> {
        if ranges.iter().all(|range| self.asked.contains(range)) {
            return Err(ImageError::Damaged {
                what: "headers (the file could not be read)",
            });
        }
        self.asked.extend(&ranges);
        Ok(PartsStep::Need(ranges))
    }

    /// Everything that matters and is not here yet.
    fn wanted(&self, headers: &Headers) -> Vec<FileRange> {
        let sections = headers
            .sections
            .iter()
            .filter(|section| self.wants(section))
            .filter_map(elf::raw_range);
        let notes = elf::note_ranges(headers).into_iter().map(|(range, _)| range);
        let mut ranges: Vec<FileRange> = sections
            .chain(notes)
            .chain(dynamic::dynamic_range(headers))
            .filter(|range| range.length > 0 && range.length <= MAX_PART)
            .filter(|range| self.file_size.is_none_or(|size| range.end() <= size))
            .filter(|range| matches!(self.supplied.fetch(*range), Err(Gap::NotFetched(_))))
            .collect();
        ranges.sort_unstable();
        // Sections and the segments that hold them overlap; a range inside its predecessor comes with it.
        let mut end = 0;
        ranges.retain(|range| {
            let is_new = range.end() > end;
            end = end.max(range.end());
            is_new
        });
        ranges
    }

    fn wants(&self, section: &Section) -> bool {
        let debug = [".debug_", ".zdebug_", ".gnu_debugdata"];
        let is_debug = debug.iter().any(|beginning| section.name.starts_with(beginning));
        matters(&section.name, section.kind) || (self.debug && is_debug)
    }

    fn finish(&self, headers: Headers) -> ImageParts {
        let layout = elf::layout(headers, &self.supplied);
        let sections = layout
            .sections
            .iter()
            .enumerate()
            .filter(|(_, section)| self.wants(section))
            .filter_map(|(index, section)| {
                let raw = self.supplied.fetch(elf::raw_range(section)?).ok()?;
                Some((index, elf::uncompressed(section, raw)?))
            })
            .collect();
        ImageParts::new(layout, sections)
    }
}

fn matters(name: &str, kind: u32) -> bool {
    let by_kind = [consts::SHT_SYMTAB.0, consts::SHT_DYNSYM.0, consts::SHT_NOTE.0];
    by_kind.contains(&kind)
        || matches!(
            name,
            ".strtab"
                | ".dynstr"
                | ".symtab_shndx"
                | ".eh_frame"
                | ".eh_frame_hdr"
                | ".debug_frame"
                | ".rela.plt"
                | ".rela.dyn"
                | ".dynamic"
                | ".gnu_debuglink"
                | ".gnu_debugaltlink"
        )
        || name == ".plt"
        || name.starts_with(".plt.")
        || name == ".iplt"
}
