//! The storage that each thread has of an image (`PT_TLS`).

use farsight_types::{Address, Rva};
use gimli::{LittleEndian, Reader};

use super::Image;

/// Program header types and relocation types (System V ABI, x86-64).
const PT_TLS: u32 = 7;
const R_X86_64_DTPMOD64: u32 = 16;
/// Program headers of sane images.
const MOST_HEADERS: u16 = 512;

/// What an image wants of each thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadStorage {
    /// Bytes.
    pub size: u64,
    /// The alignment of its start.
    pub align: u64,
    /// A word, at its place in the image's own numbering, that the loader fills with the image's number among those with
    /// such storage; only images that were made for sharing have one.
    pub module_slot: Option<Address>,
}

impl ThreadStorage {
    /// None where the image has no such storage.
    pub fn of(image: &dyn Image) -> Option<ThreadStorage> {
        let base = image.layout().link_base;
        // The ELF header: e_phoff at 32, e_phnum at 56.
        let header = image.bytes_at(base, 64);
        let offset = u64::from_le_bytes(header.get(32..40)?.try_into().ok()?);
        let count = u16::from_le_bytes(header.get(56..58)?.try_into().ok()?).min(MOST_HEADERS);
        let table = image.bytes_at(Rva(base.0.checked_add(offset)?), usize::from(count) * 56);
        // Each header: p_type at 0, p_memsz at 40, p_align at 48.
        let tls = table
            .chunks_exact(56)
            .find(|header| header.starts_with(&PT_TLS.to_le_bytes()))?;
        Some(ThreadStorage {
            size: u64::from_le_bytes(tls.get(40..48)?.try_into().ok()?),
            align: u64::from_le_bytes(tls.get(48..56)?.try_into().ok()?),
            module_slot: module_slot(image),
        })
    }
}

/// The first relocation that asks for the image's own number: as that, or as the number of whoever has a variable that the
/// image has itself and shares. Another's variable of the same name may have come before that one.
fn module_slot(image: &dyn Image) -> Option<Address> {
    let bytes = image.section_named(".rela.dyn")?;
    let symbols = image.section_named(".dynsym");
    // A symbol of 24 bytes has its section at 6, 0 where another image has to have it.
    let is_own = |symbol: u64| {
        let at = usize::try_from(symbol).ok()?.checked_mul(24)?.checked_add(6)?;
        let section = symbols.as_ref()?.get(at..at.checked_add(2)?)?;
        Some(section != [0, 0])
    };
    let mut entries = gimli::EndianSlice::new(&bytes, LittleEndian);
    let mut shared = None;
    while let (Ok(offset), Ok(info), Ok(())) = (entries.read_u64(), entries.read_u64(), entries.skip(8)) {
        match (info as u32, info >> 32) {
            (R_X86_64_DTPMOD64, 0) => return Some(Address(offset)),
            (R_X86_64_DTPMOD64, symbol) if shared.is_none() && is_own(symbol) == Some(true) => {
                shared = Some(Address(offset));
            }
            _ => {}
        }
    }
    shared
}
