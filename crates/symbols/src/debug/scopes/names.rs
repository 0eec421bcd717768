//! Names with the namespaces, modules and types around them.

use super::{DebugReader, DieId, MAX_REFERENCES};

/// What stands for a namespace without a name, as demanglers write it.
pub(in crate::debug) const ANONYMOUS: &str = "(anonymous namespace)";
/// Longest name that is put together; only hostile entries have longer ones.
const LONGEST: usize = 1 << 16;

impl DebugReader<'_> {
    /// The name of a function, type or variable with what it lies in, `ns::Class::f`; as far as things have names.
    pub fn qualified_name(&self, id: DieId) -> Option<String> {
        let mut name = self.full_name(id).filter(|name| !name.is_empty())?;
        let mut id = self.declaration_of(id);
        for _ in 0..MAX_REFERENCES {
            let Some(offset) = self.scope_around(id) else { break };
            let scope = DieId { unit: id.unit, offset };
            let Ok((_, entry)) = self.entry(scope) else { break };
            let part = match (entry.tag(), self.full_name(scope)) {
                // What is local to a function of C or C++ is not named by it.
                (gimli::DW_TAG_subprogram, _) => break,
                (_, Some(part)) => part,
                (gimli::DW_TAG_namespace, None) => ANONYMOUS.to_owned(),
                // A type without a name: what is around it says where this is.
                (_, None) => String::new(),
            };
            if !part.is_empty() {
                if name.len() + part.len() > LONGEST {
                    break;
                }
                name = format!("{part}::{name}");
            }
            id = self.declaration_of(scope);
        }
        Some(name)
    }

    /// The name in the symbol table (`DW_AT_linkage_name`), where it is said.
    pub fn linkage_name(&self, id: DieId) -> Option<String> {
        let of = |attribute| {
            let (unit, value) = self.inherited(id, attribute)?;
            unit.text(value)
        };
        of(gimli::DW_AT_linkage_name).or_else(|| of(gimli::DW_AT_MIPS_linkage_name))
    }

    fn scope_around(&self, id: DieId) -> Option<u64> {
        self.info().outline(self, id.unit).ok()?.scope_around(id.offset)
    }

    /// What an entry is an instance or the definition of, in the end: it lies where its name belongs.
    pub(super) fn declaration_of(&self, id: DieId) -> DieId {
        let mut id = id;
        for _ in 0..MAX_REFERENCES {
            let Ok((unit, entry)) = self.entry(id) else { break };
            match self.origin(&unit, &entry) {
                Some(next) => id = next,
                None => break,
            }
        }
        id
    }
}
