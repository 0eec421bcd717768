//! Whether one process could be attached to.

use std::fs::File;

use farsight_types::OsPid;

use super::{Facts, Finding, Verdict};

/// Looks at the process; it is not disturbed.
pub(super) fn check(facts: &Facts, process: OsPid) -> Vec<Finding> {
    let id = process.to_string();
    let Some(name) = facts.status(&id, "Name") else {
        let said = format!("there is no process {process}, or it is not seen");
        return vec![Finding::fail(
            "process",
            said,
            "farsight -c .tlist shows those that are",
        )];
    };
    if facts.status(&id, "Tgid").is_some_and(|group| group != id) {
        let group = facts.status(&id, "Tgid").unwrap_or_default();
        let said = format!("{process} is a thread of process {group}");
        return vec![Finding::fail("process", said, format!("attach to {group}"))];
    }
    let kinds = kind(facts, &id, &name);
    if kinds.verdict != Verdict::Ok {
        return vec![kinds];
    }
    vec![
        kinds,
        tracer(facts, &id),
        owner(facts, &id),
        protection(facts, &id),
        access(facts, &id),
    ]
}

fn kind(facts: &Facts, id: &str, name: &str) -> Finding {
    let what = "process";
    let said = format!("{id} ({name})");
    let state = facts.status(id, "State").unwrap_or_default();
    if state.starts_with(['Z', 'X']) {
        return Finding::fail(
            what,
            format!("{said} has ended"),
            "it only waits for its parent; there is nothing to debug",
        );
    }
    if facts.status(id, "VmSize").is_none() {
        return Finding::fail(
            what,
            format!("{said} is a thread of the kernel"),
            "it cannot be debugged this way",
        );
    }
    if std::process::id().to_string() == *id {
        return Finding::fail(what, format!("{said} is this program"), "let another one debug it");
    }
    Finding::ok(what, said)
}

fn tracer(facts: &Facts, id: &str) -> Finding {
    let what = "its debugger";
    match facts.status(id, "TracerPid").as_deref() {
        None | Some("0") => Finding::ok(what, "none"),
        Some(tracer) => {
            // It is told by its thread's number.
            let process = facts.status(tracer, "Tgid").unwrap_or_else(|| tracer.to_owned());
            let name = facts.status(&process, "Name");
            let name = name.unwrap_or_else(|| "of another namespace".to_owned());
            Finding::fail(
                what,
                format!("process {process} ({name}) is debugging it"),
                "detach that one first, take it over where farsight abandoned it (-pe), or only look (-pvr)",
            )
        }
    }
}

/// The real user id of a process.
fn user(facts: &Facts, id: &str) -> Option<u32> {
    facts.status(id, "Uid")?.split_whitespace().next()?.parse().ok()
}

fn owner(facts: &Facts, id: &str) -> Finding {
    let what = "its user";
    match user(facts, id) {
        Some(user) if user == facts.user => Finding::ok(what, format!("{user}, as this one")),
        Some(user) if facts.has_ptrace("CapEff") => Finding::ok(what, format!("{user}, which CAP_SYS_PTRACE passes")),
        Some(user) => Finding::fail(
            what,
            format!("{user}, and this is {}", facts.user),
            "run dbgsrv as that user or as root",
        ),
        None => Finding::warn(what, "unknown", "run this as root"),
    }
}

/// The kernel gives the files of a process that cannot be dumped to root.
fn protection(facts: &Facts, id: &str) -> Finding {
    let what = "its protection";
    let shown = facts
        .owner(&facts.place(&format!("proc/{id}/stat")))
        .map(|(owner, _)| owner);
    let is_dumpable = shown == user(facts, id);
    let other_ids = facts.status(id, "Uid").is_some_and(|ids| {
        let mut ids = ids.split_whitespace();
        let first = ids.next();
        ids.any(|id| Some(id) != first)
    });
    match (is_dumpable && !other_ids, facts.has_ptrace("CapEff")) {
        (true, _) => Finding::ok(what, "none"),
        (false, true) => Finding::ok(what, "it cannot be dumped, which CAP_SYS_PTRACE passes"),
        (false, false) => Finding::fail(
            what,
            "it cannot be dumped: a set-user-id program, or one that asked for it (PR_SET_DUMPABLE)",
            "run dbgsrv as root or with CAP_SYS_PTRACE",
        ),
    }
}

/// Opening its memory asks the kernel the same as attaching does, and stops nothing.
fn access(facts: &Facts, id: &str) -> Finding {
    let what = "attaching";
    match File::open(facts.place(&format!("proc/{id}/mem"))) {
        Ok(_) => Finding::ok(what, "the system would allow it"),
        Err(error) => Finding::fail(
            what,
            format!("the system would refuse it: {error}"),
            "see ptrace_scope, capabilities, its user and its protection above",
        ),
    }
}
