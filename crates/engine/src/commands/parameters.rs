//! `!peb !envvar`: what a process was started with.

use farsight_session::Record;
use farsight_types::Address;

use super::clock::moment;
use super::times::parameters;
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["!peb"],
        usage: "!peb",
        summary: "Shows what the process was started with: arguments, directory, environment, auxiliary vector.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: process,
    },
    Row {
        names: &["!envvar"],
        usage: "!envvar [Name]",
        summary: "Shows a variable of the environment that the process was started with, or all.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: variable,
    },
];

/// Entries of the auxiliary vector (`elf.h`).
const AUXILIARY: [(u64, &str); 23] = [
    (3, "AT_PHDR"),
    (4, "AT_PHENT"),
    (5, "AT_PHNUM"),
    (6, "AT_PAGESZ"),
    (7, "AT_BASE"),
    (8, "AT_FLAGS"),
    (9, "AT_ENTRY"),
    (11, "AT_UID"),
    (12, "AT_EUID"),
    (13, "AT_GID"),
    (14, "AT_EGID"),
    (15, "AT_PLATFORM"),
    (16, "AT_HWCAP"),
    (17, "AT_CLKTCK"),
    (23, "AT_SECURE"),
    (24, "AT_BASE_PLATFORM"),
    (25, "AT_RANDOM"),
    (26, "AT_HWCAP2"),
    (27, "AT_RSEQ_FEATURE_SIZE"),
    (28, "AT_RSEQ_ALIGN"),
    (31, "AT_EXECFN"),
    (33, "AT_SYSINFO_EHDR"),
    (51, "AT_MINSIGSTKSZ"),
];

fn process(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let known = parameters(session)?;
    let pid = session.os_pid()?;
    let mut lines = vec![
        format!("Process {pid}, started by {}", known.parent),
        format!("    Started:          {}", moment(known.started)),
        format!("    ImageFile:        '{}'", known.executable.unwrap_or_default()),
        format!("    CurrentDirectory: '{}'", known.directory.unwrap_or_default()),
        format!("    CommandLine:      '{}'", known.arguments.join(" ")),
    ];
    for (index, argument) in known.arguments.iter().enumerate() {
        lines.push(format!("        [{index}] {argument}"));
    }
    lines.push("    Environment:".to_owned());
    lines.extend(known.environment.iter().map(|entry| format!("        {entry}")));
    lines.push("    Auxiliary vector:".to_owned());
    for (kind, value) in known.auxiliary.iter().filter(|(kind, _)| *kind != 0) {
        let name = AUXILIARY.iter().find(|(known, _)| known == kind);
        let name = name.map_or_else(|| format!("{kind}"), |(_, name)| (*name).to_owned());
        lines.push(format!("        {name:<22} {}", Address(*value)));
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn variable(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let name = invocation.text.trim();
    let known = parameters(session)?.environment;
    if name.is_empty() {
        session.output.record(Record::Lines(known));
        return Ok(Flow::Done);
    }
    let value = known
        .iter()
        .find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
    match value {
        Some(value) => session.output.line(format!("{name} = {value}")),
        None => session.output.line(format!(
            "'{name}' was not in the environment that the process was started with"
        )),
    }
    Ok(Flow::Done)
}
