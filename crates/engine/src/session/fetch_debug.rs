//! Fetches the debug information of an image whose file only the target's machine has.
//!
//! Its headers come in one round trip, its sections in one more, in parts that are under way together. Nothing is
//! fetched that was not asked for by name: it may be a hundred megabytes over a slow line.

use std::collections::VecDeque;
use std::sync::Arc;

use farsight_symbols::{FileRange, Image, PartsReader, PartsStep};
use farsight_target::{FilesProxy, ReadFileRequest, ReadReply, TargetError};
use farsight_types::{FileOffset, OsPid};
use farsight_wire::Pending;

use super::Session;
use crate::error::CommandError;
use crate::mailbox::Link;

/// What is fetched of one file; more is better copied once, to where it is looked for.
const MOST_FETCHED: u64 = 256 << 20;
/// What one request asks for.
const PIECE: u64 = 1 << 20;
/// Requests under way at once.
const WINDOW: usize = 8;
/// How often it is said how far it is.
const TELL_EVERY: u64 = 16 << 20;

/// Requests under way; dropping it gives them up.
struct Fetching {
    link: Link,
    process: OsPid,
    path: String,
    sent: VecDeque<Pending<ReadReply, TargetError>>,
}

impl Fetching {
    fn ask(&mut self, offset: u64, length: u64) -> Result<(), CommandError> {
        let request = ReadFileRequest {
            process: self.process,
            path: self.path.clone(),
            ranges: vec![farsight_target::FileRange {
                offset: FileOffset(offset),
                length,
            }],
        };
        self.sent.push_back(FilesProxy(&self.link).begin_read_file(request)?);
        Ok(())
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        for pending in &self.sent {
            self.link.abandon(pending.number());
        }
    }
}

impl Session {
    /// The image at the target with its debug information, symbols and unwind tables.
    pub(crate) fn fetch_debug(&mut self, image: &farsight_target::Image) -> Result<Arc<dyn Image>, CommandError> {
        let (link, process) = self.link_and_process()?;
        let mut fetching = Fetching {
            link,
            process: process.os,
            path: image.path.clone(),
            sent: VecDeque::new(),
        };
        let mut reader = PartsReader::with_debug(image.file_size);
        loop {
            let step = reader.step();
            match step.map_err(|error| CommandError::Refused(format!("{}: {error}", image.path)))? {
                PartsStep::Done(parts) => {
                    let parts: Arc<dyn Image> = Arc::new(*parts);
                    return match parts.layout().build_id == image.build_id {
                        true => Ok(parts),
                        false => Err(CommandError::Refused(format!(
                            "{} is not what was loaded any more: its build-id is another",
                            image.path
                        ))),
                    };
                }
                PartsStep::Need(ranges) => {
                    for (range, bytes) in self.fetch_ranges(&mut fetching, &ranges)? {
                        reader.supply(range, bytes);
                    }
                }
            }
        }
    }

    fn fetch_ranges(
        &mut self,
        fetching: &mut Fetching,
        ranges: &[FileRange],
    ) -> Result<Vec<(FileRange, Vec<u8>)>, CommandError> {
        let total = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.length));
        if total > MOST_FETCHED {
            return Err(CommandError::Refused(format!(
                "{} has {total:#x} bytes of debug information, and at most {MOST_FETCHED:#x} are fetched; copy the file \
                 to this machine, and name the directory with .exepath",
                fetching.path
            )));
        }
        let pieces = ranges.iter().enumerate().flat_map(|(index, range)| {
            let starts = (0..range.length).step_by(PIECE as usize);
            starts.map(move |start| {
                (
                    index,
                    range.offset.saturating_add(start),
                    PIECE.min(range.length - start),
                )
            })
        });
        let mut pieces = pieces.peekable();
        let mut asked = VecDeque::new();
        let mut found: Vec<(FileRange, Vec<u8>)> = ranges.iter().map(|range| (*range, Vec::new())).collect();
        let (mut done, mut told) = (0, 0);
        loop {
            self.check_interrupt()?;
            while fetching.sent.len() < WINDOW
                && let Some((index, offset, length)) = pieces.next()
            {
                fetching.ask(offset, length)?;
                asked.push_back(index);
            }
            let (Some(pending), Some(index)) = (fetching.sent.pop_front(), asked.pop_front()) else {
                return Ok(found);
            };
            let reply = pending.wait(&fetching.link)?;
            done += reply.bytes.len() as u64;
            if let Some((_, bytes)) = found.get_mut(index) {
                bytes.extend_from_slice(&reply.bytes);
            }
            if done >= told + TELL_EVERY {
                told = done;
                self.output
                    .line(format!("{done:#x} of {total:#x} bytes of {}", fetching.path));
            }
        }
    }
}
