//! `.eh_frame_hdr`: the linker's sorted table of which description covers which address.
//!
//! | offset | field |
//! |---|---|
//! | 0 | version, 1 |
//! | 1 | encoding of the pointer to `.eh_frame` |
//! | 2 | encoding of the count |
//! | 3 | encoding of the table: 0x3b, two signed 32-bit distances from the section's start, in every linker's output |
//! | 4 | the pointer, the count, then the table: address, description |
//!
//! (Linux Standard Base, "Exception Frames".)

use crate::bytes::SharedBytes;
use crate::image::elf::u32_at;

/// Signed 32-bit distance from the field itself.
const POINTER: u8 = 0x1b;
/// Unsigned 32 bits.
const COUNT: u8 = 0x03;
/// Signed 32-bit distance from the section's start.
const TABLE: u8 = 0x3b;

const HEADER_SIZE: usize = 12;
const ENTRY_SIZE: usize = 8;

/// A table in the form that linkers write, whose entries are in order as far as a few samples show.
#[derive(Debug)]
pub(super) struct SearchTable {
    bytes: SharedBytes,
    /// Where the section was linked to load.
    address: u64,
    /// Where `.eh_frame` was.
    frames: u64,
    count: usize,
}

impl SearchTable {
    /// None for any other form, or one that contradicts itself: then the descriptions themselves are indexed.
    pub(super) fn new(bytes: SharedBytes, address: u64, frames: u64) -> Option<SearchTable> {
        if bytes.get(..4)? != [1, POINTER, COUNT, TABLE] {
            return None;
        }
        let pointer = i64::from(u32_at(&bytes, 4)? as i32);
        if address.wrapping_add(4).wrapping_add_signed(pointer) != frames {
            return None;
        }
        let count = u32_at(&bytes, 8)? as usize;
        let room = (bytes.len() - HEADER_SIZE) / ENTRY_SIZE;
        let table = SearchTable {
            bytes,
            address,
            frames,
            count,
        };
        let samples = [0, count / 3, count / 2, count.saturating_sub(1)].map(|at| table.start(at));
        (count > 0 && count <= room && samples.is_sorted()).then_some(table)
    }

    /// The offset in `.eh_frame` of the description that covers a place, if any does: whether it does, it says itself.
    pub(super) fn find(&self, rva: u64) -> Option<usize> {
        // Invariant: entries below `low` start at or before the place, those from `high` on behind it.
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.start(middle)? <= rva {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let description = self.field(low.checked_sub(1)?, 4)?;
        usize::try_from(description.checked_sub(self.frames)?).ok()
    }

    fn start(&self, entry: usize) -> Option<u64> {
        self.field(entry, 0)
    }

    fn field(&self, entry: usize, offset: usize) -> Option<u64> {
        let at = HEADER_SIZE + entry.checked_mul(ENTRY_SIZE)? + offset;
        let distance = i64::from(u32_at(&self.bytes, at)? as i32);
        Some(self.address.wrapping_add_signed(distance))
    }
}
