//! From a type that is only declared to where it is defined.

use gimli::AttributeValue;

use super::{TypeId, flag};
use crate::debug::{DebugReader, Entry, Unit};

impl<'a> DebugReader<'a> {
    /// The definition of a type that is only declared, of the same module; the type itself where it is one, or none is
    /// known. Definitions in other units are known by name, once the module has an index.
    pub fn definition(&self, id: TypeId) -> TypeId {
        self.other_definition(id).unwrap_or(id)
    }

    /// Where the members of a type are of which its unit only says that they are in a type unit.
    pub(super) fn in_type_unit(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<TypeId> {
        let signature = entry.attr_value(gimli::DW_AT_signature)?;
        let is_signature = matches!(signature, AttributeValue::DebugTypesRef(_));
        let found = is_signature.then(|| self.follow(unit, signature)).flatten()?;
        // A type unit that sends its readers on is none.
        let (_, definition) = self.entry(found).ok()?;
        (!definition.has_attr(gimli::DW_AT_signature)).then_some(TypeId(found))
    }

    fn other_definition(&self, id: TypeId) -> Option<TypeId> {
        let (unit, entry) = self.entry(id.0).ok()?;
        // Before DWARF 5 it may say nothing else.
        if entry.has_attr(gimli::DW_AT_signature) {
            return self.in_type_unit(&unit, &entry);
        }
        if !flag(&entry, gimli::DW_AT_declaration) {
            return None;
        }
        let name = self.qualified_name(id.0)?;
        let named = self.info().ready_index()?.types(self, &name);
        let mut same = named.into_iter().map(|named| named.id);
        // A typedef may have the name as well, and `b::T` is found where `a::b::T` is.
        same.find(|found| {
            let tag = self.entry(*found).map(|(_, found)| found.tag());
            tag.is_ok_and(|tag| tag == entry.tag() || is_class(tag) && is_class(entry.tag()))
                && self.qualified_name(*found).as_ref() == Some(&name)
        })
        .map(TypeId)
    }
}

/// A class may be declared as a struct and the other way round.
fn is_class(tag: gimli::DwTag) -> bool {
    matches!(tag, gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type)
}
