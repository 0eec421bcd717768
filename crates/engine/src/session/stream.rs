//! Long memory as a stream: many requests under way at once, nothing kept.
//!
//! What is read or written here goes past the cache, so that a dump of gigabytes takes no more room than its window.

use std::collections::VecDeque;

use farsight_target::{LookProxy, ReadReply, ReadRequest, TargetError, WriteReply, WriteRequest};
use farsight_types::{Address, AddressRange, OsPid};
use farsight_wire::Pending;

use super::Session;
use crate::error::CommandError;
use crate::mailbox::Link;

/// Bytes of one request of a stream.
pub(crate) const PIECE: u64 = 1 << 20;
/// Requests under way at once: with the pieces, what a link of 100 MB/s and 80 ms holds.
const WINDOW: usize = 8;

/// Reads of a long range, in order. Dropping it gives up what is under way.
pub(crate) struct Reads {
    link: Link,
    process: OsPid,
    left: AddressRange,
    backwards: bool,
    sent: VecDeque<(AddressRange, Pending<ReadReply, TargetError>)>,
}

/// Writes under way, in [`Session::write_stream`].
pub(crate) struct Writes {
    link: Link,
    process: OsPid,
    sent: VecDeque<(AddressRange, Pending<WriteReply, TargetError>)>,
    touched: Vec<AddressRange>,
}

impl Session {
    /// Begins to read a range of the current process in pieces, the last one first where that is wished.
    pub(crate) fn stream(&mut self, range: AddressRange, backwards: bool) -> Result<Reads, CommandError> {
        let (link, process) = self.link_and_process()?;
        Ok(Reads {
            link,
            process: process.os,
            left: range,
            backwards,
            sent: VecDeque::new(),
        })
    }

    /// The next piece of a stream with what could be read from its start; none at the end.
    pub(crate) fn next_piece(&self, reads: &mut Reads) -> Result<Option<(AddressRange, Vec<u8>)>, CommandError> {
        self.check_interrupt()?;
        reads.send_ahead()?;
        let Some((range, pending)) = reads.sent.pop_front() else {
            return Ok(None);
        };
        let reply = pending.wait(&reads.link)?;
        reads.send_ahead()?;
        Ok(Some((range, reply.bytes)))
    }

    /// Writes to the current process in pieces, and waits for the last of them. What the cache knew of the places is
    /// forgotten, whatever came of it.
    pub(crate) fn write_stream(
        &mut self,
        run: impl FnOnce(&mut Session, &mut Writes) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let (link, process) = self.link_and_process()?;
        let mut writes = Writes {
            link,
            process: process.os,
            sent: VecDeque::new(),
            touched: Vec::new(),
        };
        let mut result = run(self, &mut writes);
        while result.is_ok() && !writes.sent.is_empty() {
            result = writes.settle_one();
        }
        if let Ok(process) = self.process_mut() {
            for range in &writes.touched {
                process.memory.forget(*range);
            }
        }
        result
    }

    /// Sends a write of at most [`PIECE`] bytes, and waits while too many are under way.
    pub(crate) fn write_piece(&mut self, writes: &mut Writes, at: Address, bytes: Vec<u8>) -> Result<(), CommandError> {
        self.check_interrupt()?;
        let range = AddressRange::new(at, bytes.len() as u64);
        let request = WriteRequest {
            process: writes.process,
            address: at,
            bytes,
        };
        writes.touched.push(range);
        writes
            .sent
            .push_back((range, LookProxy(&writes.link).begin_write(request)?));
        match writes.sent.len() > WINDOW {
            true => writes.settle_one(),
            false => Ok(()),
        }
    }
}

impl Reads {
    /// Sends for what may be under way, so that another stream can be begun before this one is waited for.
    pub(crate) fn send_ahead(&mut self) -> Result<(), CommandError> {
        while self.left.length > 0 && self.sent.len() < WINDOW {
            let length = self.left.length.min(PIECE);
            let rest = self.left.length - length;
            let (piece, left) = match self.backwards {
                true => (
                    AddressRange::new(self.left.start.wrapping_add(rest), length),
                    AddressRange::new(self.left.start, rest),
                ),
                false => (
                    AddressRange::new(self.left.start, length),
                    AddressRange::new(self.left.start.wrapping_add(length), rest),
                ),
            };
            self.left = left;
            let request = ReadRequest {
                process: self.process,
                ranges: vec![piece],
            };
            self.sent.push_back((piece, LookProxy(&self.link).begin_read(request)?));
        }
        Ok(())
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        for (_, pending) in &self.sent {
            self.link.abandon(pending.number());
        }
    }
}

impl Writes {
    fn settle_one(&mut self) -> Result<(), CommandError> {
        let Some((range, pending)) = self.sent.pop_front() else {
            return Ok(());
        };
        let written = pending.wait(&self.link)?.length;
        match written < range.length {
            true => Err(TargetError::Unwritable {
                at: range.start.wrapping_add(written),
            }
            .into()),
            false => Ok(()),
        }
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        for (_, pending) in &self.sent {
            self.link.abandon(pending.number());
        }
    }
}
