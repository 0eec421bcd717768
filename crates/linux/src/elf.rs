//! The little of ELF that a process server must know: where an image's segments and sections are, its build-id and its
//! debug link. Symbols are the host's business. Reads through a closure, so that a file and memory serve alike; hostile
//! numbers give less knowledge, never a panic or a large allocation.

use farsight_types::BuildId;

/// Reads bytes at an offset; short where they end.
pub(crate) type ReadAt<'a> = &'a dyn Fn(u64, usize) -> Vec<u8>;

const MOST_SEGMENTS: u64 = 512;
const MOST_SECTIONS: u64 = 65_536;
const MOST_NAMES: u64 = 1 << 20;
const MOST_NOTES: u64 = 64 << 10;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const SHT_NOTE: u32 = 7;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 2;
const NT_GNU_BUILD_ID: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
}

impl Segment {
    pub(crate) fn is_load(&self) -> bool {
        self.kind == PT_LOAD
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

impl Section {
    pub(crate) fn is_loaded(&self) -> bool {
        self.flags & SHF_ALLOC != 0 && self.kind != SHT_NOBITS
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elf {
    pub(crate) entry: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) sections: Vec<Section>,
    pub(crate) build_id: Option<BuildId>,
    pub(crate) debug_link: Option<(String, u32)>,
}

impl Elf {
    /// Reads headers; none for what is no 64-bit little-endian ELF image.
    pub(crate) fn read(read_at: ReadAt<'_>) -> Option<Elf> {
        let header = read_at(0, 64);
        if header.len() < 64 || !header.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let mut elf = Elf {
            entry: word64(&header, 24)?,
            ..Elf::default()
        };
        elf.read_segments(read_at, &header);
        elf.read_sections(read_at, &header);
        elf.build_id = elf.find_build_id(read_at);
        elf.debug_link = elf.find_debug_link(read_at);
        Some(elf)
    }

    /// Link-time address of the first byte, and bytes from there to the end of the last segment, both page by page.
    pub(crate) fn extent(&self) -> Option<(u64, u64)> {
        const PAGE: u64 = 4096;
        let loads = || self.segments.iter().filter(|segment| segment.is_load());
        let start = loads().map(|segment| segment.address & !(PAGE - 1)).min()?;
        let end = loads()
            .map(|segment| segment.address.saturating_add(segment.memory_size))
            .max()?;
        let size = end.checked_sub(start)?.checked_add(PAGE - 1)? & !(PAGE - 1);
        Some((start, size))
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn read_segments(&mut self, read_at: ReadAt<'_>, header: &[u8]) -> Option<()> {
        let (offset, size, count) = (word64(header, 32)?, word16(header, 54)?, word16(header, 56)?);
        let count = u64::from(count).min(MOST_SEGMENTS);
        let table = read_at(offset, (count * u64::from(size)) as usize);
        for entry in table.chunks_exact(usize::from(size.max(1))) {
            self.segments.push(Segment {
                kind: word32(entry, 0)?,
                offset: word64(entry, 8)?,
                address: word64(entry, 16)?,
                file_size: word64(entry, 32)?,
                memory_size: word64(entry, 40)?,
            });
        }
        Some(())
    }

    fn read_sections(&mut self, read_at: ReadAt<'_>, header: &[u8]) -> Option<()> {
        let (offset, size) = (word64(header, 40)?, word16(header, 58)?);
        let (count, names) = (word16(header, 60)?, word16(header, 62)?);
        if offset == 0 || size < 64 {
            return None;
        }
        let count = u64::from(count).min(MOST_SECTIONS);
        let table = read_at(offset, (count * u64::from(size)) as usize);
        let entries: Vec<&[u8]> = table.chunks_exact(usize::from(size)).collect();
        let names = entries.get(usize::from(names))?;
        let names_size = word64(names, 32)?.min(MOST_NAMES);
        let names = read_at(word64(names, 24)?, names_size as usize);
        for entry in entries {
            self.sections.push(Section {
                name: text_at(&names, word32(entry, 0)? as usize),
                kind: word32(entry, 4)?,
                flags: word64(entry, 8)?,
                address: word64(entry, 16)?,
                offset: word64(entry, 24)?,
                size: word64(entry, 32)?,
            });
        }
        Some(())
    }

    fn find_build_id(&self, read_at: ReadAt<'_>) -> Option<BuildId> {
        let by_segment = self.segments.iter().filter(|segment| segment.kind == PT_NOTE);
        let by_section = self.sections.iter().filter(|section| section.kind == SHT_NOTE);
        by_segment
            .map(|segment| (segment.offset, segment.file_size))
            .chain(by_section.map(|section| (section.offset, section.size)))
            .find_map(|(offset, size)| build_id_note(&read_at(offset, size.min(MOST_NOTES) as usize)))
    }

    /// The section holds a name, padding to four bytes, and a checksum.
    fn find_debug_link(&self, read_at: ReadAt<'_>) -> Option<(String, u32)> {
        let section = self.section(".gnu_debuglink")?;
        let bytes = read_at(section.offset, section.size.min(4096) as usize);
        let name = text_at(&bytes, 0);
        let crc = word32(&bytes, (name.len() + 4) & !3)?;
        Some((name, crc))
    }
}

/// Looks for the build-id among notes: name size, description size, type, name, description, each padded to four.
pub(crate) fn build_id_note(notes: &[u8]) -> Option<BuildId> {
    let mut at = 0usize;
    loop {
        let (name_size, size) = (word32(notes, at)? as usize, word32(notes, at + 4)? as usize);
        let kind = word32(notes, at + 8)?;
        let name = at + 12;
        let description = name.checked_add(name_size.checked_add(3)? & !3)?;
        let bytes = notes.get(description..description.checked_add(size)?)?;
        if kind == NT_GNU_BUILD_ID && notes.get(name..name + 4) == Some(b"GNU\0") && !bytes.is_empty() {
            return Some(BuildId(bytes.to_vec()));
        }
        at = description.checked_add(size.checked_add(3)? & !3)?;
    }
}

fn text_at(bytes: &[u8], at: usize) -> String {
    let bytes = bytes.get(at..).unwrap_or_default();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

pub(crate) fn word16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_le_bytes(*word))
}

pub(crate) fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

pub(crate) fn word64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> impl Fn(u64, usize) -> Vec<u8> {
        move |offset, length| {
            let start = (offset as usize).min(bytes.len());
            bytes[start..start.saturating_add(length).min(bytes.len())].to_vec()
        }
    }

    #[test]
    fn reads_this_very_program() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let elf = Elf::read(&reader(&bytes)).unwrap();
        assert!(elf.section(".eh_frame").is_some_and(Section::is_loaded));
        assert!(elf.extent().is_some_and(|(_, size)| size > 4096));
        assert!(elf.segments.iter().any(Segment::is_load));
    }

    #[test]
    fn truncated_and_flipped_images_are_survived() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let small = &bytes[..bytes.len().min(64 << 10)];
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        for round in 0..2000 {
            let mut hostile = small.to_vec();
            for _ in 0..8 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let at = (seed % 1024) as usize;
                hostile[at] = (seed >> 32) as u8;
            }
            hostile[..6].copy_from_slice(b"\x7fELF\x02\x01");
            hostile.truncate(hostile.len() * (round % 10 + 1) / 10);
            let _ = Elf::read(&reader(&hostile));
        }
    }
}
