//! x86-64.

use farsight_types::Address;

use super::{Disassembler, Flow, Instruction, MemoryAccess, Naming};

/// The x86-64 disassembler.
#[derive(Clone, Copy, Debug)]
pub struct Amd64;

impl Disassembler for Amd64 {
    fn longest(&self) -> usize {
        15
    }

    fn decode(&self, address: Address, bytes: &[u8], naming: Naming<'_>) -> Option<Instruction> {
        let _ = naming;
        self.measure(address, bytes)
    }

    fn measure(&self, address: Address, bytes: &[u8]) -> Option<Instruction> {
        bytes.first()?;
        Some(Instruction {
            address,
            length: 1,
            text: String::from("???"),
            flow: Flow::Exception,
            target: None,
            valid: false,
        })
    }

    fn memory(
        &self,
        _address: Address,
        _bytes: &[u8],
        _register: &mut dyn FnMut(&str) -> Option<u64>,
    ) -> Vec<MemoryAccess> {
        Vec::new()
    }
}
