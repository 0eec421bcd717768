//! Types and values of the evaluator.

use std::rc::Rc;

use farsight_symbols::{DieId, TypeRef};
use farsight_types::Address;

/// A type: C's own, one of debug information, or one that is built on another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CppType {
    /// A type that needs no debug information.
    Basic(&'static Basic),
    /// Of debug information.
    Known(KnownType),
    /// A pointer to a type.
    Pointer(Rc<CppType>),
    /// A reference to a type.
    Reference(Rc<CppType>),
    /// So many of a type.
    Array(Rc<CppType>, u64),
    /// Code.
    Function,
    /// Of something that no debug information describes.
    Unknown,
}

/// One type of a module's debug information.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KnownType {
    /// Where the module begins.
    pub module: Address,
    /// Which.
    pub of: TypeRef,
}

/// What the bits of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Nothing.
    Void,
    /// Truth.
    Bool,
    /// A number with a sign.
    Signed,
    /// A number without.
    Unsigned,
    /// A character of 8 bits, as number with a sign.
    SignedChar,
    /// A character of 8 bits, as number without.
    UnsignedChar,
    /// A character of Unicode.
    Unicode,
    /// Floating point; of more than 8 bytes, the processor's own with 64 bits of mantissa.
    Float,
    /// Floating point of 16 bytes with 113 bits of mantissa.
    Quad,
}

impl Encoding {
    /// Whether numbers have a sign.
    pub fn is_signed(self) -> bool {
        matches!(self, Encoding::Signed | Encoding::SignedChar)
    }

    /// Whether it is floating point.
    pub fn is_float(self) -> bool {
        matches!(self, Encoding::Float | Encoding::Quad)
    }
}

/// A type that needs no debug information.
#[derive(Debug, PartialEq, Eq)]
pub struct Basic {
    /// Its name.
    pub name: &'static str,
    /// What its bits mean.
    pub encoding: Encoding,
    /// Bytes.
    pub size: u8,
}

const fn basic(name: &'static str, encoding: Encoding, size: u8) -> Basic {
    Basic { name, encoding, size }
}

/// C's own types under their usual names, those of Rust, and those that users of DbgEng write.
pub(super) const BASICS: &[Basic] = &[
    basic("void", Encoding::Void, 0),
    basic("bool", Encoding::Bool, 1),
    basic("char", Encoding::SignedChar, 1),
    basic("signed char", Encoding::SignedChar, 1),
    basic("unsigned char", Encoding::UnsignedChar, 1),
    basic("short", Encoding::Signed, 2),
    basic("unsigned short", Encoding::Unsigned, 2),
    basic("int", Encoding::Signed, 4),
    basic("unsigned int", Encoding::Unsigned, 4),
    basic("long", Encoding::Signed, 8),
    basic("unsigned long", Encoding::Unsigned, 8),
    basic("long long", Encoding::Signed, 8),
    basic("unsigned long long", Encoding::Unsigned, 8),
    basic("__int128", Encoding::Signed, 16),
    basic("unsigned __int128", Encoding::Unsigned, 16),
    basic("float", Encoding::Float, 4),
    basic("double", Encoding::Float, 8),
    basic("long double", Encoding::Float, 16),
    basic("__float128", Encoding::Quad, 16),
    basic("_Float128", Encoding::Quad, 16),
    basic("wchar_t", Encoding::Unicode, 4),
    basic("char8_t", Encoding::Unicode, 1),
    basic("char16_t", Encoding::Unicode, 2),
    basic("char32_t", Encoding::Unicode, 4),
    basic("i8", Encoding::Signed, 1),
    basic("u8", Encoding::Unsigned, 1),
    basic("i16", Encoding::Signed, 2),
    basic("u16", Encoding::Unsigned, 2),
    basic("i32", Encoding::Signed, 4),
    basic("u32", Encoding::Unsigned, 4),
    basic("i64", Encoding::Signed, 8),
    basic("u64", Encoding::Unsigned, 8),
    basic("i128", Encoding::Signed, 16),
    basic("u128", Encoding::Unsigned, 16),
    basic("isize", Encoding::Signed, 8),
    basic("usize", Encoding::Unsigned, 8),
    basic("f32", Encoding::Float, 4),
    basic("f64", Encoding::Float, 8),
    basic("int8_t", Encoding::SignedChar, 1),
    basic("uint8_t", Encoding::UnsignedChar, 1),
    basic("int16_t", Encoding::Signed, 2),
    basic("uint16_t", Encoding::Unsigned, 2),
    basic("int32_t", Encoding::Signed, 4),
    basic("uint32_t", Encoding::Unsigned, 4),
    basic("int64_t", Encoding::Signed, 8),
    basic("uint64_t", Encoding::Unsigned, 8),
    basic("intptr_t", Encoding::Signed, 8),
    basic("uintptr_t", Encoding::Unsigned, 8),
    basic("ssize_t", Encoding::Signed, 8),
    basic("size_t", Encoding::Unsigned, 8),
    basic("ptrdiff_t", Encoding::Signed, 8),
    basic("UCHAR", Encoding::UnsignedChar, 1),
    basic("USHORT", Encoding::Unsigned, 2),
    basic("ULONG", Encoding::Unsigned, 4),
    basic("LONG", Encoding::Signed, 4),
    basic("ULONG64", Encoding::Unsigned, 8),
    basic("LONG64", Encoding::Signed, 8),
    basic("ULONG_PTR", Encoding::Unsigned, 8),
    basic("BYTE", Encoding::UnsignedChar, 1),
    basic("WORD", Encoding::Unsigned, 2),
    basic("DWORD", Encoding::Unsigned, 4),
    basic("DWORD64", Encoding::Unsigned, 8),
];

/// A type that needs no debug information, by its name.
pub fn basic_named(name: &str) -> Option<CppType> {
    BASICS.iter().find(|one| one.name == name).map(CppType::Basic)
}

impl CppType {
    /// One of C's own types; `void` where there is none of this name.
    pub(super) fn c(name: &'static str) -> CppType {
        basic_named(name).unwrap_or(CppType::Unknown)
    }

    /// A pointer to this.
    #[must_use]
    pub fn pointer(self) -> CppType {
        CppType::Pointer(Rc::new(self))
    }
}

/// What a type is, as the evaluator needs it. Names of types (`typedef`, `const`) are resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A number, a character, a truth, nothing.
    Number {
        /// What the bits mean.
        encoding: Encoding,
        /// Bytes.
        size: u64,
    },
    /// A pointer, Rust's references included.
    Pointer(CppType),
    /// A reference of C++.
    Reference(CppType),
    /// So many of a type.
    Array(CppType, Option<u64>),
    /// A structure, class, union or tuple.
    Record(Rc<Fields>),
    /// Names for numbers.
    Enum {
        /// Bytes.
        size: u64,
        /// Whether the numbers have a sign.
        signed: bool,
    },
    /// Another name of a type.
    Alias(CppType),
    /// Code.
    Function,
    /// A number that is shown and not computed with: a complex or decimal one, or one in the other byte order.
    Foreign {
        /// Bytes.
        size: u64,
    },
    /// Declared and not described, or of a kind that the evaluator does not know.
    Opaque,
}

/// The fields of a structure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    /// Bytes.
    pub size: u64,
    /// In their order, bases first.
    pub fields: Vec<Field>,
}

/// One field, base or variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// None for what is anonymous: its own fields count as fields of the whole.
    pub name: Option<String>,
    /// Its type.
    pub of: CppType,
    /// Where it is in the whole.
    pub place: FieldPlace,
    /// Which bits it has.
    pub bits: Option<Bits>,
    /// Whether it is a base class.
    pub is_base: bool,
    /// A variant of an enumeration with payloads: its number.
    pub variant: Option<u32>,
}

/// Where a field is in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldPlace {
    /// So many bytes from the start.
    At(u64),
    /// Where each object says: a virtual base class.
    Computed(KnownMember),
    /// Not in it: a variable of the class.
    Static(KnownMember),
}

/// A member of a class of a module's debug information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMember {
    /// Where the module begins.
    pub module: Address,
    /// The member's entry.
    pub id: DieId,
}

/// The place of a bit-field in the number that begins at its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The lowest bit.
    pub at: u32,
    /// How many.
    pub count: u32,
}

/// A value, or a place that holds one, with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Its type.
    pub of: CppType,
    /// Where it is, or what it is.
    pub held: Held,
}

/// Where a value is, or what it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// In a place.
    Place(Place),
    /// A number or address, of as many bits as its type has.
    Integer(u128),
    /// A number.
    Float(f64),
    /// The bytes of something larger.
    Bytes(Rc<[u8]>),
}

/// A place that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What counts the bytes.
    pub space: Space,
    /// The address, or the offset into the variable.
    pub at: u64,
    /// Which bits.
    pub bits: Option<Bits>,
}

/// What counts the bytes of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Memory.
    Memory,
    /// A variable that is not, or not as a whole, in memory: a number that the scope gave.
    Variable(u32),
}

impl Operand {
    /// A value that is in no place.
    pub fn integer(of: CppType, value: u128) -> Operand {
        let held = Held::Integer(value);
        Operand { of, held }
    }

    /// What is in memory.
    pub fn memory(of: CppType, address: u64) -> Operand {
        let place = Place {
            space: Space::Memory,
            at: address,
            bits: None,
        };
        let held = Held::Place(place);
        Operand { of, held }
    }

    /// Its address, where it is in memory.
    pub fn address(&self) -> Option<u64> {
        match self.held {
            Held::Place(Place {
                space: Space::Memory,
                at,
                bits: None,
            }) => Some(at),
            _ => None,
        }
    }
}
