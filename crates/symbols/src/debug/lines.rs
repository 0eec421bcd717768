//! Source lines: which line a place was compiled from, and which places a line became.
//!
//! Line programs are run once a unit and kept in [`DebugInfo`](super::DebugInfo); a damaged one gives the sequences
//! before the damage. Looking for a file's places runs only the programs of units whose file tables name it. Read
//! [`LineRow`] first.

use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use farsight_types::Rva;

use super::damage::Part;
use super::reader::{DebugReader, Unit};
use super::{DebugError, FileId, UnitId};

mod files;
mod places;
mod program;

use files::FileTable;
pub use files::{FilePattern, SourceFile};
pub use places::{LinePlace, LinePlaces};
use program::UnitLines;

/// One row of a line table: a stretch of code and the source that it was compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRow {
    /// The code, up to the next row that begins further on. Empty where another row begins at the same place.
    pub range: Range<Rva>,
    /// The source file.
    pub file: Arc<SourceFile>,
    /// From 1; 0 is code that belongs to no line.
    pub line: u32,
    /// From 1; 0 is not known.
    pub column: u32,
    /// Whether a statement begins here: where breakpoints and steps should stop.
    pub is_stmt: bool,
    /// Whether the compiler says that a function's frame is complete here.
    pub prologue_end: bool,
}

/// The line tables of a module, by unit, run when first asked for.
pub(super) struct LineCache {
    units: Vec<OnceLock<Option<Arc<UnitLines>>>>,
    /// How long all line programs are together.
    bytes: u64,
    /// Rows that may still be made: hostile units could all name one long program.
    rows_left: AtomicU64,
    /// Bytes of paths that may still be kept: hostile tables could name one long text in a million ways.
    paths_left: AtomicU64,
}

/// Bytes of paths that any module may have.
const MOST_PATHS: u64 = 64 << 20;

impl LineCache {
    /// For so many units, with so many bytes of line programs: an honest row takes at least one.
    pub(super) fn new(units: usize, bytes: usize) -> LineCache {
        LineCache {
            units: (0..units).map(|_| OnceLock::new()).collect(),
            bytes: bytes as u64,
            rows_left: AtomicU64::new((bytes as u64).saturating_mul(2)),
            paths_left: AtomicU64::new((bytes as u64).saturating_mul(4).saturating_add(MOST_PATHS)),
        }
    }

    fn take_rows(&self, count: u64) -> Result<(), DebugError> {
        take(&self.rows_left, count)
    }

    fn take_path(&self, length: usize) -> Result<(), DebugError> {
        take(&self.paths_left, length as u64)
    }
}

/// Takes from what is left; none where it is too much.
fn take(left: &AtomicU64, count: u64) -> Result<(), DebugError> {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count));
    taken.map(drop).map_err(|_| DebugError::Reference)
}

impl<'a> DebugReader<'a> {
    /// The line of a place, where the debug information knows one. Code that belongs to no line has none.
    pub fn line_at(&self, rva: Rva) -> Option<LineRow> {
        self.row_at(rva).filter(|row| row.line != 0)
    }

    /// The row that covers a place; its line is 0 for code that belongs to no line.
    pub fn row_at(&self, rva: Rva) -> Option<LineRow> {
        self.lines(self.info().unit_at(rva)?)?.row_at(rva)
    }

    /// All rows that begin in a stretch of code, by place, and the one that covers its first byte; those of one unit
    /// at most. Rows that begin at the same place are in the order of the line program.
    pub fn rows_in(&self, range: Range<Rva>) -> Vec<LineRow> {
        let lines = self.info().unit_at(range.start).and_then(|unit| self.lines(unit));
        lines.map(|lines| lines.rows_in(range)).unwrap_or_default()
    }

    /// Where a function's frame is complete: the end of its prologue as the compiler marked it, otherwise its second
    /// row. `code` is the function's range that holds its entry.
    pub fn past_prologue(&self, code: Range<Rva>) -> Rva {
        let lines = self.info().unit_at(code.start).and_then(|unit| self.lines(unit));
        lines.map_or(code.start, |lines| lines.past_prologue(code))
    }

    /// A file that a declaration or a call names.
    pub fn file(&self, id: FileId) -> Option<SourceFile> {
        let unit = self.unit(id.unit).ok()?;
        let header = unit.line_program()?.header();
        FileTable::of(&unit, header).file(id.index)
    }

    /// The line table of a unit.
    fn lines(&self, id: UnitId) -> Option<Arc<UnitLines>> {
        let slot = self.info().lines.units.get(usize::try_from(id.0).ok()?)?;
        let found = slot.get_or_init(|| {
            let unit = self.parse_root(id).ok()?;
            self.run(&unit)
        });
        found.clone()
    }

    /// The line table of a unit that is parsed already.
    fn lines_of(&self, unit: &Unit<'a>) -> Option<Arc<UnitLines>> {
        let slot = self.info().lines.units.get(usize::try_from(unit.id.0).ok()?)?;
        slot.get_or_init(|| self.run(unit)).clone()
    }

    fn run(&self, unit: &Unit<'a>) -> Option<Arc<UnitLines>> {
        let damage = &self.info().damage;
        if unit.has_damaged_lines() {
            damage.note(unit.id, Part::LineHeader);
        }
        let lines = UnitLines::of(unit, &self.info().lines)?;
        if lines.is_cut {
            damage.note(unit.id, Part::LineProgram);
        }
        Some(Arc::new(lines))
    }
}

#[cfg(test)]
mod tests;
