//! `#`: search in disassembly; `.asm`: how disassembly is shown.

use farsight_session::Record;
use farsight_session::record::Listing;
use farsight_symbols::Pattern;
use farsight_types::{Address, AddressRange};

use super::code::show_listing;
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{Extent, take_string, take_word};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["#"],
        usage: "# [Pattern] [Address [L Count]]",
        summary: "Finds the next instruction whose text has a pattern in it; what is left out is as before.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: find,
    },
    Row {
        names: &[".asm"],
        usage: ".asm[-] [no_code_bytes|ignore_output_width|source_line|verbose]",
        summary: "Shows or sets how disassembly is shown; no_code_bytes leaves out the bytes of instructions.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: options,
    },
];

/// Instructions that are looked through.
const MOST: u64 = 0x10000;
/// Instructions that are decoded at once, and bytes that are read ahead of them.
const AT_ONCE: u64 = 256;
const AHEAD: u64 = 256 << 10;

fn find(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text;
    let (pattern, rest) = match take_string(text) {
        Some((pattern, rest)) => (pattern, rest),
        None => {
            let (word, rest) = take_word(text);
            (word.to_owned(), rest)
        }
    };
    let last = session.memos.looks.code_search.clone();
    let pattern = match (pattern.is_empty(), &last) {
        (false, _) => pattern,
        (true, Some((pattern, _))) => pattern.clone(),
        (true, None) => return Err(invocation.missing("a pattern")),
    };
    let range_at = invocation.position_of(rest);
    let (range, rest) = session.range_prefix(rest, range_at)?;
    invocation.expect_end(rest)?;
    let start = match (range.start, last) {
        (Some(start), _) => start,
        (None, Some((_, next))) => next,
        (None, None) => session.scope_registers()?.pc(),
    };
    let (most, until) = match range.extent {
        Extent::Count(count) if (1..=MOST).contains(&count) => (count, Address(u64::MAX)),
        Extent::Default => (MOST, Address(u64::MAX)),
        Extent::Until(last) if last >= start => (MOST, last),
        _ => {
            return Err(CommandError::syntax(
                range_at + range.position,
                format!("a count of instructions is from 1 to {MOST:#x}"),
            ));
        }
    };
    let wanted = Pattern::new(&format!("*{pattern}*"));
    let mut at = start;
    let mut left = most;
    let mut ahead = start;
    while left > 0 && at <= until {
        session.check_interrupt()?;
        if at >= ahead {
            session.fetch_memory(&[AddressRange::new(at, AHEAD)])?;
            ahead = at.wrapping_add(AHEAD / 2);
        }
        let count = left.min(AT_ONCE);
        let listing = session.listing(at, usize::try_from(count).unwrap_or(1))?;
        let Some(end) = listing.lines.last() else {
            return Err(CommandError::Unreadable { at });
        };
        at = end.place.address.wrapping_add(end.bytes.len().max(1) as u64);
        left = left.saturating_sub(listing.lines.len() as u64);
        let found = listing
            .lines
            .into_iter()
            .find(|line| line.place.address <= until && wanted.matches(&line.text));
        if let Some(line) = found {
            let next = line.place.address.wrapping_add(line.bytes.len().max(1) as u64);
            session.memos.looks.code_search = Some((pattern, next));
            let lines = vec![line];
            show_listing(
                session,
                Listing {
                    lines,
                    unreadable_at: None,
                },
            );
            return Ok(Flow::Done);
        }
        if let Some(end) = listing.unreadable_at {
            session.memos.looks.code_search = Some((pattern, start));
            return Err(CommandError::Unreadable { at: end });
        }
    }
    session.memos.looks.code_search = Some((pattern.clone(), at));
    session.output.line(format!("'{pattern}' was not found up to {at}"));
    Ok(Flow::Done)
}

fn options(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    const NAMES: [&str; 4] = ["ignore_output_width", "no_code_bytes", "source_line", "verbose"];
    let (on, mut rest) = match invocation.text.strip_prefix('-') {
        Some(rest) => (false, rest.trim_start()),
        None => (true, invocation.text),
    };
    while !rest.is_empty() {
        let (word, behind) = take_word(rest);
        let known = NAMES.iter().find(|name| name.eq_ignore_ascii_case(word));
        let Some(name) = known else {
            return Err(CommandError::syntax(
                invocation.position_of(rest),
                format!("'{word}' is no option of disassembly; {} are", NAMES.join(", ")),
            ));
        };
        let looks = &mut session.memos.looks;
        looks.asm.retain(|known| known != name);
        if on {
            looks.asm.push(name);
        }
        looks.no_code_bytes = looks.asm.contains(&"no_code_bytes");
        rest = behind;
    }
    let set = match session.memos.looks.asm.as_slice() {
        [] => String::from("<none>"),
        set => set.join(" "),
    };
    session.output.record(Record::line(format!("Assembly options: {set}")));
    Ok(Flow::Done)
}
