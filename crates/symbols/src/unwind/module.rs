//! One module's unwind tables: which rules hold at a place.

use std::sync::OnceLock;

use farsight_types::Rva;
use gimli::{
    BaseAddresses, CfaRule, DebugFrame, EhFrame, EndianSlice, LittleEndian, Pointer, RegisterRule, UnwindExpression,
    UnwindSection,
};

use super::header::SearchTable;
use super::rules::{Cfa, Program, Rule, Rules};
use crate::bytes::SharedBytes;
use crate::image::Image;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
/// What gimli needs to run a table's instructions; large, so it is kept between frames.
pub(super) type Scratch = gimli::UnwindContext<usize>;

/// The call frame information of one module, wherever it lies: `.eh_frame` of the image, `.debug_frame` of the image or
/// of its debug file.
#[derive(Debug)]
pub struct ModuleUnwind {
    link_base: Rva,
    tables: Vec<Table>,
}

impl ModuleUnwind {
    /// Takes the tables of several images of one module: the image as loaded first, then its separate debug file.
    /// Cheap: nothing is indexed before it is asked for, and where `.eh_frame_hdr` is sound, nothing ever is.
    pub fn new(images: &[&dyn Image]) -> ModuleUnwind {
        let link_base = images.first().map_or(Rva(0), |image| image.layout().link_base);
        let eh = images.iter().filter_map(|image| Table::eh_frame(*image));
        let debug = images.iter().filter_map(|image| Table::debug_frame(*image));
        ModuleUnwind {
            link_base,
            tables: eh.chain(debug).collect(),
        }
    }

    /// Whether there are no tables at all.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The image's [`link_base`](crate::ImageLayout::link_base).
    pub fn link_base(&self) -> Rva {
        self.link_base
    }

    /// The first and one behind the last place of the function that holds a place, as a table describes it.
    pub fn function_at(&self, rva: u64) -> Option<(u64, u64)> {
        self.tables.iter().find_map(|table| table.function_at(rva))
    }

    /// Where the table of exception handling of the function that holds a place lies.
    pub(super) fn handlers_at(&self, rva: u64) -> Option<Handlers> {
        self.tables.iter().find_map(|table| table.handlers_at(rva))
    }

    /// The rules that hold at a place; none where no table covers it.
    pub(super) fn rules(&self, rva: u64, scratch: &mut Scratch) -> Option<Rules> {
        self.tables.iter().find_map(|table| table.rules(rva, scratch))
    }
}

/// A function that has a table of exception handling (its LSDA).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handlers {
    pub(super) function: u64,
    pub(super) table: u64,
}

/// One section of call frame information.
#[derive(Debug)]
struct Table {
    kind: Kind,
    bytes: SharedBytes,
    bases: BaseAddresses,
    /// The linker's own search table, where there is a sound one.
    search: Option<SearchTable>,
    /// Our own, made when there is none.
    index: OnceLock<Vec<Covered>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    EhFrame,
    DebugFrame,
}

/// Addresses `start..end` are covered by the description at `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Covered {
    start: u64,
    end: u64,
    offset: usize,
}

impl Table {
    fn eh_frame(image: &dyn Image) -> Option<Table> {
        let layout = image.layout();
        let address = |name: &str| {
            let index = layout.section_index(name)?;
            Some(layout.sections.get(index)?.address.0)
        };
        let bytes = image.section_named(".eh_frame").filter(|bytes| !bytes.is_empty())?;
        let frames = address(".eh_frame")?;
        let mut bases = BaseAddresses::default()
            .set_eh_frame(frames)
            .set_text(address(".text").unwrap_or(0))
            .set_got(address(".got").unwrap_or(0));
        let mut search = None;
        if let Some(header) = address(".eh_frame_hdr") {
            bases = bases.set_eh_frame_hdr(header);
            search = image
                .section_named(".eh_frame_hdr")
                .and_then(|bytes| SearchTable::new(bytes, header, frames));
        }
        Some(Table {
            kind: Kind::EhFrame,
            bytes,
            bases,
            search,
            index: OnceLock::new(),
        })
    }

    fn debug_frame(image: &dyn Image) -> Option<Table> {
        let bytes = image.section_named(".debug_frame").filter(|bytes| !bytes.is_empty())?;
        Some(Table {
            kind: Kind::DebugFrame,
            bytes,
            bases: BaseAddresses::default(),
            search: None,
            index: OnceLock::new(),
        })
    }

    fn function_at(&self, rva: u64) -> Option<(u64, u64)> {
        let index = self.index.get_or_init(|| match self.kind {
            Kind::EhFrame => self.covered(&self.as_eh_frame()),
            Kind::DebugFrame => self.covered(&self.as_debug_frame()),
        });
        let after = index.partition_point(|covered| covered.start <= rva);
        let covered = index.get(after.checked_sub(1)?)?;
        (rva < covered.end).then_some((covered.start, covered.end))
    }

    fn handlers_at(&self, rva: u64) -> Option<Handlers> {
        if self.kind != Kind::EhFrame {
            return None;
        }
        let section = self.as_eh_frame();
        let searched = self.search.as_ref().and_then(|search| search.find(rva));
        let offset = searched.or_else(|| {
            let index = self.index.get_or_init(|| self.covered(&section));
            let after = index.partition_point(|covered| covered.start <= rva);
            Some(index.get(after.checked_sub(1)?)?.offset)
        })?;
        let found = section.fde_from_offset(&self.bases, offset.into(), EhFrame::cie_from_offset);
        let description = found.ok().filter(|description| description.contains(rva))?;
        match description.lsda()? {
            Pointer::Direct(table) => Some(Handlers {
                function: description.initial_address(),
                table,
            }),
            Pointer::Indirect(_) => None,
        }
    }

    fn rules(&self, rva: u64, scratch: &mut Scratch) -> Option<Rules> {
        match self.kind {
            Kind::EhFrame => self.rules_in(&self.as_eh_frame(), rva, scratch),
            Kind::DebugFrame => self.rules_in(&self.as_debug_frame(), rva, scratch),
        }
    }

    fn as_eh_frame(&self) -> EhFrame<Slice<'_>> {
        let mut section = EhFrame::new(&self.bytes, LittleEndian);
        section.set_address_size(8);
        section
    }

    fn as_debug_frame(&self) -> DebugFrame<Slice<'_>> {
        let mut section = DebugFrame::new(&self.bytes, LittleEndian);
        section.set_address_size(8);
        section
    }

    fn rules_in<'a, S>(&'a self, section: &S, rva: u64, scratch: &mut Scratch) -> Option<Rules>
    where
        S: UnwindSection<Slice<'a>>,
        S::Offset: From<usize>,
    {
        let searched = self.search.as_ref().and_then(|search| search.find(rva));
        if let Some(offset) = searched
            && let Some(rules) = self.rules_of(section, offset, rva, scratch)
        {
            return Some(rules);
        }
        // A search table that finds a description of other addresses is right to say that there is none of this one;
        // one whose entries lead to no description is not to be believed.
        let is_believed = match (&self.search, searched) {
            (Some(_), Some(offset)) => self.is_description(section, offset),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_believed {
            return None;
        }
        let index = self.index.get_or_init(|| self.covered(section));
        let after = index.partition_point(|covered| covered.start <= rva);
        let covered = index.get(after.checked_sub(1)?)?;
        let offset = (rva < covered.end).then_some(covered.offset)?;
        self.rules_of(section, offset, rva, scratch)
    }

    fn is_description<'a, S>(&'a self, section: &S, offset: usize) -> bool
    where
        S: UnwindSection<Slice<'a>>,
        S::Offset: From<usize>,
    {
        section
            .fde_from_offset(&self.bases, S::Offset::from(offset), S::cie_from_offset)
            .is_ok()
    }

    fn rules_of<'a, S>(&'a self, section: &S, offset: usize, rva: u64, scratch: &mut Scratch) -> Option<Rules>
    where
        S: UnwindSection<Slice<'a>>,
        S::Offset: From<usize>,
    {
        let description = section
            .fde_from_offset(&self.bases, S::Offset::from(offset), S::cie_from_offset)
            .ok()
            .filter(|description| description.contains(rva))?;
        let row = description
            .unwind_info_for_address(section, &self.bases, scratch, rva)
            .ok()?;
        let encoding = description.cie().encoding();
        let program = |expression: &UnwindExpression<usize>| {
            let bytes = self.bytes.part(expression.offset as u64, expression.length as u64)?;
            Some(Program { bytes, encoding })
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => Cfa::Register(register.0, *offset),
            CfaRule::Expression(expression) => Cfa::Program(program(expression)?),
        };
        let mut rules = Rules::new(
            cfa,
            description.cie().return_address_register().0,
            description.is_signal_trampoline(),
        );
        for (register, rule) in row.registers() {
            let rule = match rule {
                RegisterRule::SameValue => Rule::Same,
                RegisterRule::Offset(offset) => Rule::At(*offset),
                RegisterRule::ValOffset(offset) => Rule::Is(*offset),
                RegisterRule::Register(other) => Rule::Register(other.0),
                RegisterRule::Constant(value) => Rule::Constant(*value),
                RegisterRule::Expression(expression) => program(expression).map_or(Rule::Undefined, Rule::AtProgram),
                RegisterRule::ValExpression(expression) => program(expression).map_or(Rule::Undefined, Rule::IsProgram),
                RegisterRule::Undefined | RegisterRule::Architectural => Rule::Undefined,
            };
            rules.set(register.0, rule);
        }
        Some(rules)
    }

    /// What each description covers, by address. Descriptions of nothing (removed functions) are left out; a damaged
    /// entry ends the section, because where the next begins is not known.
    fn covered<'a, S: UnwindSection<Slice<'a>>>(&'a self, section: &S) -> Vec<Covered> {
        let mut index = Vec::new();
        let mut entries = section.entries(&self.bases);
        while let Ok(Some(entry)) = entries.next() {
            let gimli::CieOrFde::Fde(partial) = entry else {
                continue;
            };
            let Ok(description) = partial.parse(S::cie_from_offset) else {
                continue;
            };
            let (start, end) = (description.initial_address(), description.end_address());
            if start < end && start != 0 {
                let offset = description.offset();
                index.push(Covered { start, end, offset });
            }
        }
        index.sort_unstable();
        index
    }
}
