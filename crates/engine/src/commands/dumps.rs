//! `.writemem`, `.readmem`: memory to a file of the engine's machine and back.

use std::path::Path;

use farsight_types::{Address, AddressRange};

use super::blocks::take_range;
use super::{Invocation, Needs, Prefix, Row};
use crate::OutputMode;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_string;
use crate::session::{PIECE, Session};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".writemem"],
        usage: ".writemem File Range",
        summary: "Writes memory to a file on the debugger's machine; L? lifts the limit of 256 MB.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: write_memory,
    },
    Row {
        names: &[".readmem"],
        usage: ".readmem File Range",
        summary: "Writes a file on the debugger's machine into memory; without a length, the whole file.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: read_memory,
    },
];

/// Bytes between two words of progress.
const PROGRESS: u64 = 64 << 20;

/// Says how far something long has come.
pub(super) struct Progress {
    total: u64,
    next: u64,
}

impl Progress {
    pub(super) fn new(total: u64) -> Progress {
        Progress { total, next: PROGRESS }
    }

    pub(super) fn at(&mut self, session: &mut Session, done: u64) {
        if done >= self.next && done < self.total {
            self.next = done - done % PROGRESS + PROGRESS;
            let percent = u128::from(done) * 100 / u128::from(self.total);
            session
                .output
                .line(format!("{done:#x} of {:#x} bytes, {percent} %", self.total));
        }
    }
}

/// The path that a text begins with, in quotes where it has spaces, and what follows it.
pub(super) fn take_path<'t>(invocation: &Invocation<'t>, text: &'t str) -> Result<(String, &'t str), CommandError> {
    let text = text.trim_start();
    let (path, rest) = match take_string(text) {
        Some((path, rest)) => (path, rest),
        None => {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            let (path, rest) = text.split_at(end);
            (path.to_owned(), rest.trim_start())
        }
    };
    match path.is_empty() {
        true => Err(CommandError::syntax(
            invocation.position_of(text),
            "a file's path is missing",
        )),
        false => Ok((path, rest)),
    }
}

fn failed(error: &crate::FileFailure) -> CommandError {
    CommandError::Refused(error.to_string())
}

fn write_memory(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (path, rest) = take_path(invocation, invocation.text)?;
    let (range, rest) = take_range(session, invocation, rest, 128)?;
    invocation.expect_end(rest)?;
    let mut reads = session.stream(range, false)?;
    // The first bytes are on their way, and known to be there, before the file is touched.
    let mut next = session.next_piece(&mut reads)?;
    if next.as_ref().is_none_or(|(_, bytes)| bytes.is_empty()) {
        return Err(CommandError::Unreadable { at: range.start });
    }
    let file = session.outside.open_output(Path::new(&path), OutputMode::Replace);
    let mut file = file.map_err(|error| failed(&error))?;
    session
        .output
        .line(format!("Writing {:#x} bytes to {path}", range.length));
    let mut progress = Progress::new(range.length);
    let mut done = 0;
    while let Some((piece, bytes)) = next {
        file.write(&bytes).map_err(|error| failed(&error))?;
        done += bytes.len() as u64;
        if (bytes.len() as u64) < piece.length {
            session
                .output
                .warning(format!("The file has only the first {done:#x} bytes."));
            let at = piece.start.wrapping_add(bytes.len() as u64);
            return Err(CommandError::Unreadable { at });
        }
        progress.at(session, done);
        next = match session.next_piece(&mut reads) {
            Ok(next) => next,
            Err(error) => {
                session
                    .output
                    .warning(format!("The file has only the first {done:#x} bytes."));
                return Err(error);
            }
        };
    }
    Ok(Flow::Done)
}

fn read_memory(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (path, rest) = take_path(invocation, invocation.text)?;
    let Some(file) = session.outside.open_file(Path::new(&path)) else {
        // Reading it says why it cannot be.
        let why = session.outside.read_file(Path::new(&path), 0).err();
        return Err(why.map_or_else(
            || CommandError::Refused(format!("cannot read '{path}'")),
            |why| failed(&why),
        ));
    };
    let bytes = file.bytes();
    let (range, rest) = take_range(session, invocation, rest, (bytes.len() as u64).max(1))?;
    invocation.expect_end(rest)?;
    let length = usize::try_from(range.length).unwrap_or(usize::MAX);
    let Some(bytes) = bytes.get(..length) else {
        return Err(CommandError::Refused(format!(
            "'{path}' has {:#x} bytes, fewer than the {:#x} of the range",
            bytes.len(),
            range.length
        )));
    };
    session
        .output
        .line(format!("Reading {:#x} bytes from {path}", range.length));
    let mut progress = Progress::new(range.length);
    session.write_stream(|session, writes| {
        let pieces = bytes.chunks(usize::try_from(PIECE).unwrap_or(1));
        for (index, piece) in pieces.enumerate() {
            let done = PIECE * index as u64;
            session.write_piece(writes, range.start.wrapping_add(done), piece.to_vec())?;
            progress.at(session, done);
        }
        Ok(())
    })?;
    Ok(Flow::Done)
}

/// The end of a range, for messages.
pub(super) fn shown(range: AddressRange) -> String {
    let last: Address = range.start.wrapping_add(range.length.saturating_sub(1));
    format!("{} - {last}", range.start)
}
