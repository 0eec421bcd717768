//! Places in a debuggee as a reader wants them: by symbol where there is one.

use std::fmt;

use farsight_types::{Address, BuildId};
use minicbor::{Decode, Encode};

use super::SourceOfPlace;

/// A place named by a module and, where one is near, by a symbol of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SymbolName {
    /// The module's name in expressions, such as `libc_so_6`.
    #[n(0)]
    pub module: String,
    /// The symbol's readable name; none where the module has no symbol at or before the place.
    #[n(1)]
    pub name: Option<String>,
    /// Bytes from the symbol, or from the module's start where there is no symbol.
    #[n(2)]
    pub displacement: u64,
}

impl SymbolName {
    /// A symbol of a module, and the distance from it in bytes.
    pub fn new(module: impl Into<String>, name: impl Into<String>, displacement: u64) -> SymbolName {
        SymbolName {
            module: module.into(),
            name: Some(name.into()),
            displacement,
        }
    }

    /// A place in a module that no symbol is near to.
    pub fn in_module(module: impl Into<String>, displacement: u64) -> SymbolName {
        SymbolName {
            module: module.into(),
            name: None,
            displacement,
        }
    }

    /// Whether both name the same symbol, at whatever distance from it.
    pub fn same_symbol(&self, other: &SymbolName) -> bool {
        self.module == other.module && self.name == other.name
    }
}

impl fmt::Display for SymbolName {
    /// `module!name+0x12`, `module!name`, `module+0x1234`. Not for terminals: the name is as the target has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.module)?;
        if let Some(name) = &self.name {
            write!(f, "!{name}")?;
        }
        match self.displacement {
            0 => Ok(()),
            distance => write!(f, "+{distance:#x}"),
        }
    }
}

/// An address, with its name where it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Place {
    /// Where.
    #[n(0)]
    pub address: Address,
    /// Its name.
    #[n(1)]
    pub symbol: Option<SymbolName>,
}

impl Place {
    /// A place without a name.
    pub fn bare(address: Address) -> Place {
        Place { address, symbol: None }
    }

    /// A place with a name.
    pub fn named(address: Address, symbol: SymbolName) -> Place {
        Place {
            address,
            symbol: Some(symbol),
        }
    }
}

impl fmt::Display for Place {
    /// The name, or the address where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symbol {
            Some(symbol) => symbol.fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// Where a module's symbols come from, as `lm` says it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SymbolState {
    /// Nobody needed them yet.
    #[n(0)]
    Deferred,
    /// The full symbol table, from the image or its debug file.
    #[n(1)]
    Full {
        /// The file they were read from; none where they came over the link.
        #[n(0)]
        file: Option<String>,
    },
    /// Only what the image exports.
    #[n(2)]
    Exports {
        /// The file they were read from; none where they came over the link.
        #[n(0)]
        file: Option<String>,
    },
    /// There are none.
    #[n(3)]
    Missing {
        /// Why: what was looked for and where.
        #[n(0)]
        why: String,
    },
    /// Debug information: source lines, variables and types.
    #[n(4)]
    Dwarf {
        /// The file it was read from; none where it came over the link.
        #[n(0)]
        file: Option<String>,
    },
}

/// One module of `lm`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ModuleRow {
    /// First byte.
    #[n(0)]
    pub start: Address,
    /// One past the last byte.
    #[n(1)]
    pub end: Address,
    /// Its name in expressions.
    #[n(2)]
    pub name: String,
    /// The state of its symbols.
    #[n(3)]
    pub symbols: SymbolState,
    /// The image's file, as the target names it.
    #[n(4)]
    pub path: String,
    /// The image's identity.
    #[n(5)]
    pub build_id: Option<BuildId>,
}

/// The last column of `lm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ModuleColumn {
    /// The file's name (`lmn`, `lmi`).
    #[n(0)]
    Name,
    /// Its path (`lmf`, `lmp`).
    #[n(1)]
    Path,
    /// The build-id, which stands for checksum and time (`lmc`, `lmt`).
    #[n(2)]
    BuildId,
}

/// `lm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Modules {
    /// In the order of the listing.
    #[n(0)]
    pub rows: Vec<ModuleRow>,
    /// Each module's file and identity below its row (`lmv`).
    #[n(1)]
    pub verbose: bool,
    /// Names alone (`lm1m`).
    #[n(2)]
    pub names_only: bool,
    /// Unloaded modules, listed behind the others.
    #[n(3)]
    pub unloaded: Vec<ModuleRow>,
    /// What is shown of each instead of its symbols' state.
    #[n(4)]
    pub column: Option<ModuleColumn>,
}

/// What of each symbol `x` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SymbolColumns {
    /// Address and name.
    #[n(0)]
    #[default]
    Both,
    /// Addresses alone (`/0`).
    #[n(1)]
    Addresses,
    /// Names alone (`/1`).
    #[n(2)]
    Names,
    /// Binding, kind, address, size, name (`/v`).
    #[n(3)]
    Verbose,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SymbolClass {
    /// Code.
    #[n(0)]
    Function,
    /// A variable.
    #[n(1)]
    Data,
    /// A stub that jumps to another image's function.
    #[n(2)]
    Stub,
    /// Anything else.
    #[n(3)]
    Label,
}

/// One symbol of `x`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SymbolRow {
    /// Where it is.
    #[n(0)]
    pub address: Address,
    /// Its module.
    #[n(1)]
    pub module: String,
    /// Its readable name, with parameters where they are known.
    #[n(2)]
    pub name: String,
    /// Its size in bytes; none where the image does not say.
    #[n(3)]
    pub size: Option<u64>,
    /// What it names.
    #[n(4)]
    pub class: SymbolClass,
    /// Seen outside of its translation unit.
    #[n(5)]
    pub public: bool,
}

/// `x`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Symbols {
    /// In the order of the listing.
    #[n(0)]
    pub rows: Vec<SymbolRow>,
    /// What is shown of each.
    #[n(1)]
    pub columns: SymbolColumns,
    /// Names are quoted as expressions take them (`/q`).
    #[n(2)]
    pub quoted: Option<bool>,
}

/// `ln`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Nearest {
    /// The place that was asked for.
    #[n(0)]
    pub address: Address,
    /// The symbol at or before it.
    #[n(1)]
    pub before: Option<Place>,
    /// The first symbol behind it; its displacement is 0.
    #[n(2)]
    pub after: Option<Place>,
    /// Every name of exactly this address.
    #[n(3)]
    pub exact: Vec<SymbolName>,
    /// Its source line.
    #[n(4)]
    pub source: Option<SourceOfPlace>,
}
