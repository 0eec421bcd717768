//! `| |s || ||s`: processes and systems, and what their prefixes choose.

use farsight_session::Record;
use farsight_session::record::{Mark, Origin as ShownOrigin, ProcessRow, Processes, SystemRow, Systems};
use farsight_types::{OsPid, ProcessId, SystemId};

use super::{Invocation, Needs, Prefix, Row, threads};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::command_line::Selector;
use crate::model::{Origin, Place};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["|"],
        usage: "| [Process]",
        summary: "Lists the processes of the current system; before a command, runs it for a process (|1 k) or each (|* k).",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: list_processes,
    },
    Row {
        names: &["|s"],
        usage: "|Process s  (|s)",
        summary: "Makes a process the current one.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: select_process,
    },
    Row {
        names: &["||"],
        usage: "|| [System]",
        summary: "Lists the systems: this machine and process servers; before a command, runs it for a system (||1 |).",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: list_systems,
    },
    Row {
        names: &["||s"],
        usage: "||System s  (||s)",
        summary: "Makes a system the current one.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: select_system,
    },
];

/// What commands were about before a prefix chose something else.
#[derive(Clone, Copy)]
pub(super) struct Before {
    current: Option<Place>,
    system: Option<SystemId>,
}

pub(super) fn before(session: &Session) -> Before {
    Before {
        current: session.current,
        system: session.chosen_system,
    }
}

/// Puts back what commands were about. What went in the meantime is not brought back.
pub(super) fn put_back(session: &mut Session, before: Before) {
    let there = |place: &Place| {
        let process = session.process_of(place.system, place.process);
        process.is_ok_and(|process| process.thread(place.thread).is_some())
    };
    if before.current.is_none() || before.current.as_ref().is_some_and(there) {
        session.current = before.current;
        session.chosen_system = before.system;
    }
}

fn no_such(what: impl Into<String>) -> CommandError {
    CommandError::NoSuch { what: what.into() }
}

/// The systems that a selector names.
pub(super) fn chosen_systems(
    session: &mut Session,
    selector: &Selector,
    invocation: &Invocation<'_>,
) -> Result<Vec<SystemId>, CommandError> {
    let number = match selector {
        Selector::All => return Ok(session.systems.iter().map(|system| system.id).collect()),
        Selector::Current => {
            let current = session.server_system().ok_or(CommandError::NoDebuggee)?;
            return Ok(vec![current]);
        }
        Selector::Event => {
            let event = session.event_place.ok_or_else(|| no_such("there was no event yet"))?;
            return Ok(vec![event.system]);
        }
        Selector::OsId(_) => {
            return Err(CommandError::syntax(
                invocation.at,
                "a system has no number but its own",
            ));
        }
        Selector::Number(number) => *number,
        Selector::Expression(text) => u32::try_from(session.evaluate(text, invocation.at)?).unwrap_or(u32::MAX),
    };
    match session.system_of(SystemId(number)) {
        Ok(system) => Ok(vec![system.id]),
        Err(_) => Err(no_such(format!("there is no system {number}; || lists them"))),
    }
}

/// Makes a system what commands are about: its process that was current last, or nothing but the system.
pub(super) fn enter_system(session: &mut Session, id: SystemId) {
    if session.current.is_some_and(|place| place.system == id) {
        return;
    }
    session.leave_place();
    session.chosen_system = Some(id);
    session.current = session.place_in(id, None);
}

/// The processes of the current system that a selector names.
pub(super) fn chosen_processes(
    session: &mut Session,
    selector: &Selector,
    invocation: &Invocation<'_>,
) -> Result<Vec<ProcessId>, CommandError> {
    let id = session.server_system().ok_or(CommandError::NoDebuggee)?;
    let number = match selector {
        Selector::All => {
            let processes = &session.system_of(id)?.processes;
            return Ok(processes.iter().map(|process| process.id).collect());
        }
        Selector::Current => return Ok(vec![session.place()?.process]),
        Selector::Event => {
            let event = session.event_place.filter(|event| event.system == id);
            let event = event.ok_or_else(|| no_such("the last event was in no process of this system"))?;
            return Ok(vec![event.process]);
        }
        Selector::OsId(text) => {
            let pid = OsPid(threads::os_number(session, text, invocation)?);
            let process = session.system_of(id)?.process_by_os(pid);
            let missing = || no_such(format!("process {pid} is not being debugged; | lists those that are"));
            return Ok(vec![process.ok_or_else(missing)?.id]);
        }
        Selector::Number(number) => *number,
        Selector::Expression(text) => u32::try_from(session.evaluate(text, invocation.at)?).unwrap_or(u32::MAX),
    };
    match session.system_of(id)?.process(ProcessId(number)) {
        Some(process) => Ok(vec![process.id]),
        None => Err(no_such(format!("there is no process {number}; | lists them"))),
    }
}

/// Makes a process of the current system what commands are about.
pub(super) fn enter_process(session: &mut Session, id: ProcessId) -> Result<(), CommandError> {
    let system = session.server_system().ok_or(CommandError::NoDebuggee)?;
    let here = |place: Place| place.system == system && place.process == id;
    if session.current.is_some_and(here) {
        return Ok(());
    }
    let place = session.place_in(system, Some(id));
    let place = place.ok_or_else(|| no_such(format!("process {id} has no thread")))?;
    session.leave_place();
    session.current = Some(place);
    Ok(())
}

fn list_processes(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let Some(id) = session.server_system() else {
        return Ok(Flow::Done);
    };
    let selector = invocation.process.unwrap_or(&Selector::All);
    let chosen = chosen_processes(session, selector, invocation)?;
    let record = process_rows(session, id, &chosen)?;
    session.output.record(record);
    Ok(Flow::Done)
}

/// The rows of these processes.
pub(super) fn process_rows(session: &Session, id: SystemId, chosen: &[ProcessId]) -> Result<Record, CommandError> {
    let system = session.system_of(id)?;
    // A long list in order: both are.
    let mut chosen = chosen.iter().peekable();
    let processes = system
        .processes
        .iter()
        .filter(|process| chosen.next_if(|wanted| **wanted == process.id).is_some());
    let rows = processes
        .map(|process| {
            let is_here =
                |place: Option<Place>| place.is_some_and(|place| place.system == id && place.process == process.id);
            ProcessRow {
                mark: Mark {
                    current: is_here(session.current),
                    event: is_here(session.event_place),
                },
                number: process.id,
                pid: process.os,
                origin: match process.origin {
                    Origin::Attached => ShownOrigin::Attached,
                    Origin::Launched => ShownOrigin::Created,
                    Origin::Child { .. } => ShownOrigin::Child,
                    Origin::Observed => ShownOrigin::Observed,
                },
                name: process.name().to_owned(),
            }
        })
        .collect();
    Ok(Record::Processes(Processes { rows }))
}

fn one<T: Copy>(found: &[T], what: &str) -> Result<T, CommandError> {
    match found {
        [one] => Ok(*one),
        _ => Err(CommandError::Refused(format!("one {what} must be named"))),
    }
}

fn select_process(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.process.unwrap_or(&Selector::Current);
    let chosen = chosen_processes(session, selector, invocation)?;
    enter_process(session, one(&chosen, "process")?)?;
    forget_positions(session);
    Ok(Flow::Done)
}

fn list_systems(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.system.unwrap_or(&Selector::All);
    let chosen = chosen_systems(session, selector, invocation)?;
    let record = system_rows(session, &chosen);
    session.output.record(record);
    Ok(Flow::Done)
}

/// The rows of these systems.
pub(super) fn system_rows(session: &Session, chosen: &[SystemId]) -> Record {
    let current = session.server_system();
    let systems = session.systems.iter().filter(|system| chosen.contains(&system.id));
    let rows = systems.map(|system| SystemRow {
        mark: Mark {
            current: current == Some(system.id),
            event: session.event_place.is_some_and(|event| event.system == system.id),
        },
        number: system.id,
        kind: "Live user mode".into(),
        server: system.server_name(),
    });
    Record::Systems(Systems { rows: rows.collect() })
}

fn select_system(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.system.unwrap_or(&Selector::Current);
    let chosen = chosen_systems(session, selector, invocation)?;
    enter_system(session, one(&chosen, "system")?);
    forget_positions(session);
    Ok(Flow::Done)
}

/// Where listings go on belongs to the process that was left.
fn forget_positions(session: &mut Session) {
    session.memos.dump = None;
    session.memos.disassembly = None;
    session.memos.search = None;
}
