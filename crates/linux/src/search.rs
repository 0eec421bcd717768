//! Finds patterns in a debuggee's memory, beside the memory.

use farsight_target::{SearchReply, SearchRequest, TargetError};
use farsight_types::Address;
use memchr::memmem::Finder;

use crate::memory::ProcessMemory;
use crate::procfs::Mapping;

const CHUNK: usize = 1 << 20;
const PAGE: u64 = 4096;
const MOST_FINDS: u32 = 1 << 20;
const LONGEST_PATTERN: usize = 4096;

/// Searches the readable mappings that meet the range.
pub(crate) fn search(
    memory: &ProcessMemory,
    mappings: &[Mapping],
    request: &SearchRequest,
) -> Result<SearchReply, TargetError> {
    let pattern = request.pattern.as_slice();
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return Err(TargetError::Invalid {
            why: format!("a pattern has 1 to {LONGEST_PATTERN} bytes, not {}", pattern.len()),
        });
    }
    let most = request.most.clamp(1, MOST_FINDS) as usize;
    let granularity = u64::from(request.granularity.max(1));
    let mut reply = SearchReply {
        found: Vec::new(),
        next: None,
    };
    let finder = Finder::new(pattern);
    let mut buffer = vec![0u8; CHUNK + pattern.len() - 1];
    for mapping in mappings {
        let wanted = mapping.read && (mapping.write || !request.writable_only) && mapping.path != "[vvar]";
        let Some(part) = mapping.range.intersection(request.range).filter(|_| wanted) else {
            continue;
        };
        let mut at = part.start;
        while at < part.end() {
            // Each chunk reads on past its end by one byte less than the pattern, so that no find is cut in two. The
            // overhang may lie in the next mapping; only the end of the whole range bounds it.
            let room = request.range.end().distance_from(at).unwrap_or(0);
            let length = buffer.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let read = memory.read_into(at, &mut buffer[..length]);
            let starts = part.end().distance_from(at).unwrap_or(0).min(CHUNK as u64) as usize;
            for offset in finds(&buffer[..read], &finder, starts) {
                let found = at.wrapping_add(offset as u64);
                if found.0.wrapping_sub(request.range.start.0) % granularity != 0 {
                    continue;
                }
                if reply.found.len() == most {
                    reply.next = Some(found);
                    return Ok(reply);
                }
                reply.found.push(found);
            }
            // Behind an unreadable page the search goes on with the next one.
            at = if read < length {
                Address(at.0.saturating_add(read as u64))
                    .align_down(PAGE)
                    .wrapping_add(PAGE)
                    .max(at)
            } else {
                Address(at.0.saturating_add(CHUNK as u64))
            };
        }
    }
    Ok(reply)
}

/// Offsets below `starts` where the pattern stands, overlapping ones included.
fn finds<'a>(bytes: &'a [u8], finder: &'a Finder<'_>, starts: usize) -> impl Iterator<Item = usize> + 'a {
    let length = finder.needle().len();
    let end = bytes.len().min(starts.saturating_add(length - 1));
    let mut at = 0;
    std::iter::from_fn(move || {
        let offset = at + finder.find(bytes.get(at..end)?)?;
        at = offset + 1;
        Some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use farsight_types::{AddressRange, OsPid};

    #[test]
    fn overlapping_finds_and_finds_across_chunks_are_all_there() {
        let mut bytes = vec![0u8; CHUNK + 64];
        bytes[10..14].copy_from_slice(b"aaaa");
        bytes[CHUNK - 2..CHUNK + 1].copy_from_slice(b"xyz");
        let start = Address(bytes.as_ptr() as u64);
        let memory = ProcessMemory::open(OsPid(std::process::id())).unwrap();
        let range = AddressRange::new(start, bytes.len() as u64);
        let mapping = Mapping {
            range,
            read: true,
            write: true,
            execute: false,
            shared: false,
            offset: 0,
            file: (0, 0),
            path: String::new(),
        };
        let look = |pattern: &[u8], most| {
            let request = SearchRequest {
                process: OsPid(0),
                range,
                granularity: 1,
                most,
                writable_only: false,
                pattern: pattern.to_vec(),
            };
            search(&memory, std::slice::from_ref(&mapping), &request).unwrap()
        };
        let offsets: Vec<u64> = look(b"aa", 100).found.iter().map(|a| a.0 - start.0).collect();
        assert_eq!(offsets, [10, 11, 12]);
        assert_eq!(look(b"xyz", 100).found, [Address(start.0 + CHUNK as u64 - 2)]);
        let first = look(b"aa", 1);
        assert_eq!((first.found.len(), first.next), (1, Some(Address(start.0 + 11))));
    }
}
