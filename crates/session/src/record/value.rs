//! Values of a program as a tree: variables, members, elements.
//!
//! Read [`ValueNode`] first. Whatever is shown of it is decided by the renderer; strings of the target are as they came.

use farsight_types::Address;
use minicbor::{Decode, Encode};

use super::SymbolName;

/// A value and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ValueNode {
    /// The variable's or member's name; `[3]` for an element. Empty for a result without one.
    #[n(0)]
    pub name: String,
    /// The type's readable name.
    #[n(1)]
    pub type_name: String,
    /// Where it lies in memory, where it does.
    #[n(2)]
    pub address: Option<Address>,
    /// Where it lies as the code sees it, such as `@rbx` or `@rsp+0x10`.
    #[n(3)]
    pub place: Option<String>,
    /// Bytes from the start of what it is a member of.
    #[n(4)]
    pub offset: Option<u64>,
    /// Which bits of the bytes there.
    #[n(5)]
    pub bits: Option<Bits>,
    /// What it is.
    #[n(6)]
    pub content: Content,
    /// Members, elements, or what a pointer leads to; as far as they were asked for.
    #[n(7)]
    pub children: Vec<ValueNode>,
    /// How many more children there are that are not among them.
    #[n(8)]
    pub more: u64,
    /// What went wrong with part of it, or with its formatter: the rest is right as it is shown.
    #[n(9)]
    pub note: Option<String>,
    /// Shown as its own formatter has it, rather than as its fields.
    #[n(10)]
    pub formatted: bool,
    /// Where it comes from.
    #[n(11)]
    pub kind: NodeKind,
    /// What is in it, or what it leads to, in a few words.
    #[n(12)]
    pub words: Option<String>,
    /// Bytes of its type, where it has some.
    #[n(13)]
    pub size: Option<u64>,
}

/// Bits of a bit-field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Bits {
    /// The first, from the least significant.
    #[n(0)]
    pub offset: u64,
    /// How many.
    #[n(1)]
    pub size: u64,
}

/// What a node of a value tree is to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum NodeKind {
    /// A result, an element, or what a formatter made of a container.
    #[n(0)]
    #[default]
    Plain,
    /// A parameter of the function.
    #[n(1)]
    Parameter,
    /// A local variable.
    #[n(2)]
    Local,
    /// A variable that lives as long as the program.
    #[n(3)]
    Static,
    /// A member.
    #[n(4)]
    Member,
    /// A base class.
    #[n(5)]
    Base,
    /// What a pointer leads to.
    #[n(6)]
    Target,
}

/// The value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum Content {
    /// Only what is in it: a structure, an array.
    #[n(0)]
    #[default]
    Composite,
    /// There is no value to show, and why: `optimized out`, `unavailable`, `memory access error at ...`.
    #[n(1)]
    Missing(#[n(0)] String),
    /// A number with a sign, at most 64 bits wide.
    #[n(2)]
    Signed(#[n(0)] i64),
    /// A number without a sign, and how many bytes it has.
    #[n(3)]
    Unsigned {
        /// The number.
        #[n(0)]
        value: u64,
        /// Bytes.
        #[n(1)]
        size: u8,
    },
    /// A number of 16 bytes: its upper and its lower half.
    #[n(4)]
    Wide {
        /// Bits 64 to 127.
        #[n(0)]
        high: u64,
        /// Bits 0 to 63.
        #[n(1)]
        low: u64,
        /// Whether it has a sign.
        #[n(2)]
        signed: bool,
    },
    /// A truth value; other than 0 and 1 where the memory holds no such.
    #[n(5)]
    Bool(#[n(0)] u8),
    /// A character.
    #[n(6)]
    Char {
        /// Its number, with a sign where its type has one.
        #[n(0)]
        value: i64,
        /// Whether it is a Unicode scalar, rather than one byte of some encoding.
        #[n(1)]
        unicode: bool,
    },
    /// A floating-point number, in the shortest decimals that mean it.
    #[n(7)]
    Float(#[n(0)] String),
    /// A pointer or reference.
    #[n(8)]
    Pointer {
        /// Where it leads.
        #[n(0)]
        address: Address,
        /// The symbol there, for pointers to code and to variables.
        #[n(1)]
        symbol: Option<SymbolName>,
        /// The text there, for pointers to characters.
        #[n(2)]
        text: Option<Text>,
    },
    /// A name of a number.
    #[n(9)]
    Enumerator {
        /// The name, or names joined with ` | `; none where the type has none for it.
        #[n(0)]
        name: Option<String>,
        /// The number.
        #[n(1)]
        value: i64,
        /// Whether the number has no sign, and is its bits.
        #[n(2)]
        unsigned: bool,
    },
    /// Text: an array of characters, or what a formatter makes of a string type.
    #[n(10)]
    Text(#[n(0)] Text),
    /// What a formatter says of it in a few words, such as `{ size=3 }` or `Some(0n5)`.
    #[n(11)]
    Summary(#[n(0)] String),
    /// Bytes that no rule tells the meaning of, as they lie in memory.
    #[n(12)]
    Bytes(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// Code, or a thing that is only a name.
    #[n(13)]
    Nothing,
}

/// A string of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Text {
    /// As far as it was read.
    #[n(0)]
    pub text: String,
    /// It goes on behind that.
    #[n(1)]
    pub cut: bool,
}

/// What of each variable `dv` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct LocalColumns {
    /// `/i`: parameter or local.
    #[n(0)]
    pub kind: bool,
    /// `/t`: the type.
    #[n(1)]
    pub type_name: bool,
    /// `/v`: the address or register.
    #[n(2)]
    pub address: bool,
    /// `/V`: the address and the place as the code sees it.
    #[n(3)]
    pub place: bool,
}

/// `dv`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Locals {
    /// One for each variable.
    #[n(0)]
    pub rows: Vec<ValueNode>,
    /// What is shown of each.
    #[n(1)]
    pub columns: LocalColumns,
}

/// `??`, `dx`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShownValue {
    /// The value.
    #[n(0)]
    pub value: ValueNode,
    /// As a tree (`dx`) rather than with offsets (`??`, `dt`).
    #[n(1)]
    pub tree: bool,
}
