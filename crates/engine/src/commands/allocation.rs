//! `.dvalloc`, `.dvfree`, `.holdmem`: memory made, given back and kept for comparison.

use farsight_session::Record;
use farsight_session::record::{Difference, Differences};
use farsight_target::{AllocateRequest, Allocation, Look, LookProxy};
use farsight_types::{Address, AddressRange};

use super::blocks::take_range;
use super::dumps::shown;
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".dvalloc"],
        usage: ".dvalloc [/b Address] [/r] Size",
        summary: "Makes memory in the debuggee that can be read, written and executed; /b says where, /r is accepted.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Selects,
        run: allocate,
    },
    Row {
        names: &[".dvfree"],
        usage: ".dvfree [/d] Address Size",
        summary: "Gives memory of the debuggee back; whole pages, /d is accepted.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Selects,
        run: free,
    },
    Row {
        names: &[".holdmem"],
        usage: ".holdmem -a Range | -c Range | -o | -d Range | -D",
        summary: "Keeps a copy of memory (-a), compares memory with it (-c), lists (-o) and drops copies (-d, -D).",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: hold,
    },
];

/// Most bytes of all copies.
const MOST_HELD: u64 = 64 << 20;

fn allocate(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut rest = invocation.text;
    let mut at = None;
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/b" => {
                if behind.is_empty() {
                    return Err(invocation.missing("an address"));
                }
                let (address, behind) = session.evaluate_prefix(behind, invocation.position_of(behind))?;
                at = Some(Address(address));
                rest = behind;
            }
            // Memory is not made in two steps here.
            "/r" => rest = behind,
            _ => return Err(invocation.unexpected(rest)),
        }
    }
    let size = take_size(session, invocation, rest)?;
    let (link, process) = session.link_and_process()?;
    let request = AllocateRequest {
        process: process.os,
        size,
        at,
    };
    let made = LookProxy(&link).allocate(request);
    let process = session.process_mut()?;
    process.regions = None;
    let made = made?.range;
    process.memory.forget(made);
    session
        .output
        .line(format!("Allocated {:x} bytes starting at {}", made.length, made.start));
    Ok(Flow::Done)
}

fn take_size(session: &mut Session, invocation: &Invocation<'_>, text: &str) -> Result<u64, CommandError> {
    if text.is_empty() {
        return Err(invocation.missing("a size"));
    }
    let at = invocation.position_of(text);
    let (size, rest) = session.evaluate_prefix(text, at)?;
    invocation.expect_end(rest)?;
    match size {
        0 => Err(CommandError::syntax(at, "a size is at least 1")),
        size => Ok(size),
    }
}

fn free(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text;
    // Memory here is given back or not; there is no state in between that /d could leave it in.
    let rest = match take_word(text) {
        ("/d", rest) => rest,
        _ => text,
    };
    if rest.is_empty() {
        return Err(invocation.missing("an address"));
    }
    let (start, rest) = session.evaluate_prefix(rest, invocation.position_of(rest))?;
    let size = take_size(session, invocation, rest)?;
    let (link, process) = session.link_and_process()?;
    let order = Allocation {
        process: process.os,
        range: AddressRange::new(Address(start), size),
    };
    let freed = LookProxy(&link).free(order);
    let process = session.process_mut()?;
    process.regions = None;
    process.memory.forget(order.range);
    freed?;
    session
        .output
        .line(format!("Freed {size:x} bytes starting at {}", Address(start)));
    Ok(Flow::Done)
}

fn hold(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (option, rest) = take_word(invocation.text);
    match option {
        "-o" => {
            invocation.expect_end(rest)?;
            let held = &session.memos.looks.held;
            let lines: Vec<String> = held
                .iter()
                .map(|(start, bytes)| shown(AddressRange::new(*start, bytes.len() as u64)))
                .collect();
            session.output.record(Record::Lines(lines));
        }
        "-D" => {
            invocation.expect_end(rest)?;
            session.memos.looks.held.clear();
        }
        "-d" => {
            let (range, rest) = take_range(session, invocation, rest, 1)?;
            invocation.expect_end(rest)?;
            session.memos.looks.held.retain(|(start, bytes)| {
                AddressRange::new(*start, bytes.len() as u64)
                    .intersection(range)
                    .is_none()
            });
        }
        "-a" | "-c" => {
            let at = invocation.position_of(rest);
            let (range, rest) = take_range(session, invocation, rest, 1)?;
            invocation.expect_end(rest)?;
            let held: u64 = session
                .memos
                .looks
                .held
                .iter()
                .map(|(_, bytes)| bytes.len() as u64)
                .sum();
            if range.length > MOST_HELD.saturating_sub(held) {
                return Err(CommandError::syntax(
                    at,
                    format!("copies have at most {MOST_HELD:#x} bytes together"),
                ));
            }
            let bytes = whole(session, range)?;
            match option {
                "-a" => session.memos.looks.held.push((range.start, bytes)),
                _ => compare(session, range, &bytes)?,
            }
        }
        _ => {
            return Err(CommandError::syntax(
                invocation.at,
                "one of -a, -c, -o, -d and -D is missing",
            ));
        }
    }
    Ok(Flow::Done)
}

fn whole(session: &mut Session, range: AddressRange) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let mut reads = session.stream(range, false)?;
    while let Some((piece, mut part)) = session.next_piece(&mut reads)? {
        let at = piece.start.wrapping_add(part.len() as u64);
        let short = (part.len() as u64) < piece.length;
        bytes.append(&mut part);
        if short {
            return Err(CommandError::Unreadable { at });
        }
    }
    Ok(bytes)
}

/// Differences between memory and the newest copies of it.
fn compare(session: &mut Session, range: AddressRange, now: &[u8]) -> Result<(), CommandError> {
    let mut rows = Vec::new();
    let mut covered = false;
    for (start, bytes) in session.memos.looks.held.iter().rev() {
        let Some(common) = AddressRange::new(*start, bytes.len() as u64).intersection(range) else {
            continue;
        };
        covered = true;
        for index in 0..common.length {
            let at = common.start.wrapping_add(index);
            let byte = |bytes: &[u8], start: Address| {
                let index = usize::try_from(at.0.wrapping_sub(start.0)).ok()?;
                bytes.get(index).copied()
            };
            if let (Some(left_byte), Some(right_byte)) = (byte(bytes, *start), byte(now, range.start))
                && left_byte != right_byte
            {
                rows.push(Difference {
                    left: at,
                    left_byte,
                    right: at,
                    right_byte,
                });
            }
        }
        break;
    }
    if !covered {
        return Err(CommandError::NoSuch {
            what: "no copy of this memory is kept".into(),
        });
    }
    match rows.is_empty() {
        true => session.output.line("The memory is as it was."),
        false => session.output.record(Record::Differences(Differences { rows })),
    }
    Ok(())
}
