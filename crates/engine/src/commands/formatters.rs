//! `.nvload`, `.nvlist`, `.nvunloadall`: formatters of a user's own, before the built-in ones.

use std::path::Path;

use farsight_session::Record;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;
use crate::values::Formatters;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".nvload"],
        usage: ".nvload File",
        summary: "Loads formatters, which say how values of types are shown, from a file of the engine's machine; they come \
                  before those that are there.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: load,
    },
    Row {
        names: &[".nvlist"],
        usage: ".nvlist [Text]",
        summary: "Lists the types that have formatters, all or those with a text in their names, in the order in which they are looked for.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: list,
    },
    Row {
        names: &[".nvunloadall"],
        usage: ".nvunloadall",
        summary: "Forgets the formatters that were loaded from files.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: unload,
    },
];

/// Longest file of formatters.
const MOST_BYTES: u64 = 1 << 20;

fn load(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let name = invocation.text.trim();
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let name = quoted.unwrap_or(name);
    if name.is_empty() {
        return Err(invocation.missing("the name of a file of formatters"));
    }
    let bytes = session.outside.read_file(Path::new(name), MOST_BYTES);
    let bytes = bytes.map_err(|failure| CommandError::Refused(failure.to_string()))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| CommandError::Refused(format!("the file '{name}' is not text in UTF-8")))?;
    let count = session
        .formatters
        .load(&text)
        .map_err(|why| CommandError::Refused(format!("'{name}' {why}; nothing of it was loaded")))?;
    session
        .output
        .record(Record::line(format!("Loaded {count} formatters from '{name}'")));
    Ok(Flow::Done)
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let part = invocation.text.trim();
    let names = session.formatters.patterns().filter(|name| name.contains(part));
    let names = names.map(str::to_owned).collect();
    session.output.record(Record::Lines(names));
    Ok(Flow::Done)
}

fn unload(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if !invocation.text.trim().is_empty() {
        return Err(invocation.unexpected(invocation.text));
    }
    session.formatters = Formatters::default();
    Ok(Flow::Done)
}
