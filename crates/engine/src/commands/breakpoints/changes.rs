//! `bc bd be br bs bsc .bpcmds`: breakpoints that there are already.

use farsight_session::Record;
use farsight_target::{DataAccess, TrapKind};

use super::super::Invocation;
use super::arguments::ids;
use crate::breakpoints::{Breakpoint, DEBUG_REGISTERS};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
use crate::model::Place;
use crate::session::Session;
use crate::symbols::name_of;

pub(super) fn clear(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    for id in ids(session, invocation, invocation.text)? {
        session.breakpoints.clear(id);
    }
    Ok(Flow::Done)
}

pub(super) fn enable(session: &mut Session, invocation: &Invocation<'_>, enabled: bool) -> Result<Flow, CommandError> {
    for id in ids(session, invocation, invocation.text)? {
        let one = session.breakpoints.get(id);
        if enabled && let Some(one) = one.filter(|one| !one.enabled && one.spec.kind != TrapKind::Software) {
            let (system, process) = (one.spec.system, one.spec.process);
            expect_debug_register(session, system, process, None)?;
        }
        session.breakpoints.enable(id, enabled);
    }
    Ok(Flow::Done)
}

/// Complains when other breakpoints than `except` hold every debug register of a process.
pub(super) fn expect_debug_register(
    session: &Session,
    system: farsight_types::SystemId,
    process: farsight_types::ProcessId,
    except: Option<u32>,
) -> Result<(), CommandError> {
    let mut held = session.breakpoints.hardware_of(system, process);
    held.retain(|id| Some(*id) != except);
    if held.len() < DEBUG_REGISTERS {
        return Ok(());
    }
    let held: Vec<String> = held.iter().map(u32::to_string).collect();
    Err(CommandError::Refused(format!(
        "all {DEBUG_REGISTERS} debug registers of process {process} are held by breakpoints {}; clear or disable one (bc, bd)",
        held.join(", ")
    )))
}

/// `br Old New ...`
pub(super) fn renumber(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut rest = invocation.text.trim();
    if rest.is_empty() {
        return Err(invocation.missing("a breakpoint's number and its new one"));
    }
    while !rest.is_empty() {
        let (old, behind) = take_word(rest);
        let (new, behind) = take_word(behind);
        let number = |text: &str| {
            text.parse::<u32>().map_err(|_| {
                CommandError::syntax(
                    invocation.position_of(text),
                    format!("'{text}' is no breakpoint number"),
                )
            })
        };
        if new.is_empty() {
            return Err(invocation.missing("a new number"));
        }
        let (from, to) = (number(old)?, number(new)?);
        if session.breakpoints.get(from).is_none() {
            return Err(CommandError::syntax(
                invocation.position_of(old),
                format!("there is no breakpoint {from}; bl lists them"),
            ));
        }
        if from != to && session.breakpoints.get(to).is_some() {
            return Err(CommandError::syntax(
                invocation.position_of(new),
                format!("there is a breakpoint {to} already"),
            ));
        }
        session.breakpoints.renumber(from, to);
        rest = behind;
    }
    Ok(Flow::Done)
}

/// The one breakpoint that a command is about, and what follows its number.
fn take_one<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(u32, &'t str), CommandError> {
    let text = invocation.text;
    let end = match text.starts_with('[') {
        true => text.find(']').map_or(text.len(), |end| end + 1),
        false => text.find([' ', '\t', ',', '"']).unwrap_or(text.len()),
    };
    let (word, rest) = text.split_at(end);
    match ids(session, invocation, word)?.as_slice() {
        [id] => Ok((*id, rest.trim_start_matches([' ', '\t', ',']))),
        _ => Err(CommandError::syntax(
            invocation.at,
            "one breakpoint is meant, not several",
        )),
    }
}

/// `bs ID ["Commands"]`
pub(super) fn set_commands(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (id, rest) = take_one(session, invocation)?;
    let (commands, rest) = take_string(rest).unwrap_or((String::new(), rest));
    invocation.expect_end(rest)?;
    let rights = session.rights.left_behind();
    session.breakpoints.set_commands(id, commands, rights);
    Ok(Flow::Done)
}

/// `bsc ID Condition ["Commands"]`: the condition becomes part of the commands.
pub(super) fn set_condition(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (id, rest) = take_one(session, invocation)?;
    let (condition, rest) = match take_string(rest) {
        Some((condition, rest)) => (condition, rest),
        None => match rest.split_once('"') {
            Some((condition, _)) => (condition.trim().to_owned(), &rest[condition.len()..]),
            None => (rest.trim().to_owned(), ""),
        },
    };
    if condition.is_empty() {
        return Err(invocation.missing("a condition"));
    }
    let (commands, rest) = take_string(rest).unwrap_or((String::new(), rest));
    invocation.expect_end(rest)?;
    // Without a target there are no names to look up.
    let text = format!(".if ({condition}) {{{commands}}} .else {{gc}}");
    let rights = session.rights.left_behind();
    session.breakpoints.set_commands(id, text, rights);
    Ok(Flow::Done)
}

/// `.bpcmds`: a line for each breakpoint, which sets it again.
pub(super) fn recreate(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let lines: Vec<String> = session.breakpoints.iter().map(|one| command(session, one)).collect();
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn command(session: &Session, one: &Breakpoint) -> String {
    let spec = &one.spec;
    let here = session.current.map(|place: Place| (place.system, place.process));
    let mut text = String::new();
    if here != Some((spec.system, spec.process)) {
        text += &format!("|{}", spec.process);
    }
    if let Some((thread, _)) = spec.thread {
        text += &format!("~{thread} ");
    } else if !text.is_empty() {
        text.push(' ');
    }
    let (name, access) = match spec.kind {
        TrapKind::Software if spec.deferred => ("bu", String::new()),
        TrapKind::Software => ("bp", String::new()),
        kind => {
            let (access, size) = access_of(kind);
            ("ba", format!("{access}{size} "))
        }
    };
    text += &format!("{name}{} {access}", one.id);
    if spec.one_shot {
        text += "/1 ";
    }
    for (option, limit) in [('c', spec.depth.below), ('C', spec.depth.above)] {
        if let Some(limit) = limit {
            text += &format!("/{option} {limit:#x} ");
        }
    }
    let process = session.process_of(spec.system, spec.process).ok();
    let bound = one.address();
    let named = process
        .zip(bound)
        .and_then(|(process, address)| name_of(process, address));
    text += &match (spec.deferred, named, bound) {
        // A source line stays one: what it became is for the next program to say.
        _ if spec.expression.starts_with('`') => spec.expression.clone(),
        (true, Some(name), _) => name.to_string(),
        (false, _, Some(address)) => format!("{:#x}", address.0),
        _ => spec.expression.clone(),
    };
    if spec.passes > 1 {
        text += &format!(" {:#x}", spec.passes);
    }
    if !spec.commands.is_empty() {
        let escaped = spec.commands.replace('\\', "\\\\").replace('"', "\\\"");
        text += &format!(" \"{escaped}\"");
    }
    text.push(';');
    if !one.enabled {
        text += &format!(" bd {};", one.id);
    }
    text
}

/// The letter and the size of a hardware breakpoint.
pub(super) fn access_of(kind: TrapKind) -> (char, u8) {
    match kind {
        TrapKind::HardwareData {
            access: DataAccess::Write,
            size,
        } => ('w', size),
        TrapKind::HardwareData { size, .. } => ('r', size),
        TrapKind::HardwareExecute | TrapKind::Software => ('e', 1),
    }
}
