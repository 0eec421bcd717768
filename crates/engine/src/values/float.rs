//! Floating-point numbers as text.

/// The text of a number of 2, 4, 8, 10 (in 16 with padding) or 16 bytes; none for other sizes.
pub(crate) fn text(bytes: &[u8], is_quad: bool) -> Option<String> {
    Some(match bytes {
        [low, high] => half(u16::from_le_bytes([*low, *high])),
        [a, b, c, d] => format!("{:?}", f32::from_le_bytes([*a, *b, *c, *d])),
        [a, b, c, d, e, f, g, h] => format!("{:?}", f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        _ if is_quad => quad(u128::from_le_bytes(bytes.try_into().ok()?)),
        _ if bytes.len() >= 10 => {
            let mantissa = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
            let top = u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?);
            extended(mantissa, top)
        }
        _ => return None,
    })
}

fn half(bits: u16) -> String {
    let negative = bits >> 15 == 1;
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        0x1f if mantissa == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    format!("{:?}", if negative { -size } else { size })
}

/// The 80-bit format: an explicit leading bit.
fn extended(mantissa: u64, top: u16) -> String {
    let exponent = i32::from(top & 0x7fff);
    let sign = if top >> 15 == 1 { "-" } else { "" };
    match exponent {
        0x7fff if mantissa << 1 == 0 => format!("{sign}inf"),
        0x7fff => String::from("NaN"),
        _ => {
            let is_lowest = mantissa == 1 << 63 && exponent > 1;
            let text = shortest(u128::from(mantissa), exponent.max(1) - 16383 - 63, is_lowest);
            format!("{sign}{text}")
        }
    }
}

fn quad(bits: u128) -> String {
    let exponent = (bits >> 112 & 0x7fff) as i32;
    let fraction = bits & ((1 << 112) - 1);
    let sign = if bits >> 127 == 1 { "-" } else { "" };
    match exponent {
        0x7fff if fraction == 0 => format!("{sign}inf"),
        0x7fff => String::from("NaN"),
        0 => format!("{sign}{}", shortest(fraction, 1 - 16383 - 112, false)),
        _ => {
            let is_lowest = fraction == 0 && exponent > 1;
            let text = shortest(fraction | 1 << 112, exponent - 16383 - 112, is_lowest);
            format!("{sign}{text}")
        }
    }
}

/// Digits that tell a number from those half way to its neighbours, and many more.
const COMPARED: usize = 60;

/// The shortest decimals that are nearer to `mantissa * 2^exponent` than to any other number of the format. Below the lowest
/// mantissa of an exponent the next number is only half as far.
fn shortest(mantissa: u128, exponent: i32, is_lowest: bool) -> String {
    if mantissa == 0 {
        return String::from("0.0");
    }
    // In quarters of the last place: the number, and half way to its neighbours.
    let quarters = mantissa << 2;
    let below = quarters - if is_lowest { 1 } else { 2 };
    let [below, number, above] = [below, quarters, quarters + 2].map(|quarters| digits(quarters, exponent - 2));
    let point = above.1;
    let [below, number, above] = [below, number, above].map(|(mut digits, own)| {
        // All with the point at the same place.
        digits.splice(0..0, std::iter::repeat_n(0, (point - own).unsigned_abs() as usize));
        digits.resize(COMPARED, 0);
        digits
    });
    for count in 1..COMPARED {
        let rounded = rounded(&number, count);
        // What is half way belongs to the even one.
        let is_even = mantissa.is_multiple_of(2);
        if rounded > below && rounded < above || is_even && (rounded == below || rounded == above) {
            return written(rounded, point);
        }
    }
    written(number, point)
}

/// So many of the digits of `0.ddd`, rounded, with zeros behind; one that is rounded up to 1 stays above all others.
fn rounded(digits: &[u8], count: usize) -> Vec<u8> {
    let mut rounded = digits.to_vec();
    let rest = rounded.split_off(count.min(digits.len()));
    rounded.resize(digits.len(), 0);
    if rest.first().is_some_and(|next| *next >= 5) {
        for digit in rounded.iter_mut().take(count).rev() {
            if *digit < 9 {
                *digit += 1;
                return rounded;
            }
            *digit = 0;
        }
        if let Some(first) = rounded.first_mut() {
            // A digit by itself, until it is written.
            *first = 10;
        }
    }
    rounded
}

/// Parts of nine digits that are kept of a number while it is multiplied. What is lost below them is less than a
/// billionth of a billionth of what is compared.
const PARTS: usize = 12;
/// In base 10^9 the least significant part comes first.
const BASE: u64 = 1_000_000_000;
/// A factor, and how often a part is multiplied by it at once.
const BY_FIVE: (u64, u32) = (5, 13);
const BY_TWO: (u64, u32) = (2, 30);

/// `mantissa * 2^exponent` as `0.ddd`, and the place of the point among the digits. Work does not grow with the number's
/// size but with its exponent's, in large steps.
fn digits(mantissa: u128, exponent: i32) -> (Vec<u8>, i32) {
    let mut number: Vec<u64> = Vec::with_capacity(PARTS + 1);
    let mut rest = mantissa;
    while rest > 0 {
        number.push((rest % u128::from(BASE)) as u64);
        rest /= u128::from(BASE);
    }
    // m * 2^-n = m * 5^n / 10^n.
    let ((factor, step), mut point) = match exponent < 0 {
        true => (BY_FIVE, exponent),
        false => (BY_TWO, 0),
    };
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        let taken = left.min(step);
        let by = factor.pow(taken);
        let mut carry = 0;
        for part in &mut number {
            let product = *part * by + carry;
            *part = product % BASE;
            carry = product / BASE;
        }
        while carry > 0 {
            number.push(carry % BASE);
            carry /= BASE;
        }
        let surplus = number.len().saturating_sub(PARTS);
        number.drain(..surplus);
        point += 9 * surplus as i32;
        left -= taken;
    }
    let mut text = String::new();
    for (index, part) in number.iter().rev().enumerate() {
        text.push_str(&match index {
            0 => part.to_string(),
            _ => format!("{part:09}"),
        });
    }
    point += text.len() as i32;
    (text.bytes().map(|digit| digit - b'0').collect(), point)
}

/// `0.ddd` with the point so many places further on, as people write numbers.
fn written(mut kept: Vec<u8>, mut point: i32) -> String {
    if kept.first() == Some(&10) {
        kept = vec![1];
        point += 1;
    }
    let zeros = kept.iter().take_while(|digit| **digit == 0).count();
    kept.drain(..zeros);
    point -= zeros as i32;
    while kept.len() > 1 && kept.last() == Some(&0) {
        kept.pop();
    }
    let shown: String = kept.iter().map(|digit| char::from(b'0' + digit)).collect();
    match point {
        -4..=0 => format!("0.{}{shown}", "0".repeat(point.unsigned_abs() as usize)),
        1..=21 => {
            let point = point as usize;
            match shown.split_at_checked(point) {
                Some((whole, "")) => format!("{whole}.0"),
                Some((whole, part)) => format!("{whole}.{part}"),
                None => format!("{shown}{}.0", "0".repeat(point - shown.len())),
            }
        }
        _ => {
            let (first, rest) = shown.split_at(1);
            let rest = if rest.is_empty() {
                String::new()
            } else {
                format!(".{rest}")
            };
            format!("{first}{rest}e{}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn floats_are_shown_in_their_shortest_decimals() {
        let extended = |mantissa: u64, top: u16| {
            let mut bytes = mantissa.to_le_bytes().to_vec();
            bytes.extend(top.to_le_bytes());
            bytes.resize(16, 0xaa);
            bytes
        };
        for (bytes, is_quad, expected) in [
            (0x3c00_u16.to_le_bytes().to_vec(), false, "1.0"),
            (0xfc00_u16.to_le_bytes().to_vec(), false, "-inf"),
            (0.1_f32.to_le_bytes().to_vec(), false, "0.1"),
            ((-0.0_f64).to_le_bytes().to_vec(), false, "-0.0"),
            (1e300_f64.to_le_bytes().to_vec(), false, "1e300"),
            (extended(0xc90f_daa2_2168_c235, 0x4000), false, "3.1415926535897932385"),
            (extended(0xcccc_cccc_cccc_cccd, 0x3ffb), false, "0.1"),
            (extended((1 << 63) + 1, 0x3fff), false, "1.0000000000000000001"),
            (extended(u64::MAX, 0x3ffe), false, "0.99999999999999999995"),
            (extended(u64::MAX, 0x403e), false, "18446744073709551615.0"),
            (extended(1 << 63, 0x3fff), false, "1.0"),
            (extended(1 << 63, 0xbffe), false, "-0.5"),
            (extended(u64::MAX, 0x7ffe), false, "1.189731495357231765e4932"),
            (extended(1, 0), false, "4e-4951"),
            (extended(0, 0), false, "0.0"),
            (extended(1 << 63, 0x7fff), false, "inf"),
            ((0x3fff_u128 << 112).to_le_bytes().to_vec(), true, "1.0"),
            (
                ((0x3fff_u128 << 112) + 1).to_le_bytes().to_vec(),
                true,
                "1.0000000000000000000000000000000002",
            ),
            (1_u128.to_le_bytes().to_vec(), true, "6e-4966"),
        ] {
            assert_eq!(text(&bytes, is_quad).unwrap(), expected, "{bytes:02x?}");
        }
        assert_eq!(text(&[1, 2, 3], false), None);
    }

    #[test]
    fn shortest_decimals_of_doubles_are_those_of_the_standard_library() {
        // Numbers of 53 bits, so that the same search has to end where Rust's ends.
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..2000 {
            random = random
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            let number = f64::from_bits(random >> 1);
            let exponent = (number.to_bits() >> 52) as i32;
            if exponent == 0x7ff || exponent == 0 {
                continue;
            }
            let mantissa = number.to_bits() & ((1 << 52) - 1) | 1 << 52;
            let shown = super::shortest(
                u128::from(mantissa),
                exponent - 1075,
                mantissa == 1 << 52 && exponent > 1,
            );
            let expected = format!("{number:e}");
            let as_read: f64 = shown.parse().unwrap();
            let digits = |text: &str| text.split('e').next().unwrap().replace(['.', '0'], "").len();
            assert_eq!(
                (as_read, digits(&shown)),
                (number, digits(&expected)),
                "{shown} {expected}"
            );
        }
    }
}
