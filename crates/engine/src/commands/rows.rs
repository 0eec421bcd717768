//! The rows as data, for documentation.

use farsight_types::AccessRole;

use super::{Needs, rows_by_area};
use crate::expression::command_line::{shape, split_part};

/// What a command needs before it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandNeeds {
    /// Nothing.
    Nothing,
    /// A target, at rest or running.
    Target,
    /// A target at rest.
    Rest,
}

/// One command of the table, for those who write documentation from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// What it is about, such as `Breakpoints`.
    pub area: &'static str,
    /// The usual name first.
    pub names: &'static [&'static str],
    /// Its form, in the documentation's notation.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// When it may run.
    pub needs: CommandNeeds,
    /// Whether it changes a target or what is done to it.
    pub writes: bool,
    /// The lowest role of a debugging client that may run it.
    pub role: AccessRole,
}

/// Every command, area by area.
pub fn command_rows() -> impl Iterator<Item = CommandRow> {
    rows_by_area().map(|(area, row)| CommandRow {
        area,
        names: row.names,
        usage: row.usage,
        summary: row.summary,
        needs: match row.needs {
            Needs::Nothing => CommandNeeds::Nothing,
            Needs::Target => CommandNeeds::Target,
            Needs::Rest => CommandNeeds::Rest,
        },
        writes: row.writes,
        role: super::access::role_of(row),
    })
}

/// The usual names of the rows that a line's commands lead to, those in its blocks included; nothing for what is no
/// command.
pub fn rows_of_line(line: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut parts: Vec<std::ops::Range<usize>> = std::iter::once(0..line.len()).collect();
    while let Some(part) = parts.pop() {
        for command in split_part(line, part).unwrap_or_default() {
            if let Ok(row) = super::find(&command.name) {
                found.extend(row.names.first().copied());
            }
            if let Ok((shape, _)) = shape(&command.name, line, command.arguments_at) {
                parts.extend(shape.blocks());
            }
        }
    }
    found
}
