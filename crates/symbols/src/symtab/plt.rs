//! Names for the stubs of the procedure linkage table, which no symbol table has.
//!
//! A stub jumps through a slot (`jmp *slot(%rip)`); the relocation of that slot names the function.

use object::elf;

use super::build::SYMBOL_SIZE;
use super::{Entry, SymbolKind};
use crate::bytes::SharedBytes;
use crate::image::Image;
use crate::image::elf::{text_at, u32_at, u64_at};

/// A stub and its name, such as `puts@plt`.
pub(super) struct Stub {
    pub(super) address: u64,
    pub(super) size: u64,
    pub(super) name: String,
}

/// A relocation's size in the file: r_offset 0, r_info 8 (type low, symbol high), r_addend 16.
const RELOCATION_SIZE: usize = 24;

const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
const BND: [u8; 1] = [0xf2];
const JUMP_THROUGH: [u8; 2] = [0xff, 0x25];

/// The stubs of one image. `entries` (sorted) name the functions that the image resolves itself.
pub(super) fn stubs(image: &dyn Image, entries: &[Entry], sources: &[SharedBytes]) -> Vec<Stub> {
    let slots = slots(image, entries, sources);
    if slots.is_empty() {
        return Vec::new();
    }
    let sections = image.layout().sections.iter().enumerate();
    let mut stubs = Vec::new();
    for (index, section) in sections {
        let is_plt = matches!(section.name.as_str(), ".plt" | ".iplt") || section.name.starts_with(".plt.");
        let Some(code) = is_plt.then(|| image.section_bytes(index)).flatten() else {
            continue;
        };
        for at in (0..code.len()).step_by(8) {
            let address = section.address.0.wrapping_add(at as u64);
            let Some((slot, size)) = code.get(at..).and_then(|code| jump(code, address)) else {
                continue;
            };
            if let Ok(found) = slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
                let name = format!("{}@plt", slots[found].1);
                stubs.push(Stub { address, size, name });
            }
        }
    }
    stubs
}

/// The slot that a stub at `address` jumps through, and the stub's size.
fn jump(code: &[u8], address: u64) -> Option<(u64, u64)> {
    let marked = code.strip_prefix(&ENDBR64);
    let rest = marked.unwrap_or(code);
    let rest = rest.strip_prefix(&BND).unwrap_or(rest);
    let operand = rest.strip_prefix(&JUMP_THROUGH)?;
    let distance = u32_at(operand, 0)? as i32;
    let after = operand.get(4..)?;
    let next = address.wrapping_add((code.len() - after.len()) as u64);
    // The short form, of functions that are never resolved lazily, is the jump and two bytes of padding.
    let is_short = marked.is_none() && after.starts_with(&[0x66, 0x90]);
    Some((
        next.wrapping_add_signed(i64::from(distance)),
        if is_short { 8 } else { 16 },
    ))
}

/// The slots that relocations fill with functions, sorted, each with the function's name.
fn slots(image: &dyn Image, entries: &[Entry], sources: &[SharedBytes]) -> Vec<(u64, String)> {
    let layout = image.layout();
    let mut slots = Vec::new();
    for (index, section) in layout.sections.iter().enumerate() {
        let holds_slots = matches!(section.name.as_str(), ".rela.plt" | ".rela.dyn" | ".rela.iplt");
        let Some(relocations) = holds_slots.then(|| image.section_bytes(index)).flatten() else {
            continue;
        };
        let symbols = image.section_bytes(section.link as usize);
        let names = layout
            .sections
            .get(section.link as usize)
            .and_then(|symbols| image.section_bytes(symbols.link as usize));
        for relocation in relocations.chunks_exact(RELOCATION_SIZE) {
            let (Some(slot), Some(info), Some(addend)) =
                (u64_at(relocation, 0), u64_at(relocation, 8), u64_at(relocation, 16))
            else {
                continue;
            };
            let name = match elf::RelocationType(info as u32) {
                elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_GLOB_DAT => (|| {
                    let at = (info >> 32) as usize * SYMBOL_SIZE;
                    let name = u32_at(symbols.as_ref()?, at)?;
                    text_at(names.as_ref()?, name as usize).map(str::to_owned)
                })(),
                elf::R_X86_64_IRELATIVE => {
                    Some(picked(addend, entries, sources).unwrap_or_else(|| format!("*ABS*+{addend:#x}")))
                }
                _ => None,
            };
            slots.extend(name.filter(|name| !name.is_empty()).map(|name| (slot, name)));
        }
    }
    slots.sort_unstable();
    slots.dedup_by_key(|(slot, _)| *slot);
    slots
}

/// The name of the function whose implementation is picked by code at `address`.
fn picked(address: u64, entries: &[Entry], sources: &[SharedBytes]) -> Option<String> {
    let start = entries.partition_point(|entry| entry.address < address);
    let entry = entries
        .get(start)
        .filter(|entry| entry.address == address && matches!(entry.kind, SymbolKind::Ifunc | SymbolKind::Function))?;
    let name = text_at(sources.get(usize::from(entry.source))?, entry.name as usize)?;
    Some(name.split('@').next().unwrap_or(name).to_owned())
}
