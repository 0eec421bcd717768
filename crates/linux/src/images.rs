//! Which images a debuggee has mapped: from the dynamic linker's own list, and from the auxiliary vector for what is
//! not on it (programs without a dynamic linker, the vdso, and everything before the linker has started).

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use farsight_target::{Image, Section};
use farsight_types::{Address, FileOffset, OsPid};

use crate::elf::{self, Elf};
use crate::memory::ProcessMemory;
use crate::procfs::{self, AuxiliaryVector, Mapping};

/// Sections that symbols and unwinding at the host need.
const WANTED: [&str; 16] = [
    ".eh_frame",
    ".eh_frame_hdr",
    ".debug_frame",
    ".symtab",
    ".strtab",
    ".dynsym",
    ".dynstr",
    ".plt",
    ".plt.sec",
    ".plt.got",
    ".rela.plt",
    ".rela.dyn",
    ".text",
    ".gnu_debugdata",
    ".gnu_debugaltlink",
    ".got",
];

const MOST_IMAGES: usize = 4096;

/// Places in the dynamic linker that tell of its list (`struct r_debug` in `<link.h>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loader {
    /// The structure: version, list head at 8, break address at 16, state at 24.
    debug: Address,
    /// Called before and after each change of the list.
    pub(crate) notify: Address,
}

impl Loader {
    /// Finds the places by the dynamic linker's own symbols, before it has run a single instruction; else through the
    /// program's `DT_DEBUG` entry, which it fills in when it starts.
    pub(crate) fn find(pid: OsPid, memory: &ProcessMemory, auxv: &AuxiliaryVector) -> Option<Loader> {
        let by_symbols = || {
            let base = auxv.dynamic_linker()?;
            let mappings = procfs::mappings(pid).ok()?;
            let file = open_mapped(pid, &mappings, base)?;
            let read_at = |offset: u64, length: usize| read_file(&file, offset, length);
            let elf = Elf::read(&read_at)?;
            let bias = base.0.wrapping_sub(elf.extent()?.0);
            let at = |name: &str| dynamic_symbol(&elf, &read_at, name).map(|value| Address(bias.wrapping_add(value)));
            Some(Loader {
                debug: at("_r_debug")?,
                notify: at("_dl_debug_state")?,
            })
        };
        by_symbols().or_else(|| Loader::from_program(memory, auxv))
    }

    fn from_program(memory: &ProcessMemory, auxv: &AuxiliaryVector) -> Option<Loader> {
        const DT_DEBUG: u64 = 21;
        const PT_PHDR: u32 = 6;
        let headers = auxv.program_headers()?;
        let bytes = memory.read(headers, 64 * 56);
        let entries = || {
            bytes
                .chunks_exact(56)
                .take_while(|entry| elf::word32(entry, 0) < Some(0x7fff_ffff))
        };
        let field = |kind: u32, at: usize| {
            let entry = entries().find(|entry| elf::word32(entry, 0) == Some(kind))?;
            elf::word64(entry, at)
        };
        let bias = headers.0.wrapping_sub(field(PT_PHDR, 16)?);
        let dynamic = Address(bias.wrapping_add(field(2, 16)?));
        let table = memory.read(dynamic, 16 * 128);
        let entry = table
            .chunks_exact(16)
            .find(|entry| elf::word64(entry, 0) == Some(DT_DEBUG))?;
        let debug = Address(elf::word64(entry, 8)?);
        let notify = Address(memory.read_word(debug.checked_add(16)?)?);
        (notify.0 != 0).then_some(Loader { debug, notify })
    }

    /// Whether the list is in order and not just being changed.
    pub(crate) fn is_consistent(&self, memory: &ProcessMemory) -> bool {
        let Some(state) = self.debug.checked_add(24) else {
            return false;
        };
        memory.read(state, 4) == [0; 4] && self.head(memory).is_some()
    }

    fn head(&self, memory: &ProcessMemory) -> Option<Address> {
        memory
            .read_word(self.debug.checked_add(8)?)
            .filter(|head| *head != 0)
            .map(Address)
    }

    /// The address of each listed image's dynamic section.
    fn entries(&self, memory: &ProcessMemory) -> Vec<Address> {
        let mut entries = Vec::new();
        let mut next = self.head(memory);
        while let Some(entry) = next {
            let bytes = memory.read(entry, 40);
            let (Some(dynamic), Some(link)) = (elf::word64(&bytes, 16), elf::word64(&bytes, 24)) else {
                break;
            };
            entries.push(Address(dynamic));
            next = Some(Address(link)).filter(|link| link.0 != 0 && entries.len() < MOST_IMAGES);
        }
        entries
    }
}

/// The images of one process, kept so that unchanged ones are not read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageBook {
    images: BTreeMap<Address, Image>,
}

impl ImageBook {
    /// All images, the program first, then by address.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Image> {
        let (program, others): (Vec<&Image>, Vec<&Image>) = self.images.values().partition(|image| image.is_program);
        program.into_iter().chain(others)
    }

    /// Whether a file is that of a known image.
    pub(crate) fn knows_path(&self, path: &str) -> bool {
        self.images.values().any(|image| image.path == path)
    }

    /// Looks again. Returns images that came, and bases of those that went.
    pub(crate) fn refresh(
        &mut self,
        pid: OsPid,
        memory: &ProcessMemory,
        auxv: &AuxiliaryVector,
        loader: Option<&Loader>,
    ) -> (Vec<Image>, Vec<Address>) {
        let mappings = procfs::mappings(pid).unwrap_or_default();
        let mut places: Vec<(Address, bool)> = Vec::new();
        places.extend(auxv.program_headers().map(|place| (place, true)));
        places.extend(auxv.dynamic_linker().map(|place| (place, false)));
        places.extend(auxv.vdso().map(|place| (place, false)));
        if let Some(loader) = loader {
            places.extend(loader.entries(memory).into_iter().map(|dynamic| (dynamic, false)));
        }
        let mut now = BTreeMap::new();
        let mut loaded = Vec::new();
        for (place, is_program) in places {
            let Some(base) = base_of(pid, memory, &mappings, place) else {
                continue;
            };
            let mapping = mappings.iter().find(|mapping| mapping.range.start == base);
            let Some(mapping) = mapping.filter(|_| !now.contains_key(&base)) else {
                continue;
            };
            let known = self.images.remove(&base).filter(|known| known.path == mapping.path);
            let image = match known {
                Some(known) => known,
                None => {
                    let Some(mut image) = read_image(pid, memory, &mappings, mapping) else {
                        continue;
                    };
                    image.is_program = is_program;
                    loaded.push(image.clone());
                    image
                }
            };
            now.insert(base, image);
        }
        let unloaded = std::mem::replace(&mut self.images, now).into_keys().collect();
        (loaded, unloaded)
    }
}

/// Where an image begins, for an address somewhere in it: where its file's first byte is mapped.
fn base_of(pid: OsPid, memory: &ProcessMemory, mappings: &[Mapping], place: Address) -> Option<Address> {
    let at = mappings.iter().position(|mapping| mapping.range.contains(place))?;
    let file = mappings[at].file;
    if file == (0, 0) {
        return (mappings[at].path == "[vdso]").then_some(mappings[at].range.start);
    }
    let before = mappings[..=at].iter();
    let mut starts = before
        .filter(|mapping| mapping.file == file && mapping.offset == 0)
        .map(|mapping| mapping.range.start);
    let (first, nearest) = (starts.clone().next()?, starts.next_back()?);
    if first == nearest {
        return Some(first);
    }
    // A small file's data may lie in its first page too, which is mapped once more behind its code; or the file is
    // mapped as several images. The extent of one tells.
    let size = read_elf(pid, memory, mappings, nearest)
        .and_then(|(elf, _)| elf.extent())
        .map_or(0, |(_, size)| size);
    let reaches = |start: &Address| place.0.wrapping_sub(start.0) < size;
    Some(starts.find(reaches).unwrap_or(nearest))
}

/// The image that begins at a place, from its file or else from memory, and the file where it was read from there.
fn read_elf(pid: OsPid, memory: &ProcessMemory, mappings: &[Mapping], base: Address) -> Option<(Elf, Option<File>)> {
    if let Some(file) = open_mapped(pid, mappings, base)
        && let Some(elf) = Elf::read(&|offset, length| read_file(&file, offset, length))
    {
        return Some((elf, Some(file)));
    }
    let from_memory = |offset: u64, length: usize| {
        base.checked_add(offset)
            .map_or_else(Vec::new, |address| memory.read(address, length.min(1 << 20)))
    };
    Some((Elf::read(&from_memory)?, None))
}

fn read_image(pid: OsPid, memory: &ProcessMemory, mappings: &[Mapping], mapping: &Mapping) -> Option<Image> {
    let base = mapping.range.start;
    let (elf, file) = read_elf(pid, memory, mappings, base)?;
    let (link_base, size) = elf.extent()?;
    let bias = base.0.wrapping_sub(link_base);
    let in_vdso = mapping.path == "[vdso]";
    let mut sections: Vec<Section> = elf
        .sections
        .iter()
        .filter(|section| WANTED.contains(&section.name.as_str()))
        .map(|section| Section {
            name: section.name.clone(),
            address: section.address,
            offset: FileOffset(section.offset),
            size: section.size,
            loaded: section.is_loaded() || in_vdso,
            flags: section.flags,
            kind: section.kind,
        })
        .collect();
    if sections.is_empty() {
        sections.extend(unwind_segment(&elf));
    }
    let (debug_link, debug_link_crc) = elf.debug_link.clone().unzip();
    Some(Image {
        base,
        size,
        bias,
        path: mapping.path.clone(),
        build_id: elf.build_id.clone(),
        debug_link,
        debug_link_crc,
        sections,
        is_program: false,
        entry: (elf.entry != 0).then(|| Address(bias.wrapping_add(elf.entry))),
        file_size: file.and_then(|file| Some(file.metadata().ok()?.len())),
    })
}

/// Where no section table can be had, the unwind table's own segment stands for its section.
fn unwind_segment(elf: &Elf) -> Option<Section> {
    const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
    let segment = elf.segments.iter().find(|segment| segment.kind == PT_GNU_EH_FRAME)?;
    Some(Section {
        name: ".eh_frame_hdr".into(),
        address: segment.address,
        offset: FileOffset(segment.offset),
        size: segment.memory_size,
        loaded: true,
        flags: 2,
        kind: 1,
    })
}

/// Opens the file behind the mapping that starts at `base`: as the kernel holds it, which works for deleted and
/// replaced files and other mount namespaces; else by path in the process's own root.
fn open_mapped(pid: OsPid, mappings: &[Mapping], base: Address) -> Option<File> {
    let mapping = mappings.iter().find(|mapping| mapping.range.start == base)?;
    if mapping.file == (0, 0) {
        return None;
    }
    let (start, end) = (mapping.range.start.0, mapping.range.end().0);
    File::open(format!("/proc/{pid}/map_files/{start:x}-{end:x}"))
        .or_else(|_| File::open(format!("/proc/{pid}/root{}", mapping.path)))
        .ok()
}

/// Opens the file of a reported image for reading parts of it.
pub(crate) fn open_image(pid: OsPid, path: &str) -> std::io::Result<File> {
    let mappings = procfs::mappings(pid)?;
    let mapping = mappings
        .iter()
        .find(|mapping| mapping.path == path && mapping.offset == 0);
    match mapping.and_then(|mapping| open_mapped(pid, &mappings, mapping.range.start)) {
        Some(file) => Ok(file),
        None => File::open(format!("/proc/{pid}/root{path}")),
    }
}

/// Bytes of a file, short where it ends.
pub(crate) fn read_file(file: &File, offset: u64, length: usize) -> Vec<u8> {
    let room = file.metadata().map_or(0, |data| data.len().saturating_sub(offset));
    let mut bytes = vec![0; length.min(usize::try_from(room).unwrap_or(0))];
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(read) if read > 0 => done += read,
            _ => break,
        }
    }
    bytes.truncate(done);
    bytes
}

/// Value of a symbol of `.dynsym`.
fn dynamic_symbol(elf: &Elf, read_at: elf::ReadAt<'_>, name: &str) -> Option<u64> {
    let symbols = elf.section(".dynsym")?;
    let names = elf.section(".dynstr")?;
    let symbols = read_at(symbols.offset, symbols.size.min(4 << 20) as usize);
    let names = read_at(names.offset, names.size.min(4 << 20) as usize);
    let entry = symbols.chunks_exact(24).find(|entry| {
        let at = elf::word32(entry, 0).map_or(usize::MAX, |at| at as usize);
        let text = names.get(at..).unwrap_or_default();
        text.starts_with(name.as_bytes()) && text.get(name.len()) == Some(&0)
    })?;
    elf::word64(entry, 8).filter(|value| *value != 0)
}
