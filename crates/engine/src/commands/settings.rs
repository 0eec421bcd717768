//! `.allow_exec_cmds .echotimestamps .noshell .outmask .pcmd .pop .prompt_allow .push .quit_lock .shell`: how the session
//! behaves.

use farsight_session::OutputMask;

use super::{Invocation, Row, row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
use crate::session::Session;

/// Most states that `.push` keeps.
const MOST_PUSHED: usize = 100;

pub(super) const ROWS: &[Row] = &[
    row(
        &[".allow_exec_cmds"],
        ".allow_exec_cmds [0|1]",
        "Shows or sets whether commands may set targets going.",
        allow_running,
    ),
    row(
        &[".echotimestamps"],
        ".echotimestamps [0|1]",
        "Turns on or off that events are shown with their time; without a number, turns it over.",
        timestamps,
    ),
    row(
        &[".noshell"],
        ".noshell",
        "Refuses .shell for the rest of the session.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            session.manners.no_shell = true;
            session.output.line("Shell commands disabled");
            Ok(Flow::Done)
        },
    ),
    row(
        &[".shell"],
        ".shell Command",
        "Refused: this build runs no programs of its own machine; takes the rest of the line.",
        |session, _| {
            Err(CommandError::Refused(match session.manners.no_shell {
                true => "shell commands were disabled by .noshell".into(),
                false => ".shell is not in this build: run the command in a terminal of this machine".into(),
            }))
        },
    ),
    row(
        &[".outmask"],
        ".outmask[-] [/l] [/a | /d | Bits]",
        "Shows which kinds of output this client gets, adds some or takes some away; /a all, /d the usual ones. The log keeps its own kinds in any case, which /l asks for.",
        mask,
    ),
    row(
        &[".pcmd"],
        ".pcmd [-s \"Commands\" | -c]",
        "Shows, sets or clears commands that run at each stop.",
        stop_command,
    ),
    row(
        &[".push"],
        ".push [/q] [/r]",
        "Puts aside where d, u and s go on, the radix and last values; with /r also $t0 to $t19.",
        push,
    ),
    row(
        &[".pop"],
        ".pop [/q] [/r]",
        "Takes back what .push put aside last; with /r also $t0 to $t19.",
        pop,
    ),
    row(
        &[".prompt_allow"],
        ".prompt_allow [{+|-}{dis|ea|reg|src|sym} ...]",
        "Shows or sets what a stop shows of where the thread stands.",
        prompt,
    ),
    row(
        &[".quit_lock"],
        ".quit_lock [/s \"Password\" | /q \"Password\"]",
        "Shows, sets or takes away a lock against ending the session by mistake.",
        quit_lock,
    ),
];

/// 0 or 1, if anything was given.
fn switch(session: &mut Session, invocation: &Invocation<'_>) -> Result<Option<bool>, CommandError> {
    match invocation.text.trim() {
        "" => Ok(None),
        text => match session.evaluate(text, invocation.at)? {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            _ => Err(CommandError::syntax(invocation.at, "0 or 1 is wanted")),
        },
    }
}

fn allow_running(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if let Some(allowed) = switch(session, invocation)? {
        session.manners.may_run = allowed;
    }
    let word = if session.manners.may_run {
        "allowed"
    } else {
        "not allowed"
    };
    session.output.line(format!("Execution commands are {word}"));
    Ok(Flow::Done)
}

fn timestamps(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let wanted = switch(session, invocation)?.unwrap_or(!session.output.stamps);
    session.output.stamps = wanted;
    let word = if wanted { "on" } else { "off" };
    session.output.line(format!("Event time stamps are {word}"));
    Ok(Flow::Done)
}

fn mask(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let Some(client) = session.author else {
        return Err(CommandError::Refused(
            "nobody's output is meant: this is no client's command".into(),
        ));
    };
    let mut mask = session.output.mask(client);
    let text = invocation.text.trim();
    let (removes, text) = match text.strip_prefix('-') {
        Some(text) => (true, text.trim_start()),
        None => (false, text),
    };
    // The log is everybody's and keeps its own kinds, whatever one client wants to see: `/l` asks for what is so.
    let text = text.strip_prefix("/l").map_or(text, str::trim_start);
    match text {
        "" => {}
        "/a" => mask = OutputMask(u32::MAX),
        "/d" => mask = OutputMask::DEFAULT,
        bits => {
            let value = session.evaluate(bits, invocation.position_of(bits))?;
            let at = invocation.position_of(bits);
            let bits = u32::try_from(value).map_err(|_| CommandError::syntax(at, "a mask has 32 bits"))?;
            mask = OutputMask(if removes { mask.0 & !bits } else { mask.0 | bits });
        }
    }
    session.output.set_mask(client, mask);
    session.output.line(format!("Output mask is {:X}", mask.0));
    Ok(Flow::Done)
}

fn stop_command(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (option, rest) = take_word(invocation.text);
    match option {
        "" => {}
        "-c" => {
            invocation.expect_end(rest)?;
            session.manners.stop_command = None;
        }
        "-s" => {
            let (commands, rest) = take_string(rest).unwrap_or_else(|| (rest.to_owned(), ""));
            invocation.expect_end(rest)?;
            if commands.trim().is_empty() {
                return Err(invocation.missing("the commands"));
            }
            session.manners.stop_command = Some(commands);
            session.manners.stop_rights = session.rights.left_behind();
        }
        _ => return Err(invocation.unexpected(option)),
    }
    let text = match &session.manners.stop_command {
        Some(commands) => format!("Per-prompt command is '{commands}'"),
        None => "No per-prompt command".to_owned(),
    };
    session.output.line(text);
    Ok(Flow::Done)
}

/// `/q`: quiet, and `/r`: user variables too.
fn options(invocation: &Invocation<'_>) -> Result<(bool, bool), CommandError> {
    let (mut quiet, mut variables) = (false, false);
    for word in invocation.text.split_whitespace() {
        match word {
            "/q" => quiet = true,
            "/r" => variables = true,
            _ => return Err(invocation.unexpected(word)),
        }
    }
    Ok((quiet, variables))
}

fn push(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (quiet, _) = options(invocation)?;
    if session.manners.pushed.len() >= MOST_PUSHED {
        return Err(CommandError::Refused(format!("at most {MOST_PUSHED} states are kept")));
    }
    session.manners.pushed.push(session.memos.clone());
    if !quiet {
        session.output.line("Debugger state pushed");
    }
    Ok(Flow::Done)
}

fn pop(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (quiet, variables) = options(invocation)?;
    let Some(mut memos) = session.manners.pushed.pop() else {
        return Err(CommandError::Refused("no state was pushed; .push does".into()));
    };
    if !variables {
        memos.user_variables = session.memos.user_variables;
    }
    session.memos = memos;
    if !quiet {
        session.output.line("Debugger state popped");
    }
    Ok(Flow::Done)
}

fn prompt(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut wanted = session.manners.shown;
    for word in invocation.text.split_whitespace() {
        let (on, name) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => return Err(invocation.unexpected(word)),
        };
        *match name {
            "dis" => &mut wanted.disassembly,
            "ea" => &mut wanted.effective_address,
            "reg" => &mut wanted.registers,
            "src" => &mut wanted.source,
            "sym" => &mut wanted.symbol,
            _ => return Err(invocation.unexpected(word)),
        } = on;
    }
    session.manners.shown = wanted;
    let rows = [
        (wanted.symbol, "sym - Symbol for current instruction"),
        (wanted.disassembly, "dis - Disassembly of current instruction"),
        (
            wanted.effective_address,
            "ea  - Effective address for current instruction",
        ),
        (wanted.registers, "reg - Register state"),
        (wanted.source, "src - Source info for current instruction"),
    ];
    for (allowed, title) in [
        (true, "Allow the following information to be displayed at the prompt:"),
        (
            false,
            "Do not allow the following information to be displayed at the prompt:",
        ),
    ] {
        session.output.line(title);
        let mut names = rows.iter().filter(|(shown, _)| *shown == allowed).peekable();
        if names.peek().is_none() {
            session.output.line("  None");
        }
        for (_, name) in names {
            session.output.line(format!("  {name}"));
        }
    }
    Ok(Flow::Done)
}

fn quit_lock(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (option, rest) = take_word(invocation.text);
    let password = take_string(rest).map_or_else(|| rest.trim().to_owned(), |(password, _)| password);
    match option {
        "" => {}
        "/s" if password.is_empty() => return Err(invocation.missing("the password")),
        "/s" => session.manners.quit_lock = Some(password),
        "/q" if session.manners.quit_lock.as_ref().is_some_and(|lock| *lock != password) => {
            return Err(CommandError::Refused(
                "that is not the password of the quit lock".into(),
            ));
        }
        "/q" => session.manners.quit_lock = None,
        _ => return Err(invocation.unexpected(option)),
    }
    let text = match &session.manners.quit_lock {
        Some(password) => format!("Quit lock password is '{password}'"),
        None => "No quit lock".to_owned(),
    };
    session.output.line(text);
    Ok(Flow::Done)
}
