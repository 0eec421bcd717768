//! Places of objects: memory, or pieces of registers and of what the compiler computed.

use std::ops::Range;
use std::sync::Arc;

use farsight_types::Address;
use farsight_types::registers::amd64;

use super::{ValueContext, ValueError, read};
use crate::debug::{BitRange, DieId};

/// Most bytes that are read of one object at once.
const MOST_BYTES: u64 = 1 << 20;

/// Where an object, or a part of one, is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// All of it in memory.
    Memory(Address),
    /// In pieces that are not, or not all, in memory.
    Parts {
        /// The pieces of the whole object, in the order of its bits.
        parts: Arc<[Bits]>,
        /// Where in the whole this part begins, in bytes.
        offset: u64,
    },
}

/// One piece of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bits {
    /// What has it.
    pub stored: Stored,
    /// The first bit there.
    pub first: u64,
    /// How many bits; none for all the rest of the object.
    pub count: Option<u64>,
}

/// What has a piece of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stored {
    /// Memory.
    Memory(Address),
    /// A register, as it is in a frame.
    Register {
        /// DWARF's number.
        dwarf: u16,
        /// The frame's number, 0 for the innermost.
        level: usize,
        /// What it holds.
        bytes: [u8; 16],
    },
    /// Nothing: this is its value.
    Bytes(Vec<u8>),
    /// Nothing: it was a pointer, and this is what it led to.
    Pointer {
        /// The variable that it points into.
        to: Option<DieId>,
        /// At this many bytes from its start.
        offset: i64,
    },
    /// Nothing, and why.
    Lost(ValueError),
}

impl Place {
    /// An object of pieces.
    pub fn parts(parts: Vec<Bits>) -> Place {
        Place::Parts {
            parts: parts.into(),
            offset: 0,
        }
    }

    /// An object that exists only as its value.
    pub fn value(bytes: Vec<u8>) -> Place {
        Place::parts(vec![Bits {
            stored: Stored::Bytes(bytes),
            first: 0,
            count: None,
        }])
    }

    /// The address, of an object in memory.
    pub fn address(&self) -> Option<Address> {
        match self {
            Place::Memory(address) => Some(*address),
            Place::Parts { .. } => None,
        }
    }

    /// The part of an object that begins so many bytes from its start.
    pub fn at(&self, bytes: u64) -> Place {
        match self {
            Place::Memory(address) => Place::Memory(address.wrapping_add(bytes)),
            Place::Parts { parts, offset } => Place::Parts {
                parts: Arc::clone(parts),
                offset: offset.saturating_add(bytes),
            },
        }
    }

    /// The register that the whole object is in, by DWARF's number, with the number of the frame.
    pub fn register(&self) -> Option<(u16, usize)> {
        match self {
            Place::Parts { parts, .. } => match parts.as_ref() {
                [
                    Bits {
                        stored: Stored::Register { dwarf, level, .. },
                        ..
                    },
                ] => Some((*dwarf, *level)),
                _ => None,
            },
            Place::Memory(_) => None,
        }
    }

    /// What a pointer led to that was optimised away: the variable, and bytes from its start.
    pub fn led_to(&self) -> Option<(DieId, i64)> {
        match self {
            Place::Parts { parts, offset: 0 } => match parts.as_ref() {
                [
                    Bits {
                        stored: Stored::Pointer { to: Some(to), offset },
                        ..
                    },
                    ..,
                ] => Some((*to, *offset)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The bytes of an object, all of them.
    pub fn read(&self, size: u64, context: &mut dyn ValueContext) -> Result<Vec<u8>, ValueError> {
        if size > MOST_BYTES {
            return Err(ValueError::Unsupported("objects of this size"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        match self {
            Place::Memory(address) => read(context, *address, &mut bytes)?,
            Place::Parts { parts, offset } => {
                let from = offset.saturating_mul(8);
                let until = from.saturating_add((bytes.len() as u64).saturating_mul(8));
                gather(parts, from..until, &mut bytes, context)?;
            }
        }
        Ok(bytes)
    }

    /// The bits of a bit-field, as a number without a sign.
    pub fn read_bits(&self, bits: BitRange, context: &mut dyn ValueContext) -> Result<u128, ValueError> {
        if bits.size > 64 {
            return Err(ValueError::Damaged("a bit-field wider than any"));
        }
        let first = bits.offset % 8;
        let length = (first + bits.size).div_ceil(8);
        let bytes = match self {
            Place::Memory(address) => Place::Memory(address.wrapping_add(bits.offset / 8)).read(length, context)?,
            // Only its own bits: those beside it may be in a piece that is gone.
            Place::Parts { parts, offset } => {
                let from = offset.saturating_mul(8).saturating_add(bits.offset);
                let until = from.checked_add(bits.size).ok_or(ValueError::OptimizedOut)?;
                let mut bytes = vec![0; usize::try_from(bits.size.div_ceil(8)).unwrap_or(0)];
                gather(parts, from..until, &mut bytes, context)?;
                return Ok(whole(&bytes) & ((1 << bits.size) - 1));
            }
        };
        Ok(whole(&bytes) >> first & ((1 << bits.size) - 1))
    }

    /// How the code sees the place: `@rbx`; none for memory and for what is in several.
    pub fn described(&self) -> Option<String> {
        self.register().map(|(dwarf, _)| format!("@{}", register_name(dwarf)))
    }
}

fn whole(bytes: &[u8]) -> u128 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Puts some bits of an object together, the first of them in the first bit of `into`.
fn gather(
    parts: &[Bits],
    wanted: Range<u64>,
    into: &mut [u8],
    context: &mut dyn ValueContext,
) -> Result<(), ValueError> {
    let mut begin: u64 = 0;
    let mut got: u64 = 0;
    let mut lost = None;
    let mut waits = false;
    for part in parts {
        let end = part.count.map_or(u64::MAX, |count| begin.saturating_add(count));
        let (start, stop) = (begin.max(wanted.start), end.min(wanted.end));
        if start < stop {
            let first = part.first.saturating_add(start - begin);
            match bits(&part.stored, first, stop - start, context) {
                Ok(bytes) => {
                    copy_bits(&bytes, first % 8, into, start - wanted.start, stop - start);
                    got += stop - start;
                }
                Err(ValueError::NotYet) => waits = true,
                Err(error) => lost = lost.or(Some(error)),
            }
        }
        begin = end;
        if begin >= wanted.end {
            break;
        }
    }
    if waits {
        return Err(ValueError::NotYet);
    }
    match lost {
        Some(ValueError::OptimizedOut) if got > 0 => Err(ValueError::PartlyOptimizedOut),
        Some(error) => Err(error),
        // The pieces end before the object does.
        None if begin < wanted.end && got > 0 => Err(ValueError::PartlyOptimizedOut),
        None if begin < wanted.end => Err(ValueError::OptimizedOut),
        None => Ok(()),
    }
}

/// The bytes that hold some bits; the first bit is in the first byte.
fn bits(stored: &Stored, first: u64, count: u64, context: &mut dyn ValueContext) -> Result<Vec<u8>, ValueError> {
    let start = first / 8;
    let length = usize::try_from((first % 8 + count).div_ceil(8)).unwrap_or(usize::MAX);
    let cut = |bytes: &[u8]| {
        let begin = usize::try_from(start).unwrap_or(usize::MAX);
        let part = bytes.get(begin..).and_then(|rest| rest.get(..length));
        part.map(<[u8]>::to_vec).ok_or(ValueError::OptimizedOut)
    };
    match stored {
        Stored::Memory(address) => {
            if length as u64 > MOST_BYTES {
                return Err(ValueError::Unsupported("objects of this size"));
            }
            let mut bytes = vec![0; length];
            read(context, address.wrapping_add(start), &mut bytes)?;
            Ok(bytes)
        }
        Stored::Register { dwarf, bytes, .. } => match usize::from(*dwarf) < amd64::DWARF.len() {
            true => cut(bytes.get(..8).unwrap_or_default()),
            false => cut(bytes),
        },
        Stored::Bytes(bytes) => cut(bytes),
        Stored::Pointer { .. } => Err(ValueError::SyntheticPointer),
        Stored::Lost(error) => Err(error.clone()),
    }
}

fn copy_bits(from: &[u8], first: u64, into: &mut [u8], at: u64, count: u64) {
    if first == 0 && at.is_multiple_of(8) && count.is_multiple_of(8) {
        let start = (at / 8) as usize;
        let length = (count / 8) as usize;
        if let (Some(into), Some(from)) = (into.get_mut(start..start + length), from.get(..length)) {
            into.copy_from_slice(from);
        }
        return;
    }
    for bit in 0..count {
        let (source, target) = (first + bit, at + bit);
        let set = from
            .get((source / 8) as usize)
            .is_some_and(|byte| byte >> (source % 8) & 1 == 1);
        if let Some(byte) = into.get_mut((target / 8) as usize) {
            let mask = 1 << (target % 8);
            *byte = if set { *byte | mask } else { *byte & !mask };
        }
    }
}

/// The name of a register by DWARF's number on x86-64.
pub fn register_name(dwarf: u16) -> &'static str {
    const VECTOR: [&str; 16] = [
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15",
    ];
    const FLOAT: [&str; 8] = ["st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"];
    let number = usize::from(dwarf);
    let general = amd64::DWARF.get(number).and_then(|place| amd64::GENERAL.get(*place));
    let vector = || VECTOR.get(number.checked_sub(17)?);
    let float = || FLOAT.get(number.checked_sub(33)?);
    general.or_else(vector).or_else(float).copied().unwrap_or("register")
}
