//! Types as `dt` shows them: fields with their offsets, and values beside them.

use farsight_types::Address;
use minicbor::{Decode, Encode};

use super::{Bits, ValueNode};

/// `dt`: one type, or one value of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TypeLayout {
    /// What is shown, where that is to be said.
    #[n(0)]
    pub heading: Option<String>,
    /// The value itself, where it has no fields.
    #[n(1)]
    pub value: Option<ValueNode>,
    /// The fields, those of fields right behind them.
    #[n(2)]
    pub fields: Vec<FieldRow>,
    /// How they are laid out.
    #[n(3)]
    pub options: LayoutOptions,
    /// Fields that are not shown because there are too many.
    #[n(4)]
    pub more: u64,
}

/// How fields are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct LayoutOptions {
    /// Without offsets (`-o`).
    #[n(0)]
    pub no_offsets: bool,
    /// All in one line, as far as they have no fields of their own (`-c`).
    #[n(1)]
    pub compact: bool,
    /// Fields of fields are not indented (`-i`).
    #[n(2)]
    pub no_indent: bool,
}

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FieldRow {
    /// How deep it lies in others.
    #[n(0)]
    pub depth: u32,
    /// Bytes from the start of what it is a field of.
    #[n(1)]
    pub offset: Option<u64>,
    /// Where it is, of one that is not in the object at all.
    #[n(2)]
    pub address: Option<Address>,
    /// Its name, or `[03]` for an element.
    #[n(3)]
    pub name: String,
    /// Its type in DbgEng's words, such as `[4] Int4B`.
    #[n(4)]
    pub what: String,
    /// Which bits it has.
    #[n(5)]
    pub bits: Option<Bits>,
    /// Its value, where there is an object.
    #[n(6)]
    pub value: Option<ValueNode>,
}

/// `dt module!Pattern*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TypeList {
    /// In the order of their names.
    #[n(0)]
    pub rows: Vec<TypeRow>,
    /// There are more than are shown.
    #[n(1)]
    pub cut: bool,
}

/// One type of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TypeRow {
    /// The module's name.
    #[n(0)]
    pub module: String,
    /// The type's.
    #[n(1)]
    pub name: String,
    /// Bytes; none where nobody says.
    #[n(2)]
    pub size: Option<u64>,
}
