//! The kernel's register structure to and from the list that crosses the seam.

use farsight_types::registers::amd64;
use farsight_types::{Architecture, Registers};
use libc::user_regs_struct;

macro_rules! fields {
    ($with:ident) => {
        $with!(
            rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs fs_base gs_base
            orig_rax
        )
    };
}

/// The list in the order of [`amd64::GENERAL`].
pub(crate) fn to_registers(kernel: &user_regs_struct) -> Registers {
    macro_rules! list {
        ($($field:ident)*) => { vec![$(kernel.$field),*] };
    }
    Registers {
        architecture: Architecture::Amd64,
        general: fields!(list),
        debug: Vec::new(),
        vector: Vec::new(),
        known: None,
    }
}

/// Writes a list over the kernel's structure; false where it is not for this architecture.
///
/// Where the program counter changes inside an interrupted system call, the kernel must not restart that call: it would
/// move the new program counter back by two.
pub(crate) fn apply(registers: &Registers, kernel: &mut user_regs_struct) -> bool {
    if registers.architecture != Architecture::Amd64 || registers.general.len() != amd64::GENERAL.len() {
        return false;
    }
    let (old_rip, old_orig_rax) = (kernel.rip, kernel.orig_rax);
    let mut values = registers.general.iter().copied();
    macro_rules! assign {
        ($($field:ident)*) => { $(kernel.$field = values.next().unwrap_or(kernel.$field);)* };
    }
    fields!(assign);
    if kernel.rip != old_rip && kernel.orig_rax == old_orig_rax {
        kernel.orig_rax = u64::MAX;
    }
    true
}

/// All zero, for tests.
#[cfg(test)]
pub(crate) fn blank() -> user_regs_struct {
    macro_rules! zero {
        ($($field:ident)*) => { user_regs_struct { $($field: 0),* } };
    }
    fields!(zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_tables() {
        let mut registers = Registers::zeroed(Architecture::Amd64);
        for (index, value) in registers.general.iter_mut().enumerate() {
            *value = index as u64 + 100;
        }
        let mut kernel = blank();
        assert!(apply(&registers, &mut kernel));
        assert_eq!(kernel.rip, 100 + amd64::RIP as u64);
        assert_eq!(kernel.rsp, 100 + amd64::RSP as u64);
        assert_eq!(kernel.fs_base, 100 + amd64::FS_BASE as u64);
        assert_eq!(to_registers(&kernel), registers);
    }

    #[test]
    fn a_new_program_counter_cancels_a_restart() {
        let mut kernel = blank();
        kernel.orig_rax = 35;
        let mut registers = to_registers(&kernel);
        registers.set_pc(farsight_types::Address(0x1000));
        assert!(apply(&registers, &mut kernel));
        assert_eq!(kernel.orig_rax, u64::MAX);
    }
}
