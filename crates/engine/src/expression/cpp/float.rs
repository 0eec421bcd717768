//! Floating point as bytes and back. The evaluator computes with doubles; what is wider is kept as it is, and nothing that
//! a double does not hold is computed with as if it did.

/// What makes a format of floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// Bytes.
    pub(crate) size: u64,
    /// 113 bits of mantissa in 16 bytes, rather than the processor's own format of 64.
    pub(crate) is_quad: bool,
}

/// A number that a double does not hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wide {
    /// Its bytes, lowest first.
    pub(crate) bits: u128,
    pub(crate) format: Format,
    /// The nearest double.
    pub(crate) rounded: f64,
    /// What is before the point, where 128 bits hold it.
    pub(crate) whole: Option<i128>,
}

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    Exact(f64),
    Wide(Wide),
}

/// The number in some bytes; none where there is no such format.
pub(crate) fn read(bytes: &[u8], format: Format) -> Option<Read> {
    if format.is_quad {
        let bits = u128::from_le_bytes(bytes.get(..16)?.try_into().ok()?);
        let fraction = bits & ((1 << 112) - 1);
        let exponent = (bits >> 112 & 0x7fff) as i32;
        let leading = if exponent == 0 { 0 } else { 1 << 112 };
        let special = (exponent == 0x7fff).then_some(fraction == 0);
        let power = exponent.max(1) - 16383 - 112;
        return Some(rounded(bits, format, (fraction | leading, power), special));
    }
    match format.size {
        4 => Some(Read::Exact(f32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into())),
        8 => Some(Read::Exact(f64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))),
        10 | 12 | 16 => {
            let mantissa = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
            let top = u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?);
            let bits = u128::from(mantissa) | u128::from(top) << 64;
            let exponent = i32::from(top & 0x7fff);
            let special = (exponent == 0x7fff).then_some(mantissa << 1 == 0);
            let power = exponent.max(1) - 16383 - 63;
            Some(rounded(bits, format, (mantissa.into(), power), special))
        }
        _ => None,
    }
}

/// A number of `mantissa * 2^power`, or one that is infinite, or none at all (`special`).
fn rounded(bits: u128, format: Format, (mantissa, power): (u128, i32), special: Option<bool>) -> Read {
    let top = if format.is_quad { 127 } else { 79 };
    let negative = bits >> top & 1 == 1;
    let sign = if negative { -1.0 } else { 1.0 };
    match special {
        Some(true) => return Read::Exact(sign * f64::INFINITY),
        Some(false) => return Read::Exact(f64::NAN.copysign(sign)),
        None if mantissa == 0 => return Read::Exact(sign * 0.0),
        None => {}
    }
    // A double has 53 bits, and none below 2^-1074.
    let length = 128 - mantissa.leading_zeros() as i32;
    let kept = (power + length + 1074).clamp(0, 53);
    let dropped = (length - kept).max(0) as u32;
    let mut rest = mantissa.checked_shr(dropped).unwrap_or(0);
    let below = mantissa ^ rest.checked_shl(dropped).unwrap_or(0);
    let half = dropped
        .checked_sub(1)
        .and_then(|bit| 1_u128.checked_shl(bit))
        .unwrap_or(0);
    if below > half || below == half && below > 0 && rest & 1 == 1 {
        rest += 1;
    }
    let value = sign * times(rest as f64, power.saturating_add_unsigned(dropped));
    // Far below the smallest double not even half of it is left.
    let value = if power + length < -1074 { sign * 0.0 } else { value };
    if below == 0 && value.is_finite() && value != 0.0 {
        return Read::Exact(value);
    }
    let whole = match power {
        0.. => mantissa
            .checked_shl(power.unsigned_abs())
            .filter(|whole| whole >> power.unsigned_abs() == mantissa),
        _ => Some(mantissa.checked_shr(power.unsigned_abs()).unwrap_or(0)),
    };
    let whole = whole.and_then(|whole| i128::try_from(whole).ok());
    Read::Wide(Wide {
        bits,
        format,
        rounded: value,
        whole: whole.map(|whole| if negative { -whole } else { whole }),
    })
}

/// `value * 2^power`, in steps, since one power of two may be out of range where the product is not.
fn times(value: f64, power: i32) -> f64 {
    let mut value = value;
    let mut left = power.clamp(-4000, 4000);
    while left != 0 && value != 0.0 && value.is_finite() {
        let step = left.clamp(-500, 500);
        value *= 2f64.powi(step);
        left -= step;
    }
    value
}

/// The bytes of a number.
pub(crate) fn bytes(value: f64, format: Format) -> Option<Vec<u8>> {
    match (format.is_quad, format.size) {
        (true, _) => Some(quad(value).to_le_bytes().to_vec()),
        (_, 4) => Some((value as f32).to_le_bytes().to_vec()),
        (_, 8) => Some(value.to_le_bytes().to_vec()),
        (_, 10 | 12 | 16) => {
            let mut bytes = extended(value);
            bytes.resize(usize::try_from(format.size).unwrap_or(16), 0);
            Some(bytes)
        }
        _ => None,
    }
}

/// Sign, exponent counted from 16383, and the mantissa with its highest bit at the top.
fn parts(value: f64) -> (u64, i32, u64) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (exponent, mantissa) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, fraction) => {
            let shift = fraction.leading_zeros();
            (16383 - 1011 - shift as i32, fraction << shift)
        }
        (0x7ff, fraction) => (0x7fff, 1 << 63 | fraction << 11),
        (exponent, fraction) => (exponent - 1023 + 16383, 1 << 63 | fraction << 11),
    };
    (bits >> 63, exponent, mantissa)
}

/// 64 bits of mantissa, 15 of exponent, a sign.
fn extended(value: f64) -> Vec<u8> {
    let (sign, exponent, mantissa) = parts(value);
    let mut bytes = mantissa.to_le_bytes().to_vec();
    bytes.extend_from_slice(&((sign << 15) as u16 | exponent as u16).to_le_bytes());
    bytes
}

/// 112 bits of mantissa below one that is not written, 15 of exponent, a sign.
fn quad(value: f64) -> u128 {
    let (sign, exponent, mantissa) = parts(value);
    let fraction = u128::from(mantissa << 1) << 48;
    u128::from(sign) << 127 | (exponent as u128) << 112 | fraction
}

/// Whether a literal's decimals are exactly those of the double that it was read as.
pub(super) fn is_exact(text: &str, value: f64) -> bool {
    // Digits without zeros at their ends, and the place of the point before them.
    let digits = |text: &str| -> Option<(String, i64)> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let all = format!("{whole}{part}");
        let kept = all.trim_start_matches('0');
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(all.len() - kept.len()).ok()?;
        let kept = kept.trim_end_matches('0');
        let point = if kept.is_empty() {
            0
        } else {
            point.checked_add(exponent)?
        };
        Some((kept.to_owned(), point))
    };
    // No double has more digits behind its point.
    let written = digits(text);
    written.is_some() && value.is_finite() && written == digits(&format!("{value:.1074}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Format = Format {
        size: 16,
        is_quad: false,
    };
    const QUAD: Format = Format {
        size: 16,
        is_quad: true,
    };

    #[test]
    fn doubles_survive_in_wider_formats() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -2.5,
            1e300,
            5e-324,
            -1e-310,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            std::f64::consts::PI,
        ] {
            for format in [LONG, QUAD] {
                let Some(Read::Exact(back)) = read(&bytes(value, format).unwrap(), format) else {
                    panic!("{value} {format:?}");
                };
                assert_eq!(back.to_bits(), value.to_bits(), "{value} {format:?}");
                let Some(Read::Exact(back)) = read(&bytes(f64::NAN, format).unwrap(), format) else {
                    panic!("{format:?}");
                };
                assert!(back.is_nan());
            }
        }
    }

    /// What a double does not hold is known for that: the bits, the nearest double, what is before the point.
    #[test]
    fn wide_numbers_are_told_from_doubles() {
        let long = |mantissa: u64, top: u16| (u128::from(mantissa) | u128::from(top) << 64, LONG);
        for ((bits, format), rounded, whole) in [
            // pi
            (long(0xc90f_daa2_2168_c235, 0x4000), std::f64::consts::PI, Some(3)),
            (long(0xc90f_daa2_2168_c235, 0xc000), -std::f64::consts::PI, Some(-3)),
            // The smallest number above 1, and the greatest below 2.
            (long((1 << 63) + 1, 0x3fff), 1.0, Some(1)),
            (long(u64::MAX, 0x3fff), 2.0, Some(1)),
            // 2^64 - 1
            (
                long(u64::MAX, 0x403e),
                18_446_744_073_709_551_616.0,
                Some(u64::MAX.into()),
            ),
            // The greatest, the smallest, and what rounds up to the smallest double.
            (long(u64::MAX, 0x7ffe), f64::INFINITY, None),
            (long(1, 0), 0.0, Some(0)),
            (long((1 << 63) + 1, 16383 - 1075), 5e-324, Some(0)),
            (long(1 << 63, 16383 - 1075), 0.0, Some(0)),
            ((0x3fff_u128 << 112 | 1, QUAD), 1.0, Some(1)),
            ((0x7ffe_u128 << 112, QUAD), f64::INFINITY, None),
        ] {
            let Some(Read::Wide(wide)) = read(&bits.to_le_bytes(), format) else {
                panic!("{bits:x}");
            };
            assert_eq!(
                (wide.bits, wide.rounded, wide.whole),
                (bits, rounded, whole),
                "{bits:x}"
            );
        }
    }

    #[test]
    fn literals_are_exact_or_not() {
        for (text, exact) in [
            ("0.5", true),
            ("1.50e1", true),
            ("0.0", true),
            ("1e22", true),
            ("0.1", false),
            ("1e400", false),
            ("9007199254740993.0", false),
            ("100.", true),
            (".25", true),
        ] {
            assert_eq!(is_exact(text, text.parse().unwrap()), exact, "{text}");
        }
    }
}
