//! Floating-point numbers as text.

/// The text of a number of 2, 4, 8, 10 (in 16 with padding) or 16 bytes; none for other sizes.
pub(super) fn text(bytes: &[u8], is_quad: bool) -> Option<String> {
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
        _ => format!(
            "{sign}{}",
            decimal(u128::from(mantissa), exponent.max(1) - 16383 - 63, 18)
        ),
    }
}

fn quad(bits: u128) -> String {
    let exponent = (bits >> 112 & 0x7fff) as i32;
    let fraction = bits & ((1 << 112) - 1);
    let sign = if bits >> 127 == 1 { "-" } else { "" };
    match exponent {
        0x7fff if fraction == 0 => format!("{sign}inf"),
        0x7fff => String::from("NaN"),
        0 => format!("{sign}{}", decimal(fraction, 1 - 16383 - 112, 33)),
        _ => format!("{sign}{}", decimal(fraction | 1 << 112, exponent - 16383 - 112, 33)),
    }
}

/// `mantissa * 2^exponent` to so many digits. The exact number is worked out: it has at most 16,500 digits.
fn decimal(mantissa: u128, exponent: i32, digits: usize) -> String {
    if mantissa == 0 {
        return String::from("0.0");
    }
    // Base 10^9, the least significant first.
    let mut number: Vec<u32> = Vec::new();
    let mut rest = mantissa;
    while rest > 0 {
        number.push((rest % 1_000_000_000) as u32);
        rest /= 1_000_000_000;
    }
    // m * 2^-n = m * 5^n / 10^n.
    let (factor, shift) = if exponent < 0 { (5, exponent) } else { (2, 0) };
    for _ in 0..exponent.unsigned_abs() {
        let mut carry = 0;
        for part in &mut number {
            let product = u64::from(*part) * factor + carry;
            *part = (product % 1_000_000_000) as u32;
            carry = product / 1_000_000_000;
        }
        if carry > 0 {
            number.push(carry as u32);
        }
    }
    let mut text = String::new();
    for (index, part) in number.iter().rev().enumerate() {
        text.push_str(&match index {
            0 => part.to_string(),
            _ => format!("{part:09}"),
        });
    }
    scientific(&text, shift, digits)
}

/// Decimal digits with the point so many places from their end, rounded.
fn scientific(text: &str, shift: i32, digits: usize) -> String {
    let mut point = text.len() as i32 + shift;
    let mut kept: Vec<u8> = text.bytes().take(digits).map(|digit| digit - b'0').collect();
    let next = text.as_bytes().get(digits).map_or(0, |digit| digit - b'0');
    if next >= 5 {
        let mut at = kept.len();
        loop {
            match at.checked_sub(1).and_then(|before| kept.get_mut(before)) {
                Some(9) => {
                    at -= 1;
                    if let Some(nine) = kept.get_mut(at) {
                        *nine = 0;
                    }
                }
                Some(digit) => {
                    *digit += 1;
                    break;
                }
                None => {
                    kept.insert(0, 1);
                    point += 1;
                    break;
                }
            }
        }
    }
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
            (extended(0xc90f_daa2_2168_c235, 0x4000), false, "3.14159265358979324"),
            (extended(1 << 63, 0x3fff), false, "1.0"),
            (extended(1 << 63, 0xbffe), false, "-0.5"),
            (extended(u64::MAX, 0x7ffe), false, "1.18973149535723177e4932"),
            (extended(1, 0), false, "3.6451995318824746e-4951"),
            (extended(0, 0), false, "0.0"),
            (extended(1 << 63, 0x7fff), false, "inf"),
            ((0x3fff_u128 << 112).to_le_bytes().to_vec(), true, "1.0"),
        ] {
            assert_eq!(text(&bytes, is_quad).unwrap(), expected, "{bytes:02x?}");
        }
        assert_eq!(text(&[1, 2, 3], false), None);
    }
}
