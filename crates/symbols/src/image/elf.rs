//! ELF headers, section tables and notes over bytes that may lie.
//!
//! Offsets in the comments are those of the ELF-64 structures (System V gABI, chapters 4 and 5), little-endian.

use farsight_types::{BuildId, Rva};
use object::elf;

use super::{DebugAltLink, DebugLink, FileRange, ImageError, ImageKind, ImageLayout, Section, Segment};
use crate::bytes::SharedBytes;

pub(super) const SHF_ALLOC: u64 = elf::SHF_ALLOC.0;
pub(super) const SHF_TLS: u64 = elf::SHF_TLS.0;

/// Sizes of the structures, which no ELF-64 file may vary.
const HEADER_SIZE: u64 = 64;
const PROGRAM_HEADER_SIZE: u64 = 56;
const SECTION_HEADER_SIZE: u64 = 64;

/// No real image has more sections; a liar's table is not read further.
const MAX_SECTIONS: u64 = 1 << 17;
/// Longer than any path, and than the names of template libraries.
const MAX_TEXT: usize = 16 << 10;
/// Longest identity of a build in bytes; linkers write 8 to 32, and it is shown and made a file's name.
const MAX_BUILD_ID: usize = 64;
/// What a page is to the loader.
pub(super) const PAGE: u64 = 4096;
/// Compressed sections that claim to be larger than this are left alone.
const MAX_UNCOMPRESSED: u64 = 4 << 30;
/// What any compressed section may claim.
const SMALL_ENOUGH: u64 = 64 << 20;

/// Where bytes of the file come from: all of them, or those that were fetched so far.
pub(super) trait Source {
    fn fetch(&self, range: FileRange) -> Result<SharedBytes, Gap>;
}

/// Why a source has no such bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// They were never asked for.
    NotFetched(FileRange),
    /// The file ends before them.
    PastEnd,
}

impl Source for SharedBytes {
    fn fetch(&self, range: FileRange) -> Result<SharedBytes, Gap> {
        self.part(range.offset, range.length).ok_or(Gap::PastEnd)
    }
}

/// Why the headers could not be read.
#[derive(Debug)]
pub(super) enum HeaderError {
    /// They are not all here.
    NotFetched(FileRange),
    /// They are no good.
    Bad(ImageError),
}

impl From<ImageError> for HeaderError {
    fn from(error: ImageError) -> HeaderError {
        HeaderError::Bad(error)
    }
}

/// What the tables in an ELF file say, before any section's bytes are looked at.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    pub(super) kind: u16,
    pub(super) entry: u64,
    pub(super) programs: Vec<ProgramHeader>,
    pub(super) sections: Vec<Section>,
    /// What the address of each section has to be a multiple of.
    pub(super) alignments: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ProgramHeader {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) file_size: u64,
    pub(super) memory_size: u64,
    pub(super) align: u64,
}

impl ProgramHeader {
    pub(super) fn file_range(&self) -> FileRange {
        FileRange {
            offset: self.offset,
            length: self.file_size,
        }
    }
}

/// Little-endian numbers at offsets that may lie outside.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The text from `at` to the next NUL; none where the text is not UTF-8 or is longer than any name or path is. (Without
/// that limit, a table of names that share one huge tail would cost the product of both.)
pub(crate) fn text_at(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    let rest = &rest[..rest.len().min(MAX_TEXT)];
    let end = memchr::memchr(0, rest)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// Reads the ELF header and both tables.
pub(super) fn headers(source: &dyn Source) -> Result<Headers, HeaderError> {
    let read = |offset, length, what| match source.fetch(FileRange { offset, length }) {
        Ok(bytes) => Ok(bytes),
        Err(Gap::NotFetched(range)) => Err(HeaderError::NotFetched(range)),
        Err(Gap::PastEnd) => Err(HeaderError::Bad(ImageError::Damaged { what })),
    };
    let header = match read(0, HEADER_SIZE, "header") {
        Err(HeaderError::Bad(_)) => return Err(ImageError::NotElf.into()),
        other => other?,
    };
    check_identity(&header)?;
    let short = |at| u64::from(u16_at(&header, at).unwrap_or(0));
    let long = |at| u64_at(&header, at).unwrap_or(0);
    // e_entry 24, e_phoff 32, e_shoff 40, e_phentsize 54, e_phnum 56, e_shentsize 58, e_shnum 60, e_shstrndx 62
    let (program_offset, section_offset) = (long(32), long(40));
    let mut program_count = short(56);
    let mut section_count = short(60);
    let mut names_index = short(62);

    if section_offset != 0 {
        if short(58) != SECTION_HEADER_SIZE {
            return Err(ImageError::Damaged {
                what: "section header size",
            }
            .into());
        }
        // Counts too large for the header's fields are kept in the null section.
        let null = read(section_offset, SECTION_HEADER_SIZE, "section headers")?;
        if section_count == 0 {
            section_count = u64_at(&null, 32).unwrap_or(0);
        }
        if names_index == u64::from(elf::SHN_XINDEX.0) {
            names_index = u64::from(u32_at(&null, 40).unwrap_or(0));
        }
        if program_count == u64::from(elf::PN_XNUM) {
            program_count = u64::from(u32_at(&null, 44).unwrap_or(0));
        }
    } else {
        section_count = 0;
    }
    if program_count > 0 && short(54) != PROGRAM_HEADER_SIZE {
        return Err(ImageError::Damaged {
            what: "program header size",
        }
        .into());
    }
    if section_count > MAX_SECTIONS || program_count > MAX_SECTIONS {
        return Err(ImageError::Damaged { what: "header counts" }.into());
    }
    let programs = read(program_offset, program_count * PROGRAM_HEADER_SIZE, "program headers")?;
    let table = read(section_offset, section_count * SECTION_HEADER_SIZE, "section headers")?;
    let names = names_range(&table, names_index);
    let names = match names {
        Some(FileRange { offset, length }) => read(offset, length, "section names")?,
        None => SharedBytes::default(),
    };
    Ok(Headers {
        kind: u16_at(&header, 16).unwrap_or(0),
        entry: long(24),
        programs: programs
            .chunks_exact(PROGRAM_HEADER_SIZE as usize)
            .map(program_header)
            .collect(),
        sections: table
            .chunks_exact(SECTION_HEADER_SIZE as usize)
            .map(|bytes| section(bytes, &names))
            .collect(),
        // sh_addralign
        alignments: table
            .chunks_exact(SECTION_HEADER_SIZE as usize)
            .map(|bytes| u64_at(bytes, 48).unwrap_or(0))
            .collect(),
    })
}

fn check_identity(header: &[u8]) -> Result<(), ImageError> {
    if header.get(..4) != Some(&elf::ELFMAG[..]) {
        return Err(ImageError::NotElf);
    }
    if header.get(4) != Some(&elf::ELFCLASS64.0) {
        return Err(ImageError::UnsupportedClass { what: "32-bit" });
    }
    if header.get(5) != Some(&elf::ELFDATA2LSB.0) {
        return Err(ImageError::UnsupportedClass { what: "big-endian" });
    }
    match u16_at(header, 18).unwrap_or(0) {
        machine if machine == elf::EM_X86_64.0 => Ok(()),
        machine => Err(ImageError::UnsupportedMachine { machine }),
    }
}

/// p_type 0, p_flags 4, p_offset 8, p_vaddr 16, p_filesz 32, p_memsz 40, p_align 48.
fn program_header(bytes: &[u8]) -> ProgramHeader {
    let word = |at| u32_at(bytes, at).unwrap_or(0);
    let long = |at| u64_at(bytes, at).unwrap_or(0);
    ProgramHeader {
        kind: word(0),
        flags: word(4),
        offset: long(8),
        address: long(16),
        file_size: long(32),
        memory_size: long(40),
        align: long(48),
    }
}

/// sh_name 0, sh_type 4, sh_flags 8, sh_addr 16, sh_offset 24, sh_size 32, sh_link 40, sh_info 44.
fn section(bytes: &[u8], names: &[u8]) -> Section {
    let word = |at| u32_at(bytes, at).unwrap_or(0);
    let long = |at| u64_at(bytes, at).unwrap_or(0);
    Section {
        name: text_at(names, word(0) as usize).unwrap_or_default().to_owned(),
        kind: word(4),
        flags: long(8),
        address: Rva(long(16)),
        file_offset: long(24),
        size: long(32),
        link: word(40),
        info: word(44),
    }
}

fn names_range(table: &[u8], index: u64) -> Option<FileRange> {
    let start = usize::try_from(index.checked_mul(SECTION_HEADER_SIZE)?).ok()?;
    let header = table.get(start..)?;
    Some(FileRange {
        offset: u64_at(header, 24)?,
        length: u64_at(header, 32)?,
    })
}

/// A section's bytes in the file as they are there; none where the file keeps none.
pub(super) fn raw_range(section: &Section) -> Option<FileRange> {
    (section.kind != elf::SHT_NOBITS.0 && section.kind != elf::SHT_NULL.0).then_some(FileRange {
        offset: section.file_offset,
        length: section.size,
    })
}

/// A section's bytes from those in the file, uncompressed where its flags say so (`Elf64_Chdr`: ch_type 0, ch_size 8,
/// 24 bytes in all).
pub(super) fn uncompressed(section: &Section, raw: SharedBytes) -> Option<SharedBytes> {
    if section.flags & elf::SHF_COMPRESSED.0 == 0 {
        return Some(raw);
    }
    let format = match elf::CompressionType(u32_at(&raw, 0)?) {
        elf::ELFCOMPRESS_ZLIB => object::CompressionFormat::Zlib,
        elf::ELFCOMPRESS_ZSTD => object::CompressionFormat::Zstandard,
        _ => return None,
    };
    unpacked(format, raw.get(24..)?, u64_at(&raw, 8)?)
}

/// A section as it was compressed before its flags could say so (`.zdebug_info`): "ZLIB", the size in eight bytes, most
/// significant first, then the packed bytes.
pub(crate) fn unpacked_old(raw: &[u8]) -> Option<SharedBytes> {
    let size = raw.strip_prefix(b"ZLIB").and_then(|rest| u64_at(rest, 0))?;
    unpacked(object::CompressionFormat::Zlib, raw.get(12..)?, size.swap_bytes())
}

fn unpacked(format: object::CompressionFormat, data: &[u8], uncompressed_size: u64) -> Option<SharedBytes> {
    // A liar must not make us allocate: what is worth a section is not packed as well as this.
    let plausible = (data.len() as u64).saturating_mul(256).max(SMALL_ENOUGH);
    if uncompressed_size > plausible.min(MAX_UNCOMPRESSED) {
        return None;
    }
    let compressed = object::CompressedData {
        format,
        data,
        uncompressed_size,
    };
    Some(SharedBytes::from(compressed.decompress().ok()?.into_owned()))
}

/// Turns the tables into a layout, with whatever the notes and the dynamic section add.
pub(super) fn layout(headers: Headers, source: &dyn Source) -> ImageLayout {
    let loads = || headers.programs.iter().filter(|header| header.kind == elf::PT_LOAD.0);
    let mut segments: Vec<Segment> = loads().map(segment).collect();
    let dynamic = super::dynamic::Dynamic::read(&headers, source);
    let mut sections = match headers.sections.is_empty() {
        true => dynamic.sections(&headers, source),
        false => headers.sections.clone(),
    };
    if headers.kind == elf::ET_REL.0 && segments.is_empty() {
        segments = super::relocatable::lay_out(&mut sections, &headers.alignments);
    }
    let lowest = segments.iter().map(|segment| segment.address.0).min().unwrap_or(0);
    let link_base = lowest & !(PAGE - 1);
    let ends = segments
        .iter()
        .map(|segment| segment.address.0.saturating_add(segment.memory_size));
    let end = ends.max().unwrap_or(0);
    let bytes_of = |name: &str| {
        let section = headers.sections.iter().find(|section| section.name == name)?;
        uncompressed(section, source.fetch(raw_range(section)?).ok()?)
    };
    let supplement = || bytes_of(".debug_sup").and_then(|bytes| supplement(&bytes));
    ImageLayout {
        kind: kind(&headers, &dynamic),
        entry: (headers.entry != 0).then_some(Rva(headers.entry)),
        link_base: Rva(link_base),
        size: end.saturating_sub(link_base),
        segments,
        build_id: build_id(&headers, source).or_else(|| match supplement()? {
            Supplement::Is(build_id) => Some(build_id),
            Supplement::Has(_) => None,
        }),
        debug_link: bytes_of(".gnu_debuglink").and_then(|bytes| debug_link(&bytes)),
        debug_alt_link: bytes_of(".gnu_debugaltlink")
            .and_then(|bytes| debug_alt_link(&bytes))
            .or_else(|| match supplement()? {
                Supplement::Has(link) => Some(link),
                Supplement::Is(_) => None,
            }),
        soname: dynamic.soname(&headers, source),
        sections,
    }
}

fn segment(header: &ProgramHeader) -> Segment {
    let has = |flag: elf::ProgramFlags| header.flags & flag.0 != 0;
    Segment {
        address: Rva(header.address),
        memory_size: header.memory_size,
        file_offset: header.offset,
        file_size: header.file_size.min(header.memory_size),
        readable: has(elf::PF_R),
        writable: has(elf::PF_W),
        executable: has(elf::PF_X),
    }
}

fn kind(headers: &Headers, dynamic: &super::dynamic::Dynamic) -> ImageKind {
    let has_interpreter = headers.programs.iter().any(|header| header.kind == elf::PT_INTERP.0);
    match elf::FileType(headers.kind) {
        elf::ET_REL => ImageKind::Relocatable,
        elf::ET_CORE => ImageKind::Core,
        elf::ET_EXEC => ImageKind::Executable,
        // The C library has an interpreter so that it can be run; its name tells it from a program.
        _ if dynamic.is_pie() || (has_interpreter && !dynamic.has_soname()) => ImageKind::PositionIndependentExecutable,
        _ => ImageKind::SharedObject,
    }
}

/// Where notes lie: the segments of the loader, then (for debug files, whose segments are empty) the sections.
pub(super) fn note_ranges(headers: &Headers) -> Vec<(FileRange, u64)> {
    let programs = headers.programs.iter().filter(|header| header.kind == elf::PT_NOTE.0);
    let sections = headers
        .sections
        .iter()
        .filter(|section| section.kind == elf::SHT_NOTE.0);
    let aligned = |section: &Section| match section.name.as_str() {
        ".note.gnu.property" => 8,
        _ => 4,
    };
    programs
        .map(|header| (header.file_range(), header.align))
        .chain(sections.filter_map(|section| Some((raw_range(section)?, aligned(section)))))
        .collect()
}

fn build_id(headers: &Headers, source: &dyn Source) -> Option<BuildId> {
    note_ranges(headers).into_iter().find_map(|(range, align)| {
        let bytes = source.fetch(range).ok()?;
        build_id_in(&bytes, if align == 8 { 8 } else { 4 })
    })
}

/// Notes: namesz 0, descsz 4, type 8, then the name and the description, each padded.
fn build_id_in(mut notes: &[u8], align: usize) -> Option<BuildId> {
    loop {
        let (name_size, size) = (u32_at(notes, 0)? as usize, u32_at(notes, 4)? as usize);
        let name_end = 12usize.checked_add(name_size)?;
        let start = name_end.checked_next_multiple_of(align)?;
        let end = start.checked_add(size)?;
        let is_build_id = u32_at(notes, 8)? == elf::NT_GNU_BUILD_ID.0;
        if is_build_id && notes.get(12..name_end)? == b"GNU\0" && (1..=MAX_BUILD_ID).contains(&size) {
            return Some(BuildId(notes.get(start..end)?.to_vec()));
        }
        notes = notes.get(end.checked_next_multiple_of(align)?..)?;
    }
}

/// A name, padded to four bytes, and a CRC.
fn debug_link(bytes: &[u8]) -> Option<DebugLink> {
    let name = text_at(bytes, 0)?;
    let crc = u32_at(bytes, (name.len() + 1).next_multiple_of(4))?;
    // The name is joined to directories; anything but a bare file name could lead anywhere.
    let is_bare = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    is_bare.then(|| DebugLink {
        name: name.to_owned(),
        crc,
    })
}

/// A path, then a build-id up to the end.
fn debug_alt_link(bytes: &[u8]) -> Option<DebugAltLink> {
    let path = text_at(bytes, 0)?;
    let build_id = bytes.get(path.len() + 1..)?;
    Some(DebugAltLink {
        path: path.to_owned(),
        build_id: BuildId(build_id.to_vec()),
    })
}

/// What DWARF 5 says of shared debug information.
enum Supplement {
    /// This is the shared file, of this identity.
    Is(BuildId),
    /// There is such a file.
    Has(DebugAltLink),
}

/// `.debug_sup` (DWARF 5, 7.3.6): the version 0, whether this is the shared file 2, its name 3, then the length of its
/// checksum, as LEB128, and the checksum.
fn supplement(bytes: &[u8]) -> Option<Supplement> {
    const VERSION: u16 = 5;
    if u16_at(bytes, 0)? != VERSION {
        return None;
    }
    let is_shared = *bytes.get(2)? == 1;
    let path = text_at(bytes, 3)?;
    let (length, sum) = bytes.get(3 + path.len() + 1..)?.split_first()?;
    // A longer one would take more bytes to say so.
    let length = usize::from(*length);
    if !(1..=MAX_BUILD_ID).contains(&length) {
        return None;
    }
    let build_id = BuildId(sum.get(..length)?.to_vec());
    Some(match is_shared {
        true => Supplement::Is(build_id),
        false => Supplement::Has(DebugAltLink {
            path: path.to_owned(),
            build_id,
        }),
    })
}
