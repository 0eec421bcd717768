//! `? .expr .echo .help .lastevent version vertarget`: about values, the session and the debugger itself.

use farsight_session::Record;
use farsight_session::record::{Evaluation, Help, HelpRow, LastEvent, MachineReport};
use farsight_target::{Machine, MachineDescription, MachineProxy};
use farsight_types::Address;
use farsight_wire::Nothing;

use super::{Invocation, Needs, Prefix, Row, rows};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{Language, Radix};
use crate::session::Session;
use farsight_symbols::Pattern;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["?"],
        usage: "? Expression",
        summary: "Evaluates an expression; without one, lists the commands.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: evaluate,
    },
    Row {
        names: &[".expr"],
        usage: ".expr [/s masm|c++]",
        summary: "Shows or sets the expression evaluator; @@masm() and @@c++() name one for a part of an expression.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: evaluator,
    },
    Row {
        names: &["n"],
        usage: "n [8|10|16]",
        summary: "Shows or sets the radix of numbers without a prefix.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: radix,
    },
    Row {
        names: &[".echo"],
        usage: ".echo Text",
        summary: "Shows text.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            let text = invocation.text;
            let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            session.output.line(quoted.unwrap_or(text));
            Ok(Flow::Done)
        },
    },
    Row {
        names: &[".help"],
        usage: ".help [/D] [Command|Pattern]",
        summary: "Lists the commands, or those that match a pattern, or explains one.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: help,
    },
    Row {
        names: &[".lastevent"],
        usage: ".lastevent",
        summary: "Shows what happened last.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let event = session.last_event.clone();
            session.output.record(Record::LastEvent(LastEvent { event }));
            Ok(Flow::Done)
        },
    },
    Row {
        names: &["version"],
        usage: "version",
        summary: "Shows the versions of this debugger and of the server.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            session
                .output
                .line(concat!("farsight ", env!("CARGO_PKG_VERSION"), ", the host engine"));
            for system in &session.systems {
                session.output.line(format!("{} on {}", system.server, system.machine));
            }
            Ok(Flow::Done)
        },
    },
    Row {
        names: &["vercommand"],
        usage: "vercommand",
        summary: "Shows the command line that the debugger was started with.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let line = match session.options.command_line.is_empty() {
                true => "unknown".to_owned(),
                false => format!("'{}'", session.options.command_line.join(" ")),
            };
            session.output.line(format!("command line: {line}"));
            Ok(Flow::Done)
        },
    },
    Row {
        names: &["vertarget"],
        usage: "vertarget",
        summary: "Shows the target's machine and system.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: target,
    },
];

fn evaluate(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.text.is_empty() {
        return help(session, invocation);
    }
    let value = session.evaluate(invocation.text, invocation.at)?;
    session.memos.last_value = value;
    let symbol = match session.current {
        Some(_) => session.place_of(Address(value))?.symbol,
        None => None,
    };
    session.output.record(Record::Evaluation(Evaluation { value, symbol }));
    Ok(Flow::Done)
}

fn evaluator(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let words: Vec<&str> = invocation.text.split_whitespace().collect();
    match words.as_slice() {
        [] => {}
        ["/q"] => {
            session.output.line("Available expression evaluators:");
            session.output.line("MASM - Microsoft Assembler expressions");
            session.output.line("C++ - C++ source expressions");
        }
        ["/s", name] if name.eq_ignore_ascii_case("masm") => session.memos.language = Language::Masm,
        ["/s", name] if name.eq_ignore_ascii_case("c++") => session.memos.language = Language::Cpp,
        _ => {
            return Err(CommandError::syntax(
                invocation.at,
                "an evaluator is masm or c++, as in .expr /s c++",
            ));
        }
    }
    let shown = match session.memos.language {
        Language::Masm => "MASM - Microsoft Assembler expressions",
        Language::Cpp => "C++ - C++ source expressions",
    };
    session.output.line(format!("Current expression evaluator: {shown}"));
    Ok(Flow::Done)
}

fn radix(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    session.memos.radix = match invocation.text.trim() {
        "" => session.memos.radix,
        "8" => Radix::Octal,
        "10" => Radix::Decimal,
        "16" => Radix::Hexadecimal,
        _ => return Err(CommandError::syntax(invocation.at, "a radix is 8, 10 or 16")),
    };
    session.output.line(format!("base is {}", session.memos.radix.base()));
    Ok(Flow::Done)
}

fn help(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    // Links in the text need a viewer that has them.
    let text = invocation.text;
    let wanted = text.strip_prefix("/D").unwrap_or(text).trim();
    let shown = |row: &Row| HelpRow {
        names: row.names.iter().map(|name| (*name).to_owned()).collect(),
        usage: row.usage.to_owned(),
        summary: row.summary.to_owned(),
        details: details(row),
    };
    let mut found: Vec<HelpRow> = match wanted {
        "" => rows().map(shown).collect(),
        text if Pattern::is_wild(text) && super::find(text).is_err() => {
            let pattern = Pattern::new(text);
            let matching = rows().filter(|row| row.names.iter().any(|name| pattern.matches(name)));
            matching.map(shown).collect()
        }
        name => vec![shown(super::find(name)?)],
    };
    if found.is_empty() {
        return Err(CommandError::syntax(
            invocation.position_of(wanted),
            format!("no command matches '{wanted}'"),
        ));
    }
    found.sort_by(|left, right| left.names.cmp(&right.names));
    session.output.record(Record::Help(Help { rows: found }));
    Ok(Flow::Done)
}

/// What the row itself says of the command.
fn details(row: &Row) -> Vec<String> {
    let needs = match row.needs {
        Needs::Nothing => "May be used at any time.",
        Needs::Target => "Needs a target, at rest or running.",
        Needs::Rest => "Needs a target at rest.",
    };
    let mut details = vec![needs.to_owned()];
    if row.writes {
        details.push("Changes the target or what is done to it.".to_owned());
    }
    details
}

fn target(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let id = session.server_system().ok_or(CommandError::NoDebuggee)?;
    let system = session.system_of_mut(id)?;
    let described: MachineDescription = match &system.description {
        Some(known) => known.clone(),
        None => {
            let fetched = MachineProxy(&system.link).describe(Nothing {})?;
            system.description = Some(fetched.clone());
            fetched
        }
    };
    let server = system.server_name();
    session.output.record(Record::Machine(MachineReport {
        name: described.name,
        system: described.system,
        release: described.release,
        architecture: described.architecture,
        processors: described.processors,
        page_size: described.page_size,
        product: described.product,
        server,
    }));
    Ok(Flow::Done)
}
