//! `.attach .create .createdir .childdbg .detach .abandon .kill .restart .tlist .endpsrv q qd qq`: getting hold of
//! processes and letting go of them.

use farsight_session::Record;
use farsight_session::record::{ProcessList, RunningProcess};
use farsight_symbols::Pattern;
use farsight_target::{
    ChildPolicy, Machine, MachineProxy, ProcessDescription, ProcessOptions, ProcessQuery, Run, RunProxy, SignalOrder,
};
use farsight_types::OsPid;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Departure, Flow, Release};
use crate::expression::{take_string, take_word};
use crate::session::Session;
use crate::{Acquisition, AttachMode, Destination, InitialBreak, Target};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".attach"],
        usage: ".attach [-premote Connection] [-b|-e|-r|-v|-vr] [-f] [-o] PID|Name",
        summary: "Attaches to a process (PID is decimal, or hexadecimal with 0x), here or on a process server: -b without \
                  stopping it, -e to one that was abandoned, -r and sets it going, -v only to look, -vr without stopping it; \
                  -f holds other targets until it stops, -o follows its children.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: attach,
    },
    Row {
        names: &[".create"],
        usage: ".create [-premote Connection] [-f] [-o] Program [Arguments]",
        summary: "Starts a program under the debugger; takes the rest of the line. -f and -o as .attach.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: create,
    },
    Row {
        names: &[".createdir"],
        usage: ".createdir [-I] [Directory]",
        summary: "Shows or says where .create starts programs, at their machine; \"\" is the server's directory.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: create_directory,
    },
    Row {
        names: &[".childdbg"],
        usage: ".childdbg [0|1]",
        summary: "Shows or says whether the processes that the current one makes are debugged.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: follow_children,
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
        names: &[".abandon"],
        usage: ".abandon [/h|/n]",
        summary: "Leaves the current process stopped: another session takes it over with .attach -e, or with /n any \
                  debugger.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Selects,
        run: abandon,
    },
    Row {
        names: &[".kill"],
        usage: ".kill [/h|/n]",
        summary: "Kills the current process.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            if !matches!(invocation.text.trim(), "" | "/h" | "/n") {
                return Err(invocation.unexpected(invocation.text));
            }
            session.release_current(Release::Kill)?;
            Ok(Flow::Done)
        },
    },
    Row {
        names: &[".restart"],
        usage: ".restart",
        summary: "Starts the session's program again, also after its end; breakpoints stay.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            refuse_running(session, invocation)?;
            Ok(Flow::Acquire(session.recipe_for_restart()?))
        },
    },
    Row {
        names: &[".tlist"],
        usage: ".tlist [-v] [-c|PID|Pattern]",
        summary: "Lists the processes of the current system's machine, or only the current one (-c); -v adds command lines.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: list,
    },
    Row {
        names: &[".endpsrv"],
        usage: ".endpsrv [/f]",
        summary: "Ends the current system's process server, which lets go of its processes as q does; /f also while other \
                  sessions hold processes there.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: end_server,
    },
    Row {
        names: &["q", "qq"],
        usage: "q | qq",
        summary: "Ends the session for everybody: launched processes are killed, attached ones are let go. A debugging client types qq; q is refused to it.",
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

/// The word that a text begins with, and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

fn refuse_running(session: &Session, invocation: &Invocation<'_>) -> Result<(), CommandError> {
    match session.is_running() {
        true => Err(CommandError::Running {
            name: invocation.name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// Reads the options that an acquisition begins with; what they are about follows.
fn take_options<'t>(
    invocation: &Invocation<'t>,
    attaches: bool,
    wanted: &mut Acquisition,
) -> Result<&'t str, CommandError> {
    let mut rest = invocation.text.trim_start();
    let mut way: Option<&str> = None;
    while rest.starts_with('-') {
        let (option, behind) = word(rest);
        let mode = match option {
            "-premote" => {
                let at = invocation.position_of(behind);
                let (connection, behind) = match take_string(behind) {
                    Some(found) => found,
                    None => {
                        let (connection, behind) = word(behind);
                        (connection.to_owned(), behind)
                    }
                };
                if connection.is_empty() {
                    return Err(CommandError::syntax(
                        at,
                        "-premote needs a connection string such as tcp:server=HOST,port=5005 behind it",
                    ));
                }
                wanted.destination = Some(Destination::ProcessServer(connection));
                rest = behind;
                continue;
            }
            "-f" => {
                wanted.freezes_others = true;
                None
            }
            "-o" => {
                wanted.children = ChildPolicy::Follow;
                None
            }
            "-b" if attaches => {
                wanted.initial_break = InitialBreak::Never;
                Some(AttachMode::Invasive)
            }
            "-e" if attaches => Some(AttachMode::Existing),
            "-r" if attaches => Some(AttachMode::ResumeStopped),
            "-v" if attaches => Some(AttachMode::Noninvasive),
            "-vr" if attaches => Some(AttachMode::NoninvasiveNoSuspend),
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("there is no option {option}; the form is {}", usage(invocation.name)),
                ));
            }
        };
        if let Some(mode) = mode {
            let may_join = |other: &str| matches!((other, option), ("-b", "-r") | ("-r", "-b"));
            if let Some(other) = way.filter(|other| !may_join(other)) {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("{other} and {option} exclude each other"),
                ));
            }
            way = Some(option);
            if mode != AttachMode::Invasive {
                wanted.mode = mode;
            }
        }
        rest = behind;
    }
    Ok(rest)
}

fn usage(name: &str) -> &'static str {
    let row = ROWS.iter().find(|row| row.names.contains(&name));
    row.map_or("", |row| row.usage)
}

fn attach(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    refuse_running(session, invocation)?;
    let mut wanted = Acquisition::default();
    let text = take_options(invocation, true, &mut wanted)?.trim_end();
    if text.is_empty() {
        return Err(invocation.missing("a process id or a name; .tlist shows them;"));
    }
    wanted.target = match pid(text) {
        Some(pid) => Target::Process(pid),
        None => Target::Name(text.to_owned()),
    };
    Ok(Flow::Acquire(wanted))
}

fn create(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    refuse_running(session, invocation)?;
    let mut wanted = Acquisition::default();
    let text = take_options(invocation, false, &mut wanted)?;
    let mut words = words(text).into_iter();
    let Some(path) = words.next() else {
        return Err(invocation.missing("a program"));
    };
    wanted.directory = session.memos.create_directory.clone();
    wanted.target = Target::Program {
        path,
        arguments: words.collect(),
    };
    Ok(Flow::Acquire(wanted))
}

fn create_directory(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut text = invocation.text.trim();
    if let ("-I", rest) = word(text) {
        text = rest;
    } else if text.starts_with('-') {
        return Err(CommandError::syntax(
            invocation.at,
            "programs never inherit open files of the debugger or the server (-I); there is no other way",
        ));
    }
    if !text.is_empty() {
        let directory = take_string(text).map_or_else(|| text.to_owned(), |(directory, _)| directory);
        session.memos.create_directory = Some(directory).filter(|directory| !directory.is_empty());
    }
    let directory = session.memos.create_directory.as_deref();
    let text = format!("Programs start in {}", directory.unwrap_or("the server's directory"));
    session.output.line(text);
    Ok(Flow::Done)
}

fn follow_children(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let wanted = match invocation.text.trim() {
        "" => None,
        "0" => Some(ChildPolicy::Leave),
        "1" => Some(ChildPolicy::Follow),
        _ => return Err(invocation.unexpected(invocation.text)),
    };
    if let Some(children) = wanted {
        let (link, process) = session.link_and_process()?;
        let options = ProcessOptions {
            process: process.os,
            children,
        };
        RunProxy(&link).set_process_options(options)?;
        process.children = children;
    }
    let text = match session.process()?.children {
        ChildPolicy::Follow => "Processes created by the current process will be debugged",
        ChildPolicy::Leave => "Processes created by the current process will not be debugged",
    };
    session.output.line(text);
    Ok(Flow::Done)
}

fn abandon(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let release = match invocation.text.trim() {
        "" | "/h" => Release::Abandon,
        "/n" => Release::AbandonToAll,
        _ => return Err(invocation.unexpected(invocation.text)),
    };
    session.release_current(release)?;
    Ok(Flow::Done)
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

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (verbose, text) = match take_word(invocation.text) {
        ("-v", rest) => (true, rest.trim()),
        _ => (false, invocation.text.trim()),
    };
    let (only, text) = match take_word(text) {
        ("-c", rest) => (Some(session.os_pid()?), rest.trim()),
        _ => (pid(text), text),
    };
    let id = session.server_system();
    let id = id.ok_or_else(|| CommandError::Refused("there is no connection to a server".into()))?;
    let link = session.system_of(id)?.link.clone();
    let query = ProcessQuery { pid: only, verbose };
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
    let force = match invocation.text.trim() {
        "" => false,
        "/f" => true,
        _ => return Err(invocation.unexpected(invocation.text)),
    };
    session.end_server(force)?;
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
