//! What parameters were when a function was called, as its caller's call site tells.
//!
//! A call site is believed only where it surely is the call of this very function: between the frames of the stack there
//! may have been others that are gone (tail calls), and then what the caller passed was passed to another function. Nor is
//! it where the function may have called itself last, by way of whatever others: the caller tells of the first time only.

use gimli::{Expression, Operation, Value};

use super::{
    Machine, Scope, Slice, ValueContext, ValueError, ValueFrame, damaged, ends_locations_at_calls, number, value_type,
};
use crate::debug::reader::MAX_REFERENCES;
use crate::debug::{DebugReader, DieId, Entry, Unit};

/// How deep calls lie in blocks and inlined functions of their function.
const MOST_DEPTH: isize = 256;

impl<'r, 'a> Machine<'_, 'r, 'a> {
    /// The value that an expression had when the frame's function was called.
    pub(super) fn entry_value(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        expression: Expression<Slice<'a>>,
    ) -> Result<Value, ValueError> {
        let register = single_register(expression, unit.unit.encoding()).ok_or(ValueError::EntryValue)?;
        self.passed(scope, |_, unit, parameter| {
            let place = parameter.attr_value(gimli::DW_AT_location)?.exprloc_value()?;
            Some(single_register(place, unit.unit.encoding()) == Some(register))
        })
    }

    /// The value of a parameter that the function was called with and did not keep.
    pub(super) fn parameter_value(&mut self, scope: Scope<'r, 'a>, wanted: DieId) -> Result<Value, ValueError> {
        let frame = self.frame(scope)?;
        let own = frame.reader.map(|reader| origin(reader, wanted));
        self.passed(scope, |reader, unit, parameter| {
            let named = reader
                .referred(unit, parameter, gimli::DW_AT_call_parameter)
                .or_else(|| reader.referred(unit, parameter, gimli::DW_AT_abstract_origin))?;
            let same_module = frame.reader.is_some_and(|own| std::ptr::eq(own, reader));
            Some(same_module && Some(origin(reader, named)) == own)
        })
    }

    /// What the caller passed as the parameter that `is_wanted` knows.
    fn passed(
        &mut self,
        scope: Scope<'r, 'a>,
        is_wanted: impl Fn(&'r DebugReader<'a>, &Unit<'a>, &Entry<'a>) -> Option<bool>,
    ) -> Result<Value, ValueError> {
        let callee = self.frame(scope)?;
        let level = scope.level + 1;
        let caller = self.frames.get(level).copied().ok_or(ValueError::EntryValue)?;
        let (Some(reader), Some(function)) = (caller.reader, caller.function) else {
            return Err(ValueError::EntryValue);
        };
        let scope = Scope {
            reader,
            bias: caller.bias,
            level,
        };
        let unit = reader.unit(function.unit).map_err(|_| ValueError::EntryValue)?;
        let site = call_site(&unit, function, caller.pc.0).ok_or(ValueError::EntryValue)?;
        if !self.is_call_of(scope, &unit, &site, &callee) {
            return Err(ValueError::EntryValue);
        }
        if self.may_come_back(&callee) {
            return Err(ValueError::EntryValue);
        }
        let mut value = None;
        let looked = reader.children(&unit, &site, |parameter| {
            let is_parameter = matches!(
                parameter.tag(),
                gimli::DW_TAG_call_site_parameter | gimli::DW_TAG_GNU_call_site_parameter
            );
            if is_parameter && is_wanted(reader, &unit, parameter) == Some(true) {
                value = parameter
                    .attr_value(gimli::DW_AT_call_value)
                    .or_else(|| parameter.attr_value(gimli::DW_AT_GNU_call_site_value))
                    .and_then(|value| value.exprloc_value());
            }
            value.is_none()
        });
        looked.map_err(|_| ValueError::EntryValue)?;
        let expression = value.ok_or(ValueError::EntryValue)?;
        let outer = std::mem::replace(&mut self.holds_over_calls, ends_locations_at_calls(&unit));
        let passed = match single_operation(expression, unit.unit.encoding()) {
            // An evaluation takes what it ends with for an address, which this is not.
            Some(Operation::TypedLiteral { base_type, value }) => typed(&unit, base_type, value),
            _ => self.value(scope, &unit, expression, None),
        };
        self.holds_over_calls = outer;
        passed.map_err(|error| match error {
            ValueError::NotYet => ValueError::NotYet,
            // What the caller says is in terms of what it has lost itself.
            _ => ValueError::EntryValue,
        })
    }

    /// Whether the function of a frame may be there again, in the place of an earlier call of it.
    fn may_come_back(&self, callee: &ValueFrame<'r, 'a>) -> bool {
        let (Some(own), Some(function)) = (callee.reader, callee.function) else {
            return true;
        };
        let context: &dyn ValueContext = &*self.context;
        own.may_come_back(function, &|name| context.function_named(callee.bias, name))
    }

    /// Whether a call site calls the function of a frame.
    fn is_call_of(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        site: &Entry<'a>,
        callee: &ValueFrame<'r, 'a>,
    ) -> bool {
        let (Some(own), Some(function)) = (callee.reader, callee.function) else {
            return false;
        };
        let named = scope
            .reader
            .referred(unit, site, gimli::DW_AT_call_origin)
            .or_else(|| scope.reader.referred(unit, site, gimli::DW_AT_abstract_origin));
        if let Some(named) = named {
            let same_module = std::ptr::eq(own, scope.reader);
            if same_module && origin(own, function) == origin(scope.reader, named) {
                return true;
            }
            // It may be declared in the caller's unit and defined in the callee's.
            let called = link_name(scope.reader, named);
            return called.is_some() && called == link_name(own, function);
        }
        let target = site
            .attr_value(gimli::DW_AT_call_target)
            .or_else(|| site.attr_value(gimli::DW_AT_GNU_call_site_target))
            .and_then(|target| target.exprloc_value());
        let Some(target) = target else {
            return false;
        };
        let outer = std::mem::replace(&mut self.holds_over_calls, ends_locations_at_calls(unit));
        let address = self.value(scope, unit, target, None).and_then(number);
        self.holds_over_calls = outer;
        let entry = own.entry(function).ok().and_then(|(unit, entry)| {
            let ranges = unit.ranges_of(&entry).ok()?;
            ranges.first().map(|range| range.start.0.wrapping_add(callee.bias))
        });
        address.is_ok() && address.ok() == entry
    }
}

/// The operation of an expression that has no other.
fn single_operation(expression: Expression<Slice<'_>>, encoding: gimli::Encoding) -> Option<Operation<Slice<'_>>> {
    let mut operations = expression.operations(encoding);
    let single = operations.next().ok()??;
    operations.next().ok()?.is_none().then_some(single)
}

/// The register that an expression of one operation names.
fn single_register(expression: Expression<Slice<'_>>, encoding: gimli::Encoding) -> Option<u16> {
    match single_operation(expression, encoding)? {
        // The number, or floating-point number, that it holds says the same of its value.
        Operation::Register { register }
        | Operation::RegisterOffset {
            register, offset: 0, ..
        } => Some(register.0),
        _ => None,
    }
}

fn typed<'a>(unit: &Unit<'a>, base_type: gimli::UnitOffset, value: Slice<'a>) -> Result<Value, ValueError> {
    Value::parse(value_type(unit, base_type)?, value).map_err(damaged)
}

/// The call of a function that returns to a place.
fn call_site<'a>(unit: &Unit<'a>, function: DieId, pc: u64) -> Option<Entry<'a>> {
    let offset = gimli::UnitOffset(usize::try_from(function.offset).ok()?);
    let mut entries = unit.unit.entries_at_offset(offset).ok()?;
    let base = entries.next_dfs().ok()??.depth();
    while let Some(entry) = entries.next_dfs().ok()? {
        let depth = entry.depth() - base;
        if depth <= 0 || depth > MOST_DEPTH {
            return None;
        }
        let returns_to = match entry.tag() {
            gimli::DW_TAG_call_site => entry.attr_value(gimli::DW_AT_call_return_pc),
            gimli::DW_TAG_GNU_call_site => entry.attr_value(gimli::DW_AT_low_pc),
            _ => None,
        };
        let address = returns_to.and_then(|value| unit.of().attr_address(value).ok()?);
        if address == Some(pc) {
            return Some(entry.clone());
        }
    }
    None
}

/// The entry that an instance or a definition goes back to.
fn origin(reader: &DebugReader<'_>, id: DieId) -> DieId {
    let mut id = id;
    for _ in 0..MAX_REFERENCES {
        let next = reader.entry(id).ok().and_then(|(unit, entry)| {
            reader
                .referred(&unit, &entry, gimli::DW_AT_abstract_origin)
                .or_else(|| reader.referred(&unit, &entry, gimli::DW_AT_specification))
        });
        match next {
            Some(next) => id = next,
            None => break,
        }
    }
    id
}

/// The name that the linker knows a function by.
fn link_name(reader: &DebugReader<'_>, id: DieId) -> Option<String> {
    let linked = reader
        .inherited(id, gimli::DW_AT_linkage_name)
        .and_then(|(unit, value)| unit.text(value));
    linked.or_else(|| reader.name(id))
}
