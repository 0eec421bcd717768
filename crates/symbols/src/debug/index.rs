//! From names to entries: every function, variable and type of a module that is not inside of a function.
//!
//! [`NameIndex`] is built once a module, by several threads ([`DebugInfo::index`]), and keeps numbers only: the hash of
//! each plain name, the entry, and the scope that it is in. Names are read from the sections when they are asked for.
//! Static functions, those that are only inlined, and what has lost its symbols are in it.

use super::{DebugInfo, DebugReader, DieId};
use crate::demangle::{demangle_short, ends_as_method, is_method};
use crate::pattern::Pattern;

mod build;
mod enumerators;
mod locals;
mod names;
mod places;
mod scopes;
mod spelled;
mod table;
mod walk;

pub use build::{Cancelled, Watch};
pub use enumerators::NamedEnumerator;
pub use names::own_part;
pub(crate) use names::plain;
use scopes::Scope;
pub use table::Role;
use table::{Item, Table};

/// Most functions of one name in blocks that implement traits whose symbols are read.
const MOST_OF_TRAITS: usize = 1 << 16;

/// The names of one module's debug information.
#[derive(Debug)]
pub struct NameIndex {
    functions: Table,
    variables: Table,
    types: Table,
    scopes: Vec<Scope>,
    /// Units that have copies of functions of other units.
    far_units: Vec<u32>,
    damaged: u32,
}

/// What an index is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameKind {
    /// Functions with code of their own or inlined copies.
    Function,
    /// Variables and constants outside of functions, static members among them.
    Variable,
    /// Types with their members, not mere declarations.
    Type,
}

/// An entry that a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// The entry.
    pub id: DieId,
    /// What it is to its name.
    pub role: Role,
}

impl DebugInfo {
    /// The index, built at the first asking, which takes a fraction of a second for a kernel; others who ask meanwhile
    /// build one of their own.
    pub fn index(&self, watch: &Watch) -> Result<&NameIndex, Cancelled> {
        if let Some(ready) = self.index.get() {
            return Ok(ready);
        }
        let built = build::build(self, watch)?;
        Ok(self.index.get_or_init(|| built))
    }

    /// The index, where it has been built.
    pub fn ready_index(&self) -> Option<&NameIndex> {
        self.index.get()
    }
}

impl NameIndex {
    /// How many names are known, by kind: different ones, and entries.
    pub fn count(&self, kind: NameKind) -> (usize, usize) {
        let table = self.table(kind);
        (table.name_count(), table.len())
    }

    /// How many units could not be read to their end.
    pub fn damaged(&self) -> u32 {
        self.damaged
    }

    /// The functions of a name: `f`, `ns::f`, `Class::method`; outer scopes may be left out, and so may template and
    /// generic arguments, which then stand for all instances. In the order of the units.
    pub fn functions(&self, reader: &DebugReader<'_>, name: &str) -> Vec<Named> {
        self.find(reader, NameKind::Function, name)
    }

    /// The variables of a name, as for [`NameIndex::functions`].
    pub fn variables(&self, reader: &DebugReader<'_>, name: &str) -> Vec<Named> {
        self.find(reader, NameKind::Variable, name)
    }

    /// The types of a name, as for [`NameIndex::functions`].
    pub fn types(&self, reader: &DebugReader<'_>, name: &str) -> Vec<Named> {
        self.find(reader, NameKind::Type, name)
    }

    /// The entries of a name; static variables and types inside of functions by their functions (`f::counter`).
    pub fn find(&self, reader: &DebugReader<'_>, kind: NameKind, name: &str) -> Vec<Named> {
        let mut wanted = names::components(name.trim());
        // `::f` is `f` in no scope.
        let is_absolute = wanted.len() > 1 && wanted.first() == Some(&"");
        if is_absolute {
            wanted.remove(0);
        }
        let Some((last, scopes)) = wanted.split_last() else {
            return Vec::new();
        };
        let bare = names::plain(last);
        let has_arguments = bare != *last;
        let items = self.table(kind).of_hash(names::hash(bare.as_bytes()));
        let is_wanted = |item: &&Item| {
            (!has_arguments
                || self
                    .own_name(reader, **item)
                    .is_some_and(|name| names::is_same(&name, last)))
                && self.is_inside(reader, item.scope.scope(), scopes, is_absolute)
        };
        let found: Vec<Named> = items.iter().filter(is_wanted).map(|item| named(*item)).collect();
        match (found.is_empty() && !scopes.is_empty(), kind) {
            (false, _) => found,
            (true, NameKind::Function) => self.of_traits(reader, items, &wanted.join("::"), is_absolute),
            (true, _) => self.inside_functions(reader, kind, &scopes.join("::"), last),
        }
    }

    /// Those of some functions that are a trait's for a type, by the type: `Dog::speak`. Where they lie only the block
    /// is known that implements the trait, which has no name; their symbols spell the type.
    fn of_traits(&self, reader: &DebugReader<'_>, items: &[Item], asked: &str, is_absolute: bool) -> Vec<Named> {
        let is_in_block = |item: &&Item| {
            let scope = self.scopes.get(item.scope.scope() as usize);
            item.scope.scope() != 0 && scope.is_some_and(|scope| scope.is_hidden)
        };
        let is_asked = |item: &&Item| {
            let symbol = reader.linkage_name(item.id());
            let readable = symbol.and_then(|symbol| demangle_short(&symbol));
            readable.is_some_and(|readable| match is_absolute {
                true => is_method(&readable, asked),
                false => ends_as_method(&readable, asked),
            })
        };
        let those = items.iter().filter(is_in_block).take(MOST_OF_TRAITS);
        those.filter(is_asked).map(|item| named(*item)).collect()
    }

    /// Goes through all entries whose name matches a pattern, with their qualified names, until `each` or the watch
    /// wants no more.
    pub fn matching(
        &self,
        reader: &DebugReader<'_>,
        kind: NameKind,
        pattern: &Pattern,
        watch: &Watch,
        mut each: impl FnMut(&str, Named) -> bool,
    ) -> Result<(), Cancelled> {
        let table = self.table(kind);
        for group in 0..table.name_count() {
            if group % 256 == 0 && watch.is_cancelled() {
                return Err(Cancelled);
            }
            let mut last: Option<(u32, String, bool)> = None;
            for item in table.group(group) {
                let known = last.as_ref().is_some_and(|(scope, name, _)| {
                    // In no scope there are no arguments to tell entries of one plain name apart, but in a type's name.
                    *scope == item.scope.scope() && !name.ends_with('>')
                });
                if !known {
                    let name = self.qualified(reader, *item).unwrap_or_default();
                    let matches = pattern.matches(&name) || pattern.matches(&without_arguments(&name));
                    last = Some((item.scope.scope(), name, matches));
                }
                if let Some((_, name, true)) = &last
                    && !each(name, named(*item))
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The qualified names that begin with a text, without arguments, in no order. Every name has to be read for that.
    pub fn beginning(&self, reader: &DebugReader<'_>, kind: NameKind, text: &str) -> Vec<String> {
        let table = self.table(kind);
        let mut found = Vec::new();
        for group in 0..table.name_count() {
            // Entries of one name mostly differ in nothing else.
            let mut last = None;
            for item in table.group(group) {
                let scope = item.scope.scope();
                if last.replace(scope) == Some(scope) {
                    continue;
                }
                let name = self.qualified(reader, *item).map(|name| without_arguments(&name));
                found.extend(name.filter(|name| name.starts_with(text)));
            }
        }
        found
    }

    fn table(&self, kind: NameKind) -> &Table {
        match kind {
            NameKind::Function => &self.functions,
            NameKind::Variable => &self.variables,
            NameKind::Type => &self.types,
        }
    }

    fn own_name(&self, reader: &DebugReader<'_>, item: Item) -> Option<String> {
        reader.full_name(item.id())
    }

    /// `ns::Class::f`, as readers know it.
    fn qualified(&self, reader: &DebugReader<'_>, item: Item) -> Option<String> {
        let own = self.own_name(reader, item)?;
        let mut parts = Vec::new();
        let mut scope = item.scope.scope();
        while scope != 0 && parts.len() < names::MAX_DEPTH {
            let Some(known) = self.scopes.get(scope as usize) else {
                break;
            };
            if !known.is_hidden {
                parts.extend(reader.name(known.id));
            }
            scope = known.parent;
        }
        parts.reverse();
        parts.push(own);
        Some(parts.join("::"))
    }

    /// Whether a scope's name ends with these components.
    fn is_inside(&self, reader: &DebugReader<'_>, scope: u32, wanted: &[&str], is_absolute: bool) -> bool {
        let mut scope = scope;
        let mut wanted = wanted.iter().rev().peekable();
        for _ in 0..names::MAX_DEPTH {
            let Some(known) = self.scopes.get(scope as usize).filter(|_| scope != 0) else {
                break;
            };
            let Some(name) = wanted.peek() else {
                // What is left are outer scopes that the asker did not type.
                if !is_absolute {
                    return true;
                }
                if !known.is_hidden {
                    return false;
                }
                scope = known.parent;
                continue;
            };
            let bare = names::plain(name);
            let is_same = known.hash == names::hash(bare.as_bytes())
                && (bare == **name || reader.name(known.id).is_some_and(|full| names::is_same(&full, name)));
            if is_same {
                wanted.next();
            } else if !known.is_hidden {
                return false;
            }
            scope = known.parent;
        }
        wanted.peek().is_none()
    }
}

fn named(item: Item) -> Named {
    Named {
        id: item.id(),
        role: item.scope.role(),
    }
}

/// A qualified name without any template or generic arguments.
fn without_arguments(name: &str) -> String {
    let parts: Vec<&str> = names::components(name).into_iter().map(plain).collect();
    parts.join("::")
}

#[cfg(test)]
mod tests;
