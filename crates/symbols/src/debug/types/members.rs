//! What types are made of: members, base classes, variants, enumerators, parameters of generics.

use gimli::AttributeValue;

use super::{Encoding, TypeId, TypeKind, TypeRef, constant, flag, number};
use crate::debug::{DebugError, DebugReader, DieId, Entry, Unit};

/// Most members of one type, and enumerators of one enumeration.
const MOST: usize = 1 << 16;

/// Bits of a bit-field, from the least significant of the bytes at its offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BitRange {
    /// The first bit.
    pub offset: u64,
    /// How many.
    pub size: u64,
}

/// Where a member lies in its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberPlace {
    /// So many bytes from the start.
    At(u64),
    /// An expression computes it from the object's address: a virtual base class. Evaluate the location of the
    /// member's entry.
    Computed,
    /// Not in the object at all: a static member.
    Static,
}

/// What a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberKind {
    /// A field.
    Field,
    /// A base class.
    Base,
    /// A virtual base class.
    VirtualBase,
    /// A variable in the class's namespace.
    Static,
}

/// One member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its entry.
    pub id: DieId,
    /// Its name; none for what has none, such as an anonymous union.
    pub name: Option<String>,
    /// Its type.
    pub type_ref: TypeRef,
    /// Where it lies.
    pub place: MemberPlace,
    /// Which bits, for a bit-field; from the byte that [`MemberPlace::At`] names.
    pub bits: Option<BitRange>,
    /// What it is.
    pub kind: MemberKind,
    /// Made by the compiler, such as the pointer to the virtual functions.
    pub artificial: bool,
}

/// One variant of an enumeration with fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// The values of the discriminant, each from the first to the last; empty for the variant of all other values.
    pub values: Vec<(i128, i128)>,
    /// What it holds: in Rust one member, with the variant's name.
    pub members: Vec<Member>,
}

/// Variants of which an object is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VariantPart {
    /// What tells them apart; none where there is only one.
    pub discriminant: Option<Member>,
    /// In the order of declaration.
    pub variants: Vec<Variant>,
}

impl VariantPart {
    /// The variant of a discriminant.
    pub fn variant(&self, discriminant: i128) -> Option<&Variant> {
        let is_listed = |variant: &&Variant| {
            let mut values = variant.values.iter();
            values.any(|(first, last)| (*first..=*last).contains(&discriminant))
        };
        let listed = self.variants.iter().find(is_listed);
        listed.or_else(|| self.variants.iter().find(|variant| variant.values.is_empty()))
    }
}

/// Everything in a type.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Members {
    /// In the order of declaration, base classes and static members among them.
    pub list: Vec<Member>,
    /// The variants, where it has some.
    pub variants: Option<VariantPart>,
    /// There are more than anyone wants, and they were left out.
    pub cut: bool,
}

/// A name of a number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enumerator {
    /// As it is declared.
    pub name: String,
    /// What it stands for.
    pub value: i128,
}

/// What a template or a generic type was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generic {
    /// The parameter's name.
    pub name: Option<String>,
    /// The type, or the type of the value.
    pub type_ref: TypeRef,
    /// The value; none for a type.
    pub value: Option<i128>,
}

impl<'a> DebugReader<'a> {
    /// The members of a type; of its definition, where it is only declared.
    pub fn members(&self, id: TypeId) -> Result<Members, DebugError> {
        let id = self.definition(id);
        let (unit, entry) = self.entry(id.0)?;
        let mut members = Members::default();
        let mut part = None;
        self.children(&unit, &entry, |child| {
            if child.tag() == gimli::DW_TAG_variant_part {
                part.get_or_insert_with(|| child.clone());
            } else if let Some(member) = self.member(&unit, child) {
                members.list.push(member);
            }
            members.cut = members.list.len() >= MOST;
            !members.cut
        })?;
        members.variants = part.map(|part| self.variant_part(&unit, &part)).transpose()?;
        Ok(members)
    }

    /// The names of an enumeration's numbers, in the order of declaration.
    pub fn enumerators(&self, id: TypeId) -> Result<Vec<Enumerator>, DebugError> {
        let id = self.definition(id);
        let (unit, entry) = self.entry(id.0)?;
        let signed = matches!(self.kind_of(&id.into())?, TypeKind::Enum { signed: true, .. });
        let mut found = Vec::new();
        self.children(&unit, &entry, |child| {
            if child.tag() == gimli::DW_TAG_enumerator
                && let (Some(name), Some(value)) = (unit.name_of(child), child.attr_value(gimli::DW_AT_const_value))
                && let Some(value) = with_sign(&value, signed)
            {
                found.push(Enumerator { name, value });
            }
            found.len() < MOST
        })?;
        Ok(found)
    }

    /// What a template or a generic type was made for.
    pub fn generics(&self, id: DieId) -> Result<Vec<Generic>, DebugError> {
        let (unit, entry) = self.entry(self.definition(TypeId(id)).0)?;
        let mut found = Vec::new();
        self.children(&unit, &entry, |child| {
            let is_value = child.tag() == gimli::DW_TAG_template_value_parameter;
            if is_value || child.tag() == gimli::DW_TAG_template_type_parameter {
                let type_ref = self.type_attribute(&unit, child);
                let value = child.attr_value(gimli::DW_AT_const_value).filter(|_| is_value);
                found.push(Generic {
                    name: unit.name_of(child),
                    value: value.and_then(|value| with_sign(&value, self.is_signed(&type_ref))),
                    type_ref,
                });
            }
            found.len() < MOST
        })?;
        Ok(found)
    }

    /// A name that a class gives a type, as `reference` in an iterator.
    pub fn inner_type(&self, id: TypeId, name: &str) -> Option<TypeId> {
        let definition = self.definition(id);
        let found = self.inner_type_of(definition, name);
        found.or_else(|| self.inner_type_of(id, name).filter(|_| definition != id))
    }

    fn inner_type_of(&self, id: TypeId, name: &str) -> Option<TypeId> {
        let (unit, entry) = self.entry(id.0).ok()?;
        let mut found = None;
        let mut left = MOST;
        self.children(&unit, &entry, |child| {
            left -= 1;
            if child.tag() == gimli::DW_TAG_typedef && unit.name_of(child).as_deref() == Some(name) {
                found = Some(TypeId(unit.die(child)));
            }
            found.is_none() && left > 0
        })
        .ok()?;
        found
    }

    /// Whether numbers of a type have a sign.
    pub fn is_signed(&self, id: &TypeRef) -> bool {
        match self.stripped(id).map(|found| found.kind) {
            Ok(TypeKind::Base(encoding)) => matches!(encoding, Encoding::Signed | Encoding::SignedChar),
            Ok(TypeKind::Enum { signed, .. }) => signed,
            _ => false,
        }
    }

    /// Whether a structure is one of several variants.
    pub(super) fn has_variants(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Result<bool, DebugError> {
        let mut has = false;
        self.children(unit, entry, |child| {
            has = child.tag() == gimli::DW_TAG_variant_part;
            // It comes first, before what the type is generic over.
            !has && child.tag() == gimli::DW_TAG_template_type_parameter
        })?;
        Ok(has)
    }

    fn variant_part(&self, unit: &Unit<'a>, part: &Entry<'a>) -> Result<VariantPart, DebugError> {
        let discriminant = match self.referred(unit, part, gimli::DW_AT_discr) {
            Some(id) => {
                let (unit, entry) = self.entry(id)?;
                self.member(&unit, &entry)
            }
            None => None,
        };
        let signed = discriminant
            .as_ref()
            .is_some_and(|discriminant| self.is_signed(&discriminant.type_ref));
        let mut variants = Vec::new();
        let mut failed = None;
        self.children(unit, part, |child| {
            if child.tag() == gimli::DW_TAG_variant {
                let mut members = Vec::new();
                let looked = self.children(unit, child, |inner| {
                    members.extend(self.member(unit, inner));
                    members.len() < MOST
                });
                failed = looked.err();
                variants.push(Variant {
                    values: discriminants(child, signed),
                    members,
                });
            }
            failed.is_none() && variants.len() < MOST
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(VariantPart { discriminant, variants }),
        }
    }

    /// A member, from an entry that is one.
    pub(crate) fn member(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<Member> {
        let outside = flag(entry, gimli::DW_AT_external) || flag(entry, gimli::DW_AT_declaration);
        let kind = match entry.tag() {
            gimli::DW_TAG_member if outside && !entry.has_attr(gimli::DW_AT_data_member_location) => MemberKind::Static,
            gimli::DW_TAG_member => MemberKind::Field,
            gimli::DW_TAG_variable => MemberKind::Static,
            gimli::DW_TAG_inheritance => match entry.attr_value(gimli::DW_AT_virtuality) {
                Some(AttributeValue::Virtuality(gimli::DW_VIRTUALITY_virtual)) => MemberKind::VirtualBase,
                _ => MemberKind::Base,
            },
            _ => return None,
        };
        let type_ref = self.type_attribute(unit, entry);
        let (place, bits) = match kind {
            MemberKind::Static => (MemberPlace::Static, None),
            _ => self.place(entry, &type_ref),
        };
        Some(Member {
            id: unit.die(entry),
            name: unit.name_of(entry).filter(|name| !name.is_empty()),
            type_ref,
            place,
            bits,
            kind,
            artificial: flag(entry, gimli::DW_AT_artificial),
        })
    }

    fn place(&self, entry: &Entry<'a>, type_ref: &TypeRef) -> (MemberPlace, Option<BitRange>) {
        let offset = match entry.attr_value(gimli::DW_AT_data_member_location) {
            None => 0,
            Some(value) => match constant(&value).and_then(|offset| u64::try_from(offset).ok()) {
                Some(offset) => offset,
                None => match value
                    .exprloc_value()
                    .and_then(|expression| plain_offset(expression.0.slice()))
                {
                    Some(offset) => offset,
                    None => return (MemberPlace::Computed, None),
                },
            },
        };
        let Some(size) = number(entry, gimli::DW_AT_bit_size) else {
            return (MemberPlace::At(offset), None);
        };
        let storage = number(entry, gimli::DW_AT_byte_size)
            .or_else(|| self.size_of(type_ref))
            .unwrap_or(0);
        let base = offset.saturating_mul(8);
        let first = match number(entry, gimli::DW_AT_data_bit_offset) {
            // DWARF 5: bits from the object's start.
            Some(bits) => base.saturating_add(bits),
            // DWARF 4 and before count from the most significant bit of the storage.
            None => match entry
                .attr_value(gimli::DW_AT_bit_offset)
                .and_then(|value| value.sdata_value())
            {
                Some(from_top) => base
                    .saturating_add(storage.saturating_mul(8))
                    .saturating_sub(size)
                    .saturating_add_signed(from_top.saturating_neg()),
                None => base,
            },
        };
        // From the storage that its declared type would have there, or from its first byte where it crosses that.
        let unit = storage.saturating_mul(8).max(8);
        let inside = first % unit;
        let (start, offset) = match inside.saturating_add(size) <= unit {
            true => (first - inside, inside),
            false => (first - first % 8, first % 8),
        };
        (MemberPlace::At(start / 8), Some(BitRange { offset, size }))
    }
}

/// The discriminants of a variant.
fn discriminants(variant: &Entry<'_>, signed: bool) -> Vec<(i128, i128)> {
    if let Some(value) = variant.attr_value(gimli::DW_AT_discr_value) {
        return with_sign(&value, signed)
            .map(|value| (value, value))
            .into_iter()
            .collect();
    }
    let Some(AttributeValue::Block(mut list)) = variant.attr_value(gimli::DW_AT_discr_list) else {
        return Vec::new();
    };
    use gimli::Reader;
    let mut found = Vec::new();
    while let Ok(kind) = list.read_u8() {
        let mut next = || match signed {
            true => list.read_sleb128().ok().map(i128::from),
            false => list.read_uleb128().ok().map(i128::from),
        };
        let Some(first) = next() else {
            break;
        };
        match gimli::DwDsc(kind) {
            gimli::DW_DSC_label => found.push((first, first)),
            gimli::DW_DSC_range => found.extend(next().map(|last| (first, last))),
            _ => break,
        }
    }
    found
}

/// A constant of a type; forms of fixed size have no sign of their own.
pub(crate) fn with_sign(value: &crate::debug::Attribute<'_>, signed: bool) -> Option<i128> {
    match value {
        _ if !signed => match value {
            // A negative form of a number without a sign is one whose highest bit is set.
            AttributeValue::Sdata(value) => Some(i128::from(value.cast_unsigned())),
            value => constant(value),
        },
        AttributeValue::Data1(value) => Some(i128::from(value.cast_signed())),
        AttributeValue::Data2(value) => Some(i128::from(value.cast_signed())),
        AttributeValue::Data4(value) => Some(i128::from(value.cast_signed())),
        AttributeValue::Data8(value) => Some(i128::from(value.cast_signed())),
        value => constant(value),
    }
}

/// The constant of `DW_OP_plus_uconst`, which old compilers write instead of it.
fn plain_offset(expression: &[u8]) -> Option<u64> {
    use gimli::Reader;
    let mut bytes = gimli::EndianSlice::new(expression, gimli::LittleEndian);
    match bytes.read_u8().ok().map(gimli::DwOp) {
        Some(gimli::DW_OP_plus_uconst) => {
            let offset = bytes.read_uleb128().ok()?;
            bytes.is_empty().then_some(offset)
        }
        _ => None,
    }
}
