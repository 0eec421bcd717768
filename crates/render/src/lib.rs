//! Records to text, for a client's own width and taste.
//!
//! Pure: a record and a view in, text out; one module for each kind of record, in DbgEng's formats (specification,
//! section 5). Read [`render`] first.
//!
//! Invariant: no string that came from a target leaves here without going through [`visible`].

mod breakpoints;
mod code;
mod event;
mod filter;
mod help;
mod machine_servers;
mod memory;
mod place;
mod registers;
mod sharing;
mod source;
mod stack;
mod system;
mod trace;
mod type_names;
mod types;
mod value;
mod view;
mod visible;

use farsight_session::Record;

pub use source::{NoSources, SourceText, Sources};
pub use value::content as value_text;
pub use view::{Paint, View};
pub use visible::{visible, visible_lines};

/// Writes a line into a string, which cannot fail.
macro_rules! write_line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($format:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($out, $($format)*);
    }};
}
use write_line;

/// The text of a record: whole lines, each with its line end; without source lines.
pub fn render(record: &Record, view: &View) -> String {
    render_with(record, view, &NoSources)
}

/// The text of a record, with the source lines that it asks for.
pub fn render_with(record: &Record, view: &View, sources: &dyn Sources) -> String {
    let mut out = String::new();
    match record {
        Record::Lines(lines) => lines
            .iter()
            .for_each(|text| write_line!(out, "{}", visible_with_tabs(text))),
        Record::Evaluation(evaluation) => code::evaluation(&mut out, evaluation),
        Record::Registers(registers) => registers::dump(&mut out, registers, view, sources),
        Record::Memory(dump) => memory::dump(&mut out, dump),
        Record::SearchHits(hits) => memory::hits(&mut out, hits, view),
        Record::Listing(listing) => code::listing(&mut out, listing, view, sources),
        Record::Stack(stack) => stack::stack(&mut out, stack, view),
        Record::Modules(modules) => place::modules(&mut out, modules, view),
        Record::Symbols(symbols) => place::symbols(&mut out, symbols),
        Record::Nearest(nearest) => place::nearest(&mut out, nearest),
        Record::Threads(threads) => system::threads(&mut out, threads, view),
        Record::Processes(processes) => system::processes(&mut out, processes, view),
        Record::Systems(systems) => system::systems(&mut out, systems, view),
        Record::Breakpoints(breakpoints) => breakpoints::breakpoints(&mut out, breakpoints, view),
        Record::ProcessList(list) => system::process_list(&mut out, list),
        Record::Event(report) => event::event(&mut out, report),
        Record::Stop(stop) => event::stop(&mut out, stop, view, sources),
        Record::LastEvent(last) => event::last_event(&mut out, last),
        Record::Help(help) => help::help(&mut out, help, view),
        Record::Trace(report) => trace::trace(&mut out, report, view),
        Record::Machine(machine) => system::machine(&mut out, machine),
        Record::Printed(text) => text.parts.iter().for_each(|part| match part.of_target {
            true => out.push_str(&visible(&part.text)),
            false => out.push_str(&visible_lines(&part.text)),
        }),
        Record::Differences(found) => memory::differences(&mut out, found),
        Record::Pointers(pointers) => memory::pointers(&mut out, pointers),
        Record::Filters(filters) => filter::filters(&mut out, filters),
        Record::EventLog(log) => filter::event_log(&mut out, log),
        Record::Locals(locals) => value::locals(&mut out, locals),
        Record::Value(shown) => value::shown(&mut out, shown),
        Record::Source(wanted) => {
            source::lines(&mut out, wanted, view, sources);
        }
        Record::Layout(layout) => types::layout(&mut out, layout),
        Record::Types(list) => types::list(&mut out, list),
        Record::Servers(servers) => sharing::servers(&mut out, servers),
        Record::Clients(clients) => sharing::clients(&mut out, clients),
        Record::MachineServers(servers) => machine_servers::servers(&mut out, servers),
        Record::Exception(report) => filter::exception(&mut out, report),
    }
    out
}

/// Lines of our own may be laid out with tabs; nothing else passes.
fn visible_with_tabs(text: &str) -> String {
    text.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests;
