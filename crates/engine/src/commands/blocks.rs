//! `f`, `m`, `c`: blocks of memory filled, moved and compared.

use farsight_session::Record;
use farsight_session::record::{Difference, Differences};
use farsight_target::{FillRequest, Look, LookProxy};
use farsight_types::{Address, AddressRange};

use super::values::{Kind, take_values};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["f"],
        usage: "f Range Byte ...|\"Text\"",
        summary: "Fills memory with a pattern, repeated as often as there is room.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: fill,
    },
    Row {
        names: &["m"],
        usage: "m Range Address",
        summary: "Moves memory to another place; the two may overlap.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: move_block,
    },
    Row {
        names: &["c"],
        usage: "c Range Address",
        summary: "Compares memory with memory at another place and lists the bytes that differ.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: compare,
    },
];

/// Most bytes of a pattern; the service's own limit.
const MOST_PATTERN: usize = 65536;
/// Differences in one record.
const ROWS_AT_ONCE: usize = 4096;

/// A range of bytes that must be given.
pub(super) fn take_range<'t>(
    session: &mut Session,
    invocation: &Invocation<'t>,
    text: &'t str,
    default: u64,
) -> Result<(AddressRange, &'t str), CommandError> {
    if text.is_empty() {
        return Err(invocation.missing("a range"));
    }
    let at = invocation.position_of(text);
    let (range, rest) = session.range_prefix(text, at)?;
    if range.start.is_none() {
        return Err(CommandError::syntax(at, "a range begins with an address"));
    }
    let bytes = range
        .to_bytes(1, default, Address(0))
        .map_err(|error| CommandError::Expression(error.shifted(at)))?;
    Ok((bytes, rest))
}

fn fill(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (range, rest) = take_range(session, invocation, invocation.text, 1)?;
    let pattern = take_values(session, rest, invocation.position_of(rest), Kind::Word(1), MOST_PATTERN)?;
    if pattern.is_empty() {
        return Err(invocation.missing("a pattern"));
    }
    let (link, process) = session.link_and_process()?;
    let request = FillRequest {
        process: process.os,
        range,
        pattern,
    };
    let filled = LookProxy(&link).fill(request);
    session.process_mut()?.memory.forget(range);
    let filled = filled?.length.min(range.length);
    session.output.line(format!("Filled {filled:#x} bytes"));
    match filled < range.length {
        true => Err(farsight_target::TargetError::Unwritable {
            at: range.start.wrapping_add(filled),
        }
        .into()),
        false => Ok(Flow::Done),
    }
}

/// A range and the place that it is moved to or compared with; both lie whole in the address space.
fn take_pair(session: &mut Session, invocation: &Invocation<'_>) -> Result<(AddressRange, Address), CommandError> {
    let (range, rest) = take_range(session, invocation, invocation.text, 1)?;
    if rest.is_empty() {
        return Err(invocation.missing("an address"));
    }
    let at = invocation.position_of(rest);
    let (other, rest) = session.evaluate_prefix(rest, at)?;
    invocation.expect_end(rest)?;
    if Address(other).checked_add(range.length - 1).is_none() {
        return Err(CommandError::syntax(at, "the address space ends before the range does"));
    }
    Ok((range, Address(other)))
}

fn move_block(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (from, to) = take_pair(session, invocation)?;
    // What is read ahead must not have been written to yet: where the block moves up into itself, its end goes first.
    let backwards = to > from.start && from.contains(to);
    let mut reads = session.stream(from, backwards)?;
    session.write_stream(|session, writes| {
        while let Some((piece, bytes)) = session.next_piece(&mut reads)? {
            if (bytes.len() as u64) < piece.length {
                let at = piece.start.wrapping_add(bytes.len() as u64);
                return Err(CommandError::Unreadable { at });
            }
            let target = to.wrapping_add(piece.start.0.wrapping_sub(from.start.0));
            session.write_piece(writes, target, bytes)?;
        }
        Ok(())
    })?;
    Ok(Flow::Done)
}

fn compare(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (left, to) = take_pair(session, invocation)?;
    let mut lefts = session.stream(left, false)?;
    let mut rights = session.stream(AddressRange::new(to, left.length), false)?;
    // Both are under way before either is waited for.
    rights.send_ahead()?;
    while let Some((piece, ours)) = session.next_piece(&mut lefts)? {
        let Some((other, theirs)) = session.next_piece(&mut rights)? else {
            break;
        };
        let mut rows = Vec::new();
        for (index, (left, right)) in ours.iter().zip(&theirs).enumerate() {
            if left == right {
                continue;
            }
            rows.push(Difference {
                left: piece.start.wrapping_add(index as u64),
                left_byte: *left,
                right: other.start.wrapping_add(index as u64),
                right_byte: *right,
            });
            if rows.len() == ROWS_AT_ONCE {
                session.check_interrupt()?;
                show(session, &mut rows);
            }
        }
        show(session, &mut rows);
        for (range, bytes) in [(piece, ours), (other, theirs)] {
            if (bytes.len() as u64) < range.length {
                let at = range.start.wrapping_add(bytes.len() as u64);
                return Err(CommandError::Unreadable { at });
            }
        }
    }
    Ok(Flow::Done)
}

fn show(session: &mut Session, rows: &mut Vec<Difference>) {
    if !rows.is_empty() {
        let rows = std::mem::take(rows);
        session.output.record(Record::Differences(Differences { rows }));
    }
}
