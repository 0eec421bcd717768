//! The splitting of a command line into commands (specification 5.1).

use std::ops::Range;

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
    /// Its name as the command tables have it: `bp`, `.echo`, `!name`, `?`, `~` (list), `~s` (select), `~f ~u ~n ~m ~e`,
    /// `|`, `|s`, `||`, `||s`, `$<` and its like. What is no known name comes as it was typed.
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

/// Splits a line into its commands. Comments and empty commands are left out. One command cannot be split as the line
/// it is in: everything is split before anything runs.
pub fn split(line: &str) -> Result<Vec<Command>, LineError> {
    let _ = line;
    Ok(Vec::new())
}
