//! Names for places in an image, and places for names.

use farsight_types::Rva;

use crate::image::Image;
use crate::pattern::Pattern;

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

/// A symbol of a [`SymbolTable`].
#[derive(Debug, Clone, Copy)]
pub struct SymbolRef<'a> {
    table: &'a SymbolTable,
    index: usize,
}

impl<'a> SymbolRef<'a> {
    /// Where it is.
    pub fn rva(self) -> Rva {
        let _ = (self.table, self.index);
        Rva(0)
    }

    /// Its size in bytes: as the image has it or, where the image has none, up to the next symbol of its section.
    pub fn size(self) -> u64 {
        0
    }

    /// Whether the image itself gives the size.
    pub fn is_sized(self) -> bool {
        false
    }

    /// What it names.
    pub fn kind(self) -> SymbolKind {
        SymbolKind::Function
    }

    /// How far it is seen.
    pub fn binding(self) -> Binding {
        Binding::Global
    }

    /// The name in the image, without a default version (`@@GLIBC_2.34`).
    pub fn raw_name(self) -> &'a str {
        ""
    }

    /// The readable name: demangled, without C++ parameters (`foo::bar`), which is what DbgEng prints before `+0x12`.
    pub fn name(self) -> String {
        String::new()
    }

    /// The readable name with parameters (`foo::bar(int)`).
    pub fn full_name(self) -> String {
        String::new()
    }
}

/// The symbols of one module, from its image, its debug file, or both.
#[derive(Debug, Default)]
pub struct SymbolTable {}

impl SymbolTable {
    /// Collects the symbols of several images of one module: the image as loaded and its separate debug file. Order
    /// does not matter; damaged tables give fewer symbols.
    pub fn build(images: &[&dyn Image]) -> SymbolTable {
        let _ = images;
        SymbolTable {}
    }

    /// How many symbols there are, aliases included.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The symbol whose bytes hold this place, with the distance from its start. The best name where several are equal.
    pub fn at(&self, rva: Rva) -> Option<(SymbolRef<'_>, u64)> {
        let _ = rva;
        None
    }

    /// For `ln`: the best-named symbol at or before a place, and the first one after it, whether or not either holds
    /// the place.
    pub fn neighbours(&self, rva: Rva) -> (Option<SymbolRef<'_>>, Option<SymbolRef<'_>>) {
        let _ = rva;
        (None, None)
    }

    /// All symbols that a user may mean by `name`: raw, readable with parameters, or readable without (`foo::bar`
    /// finds every `foo::bar(...)`). Case-sensitive. In address order; several names of one address count once.
    pub fn by_name(&self, name: &str) -> Vec<SymbolRef<'_>> {
        let _ = name;
        Vec::new()
    }

    /// All symbols that match a wildcard pattern in their raw or readable name, in address order.
    pub fn matching(&self, pattern: &Pattern) -> Vec<SymbolRef<'_>> {
        let _ = pattern;
        Vec::new()
    }

    /// Every symbol, in address order, the best name first where several share an address.
    pub fn iter(&self) -> impl Iterator<Item = SymbolRef<'_>> {
        (0..self.len()).map(|index| SymbolRef { table: self, index })
    }
}
