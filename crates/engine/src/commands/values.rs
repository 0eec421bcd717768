//! Values as commands that write and search take them: numbers, floating point, characters and strings.

use crate::error::CommandError;
use crate::expression::take_string;
use crate::session::Session;

/// What a value becomes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number of 1, 2, 4 or 8 bytes, lowest byte first.
    Word(usize),
    /// 32-bit floating point.
    Single,
    /// 64-bit floating point.
    Double,
}

impl Kind {
    /// Bytes of one value.
    pub(super) fn size(self) -> usize {
        match self {
            Kind::Word(size) => size,
            Kind::Single => 4,
            Kind::Double => 8,
        }
    }
}

/// The bytes of all values in a text that stands at `at` of the line; empty where there are none.
pub(super) fn take_values(
    session: &mut Session,
    text: &str,
    at: usize,
    kind: Kind,
    most: usize,
) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let here = at + (text.len() - rest.len());
        rest = take_value(session, rest, here, kind, &mut bytes)?;
        if bytes.len() > most {
            return Err(CommandError::syntax(here, format!("more than {most} bytes of values")));
        }
    }
    Ok(bytes)
}

/// Takes the value that a text begins with, and returns what follows it.
fn take_value<'t>(
    session: &mut Session,
    text: &'t str,
    at: usize,
    kind: Kind,
    bytes: &mut Vec<u8>,
) -> Result<&'t str, CommandError> {
    let size = kind.size();
    if text.starts_with(['"', '\'']) {
        let quote = text.get(..1).unwrap_or_default();
        let Some((inside, behind)) = take_string(text) else {
            return Err(CommandError::syntax(at, "a string is not closed"));
        };
        let taken = text.len() - behind.len();
        if text
            .get(1..taken)
            .is_none_or(|whole| !whole.trim_end().ends_with(quote))
        {
            return Err(CommandError::syntax(at, "a string is not closed"));
        }
        for byte in inside.bytes() {
            bytes.push(byte);
            bytes.resize(bytes.len() + size - 1, 0);
        }
        return Ok(behind.strip_prefix(',').unwrap_or(behind).trim_start());
    }
    if let Kind::Word(size) = kind {
        let (value, behind) = session.evaluate_prefix(text, at)?;
        if !fits(value, size) {
            return Err(CommandError::syntax(
                at,
                format!("Overflow error: {value:#x} has more than {size} bytes"),
            ));
        }
        bytes.extend_from_slice(value.to_le_bytes().get(..size).unwrap_or_default());
        return Ok(behind);
    }
    let (word, behind) = crate::expression::take_word(text);
    let number = || CommandError::syntax(at, format!("'{word}' is no floating-point number"));
    match kind {
        Kind::Single => bytes.extend_from_slice(&word.parse::<f32>().map_err(|_| number())?.to_le_bytes()),
        _ => bytes.extend_from_slice(&word.parse::<f64>().map_err(|_| number())?.to_le_bytes()),
    }
    Ok(behind)
}

/// Whether a number, or a negative one, has so many bytes.
pub(super) fn fits(value: u64, size: usize) -> bool {
    let Some(bits) = u32::try_from(size).ok().map(|size| 8 * size).filter(|bits| *bits < 64) else {
        return true;
    };
    value >> bits == 0 || (value as i64) < 0 && (value as i64) >= -(1_i64 << (bits - 1))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn negative_numbers_fit_where_their_sign_does() {
        for (value, size, expected) in [
            (0xff, 1, true),
            (0x100, 1, false),
            (u64::MAX, 1, true),
            (-129_i64 as u64, 1, false),
            (0xffff_ffff, 4, true),
            (0x1_0000_0000, 4, false),
            (u64::MAX, 8, true),
        ] {
            assert_eq!(fits(value, size), expected, "{value:x} in {size}");
        }
    }
}
