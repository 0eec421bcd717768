//! Names for places in an image, and places for names.
//!
//! Entries are compact (names are offsets into the image's own string tables), sorted by address, and names are
//! demangled only when someone looks. Read [`SymbolTable`] first.

use std::fmt;

use farsight_types::Rva;

use crate::bytes::SharedBytes;
use crate::demangle::{demangle, demangle_short, looks_mangled};
use crate::image::Image;
use crate::image::elf::text_at;
use crate::pattern::Pattern;

mod build;
mod names;
mod plt;

/// What a symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    /// Code.
    Function,
    /// A variable.
    Data,
    /// A function that picks an implementation when the image is loaded (`STT_GNU_IFUNC`); its address is the picker's.
    Ifunc,
    /// A stub that jumps to another image's function; its name ends in `@plt`.
    Plt,
    /// A label that says nothing of itself (`STT_NOTYPE`), as assembler code has.
    Label,
}

/// How far a symbol is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// Everywhere.
    Global,
    /// Everywhere, unless another defines it too.
    Weak,
    /// In its own translation unit.
    Local,
}

/// How many symbols [`SymbolTable::at`] looks back over for one that encloses a place; only hostile tables have more.
const MAX_LOOK_BACK: usize = 256;

/// One symbol. Invariant: `source` and `name` point to a name that is UTF-8 and ends in NUL.
#[derive(Debug, Clone, Copy)]
struct Entry {
    address: u64,
    size: u64,
    name: u32,
    source: u16,
    kind: SymbolKind,
    binding: Binding,
    sized: bool,
}

impl Entry {
    fn holds(&self, address: u64) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|distance| distance < self.size)
    }

    fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }
}

/// The symbols of one module, from its image, its debug file, or both.
#[derive(Debug, Default)]
pub struct SymbolTable {
    /// String tables.
    sources: Vec<SharedBytes>,
    /// Invariant: by address; of several at one address the best name comes first.
    entries: Vec<Entry>,
    /// The furthest end of any entry up to and including each.
    furthest: Vec<u64>,
    names: names::Names,
}

impl SymbolTable {
    /// Collects the symbols of several images of one module: the image as loaded and its separate debug file. Order
    /// does not matter; damaged tables give fewer symbols.
    pub fn build(images: &[&dyn Image]) -> SymbolTable {
        build::build(images)
    }

    /// How many symbols there are, aliases included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The symbol whose bytes hold this place, with the distance from its start. The innermost where several nest, the
    /// best name where several are equal.
    pub fn at(&self, rva: Rva) -> Option<(SymbolRef<'_>, u64)> {
        let mut end = self.after(rva);
        for _ in 0..MAX_LOOK_BACK {
            // The furthest end tells when nothing further down can reach this place.
            let last = end.checked_sub(1)?;
            if *self.furthest.get(last)? <= rva.0 {
                return None;
            }
            let start = self.first_at(self.entries.get(last)?.address);
            let group = self.entries.get(start..end)?;
            if let Some(inside) = group.iter().position(|entry| entry.holds(rva.0)) {
                let found = self.symbol(start + inside)?;
                return Some((found, rva.0 - found.rva().0));
            }
            end = start;
        }
        None
    }

    /// For `ln`: the best-named symbol at or before a place, and the first one after it, whether or not either holds
    /// the place.
    pub fn neighbours(&self, rva: Rva) -> (Option<SymbolRef<'_>>, Option<SymbolRef<'_>>) {
        let after = self.after(rva);
        let before = after
            .checked_sub(1)
            .and_then(|last| self.entries.get(last))
            .and_then(|entry| self.symbol(self.first_at(entry.address)));
        (before, self.symbol(after))
    }

    /// All symbols that a user may mean by `name`: raw, readable with parameters, or readable without (`foo::bar`
    /// finds every `foo::bar(...)`). Case-sensitive. In address order; several names of one address count once.
    pub fn by_name(&self, name: &str) -> Vec<SymbolRef<'_>> {
        self.names.find(self, name)
    }

    /// All symbols that match a wildcard pattern in their raw or readable name, in address order.
    pub fn matching(&self, pattern: &Pattern) -> Vec<SymbolRef<'_>> {
        names::matching(self, pattern)
    }

    /// Every symbol, in address order, the best name first where several share an address.
    pub fn iter(&self) -> impl Iterator<Item = SymbolRef<'_>> {
        self.entries.iter().map(|entry| SymbolRef { table: self, entry })
    }

    fn symbol(&self, index: usize) -> Option<SymbolRef<'_>> {
        let entry = self.entries.get(index)?;
        Some(SymbolRef { table: self, entry })
    }

    /// The index of the first entry beyond a place.
    fn after(&self, rva: Rva) -> usize {
        self.entries.partition_point(|entry| entry.address <= rva.0)
    }

    fn first_at(&self, address: u64) -> usize {
        self.entries.partition_point(|entry| entry.address < address)
    }

    fn name_of(&self, entry: &Entry) -> &str {
        self.sources
            .get(usize::from(entry.source))
            .and_then(|source| text_at(source, entry.name as usize))
            .unwrap_or_default()
    }
}

/// A symbol of a [`SymbolTable`].
#[derive(Clone, Copy)]
pub struct SymbolRef<'a> {
    table: &'a SymbolTable,
    entry: &'a Entry,
}

impl<'a> SymbolRef<'a> {
    /// Where it is.
    pub fn rva(self) -> Rva {
        Rva(self.entry.address)
    }

    /// Its size in bytes: as the image has it or, where the image has none, up to the next symbol of its section.
    pub fn size(self) -> u64 {
        self.entry.size
    }

    /// Whether the image itself gives the size.
    pub fn is_sized(self) -> bool {
        self.entry.sized
    }

    /// What it names.
    pub fn kind(self) -> SymbolKind {
        self.entry.kind
    }

    /// How far it is seen.
    pub fn binding(self) -> Binding {
        self.entry.binding
    }

    /// The name in the image, without a default version (`@@GLIBC_2.34`).
    pub fn raw_name(self) -> &'a str {
        let name = self.table.name_of(self.entry);
        without_default_version(name)
    }

    /// The readable name: demangled, without C++ parameters (`foo::bar`), which is what DbgEng prints before `+0x12`.
    pub fn name(self) -> String {
        let raw = self.raw_name();
        demangled_stub(raw, demangle_short).unwrap_or_else(|| raw.to_owned())
    }

    /// The readable name with parameters (`foo::bar(int)`).
    pub fn full_name(self) -> String {
        let raw = self.raw_name();
        demangled_stub(raw, demangle).unwrap_or_else(|| raw.to_owned())
    }
}

impl fmt::Debug for SymbolRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rva, size, kind) = (self.rva().0, self.size(), self.kind());
        write!(f, "{:#x}+{:#x} {:?} {}", rva, size, kind, self.raw_name())
    }
}

/// Demangles, leaving a stub's or a version's `@...` behind the readable name.
fn demangled_stub(raw: &str, demangle: fn(&str) -> Option<String>) -> Option<String> {
    if !looks_mangled(raw) {
        return None;
    }
    let (name, rest) = raw.split_at(raw.find('@').unwrap_or(raw.len()));
    Some(demangle(name)? + rest)
}

/// A name without `@@GLIBC_2.34`. Sorting asks for it millions of times, and looking for one byte is faster.
fn without_default_version(name: &str) -> &str {
    match name.split_once('@') {
        Some((front, behind)) if behind.starts_with('@') => front,
        _ => name,
    }
}
