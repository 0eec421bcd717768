//! `~ ~s ~f ~u ~n ~m ~e`: threads, and what a thread prefix chooses.

use farsight_session::Record;
use farsight_session::record::{Mark, ThreadDetails, ThreadRow, Threads};
use farsight_target::{Look, LookProxy, SuspendOrder, TargetError, ThreadsRequest};
use farsight_types::{OsTid, ThreadId};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Construct, Flow};
use crate::expression::command_line::Selector;
use crate::model::{Place, Thread};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["~"],
        usage: "~ [Thread]",
        summary: "Lists threads; before a command, runs it for a thread (~2 k) or for all (~* k).",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Own,
        run: list_threads,
    },
    Row {
        names: &["~s"],
        usage: "~Thread s  (~s)",
        summary: "Makes a thread the current one.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Own,
        run: select_thread,
    },
    Row {
        names: &["~f"],
        usage: "~Thread f  (~f)",
        summary: "Freezes a thread: it stays where it is while the others run.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Own,
        run: |session, invocation| freeze(session, invocation, true),
    },
    Row {
        names: &["~u"],
        usage: "~Thread u  (~u)",
        summary: "Unfreezes a thread.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Own,
        run: |session, invocation| freeze(session, invocation, false),
    },
    Row {
        names: &["~n"],
        usage: "~Thread n  (~n)",
        summary: "Suspends a thread once more: it stays where it is until it was resumed as often.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| suspend(session, invocation, 1),
    },
    Row {
        names: &["~m"],
        usage: "~Thread m  (~m)",
        summary: "Resumes a thread once: the opposite of ~n.",
        needs: Needs::Rest,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| suspend(session, invocation, -1),
    },
    Row {
        names: &["~e"],
        usage: "~Thread e Commands  (~e)",
        summary: "Runs the rest of the line for a thread, or for each (~* e).",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Own,
        run: for_threads,
    },
];

/// The threads of the current process that a selector names.
pub(super) fn chosen(
    session: &mut Session,
    selector: &Selector,
    invocation: &Invocation<'_>,
) -> Result<Vec<ThreadId>, CommandError> {
    let place = session.place()?;
    let by = |session: &Session, matches: &dyn Fn(&Thread) -> bool, what: String| {
        let threads = &session.process()?.threads;
        match threads.iter().find(|thread| matches(thread)) {
            Some(thread) => Ok(vec![thread.id]),
            None => Err(CommandError::NoSuch { what }),
        }
    };
    match selector {
        Selector::Current => Ok(vec![place.thread]),
        Selector::Event => {
            let event = session
                .event_place
                .filter(|event| (event.system, event.process) == (place.system, place.process));
            let event = event.ok_or_else(|| CommandError::NoSuch {
                what: "the last event was in another process".into(),
            })?;
            Ok(vec![event.thread])
        }
        Selector::All => Ok(session.process()?.threads.iter().map(|thread| thread.id).collect()),
        Selector::Number(number) => by(
            session,
            &|thread| thread.id == ThreadId(*number),
            format!("Illegal thread error in '~{number}': there is no thread {number}; ~ lists them"),
        ),
        Selector::OsId(text) => {
            let tid = os_number(session, text, invocation)?;
            by(
                session,
                &|thread| thread.os == OsTid(tid),
                format!("Illegal thread error: no thread has the id {tid}; ~ lists them"),
            )
        }
        Selector::Expression(text) => {
            let number = session.evaluate(text, invocation.at)?;
            by(
                session,
                &|thread| u64::from(thread.id.0) == number,
                format!("Illegal thread error: there is no thread {number}; ~ lists them"),
            )
        }
    }
}

/// An id of the operating system: decimal unless it says otherwise.
pub(super) fn os_number(session: &mut Session, text: &str, invocation: &Invocation<'_>) -> Result<u32, CommandError> {
    match text.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => {
            let value = session.evaluate(text, invocation.at)?;
            u32::try_from(value).map_err(|_| CommandError::syntax(invocation.at, "the id is too large"))
        }
    }
}

/// Makes the one thread that a selector names the current one.
pub(super) fn select_one(
    session: &mut Session,
    selector: &Selector,
    invocation: &Invocation<'_>,
) -> Result<(), CommandError> {
    if *selector == Selector::All {
        return Err(CommandError::Refused("one thread must be named, not all".into()));
    }
    let threads = chosen(session, selector, invocation)?;
    let place = session.place()?;
    if let Some(thread) = threads.first() {
        session.current = Some(Place {
            thread: *thread,
            ..place
        });
    }
    Ok(())
}

/// One thread as a row.
pub(super) fn row(session: &Session, id: ThreadId) -> Result<ThreadRow, CommandError> {
    let place = session.place()?;
    let process = session.process()?;
    let thread = process.thread(id).ok_or(CommandError::NoDebuggee)?;
    let this = Place { thread: id, ..place };
    Ok(ThreadRow {
        mark: Mark {
            current: this == place,
            event: session.event_place == Some(this),
        },
        number: id,
        pid: process.os,
        tid: thread.os,
        name: thread.name.clone(),
        frozen: thread.frozen,
        suspended: thread.suspended,
        location: None,
        details: None,
    })
}

fn list_threads(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.thread.unwrap_or(&Selector::All);
    let threads = chosen(session, selector, invocation)?;
    let mut rows = threads
        .into_iter()
        .map(|id| row(session, id))
        .collect::<Result<Vec<_>, _>>()?;
    // DbgEng says more of threads that are named, be it all of them.
    if invocation.thread.is_some() {
        add_details(session, &mut rows)?;
    }
    session.output.record(Record::Threads(Threads { rows }));
    Ok(Flow::Done)
}

/// Asks the system about threads, in one request.
fn add_details(session: &mut Session, rows: &mut [ThreadRow]) -> Result<(), CommandError> {
    let (link, process) = session.link_and_process()?;
    let request = ThreadsRequest {
        process: process.os,
        threads: rows.iter().map(|row| row.tid).collect(),
    };
    let found = match LookProxy(&link).describe_threads(request) {
        Ok(found) => found.threads,
        // An old server knows no more than the list.
        Err(TargetError::Unsupported) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    session.load_for(found.iter().filter_map(|detail| detail.start))?;
    for detail in found {
        let start = detail.start.map(|start| session.place_of(start)).transpose()?;
        if let Some(thread) = session
            .process_mut()?
            .threads
            .iter_mut()
            .find(|one| one.os == detail.tid)
        {
            thread.suspended = detail.suspended;
        }
        if let Some(row) = rows.iter_mut().find(|row| row.tid == detail.tid) {
            row.suspended = detail.suspended;
            row.details = Some(ThreadDetails {
                start,
                state: detail.state,
                nice: detail.nice,
                processor: detail.processor,
            });
        }
    }
    Ok(())
}

/// Adds to the suspend counts of threads, in one request.
fn suspend(session: &mut Session, invocation: &Invocation<'_>, change: i32) -> Result<Flow, CommandError> {
    let selector = invocation.thread.unwrap_or(&Selector::Current);
    let chosen = chosen(session, selector, invocation)?;
    let (link, process) = session.link_and_process()?;
    let threads = process.threads.iter().filter(|thread| chosen.contains(&thread.id));
    let order = SuspendOrder {
        process: process.os,
        threads: threads.map(|thread| thread.os).collect(),
        change,
    };
    let counts = LookProxy(&link).change_suspend_counts(order)?.counts;
    for (tid, count) in counts {
        if let Some(thread) = process.threads.iter_mut().find(|thread| thread.os == tid) {
            thread.suspended = count;
        }
    }
    Ok(Flow::Done)
}

fn select_thread(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.thread.unwrap_or(&Selector::Current);
    let before = session.current;
    select_one(session, selector, invocation)?;
    session.memos.disassembly = None;
    let shown = super::code::show_location(session);
    if shown.is_err() {
        // A thread that cannot be looked at is no place to be.
        session.current = before;
    }
    shown.map(|()| Flow::Done)
}

fn freeze(session: &mut Session, invocation: &Invocation<'_>, frozen: bool) -> Result<Flow, CommandError> {
    let selector = invocation.thread.unwrap_or(&Selector::Current);
    let threads = chosen(session, selector, invocation)?;
    let process = session.process_mut()?;
    for id in threads {
        if let Some(thread) = process.thread_mut(id) {
            thread.frozen = frozen;
        }
    }
    Ok(Flow::Done)
}

fn for_threads(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let selector = invocation.thread.unwrap_or(&Selector::Current);
    let threads = chosen(session, selector, invocation)?;
    Ok(Flow::Enter(Box::new(Construct::Threads {
        threads,
        commands: invocation.text.to_owned(),
    })))
}
