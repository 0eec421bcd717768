//! One loaded image.

use std::rc::Rc;

use farsight_target::Image;
use farsight_types::{Address, AddressRange, Rva};

use crate::symbols::ModuleSymbols;

/// What is known of a module's symbols.
#[derive(Clone, Debug, Default)]
pub(crate) enum SymbolState {
    /// Nobody has asked.
    #[default]
    Deferred,
    /// Here, possibly without a single symbol.
    Loaded(Rc<ModuleSymbols>),
}

/// One loaded image.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// The name that expressions and output use, unique in its process.
    pub(crate) name: String,
    pub(crate) image: Image,
    pub(crate) symbols: SymbolState,
    /// Counts the modules of the process in the order of loading, which is the order of symbol search.
    pub(crate) order: u32,
}

impl Module {
    pub(super) fn new(name: String, image: Image, order: u32) -> Module {
        Module {
            name,
            image,
            symbols: SymbolState::Deferred,
            order,
        }
    }

    pub(crate) fn range(&self) -> AddressRange {
        AddressRange::new(self.image.base, self.image.size)
    }

    /// Where an address is in the image's own numbering.
    pub(crate) fn rva(&self, address: Address) -> Rva {
        Rva(address.0.wrapping_sub(self.image.bias))
    }

    /// Where a place of the image is in memory.
    pub(crate) fn address(&self, rva: Rva) -> Address {
        Address(rva.0.wrapping_add(self.image.bias))
    }

    /// The symbols, where they are here.
    pub(crate) fn loaded(&self) -> Option<&Rc<ModuleSymbols>> {
        match &self.symbols {
            SymbolState::Loaded(symbols) => Some(symbols),
            SymbolState::Deferred => None,
        }
    }

    /// Whether an address is in a section of code.
    pub(crate) fn is_code(&self, address: Address) -> bool {
        const EXECUTABLE: u64 = 4;
        let rva = self.rva(address).0;
        self.image.sections.iter().any(|section| {
            section.flags & EXECUTABLE != 0
                && rva
                    .checked_sub(section.address)
                    .is_some_and(|inside| inside < section.size)
        })
    }
}

/// The name of a module in expressions: the file's name up to `.so`, with `_` for what no identifier has.
pub(crate) fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path).trim_matches(['[', ']']);
    let stem = match file.find(".so") {
        Some(at) if at > 0 && matches!(file.as_bytes().get(at + 3), None | Some(b'.')) => &file[..at],
        _ => file,
    };
    let mut name: String = stem
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { '_' })
        .collect();
    if name.is_empty() {
        name.push_str("image");
    }
    name
}

/// A name that none of `others` has: DbgEng appends the base.
pub(super) fn unique_name(image: &Image, others: &[Module]) -> String {
    let name = module_name(&image.path);
    let taken = others.iter().any(|module| module.name.eq_ignore_ascii_case(&name));
    if taken {
        format!("{name}_{:x}", image.base.0)
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn names_are_identifiers() {
        for (path, name) in [
            ("/lib/x86_64-linux-gnu/libc.so.6", "libc"),
            ("/usr/lib/libstdc++.so.6.0.30", "libstdc__"),
            ("/lib64/ld-linux-x86-64.so.2", "ld_linux_x86_64"),
            ("/usr/bin/python3.11", "python3_11"),
            ("[vdso]", "vdso"),
            ("/opt/my.sofa", "my_sofa"),
            ("/x/.so", "_so"),
            ("", "image"),
        ] {
            assert_eq!(module_name(path), name, "{path}");
        }
    }
}
