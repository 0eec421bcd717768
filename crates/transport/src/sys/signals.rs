//! The signals that ask a program to end, as a descriptor.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// CTRL+C, `kill`, and the end of the terminal.
const ENDING: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// Readable when the program was asked to end.
#[derive(Debug)]
pub struct EndSignals(OwnedFd);

impl EndSignals {
    /// From now on these signals do not end the program. To be called before there are threads: those that are started
    /// later do as this one does, others would still be hit. Signals that the program was started to ignore, as under
    /// `nohup`, stay ignored.
    pub fn take() -> io::Result<EndSignals> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the pointer is to `set`, which the call fills.
        check(unsafe { libc::sigemptyset(set.as_mut_ptr()) })?;
        // SAFETY: the call before has filled it.
        let mut set = unsafe { set.assume_init() };
        for signal in ENDING {
            if !is_ignored(signal)? {
                // SAFETY: the pointer is to `set`, which lives across the call.
                check(unsafe { libc::sigaddset(&raw mut set, signal) })?;
            }
        }
        // SAFETY: reads `set`, which lives across the call; the old set is not asked for.
        let failed = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        // SAFETY: reads `set`, which lives across the call.
        let fd = check(unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
        // SAFETY: the call succeeded, so the descriptor is open and belongs to nobody else.
        Ok(EndSignals(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

impl AsFd for EndSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn is_ignored(signal: libc::c_int) -> io::Result<bool> {
    // SAFETY: all zero bytes are a valid action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks; the pointer is to `action`, which lives across the call.
    check(unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) })?;
    Ok(action.sa_sigaction == libc::SIG_IGN)
}
