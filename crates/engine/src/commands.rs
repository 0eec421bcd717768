//! The commands: an explicit table of rows, and how one is run.
//!
//! A row has the names, the form, what it needs, a sentence of help and the function. Help, completion and "may this
//! run now" come from the row. Commands answer with records; nothing here lays out columns. Read [`Row`] first.

mod access;
mod aliases;
mod allocation;
mod blocks;
mod breakpoints;
mod clock;
mod code;
mod complete;
mod control;
mod dumps;
mod each;
mod enter;
mod errors;
mod events;
mod execute;
mod find_code;
mod formats;
mod formatters;
mod frames;
mod function;
mod info;
mod locals;
mod log;
mod memory;
mod modules;
mod parameters;
mod paths;
mod pointers;
mod print;
mod regions;
mod registers;
mod rows;
mod script;
mod search;
mod servers;
mod settings;
mod source;
mod stack;
mod stacks;
mod step;
mod symbols;
mod systems;
mod targets;
mod text;
mod threads;
mod times;
mod transfer;
mod typed;
mod types;
mod values;
mod watch;

pub(crate) use access::{check_client, check_role};
pub(crate) use complete::complete;
pub use rows::{CommandNeeds, CommandRow, command_rows, rows_of_line};

pub use events::check_event;
pub use print::check_format;
pub(crate) use registers::register_block;
pub(crate) use watch::function_at;

use farsight_session::Record;
use farsight_session::record::Threads;
use farsight_types::ThreadId;

use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::command_line::{Command, Selector};
use crate::model::Place;
use crate::session::Session;

/// What a command needs of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A target, at rest or running.
    Target,
    /// A target at rest.
    Rest,
}

/// What a thread prefix means to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// The command is about that thread.
    Selects,
    /// The command reads it itself.
    Own,
}

/// One command.
pub(crate) struct Row {
    /// The usual name first.
    pub(crate) names: &'static [&'static str],
    /// Its form, in the documentation's notation.
    pub(crate) usage: &'static str,
    /// What it does, in a sentence.
    pub(crate) summary: &'static str,
    pub(crate) needs: Needs,
    /// Whether it changes a target.
    pub(crate) writes: bool,
    pub(crate) prefix: Prefix,
    pub(crate) run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
}

/// A command that needs no target and changes none.
const fn row(
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
) -> Row {
    Row {
        names,
        usage,
        summary,
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run,
    }
}

/// A command as it was typed.
pub(crate) struct Invocation<'a> {
    /// The name as the splitter has it; `k` with its flags.
    pub(crate) name: &'a str,
    /// What follows the name.
    pub(crate) text: &'a str,
    /// Where `text` begins in the line.
    pub(crate) at: usize,
    /// Whether `text` follows the name without a space, as in `bp0 main`.
    pub(crate) joined: bool,
    pub(crate) thread: Option<&'a Selector>,
    pub(crate) process: Option<&'a Selector>,
    pub(crate) system: Option<&'a Selector>,
}

impl Invocation<'_> {
    /// Where a part of [`Invocation::text`] begins in the line.
    pub(crate) fn position_of(&self, part: &str) -> usize {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        match offset <= self.text.len() {
            true => self.at + offset,
            false => self.at + self.text.len(),
        }
    }

    /// Complains about something that should not be there.
    pub(crate) fn unexpected(&self, part: &str) -> CommandError {
        CommandError::syntax(self.position_of(part), format!("Extra character error in '{part}'"))
    }

    /// Complains unless nothing is left.
    pub(crate) fn expect_end(&self, rest: &str) -> Result<(), CommandError> {
        match rest.trim().is_empty() {
            true => Ok(()),
            false => Err(self.unexpected(rest.trim_start())),
        }
    }

    /// Complains that something is missing at the end.
    pub(crate) fn missing(&self, what: &str) -> CommandError {
        CommandError::syntax(self.at + self.text.len(), format!("{what} is missing"))
    }
}

/// Every table, by what its commands are about.
const AREAS: &[(&str, &[&[Row]])] = &[
    ("Going on and stepping", &[execute::ROWS, step::ROWS, watch::ROWS]),
    ("Breakpoints", &[breakpoints::ROWS]),
    ("Events", &[events::ROWS]),
    ("Stacks", &[stack::ROWS, frames::ROWS, stacks::ROWS, locals::ROWS]),
    ("Registers", &[registers::ROWS]),
    (
        "Memory",
        &[
            memory::ROWS,
            pointers::ROWS,
            enter::ROWS,
            blocks::ROWS,
            search::ROWS,
            dumps::ROWS,
            allocation::ROWS,
            regions::ROWS,
        ],
    ),
    ("Source", &[source::ROWS]),
    ("Code", &[code::ROWS, function::ROWS, find_code::ROWS]),
    ("Symbols and modules", &[symbols::ROWS, modules::ROWS, paths::ROWS]),
    (
        "Threads, processes and systems",
        &[threads::ROWS, systems::ROWS, each::ROWS],
    ),
    ("Targets and sessions", &[targets::ROWS, transfer::ROWS]),
    ("Sharing the session", &[servers::ROWS]),
    (
        "What is known of a target",
        &[times::ROWS, parameters::ROWS, errors::ROWS],
    ),
    (
        "Values and help",
        &[info::ROWS, formats::ROWS, typed::ROWS, types::ROWS, formatters::ROWS],
    ),
    (
        "Scripts and aliases",
        &[control::ROWS, aliases::ROWS, script::ROWS, print::ROWS],
    ),
    ("Logs and settings", &[log::ROWS, settings::ROWS]),
];

/// Every row with its area.
pub(crate) fn rows_by_area() -> impl Iterator<Item = (&'static str, &'static Row)> {
    AREAS.iter().flat_map(|(area, tables)| {
        let rows = tables.iter().flat_map(|table| table.iter());
        rows.map(|row| (*area, row))
    })
}

/// Every row.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    rows_by_area().map(|(_, row)| row)
}

/// The row of a command.
pub(crate) fn find(name: &str) -> Result<&'static Row, CommandError> {
    let exact = rows().find(|row| row.names.contains(&name));
    let stack = || match stack::is_stack_command(name) {
        true => rows().find(|row| row.names.contains(&"k")),
        false => None,
    };
    exact.or_else(stack).ok_or_else(|| {
        if let Some(error) = access::of_own_console(name) {
            return error;
        }
        match crate::expression::command_line::is_known(name) {
            // A word of DbgEng's language deserves a better answer than a misspelt one.
            true => CommandError::NotInThisBuild { name: name.to_owned() },
            false => CommandError::Unknown { name: name.to_owned() },
        }
    })
}

/// Runs a row, for each thread that the prefix names. Whether it may run has been checked.
pub(crate) fn run(session: &mut Session, row: &Row, line: &str, command: &Command) -> Result<Flow, CommandError> {
    let joined = command
        .arguments_at
        .checked_sub(1)
        .and_then(|before| line.as_bytes().get(before))
        .is_some_and(|byte| !byte.is_ascii_whitespace());
    let invocation = Invocation {
        name: &command.name,
        text: &command.arguments,
        at: command.arguments_at,
        joined: joined && !command.arguments.is_empty(),
        thread: command.prefixes.thread.as_ref(),
        process: command.prefixes.process.as_ref(),
        system: command.prefixes.system.as_ref(),
    };
    // What a command reads itself is not chosen for it.
    let own = row.names.first().copied().unwrap_or_default();
    let system = invocation.system.filter(|_| !own.starts_with("||"));
    let process = invocation.process.filter(|_| !own.starts_with('|'));
    if system.is_none() && process.is_none() {
        return run_here(session, row, &invocation);
    }
    let before = systems::before(session);
    let result = run_for_processes(session, row, &invocation, system, process);
    // A prefix chooses for one command. One that sets the targets going is about what it has chosen, and one that
    // selects was meant to.
    let stays = own.ends_with('s') && own.starts_with(['|', '~']);
    match &result {
        Ok(Flow::Done) if stays => {}
        Ok(Flow::Done) | Err(_) => systems::put_back(session, before),
        Ok(Flow::Resume(_) | Flow::Acquire(_) | Flow::End(_)) => {}
        Ok(_) => {
            systems::put_back(session, before);
            return Err(CommandError::Refused(format!(
                "'{}' runs other commands and cannot have such a prefix; select the process first",
                invocation.name
            )));
        }
    }
    result
}

/// Runs a row for each system and process that prefixes name.
fn run_for_processes(
    session: &mut Session,
    row: &Row,
    invocation: &Invocation<'_>,
    system: Option<&Selector>,
    process: Option<&Selector>,
) -> Result<Flow, CommandError> {
    let mut chosen = match system {
        Some(selector) => systems::chosen_systems(session, selector, invocation)?,
        None => session.server_system().into_iter().collect(),
    };
    let many = system == Some(&Selector::All) || process == Some(&Selector::All);
    if chosen.is_empty() {
        return Err(CommandError::NoDebuggee);
    }
    // Those without processes have nothing to show.
    chosen.retain(|id| !many || session.system_of(*id).is_ok_and(|system| !system.processes.is_empty()));
    let mut flow = Flow::Done;
    // Headings mark what is current for the user, and not what the command is run for.
    let home = session.current;
    for id in chosen {
        systems::enter_system(session, id);
        if many && system.is_some() {
            let here = std::mem::replace(&mut session.current, home);
            let record = systems::system_rows(session, &[id]);
            session.current = here;
            session.output.record(record);
        }
        let processes = match process {
            Some(selector) => systems::chosen_processes(session, selector, invocation)?,
            None => Vec::new(),
        };
        for id in processes
            .iter()
            .copied()
            .map(Some)
            .chain(processes.is_empty().then_some(None))
        {
            session.check_interrupt()?;
            if let Some(id) = id {
                systems::enter_process(session, id)?;
                if many {
                    let system = session.place()?.system;
                    let here = std::mem::replace(&mut session.current, home);
                    let record = systems::process_rows(session, system, &[id]);
                    session.current = here;
                    session.output.record(record?);
                }
            }
            if row.needs != Needs::Nothing {
                session.place()?;
            }
            flow = run_here(session, row, invocation)?;
            if many && !matches!(flow, Flow::Done) {
                let name = invocation.name;
                return Err(CommandError::Refused(format!(
                    "'{name}' cannot be run for several processes at once"
                )));
            }
        }
    }
    Ok(flow)
}

/// Runs a row in the current process, for each thread that the prefix names.
fn run_here(session: &mut Session, row: &Row, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if row.prefix == Prefix::Own {
        return (row.run)(session, invocation);
    }
    let Some(selector) = invocation.thread else {
        return (row.run)(session, invocation);
    };
    let before = systems::before(session);
    let result = run_for_threads(session, row, invocation, selector);
    // A prefix chooses for one command. A target that went in the meantime is not brought back.
    if session.current.is_some() {
        systems::put_back(session, before);
    }
    result
}

fn run_for_threads(
    session: &mut Session,
    row: &Row,
    invocation: &Invocation<'_>,
    selector: &Selector,
) -> Result<Flow, CommandError> {
    let chosen = threads::chosen(session, selector, invocation)?;
    let many = *selector == Selector::All;
    if many && row.names.contains(&"k") {
        stack::fetch_for_all(session)?;
    }
    let place = session.place()?;
    for id in chosen {
        session.check_interrupt()?;
        if many {
            session.current = Some(place);
            show_thread(session, id)?;
        }
        session.current = Some(Place { thread: id, ..place });
        match (row.run)(session, invocation) {
            Ok(Flow::Done) => {}
            Ok(flow) if !many => return Ok(flow),
            Ok(_) => {
                return Err(CommandError::Refused(format!(
                    "'{}' cannot be run for several threads at once",
                    invocation.name
                )));
            }
            // One thread that is gone does not keep the others from being shown.
            Err(error @ CommandError::Target(farsight_target::TargetError::NoSuchThread { .. })) if many => {
                session.output.error(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Flow::Done)
}

fn show_thread(session: &mut Session, id: ThreadId) -> Result<(), CommandError> {
    let row = threads::row(session, id)?;
    session.output.record(Record::Threads(Threads { rows: vec![row] }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_one_row_only() {
        let mut names: Vec<&str> = rows().flat_map(|row| row.names).copied().collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn every_row_has_help() {
        for row in rows() {
            assert!(!row.usage.is_empty() && row.summary.ends_with('.'), "{:?}", row.names);
            assert!(
                row.names.first().is_some_and(|name| row.usage.contains(name)),
                "{:?}",
                row.names
            );
        }
    }

    #[test]
    fn words_of_the_language_are_refused_by_name() {
        assert!(matches!(find("a"), Err(CommandError::NotInThisBuild { .. })));
        assert!(matches!(find("frobnicate"), Err(CommandError::Unknown { .. })));
        assert!(find("kvn").is_ok());
        assert!(find("kill").is_err());
    }
}
