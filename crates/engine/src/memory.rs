//! What is known of a debuggee's memory while it rests: page by page, byte by byte.
//!
//! Filled by what came with a stop and by batched reads; everything is dropped when the target runs. Never asks
//! anybody: it says what is missing ([`MemoryCache::missing`]).

use std::collections::BTreeMap;

use farsight_types::{Address, AddressRange};

/// Bytes in a page of the cache, whatever the target's pages are.
pub(crate) const PAGE: u64 = 4096;

const WORDS: usize = (PAGE / 64) as usize;

/// One page: its bytes, which of them are known, and which are known not to be there.
struct Page {
    bytes: Box<[u8; PAGE as usize]>,
    known: [u64; WORDS],
    absent: [u64; WORDS],
}

impl Page {
    fn new() -> Page {
        Page {
            bytes: Box::new([0; PAGE as usize]),
            known: [0; WORDS],
            absent: [0; WORDS],
        }
    }

    fn state(&self, at: usize) -> ByteState {
        let bit = 1 << (at % 64);
        let has = |bits: &[u64; WORDS]| bits.get(at / 64).is_some_and(|word| word & bit != 0);
        if has(&self.known) {
            ByteState::Known
        } else if has(&self.absent) {
            ByteState::Absent
        } else {
            ByteState::Unasked
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteState {
    Known,
    Absent,
    Unasked,
}

/// What the cache has of a range, from its start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// All of it.
    All,
    /// This many bytes, then memory that is not there.
    Until(usize),
    /// Something has not been asked for.
    Missing,
}

/// The known memory of one process at one stop.
#[derive(Default)]
pub(crate) struct MemoryCache {
    pages: BTreeMap<u64, Page>,
}

impl MemoryCache {
    /// The target ran: nothing is known any more.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
    }

    /// Notes bytes that were read or written.
    pub(crate) fn fill(&mut self, start: Address, bytes: &[u8]) {
        let mut rest = bytes;
        let mut at = start.0;
        while !rest.is_empty() {
            let (base, offset) = split(at);
            let count = rest.len().min(PAGE as usize - offset);
            let (now, behind) = rest.split_at(count);
            let page = self.pages.entry(base).or_insert_with(Page::new);
            if let Some(into) = page.bytes.get_mut(offset..offset + count) {
                into.copy_from_slice(now);
            }
            mark(&mut page.known, offset, count, true);
            mark(&mut page.absent, offset, count, false);
            rest = behind;
            at = base.wrapping_add(PAGE);
        }
    }

    /// Notes that a range is not there.
    pub(crate) fn fill_absent(&mut self, range: AddressRange) {
        self.each_page(range, |page, offset, count| {
            mark(&mut page.absent, offset, count, true);
            mark(&mut page.known, offset, count, false);
        });
    }

    /// Notes the answer to a read of `range`: what came, and that the rest is not there.
    pub(crate) fn fill_read(&mut self, range: AddressRange, bytes: &[u8]) {
        self.fill(range.start, bytes);
        let got = bytes.len() as u64;
        if got < range.length {
            // What lies behind the first byte that cannot be read may well be there: only the next page is certain.
            let from = range.start.wrapping_add(got);
            let end = from.align_down(PAGE).wrapping_add(PAGE);
            let absent = end.0.wrapping_sub(from.0).min(range.length - got);
            self.fill_absent(AddressRange::new(from, absent));
        }
    }

    /// Copies what is known of the range at `start` into `into`.
    pub(crate) fn read(&self, start: Address, into: &mut [u8]) -> Cached {
        let mut done = 0;
        let total = into.len();
        while done < total {
            let Some(address) = start.checked_add(done as u64) else {
                return Cached::Until(done);
            };
            let (base, offset) = split(address.0);
            let count = (total - done).min(PAGE as usize - offset);
            let Some(page) = self.pages.get(&base) else {
                return Cached::Missing;
            };
            for index in 0..count {
                match page.state(offset + index) {
                    ByteState::Known => {}
                    ByteState::Absent => {
                        copy(page, offset, into, done, index);
                        return Cached::Until(done + index);
                    }
                    ByteState::Unasked => return Cached::Missing,
                }
            }
            copy(page, offset, into, done, count);
            done += count;
        }
        Cached::All
    }

    /// The page-aligned ranges that must be read before all of `ranges` is known, joined where they touch.
    pub(crate) fn missing(&self, ranges: &[AddressRange]) -> Vec<AddressRange> {
        let mut wanted: Vec<u64> = Vec::new();
        for range in ranges {
            let Some(last) = range.length.checked_sub(1) else {
                continue;
            };
            let last = range.start.0.saturating_add(last);
            let mut at = range.start.0;
            loop {
                let (base, offset) = split(at);
                let end = base.saturating_add(PAGE - 1).min(last);
                if self.lacks(base, offset, (end - at) as usize + 1) {
                    wanted.push(base);
                }
                match end.checked_add(1) {
                    Some(next) if end < last => at = next,
                    _ => break,
                }
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut joined: Vec<AddressRange> = Vec::new();
        for base in wanted {
            match joined.last_mut() {
                Some(range) if range.start.0.checked_add(range.length) == Some(base) => range.length += PAGE,
                _ => joined.push(AddressRange::new(Address(base), PAGE)),
            }
        }
        joined
    }

    fn lacks(&self, base: u64, offset: usize, count: usize) -> bool {
        let Some(page) = self.pages.get(&base) else {
            return true;
        };
        (offset..offset + count).any(|at| page.state(at) == ByteState::Unasked)
    }

    fn each_page(&mut self, range: AddressRange, mut change: impl FnMut(&mut Page, usize, usize)) {
        let mut at = range.start.0;
        let mut left = range.length;
        while left > 0 {
            let (base, offset) = split(at);
            let count = left.min(PAGE - offset as u64);
            change(self.pages.entry(base).or_insert_with(Page::new), offset, count as usize);
            left -= count;
            at = base.wrapping_add(PAGE);
        }
    }
}

fn copy(page: &Page, offset: usize, into: &mut [u8], done: usize, count: usize) {
    if let (Some(from), Some(to)) = (page.bytes.get(offset..offset + count), into.get_mut(done..done + count)) {
        to.copy_from_slice(from);
    }
}

/// The page that holds an address, and the place in it.
fn split(at: u64) -> (u64, usize) {
    (at & !(PAGE - 1), (at & (PAGE - 1)) as usize)
}

fn mark(bits: &mut [u64; WORDS], offset: usize, count: usize, on: bool) {
    for at in offset..offset + count {
        if let Some(word) = bits.get_mut(at / 64) {
            let bit = 1 << (at % 64);
            *word = if on { *word | bit } else { *word & !bit };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, length: u64) -> AddressRange {
        AddressRange::new(Address(start), length)
    }

    #[test]
    fn what_came_with_a_stop_is_not_asked_for() {
        let mut cache = MemoryCache::default();
        cache.fill(Address(0x1ff0), &[7; 0x20]);
        assert_eq!(cache.missing(&[range(0x1ff0, 0x20)]), vec![]);
        let mut bytes = [0; 0x20];
        assert_eq!(cache.read(Address(0x1ff0), &mut bytes), Cached::All);
        assert_eq!(bytes, [7; 0x20]);
        assert_eq!(cache.read(Address(0x1fef), &mut bytes), Cached::Missing);
    }

    #[test]
    fn missing_pages_are_joined_into_one_range() {
        let mut cache = MemoryCache::default();
        cache.fill(Address(0x3000), &[0; PAGE as usize]);
        let missing = cache.missing(&[range(0x4ff8, 16), range(0x1234, 1), range(0x3000, 8), range(0x2000, 4)]);
        assert_eq!(missing, vec![range(0x1000, 0x2000), range(0x4000, 0x2000)]);
    }

    #[test]
    fn a_short_read_ends_where_memory_ends_and_is_not_repeated() {
        let mut cache = MemoryCache::default();
        cache.fill_read(range(0x1000, 0x2000), &[1; 0x1000]);
        let mut bytes = [0; 16];
        assert_eq!(cache.read(Address(0x1ff8), &mut bytes), Cached::Until(8));
        assert_eq!(cache.missing(&[range(0x1ff8, 16)]), vec![]);
    }

    #[test]
    fn the_last_page_of_the_address_space_is_a_page() {
        let mut cache = MemoryCache::default();
        assert_eq!(
            cache.missing(&[range(u64::MAX - 7, 8)]),
            vec![range(u64::MAX - 4095, PAGE)]
        );
        cache.fill(Address(u64::MAX - 7), &[3; 8]);
        let mut bytes = [0; 8];
        assert_eq!(cache.read(Address(u64::MAX - 7), &mut bytes), Cached::All);
    }

    #[test]
    fn a_write_over_absent_memory_makes_it_known() {
        let mut cache = MemoryCache::default();
        cache.fill_absent(range(0x1000, 8));
        cache.fill(Address(0x1000), &[9; 4]);
        let mut bytes = [0; 8];
        assert_eq!(cache.read(Address(0x1000), &mut bytes), Cached::Until(4));
        assert_eq!(bytes[..4], [9; 4]);
    }
}
