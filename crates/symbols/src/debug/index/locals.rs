//! Names inside of functions: `f::counter` is the static variable of `f`, `f::Local` a type of it.
//!
//! The index knows functions and not what is inside of them, which is most of all entries; so their entries are walked
//! when such a name is asked for.

use std::rc::Rc;

use gimli::DwTag;

use super::super::{DebugReader, DieId, Unit};
use super::{NameIndex, NameKind, Named, Role, names};

/// Functions of one name that are looked into.
const MOST_FUNCTIONS: usize = 4096;
/// Entries of one function that are looked at; only hostile ones have more.
const MOST_ENTRIES: usize = 1 << 20;

impl NameIndex {
    /// What is called `own` inside of the functions that `scopes` name.
    pub(super) fn inside_functions(
        &self,
        reader: &DebugReader<'_>,
        kind: NameKind,
        scopes: &str,
        own: &str,
    ) -> Vec<Named> {
        let mut found: Vec<Named> = Vec::new();
        for function in self.functions(reader, scopes).into_iter().take(MOST_FUNCTIONS) {
            // What was optimised away is no reason to leave out the rest.
            let inside = reader.inside(function.id, kind, own).unwrap_or_default();
            found.extend(inside.into_iter().map(|id| Named {
                id,
                role: Role::Definition,
            }));
        }
        // An instance shows the same variable as what it is an instance of.
        found.sort_by_key(|named| named.id);
        found.dedup();
        found
    }
}

impl DebugReader<'_> {
    fn inside(&self, function: DieId, kind: NameKind, own: &str) -> Option<Vec<DieId>> {
        let unit: Rc<Unit<'_>> = self.unit(function.unit).ok()?;
        let start = gimli::UnitOffset(usize::try_from(function.offset).ok()?);
        let mut entries = unit.unit.entries_at_offset(start).ok()?;
        let mut found = Vec::new();
        let mut first = None;
        for _ in 0..MOST_ENTRIES {
            let Ok(Some(entry)) = entries.next_dfs() else {
                break;
            };
            let depth = entry.depth();
            let top = *first.get_or_insert(depth);
            if depth <= top {
                if entry.offset() == start {
                    continue;
                }
                break;
            }
            if !is_of(kind, entry.tag()) || entry.has_attr(gimli::DW_AT_declaration) {
                continue;
            }
            let id = unit.die(entry);
            let is_named = self
                .name(id)
                .is_some_and(|name| name == own || names::plain(&name) == own);
            // Variables of one call have no place that is known without the call.
            if is_named && (kind != NameKind::Variable || self.static_place(id).is_some()) {
                found.push(id);
            }
        }
        Some(found)
    }
}

fn is_of(kind: NameKind, tag: DwTag) -> bool {
    match kind {
        NameKind::Function => false,
        NameKind::Variable => tag == gimli::DW_TAG_variable,
        NameKind::Type => matches!(
            tag,
            gimli::DW_TAG_structure_type
                | gimli::DW_TAG_class_type
                | gimli::DW_TAG_union_type
                | gimli::DW_TAG_enumeration_type
                | gimli::DW_TAG_typedef
        ),
    }
}
