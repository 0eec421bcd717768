//! Types as debug information describes them: what a variable's bytes mean.
//!
//! [`DebugReader::type_of`] answers with one [`Type`]; what it refers to is named by [`TypeRef`]s, so that a type graph
//! in circles costs nothing until somebody follows it, which is always done with a bound. A [`TypeRef`] may also name a
//! type that nobody wrote down, such as a pointer to another. Members, enumerators and parameters of generics are asked
//! for apart ([`DebugReader::members`]), because most who want a type's name and size do not want them.

use std::rc::Rc;
use std::sync::Arc;

use gimli::AttributeValue;

use super::reader::MAX_REFERENCES;
use super::{DebugError, DebugReader, DieId, Entry, Unit};

mod alignment;
mod arguments;
mod copies;
mod definition;
mod language;
mod members;
mod names;

pub(super) use arguments::Kept;
pub(super) use definition::Comparisons;
pub use definition::Definition;
pub use language::Language;
pub(super) use language::Languages;
pub use members::{BitRange, Enumerator, Generic, Member, MemberKind, MemberPlace, Members, Variant, VariantPart};

/// A type that the debug information has an entry for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub DieId);

/// A type of one module: one with an entry of its own, or one made of others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TypeRef {
    /// `void`, and whatever has no type.
    Void,
    /// One with an entry.
    Entry(TypeId),
    /// The rest of an array of several dimensions, behind this many of them.
    Dimension(TypeId, u32),
    /// A number without an entry, by its encoding and size in bytes, with its name.
    Base(Encoding, u64, &'static str),
    /// A pointer to another.
    Pointer(Arc<TypeRef>),
    /// An array of this many of another.
    Array(Arc<TypeRef>, u64),
}

impl From<TypeId> for TypeRef {
    fn from(id: TypeId) -> TypeRef {
        TypeRef::Entry(id)
    }
}

impl From<Option<TypeId>> for TypeRef {
    /// No type is `void`.
    fn from(id: Option<TypeId>) -> TypeRef {
        id.map_or(TypeRef::Void, TypeRef::Entry)
    }
}

impl TypeRef {
    /// A pointer to this type.
    pub fn pointer(self) -> TypeRef {
        TypeRef::Pointer(Arc::new(self))
    }

    /// An array of this type.
    pub fn array(self, count: u64) -> TypeRef {
        TypeRef::Array(Arc::new(self), count)
    }

    /// The entry that it is, or is a dimension of.
    pub fn id(&self) -> Option<TypeId> {
        match self {
            TypeRef::Entry(id) | TypeRef::Dimension(id, _) => Some(*id),
            _ => None,
        }
    }
}

/// How a base type's bits are meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Encoding {
    /// Two's complement.
    Signed,
    /// A number without a sign.
    Unsigned,
    /// Nonzero is true.
    Bool,
    /// IEEE binary, and the 80-bit format of x87 in 16 bytes.
    Float,
    /// A character of one byte, with a sign.
    SignedChar,
    /// A character of one byte, without a sign.
    UnsignedChar,
    /// A Unicode character of 1, 2 or 4 bytes.
    Utf,
    /// Two floats: real, then imaginary.
    Complex,
    /// Decimal floating point.
    Decimal,
    /// An address as a number.
    Address,
    /// One of the others, with its bytes in the other order than the machine's.
    Reversed(&'static Encoding),
    /// Something else, by DWARF's number.
    Other(u8),
}

/// What was written to declare a type with members.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RecordKind {
    /// `struct`.
    Struct,
    /// `class`.
    Class,
    /// `union`.
    Union,
    /// An enumeration whose variants have fields, as in Rust.
    Variants,
}

/// A word that changes a type's use and not its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Qualifier {
    /// `const`.
    Const,
    /// `volatile`.
    Volatile,
    /// `restrict`.
    Restrict,
    /// `_Atomic`.
    Atomic,
    /// Something that has no word here, such as `shared`.
    Other,
}

/// What a type is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TypeKind {
    /// No value at all.
    Void,
    /// A number.
    Base(Encoding),
    /// A pointer.
    Pointer(TypeRef),
    /// `T &`.
    Reference(TypeRef),
    /// `T &&`.
    RvalueReference(TypeRef),
    /// `T C::*`.
    MemberPointer {
        /// What it points to.
        target: TypeRef,
        /// The class that it is a member of.
        class: TypeRef,
    },
    /// A type with members.
    Record {
        /// What it was declared with.
        kind: RecordKind,
        /// Only declared: its members are in another unit or nowhere ([`DebugReader::definition`]).
        declaration: bool,
    },
    /// An enumeration of numbers.
    Enum {
        /// The number behind it.
        underlying: TypeRef,
        /// Whether that has a sign.
        signed: bool,
        /// Whether its names are used with its own (`enum class`).
        scoped: bool,
        /// Only declared.
        declaration: bool,
    },
    /// Elements of one type in a row.
    Array {
        /// Of this type.
        element: TypeRef,
        /// How many; none where only the running program knows, or nobody.
        count: Option<u64>,
        /// Bytes from one element to the next, where that is not the element's size.
        stride: Option<u64>,
        /// The entry whose attributes compute the count while the program runs.
        bound: Option<DieId>,
    },
    /// Code.
    Function {
        /// What it answers with.
        result: TypeRef,
        /// What it takes.
        parameters: Vec<TypeRef>,
        /// Whether it takes more (`...`).
        variadic: bool,
    },
    /// Another name of a type.
    Typedef(TypeRef),
    /// A type with a word before it.
    Qualified(Qualifier, TypeRef),
    /// A type that the debug information has only a name for, such as `decltype(nullptr)`.
    Unspecified,
}

/// One type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Type {
    /// Which.
    pub id: TypeRef,
    /// Its readable name, as its language writes it: `const char *`, `struct point` in C and `point` in C++,
    /// `alloc::string::String`.
    pub name: String,
    /// Bytes; none where it has no size, or only a running program knows.
    pub size: Option<u64>,
    /// What it is.
    pub kind: TypeKind,
}

impl Type {
    /// What a pointer or reference leads to.
    pub fn target(&self) -> Option<&TypeRef> {
        match &self.kind {
            TypeKind::Pointer(target) | TypeKind::Reference(target) | TypeKind::RvalueReference(target) => Some(target),
            _ => None,
        }
    }
}

impl<'a> DebugReader<'a> {
    /// A type with its name.
    pub fn type_of(&self, id: &TypeRef) -> Result<Type, DebugError> {
        let kind = self.kind_of(id)?;
        Ok(Type {
            id: id.clone(),
            name: self.type_name(id),
            size: self.size_of(id),
            kind,
        })
    }

    /// A type without names in between: through typedefs and qualifiers to what its bytes are.
    pub fn stripped(&self, id: &TypeRef) -> Result<Type, DebugError> {
        let mut id = id.clone();
        for _ in 0..MAX_REFERENCES {
            match self.kind_of(&id)? {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => id = target,
                _ => return self.type_of(&id),
            }
        }
        Err(DebugError::Reference)
    }

    /// What a type is, without its name, which can cost more.
    pub fn kind_of(&self, id: &TypeRef) -> Result<TypeKind, DebugError> {
        Ok(match id {
            TypeRef::Void => TypeKind::Void,
            TypeRef::Base(encoding, _, _) => TypeKind::Base(*encoding),
            TypeRef::Pointer(target) => TypeKind::Pointer(TypeRef::clone(target)),
            TypeRef::Array(element, count) => TypeKind::Array {
                element: TypeRef::clone(element),
                count: Some(*count),
                stride: None,
                bound: None,
            },
            TypeRef::Dimension(id, skip) => {
                let (unit, entry) = self.entry(id.0)?;
                self.array(&unit, &entry, *id, *skip)?
            }
            TypeRef::Entry(id) => self.kind_of_entry(*id)?,
        })
    }

    fn kind_of_entry(&self, id: TypeId) -> Result<TypeKind, DebugError> {
        let (unit, entry) = self.entry(id.0)?;
        if let Some(definition) = self.in_type_unit(&unit, &entry) {
            return self.kind_of_entry(definition);
        }
        let target = || self.type_attribute(&unit, &entry);
        let declaration = || flag(&entry, gimli::DW_AT_declaration);
        let record = |kind| TypeKind::Record {
            kind,
            declaration: declaration(),
        };
        let qualified = |qualifier| TypeKind::Qualified(qualifier, target());
        Ok(match entry.tag() {
            gimli::DW_TAG_base_type => TypeKind::Base(encoding(&entry)),
            gimli::DW_TAG_pointer_type => TypeKind::Pointer(target()),
            gimli::DW_TAG_reference_type => TypeKind::Reference(target()),
            gimli::DW_TAG_rvalue_reference_type => TypeKind::RvalueReference(target()),
            gimli::DW_TAG_ptr_to_member_type => TypeKind::MemberPointer {
                target: target(),
                class: self
                    .referred(&unit, &entry, gimli::DW_AT_containing_type)
                    .map(TypeId)
                    .into(),
            },
            gimli::DW_TAG_structure_type if self.has_variants(&unit, &entry)? => record(RecordKind::Variants),
            gimli::DW_TAG_structure_type => record(RecordKind::Struct),
            gimli::DW_TAG_class_type | gimli::DW_TAG_interface_type => record(RecordKind::Class),
            gimli::DW_TAG_union_type => record(RecordKind::Union),
            gimli::DW_TAG_enumeration_type => {
                let underlying = target();
                let signed = self.has_sign(&unit, &entry, &underlying);
                match (is_reversed(&entry), signed) {
                    (true, true) => TypeKind::Base(Encoding::Reversed(&Encoding::Signed)),
                    (true, false) => TypeKind::Base(Encoding::Reversed(&Encoding::Unsigned)),
                    (false, _) => TypeKind::Enum {
                        signed,
                        underlying,
                        scoped: flag(&entry, gimli::DW_AT_enum_class),
                        declaration: declaration(),
                    },
                }
            }
            gimli::DW_TAG_array_type => self.array(&unit, &entry, id, 0)?,
            gimli::DW_TAG_string_type => TypeKind::Array {
                element: TypeRef::Base(Encoding::UnsignedChar, 1, "char"),
                count: number(&entry, gimli::DW_AT_byte_size),
                stride: None,
                bound: None,
            },
            gimli::DW_TAG_subroutine_type | gimli::DW_TAG_subprogram => self.function(&unit, &entry)?,
            gimli::DW_TAG_typedef | gimli::DW_TAG_template_alias => TypeKind::Typedef(target()),
            gimli::DW_TAG_const_type => qualified(Qualifier::Const),
            gimli::DW_TAG_volatile_type => qualified(Qualifier::Volatile),
            gimli::DW_TAG_restrict_type => qualified(Qualifier::Restrict),
            gimli::DW_TAG_atomic_type => qualified(Qualifier::Atomic),
            gimli::DW_TAG_packed_type | gimli::DW_TAG_shared_type | gimli::DW_TAG_immutable_type => {
                qualified(Qualifier::Other)
            }
            // A range of numbers, as other languages have it: its bytes are those of the type it is a range of.
            gimli::DW_TAG_subrange_type => TypeKind::Typedef(target()),
            gimli::DW_TAG_unspecified_type => TypeKind::Unspecified,
            _ => return Err(DebugError::Reference),
        })
    }

    /// How many bytes a type takes.
    pub fn size_of(&self, id: &TypeRef) -> Option<u64> {
        let mut id = id.clone();
        let mut times: u64 = 1;
        for _ in 0..MAX_REFERENCES {
            if let Some(entry) = id.id().filter(|_| matches!(id, TypeRef::Entry(_))) {
                let (_, entry) = self.entry(self.definition(entry).0).ok()?;
                if let Some(size) = number(&entry, gimli::DW_AT_byte_size) {
                    return size.checked_mul(times);
                }
                if let Some(bits) = number(&entry, gimli::DW_AT_bit_size) {
                    return bits.div_ceil(8).checked_mul(times);
                }
            }
            match self.kind_of(&id).ok()? {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => id = target,
                TypeKind::Enum { underlying, .. } => id = underlying,
                TypeKind::Array {
                    element, count, stride, ..
                } => {
                    times = times.checked_mul(count?)?;
                    match stride {
                        Some(stride) => return stride.checked_mul(times),
                        None => id = element,
                    }
                }
                TypeKind::Pointer(_) | TypeKind::Reference(_) | TypeKind::RvalueReference(_) => {
                    return times.checked_mul(8);
                }
                // As the C++ ABI has it: a function's is a pointer and an adjustment.
                TypeKind::MemberPointer { target, .. } => {
                    let function = |(_, bare): &(_, Entry<'a>)| bare.tag() == gimli::DW_TAG_subroutine_type;
                    let is_function = self.bare_entry(&target).as_ref().is_some_and(function);
                    return times.checked_mul(if is_function { 16 } else { 8 });
                }
                TypeKind::Base(_) => match id {
                    TypeRef::Base(_, size, _) => return size.checked_mul(times),
                    _ => return None,
                },
                TypeKind::Void | TypeKind::Record { .. } | TypeKind::Function { .. } | TypeKind::Unspecified => {
                    return None;
                }
            }
        }
        None
    }

    /// The type that an entry's `DW_AT_type` names.
    pub(crate) fn type_attribute(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> TypeRef {
        self.referred(unit, entry, gimli::DW_AT_type).map(TypeId).into()
    }

    /// The type of a variable, parameter or member, its own or that of what it is an instance of.
    pub fn type_of_entry(&self, id: DieId) -> TypeRef {
        let Some((unit, value)) = self.inherited(id, gimli::DW_AT_type) else {
            return TypeRef::Void;
        };
        self.follow(&unit, value).map(TypeId).into()
    }

    /// What the table of functions of this type belongs to (`DW_AT_containing_type`).
    pub fn containing_type(&self, id: TypeId) -> Option<TypeId> {
        let (unit, entry) = self.entry(self.definition(id).0).ok()?;
        self.referred(&unit, &entry, gimli::DW_AT_containing_type).map(TypeId)
    }

    fn array(&self, unit: &Unit<'a>, entry: &Entry<'a>, id: TypeId, skip: u32) -> Result<TypeKind, DebugError> {
        let mut dimensions = Vec::new();
        self.children(unit, entry, |child| {
            if matches!(
                child.tag(),
                gimli::DW_TAG_subrange_type | gimli::DW_TAG_enumeration_type | gimli::DW_TAG_generic_subrange
            ) {
                dimensions.push((self.count(unit, child), unit.die(child)));
            }
            dimensions.len() < MAX_REFERENCES
        })?;
        let last = u32::try_from(dimensions.len().saturating_sub(1)).unwrap_or(0);
        let element = match skip < last {
            true => TypeRef::Dimension(id, skip + 1),
            false => self.type_attribute(unit, entry),
        };
        let stride = number(entry, gimli::DW_AT_byte_stride).filter(|_| skip >= last);
        let dimension = usize::try_from(skip).ok().and_then(|skip| dimensions.get(skip));
        let (count, bound) = match dimension {
            Some((Count::Known(count), _)) => (Some(*count), None),
            Some((Count::Computed, die)) => (None, Some(*die)),
            Some((Count::Unknown, _)) | None => (None, None),
        };
        Ok(TypeKind::Array {
            element,
            count,
            stride,
            bound,
        })
    }

    fn count(&self, unit: &Unit<'a>, subrange: &Entry<'a>) -> Count {
        if subrange.tag() == gimli::DW_TAG_enumeration_type {
            let mut count = 0;
            let counted = self.children(unit, subrange, |_| {
                count += 1;
                true
            });
            return counted.map_or(Count::Unknown, |()| Count::Known(count));
        }
        let lower = number(subrange, gimli::DW_AT_lower_bound).unwrap_or(0);
        if let Some(value) = subrange.attr_value(gimli::DW_AT_count) {
            return match constant(&value) {
                Some(count) => u64::try_from(count).map_or(Count::Unknown, Count::Known),
                None => Count::Computed,
            };
        }
        match subrange.attr_value(gimli::DW_AT_upper_bound) {
            None => Count::Unknown,
            Some(value) => match constant(&value) {
                // `int a[0]` is written with -1, or with all bits of some width.
                Some(-1 | 0xffff_ffff | 0xffff_ffff_ffff_ffff) => Count::Known(0),
                Some(upper) => {
                    let count = upper.checked_add(1).and_then(|end| end.checked_sub(i128::from(lower)));
                    count
                        .and_then(|count| u64::try_from(count).ok())
                        .map_or(Count::Unknown, Count::Known)
                }
                None => Count::Computed,
            },
        }
    }

    fn function(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Result<TypeKind, DebugError> {
        let mut parameters = Vec::new();
        let mut variadic = false;
        self.children(unit, entry, |child| {
            match child.tag() {
                gimli::DW_TAG_formal_parameter => parameters.push(self.type_attribute(unit, child)),
                gimli::DW_TAG_unspecified_parameters => variadic = true,
                _ => {}
            }
            parameters.len() < MOST_PARAMETERS
        })?;
        Ok(TypeKind::Function {
            result: self.type_attribute(unit, entry),
            parameters,
            variadic,
        })
    }

    /// The entry behind typedefs and qualifiers. Asks of no entry what kind of type it is, which asks this.
    fn bare_entry(&self, id: &TypeRef) -> Option<(Rc<Unit<'a>>, Entry<'a>)> {
        let mut id = id.id().filter(|_| matches!(id, TypeRef::Entry(_)))?;
        for _ in 0..MAX_REFERENCES {
            let (unit, entry) = self.entry(id.0).ok()?;
            match entry.tag() {
                gimli::DW_TAG_typedef
                | gimli::DW_TAG_const_type
                | gimli::DW_TAG_volatile_type
                | gimli::DW_TAG_restrict_type
                | gimli::DW_TAG_atomic_type => id = TypeId(self.referred(&unit, &entry, gimli::DW_AT_type)?),
                _ => return Some((unit, entry)),
            }
        }
        None
    }

    fn has_sign(&self, unit: &Unit<'a>, entry: &Entry<'a>, underlying: &TypeRef) -> bool {
        match self.bare_entry(underlying) {
            Some((_, bare)) if bare.tag() == gimli::DW_TAG_base_type => {
                matches!(encoding(&bare), Encoding::Signed | Encoding::SignedChar)
            }
            // C of DWARF 4 does not say: there is a sign where a value needs one.
            _ => {
                let mut negative = false;
                let looked = self.children(unit, entry, |child| {
                    negative = child
                        .attr_value(gimli::DW_AT_const_value)
                        .and_then(|value| constant(&value))
                        .is_some_and(|value| value < 0);
                    !negative
                });
                looked.is_ok() && negative
            }
        }
    }

    /// Calls with each child of an entry, until it answers false.
    pub(crate) fn children(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        mut each: impl FnMut(&Entry<'a>) -> bool,
    ) -> Result<(), DebugError> {
        if !entry.has_children() {
            return Ok(());
        }
        let mut tree = unit.unit.entries_tree(Some(entry.offset()))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            if !each(child.entry()) {
                break;
            }
        }
        Ok(())
    }
}

/// No sane function takes more.
const MOST_PARAMETERS: usize = 1024;

enum Count {
    Known(u64),
    Computed,
    Unknown,
}

fn encoding(entry: &Entry<'_>) -> Encoding {
    let encoding = encoding_in_order(entry);
    if !is_reversed(entry) {
        return encoding;
    }
    Encoding::Reversed(match encoding {
        Encoding::Signed => &Encoding::Signed,
        Encoding::Unsigned => &Encoding::Unsigned,
        Encoding::Float => &Encoding::Float,
        Encoding::Utf => &Encoding::Utf,
        // A byte has no order.
        Encoding::Bool | Encoding::SignedChar | Encoding::UnsignedChar => return encoding,
        _ => &Encoding::Other(0),
    })
}

/// All machines that are debugged so far have the least byte first.
fn is_reversed(entry: &Entry<'_>) -> bool {
    entry.attr_value(gimli::DW_AT_endianity) == Some(AttributeValue::Endianity(gimli::DW_END_big))
}

fn encoding_in_order(entry: &Entry<'_>) -> Encoding {
    let Some(AttributeValue::Encoding(encoding)) = entry.attr_value(gimli::DW_AT_encoding) else {
        return Encoding::Other(0);
    };
    match encoding {
        gimli::DW_ATE_signed | gimli::DW_ATE_signed_fixed => Encoding::Signed,
        gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_fixed => Encoding::Unsigned,
        gimli::DW_ATE_boolean => Encoding::Bool,
        gimli::DW_ATE_float => Encoding::Float,
        gimli::DW_ATE_signed_char => Encoding::SignedChar,
        gimli::DW_ATE_unsigned_char => Encoding::UnsignedChar,
        gimli::DW_ATE_UTF | gimli::DW_ATE_UCS | gimli::DW_ATE_ASCII => Encoding::Utf,
        gimli::DW_ATE_complex_float => Encoding::Complex,
        gimli::DW_ATE_decimal_float => Encoding::Decimal,
        gimli::DW_ATE_address => Encoding::Address,
        other => Encoding::Other(other.0),
    }
}

/// A flag attribute.
pub(crate) fn flag(entry: &Entry<'_>, name: gimli::DwAt) -> bool {
    matches!(entry.attr_value(name), Some(AttributeValue::Flag(true)))
}

/// A constant attribute that is a size or a count.
pub(crate) fn number(entry: &Entry<'_>, name: gimli::DwAt) -> Option<u64> {
    u64::try_from(constant(&entry.attr_value(name)?)?).ok()
}

/// A constant, with a sign where its form has one. Forms of fixed size are taken without one.
pub(crate) fn constant(value: &super::Attribute<'_>) -> Option<i128> {
    match value {
        AttributeValue::Sdata(value) => Some(i128::from(*value)),
        AttributeValue::Data16(value) => Some(value.cast_signed()),
        AttributeValue::Block(bytes) if bytes.len() <= 16 => {
            let mut whole = [0; 16];
            whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
            Some(i128::from_le_bytes(whole))
        }
        value => value.udata_value().map(i128::from),
    }
}

#[cfg(test)]
mod tests;
