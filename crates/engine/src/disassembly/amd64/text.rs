//! The text of an x86-64 instruction, in DbgEng's style.

use farsight_session::record::{Place, SymbolName};
use farsight_types::Address;
use iced_x86::{
    Formatter, Instruction, MasmFormatter, MemorySizeOptions, OpKind, Register, SymbolResolver, SymbolResult,
};

use crate::disassembly::Naming;

/// Below this no immediate is taken for an address: nothing is ever mapped there.
const LOWEST_ADDRESS: u64 = 0x1_0000;

/// Mnemonic and operands.
pub(super) fn format(raw: &Instruction, naming: Naming<'_>) -> String {
    // The formatter owns its resolver, so the few places an instruction names are resolved beforehand.
    let mut names = Vec::new();
    for (place, is_immediate) in places(raw) {
        let symbol = naming(Address(place));
        let text = match (symbol, is_immediate) {
            (None, true) => continue,
            (Some(symbol), true) if !is_exact(&symbol) => continue,
            (Some(symbol), _) => format!("{symbol} ({})", Address(place)),
            (None, false) => Place::bare(Address(place)).to_string(),
        };
        names.push((place, text));
    }
    let mut formatter = MasmFormatter::with_options(Some(Box::new(Names(names))), None);
    let options = formatter.options_mut();
    options.set_first_operand_char_index(8);
    options.set_memory_size_options(MemorySizeOptions::Always);
    options.set_rip_relative_addresses(false);
    options.set_show_branch_size(false);
    options.set_branch_leading_zeros(false);
    options.set_masm_symbol_displ_in_brackets(true);
    options.set_masm_displ_in_brackets(true);
    let mut text = String::new();
    formatter.format(raw, &mut text);
    text
}

/// An immediate is an address only if something begins there.
fn is_exact(symbol: &SymbolName) -> bool {
    symbol.name.is_some() && symbol.displacement == 0
}

/// The places that an instruction's operands name by themselves, without registers; with each, whether it is an
/// immediate, which may as well be a plain number.
fn places(raw: &Instruction) -> Vec<(u64, bool)> {
    let mut found = Vec::new();
    for operand in 0..raw.op_count() {
        match raw.op_kind(operand) {
            OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64 => {
                found.push((raw.near_branch_target(), false));
            }
            OpKind::Memory if names_a_place(raw) => found.push((raw.memory_displacement64(), false)),
            OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64 => {
                let value = raw.immediate(operand);
                if value >= LOWEST_ADDRESS {
                    found.push((value, true));
                }
            }
            _ => {}
        }
    }
    found
}

fn names_a_place(raw: &Instruction) -> bool {
    raw.is_ip_rel_memory_operand()
        || (raw.memory_base() == Register::None
            && raw.memory_index() == Register::None
            && !matches!(raw.memory_segment(), Register::FS | Register::GS)
            && raw.memory_displacement64() >= LOWEST_ADDRESS)
}

/// Texts of the places that were resolved beforehand.
struct Names(Vec<(u64, String)>);

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        _instruction: &Instruction,
        _operand: u32,
        _instruction_operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        let (_, text) = self.0.iter().find(|(place, _)| *place == address)?;
        Some(SymbolResult::with_str(address, text))
    }
}
