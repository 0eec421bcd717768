//! Serial ports: keeping others out, and pseudo-terminals, which are ports without hardware.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::path::PathBuf;

use super::check;

/// Locks an open file for this descriptor and its copies; false where another has it.
pub(crate) fn lock_descriptor(file: impl AsFd) -> io::Result<bool> {
    // SAFETY: takes an open descriptor and a flag.
    match check(unsafe { libc::flock(file.as_fd().as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lets nobody else open a terminal, root apart, until [`share_port`] or its last close.
pub(crate) fn keep_port(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: takes an open descriptor and nothing else.
    check(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCEXCL as _) }).map(drop)
}

/// Lets others open a terminal again.
pub(crate) fn share_port(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: takes an open descriptor and nothing else.
    check(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCNXCL as _) }).map(drop)
}

/// A pseudo-terminal: the end that a cable is made of, and the path of the other, which is used as a port.
pub fn pseudo_terminal() -> io::Result<(File, PathBuf)> {
    // SAFETY: takes only flags.
    let fd = check(unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) })?;
    // SAFETY: the call succeeded, so the descriptor is open and belongs to nobody else.
    let end = unsafe { File::from_raw_fd(fd) };
    // SAFETY: both take an open descriptor.
    check(unsafe { libc::grantpt(end.as_raw_fd()) })?;
    check(unsafe { libc::unlockpt(end.as_raw_fd()) })?;
    let mut number: libc::c_int = 0;
    // SAFETY: the pointer is to an integer, which is what the call writes.
    check(unsafe { libc::ioctl(end.as_raw_fd(), libc::TIOCGPTN as _, &raw mut number) })?;
    Ok((end, PathBuf::from(format!("/dev/pts/{number}"))))
}

/// Takes all treatment of bytes off a terminal.
pub fn make_raw(terminal: impl AsFd) -> io::Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: all zero bytes are valid settings, and the pointers are to them across the calls.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(fd, &raw mut settings))?;
        libc::cfmakeraw(&raw mut settings);
        check(libc::tcsetattr(fd, libc::TCSANOW, &raw const settings)).map(drop)
    }
}
