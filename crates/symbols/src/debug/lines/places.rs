//! The places of a source line: where a breakpoint on it goes.
//!
//! A line has code in as many places as it was compiled: once for every instance of a template, every inlined call,
//! every copy of the compiler's. In each it may have several stretches, such as the two ends of a loop; the first is
//! where it is entered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use farsight_types::Rva;

use super::files::{FileTable, ends_with_name};
use super::program::{UnitLines, is_whole};
use super::{FilePattern, MOST_PATHS, SourceFile, UnitId};
use crate::debug::damage::Part;
use crate::debug::reader::{DebugReader, Unit};
use crate::debug::{DebugError, DieId};

/// Most places that one line is said to have; templates in large programs have hundreds.
const MOST_PLACES: usize = 65_536;

/// How many entries are looked at before the asker is asked whether to go on.
const ENTRIES_AT_ONCE: u32 = 1024;

/// One place of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// Where a statement of the line begins, behind the prologue where the line opens a function.
    pub rva: Rva,
    /// The function or the inlined call that it is in, where the debug information says so.
    pub scope: Option<DieId>,
}

/// What became of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinePlaces {
    /// The line that has the code: the one that was asked for, otherwise the next one.
    pub line: u32,
    /// By place; none where no line from the one asked for on has code.
    pub places: Vec<LinePlace>,
    /// The files that are meant, by path.
    pub files: Vec<Arc<SourceFile>>,
}

/// A stretch of the line's code: where it begins and the sequence that it is in.
struct Candidate {
    rva: u64,
    sequence: Range<u64>,
}

impl<'a> DebugReader<'a> {
    /// The places of a line in the files that are meant. None where the module has no such file.
    ///
    /// `go_on` is asked now and then; where it says no, [`DebugError::Elsewhere`] is the answer.
    pub fn places_of(
        &self,
        file: &FilePattern,
        line: u32,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<LinePlaces>, DebugError> {
        let mut files: BTreeMap<String, Arc<SourceFile>> = BTreeMap::new();
        let mut best: Option<u32> = None;
        let mut units: Vec<(UnitId, Arc<UnitLines>)> = Vec::new();
        self.each_unit(go_on, |unit| {
            if !names(unit, file) {
                return;
            }
            let Some(lines) = self.lines_of(unit) else {
                return;
            };
            let meant = Meant::new(&lines, file);
            let those = lines.files.iter().zip(&meant.0).filter(|(_, is_meant)| **is_meant);
            for (file, _) in those {
                files.entry(file.path.clone()).or_insert_with(|| Arc::clone(file));
            }
            let rows = lines.by_sequence().flat_map(|(_, rows)| rows);
            let nearest = rows
                .filter(|row| row.is_stmt && row.line >= line && row.line != 0 && meant.contains(row.file))
                .map(|row| row.line)
                .min();
            if let Some(nearest) = nearest {
                best = Some(best.map_or(nearest, |best| best.min(nearest)));
                units.push((unit.id, lines));
            }
        })?;
        if files.is_empty() {
            return Ok(None);
        }
        let mut found = LinePlaces {
            line: best.unwrap_or(line),
            places: Vec::new(),
            files: files.into_values().collect(),
        };
        for (unit, lines) in units {
            if !go_on() {
                return Err(DebugError::Elsewhere);
            }
            self.add_places(unit, &lines, (file, found.line), go_on, &mut found.places)?;
        }
        found.places.sort_by_key(|place| place.rva);
        found.places.dedup_by_key(|place| place.rva);
        Ok(Some(found))
    }

    /// Every source file that the module's code was compiled from, by path.
    pub fn source_files(&self, go_on: &dyn Fn() -> bool) -> Result<Vec<SourceFile>, DebugError> {
        let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
        let mut length = 0;
        self.each_unit(go_on, |unit| {
            let Some(program) = unit.line_program() else {
                return;
            };
            let table = FileTable::of(unit, program.header());
            for (number, _) in table.names() {
                if length > MOST_PATHS {
                    return;
                }
                if let Some(file) = table.file(number) {
                    length += (file.path.len() + size_of::<SourceFile>()) as u64;
                    files.entry(file.path.clone()).or_insert(file);
                }
            }
        })?;
        Ok(files.into_values().collect())
    }

    /// Looks at all units for damage, which [`DebugInfo::damage`](crate::DebugInfo::damage) then tells.
    pub fn check(&self, go_on: &dyn Fn() -> bool) -> Result<(), DebugError> {
        self.info().unit_at(Rva(0));
        // Hostile units could all name one long program.
        let mut left = self.info().lines.bytes.saturating_mul(2);
        self.each_unit(go_on, |unit| {
            let Some(header) = unit.line_program().map(|program| program.header()) else {
                return;
            };
            let length = header.raw_program_buf().len() as u64;
            let Some(rest) = left.checked_sub(length) else {
                return;
            };
            left = rest;
            if !is_whole(header) {
                self.info().damage.note(unit.id, Part::LineProgram);
            }
        })
    }

    fn each_unit(&self, go_on: &dyn Fn() -> bool, mut look: impl FnMut(&Unit<'a>)) -> Result<(), DebugError> {
        // Units share headers, and hostile ones could all name one long one.
        let mut headers_left = self.info().lines.bytes.saturating_mul(16);
        for id in (0..self.info().unit_count()).map(UnitId) {
            if !go_on() {
                return Err(DebugError::Elsewhere);
            }
            let has_code = self.info().units.get(id).is_some_and(|unit| unit.has_code);
            // A damaged unit is as good as none; the others are not harmed.
            if let (true, Ok(unit)) = (has_code, self.parse_root(id)) {
                let header = unit
                    .line_program()
                    .map_or(0, |program| program.header().header_length());
                if unit.has_damaged_lines() {
                    self.info().damage.note(id, Part::LineHeader);
                }
                look(&unit);
                match headers_left.checked_sub(header as u64) {
                    Some(left) => headers_left = left,
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn add_places(
        &self,
        id: UnitId,
        lines: &UnitLines,
        (file, line): (&FilePattern, u32),
        go_on: &dyn Fn() -> bool,
        into: &mut Vec<LinePlace>,
    ) -> Result<(), DebugError> {
        let meant = Meant::new(lines, file);
        let mut candidates = Vec::new();
        for (sequence, rows) in lines.by_sequence() {
            let mut before = None;
            for row in rows {
                let of_line = row.line == line && meant.contains(row.file);
                if of_line && row.is_stmt && before != Some(true) && candidates.len() < MOST_PLACES {
                    candidates.push(Candidate {
                        rva: row.address,
                        sequence: sequence.start..sequence.end,
                    });
                }
                // A row that begins no statement continues the line that it is of, whatever stood between.
                before = match of_line {
                    true => Some(before == Some(true) || row.is_stmt),
                    false => None,
                };
            }
        }
        let places: Vec<u64> = candidates.iter().map(|candidate| candidate.rva).collect();
        let scopes = match self.unit(id) {
            Ok(unit) => innermost(&unit, &places, go_on)?,
            Err(_) => HashMap::new(),
        };
        // A function's cold part may lie before it; its debug information names the main part first.
        let part = |candidate: &Candidate| scopes.get(&candidate.rva).map_or(0, |known| known.part);
        candidates.sort_by_key(|candidate| (part(candidate), candidate.rva));
        let mut taken: BTreeSet<(Option<DieId>, u64)> = BTreeSet::new();
        for candidate in candidates {
            let known = scopes.get(&candidate.rva);
            let scope = known.map(|known| known.scope);
            // Where no function is known, one place for each stretch of code.
            let of = scope.map_or(candidate.sequence.start, |_| 0);
            if !taken.insert((scope, of)) {
                continue;
            }
            let opens = known.and_then(|known| known.opened_at(candidate.rva));
            let rva = opens.map_or(Rva(candidate.rva), |code| lines.past_prologue(code));
            into.push(LinePlace { rva, scope });
        }
        Ok(())
    }
}

/// What holds a place of a unit.
#[derive(Clone)]
struct Holder {
    /// The innermost function or inlined call.
    scope: DieId,
    /// Its range that holds the place.
    range: Range<u64>,
    /// Which of its ranges that is.
    part: usize,
    inlined: bool,
}

impl Holder {
    /// The function's code, where the place is its entry.
    fn opened_at(&self, place: u64) -> Option<Range<Rva>> {
        let opens = !self.inlined && place == self.range.start;
        opens.then_some(Rva(self.range.start)..Rva(self.range.end))
    }
}

/// The functions and inlined calls that hold these places. However many lie around each other, an entry is looked at
/// once, and so is a place.
fn innermost(unit: &Unit<'_>, places: &[u64], go_on: &dyn Fn() -> bool) -> Result<HashMap<u64, Holder>, DebugError> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut holders: Vec<(Range<usize>, Holder)> = Vec::new();
    unit.begin_question();
    let mut entries = unit.unit.entries();
    let mut seen = 0u32;
    // What is behind damage holds nothing that is known.
    while let Ok(Some(entry)) = entries.next_dfs() {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(ENTRIES_AT_ONCE) && !go_on() {
            return Err(DebugError::Elsewhere);
        }
        let inlined = entry.tag() == gimli::DW_TAG_inlined_subroutine;
        if !inlined && entry.tag() != gimli::DW_TAG_subprogram {
            continue;
        }
        for (part, range) in unit.ranges_of(entry).unwrap_or_default().into_iter().enumerate() {
            let from = sorted.partition_point(|place| *place < range.start.0);
            let to = sorted.partition_point(|place| *place < range.end.0);
            if from < to {
                let holder = Holder {
                    scope: unit.die(entry),
                    range: range.start.0..range.end.0,
                    part,
                    inlined,
                };
                holders.push((from..to, holder));
            }
        }
    }
    // Those that are inside of others came behind them: the last that holds a place is what it is in.
    let mut found: HashMap<u64, Holder> = HashMap::with_capacity(sorted.len());
    // The first place from each on that nothing has yet.
    let mut free: Vec<usize> = (0..=sorted.len()).collect();
    for (inside, holder) in holders.into_iter().rev() {
        let mut at = next_free(&mut free, inside.start);
        while at < inside.end {
            if let (Some(place), Some(next)) = (sorted.get(at), free.get_mut(at)) {
                found.insert(*place, holder.clone());
                *next = at + 1;
            }
            at = next_free(&mut free, at + 1);
        }
    }
    Ok(found)
}

/// The first place from `at` on that is free; shortens the way for those who ask next.
fn next_free(free: &mut [usize], at: usize) -> usize {
    let mut end = at;
    while let Some(next) = free.get(end).copied().filter(|next| *next != end) {
        end = next;
    }
    let mut at = at;
    while let Some(next) = free.get_mut(at).filter(|next| **next != end && at != end) {
        at = std::mem::replace(next, end);
    }
    end
}

/// Whether a unit's file table may name a file that is meant.
fn names(unit: &Unit<'_>, file: &FilePattern) -> bool {
    let Some(program) = unit.line_program() else {
        return false;
    };
    let table = FileTable::of(unit, program.header());
    table.names().any(|(_, name)| ends_with_name(name, file.name()))
}

/// Which of the files that have code are meant, by their numbers.
struct Meant(Vec<bool>);

impl Meant {
    fn new(lines: &UnitLines, file: &FilePattern) -> Meant {
        Meant(lines.files.iter().map(|one| file.matches(&one.path)).collect())
    }

    fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize).is_some_and(|is_meant| *is_meant)
    }
}
