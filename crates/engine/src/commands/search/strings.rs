//! `s -sa`, `s -su`: whatever looks like text.

use farsight_session::record::MemoryPart;
use farsight_target::{Look, LookProxy, ProcessRef};
use farsight_types::{Address, AddressRange};

use super::Hits;
use crate::error::CommandError;
use crate::session::Session;

/// Characters of a string that are shown; a longer one is found in parts.
pub(super) const LONGEST: usize = 4096;
/// Strings in one record.
const AT_ONCE: usize = 1024;

/// Runs of printable characters in the memory of a range.
pub(super) fn search(
    session: &mut Session,
    range: AddressRange,
    wide: bool,
    shortest: usize,
    hits: &mut Hits,
) -> Result<(), CommandError> {
    let mapped = mapped(session, hits.flags.writable_only)?;
    for region in mapped {
        let Some(part) = region.intersection(range) else {
            continue;
        };
        let mut runs = Runs::new(wide, shortest);
        let mut reads = session.stream(part, false)?;
        while let Some((piece, bytes)) = session.next_piece(&mut reads)? {
            for (index, byte) in bytes.iter().enumerate() {
                runs.take(piece.start.wrapping_add(index as u64), *byte);
            }
            if (bytes.len() as u64) < piece.length {
                runs.end();
            }
            show(session, hits, &mut runs);
        }
        runs.end();
        show(session, hits, &mut runs);
    }
    Ok(())
}

fn show(session: &mut Session, hits: &mut Hits, runs: &mut Runs) {
    let mut found = std::mem::take(&mut runs.found);
    while !found.is_empty() {
        let rest = found.split_off(found.len().min(AT_ONCE));
        hits.show(session, std::mem::replace(&mut found, rest));
    }
}

/// The mappings that can be read, ascending.
fn mapped(session: &mut Session, writable_only: bool) -> Result<Vec<AddressRange>, CommandError> {
    let (link, process) = session.link_and_process()?;
    if process.regions.is_none() {
        let reply = LookProxy(&link).regions(ProcessRef { process: process.os })?;
        process.regions = Some(reply.regions);
    }
    let regions = process.regions.iter().flatten();
    Ok(regions
        .filter(|region| region.read && (region.write || !writable_only))
        .map(|region| region.range)
        .collect())
}

/// Printable characters, one behind the other.
struct Runs {
    wide: bool,
    shortest: usize,
    start: Address,
    /// As they lie in memory; for wide ones both bytes.
    bytes: Vec<u8>,
    found: Vec<MemoryPart>,
}

impl Runs {
    fn new(wide: bool, shortest: usize) -> Runs {
        Runs {
            wide,
            shortest,
            start: Address(0),
            bytes: Vec::new(),
            found: Vec::new(),
        }
    }

    fn take(&mut self, at: Address, byte: u8) {
        let printable = (0x20..=0x7e).contains(&byte);
        // The second byte of a wide character is zero; where it is not, this one may be a first.
        let fits = match self.wide && self.bytes.len() % 2 == 1 {
            true => byte == 0,
            false => printable,
        };
        if !fits {
            self.end();
            if !printable {
                return;
            }
        }
        if self.bytes.is_empty() {
            self.start = at;
        }
        self.bytes.push(byte);
        if self.bytes.len() >= LONGEST * self.size() {
            self.end();
        }
    }

    fn size(&self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    fn end(&mut self) {
        let size = self.size();
        let whole = self.bytes.len() / size * size;
        let mut bytes = std::mem::take(&mut self.bytes);
        if whole / size >= self.shortest {
            bytes.truncate(whole);
            self.found.push(MemoryPart {
                address: self.start,
                bytes,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(wide: bool, bytes: &[u8]) -> Vec<(u64, String)> {
        let mut runs = Runs::new(wide, 3);
        for (index, byte) in bytes.iter().enumerate() {
            runs.take(Address(index as u64), *byte);
        }
        runs.end();
        let text = |part: MemoryPart| String::from_utf8(part.bytes).unwrap().replace('\0', "");
        let found = runs.found.into_iter();
        found.map(|part| (part.address.0, text(part))).collect()
    }

    #[test]
    fn runs_of_three_characters_are_strings() {
        assert_eq!(
            runs(false, b"\0abc\0de\xfffghi"),
            [(1, "abc".into()), (8, "fghi".into())]
        );
        assert_eq!(runs(true, b"xa\0b\0c\0\0d\0e\0"), [(1, "abc".into())]);
        assert_eq!(runs(false, &[b'x'; 2 * LONGEST + 2]).len(), 2);
    }
}
