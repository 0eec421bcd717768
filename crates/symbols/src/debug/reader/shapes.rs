//! Abbreviations: the shapes of a unit's entries, of one entry or of all.
//!
//! A shape of very many attributes, of which each may take no byte in an entry, would make the smallest unit take for
//! ever: such tables are refused.

use gimli::{
    Abbreviations, DebugAbbrev, DebugAbbrevOffset, Dwarf, EndianSlice, LittleEndian, Reader, Section, UnitHeader,
};

use super::{DebugError, Slice};

/// Attributes of one shape; compilers write a few dozen.
const MOST_ATTRIBUTES: usize = 256;
/// How far into a table the shape of a root is looked for; one further on is found with all others.
const ROOT_WITHIN: usize = 16 << 10;

/// The shape of a unit's root alone; none where it is not found.
pub(in crate::debug) fn of_root(dwarf: &Dwarf<Slice<'_>>, header: &UnitHeader<Slice<'_>>) -> Option<Abbreviations> {
    let table = dwarf.debug_abbrev.reader().slice();
    let table = table.get(header.debug_abbrev_offset().0..)?;
    let mut root = header.range_from(header.root_offset()..).ok()?;
    let mut alone = declaration(table, root.read_uleb128().ok()?)?.to_vec();
    alone.push(0);
    parse(&alone).ok()
}

/// The table that some bytes begin with. None where they end before it does, unless nothing follows them: some tools
/// leave out the end of the last table.
pub(in crate::debug) fn table(bytes: &[u8], is_last: bool) -> Option<Result<Abbreviations, DebugError>> {
    let mut rest = EndianSlice::new(bytes, LittleEndian);
    loop {
        if rest.is_empty() {
            return is_last.then(|| parse(bytes));
        }
        match rest.read_uleb128() {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return is_last.then_some(Err(error.into())),
        }
        if let Err(error) = pass_over(&mut rest) {
            let may_go_on = matches!(error, DebugError::Damaged(gimli::Error::UnexpectedEof(_)));
            return (is_last || !may_go_on).then_some(Err(error));
        }
    }
    let length = bytes.len().checked_sub(rest.len())?;
    bytes.get(..length).map(parse)
}

fn parse(table: &[u8]) -> Result<Abbreviations, DebugError> {
    Ok(DebugAbbrev::new(table, LittleEndian).abbreviations(DebugAbbrevOffset(0))?)
}

/// The bytes of the declaration of a code. Some compilers put the shapes that are used most first.
fn declaration(table: &[u8], code: u64) -> Option<&[u8]> {
    let table = table.get(..table.len().min(ROOT_WITHIN))?;
    let mut rest = EndianSlice::new(table, LittleEndian);
    loop {
        let start = table.len().checked_sub(rest.len())?;
        let found = rest.read_uleb128().ok().filter(|code| *code != 0)?;
        pass_over(&mut rest).ok()?;
        if found == code {
            return table.get(start..table.len().checked_sub(rest.len())?);
        }
    }
}

/// Passes over what follows a declaration's code.
fn pass_over(rest: &mut Slice<'_>) -> Result<(), DebugError> {
    let _tag = rest.read_uleb128()?;
    let _has_children = rest.read_u8()?;
    for _ in 0..MOST_ATTRIBUTES {
        let attribute = (rest.read_uleb128()?, rest.read_uleb128()?);
        if attribute == (0, 0) {
            return Ok(());
        }
        if attribute.1 == u64::from(gimli::DW_FORM_implicit_const.0) {
            rest.read_sleb128()?;
        }
    }
    Err(DebugError::Reference)
}
