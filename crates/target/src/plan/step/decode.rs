//! What kind of instruction code begins with, as far as step plans care: by its prefixes and opcode bytes alone.

/// The kinds of instructions that step plans tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `E8`, or `FF /2`. Far calls do not occur in 64-bit programs.
    Call,
    /// `C2 C3 CA CB CF`.
    Return,
    /// A jump to a fixed place without a condition: `E9 EB`.
    Jump,
    /// A jump to wherever memory or a register says: `FF /4`, `FF /5`.
    IndirectJump,
    /// A jump with a condition: `70-7F`, `0F 80-8F`, `E0-E3`.
    Conditional,
    /// `0F 05`, `0F 34`, `CD`.
    SystemCall,
    /// A string instruction under a repeat prefix.
    Repeat,
    /// Everything else.
    Plain,
}

impl Kind {
    pub(super) fn of(code: &[u8]) -> Kind {
        let prefixes = code.iter().take_while(|byte| is_prefix(**byte)).count();
        let (prefixes, rest) = code.split_at(prefixes);
        let field = |rest: &[u8]| rest.get(1).map(|modrm| modrm >> 3 & 7);
        match rest.first() {
            Some(0xe8) => Kind::Call,
            Some(0xff) => match field(rest) {
                Some(2) => Kind::Call,
                Some(4 | 5) => Kind::IndirectJump,
                _ => Kind::Plain,
            },
            Some(0xc2 | 0xc3 | 0xca | 0xcb | 0xcf) => Kind::Return,
            Some(0xe9 | 0xeb) => Kind::Jump,
            Some(0x70..=0x7f | 0xe0..=0xe3) => Kind::Conditional,
            Some(0xcd) => Kind::SystemCall,
            Some(0x0f) => match rest.get(1) {
                Some(0x80..=0x8f) => Kind::Conditional,
                Some(0x05 | 0x34) => Kind::SystemCall,
                _ => Kind::Plain,
            },
            Some(0x6c..=0x6f | 0xa4..=0xa7 | 0xaa..=0xaf)
                if prefixes.iter().any(|byte| matches!(byte, 0xf2 | 0xf3)) =>
            {
                Kind::Repeat
            }
            _ => Kind::Plain,
        }
    }

    pub(super) fn branches(self) -> bool {
        !matches!(self, Kind::Plain | Kind::Repeat)
    }
}

/// Whether code begins with a system call, by whichever instruction: it may take for ever.
pub fn enters_kernel(code: &[u8]) -> bool {
    Kind::of(code) == Kind::SystemCall && !code.starts_with(&[0xcd, 0x03])
}

/// Legacy and REX prefixes.
fn is_prefix(byte: u8) -> bool {
    matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)
}
