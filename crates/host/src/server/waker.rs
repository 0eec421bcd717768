//! Wakes a thread that waits for descriptors.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// Costs a system call only where the thread sleeps.
pub(super) struct Waker {
    sleeper: UnixStream,
    bell: UnixStream,
    asleep: AtomicBool,
}

impl Waker {
    pub(super) fn new() -> io::Result<Waker> {
        let (sleeper, bell) = UnixStream::pair()?;
        sleeper.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok(Waker {
            sleeper,
            bell,
            asleep: AtomicBool::new(false),
        })
    }

    /// To be called behind what the thread shall look at.
    pub(super) fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // A full socket rings already.
            let _ = (&self.bell).write(&[0]);
        }
    }

    /// The thread is about to sleep; it must look once more for what came before this.
    pub(super) fn lie_down(&self) {
        self.asleep.store(true, Ordering::SeqCst);
    }

    /// The thread does not sleep any more.
    pub(super) fn get_up(&self) {
        self.asleep.store(false, Ordering::SeqCst);
        let mut rings = [0; 64];
        while matches!((&self.sleeper).read(&mut rings), Ok(read) if read == rings.len()) {}
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sleeper.as_fd()
    }
}
