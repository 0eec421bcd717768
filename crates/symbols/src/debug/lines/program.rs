//! One unit's line program as rows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use farsight_types::Rva;
use gimli::{ColumnType, LineInstruction};

use super::files::{FileTable, SourceFile};
use super::{LineCache, LineRow, Unit};
use crate::debug::Slice;

/// How many sequences are looked back over for one that holds a place; only hostile ones overlap more.
const MAX_LOOK_BACK: usize = 64;
/// How many rows of one place are looked back over for one that begins a statement.
const MAX_SAME_PLACE: usize = 64;
/// How far behind a function's first row its second line is looked for.
const MAX_BEFORE_SECOND: usize = 256;
/// Rows that are taken from the module's allowance at a time.
const ROWS_AT_ONCE: u64 = 4096;

#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) address: u64,
    pub(super) file: u32,
    pub(super) line: u32,
    pub(super) column: u16,
    pub(super) is_stmt: bool,
    pub(super) prologue_end: bool,
}

/// A stretch of code without gaps, and its rows.
pub(super) struct Sequence {
    pub(super) start: u64,
    pub(super) end: u64,
    rows: Range<usize>,
}

/// Whether the instructions of a line program can be read to their end; without making rows of them.
pub(super) fn is_whole(header: &gimli::LineProgramHeader<Slice<'_>>) -> bool {
    let mut instructions = header.instructions();
    let mut is_open = false;
    loop {
        match instructions.next_instruction(header) {
            Ok(Some(LineInstruction::EndSequence)) => is_open = false,
            Ok(Some(LineInstruction::Copy | LineInstruction::Special(_))) => is_open = true,
            Ok(Some(_)) => {}
            Ok(None) => return !is_open,
            Err(_) => return false,
        }
    }
}

/// The line table of one unit.
pub(super) struct UnitLines {
    pub(super) files: Vec<Arc<SourceFile>>,
    rows: Vec<Row>,
    /// Whether the program ends before it should.
    pub(super) is_cut: bool,
    /// The rows that end a prologue: about one a function.
    marked: Vec<usize>,
    /// Invariant: by start.
    pub(super) sequences: Vec<Sequence>,
}

impl UnitLines {
    /// Runs a unit's line program, as far as the module's allowance goes. None where it has none.
    pub(super) fn of(unit: &Unit<'_>, allowance: &LineCache) -> Option<UnitLines> {
        let mut program = unit.line_program()?.clone();
        let header = program.header().clone();
        let table = FileTable::of(unit, &header);
        let mut lines = UnitLines {
            files: Vec::new(),
            rows: Vec::new(),
            is_cut: false,
            marked: Vec::new(),
            sequences: Vec::new(),
        };
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let mut instructions = header.instructions();
        let mut row = gimli::LineRow::new(&header);
        let mut first = 0;
        let mut taken = 0;
        let mut removed = false;
        loop {
            // What stands behind damage is not known.
            lines.is_cut = true;
            let Ok(next) = instructions.next_instruction(&header) else {
                break;
            };
            let Some(instruction) = next else {
                lines.is_cut = lines.rows.len() > first;
                break;
            };
            if instruction == LineInstruction::AdvanceLine(i64::MIN) {
                break;
            }
            // What the linker removed is at an address that cannot be, at 0, or before what there was already; up to
            // the next address nothing counts.
            if let LineInstruction::SetAddress(address) = instruction {
                removed = address == 0 || address < row.address() || unit.unit.header.is_tombstone_address(address);
            }
            match row.execute(instruction, &mut program) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => break,
            }
            if row.end_sequence() {
                lines.end_sequence(first, row.address());
                first = lines.rows.len();
                removed = false;
            } else if !removed {
                if lines.rows.len() as u64 >= taken {
                    let more = ROWS_AT_ONCE.min(header.raw_program_buf().len() as u64);
                    if allowance.take_rows(more).is_err() {
                        break;
                    }
                    taken += ROWS_AT_ONCE;
                }
                lines.add(&row, &mut numbers, &table, allowance);
            }
            row.reset(&header);
        }
        lines.rows.truncate(first);
        lines.rows.shrink_to_fit();
        let marked = lines.rows.iter().enumerate().filter(|(_, row)| row.prologue_end);
        lines.marked = marked.map(|(at, _)| at).collect();
        lines.sequences.sort_by_key(|sequence| sequence.start);
        Some(lines)
    }

    fn add(
        &mut self,
        row: &gimli::LineRow,
        numbers: &mut HashMap<u64, u32>,
        table: &FileTable<'_, '_>,
        allowance: &LineCache,
    ) {
        let file = *numbers.entry(row.file_index()).or_insert_with(|| {
            let unknown = || SourceFile {
                path: String::new(),
                md5: None,
            };
            let file = table.file(row.file_index());
            let file = file.filter(|file| allowance.take_path(file.path.len()).is_ok());
            self.files.push(Arc::new(file.unwrap_or_else(unknown)));
            u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
        });
        let column = match row.column() {
            ColumnType::LeftEdge => 0,
            ColumnType::Column(column) => u16::try_from(column.get()).unwrap_or(0),
        };
        self.rows.push(Row {
            address: row.address(),
            file,
            line: row.line().and_then(|line| u32::try_from(line.get()).ok()).unwrap_or(0),
            column,
            is_stmt: row.is_stmt(),
            prologue_end: row.prologue_end(),
        });
    }

    /// The rows from `first` on are a sequence; one that is empty or was removed is dropped.
    fn end_sequence(&mut self, first: usize, end: u64) {
        let rows = self.rows.get_mut(first..).unwrap_or_default();
        if !rows.is_sorted_by_key(|row| row.address) {
            rows.sort_by_key(|row| row.address);
        }
        let start = rows.first().map_or(0, |row| row.address);
        let inside = rows.partition_point(|row| row.address < end);
        if start == 0 || inside == 0 {
            self.rows.truncate(first);
            return;
        }
        self.rows.truncate(first + inside);
        self.sequences.push(Sequence {
            start,
            end,
            rows: first..first + inside,
        });
    }

    /// The sequence that holds a place.
    fn sequence_at(&self, rva: u64) -> Option<&Sequence> {
        let end = self.sequences.partition_point(|sequence| sequence.start <= rva);
        let before = self.sequences.get(..end)?.iter().rev();
        before.take(MAX_LOOK_BACK).find(|sequence| rva < sequence.end)
    }

    fn rows_of(&self, sequence: &Sequence) -> &[Row] {
        self.rows.get(sequence.rows.clone()).unwrap_or_default()
    }

    /// Each sequence with its rows.
    pub(super) fn by_sequence(&self) -> impl Iterator<Item = (&Sequence, &[Row])> {
        self.sequences.iter().map(|sequence| (sequence, self.rows_of(sequence)))
    }

    fn shown(&self, sequence: &Sequence, rows: &[Row], index: usize) -> Option<LineRow> {
        let row = rows.get(index)?;
        let later = rows.get(index + 1).map_or(sequence.end, |next| next.address);
        Some(LineRow {
            range: Rva(row.address)..Rva(later),
            file: Arc::clone(self.files.get(usize::try_from(row.file).ok()?)?),
            line: row.line,
            column: u32::from(row.column),
            is_stmt: row.is_stmt,
            prologue_end: row.prologue_end,
        })
    }

    /// The row that covers a place: the last that begins there or before; of several that begin together rather one
    /// that begins a statement.
    pub(super) fn row_at(&self, rva: Rva) -> Option<LineRow> {
        let sequence = self.sequence_at(rva.0)?;
        let rows = self.rows_of(sequence);
        let last = rows.partition_point(|row| row.address <= rva.0).checked_sub(1)?;
        let address = rows.get(last)?.address;
        let together = rows.get(..=last)?.iter().enumerate().rev().take(MAX_SAME_PLACE);
        let statement = together
            .take_while(|(_, row)| row.address == address)
            .find(|(_, row)| row.is_stmt);
        let mut found = self.shown(sequence, rows, statement.map_or(last, |(index, _)| index))?;
        found.range.end = rows.get(last + 1).map_or(Rva(sequence.end), |next| Rva(next.address));
        Some(found)
    }

    pub(super) fn rows_in(&self, range: Range<Rva>) -> Vec<LineRow> {
        let Some(first) = self.sequence_at(range.start.0) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let from = self.sequences.partition_point(|sequence| sequence.start < first.start);
        let those = self.sequences.get(from..).unwrap_or_default().iter();
        for sequence in those.take_while(|sequence| sequence.start < range.end.0) {
            let rows = self.rows_of(sequence);
            // The row that covers the first byte began before it.
            let covering = rows
                .partition_point(|row| row.address <= range.start.0)
                .saturating_sub(1);
            let begin = rows.get(covering).map_or(0, |row| row.address);
            let start = rows.partition_point(|row| row.address < begin);
            let end = rows.partition_point(|row| row.address < range.end.0);
            found.extend((start..end).filter_map(|index| self.shown(sequence, rows, index)));
        }
        found
    }

    pub(super) fn past_prologue(&self, code: Range<Rva>) -> Rva {
        let Some(sequence) = self.sequence_at(code.start.0) else {
            return code.start;
        };
        let rows = self.rows_of(sequence);
        let first = rows.partition_point(|row| row.address < code.start.0);
        let end = rows.partition_point(|row| row.address < code.end.0);
        let own = rows.get(first..end).unwrap_or_default();
        if own.first().is_none_or(|row| row.address != code.start.0) {
            return code.start;
        }
        // Hostile functions lie in each other by the thousand: none is read to its end.
        let before = sequence.rows.start + first;
        let next = self.marked.get(self.marked.partition_point(|at| *at < before));
        let marked = next.and_then(|at| own.get(at - before));
        let second = || {
            let mut near = own.iter().skip(1).take(MAX_BEFORE_SECOND);
            near.find(|row| row.line != 0 && row.is_stmt)
        };
        marked.or_else(second).map_or(code.start, |row| Rva(row.address))
    }
}
