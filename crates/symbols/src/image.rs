//! What an image is, whether all of it is here or only the pieces that came over the wire.

use std::sync::Arc;

use farsight_types::{Address, BuildId, Rva};

use crate::bytes::SharedBytes;

mod dynamic;
pub(crate) mod elf;
mod file;
mod parts;
mod relocatable;
mod threads;

pub use file::ImageFile;
pub use parts::{FileRange, ImageParts, PartsReader, PartsStep};
pub use threads::ThreadStorage;

/// Why bytes are not an image we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The bytes do not begin with an ELF header.
    #[error("not an ELF image")]
    NotElf,
    /// An ELF image of another class or byte order.
    #[error("an ELF image of a kind this build does not read: {what}")]
    UnsupportedClass {
        /// Such as "32-bit".
        what: &'static str,
    },
    /// An ELF image for another processor.
    #[error("an ELF image for another processor (e_machine {machine}); this build reads x86-64 images")]
    UnsupportedMachine {
        /// The header's `e_machine`.
        machine: u16,
    },
    /// The header points outside the bytes, or contradicts itself.
    #[error("a damaged ELF image: {what}")]
    Damaged {
        /// The part that is wrong, such as "program headers".
        what: &'static str,
    },
}

/// What sort of file an image came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// An executable that must load where it was linked (`ET_EXEC`).
    Executable,
    /// An executable that may load anywhere (`ET_DYN` with an interpreter or marked as a program).
    PositionIndependentExecutable,
    /// A shared object, the vdso included.
    SharedObject,
    /// A relocatable object, such as a kernel module (`ET_REL`).
    Relocatable,
    /// A core dump; only its segments mean anything.
    Core,
}

/// One entry of the section table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The section's name, such as `.text`.
    pub name: String,
    /// Where it was linked to load, or in a relocatable object is laid; zero for sections that do not load.
    pub address: Rva,
    /// Its size in memory, in bytes.
    pub size: u64,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// Where the file keeps it.
    pub file_offset: u64,
    /// `sh_link`: an index into the section table.
    pub link: u32,
    /// `sh_info`.
    pub info: u32,
}

/// One `PT_LOAD` segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it was linked to load (`p_vaddr`, not aligned).
    pub address: Rva,
    /// Bytes in memory.
    pub memory_size: u64,
    /// Where the file keeps it.
    pub file_offset: u64,
    /// Bytes in the file; the rest of `memory_size` is zeros.
    pub file_size: u64,
    /// `PF_R`.
    pub readable: bool,
    /// `PF_W`.
    pub writable: bool,
    /// `PF_X`.
    pub executable: bool,
}

/// `.gnu_debuglink`: the separate debug file's name and checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugLink {
    /// A bare file name.
    pub name: String,
    /// CRC-32 of the whole debug file; see [`crc_matches`](crate::crc_matches).
    pub crc: u32,
}

/// `.gnu_debugaltlink`, or `.debug_sup` in DWARF 5: the file of shared debug information that `dwz` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugAltLink {
    /// A path, often relative to the debug file.
    pub path: String,
    /// The shared file's build-id.
    pub build_id: BuildId,
}

/// Everything about an image except its sections' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayout {
    /// What sort of file it is.
    pub kind: ImageKind,
    /// Where the program begins; none for an image without an entry point.
    pub entry: Option<Rva>,
    /// Where the image's first page was linked to load: the lowest `p_vaddr`, page-aligned. Zero for most images.
    pub link_base: Rva,
    /// Bytes from `link_base` to the end of the last segment.
    pub size: u64,
    /// The loaded segments, in the file's order.
    pub segments: Vec<Segment>,
    /// The section table, the null section at index 0 included; empty where the file has none.
    pub sections: Vec<Section>,
    /// The build-id note; of a file of shared debug information without one, its checksum.
    pub build_id: Option<BuildId>,
    /// The separate debug file's name.
    pub debug_link: Option<DebugLink>,
    /// The shared debug file's name.
    pub debug_alt_link: Option<DebugAltLink>,
    /// The name that the image gives itself (`DT_SONAME`).
    pub soname: Option<String>,
}

impl ImageLayout {
    /// The load bias (`address - rva`, wrapping) of a module whose first byte (the start of its lowest mapping) lies at
    /// `base`.
    pub fn bias_at(&self, base: Address) -> u64 {
        base.0.wrapping_sub(self.link_base.0)
    }

    /// The index of the first section of this name.
    pub fn section_index(&self, name: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.name == name)
    }

    /// The section that holds a place in the loaded image.
    pub fn section_at(&self, rva: Rva) -> Option<(usize, &Section)> {
        self.sections.iter().enumerate().find(|(_, section)| {
            section.flags & elf::SHF_ALLOC != 0
                && section.flags & elf::SHF_TLS == 0
                && rva
                    .0
                    .checked_sub(section.address.0)
                    .is_some_and(|distance| distance < section.size)
        })
    }

    /// The segment that holds a place in the loaded image.
    pub fn segment_at(&self, rva: Rva) -> Option<&Segment> {
        self.segments.iter().find(|segment| {
            rva.0
                .checked_sub(segment.address.0)
                .is_some_and(|distance| distance < segment.memory_size)
        })
    }
}

/// An image: its layout, and as many of its bytes as are here.
///
/// [`SymbolTable`](crate::SymbolTable) and [`ModuleUnwind`](crate::ModuleUnwind) are built from any of its
/// implementers alike.
pub trait Image: Send + Sync {
    /// Everything but the sections' bytes.
    fn layout(&self) -> &ImageLayout;

    /// A section's bytes, uncompressed; none where it has none (`SHT_NOBITS`), where they are damaged, or where they
    /// did not come along.
    fn section_bytes(&self, index: usize) -> Option<SharedBytes>;

    /// Whether there are such bytes, without unpacking them to see.
    fn has_section_bytes(&self, index: usize) -> bool {
        self.section_bytes(index).is_some()
    }

    /// [`Image::section_bytes`] of the first section of this name.
    fn section_named(&self, name: &str) -> Option<SharedBytes> {
        self.section_bytes(self.layout().section_index(name)?)
    }

    /// Bytes of the loaded image as the file has them, before relocation: at most `length` from `rva`, fewer (possibly
    /// none) where the file ends or they did not come along. For code, which nobody relocates.
    fn bytes_at(&self, rva: Rva, length: usize) -> SharedBytes;
}

impl<T: Image + ?Sized> Image for Arc<T> {
    fn layout(&self) -> &ImageLayout {
        (**self).layout()
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        (**self).section_bytes(index)
    }

    fn has_section_bytes(&self, index: usize) -> bool {
        (**self).has_section_bytes(index)
    }

    fn bytes_at(&self, rva: Rva, length: usize) -> SharedBytes {
        (**self).bytes_at(rva, length)
    }
}
