//! `.time .ttime .echotime !runaway`: when things began and how long they took.

use farsight_session::Record;
use farsight_target::{Look, LookProxy, ProcessParameters, ProcessRef, ThreadDetail, ThreadsRequest};
use farsight_types::OsTid;

use super::clock::{moment, span};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".time"],
        usage: ".time",
        summary: "Shows when the process began and what time it has used.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: time,
    },
    Row {
        names: &[".ttime"],
        usage: "[~Thread] .ttime",
        summary: "Shows when the thread began and what time it has used.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: thread_time,
    },
    Row {
        names: &[".echotime"],
        usage: ".echotime",
        summary: "Shows the time at the debugger's machine.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let now = moment(session.outside.now());
            session.output.line(format!("Debugger (not debuggee) time: {now}"));
            Ok(Flow::Done)
        },
    },
    Row {
        names: &["!runaway"],
        usage: "!runaway [Flags]",
        summary: "Shows the times of all threads, the longest first: flag 1 user mode, 2 kernel mode, 4 since their start.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: runaway,
    },
];

/// What the current process was started with, and its times.
pub(super) fn parameters(session: &mut Session) -> Result<ProcessParameters, CommandError> {
    let (link, process) = session.link_and_process()?;
    let process = process.os;
    Ok(LookProxy(&link).describe_process(ProcessRef { process })?)
}

fn details(session: &mut Session, threads: Vec<OsTid>) -> Result<Vec<ThreadDetail>, CommandError> {
    let (link, process) = session.link_and_process()?;
    let process = process.os;
    let reply = LookProxy(&link).describe_threads(ThreadsRequest { process, threads })?;
    Ok(reply.threads)
}

fn time(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let known = parameters(session)?;
    session.output.record(Record::Lines(vec![
        format!("Debug session time: {}", moment(known.now)),
        format!("System Uptime: {}", span(known.uptime)),
        format!("Process Uptime: {}", span(known.now.saturating_sub(known.started))),
        format!("  Kernel time: {}", span(known.kernel)),
        format!("  User time: {}", span(known.user)),
    ]));
    Ok(Flow::Done)
}

fn thread_time(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let thread = session.os_tid()?;
    let known = details(session, vec![thread])?;
    let known = known
        .first()
        .ok_or(farsight_target::TargetError::NoSuchThread { tid: thread })?;
    session.output.record(Record::Lines(vec![
        format!("Created: {}", moment(known.started)),
        format!("Kernel:  {}", span(known.kernel)),
        format!("User:    {}", span(known.user)),
    ]));
    Ok(Flow::Done)
}

/// One of a thread's times; the second argument is now.
type TimeOf = fn(&ThreadDetail, u64) -> u64;

fn runaway(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let flags = match text.is_empty() {
        true => 1,
        false => session.evaluate(text, invocation.at)?,
    };
    if flags == 0 || flags > 7 {
        return Err(CommandError::syntax(invocation.at, "flags are a sum of 1, 2 and 4"));
    }
    let known = details(session, Vec::new())?;
    let now = match flags & 4 {
        0 => 0,
        _ => parameters(session)?.now,
    };
    let process = session.process()?;
    let mut lines = Vec::new();
    let tables: [(u64, &str, TimeOf); 3] = [
        (1, " User Mode Time", |thread, _| thread.user),
        (2, " Kernel Mode Time", |thread, _| thread.kernel),
        (4, " Elapsed Time", |thread, now| now.saturating_sub(thread.started)),
    ];
    for (_, title, time) in tables.iter().filter(|(flag, ..)| flags & flag != 0) {
        lines.push((*title).to_owned());
        lines.push("  Thread       Time".to_owned());
        let mut rows: Vec<(u64, OsTid)> = known.iter().map(|thread| (time(thread, now), thread.tid)).collect();
        rows.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.0.cmp(&right.1.0)));
        lines.extend(rows.into_iter().map(|(time, tid)| {
            let number = process.threads.iter().find(|thread| thread.os == tid);
            let number = number.map_or_else(|| "?".to_owned(), |thread| thread.id.to_string());
            format!("  {:<12} {}", format!("{number}:{tid}"), span(time))
        }));
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}
