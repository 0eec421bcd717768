//! `e*`: memory, written value by value; without values they are asked for one by one.

use farsight_types::{Address, AddressRange};

use super::values::{Kind, take_values};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_string;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["eb", "ed", "eq", "ew", "ep", "eD", "ef", "e"],
        usage: "eb|ew|ed|eq|ep|ef|eD Address [Value ...]  (e repeats the last)",
        summary: "Writes bytes, words of 2, 4 or 8 bytes, or floating point; without values it asks for them one by one.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: enter,
    },
    Row {
        names: &["ea", "eza", "eu", "ezu"],
        usage: "ea|eu|eza|ezu Address \"Text\"",
        summary: "Writes text as bytes or UTF-16; eza and ezu end it with a NUL.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: enter_text,
    },
];

/// Bytes of values in one command.
const MOST_VALUES: usize = 64 << 10;

fn kind(name: &str) -> Kind {
    match name {
        "ew" => Kind::Word(2),
        "ed" => Kind::Word(4),
        "eq" | "ep" => Kind::Word(8),
        "ef" => Kind::Single,
        "eD" => Kind::Double,
        _ => Kind::Word(1),
    }
}

fn enter(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.name != "e" {
        let known = ROWS
            .first()
            .and_then(|row| row.names.iter().find(|name| **name == invocation.name));
        session.memos.looks.enter = known.copied().unwrap_or("eb");
    }
    let kind = kind(session.memos.looks.enter);
    let (address, rest) = take_target(session, invocation)?;
    if rest.is_empty() {
        return ask(session, address, kind);
    }
    let bytes = take_values(session, rest, invocation.position_of(rest), kind, MOST_VALUES)?;
    session.write_memory(address, bytes)?;
    Ok(Flow::Done)
}

/// Shows each value and asks for a new one: an empty line ends, blanks keep the value.
fn ask(session: &mut Session, start: Address, kind: Kind) -> Result<Flow, CommandError> {
    let size = kind.size() as u64;
    let mut at = start;
    loop {
        let current = session.read_memory(AddressRange::new(at, size))?;
        let line = session.ask_line(&format!("{at} {} Input> ", shown(&current, kind)))?;
        if line.is_empty() {
            return Ok(Flow::Done);
        }
        let written = match take_values(session, &line, 0, kind, MOST_VALUES) {
            Ok(bytes) if bytes.is_empty() => size,
            Ok(bytes) => {
                let length = bytes.len() as u64;
                session.write_memory(at, bytes)?;
                length
            }
            // A slip of the finger does not end the command; everything that went before is written already.
            Err(error @ (CommandError::Syntax { .. } | CommandError::Expression(_))) => {
                session.output.error(error.report(&line).trim_end());
                continue;
            }
            Err(error) => return Err(error),
        };
        at = at
            .checked_add(written)
            .ok_or_else(|| CommandError::Refused("the address space ends here".into()))?;
    }
}

fn shown(bytes: &[u8], kind: Kind) -> String {
    let size = kind.size();
    if bytes.len() < size {
        return "?".repeat(2 * size);
    }
    let number = crate::session::number(bytes);
    match kind {
        Kind::Single => f32::from_bits(number as u32).to_string(),
        Kind::Double => f64::from_bits(number).to_string(),
        Kind::Word(8) => Address(number).to_string(),
        Kind::Word(size) => format!("{number:0width$x}", width = 2 * size),
    }
}

fn enter_text(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (address, rest) = take_target(session, invocation)?;
    let Some((text, rest)) = take_string(rest) else {
        return Err(invocation.missing("a text in quotes"));
    };
    invocation.expect_end(rest)?;
    let wide = invocation.name.ends_with('u');
    let mut bytes: Vec<u8> = match wide {
        true => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        false => text.into_bytes(),
    };
    if invocation.name.starts_with("ez") {
        bytes.extend_from_slice(match wide {
            true => &[0, 0],
            false => &[0],
        });
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
