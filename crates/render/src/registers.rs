//! `r`.

use farsight_session::record::{ElementKind, RegisterBits, RegisterDump, RegisterLayout, RegisterValue};
use farsight_types::Architecture;

use crate::{Sources, View, code, visible, write_line};

/// The x86-64 block, row by row.
const AMD64_ROWS: [&[&str]; 6] = [
    &["rax", "rbx", "rcx"],
    &["rdx", "rsi", "rdi"],
    &["rip", "rsp", "rbp"],
    &["r8", "r9", "r10"],
    &["r11", "r12", "r13"],
    &["r14", "r15"],
];

/// Flags with the words for clear and set, in DbgEng's order.
const AMD64_FLAGS: [(u32, &str, &str); 8] = [
    (11, "nv", "ov"),
    (10, "up", "dn"),
    (9, "di", "ei"),
    (7, "pl", "ng"),
    (6, "nz", "zr"),
    (4, "na", "ac"),
    (2, "po", "pe"),
    (0, "nc", "cy"),
];

/// `r`.
pub(crate) fn dump(out: &mut String, dump: &RegisterDump, view: &View, sources: &dyn Sources) {
    match (dump.layout, dump.architecture) {
        (RegisterLayout::Named, _) => named(out, dump, usize::from(view.width)),
        (RegisterLayout::Block, Architecture::Amd64) => amd64_block(out, dump),
        (RegisterLayout::Block, Architecture::Arm64) => named(out, dump, 72),
    }
    if let Some(location) = &dump.location {
        code::location(out, location, view, sources);
    }
}

fn amd64_block(out: &mut String, dump: &RegisterDump) {
    for names in AMD64_ROWS {
        let columns = names
            .iter()
            .filter_map(|name| Some(format!("{name:>3}={:016x}", dump.value(name)?)));
        let row = columns.collect::<Vec<_>>().join(" ");
        if !row.is_empty() {
            write_line!(out, "{row}");
        }
    }
    let Some(flags) = dump.value("efl") else { return };
    let words = AMD64_FLAGS.map(|(bit, clear, set)| if flags >> bit & 1 == 0 { clear } else { set });
    write_line!(out, "iopl={}         {}", flags >> 12 & 3, words.join(" "));
    if dump.value("cs").is_none() {
        return;
    }
    let segments = ["cs", "ss", "ds", "es", "fs", "gs"]
        .map(|name| format!("{name}={:04x}", dump.value(name).unwrap_or(0) & 0xffff))
        .join("  ");
    write_line!(out, "{segments}             efl={flags:08x}");
}

/// As many registers to a line as fit; those of several elements have a line each.
fn named(out: &mut String, dump: &RegisterDump, width: usize) {
    let mut row = String::new();
    for value in &dump.values {
        let text = register(value);
        let is_long = text.contains(' ');
        if is_long && !row.is_empty() {
            write_line!(out, "{row}");
            row.clear();
        }
        if is_long {
            write_line!(out, "{text}");
            continue;
        }
        if !row.is_empty() && row.chars().count() + 1 + text.chars().count() > width {
            write_line!(out, "{row}");
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(&text);
    }
    if !row.is_empty() {
        write_line!(out, "{row}");
    }
}

fn register(register: &RegisterValue) -> String {
    let name = visible(&register.name);
    match &register.bits {
        RegisterBits::Word { value, bits } => {
            let digits = usize::from(*bits).div_ceil(4).max(1);
            format!("{name}={value:0digits$x}")
        }
        RegisterBits::Elements { kind, bytes } => {
            let texts = bytes.chunks_exact(kind.size()).rev().map(|bytes| element(*kind, bytes));
            format!("{name}={}", texts.collect::<Vec<_>>().join(" "))
        }
        RegisterBits::Extended { bytes } => format!("{name}={}", extended(bytes)),
        RegisterBits::Vector { bytes } => {
            // The highest quadword first, as the number would be written.
            let quads = bytes.chunks(8).rev().map(|quad| {
                let digits: String = quad.iter().rev().map(|byte| format!("{byte:02x}")).collect();
                digits
            });
            format!("{name}={}", quads.collect::<Vec<_>>().join(" "))
        }
    }
}

/// One element: signed numbers and floating point in decimal, others in hexadecimal.
fn element(kind: ElementKind, bytes: &[u8]) -> String {
    let value = bytes
        .iter()
        .rev()
        .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    match kind {
        ElementKind::SignedByte => (value as i8).to_string(),
        ElementKind::SignedWord => (value as i16).to_string(),
        ElementKind::SignedDoubleWord => (value as i32).to_string(),
        ElementKind::SignedQuadWord => value.cast_signed().to_string(),
        ElementKind::Single => short(f32::from_bits(value as u32).to_string(), || {
            format!("{:e}", f32::from_bits(value as u32))
        }),
        ElementKind::Double => short(f64::from_bits(value).to_string(), || {
            format!("{:e}", f64::from_bits(value))
        }),
        _ => format!("{value:0width$x}", width = 2 * kind.size()),
    }
}

/// A number in full, or with an exponent where that would be long.
fn short(full: String, exponent: impl Fn() -> String) -> String {
    match full.len() > 16 {
        true => exponent(),
        false => full,
    }
}

/// An x87 register: its value as far as 64 bits hold it, then sign, exponent and mantissa.
fn extended(bytes: &[u8]) -> String {
    let word = |range: std::ops::Range<usize>| {
        let bytes = bytes.get(range).unwrap_or_default().iter().rev();
        bytes.fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
    };
    let (mantissa, top) = (word(0..8), word(8..10));
    let (sign, exponent) = (top >> 15, top & 0x7fff);
    let magnitude = match (exponent, mantissa << 1) {
        (0x7fff, 0) => f64::INFINITY,
        (0x7fff, _) => f64::NAN,
        // In two steps: the factor alone may be too small for 64 bits where the product is not.
        _ => {
            let power = exponent as i32 - 0x3fff - 63;
            let half = power / 2;
            mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(power - half)
        }
    };
    let value = if sign == 1 { -magnitude } else { magnitude };
    let text = short(value.to_string(), || format!("{value:e}"));
    format!("{text} ({sign:x}:{exponent:04x}:{mantissa:016x})")
}
