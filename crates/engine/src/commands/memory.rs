//! `d*`: memory, shown.
//!
//! Long ranges are shown in chunks, so that they obey an interrupt and take little room. What follows pointers is in
//! [`super::pointers`].

use farsight_session::Record;
use farsight_session::record::{DumpFormat, MemoryDump, MemoryPart, PointedSymbol};
use farsight_target::MOST_BYTES;
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row, pointers};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;
use crate::symbols::name_of;

pub(super) const ROWS: &[Row] = &[Row {
    names: &[
        "db", "da", "dc", "dd", "dp", "dq", "du", "dw", "dW", "df", "dD", "dyb", "dyd", "dds", "dps", "dqs", "dda",
        "ddp", "ddu", "dpa", "dpp", "dpu", "dqa", "dqp", "dqu", "ds", "dS", "d",
    ],
    usage: "db|da|dc|dd|dp|dq|du|dw|dW|df|dD|dyb|dyd|dds|dps|dqs|d{d|p|q}{a|p|u}|ds|dS [/cN] [Range]  (d repeats the last)",
    summary: "Shows memory as bytes, text, words, bits or floating point; d*s adds symbols, d*a d*p d*u follow pointers, \
              ds and dS show counted strings.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: dump,
}];

/// Bytes that one record shows at most.
const CHUNK: u64 = 64 << 10;

/// What a name shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain(DumpFormat),
    /// Pointers of so many bytes, and what they lead to.
    Followed(u64, pointers::Leads),
}

fn form(name: &str) -> Form {
    use pointers::Leads;
    Form::Plain(match name {
        "da" => DumpFormat::Ascii,
        "dc" => DumpFormat::DoubleWordsAndText,
        "dd" => DumpFormat::DoubleWords,
        "dq" | "dp" => DumpFormat::QuadWords,
        "du" => DumpFormat::Unicode,
        "dw" => DumpFormat::Words,
        "dW" => DumpFormat::WordsAndText,
        "df" => DumpFormat::Floats,
        "dD" => DumpFormat::Doubles,
        "dyb" => DumpFormat::BinaryBytes,
        "dyd" => DumpFormat::BinaryDoubleWords,
        "dds" => DumpFormat::ShortSymbols,
        "dps" | "dqs" => DumpFormat::Symbols,
        "dda" => return Form::Followed(4, Leads::Text),
        "ddp" => return Form::Followed(4, Leads::Word),
        "ddu" => return Form::Followed(4, Leads::WideText),
        "dpa" | "dqa" => return Form::Followed(8, Leads::Text),
        "dpp" | "dqp" => return Form::Followed(8, Leads::Word),
        "dpu" | "dqu" => return Form::Followed(8, Leads::WideText),
        "ds" => return Form::Followed(16, Leads::CountedText),
        "dS" => return Form::Followed(16, Leads::CountedWideText),
        _ => DumpFormat::Bytes,
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
    let form = form(name);
    let (size, count) = match form {
        Form::Plain(format) => (format.element_size(), format.default_count()),
        Form::Followed(16, _) => (16, 1),
        Form::Followed(size, _) => (size, 16),
    };
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
        .to_bytes(size, count, next)
        .map_err(|error| CommandError::Expression(error.shifted(at)))?;
    let end = match form {
        Form::Plain(DumpFormat::Ascii | DumpFormat::Unicode) => show_text(session, form, bytes, columns)?,
        _ => {
            chunks(session, form, bytes, columns)?;
            bytes.end()
        }
    };
    session.memos.dump = Some((end, name));
    Ok(Flow::Done)
}

/// Shows a range chunk by chunk; each begins with a whole line.
fn chunks(session: &mut Session, form: Form, range: AddressRange, columns: Option<u32>) -> Result<(), CommandError> {
    let line = match form {
        Form::Plain(format) => format.element_size() * u64::from(columns.unwrap_or(48)),
        Form::Followed(size, _) => size,
    };
    let chunk = (CHUNK / line).max(1) * line;
    let long = range.length > MOST_BYTES;
    let mut at = 0;
    while at < range.length {
        session.check_interrupt()?;
        // Windows are read ahead of chunks, so that a chunk does not cost a round trip each.
        let start = range.start.wrapping_add(at);
        let window = AddressRange::new(start, (range.length - at).min(MOST_BYTES / chunk * chunk));
        let parts = session.read_parts(window)?;
        let mut done = 0;
        while done < window.length {
            session.check_interrupt()?;
            let piece = AddressRange::new(start.wrapping_add(done), (window.length - done).min(chunk));
            show(session, form, piece, &parts, columns)?;
            done += piece.length;
        }
        at += window.length;
        if long {
            session.process_mut()?.memory.forget(window);
        }
    }
    Ok(())
}

/// A range of 64-bit words with the symbols that they point to.
pub(super) fn show_symbols(session: &mut Session, range: AddressRange) -> Result<(), CommandError> {
    chunks(session, Form::Plain(DumpFormat::Symbols), range, None)
}

/// The parts of memory that lie in a range.
fn cut(parts: &[(Address, Vec<u8>)], range: AddressRange) -> Vec<MemoryPart> {
    let inside = |(address, bytes): &(Address, Vec<u8>)| {
        let whole = AddressRange::new(*address, bytes.len() as u64);
        let common = whole.intersection(range)?;
        let from = usize::try_from(common.start.distance_from(*address)?).ok()?;
        let length = usize::try_from(common.length).ok()?;
        Some(MemoryPart {
            address: common.start,
            bytes: bytes.get(from..from + length)?.to_vec(),
        })
    };
    parts.iter().filter_map(inside).collect()
}

fn show(
    session: &mut Session,
    form: Form,
    range: AddressRange,
    parts: &[(Address, Vec<u8>)],
    columns: Option<u32>,
) -> Result<(), CommandError> {
    let format = match form {
        Form::Plain(format) => format,
        Form::Followed(16, leads) => return pointers::show_counted(session, range, leads),
        Form::Followed(size, leads) => {
            let bytes = MemoryDump::new(DumpFormat::Bytes, range, cut(parts, range));
            note_last(session, &bytes, size);
            return pointers::show(session, &bytes, size, leads);
        }
    };
    let mut record = MemoryDump::new(format, range, cut(parts, range));
    record.columns = columns;
    note_last(session, &record, format.element_size());
    if matches!(format, DumpFormat::Symbols | DumpFormat::ShortSymbols) {
        record.symbols = pointed(session, &record)?;
    }
    session.output.record(Record::Memory(record));
    Ok(())
}

/// Remembers the last value shown (`$p`).
fn note_last(session: &mut Session, dump: &MemoryDump, size: u64) {
    let at = (dump.range.length / size.max(1)).checked_sub(1);
    let at = at.and_then(|index| dump.range.start.checked_add(size * index));
    if let Some(value) = at.and_then(|at| dump.word(at, size)) {
        session.memos.looks.last_shown = Some(value);
    }
}

/// Shows a text up to its NUL, and returns where it ends.
fn show_text(
    session: &mut Session,
    form: Form,
    range: AddressRange,
    columns: Option<u32>,
) -> Result<Address, CommandError> {
    let Form::Plain(format) = form else {
        return Ok(range.end());
    };
    let size = format.element_size();
    let chunk = 1024 * u64::from(columns.unwrap_or(32)) * size;
    let mut at = 0;
    while at < range.length {
        session.check_interrupt()?;
        let piece = AddressRange::new(range.start.wrapping_add(at), (range.length - at).min(chunk));
        let parts: Vec<MemoryPart> = session
            .read_parts(piece)?
            .into_iter()
            .map(|(address, bytes)| MemoryPart { address, bytes })
            .collect();
        let known: u64 = parts.iter().map(|part| part.bytes.len() as u64).sum();
        let end = parts.first().and_then(|part| text_end(part, size));
        let mut record = MemoryDump::new(format, piece, parts);
        record.columns = columns;
        session.output.record(Record::Memory(record));
        match end {
            Some(end) => return Ok(end),
            None if known < piece.length => return Ok(piece.end()),
            None => at += piece.length,
        }
    }
    Ok(range.end())
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
fn pointed(session: &mut Session, dump: &MemoryDump) -> Result<Vec<PointedSymbol>, CommandError> {
    let size = dump.format.element_size();
    let words: Vec<(Address, Address)> = (0..dump.range.length / size)
        .filter_map(|index| {
            let at = dump.range.start.wrapping_add(size * index);
            Some((at, Address(dump.word(at, size)?)))
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

/// The whole of a small range, for others that show memory.
pub(super) fn peek(session: &mut Session, address: Address, length: u64) -> Result<Vec<u8>, CommandError> {
    session.read_memory(AddressRange::new(address, length))
}
