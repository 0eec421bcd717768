//! Collects, sorts and sizes the entries of a symbol table.

use std::cmp::Reverse;

use farsight_types::Rva;
use object::elf;

use super::names::Names;
use super::{Binding, Entry, SymbolKind, SymbolTable, plt, without_default_version};
use crate::bytes::SharedBytes;
use crate::image::elf::{text_at, u16_at, u32_at, u64_at};
use crate::image::{Image, ImageKind, ImageLayout};

/// A symbol's size in the file: st_name 0, st_info 4, st_other 5, st_shndx 6, st_value 8, st_size 16.
pub(super) const SYMBOL_SIZE: usize = 24;

pub(super) fn build(images: &[&dyn Image]) -> SymbolTable {
    let mut collected = Collected::default();
    for image in images {
        collected.add_image(*image);
    }
    let mut entries = sorted(std::mem::take(&mut collected.entries), &collected.sources);
    let stubs = images
        .iter()
        .flat_map(|image| plt::stubs(*image, &entries, &collected.sources))
        .collect::<Vec<_>>();
    if !stubs.is_empty() {
        let raw = entries.into_iter().map(|entry| (entry, entry.end()));
        let mut all: Vec<(Entry, u64)> = raw.collect();
        collected.add_stubs(stubs, &mut all);
        entries = sorted(all, &collected.sources);
    }
    let furthest = entries
        .iter()
        .scan(0, |furthest, entry| {
            *furthest = entry.end().max(*furthest);
            Some(*furthest)
        })
        .collect();
    SymbolTable {
        sources: collected.sources,
        entries,
        furthest,
        names: Names::default(),
    }
}

#[derive(Default)]
struct Collected {
    sources: Vec<SharedBytes>,
    /// Each with the end of its section.
    entries: Vec<(Entry, u64)>,
}

impl Collected {
    fn add_image(&mut self, image: &dyn Image) {
        let layout = image.layout();
        if layout.kind == ImageKind::Core {
            return;
        }
        for (index, section) in layout.sections.iter().enumerate() {
            if section.kind != elf::SHT_SYMTAB.0 && section.kind != elf::SHT_DYNSYM.0 {
                continue;
            }
            let symbols = image.section_bytes(index);
            let names = image.section_bytes(section.link as usize);
            if let (Some(symbols), Some(names)) = (symbols, names) {
                self.add_table(layout, &symbols, names);
            }
        }
    }

    fn add_table(&mut self, layout: &ImageLayout, symbols: &[u8], names: SharedBytes) {
        let Ok(source) = u16::try_from(self.sources.len()) else {
            return;
        };
        let found = symbols
            .chunks_exact(SYMBOL_SIZE)
            .filter_map(|symbol| entry(layout, symbol, &names, source));
        self.entries.extend(found);
        self.sources.push(names);
    }

    fn add_stubs(&mut self, stubs: Vec<plt::Stub>, entries: &mut Vec<(Entry, u64)>) {
        let Ok(source) = u16::try_from(self.sources.len()) else {
            return;
        };
        let mut names = Vec::new();
        for stub in stubs {
            let Ok(name) = u32::try_from(names.len()) else {
                break;
            };
            names.extend(stub.name.bytes().chain([0]));
            let entry = Entry {
                address: stub.address,
                size: stub.size,
                name,
                source,
                kind: SymbolKind::Plt,
                binding: Binding::Local,
                sized: true,
            };
            entries.push((entry, entry.end()));
        }
        self.sources.push(SharedBytes::from(names));
    }
}

/// One symbol, with the end of its section; none for what names no place in the loaded image.
fn entry(layout: &ImageLayout, symbol: &[u8], names: &[u8], source: u16) -> Option<(Entry, u64)> {
    let (info, section) = (*symbol.get(4)?, u16_at(symbol, 6)?);
    let reserved = section >= elf::SHN_LORESERVE && section != elf::SHN_XINDEX.0;
    if section == elf::SHN_UNDEF.0 || reserved {
        return None;
    }
    let kind = match elf::SymbolType(info & 15) {
        elf::STT_FUNC => SymbolKind::Function,
        elf::STT_OBJECT | elf::STT_COMMON => SymbolKind::Data,
        elf::STT_GNU_IFUNC => SymbolKind::Ifunc,
        elf::STT_NOTYPE => SymbolKind::Label,
        // Sections and files name no place; thread-local symbols are offsets, not places.
        _ => return None,
    };
    let binding = match elf::SymbolBind(info >> 4) {
        elf::STB_LOCAL => Binding::Local,
        elf::STB_WEAK => Binding::Weak,
        _ => Binding::Global,
    };
    let (name, value, size) = (u32_at(symbol, 0)?, u64_at(symbol, 8)?, u64_at(symbol, 16)?);
    let address = match layout.kind {
        // It counts from the start of its section.
        ImageKind::Relocatable => {
            let home = layout.sections.get(usize::from(section))?;
            value.checked_add(home.address.0).filter(|_| home.address.0 != 0)?
        }
        _ => value,
    };
    let text = text_at(names, name as usize)?;
    if text.is_empty() || text.starts_with(".L") || matches!(text, "$a" | "$d" | "$x" | "$t") {
        return None;
    }
    let entry = Entry {
        address,
        size,
        name,
        source,
        kind,
        binding,
        sized: size > 0,
    };
    Some((entry, section_end(layout, section, address)))
}

fn section_end(layout: &ImageLayout, section: u16, address: u64) -> u64 {
    let named = layout.sections.get(usize::from(section));
    let holds = |start: u64, size: u64| address.checked_sub(start).is_some_and(|at| at < size);
    match named.filter(|section| holds(section.address.0, section.size)) {
        Some(section) => section.address.0.saturating_add(section.size),
        // A table without sections, or one that points elsewhere.
        None => layout
            .section_at(Rva(address))
            .map_or(address, |(_, section)| section.address.0.saturating_add(section.size)),
    }
}

/// Entries by address, the best name first, each name of an address once; those without a size reach to the next
/// address or the end of their section.
fn sorted(mut entries: Vec<(Entry, u64)>, sources: &[SharedBytes]) -> Vec<Entry> {
    let name = |entry: &Entry| -> &[u8] {
        let source: &[u8] = sources.get(usize::from(entry.source)).map_or(&[], |source| source);
        let text = text_at(source, entry.name as usize).unwrap_or_default();
        without_default_version(text).as_bytes()
    };
    entries.sort_unstable_by(|(left, _), (right, _)| {
        left.address
            .cmp(&right.address)
            .then_with(|| name(left).cmp(name(right)))
            .then_with(|| worth(left).cmp(&worth(right)))
    });
    entries.dedup_by(|(later, _), (first, _)| later.address == first.address && name(later) == name(first));
    let rank = |entry: &Entry| {
        let name = name(entry);
        let underscores = name.iter().take_while(|byte| **byte == b'_').count();
        (worth(entry), underscores, name.len())
    };
    entries.sort_by(|(left, _), (right, _)| {
        let by_address = left.address.cmp(&right.address);
        by_address.then_with(|| rank(left).cmp(&rank(right)))
    });
    let mut next = u64::MAX;
    let mut following = u64::MAX;
    for (entry, section_end) in entries.iter_mut().rev() {
        if entry.address != following {
            next = following;
            following = entry.address;
        }
        if !entry.sized {
            entry.size = next.min(*section_end).saturating_sub(entry.address);
        }
    }
    entries.into_iter().map(|(entry, _)| entry).collect()
}

/// What makes one name of an address better than another before its text does: less is better.
fn worth(entry: &Entry) -> (u8, Reverse<bool>, bool) {
    let kind = match entry.kind {
        SymbolKind::Function | SymbolKind::Ifunc => 0,
        SymbolKind::Data => 1,
        SymbolKind::Plt => 2,
        SymbolKind::Label => 3,
    };
    (kind, Reverse(entry.sized), entry.binding == Binding::Local)
}
