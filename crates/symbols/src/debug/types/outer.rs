//! What a unit's entries lie in: namespaces, types and functions around them.

use crate::debug::{DebugError, DieId, Unit};

/// Most entries with a name of one unit that others lie in.
const MOST: usize = 1 << 20;

/// Entries of one unit that others lie in, found once.
pub(crate) struct Outer {
    /// Invariant: by first offset; what begins later and ends earlier lies inside.
    spans: Vec<Span>,
}

struct Span {
    first: u64,
    /// One past the last entry inside.
    end: u64,
    /// Index of the span around it.
    around: Option<usize>,
}

impl Outer {
    pub(crate) fn of(unit: &Unit<'_>) -> Result<Outer, DebugError> {
        let mut spans: Vec<Span> = Vec::new();
        // Open spans with the depth of their own entries.
        let mut open: Vec<(usize, isize)> = Vec::new();
        let mut entries = unit.unit.entries_raw(None)?;
        while !entries.is_empty() {
            let offset = entries.next_offset().0 as u64;
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            while open.last().is_some_and(|(_, outer)| *outer >= depth) {
                if let Some(span) = open.pop().and_then(|(index, _)| spans.get_mut(index)) {
                    span.end = offset;
                }
            }
            if abbreviation.has_children() && is_scope(abbreviation.tag()) && spans.len() < MOST {
                spans.push(Span {
                    first: offset,
                    end: u64::MAX,
                    around: open.last().map(|(index, _)| *index),
                });
                open.push((spans.len() - 1, depth));
            }
            entries.skip_attributes(abbreviation.attributes())?;
        }
        Ok(Outer { spans })
    }

    /// What an entry lies in, innermost first.
    pub(crate) fn around(&self, id: DieId) -> Vec<DieId> {
        let mut index = self.spans.partition_point(|span| span.first < id.offset).checked_sub(1);
        let mut found = Vec::new();
        while let Some(span) = index.and_then(|index| self.spans.get(index)) {
            if span.end > id.offset {
                found.push(DieId {
                    unit: id.unit,
                    offset: span.first,
                });
            }
            index = span.around;
        }
        found
    }
}

fn is_scope(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_interface_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_subprogram
    )
}
