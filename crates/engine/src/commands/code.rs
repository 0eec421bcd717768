//! `u ub uu`: disassembly.

use farsight_session::Record;
use farsight_session::record::{InstructionLine, Listing};
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row};
use crate::disassembly::instructions_before;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::Extent;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["u", "uu"],
        usage: "u|uu [Range]",
        summary: "Disassembles: 8 instructions from where the last listing ended, or from the program counter; uu goes \
                  on behind memory that cannot be read.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: forwards,
    },
    Row {
        names: &["ub"],
        usage: "ub [Address [L Count]]",
        summary: "Disassembles the instructions before an address.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: backwards,
    },
];

/// Instructions shown when no count is given.
const DEFAULT_COUNT: u64 = 8;
/// What can be read begins and ends at a multiple of this.
const PAGE: u64 = 4096;
/// Most instructions of one listing.
const MOST_COUNT: u64 = 0x10000;

/// Shows instructions, with or without their bytes (`.asm`).
pub(super) fn show_listing(session: &mut Session, mut listing: Listing) {
    if session.memos.looks.asm.contains(&"source_line") {
        session.add_source(&mut listing);
    }
    if session.memos.looks.no_code_bytes {
        listing.lines.iter_mut().for_each(|line| line.bytes.clear());
    }
    session.output.record(Record::Listing(listing));
}

/// Shows where the current thread stands.
pub(super) fn show_location(session: &mut Session) -> Result<(), CommandError> {
    let location = session.location()?;
    let mut lines = Vec::new();
    lines.extend(location.instruction);
    let unreadable_at = lines.is_empty().then_some(location.place.address);
    session
        .output
        .record(Record::Listing(farsight_session::record::Listing {
            lines,
            unreadable_at,
        }));
    Ok(())
}

fn start(session: &mut Session, given: Option<Address>) -> Result<Address, CommandError> {
    match given.or(session.memos.disassembly) {
        Some(address) => Ok(address),
        None => Ok(session.registers()?.pc()),
    }
}

fn count(invocation: &Invocation<'_>, position: usize, count: u64) -> Result<usize, CommandError> {
    if !(1..=MOST_COUNT).contains(&count) {
        return Err(CommandError::syntax(
            invocation.at + position,
            format!("a count is from 1 to {MOST_COUNT:#x}"),
        ));
    }
    Ok(usize::try_from(count).unwrap_or(1))
}

fn forwards(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (range, rest) = session.range_prefix(invocation.text, invocation.at)?;
    invocation.expect_end(rest)?;
    let from = start(session, range.start)?;
    let wanted = match range.extent {
        Extent::Default => Some((DEFAULT_COUNT, 0)),
        Extent::Count(number) => Some((number, range.position)),
        _ => None,
    };
    if let ("uu", Some((number, position))) = (invocation.name, wanted) {
        return past_gaps(session, from, count(invocation, position, number)?);
    }
    let listing = match range.extent {
        Extent::Default => session.listing(from, count(invocation, 0, DEFAULT_COUNT)?)?,
        Extent::Count(number) => {
            let number = count(invocation, range.position, number)?;
            session.listing(from, number)?
        }
        Extent::Until(last) => {
            let length = last
                .distance_from(from)
                .map_or(1, |distance| distance.saturating_add(1));
            let longest = session.disassembler()?.longest() as u64;
            // The last instruction may reach beyond the last address.
            let bytes = AddressRange::new(from, length.min(MOST_COUNT * longest).saturating_add(longest));
            let mut listing = session.list_range(bytes, count(invocation, 0, MOST_COUNT)?)?;
            listing.lines.retain(|line| line.place.address <= last);
            listing
        }
        Extent::Back(number) => return before(session, invocation, from, number, range.position),
    };
    if let Some(last) = listing.lines.last() {
        let next = last.place.address.wrapping_add(last.bytes.len() as u64);
        session.memos.disassembly = Some(next);
    }
    show_listing(session, listing);
    Ok(Flow::Done)
}

/// `uu`: memory that cannot be read counts as an instruction, and the next page comes after it.
fn past_gaps(session: &mut Session, from: Address, number: usize) -> Result<Flow, CommandError> {
    let mut listing = Listing::default();
    let mut at = Some(from);
    while let Some(start) = at.filter(|_| listing.lines.len() < number) {
        session.check_interrupt()?;
        let part = session.listing(start, number - listing.lines.len())?;
        at = part
            .lines
            .last()
            .and_then(|last| last.place.address.checked_add(last.bytes.len() as u64));
        listing.lines.extend(part.lines);
        if let Some(gap) = part.unreadable_at.filter(|_| listing.lines.len() < number) {
            listing.lines.push(InstructionLine {
                place: session.place_of(gap)?,
                bytes: Vec::new(),
                text: "???".to_owned(),
                source: None,
            });
            at = (gap.0 / PAGE + 1).checked_mul(PAGE).map(Address);
        }
    }
    session.memos.disassembly = at.or(session.memos.disassembly);
    show_listing(session, listing);
    Ok(Flow::Done)
}

fn backwards(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (range, rest) = session.range_prefix(invocation.text, invocation.at)?;
    invocation.expect_end(rest)?;
    let end = start(session, range.start)?;
    let number = match range.extent {
        Extent::Count(number) | Extent::Back(number) => number,
        _ => DEFAULT_COUNT,
    };
    before(session, invocation, end, number, range.position)
}

fn before(
    session: &mut Session,
    invocation: &Invocation<'_>,
    end: Address,
    number: u64,
    position: usize,
) -> Result<Flow, CommandError> {
    let number = count(invocation, position, number)?;
    let disassembler = session.disassembler()?;
    let length = (number as u64 + 4).saturating_mul(disassembler.longest() as u64);
    // A function's start is a certain place to begin at, where it is near enough.
    let place = session.place_of(end)?;
    let symbol = place
        .symbol
        .filter(|symbol| symbol.name.is_some() && symbol.displacement > 0);
    let certain = symbol.filter(|symbol| symbol.displacement <= length.saturating_mul(4));
    let (begin, is_start) = match certain {
        Some(symbol) => (Address(end.0.wrapping_sub(symbol.displacement)), true),
        None => (Address(end.0.saturating_sub(length)), false),
    };
    let bytes = session.read_memory(AddressRange::new(begin, end.0.wrapping_sub(begin.0)))?;
    if (bytes.len() as u64) < end.0.wrapping_sub(begin.0) {
        return Err(CommandError::Unreadable {
            at: begin.wrapping_add(bytes.len() as u64),
        });
    }
    let starts = instructions_before(disassembler, &bytes, number, is_start);
    let Some(first) = starts.first() else {
        return Err(CommandError::Refused(format!("no instructions end at {end}")));
    };
    let from = begin.wrapping_add(*first as u64);
    let listing = session.list_range(AddressRange::new(from, end.0.wrapping_sub(from.0)), starts.len())?;
    session.memos.disassembly = Some(from);
    show_listing(session, listing);
    Ok(Flow::Done)
}
