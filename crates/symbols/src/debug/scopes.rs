//! What is being executed at a place: the function and the calls that were inlined into it, their variables, and the
//! calls that functions make.
//!
//! Start with [`DebugReader::scopes_at`]; its scopes' ids are what [`DebugReader::variables`] and
//! [`DebugReader::call_sites`] are asked with. For a caller's frame the place to ask about is the one before the return
//! address: the call, not what follows it.

use std::ops::Range;
use std::rc::Rc;

use farsight_types::Rva;
use gimli::UnitOffset;

use super::reader::MAX_REFERENCES;
use super::{Attribute, DebugError, DebugReader, DieId, Entry, Unit, UnitId};

mod calls;
mod names;
mod tail_calls;
mod types;
mod variables;

pub use calls::{CallParameter, CallSite, CallSites, CallTarget};
pub(super) use names::ANONYMOUS;
pub use tail_calls::TailCall;
pub use variables::{Variable, VariableKind, Variables};

/// Most inlined calls within each other; only hostile entries nest deeper.
const MOST_NESTED: usize = 512;
/// Deepest nesting of entries that is followed: in Rust, each `let` is a block in the one before it.
const DEEPEST_ENTRY: usize = 1 << 14;
/// Most ranges of one scope.
const MOST_RANGES: usize = 1 << 16;

/// One file of a unit's line table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId {
    /// The unit whose table it is.
    pub unit: UnitId,
    /// As `DW_AT_decl_file` and line rows number it.
    pub index: u64,
}

/// A place in a source file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourcePlace {
    /// The file.
    pub file: FileId,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1; none where it is not said.
    pub column: Option<u64>,
}

/// A function, or one call of it that was inlined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The function's or the inlined call's own entry.
    pub id: DieId,
    /// The function's name with its namespaces and types, without parameters: `ns::Class::f`.
    pub name: Option<String>,
    /// The name in the symbol table, where it is another.
    pub linkage_name: Option<String>,
    /// Where the function is declared.
    pub declared: Option<SourcePlace>,
    /// Where it was called, if it was inlined.
    pub called: Option<SourcePlace>,
    /// Whether it is an inlined call.
    pub is_inlined: bool,
    /// Its code.
    pub ranges: Vec<Range<Rva>>,
    /// Its first instruction.
    pub entry: Option<Rva>,
}

/// What is being executed at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scopes {
    /// The inlined calls, innermost first.
    pub inlined: Vec<Scope>,
    /// The function that they were inlined into.
    pub function: Scope,
}

impl Scopes {
    /// All of them, innermost first.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.inlined.iter().chain([&self.function])
    }

    /// The function whose source line is being executed.
    pub fn innermost(&self) -> &Scope {
        self.inlined.first().unwrap_or(&self.function)
    }
}

/// What to do with an entry's children.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Into,
    Over,
}

impl<'a> DebugReader<'a> {
    /// The inlined calls of a function, at any depth, with their code.
    pub fn inlined_calls(&self, function: DieId) -> Vec<(DieId, Vec<Range<Rva>>)> {
        let mut found = Vec::new();
        let Ok(unit) = self.unit(function.unit) else {
            return found;
        };
        unit.begin_question();
        // What was found before damage counts.
        let _ = self.visit_children(&unit, function.offset, |entry, _| match entry.tag() {
            gimli::DW_TAG_inlined_subroutine => {
                found.push((unit.die(entry), unit.ranges_of(entry).unwrap_or_default()));
                Visit::Into
            }
            gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block => Visit::Into,
            _ => Visit::Over,
        });
        found
    }

    /// The function and the inlined calls that hold a place; none where no function is said to.
    pub fn scopes_at(&self, rva: Rva) -> Option<Scopes> {
        let function = self.function_at(rva)?;
        let unit = self.unit(function.unit).ok()?;
        unit.begin_question();
        let mut inlined: Vec<UnitOffset> = Vec::new();
        // What was found before damage counts.
        let _ = self.visit_children(&unit, function.offset, |entry, _| {
            let is_call = match entry.tag() {
                gimli::DW_TAG_inlined_subroutine => true,
                gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block => false,
                _ => return Visit::Over,
            };
            if !holds(&unit, entry, rva).unwrap_or(!is_call) {
                return Visit::Over;
            }
            if is_call && inlined.len() < MOST_NESTED {
                inlined.push(entry.offset());
            }
            Visit::Into
        });
        let scope = |offset: UnitOffset| {
            let entry = unit.unit.entry(offset).ok()?;
            Some(self.scope(&unit, &entry))
        };
        Some(Scopes {
            inlined: inlined.into_iter().rev().filter_map(scope).collect(),
            function: scope(UnitOffset(usize::try_from(function.offset).ok()?))?,
        })
    }

    /// A function or an inlined call, by its entry.
    pub fn scope_of(&self, id: DieId) -> Result<Scope, DebugError> {
        let (unit, entry) = self.entry(id)?;
        Ok(self.scope(&unit, &entry))
    }

    fn scope(&self, unit: &Rc<Unit<'a>>, entry: &Entry<'a>) -> Scope {
        let id = unit.die(entry);
        let is_inlined = entry.tag() == gimli::DW_TAG_inlined_subroutine;
        let ranges = ranges(unit, entry);
        // Where an inlined call begins is rarely said, and its parts may be out of order: the first is the best guess.
        let stated = match entry.attr_value(gimli::DW_AT_entry_pc) {
            Some(value) => address(unit, value).or_else(|| {
                // DWARF 5 allows an offset from the lowest place.
                let base = ranges.iter().map(|range| range.start.0).min()?;
                base.checked_add(value.udata_value()?).map(Rva)
            }),
            None => None,
        };
        let low = entry.attr_value(gimli::DW_AT_low_pc);
        let stated = stated.or_else(|| address(unit, low?));
        Scope {
            id,
            name: self.qualified_name(id),
            linkage_name: self.linkage_name(id),
            declared: self.declared_at(id),
            called: is_inlined
                .then(|| {
                    let line = entry.attr_value(gimli::DW_AT_call_line)?.udata_value()?;
                    let file = entry.attr_value(gimli::DW_AT_call_file)?;
                    let column = entry.attr_value(gimli::DW_AT_call_column);
                    source_place(unit, file, line, column)
                })
                .flatten(),
            is_inlined,
            entry: stated.or_else(|| ranges.first().map(|range| range.start)),
            ranges,
        }
    }

    /// The functions of a unit that have code.
    pub fn functions_of(&self, unit: UnitId) -> Result<Vec<DieId>, DebugError> {
        let mut offsets: Vec<u64> = self.info().outline(self, unit)?.functions().collect();
        offsets.sort_unstable();
        offsets.dedup();
        Ok(offsets.into_iter().map(|offset| DieId { unit, offset }).collect())
    }

    /// Where something is declared, itself or what it is an instance of.
    pub fn declared_at(&self, id: DieId) -> Option<SourcePlace> {
        let (_, line) = self.inherited(id, gimli::DW_AT_decl_line)?;
        let (unit, file) = self.inherited(id, gimli::DW_AT_decl_file)?;
        let column = self.inherited(id, gimli::DW_AT_decl_column).map(|(_, column)| column);
        source_place(&unit, file, line.udata_value()?, column)
    }

    /// The entries inside of one, outer before inner; `visit` is told how deep they lie (1 is a child) and says whether
    /// it wants what is inside of them.
    fn visit_children(
        &self,
        unit: &Unit<'a>,
        offset: u64,
        mut visit: impl FnMut(&Entry<'a>, usize) -> Visit,
    ) -> Result<(), DebugError> {
        let offset = usize::try_from(offset).map_err(|_| DebugError::Reference)?;
        let mut entries = unit.unit.entries_at_offset(UnitOffset(offset))?;
        let Some(parent) = entries.next_dfs()? else {
            return Ok(());
        };
        if !parent.has_children() {
            return Ok(());
        }
        let mut next = Visit::Into;
        loop {
            if next == Visit::Over && entries.next_sibling()?.is_none() {
                next = Visit::Into;
                continue;
            }
            let current = match next {
                Visit::Over => entries.current(),
                Visit::Into => entries.next_dfs()?,
            };
            let Some(current) = current else { return Ok(()) };
            let Some(depth) = usize::try_from(current.depth()).ok().filter(|depth| *depth > 0) else {
                return Ok(());
            };
            next = match visit(current, depth) {
                Visit::Into if depth < DEEPEST_ENTRY => Visit::Into,
                _ => Visit::Over,
            };
        }
    }
}

/// Whether an entry's code holds a place; none where the entry has no code of its own.
fn holds<'a>(unit: &Unit<'a>, entry: &Entry<'a>, rva: Rva) -> Option<bool> {
    if !entry.has_attr(gimli::DW_AT_low_pc) && !entry.has_attr(gimli::DW_AT_ranges) {
        return None;
    }
    let Ok(mut ranges) = unit.each_range(entry) else {
        return Some(false);
    };
    for _ in 0..MOST_RANGES {
        match ranges.next() {
            Ok(Some(range)) if unit.is_code(&range) && (range.begin..range.end).contains(&rva.0) => return Some(true),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    Some(false)
}

fn ranges<'a>(unit: &Unit<'a>, entry: &Entry<'a>) -> Vec<Range<Rva>> {
    let mut found = Vec::new();
    let Ok(mut ranges) = unit.each_range(entry) else {
        return found;
    };
    while let (Ok(Some(range)), true) = (ranges.next(), found.len() < MOST_RANGES) {
        if unit.is_code(&range) {
            found.push(Rva(range.begin)..Rva(range.end));
        }
    }
    found
}

fn address<'a>(unit: &Unit<'a>, value: Attribute<'a>) -> Option<Rva> {
    unit.of().attr_address(value).ok()?.map(Rva)
}

fn source_place<'a>(
    unit: &Unit<'a>,
    file: Attribute<'a>,
    line: u64,
    column: Option<Attribute<'a>>,
) -> Option<SourcePlace> {
    let index = match file {
        gimli::AttributeValue::FileIndex(index) => index,
        other => other.udata_value()?,
    };
    // Line 0 is what compilers give to what nobody wrote.
    (line != 0).then(|| SourcePlace {
        file: FileId { unit: unit.id, index },
        line,
        column: column
            .and_then(|column| column.udata_value())
            .filter(|column| *column != 0),
    })
}
