//! Ranges of addresses as commands take them (specification 5.2).

use farsight_types::{Address, AddressRange};

use super::error::near;
use super::{Evaluator, ExprError, ExprErrorKind, Scope};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeArgument {
    /// The first address; none when it was left out and the command goes on where it stopped.
    pub start: Option<Address>,
    /// How far it goes.
    pub extent: Extent,
    /// Larger than usual is meant (`L?`).
    pub unlimited: bool,
    /// Where in the text its length (or else its start) stands, for errors.
    pub position: usize,
    /// The text there.
    pub near: String,
}

impl RangeArgument {
    /// Most bytes that a range has without `L?`.
    pub const LIMIT: u64 = 256 << 20;

    /// The bytes it means, for a command whose objects are `element_size` bytes (at least 1), which shows
    /// `default_count` of them, and which goes on at `next`. Never wraps around the end of the address space: a count
    /// that would is cut there.
    pub fn to_bytes(&self, element_size: u64, default_count: u64, next: Address) -> Result<AddressRange, ExprError> {
        let start = self.start.unwrap_or(next);
        let bytes = |count: u64| {
            let length = count.checked_mul(element_size);
            length.ok_or_else(|| self.wrong("it is larger than the address space"))
        };
        let range = match self.extent {
            Extent::Default => AddressRange::new(start, bytes(default_count)?),
            Extent::Count(count) => AddressRange::new(start, bytes(count)?),
            Extent::Back(count) => {
                let length = bytes(count)?.min(start.0);
                AddressRange::new(Address(start.0 - length), length)
            }
            Extent::Until(last) => {
                let distance = last.distance_from(start);
                let distance = distance.ok_or_else(|| self.wrong("it ends before it begins"))?;
                // The last object is shown whole.
                let objects = (distance / element_size.max(1)).saturating_add(1);
                AddressRange::new(start, objects.saturating_mul(element_size))
            }
        };
        if range.length == 0 {
            return Err(self.wrong("it is empty"));
        }
        if range.length > RangeArgument::LIMIT && !self.unlimited {
            return Err(self.wrong("it is larger than 256 MB; L? instead of L lifts this limit"));
        }
        let room = u64::MAX - range.start.0;
        Ok(AddressRange::new(range.start, range.length.min(room.saturating_add(1))))
    }

    fn wrong(&self, why: &'static str) -> ExprError {
        let near = self.near.clone();
        ExprError::new(self.position, ExprErrorKind::Range { why, near })
    }
}

/// See [`Evaluator::range_prefix`].
pub(super) fn range_prefix<'t>(
    evaluator: Evaluator,
    text: &'t str,
    scope: &mut dyn Scope,
) -> Result<(RangeArgument, &'t str), ExprError> {
    // Positions are counted from the end of the text, which every rest shares.
    let position = |rest: &str| text.len() - rest.len();
    let mut rest = text.trim_start();
    let mut range = RangeArgument {
        start: None,
        extent: Extent::Default,
        unlimited: false,
        position: position(rest),
        near: near(text, position(rest)),
    };
    if !ends_arguments(rest) && length_behind(rest).is_none() {
        // `%` says "a flat address", which all are here.
        let address = rest.strip_prefix('%').unwrap_or(rest);
        let shift = position(address);
        let (value, behind) = evaluator
            .evaluate_prefix(address, scope)
            .map_err(|error| error.shifted(shift))?;
        range.start = Some(Address(value));
        rest = behind;
    }
    if ends_arguments(rest) {
        return Ok((range, rest));
    }
    range.position = position(rest);
    range.near = near(text, range.position);
    if let Some(length) = length_behind(rest) {
        let (unlimited, length) = match length.strip_prefix('?') {
            Some(length) => (true, length),
            None => (false, length),
        };
        let (back, length) = match length.trim_start().strip_prefix('-') {
            Some(length) => (true, length),
            None => (false, length),
        };
        let shift = position(length);
        let (count, behind) = evaluator
            .evaluate_prefix(length, scope)
            .map_err(|error| error.shifted(shift))?;
        range.unlimited = unlimited;
        range.extent = if back {
            Extent::Back(count)
        } else {
            Extent::Count(count)
        };
        rest = behind;
    } else {
        let shift = position(rest);
        let (last, behind) = evaluator
            .evaluate_prefix(rest, scope)
            .map_err(|error| error.shifted(shift))?;
        range.extent = Extent::Until(Address(last));
        rest = behind;
    }
    Ok((range, rest))
}

/// Whether no address or length can follow: the end, or something that begins another kind of argument.
fn ends_arguments(text: &str) -> bool {
    text.is_empty() || text.starts_with(['"', '\'', ';', ')', '}'])
}

/// What follows the `L` of a length. Behind a small `l` there must be a digit or a sign, since it may as well begin a
/// symbol; behind a capital one, letters that are digits too are taken for a length.
fn length_behind(text: &str) -> Option<&str> {
    let behind = text.strip_prefix(['L', 'l'])?;
    let word = super::lexer::word(behind);
    let is_length = word.is_empty()
        || word.starts_with(|first: char| first.is_ascii_digit() || first == '$')
        || (text.starts_with('L') && word.chars().all(|digit| digit.is_ascii_hexdigit()));
    is_length.then_some(behind)
}

#[cfg(test)]
mod tests;
