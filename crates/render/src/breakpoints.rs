//! `bl`.

use farsight_session::record::{BreakpointKind, BreakpointRow, Breakpoints};

use crate::{Paint, View, visible, write_line};

/// `bl`.
pub(crate) fn breakpoints(out: &mut String, breakpoints: &Breakpoints, view: &View) {
    for row in &breakpoints.rows {
        write_line!(out, "{}", text(row).trim_end());
        for place in row.more.iter().flatten() {
            write_line!(
                out,
                "     {:<17} {}",
                place.address.to_string(),
                crate::place::place(place)
            );
        }
        if let Some(trouble) = &row.trouble {
            let trouble = format!("    not planted: {}", visible(trouble));
            write_line!(out, "{}", view.paint(Paint::Warning, &trouble));
        }
    }
}

fn text(row: &BreakpointRow) -> String {
    let state = if row.enabled { 'e' } else { 'd' };
    let (resolved, address) = match row.address {
        Some(address) => (' ', address.to_string()),
        None => ('u', String::new()),
    };
    let kind = match row.kind {
        BreakpointKind::Software => String::new(),
        BreakpointKind::Hardware { access, size } => format!("{access} {size}"),
    };
    let thread = row
        .thread
        .map_or_else(|| String::from("***"), |thread| format!("{:03}", thread.0));
    let process = match row.system {
        Some(system) => format!("||{system}:{}", row.process),
        None => format!("{:>2}", row.process.0),
    };
    let expression = visible(&row.expression);
    let expression = match row.address {
        Some(_) => expression.into_owned(),
        None => format!("({expression})"),
    };
    let source = row
        .source
        .as_ref()
        .map(|source| format!(" {}", crate::source::position(source)));
    let source = source.unwrap_or_default();
    let one_shot = if row.one_shot { " /1" } else { "" };
    let commands = match row.commands.as_str() {
        "" => String::new(),
        commands => format!(" \"{}\"", visible(commands)),
    };
    format!(
        "{:>2} {state}{resolved}{address:<17} {kind:<3} {:04x} ({:04x}) {process}:{thread} {expression}{source}{one_shot}{commands}",
        row.id, row.remaining, row.passes,
    )
}
