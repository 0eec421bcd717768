//! The rules that lead from one frame to its caller, and their evaluation.

use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};
use gimli::{EndianSlice, EvaluationResult, LittleEndian, Location, Value};

use super::{FrameRegisters, ReadOutcome, UnwindContext};
use crate::bytes::SharedBytes;

/// How many registers have rules: those of [`amd64::DWARF`].
const COUNT: usize = amd64::DWARF.len();
/// The registers that a function must leave as they were; without a rule, they are.
pub(super) const CALLEE_SAVED: [usize; 6] = [
    amd64::RBX,
    amd64::RBP,
    // r12 to r15.
    12,
    13,
    14,
    15,
];
/// No sane expression runs longer.
const MAX_OPERATIONS: u32 = 4096;
/// Reads that are missing are asked for as one range where they lie this close together.
const MAX_SPAN: u64 = 64 << 10;

/// A DWARF expression.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) bytes: SharedBytes,
    pub(super) encoding: gimli::Encoding,
}

/// How to find the canonical frame address.
#[derive(Debug, Clone)]
pub(super) enum Cfa {
    /// A register (DWARF's number) and an offset.
    Register(u16, i64),
    Program(Program),
}

/// How to find a register's value in the caller.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// Nothing is said: the calling convention decides.
    Default,
    Undefined,
    Same,
    /// Saved at an offset from the CFA.
    At(i64),
    /// Equal to the CFA and an offset.
    Is(i64),
    /// Kept in another register.
    Register(u16),
    Constant(u64),
    /// Saved at the program's result.
    AtProgram(Program),
    /// The program's result.
    IsProgram(Program),
}

/// All rules that hold at one place.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    cfa: Cfa,
    /// By place in [`amd64::GENERAL`].
    registers: [Rule; COUNT],
    return_address: u16,
    pub(super) is_signal_frame: bool,
}

/// Why a caller is not found (yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    NeedMemory(AddressRange),
    /// Memory that is not there.
    Unreadable(Address),
    /// A register that is lost, or an expression that means nothing.
    Unknown,
}

/// What the rules come to.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) cfa: Address,
    /// The caller's registers, or why there is none: its pc could not be found, or is undefined (`None`).
    pub(super) registers: Result<FrameRegisters, Option<Stuck>>,
}

impl Rules {
    pub(super) fn new(cfa: Cfa, return_address: u16, is_signal_frame: bool) -> Rules {
        Rules {
            cfa,
            registers: [const { Rule::Default }; COUNT],
            return_address,
            is_signal_frame,
        }
    }

    /// Sets the rule of a register (DWARF's number); others than ours, such as vector registers, are ignored.
    pub(super) fn set(&mut self, register: u16, rule: Rule) {
        if let Some(slot) = place(register).and_then(|place| self.registers.get_mut(place)) {
            *slot = rule;
        }
    }

    /// The frame's CFA and its caller's registers. `bias` turns the image's addresses into the debuggee's.
    pub(super) fn evaluate(
        &self,
        frame: &FrameRegisters,
        bias: u64,
        context: &mut dyn UnwindContext,
    ) -> Result<Caller, Stuck> {
        let mut machine = Machine { frame, bias, context };
        let cfa = match &self.cfa {
            Cfa::Register(register, offset) => machine.register(*register)?.wrapping_add_signed(*offset),
            Cfa::Program(program) => machine.run(program, None)?,
        };
        let mut caller = FrameRegisters::default();
        let mut missing: Option<AddressRange> = None;
        let mut lost_pc = None;
        for (place, rule) in self.registers.iter().enumerate() {
            match machine.value(place, rule, cfa) {
                Ok(value) => caller.set(place, value),
                Err(Stuck::NeedMemory(range)) => missing = Some(joined(missing, range)),
                // A register that cannot be read back is lost; the others are not.
                Err(stuck) if place == amd64::RIP => lost_pc = Some(stuck),
                Err(Stuck::Unreadable(_) | Stuck::Unknown) => {}
            }
        }
        if let Some(range) = missing {
            return Err(Stuck::NeedMemory(range));
        }
        // A table may keep the return address in a register of its choice.
        if let Some(place) = place(self.return_address).filter(|place| *place != amd64::RIP) {
            caller.set(amd64::RIP, caller.get(place));
        }
        let registers = match caller.pc() {
            Some(_) => Ok(caller),
            None => Err(lost_pc),
        };
        Ok(Caller {
            cfa: Address(cfa),
            registers,
        })
    }
}

/// A DWARF number's place in [`amd64::GENERAL`].
fn place(register: u16) -> Option<usize> {
    amd64::DWARF.get(usize::from(register)).copied()
}

fn joined(missing: Option<AddressRange>, range: AddressRange) -> AddressRange {
    let Some(missing) = missing else {
        return range;
    };
    let start = missing.start.min(range.start);
    let end = missing.end().max(range.end());
    match end.distance_from(start) {
        Some(length) if length <= MAX_SPAN => AddressRange::new(start, length),
        _ => missing,
    }
}

/// Reads eight bytes of the debuggee.
pub(super) fn read_u64(context: &mut dyn UnwindContext, address: Address) -> Result<u64, Stuck> {
    let mut bytes = [0; 8];
    match context.read(address, &mut bytes) {
        ReadOutcome::Read => Ok(u64::from_le_bytes(bytes)),
        ReadOutcome::Unreadable => Err(Stuck::Unreadable(address)),
        ReadOutcome::NotYet => Err(Stuck::NeedMemory(AddressRange::new(address, 8))),
    }
}

/// Evaluates rules in one frame.
struct Machine<'a> {
    frame: &'a FrameRegisters,
    bias: u64,
    context: &'a mut dyn UnwindContext,
}

impl Machine<'_> {
    fn register(&self, register: u16) -> Result<u64, Stuck> {
        place(register)
            .and_then(|place| self.frame.get(place))
            .ok_or(Stuck::Unknown)
    }

    /// A register's value in the caller; none where it is lost.
    fn value(&mut self, place: usize, rule: &Rule, cfa: u64) -> Result<Option<u64>, Stuck> {
        let at = |offset: i64| Address(cfa.wrapping_add_signed(offset));
        let value = match rule {
            Rule::Undefined => return Ok(None),
            Rule::Default if place == amd64::RSP => cfa,
            // Tables that say nothing of the return address mean where every call puts it.
            Rule::Default if place == amd64::RIP => read_u64(self.context, at(-8))?,
            Rule::Default if !CALLEE_SAVED.contains(&place) => return Ok(None),
            Rule::Default | Rule::Same => return Ok(self.frame.get(place)),
            Rule::At(offset) => read_u64(self.context, at(*offset))?,
            Rule::Is(offset) => at(*offset).0,
            Rule::Register(other) => self.register(*other)?,
            Rule::Constant(value) => *value,
            Rule::AtProgram(program) => {
                let address = Address(self.run(program, Some(cfa))?);
                read_u64(self.context, address)?
            }
            Rule::IsProgram(program) => self.run(program, Some(cfa))?,
        };
        Ok(Some(value))
    }

    /// Runs an expression; a register's begins with the CFA on its stack.
    fn run(&mut self, program: &Program, cfa: Option<u64>) -> Result<u64, Stuck> {
        let bytes = EndianSlice::new(&program.bytes, LittleEndian);
        let mut run = gimli::Expression(bytes).evaluation(program.encoding);
        run.set_max_iterations(MAX_OPERATIONS);
        if let Some(cfa) = cfa {
            run.set_initial_value(cfa);
        }
        let mut result = run.evaluate();
        loop {
            result = match result.map_err(|_| Stuck::Unknown)? {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    run.resume_with_memory(Value::Generic(self.memory(address, size)?))
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    run.resume_with_register(Value::Generic(self.register(register.0)?))
                }
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    run.resume_with_relocated_address(address.wrapping_add(self.bias))
                }
                EvaluationResult::RequiresCallFrameCfa => run.resume_with_call_frame_cfa(cfa.ok_or(Stuck::Unknown)?),
                // Call frame information has no unit, no types and no other functions.
                _ => return Err(Stuck::Unknown),
            };
        }
        match run.as_result() {
            [piece] => match piece.location {
                Location::Address { address } => Ok(address),
                Location::Value { value } => value.to_u64(u64::MAX).map_err(|_| Stuck::Unknown),
                Location::Register { register } => self.register(register.0),
                _ => Err(Stuck::Unknown),
            },
            _ => Err(Stuck::Unknown),
        }
    }

    fn memory(&mut self, address: u64, size: u8) -> Result<u64, Stuck> {
        let mut bytes = [0; 8];
        let wanted = bytes
            .get_mut(..usize::from(size))
            .filter(|wanted| !wanted.is_empty())
            .ok_or(Stuck::Unknown)?;
        match self.context.read(Address(address), wanted) {
            ReadOutcome::Read => Ok(u64::from_le_bytes(bytes)),
            ReadOutcome::Unreadable => Err(Stuck::Unreadable(Address(address))),
            ReadOutcome::NotYet => {
                let range = AddressRange::new(Address(address), u64::from(size));
                Err(Stuck::NeedMemory(range))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callee_saved_registers_are_those_of_the_abi() {
        let names = CALLEE_SAVED.map(|place| amd64::GENERAL[place]);
        assert_eq!(names, ["rbx", "rbp", "r12", "r13", "r14", "r15"]);
    }

    #[test]
    fn missing_reads_are_asked_for_together_where_they_lie_close() {
        let range = |start, length| AddressRange::new(Address(start), length);
        let both = joined(Some(range(0x100, 8)), range(0x80, 8));
        assert_eq!(both, range(0x80, 0x88));
        let far = joined(Some(range(0x100, 8)), range(0x100_0000, 8));
        assert_eq!(far, range(0x100, 8));
    }
}
