//! `d*` and `e*`: memory, shown and written.

use farsight_session::Record;
use farsight_session::record::{DumpFormat, MemoryDump, MemoryPart, PointedSymbol};
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_string;
use crate::session::Session;
use crate::symbols::name_of;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[
            "db", "da", "dc", "dd", "dp", "dq", "du", "dw", "dW", "df", "dD", "dps", "dqs", "d",
        ],
        usage: "db|da|dc|dd|dp|dq|du|dw|df|dD [Range]  (d repeats the last)",
        summary: "Shows memory as bytes, text, words of 2, 4 or 8 bytes, or floating point; dps adds symbols.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: dump,
    },
    Row {
        names: &["dds"],
        usage: "dds [Range]",
        summary: "Not for 64-bit targets; use dps.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: |_, _| {
            Err(CommandError::Refused(
                "dds shows 32-bit pointers, which this target has not; use dps".into(),
            ))
        },
    },
    Row {
        names: &["eb", "ed", "eq", "ew", "ep"],
        usage: "eb|ew|ed|eq|ep Address Value ...",
        summary: "Writes values of 1, 2, 4 or 8 bytes into memory.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: enter,
    },
    Row {
        names: &["ea", "eza"],
        usage: "ea|eza Address \"Text\"",
        summary: "Writes text into memory; eza ends it with a NUL.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: enter_text,
    },
];

fn format(name: &str) -> Option<DumpFormat> {
    Some(match name {
        "db" => DumpFormat::Bytes,
        "da" => DumpFormat::Ascii,
        "dc" => DumpFormat::DoubleWordsAndText,
        "dd" => DumpFormat::DoubleWords,
        "dq" | "dp" => DumpFormat::QuadWords,
        "du" => DumpFormat::Unicode,
        "dw" => DumpFormat::Words,
        "dW" => DumpFormat::WordsAndText,
        "df" => DumpFormat::Floats,
        "dD" => DumpFormat::Doubles,
        "dps" | "dqs" => DumpFormat::Symbols,
        _ => return None,
    })
}

/// The table's own spelling of a name, to be remembered.
fn remembered(name: &str) -> Option<&'static str> {
    ROWS.first()?.names.iter().find(|known| **known == name).copied()
}

fn dump(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let last = session.memos.dump;
    let name = match invocation.name {
        "d" => last.map_or("db", |(_, name)| name),
        name => remembered(name).unwrap_or("db"),
    };
    let format = format(name).unwrap_or(DumpFormat::Bytes);
    let (columns, text) = take_columns(session, invocation)?;
    let (range, rest) = session.range_prefix(text, invocation.position_of(text))?;
    invocation.expect_end(rest)?;
    let next = match (range.start, last) {
        (None, Some((next, _))) => next,
        (None, None) => session.registers()?.pc(),
        (Some(_), _) => Address(0),
    };
    let at = invocation.position_of(text);
    let bytes = range
        .to_bytes(format.element_size(), format.default_count(), next)
        .map_err(|error| CommandError::Expression(error.shifted(at)))?;
    let shown = session.read_parts(bytes)?;
    let symbols = match format {
        DumpFormat::Symbols => pointed(session, &shown)?,
        _ => Vec::new(),
    };
    let is_text = matches!(format, DumpFormat::Ascii | DumpFormat::Unicode);
    let parts: Vec<MemoryPart> = shown
        .into_iter()
        .map(|(address, bytes)| MemoryPart { address, bytes })
        .collect();
    let end = match (is_text, parts.first()) {
        (true, Some(part)) => text_end(part, format.element_size()).unwrap_or(bytes.end()),
        _ => bytes.end(),
    };
    session.memos.dump = Some((end, name));
    let mut record = MemoryDump::new(format, bytes, parts);
    record.columns = columns;
    record.symbols = symbols;
    session.output.record(Record::Memory(record));
    Ok(Flow::Done)
}

/// `/cN`: elements a line.
fn take_columns<'t>(
    session: &mut Session,
    invocation: &Invocation<'t>,
) -> Result<(Option<u32>, &'t str), CommandError> {
    let text = invocation.text;
    let Some(option) = text.strip_prefix("/c") else {
        return Ok((None, text));
    };
    let at = invocation.position_of(option);
    let (count, rest) = session.evaluate_prefix(option, at)?;
    match u32::try_from(count) {
        Ok(count @ 1..=256) => Ok((Some(count), rest)),
        _ => Err(CommandError::syntax(at, "a line has from 1 to 0x100 elements")),
    }
}

/// One behind the NUL of a text.
fn text_end(part: &MemoryPart, size: u64) -> Option<Address> {
    let size = usize::try_from(size).ok()?;
    let index = part
        .bytes
        .chunks(size)
        .position(|element| element.iter().all(|byte| *byte == 0))?;
    part.address.checked_add(((index + 1) * size) as u64)
}

/// The symbols that the words of memory point to.
fn pointed(session: &mut Session, parts: &[(Address, Vec<u8>)]) -> Result<Vec<PointedSymbol>, CommandError> {
    let words: Vec<(Address, Address)> = parts
        .iter()
        .flat_map(|(address, bytes)| {
            bytes.chunks_exact(8).enumerate().map(|(index, word)| {
                let at = address.wrapping_add(8 * index as u64);
                (at, Address(crate::session::number(word)))
            })
        })
        .collect();
    session.load_for(words.iter().map(|(_, value)| *value))?;
    let process = session.process()?;
    Ok(words
        .into_iter()
        .filter_map(|(at, value)| {
            let symbol = name_of(process, value)?;
            Some(PointedSymbol { at, symbol })
        })
        .collect())
}

fn enter(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let size: usize = match invocation.name {
        "eb" => 1,
        "ew" => 2,
        "ed" => 4,
        _ => 8,
    };
    let (address, mut rest) = take_target(session, invocation)?;
    let mut bytes = Vec::new();
    if rest.is_empty() {
        return Err(invocation.missing("a value"));
    }
    while !rest.is_empty() {
        let at = invocation.position_of(rest);
        if rest.starts_with(['"', '\'']) {
            let Some((text, behind)) = take_string(rest) else {
                return Err(CommandError::syntax(at, "a string is not closed"));
            };
            for byte in text.bytes() {
                bytes.push(byte);
                bytes.resize(bytes.len() + size - 1, 0);
            }
            rest = behind;
            continue;
        }
        let (value, behind) = session.evaluate_prefix(rest, at)?;
        let fits =
            size == 8 || value < 1 << (8 * size) || (value as i64) < 0 && (value as i64) >= -(1 << (8 * size - 1));
        if !fits {
            return Err(CommandError::syntax(
                at,
                format!("Overflow error: {value:#x} has more than {size} bytes"),
            ));
        }
        bytes.extend_from_slice(value.to_le_bytes().get(..size).unwrap_or_default());
        rest = behind;
    }
    session.write_memory(address, bytes)?;
    Ok(Flow::Done)
}

fn enter_text(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (address, rest) = take_target(session, invocation)?;
    let Some((text, rest)) = take_string(rest) else {
        return Err(invocation.missing("a text in quotes"));
    };
    invocation.expect_end(rest)?;
    let mut bytes = text.into_bytes();
    if invocation.name == "eza" {
        bytes.push(0);
    }
    session.write_memory(address, bytes)?;
    Ok(Flow::Done)
}

fn take_target<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Address, &'t str), CommandError> {
    if invocation.text.is_empty() {
        return Err(invocation.missing("an address"));
    }
    let (address, rest) = session.evaluate_prefix(invocation.text, invocation.at)?;
    Ok((Address(address), rest))
}

/// The whole of a small range, for others that show memory.
pub(super) fn peek(session: &mut Session, address: Address, length: u64) -> Result<Vec<u8>, CommandError> {
    session.read_memory(AddressRange::new(address, length))
}
