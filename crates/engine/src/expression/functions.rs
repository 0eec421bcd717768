//! The evaluator's functions, such as `$scmp`.

use std::cmp::Ordering;

use farsight_symbols::Pattern;
use farsight_types::Address;

use super::ExprError;
use super::parser::Parser;

/// The value of a function whose name (without `$`) began at `start` and whose opening bracket is behind the parser.
pub(super) fn call(parser: &mut Parser<'_, '_>, name: &str, start: usize) -> Result<u64, ExprError> {
    let value = match name.to_ascii_lowercase().as_str() {
        "iment" => {
            let base = parser.expression()?;
            let entry = parser.scope.module_entry(Address(base));
            let entry = entry.map_err(|error| parser.failed(error, start))?;
            entry.ok_or_else(|| parser.unresolved(start))?
        }
        "vvalid" => {
            let address = parser.expression()?;
            parser.expect(',')?;
            let length = parser.expression()?;
            let valid = parser.scope.is_valid(Address(address), length);
            u64::from(valid.map_err(|error| parser.failed(error, start))?)
        }
        "scmp" => compare(two_strings(parser)?, |left, right| left.cmp(right)),
        "sicmp" => compare(two_strings(parser)?, |left, right| {
            left.to_lowercase().cmp(&right.to_lowercase())
        }),
        "spat" => {
            let (text, pattern) = two_strings(parser)?;
            u64::from(Pattern::new(&pattern).matches(&text))
        }
        // Without the function's type, the flag says which values are success: 0 all but zero, else zero alone.
        "fnsucc" => {
            parser.expression()?;
            parser.expect(',')?;
            let value = parser.expression()?;
            parser.expect(',')?;
            let flag = parser.expression()?;
            u64::from((value == 0) == (flag != 0))
        }
        _ => return Err(parser.unresolved(start)),
    };
    parser.expect(')')?;
    Ok(value)
}

/// As C's `strcmp`: -1, 0 or 1.
fn compare((left, right): (String, String), order: impl Fn(&str, &str) -> Ordering) -> u64 {
    i64::from(order(&left, &right) as i8).cast_unsigned()
}

fn two_strings(parser: &mut Parser<'_, '_>) -> Result<(String, String), ExprError> {
    let left = string(parser)?;
    parser.expect(',')?;
    Ok((left, string(parser)?))
}

fn string(parser: &mut Parser<'_, '_>) -> Result<String, ExprError> {
    parser.skip_spaces();
    let inside = parser.rest().strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let Some((inside, _)) = inside else {
        return Err(parser.syntax());
    };
    parser.behind(inside.len() + 2);
    Ok(inside.to_owned())
}
