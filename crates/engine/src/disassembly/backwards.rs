//! The search for instructions that end at a place.

use super::Disassembler;

/// See [`super::instructions_before`].
pub(super) fn instructions_before(
    disassembler: &dyn Disassembler,
    bytes: &[u8],
    count: usize,
    starts_at_instruction: bool,
) -> Vec<usize> {
    let _ = (disassembler, bytes, count, starts_at_instruction);
    Vec::new()
}
