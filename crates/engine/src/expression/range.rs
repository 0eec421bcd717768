//! Ranges of addresses as commands take them (specification 5.2).

use farsight_types::{Address, AddressRange};

use super::{Evaluator, ExprError, Scope};

/// How far a range goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// No length was given: the command's own.
    Default,
    /// To this address, which is still part of it.
    Until(Address),
    /// That many objects of the command's element size.
    Count(u64),
    /// That many objects, ending at the start address (`L-n`).
    Back(u64),
}

/// A range as the user gave it; the command knows what its objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeArgument {
    /// The first address; none when it was left out and the command goes on where it stopped.
    pub start: Option<Address>,
    /// How far it goes.
    pub extent: Extent,
    /// Larger than usual is meant (`L?`).
    pub unlimited: bool,
    /// Where in the text it stands, for errors.
    pub position: usize,
}

impl RangeArgument {
    /// Most bytes that a range has without `L?`.
    pub const LIMIT: u64 = 256 << 20;

    /// The bytes it means, for a command whose objects are `element_size` bytes (at least 1), which shows
    /// `default_count` of them, and which goes on at `next`.
    pub fn to_bytes(self, element_size: u64, default_count: u64, next: Address) -> Result<AddressRange, ExprError> {
        let _ = (element_size, default_count, next);
        Ok(AddressRange::default())
    }
}

/// See [`Evaluator::range_prefix`].
pub(super) fn range_prefix<'t>(
    evaluator: Evaluator,
    text: &'t str,
    scope: &mut dyn Scope,
) -> Result<(RangeArgument, &'t str), ExprError> {
    let (value, rest) = evaluator.evaluate_prefix(text, scope)?;
    let range = RangeArgument {
        start: Some(Address(value)),
        extent: Extent::Default,
        unlimited: false,
        position: 0,
    };
    Ok((range, rest))
}
