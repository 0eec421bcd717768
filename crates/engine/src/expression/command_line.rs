//! The splitting of a command line into commands (specification 5.1).
//!
//! A line is split as a whole before anything of it runs, and a command that runs the target leaves the rest of the list
//! to be carried out at the next stop.

mod names;
mod prefix;
mod shape;

use std::ops::Range;

pub use names::is_known;
pub use shape::{Shape, end_of_block, shape};

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

/// Most characters that a line may have.
pub const MOST_LINE: usize = 4096;

/// Commands with blocks that nothing closes, in one text. Each costs a look at the whole rest.
const MOST_OPEN_BLOCKS: u32 = 64;

/// Splits a line into its commands. Comments and empty commands are left out.
pub fn split(line: &str) -> Result<Vec<Command>, LineError> {
    // Most lines are short by their bytes already.
    if line.len() > MOST_LINE
        && let Some((position, _)) = line.char_indices().nth(MOST_LINE)
    {
        let length = line.chars().count();
        return Err(LineError {
            position,
            what: format!("Syntax error: the line has {length} characters, more than {MOST_LINE}"),
        });
    }
    split_part(line, 0..line.len())
}

/// As [`split`], for a part of a text, such as a block. Places are counted in the whole text, whose length is the
/// caller's affair.
pub fn split_part(text: &str, part: Range<usize>) -> Result<Vec<Command>, LineError> {
    let text = text.get(..part.end).unwrap_or(text);
    let mut commands = Vec::new();
    let mut at = part.start;
    let mut open_blocks = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += length_of_separators(rest);
        let rest = text.get(at..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with('*') {
            return Ok(commands);
        }
        if shape::is_comment(rest) {
            at += rest.find(';').unwrap_or(rest.len());
            continue;
        }
        let command = one(text, at, &mut open_blocks)?;
        at = command.span.end;
        commands.push(command);
    }
}

/// The command that begins at a place where something begins.
fn one(line: &str, start: usize, open_blocks: &mut u32) -> Result<Command, LineError> {
    let head = prefix::head(line, start)?;
    let arguments = &line[head.end..];
    let leading = arguments.len() - arguments.trim_start().len();
    let length = if shape::is_control(&head.name) {
        shape(&head.name, line, head.end)?.1 - head.end
    } else if names::swallows_line(&head.name) {
        arguments.len()
    } else {
        length_of_arguments(arguments, open_blocks)
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
fn length_of_arguments(text: &str, open_blocks: &mut u32) -> usize {
    if *open_blocks < MOST_OPEN_BLOCKS {
        match length_up_to_end(text, true) {
            (length, true) => return length,
            (_, false) => *open_blocks += 1,
        }
    }
    length_up_to_end(text, false).0
}

/// The length, and whether all blocks were closed.
fn length_up_to_end(text: &str, blocks: bool) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b';' if depth == 0 => return (at, true),
            b'{' if blocks => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'"' => at += length_of_string(&bytes[at..]).unwrap_or(bytes.len() - at) - 1,
            b'\'' if opens_string(bytes, at) => at += length_of_string(&bytes[at..]).unwrap_or(1) - 1,
            _ => {}
        }
        at += 1;
    }
    (text.len(), depth == 0)
}

/// Whether a quote begins a string. An apostrophe inside of a word, or one that nothing closes, is no quote.
fn opens_string(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_none_or(|before| matches!(before, b' ' | b'\t' | b'(' | b',' | b'=' | b'{' | b';'))
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
