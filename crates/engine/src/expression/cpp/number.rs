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
    fn bits_are_taken_and_put_where_they_are() {
        let bits = Bits { at: 3, count: 4 };
        assert_eq!(take_bits(&[0b0101_1000], bits, false), 0b1011);
        assert_eq!(take_bits(&[0b0101_1000], bits, true) as i128, -5);
        assert_eq!(put_bits(vec![0xff], bits, 0b0110), [0b1011_0111]);
        let wide = Bits { at: 6, count: 4 };
        assert_eq!(put_bits(vec![0, 0], wide, 0xf), [0xc0, 0x03]);
    }
}
