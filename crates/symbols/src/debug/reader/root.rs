//! What a unit's root says of all of the unit, read with as little of the rest as can be.

use std::sync::Arc;

use gimli::{
    Abbreviations, AttributeValue, DebugAddrBase, DebugLineOffset, DebugLocListsBase, DebugRngListsBase,
    DebugStrOffsetsBase, DebugTypes, DebugTypesOffset, Dwarf, EndianSlice, LittleEndian, Section, UnitHeader, UnitType,
};

use super::{DebugError, Slice};

/// The header of the type unit at an offset of `.debug_types`. It counts its own place from its start.
pub(in crate::debug) fn type_unit_header<'a>(
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
