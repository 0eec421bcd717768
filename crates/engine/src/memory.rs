//! What is known of a debuggee's memory while it rests: page by page, byte by byte.
//!
//! Filled by what came with a stop and by batched reads; everything is dropped when the target runs. Never asks
//! anybody: it says what is missing ([`MemoryCache::missing`]).

use std::collections::BTreeMap;

use farsight_types::{Address, AddressRange};

/// Bytes in a page of the cache, whatever the target's pages are.
pub(crate) const PAGE: u64 = 4096;

const WORDS: usize = (PAGE / 64) as usize;

/// One page: its bytes, and which of them are known.
struct Page {
    bytes: Box<[u8; PAGE as usize]>,
    known: [u64; WORDS],
}

impl Page {
    fn new() -> Page {
        Page {
            bytes: Box::new([0; PAGE as usize]),
            known: [0; WORDS],
        }
    }

    /// One behind the known bytes that begin at `offset`; `offset` itself where there are none.
    fn known_until(&self, offset: usize) -> usize {
        let mut at = offset;
        while let Some(word) = self.known.get(at / 64) {
            let room = 64 - at % 64;
            let run = (!(word >> (at % 64))).trailing_zeros() as usize;
            if run < room {
                return at + run;
            }
            at += room;
        }
        at
    }
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
    absent: Absent,
}

impl MemoryCache {
    /// The target ran: nothing is known any more.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
        self.absent = Absent::default();
    }

    /// Nothing is known of a range any more: it was changed by something that did not say how, or takes too much room.
    pub(crate) fn forget(&mut self, range: AddressRange) {
        let Some(last) = last_of(range) else {
            return;
        };
        let (first_page, _) = split(range.start.0);
        self.absent.remove(range.start.0, last);
        let gone: Vec<u64> = self.pages.range(first_page..=last).map(|(base, _)| *base).collect();
        for base in gone {
            self.pages.remove(&base);
        }
    }

    /// Notes bytes that were read or written.
    pub(crate) fn fill(&mut self, start: Address, bytes: &[u8]) {
        let Some(last) = last_of(AddressRange::new(start, bytes.len() as u64)) else {
            return;
        };
        self.absent.remove(start.0, last);
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
            rest = behind;
            at = base.wrapping_add(PAGE);
        }
    }

    /// Notes that a range is not there.
    pub(crate) fn fill_absent(&mut self, range: AddressRange) {
        let Some(last) = last_of(range) else {
            return;
        };
        let (first_page, _) = split(range.start.0);
        for (base, page) in self.pages.range_mut(first_page..=last) {
            let from = range.start.0.max(*base) - base;
            let to = last.min(base + (PAGE - 1)) - base;
            mark(&mut page.known, from as usize, (to - from) as usize + 1, false);
        }
        self.absent.insert(range.start.0, last);
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
        while done < into.len() {
            let Some(address) = start.checked_add(done as u64) else {
                return Cached::Until(done);
            };
            let known = self.known_at(address.0, into.len() - done);
            match into.get_mut(done..done + known.len()) {
                Some(to) if !known.is_empty() => to.copy_from_slice(known),
                _ if self.absent.until(address.0).is_some() => return Cached::Until(done),
                _ => return Cached::Missing,
            }
            done += known.len();
        }
        Cached::All
    }

    /// Every known part of a range, ascending.
    pub(crate) fn parts(&self, range: AddressRange) -> Vec<(Address, Vec<u8>)> {
        let mut parts: Vec<(Address, Vec<u8>)> = Vec::new();
        let Some(last) = last_of(range) else {
            return parts;
        };
        let mut at = range.start.0;
        loop {
            let most = usize::try_from(last - at).unwrap_or(usize::MAX).saturating_add(1);
            let known = self.known_at(at, most);
            let next = if known.is_empty() {
                let page_end = split(at).0 + (PAGE - 1);
                self.absent.until(at).unwrap_or(page_end).checked_add(1)
            } else {
                match parts.last_mut() {
                    Some((start, bytes)) if start.0 + bytes.len() as u64 == at => bytes.extend_from_slice(known),
                    _ => parts.push((Address(at), known.to_vec())),
                }
                at.checked_add(known.len() as u64)
            };
            match next {
                Some(next) if next <= last => at = next,
                _ => return parts,
            }
        }
    }

    /// The known bytes at an address, within its page and at most so many.
    fn known_at(&self, at: u64, most: usize) -> &[u8] {
        let (base, offset) = split(at);
        let Some(page) = self.pages.get(&base) else {
            return &[];
        };
        let end = page.known_until(offset).min(offset.saturating_add(most));
        page.bytes.get(offset..end).unwrap_or_default()
    }

    /// The page-aligned ranges that must be read before all of `ranges` is known, joined where they touch. What is
    /// known not to be there is passed over at once, however long it is.
    pub(crate) fn missing(&self, ranges: &[AddressRange]) -> Vec<AddressRange> {
        let mut wanted: Vec<u64> = Vec::new();
        for range in ranges {
            let Some(last) = last_of(*range) else {
                continue;
            };
            let mut at = range.start.0;
            loop {
                let (base, offset) = split(at);
                let known = self.pages.get(&base).map_or(offset, |page| page.known_until(offset));
                let next = if known > offset {
                    base.checked_add(known as u64)
                } else if let Some(until) = self.absent.until(at) {
                    until.checked_add(1)
                } else {
                    wanted.push(base);
                    base.checked_add(PAGE)
                };
                match next {
                    Some(next) if next <= last => at = next,
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
}

/// Addresses where nothing is: each range's first address with its last. Ranges neither touch nor overlap.
#[derive(Default)]
struct Absent(BTreeMap<u64, u64>);

impl Absent {
    /// The last address of the range that holds `at`.
    fn until(&self, at: u64) -> Option<u64> {
        let (_, last) = self.0.range(..=at).next_back()?;
        (*last >= at).then_some(*last)
    }

    fn insert(&mut self, mut first: u64, mut last: u64) {
        // Whatever begins up to one behind the new range and ends at or behind one before it becomes part of it.
        while let Some((start, end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            let (start, end) = (*start, *end);
            if end.saturating_add(1) < first {
                break;
            }
            self.0.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.0.insert(first, last);
    }

    fn remove(&mut self, first: u64, last: u64) {
        while let Some((start, end)) = self.0.range(..=last).next_back() {
            let (start, end) = (*start, *end);
            if end < first {
                break;
            }
            self.0.remove(&start);
            if end > last {
                self.0.insert(last + 1, end);
            }
            if start < first {
                self.0.insert(start, first - 1);
                break;
            }
        }
    }
}

/// A range's last address; none where it is empty. Ranges end with the address space.
fn last_of(range: AddressRange) -> Option<u64> {
    let more = range.length.checked_sub(1)?;
    Some(range.start.0.saturating_add(more))
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

    #[test]
    fn absence_is_kept_as_ranges_however_long() {
        let mut cache = MemoryCache::default();
        cache.fill_absent(range(0x10_0000, 1 << 40));
        cache.fill_absent(range(0xf_f000, 0x1000));
        assert_eq!(cache.absent.0.len(), 1);
        assert_eq!(cache.missing(&[range(0xf_f000, 1 << 40)]), vec![]);
        cache.fill(Address(0x20_0ff8), &[5; 16]);
        assert_eq!(cache.absent.0.len(), 2);
        let parts = cache.parts(range(0x10_0000, 1 << 40));
        assert_eq!(parts, vec![(Address(0x20_0ff8), vec![5; 16])]);
        cache.fill_absent(range(0x20_1000, 8));
        assert_eq!(cache.parts(range(0x10_0000, 1 << 40))[0].1.len(), 8);
        cache.fill_absent(range(u64::MAX - 7, 8));
        assert_eq!(cache.missing(&[range(u64::MAX - 7, 8)]), vec![]);
    }
}
