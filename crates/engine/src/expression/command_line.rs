//! The splitting of a command line into commands (specification 5.1).
//!
//! A line is split as a whole before anything of it runs, and a command that runs the target leaves the rest of the list
//! to be carried out at the next stop.

mod names;
mod prefix;

use std::ops::Range;

pub use names::is_known;

/// Which thread, process or system a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// `.`: the current one.
    Current,
    /// `#`: that of the last event.
    Event,
    /// `*`: each.
    All,
    /// `N`: the engine's number, decimal.
    Number(u32),
    /// `~[expr]` behind the `~` or `|`: the operating system's id.
    OsId(String),
    /// `[expr]`: the engine's number.
    Expression(String),
}

/// What stands before a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// `||S`.
    pub system: Option<Selector>,
    /// `|P`.
    pub process: Option<Selector>,
    /// `~T`.
    pub thread: Option<Selector>,
}

/// One command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What stands before it.
    pub prefixes: Prefixes,
    /// Its name as DbgEng writes it, whatever the case it was typed in: `bp`, `.echo`, `!name`, `?`, `$<`; `~` (list
    /// threads), `~s` (select one), `~f ~u ~n ~m ~e`; `|`, `|s`, `||`, `||s`. `k` comes with its flags (`kvn`), `lm`
    /// without (they begin the arguments). What is no known name comes as it was typed, up to the next space.
    pub name: String,
    /// What follows the name, without the spaces around.
    pub arguments: String,
    /// Where the arguments begin in the line, in bytes; for errors.
    pub arguments_at: usize,
    /// The whole command's place in the line.
    pub span: Range<usize>,
}

/// Why a line cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct LineError {
    /// Byte offset into the line.
    pub position: usize,
    /// What is wrong.
    pub what: String,
}

/// Most bytes that a line may have. DbgEng stops at 4096 characters.
pub const MOST_LINE: usize = 16384;

/// Splits a line into its commands. Comments and empty commands are left out.
pub fn split(line: &str) -> Result<Vec<Command>, LineError> {
    if line.len() > MOST_LINE {
        return Err(LineError {
            position: MOST_LINE,
            what: format!("Syntax error: the line has {} bytes, more than {MOST_LINE}", line.len()),
        });
    }
    let mut commands = Vec::new();
    let mut at = 0;
    loop {
        at += length_of_separators(&line[at..]);
        let rest = &line[at..];
        if rest.is_empty() || rest.starts_with('*') {
            return Ok(commands);
        }
        if rest.starts_with("$$") && !rest.starts_with("$$<") && !rest.starts_with("$$>") {
            at += rest.find(';').unwrap_or(rest.len());
            continue;
        }
        let command = one(line, at)?;
        at = command.span.end;
        commands.push(command);
    }
}

/// The command that begins at a place where something begins.
fn one(line: &str, start: usize) -> Result<Command, LineError> {
    let head = prefix::head(line, start)?;
    let arguments = &line[head.end..];
    let leading = arguments.len() - arguments.trim_start().len();
    let length = match names::swallows_line(&head.name) {
        true => arguments.len(),
        false => length_of_arguments(arguments, true),
    };
    let end = head.end + length;
    Ok(Command {
        prefixes: head.prefixes,
        name: head.name,
        arguments: arguments[..length].trim().to_owned(),
        arguments_at: (head.end + leading).min(end),
        span: start..end,
    })
}

fn length_of_separators(text: &str) -> usize {
    let behind = text.trim_start_matches(|character: char| character.is_whitespace() || character == ';');
    text.len() - behind.len()
}

/// Bytes up to the `;` that ends a command: outside of strings and blocks. With an open block that nothing closes,
/// brackets are letters like others.
fn length_of_arguments(text: &str, blocks: bool) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b';' if depth == 0 => return at,
            b'{' if blocks => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'"' => at += length_of_string(&bytes[at..]).unwrap_or(bytes.len() - at) - 1,
            // An apostrophe inside of a word, or one that nothing closes, is no quote.
            b'\'' if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'(' | b',' | b'=' | b'{' | b';') => {
                at += length_of_string(&bytes[at..]).unwrap_or(1) - 1;
            }
            _ => {}
        }
        at += 1;
    }
    match depth {
        0 => text.len(),
        _ => length_of_arguments(text, false),
    }
}

/// The length of a string with its quotes; none where it is not closed. `\` takes the next byte with it, except in
/// `@"..."`, which the caller cannot see from here and where a `\` before the end quote is rare.
fn length_of_string(bytes: &[u8]) -> Option<usize> {
    let quote = *bytes.first()?;
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests;
