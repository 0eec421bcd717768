//! `dda dpp dqu ...`, `ds dS`, `dl`: what memory points to.

use farsight_session::Record;
use farsight_session::record::{DumpFormat, MemoryDump, MemoryPart, Pointee, PointerRow, Pointers};
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::memory::Cached;
use crate::session::Session;
use crate::symbols::name_of;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["dl", "dlb"],
    usage: "dl[b] Address [Max [Size]]",
    summary: "Follows a linked list: shows Size pointers of each of at most Max elements; dlb goes backwards.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: list,
}];

/// What a pointer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    Text,
    WideText,
    Word,
    /// A count of bytes, another, and a pointer, as in DbgEng's counted strings.
    CountedText,
    CountedWideText,
}

/// Bytes of a text that are shown.
const TEXT: u64 = 128;

/// Shows the pointers in a dump with what they lead to. All of that is fetched at once.
pub(super) fn show(session: &mut Session, dump: &MemoryDump, size: u64, leads: Leads) -> Result<(), CommandError> {
    let rows: Vec<(Address, Option<u64>)> = (0..dump.range.length / size)
        .map(|index| {
            let at = dump.range.start.wrapping_add(size * index);
            (at, dump.word(at, size))
        })
        .collect();
    let length = match leads {
        Leads::Word => size,
        _ => TEXT,
    };
    let wanted: Vec<AddressRange> = rows
        .iter()
        .filter_map(|(_, value)| Some(AddressRange::new(Address((*value)?), length)))
        .collect();
    session.fetch_memory(&wanted)?;
    let words = wanted.iter().filter(|_| leads == Leads::Word);
    let targets: Vec<Address> = words
        .filter_map(|range| {
            let bytes = known(session, *range).ok()?;
            (bytes.len() as u64 == size).then(|| Address(crate::session::number(&bytes)))
        })
        .collect();
    session.load_for(targets)?;
    let mut shown = Vec::with_capacity(rows.len());
    for (at, value) in rows {
        let pointee = match value {
            None => Pointee::Nothing,
            Some(value) => lead(session, AddressRange::new(Address(value), length), leads)?,
        };
        shown.push(PointerRow { at, value, pointee });
    }
    let size = if size == 4 { 4 } else { 8 };
    session.output.record(Record::Pointers(Pointers { size, rows: shown }));
    Ok(())
}

/// What the cache has of a range, from its start.
fn known(session: &Session, range: AddressRange) -> Result<Vec<u8>, CommandError> {
    let length = usize::try_from(range.length).unwrap_or(0);
    let mut bytes = vec![0; length];
    let known = match session.process()?.memory.read(range.start, &mut bytes) {
        Cached::All => length,
        Cached::Until(known) => known,
        Cached::Missing => 0,
    };
    bytes.truncate(known);
    Ok(bytes)
}

fn lead(session: &Session, range: AddressRange, leads: Leads) -> Result<Pointee, CommandError> {
    let bytes = known(session, range)?;
    if bytes.is_empty() {
        return Ok(Pointee::Nothing);
    }
    Ok(match leads {
        Leads::Word if (bytes.len() as u64) < range.length => Pointee::Nothing,
        Leads::Word => {
            let value = crate::session::number(&bytes);
            let symbol = name_of(session.process()?, Address(value));
            Pointee::Word { value, symbol }
        }
        Leads::Text | Leads::CountedText => {
            let end = bytes.iter().position(|byte| *byte == 0);
            Pointee::Text(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default().to_vec())
        }
        Leads::WideText | Leads::CountedWideText => {
            let units = bytes.chunks_exact(2).map(|unit| crate::session::number(unit) as u16);
            Pointee::WideText(units.take_while(|unit| *unit != 0).collect())
        }
    })
}

/// `ds`, `dS`: counted strings, of which a 64-bit target has one for each 16 bytes: length and room in bytes (16 bits
/// each), padding, and the address of the text.
pub(super) fn show_counted(session: &mut Session, range: AddressRange, leads: Leads) -> Result<(), CommandError> {
    let mut headers = Vec::new();
    for index in 0..range.length / 16 {
        session.check_interrupt()?;
        let at = range.start.wrapping_add(16 * index);
        let bytes = session.read_memory(AddressRange::new(at, 16))?;
        let header = bytes.split_at_checked(8).filter(|(_, text)| text.len() == 8);
        let Some((counts, text)) = header else {
            return Err(CommandError::Unreadable {
                at: at.wrapping_add(bytes.len() as u64),
            });
        };
        let length = crate::session::number(counts.get(..2).unwrap_or_default());
        headers.push(AddressRange::new(Address(crate::session::number(text)), length));
    }
    session.fetch_memory(&headers)?;
    let format = match leads {
        Leads::CountedWideText => DumpFormat::Unicode,
        _ => DumpFormat::Ascii,
    };
    for text in headers {
        if text.length == 0 {
            session.output.line(format!("{}  \"\"", text.start));
            continue;
        }
        let bytes = known(session, text)?;
        let part = MemoryPart {
            address: text.start,
            bytes,
        };
        let record = MemoryDump::new(format, text, vec![part]);
        session.output.record(Record::Memory(record));
    }
    Ok(())
}

/// Elements of a list, and pointers of each, where nothing else is said.
const ELEMENTS: u64 = 32;
const POINTERS: u64 = 2;
/// Most of either.
const MOST_ELEMENTS: u64 = 0x10000;
const MOST_POINTERS: u64 = 0x100;

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.text.is_empty() {
        return Err(invocation.missing("the address of a list"));
    }
    let (start, rest) = session.evaluate_prefix(invocation.text, invocation.at)?;
    let (most, rest) = take_count(session, invocation, rest, ELEMENTS, MOST_ELEMENTS)?;
    let (size, rest) = take_count(session, invocation, rest, POINTERS, MOST_POINTERS)?;
    invocation.expect_end(rest)?;
    // The first word leads on, the second one back.
    let link = if invocation.name == "dlb" { 8 } else { 0 };
    let mut at = Address(start);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..most {
        session.check_interrupt()?;
        let range = AddressRange::new(at, 8 * size);
        // The links are needed even where fewer words are shown.
        session.fetch_memory(&[AddressRange::new(at, (8 * size).max(16))])?;
        let bytes = known(session, range)?;
        let next = known(session, AddressRange::new(at.wrapping_add(link), 8))?;
        let part = MemoryPart { address: at, bytes };
        session.output.record(Record::Memory(MemoryDump::new(
            DumpFormat::QuadWords,
            range,
            vec![part],
        )));
        seen.insert(at);
        if next.len() < 8 {
            return Err(CommandError::Unreadable { at });
        }
        at = Address(crate::session::number(&next));
        // The list has come round, or ends.
        if at == Address(0) || at == Address(start) {
            return Ok(Flow::Done);
        }
        if seen.contains(&at) {
            session.output.warning(format!("The list leads back to {at}."));
            return Ok(Flow::Done);
        }
    }
    session
        .output
        .warning(format!("There are more; the next one is at {at}."));
    Ok(Flow::Done)
}

fn take_count<'t>(
    session: &mut Session,
    invocation: &Invocation<'t>,
    text: &'t str,
    usual: u64,
    most: u64,
) -> Result<(u64, &'t str), CommandError> {
    if text.is_empty() {
        return Ok((usual, text));
    }
    let at = invocation.position_of(text);
    let (count, rest) = session.evaluate_prefix(text, at)?;
    match (1..=most).contains(&count) {
        true => Ok((count, rest)),
        false => Err(CommandError::syntax(at, format!("a count is from 1 to {most:#x}"))),
    }
}
