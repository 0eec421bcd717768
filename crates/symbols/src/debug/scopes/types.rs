//! The types that a function declares, as far as they are in scope at a place.

use std::collections::HashSet;

use farsight_types::Rva;

use super::{DebugReader, DieId, Visit, holds};
use crate::debug::TypeId;

/// Most types of one function; only hostile entries have more.
const MOST_TYPES: usize = 1 << 14;

impl DebugReader<'_> {
    /// The types of a function or an inlined call whose blocks hold a place, those of inner blocks first, each with how deep it
    /// lies. G++ says of none which block it is in.
    pub fn types_inside(&self, scope: DieId, rva: Rva) -> Vec<(usize, TypeId)> {
        let mut found: Vec<(usize, TypeId)> = Vec::new();
        let mut blocks: HashSet<DieId> = HashSet::new();
        let instance = scope;
        // An instance leaves to the function that it is one of what is the same in all of them.
        for scope in std::iter::once(scope).chain(self.origins(scope)) {
            let Ok(unit) = self.unit(scope.unit) else {
                break;
            };
            unit.begin_question();
            // What was found before damage counts.
            let _damage = self.visit_children(&unit, scope.offset, |entry, level| match entry.tag() {
                gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block => {
                    let id = unit.die(entry);
                    // Only the instance's blocks have code.
                    let is_around = match scope == instance {
                        true => holds(&unit, entry, rva) != Some(false),
                        false => blocks.contains(&id),
                    };
                    if is_around && blocks.len() < MOST_TYPES {
                        blocks.extend(self.origins(id));
                        return Visit::Into;
                    }
                    Visit::Over
                }
                gimli::DW_TAG_structure_type
                | gimli::DW_TAG_class_type
                | gimli::DW_TAG_union_type
                | gimli::DW_TAG_enumeration_type
                | gimli::DW_TAG_typedef
                    if found.len() < MOST_TYPES =>
                {
                    found.push((level, TypeId(unit.die(entry))));
                    Visit::Over
                }
                _ => Visit::Over,
            });
        }
        found.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        found
    }
}
