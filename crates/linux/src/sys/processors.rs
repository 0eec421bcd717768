//! On which processors a thread may run.

use std::io;
use std::mem::size_of_val;

use libc::pid_t;

/// Words of a set: enough for the 8192 processors that Linux knows at most.
const WORDS: usize = 128;

/// A set of processors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Processors([u64; WORDS]);

impl Processors {
    /// Where a thread may run; 0 is the calling one.
    pub(crate) fn of(tid: pid_t) -> io::Result<Processors> {
        let mut set = [0u64; WORDS];
        // SAFETY: the kernel writes at most the given number of bytes into `set`.
        let result = unsafe { libc::sched_getaffinity(tid, size_of_val(&set), set.as_mut_ptr().cast()) };
        match result {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(Processors(set)),
        }
    }

    pub(crate) fn set(&self, tid: pid_t) -> io::Result<()> {
        // SAFETY: the kernel reads the given number of bytes of the set.
        let result = unsafe { libc::sched_setaffinity(tid, size_of_val(&self.0), self.0.as_ptr().cast()) };
        match result {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// The set of one processor that is in both: the preferred one where that is, else the first.
    pub(crate) fn common(&self, other: Processors, preferred: usize) -> Option<Processors> {
        let both = |number: &usize| {
            let (word, bit) = (number / 64, 1u64 << (number % 64));
            self.0.get(word).is_some_and(|mine| mine & bit != 0) && other.0.get(word).is_some_and(|its| its & bit != 0)
        };
        let number = Some(preferred).filter(both).or_else(|| (0..WORDS * 64).find(both))?;
        let mut set = [0; WORDS];
        *set.get_mut(number / 64)? = 1 << (number % 64);
        Some(Processors(set))
    }
}

/// The processor that the calling thread runs on.
pub(crate) fn current() -> Option<usize> {
    // SAFETY: no arguments, no memory.
    let number = unsafe { libc::sched_getcpu() };
    usize::try_from(number).ok()
}
