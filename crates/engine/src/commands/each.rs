//! `!for_each_module !for_each_thread !for_each_frame !uniqstack !findstack`: the same for each of many.

use std::collections::BTreeMap;

use farsight_session::Record;
use farsight_symbols::Pattern;
use farsight_types::ThreadId;

use super::{Invocation, Needs, Prefix, Row, stack};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
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
    Row {
        names: &["!uniqstack"],
        usage: "!uniqstack",
        summary: "Shows the stacks of all threads, equal ones once.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: unique_stacks,
    },
    Row {
        names: &["!findstack"],
        usage: "!findstack [Module!]Pattern",
        summary: "Shows the threads in whose stack a function is that matches a pattern.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: find_stack,
    },
];

/// Frames of a stack that are compared.
const MOST_FRAMES: usize = 256;

/// The commands, without quotes around all of them.
fn commands(text: &str) -> String {
    match take_string(text) {
        Some((inside, "")) => inside,
        _ => text.to_owned(),
    }
}

fn each_module(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = commands(invocation.text);
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
    let text = commands(invocation.text);
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

/// The threads with the names of their frames.
fn named_stacks(session: &mut Session) -> Result<Vec<(ThreadId, Vec<String>)>, CommandError> {
    stack::fetch_for_all(session)?;
    let threads: Vec<ThreadId> = session.process()?.threads.iter().map(|thread| thread.id).collect();
    let mut stacks = Vec::new();
    for thread in threads {
        session.check_interrupt()?;
        let walked = session.walk(thread, MOST_FRAMES)?;
        let places: Vec<_> = walked.frames.iter().map(|frame| frame.lookup_address()).collect();
        session.load_for(places.iter().copied())?;
        let mut names = Vec::new();
        for place in places {
            names.push(super::function_at(session, place)?);
        }
        stacks.push((thread, names));
    }
    Ok(stacks)
}

fn unique_stacks(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let mut groups: Vec<(Vec<String>, Vec<ThreadId>)> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (thread, names) in named_stacks(session)? {
        let index = *known.entry(names.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, threads)) => threads.push(thread),
            None => groups.push((names, vec![thread])),
        }
    }
    let total: usize = groups.iter().map(|(_, threads)| threads.len()).sum();
    let mut lines = vec![format!("Processing {total} threads, please wait"), String::new()];
    let unique = groups.len();
    for (names, threads) in groups {
        let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
        lines.push(format!(".{}  {} thread(s)", threads.join(" "), threads.len()));
        lines.extend(
            names
                .iter()
                .enumerate()
                .map(|(number, name)| format!("    {number:02x} {name}")),
        );
        lines.push(String::new());
    }
    lines.push(format!("Total threads: {total}"));
    lines.push(format!("Duplicate callstacks: {}", total - unique));
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn find_stack(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (text, rest) = take_word(invocation.text);
    if text.is_empty() {
        return Err(invocation.missing("a name"));
    }
    invocation.expect_end(rest)?;
    let pattern = match text.contains('!') {
        true => Pattern::new(text),
        false => Pattern::new(&format!("*!{text}")),
    };
    let mut lines = Vec::new();
    let mut count = 0;
    for (thread, names) in named_stacks(session)? {
        let found: Vec<usize> = (0..names.len())
            .filter(|index| names.get(*index).is_some_and(|name| pattern.matches(name)))
            .collect();
        if found.is_empty() {
            continue;
        }
        count += 1;
        lines.push(format!("Thread {thread:03}, {} frame(s) match", found.len()));
        lines.extend(names.iter().enumerate().map(|(number, name)| {
            let mark = if found.contains(&number) { '*' } else { ' ' };
            format!("      {mark} {number:02} {name}")
        }));
    }
    lines.push(format!("{count} thread(s) match '{text}'"));
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}
