//! Names of parts of registers.

/// Bits of the flags register that have names of their own.
pub const FLAG_BITS: [(&str, u8); 9] = [
    ("cf", 0),
    ("pf", 2),
    ("af", 4),
    ("zf", 6),
    ("sf", 7),
    ("tf", 8),
    ("if", 9),
    ("df", 10),
    ("of", 11),
];

/// A name for some bits of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOfRegister {
    /// The whole register, by its name in the register tables.
    pub whole: String,
    /// Its lowest bit in the whole.
    pub shift: u8,
    /// How many bits it has; 64 for the whole register.
    pub bits: u8,
    /// A write to it clears the rest of the whole (32-bit names).
    pub clears_rest: bool,
}

/// The register that a name means on x86-64 (`eax`, `ah`, `r8d`, `zf`, `iopl`, `eip`, `rflags`), whole registers
/// included.
pub fn register_part(name: &str) -> Option<PartOfRegister> {
    let _ = name;
    None
}
