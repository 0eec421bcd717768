//! Enumerators by their own names. No index has them, because an enumeration need not have a name: units are walked for
//! one that is asked for, those alone that spell it where the sections tell which these are.

use std::cell::Cell;
use std::collections::HashSet;

use gimli::{Abbreviation, AttributeValue, EntriesRaw};

use super::super::types::TypeKind;
use super::super::{DebugError, DebugInfo, DebugReader, DieId, Slice, TypeId, Unit, UnitId};
use super::{Cancelled, Watch, build, names, walk};

/// Different enumerators of one name that are told apart, by each worker.
const MOST_FOUND: usize = 64;
/// Scopes within each other that are looked into; only hostile units nest them deeper.
const MOST_SCOPES: usize = 64;

/// An enumerator of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedEnumerator {
    /// The enumeration.
    pub of: TypeId,
    /// What it stands for.
    pub value: i128,
    /// The scope that its name is in, as far as that has a name: that of an `enum class` is the enumeration.
    pub scope: String,
    /// The enumeration with its scope, which may stand before the name as well; empty where it has no name.
    pub enumeration: String,
}

impl DebugInfo {
    /// The enumerators of a name outside of functions in one unit.
    pub fn enumerators_in(&self, unit: UnitId, name: &str) -> Vec<NamedEnumerator> {
        let reader = self.reader();
        let mut search = Search::new(name);
        if let Ok(unit) = reader.parse(unit) {
            search.unit(&unit);
        }
        search.found(&reader)
    }

    /// The enumerators of a name outside of functions in all units; those that differ in nothing but their units count
    /// once.
    pub fn enumerators_named(&self, name: &str, watch: &Watch) -> Result<Vec<NamedEnumerator>, Cancelled> {
        let spelled = self.units_that_spell(name.as_bytes(), usize::MAX, watch)?;
        let units: Vec<UnitId> = match spelled {
            Some(parts) => parts.into_iter().map(|part| part.id).collect(),
            None => (0..self.unit_count()).map(UnitId).collect(),
        };
        let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
        watch.begin(count);
        let workers = (0..build::worker_count(count)).map(|_| Search::new(name)).collect();
        let searches = build::share(count, watch, workers, |search: &mut Search<'_>, numbers| {
            let reader = self.reader();
            for id in numbers.filter_map(|number| units.get(number as usize)) {
                if let Ok(unit) = reader.parse(*id) {
                    search.unit(&unit);
                    search.type_units(&reader, reader.types_beside(&unit));
                }
                watch.step();
            }
        })?;
        let reader = self.reader();
        let mut packed = Search::new(name);
        packed.type_units(&reader, reader.types_packed());
        let searches = searches.into_iter().chain([packed]);
        let mut all: Vec<NamedEnumerator> = searches.flat_map(|search| search.found(&reader)).collect();
        all.sort_by_key(|one| one.of);
        let mut seen = HashSet::new();
        all.retain(|one| seen.insert((one.value, one.scope.clone(), one.enumeration.clone())));
        Ok(all)
    }
}

/// One worker's search.
struct Search<'n> {
    name: &'n str,
    /// Enumerations, with the scopes that they lie in.
    found: Vec<(DieId, String)>,
    /// What tells those apart: scope, own name, the enumerator's number.
    seen: HashSet<(String, Vec<u8>, Option<u64>)>,
    /// Type units of split files, each of which several files may have.
    types_seen: HashSet<u64>,
}

/// What the entries of a level that is open are in.
struct Level<'a> {
    name: &'a [u8],
    /// The enumeration that it is.
    enumeration: Option<DieId>,
}

/// What is wanted of an entry's attributes.
#[derive(Default)]
struct Facts<'a> {
    name: &'a [u8],
    number: Option<u64>,
}

impl<'n> Search<'n> {
    fn new(name: &'n str) -> Search<'n> {
        Search {
            name,
            found: Vec::new(),
            seen: HashSet::new(),
            types_seen: HashSet::new(),
        }
    }

    fn type_units<'a>(&mut self, reader: &DebugReader<'a>, units: impl Iterator<Item = (UnitId, u64)>) {
        for (id, signature) in units {
            if self.types_seen.insert(signature)
                && let Ok(unit) = reader.parse(id)
            {
                self.unit(&unit);
            }
        }
    }

    fn unit(&mut self, unit: &Unit<'_>) {
        // What was read before any damage is as good as ever.
        let _damage = self.walk(unit);
    }

    fn walk<'a>(&mut self, unit: &Unit<'a>) -> Result<(), DebugError> {
        let text_left = Cell::new(walk::text_allowance(unit));
        let mut entries = unit.unit.entries_raw(None)?;
        let mut open: Vec<Level<'a>> = Vec::new();
        while !entries.is_empty() && self.found.len() < MOST_FOUND {
            let offset = entries.next_offset().0 as u64;
            let Some(abbreviation) = entries.read_abbreviation()? else {
                open.pop();
                if open.is_empty() {
                    break;
                }
                continue;
            };
            let enumeration = match abbreviation.tag() {
                _ if open.is_empty() => None,
                gimli::DW_TAG_enumeration_type => Some(DieId { unit: unit.id, offset }),
                gimli::DW_TAG_enumerator => {
                    let facts = read(unit, &mut entries, abbreviation, &text_left)?;
                    self.note(&open, &facts, &text_left)?;
                    if abbreviation.has_children() {
                        walk::leave(unit, &mut entries, None)?;
                    }
                    continue;
                }
                gimli::DW_TAG_namespace
                | gimli::DW_TAG_module
                | gimli::DW_TAG_structure_type
                | gimli::DW_TAG_class_type
                | gimli::DW_TAG_union_type
                | gimli::DW_TAG_interface_type
                    if open.len() < MOST_SCOPES =>
                {
                    None
                }
                _ => {
                    walk::pass_over(unit, &mut entries, abbreviation)?;
                    continue;
                }
            };
            let name = match open.is_empty() {
                // The root's is a file's.
                true => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    &[]
                }
                false => read(unit, &mut entries, abbreviation, &text_left)?.name,
            };
            match abbreviation.has_children() {
                true => open.push(Level { name, enumeration }),
                false if open.is_empty() => break,
                false => {}
            }
        }
        Ok(())
    }

    fn note(&mut self, open: &[Level<'_>], facts: &Facts<'_>, text_left: &Cell<u64>) -> Result<(), DebugError> {
        let Some((last, around)) = open.split_last() else {
            return Ok(());
        };
        let Some(id) = last.enumeration.filter(|_| facts.name == self.name.as_bytes()) else {
            return Ok(());
        };
        // Any number of them may be in scopes of long names.
        take_text(text_left, open.iter().map(|level| level.name.len() as u64).sum())?;
        let named = around.iter().map(|level| level.name).filter(|name| !name.is_empty());
        let scopes: Vec<_> = named.map(String::from_utf8_lossy).collect();
        let scope = scopes.join("::");
        if self.seen.insert((scope.clone(), last.name.to_vec(), facts.number)) {
            self.found.push((id, scope));
        }
        Ok(())
    }

    fn found(self, reader: &DebugReader<'_>) -> Vec<NamedEnumerator> {
        let mut found = Vec::new();
        for (id, scope) in self.found {
            let of = TypeId(id);
            let Ok(TypeKind::Enum { scoped, .. }) = reader.kind_of(&of.into()) else {
                continue;
            };
            let all = reader.enumerators(of).unwrap_or_default();
            let Some(one) = all.into_iter().find(|one| one.name == self.name) else {
                continue;
            };
            let enumeration = reader.qualified_name(id).unwrap_or_default();
            let scope = match (enumeration.as_str(), scoped) {
                ("", _) => scope,
                (full, true) => full.to_owned(),
                (full, false) => {
                    let parts = names::components(full);
                    let around = parts.split_last().map(|(_, around)| around);
                    around.unwrap_or_default().join("::")
                }
            };
            found.push(NamedEnumerator {
                of,
                value: one.value,
                scope,
                enumeration,
            });
        }
        found
    }
}

fn read<'a>(
    unit: &Unit<'a>,
    entries: &mut EntriesRaw<'_, Slice<'a>>,
    abbreviation: &Abbreviation,
    text_left: &Cell<u64>,
) -> Result<Facts<'a>, DebugError> {
    let mut facts = Facts::default();
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute_inline(*specification)?;
        match specification.name() {
            gimli::DW_AT_name => {
                let name = unit.of().attr_string(attribute.value());
                facts.name = name.map(|name| name.slice()).unwrap_or_default();
                // Any number of entries may name one long text.
                take_text(text_left, facts.name.len() as u64)?;
            }
            gimli::DW_AT_const_value => facts.number = number(&attribute.value()),
            _ => {}
        }
    }
    Ok(facts)
}

fn take_text(left: &Cell<u64>, length: u64) -> Result<(), DebugError> {
    left.set(left.get().checked_sub(length).ok_or(DebugError::Reference)?);
    Ok(())
}

fn number(value: &AttributeValue<Slice<'_>>) -> Option<u64> {
    let unsigned = value.udata_value();
    unsigned.or_else(|| value.sdata_value().map(i64::cast_unsigned))
}
