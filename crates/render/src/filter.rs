//! `sx`, `.eventlog`, `.exr`.

use farsight_session::record::{BreakStatus, EventLog, ExceptionReport, FilterRow, Filters, SignalChance};

use crate::place::place;
use crate::{event, visible, write_line};

/// `sx`: events, an empty line, exceptions.
pub(crate) fn filters(out: &mut String, filters: &Filters) {
    let mut were_events = false;
    for row in &filters.rows {
        if row.handled.is_some() && std::mem::take(&mut were_events) {
            write_line!(out);
        }
        were_events |= row.handled.is_none();
        filter(out, row);
    }
}

fn filter(out: &mut String, row: &FilterRow) {
    let status = match row.status {
        BreakStatus::Break => "break",
        BreakStatus::SecondChance => "second-chance break",
        BreakStatus::Output => "output",
        BreakStatus::Ignore => "ignore",
    };
    let handled = match row.handled {
        None => "",
        Some(true) => " - handled",
        Some(false) => " - not handled",
    };
    write_line!(
        out,
        "{:>8} - {} - {status}{handled}",
        visible(&row.name),
        visible(&row.meaning)
    );
    if !row.argument.is_empty() {
        write_line!(out, "           (only for {})", visible(&row.argument));
    }
    for (what, commands) in [("Command", &row.first), ("Second command", &row.second)] {
        if !commands.is_empty() {
            write_line!(out, "           {what}: \"{}\"", visible(commands));
        }
    }
}

/// `.eventlog`.
pub(crate) fn event_log(out: &mut String, log: &EventLog) {
    if log.events.is_empty() {
        write_line!(out, "No events have been logged");
    }
    for logged in &log.events {
        let report = &logged.event;
        let words = event::words(&report.kind);
        write_line!(out, "Event {}: {}.{}: {words}", logged.number, report.pid, report.tid);
    }
}

/// `.exr`.
pub(crate) fn exception(out: &mut String, report: &ExceptionReport) {
    if let Some(at) = &report.place {
        write_line!(out, "ExceptionAddress: {} ({})", at.address, place(at));
    }
    write_line!(
        out,
        "   ExceptionCode: {:08x} ({} - {})",
        report.number,
        visible(&report.name),
        visible(&report.meaning)
    );
    let meaning = match report.code_meaning.as_str() {
        "" => String::new(),
        meaning => format!(" ({})", visible(meaning)),
    };
    write_line!(out, "      SignalCode: {:08x}{meaning}", report.code);
    if let Some(chance) = report.chance {
        let chance = match chance {
            SignalChance::First => "first",
            SignalChance::Second => "second",
        };
        write_line!(out, "          Chance: {chance}");
    }
    if let Some(address) = report.address {
        let what = match report.number {
            7 | 11 => "Attempt to access address",
            _ => "Faulting address",
        };
        write_line!(out, "{what} {address}");
    }
    if let Some(sender) = report.sender {
        write_line!(out, "Sent by process {sender}");
    }
}
