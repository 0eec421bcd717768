//! What happened: at a stop, while the target runs, and `.lastevent`.

use farsight_session::record::{Ending, EventKind, EventReport, LastEvent, SignalChance, StopReport};

use crate::{Sources, View, code, registers, visible, write_line};

/// An event that the target ran on from.
pub(crate) fn event(out: &mut String, report: &EventReport) {
    for text in lines(report) {
        write_line!(out, "{text}");
    }
}

/// A stop: what happened, the registers, where the thread stands.
pub(crate) fn stop(out: &mut String, stop: &StopReport, view: &View, sources: &dyn Sources) {
    event(out, &stop.event);
    if is_first_chance(&stop.event.kind) {
        write_line!(
            out,
            "First chance exceptions are reported before any exception handling."
        );
        write_line!(out, "This exception may be expected and handled.");
    }
    if let Some(dump) = &stop.registers {
        registers::dump(out, dump, view, sources);
    }
    // A register block shows the location itself.
    let shown = stop.registers.as_ref().is_some_and(|dump| dump.location.is_some());
    if let Some(location) = stop.location.as_ref().filter(|_| !shown) {
        code::location(out, location, view, sources);
    }
}

/// `.lastevent`.
pub(crate) fn last_event(out: &mut String, last: &LastEvent) {
    match &last.event {
        None => write_line!(out, "Last event: none"),
        Some(report) => write_line!(
            out,
            "Last event: {}.{}: {}",
            report.pid,
            report.tid,
            words(&report.kind)
        ),
    }
}

/// What is printed when an event happens; nothing for a step, whose location says enough.
fn lines(report: &EventReport) -> Vec<String> {
    match &report.kind {
        EventKind::Step => Vec::new(),
        EventKind::Breakpoints { ids } => ids.iter().map(|id| format!("Breakpoint {id} hit")).collect(),
        EventKind::ModuleLoaded { .. } | EventKind::ModuleUnloaded { .. } => vec![words(&report.kind)],
        EventKind::ThreadStarted | EventKind::ThreadEnded => {
            vec![format!("{} {}.{}", words(&report.kind), report.pid, report.tid)]
        }
        kind => vec![format!("({}.{}): {}", report.pid, report.tid, words(kind))],
    }
}

/// What happened, on one line.
pub(crate) fn words(kind: &EventKind) -> String {
    match kind {
        EventKind::Attached { name } => format!("Attached to {}", visible(name)),
        EventKind::Created { name } => format!("Created process {} - nothing of its own has run yet", visible(name)),
        EventKind::Breakpoints { ids } if ids.is_empty() => String::from("Hit a temporary breakpoint"),
        EventKind::Breakpoints { ids } => {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            format!("Hit breakpoint {}", ids.join(", "))
        }
        EventKind::Step => String::from("Step ended"),
        EventKind::BreakIn => String::from("Break-in"),
        EventKind::BreakInstruction => String::from("Break instruction exception - SIGTRAP (5) (first chance)"),
        EventKind::Signal {
            number,
            name,
            meaning,
            address,
            sender,
            chance,
        } => {
            let address = address.map(|address| format!(" at {address}"));
            let sender = sender.map(|sender| format!(", sent by process {sender}"));
            let chance = match chance {
                SignalChance::First => "(first chance)",
                SignalChance::Second => "(!!! second chance !!!)",
            };
            format!(
                "{} - {} ({number}){}{} {chance}",
                visible(meaning),
                visible(name),
                address.unwrap_or_default(),
                sender.unwrap_or_default(),
            )
        }
        EventKind::ModuleLoaded { start, end, path } => format!("ModLoad: {start} {end}   {}", visible(path)),
        EventKind::ModuleUnloaded { start, path } => format!("Unload module {} at {start}", visible(path)),
        EventKind::ThreadStarted => String::from("Create thread"),
        EventKind::ThreadEnded => String::from("Exit thread"),
        EventKind::ProcessStarted { parent } => format!("Create process, made by process {parent}"),
        EventKind::Exec { path } => format!("The process runs {} now", visible(path)),
        EventKind::Exiting { ending } => format!("Exit process, {}", how(ending)),
        EventKind::Exited { ending } => format!("The process is gone, {}", how(ending)),
        EventKind::Other { text } => visible(text).into_owned(),
    }
}

fn how(ending: &Ending) -> String {
    match ending {
        Ending::Code { code } => format!("code {code}"),
        Ending::Signal { number, name } => format!("by signal {} ({number})", visible(name)),
    }
}

fn is_first_chance(kind: &EventKind) -> bool {
    let chance = SignalChance::First;
    matches!(kind, EventKind::Signal { chance: found, .. } if *found == chance)
}
