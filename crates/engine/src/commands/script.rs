//! `$< $>< $$< $$>< $$>a<`: commands from files of the engine's machine.

use std::path::Path;

use farsight_session::OutputMask;

use super::{Invocation, Needs, Prefix, Row};
use crate::aliases::{MOST_TEXT, replace_arguments};
use crate::error::CommandError;
use crate::execution::{Construct, Flow};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["$<", "$$<"],
        usage: "$<File",
        summary: "Runs a file's lines one after another; the file's name is the rest of the line, with $$< up to the next ;.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: run_lines,
    },
    Row {
        names: &["$><", "$$><"],
        usage: "$><File",
        summary: "Runs a file as one block; the file's name is the rest of the line, with $$>< up to the next ;.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: run_block,
    },
    Row {
        names: &["$$>a<"],
        usage: "$$>a<File [Argument ...]",
        summary: "Runs a file as one block, with the arguments in the places of ${$arg1}, ${$arg2} and so on.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Own,
        run: run_with_arguments,
    },
];

/// The lines of a script.
fn read(session: &mut Session, invocation: &Invocation<'_>, name: &str) -> Result<Vec<String>, CommandError> {
    super::control::refuse_prefix(invocation)?;
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let name = quoted.unwrap_or(name);
    if name.is_empty() {
        return Err(invocation.missing("the script's file name"));
    }
    let bytes = session.outside.read_file(Path::new(name), MOST_TEXT as u64);
    let bytes = bytes.map_err(|failure| CommandError::Refused(failure.to_string()))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| CommandError::Refused(format!("the script '{name}' is not text in UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.lines().map(str::to_owned).collect())
}

/// A script's lines as one text. A comment to the end of a line would swallow what follows, so it goes.
fn joined(lines: Vec<String>) -> String {
    let lines: Vec<String> = lines
        .into_iter()
        .filter(|line| !line.trim_start().starts_with('*'))
        .collect();
    lines.join(";")
}

fn run_lines(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let lines = read(session, invocation, invocation.text)?;
    Ok(Flow::Enter(Box::new(Construct::Lines(lines))))
}

fn run_block(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let script = joined(read(session, invocation, invocation.text)?);
    session
        .output
        .text(OutputMask::PROMPT, format!("{}{script}\n", session.prompt()));
    Ok(Flow::Enter(Box::new(Construct::Script(script))))
}

fn run_with_arguments(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (name, mut rest) = quoted_word(invocation.text);
    let mut arguments = Vec::new();
    while !rest.is_empty() {
        let (argument, behind) = quoted_word(rest);
        arguments.push(argument.to_owned());
        rest = behind;
    }
    let script = joined(read(session, invocation, name)?);
    let script = replace_arguments(&script, &arguments)?;
    Ok(Flow::Enter(Box::new(Construct::Script(script))))
}

/// A word, or what is in quotes, and the rest.
fn quoted_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = match text.strip_prefix('"') {
        Some(inside) => inside.split_once('"').unwrap_or((inside, "")),
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    };
    (word, rest.trim_start())
}
