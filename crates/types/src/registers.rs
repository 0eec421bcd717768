//! A thread's registers, as the target services carry them and as the engine reads them.
//!
//! The general set is a list of 64-bit values in the order of the architecture's table ([`amd64::GENERAL`]); the table
//! is the only place that knows the order.

pub mod xsave;

use minicbor::{Decode, Encode};

use crate::{Address, Architecture};

/// Which groups of registers a request wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct RegisterSets {
    /// Debug registers (dr0-dr3, dr6, dr7).
    #[n(0)]
    pub debug: bool,
    /// Vector and floating-point state, as the processor's XSAVE area.
    #[n(1)]
    pub vector: bool,
}

/// The registers of one thread. The general set (with flags and segments) is always present.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Registers {
    /// Names the table that `general` and `debug` follow.
    #[n(0)]
    pub architecture: Architecture,
    /// In the order of the architecture's general table.
    #[n(1)]
    pub general: Vec<u64>,
    /// In the order of the architecture's debug table; empty when not asked for.
    #[n(2)]
    pub debug: Vec<u64>,
    /// The XSAVE area (x86-64); empty when not asked for.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub vector: Vec<u8>,
    /// Which values of `general` are known, bit by bit in its order; none where all are. The others are zero and mean
    /// nothing: of a thread that is only looked at, program counter and stack pointer can be had and no more.
    #[n(4)]
    pub known: Option<u64>,
}

/// A register's name in lower case, such as `rip`.
pub type RegisterName = &'static str;

impl Registers {
    /// All-zero registers of an architecture.
    pub fn zeroed(architecture: Architecture) -> Registers {
        Registers {
            architecture,
            general: vec![0; general_table(architecture).len()],
            debug: Vec::new(),
            vector: Vec::new(),
            known: None,
        }
    }

    /// Whether a place of the general table holds a value.
    pub fn is_known(&self, index: usize) -> bool {
        self.known.is_none_or(|known| index < 64 && known >> index & 1 == 1)
    }

    /// The program counter.
    pub fn pc(&self) -> Address {
        Address(self.value(match self.architecture {
            Architecture::Amd64 => amd64::RIP,
            Architecture::Arm64 => arm64::PC,
        }))
    }

    /// Sets the program counter.
    pub fn set_pc(&mut self, pc: Address) {
        let index = match self.architecture {
            Architecture::Amd64 => amd64::RIP,
            Architecture::Arm64 => arm64::PC,
        };
        self.set_value(index, pc.0);
    }

    /// The stack pointer.
    pub fn sp(&self) -> Address {
        Address(self.value(match self.architecture {
            Architecture::Amd64 => amd64::RSP,
            Architecture::Arm64 => arm64::SP,
        }))
    }

    /// The value at a place in the general table; zero where a peer sent fewer.
    pub fn value(&self, index: usize) -> u64 {
        self.general.get(index).copied().unwrap_or(0)
    }

    /// Sets the value at a place in the general table; ignored where the table has no such place.
    pub fn set_value(&mut self, index: usize, value: u64) {
        if let Some(slot) = self.general.get_mut(index) {
            *slot = value;
        }
    }

    /// A general or debug register by its exact lower-case name.
    pub fn by_name(&self, name: &str) -> Option<u64> {
        let find = |table: &[RegisterName], values: &[u64]| {
            let index = table.iter().position(|known| *known == name)?;
            Some((index, values.get(index).copied()?))
        };
        find(general_table(self.architecture), &self.general)
            .filter(|(index, _)| self.is_known(*index))
            .or_else(|| find(debug_table(self.architecture), &self.debug))
            .map(|(_, value)| value)
    }

    /// Sets a general or debug register by its exact lower-case name; false where there is none.
    pub fn set_by_name(&mut self, name: &str, value: u64) -> bool {
        let set = |table: &[RegisterName], values: &mut [u64]| {
            let slot = table
                .iter()
                .position(|known| *known == name)
                .and_then(|index| values.get_mut(index));
            slot.map(|slot| *slot = value).is_some()
        };
        set(general_table(self.architecture), &mut self.general) || set(debug_table(self.architecture), &mut self.debug)
    }
}

/// The names and order of the general set.
pub fn general_table(architecture: Architecture) -> &'static [RegisterName] {
    match architecture {
        Architecture::Amd64 => &amd64::GENERAL,
        Architecture::Arm64 => &arm64::GENERAL,
    }
}

/// The names and order of the debug set.
pub fn debug_table(architecture: Architecture) -> &'static [RegisterName] {
    match architecture {
        Architecture::Amd64 => &amd64::DEBUG,
        Architecture::Arm64 => &[],
    }
}

/// x86-64: order of the tables, which is the wire's order.
pub mod amd64 {
    use super::RegisterName;

    /// General, flags and segments.
    pub const GENERAL: [RegisterName; 27] = [
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "rip", "efl", "cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base", "orig_rax",
    ];
    /// Debug registers.
    pub const DEBUG: [RegisterName; 6] = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"];

    /// Places in [`GENERAL`].
    pub const RAX: usize = 0;
    /// See [`GENERAL`].
    pub const RBX: usize = 1;
    /// See [`GENERAL`].
    pub const RCX: usize = 2;
    /// See [`GENERAL`].
    pub const RDX: usize = 3;
    /// See [`GENERAL`].
    pub const RSI: usize = 4;
    /// See [`GENERAL`].
    pub const RDI: usize = 5;
    /// See [`GENERAL`].
    pub const RBP: usize = 6;
    /// See [`GENERAL`].
    pub const RSP: usize = 7;
    /// See [`GENERAL`].
    pub const RIP: usize = 16;
    /// See [`GENERAL`].
    pub const EFL: usize = 17;
    /// See [`GENERAL`].
    pub const FS_BASE: usize = 24;
    /// See [`GENERAL`].
    pub const GS_BASE: usize = 25;
    /// See [`GENERAL`]: the system call's number while inside one, else all ones.
    pub const ORIG_RAX: usize = 26;

    /// DWARF register number to place in [`GENERAL`] (System V ABI, figure 3.36); 16 is the return address.
    pub const DWARF: [usize; 17] = [0, 3, 2, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
}

/// 64-bit ARM: order of the table.
pub mod arm64 {
    use super::RegisterName;

    /// x0-x28, frame pointer, link register, stack pointer, program counter, flags.
    pub const GENERAL: [RegisterName; 34] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr", "sp", "pc",
        "cpsr",
    ];
    /// Place in [`GENERAL`].
    pub const SP: usize = 31;
    /// Place in [`GENERAL`].
    pub const PC: usize = 32;
}
