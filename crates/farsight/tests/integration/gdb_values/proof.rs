//! What the debug information itself says of a difference: read with nothing of farsight's between. Read [`Proof`] first.

use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use gimli::{AttributeValue, EndianSlice, LittleEndian, Operation, UnwindSection as _};
use object::{Object as _, ObjectKind, ObjectSection as _};

use super::compare::Difference;
use super::stops::plain;

/// Where the kernel puts a program that can be anywhere, without randomised addresses.
const BIAS: u64 = 0x5555_5555_4000;

/// Why farsight is right.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proof {
    /// The row of the line table that covers the place has line 0.
    NoLine,
    /// Each variable of this name in the function is in a block that does not hold the place, or that has no code at all
    /// where the function was inlined.
    OtherBlock,
    /// The variable's entry has neither a location nor a constant.
    NoLocation,
    /// The variable's location at the place, as [`shown`] writes it, with `*` for anything.
    Location(&'static str),
    /// The place is the first of a function, and the variable lies in the frame that the function has yet to make.
    NotStored,
    /// The variable's location at the place is a register that a function may leave changed, and the frame entry of the
    /// function that was called from there has no rule for it: nobody knows what was in it.
    CallClobbered,
}

/// Registers that a function may leave changed, by DWARF's numbers (System V ABI for AMD64, 3.2.1 and 3.36): rax, rdx, rcx,
/// rsi, rdi, r8 to r11, and all of the vector unit.
const OF_THE_CALLED: [RangeInclusive<u16>; 4] = [0..=2, 4..=5, 8..=11, 17..=32];

pub(crate) type Slice<'d> = EndianSlice<'d, LittleEndian>;
pub(crate) type Unit<'d> = gimli::Unit<Slice<'d>>;
pub(crate) type Entry<'d> = gimli::DebuggingInformationEntry<Slice<'d>>;

/// The debug information of a program.
pub(crate) struct Witness {
    bytes: Vec<u8>,
}

/// A variable in a function of the program.
struct Variable<'d> {
    entry: Entry<'d>,
    /// Its first block, from the inside, that does not hold the place.
    other_block: Option<u64>,
}

/// A row of a line table.
#[derive(Clone, Debug)]
pub(crate) struct LineRow {
    pub(crate) start: u64,
    /// Where the next one begins, which may be where this one does.
    pub(crate) end: u64,
    /// Without folders.
    pub(crate) file: String,
    /// None for code of no line.
    pub(crate) line: Option<u64>,
    pub(crate) begins_statement: bool,
}

impl LineRow {
    /// `FILE:LINE`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line.unwrap_or_default())
    }
}

impl Witness {
    pub(crate) fn of(program: &Path) -> Witness {
        Witness {
            bytes: std::fs::read(program).unwrap(),
        }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(Testimony<'_>) -> T) -> T {
        let file = object::File::parse(&*self.bytes).expect("an ELF file");
        let section = |id: gimli::SectionId| {
            let section = file.section_by_name(id.name());
            let bytes = section.and_then(|section| section.data().ok()).unwrap_or_default();
            Ok::<_, gimli::Error>(Slice::new(bytes, LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(section).unwrap();
        let frames = file.section_by_name(".eh_frame").expect("frame entries");
        let mut bases = gimli::BaseAddresses::default().set_eh_frame(frames.address());
        if let Some(text) = file.section_by_name(".text") {
            bases = bases.set_text(text.address());
        }
        let frames = gimli::EhFrame::new(frames.data().unwrap_or_default(), LittleEndian);
        let bias = if file.kind() == ObjectKind::Dynamic { BIAS } else { 0 };
        work(Testimony {
            dwarf,
            frames,
            bases,
            bias,
        })
    }

    /// Who made the unit of the place.
    pub(crate) fn producer(&self, place: u64) -> Option<String> {
        self.with(|testimony| {
            let place = place.wrapping_sub(testimony.bias);
            let unit = testimony.unit_at(place)?;
            let root = unit.entry(unit.header.root_offset()).ok()?;
            testimony.text(&unit, root.attr_value(gimli::DW_AT_producer)?)
        })
    }

    /// What shows that farsight is right by this proof, or what there is instead.
    pub(super) fn cite(&self, proof: Proof, difference: &Difference) -> Result<String, String> {
        self.with(|testimony| testimony.cite(proof, difference))
    }
}

/// What the debug information says, asked where a program's addresses are those of a run.
pub(crate) struct Testimony<'d> {
    dwarf: gimli::Dwarf<Slice<'d>>,
    frames: gimli::EhFrame<Slice<'d>>,
    bases: gimli::BaseAddresses,
    pub(crate) bias: u64,
}

impl<'d> Testimony<'d> {
    fn cite(&self, proof: Proof, difference: &Difference) -> Result<String, String> {
        let place = difference.place.wrapping_sub(self.bias);
        let unit = self.unit_at(place).ok_or("no unit holds the place")?;
        if let Proof::NoLine = proof {
            return self.line(&unit, place);
        }
        let all = self.variables(&unit, difference, place);
        let offset = |variable: &Variable<'_>| variable.entry.offset().to_unit_section_offset(&unit).0;
        if let Proof::OtherBlock = proof {
            let (Some(variable), true) = (all.first(), all.iter().all(|one| one.other_block.is_some())) else {
                return Err(format!(
                    "{place:#x} is in the blocks of {} variables of that name",
                    all.len()
                ));
            };
            let block = variable.other_block.unwrap_or_default();
            return Ok(format!(
                "the block of DIE {:#x} is DIE {block:#x}, which has no code at {place:#x}",
                offset(variable)
            ));
        }
        let mut here = all.iter().filter(|one| one.other_block.is_none());
        let (Some(variable), None) = (here.next(), here.next()) else {
            return Err(format!("not one variable of that name at {place:#x}"));
        };
        let location = self.inherited(&unit, &variable.entry, gimli::DW_AT_location);
        let die = offset(variable);
        match (proof, location) {
            (Proof::NoLocation, None) => match self.inherited(&unit, &variable.entry, gimli::DW_AT_const_value) {
                None => Ok(format!("DIE {die:#x} has no DW_AT_location")),
                Some(_) => Err(format!("DIE {die:#x} is a constant")),
            },
            (Proof::Location(pattern), Some(location)) => {
                let found = self.location(&unit, location, place).unwrap_or_default();
                match is_like(&found, pattern) {
                    true => Ok(format!("DW_AT_location of DIE {die:#x} at {place:#x}: {found}")),
                    false => Err(format!("DW_AT_location of DIE {die:#x} at {place:#x}: {found}")),
                }
            }
            (Proof::NotStored, Some(AttributeValue::Exprloc(expression))) => {
                let found = shown(&unit, expression);
                // What stores it is in the function's first row, which may be entered already.
                let entry = self.row_of(&unit, place)?.map_or(place, |(start, _)| start);
                match found.starts_with("fbreg") && self.begins_function(&unit, entry) {
                    true => Ok(format!(
                        "DIE {die:#x} is at {found}, and the first row of its function, which begins at {entry:#x}, covers {place:#x}"
                    )),
                    false => Err(format!("DIE {die:#x} is at {found} where {place:#x} is")),
                }
            }
            (Proof::CallClobbered, Some(location)) => {
                let called = difference.called.ok_or("nothing was called from there")?;
                let called = called.wrapping_sub(self.bias);
                let found = self.location(&unit, location, place).unwrap_or_default();
                let register = found.split(' ').find_map(of_the_called);
                let register =
                    register.ok_or_else(|| format!("DW_AT_location of DIE {die:#x} at {place:#x}: {found}"))?;
                let begin = self.without_rule(called, register)?;
                Ok(format!(
                    "DW_AT_location of DIE {die:#x} at {place:#x}: {found}; the frame entry of {begin:#x} has no rule for \
                     reg{register} at {called:#x}"
                ))
            }
            (_, location) => Err(format!("DW_AT_location of DIE {die:#x} is {location:?}")),
        }
    }

    /// Where a function begins whose frame entry does not tell where a register of its caller's is.
    fn without_rule(&self, place: u64, register: u16) -> Result<u64, String> {
        let cie = gimli::EhFrame::cie_from_offset;
        let entry = self.frames.fde_for_address(&self.bases, place, cie);
        let entry = entry.map_err(|error| format!("{place:#x} has no frame entry: {error}"))?;
        let mut context = gimli::UnwindContext::new();
        let row = entry.unwind_info_for_address(&self.frames, &self.bases, &mut context, place);
        let row = row.map_err(|error| format!("{place:#x} has no row of a frame entry: {error}"))?;
        match row.registers().find(|(found, _)| found.0 == register) {
            None => Ok(entry.initial_address()),
            Some((_, rule)) => Err(format!("reg{register} is told at {place:#x}: {rule:?}")),
        }
    }

    pub(crate) fn unit_at(&self, place: u64) -> Option<Unit<'d>> {
        let mut headers = self.dwarf.units();
        while let Some(header) = headers.next().ok()? {
            let unit = self.dwarf.unit(header).ok()?;
            let mut ranges = self.dwarf.unit_ranges(&unit).ok()?;
            while let Some(range) = ranges.next().ok()? {
                if (range.begin..range.end).contains(&place) {
                    return Some(unit);
                }
            }
        }
        None
    }

    fn line(&self, unit: &Unit<'d>, place: u64) -> Result<String, String> {
        match self.row_of(unit, place)? {
            Some((start, None)) => Ok(format!("the row of {start:#x} that covers {place:#x} has line 0")),
            found => Err(format!("{place:#x} has the row {found:?}")),
        }
    }

    /// Where the row begins that covers a place, and its line.
    fn row_of(&self, unit: &Unit<'d>, place: u64) -> Result<Option<(u64, Option<u64>)>, String> {
        let rows = self.rows(unit)?;
        let covering = rows.iter().rfind(|row| (row.start..row.end).contains(&place));
        Ok(covering.map(|row| (row.start, row.line)))
    }

    /// The line table of a unit, in its own order.
    pub(crate) fn rows(&self, unit: &Unit<'d>) -> Result<Vec<LineRow>, String> {
        let program = unit.line_program.clone().ok_or("the unit has no lines")?;
        let mut rows = program.rows();
        let mut found: Vec<LineRow> = Vec::new();
        let mut is_open = false;
        while let Some((header, row)) = rows.next_row().map_err(|error| error.to_string())? {
            if let Some(last) = found.last_mut().filter(|_| is_open) {
                last.end = row.address();
            }
            is_open = !row.end_sequence();
            if is_open {
                let path = row.file(header).and_then(|file| self.text(unit, file.path_name()));
                let path = path.unwrap_or_default();
                found.push(LineRow {
                    start: row.address(),
                    end: row.address(),
                    file: path.rsplit('/').next().unwrap_or_default().to_owned(),
                    line: row.line().map(std::num::NonZero::get),
                    begins_statement: row.is_stmt(),
                });
            }
        }
        Ok(found)
    }

    /// The variables of the difference's name in its function, or in the inlined calls of it there.
    fn variables(&self, unit: &Unit<'d>, difference: &Difference, place: u64) -> Vec<Variable<'d>> {
        /// What the walk is in.
        struct Around {
            depth: isize,
            /// Whether it is a function of the difference's name that holds the place; none for a block.
            is_function: Option<bool>,
            other_block: Option<u64>,
        }
        let name = difference.item.trim_end_matches(" (data)");
        let mut found = Vec::new();
        // The functions that the instances at the place are of, and what is in the instances is of.
        let (mut functions, mut instances) = (Vec::new(), HashSet::new());
        let mut around: Vec<Around> = Vec::new();
        let mut entries = unit.entries();
        while let Ok(Some(entry)) = entries.next_dfs() {
            while around.last().is_some_and(|one| one.depth >= entry.depth()) {
                around.pop();
            }
            let outer = around.last().and_then(|one| one.other_block);
            if around.iter().rev().find_map(|one| one.is_function) == Some(true) {
                instances.extend(origin(unit, entry));
            }
            match entry.tag() {
                gimli::DW_TAG_subprogram | gimli::DW_TAG_inlined_subroutine => {
                    let own = self.name(unit, entry).unwrap_or_default();
                    let is_it = plain(&own) == difference.function.trim_end_matches('&').trim_end()
                        && self.holds(unit, entry, place) == Some(true);
                    if is_it {
                        functions.extend(origin(unit, entry));
                    }
                    around.push(Around {
                        depth: entry.depth(),
                        is_function: Some(is_it),
                        other_block: None,
                    });
                }
                gimli::DW_TAG_lexical_block => {
                    let is_other = self.holds(unit, entry, place) == Some(false);
                    let own = is_other.then(|| entry.offset().to_unit_section_offset(unit).0 as u64);
                    around.push(Around {
                        depth: entry.depth(),
                        is_function: None,
                        other_block: own.or(outer),
                    });
                }
                gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => {
                    let function = around.iter().rev().find_map(|one| one.is_function);
                    if function == Some(true) && self.name(unit, entry).as_deref() == Some(name) {
                        found.push(Variable {
                            entry: entry.clone(),
                            other_block: outer,
                        });
                    }
                }
                _ => {}
            }
        }
        for function in functions {
            self.add_without_instances(unit, function, name, &instances, &mut found);
        }
        found
    }

    /// The variables of a function that an inlined call has nothing of.
    fn add_without_instances(
        &self,
        unit: &Unit<'d>,
        function: gimli::UnitOffset,
        name: &str,
        instances: &HashSet<gimli::UnitOffset>,
        found: &mut Vec<Variable<'d>>,
    ) {
        let Ok(mut entries) = unit.entries_at_offset(function) else {
            return;
        };
        let mut blocks: Vec<(isize, gimli::UnitOffset)> = Vec::new();
        let mut base = None;
        while let Ok(Some(entry)) = entries.next_dfs() {
            let base = *base.get_or_insert(entry.depth());
            if entry.depth() <= base && entry.offset() != function {
                return;
            }
            blocks.retain(|(depth, _)| *depth < entry.depth());
            match entry.tag() {
                gimli::DW_TAG_lexical_block => blocks.push((entry.depth(), entry.offset())),
                gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter
                    if !instances.contains(&entry.offset()) && self.name(unit, entry).as_deref() == Some(name) =>
                {
                    let block = blocks.last().filter(|(_, block)| !instances.contains(block));
                    found.push(Variable {
                        entry: entry.clone(),
                        other_block: block.map(|(_, block)| block.to_unit_section_offset(unit).0 as u64),
                    });
                }
                _ => {}
            }
        }
    }

    /// Whether a place is the first of a function's code.
    pub(crate) fn begins_function(&self, unit: &Unit<'d>, place: u64) -> bool {
        let mut entries = unit.entries();
        while let Ok(Some(entry)) = entries.next_dfs() {
            let first = match entry.tag() {
                gimli::DW_TAG_subprogram => self.dwarf.die_ranges(unit, entry).and_then(|mut ranges| ranges.next()),
                _ => continue,
            };
            if first.is_ok_and(|first| first.is_some_and(|first| first.begin == place)) {
                return true;
            }
        }
        false
    }

    /// Whether the code of an entry holds a place; none where it has no code of its own.
    fn holds(&self, unit: &Unit<'d>, entry: &Entry<'d>, place: u64) -> Option<bool> {
        let code = self.code(unit, entry);
        (!code.is_empty()).then(|| code.iter().any(|range| range.contains(&place)))
    }

    /// The code of an entry.
    pub(crate) fn code(&self, unit: &Unit<'d>, entry: &Entry<'d>) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        if let Ok(mut ranges) = self.dwarf.die_ranges(unit, entry) {
            while let Ok(Some(range)) = ranges.next() {
                found.push(range.begin..range.end);
            }
        }
        found
    }

    fn name(&self, unit: &Unit<'d>, entry: &Entry<'d>) -> Option<String> {
        let value = self.inherited(unit, entry, gimli::DW_AT_name)?;
        self.text(unit, value)
    }

    /// The name of an entry of any unit, by its place in the section, or of what it is an instance or the definition of.
    pub(crate) fn name_at(&self, mut place: u64) -> Option<String> {
        for _ in 0..8 {
            let mut headers = self.dwarf.units();
            let (header, at) = loop {
                let header = headers.next().ok()??;
                let at = gimli::DebugInfoOffset(place as usize).to_unit_offset(&header);
                if let Some(at) = at {
                    break (header, at);
                }
            };
            let unit = self.dwarf.unit(header).ok()?;
            let entry = unit.entry(at).ok()?;
            if let Some(name) = entry.attr_value(gimli::DW_AT_name) {
                return self.text(&unit, name);
            }
            place = origin_anywhere(&unit, &entry)?;
        }
        None
    }

    fn text(&self, unit: &Unit<'d>, value: AttributeValue<Slice<'d>>) -> Option<String> {
        let text = self.dwarf.attr_string(unit, value).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    /// An attribute of an entry, or of what it is an instance of, in the same unit.
    fn inherited(&self, unit: &Unit<'d>, entry: &Entry<'d>, name: gimli::DwAt) -> Option<AttributeValue<Slice<'d>>> {
        let mut entry = entry.clone();
        for _ in 0..8 {
            if let Some(value) = entry.attr_value(name) {
                return Some(value);
            }
            entry = unit.entry(origin(unit, &entry)?).ok()?;
        }
        None
    }

    /// What a location says of a place.
    fn location(&self, unit: &Unit<'d>, value: AttributeValue<Slice<'d>>, place: u64) -> Option<String> {
        if let AttributeValue::Exprloc(expression) = value {
            return Some(shown(unit, expression));
        }
        let mut list = self.dwarf.attr_locations(unit, value).ok()??;
        while let Some(entry) = list.next().ok()? {
            if (entry.range.begin..entry.range.end).contains(&place) {
                return Some(shown(unit, entry.data));
            }
        }
        Some("(no entry)".to_owned())
    }
}

/// What an entry is an instance or the definition of, in the same unit.
fn origin(unit: &Unit<'_>, entry: &Entry<'_>) -> Option<gimli::UnitOffset> {
    let place = origin_anywhere(unit, entry)?;
    gimli::DebugInfoOffset(place as usize).to_unit_offset(&unit.header)
}

/// The same in whatever unit, by its place in the section.
pub(crate) fn origin_anywhere(unit: &Unit<'_>, entry: &Entry<'_>) -> Option<u64> {
    let origin = entry.attr_value(gimli::DW_AT_abstract_origin);
    match origin.or_else(|| entry.attr_value(gimli::DW_AT_specification))? {
        AttributeValue::UnitRef(offset) => Some(offset.to_unit_section_offset(unit).0 as u64),
        AttributeValue::DebugInfoRef(offset) => Some(offset.0 as u64),
        _ => None,
    }
}

/// The operations of an expression.
fn shown(unit: &Unit<'_>, expression: gimli::Expression<Slice<'_>>) -> String {
    let mut operations = expression.operations(unit.encoding());
    let mut words = Vec::new();
    while let Ok(Some(operation)) = operations.next() {
        words.push(match operation {
            Operation::Register { register } => format!("reg{}", register.0),
            Operation::RegisterOffset { register, offset, .. } => format!("breg{}{offset:+}", register.0),
            Operation::FrameOffset { offset } => format!("fbreg{offset:+}"),
            Operation::UnsignedConstant { value } => format!("{value}"),
            Operation::SignedConstant { value } => format!("{value}"),
            Operation::StackValue => "stack_value".to_owned(),
            Operation::Piece {
                size_in_bits,
                bit_offset: None,
            } => format!("piece({})", size_in_bits / 8),
            Operation::EntryValue { expression } => {
                format!("entry_value({})", shown(unit, gimli::Expression(expression)))
            }
            Operation::ImplicitPointer { byte_offset, .. } => format!("implicit_pointer{byte_offset:+}"),
            other => format!("{other:?}"),
        });
    }
    words.join(" ")
}

/// The register that an operation reads, where a function may leave it changed.
fn of_the_called(operation: &str) -> Option<u16> {
    let digits = operation
        .strip_prefix("breg")
        .or_else(|| operation.strip_prefix("reg"))?;
    let end = digits
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(digits.len());
    let register: u16 = digits[..end].parse().ok()?;
    OF_THE_CALLED
        .iter()
        .any(|those| those.contains(&register))
        .then_some(register)
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
            ends.into_iter().any(|end| is_like(&text[end..], rest))
        }),
    }
}
