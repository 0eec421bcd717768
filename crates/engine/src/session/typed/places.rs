//! Places of variables: memory, or pieces of registers.

use farsight_symbols::{
    BitRange, DebugReader, DieId, Place as Stored, ReadOutcome, RegisterOutcome, ValueContext, ValueError, locate,
};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};

use super::TypedScope;
use crate::error::CommandError;
use crate::expression::ScopeError;
use crate::expression::cpp::{CppType, Held, Operand, Place, Space};
use crate::memory::Cached;
use crate::session::Session;

/// Rounds of fetching for one value; each follows a pointer.
const MOST_ROUNDS: usize = 64;

/// The current process's memory as it is here; what is not is noted.
struct Here<'a> {
    session: &'a Session,
    wanted: Vec<AddressRange>,
}

impl ValueContext for Here<'_> {
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        let Ok(process) = self.session.process() else {
            return ReadOutcome::Unreadable;
        };
        match process.memory.read(address, into) {
            Cached::All => ReadOutcome::Read,
            Cached::Until(_) => ReadOutcome::Unreadable,
            Cached::Missing => {
                self.wanted.push(AddressRange::new(address, into.len() as u64));
                ReadOutcome::NotYet
            }
        }
    }

    fn vector(&mut self, _: u16) -> RegisterOutcome {
        RegisterOutcome::Lost
    }

    fn thread_local(&mut self, _: u64, _: u64) -> Result<Address, ValueError> {
        Err(ValueError::ThreadLocal)
    }
}

impl TypedScope<'_> {
    /// Does something with memory that may have to be fetched, again and again until it is all here.
    fn with_memory<T>(
        &mut self,
        run: impl Fn(&mut dyn ValueContext) -> Result<T, ValueError>,
    ) -> Result<Result<T, ValueError>, ScopeError> {
        for _ in 0..MOST_ROUNDS {
            let mut here = Here {
                session: self.session,
                wanted: Vec::new(),
            };
            let result = run(&mut here);
            let wanted = here.wanted;
            if !matches!(result, Err(ValueError::NotYet)) || wanted.is_empty() {
                return Ok(result);
            }
            let fetched = self.session.fetch_memory(&wanted);
            self.answer(fetched)?;
        }
        Ok(Err(ValueError::Unsupported("pointers without end")))
    }

    /// A variable that is in no frame.
    pub(super) fn located(
        &mut self,
        reader: &DebugReader<'_>,
        bias: u64,
        id: DieId,
        of: CppType,
    ) -> Result<Operand, ScopeError> {
        let place = self.with_memory(|context| locate(reader, bias, id, &[], 0, context))?;
        self.placed(of, place.map_err(|error| unavailable(&error))?)
    }

    /// A value at a place.
    pub(super) fn placed(&mut self, of: CppType, place: Stored) -> Result<Operand, ScopeError> {
        if let Stored::Memory(address) = place {
            return Ok(Operand::memory(of, address.0));
        }
        let number = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        self.parts.push(place);
        let place = Place {
            space: Space::Variable(number),
            at: 0,
            bits: None,
        };
        let held = Held::Place(place);
        Ok(Operand { of, held })
    }

    pub(super) fn read_parts(&mut self, number: u32, at: u64, size: u64) -> Result<Vec<u8>, ScopeError> {
        let Some(place) = self.parts.get(number as usize) else {
            return Err(gone());
        };
        let place = place.at(at);
        let bytes = self.with_memory(|context| place.read(size, context))?;
        bytes.map_err(|error| unavailable(&error))
    }

    /// Changes a variable that is in one register of the innermost frame.
    pub(super) fn write_parts(&mut self, number: u32, at: u64, bytes: &[u8]) -> Result<(), ScopeError> {
        let refused = |why: &str| {
            Err(ScopeError::Unavailable {
                why: format!("The variable is {why} and cannot be changed"),
            })
        };
        let Some(place) = self.parts.get(number as usize) else {
            return Err(gone());
        };
        let Some((dwarf, level)) = place.register() else {
            return refused("not in memory, nor in one register");
        };
        let Some(index) = amd64::DWARF.get(usize::from(dwarf)).copied() else {
            return refused("in a vector register; set it with r");
        };
        if level > 0 {
            return refused("in a register of a frame whose callee uses it");
        }
        let registers = self.session.registers();
        let mut registers = self.answer(registers)?;
        let mut whole = registers.value(index).to_le_bytes();
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let Some(part) = start.checked_add(bytes.len()).and_then(|end| whole.get_mut(start..end)) else {
            return refused("larger than its register");
        };
        part.copy_from_slice(bytes);
        let name = amd64::GENERAL.get(index).copied().unwrap_or_default();
        registers.set_by_name(name, u64::from_le_bytes(whole));
        let sent: Result<(), CommandError> = self.session.set_registers(registers);
        self.answer(sent)?;
        // What was in the register is noted with the place.
        if let Some(Stored::Parts { parts, .. }) = self.parts.get_mut(number as usize) {
            let changed = parts.iter().map(|part| {
                let mut part = part.clone();
                if let farsight_symbols::Stored::Register { bytes, .. } = &mut part.stored
                    && let Some(low) = bytes.get_mut(..8)
                {
                    low.copy_from_slice(&whole);
                }
                part
            });
            *parts = changed.collect::<Vec<_>>().into();
        }
        Ok(())
    }
}

fn gone() -> ScopeError {
    ScopeError::Unavailable {
        why: "The variable is gone".into(),
    }
}

pub(super) fn unavailable(error: &ValueError) -> ScopeError {
    match error {
        ValueError::Unreadable { at } => ScopeError::Unreadable { at: *at },
        error => ScopeError::Unavailable {
            why: format!("The value is {error}"),
        },
    }
}

/// The evaluator's bits as those of debug information.
pub(crate) fn bit_range(operand: &Operand) -> Option<BitRange> {
    match operand.held {
        Held::Place(Place { bits: Some(bits), .. }) => Some(BitRange {
            offset: bits.at.into(),
            size: bits.count.into(),
        }),
        _ => None,
    }
}
