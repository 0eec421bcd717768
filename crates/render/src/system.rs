//! Threads, processes, systems and machines: `~`, `|`, `||`, `.tlist`, `vertarget`.

use farsight_session::record::{MachineReport, Mark, Origin, ProcessList, Processes, Systems, Threads};

use crate::place::place;
use crate::{Paint, View, visible, write_line};

/// `~`.
pub(crate) fn threads(out: &mut String, threads: &Threads, view: &View) {
    for row in &threads.rows {
        let suspended = match row.suspended {
            0 => String::new(),
            count => format!(" Suspend: {count}"),
        };
        let state = if row.frozen { "Frozen" } else { "Unfrozen" };
        let location = row.location.as_ref().map(|at| format!(" {}", place(at)));
        let text = format!(
            "{}{:>3}  Id: {}.{}{suspended} \"{}\" {state}{}",
            sign(row.mark),
            row.number,
            row.pid,
            row.tid,
            visible(&row.name),
            location.unwrap_or_default(),
        );
        marked(out, row.mark, &text, view);
        if let Some(details) = &row.details {
            if let Some(start) = &details.start {
                write_line!(out, "      Start: {} ({})", place(start), start.address);
            }
            write_line!(
                out,
                "      State: {}  Nice: {}  Processor: {}",
                visible(&details.state.to_string()),
                details.nice,
                details.processor
            );
        }
    }
}

/// `|`.
pub(crate) fn processes(out: &mut String, processes: &Processes, view: &View) {
    for row in &processes.rows {
        let origin = match row.origin {
            Origin::Attached => "attach",
            Origin::Created => "create",
            Origin::Child => "child",
            Origin::Observed => "observe",
        };
        let name = visible(&row.name);
        let text = format!(
            "{}{:>3}\tid: {}\t{origin}\tname: {name}",
            sign(row.mark),
            row.number,
            row.pid
        );
        marked(out, row.mark, &text, view);
    }
}

/// `||`.
pub(crate) fn systems(out: &mut String, systems: &Systems, view: &View) {
    for row in &systems.rows {
        let server = row.server.as_deref().map_or("<Local>".into(), visible);
        let text = format!("{}{:>3} {}: {server}", sign(row.mark), row.number, visible(&row.kind));
        marked(out, row.mark, &text, view);
    }
}

/// `.`, `#` or nothing; the current one hides the event's.
fn sign(mark: Mark) -> char {
    match mark {
        Mark { current: true, .. } => '.',
        Mark { event: true, .. } => '#',
        _ => ' ',
    }
}

fn marked(out: &mut String, mark: Mark, text: &str, view: &View) {
    match mark.current {
        true => write_line!(out, "{}", view.paint(Paint::Current, text)),
        false => write_line!(out, "{text}"),
    }
}

/// `.tlist`.
pub(crate) fn process_list(out: &mut String, list: &ProcessList) {
    for row in &list.rows {
        write_line!(out, "{:>8} {}", row.pid, visible(&row.name));
        if !list.verbose {
            continue;
        }
        let tracer = row.tracer.map(|tracer| format!("  Debugger: {tracer}"));
        let arguments = row.command_line.iter().map(|argument| quoted(argument));
        let arguments = arguments.collect::<Vec<_>>().join(" ");
        write_line!(
            out,
            "         User: {}  Threads: {}{}  Command Line: {arguments}",
            row.user,
            row.threads,
            tracer.unwrap_or_default(),
        );
    }
}

/// An argument, in quotes where it would not be read as one.
fn quoted(argument: &str) -> String {
    let shown = visible(argument);
    match shown.is_empty() || shown.contains([' ', '"']) {
        true => format!("\"{}\"", shown.replace('"', "\\\"")),
        false => shown.into_owned(),
    }
}

/// `vertarget`.
pub(crate) fn machine(out: &mut String, machine: &MachineReport) {
    let processors = match machine.processors {
        1 => String::from("UP"),
        count => format!("MP ({count} procs)"),
    };
    let release = visible(&machine.release);
    write_line!(
        out,
        "{} {release} {processors} {}",
        machine.system,
        machine.architecture
    );
    write_line!(out, "Machine Name: {}", visible(&machine.name));
    write_line!(out, "Page Size: {}", machine.page_size);
    let server = machine.server.as_deref().map_or("<Local>".into(), visible);
    write_line!(out, "Served by: {}, {server}", visible(&machine.product));
}
