//! Numbers as bytes, lowest first, and back.

use super::value::Bits;

/// The lowest bytes of a number, zero- or sign-extended to 128 bits.
pub(super) fn extended(value: u128, size: u64, signed: bool) -> u128 {
    let bits = u32::try_from(size).unwrap_or(16).min(16) * 8;
    let Some(shift) = 128_u32.checked_sub(bits).filter(|shift| *shift < 128) else {
        return 0;
    };
    match signed {
        true => ((value << shift).cast_signed() >> shift).cast_unsigned(),
        false => (value << shift) >> shift,
    }
}

/// The integer in the first `size` bytes.
pub(crate) fn integer(bytes: &[u8], size: u64, signed: bool) -> u128 {
    let most = usize::try_from(size).unwrap_or(16).min(16);
    let value = bytes
        .iter()
        .take(most)
        .rev()
        .fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    extended(value, size, signed)
}

/// A number's lowest bytes.
pub(super) fn integer_bytes(value: u128, size: u64) -> Vec<u8> {
    let size = usize::try_from(size).unwrap_or(16).min(16);
    value.to_le_bytes().into_iter().take(size).collect()
}

/// Floating point of 4 or 8 bytes, or the processor's own of 10 in 16.
pub(crate) fn float(bytes: &[u8], size: u64) -> Option<f64> {
    match size {
        4 => Some(f32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into()),
        8 => Some(f64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)),
        10 | 12 | 16 => extended_float(bytes.get(..10)?.try_into().ok()?),
        _ => None,
    }
}

/// The bytes of floating point.
pub(crate) fn float_bytes(value: f64, size: u64) -> Option<Vec<u8>> {
    match size {
        4 => Some((value as f32).to_le_bytes().to_vec()),
        8 => Some(value.to_le_bytes().to_vec()),
        16 => Some(to_extended_float(value)),
        _ => None,
    }
}

/// 64 bits of mantissa, 15 of exponent, a sign.
fn extended_float(bytes: [u8; 10]) -> Option<f64> {
    let mantissa = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let top = u16::from_le_bytes([bytes[8], bytes[9]]);
    let sign = if top >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(top & 0x7fff);
    let value = match (exponent, mantissa << 1) {
        (0x7fff, 0) => f64::INFINITY,
        (0x7fff, _) => f64::NAN,
        // In two steps, since one power of two may be out of range where the product is not.
        _ => {
            let power = exponent - 16383 - 63;
            (mantissa as f64) * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
        }
    };
    Some(sign * value)
}

fn to_extended_float(value: f64) -> Vec<u8> {
    let bits = value.to_bits();
    let sign = ((bits >> 63) as u16) << 15;
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
    let mut bytes = mantissa.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(sign | exponent as u16).to_le_bytes());
    bytes.resize(16, 0);
    bytes
}

/// The value of a bit-field.
pub(super) fn take_bits(bytes: &[u8], bits: Bits, signed: bool) -> u128 {
    let whole = integer(bytes, 16, false);
    let value = whole.checked_shr(bits.at).unwrap_or(0);
    let Some(shift) = 128_u32.checked_sub(bits.count).filter(|shift| *shift < 128) else {
        return 0;
    };
    match signed {
        true => ((value << shift).cast_signed() >> shift).cast_unsigned(),
        false => (value << shift) >> shift,
    }
}

/// Bytes with a bit-field changed in them.
pub(super) fn put_bits(mut bytes: Vec<u8>, bits: Bits, value: u128) -> Vec<u8> {
    let size = bytes.len();
    let whole = integer(&bytes, 16, false);
    let ones = u128::MAX.checked_shr(128_u32.saturating_sub(bits.count)).unwrap_or(0);
    let mask = ones.checked_shl(bits.at).unwrap_or(0);
    let changed = whole & !mask | value.checked_shl(bits.at).unwrap_or(0) & mask;
    bytes.clear();
    bytes.extend(changed.to_le_bytes().into_iter().take(size));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_own_floating_point_survives() {
        for value in [
            0.0,
            1.0,
            -2.5,
            1e300,
            5e-324,
            -1e-310,
            f64::MAX,
            f64::INFINITY,
            std::f64::consts::PI,
        ] {
            let bytes = float_bytes(value, 16).unwrap();
            assert_eq!(float(&bytes, 16), Some(value), "{value}");
        }
        assert!(float(&float_bytes(f64::NAN, 16).unwrap(), 16).unwrap().is_nan());
    }

    #[test]
    fn bits_are_taken_and_put_where_they_are() {
        let bits = Bits { at: 3, count: 4 };
        assert_eq!(take_bits(&[0b0101_1000], bits, false), 0b1011);
        assert_eq!(take_bits(&[0b0101_1000], bits, true) as i128, -5);
        assert_eq!(put_bits(vec![0xff], bits, 0b0110), [0b1011_0111]);
        let wide = Bits { at: 6, count: 4 };
        assert_eq!(put_bits(vec![0, 0], wide, 0xf), [0xc0, 0x03]);
    }
}
