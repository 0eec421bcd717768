//! What a unit's root says of all of the unit, read with as little of the rest as can be.

use std::sync::Arc;

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugAddrBase, DebugLineOffset, DebugLocListsBase,
    DebugRngListsBase, DebugStrOffsetsBase, DebugTypes, DebugTypesOffset, Dwarf, EndianSlice, LittleEndian, Reader,
    Section, UnitHeader, UnitType,
};

use super::{DebugError, Slice};

/// Attributes of one shape, and shapes before the root's; only hostile tables have more.
const MOST_ATTRIBUTES: usize = 256;
const MOST_SHAPES: usize = 4096;

/// The shape of a unit's root alone; none where it is not found.
pub(super) fn abbreviations(dwarf: &Dwarf<Slice<'_>>, header: &UnitHeader<Slice<'_>>) -> Option<Abbreviations> {
    let table = dwarf.debug_abbrev.reader().slice();
    let table = table.get(header.debug_abbrev_offset().0..)?;
    let mut root = header.range_from(header.root_offset()..).ok()?;
    let mut alone = declaration(table, root.read_uleb128().ok()?)?.to_vec();
    alone.push(0);
    let section = DebugAbbrev::new(&alone, LittleEndian);
    section.abbreviations(DebugAbbrevOffset(0)).ok()
}

/// The bytes of the declaration of a code. Some compilers put the shapes that are used most first.
fn declaration(table: &[u8], code: u64) -> Option<&[u8]> {
    let mut rest = EndianSlice::new(table, LittleEndian);
    for _ in 0..MOST_SHAPES {
        let start = table.len().checked_sub(rest.len())?;
        let found = rest.read_uleb128().ok().filter(|code| *code != 0)?;
        pass_over(&mut rest)?;
        if found == code {
            return table.get(start..table.len().checked_sub(rest.len())?);
        }
    }
    None
}

/// Passes over what follows a declaration's code.
fn pass_over(rest: &mut Slice<'_>) -> Option<()> {
    let _tag = rest.read_uleb128().ok()?;
    let _has_children = rest.read_u8().ok()?;
    for _ in 0..MOST_ATTRIBUTES {
        let attribute = (rest.read_uleb128().ok()?, rest.read_uleb128().ok()?);
        if attribute == (0, 0) {
            return Some(());
        }
        if attribute.1 == u64::from(gimli::DW_FORM_implicit_const.0) {
            rest.read_sleb128().ok()?;
        }
    }
    None
}

/// The header of the type unit at an offset of `.debug_types`. It counts its own place from its start.
pub(super) fn type_unit_header<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    offset: DebugTypesOffset,
) -> Result<UnitHeader<Slice<'a>>, DebugError> {
    let section = dwarf.debug_types.reader().slice();
    let rest = section.get(offset.0..).ok_or(DebugError::Reference)?;
    let from_here = DebugTypes::from(EndianSlice::new(rest, LittleEndian));
    from_here.units().next()?.ok_or(DebugError::Reference)
}

/// A unit without its line program, and where that is: its tables of files are long, and few questions need them.
pub(super) fn unit<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    header: UnitHeader<Slice<'a>>,
    abbreviations: Arc<Abbreviations>,
) -> Result<(gimli::Unit<Slice<'a>>, Option<DebugLineOffset>), DebugError> {
    let (encoding, file) = (header.encoding(), dwarf.file_type);
    let mut unit = gimli::Unit {
        abbreviations,
        name: None,
        comp_dir: None,
        low_pc: 0,
        str_offsets_base: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file),
        addr_base: DebugAddrBase(0),
        loclists_base: DebugLocListsBase::default_for_encoding_and_file(encoding, file),
        rnglists_base: DebugRngListsBase::default_for_encoding_and_file(encoding, file),
        line_program: None,
        dwo_id: match header.type_() {
            UnitType::Skeleton(id) | UnitType::SplitCompilation(id) => Some(id),
            _ => None,
        },
        header,
    };
    let (mut name, mut directory, mut start, mut lines) = (None, None, None, None);
    let root = {
        let mut entries = unit.entries();
        let root = entries.next_dfs()?.cloned();
        root.ok_or(DebugError::Reference)?
    };
    for attribute in root.attrs() {
        // The bases come in any order, and texts and addresses need them.
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_name, value) => name = Some(value),
            (gimli::DW_AT_comp_dir, value) => directory = Some(value),
            (gimli::DW_AT_low_pc, value) => start = Some(value),
            (gimli::DW_AT_stmt_list, AttributeValue::DebugLineRef(offset)) => lines = Some(offset),
            (_, AttributeValue::DebugStrOffsetsBase(base)) => unit.str_offsets_base = base,
            (_, AttributeValue::DebugAddrBase(base)) => unit.addr_base = base,
            (_, AttributeValue::DebugLocListsBase(base)) => unit.loclists_base = base,
            (_, AttributeValue::DebugRngListsBase(base)) => unit.rnglists_base = base,
            (_, AttributeValue::DwoId(id)) => unit.dwo_id = unit.dwo_id.or(Some(id)),
            _ => {}
        }
    }
    unit.name = name.and_then(|value| dwarf.attr_string(&unit, value).ok());
    unit.comp_dir = directory.and_then(|value| dwarf.attr_string(&unit, value).ok());
    if let Some(start) = start
        && let Some(address) = dwarf.attr_address(&unit, start)?
    {
        unit.low_pc = address;
    }
    Ok((unit, lines))
}
