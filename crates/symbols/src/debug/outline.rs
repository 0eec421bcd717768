//! The outline of a unit: where its functions' code lies, and which named scopes its entries lie in.
//!
//! Entries do not say what they are inside of, and functions do not lie in the order of their code. One pass over a
//! unit, at the first question about it, keeps both as sorted numbers, so that a backtrace looks only at the units that
//! it goes through, and at each of them once in the life of the module.

use std::sync::OnceLock;

use farsight_types::Rva;
use gimli::DwTag;

use super::{DebugError, DebugInfo, DebugReader, DieId, Entry, Unit, UnitId};

/// Most ranges of functions that are kept of a unit; only hostile range lists have more.
const MOST_RANGES: usize = 1 << 20;
/// Deepest nesting of named scopes; deeper ones are left out of names.
const MOST_SCOPES: usize = 256;
/// How many functions are looked back over for one that holds a place; only hostile ones overlap more.
const MAX_LOOK_BACK: usize = 256;
const NO_PARENT: u32 = u32::MAX;

/// Part of a function's code.
#[derive(Clone, Copy)]
struct FunctionRange {
    start: u64,
    length: u32,
    die: u32,
}

/// The entries between two offsets are inside of the scope at `start`.
#[derive(Clone, Copy)]
struct ScopeSpan {
    start: u32,
    end: u32,
    /// Index of the scope around it.
    parent: u32,
}

/// See the module.
pub(super) struct Outline {
    /// Invariant: by start; of several with one start the longest first.
    functions: Box<[FunctionRange]>,
    /// The longest code up to and including each, so that a look back ends.
    furthest: Box<[u64]>,
    /// Invariant: by start. Only those that something with a name of its own lies in.
    scopes: Box<[ScopeSpan]>,
}

/// Those of all units that were asked about.
pub(super) struct Outlines(Box<[OnceLock<Box<Outline>>]>);

impl Outlines {
    pub(super) fn new(count: usize) -> Outlines {
        Outlines((0..count).map(|_| OnceLock::new()).collect())
    }
}

impl DebugInfo {
    pub(super) fn outline<'a>(&'a self, reader: &DebugReader<'a>, id: UnitId) -> Result<&'a Outline, DebugError> {
        let outlines = self.outlines.get_or_init(|| Outlines::new(self.units.len()));
        let slot = usize::try_from(id.0).ok().and_then(|index| outlines.0.get(index));
        let slot = slot.or_else(|| reader.split_outline(id)).ok_or(DebugError::Reference)?;
        if let Some(known) = slot.get() {
            return Ok(known);
        }
        let unit = reader.unit(id)?;
        Ok(slot.get_or_init(|| Box::new(Outline::new(&unit))))
    }
}

impl Outline {
    /// What was seen before damage counts.
    fn new(unit: &Unit<'_>) -> Outline {
        let mut builder = Builder::default();
        // Damage ends the pass: what follows it cannot be told apart from it.
        let _ = builder.pass(unit);
        builder.finish()
    }

    /// The function whose code holds a place, by its offset; of several the one that begins last.
    pub(super) fn function_at(&self, rva: Rva) -> Option<u64> {
        let end = self.functions.partition_point(|range| range.start <= rva.0);
        for index in (0..end).rev().take(MAX_LOOK_BACK) {
            if *self.furthest.get(index)? <= rva.0 {
                return None;
            }
            let range = self.functions.get(index)?;
            if rva.0.wrapping_sub(range.start) < u64::from(range.length) {
                return Some(u64::from(range.die));
            }
        }
        None
    }

    /// The functions that have code, by their offsets; one with several parts comes several times.
    pub(super) fn functions(&self) -> impl Iterator<Item = u64> + '_ {
        self.functions.iter().map(|range| u64::from(range.die))
    }

    /// The innermost named scope that an entry lies in.
    pub(super) fn scope_around(&self, offset: u64) -> Option<u64> {
        let offset = u32::try_from(offset).ok()?;
        let last = self
            .scopes
            .partition_point(|scope| scope.start < offset)
            .checked_sub(1)?;
        let mut scope = self.scopes.get(last)?;
        // Parents come before their children, so this ends.
        while scope.end <= offset {
            scope = self.scopes.get(usize::try_from(scope.parent).ok()?)?;
        }
        Some(u64::from(scope.start))
    }
}

/// Whether what lies in such an entry bears its name.
fn is_named_scope(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_interface_type
    )
}

/// Whether names of such entries are shown with the scopes around them.
fn is_qualified(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_subprogram
            | gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_interface_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_typedef
            | gimli::DW_TAG_template_alias
            | gimli::DW_TAG_variable
            | gimli::DW_TAG_constant
            | gimli::DW_TAG_base_type
    )
}

#[derive(Default)]
struct Builder {
    functions: Vec<FunctionRange>,
    scopes: Vec<ScopeSpan>,
    /// Scopes around the entry that is read.
    open: Vec<Open>,
}

struct Open {
    depth: isize,
    start: u32,
    is_function: bool,
    /// Once something was found in it.
    index: Option<usize>,
}

impl Builder {
    fn pass(&mut self, unit: &Unit<'_>) -> Result<(), DebugError> {
        unit.begin_question();
        let mut entries = unit.unit.entries_raw(None)?;
        while !entries.is_empty() {
            let (offset, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            entries.skip_attributes(abbreviation.attributes())?;
            // Entries behind 4 GiB of one unit are not found by place; no compiler writes such units.
            let Ok(here) = u32::try_from(offset.0) else {
                return Ok(());
            };
            self.close(depth, here);
            let tag = abbreviation.tag();
            // Functions end the scopes of what is local to them; their variables are never looked up by scope.
            let is_local = tag == gimli::DW_TAG_variable && self.open.last().is_some_and(|open| open.is_function);
            if is_qualified(tag) && !is_local {
                self.note_open();
            }
            let is_function = tag == gimli::DW_TAG_subprogram;
            if is_function {
                let has_code = |spec: &gimli::AttributeSpecification| {
                    matches!(spec.name(), gimli::DW_AT_low_pc | gimli::DW_AT_ranges)
                };
                if abbreviation.attributes().iter().any(has_code) {
                    let entry = unit.unit.entry(offset)?;
                    // A function whose ranges are damaged is not found by place; the others are.
                    let _ = self.add_function(unit, &entry, here);
                }
            }
            let is_scope = is_function || is_named_scope(tag);
            if is_scope && abbreviation.has_children() && self.open.len() < MOST_SCOPES {
                self.open.push(Open {
                    depth,
                    start: here,
                    is_function,
                    index: None,
                });
            }
        }
        self.close(0, u32::MAX);
        Ok(())
    }

    /// Scopes at this depth and deeper ended before an offset.
    fn close(&mut self, depth: isize, offset: u32) {
        while let Some(open) = self.open.pop_if(|open| open.depth >= depth) {
            if let Some(scope) = open.index.and_then(|index| self.scopes.get_mut(index)) {
                scope.end = offset;
            }
        }
    }

    fn note_open(&mut self) {
        let mut parent = NO_PARENT;
        for open in &mut self.open {
            let known = *open.index.get_or_insert_with(|| {
                self.scopes.push(ScopeSpan {
                    start: open.start,
                    end: u32::MAX,
                    parent,
                });
                self.scopes.len() - 1
            });
            parent = u32::try_from(known).unwrap_or(NO_PARENT);
        }
    }

    fn add_function<'a>(&mut self, unit: &Unit<'a>, entry: &Entry<'a>, die: u32) -> Result<(), DebugError> {
        let mut ranges = unit.each_range(entry)?;
        while let Some(range) = ranges.next()? {
            if self.functions.len() >= MOST_RANGES {
                return Ok(());
            }
            if unit.is_code(&range) {
                self.functions.push(FunctionRange {
                    start: range.begin,
                    length: u32::try_from(range.end - range.begin).unwrap_or(u32::MAX),
                    die,
                });
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Outline {
        self.functions.sort_unstable_by_key(|range| {
            (
                range.start,
                std::cmp::Reverse(range.length),
                std::cmp::Reverse(range.die),
            )
        });
        let ends = self.functions.iter().scan(0, |furthest: &mut u64, range| {
            *furthest = range.start.saturating_add(u64::from(range.length)).max(*furthest);
            Some(*furthest)
        });
        Outline {
            furthest: ends.collect(),
            functions: self.functions.into_boxed_slice(),
            scopes: self.scopes.into_boxed_slice(),
        }
    }
}

impl DebugReader<'_> {
    /// The function of a unit whose code holds a place.
    pub fn function_at(&self, rva: Rva) -> Option<DieId> {
        let unit = self.info().unit_at(rva)?;
        let offset = self.info().outline(self, unit).ok()?.function_at(rva)?;
        Some(DieId { unit, offset })
    }
}
