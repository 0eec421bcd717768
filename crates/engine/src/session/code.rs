//! Instructions of the current process, with names.

use farsight_session::record::{FrameKind, InstructionLine, Listing, Location, Place, SymbolName};
use farsight_symbols::own_part;
use farsight_types::{Address, AddressRange, Architecture};

use super::names::naming;
use super::source::{take_function_name, without_module};
use super::stack::Stacked;
use super::{ChosenFrame, Readers, Session};
use crate::disassembly::{Disassembler, Instruction, decode_all, disassembler};
use crate::error::CommandError;
use crate::model::Process;
use crate::symbols::describe;

impl Session {
    /// The disassembler of the current target.
    pub(crate) fn disassembler(&self) -> Result<&'static dyn Disassembler, CommandError> {
        disassembler(Architecture::Amd64).ok_or_else(|| CommandError::Refused("no disassembler for this target".into()))
    }

    /// Where the current thread stands.
    pub(crate) fn location(&mut self) -> Result<Location, CommandError> {
        let pc = self.registers()?.pc();
        self.location_at(pc)
    }

    /// Where the current thread stands at a stop: in the frame that was chosen for it, where one was.
    pub(crate) fn location_at_stop(&mut self) -> Result<Location, CommandError> {
        let mut location = self.location()?;
        let pc = location.place.address;
        let chosen = self
            .chosen_frame()
            .filter(|frame| frame.number > 0 && frame.lookup == pc);
        let Some(number) = chosen.map(|frame| frame.number) else {
            return Ok(location);
        };
        let readers = Readers::new(self.process()?);
        let frames = readers.expand_address(pc);
        let Some((frame, outermost)) = frames.get(number).zip(frames.last()) else {
            return Ok(location);
        };
        location.place = readers.site(frame);
        location.inlined_in = match frame.kind {
            FrameKind::Inlined => readers.site(outermost).symbol,
            _ => None,
        };
        // The line of the call, not that of what was inlined there.
        let called = frames.get(number - 1).and_then(|inner| inner.scope.as_ref()?.called);
        if let (Some(called), Some((_, reader)), Some(source)) = (called, readers.at(pc), &mut location.source) {
            location.source = reader
                .file(called.file)
                .zip(u32::try_from(called.line).ok())
                .and_then(|(file, line)| self.source_of_line(&file, line, source.displacement));
        }
        Ok(location)
    }

    /// Chooses the frame of the function that a breakpoint was set on. Where calls that were inlined begin with its first
    /// instruction, the thread stands in all of them, and the user asked for this one.
    pub(crate) fn choose_frame_of(&mut self, breakpoints: &[u32]) -> Result<(), CommandError> {
        let known = breakpoints.iter().filter_map(|id| self.breakpoints.get(*id));
        let names: Vec<String> = known
            .filter_map(|one| match take_function_name(&one.spec.expression) {
                Some((name, "")) => Some(own_part(without_module(name)).to_owned()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let pc = self.registers()?.pc();
        self.place_of(pc)?;
        let readers = Readers::new(self.process()?);
        let Some(rva) = readers.at(pc).map(|(module, _)| module.rva(pc)) else {
            return Ok(());
        };
        let frames = readers.expand_address(pc);
        let begins = |frame: &&Stacked| {
            let scope = frame.scope.as_ref();
            scope.is_some_and(|scope| scope.entry == Some(rva) || scope.ranges.iter().any(|range| range.start == rva))
        };
        let is_named = |frame: &Stacked| {
            let name = frame.scope.as_ref().and_then(|scope| scope.name.as_deref());
            name.is_some_and(|name| names.iter().any(|asked| asked == own_part(name)))
        };
        let number = frames.iter().take_while(begins).position(is_named).unwrap_or(0);
        if number > 0 {
            self.memos.looks.frame = Some(ChosenFrame {
                place: self.place()?,
                stop_number: self.system()?.stop_number,
                number,
                lookup: pc,
                context: None,
            });
        }
        Ok(())
    }

    /// A place with its instruction.
    pub(crate) fn location_at(&mut self, pc: Address) -> Result<Location, CommandError> {
        let disassembler = self.disassembler()?;
        let (place, inlined_in) = self.innermost_place(pc)?;
        let bytes = self.read_memory(AddressRange::new(pc, disassembler.longest() as u64))?;
        let process = self.process()?;
        let instruction = disassembler
            .decode(pc, &bytes, &mut naming(process))
            .map(|instruction| line(process, instruction, &bytes));
        let source = match self.manners.shown.source {
            true => self.source_of(pc),
            false => None,
        };
        Ok(Location {
            place,
            instruction,
            source,
            inlined_in,
        })
    }

    /// A place by the innermost function that was inlined there, and by the one that it was inlined into.
    fn innermost_place(&mut self, pc: Address) -> Result<(Place, Option<SymbolName>), CommandError> {
        let place = self.place_of(pc)?;
        Ok(Readers::new(self.process()?).innermost_place(place))
    }

    /// `count` instructions from an address.
    pub(crate) fn listing(&mut self, start: Address, count: usize) -> Result<Listing, CommandError> {
        let disassembler = self.disassembler()?;
        let length = (count as u64).saturating_mul(disassembler.longest() as u64);
        self.list_range(AddressRange::new(start, length), count)
    }

    /// The instructions that begin in a range, at most `count`.
    pub(crate) fn list_range(&mut self, range: AddressRange, count: usize) -> Result<Listing, CommandError> {
        let disassembler = self.disassembler()?;
        let start = range.start;
        let bytes = self.read_memory(range)?;
        self.place_of(start)?;
        if bytes.is_empty() {
            return Ok(Listing {
                lines: Vec::new(),
                unreadable_at: Some(start),
            });
        }
        // Places that instructions name are loaded together before any text is made.
        let unnamed = decode_all(disassembler, start, &bytes, count, &mut |_| None);
        self.load_for(unnamed.iter().filter_map(|instruction| instruction.target))?;
        let process = self.process()?;
        let decoded = decode_all(disassembler, start, &bytes, count, &mut naming(process));
        let mut lines = Vec::with_capacity(decoded.len());
        for instruction in decoded {
            let offset = instruction.address.0.wrapping_sub(start.0) as usize;
            let bytes = bytes.get(offset..).unwrap_or_default();
            lines.push(line(process, instruction, bytes));
        }
        let ended = (bytes.len() as u64) < range.length && lines.len() < count;
        let end = start.wrapping_add(bytes.len() as u64);
        Ok(Listing {
            lines,
            unreadable_at: ended.then_some(end),
        })
    }
}

/// One line of a listing; `bytes` begin with the instruction's.
fn line(process: &Process, instruction: Instruction, bytes: &[u8]) -> InstructionLine {
    InstructionLine {
        place: describe(process, instruction.address),
        bytes: bytes.get(..instruction.length).unwrap_or(bytes).to_vec(),
        text: instruction.text,
        source: None,
    }
}
