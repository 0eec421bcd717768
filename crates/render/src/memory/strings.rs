//! `da` and `du`.

use farsight_session::record::MemoryDump;
use farsight_types::Address;

use crate::{visible, write_line};

/// Characters a line.
const COLUMNS: u64 = 32;

/// A string of bytes up to its NUL.
pub(super) fn ascii(out: &mut String, dump: &MemoryDump) {
    pieces(out, dump, 1, |units| {
        let bytes: Vec<u8> = units.iter().map(|unit| *unit as u8).collect();
        plain_ascii(&bytes)
    });
}

/// A string of UTF-16 up to its NUL.
pub(super) fn unicode(out: &mut String, dump: &MemoryDump) {
    pieces(out, dump, 2, plain_unicode);
}

/// Bytes as characters; what is not printable ASCII is a dot.
pub(super) fn plain_ascii(bytes: &[u8]) -> String {
    let printable = bytes.iter().map(|byte| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '.',
    });
    printable.collect()
}

/// UTF-16 as characters; what a terminal does not show as it is is a dot.
pub(super) fn plain_unicode(units: &[u16]) -> String {
    let decoded = char::decode_utf16(units.iter().copied());
    let printable = decoded.map(|unit| unit.ok().filter(|unit| is_plain(*unit)).unwrap_or('.'));
    printable.collect()
}

/// Whether a terminal shows a character as it is.
fn is_plain(character: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    visible(text) == text
}

/// Lines of characters; where memory ends, `????` says so.
fn pieces(out: &mut String, dump: &MemoryDump, size: u64, decode: impl Fn(&[u16]) -> String) {
    let columns = dump.columns.map_or(COLUMNS, |columns| u64::from(columns.max(1)));
    let count = dump.range.length / size;
    let mut first = 0;
    loop {
        let address = dump.range.start.wrapping_add(first * size);
        let mut units = Vec::new();
        let mut ending = None;
        for unit in first..count.min(first.saturating_add(columns)) {
            let at: Address = dump.range.start.wrapping_add(unit * size);
            match dump.word(at, size) {
                Some(0) => ending = Some(""),
                None => ending = Some("????"),
                Some(unit) => {
                    units.push(unit as u16);
                    continue;
                }
            }
            break;
        }
        first += units.len() as u64;
        // A string that ends with its line needs no empty one behind it.
        if first == 0 || !units.is_empty() || ending == Some("????") {
            write_line!(out, "{address}  \"{}{}\"", decode(&units), ending.unwrap_or(""));
        }
        if ending.is_some() || first >= count {
            return;
        }
    }
}
