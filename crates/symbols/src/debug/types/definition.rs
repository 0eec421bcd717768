//! From a type that is only declared to where it is defined.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use gimli::AttributeValue;

use super::{Encoding, TypeId, TypeKind, TypeRef, flag, number};
use crate::debug::scopes::ANONYMOUS;
use crate::debug::{DebugReader, Entry, Unit};

/// Definitions of one name whose members' types are compared too; more are mostly one header in all units.
const MOST_COMPARED: usize = 16;
/// Definitions of one name that are compared at all; of more nobody can say that they are the same.
const MOST_DEFINITIONS: usize = 1 << 16;
/// What is in all of these that is looked at; of what has more, nobody can say it either.
const MOST_LOOKED_AT: usize = 1 << 23;
/// Members, and names of their types, that are looked at to compare a few definitions.
const MOST_STEPS: usize = 1 << 16;
/// Members that are compared.
const MOST_MEMBERS: usize = 512;
/// Other names of a type that are followed.
const MOST_NAMES: usize = 64;

/// What is known of the definition of a type that is only declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Definition {
    /// This is it: the type itself, or another of its name that is the only one, or the same everywhere.
    Known(TypeId),
    /// No unit that is known defines it.
    Missing,
    /// Other units may define it; the module's index knows, and is not built yet.
    Unindexed,
    /// Units define different types of this name, and nothing says which one is meant.
    Ambiguous,
}

/// What two definitions of one type have in common.
#[derive(PartialEq, Eq)]
struct Outline {
    size: Option<u64>,
    sort: Sort,
    members: Vec<Part>,
}

/// A member or an enumerator.
#[derive(PartialEq, Eq)]
struct Part {
    name: Option<String>,
    /// Bytes from the start, or the enumerator's number.
    at: Option<u64>,
    size: Option<u64>,
    sort: Sort,
}

/// What a member's bytes are, roughly.
#[derive(PartialEq, Eq)]
enum Sort {
    Base(Encoding),
    Other(Option<std::mem::Discriminant<TypeKind>>),
}

/// What is remembered of comparisons of many types as long as the module lives: each as one number, the last bit of which
/// says whether they are the same, and the rest which ones they are. What falls into one place is forgotten for the next.
pub(in crate::debug) struct Comparisons(Box<[AtomicU64]>);

impl Default for Comparisons {
    fn default() -> Comparisons {
        Comparisons((0..Comparisons::PLACES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Comparisons {
    const PLACES: usize = 1024;

    /// Types are known by the first, the last, and how many they are.
    fn key(first: TypeId, last: TypeId, count: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        (first, last, count).hash(&mut hasher);
        // None is 0, which is nothing.
        hasher.finish() & !1 | 2
    }

    fn place(&self, key: u64) -> Option<&AtomicU64> {
        self.0.get((key >> 2) as usize % Comparisons::PLACES)
    }

    fn get(&self, key: u64) -> Option<bool> {
        let known = self.place(key)?.load(Ordering::Relaxed);
        (known & !1 == key).then_some(known & 1 == 1)
    }

    fn remember(&self, key: u64, are_same: bool) {
        if let Some(place) = self.place(key) {
            place.store(key | u64::from(are_same), Ordering::Relaxed);
        }
    }
}

impl<'a> DebugReader<'a> {
    /// The definition of a type that is only declared, of the same module; the type itself where it is one, or none is
    /// known. Definitions in other units are known by name, once the module has an index.
    pub fn definition(&self, id: TypeId) -> TypeId {
        match self.definition_of(id) {
            Definition::Known(found) => found,
            _ => id,
        }
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

    /// As [`DebugReader::definition`], with what there is to say where none is known.
    pub fn definition_of(&self, id: TypeId) -> Definition {
        if let Some(known) = self.types.definitions.borrow().get(&id) {
            return *known;
        }
        let found = self.look_for_definition(id).unwrap_or(Definition::Missing);
        if found != Definition::Unindexed {
            self.types.definitions.borrow_mut().insert(id, found);
        }
        found
    }

    fn look_for_definition(&self, id: TypeId) -> Option<Definition> {
        let (unit, entry) = self.entry(id.0).ok()?;
        // Before DWARF 5 it may say nothing else.
        if entry.has_attr(gimli::DW_AT_signature) {
            return self.in_type_unit(&unit, &entry).map(Definition::Known);
        }
        if !flag(&entry, gimli::DW_AT_declaration) {
            return Some(Definition::Known(id));
        }
        let name = self.qualified_name(id.0)?;
        let Some(index) = self.info().ready_index() else {
            return Some(Definition::Unindexed);
        };
        // A typedef may have the name as well, and `b::T` is found where `a::b::T` is.
        let is_alike = |found: &TypeId| {
            let tag = self.entry(found.0).map(|(_, found)| found.tag());
            tag.is_ok_and(|tag| tag == entry.tag() || is_class(tag) && is_class(entry.tag()))
        };
        let is_same = |found: &TypeId| is_alike(found) && self.qualified_name(found.0).as_ref() == Some(&name);
        let is_own_alone = name.contains(ANONYMOUS);
        let named = match is_own_alone {
            // What is in a namespace without a name is in no other unit.
            true => index.types(self, &name),
            false => index.types(self, &format!("::{name}")),
        };
        let all = || named.iter().map(|named| TypeId(named.id));
        let mut own = all().filter(|found| found.0.unit == id.0.unit);
        if let Some(own) = own.find(is_same) {
            return Some(Definition::Known(own));
        }
        if is_own_alone {
            return Some(Definition::Missing);
        }
        // To name each, its whole unit would have to be read.
        let is_named = |(at, found): &(usize, TypeId)| match *at < MOST_COMPARED {
            true => is_same(found),
            false => is_alike(found),
        };
        let found: Vec<TypeId> = all().enumerate().filter(is_named).map(|(_, found)| found).collect();
        Some(match found.first() {
            None => Definition::Missing,
            Some(first) if self.are_same(&found) => Definition::Known(*first),
            Some(_) => Definition::Ambiguous,
        })
    }

    /// Whether types of one name are the same, as far as their bytes go: of the first ones also what types their members
    /// have. Those that are only declared say nothing.
    pub fn are_same(&self, all: &[TypeId]) -> bool {
        let (first, last) = match all {
            [] | [_] => return true,
            [first, .., last] => (*first, *last),
        };
        let few = all.get(..MOST_COMPARED).unwrap_or(all);
        let mut steps = MOST_STEPS;
        let mut outlines = few
            .iter()
            .filter_map(|id| self.outline_of(self.behind_names(*id)?, &mut steps));
        let outline = outlines.next();
        let differs = outlines.any(|other| Some(&other) != outline.as_ref());
        if differs || steps == 0 || all.len() > MOST_DEFINITIONS {
            return false;
        }
        if all.len() == few.len() {
            return true;
        }
        let key = Comparisons::key(first, last, all.len());
        if let Some(known) = self.info().comparisons.get(key) {
            return known;
        }
        let mut left = MOST_LOOKED_AT;
        let mut briefs = all
            .iter()
            .filter_map(|id| self.brief_of(self.behind_names(*id)?, &mut left));
        let brief = briefs.next();
        let are_same = briefs.all(|other| Some(&other) == brief.as_ref()) && left > 0;
        self.info().comparisons.remember(key, are_same);
        are_same
    }

    /// One of each kind of these types, at most so many, as far as they can be looked at in a moment.
    pub fn one_of_each_kind(&self, all: &[TypeId], most: usize) -> Vec<TypeId> {
        let mut steps = MOST_STEPS;
        let mut kinds: Vec<(TypeId, Outline)> = Vec::new();
        for id in all {
            if kinds.len() >= most || steps == 0 {
                break;
            }
            let outline = self.behind_names(*id).and_then(|id| self.outline_of(id, &mut steps));
            if let Some(outline) = outline.filter(|outline| kinds.iter().all(|(_, known)| known != outline)) {
                kinds.push((*id, outline));
            }
        }
        kinds.into_iter().map(|(id, _)| id).collect()
    }

    /// What a type is another name of; none where that is only declared.
    fn behind_names(&self, id: TypeId) -> Option<TypeId> {
        let mut id = id;
        for _ in 0..MOST_NAMES {
            let target = match self.kind_of(&id.into()).ok()? {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => target,
                TypeKind::Record { declaration: true, .. } | TypeKind::Enum { declaration: true, .. } => return None,
                _ => return Some(id),
            };
            id = target.id()?;
        }
        None
    }

    /// Size and members of a type without the types of these.
    fn brief_of(&self, id: TypeId, left: &mut usize) -> Option<(Option<u64>, u64)> {
        let (unit, entry) = self.entry(id.0).ok()?;
        let (unit, entry) = match self.in_type_unit(&unit, &entry) {
            Some(id) => self.entry(id.0).ok()?,
            None => (unit, entry),
        };
        let mut hasher = DefaultHasher::new();
        self.children(&unit, &entry, |child| {
            *left = left.saturating_sub(1);
            let place = match child.tag() {
                gimli::DW_TAG_member | gimli::DW_TAG_inheritance => gimli::DW_AT_data_member_location,
                gimli::DW_TAG_enumerator => gimli::DW_AT_const_value,
                _ => return *left > 0,
            };
            if !flag(child, gimli::DW_AT_declaration) && !flag(child, gimli::DW_AT_external) {
                (unit.name_of(child), number(child, place)).hash(&mut hasher);
            }
            *left > 0
        })
        .ok()?;
        Some((number(&entry, gimli::DW_AT_byte_size), hasher.finish()))
    }

    /// `steps` are what may still be looked at; what is cut short for it is not whole.
    fn outline_of(&self, id: TypeId, steps: &mut usize) -> Option<Outline> {
        let (unit, entry) = self.entry(id.0).ok()?;
        let (id, (unit, entry)) = match self.in_type_unit(&unit, &entry) {
            Some(id) => (id, self.entry(id.0).ok()?),
            None => (id, (unit, entry)),
        };
        let mut members = Vec::new();
        self.children(&unit, &entry, |child| {
            *steps = steps.saturating_sub(1);
            let is_part = matches!(child.tag(), gimli::DW_TAG_member | gimli::DW_TAG_inheritance);
            if is_part && !flag(child, gimli::DW_AT_declaration) && !flag(child, gimli::DW_AT_external) {
                let of = self.type_attribute(&unit, child);
                let place = number(child, gimli::DW_AT_data_member_location);
                members.push(Part {
                    name: unit.name_of(child),
                    at: place,
                    size: self.size_of(&of),
                    sort: self.sort_of(of, steps),
                });
            }
            if child.tag() == gimli::DW_TAG_enumerator {
                let value = number(child, gimli::DW_AT_const_value);
                members.push(Part {
                    name: unit.name_of(child),
                    at: value,
                    size: None,
                    sort: Sort::Other(None),
                });
            }
            members.len() < MOST_MEMBERS && *steps > 0
        })
        .ok()?;
        Some(Outline {
            size: self.size_of(&id.into()),
            sort: self.sort_of(id.into(), steps),
            members,
        })
    }

    fn sort_of(&self, mut id: TypeRef, steps: &mut usize) -> Sort {
        for _ in 0..MOST_NAMES {
            *steps = steps.saturating_sub(1);
            id = match self.kind_of(&id) {
                Ok(TypeKind::Typedef(target) | TypeKind::Qualified(_, target)) => target,
                Ok(TypeKind::Base(encoding)) => return Sort::Base(encoding),
                kind => return Sort::Other(kind.ok().map(|kind| std::mem::discriminant(&kind))),
            };
        }
        Sort::Other(None)
    }
}

/// A class may be declared as a struct and the other way round.
fn is_class(tag: gimli::DwTag) -> bool {
    matches!(tag, gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type)
}
