//! Places: in a debuggee's memory, in an image, in a file.

use std::fmt;

use minicbor::{Decode, Encode};

/// A virtual address in a debuggee, in bytes.
///
/// Arithmetic that may leave the address space is checked or wrapping by name; there is no `+`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Address(#[n(0)] pub u64);

impl Address {
    /// The address `bytes` further on, or none past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Address> {
        self.0.checked_add(bytes).map(Address)
    }

    /// The address `bytes` back, or none before zero.
    pub fn checked_sub(self, bytes: u64) -> Option<Address> {
        self.0.checked_sub(bytes).map(Address)
    }

    /// The address `bytes` further on, around the end: what the processor itself does.
    pub fn wrapping_add(self, bytes: u64) -> Address {
        Address(self.0.wrapping_add(bytes))
    }

    /// The address a signed distance away, around the ends.
    pub fn wrapping_offset(self, bytes: i64) -> Address {
        Address(self.0.wrapping_add_signed(bytes))
    }

    /// Bytes from `earlier` to here, or none when `earlier` is later.
    pub fn distance_from(self, earlier: Address) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// The start of the aligned block of `size` bytes (a power of two) that holds this address.
    pub fn align_down(self, size: u64) -> Address {
        Address(self.0 & !(size - 1))
    }
}

impl fmt::Display for Address {
    /// DbgEng's form: sixteen hexadecimal digits with a back-tick in the middle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}`{:08x}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A run of bytes in a debuggee: `start` and a length in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct AddressRange {
    /// First byte.
    #[n(0)]
    pub start: Address,
    /// Length in bytes.
    #[n(1)]
    pub length: u64,
}

impl AddressRange {
    /// The range of `length` bytes at `start`.
    pub fn new(start: Address, length: u64) -> AddressRange {
        AddressRange { start, length }
    }

    /// One past the last byte, clamped to the end of the address space.
    pub fn end(self) -> Address {
        Address(self.start.0.saturating_add(self.length))
    }

    /// Whether `address` is one of the bytes.
    pub fn contains(self, address: Address) -> bool {
        address
            .distance_from(self.start)
            .is_some_and(|distance| distance < self.length)
    }

    /// The bytes that both ranges share, or none.
    pub fn intersection(self, other: AddressRange) -> Option<AddressRange> {
        let start = self.start.max(other.start);
        let end = self.end().min(other.end());
        let length = end.distance_from(start).filter(|length| *length > 0)?;
        Some(AddressRange { start, length })
    }
}

/// An offset from the place where an image was linked to load: `address - load bias`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Rva(#[n(0)] pub u64);

/// An offset in a file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct FileOffset(#[n(0)] pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_only_where_both_have_bytes() {
        let low = AddressRange::new(Address(0x10), 0x10);
        let high = AddressRange::new(Address(0x18), 0x10);
        assert_eq!(low.intersection(high), Some(AddressRange::new(Address(0x18), 8)));
        assert_eq!(low.intersection(AddressRange::new(Address(0x20), 4)), None);
    }

    #[test]
    fn the_last_byte_of_the_address_space_is_contained() {
        let top = AddressRange::new(Address(u64::MAX), 1);
        assert!(top.contains(Address(u64::MAX)));
        assert!(!top.contains(Address(0)));
    }
}
