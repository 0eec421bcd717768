//! Waiting for several descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::check;

/// Waits until at least one descriptor can be read or accepted from without blocking, or has ended or failed.
///
/// Answers a truth per descriptor; all false means the time is over. Signals do not end the wait.
pub fn poll_readable(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let wanted: Vec<Wanted<'_>> = fds.iter().map(|fd| Wanted::reading(*fd)).collect();
    let ready = poll(&wanted, timeout)?;
    Ok(ready.into_iter().map(|ready| ready.read || ready.ended).collect())
}

/// A descriptor and what it is waited for, beside its end.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'fd> {
    /// The descriptor.
    pub fd: BorrowedFd<'fd>,
    /// Something can be read or accepted.
    pub read: bool,
    /// Something can be written.
    pub write: bool,
}

impl<'fd> Wanted<'fd> {
    /// Waited for until it can be read.
    pub fn reading(fd: BorrowedFd<'fd>) -> Wanted<'fd> {
        Wanted {
            fd,
            read: true,
            write: false,
        }
    }
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Reading or accepting.
    pub read: bool,
    /// Writing.
    pub write: bool,
    /// The other side is gone, or the descriptor has failed, whether or not it was waited for.
    pub ended: bool,
}

/// Waits until at least one descriptor is ready for what it is waited for, or has ended.
///
/// Answers one [`Ready`] per descriptor; none of them ready means the time is over. Signals do not end the wait.
pub fn poll(wanted: &[Wanted<'_>], timeout: Option<Duration>) -> io::Result<Vec<Ready>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut polled: Vec<libc::pollfd> = wanted
        .iter()
        .map(|wanted| libc::pollfd {
            fd: wanted.fd.as_raw_fd(),
            events: if wanted.read { libc::POLLIN } else { 0 } | if wanted.write { libc::POLLOUT } else { 0 },
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(polled.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Rounded up, so that the last fraction of a millisecond is not spent turning in circles.
        let milliseconds = match left {
            None => -1,
            Some(left) => i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
        };
        // SAFETY: the pointer and count describe `polled`, which lives across the call, and the descriptors are borrowed.
        match check(unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) }) {
            Ok(0) if left.is_none_or(|left| !left.is_zero()) => {}
            Ok(_) => return Ok(polled.iter().map(|polled| ready(polled.revents)).collect()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn ready(events: libc::c_short) -> Ready {
    Ready {
        read: events & libc::POLLIN != 0,
        write: events & libc::POLLOUT != 0,
        ended: events & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_the_readable_descriptor_is_reported() {
        let (quiet, _keep) = UnixStream::pair().unwrap();
        let (loud, mut other) = UnixStream::pair().unwrap();
        let wait = |timeout| poll_readable(&[quiet.as_fd(), loud.as_fd()], Some(timeout)).unwrap();
        assert_eq!(wait(Duration::ZERO), [false, false]);
        assert_eq!(wait(Duration::from_millis(5)), [false, false]);
        other.write_all(b"x").unwrap();
        assert_eq!(wait(Duration::from_secs(10)), [false, true]);
    }

    #[test]
    fn an_ended_stream_is_reported() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        assert_eq!(poll_readable(&[near.as_fd()], None).unwrap(), [true]);
    }
}
