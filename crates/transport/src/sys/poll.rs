//! Waiting for several descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::check;

/// Waits until at least one descriptor can be read or accepted from without blocking, or has ended or failed.
///
/// Answers a truth per descriptor; all false means the time is over. Signals do not end the wait.
pub fn poll_readable(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
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
            Ok(_) => return Ok(polled.iter().map(|polled| polled.revents != 0).collect()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
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
