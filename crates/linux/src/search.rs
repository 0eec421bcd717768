//! Finds patterns in a debuggee's memory, beside the memory.

use farsight_target::{SearchReply, SearchRequest, TargetError};
use farsight_types::Address;

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
            for offset in finds(&buffer[..read], pattern, starts) {
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

/// Offsets below `starts` where the pattern stands. Looks for the first byte with the standard library's fast scan.
fn finds<'a>(bytes: &'a [u8], pattern: &'a [u8], starts: usize) -> impl Iterator<Item = usize> + 'a {
    let first = pattern[0];
    let last_start = (bytes.len() + 1).saturating_sub(pattern.len()).min(starts);
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < last_start {
            let Some(step) = position(&bytes[at..last_start], first) else {
                at = last_start;
                return None;
            };
            let offset = at + step;
            at = offset + 1;
            if bytes[offset..].starts_with(pattern) {
                return Some(offset);
            }
        }
        None
    })
}

/// Eight bytes at a time: the word trick finds a zero byte in `word ^ pattern`.
fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let repeated = LOW * u64::from(wanted);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let difference = u64::from_le_bytes(*word) ^ repeated;
        let zero = difference.wrapping_sub(LOW) & !difference & HIGH;
        if zero != 0 {
            return Some(index * 8 + (zero.trailing_zeros() / 8) as usize);
        }
    }
    let behind = words.len() * 8;
    rest.iter().position(|byte| *byte == wanted).map(|index| behind + index)
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
