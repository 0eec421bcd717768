//! One question's view of the debug information: parsed units, and references between them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use farsight_types::Rva;
use gimli::{
    AttributeValue, DebugInfoOffset, DebugLineOffset, DebuggingInformationEntry, Dwarf, EndianSlice,
    IncompleteLineProgram, LittleEndian, Section as _, UnitOffset, UnitRef,
};

use super::outline::Outline;
use super::units::UnitStart;
use super::{DebugError, DebugInfo, DieId, SplitUnit, UnitId, damage, split, types};

mod ranges;
pub(super) mod root;
pub(super) mod shapes;

pub(crate) type Slice<'a> = EndianSlice<'a, LittleEndian>;
pub(crate) type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;
pub(crate) type Attribute<'a> = AttributeValue<Slice<'a>>;

/// How many references in a row are followed; only hostile ones lead in circles.
pub(crate) const MAX_REFERENCES: usize = 64;

/// Longest text that is read; any number of hostile entries may name one that fills its section.
const LONGEST_TEXT: usize = 1 << 16;

/// In place of the number of a file: the unit lies in a file of split units.
const SPLIT: usize = usize::MAX;

/// One parsed unit, with the sections that its attributes point into.
pub(crate) struct Unit<'a> {
    pub(crate) id: UnitId,
    pub(crate) dwarf: Rc<Dwarf<Slice<'a>>>,
    pub(crate) unit: gimli::Unit<Slice<'a>>,
    /// Which of the module's files it lies in.
    pub(super) file: usize,
    lines: LineProgram<'a>,
    /// Parts of range lists that may still be read; see [`ranges::Ranges`].
    ranges_left: Cell<u64>,
}

/// A unit's line program, whose tables of files are long and read by few.
struct LineProgram<'a> {
    /// The sections that it lies in: those of a split unit's skeleton.
    dwarf: Rc<Dwarf<Slice<'a>>>,
    start: Option<DebugLineOffset>,
    parsed: OnceCell<Option<IncompleteLineProgram<Slice<'a>>>>,
}

impl<'a> LineProgram<'a> {
    fn new(dwarf: &Rc<Dwarf<Slice<'a>>>, start: Option<DebugLineOffset>) -> LineProgram<'a> {
        LineProgram {
            dwarf: Rc::clone(dwarf),
            start,
            parsed: OnceCell::new(),
        }
    }
}

impl<'a> Unit<'a> {
    /// For gimli's own helpers.
    pub(crate) fn of(&self) -> UnitRef<'_, Slice<'a>> {
        UnitRef::new(&self.dwarf, &self.unit)
    }

    /// The line program, parsed at the first asking; none where there is none, or its header is damaged.
    pub(super) fn line_program(&self) -> Option<&IncompleteLineProgram<Slice<'a>>> {
        let parse = || {
            let (unit, lines) = (&self.unit, &self.lines.dwarf.debug_line);
            let program = lines.program(self.lines.start?, unit.header.address_size(), unit.comp_dir, unit.name);
            program.ok()
        };
        self.lines.parsed.get_or_init(parse).as_ref()
    }

    /// Whether there is a line program whose header cannot be read.
    pub(super) fn has_damaged_lines(&self) -> bool {
        let is_here = !self.lines.dwarf.debug_line.reader().slice().is_empty();
        is_here && self.lines.start.is_some() && self.line_program().is_none()
    }

    /// The entry at an offset of this unit.
    pub(crate) fn entry(&self, offset: u64) -> Result<Entry<'a>, DebugError> {
        let offset = usize::try_from(offset).map_err(|_| DebugError::Reference)?;
        Ok(self.unit.entry(UnitOffset(offset))?)
    }

    /// The text of a string attribute, as far as it is UTF-8.
    pub(crate) fn text(&self, value: Attribute<'a>) -> Option<String> {
        let bytes = self.of().attr_string(value).ok()?.slice();
        let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// An entry's own name (`DW_AT_name`), without following references.
    pub(crate) fn name_of(&self, entry: &Entry<'a>) -> Option<String> {
        self.text(entry.attr_value(gimli::DW_AT_name)?)
    }

    /// A text of the unit's root entry.
    pub(crate) fn root_text(&self, name: gimli::DwAt) -> Option<String> {
        let mut entries = self.unit.entries();
        self.text(entries.next_dfs().ok()??.attr_value(name)?)
    }

    /// Where the rest of a skeleton is; none where this is no skeleton.
    fn split(&self) -> Option<SplitUnit> {
        let id = self.unit.dwo_id.filter(|_| self.file == 0)?;
        let name = self.text(self.unit.dwo_name().ok()??)?;
        let directory = self.unit.comp_dir.map(|bytes| bytes.to_string_lossy().into_owned());
        Some(SplitUnit {
            directory,
            name,
            id: id.0,
        })
    }

    /// The identity of an entry of this unit.
    pub(crate) fn die(&self, entry: &Entry<'a>) -> DieId {
        DieId {
            unit: self.id,
            offset: entry.offset().0 as u64,
        }
    }
}

/// How much of a unit's entries can be read.
#[derive(Clone, Copy)]
enum Part {
    /// The root without what is inside of it, which needs the shape of one entry only.
    Root,
    All,
}

/// Answers questions over a [`DebugInfo`], keeping what it has parsed; for one command or one worker thread.
pub struct DebugReader<'a> {
    info: &'a DebugInfo,
    /// Of each file.
    dwarfs: Vec<Rc<Dwarf<Slice<'a>>>>,
    units: RefCell<HashMap<UnitId, Rc<Unit<'a>>>>,
    /// Whether functions may have called themselves last, as far as that was asked.
    pub(super) come_back: RefCell<HashMap<DieId, bool>>,
    pub(super) types: types::Kept,
}

impl<'a> DebugReader<'a> {
    pub(super) fn new(info: &'a DebugInfo) -> DebugReader<'a> {
        let supplementary = info.files.get(1);
        let dwarfs = info.files.iter().enumerate().map(|(index, file)| {
            let mut dwarf = file.borrow();
            if let (0, Some(supplementary)) = (index, supplementary) {
                dwarf.set_sup(supplementary.borrow());
            }
            Rc::new(dwarf)
        });
        DebugReader {
            info,
            dwarfs: dwarfs.collect(),
            units: RefCell::new(HashMap::new()),
            come_back: RefCell::default(),
            types: types::Kept::default(),
        }
    }

    /// What is read.
    pub fn info(&self) -> &'a DebugInfo {
        self.info
    }

    /// A unit, parsed at the first asking.
    pub(crate) fn unit(&self, id: UnitId) -> Result<Rc<Unit<'a>>, DebugError> {
        if let Some(unit) = self.units.borrow().get(&id) {
            return Ok(Rc::clone(unit));
        }
        let unit = Rc::new(self.parse(id)?);
        self.units.borrow_mut().insert(id, Rc::clone(&unit));
        Ok(unit)
    }

    /// A unit that is used once: it is not kept, so that going through all of them needs no memory.
    pub(crate) fn parse(&self, id: UnitId) -> Result<Unit<'a>, DebugError> {
        let unit = self.parse_root(id)?;
        match self.rest_of(&unit)? {
            Some(rest) => Ok(rest),
            None => Ok(unit),
        }
    }

    /// As [`DebugReader::parse`], but of a split unit only the skeleton, which knows its code and lines. Opens no file.
    pub(crate) fn parse_root(&self, id: UnitId) -> Result<Unit<'a>, DebugError> {
        self.parse_part(id, Part::All)
    }

    fn parse_part(&self, id: UnitId, part: Part) -> Result<Unit<'a>, DebugError> {
        let parsed = self.try_part(id, part);
        if parsed.is_err() {
            self.info.damage.note(id, damage::Part::Root);
        }
        parsed
    }

    fn try_part(&self, id: UnitId, part: Part) -> Result<Unit<'a>, DebugError> {
        let Some(entry) = self.info.units.get(id) else {
            return self.parse_split_type(id);
        };
        let dwarf = self.dwarfs.get(entry.file).ok_or(DebugError::Reference)?;
        let header = match (entry.start.info(), entry.start.types()) {
            (Some(offset), _) => dwarf.unit_header(offset)?,
            (None, Some(offset)) => root::type_unit_header(dwarf, offset)?,
            (None, None) => return Err(DebugError::Reference),
        };
        let abbreviations = match part {
            Part::Root => shapes::of_root(dwarf, &header).map(Arc::new),
            Part::All => None,
        };
        let abbreviations = match abbreviations {
            Some(known) => known,
            None => self
                .info
                .units
                .abbreviations(entry, dwarf.debug_abbrev.reader().slice())?,
        };
        let (unit, lines) = root::unit(dwarf, header, abbreviations)?;
        Ok(Unit {
            id,
            dwarf: Rc::clone(dwarf),
            unit,
            file: entry.file,
            lines: LineProgram::new(dwarf, lines),
            ranges_left: Cell::new(ranges::allowance(dwarf)),
        })
    }

    /// A type unit of a split file.
    fn parse_split_type(&self, id: UnitId) -> Result<Unit<'a>, DebugError> {
        let parent = self.dwarfs.first().ok_or(DebugError::Reference)?;
        let split::Opened {
            dwarf,
            header,
            abbreviations,
        } = self.info.split.type_unit(id, parent)?;
        let (unit, lines) = root::unit(&dwarf, header, abbreviations)?;
        let dwarf = Rc::new(dwarf);
        Ok(Unit {
            id,
            unit,
            file: SPLIT,
            lines: LineProgram::new(&dwarf, lines),
            ranges_left: Cell::new(ranges::allowance(&dwarf)),
            dwarf,
        })
    }

    /// The type units that share a file with a split unit, with their signatures.
    pub(super) fn types_beside(&self, unit: &Unit<'a>) -> impl Iterator<Item = (UnitId, u64)> + '_ {
        let parent = self.dwarfs.first().filter(|_| unit.file == SPLIT);
        let ids = parent.map_or(0..0, |parent| self.info.split.types_beside(unit.id, parent));
        self.with_signatures(ids)
    }

    /// The type units of the package with the split units, as far as that was asked for any.
    pub(super) fn types_packed(&self) -> impl Iterator<Item = (UnitId, u64)> + '_ {
        let parent = self.dwarfs.first();
        let ids = parent.map_or(0..0, |parent| self.info.split.types_packed(parent));
        self.with_signatures(ids)
    }

    fn with_signatures(&self, ids: Range<u32>) -> impl Iterator<Item = (UnitId, u64)> + '_ {
        ids.map(UnitId).filter_map(|id| {
            let signature = self.info.split.signature(id, self.dwarfs.first()?)?;
            Some((id, signature))
        })
    }

    /// Where the outline of a type unit of a split file is kept.
    pub(super) fn split_outline(&self, id: UnitId) -> Option<&'a OnceLock<Box<Outline>>> {
        self.info.split.outline(id, self.dwarfs.first()?)
    }

    /// The type of a signature, as a unit knows it.
    fn by_signature(&self, unit: &Unit<'a>, signature: u64) -> Option<(UnitId, u64)> {
        let split = || {
            let parent = self.dwarfs.first().filter(|_| unit.file == SPLIT)?;
            self.info.split.by_signature(unit.id, signature, parent)
        };
        self.info.units.by_signature(signature).or_else(split)
    }

    /// The rest of a skeleton, with its code and lines; none where it is no skeleton, or where the rest is not here.
    fn rest_of(&self, skeleton: &Unit<'a>) -> Result<Option<Unit<'a>>, DebugError> {
        let Some(wanted) = skeleton.split() else {
            return Ok(None);
        };
        let split = &self.info.split;
        let Some(found) = split.find(skeleton.id, self.info.units.len(), &wanted, &skeleton.dwarf) else {
            return Ok(None);
        };
        let dwarf = split.dwarf(found, wanted.id, &skeleton.dwarf)?;
        let header = dwarf.unit_header(DebugInfoOffset(found.start))?;
        let (mut unit, _) = root::unit(&dwarf, header, Arc::clone(&found.abbreviations))?;
        unit.copy_relocated_attributes(&skeleton.unit);
        unit.comp_dir = skeleton.unit.comp_dir.or(unit.comp_dir);
        Ok(Some(Unit {
            id: skeleton.id,
            ranges_left: Cell::new(ranges::allowance(&dwarf)),
            dwarf: Rc::new(dwarf),
            unit,
            file: SPLIT,
            lines: LineProgram::new(&skeleton.lines.dwarf, skeleton.lines.start),
        }))
    }

    /// An entry and the unit that it is in.
    pub(crate) fn entry(&self, id: DieId) -> Result<(Rc<Unit<'a>>, Entry<'a>), DebugError> {
        let unit = self.unit(id.unit)?;
        let entry = unit.entry(id.offset)?;
        Ok((unit, entry))
    }

    /// The entry that a reference attribute of `unit` means, in whatever unit or file.
    pub(crate) fn follow(&self, unit: &Unit<'a>, reference: Attribute<'a>) -> Option<DieId> {
        let in_file = |file: usize, offset: usize| {
            let id = self.info.units.holding(file, UnitStart::Info(offset))?;
            let UnitStart::Info(start) = self.info.units.get(id)?.start else {
                return None;
            };
            Some(DieId {
                unit: id,
                offset: offset.checked_sub(start)? as u64,
            })
        };
        match reference {
            AttributeValue::UnitRef(offset) => Some(DieId {
                unit: unit.id,
                offset: offset.0 as u64,
            }),
            // Counted from the start of the section; a split unit is, but for rare tools, alone in its own.
            AttributeValue::DebugInfoRef(offset) if unit.file == SPLIT => {
                let start = unit.unit.header.debug_info_offset()?.0;
                let inside = offset.0.checked_sub(start)?;
                (inside < unit.unit.header.length_including_self()).then_some(DieId {
                    unit: unit.id,
                    offset: inside as u64,
                })
            }
            AttributeValue::DebugInfoRef(offset) => in_file(unit.file, offset.0),
            AttributeValue::DebugInfoRefSup(offset) => in_file(1, offset.0),
            AttributeValue::DebugTypesRef(signature) => {
                let (unit, offset) = self.by_signature(unit, signature.0)?;
                Some(DieId { unit, offset })
            }
            _ => None,
        }
    }

    /// The entry that an attribute of another entry refers to, such as `DW_AT_type`; none where it has no such
    /// attribute.
    pub(crate) fn referred(&self, unit: &Unit<'a>, entry: &Entry<'a>, name: gimli::DwAt) -> Option<DieId> {
        self.follow(unit, entry.attr_value(name)?)
    }

    /// What an entry is an instance or the definition of (`DW_AT_abstract_origin`, `DW_AT_specification`), or stands for:
    /// a type of a type unit (`DW_AT_signature`), which knows its name and its scope better.
    pub(crate) fn origin(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<DieId> {
        let of = |attribute| self.referred(unit, entry, attribute);
        let origin = of(gimli::DW_AT_abstract_origin).or_else(|| of(gimli::DW_AT_specification));
        origin.or_else(|| of(gimli::DW_AT_signature))
    }

    /// An attribute of an entry, or of its [`DebugReader::origin`], with the unit that the value is of.
    pub(crate) fn inherited(&self, id: DieId, name: gimli::DwAt) -> Option<(Rc<Unit<'a>>, Attribute<'a>)> {
        let mut id = id;
        for _ in 0..MAX_REFERENCES {
            let (unit, entry) = self.entry(id).ok()?;
            if let Some(value) = entry.attr_value(name) {
                return Some((unit, value));
            }
            id = self.origin(&unit, &entry)?;
        }
        None
    }

    /// An entry's name, its own or that of what it is an instance or the definition of.
    pub fn name(&self, id: DieId) -> Option<String> {
        let (unit, value) = self.inherited(id, gimli::DW_AT_name)?;
        unit.text(value)
    }

    /// What the type of a type unit is called that a unit refers to. Keeps no unit.
    pub(super) fn type_unit_name(&self, unit: &Unit<'a>, signature: u64) -> Option<&'a [u8]> {
        let (unit, offset) = self.by_signature(unit, signature)?;
        let unit = self.parse(unit).ok()?;
        let name = unit.entry(offset).ok()?.attr_value(gimli::DW_AT_name)?;
        let name = unit.of().attr_string(name).ok()?.slice();
        Some(name.get(..LONGEST_TEXT).unwrap_or(name))
    }

    /// The code of a unit, as its root says it; where the root says nothing, that of its functions.
    /// `left` is how many parts of range lists may be read.
    pub(super) fn unit_ranges(&self, id: UnitId, left: &Cell<u64>) -> Result<Vec<Range<Rva>>, DebugError> {
        let entry = self.info.units.get(id).ok_or(DebugError::Reference)?;
        if !entry.has_code {
            return Ok(Vec::new());
        }
        let unit = self.parse_part(id, Part::Root)?;
        unit.ranges_left.set(left.get());
        let (mut ranges, has_list) = {
            let mut entries = unit.unit.entries();
            let Some(root) = entries.next_dfs()? else {
                return Ok(Vec::new());
            };
            let ranges = unit.ranges_of(root);
            left.set(unit.ranges_left.get());
            let has_list = root.has_attr(gimli::DW_AT_ranges);
            // No compiler writes a list of nothing; that of a section of zeros is.
            let is_lost = || {
                !unit
                    .each_range(root)
                    .is_ok_and(|mut list| matches!(list.next(), Ok(Some(_))))
            };
            if ranges.as_ref().map_or(true, Vec::is_empty) && has_list && is_lost() {
                self.info.damage.note(id, damage::Part::Code);
            }
            (ranges?, has_list)
        };
        if ranges.is_empty() && !has_list {
            let unit = self.parse_root(id)?;
            unit.ranges_left.set(left.get());
            let mut entries = unit.unit.entries();
            while let Some(entry) = entries.next_dfs()? {
                if entry.tag() == gimli::DW_TAG_subprogram {
                    ranges.extend(unit.ranges_of(entry).unwrap_or_default());
                }
            }
            left.set(unit.ranges_left.get());
        }
        Ok(ranges)
    }
}
