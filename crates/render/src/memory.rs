//! `d*` and `s`.

use farsight_session::record::{Differences, DumpFormat, MemoryDump, Pointee, Pointers, SearchHits};
use farsight_types::{Address, AddressRange};

use crate::place::symbol;
use crate::{Paint, View, write_line};

mod strings;

/// How words of a format are laid out.
struct Layout {
    /// Bytes of a word.
    size: u64,
    /// Words a line.
    columns: u64,
    /// Characters of a word.
    width: usize,
    /// Whether characters follow the words.
    text: bool,
}

impl Layout {
    /// None for strings and symbols, which have layouts of their own.
    fn of(format: DumpFormat) -> Option<Layout> {
        let (columns, width, text) = match format {
            DumpFormat::Bytes => (16, 2, true),
            DumpFormat::Words => (8, 4, false),
            DumpFormat::WordsAndText => (8, 4, true),
            DumpFormat::DoubleWords => (4, 8, false),
            DumpFormat::DoubleWordsAndText => (4, 8, true),
            DumpFormat::QuadWords => (2, 17, false),
            DumpFormat::Floats => (4, 16, false),
            DumpFormat::Doubles => (3, 24, false),
            DumpFormat::Ascii
            | DumpFormat::Unicode
            | DumpFormat::Symbols
            | DumpFormat::ShortSymbols
            | DumpFormat::BinaryBytes
            | DumpFormat::BinaryDoubleWords => return None,
        };
        Some(Layout {
            size: format.element_size(),
            columns,
            width,
            text,
        })
    }
}

/// `d*`.
pub(crate) fn dump(out: &mut String, dump: &MemoryDump) {
    match dump.format {
        DumpFormat::Ascii => strings::ascii(out, dump),
        DumpFormat::Unicode => strings::unicode(out, dump),
        DumpFormat::Symbols | DumpFormat::ShortSymbols => symbols(out, dump),
        DumpFormat::BinaryBytes | DumpFormat::BinaryDoubleWords => binary(out, dump),
        format => {
            let Some(mut layout) = Layout::of(format) else { return };
            if let Some(columns) = dump.columns {
                layout.columns = u64::from(columns.max(1));
            }
            words(out, dump, &layout);
        }
    }
}

fn words(out: &mut String, dump: &MemoryDump, layout: &Layout) {
    let count = dump.range.length.div_ceil(layout.size);
    let mut first = 0;
    while first < count {
        let shown = layout.columns.min(count - first);
        let address = |word: u64| dump.range.start.wrapping_add((first + word) * layout.size);
        let mut row = String::new();
        for word in 0..layout.columns {
            row.push_str(match word {
                0 => "  ",
                // The middle of sixteen bytes is marked.
                8 if layout.size == 1 && shown > 8 => "-",
                _ => " ",
            });
            match word < shown {
                true => row.push_str(&word_text(dump, address(word), layout)),
                false if layout.text => row.push_str(&" ".repeat(layout.width)),
                false => {}
            }
        }
        if layout.text {
            row.push_str("  ");
            row.extend((0..shown * layout.size).map(|byte| character(dump.byte(address(0).wrapping_add(byte)))));
        }
        write_line!(out, "{}{}", address(0), row.trim_end_matches(' '));
        first += shown;
    }
}

fn word_text(dump: &MemoryDump, address: Address, layout: &Layout) -> String {
    let Some(word) = dump.word(address, layout.size) else {
        return unreadable(layout);
    };
    let width = layout.width;
    match dump.format {
        DumpFormat::QuadWords => Address(word).to_string(),
        DumpFormat::Floats => format!("{:>width$}", single(f32::from_bits(word as u32))),
        DumpFormat::Doubles => format!("{:>width$}", float(f64::from_bits(word), 16)),
        _ => format!("{word:0width$x}"),
    }
}

fn unreadable(layout: &Layout) -> String {
    match layout.width {
        17 => String::from("????????`????????"),
        16 | 24 => format!("{:>1$}", "????????", layout.width),
        width => "?".repeat(width),
    }
}

/// A 32-bit float; its exponent form must not show the digits that 64 bits would have.
fn single(value: f32) -> String {
    match float(f64::from(value), 8) {
        text if text.contains('e') => format!("{value:e}"),
        text => text,
    }
}

/// As C's `%g` with that many digits.
fn float(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() || (1e-5..1e15).contains(&magnitude) {
        let text = format!("{value:.digits$}");
        return match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        };
    }
    format!("{value:e}")
}

/// A byte as the dump's last column shows it. Only what is printable ASCII is passed on.
fn character(byte: Option<u8>) -> char {
    match byte {
        None => '?',
        Some(byte @ 0x20..=0x7e) => char::from(byte),
        Some(_) => '.',
    }
}

/// `dps`, `dds`.
fn symbols(out: &mut String, dump: &MemoryDump) {
    let size = dump.format.element_size();
    for word in 0..dump.range.length.div_ceil(size) {
        let address = dump.range.start.wrapping_add(word * size);
        let value = pointer(dump.word(address, size), size);
        // In the order of the words: a long dump is not searched through for each.
        let place = dump.symbols.binary_search_by_key(&address, |pointed| pointed.at);
        let named = place.ok().and_then(|place| dump.symbols.get(place));
        let name = named.map(|pointed| format!(" {}", symbol(&pointed.symbol)));
        write_line!(out, "{address}  {value}{}", name.unwrap_or_default());
    }
}

/// A word of 4 or 8 bytes as an address.
fn pointer(value: Option<u64>, size: u64) -> String {
    match (value, size) {
        (None, 4) => String::from("????????"),
        (None, _) => String::from("????????`????????"),
        (Some(value), 4) => format!("{value:08x}"),
        (Some(value), _) => Address(value).to_string(),
    }
}

/// `dyb`, `dyd`: the bits, then the words in hexadecimal.
fn binary(out: &mut String, dump: &MemoryDump) {
    let size = dump.format.element_size();
    let usual = if size == 1 { 4 } else { 1 };
    let columns = dump.columns.map_or(usual, |columns| u64::from(columns.max(1)));
    let (bits, digits) = (8 * size as usize, 2 * size as usize);
    let count = dump.range.length.div_ceil(size);
    let unused = " ".repeat(bits + 1);
    let mut first = 0;
    while first < count {
        let shown = columns.min(count - first);
        let word = |index: u64| dump.word(dump.range.start.wrapping_add((first + index) * size), size);
        let mut row = String::new();
        for index in 0..columns {
            match (index < shown, word(index)) {
                (false, _) => row.push_str(&unused),
                (true, Some(word)) => row.push_str(&format!(" {word:0bits$b}")),
                (true, None) => row.push_str(&format!(" {}", "?".repeat(bits))),
            }
        }
        row.push(' ');
        for index in 0..shown {
            match word(index) {
                Some(word) => row.push_str(&format!(" {word:0digits$x}")),
                None => row.push_str(&format!(" {}", "?".repeat(digits))),
            }
        }
        write_line!(out, "{} {row}", dump.range.start.wrapping_add(first * size));
        first += shown;
    }
}

/// `c`.
pub(crate) fn differences(out: &mut String, differences: &Differences) {
    for row in &differences.rows {
        let (left, right) = (row.left, row.right);
        write_line!(out, "{left}  {:02x} - {right}  {:02x}", row.left_byte, row.right_byte);
    }
}

/// `dda`, `dpp` and their kin.
pub(crate) fn pointers(out: &mut String, pointers: &Pointers) {
    let size = u64::from(pointers.size);
    for row in &pointers.rows {
        let pointee = match &row.pointee {
            Pointee::Nothing => pointer(None, size),
            Pointee::Text(bytes) => format!("\"{}\"", strings::plain_ascii(bytes)),
            Pointee::WideText(units) => format!("\"{}\"", strings::plain_unicode(units)),
            Pointee::Word { value, symbol: name } => {
                let name = name.as_ref().map(|name| format!(" {}", symbol(name)));
                format!("{}{}", pointer(Some(*value), size), name.unwrap_or_default())
            }
        };
        write_line!(out, "{}  {} {pointee}", row.at, pointer(row.value, size));
    }
}

/// `s`.
pub(crate) fn hits(out: &mut String, hits: &SearchHits, view: &View) {
    for hit in &hits.hits {
        if hits.addresses_only {
            write_line!(out, "{}", hit.address);
            continue;
        }
        let range = AddressRange::new(hit.address, hit.bytes.len() as u64);
        dump(out, &MemoryDump::new(hits.format, range, vec![hit.clone()]));
    }
    if hits.more {
        write_line!(
            out,
            "{}",
            view.paint(Paint::Warning, "There are more; only the first ones are shown.")
        );
    }
}
