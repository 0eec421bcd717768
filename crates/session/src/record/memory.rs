//! Memory as data: what was asked for, what could be read, and how it shall be laid out.

use farsight_types::{Address, AddressRange};
use minicbor::{Decode, Encode};

use super::SymbolName;

/// How memory is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DumpFormat {
    /// `db`: bytes and characters.
    #[n(0)]
    Bytes,
    /// `dw`: 16-bit words.
    #[n(1)]
    Words,
    /// `dW`: 16-bit words and characters.
    #[n(2)]
    WordsAndText,
    /// `dd`: 32-bit words.
    #[n(3)]
    DoubleWords,
    /// `dc`: 32-bit words and characters.
    #[n(4)]
    DoubleWordsAndText,
    /// `dq`, `dp`: 64-bit words.
    #[n(5)]
    QuadWords,
    /// `da`: a string of bytes, up to its NUL.
    #[n(6)]
    Ascii,
    /// `du`: a string of UTF-16, up to its NUL.
    #[n(7)]
    Unicode,
    /// `dps`: 64-bit words, one a line, each with its symbol.
    #[n(8)]
    Symbols,
    /// `df`: 32-bit floating point.
    #[n(9)]
    Floats,
    /// `dD`: 64-bit floating point.
    #[n(10)]
    Doubles,
    /// `dds`: 32-bit words, one a line, each with its symbol.
    #[n(11)]
    ShortSymbols,
    /// `dyb`: bits and bytes.
    #[n(12)]
    BinaryBytes,
    /// `dyd`: bits and 32-bit words.
    #[n(13)]
    BinaryDoubleWords,
}

impl DumpFormat {
    /// Bytes of one element: what `L n` counts.
    pub fn element_size(self) -> u64 {
        match self {
            DumpFormat::Bytes | DumpFormat::Ascii | DumpFormat::BinaryBytes => 1,
            DumpFormat::Words | DumpFormat::WordsAndText | DumpFormat::Unicode => 2,
            DumpFormat::DoubleWords | DumpFormat::DoubleWordsAndText | DumpFormat::Floats => 4,
            DumpFormat::ShortSymbols | DumpFormat::BinaryDoubleWords => 4,
            DumpFormat::QuadWords | DumpFormat::Symbols | DumpFormat::Doubles => 8,
        }
    }

    /// Elements shown when no length is given.
    pub fn default_count(self) -> u64 {
        match self {
            DumpFormat::Bytes => 128,
            DumpFormat::Words | DumpFormat::WordsAndText => 64,
            DumpFormat::DoubleWords | DumpFormat::DoubleWordsAndText => 32,
            DumpFormat::QuadWords | DumpFormat::Symbols | DumpFormat::Floats => 16,
            DumpFormat::Doubles => 15,
            DumpFormat::ShortSymbols | DumpFormat::BinaryBytes => 32,
            DumpFormat::BinaryDoubleWords => 8,
            DumpFormat::Ascii | DumpFormat::Unicode => 256,
        }
    }
}

/// Bytes that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MemoryPart {
    /// Where they begin.
    #[n(0)]
    pub address: Address,
    /// The bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

/// A symbol that the word at an address points to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PointedSymbol {
    /// Where the word is.
    #[n(0)]
    pub at: Address,
    /// What it points to.
    #[n(1)]
    pub symbol: SymbolName,
}

/// `d*`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MemoryDump {
    /// How it is laid out.
    #[n(0)]
    pub format: DumpFormat,
    /// What was asked for.
    #[n(1)]
    pub range: AddressRange,
    /// What could be read of it, ascending, without overlaps. What no part covers is shown as unreadable.
    #[n(2)]
    pub parts: Vec<MemoryPart>,
    /// Elements a line (`/cN`); none for the format's own.
    #[n(3)]
    pub columns: Option<u32>,
    /// For [`DumpFormat::Symbols`]: what words point to.
    #[n(4)]
    pub symbols: Vec<PointedSymbol>,
}

impl MemoryDump {
    /// A dump in the format's own layout.
    pub fn new(format: DumpFormat, range: AddressRange, parts: Vec<MemoryPart>) -> MemoryDump {
        MemoryDump {
            format,
            range,
            parts,
            columns: None,
            symbols: Vec::new(),
        }
    }

    /// The byte at an address; none where it could not be read.
    pub fn byte(&self, address: Address) -> Option<u8> {
        let behind = self.parts.partition_point(|part| part.address <= address);
        let part = self.parts.get(behind.checked_sub(1)?)?;
        let index = usize::try_from(address.distance_from(part.address)?).ok()?;
        part.bytes.get(index).copied()
    }

    /// The little-endian word of at most 8 bytes at an address; none where a byte of it could not be read.
    pub fn word(&self, address: Address, size: u64) -> Option<u64> {
        (0..size.min(8)).try_fold(0, |word, index| {
            let byte = self.byte(address.checked_add(index)?)?;
            Some(word | u64::from(byte) << (8 * index))
        })
    }
}

/// One byte that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Difference {
    /// Where the first block has it.
    #[n(0)]
    pub left: Address,
    /// What is there.
    #[n(1)]
    pub left_byte: u8,
    /// Where the second block has it.
    #[n(2)]
    pub right: Address,
    /// What is there.
    #[n(3)]
    pub right_byte: u8,
}

/// `c`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Differences {
    /// Ascending.
    #[n(0)]
    pub rows: Vec<Difference>,
}

/// Where a pointer leads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Pointee {
    /// Memory that cannot be read.
    #[n(0)]
    Nothing,
    /// A text of bytes, without its NUL.
    #[n(1)]
    Text(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A text of UTF-16, without its NUL.
    #[n(2)]
    WideText(#[n(0)] Vec<u16>),
    /// A word.
    #[n(3)]
    Word {
        /// Its value.
        #[n(0)]
        value: u64,
        /// What it points to in its turn.
        #[n(1)]
        symbol: Option<SymbolName>,
    },
}

/// One pointer with what it points to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PointerRow {
    /// Where the pointer is.
    #[n(0)]
    pub at: Address,
    /// Its value; none where it could not be read.
    #[n(1)]
    pub value: Option<u64>,
    /// Where it leads.
    #[n(2)]
    pub pointee: Pointee,
}

/// `dda`, `dpp` and their kin.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pointers {
    /// Bytes of a pointer: 4 or 8.
    #[n(0)]
    pub size: u8,
    /// Ascending.
    #[n(1)]
    pub rows: Vec<PointerRow>,
}

/// `s`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SearchHits {
    /// How each hit is shown.
    #[n(0)]
    pub format: DumpFormat,
    /// Each hit, with up to a line of bytes from its start.
    #[n(1)]
    pub hits: Vec<MemoryPart>,
    /// Addresses alone (`-[1]`).
    #[n(2)]
    pub addresses_only: bool,
    /// There were more than were asked to be shown.
    #[n(3)]
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_hole_in_them_are_not_there() {
        let parts = [(0x1000, vec![1, 2, 3, 4, 5]), (0x1006, vec![7, 8])]
            .map(|(address, bytes)| MemoryPart {
                address: Address(address),
                bytes,
            })
            .to_vec();
        let dump = MemoryDump::new(DumpFormat::DoubleWords, AddressRange::new(Address(0x1000), 8), parts);
        assert_eq!(dump.word(Address(0x1000), 4), Some(0x0403_0201));
        assert_eq!(dump.word(Address(0x1004), 4), None);
        assert_eq!(dump.byte(Address(0x1005)), None);
        assert_eq!(dump.byte(Address(0xfff)), None);
        assert_eq!(dump.word(Address(u64::MAX), 2), None);
    }
}
