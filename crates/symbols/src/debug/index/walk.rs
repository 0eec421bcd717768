//! One pass over a unit's entries: for the names outside of functions, or for inlined copies of functions.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use farsight_types::Rva;
use gimli::{Abbreviation, AttributeValue, DwAt, EntriesRaw, UnitOffset};

use super::super::reader::MAX_REFERENCES;
use super::super::{Attribute, DebugError, DebugReader, DieId, Slice, Unit, UnitId};
use super::scopes::{Called, Scopes};
use super::table::{Raw, Role, ScopeAndRole};
use super::{Named, names, places};

/// What one worker has found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) functions: Vec<Raw>,
    pub(super) variables: Vec<Raw>,
    pub(super) types: Vec<Raw>,
    pub(super) scopes: Scopes,
    /// What types of type units are called in which others lie, by their signatures: each is looked up once.
    called: HashMap<u64, Called>,
    /// The type units of split files whose names are known.
    types_seen: HashSet<u64>,
    /// Entries whose names are in other units.
    pub(super) far: Vec<Far>,
    /// Units that have copies of functions of other units.
    pub(super) far_units: Vec<u32>,
    /// Units that could not be read to their end.
    pub(super) damaged: u32,
    /// Whether some unit is a part that others import.
    pub(super) has_parts: bool,
}

/// An entry whose name and scope another unit has.
pub(super) struct Far {
    kind: Kind,
    id: DieId,
    role: Role,
    pub(super) target: DieId,
}

impl Far {
    pub(super) fn is_type(&self) -> bool {
        self.kind == Kind::Type
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Function,
    Variable,
    Type,
    /// Holds names.
    Namespace,
    /// A declaration of a static member.
    Member,
}

/// Entries deeper than this are left out; only hostile units nest them so.
const MAX_DEPTH: usize = 256;

/// What is wanted of an entry's attributes.
#[derive(Default)]
struct Facts<'a> {
    name: Option<Attribute<'a>>,
    /// What it is an instance or the definition of.
    of: Option<Attribute<'a>>,
    /// Of the type unit that has the rest of it.
    signature: Option<u64>,
    sibling: Option<usize>,
    is_declaration: bool,
    has_code: bool,
    has_value: bool,
    is_inlined: bool,
    is_inline_namespace: bool,
    language: Option<u64>,
}

impl Found {
    fn list(&mut self, kind: Kind) -> Option<&mut Vec<Raw>> {
        match kind {
            Kind::Function => Some(&mut self.functions),
            Kind::Variable => Some(&mut self.variables),
            Kind::Type => Some(&mut self.types),
            Kind::Namespace | Kind::Member => None,
        }
    }

    /// Takes in the names of a unit.
    pub(super) fn unit<'a>(&mut self, reader: &DebugReader<'a>, unit: &Unit<'a>) {
        self.unit_until(reader, unit, usize::MAX);
    }

    /// The same of its entries up to one that begins behind so many bytes, where what has no name of its own is not wanted.
    pub(super) fn unit_until<'a>(&mut self, reader: &DebugReader<'a>, unit: &Unit<'a>, until: usize) {
        if inlines_from_afar(unit) {
            self.far_units.push(unit.id.0);
        }
        let mut pass = Pass::new(reader, unit, self);
        pass.until = until;
        if pass.run().is_err() {
            pass.found.damaged += 1;
        }
        pass.name_links();
    }

    /// Takes in the names of type units of split files, each of which several files may have.
    pub(super) fn type_units<'a>(&mut self, reader: &DebugReader<'a>, units: impl IntoIterator<Item = (UnitId, u64)>) {
        for (id, signature) in units {
            if !self.types_seen.insert(signature) {
                continue;
            }
            match reader.parse(id) {
                Ok(unit) => self.unit(reader, &unit),
                Err(_) => self.damaged += 1,
            }
        }
    }

    /// The functions of a plain name that are in no scope.
    pub(super) fn functions_named(&self, name: &str) -> Vec<Named> {
        let wanted = hash_of(name.as_bytes());
        let found = self
            .functions
            .iter()
            .filter(|raw| raw.is_named(wanted) && raw.scope.scope() == 0);
        let named = found.map(|raw| Named {
            id: DieId {
                unit: UnitId(raw.unit),
                offset: u64::from(raw.offset),
            },
            role: raw.scope.role(),
        });
        named.collect()
    }

    /// For the merge.
    pub(super) fn sort(&mut self) {
        for list in [&mut self.functions, &mut self.variables, &mut self.types] {
            list.sort_unstable_by_key(|raw| raw.order());
        }
    }

    /// Names the entries whose names are in `unit`, all of which `wanted` are; sorted by their targets.
    pub(super) fn far_unit<'a>(&mut self, reader: &DebugReader<'a>, unit: &Unit<'a>, wanted: &[Far]) {
        let mut elsewhere = Found {
            scopes: std::mem::take(&mut self.scopes),
            called: std::mem::take(&mut self.called),
            ..Found::default()
        };
        let mut pass = Pass::new(reader, unit, &mut elsewhere);
        // What could be read before any damage is as good as ever.
        let _damage = pass.run();
        let mut named = Vec::with_capacity(wanted.len());
        for far in wanted {
            let Ok(target) = u32::try_from(far.target.offset) else {
                continue;
            };
            named.push((far, pass.name_at(target)));
        }
        self.scopes = elsewhere.scopes;
        self.called = elsewhere.called;
        for (far, name) in named {
            let name = match name {
                Name::Here(hash, scope) => Some((hash, scope)),
                Name::There(id) => reader.name(id).map(|name| (hash_of(name.as_bytes()), 0)),
                Name::None => None,
            };
            if let (Some((hash, scope)), Ok(offset)) = (name, u32::try_from(far.id.offset)) {
                let raw = Raw::new(hash, far.id.unit, offset, ScopeAndRole::new(scope, far.role));
                if let Some(list) = self.list(far.kind) {
                    list.push(raw);
                }
            }
        }
    }
}

fn hash_of(name: &[u8]) -> u64 {
    names::hash(names::plain_bytes(name))
}

/// Where an entry's name is.
enum Name {
    /// Its hash, and the scope.
    Here(u64, u32),
    There(DieId),
    None,
}

/// What the entries of a level that is open are in.
enum Level<'a> {
    Known(u32),
    /// A type, which becomes a scope with the first of its children that is noted: most have none.
    Type {
        name: TypeName<'a>,
        id: DieId,
        /// What its declaration is in, where that is not what its entry is in.
        declared: Option<u32>,
    },
}

/// Where a type's name is.
#[derive(Clone, Copy)]
enum TypeName<'a> {
    Here(&'a [u8]),
    /// In the type unit of this signature.
    Signature(u64),
}

struct Pass<'p, 'a> {
    reader: &'p DebugReader<'a>,
    unit: &'p Unit<'a>,
    found: &'p mut Found,
    /// Members, which are what definitions elsewhere refer to, with their names and scopes. Ascending.
    members: Vec<(u32, u64, u32)>,
    /// Entries that are named by others. Ascending.
    links: Vec<(u32, Attribute<'a>)>,
    /// The same, but for the kind: those that will be in a table.
    waiting: Vec<(Kind, Role, u32)>,
    /// Whether types hold other names; in C they do not.
    nests: bool,
    /// Whether the root names code. GCC describes a program that is optimised as a whole in units without any, which do not
    /// say yet what will be inlined: there every function may have copies in other units.
    has_code: bool,
    /// Entries that begin behind it are not wanted.
    until: usize,
    /// Bytes of names that may still be looked at.
    text_left: Cell<u64>,
}

impl<'p, 'a> Pass<'p, 'a> {
    fn new(reader: &'p DebugReader<'a>, unit: &'p Unit<'a>, found: &'p mut Found) -> Pass<'p, 'a> {
        Pass {
            reader,
            unit,
            found,
            members: Vec::new(),
            links: Vec::new(),
            waiting: Vec::new(),
            nests: true,
            has_code: true,
            until: usize::MAX,
            text_left: Cell::new(text_allowance(unit)),
        }
    }

    fn run(&mut self) -> Result<(), DebugError> {
        let unit = self.unit;
        let mut entries = unit.unit.entries_raw(None)?;
        let mut open: Vec<Level<'a>> = Vec::new();
        while !entries.is_empty() {
            let offset = entries.next_offset().0;
            if offset > self.until {
                break;
            }
            let Some(abbreviation) = entries.read_abbreviation()? else {
                open.pop();
                if open.is_empty() {
                    break;
                }
                continue;
            };
            if open.is_empty() {
                let root = read(&mut entries, abbreviation)?;
                self.nests = !root.language.is_some_and(is_c);
                // In others what is declared by a name may be defined farther on without one.
                let is_defined_at_once = root
                    .language
                    .is_some_and(|language| is_c(language) || is_rust(language));
                if !is_defined_at_once {
                    self.until = usize::MAX;
                }
                self.has_code = root.has_code;
                self.found.has_parts |= abbreviation.tag() == gimli::DW_TAG_partial_unit;
                if !abbreviation.has_children() {
                    break;
                }
                open.push(Level::Known(0));
                continue;
            }
            let Some(kind) = kind_of(abbreviation) else {
                pass_over(unit, &mut entries, abbreviation)?;
                continue;
            };
            let facts = read(&mut entries, abbreviation)?;
            let scope = self.scope_of(&mut open);
            let inside = self.entry(kind, offset, &facts, scope)?;
            if !abbreviation.has_children() {
                continue;
            }
            match inside {
                Some(inside) if open.len() < MAX_DEPTH => open.push(inside),
                _ => leave(unit, &mut entries, facts.sibling)?,
            }
        }
        Ok(())
    }

    /// The number of the innermost scope that is open.
    fn scope_of(&mut self, open: &mut [Level<'a>]) -> u32 {
        let known = |level: &Level<'a>| match level {
            Level::Known(scope) => Some(*scope),
            Level::Type { .. } => None,
        };
        let first = open.iter().rposition(|level| known(level).is_some());
        let mut scope = first.and_then(|at| known(open.get(at)?)).unwrap_or(0);
        for level in open.iter_mut().skip(first.map_or(0, |at| at + 1)) {
            if let Level::Type { name, id, declared } = *level {
                let called = self.called(name);
                scope = self.found.scopes.enter(declared.unwrap_or(scope), called, id, false);
                *level = Level::Known(scope);
            }
        }
        scope
    }

    /// Notes an entry; the answer is what its children are in, where they are to be looked at.
    fn entry(
        &mut self,
        kind: Kind,
        offset: usize,
        facts: &Facts<'a>,
        scope: u32,
    ) -> Result<Option<Level<'a>>, DebugError> {
        let Ok(offset) = u32::try_from(offset) else {
            return Ok(None);
        };
        let id = DieId {
            unit: self.unit.id,
            offset: u64::from(offset),
        };
        let name = match &facts.name {
            Some(name) => self.unit.of().attr_string(*name).ok(),
            None => None,
        };
        let name: Option<&'a [u8]> = name.map(|name| name.slice());
        self.take_text(name.map_or(0, <[u8]>::len))?;
        if kind == Kind::Namespace {
            let name = name.unwrap_or_default();
            let (called, is_inline) = (Called::new(name), facts.is_inline_namespace);
            let entered = self.found.scopes.enter(scope, called, id, is_inline);
            return Ok(Some(Level::Known(entered)));
        }
        let is_abstract = !facts.has_code && (facts.is_inlined || kind == Kind::Function && !self.has_code);
        let role = if is_abstract { Role::Abstract } else { Role::Definition };
        let shown = match kind {
            Kind::Type => !facts.is_declaration,
            Kind::Function => !facts.is_declaration && (facts.has_code || is_abstract),
            _ => facts.has_value || !facts.is_declaration,
        };
        let declared = match (kind, facts.of) {
            (Kind::Type, Some(of)) => self.declared(of),
            _ => None,
        };
        match (name, &facts.of) {
            (Some(name), _) => {
                let hash = hash_of(name);
                let is_member = match kind {
                    // What a type unit or another place defines is declared where it belongs.
                    Kind::Type => facts.is_declaration && scope != 0,
                    _ => scope != 0 || facts.of.is_some(),
                };
                if is_member {
                    self.members.push((offset, hash, scope));
                }
                let scope = declared.map_or(scope, |(_, scope)| scope);
                let raw = Raw::new(hash, self.unit.id, offset, ScopeAndRole::new(scope, role));
                if shown && let Some(list) = self.found.list(kind) {
                    list.push(raw);
                }
                if kind == Kind::Member && facts.has_value {
                    self.found.variables.push(raw);
                }
            }
            (None, Some(of)) => {
                self.links.push((offset, *of));
                if shown && kind != Kind::Member {
                    self.waiting.push((kind, role, offset));
                }
            }
            (None, None) => {}
        }
        if kind != Kind::Type || !self.nests {
            return Ok(None);
        }
        let name = match (name.or_else(|| self.own_name(declared?.0)), facts.signature) {
            (None, Some(signature)) => TypeName::Signature(signature),
            (name, _) => TypeName::Here(name.unwrap_or_default()),
        };
        Ok(Some(Level::Type {
            name,
            id,
            declared: declared.map(|(_, scope)| scope),
        }))
    }

    fn called(&mut self, name: TypeName<'a>) -> Called {
        let signature = match name {
            TypeName::Here(name) => return Called::new(name),
            TypeName::Signature(signature) => signature,
        };
        if let Some(known) = self.found.called.get(&signature) {
            return *known;
        }
        let name = self.reader.type_unit_name(self.unit, signature);
        let called = Called::new(name.unwrap_or_default());
        self.found.called.insert(signature, called);
        called
    }

    /// The declaration, among those that were passed, that an entry defines, and what it is in.
    fn declared(&self, of: Attribute<'a>) -> Option<(u32, u32)> {
        let target = self
            .reader
            .follow(self.unit, of)
            .filter(|target| target.unit == self.unit.id)?;
        let offset = u32::try_from(target.offset).ok()?;
        let at = self
            .members
            .binary_search_by_key(&offset, |(offset, ..)| *offset)
            .ok()?;
        self.members.get(at).map(|&(_, _, scope)| (offset, scope))
    }

    /// The name that stands at an entry of this unit itself.
    fn own_name(&self, offset: u32) -> Option<&'a [u8]> {
        let name = self.unit.of().attr_string(self.facts_at(offset)?.name?).ok()?.slice();
        self.take_text(name.len()).ok()?;
        Some(name)
    }

    /// Puts the entries that others name into the tables.
    fn name_links(&mut self) {
        for (kind, role, offset) in std::mem::take(&mut self.waiting) {
            let id = DieId {
                unit: self.unit.id,
                offset: u64::from(offset),
            };
            match self.name_at(offset) {
                Name::Here(hash, scope) => {
                    let raw = Raw::new(hash, id.unit, offset, ScopeAndRole::new(scope, role));
                    if let Some(list) = self.found.list(kind) {
                        list.push(raw);
                    }
                }
                Name::There(target) => self.found.far.push(Far { kind, id, role, target }),
                Name::None => {}
            }
        }
    }

    /// The name and the scope of the entry at an offset of this unit, its own or that of what it refers to.
    fn name_at(&self, offset: u32) -> Name {
        let mut offset = offset;
        for _ in 0..MAX_REFERENCES {
            if let Ok(at) = self.members.binary_search_by_key(&offset, |(offset, ..)| *offset)
                && let Some(&(_, hash, scope)) = self.members.get(at)
            {
                return Name::Here(hash, scope);
            }
            let link = self.links.binary_search_by_key(&offset, |(offset, _)| *offset);
            let target = match link.ok().and_then(|at| self.links.get(at)) {
                Some((_, target)) => *target,
                // An entry that the walk did not come to, or one in no scope.
                None => match self.facts_at(offset).map(|facts| (facts.name, facts.of)) {
                    Some((Some(name), _)) => match self.unit.of().attr_string(name) {
                        Ok(name) if self.take_text(name.len()).is_ok() => {
                            return Name::Here(hash_of(name.slice()), 0);
                        }
                        _ => return Name::None,
                    },
                    Some((None, Some(target))) => target,
                    _ => return Name::None,
                },
            };
            let Some(target) = self.reader.follow(self.unit, target) else {
                return Name::None;
            };
            match u32::try_from(target.offset) {
                Ok(here) if target.unit == self.unit.id => offset = here,
                _ => return Name::There(target),
            }
        }
        Name::None
    }
}

impl<'a> Pass<'_, 'a> {
    fn facts_at(&self, offset: u32) -> Option<Facts<'a>> {
        // None is left once too much was taken.
        self.take_text(1).ok()?;
        let offset = UnitOffset(usize::try_from(offset).ok()?);
        let mut entries = self.unit.unit.entries_raw(Some(offset)).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        let facts = read(&mut entries, abbreviation).ok()?;
        // Any number of others may refer to one that takes long to read.
        self.take_text(entries.next_offset().0.saturating_sub(offset.0)).ok()?;
        Some(facts)
    }

    fn take_text(&self, length: usize) -> Result<(), DebugError> {
        let left = self.text_left.get().checked_sub(length as u64);
        self.text_left.set(left.unwrap_or(0));
        left.map(drop).ok_or(DebugError::Reference)
    }
}

/// How many bytes of names a unit may have: any number of its entries may name one very long text.
pub(super) fn text_allowance(unit: &Unit<'_>) -> u64 {
    const EACH_BYTE: u64 = 64;
    const LEAST: u64 = 1 << 16;
    let length = unit.unit.header.length_including_self() as u64;
    length.saturating_mul(EACH_BYTE).saturating_add(LEAST)
}

fn kind_of(abbreviation: &Abbreviation) -> Option<Kind> {
    Some(match abbreviation.tag() {
        gimli::DW_TAG_member if !may_be_static(abbreviation) => return None,
        gimli::DW_TAG_subprogram => Kind::Function,
        gimli::DW_TAG_variable => Kind::Variable,
        gimli::DW_TAG_member => Kind::Member,
        gimli::DW_TAG_structure_type
        | gimli::DW_TAG_class_type
        | gimli::DW_TAG_union_type
        | gimli::DW_TAG_interface_type
        | gimli::DW_TAG_enumeration_type
        | gimli::DW_TAG_typedef
        | gimli::DW_TAG_base_type
        | gimli::DW_TAG_unspecified_type
        | gimli::DW_TAG_template_alias => Kind::Type,
        gimli::DW_TAG_namespace | gimli::DW_TAG_module => Kind::Namespace,
        _ => return None,
    })
}

/// Only static members are defined elsewhere or have values; they say so by one of these.
fn may_be_static(abbreviation: &Abbreviation) -> bool {
    abbreviation.attributes().iter().any(|one| {
        matches!(
            one.name(),
            gimli::DW_AT_external | gimli::DW_AT_declaration | gimli::DW_AT_const_value
        )
    })
}

/// In C and assembly nothing is inside of a type that is not a part of it.
fn is_c(language: u64) -> bool {
    let language = u16::try_from(language).map(gimli::DwLang);
    matches!(
        language,
        Ok(gimli::DW_LANG_C89
            | gimli::DW_LANG_C
            | gimli::DW_LANG_C99
            | gimli::DW_LANG_C11
            | gimli::DW_LANG_C17
            | gimli::DW_LANG_Mips_Assembler)
    )
}

fn is_rust(language: u64) -> bool {
    u16::try_from(language) == Ok(gimli::DW_LANG_Rust.0)
}

type Entries<'u, 'a> = EntriesRaw<'u, Slice<'a>>;

fn read<'a>(entries: &mut Entries<'_, 'a>, abbreviation: &Abbreviation) -> Result<Facts<'a>, DebugError> {
    let mut facts = Facts::default();
    let mut rest = abbreviation.attributes();
    while let Some(at) = rest.iter().position(|one| is_fact(one.name())) {
        let (passed, from) = rest.split_at(at);
        entries.skip_attributes(passed)?;
        let Some((specification, behind)) = from.split_first() else {
            break;
        };
        rest = behind;
        let attribute = entries.read_attribute_inline(*specification)?;
        match specification.name() {
            gimli::DW_AT_name => facts.name = Some(attribute.value()),
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => facts.of = Some(attribute.value()),
            gimli::DW_AT_signature => {
                if let AttributeValue::DebugTypesRef(signature) = attribute.value() {
                    facts.signature = Some(signature.0);
                }
            }
            gimli::DW_AT_sibling => facts.sibling = sibling(attribute.value()),
            gimli::DW_AT_declaration => facts.is_declaration = true,
            gimli::DW_AT_low_pc | gimli::DW_AT_ranges => facts.has_code = true,
            gimli::DW_AT_location | gimli::DW_AT_const_value => facts.has_value = true,
            gimli::DW_AT_inline => {
                let inlined = [gimli::DW_INL_inlined, gimli::DW_INL_declared_inlined];
                facts.is_inlined = matches!(attribute.value(), AttributeValue::Inline(how) if inlined.contains(&how));
            }
            gimli::DW_AT_export_symbols => facts.is_inline_namespace = true,
            gimli::DW_AT_language => {
                if let AttributeValue::Language(language) = attribute.value() {
                    facts.language = Some(u64::from(language.0));
                }
            }
            _ => {}
        }
    }
    entries.skip_attributes(rest)?;
    Ok(facts)
}

/// Whether [`read`] looks at an attribute.
fn is_fact(name: DwAt) -> bool {
    matches!(
        name,
        gimli::DW_AT_name
            | gimli::DW_AT_abstract_origin
            | gimli::DW_AT_specification
            | gimli::DW_AT_signature
            | gimli::DW_AT_sibling
            | gimli::DW_AT_declaration
            | gimli::DW_AT_low_pc
            | gimli::DW_AT_ranges
            | gimli::DW_AT_location
            | gimli::DW_AT_const_value
            | gimli::DW_AT_inline
            | gimli::DW_AT_export_symbols
            | gimli::DW_AT_language
    )
}

fn sibling(value: Attribute<'_>) -> Option<usize> {
    match value {
        AttributeValue::UnitRef(offset) => Some(offset.0),
        _ => None,
    }
}

/// Passes over an entry that is not wanted, and over what is inside of it.
pub(super) fn pass_over<'u, 'a>(
    unit: &'u Unit<'a>,
    entries: &mut Entries<'u, 'a>,
    abbreviation: &Abbreviation,
) -> Result<(), DebugError> {
    if !abbreviation.has_children() {
        return Ok(entries.skip_attributes(abbreviation.attributes())?);
    }
    let sibling = skip(entries, abbreviation)?;
    leave(unit, entries, sibling)
}

/// Reads past an entry's attributes; the answer is where what follows its children lies.
fn skip(entries: &mut Entries<'_, '_>, abbreviation: &Abbreviation) -> Result<Option<usize>, DebugError> {
    let attributes = abbreviation.attributes();
    let has_sibling = attributes.iter().any(|one| one.name() == gimli::DW_AT_sibling);
    if !has_sibling {
        entries.skip_attributes(attributes)?;
        return Ok(None);
    }
    let mut found = None;
    for specification in attributes {
        let attribute = entries.read_attribute_inline(*specification)?;
        if specification.name() == gimli::DW_AT_sibling {
            found = sibling(attribute.value());
        }
    }
    Ok(found)
}

/// Passes over the children of an entry whose attributes are behind us.
pub(super) fn leave<'u, 'a>(
    unit: &'u Unit<'a>,
    entries: &mut Entries<'u, 'a>,
    sibling: Option<usize>,
) -> Result<(), DebugError> {
    // Only forward: a sibling that lies behind would lead in circles.
    let jump = |entries: &mut Entries<'u, 'a>, sibling: Option<usize>| {
        let to = sibling.filter(|to| *to > entries.next_offset().0)?;
        *entries = unit.unit.entries_raw(Some(UnitOffset(to))).ok()?;
        Some(())
    };
    if jump(entries, sibling).is_some() {
        return Ok(());
    }
    let mut depth = 1usize;
    while depth > 0 && !entries.is_empty() {
        let Some(abbreviation) = entries.read_abbreviation()? else {
            depth -= 1;
            continue;
        };
        let has_children = abbreviation.has_children();
        let sibling = skip(entries, abbreviation)?;
        if has_children && jump(entries, sibling).is_none() {
            depth += 1;
        }
    }
    Ok(())
}

/// Most abbreviations of a unit that are looked at for references to other units.
const MOST_ABBREVIATIONS: u64 = 1 << 16;

/// Whether a unit may have copies of functions of other units, as after optimisation of a whole program.
fn inlines_from_afar(unit: &Unit<'_>) -> bool {
    let far = [
        gimli::DW_FORM_ref_addr,
        gimli::DW_FORM_GNU_ref_alt,
        gimli::DW_FORM_ref_sup4,
        gimli::DW_FORM_ref_sup8,
    ];
    // Compilers count abbreviations from 1 without gaps.
    let known = (1..MOST_ABBREVIATIONS).map_while(|code| unit.unit.abbreviations.get(code));
    let mut copies = known.filter(|one| one.tag() == gimli::DW_TAG_inlined_subroutine);
    copies.any(|one| {
        let mut attributes = one.attributes().iter();
        attributes.any(|one| one.name() == gimli::DW_AT_abstract_origin && far.contains(&one.form()))
    })
}

/// Whether no other unit can have copies of what this one lets others call: it is C, and was not optimised together with
/// others.
pub(super) fn is_alone(unit: &Unit<'_>) -> bool {
    let Ok(Some(root)) = unit.unit.entries().next_dfs().map(|root| root.cloned()) else {
        return false;
    };
    let language = match root.attr_value(gimli::DW_AT_language) {
        Some(AttributeValue::Language(language)) => u64::from(language.0),
        _ => return false,
    };
    let producer = root
        .attr_value(gimli::DW_AT_producer)
        .and_then(|value| unit.text(value));
    let together = |producer: &String| producer.contains("lto") || producer.contains("GIMPLE");
    is_c(language) && !producer.as_ref().is_none_or(together)
}

/// Goes through a unit for copies of functions that were inlined: `each` gets the function's number and the place.
pub(super) fn copies<'a>(
    reader: &DebugReader<'a>,
    unit: &Unit<'a>,
    wanted: &HashMap<DieId, usize>,
    each: &mut dyn FnMut(usize, Rva),
) {
    unit.begin_question();
    let look = |each: &mut dyn FnMut(usize, Rva)| -> Result<(), DebugError> {
        let mut entries = unit.unit.entries_raw(None)?;
        while !entries.is_empty() {
            let offset = entries.next_offset().0;
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            if abbreviation.tag() != gimli::DW_TAG_inlined_subroutine {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let mut origin = None;
            for specification in abbreviation.attributes() {
                let attribute = entries.read_attribute_inline(*specification)?;
                if specification.name() == gimli::DW_AT_abstract_origin {
                    origin = reader.follow(unit, attribute.value());
                }
            }
            if let Some(at) = origin.and_then(|origin| wanted.get(&origin))
                && let Ok(entry) = unit.entry(offset as u64)
                && let Some(place) = places::start_of(unit, &entry)
            {
                each(*at, place);
            }
        }
        Ok(())
    };
    // A unit that is damaged has the copies that were found before the damage.
    let _damage = look(each);
}
