//! Which role a command takes.
//!
//! What is not listed here takes an operator. An observer runs what is listed in [`LOOKS`], and nothing else; whoever
//! adds a command leaves it to operators by doing nothing. What a listed command could still do to others with hostile
//! arguments is stopped below ([`crate::rights`]).

use farsight_types::AccessRole;

use super::Row;
use crate::error::CommandError;
use crate::rights::Rights;

/// What an observer may run, by the usual names: what shows the targets and the session. What such a command remembers
/// (where `d` goes on, the radix, `$t0`) is the observer's own; the frame or thread that it chooses holds for its line.
const LOOKS: &[&str] = &[
    // Stacks, registers and variables. `r` sets registers of an observer's own, such as `$t0`, and no other.
    "k",
    "kd",
    ".kframes",
    ".frame",
    ".f",
    ".ecxr",
    "dv",
    "!uniqstack",
    "!findstack",
    "!for_each_frame",
    "r",
    "rm",
    // Memory and code.
    "db",
    "dl",
    "c",
    "s",
    "u",
    "ub",
    "uf",
    "#",
    ".asm",
    "!address",
    "!vprot", //
    // Symbols, modules, source, types and values.
    "x",
    "ln",
    "lm",
    "!lmi",
    "!chksym",
    "!dh",
    "!for_each_module",
    "ls",
    "lsa",
    "lsc",
    "dt",
    "dx",
    "?",
    "??",
    ".formats",
    ".expr",
    "n",
    ".nvlist", //
    // Threads, processes, systems and events.
    "~",
    "~e",
    "|",
    "||",
    "!for_each_thread",
    "!runaway",
    ".time",
    ".ttime",
    "!peb",
    "!envvar",
    "!gle",
    "!error",
    ".lastevent",
    ".eventlog",
    ".event_code",
    ".exr",
    "sx",
    "bl",
    ".bpcmds", //
    // The session.
    "al",
    ".clients",
    ".servers",
    ".logfile",
    ".outmask",
    ".echotime",
    ".effmach",
    ".help",
    "version",
    "vercommand",
    "vertarget",
    ".echo",
    ".printf", //
    // What only chooses among other commands; each of them is looked up for itself. Loops that may have no end are not here.
    ".if",
    "j",
    ".foreach",
    ".block",
    ".catch",
    ".leave",
    ".break",
    ".continue",
];

/// What may go round without end, and would keep everybody waiting.
const LOOPS: &[&str] = &[".while", ".do", ".for", "z"];

/// What takes an owner, by the usual names, and why.
const OWNERS: &[(&str, &str)] = &[
    // The session and who is in it.
    ("q", ENDS),
    ("qd", ENDS),
    (".endpsrv", "ends a process server, and with it sessions of others"),
    (".server", "lets others into the session"),
    (".endsrv", "ends a server of the session"),
    (".kick", "cuts off another user"),
    // Locks are for the others: who may lift one is not bound by it.
    (".quit_lock", LOCKS),
    (".allow_exec_cmds", LOCKS),
    (".noshell", LOCKS),
    // The machine of the debugger, which is not what is debugged: its files and its programs.
    (".shell", "runs programs on the machine of the debugger"),
    (".logopen", WRITES_FILES),
    (".logappend", WRITES_FILES),
    (".logclose", WRITES_FILES),
    (".writemem", WRITES_FILES),
    (".recv_file", WRITES_FILES),
    (".readmem", READS_FILES),
    (".send_file", READS_FILES),
    (".nvload", READS_FILES),
    ("$<", READS_FILES),
    ("$><", READS_FILES),
    ("$$>a<", READS_FILES),
];

const ENDS: &str = "ends the session for everybody";
const LOCKS: &str = "locks or unlocks what others may do";
const WRITES_FILES: &str = "writes files on the machine of the debugger";
const READS_FILES: &str = "reads files on the machine of the debugger";

/// What nobody may run through a debugging server, by every name, and what to do instead.
const NOT_FROM_CLIENTS: &[(&str, &str)] = &[
    (
        "q",
        "is refused to debugging clients: .remote_exit or Ctrl+B leaves the session, qq ends it for everybody and takes an owner",
    ),
    (
        "qd",
        "is refused to debugging clients: .remote_exit or Ctrl+B leaves the session, .detach lets go of a process, qq ends it all",
    ),
    (
        "lse",
        "is refused to debugging clients: it would open an editor at the debugging server",
    ),
    (
        ".lsrcpath",
        "is about source files where you sit, and no command of the session: type it at the prompt of your own debugging client, by itself",
    ),
    (
        ".lsrcfix",
        "is about source files where you sit, and no command of the session: type it at the prompt of your own debugging client, by itself",
    ),
    (
        ".remote_exit",
        "leaves a session, and is no command of it: type it at the prompt of your own debugging client, by itself",
    ),
];

/// The role that a row takes.
pub(crate) fn role_of(row: &Row) -> AccessRole {
    let is_named = |name: &str| row.names.first() == Some(&name);
    if LOOKS.iter().any(|name| is_named(name)) {
        AccessRole::Observer
    } else if OWNERS.iter().any(|(name, _)| is_named(name)) {
        AccessRole::Owner
    } else {
        AccessRole::Operator
    }
}

/// Refuses a command that takes a higher role.
pub(crate) fn check_role(row: &Row, name: &str, rights: Rights) -> Result<(), CommandError> {
    let needed = role_of(row);
    if rights.role >= needed {
        return Ok(());
    }
    let usual = row.names.first().copied().unwrap_or_default();
    let why = OWNERS.iter().find(|(owners, _)| *owners == usual);
    let why = match why {
        Some((_, why)) => why,
        None if LOOPS.contains(&usual) => "may go on without end and keep everybody waiting",
        None if row.writes => "changes the target",
        None => "changes what others see or work with",
    };
    Err(CommandError::Refused(
        rights.refusal(&format!("'{name}' {why}"), needed),
    ))
}

/// Refuses what only the console of a session may run, or nobody inside of it.
pub(crate) fn check_client(name: &str) -> Result<(), CommandError> {
    match NOT_FROM_CLIENTS.iter().find(|(known, _)| *known == name) {
        Some((_, instead)) => Err(CommandError::Refused(format!("'{name}' {instead}"))),
        None => Ok(()),
    }
}

/// What debugging clients do by themselves: where else it was typed, what to do instead.
pub(super) fn of_own_console(name: &str) -> Option<CommandError> {
    (name == ".remote_exit").then(|| check_client(name).err()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::rows;

    #[test]
    fn every_listed_name_is_the_usual_one_of_a_row() {
        let owners = OWNERS.iter().map(|(name, _)| *name);
        for name in LOOKS.iter().chain(LOOPS).copied().chain(owners) {
            let mut usual = rows().filter_map(|row| row.names.first());
            assert!(usual.any(|usual| *usual == name), "{name}");
        }
        assert!(LOOKS.iter().all(|name| !LOOPS.contains(name)));
        assert!(OWNERS.iter().all(|(name, _)| !LOOKS.contains(name)));
    }

    #[test]
    fn what_changes_a_target_is_no_observers() {
        // These write where they are asked to, which is refused where it is done.
        let careful = ["r", "??", "dx"];
        for row in rows().filter(|row| row.writes && !careful.contains(&row.names[0])) {
            assert!(role_of(row) > AccessRole::Observer, "{:?}", row.names);
        }
    }
}
