//! `wt`: calls as they were made, and the tables behind them.

use farsight_session::record::{Trace, TraceSummary};

use crate::{Paint, View, visible, write_line};

/// Levels that are shown by their indent; deeper ones only by their number.
const MOST_INDENT: usize = 40;

pub(crate) fn trace(out: &mut String, trace: &Trace, view: &View) {
    match trace.return_address {
        Some(address) => write_line!(out, "Tracing {} to return address {address}", visible(&trace.name)),
        None => write_line!(out, "Tracing {}", visible(&trace.name)),
    }
    for row in &trace.rows {
        let indent = "  ".repeat((row.depth as usize).min(MOST_INDENT));
        let site = row.site.map(|site| format!(" @ {site}")).unwrap_or_default();
        let result = row.result.map(|value| format!(" rax = {value:x}")).unwrap_or_default();
        let name = visible(&row.name);
        write_line!(
            out,
            "{:>5} {:>5} [{:>3}] {indent}{name}{site}{result}",
            row.own,
            row.below,
            row.depth
        );
    }
    if let Some(summary) = &trace.summary {
        tables(out, summary, view);
    }
}

fn tables(out: &mut String, summary: &TraceSummary, view: &View) {
    write_line!(out);
    write_line!(
        out,
        "{0} instructions were executed in {0} events (0 from other threads)",
        summary.instructions
    );
    write_line!(out);
    let heading = format!(
        "{:<44}{:>11} {:>7} {:>7} {:>7}",
        "Function Name", "Invocations", "MinInst", "MaxInst", "AvgInst"
    );
    write_line!(out, "{}", view.paint(Paint::Heading, &heading));
    for sum in &summary.functions {
        write_line!(
            out,
            "{:<44}{:>11} {:>7} {:>7} {:>7}",
            visible(&sum.name),
            sum.invocations,
            sum.least,
            sum.most,
            sum.total / sum.invocations.max(1)
        );
    }
    write_line!(out);
    let calls: u64 = summary.system_calls.iter().map(|(_, calls)| calls).sum();
    let were = if calls == 1 { "call was" } else { "calls were" };
    write_line!(out, "{calls} system {were} executed");
    if calls > 0 {
        write_line!(out);
        write_line!(out, "{}", view.paint(Paint::Heading, "Calls  System Call"));
        for (number, calls) in &summary.system_calls {
            write_line!(out, "{calls:>5}  {number:#x}");
        }
    }
    write_line!(out);
}
