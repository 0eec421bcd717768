//! `d*` and `s`.

use farsight_session::record::{DumpFormat, MemoryDump, SearchHits};
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
            DumpFormat::Ascii | DumpFormat::Unicode | DumpFormat::Symbols => return None,
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
        DumpFormat::Symbols => symbols(out, dump),
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

/// `dps`.
fn symbols(out: &mut String, dump: &MemoryDump) {
    for word in 0..dump.range.length.div_ceil(8) {
        let address = dump.range.start.wrapping_add(word * 8);
        let value = dump.word(address, 8);
        let value = value.map_or_else(|| String::from("????????`????????"), |value| Address(value).to_string());
        let named = dump.symbols.iter().find(|pointed| pointed.at == address);
        let name = named.map(|pointed| format!(" {}", symbol(&pointed.symbol)));
        write_line!(out, "{address}  {value}{}", name.unwrap_or_default());
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
