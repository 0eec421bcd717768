//! x86-64, decoded by iced and written as DbgEng writes it.

use farsight_types::Address;
use iced_x86::{Decoder, DecoderOptions, FlowControl, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use super::{Disassembler, Flow, Instruction, MemoryAccess, Naming};

mod text;

/// The x86-64 disassembler.
#[derive(Clone, Copy, Debug)]
pub struct Amd64;

/// The most bytes that an x86 instruction has.
const LONGEST: usize = 15;

impl Disassembler for Amd64 {
    fn longest(&self) -> usize {
        LONGEST
    }

    fn decode(&self, address: Address, bytes: &[u8], naming: Naming<'_>) -> Option<Instruction> {
        let raw = raw(address, bytes)?;
        let mut instruction = measured(address, &raw);
        if instruction.valid {
            instruction.text = text::format(&raw, naming);
        }
        Some(instruction)
    }

    fn measure(&self, address: Address, bytes: &[u8]) -> Option<Instruction> {
        Some(measured(address, &raw(address, bytes)?))
    }

    fn registers(&self, address: Address, bytes: &[u8]) -> Vec<String> {
        let Some(raw) = raw(address, bytes).filter(|raw| !raw.is_invalid()) else {
            return Vec::new();
        };
        let mut factory = InstructionInfoFactory::new();
        let mut names: Vec<String> = Vec::new();
        for used in factory.info(&raw).used_registers() {
            let register = used.register();
            let register = match register {
                _ if register.is_gpr() => register.full_register(),
                _ if register.is_xmm() || register.is_ymm() || register.is_zmm() => register,
                _ if register.is_k() || register.is_mm() || register.is_st() => register,
                _ => continue,
            };
            let name = format!("{register:?}").to_ascii_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn memory(
        &self,
        address: Address,
        bytes: &[u8],
        register: &mut dyn FnMut(&str) -> Option<u64>,
    ) -> Vec<MemoryAccess> {
        let Some(raw) = raw(address, bytes).filter(|raw| !raw.is_invalid()) else {
            return Vec::new();
        };
        let mut factory = InstructionInfoFactory::new();
        let used = factory.info(&raw).used_memory();
        let accesses = used.iter().filter_map(|memory| {
            // Elements of gathers and scatters depend on a vector register, which registers by name do not give.
            let place = memory.virtual_address(0, |wanted, _, _| register_value(wanted, register))?;
            let computed_only = memory.access() == OpAccess::NoMemAccess;
            Some(MemoryAccess {
                address: Address(place),
                size: if computed_only {
                    0
                } else {
                    memory.memory_size().size() as u64
                },
                writes: matches!(
                    memory.access(),
                    OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
                ),
            })
        });
        accesses.collect()
    }
}

/// The instruction as iced sees it; invalid where the bytes are none, none where there are no bytes.
fn raw(address: Address, bytes: &[u8]) -> Option<iced_x86::Instruction> {
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    let mut decoder = Decoder::try_with_ip(64, bytes, address.0, DecoderOptions::NONE).ok()?;
    decoder.can_decode().then(|| decoder.decode())
}

fn measured(address: Address, raw: &iced_x86::Instruction) -> Instruction {
    if raw.is_invalid() {
        return Instruction {
            address,
            length: 1,
            text: String::from("???"),
            flow: Flow::Exception,
            target: None,
            valid: false,
        };
    }
    let near = matches!(
        raw.op0_kind(),
        OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
    );
    Instruction {
        address,
        length: raw.len(),
        text: String::new(),
        flow: flow(raw),
        target: near.then(|| Address(raw.near_branch_target())),
        valid: true,
    }
}

fn flow(raw: &iced_x86::Instruction) -> Flow {
    match raw.flow_control() {
        FlowControl::Next => Flow::Next,
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch => Flow::Jump,
        FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => Flow::Branch,
        FlowControl::Return => Flow::Return,
        FlowControl::Call | FlowControl::IndirectCall => match raw.mnemonic() {
            Mnemonic::Syscall | Mnemonic::Sysenter => Flow::SystemCall,
            _ => Flow::Call,
        },
        FlowControl::Interrupt => match raw.immediate8() {
            0x80 => Flow::SystemCall,
            _ => Flow::Exception,
        },
        FlowControl::Exception => Flow::Exception,
    }
}

/// A register's value by its iced name, out of whole registers by the names of the tables.
fn register_value(wanted: Register, register: &mut dyn FnMut(&str) -> Option<u64>) -> Option<u64> {
    match wanted {
        Register::None => Some(0),
        // Flat in 64-bit mode, except for these two, whose bases have names of their own.
        Register::FS => register("fs_base"),
        Register::GS => register("gs_base"),
        Register::CS | Register::DS | Register::ES | Register::SS => Some(0),
        Register::RIP | Register::EIP => register("rip"),
        wanted if wanted.is_gpr() => {
            let whole = format!("{:?}", wanted.full_register()).to_ascii_lowercase();
            let value = register(&whole)?;
            Some(match wanted.size() {
                8 => value,
                4 => value & 0xffff_ffff,
                _ => value & 0xffff,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
