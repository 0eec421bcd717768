//! The dynamic section, and the sections that can be told from it and the program headers where an image has no section
//! table.

use farsight_types::Rva;
use object::elf;

use super::elf::{Headers, SHF_ALLOC, Source, text_at, u32_at, u64_at};
use super::{FileRange, Section};

/// A symbol's size in a symbol table.
const SYMBOL_SIZE: u64 = 24;
/// No real dynamic section is longer.
const MAX_ENTRIES: usize = 4096;

/// The entries of `PT_DYNAMIC`: tag and value.
#[derive(Debug, Default)]
pub(super) struct Dynamic {
    entries: Vec<(u64, u64)>,
}

impl Dynamic {
    pub(super) fn read(headers: &Headers, source: &dyn Source) -> Dynamic {
        let bytes = headers
            .programs
            .iter()
            .find(|header| header.kind == elf::PT_DYNAMIC.0)
            .and_then(|header| source.fetch(header.file_range()).ok())
            .unwrap_or_default();
        let entries = bytes
            .chunks_exact(16)
            .map(|entry| (u64_at(entry, 0).unwrap_or(0), u64_at(entry, 8).unwrap_or(0)))
            .take_while(|(tag, _)| *tag != 0)
            .take(MAX_ENTRIES)
            .collect();
        Dynamic { entries }
    }

    fn value(&self, tag: elf::DynamicTag) -> Option<u64> {
        let entry = self.entries.iter().find(|(known, _)| *known == tag.0 as u64)?;
        Some(entry.1)
    }

    pub(super) fn is_pie(&self) -> bool {
        self.value(elf::DT_FLAGS_1)
            .is_some_and(|flags| flags & elf::DF_1_PIE.0 != 0)
    }

    pub(super) fn has_soname(&self) -> bool {
        self.value(elf::DT_SONAME).is_some()
    }

    pub(super) fn soname(&self, headers: &Headers, source: &dyn Source) -> Option<String> {
        let names = self.strings(headers, source)?;
        let at = usize::try_from(self.value(elf::DT_SONAME)?).ok()?;
        Some(text_at(&names, at)?.to_owned())
    }

    fn strings(&self, headers: &Headers, source: &dyn Source) -> Option<crate::SharedBytes> {
        let offset = file_offset(headers, self.value(elf::DT_STRTAB)?)?;
        let length = self.value(elf::DT_STRSZ)?;
        source.fetch(FileRange { offset, length }).ok()
    }

    /// The sections that symbols and unwinding need, as far as the loader's own tables tell. Index 0 is the null
    /// section; symbols whose section index means nothing here still have their addresses.
    pub(super) fn sections(&self, headers: &Headers, source: &dyn Source) -> Vec<Section> {
        let mut sections = vec![made("", elf::SHT_NULL.0, Rva(0), 0, 0)];
        if let Some([header, frames]) = frame_sections(headers, source) {
            sections.extend([header, frames]);
        }
        if let Some([symbols, names]) = self.symbol_sections(headers, source) {
            let link = sections.len() as u32 + 1;
            sections.extend([Section { link, ..symbols }, names]);
        }
        sections
    }

    fn symbol_sections(&self, headers: &Headers, source: &dyn Source) -> Option<[Section; 2]> {
        let symbols = self.value(elf::DT_SYMTAB)?;
        let names = self.value(elf::DT_STRTAB)?;
        let size = self.symbol_count(headers, source)?.checked_mul(SYMBOL_SIZE)?;
        let offset = file_offset(headers, symbols)?;
        let names_offset = file_offset(headers, names)?;
        let names_size = self.value(elf::DT_STRSZ)?;
        Some([
            made(".dynsym", elf::SHT_DYNSYM.0, Rva(symbols), offset, size),
            made(".dynstr", elf::SHT_STRTAB.0, Rva(names), names_offset, names_size),
        ])
    }

    /// The old hash table says how many symbols there are; without it, linkers put the names right behind them.
    fn symbol_count(&self, headers: &Headers, source: &dyn Source) -> Option<u64> {
        let chains = self.value(elf::DT_HASH).and_then(|address| {
            let offset = file_offset(headers, address)?;
            let head = source.fetch(FileRange { offset, length: 8 }).ok()?;
            u32_at(&head, 4)
        });
        let (symbols, names) = (self.value(elf::DT_SYMTAB)?, self.value(elf::DT_STRTAB)?);
        match chains {
            Some(count) => Some(u64::from(count)),
            None => Some(names.checked_sub(symbols)? / SYMBOL_SIZE),
        }
    }
}

/// `.eh_frame_hdr` from its segment, and `.eh_frame` from what it points to up to the end of that segment.
fn frame_sections(headers: &Headers, source: &dyn Source) -> Option<[Section; 2]> {
    let program = headers
        .programs
        .iter()
        .find(|header| header.kind == elf::PT_GNU_EH_FRAME.0)?;
    let bytes = source.fetch(program.file_range()).ok()?;
    // version 0, encodings 1-3; 0x1b is a signed 32-bit distance from the field itself.
    let relative = match bytes.get(..4)? {
        [1, 0x1b, _, _] => u32_at(&bytes, 4)? as i32,
        _ => return None,
    };
    let frames = program.address.wrapping_add(4).wrapping_add_signed(i64::from(relative));
    let load = headers.programs.iter().find(|header| {
        header.kind == elf::PT_LOAD.0
            && frames
                .checked_sub(header.address)
                .is_some_and(|distance| distance < header.file_size)
    })?;
    let inside = frames.checked_sub(load.address)?;
    let offset = load.offset.checked_add(inside)?;
    Some([
        made(
            ".eh_frame_hdr",
            elf::SHT_PROGBITS.0,
            Rva(program.address),
            program.offset,
            program.file_size,
        ),
        made(
            ".eh_frame",
            elf::SHT_PROGBITS.0,
            Rva(frames),
            offset,
            load.file_size - inside,
        ),
    ])
}

fn made(name: &str, kind: u32, address: Rva, file_offset: u64, size: u64) -> Section {
    Section {
        name: name.to_owned(),
        address,
        size,
        kind,
        flags: SHF_ALLOC,
        file_offset,
        link: 0,
        info: 0,
    }
}

/// Where the file keeps a loaded address.
fn file_offset(headers: &Headers, address: u64) -> Option<u64> {
    headers
        .programs
        .iter()
        .filter(|header| header.kind == elf::PT_LOAD.0)
        .find_map(|header| {
            let inside = address.checked_sub(header.address)?;
            (inside < header.file_size).then(|| header.offset.checked_add(inside))?
        })
}

/// Where the bytes that [`Dynamic::soname`] needs lie, as far as the program headers tell.
pub(super) fn dynamic_range(headers: &Headers) -> Option<FileRange> {
    let header = headers
        .programs
        .iter()
        .find(|header| header.kind == elf::PT_DYNAMIC.0)?;
    Some(header.file_range())
}
