//! Values of a debuggee's variables: typed bytes at a place, and the trees that are shown of them.
//!
//! Nothing here waits or asks anybody: [`Ground`] answers from what is here and notes what is not, and
//! [`Session::with_values`](crate::session::Session::with_values) fetches all that was noted at once and does the work
//! again. Read [`Value`], then [`Ground`].

pub(crate) mod brief;
mod context;
mod float;
mod format;
mod ground;
mod scalar;
mod tree;
mod trial;

pub(crate) use context::{Interrupts, Needs, Source};
pub(crate) use float::text as float_text;
pub(crate) use format::Formatters;
pub use format::check_formatters;
pub(crate) use ground::{Ground, Known};
pub(crate) use tree::{Key, Limits, Picked};
pub use trial::try_formatters;

use farsight_symbols::{BitRange, Place, TypeRef, ValueError};
use farsight_types::Address;

/// A typed value, wherever it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// The module whose debug information its type is of: its place in the process's list.
    pub(crate) module: usize,
    /// Its type.
    pub(crate) type_ref: TypeRef,
    /// Where it is, or why it is nowhere.
    pub(crate) place: Result<Place, ValueError>,
    /// Which bits, for a bit-field.
    pub(crate) bits: Option<BitRange>,
}

impl Value {
    pub(crate) fn new(module: usize, type_ref: TypeRef, place: Place) -> Value {
        Value {
            module,
            type_ref,
            place: Ok(place),
            bits: None,
        }
    }

    /// What is in memory.
    pub(crate) fn memory(module: usize, type_ref: TypeRef, address: Address) -> Value {
        Value::new(module, type_ref, Place::Memory(address))
    }

    /// A value of this value's module.
    pub(crate) fn other(&self, type_ref: TypeRef, place: Result<Place, ValueError>) -> Value {
        Value {
            module: self.module,
            type_ref,
            place,
            bits: None,
        }
    }

    /// The address, of what is in memory.
    pub(crate) fn address(&self) -> Option<Address> {
        self.place.as_ref().ok()?.address()
    }
}

#[cfg(test)]
mod tests;
