//! `.send_file`, `.recv_file`: files between the engine's machine and the target's, with their checksums.
//!
//! Parts go out in a window, so that a file travels at the link's speed. A file whose checksum is wrong never appears
//! under its name.

use std::collections::VecDeque;
use std::path::Path;

use farsight_symbols::ImageBytes;
use farsight_target::{FileFetch, FilePart, FilePiece, FileSeal, FilesProxy, TargetError};
use farsight_wire::{Nothing, Pending};
use sha2::{Digest, Sha256};

use super::dumps::{Progress, take_path};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::mailbox::Link;
use crate::session::{PIECE, Session};
use crate::{FileFailure, OutputMode};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".send_file"],
        usage: ".send_file [-f] Source Destination | .send_file [-f] -s Directory",
        summary: "Copies a file from the debugger's machine to the target's; -f replaces one that is there, -s sends \
                  every symbol file that is loaded. A destination that ends in / is a directory.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: send,
    },
    Row {
        names: &[".recv_file"],
        usage: ".recv_file [-f] Source Destination",
        summary: "Copies a file from the target's machine to the debugger's; -f replaces one that is there. A \
                  destination that ends in / is a directory.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: receive,
    },
];

/// Requests under way at once.
const WINDOW: usize = 8;
/// A file that is received is asked for in pieces of this many bytes.
const FETCHED: u64 = PIECE;

fn failed(error: &FileFailure) -> CommandError {
    CommandError::Refused(error.to_string())
}

/// The options before the paths: replace, all symbol files.
fn take_options<'t>(invocation: &Invocation<'t>, known: &[&str]) -> Result<(Vec<&'t str>, &'t str), CommandError> {
    let mut rest = invocation.text;
    let mut options = Vec::new();
    while rest.starts_with('-') {
        let (option, behind) = take_word(rest);
        if !known.contains(&option) {
            return Err(invocation.unexpected(rest));
        }
        options.push(option);
        rest = behind;
    }
    Ok((options, rest))
}

/// Where a file goes: a destination that ends in `/` is a directory.
fn destination(given: &str, source: &str) -> String {
    let name = source.rsplit('/').next().unwrap_or(source);
    match given.ends_with('/') {
        true => format!("{given}{name}"),
        false => given.to_owned(),
    }
}

fn send(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (options, rest) = take_options(invocation, &["-f", "-s"])?;
    let replace = options.contains(&"-f");
    let mut jobs: Vec<(String, String)> = Vec::new();
    if options.contains(&"-s") {
        let (directory, rest) = take_path(invocation, rest)?;
        invocation.expect_end(rest)?;
        let directory = format!("{}/", directory.trim_end_matches('/'));
        for file in symbol_files(session)? {
            let target = destination(&directory, &file);
            if !jobs.iter().any(|(_, known)| *known == target) {
                jobs.push((file, target));
            }
        }
        if jobs.is_empty() {
            return Err(CommandError::NoSuch {
                what: "no symbol file of this machine is loaded; .reload /f loads them".into(),
            });
        }
    } else {
        let (source, rest) = take_path(invocation, rest)?;
        let (given, rest) = take_path(invocation, rest)?;
        invocation.expect_end(rest)?;
        let target = destination(&given, &source);
        jobs.push((source, target));
    }
    for (source, target) in jobs {
        send_one(session, &source, target, replace)?;
    }
    Ok(Flow::Done)
}

/// Every file of the engine's machine that symbols were read from.
fn symbol_files(session: &Session) -> Result<Vec<String>, CommandError> {
    let modules = session.process()?.modules.iter();
    let files = modules
        .filter_map(|module| module.loaded())
        .flat_map(|symbols| symbols.files.paths());
    Ok(files.filter_map(|file| file.to_str()).map(str::to_owned).collect())
}

/// Parts of a file on their way; dropping it gives up what is under way.
struct Sending {
    link: Link,
    sent: VecDeque<Pending<Nothing, TargetError>>,
}

impl Sending {
    fn put(&mut self, part: FilePart) -> Result<(), CommandError> {
        self.sent.push_back(FilesProxy(&self.link).begin_write_file(part)?);
        match self.sent.len() > WINDOW {
            true => self.settle_one(),
            false => Ok(()),
        }
    }

    fn settle_one(&mut self) -> Result<(), CommandError> {
        if let Some(pending) = self.sent.pop_front() {
            pending.wait(&self.link)?;
        }
        Ok(())
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        for pending in &self.sent {
            self.link.abandon(pending.number());
        }
    }
}

fn send_one(session: &mut Session, source: &str, target: String, replace: bool) -> Result<(), CommandError> {
    let path = Path::new(source);
    let file = match session.outside.open_file(path) {
        Some(file) => file,
        None => {
            // Reading it says why it cannot be.
            let bytes = session.outside.read_file(path, 0).map_err(|error| failed(&error))?;
            std::sync::Arc::new(bytes)
        }
    };
    let mode = session.outside.file_mode(path).map_err(|error| failed(&error))?;
    let bytes = ImageBytes::bytes(file.as_ref());
    let (link, _) = session.link_and_process()?;
    let machine = session.system()?.machine.clone();
    let mut sending = Sending {
        link,
        sent: VecDeque::new(),
    };
    let mut sum = Sha256::new();
    let total = bytes.len() as u64;
    let mut progress = Progress::new(total);
    let piece = usize::try_from(PIECE).unwrap_or(1);
    // An empty file is one empty part.
    let count = bytes.len().div_ceil(piece).max(1);
    for index in 0..count {
        session.check_interrupt()?;
        let from = index * piece;
        let part = bytes.get(from..bytes.len().min(from + piece)).unwrap_or_default();
        sum.update(part);
        let end = (index + 1 == count).then(|| FileSeal {
            size: total,
            checksum: sum.clone().finalize().to_vec(),
            replace,
            mode,
        });
        sending.put(FilePart {
            path: target.clone(),
            offset: from as u64,
            end,
            bytes: part.to_vec(),
        })?;
        progress.at(session, from as u64);
    }
    while !sending.sent.is_empty() {
        sending.settle_one()?;
    }
    session
        .output
        .line(format!("Sent {source} to {target} on {machine}: {total} bytes"));
    Ok(())
}

/// Pieces of a file on their way here; dropping it gives up what is under way.
struct Fetching {
    link: Link,
    path: String,
    next: u64,
    sent: VecDeque<Pending<FilePiece, TargetError>>,
}

impl Fetching {
    /// Asks for the next pieces, up to a place in the file.
    fn ask(&mut self, until: u64) -> Result<(), CommandError> {
        while self.next < until && self.sent.len() < WINDOW {
            self.put(FETCHED.min(until - self.next))?;
        }
        Ok(())
    }

    fn put(&mut self, length: u64) -> Result<(), CommandError> {
        let fetch = FileFetch {
            path: self.path.clone(),
            offset: self.next,
            length,
            seal: self.next == 0,
        };
        self.sent.push_back(FilesProxy(&self.link).begin_fetch_file(fetch)?);
        self.next += length;
        Ok(())
    }

    fn take(&mut self) -> Result<Option<FilePiece>, CommandError> {
        match self.sent.pop_front() {
            Some(pending) => Ok(Some(pending.wait(&self.link)?)),
            None => Ok(None),
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        for pending in &self.sent {
            self.link.abandon(pending.number());
        }
    }
}

fn receive(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (options, rest) = take_options(invocation, &["-f"])?;
    let (source, rest) = take_path(invocation, rest)?;
    let (given, rest) = take_path(invocation, rest)?;
    invocation.expect_end(rest)?;
    let target = destination(&given, &source);
    let (link, _) = session.link_and_process()?;
    let machine = session.system()?.machine.clone();
    let changed = || {
        CommandError::Refused(format!(
            "'{source}' on {machine} changed while it was copied; what came is in '{target}'"
        ))
    };
    let mut fetching = Fetching {
        link,
        path: source.clone(),
        next: 0,
        sent: VecDeque::new(),
    };
    // The first piece brings the seal, which says how long the file is.
    fetching.put(FETCHED)?;
    let first = fetching.take()?;
    let seal = first.as_ref().and_then(|piece| piece.seal.clone());
    let (Some(first), Some(seal)) = (first, seal) else {
        return Err(CommandError::Refused(format!(
            "{machine} did not say what '{source}' is"
        )));
    };
    // What is there already is not opened before the other end has the file.
    let mode = match options.contains(&"-f") {
        true => OutputMode::Replace,
        false => OutputMode::New,
    };
    let mut file =
        session
            .outside
            .open_output(Path::new(&target), mode)
            .map_err(|error| match options.contains(&"-f") {
                true => failed(&error),
                // Most often it is there already.
                false => failed(&crate::FileFailure(format!(
                    "{error}; -f replaces a file that is there"
                ))),
            })?;
    let mut sum = Sha256::new();
    let mut progress = Progress::new(seal.size);
    let mut done = 0;
    let mut next = Some(first);
    while let Some(piece) = next {
        session.check_interrupt()?;
        fetching.ask(seal.size)?;
        let wanted = FETCHED.min(seal.size - done);
        if piece.bytes.len() as u64 != wanted {
            return Err(changed());
        }
        sum.update(&piece.bytes);
        file.write(&piece.bytes).map_err(|error| failed(&error))?;
        done += piece.bytes.len() as u64;
        progress.at(session, done);
        next = fetching.take()?;
    }
    if done != seal.size || sum.finalize().as_slice() != seal.checksum.as_slice() {
        return Err(changed());
    }
    session.output.line(format!(
        "Received {source} from {machine} as {target}: {} bytes",
        seal.size
    ));
    Ok(Flow::Done)
}
