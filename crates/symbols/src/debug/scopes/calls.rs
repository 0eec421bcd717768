//! The calls that a function makes: whom, with which arguments, and whether the callee returns here.

use farsight_types::Rva;

use super::{DebugReader, DieId, Visit, address};
use crate::debug::{Attribute, DebugError, Entry, Unit};

/// Most calls of one function.
const MOST_CALLS: usize = 1 << 18;
/// Most arguments of one call that are described.
const MOST_PARAMETERS: usize = 256;

/// Whom a call calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallTarget {
    /// This function: its definition or a declaration of it.
    Function(DieId),
    /// Whatever an expression says (`DW_AT_call_target`); it is at the call's entry.
    Computed,
    /// The entry does not say.
    Unknown,
}

/// What is known of an argument at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallParameter {
    /// Its entry, where its value is said (`DW_AT_call_value`).
    pub id: DieId,
    /// The DWARF number of the register that it is passed in, if it is.
    pub register: Option<u16>,
    /// The callee's parameter, where it is said.
    pub parameter: Option<DieId>,
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSite {
    /// Its entry.
    pub id: DieId,
    /// Where the callee returns to; of a tail call, the end of the jump.
    pub return_pc: Option<Rva>,
    /// Whom it calls.
    pub target: CallTarget,
    /// Whether the callee takes the caller's place.
    pub is_tail: bool,
    /// The arguments that are described.
    pub parameters: Vec<CallParameter>,
}

/// The calls of a function.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallSites {
    /// In the order of their entries.
    pub sites: Vec<CallSite>,
    /// Whether all tail calls of the function are there, so that one that is not there does not happen.
    pub all_tail_calls: bool,
}

impl<'a> DebugReader<'a> {
    /// The calls that a function makes, those of calls inlined into it included.
    pub fn call_sites(&self, function: DieId) -> Result<CallSites, DebugError> {
        let mut calls = CallSites::default();
        let (unit, entry) = self.entry(function)?;
        let says = |name| matches!(entry.attr_value(name), Some(Attribute::Flag(true)));
        calls.all_tail_calls = [
            gimli::DW_AT_call_all_calls,
            gimli::DW_AT_call_all_source_calls,
            gimli::DW_AT_call_all_tail_calls,
            gimli::DW_AT_GNU_all_call_sites,
            gimli::DW_AT_GNU_all_source_call_sites,
            gimli::DW_AT_GNU_all_tail_call_sites,
        ]
        .into_iter()
        .any(says);
        let read = self.visit_children(&unit, function.offset, |entry, _| match entry.tag() {
            gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site if calls.sites.len() < MOST_CALLS => {
                calls.sites.push(self.call_site(&unit, entry));
                Visit::Into
            }
            gimli::DW_TAG_call_site_parameter | gimli::DW_TAG_GNU_call_site_parameter => {
                if let Some(site) = calls.sites.last_mut()
                    && site.parameters.len() < MOST_PARAMETERS
                {
                    site.parameters.push(self.parameter(&unit, entry));
                }
                Visit::Over
            }
            gimli::DW_TAG_inlined_subroutine
            | gimli::DW_TAG_lexical_block
            | gimli::DW_TAG_try_block
            | gimli::DW_TAG_catch_block => Visit::Into,
            _ => Visit::Over,
        });
        if read.is_err() {
            calls.all_tail_calls = false;
        }
        Ok(calls)
    }

    /// The call that returns to a place; none where the function that holds the call does not describe it.
    pub fn call_returning_to(&self, place: Rva) -> Option<CallSite> {
        let before = Rva(place.0.checked_sub(1)?);
        let calls = self.call_sites(self.function_at(before)?).ok()?;
        let mut returning = calls.sites.into_iter().filter(|site| site.return_pc == Some(place));
        returning.next()
    }

    fn call_site(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> CallSite {
        let is_old = entry.tag() == gimli::DW_TAG_GNU_call_site;
        // GNU's entries of DWARF 4 say the return address where code begins, and the callee as an origin.
        let (pc, origin, target, tail) = match is_old {
            true => (
                gimli::DW_AT_low_pc,
                gimli::DW_AT_abstract_origin,
                gimli::DW_AT_GNU_call_site_target,
                gimli::DW_AT_GNU_tail_call,
            ),
            false => (
                gimli::DW_AT_call_return_pc,
                gimli::DW_AT_call_origin,
                gimli::DW_AT_call_target,
                gimli::DW_AT_call_tail_call,
            ),
        };
        let target = match self.referred(unit, entry, origin) {
            Some(function) => CallTarget::Function(function),
            None if entry.has_attr(target) => CallTarget::Computed,
            None => CallTarget::Unknown,
        };
        CallSite {
            id: unit.die(entry),
            return_pc: entry.attr_value(pc).and_then(|value| address(unit, value)),
            target,
            is_tail: matches!(entry.attr_value(tail), Some(Attribute::Flag(true))),
            parameters: Vec::new(),
        }
    }

    fn parameter(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> CallParameter {
        let location = entry.attr_value(gimli::DW_AT_location);
        let expression = location.and_then(|value| value.exprloc_value());
        let mut operations = expression.map(|expression| expression.operations(unit.unit.encoding()));
        let first = operations.as_mut().and_then(|operations| operations.next().ok()?);
        let parameter = self.referred(unit, entry, gimli::DW_AT_call_parameter);
        CallParameter {
            id: unit.die(entry),
            register: match first {
                Some(gimli::Operation::Register { register }) => Some(register.0),
                _ => None,
            },
            parameter: parameter.or_else(|| self.referred(unit, entry, gimli::DW_AT_abstract_origin)),
        }
    }
}
