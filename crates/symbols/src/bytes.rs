//! Bytes that outlive whoever parsed them: a whole image, or a piece of one.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A whole image's bytes. The host implements it over a memory map, tests over a vector.
///
/// The bytes must not change while the value lives.
pub trait ImageBytes: Send + Sync {
    /// All the bytes.
    fn bytes(&self) -> &[u8];
}

impl ImageBytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// A run of somebody's bytes; cloning copies no byte.
#[derive(Clone)]
pub struct SharedBytes {
    owner: Arc<dyn ImageBytes>,
    range: Range<usize>,
}

impl SharedBytes {
    /// All the bytes of `owner`.
    pub fn whole(owner: Arc<dyn ImageBytes>) -> SharedBytes {
        let range = 0..owner.bytes().len();
        SharedBytes { owner, range }
    }

    /// `length` of these bytes from `start`, or none where these are fewer.
    pub fn part(&self, start: u64, length: u64) -> Option<SharedBytes> {
        let start = usize::try_from(start).ok()?.checked_add(self.range.start)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= self.range.end).then(|| SharedBytes {
            owner: Arc::clone(&self.owner),
            range: start..end,
        })
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> SharedBytes {
        SharedBytes::whole(Arc::new(bytes))
    }
}

impl Default for SharedBytes {
    fn default() -> SharedBytes {
        SharedBytes::from(Vec::new())
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // An owner whose bytes shrank would break its promise; it gets an empty answer, not a panic.
        self.owner.bytes().get(self.range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.range.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stays_inside_its_whole() {
        let whole = SharedBytes::from(vec![1, 2, 3, 4, 5]);
        let middle = whole.part(1, 3).unwrap();
        assert_eq!(&*middle, [2, 3, 4]);
        assert_eq!(&*middle.part(1, 2).unwrap(), [3, 4]);
        assert!(middle.part(1, 3).is_none(), "the owner has it, the part has not");
        assert!(whole.part(u64::MAX, 2).is_none());
    }
}
