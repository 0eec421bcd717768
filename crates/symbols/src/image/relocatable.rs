//! Relocatable objects, such as kernel modules: given the addresses and filled in as a linker would do it.
//!
//! What such a file loads lies in sections without addresses. They are laid one behind the other, from the second page
//! on, because nothing that is kept lies at address 0. Places that name what another file has stay as the file has them.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use farsight_types::Rva;
use object::elf;

use super::elf::{PAGE, SHF_ALLOC, u16_at, u32_at, u64_at};
use super::{ImageLayout, Section, Segment};
use crate::bytes::SharedBytes;

/// Where a layout ends; only sections that lie about their sizes reach it.
const END: u64 = 1 << 46;
/// How many times the length of the file is worked on, and what is worked on of any: sections and their tables are as long
/// as the file together, unless they share bytes.
const MOST_TIMES: u64 = 8;
const LEAST: u64 = 64 << 20;
/// The largest alignment that is kept.
const MOST_ALIGNED: u64 = 1 << 21;

/// Gives each loaded section an address; the answer is what a loader would map.
pub(super) fn lay_out(sections: &mut [Section], alignments: &[u64]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut next = PAGE;
    let wanted = alignments.iter().copied().chain(std::iter::repeat(1));
    for (section, alignment) in sections.iter_mut().zip(wanted) {
        if section.flags & SHF_ALLOC == 0 || section.size == 0 {
            continue;
        }
        let alignment = match alignment {
            good if good.is_power_of_two() && good <= MOST_ALIGNED => good,
            _ => 1,
        };
        let address = next.next_multiple_of(alignment);
        let end = address.checked_add(section.size).filter(|end| *end <= END);
        let Some(end) = end else {
            continue;
        };
        section.address = Rva(address);
        next = end;
        segments.push(Segment {
            address: section.address,
            memory_size: section.size,
            file_offset: section.file_offset,
            file_size: match section.kind == elf::SHT_NOBITS.0 {
                true => 0,
                false => section.size,
            },
            readable: true,
            writable: section.flags & elf::SHF_WRITE.0 != 0,
            executable: section.flags & elf::SHF_EXECINSTR.0 != 0,
        });
    }
    segments
}

/// The sections of a relocatable object that have been filled in.
#[derive(Debug)]
pub(super) struct Filled {
    /// The sections of relocations, by the section that they are for.
    tables: HashMap<usize, Vec<usize>>,
    done: Box<[OnceLock<SharedBytes>]>,
    /// Bytes that may still be worked on.
    left: AtomicU64,
}

impl Filled {
    /// For a file of so many bytes.
    pub(super) fn new(layout: &ImageLayout, length: usize) -> Filled {
        let mut tables: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, section) in layout.sections.iter().enumerate() {
            if let (true, Ok(of)) = (section.kind == elf::SHT_RELA.0, usize::try_from(section.info)) {
                tables.entry(of).or_default().push(at);
            }
        }
        Filled {
            tables,
            done: layout.sections.iter().map(|_| OnceLock::new()).collect(),
            left: AtomicU64::new((length as u64).saturating_mul(MOST_TIMES).saturating_add(LEAST)),
        }
    }

    /// A section's bytes as a linker would leave them, from those of the file.
    pub(super) fn section(
        &self,
        layout: &ImageLayout,
        index: usize,
        bytes: SharedBytes,
        others: &dyn Fn(usize) -> Option<SharedBytes>,
    ) -> SharedBytes {
        let (Some(tables), Some(done)) = (self.tables.get(&index), self.done.get(index)) else {
            return bytes;
        };
        let sizes = tables.iter().filter_map(|at| Some(layout.sections.get(*at)?.size));
        let work = sizes.fold(bytes.len() as u64, u64::saturating_add);
        let fill = || {
            let less = |left: u64| left.checked_sub(work);
            let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            if taken.is_err() {
                return bytes.clone();
            }
            let mut whole = bytes.to_vec();
            for table in tables {
                apply(layout, index, *table, &mut whole, others);
            }
            SharedBytes::from(whole)
        };
        done.get_or_init(fill).clone()
    }
}

/// Elf64_Rela: r_offset 0, r_info 8 (the symbol in its upper half), r_addend 16.
/// Elf64_Sym: st_shndx 6, st_value 8; 24 bytes in all.
fn apply(
    layout: &ImageLayout,
    index: usize,
    table: usize,
    whole: &mut [u8],
    others: &dyn Fn(usize) -> Option<SharedBytes>,
) -> Option<()> {
    let (section, relocations) = (layout.sections.get(index)?, layout.sections.get(table)?);
    let is_loaded = section.flags & SHF_ALLOC != 0;
    let symbols_at = usize::try_from(relocations.link).ok()?;
    let (entries, symbols) = (others(table)?, others(symbols_at)?);
    // Section numbers that do not fit a symbol are beside the table.
    let extended = layout.sections.iter().position(|section| {
        section.kind == elf::SHT_SYMTAB_SHNDX.0 && usize::try_from(section.link).ok() == Some(symbols_at)
    });
    let extended = extended.and_then(others).unwrap_or_default();
    for entry in entries.chunks_exact(24) {
        let number = |at| u64_at(entry, at).unwrap_or(0);
        let (offset, kind, symbol, addend) = (number(0), number(8) as u32, (number(8) >> 32) as usize, number(16));
        let Some(bytes) = symbol.checked_mul(24).and_then(|at| symbols.get(at..)?.get(..24)) else {
            continue;
        };
        let value = u64_at(bytes, 8).unwrap_or(0);
        let number = u16_at(bytes, 6).unwrap_or(0);
        let home = match number == elf::SHN_XINDEX.0 {
            true => symbol.checked_mul(4).and_then(|at| u32_at(&extended, at)),
            false => (number < elf::SHN_LORESERVE || number == elf::SHN_ABS.0).then_some(u32::from(number)),
        };
        let elsewhere = number != elf::SHN_ABS.0 && home.is_none_or(|home| home == 0);
        // Debug information that names what is elsewhere keeps the number that the file gives.
        if elsewhere && is_loaded {
            continue;
        }
        let home = home.filter(|_| number != elf::SHN_ABS.0);
        let home = home.and_then(|home| layout.sections.get(usize::try_from(home).ok()?));
        let base = home.map_or(0, |home| home.address.0);
        let place = section.address.0.wrapping_add(offset);
        let in_section = value.wrapping_add(addend);
        let address = base.wrapping_add(in_section);
        let (value, width) = match elf::RelocationType(kind) {
            elf::R_X86_64_64 => (address, 8),
            elf::R_X86_64_32 | elf::R_X86_64_32S => (address, 4),
            elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => (address.wrapping_sub(place), 4),
            elf::R_X86_64_PC64 => (address.wrapping_sub(place), 8),
            // From the start of a thread's storage.
            elf::R_X86_64_DTPOFF64 => (in_section, 8),
            elf::R_X86_64_DTPOFF32 => (in_section, 4),
            _ => continue,
        };
        let at = usize::try_from(offset).ok();
        let target = at.and_then(|at| whole.get_mut(at..at.checked_add(width)?));
        if let (Some(target), Some(value)) = (target, value.to_le_bytes().get(..width)) {
            target.copy_from_slice(value);
        }
    }
    Some(())
}
