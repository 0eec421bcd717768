//! Instructions of the current process, with names.

use farsight_session::record::{InstructionLine, Listing, Location, Place, SymbolName};
use farsight_types::{Address, AddressRange, Architecture};

use super::names::naming;
use super::{Readers, Session};
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
