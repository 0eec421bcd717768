//! Memory of the current process, through its cache.

use farsight_target::{
    Look, LookProxy, MOST_BYTES, ProcessRef, ReadReply, ReadRequest, Region, TargetError, WriteRequest,
};
use farsight_types::{AccessRole, Address, AddressRange, OsPid};
use farsight_wire::Pending;

use super::Session;
use crate::error::CommandError;
use crate::mailbox::Link;
use crate::memory::{Cached, PAGE};
use crate::model::Process;

/// Bytes behind a hole that are asked for page by page, without knowing whether anything is there.
const MOST_GUESSED: u64 = 64 * PAGE;

/// Reads that were sent and not yet waited for.
pub(crate) struct SentReads(Vec<(Vec<AddressRange>, Pending<ReadReply, TargetError>)>);

impl Session {
    /// The current process's link and the process.
    pub(crate) fn link_and_process(&mut self) -> Result<(Link, &mut Process), CommandError> {
        let place = self.place()?;
        let system = self.system_of_mut(place.system)?;
        let link = system.link.clone();
        let process = system.process_mut(place.process).ok_or(CommandError::NoDebuggee)?;
        Ok((link, process))
    }

    /// Makes all of these ranges known: in one round trip, in two where there are small holes in them, in none where they
    /// are known already. Where much is missing, the target's mappings are asked for, once a stop.
    pub(crate) fn fetch_memory(&mut self, ranges: &[AddressRange]) -> Result<(), CommandError> {
        let sent = self.begin_fetch(ranges)?;
        self.finish_fetch(sent)?;
        let mut left = self.process()?.memory.missing(ranges);
        if total(&left) > MOST_GUESSED {
            let readable = self.readable()?;
            let process = self.process_mut()?;
            for range in &left {
                for hole in holes(*range, &readable) {
                    process.memory.fill_absent(hole);
                }
            }
            let sent = self.begin_fetch(ranges)?;
            self.finish_fetch(sent)?;
            left = self.process()?.memory.missing(ranges);
        }
        // What lies behind a hole is still unknown; page by page there is no behind.
        let sent = self.send_reads(pages(left))?;
        self.finish_fetch(sent)
    }

    /// The mappings of the current process, ascending; asked for once a stop.
    pub(crate) fn regions(&mut self) -> Result<Vec<Region>, CommandError> {
        self.readable()?;
        Ok(self.process()?.regions.clone().unwrap_or_default())
    }

    /// The ranges of the current process that can be read, ascending; asked for once a stop.
    pub(super) fn readable(&mut self) -> Result<Vec<AddressRange>, CommandError> {
        if self.process()?.regions.is_none() {
            let (link, process) = self.link_and_process()?;
            let reply = LookProxy(&link).regions(ProcessRef { process: process.os })?;
            process.regions = Some(reply.regions);
        }
        Ok(self.process()?.readable())
    }

    /// Sends for what is missing of these ranges.
    pub(crate) fn begin_fetch(&mut self, ranges: &[AddressRange]) -> Result<SentReads, CommandError> {
        let missing = self.process()?.memory.missing(ranges);
        self.send_reads(missing)
    }

    fn send_reads(&mut self, ranges: Vec<AddressRange>) -> Result<SentReads, CommandError> {
        let (link, process) = self.link_and_process()?;
        let mut sent = Vec::new();
        for batch in batches(ranges) {
            let request = ReadRequest {
                process: process.os,
                ranges: batch.clone(),
            };
            sent.push((batch, LookProxy(&link).begin_read(request)?));
        }
        Ok(SentReads(sent))
    }

    /// Waits for what was sent for.
    pub(crate) fn finish_fetch(&mut self, sent: SentReads) -> Result<(), CommandError> {
        let (link, process) = self.link_and_process()?;
        for (ranges, pending) in sent.0 {
            let reply = pending.wait(&link)?;
            let mut parts = reply.parts();
            for range in ranges {
                process.memory.fill_read(range, parts.next().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// What can be read from the start of a range; short where memory ends.
    pub(crate) fn read_memory(&mut self, range: AddressRange) -> Result<Vec<u8>, CommandError> {
        self.fetch_memory(&[range])?;
        let length = usize::try_from(range.length).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let known = match self.process()?.memory.read(range.start, &mut bytes) {
            Cached::All => length,
            Cached::Until(known) => known,
            Cached::Missing => 0,
        };
        bytes.truncate(known);
        Ok(bytes)
    }

    /// All readable parts of a range, ascending.
    pub(crate) fn read_parts(&mut self, range: AddressRange) -> Result<Vec<(Address, Vec<u8>)>, CommandError> {
        let mut parts = Vec::new();
        let mut at = range.start;
        let end = range.end();
        while at < end {
            self.check_interrupt()?;
            if end.0 - at.0 > MOST_GUESSED && self.process()?.regions.is_some() {
                // A long way to go, and the mappings are known: nothing is asked about what lies between them.
                let readable = self.readable()?;
                match readable.iter().find(|region| region.end() > at) {
                    Some(region) if region.start < end => at = at.max(region.start),
                    _ => break,
                }
            }
            let window = AddressRange::new(at, (end.0 - at.0).min(MOST_BYTES));
            self.fetch_memory(&[window])?;
            parts.extend(self.process()?.memory.parts(window));
            at = window.end();
        }
        Ok(parts)
    }

    /// A little-endian number of 1 to 8 bytes.
    pub(crate) fn read_number(&mut self, address: Address, size: u8) -> Result<u64, CommandError> {
        let size = size.min(8);
        let bytes = self.read_memory(AddressRange::new(address, u64::from(size)))?;
        if bytes.len() < usize::from(size) {
            let at = address.wrapping_add(bytes.len() as u64);
            return Err(CommandError::Unreadable { at });
        }
        Ok(number(&bytes))
    }

    /// Writes memory; all of it or an error that names the first byte that could not be.
    pub(crate) fn write_memory(&mut self, address: Address, bytes: Vec<u8>) -> Result<(), CommandError> {
        self.demand(AccessRole::Operator, "memory cannot be written")?;
        let (link, process) = self.link_and_process()?;
        let request = WriteRequest {
            process: process.os,
            address,
            bytes: bytes.clone(),
        };
        let written = LookProxy(&link).write(request)?.length.min(bytes.len() as u64);
        let done = usize::try_from(written).unwrap_or(0);
        process.memory.fill(address, bytes.get(..done).unwrap_or_default());
        if done < bytes.len() {
            let at = address.wrapping_add(written);
            return Err(TargetError::Unwritable { at }.into());
        }
        Ok(())
    }

    /// The operating system's number of the current process.
    pub(crate) fn os_pid(&self) -> Result<OsPid, CommandError> {
        Ok(self.process()?.os)
    }
}

/// A little-endian number of at most 8 bytes.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn total(ranges: &[AddressRange]) -> u64 {
    ranges
        .iter()
        .fold(0, |sum: u64, range| sum.saturating_add(range.length))
}

/// What of a range lies outside of others, which are ascending.
fn holes(range: AddressRange, others: &[AddressRange]) -> Vec<AddressRange> {
    let mut holes = Vec::new();
    let mut at = range.start;
    for other in others {
        if other.end() <= at {
            continue;
        }
        if other.start >= range.end() {
            break;
        }
        if other.start > at {
            holes.push(AddressRange::new(at, other.start.0 - at.0));
        }
        at = other.end();
    }
    if at < range.end() {
        holes.push(AddressRange::new(at, range.end().0 - at.0));
    }
    holes
}

/// Page-aligned ranges cut into pages.
fn pages(ranges: Vec<AddressRange>) -> Vec<AddressRange> {
    let cut = |range: AddressRange| {
        let starts = (0..range.length).step_by(PAGE as usize);
        starts.map(move |at| AddressRange::new(range.start.wrapping_add(at), PAGE))
    };
    ranges.into_iter().flat_map(cut).collect()
}

/// Ranges in requests of at most [`MOST_BYTES`] each.
fn batches(ranges: Vec<AddressRange>) -> Vec<Vec<AddressRange>> {
    let mut batches: Vec<Vec<AddressRange>> = Vec::new();
    let mut room = 0;
    for mut range in ranges {
        while range.length > 0 {
            if room == 0 {
                batches.push(Vec::new());
                room = MOST_BYTES;
            }
            let now = range.length.min(room);
            if let Some(batch) = batches.last_mut() {
                batch.push(AddressRange::new(range.start, now));
            }
            room -= now;
            range = AddressRange::new(range.start.wrapping_add(now), range.length - now);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_asks_for_too_much() {
        let made = batches(vec![
            AddressRange::new(Address(0), MOST_BYTES - 4096),
            AddressRange::new(Address(1 << 32), 8192),
        ]);
        assert_eq!(made.len(), 2);
        assert_eq!(made[0][1], AddressRange::new(Address(1 << 32), 4096));
        assert_eq!(made[1], [AddressRange::new(Address((1 << 32) + 4096), 4096)]);
    }

    #[test]
    fn holes_are_what_no_mapping_covers() {
        let range = |start: u64, end: u64| AddressRange::new(Address(start), end - start);
        let mapped = [range(0, 10), range(20, 30), range(30, 40), range(90, 100)];
        assert_eq!(holes(range(5, 50), &mapped), [range(10, 20), range(40, 50)]);
        assert_eq!(holes(range(22, 38), &mapped), []);
        assert_eq!(holes(range(50, 60), &mapped), [range(50, 60)]);
        assert_eq!(holes(range(85, 95), &mapped), [range(85, 90)]);
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(number(&[0x34, 0x12]), 0x1234);
        assert_eq!(number(&[]), 0);
    }
}
