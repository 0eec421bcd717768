//! Sealed records: two bytes of length, little-endian, then so many bytes of ChaCha20-Poly1305, the length as associated data and
//! the record's number as nonce. Bytes in, bytes out; whoever moves them owns the socket.
//!
//! A crate of its own, because the small server is compiled for size and this for speed: every byte of a dump goes
//! through it.

use std::io::IoSlice;

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};

/// Plain bytes of a record at most; large enough that its overhead does not count, small enough for a processor's cache.
const RECORD: usize = 32 << 10;

/// Plain bytes that are sealed at once, before they are written.
const AT_ONCE: usize = 4 * RECORD;

/// Bytes of a tag.
const TAG: usize = 16;

/// Bytes before a record.
const LENGTH: usize = 2;

/// Room that is asked for at least when more has to come.
const LEAST_ROOM: usize = 4 << 10;

/// A record was not sealed by who has the key, or was changed, left out or repeated on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what came was not sealed with the key of this connection: it was changed on the way, or the other end does not have the secret"
)]
pub struct NotSealedByPeer;

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    bytes.into()
}

/// The sending direction: plain bytes become records.
pub struct Sealing {
    cipher: ChaCha20Poly1305,
    next: u64,
    /// Records that are not written yet.
    out: Vec<u8>,
    /// How much of them is.
    written: usize,
}

impl Sealing {
    /// Seals with a key of this direction alone, from the record of a number on: a number is used once.
    pub fn new(key: &[u8; 32], next: u64) -> Sealing {
        Sealing {
            cipher: ChaCha20Poly1305::new(Key::from_slice(key)),
            next,
            out: Vec::new(),
            written: 0,
        }
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// What is to be written.
    pub fn unwritten(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    /// So many bytes of [`Sealing::unwritten`] have been written.
    pub fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= self.out.len() {
            self.out.clear();
            self.written = 0;
        }
    }

    /// Seals the beginning of what is given, as if it were one; answers how much.
    pub fn seal(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let mut sealed = 0;
        let mut begin = None;
        for slice in slices {
            let mut rest = &**slice;
            while !rest.is_empty() && sealed < AT_ONCE {
                let start = *begin.get_or_insert_with(|| {
                    let start = self.out.len();
                    self.out.extend_from_slice(&[0; LENGTH]);
                    start
                });
                let room = RECORD - (self.out.len() - start - LENGTH);
                let (part, left) = rest.split_at(rest.len().min(room).min(AT_ONCE - sealed));
                self.out.extend_from_slice(part);
                sealed += part.len();
                rest = left;
                if part.len() == room {
                    self.end_record(start);
                    begin = None;
                }
            }
        }
        if let Some(start) = begin {
            self.end_record(start);
        }
        sealed
    }

    fn end_record(&mut self, start: usize) {
        let length = (self.out.len() - start - LENGTH + TAG) as u16;
        let length = length.to_le_bytes();
        let (head, plain) = self.out[start..].split_at_mut(LENGTH);
        head.copy_from_slice(&length);
        // Fails only for more bytes than a record ever has.
        let tag = self
            .cipher
            .encrypt_in_place_detached(&nonce(self.next), &length, plain)
            .unwrap_or_default();
        self.next += 1;
        self.out.extend_from_slice(&tag);
    }
}

/// The receiving direction: records become plain bytes.
pub struct Opening {
    cipher: ChaCha20Poly1305,
    next: u64,
    /// Plain bytes of an opened record (`plain`), and behind them what was received (`start..end`).
    buffer: Vec<u8>,
    plain: std::ops::Range<usize>,
    start: usize,
    end: usize,
    failed: bool,
}

impl Opening {
    /// Opens with a key of this direction alone, from the record of a number on; `received` was not opened yet, `plain` was
    /// and nobody has read it.
    pub fn new(key: &[u8; 32], next: u64, received: &[u8], plain: &[u8]) -> Opening {
        Opening {
            cipher: ChaCha20Poly1305::new(Key::from_slice(key)),
            next,
            buffer: [plain, received].concat(),
            plain: 0..plain.len(),
            start: plain.len(),
            end: plain.len() + received.len(),
            failed: false,
        }
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Plain bytes that nobody has read, and what was received and not opened.
    pub fn unread(&self) -> (&[u8], &[u8]) {
        (&self.buffer[self.plain.clone()], &self.buffer[self.start..self.end])
    }

    /// Whether a read would find something without asking the socket.
    pub fn has_something(&self) -> bool {
        !self.plain.is_empty() || self.whole_record().is_some() || self.failed
    }

    /// Whether a record has begun and is not whole.
    pub fn is_within_record(&self) -> bool {
        self.start < self.end
    }

    /// Gives out plain bytes: 0 while no record is whole.
    pub fn take(&mut self, buffer: &mut [u8]) -> Result<usize, NotSealedByPeer> {
        // A record without bytes says nothing.
        while self.plain.is_empty() {
            let Some(length) = self.whole_record() else {
                return Ok(0);
            };
            self.open(length)?;
        }
        let part = self.plain.len().min(buffer.len());
        let end = self.plain.start + part;
        buffer[..part].copy_from_slice(&self.buffer[self.plain.start..end]);
        self.plain.start = end;
        Ok(part)
    }

    /// The length of the first record, its own included, where all of it is there.
    fn whole_record(&self) -> Option<usize> {
        let received = &self.buffer[self.start..self.end];
        let length = LENGTH + usize::from(u16::from_le_bytes(*received.first_chunk()?));
        (received.len() >= length).then_some(length)
    }

    fn open(&mut self, length: usize) -> Result<(), NotSealedByPeer> {
        let record = &mut self.buffer[self.start..self.start + length];
        let (head, sealed) = record.split_at_mut(LENGTH);
        let opened = sealed.split_last_chunk_mut::<TAG>().and_then(|(sealed, tag)| {
            let tag = Tag::from_slice(tag);
            let opened = self
                .cipher
                .decrypt_in_place_detached(&nonce(self.next), head, sealed, tag);
            opened.ok().map(|()| sealed.len())
        });
        // Behind a broken record nothing can be trusted, and no second try is given.
        let Some(plain) = opened.filter(|_| !self.failed) else {
            self.failed = true;
            return Err(NotSealedByPeer);
        };
        self.next += 1;
        let begin = self.start + LENGTH;
        self.plain = begin..begin + plain;
        self.start += length;
        Ok(())
    }

    /// Where received bytes are to be put, about `wanted` of them; only while [`Opening::take`] has nothing to give.
    pub fn room(&mut self, wanted: usize) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.plain = 0..0;
        let missing = self
            .buffer
            .first_chunk()
            .filter(|_| self.end >= LENGTH)
            .map_or(0, |length| LENGTH + usize::from(u16::from_le_bytes(*length)))
            .saturating_sub(self.end);
        let room = wanted.clamp(LEAST_ROOM, AT_ONCE).max(missing);
        if self.buffer.len() < self.end + room {
            self.buffer.resize(self.end + room, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// So many bytes were put there.
    pub fn received(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealing")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
