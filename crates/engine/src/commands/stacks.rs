//! `!uniqstack`, `!findstack`: the stacks of all threads, fetched together.

use farsight_session::Record;
use farsight_session::record::{Place as Site, Stack, StackColumns, Threads};
use farsight_symbols::Frame;
use farsight_types::ThreadId;

use super::stack::{Naming, shown};
use super::{Invocation, Needs, Prefix, Row, threads};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::{Readers, Session};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["!uniqstack"],
        usage: "!uniqstack [-b|-v|-p] [-n]",
        summary: "Shows the stacks of all threads, equal ones once; -n numbers the frames.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: unique,
    },
    Row {
        names: &["!findstack"],
        usage: "!findstack Symbol [0|1|2]",
        summary: "Finds the threads whose stacks have a symbol or a module in them; 0 shows the threads, 1 the frames, \
                  2 the whole stacks.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: find,
    },
];

/// The stacks of all threads of the current process: one request for the stacks, one for what they lack.
fn all_stacks(
    session: &mut Session,
    columns: StackColumns,
    naming: Naming,
) -> Result<Vec<(ThreadId, Stack)>, CommandError> {
    super::stack::fetch_for_all(session)?;
    let most = session.memos.looks.frames;
    let process = session.process()?;
    let (ids, starts): (Vec<_>, Vec<_>) = process
        .threads
        .iter()
        .filter_map(|thread| Some((thread.id, thread.registers.clone()?)))
        .unzip();
    let walked = session.walk_all(&starts, most + 1)?;
    let places = walked
        .iter()
        .flat_map(|walked| walked.frames.iter().map(Frame::lookup_address));
    session.load_for(places.collect::<Vec<_>>())?;
    let mut stacks = Vec::with_capacity(ids.len());
    for (id, walked) in ids.into_iter().zip(walked) {
        session.check_interrupt()?;
        let readers = Readers::new(session.process()?);
        let frames = readers.expand(&walked, most);
        stacks.push((id, shown(&readers, &walked, &frames, columns, naming)));
    }
    Ok(stacks)
}

fn show(session: &mut Session, id: ThreadId, stack: Option<Stack>) -> Result<(), CommandError> {
    let row = threads::row(session, id)?;
    session.output.record(Record::Threads(Threads { rows: vec![row] }));
    if let Some(stack) = stack {
        session.output.record(Record::Stack(stack));
    }
    Ok(())
}

fn unique(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut columns = StackColumns::default();
    let mut naming = Naming {
        lines: session.sources.has_lines,
        ..Naming::default()
    };
    let mut rest = invocation.text;
    while !rest.is_empty() {
        let (option, behind) = take_word(rest);
        match option {
            "-b" | "-v" => columns.arguments = true,
            "-p" => naming.parameters = true,
            "-n" => columns.numbers = true,
            _ => return Err(invocation.unexpected(rest)),
        }
        rest = behind;
    }
    let stacks = all_stacks(session, columns, naming)?;
    let total = stacks.len();
    let mut seen = std::collections::HashSet::new();
    let mut twins = Vec::new();
    for (id, stack) in stacks {
        session.check_interrupt()?;
        let places: Vec<u64> = stack.frames.iter().map(|frame| frame.site.address.0).collect();
        match seen.insert(places) {
            true => show(session, id, Some(stack))?,
            false => twins.push(id.0.to_string()),
        }
    }
    session.output.line(format!("Total threads: {total}"));
    if !twins.is_empty() {
        session.output.line(format!(
            "Duplicate callstacks: {} (threads follow): {}",
            twins.len(),
            twins.join(", ")
        ));
    }
    Ok(Flow::Done)
}

/// How much is shown of what was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Threads,
    Frames,
    Stacks,
}

fn find(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (wanted, rest) = take_word(invocation.text);
    if wanted.is_empty() {
        return Err(invocation.missing("a symbol"));
    }
    let level = match rest.trim() {
        "0" => Level::Threads,
        "" | "1" => Level::Frames,
        "2" => Level::Stacks,
        _ => return Err(invocation.unexpected(rest)),
    };
    let naming = Naming {
        lines: session.sources.has_lines,
        ..Naming::default()
    };
    let numbers = StackColumns {
        numbers: true,
        ..StackColumns::default()
    };
    let stacks = all_stacks(session, numbers, naming)?;
    let mut found = 0;
    for (id, mut stack) in stacks {
        session.check_interrupt()?;
        let matching = stack.frames.iter().filter(|frame| matches(&frame.site, wanted)).count();
        if matching == 0 {
            continue;
        }
        found += 1;
        let all = stack.frames.len();
        session
            .output
            .line(format!("Thread {:03}, {matching} of {all} frame(s) match", id.0));
        match level {
            Level::Threads => {}
            Level::Frames => {
                stack.frames.retain(|frame| matches(&frame.site, wanted));
                stack.columns.headless = true;
                stack.cut_short = None;
                session.output.record(Record::Stack(stack));
            }
            Level::Stacks => show(session, id, Some(stack))?,
        }
    }
    if found == 0 {
        session.output.line("No matching stacks were found.");
    }
    Ok(Flow::Done)
}

/// Whether a place is in what a user names: `module!symbol`, `module!`, or a part of a symbol.
fn matches(site: &Site, wanted: &str) -> bool {
    let Some(name) = &site.symbol else {
        return false;
    };
    let symbol = name.name.as_deref().unwrap_or_default();
    match wanted.split_once('!') {
        Some((module, part)) => {
            name.module.eq_ignore_ascii_case(module) && symbol.to_lowercase().contains(&part.to_lowercase())
        }
        None => symbol.to_lowercase().contains(&wanted.to_lowercase()) || name.module.eq_ignore_ascii_case(wanted),
    }
}
