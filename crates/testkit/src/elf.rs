//! As much of ELF as tests need: the value of a symbol in a file's symbol tables.

use std::fs;
use std::path::Path;

const SYMTAB: u32 = 2;
const DYNSYM: u32 = 11;

/// The link-time address of a symbol, from `.symtab` or `.dynsym`.
///
/// # Panics
/// When the file has no such symbol.
#[track_caller]
pub fn symbol(path: &Path, name: &str) -> u64 {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    find(&bytes, name).unwrap_or_else(|| panic!("{} has no symbol '{name}'", path.display()))
}

fn find(bytes: &[u8], name: &str) -> Option<u64> {
    let sections_at = u64_at(bytes, 40)? as usize;
    let (entry, count) = (u16_at(bytes, 58)? as usize, u16_at(bytes, 60)? as usize);
    let section = |index: usize| bytes.get(sections_at + index * entry..)?.get(..entry);
    for index in 0..count {
        let header = section(index)?;
        if !matches!(u32_at(header, 4)?, SYMTAB | DYNSYM) {
            continue;
        }
        let symbols = contents(bytes, header)?;
        let names = contents(bytes, section(u32_at(header, 40)? as usize)?)?;
        let value = symbols.chunks_exact(24).find_map(|symbol| {
            let text = names.get(u32_at(symbol, 0)? as usize..)?;
            let defined = u16_at(symbol, 6)? != 0;
            let named = text.strip_prefix(name.as_bytes())?.first() == Some(&0);
            (defined && named).then(|| u64_at(symbol, 8)).flatten()
        });
        if value.is_some() {
            return value;
        }
    }
    None
}

fn contents<'a>(bytes: &'a [u8], header: &[u8]) -> Option<&'a [u8]> {
    bytes
        .get(u64_at(header, 24)? as usize..)?
        .get(..u64_at(header, 32)? as usize)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
