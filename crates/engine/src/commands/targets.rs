//! `.attach .create .detach .kill .tlist .endpsrv q qd qq`: getting hold of processes and letting go of them.

use farsight_session::Record;
use farsight_session::record::{ProcessList, RunningProcess};
use farsight_symbols::Pattern;
use farsight_target::{EndServerOrder, Machine, MachineProxy, ProcessDescription, ProcessQuery, SignalOrder};
use farsight_types::OsPid;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Departure, Flow, Release};
use crate::expression::{take_string, take_word};
use crate::mailbox::Link;
use crate::session::Session;
use crate::{Acquisition, Destination, Target};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".attach"],
        usage: ".attach PID|Name",
        summary: "Attaches to a process; PID is decimal, or hexadecimal with 0x.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: attach,
    },
    Row {
        names: &[".create"],
        usage: ".create Program [Arguments]",
        summary: "Starts a program under the debugger; takes the rest of the line.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: create,
    },
    Row {
        names: &[".detach"],
        usage: ".detach [/h|/n]",
        summary: "Lets go of the current process, which runs on; /n delivers the signal it stopped for.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: detach,
    },
    Row {
        names: &[".kill"],
        usage: ".kill",
        summary: "Kills the current process.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            let text = invocation.text.trim();
            if !matches!(text, "" | "/h" | "/n") {
                return Err(invocation.unexpected(invocation.text));
            }
            session.release_current(Release::Kill)?;
            Ok(Flow::Done)
        },
    },
    Row {
        names: &[".tlist"],
        usage: ".tlist [-v] [PID|Pattern]",
        summary: "Lists the processes of the target's machine; -v adds command lines.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: list,
    },
    Row {
        names: &[".endpsrv"],
        usage: ".endpsrv",
        summary: "Lets go of every process as q does, then ends the process server.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: end_server,
    },
    Row {
        names: &["q", "qq"],
        usage: "q",
        summary: "Ends the session: launched processes are killed, attached ones are let go.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |_, invocation| {
            invocation.expect_end(invocation.text)?;
            Ok(Flow::End(Departure::Quit))
        },
    },
    Row {
        names: &["qd"],
        usage: "qd",
        summary: "Ends the session and lets every process run on.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |_, invocation| {
            invocation.expect_end(invocation.text)?;
            Ok(Flow::End(Departure::Detach))
        },
    },
];

/// Decimal, or hexadecimal with `0x`, whatever the radix is.
fn pid(text: &str) -> Option<OsPid> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0n")) {
        Some(digits) if text.starts_with("0x") => u32::from_str_radix(digits, 16),
        Some(digits) => digits.parse(),
        None => text.parse(),
    };
    number.ok().map(OsPid)
}

fn attach(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("a process id or a name; .tlist shows them;"));
    }
    if let Some(option) = text.strip_prefix('-') {
        return Err(CommandError::syntax(
            invocation.at,
            format!("the option -{option} is not in this build"),
        ));
    }
    if session.is_running() {
        return Err(CommandError::Running {
            name: invocation.name.to_owned(),
        });
    }
    let wanted = match pid(text) {
        Some(pid) => Target::Process(pid),
        None => Target::Name(text.to_owned()),
    };
    Ok(Flow::Acquire(Acquisition::of(wanted)))
}

fn create(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if session.is_running() {
        return Err(CommandError::Running {
            name: invocation.name.to_owned(),
        });
    }
    let mut words = words(invocation.text).into_iter();
    let Some(program) = words.next() else {
        return Err(invocation.missing("a program"));
    };
    Ok(Flow::Acquire(Acquisition::of(Target::Program {
        path: program,
        arguments: words.collect(),
    })))
}

/// A command line's words; quotes keep spaces together.
fn words(mut text: &str) -> Vec<String> {
    let mut words = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return words;
        }
        if text.starts_with(['"', '\''])
            && let Some((word, rest)) = take_string(text)
        {
            words.push(word);
            text = rest;
            continue;
        }
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        words.push(word.to_owned());
        text = rest;
    }
}

fn detach(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let signal = match invocation.text.trim() {
        // A signal that was never shown must not be lost; one that was is handled by default, as in DbgEng.
        "" | "/h" => match session.is_running() {
            true => SignalOrder::Deliver,
            false => SignalOrder::Drop,
        },
        "/n" => SignalOrder::Deliver,
        _ => return Err(invocation.unexpected(invocation.text)),
    };
    session.release_current(Release::Detach(signal))?;
    Ok(Flow::Done)
}

/// The link to the server, without which nothing can be asked.
fn server(session: &Session) -> Result<Link, CommandError> {
    let system = session.systems.iter().find(|system| !system.link.is_lost());
    let system = system.ok_or_else(|| CommandError::Refused("there is no connection to a server".into()))?;
    Ok(system.link.clone())
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (verbose, text) = match take_word(invocation.text) {
        ("-v", rest) => (true, rest.trim()),
        _ => (false, invocation.text.trim()),
    };
    let link = server(session)?;
    let query = ProcessQuery {
        pid: pid(text),
        verbose,
    };
    let pattern = match (query.pid, text) {
        (Some(_), _) | (None, "") => None,
        (None, text) => Some(Pattern::new(text)),
    };
    let reply = MachineProxy(&link).list_processes(query)?;
    let wanted = |process: &ProcessDescription| pattern.as_ref().is_none_or(|pattern| pattern.matches(&process.name));
    let rows = reply
        .processes
        .into_iter()
        .filter(wanted)
        .map(|process| RunningProcess {
            pid: process.pid,
            name: process.name,
            user: process.user,
            threads: process.threads,
            tracer: process.tracer,
            command_line: process.command_line,
        })
        .collect();
    session
        .output
        .record(Record::ProcessList(ProcessList { rows, verbose }));
    Ok(Flow::Done)
}

fn end_server(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    if session.options.destination == Destination::Local {
        return Err(CommandError::Refused(
            "this session has no process server; q ends it".into(),
        ));
    }
    let link = server(session)?;
    // A server that is gone lets go of nothing in good order.
    session.release_everything()?;
    MachineProxy(&link).end_server(EndServerOrder::default())?;
    session.output.line("The server ends.");
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_ids_are_decimal() {
        assert_eq!(pid("10"), Some(OsPid(10)));
        assert_eq!(pid("0x10"), Some(OsPid(16)));
        assert_eq!(pid("0n10"), Some(OsPid(10)));
        assert_eq!(pid("10x"), None);
    }

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(words(" a \"b c\"  d"), ["a", "b c", "d"]);
        assert!(words("  ").is_empty());
    }
}
