//! Where functions begin, in their own code and where they were inlined, and where variables lie.

use std::collections::{BTreeSet, HashMap};

use farsight_types::Rva;
use gimli::{AttributeValue, Operation};

use super::super::reader::Entry;
use super::super::{DebugInfo, DebugReader, DieId, Unit, UnitId};
use super::build::{Cancelled, Watch, share, worker_count};
use super::walk::{self, Found};
use super::{NameIndex, Named, Role};

/// Most operations of a variable's location that are looked at.
const MAX_OPERATIONS: usize = 8;

impl NameIndex {
    /// Where each of these functions begins: its own code, or each copy of one that was inlined. Looks through the
    /// units that can have copies once, however many functions there are.
    pub fn places(&self, info: &DebugInfo, functions: &[Named], watch: &Watch) -> Result<Vec<Vec<Rva>>, Cancelled> {
        let reader = info.reader();
        let mut places: Vec<Vec<Rva>> = Vec::with_capacity(functions.len());
        let mut inlined: HashMap<DieId, usize> = HashMap::new();
        for (at, function) in functions.iter().enumerate() {
            places.push(match function.role {
                Role::Definition => reader.code_start(function.id).into_iter().collect(),
                Role::Abstract => {
                    inlined.insert(function.id, at);
                    Vec::new()
                }
            });
        }
        if !inlined.is_empty() {
            let units: BTreeSet<u32> = inlined
                .keys()
                .map(|id| id.unit.0)
                .chain(self.far_units.iter().copied())
                .collect();
            let units: Vec<UnitId> = units.into_iter().map(UnitId).collect();
            for (at, place) in copies(info, &units, &inlined, watch)? {
                if let Some(places) = places.get_mut(at) {
                    places.push(place);
                }
            }
        }
        for places in &mut places {
            places.sort_unstable();
            places.dedup();
        }
        Ok(places)
    }
}

impl DebugInfo {
    /// All places of the function of a plain name that begins at `rva`, where one unit alone can have them: for a
    /// function of C that other units cannot inline. None where only the index can tell.
    pub fn places_in_unit(&self, rva: Rva, name: &str) -> Option<Vec<Rva>> {
        let reader = self.reader();
        let unit = reader.parse(self.unit_at(rva)?).ok()?;
        if !walk::is_alone(&unit) {
            return None;
        }
        let mut found = Found::default();
        found.unit(&reader, &unit);
        let named = found.functions_named(name);
        let mut places = BTreeSet::new();
        let mut inlined = HashMap::new();
        for function in named {
            match function.role {
                Role::Definition => places.extend(reader.code_start(function.id)),
                Role::Abstract => {
                    inlined.insert(function.id, 0);
                }
            }
        }
        if !inlined.is_empty() {
            walk::copies(&reader, &unit, &inlined, &mut |_, place| {
                places.insert(place);
            });
        }
        places.contains(&rva).then(|| places.into_iter().collect())
    }
}

/// The copies of functions that were inlined, each with the function's number.
fn copies(
    info: &DebugInfo,
    units: &[UnitId],
    wanted: &HashMap<DieId, usize>,
    watch: &Watch,
) -> Result<Vec<(usize, Rva)>, Cancelled> {
    let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
    watch.begin(count);
    let workers = (0..worker_count(count)).map(|_| Vec::new()).collect();
    let found = share(count, watch, workers, |found: &mut Vec<(usize, Rva)>, numbers| {
        let reader = info.reader();
        for number in numbers {
            let unit = units.get(number as usize).and_then(|unit| reader.parse(*unit).ok());
            if let Some(unit) = unit {
                walk::copies(&reader, &unit, wanted, &mut |at, place| found.push((at, place)));
            }
            watch.step();
        }
    })?;
    Ok(found.into_iter().flatten().collect())
}

impl DebugReader<'_> {
    /// Where a function with code of its own begins.
    pub fn code_start(&self, function: DieId) -> Option<Rva> {
        let (unit, entry) = self.entry(function).ok()?;
        start_of(&unit, &entry)
    }

    /// Where a variable lies that has one place for all the program's run; none for those of threads, and those that
    /// were optimised out.
    pub fn static_place(&self, variable: DieId) -> Option<Rva> {
        let (unit, location) = self.inherited(variable, gimli::DW_AT_location)?;
        let AttributeValue::Exprloc(expression) = location else {
            return None;
        };
        let mut operations = expression.operations(unit.unit.encoding());
        let mut place: Option<u64> = None;
        for _ in 0..MAX_OPERATIONS {
            place = match (operations.next().ok()?, place) {
                (None, place) => return place.filter(|place| *place != 0).map(Rva),
                (Some(Operation::Address { address }), None) => Some(address),
                (Some(Operation::AddressIndex { index }), None) => Some(unit.of().address(index).ok()?),
                (Some(Operation::PlusConstant { value }), Some(place)) => Some(place.wrapping_add(value)),
                _ => return None,
            };
        }
        None
    }
}

/// The first instruction of a function or of an inlined copy: its `DW_AT_entry_pc`, otherwise where its code begins.
pub(super) fn start_of<'a>(unit: &Unit<'a>, entry: &Entry<'a>) -> Option<Rva> {
    let ranges = unit.ranges_of(entry).ok()?;
    // The first range is where a function is entered: what is moved away from it stands behind in the list.
    let first = ranges.first()?.start;
    let entered = match entry.attr_value(gimli::DW_AT_entry_pc) {
        Some(AttributeValue::Addr(address)) => Some(address),
        Some(AttributeValue::DebugAddrIndex(index)) => unit.of().address(index).ok(),
        Some(value) => value.udata_value().map(|offset| first.0.wrapping_add(offset)),
        None => None,
    };
    let inside = |place: &Rva| ranges.iter().any(|range| range.contains(place));
    Some(entered.map(Rva).filter(inside).unwrap_or(first))
}
