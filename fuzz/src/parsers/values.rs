//! Formatters at work: made-up types, and memory that any debuggee may have.
//!
//! An input is a list of parts: a byte that says what it is, two for its length (little-endian), its bytes. Parts are
//! types and variables ([`types`]), formatters of a user, and pieces of memory with their address before them.

#[path = "types.rs"]
mod types;

use farsight_symbols::{DebugInfo, DieId, TypeId, UnitId};
use farsight_types::Address;

/// Variables that are looked at.
const MOST_VALUES: usize = 16;
/// Bytes that are read for one input.
const MOST_READ: usize = 1 << 24;

/// Formatters, the built-in ones and the input's, over values of the input's types in the input's memory.
pub fn formatted_values(input: &[u8]) {
    let _ = formatted(input);
}

/// How many values had a formatter that took them.
pub fn formatted(input: &[u8]) -> usize {
    let (mut text, mut formatters, mut memory) = (String::new(), String::new(), Vec::new());
    for (kind, bytes) in parts(input) {
        match (kind % 3, bytes.split_first_chunk()) {
            (0, _) => text.push_str(&String::from_utf8_lossy(bytes)),
            (1, _) => formatters.push_str(&String::from_utf8_lossy(bytes)),
            (_, Some((address, bytes))) => memory.push((u64::from_le_bytes(*address), bytes)),
            (_, None) => {}
        }
    }
    let made = types::made(&text);
    let Some(info) = DebugInfo::new(&super::debug::of_sections(made.sections), None) else {
        return 0;
    };
    let values: Vec<(TypeId, Address)> = made
        .variables
        .iter()
        .take(MOST_VALUES)
        .map(|(offset, address)| {
            let unit = UnitId(0);
            (TypeId(DieId { unit, offset: *offset }), Address(*address))
        })
        .collect();
    let mut left = MOST_READ;
    farsight_engine::try_formatters(&info, &formatters, &values, &mut |address, into| {
        left = left.saturating_sub(into.len());
        if left == 0 {
            return 0;
        }
        read(&memory, address.0, into)
    })
}

fn parts(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [kind, low, high, rest @ ..] = input else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, behind) = rest.split_at(length);
        input = behind;
        Some((*kind, bytes))
    })
}

/// Copies what the pieces have, as far as they follow each other.
fn read(memory: &[(u64, &[u8])], at: u64, into: &mut [u8]) -> usize {
    let mut done = 0;
    while done < into.len() {
        let here = at.wrapping_add(done as u64);
        let found = memory.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(here.checked_sub(*start)?).ok()?;
            bytes.get(offset..).filter(|rest| !rest.is_empty())
        });
        let Some(found) = found else { break };
        let count = found.len().min(into.len() - done);
        into[done..done + count].copy_from_slice(&found[..count]);
        done += count;
    }
    done
}
