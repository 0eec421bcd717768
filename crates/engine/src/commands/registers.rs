//! `r`: registers, shown and set.

use farsight_session::Record;
use farsight_session::record::{RegisterDump, RegisterLayout, RegisterValue};
use farsight_types::registers::general_table;
use farsight_types::{Address, Architecture};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::register_part;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["r"],
    usage: "[~Thread] r [Register [= Value]] [, ...]",
    summary: "Shows registers, or sets them; $t0 to $t19 are variables of the user's own.",
    needs: Needs::Nothing,
    writes: true,
    prefix: Prefix::Selects,
    run: registers,
}];

fn registers(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut rest = invocation.text.trim_start();
    if rest.is_empty() {
        return block(session);
    }
    if super::aliases::set_fixed(session, rest) {
        return Ok(Flow::Done);
    }
    let mut shown = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "$@_.".contains(letter)))
            .unwrap_or(rest.len());
        let (typed, behind) = rest.split_at(end);
        let at = invocation.position_of(rest);
        let name = typed.trim_start_matches('@').to_ascii_lowercase();
        if name.is_empty() {
            return Err(CommandError::syntax(at, "a register's name is missing"));
        }
        let behind = behind.trim_start();
        if let Some(value) = behind.strip_prefix('=') {
            let value = value.trim_start();
            if value.is_empty() {
                return Err(invocation.missing("a value"));
            }
            let (value, left) = session.evaluate_prefix(value, invocation.position_of(value))?;
            assign(session, &name, value, at)?;
            rest = left;
        } else {
            shown.push(value_of(session, &name, at)?);
            rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        }
    }
    if !shown.is_empty() {
        session.output.record(Record::Registers(RegisterDump {
            architecture: Architecture::Amd64,
            layout: RegisterLayout::Named,
            values: shown,
            location: None,
        }));
    }
    Ok(Flow::Done)
}

fn block(session: &mut Session) -> Result<Flow, CommandError> {
    if session.is_running() {
        return Err(CommandError::Running { name: "r".into() });
    }
    let dump = register_block(session)?;
    session.output.record(Record::Registers(dump));
    Ok(Flow::Done)
}

/// The general registers of the current thread, as `r` and stops show them.
pub(crate) fn register_block(session: &mut Session) -> Result<RegisterDump, CommandError> {
    let registers = session.registers()?;
    let location = session.location()?;
    let names = general_table(registers.architecture);
    let values = names
        .iter()
        .zip(&registers.general)
        .map(|(name, value)| RegisterValue::word(*name, *value))
        .collect();
    Ok(RegisterDump {
        architecture: registers.architecture,
        layout: RegisterLayout::Block,
        values,
        location: Some(location),
    })
}

fn value_of(session: &mut Session, name: &str, at: usize) -> Result<RegisterValue, CommandError> {
    if name.starts_with("xmm") || name.starts_with("ymm") {
        return vector(session, name, at);
    }
    // `@` keeps the evaluator from taking a register's name for a number or a symbol.
    let value = session
        .evaluate(&format!("@{name}"), 0)
        .map_err(|error| no_register(error, name, at))?;
    let bits = register_part(name).map_or(64, |part| part.bits);
    Ok(RegisterValue {
        name: name.to_owned(),
        bits: farsight_session::record::RegisterBits::Word { value, bits },
    })
}

fn no_register(error: CommandError, name: &str, at: usize) -> CommandError {
    match error {
        CommandError::Expression(_) => CommandError::syntax(at, format!("Bad register error at '{name}'")),
        other => other,
    }
}

/// Where the XSAVE area keeps the low halves of the vector registers (Intel SDM volume 1, 13.4.2).
const XMM_OFFSET: usize = 160;

fn vector(session: &mut Session, name: &str, at: usize) -> Result<RegisterValue, CommandError> {
    let number = name
        .strip_prefix("xmm")
        .and_then(|number| number.parse::<usize>().ok())
        .filter(|number| *number < 16)
        .ok_or_else(|| CommandError::syntax(at, format!("Bad register error at '{name}'")))?;
    let registers = session.all_registers()?;
    let start = XMM_OFFSET + 16 * number;
    let bytes = registers
        .vector
        .get(start..start + 16)
        .ok_or_else(|| CommandError::Refused("the target has no vector registers to show".into()))?;
    Ok(RegisterValue {
        name: name.to_owned(),
        bits: farsight_session::record::RegisterBits::Vector { bytes: bytes.to_vec() },
    })
}

fn assign(session: &mut Session, name: &str, value: u64, at: usize) -> Result<(), CommandError> {
    let variable = name.strip_prefix("$t").and_then(|number| number.parse::<usize>().ok());
    if let Some(slot) = variable.and_then(|number| session.memos.user_variables.get_mut(number)) {
        *slot = value;
        return Ok(());
    }
    if session.is_running() {
        return Err(CommandError::Running { name: "r".into() });
    }
    let mut registers = session.registers()?;
    if name == "$ip" {
        registers.set_pc(Address(value));
        return session.set_registers(registers);
    }
    let bad = || CommandError::syntax(at, format!("Bad register error at '{name}'"));
    match register_part(name) {
        None => {
            if !registers.set_by_name(name, value) {
                return Err(bad());
            }
        }
        Some(part) => {
            let whole = registers.by_name(&part.whole).ok_or_else(bad)?;
            let mask = match part.bits {
                64.. => u64::MAX,
                bits => (1 << bits) - 1,
            };
            if value & !mask != 0 {
                return Err(CommandError::syntax(
                    at,
                    format!("{value:#x} does not fit into {name}, which has {} bits", part.bits),
                ));
            }
            let changed = match part.clears_rest {
                true => value,
                false => whole & !(mask << part.shift) | value << part.shift,
            };
            if !registers.set_by_name(&part.whole, changed) {
                return Err(bad());
            }
        }
    }
    session.set_registers(registers)
}
