//! `g gh gn gu`: setting the target going.

use farsight_session::record::EventKind;
use farsight_target::{SignalOrder, StepPlan, TrapKind};
use farsight_types::{Address, OsTid};

use super::{Invocation, Needs, Prefix, Row, threads};
use crate::error::CommandError;
use crate::execution::{Flow, ResumeIntent};
use crate::session::{Reach, Session, SourceFault, take_source_line};

/// Most addresses behind one `g`.
const MOST_TEMPORARY: usize = 10;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["g", "ga"],
        usage: "[~Thread] g[a] [= Start] [Address ...]",
        summary: "Goes on until something happens, or one of the addresses is reached; ga by debug registers.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| go(session, invocation, None),
    },
    Row {
        names: &["gh", "gha"],
        usage: "[~Thread] gh[a] [= Start] [Address ...]",
        summary: "Goes on with the exception handled: its signal is dropped.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| go(session, invocation, Some(SignalOrder::Drop)),
    },
    Row {
        names: &["gn", "gN", "gna", "gNa"],
        usage: "[~Thread] gn[a]|gN[a] [= Start] [Address ...]",
        summary: "Goes on with the exception not handled: its signal is delivered, at a break instruction only by gN.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| go(session, invocation, Some(SignalOrder::Deliver)),
    },
    Row {
        names: &["gc"],
        usage: "gc",
        summary: "Goes on from a breakpoint's commands in the way the target was going.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            Ok(Flow::Resume(session.going_on()))
        },
    },
    Row {
        names: &["gu"],
        usage: "[~Thread] gu",
        summary: "Goes on until the current function has returned to its caller.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: go_up,
    },
];

/// The thread of a prefix becomes the current one, and only it runs.
pub(super) fn only_thread(session: &mut Session, invocation: &Invocation<'_>) -> Result<Option<OsTid>, CommandError> {
    let Some(selector) = invocation.thread else {
        return Ok(None);
    };
    threads::select_one(session, selector, invocation)?;
    Ok(Some(session.os_tid()?))
}

/// `= Start`: the thread goes on from another place.
pub(super) fn take_start<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<&'t str, CommandError> {
    let Some(expression) = text.strip_prefix('=') else {
        return Ok(text);
    };
    let (start, rest) = session.evaluate_prefix(expression, invocation.position_of(expression))?;
    let mut registers = session.registers()?;
    registers.set_pc(Address(start));
    session.set_registers(registers)?;
    Ok(rest)
}

fn go(session: &mut Session, invocation: &Invocation<'_>, signal: Option<SignalOrder>) -> Result<Flow, CommandError> {
    let own_trap = session
        .last_event
        .as_ref()
        .is_some_and(|event| event.kind == EventKind::BreakInstruction);
    if own_trap && invocation.name.starts_with("gn") {
        return Err(CommandError::Refused(
            "gn would give the program the SIGTRAP of its break instruction, which ends most programs; gN does, g and gh \
             go on behind it"
                .into(),
        ));
    }
    let only = only_thread(session, invocation)?;
    let mut rest = take_start(session, invocation, invocation.text)?;
    let mut addresses = Vec::new();
    while !rest.is_empty() {
        let at = invocation.position_of(rest);
        if addresses.len() == MOST_TEMPORARY {
            return Err(CommandError::syntax(at, format!("at most {MOST_TEMPORARY} addresses")));
        }
        if let Some((source, behind)) = take_source_line(rest) {
            let found = session.source_places(source, Reach::All).map_err(|fault| match fault {
                SourceFault::Unknown { why } => CommandError::syntax(at, why),
                SourceFault::Command(error) => error,
            })?;
            found.tell_other_line(session);
            addresses.extend(found.addresses);
            rest = behind;
            continue;
        }
        let (address, behind) = session.evaluate_prefix(rest, at)?;
        addresses.push(Address(address));
        rest = behind;
    }
    let (place, process) = (session.place()?, session.os_pid()?);
    // `gh` and `gn` stop only their own thread there.
    let thread = match invocation.name {
        "g" | "ga" => None,
        _ => Some(session.os_tid()?),
    };
    let kind = match invocation.name.ends_with('a') {
        true => TrapKind::HardwareExecute,
        false => TrapKind::Software,
    };
    for address in addresses {
        session
            .breakpoints
            .add_temporary((place.system, place.process), process, address, kind, thread);
    }
    Ok(Flow::Resume(ResumeIntent {
        signal,
        only,
        ..ResumeIntent::default()
    }))
}

fn go_up(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let only = only_thread(session, invocation)?;
    let thread = session.place()?.thread;
    let walked = session.walk(thread, 2)?;
    let (Some(here), Some(caller)) = (walked.frames.first(), walked.frames.get(1)) else {
        return Err(CommandError::Refused(
            "there is no caller to return to: this is the outermost frame".into(),
        ));
    };
    if !caller.trust.is_exact() {
        session
            .output
            .warning("*** WARNING: the caller was found by a guess; the target may run past it");
    }
    let frame_address = here.cfa.or(caller.registers.sp()).unwrap_or_default();
    Ok(Flow::Resume(ResumeIntent {
        step: Some(StepPlan::UntilReturn {
            return_address: caller.pc,
            frame_address,
        }),
        only,
        ..ResumeIntent::default()
    }))
}
