//! `!for_each_module !for_each_thread`: the same for each of many.

use farsight_session::Record;
use farsight_types::ThreadId;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_string;
use crate::model::Place;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["!for_each_module"],
        usage: "!for_each_module [Commands]",
        summary: "Runs commands for each module, with @#ModuleName @#ImageName @#ModuleIndex @#Base @#End @#Size in their text.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: each_module,
    },
    Row {
        names: &["!for_each_thread"],
        usage: "!for_each_thread Commands",
        summary: "Runs commands for each thread of the process.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: each_thread,
    },
];

/// The commands, without quotes around all of them.
pub(super) fn commands_of_each(text: &str) -> String {
    match take_string(text) {
        Some((inside, "")) => inside,
        _ => text.to_owned(),
    }
}

fn each_module(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = commands_of_each(invocation.text);
    let modules: Vec<String> = session
        .process()?
        .modules
        .iter()
        .enumerate()
        .map(|(index, module)| {
            let range = module.range();
            match text.is_empty() {
                true => format!("{index:02}: {} {} {}", range.start, range.end(), module.name),
                false => text
                    .replace("@#ModuleIndex", &index.to_string())
                    .replace("@#ModuleName", &module.name)
                    .replace("@#ImageName", &module.image.path.replace(['"', ';', '{', '}'], "?"))
                    .replace("@#Base", &format!("{:#x}", range.start.0))
                    .replace("@#Size", &format!("{:#x}", range.length))
                    .replace("@#End", &format!("{:#x}", range.end().0)),
            }
        })
        .collect();
    if text.is_empty() {
        session.output.record(Record::Lines(modules));
        return Ok(Flow::Done);
    }
    for line in modules {
        session.check_interrupt()?;
        session.run_beside_stop(&line)?;
    }
    Ok(Flow::Done)
}

fn each_thread(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.text.is_empty() {
        return Err(invocation.missing("a command"));
    }
    let text = commands_of_each(invocation.text);
    let place = session.place()?;
    let threads: Vec<ThreadId> = session.process()?.threads.iter().map(|thread| thread.id).collect();
    let mut result = Ok(());
    for thread in threads {
        if session.current.is_none() {
            return Ok(Flow::Done);
        }
        session.current = Some(Place { thread, ..place });
        result = session.check_interrupt().and_then(|()| session.run_beside_stop(&text));
        if result.is_err() {
            break;
        }
    }
    if session.current.is_some() {
        session.current = Some(place);
    }
    result.map(|()| Flow::Done)
}
