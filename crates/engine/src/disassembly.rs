//! Instructions as text, and what they do.
//!
//! Pure: bytes at an address in, instructions out. Names of places come from a closure, so that the disassembler knows
//! no symbols. Read [`Disassembler`] first.

mod amd64;
mod backwards;

use farsight_session::record::SymbolName;
use farsight_types::{Address, Architecture};

pub use amd64::Amd64;

/// Where an instruction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On to the next one.
    Next,
    /// To another place, always.
    Jump,
    /// To another place or on.
    Branch,
    /// To another place and back.
    Call,
    /// Back to the caller.
    Return,
    /// Into the kernel.
    SystemCall,
    /// Nowhere: it raises an exception (`int 3`, `ud2`), or is no instruction.
    Exception,
}

/// One decoded instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Where it is.
    pub address: Address,
    /// How many bytes it has, at least 1.
    pub length: usize,
    /// Mnemonic and operands in DbgEng's style; `???` for a byte that begins no instruction.
    pub text: String,
    /// Where it goes.
    pub flow: Flow,
    /// Where a jump, branch or call goes, where the instruction itself says it.
    pub target: Option<Address>,
    /// Whether the bytes are an instruction.
    pub valid: bool,
}

/// Memory that an instruction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccess {
    /// Where.
    pub address: Address,
    /// How many bytes; 0 where only the address is computed (`lea`) or the size is not known.
    pub size: u64,
    /// Whether it writes.
    pub writes: bool,
}

/// Names a place: the nearest symbol at or before it.
pub type Naming<'a> = &'a mut dyn FnMut(Address) -> Option<SymbolName>;

/// One instruction set.
pub trait Disassembler: Send + Sync {
    /// The most bytes that an instruction has.
    fn longest(&self) -> usize;

    /// The instruction at the start of `bytes`, which lie at `address`; none where there are no bytes. Fewer bytes than
    /// the instruction has make it invalid.
    fn decode(&self, address: Address, bytes: &[u8], naming: Naming<'_>) -> Option<Instruction>;

    /// Length and flow alone, without text: what step logic and the search backwards need.
    fn measure(&self, address: Address, bytes: &[u8]) -> Option<Instruction>;

    /// The registers that the instruction reads or writes, by their names, each once.
    fn registers(&self, address: Address, bytes: &[u8]) -> Vec<String>;

    /// The memory that the instruction touches, computed from registers by name; operands whose registers are missing
    /// are left out.
    fn memory(
        &self,
        address: Address,
        bytes: &[u8],
        register: &mut dyn FnMut(&str) -> Option<u64>,
    ) -> Vec<MemoryAccess>;
}

/// The disassembler of an architecture; none where this build has none.
pub fn disassembler(architecture: Architecture) -> Option<&'static dyn Disassembler> {
    match architecture {
        Architecture::Amd64 => Some(&Amd64),
        Architecture::Arm64 => None,
    }
}

/// All instructions of `bytes` one behind the other, at most `count`.
pub fn decode_all(
    disassembler: &dyn Disassembler,
    address: Address,
    bytes: &[u8],
    count: usize,
    naming: Naming<'_>,
) -> Vec<Instruction> {
    let mut found = Vec::new();
    let (mut at, mut rest) = (address, bytes);
    while found.len() < count {
        let Some(instruction) = disassembler.decode(at, rest, naming) else {
            break;
        };
        at = at.wrapping_add(instruction.length as u64);
        rest = rest.get(instruction.length..).unwrap_or(&[]);
        found.push(instruction);
    }
    found
}

/// Where the last `count` instructions before the end of `bytes` begin, for `ub`: the offset of each in `bytes`,
/// ascending. `bytes` should be [`Disassembler::longest`] x (`count` + 4) long, or begin at a function's start, and then
/// `starts_at_instruction` says so.
pub fn instructions_before(
    disassembler: &dyn Disassembler,
    bytes: &[u8],
    count: usize,
    starts_at_instruction: bool,
) -> Vec<usize> {
    backwards::instructions_before(disassembler, bytes, count, starts_at_instruction)
}
