//! Names of registers' parts, and of pseudo-registers that a target may lack.

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

impl PartOfRegister {
    fn new(whole: &str, shift: u8, bits: u8) -> PartOfRegister {
        PartOfRegister {
            whole: whole.to_owned(),
            shift,
            bits,
            clears_rest: false,
        }
    }

    /// What the whole register becomes when `value` is written to the part.
    pub fn written(&self, whole: u64, value: u64) -> u64 {
        let mask = mask(self.bits);
        let kept = if self.clears_rest {
            0
        } else {
            whole & !(mask << self.shift)
        };
        kept | (value & mask) << self.shift
    }
}

/// The value of a part of a whole register.
pub(crate) fn part_value(part: &PartOfRegister, whole: u64) -> u64 {
    whole >> part.shift & mask(part.bits)
}

fn mask(bits: u8) -> u64 {
    u64::MAX >> (64 - u32::from(bits).clamp(1, 64))
}

/// The register that a lower-case name means on x86-64 (`eax`, `ah`, `r8d`, `zf`, `iopl`, `eip`, `rflags`), whole
/// general registers included.
pub fn register_part(name: &str) -> Option<PartOfRegister> {
    // The letters between the `r` and `e` forms and the byte forms.
    const LETTERS: [&str; 4] = ["a", "b", "c", "d"];
    const POINTERS: [&str; 4] = ["si", "di", "bp", "sp"];
    if let Some((_, bit)) = FLAG_BITS.iter().find(|(flag, _)| *flag == name) {
        return Some(PartOfRegister::new("efl", *bit, 1));
    }
    match name {
        "iopl" => return Some(PartOfRegister::new("efl", 12, 2)),
        "vip" => return Some(PartOfRegister::new("efl", 20, 1)),
        "vif" => return Some(PartOfRegister::new("efl", 19, 1)),
        "efl" | "eflags" | "rflags" => return Some(PartOfRegister::new("efl", 0, 64)),
        "rip" => return Some(PartOfRegister::new("rip", 0, 64)),
        "eip" => return Some(PartOfRegister::new("rip", 0, 32)),
        "ip" => return Some(PartOfRegister::new("rip", 0, 16)),
        _ => {}
    }
    for letter in LETTERS {
        let Some(rest) = name.split_once(letter) else { continue };
        let whole = format!("r{letter}x");
        return match rest {
            ("r", "x") => Some(PartOfRegister::new(&whole, 0, 64)),
            ("e", "x") => Some(low_half(&whole)),
            ("", "x") => Some(PartOfRegister::new(&whole, 0, 16)),
            ("", "l") => Some(PartOfRegister::new(&whole, 0, 8)),
            ("", "h") => Some(PartOfRegister::new(&whole, 8, 8)),
            _ => continue,
        };
    }
    for pointer in POINTERS {
        let Some(rest) = name.split_once(pointer) else { continue };
        let whole = format!("r{pointer}");
        return match rest {
            ("r", "") => Some(PartOfRegister::new(&whole, 0, 64)),
            ("e", "") => Some(low_half(&whole)),
            ("", "") => Some(PartOfRegister::new(&whole, 0, 16)),
            ("", "l") => Some(PartOfRegister::new(&whole, 0, 8)),
            _ => continue,
        };
    }
    numbered(name)
}

/// `r8` to `r15`, with `d`, `w`, `b` (or `l`) behind them.
fn numbered(name: &str) -> Option<PartOfRegister> {
    let rest = name.strip_prefix('r')?;
    let digits = rest.trim_end_matches(|character: char| !character.is_ascii_digit());
    let whole = matches!(digits, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15").then(|| format!("r{digits}"))?;
    match &rest[digits.len()..] {
        "" => Some(PartOfRegister::new(&whole, 0, 64)),
        "d" => Some(low_half(&whole)),
        "w" => Some(PartOfRegister::new(&whole, 0, 16)),
        "b" | "l" => Some(PartOfRegister::new(&whole, 0, 8)),
        _ => None,
    }
}

fn low_half(whole: &str) -> PartOfRegister {
    PartOfRegister {
        clears_rest: true,
        ..PartOfRegister::new(whole, 0, 32)
    }
}

/// Why a pseudo-register of DbgEng has no value, for those that the scope does not know; none where DbgEng has none of
/// that name.
pub(super) fn unavailable_pseudo(name: &str) -> Option<String> {
    const WINDOWS: [&str; 2] = ["proc", "peb"];
    const KNOWN: [&str; 25] = [
        "ip", "eventip", "previp", "relip", "scopeip", "ra", "csp", "retreg", "retreg64", "ea", "ea2", "p", "exp",
        "tpid", "tid", "dtid", "dpid", "dsid", "frame", "thread", "teb", "dbgtime", "exentry", "ptrsize", "pagesize",
    ];
    if WINDOWS.contains(&name) {
        return Some(format!(
            "${name} does not exist on this kind of target; !peb shows what a process was started with"
        ));
    }
    let families = ["exr_", "bug_", "callret", "bp"];
    let known = KNOWN.contains(&name) || families.iter().any(|family| name.starts_with(family));
    known.then(|| format!("${name} has no value now"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_registers_are_where_the_processor_has_them() {
        let part = |name| register_part(name).map(|part| (part.whole, part.shift, part.bits, part.clears_rest));
        let expect = |whole: &str, shift, bits, clears| Some((whole.to_owned(), shift, bits, clears));
        assert_eq!(part("rax"), expect("rax", 0, 64, false));
        assert_eq!(part("eax"), expect("rax", 0, 32, true));
        assert_eq!(part("bx"), expect("rbx", 0, 16, false));
        assert_eq!(part("dh"), expect("rdx", 8, 8, false));
        assert_eq!(part("edx"), expect("rdx", 0, 32, true));
        assert_eq!(part("cl"), expect("rcx", 0, 8, false));
        assert_eq!(part("esi"), expect("rsi", 0, 32, true));
        assert_eq!(part("dil"), expect("rdi", 0, 8, false));
        assert_eq!(part("sp"), expect("rsp", 0, 16, false));
        assert_eq!(part("r8d"), expect("r8", 0, 32, true));
        assert_eq!(part("r15b"), expect("r15", 0, 8, false));
        assert_eq!(part("zf"), expect("efl", 6, 1, false));
        assert_eq!(part("iopl"), expect("efl", 12, 2, false));
        for none in ["r16", "r", "ex", "xax", "r8x", "", "e", "main", "abx", "r8\u{e9}"] {
            assert_eq!(part(none), None, "{none}");
        }
    }

    #[test]
    fn writing_a_part_keeps_the_rest_except_for_32_bits() {
        let write = |name, value| register_part(name).map(|part| part.written(0x1111_2222_3333_4444, value));
        assert_eq!(write("ah", 0xaabb), Some(0x1111_2222_3333_bb44));
        assert_eq!(write("ax", 0), Some(0x1111_2222_3333_0000));
        assert_eq!(write("eax", 5), Some(5));
        assert_eq!(write("rax", u64::MAX), Some(u64::MAX));
    }
}
