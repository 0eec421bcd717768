//! From a type that is only declared to where it is defined.

use gimli::AttributeValue;

use super::{TypeId, flag};
use crate::debug::{DebugReader, DieId};

impl DebugReader<'_> {
    /// The definition of a type that is only declared; the type itself where it is one, or none is known.
    pub fn definition(&self, id: TypeId) -> TypeId {
        let look = || {
            let (unit, entry) = self.entry(id.0).ok()?;
            if !flag(&entry, gimli::DW_AT_declaration) {
                return None;
            }
            // In a type unit of this number.
            match entry.attr_value(gimli::DW_AT_signature) {
                Some(signature @ AttributeValue::DebugTypesRef(_)) => self.follow(&unit, signature),
                _ => None,
            }
        };
        look().map_or(id, |found: DieId| TypeId(found))
    }
}
