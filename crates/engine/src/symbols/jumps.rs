//! Where a function goes on when something that it called jumps back to it with `longjmp`: behind its calls of `setjmp`.

use farsight_symbols::{Image, SymbolTable};
use farsight_types::Rva;

/// What `setjmp` and `sigsetjmp` are called in programs.
const NAMES: &[&str] = &["setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp"];
/// Code of a function that is looked at.
const LONGEST: u64 = 1 << 20;
/// A near call: `e8` and the distance from behind it.
const CALL: u8 = 0xe8;
const CALL_LENGTH: usize = 5;

/// Where `setjmp` is entered, by its own name or by that of a stub. The table is only made where the images name it.
pub(super) fn entries<'t>(images: &[&dyn Image], table: impl FnOnce() -> &'t SymbolTable) -> Vec<Rva> {
    if !images.iter().any(|image| names_it(*image)) {
        return Vec::new();
    }
    let is_it = |raw: &str| NAMES.contains(&raw.split('@').next().unwrap_or(raw));
    let found = table().iter().filter(|symbol| is_it(symbol.raw_name()));
    found.map(|symbol| symbol.rva()).collect()
}

fn names_it(image: &dyn Image) -> bool {
    let section = |name| {
        let index = image.layout().section_index(name)?;
        image.section_bytes(index)
    };
    // Only what is linked statically has no dynamic names.
    let names = section(".dynstr").or_else(|| section(".strtab"));
    let wanted = b"setjmp";
    names.is_some_and(|names| names.windows(wanted.len()).any(|window| window == wanted))
}

/// The places behind the calls of these entries in a function's code, which begins at `start`. That other bytes look
/// like such a call is as good as impossible: the distance has 32 bits.
pub(super) fn behind_calls(code: &[u8], start: Rva, entries: &[Rva]) -> Vec<Rva> {
    let calls = code.windows(CALL_LENGTH).enumerate().filter_map(|(at, window)| {
        let (&first, distance) = window.split_first()?;
        let distance = i32::from_le_bytes(distance.try_into().ok()?);
        let behind = start.0.checked_add((at + CALL_LENGTH) as u64)?;
        let target = behind.wrapping_add_signed(i64::from(distance));
        (first == CALL && entries.contains(&Rva(target))).then_some(Rva(behind))
    });
    calls.collect()
}

/// The code of the function that holds a place: where it begins, and its length.
pub(super) fn function_at(table: &SymbolTable, rva: Rva) -> Option<(Rva, usize)> {
    let (symbol, _) = table.at(rva)?;
    let length = usize::try_from(symbol.size().min(LONGEST)).ok()?;
    Some((symbol.rva(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_where_they_lead() {
        // At 0x1001 to 0x1100, at 0x1008 to 0xf00, at 0x100d to elsewhere.
        let code = [
            0x90, 0xe8, 0xfa, 0, 0, 0, 0xe8, 0x90, 0xe8, 0xf3, 0xfe, 0xff, 0xff, 0xe8, 1, 2, 3, 4, 0xe8, 0,
        ];
        for (entries, expected) in [
            (vec![Rva(0x1100)], vec![Rva(0x1006)]),
            (vec![Rva(0xf00), Rva(0x1100)], vec![Rva(0x1006), Rva(0x100d)]),
            (vec![Rva(0x1101)], vec![]),
            (vec![], vec![]),
        ] {
            assert_eq!(behind_calls(&code, Rva(0x1000), &entries), expected, "{entries:x?}");
        }
        assert_eq!(behind_calls(&code, Rva(u64::MAX - 3), &[Rva(2)]), []);
    }
}
