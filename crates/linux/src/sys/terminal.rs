//! Pseudo-terminals: the master end for the server, the other for the launched program.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A new pseudo-terminal: master, then the program's end.
pub(crate) fn open(rows: u16, columns: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    // SAFETY: opens descriptors that nobody else knows; ioctls take a number or a pointer to a live number.
    unsafe {
        // Not blocking: typing to a program that does not read must not stop the session.
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let master = libc::open(c"/dev/ptmx".as_ptr(), flags);
        if master < 0 {
            return Err(io::Error::last_os_error());
        }
        let master = OwnedFd::from_raw_fd(master);
        let unlock: libc::c_int = 0;
        if libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlock) != 0 {
            return Err(io::Error::last_os_error());
        }
        // By the master, not by name: the name may belong to another mount of devpts.
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        let slave = libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags);
        if slave < 0 {
            return Err(io::Error::last_os_error());
        }
        let slave = OwnedFd::from_raw_fd(slave);
        resize(&master, rows, columns)?;
        Ok((master, slave))
    }
}

/// Sets the size in characters; the program gets SIGWINCH.
pub(crate) fn resize(master: &OwnedFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the ioctl reads one winsize, which lives here.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether reading the master would not wait: there is output, or the end.
pub(crate) fn has_output(master: &OwnedFd) -> bool {
    poll(master, 0)
}

/// Waits until reading the master would not wait.
pub(crate) fn wait_for_output(master: &OwnedFd) -> bool {
    poll(master, -1)
}

fn poll(master: &OwnedFd, milliseconds: libc::c_int) -> bool {
    let mut poll = libc::pollfd {
        fd: master.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    loop {
        // SAFETY: polls one live structure.
        let result = unsafe { libc::poll(&mut poll, 1, milliseconds) };
        if result >= 0 {
            return result > 0;
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return false;
        }
    }
}
