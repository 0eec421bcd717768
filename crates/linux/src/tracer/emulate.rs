//! Does the work of a few instructions in the tracer's head: what functions start with, so that a thread goes past a
//! trap there without any other thread being held. Pure: registers and bytes in, an effect out.

use libc::user_regs_struct;

/// What an instruction does beside moving the program counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing in memory.
    Registers,
    /// Eight bytes stored at an address.
    Store { address: u64, value: u64 },
}

/// Applies the instruction that `code` starts with to the registers; none for all that are not known here.
pub(super) fn emulate(code: &[u8], registers: &mut user_regs_struct) -> Option<Effect> {
    match code {
        // endbr64
        [0xf3, 0x0f, 0x1e, 0xfa, ..] => Some(advance(registers, 4)),
        // nop
        [0x90, ..] => Some(advance(registers, 1)),
        // push r64
        [opcode @ 0x50..=0x57, ..] => Some(push(registers, opcode & 7, 1)),
        [0x41, opcode @ 0x50..=0x57, ..] => Some(push(registers, opcode & 7 | 8, 2)),
        // mov r64, r64
        [rex @ 0x48..=0x4f, 0x89, modrm @ 0xc0..=0xff, ..] => {
            let source = modrm >> 3 & 7 | (rex & 4) << 1;
            let target = modrm & 7 | (rex & 1) << 3;
            let value = *register(registers, source);
            *register(registers, target) = value;
            Some(advance(registers, 3))
        }
        _ => None,
    }
}

fn advance(registers: &mut user_regs_struct, length: u64) -> Effect {
    registers.rip += length;
    Effect::Registers
}

fn push(registers: &mut user_regs_struct, number: u8, length: u64) -> Effect {
    let value = *register(registers, number);
    registers.rsp = registers.rsp.wrapping_sub(8);
    registers.rip += length;
    Effect::Store {
        address: registers.rsp,
        value,
    }
}

/// A general register by its number in instruction encodings.
fn register(registers: &mut user_regs_struct, number: u8) -> &mut u64 {
    match number & 15 {
        0 => &mut registers.rax,
        1 => &mut registers.rcx,
        2 => &mut registers.rdx,
        3 => &mut registers.rbx,
        4 => &mut registers.rsp,
        5 => &mut registers.rbp,
        6 => &mut registers.rsi,
        7 => &mut registers.rdi,
        8 => &mut registers.r8,
        9 => &mut registers.r9,
        10 => &mut registers.r10,
        11 => &mut registers.r11,
        12 => &mut registers.r12,
        13 => &mut registers.r13,
        14 => &mut registers.r14,
        _ => &mut registers.r15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::blank;

    #[test]
    fn a_push_stores_the_value_from_before() {
        let mut registers = blank();
        (registers.rip, registers.rsp, registers.rbp) = (0x1000, 0x8000, 7);
        let effect = emulate(&[0x55, 0x48], &mut registers);
        assert_eq!(
            effect,
            Some(Effect::Store {
                address: 0x7ff8,
                value: 7
            })
        );
        assert_eq!((registers.rip, registers.rsp), (0x1001, 0x7ff8));
        // push rsp stores the old stack pointer.
        let effect = emulate(&[0x54], &mut registers);
        assert_eq!(
            effect,
            Some(Effect::Store {
                address: 0x7ff0,
                value: 0x7ff8
            })
        );
        registers.r12 = 9;
        let effect = emulate(&[0x41, 0x54], &mut registers);
        assert_eq!(
            effect,
            Some(Effect::Store {
                address: 0x7fe8,
                value: 9
            })
        );
        assert_eq!(registers.rip, 0x1004);
    }

    #[test]
    fn moves_between_registers() {
        let mut registers = blank();
        (registers.rsp, registers.r9) = (0x8000, 5);
        // mov rbp, rsp; mov r8, r9; mov rax, r9
        assert_eq!(emulate(&[0x48, 0x89, 0xe5], &mut registers), Some(Effect::Registers));
        assert_eq!(registers.rbp, 0x8000);
        assert_eq!(emulate(&[0x4d, 0x89, 0xc8], &mut registers), Some(Effect::Registers));
        assert_eq!(registers.r8, 5);
        assert_eq!(emulate(&[0x4c, 0x89, 0xc8], &mut registers), Some(Effect::Registers));
        assert_eq!((registers.rax, registers.rip), (5, 9));
    }

    #[test]
    fn other_instructions_are_left_to_the_processor() {
        let mut registers = blank();
        for code in [
            &[0x48, 0x83, 0xec, 8][..],
            &[0xe8, 0, 0, 0, 0],
            &[0x0f, 5],
            &[],
            &[0x41],
        ] {
            assert_eq!(emulate(code, &mut registers), None);
        }
        assert_eq!((registers.rip, registers.rsp), (0, 0));
    }
}
