//! Steps by source line: the line tables of the frames nearby travel with the request, so that a command costs one round
//! trip, whatever its count.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use farsight_symbols::{DebugReader, DieId, LineRow};
use farsight_target::{LineEntry, LineMark, StepGoal, StepPlan};
use farsight_types::{Address, AddressRange, Rva};

use super::ResumeIntent;
use super::stepping::MOST_STEPS;
use crate::disassembly::decode_all;
use crate::error::CommandError;
use crate::model::Module;
use crate::session::Session;

/// Frames whose functions' lines travel along.
const MOST_FRAMES: usize = 6;
/// Rows that travel along, and functions that are called.
const MOST_ROWS: usize = 4096;
const MOST_ENTRIES: usize = 256;
/// Ranges of code with lines, of all modules.
const MOST_RANGES: usize = 1024;
/// Gaps between functions that do not count.
const GAP: u64 = 64;

/// Numbers for files and lines, as the server knows them.
#[derive(Default)]
struct Numbers(HashMap<(String, u32), u32>);

impl Numbers {
    fn of(&mut self, row: &LineRow) -> u32 {
        if row.line == 0 {
            return 0;
        }
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1);
        *self.0.entry((row.file.path.clone(), row.line)).or_insert(next)
    }
}

/// One function as a step sees it.
struct Stepped {
    code: Vec<Range<Rva>>,
    /// Inlined calls that count as calls of the frame.
    called: Vec<Range<Rva>>,
}

impl Stepped {
    fn at(reader: &DebugReader<'_>, rva: Rva) -> Option<Stepped> {
        let scopes = reader.scopes_at(rva)?;
        let open: BTreeSet<DieId> = scopes.iter().map(|scope| scope.id).collect();
        let calls = reader.inlined_calls(scopes.function.id);
        let called = calls.into_iter().filter(|(id, _)| !open.contains(id));
        Some(Stepped {
            called: called.flat_map(|(_, ranges)| ranges).collect(),
            code: scopes.function.ranges,
        })
    }
}

/// What code calls directly.
#[derive(Default)]
struct Called {
    /// The functions with lines.
    entries: Vec<LineEntry>,
    /// Where those begin that are stepped over all the same.
    filtered: Vec<Address>,
}

impl Session {
    /// The step by source lines from where the current thread stands; none where no line is known of that.
    pub(crate) fn line_step(
        &mut self,
        over: bool,
        count: u64,
        end: Option<Address>,
    ) -> Result<Option<StepPlan>, CommandError> {
        let pc = self.registers()?.pc();
        let Some(here) = self.line_at(pc)? else {
            return Ok(None);
        };
        let thread = self.place()?.thread;
        let walked = self.walk(thread, MOST_FRAMES + 1)?;
        if !over {
            // Those that would have to be asked for are stepped over.
            for index in self.modules_in_order()? {
                self.load_at_host(index)?;
            }
        }
        let landings = self.landings_here()?;
        let process = self.process()?;
        let mut numbers = Numbers::default();
        let line = numbers.of(&here);
        let mut frames = Vec::new();
        let mut rows: Vec<LineMark> = Vec::new();
        let mut called = Called::default();
        let mut seen: BTreeSet<Address> = BTreeSet::new();
        for (index, frame) in walked.frames.iter().take(MOST_FRAMES).enumerate() {
            let address = if index == 0 { frame.pc } else { frame.lookup_address() };
            let Some(cfa) = frame.cfa.filter(|_| frame.trust.is_exact() && !frame.is_signal_frame) else {
                break;
            };
            frames.push(cfa);
            let found = process.module_at(address).and_then(|module| {
                let debug = module.loaded()?.debug()?;
                let reader = debug.reader();
                let function = Stepped::at(&reader, module.rva(address))?;
                Some((module, reader, function))
            });
            // A caller without lines ends the step.
            let Some((module, reader, function)) = found else {
                break;
            };
            let Some(start) = function.code.first().map(|code| module.address(code.start)) else {
                break;
            };
            if !seen.insert(start) {
                continue;
            }
            let before = rows.len();
            add_rows(&mut rows, &mut numbers, module, &reader, &function, over);
            if rows.len() > MOST_ROWS && index > 0 {
                rows.truncate(before);
                break;
            }
            if index == 0 && !over {
                called = self.called_functions(module, &function.code)?;
            }
        }
        // What is entered is stepped on in, where a count has more lines.
        for entry in called.entries.iter().filter(|_| count > 1) {
            let Some(module) = process.module_at(entry.entry) else {
                continue;
            };
            let debug = module.loaded().and_then(|symbols| symbols.debug());
            let reader = debug.map(|debug| debug.reader());
            let function = reader
                .as_ref()
                .and_then(|reader| Stepped::at(reader, module.rva(entry.entry)));
            if let (Some(reader), Some(function)) = (reader, function)
                && seen.insert(entry.entry)
            {
                let before = rows.len();
                add_rows(&mut rows, &mut numbers, module, &reader, &function, over);
                if rows.len() > MOST_ROWS {
                    rows.truncate(before);
                    break;
                }
            }
        }
        let (known, stubs) = match over {
            true => (Vec::new(), Vec::new()),
            false => self.code_with_lines()?,
        };
        let Called { entries, filtered } = called;
        let known = without(known, &filtered);
        Ok(Some(StepPlan::Lines {
            count,
            into: !over,
            line,
            frames,
            rows,
            entries,
            known,
            stubs,
            end,
            landings: (!landings.is_empty()).then_some(landings),
        }))
    }

    /// The functions with lines that code calls directly.
    fn called_functions(&self, module: &Module, code: &[Range<Rva>]) -> Result<Called, CommandError> {
        let disassembler = self.disassembler()?;
        let process = self.process()?;
        let mut called = Called::default();
        let Some(symbols) = module.loaded() else {
            return Ok(called);
        };
        let mut targets: BTreeSet<Address> = BTreeSet::new();
        for range in code {
            let length = usize::try_from(range.end.0.saturating_sub(range.start.0)).unwrap_or(0);
            let Some(bytes) = symbols.code(range.start, length) else {
                continue;
            };
            let start = module.address(range.start);
            let decoded = decode_all(disassembler, start, &bytes, bytes.len(), &mut |_| None);
            let calls = decoded
                .iter()
                .filter(|instruction| instruction.text.starts_with("call"));
            targets.extend(calls.filter_map(|instruction| instruction.target));
            // The function may call itself.
            targets.insert(start);
        }
        let filter = &self.sources.step_filter;
        let mut entry = |target: Address| {
            let module = process.module_at(target)?;
            let debug = module.loaded()?.debug()?;
            let reader = debug.reader();
            let scopes = reader.scopes_at(module.rva(target))?;
            if filter.has(&module.name, scopes.function.name.as_deref().unwrap_or_default()) {
                called.filtered.push(target);
                return None;
            }
            let code = scopes.function.ranges.into_iter();
            let code = code.into_iter().find(|code| code.start == module.rva(target))?;
            reader.line_at(code.start)?;
            Some(LineEntry {
                entry: target,
                statement: module.address(reader.past_prologue(code)),
            })
        };
        called.entries = targets.into_iter().filter_map(&mut entry).take(MOST_ENTRIES).collect();
        Ok(called)
    }

    /// All code with lines, and the code that only leads elsewhere.
    fn code_with_lines(&self) -> Result<(Vec<AddressRange>, Vec<AddressRange>), CommandError> {
        let mut known = Vec::new();
        let mut stubs = Vec::new();
        for module in &self.process()?.modules {
            let sections = module.image.sections.iter();
            let plt = sections.filter(|section| section.name == ".plt" || section.name.starts_with(".plt."));
            stubs.extend(plt.map(|section| AddressRange::new(module.address(Rva(section.address)), section.size)));
            let Some(debug) = module.loaded().and_then(|symbols| symbols.debug()) else {
                continue;
            };
            // Binding a function at its first call is nobody's line.
            if is_linker(&module.image.path) || self.sources.step_filter.has_all(&module.name) {
                continue;
            }
            let mut code = debug.code(GAP);
            if known.len() + code.len() > MOST_RANGES {
                code = debug.code(u64::MAX);
            }
            known
                .extend(code.into_iter().map(|code| {
                    AddressRange::new(module.address(code.start), code.end.0.saturating_sub(code.start.0))
                }));
        }
        Ok((known, stubs))
    }

    /// What a step by lines that the server has ended still needs: a function that it did not know is entered up to its
    /// first statement, a caller's line that it did not know is finished.
    pub(super) fn rest_of_line_step(&mut self, before: &ResumeIntent, marks: u64) -> Option<ResumeIntent> {
        let (over, left, end) = match (&before.step, before.lines_left) {
            // The last of the lines that it noted is the one that it did not finish.
            (Some(StepPlan::Lines { into, count, end, .. }), _) => {
                // Beyond what is noted nobody counts.
                let noted = if *count == 1 { 1 } else { marks.max(1) };
                if noted >= u64::from(MOST_STEPS) {
                    return None;
                }
                (!into, count.saturating_sub(noted - 1).max(1), *end)
            }
            // The first statement has been reached, and was one of the lines.
            (Some(StepPlan::Goal { .. } | StepPlan::UntilReturn { .. }), Some((over, left))) if left > 0 => {
                let step = self.line_step(over, left, None).ok()??;
                return Some(ResumeIntent {
                    step: Some(step),
                    goes_on: false,
                    lines_left: None,
                    ..before.continued()
                });
            }
            _ => return None,
        };
        let pc = self.registers().ok()?.pc();
        let row = self.line_at(pc).ok()??;
        if end == Some(pc) {
            return None;
        }
        let process = self.process().ok()?;
        let module = process.module_at(pc)?;
        let debug = module.loaded()?.debug()?;
        let reader = debug.reader();
        let rva = module.rva(pc);
        let function = reader.scopes_at(rva)?.function;
        let name = function.name.as_deref().unwrap_or_default();
        let code = function.ranges.iter().find(|code| code.start == rva).cloned();
        if code.is_some() && !over && self.sources.step_filter.has(&module.name, name) {
            // Reached by a pointer: it is left again, and the line that called it goes on.
            let sp = self.registers().ok()?.sp();
            let top = self.read_memory(AddressRange::new(sp, 8)).ok()?;
            let return_address = Address(u64::from_le_bytes(top.try_into().ok()?));
            let step = StepPlan::UntilReturn {
                return_address,
                frame_address: sp.wrapping_add(8),
            };
            return Some(ResumeIntent {
                step: Some(step),
                landings: None,
                goes_on: false,
                lines_left: Some((over, left)),
                ..before.continued()
            });
        }
        let statement = code.map(|code| module.address(reader.past_prologue(code)));
        let mut lines_left = None;
        let step = match statement {
            Some(statement) if statement != pc => {
                lines_left = Some((over, left - 1));
                StepPlan::Goal {
                    goal: StepGoal::Address { address: statement },
                    over: true,
                    count: 1,
                }
            }
            // Done, unless the server had to end before its count.
            Some(_) if left == 1 => return None,
            None if left == 1 && row.is_stmt && row.range.start == rva => return None,
            Some(_) => self.line_step(over, left - 1, end).ok()??,
            None if row.is_stmt && row.range.start == rva => self.line_step(over, left - 1, end).ok()??,
            None => self.line_step(over, left, end).ok()??,
        };
        Some(ResumeIntent {
            step: Some(step),
            goes_on: false,
            lines_left,
            ..before.continued()
        })
    }
}

/// Ranges without these addresses.
fn without(ranges: Vec<AddressRange>, holes: &[Address]) -> Vec<AddressRange> {
    let mut ranges = ranges;
    for hole in holes {
        let Some(index) = ranges.iter().position(|range| range.contains(*hole)) else {
            continue;
        };
        let whole = ranges.remove(index);
        let before = hole.0.saturating_sub(whole.start.0);
        let behind = hole.wrapping_add(1);
        let parts = [
            AddressRange::new(whole.start, before),
            AddressRange::new(behind, whole.length.saturating_sub(before + 1)),
        ];
        ranges.extend(parts.into_iter().filter(|part| part.length > 0));
    }
    ranges
}

/// Whether an image is the dynamic linker, as its file is named on Linux.
fn is_linker(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["ld-linux", "ld-musl", "ld.so", "ld-2."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn add_rows(
    rows: &mut Vec<LineMark>,
    numbers: &mut Numbers,
    module: &Module,
    reader: &DebugReader<'_>,
    function: &Stepped,
    over: bool,
) {
    for code in &function.code {
        for row in reader.rows_in(code.clone()) {
            let start = row.range.start.max(code.start);
            let called = over && function.called.iter().any(|range| range.contains(&start));
            let line = if called { 0 } else { numbers.of(&row) };
            let mark = LineMark {
                start: module.address(start),
                line: Some(line),
                statement: row.is_stmt && line != 0 && start == row.range.start,
            };
            // What goes on as before says nothing new.
            let same = rows
                .last()
                .is_some_and(|last| last.line == mark.line && !mark.statement);
            if !same {
                rows.push(mark);
            }
        }
        rows.push(LineMark {
            start: module.address(code.end),
            line: None,
            statement: false,
        });
    }
}
