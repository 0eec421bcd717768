//! A terminal that does not show what is typed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// The terminal as it is to be again when this is dropped.
pub(crate) struct Quiet<'t> {
    terminal: BorrowedFd<'t>,
    before: libc::termios,
}

/// Gives every byte as it is typed and shows none, interrupts included, until the answer is dropped.
pub(crate) fn without_echo(terminal: BorrowedFd<'_>) -> io::Result<Quiet<'_>> {
    let mut before = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the pointer is to room for what the call writes.
    check(unsafe { libc::tcgetattr(terminal.as_raw_fd(), before.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it has written all of it.
    let before = unsafe { before.assume_init() };
    let mut quiet = before;
    quiet.c_lflag &= !(libc::ECHO | libc::ICANON | libc::ISIG);
    quiet.c_cc[libc::VMIN] = 1;
    quiet.c_cc[libc::VTIME] = 0;
    set(terminal, &quiet)?;
    Ok(Quiet { terminal, before })
}

fn set(terminal: BorrowedFd<'_>, settings: &libc::termios) -> io::Result<()> {
    // SAFETY: the pointer is to settings that live across the call.
    check(unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSAFLUSH, settings) }).map(drop)
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = set(self.terminal, &self.before);
    }
}
