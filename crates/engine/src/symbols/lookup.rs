//! Names for addresses and addresses for names, over the modules whose symbols are here.

use farsight_session::record::{Place, SymbolName};
use farsight_symbols::{SymbolKind, SymbolRef};
use farsight_types::{Address, Rva};

use crate::model::{Module, Process};

/// Why a name is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameError {
    /// No symbol has it.
    Unknown,
    /// Several have it.
    Ambiguous(Vec<(Address, String)>),
}

/// The symbol at or before an address, in the module that holds it; where symbols are not loaded, the module alone.
pub(crate) fn name_of(process: &Process, address: Address) -> Option<SymbolName> {
    let module = process.module_at(address)?;
    let in_module = || {
        let distance = address.0.wrapping_sub(module.image.base.0);
        SymbolName::in_module(&module.name, distance)
    };
    let Some(symbols) = module.loaded() else {
        return Some(in_module());
    };
    let named = symbols.table().at(module.rva(address));
    Some(match named {
        Some((symbol, distance)) => SymbolName::new(&module.name, symbol.name(), distance),
        None => in_module(),
    })
}

/// An address with its name.
pub(crate) fn describe(process: &Process, address: Address) -> Place {
    Place {
        address,
        symbol: name_of(process, address),
    }
}

/// Where the function of a name lies in its module, if the name has one place there: static functions of several files may
/// have one name.
pub(crate) fn only_place(module: &Module, name: &str) -> Option<Rva> {
    let found = module.loaded()?.table().by_name(name);
    let mut places = found.iter().map(|symbol| symbol.rva());
    let first = places.next()?;
    places.all(|place| place == first).then_some(first)
}

/// Where a name is in one module whose symbols are here. Several names of one place are one.
pub(crate) fn find_name(module: &Module, name: &str) -> Result<Address, NameError> {
    let symbols = module.loaded().ok_or(NameError::Unknown)?;
    let found = symbols.table().by_name(name);
    let best = preferred(&found);
    match best.as_slice() {
        [] => Err(NameError::Unknown),
        [only] => Ok(module.address(*only)),
        _ => Err(NameError::Ambiguous(
            found
                .iter()
                .filter(|symbol| best.contains(&symbol.rva()))
                .map(|symbol| (module.address(symbol.rva()), symbol.full_name()))
                .collect(),
        )),
    }
}

/// The places that a name means: functions and data before labels, those before stubs.
pub(crate) fn preferred(found: &[SymbolRef<'_>]) -> Vec<Rva> {
    let rank = |symbol: &SymbolRef<'_>| match symbol.kind() {
        SymbolKind::Function | SymbolKind::Data | SymbolKind::Ifunc => 0,
        SymbolKind::Label => 1,
        SymbolKind::Plt => 2,
    };
    let best = found.iter().map(rank).min();
    let mut places: Vec<Rva> = found
        .iter()
        .filter(|symbol| Some(rank(symbol)) == best)
        .map(|symbol| symbol.rva())
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}
