//! `:ub`, `:4f`: registers cut into elements.

use farsight_session::record::{ElementKind, RegisterBits};

/// How many elements of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    /// As many as the register has where none is given.
    pub(super) count: Option<usize>,
    pub(super) kind: ElementKind,
}

impl ElementType {
    /// Reads `[Num]Type`.
    pub(super) fn parse(text: &str) -> Option<ElementType> {
        let digits = text.len() - text.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let (count, kind) = text.split_at(digits);
        let count = match count {
            "" => None,
            count => Some(count.parse().ok().filter(|count| (1..=64).contains(count))?),
        };
        let kind = match kind.to_ascii_lowercase().as_str() {
            "ib" => ElementKind::SignedByte,
            "ub" => ElementKind::Byte,
            "iw" => ElementKind::SignedWord,
            "uw" => ElementKind::Word,
            "id" => ElementKind::SignedDoubleWord,
            "ud" => ElementKind::DoubleWord,
            "iq" => ElementKind::SignedQuadWord,
            "uq" => ElementKind::QuadWord,
            "f" => ElementKind::Single,
            "d" => ElementKind::Double,
            _ => return None,
        };
        Some(ElementType { count, kind })
    }

    /// A register's bytes, cut; at least one element, padded where the register has fewer bytes.
    pub(super) fn bits(self, bytes: &[u8]) -> RegisterBits {
        let size = self.kind.size();
        let most = bytes.len().div_ceil(size).max(1);
        let count = self.count.unwrap_or(most).min(most);
        let mut bytes = bytes.to_vec();
        bytes.resize(count * size, 0);
        RegisterBits::Elements { kind: self.kind, bytes }
    }
}

/// A number as the 80 bits of x87: sign and exponent behind a mantissa with its leading one.
pub(super) fn extended(value: f64) -> [u8; 10] {
    let bits = value.to_bits();
    let sign = ((bits >> 63) as u16) << 15;
    let exponent = (bits >> 52 & 0x7ff) as u16;
    let fraction = bits & ((1 << 52) - 1);
    let (exponent, mantissa) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        // Too small for a leading one in 64 bits, not so in 80.
        (0, fraction) => {
            let shift = fraction.leading_zeros() as u16;
            (0x3fff - 1022 + 11 - shift, fraction << shift)
        }
        (0x7ff, fraction) => (0x7fff, 1 << 63 | fraction << 11),
        (exponent, fraction) => (exponent + (0x3fff - 0x3ff), 1 << 63 | fraction << 11),
    };
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&mantissa.to_le_bytes());
    bytes[8..].copy_from_slice(&(sign | exponent).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_counts_before_them() {
        let parse = |text| ElementType::parse(text).map(|element| (element.count, element.kind));
        assert_eq!(parse("ub"), Some((None, ElementKind::Byte)));
        assert_eq!(parse("4F"), Some((Some(4), ElementKind::Single)));
        for wrong in ["", "4", "0d", "65ub", "x", "99999999999999999999d"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_have_their_leading_one() {
        let parts = |value: f64| {
            let bytes = extended(value);
            let mantissa = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            (u16::from_le_bytes([bytes[8], bytes[9]]), mantissa)
        };
        assert_eq!(parts(1.0), (0x3fff, 1 << 63));
        assert_eq!(parts(-1.5), (0xbfff, 3 << 62));
        assert_eq!(parts(0.0), (0, 0));
        assert_eq!(parts(f64::INFINITY), (0x7fff, 1 << 63));
        // The smallest number of 64 bits is 2 to the power of -1074.
        assert_eq!(parts(f64::from_bits(1)), (0x3fff - 1074, 1 << 63));
    }
}
