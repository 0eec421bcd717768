//! Evaluations, instructions and places in code: `?`, `u`, the location at a stop.

use farsight_session::record::{Evaluation, InstructionLine, Listing, Location, SymbolName};
use farsight_types::Address;

use crate::place::symbol;
use crate::{Paint, Sources, View, source, visible, write_line};

/// `? expr`.
pub(crate) fn evaluation(out: &mut String, evaluation: &Evaluation) {
    let value = evaluation.value;
    let name = evaluation.symbol.as_ref().map(|name| format!(" {}", symbol(name)));
    write_line!(
        out,
        "Evaluate expression: {} = {}{}",
        value.cast_signed(),
        Address(value),
        name.unwrap_or_default()
    );
}

/// `u`.
pub(crate) fn listing(out: &mut String, listing: &Listing, view: &View, sources: &dyn Sources) {
    let mut last: Option<&SymbolName> = None;
    for (index, row) in listing.lines.iter().enumerate() {
        let own = row.place.symbol.as_ref();
        let same = match (own, last) {
            (Some(own), Some(last)) => own.same_symbol(last) && own.displacement != 0,
            (own, last) => index > 0 && own == last,
        };
        if let Some(own) = own.filter(|_| !same) {
            label(out, own, view);
        }
        if let Some(begun) = &row.source {
            source::of_place(out, begun, view, sources);
        }
        instruction(out, row);
        last = own;
    }
    if let Some(at) = listing.unreadable_at {
        write_line!(out, "{at} ??              ???");
        write_line!(
            out,
            "{}",
            view.paint(Paint::Warning, &format!("Memory access error at {at}"))
        );
    }
}

/// Where a thread stands.
pub(crate) fn location(out: &mut String, location: &Location, view: &View, sources: &dyn Sources) {
    if let Some(source) = &location.source
        && source::of_place(out, source, view, sources)
    {
        return;
    }
    if let Some(name) = &location.place.symbol {
        match &location.inlined_in {
            Some(outer) => {
                let text = format!("{} [inlined in {}]:", symbol(name), symbol(outer));
                write_line!(out, "{}", view.paint(Paint::Label, &text));
            }
            None => label(out, name, view),
        }
    }
    match &location.instruction {
        Some(row) => instruction(out, row),
        None => write_line!(out, "{} ??              ???", location.place.address),
    }
}

fn label(out: &mut String, name: &SymbolName, view: &View) {
    write_line!(out, "{}", view.paint(Paint::Label, &format!("{}:", symbol(name))));
}

fn instruction(out: &mut String, row: &InstructionLine) {
    if row.bytes.is_empty() {
        write_line!(out, "{} {}", row.place.address, visible(&row.text));
        return;
    }
    let bytes: String = row.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_line!(out, "{} {bytes:<15} {}", row.place.address, visible(&row.text));
}
