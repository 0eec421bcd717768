//! What a server says of an image that is mapped in a debuggee, so that the engine need not read headers over the link.

use farsight_types::{Address, BuildId, FileOffset};
use minicbor::{Decode, Encode};

/// One mapped image: the program, a shared library, the dynamic linker, or the vdso.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Image {
    /// Where its first byte is mapped.
    #[n(0)]
    pub base: Address,
    /// Bytes from `base` to the end of its last segment.
    #[n(1)]
    pub size: u64,
    /// Address in memory minus address in the file's own numbering; 0 for a program linked to a fixed place.
    #[n(2)]
    pub bias: u64,
    /// The file, as the debuggee names it; `[vdso]` for the vdso.
    #[n(3)]
    pub path: String,
    /// The identity that decides which symbols fit.
    #[n(4)]
    pub build_id: Option<BuildId>,
    /// Name in `.gnu_debuglink`, and the checksum of the file it means.
    #[n(5)]
    pub debug_link: Option<String>,
    /// The checksum that belongs to `debug_link`.
    #[n(6)]
    pub debug_link_crc: Option<u32>,
    /// Sections that symbols and unwinding need, those the file has. Addresses are in the file's own numbering.
    #[n(7)]
    pub sections: Vec<Section>,
    /// Whether this is the program itself.
    #[n(8)]
    pub is_program: bool,
    /// Entry point in memory.
    #[n(9)]
    pub entry: Option<Address>,
    /// Length of the file in bytes; none where the file cannot be read.
    #[n(10)]
    pub file_size: Option<u64>,
}

/// Where a section lies in its file and, when it is loaded, in memory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Section {
    /// Such as `.eh_frame`.
    #[n(0)]
    pub name: String,
    /// Link-time address; 0 where it is not loaded.
    #[n(1)]
    pub address: u64,
    /// Place in the file.
    #[n(2)]
    pub offset: FileOffset,
    /// Length in bytes.
    #[n(3)]
    pub size: u64,
    /// Whether it is part of the mapped image, so that memory can stand in for the file.
    #[n(4)]
    pub loaded: bool,
    /// ELF section flags; bit 11 says that the bytes are compressed.
    #[n(5)]
    pub flags: u64,
    /// ELF section type.
    #[n(6)]
    pub kind: u32,
}
