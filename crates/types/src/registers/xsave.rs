//! Where the XSAVE area keeps floating-point and vector registers.
//!
//! The area is in the standard form, as ptrace gives and takes it (Intel SDM volume 1, 13.4); the compacted form never
//! comes this way. Every access is checked against the area that is there.
//!
//! | offset | bytes | what | component |
//! |---|---|---|---|
//! | 0 | 32 | control and status words of x87, mxcsr | 0, 1 |
//! | 32 | 8 x 16 | st0-st7, whose low halves are mm0-mm7 | 0 |
//! | 160 | 16 x 16 | xmm0-xmm15 | 1 |
//! | 464 | 8 | which components this machine has (Linux) | |
//! | 512 | 8 | which components are not in their initial state | |
//! | 576 | 16 x 16 | high halves of ymm0-ymm15 | 2 |
//! | 1088 or 832 | 8 x 8 | k0-k7 | 5 |
//! | behind | 16 x 32 | high halves of zmm0-zmm15 | 6 |
//! | behind | 16 x 64 | zmm16-zmm31 | 7 |
//!
//! The last three lie lower on AMD's processors, which never had the components 3 and 4; the length of the area tells.

/// Bytes of the area up to the end of its header: less is no XSAVE area.
const HEADER_END: usize = 576;
const COMPONENTS: usize = 464;
const IN_USE: usize = 512;
const ST: usize = 32;
const XMM: usize = 160;
const YMM_HIGH: usize = 576;
/// Bytes from the masks to the end of the component with the highest registers.
const AVX512_BYTES: usize = 64 + 512 + 1024;

/// A run of bytes of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    offset: usize,
    length: usize,
    component: u8,
}

/// The bytes of a register, lowest first; none where the machine has no such register.
pub fn read(area: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for span in spans(area, name)? {
        bytes.extend_from_slice(area.get(span.offset..span.offset + span.length)?);
    }
    Some(bytes)
}

/// Writes a register, and says in the header that its components are in use. Fewer bytes than the register has leave
/// the rest of it zero. False, and nothing changed, where there is no such register or it has fewer bytes.
pub fn write(area: &mut [u8], name: &str, bytes: &[u8]) -> bool {
    let Some(spans) = spans(area, name) else {
        return false;
    };
    let size: usize = spans.iter().map(|span| span.length).sum();
    let fits = |span: &Span| span.offset + span.length <= area.len();
    if bytes.len() > size || !spans.iter().all(fits) {
        return false;
    }
    let mut in_use = word(area, IN_USE).unwrap_or(0);
    let mut values = bytes.iter().copied().chain(std::iter::repeat(0));
    for span in spans {
        in_use |= 1 << span.component;
        let slots = area.iter_mut().skip(span.offset).take(span.length);
        slots.zip(&mut values).for_each(|(slot, value)| *slot = value);
    }
    if let Some(slot) = area.get_mut(IN_USE..IN_USE + 8) {
        slot.copy_from_slice(&in_use.to_le_bytes());
    }
    true
}

fn word(area: &[u8], offset: usize) -> Option<u64> {
    let bytes = area.get(offset..offset + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// Whether the machine has a component. Where nothing is said of components, the length of the area decides.
fn has(area: &[u8], component: u8) -> bool {
    let components = word(area, COMPONENTS).unwrap_or(0);
    components == 0 || components >> component & 1 == 1
}

/// Where k0 is: the places on processors with and without the components 3 and 4.
fn masks(area: &[u8]) -> Option<usize> {
    let here = [1088, 832]
        .into_iter()
        .find(|start| start + AVX512_BYTES <= area.len())?;
    (has(area, 5) && has(area, 6) && has(area, 7)).then_some(here)
}

fn spans(area: &[u8], name: &str) -> Option<Vec<Span>> {
    let span = |offset, length, component| Span {
        offset,
        length,
        component,
    };
    let fixed = match name {
        "fpcw" => Some((0, 2, 0)),
        "fpsw" => Some((2, 2, 0)),
        "fptw" => Some((4, 1, 0)),
        "fpop" => Some((6, 2, 0)),
        "fpip" => Some((8, 8, 0)),
        "fpdp" => Some((16, 8, 0)),
        "mxcsr" => Some((24, 4, 1)),
        _ => None,
    };
    if area.len() < HEADER_END {
        return None;
    }
    if let Some((offset, length, component)) = fixed {
        return Some(vec![span(offset, length, component)]);
    }
    let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let kind = name.strip_suffix(digits)?;
    let number: usize = digits.parse().ok().filter(|number| *number < 32)?;
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    let xmm = span(XMM + 16 * number, 16, 1);
    let ymm_high = span(YMM_HIGH + 16 * number, 16, 2);
    let avx = || (has(area, 2) && area.len() >= YMM_HIGH + 256).then_some(());
    let upper = |length| Some(vec![span(masks(area)? + 64 + 512 + 64 * (number - 16), length, 7)]);
    match (kind, number) {
        ("st", 0..8) => Some(vec![span(ST + 16 * number, 10, 0)]),
        ("mm", 0..8) => Some(vec![span(ST + 16 * number, 8, 0)]),
        ("k", 0..8) => Some(vec![span(masks(area)? + 8 * number, 8, 5)]),
        ("xmm", 0..16) => Some(vec![xmm]),
        ("ymm", 0..16) => avx().map(|()| vec![xmm, ymm_high]),
        ("zmm", 0..16) => {
            avx()?;
            let high = span(masks(area)? + 64 + 32 * number, 32, 6);
            Some(vec![xmm, ymm_high, high])
        }
        ("xmm", 16..) => upper(16),
        ("ymm", 16..) => upper(32),
        ("zmm", 16..) => upper(64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(length: usize, components: u64) -> Vec<u8> {
        let mut area: Vec<u8> = (0..length).map(|at| (at / 16) as u8).collect();
        area[COMPONENTS..COMPONENTS + 8].copy_from_slice(&components.to_le_bytes());
        area[IN_USE..IN_USE + 8].fill(0);
        area
    }

    #[test]
    fn registers_are_where_the_processor_keeps_them() {
        let small = area(576, 3);
        let avx = area(832, 7);
        let intel = area(2696, 0xe7);
        let amd = area(2440, 0xe7);
        for (area, name, first, length) in [
            (&small, "xmm3", Some(13), 16),
            (&small, "st7", Some(9), 10),
            (&small, "mm0", Some(2), 8),
            (&small, "ymm0", None, 0),
            (&avx, "ymm15", Some(25), 32),
            (&avx, "zmm0", None, 0),
            (&avx, "xmm16", None, 0),
            (&intel, "k2", Some(69), 8),
            (&amd, "k2", Some(53), 8),
            (&intel, "zmm31", Some((1088 + 576 + 960) / 16), 64),
            (&intel, "xmm16", Some((1088 + 576) / 16), 16),
            (&amd, "ymm17", Some((832 + 576 + 64) / 16), 32),
            (&intel, "xmm32", None, 0),
            (&intel, "xmm01", None, 0),
            (&intel, "st8", None, 0),
            (&intel, "k8", None, 0),
            (&intel, "xmm", None, 0),
            (&intel, "99", None, 0),
        ] {
            let bytes = read(area, name);
            assert_eq!(
                bytes.as_ref().map(|bytes| usize::from(bytes[0])),
                first.map(|first: usize| first % 256),
                "{name}"
            );
            assert_eq!(bytes.map_or(0, |bytes| bytes.len()), length, "{name}");
        }
        for length in [0, 1, 575] {
            assert_eq!(read(&vec![0; length], "xmm0"), None);
            assert!(!write(&mut vec![0; length], "fpcw", &[1]));
        }
    }

    #[test]
    fn what_is_written_is_in_use_and_read_again() {
        let mut area = area(2696, 0xe7);
        let value: Vec<u8> = (0..64).collect();
        assert!(write(&mut area, "zmm5", &value));
        assert_eq!(read(&area, "zmm5").unwrap(), value);
        assert_eq!(read(&area, "xmm5").unwrap(), value[..16]);
        assert_eq!(word(&area, IN_USE), Some(1 << 1 | 1 << 2 | 1 << 6));
        assert!(write(&mut area, "k7", &[9]));
        assert_eq!(read(&area, "k7").unwrap(), [9, 0, 0, 0, 0, 0, 0, 0]);
        assert!(!write(&mut area, "mxcsr", &[0; 5]));
    }
}
