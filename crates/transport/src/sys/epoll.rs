//! Waiting for very many descriptors, most of which are silent.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::check;

/// Events that are taken at once.
const AT_ONCE: usize = 256;

/// A set of descriptors to wait for. One that is closed leaves it by itself.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// When a descriptor of the set is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// As long as it can be read or accepted from.
    WhileReadable,
    /// Each time that it has become readable or writable, or that something of it has ended: whoever is told must go on
    /// until it blocks.
    Changes,
    /// Each time that something of it has ended.
    Ends,
}

/// What has become of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which it is, by its owner's count.
    pub token: u64,
    /// It may be read from.
    pub read: bool,
    /// It may be written to.
    pub write: bool,
    /// The other side sends no more, after what may still be read.
    pub no_more: bool,
    /// The other side is gone altogether, or the descriptor has failed.
    pub gone: bool,
}

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: takes only an integer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call succeeded, so the descriptor is open and belongs to nobody else.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes a descriptor into the set.
    pub fn add(&self, fd: impl AsFd, token: u64, report: Report) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, report)
    }

    /// Reports a descriptor of the set in another way; what it is ready for now is reported again.
    pub fn change(&self, fd: impl AsFd, token: u64, report: Report) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, report)
    }

    /// Takes a descriptor out of the set.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Report::Ends)
    }

    fn control(&self, operation: libc::c_int, fd: impl AsFd, token: u64, report: Report) -> io::Result<()> {
        let events = match report {
            Report::WhileReadable => libc::EPOLLIN,
            Report::Changes => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET,
            Report::Ends => libc::EPOLLRDHUP | libc::EPOLLET,
        };
        let mut event = libc::epoll_event {
            events: events.cast_unsigned(),
            u64: token,
        };
        let (set, fd) = (self.0.as_raw_fd(), fd.as_fd().as_raw_fd());
        // SAFETY: the pointer is to `event`, which lives across the call, and the descriptor is borrowed.
        check(unsafe { libc::epoll_ctl(set, operation, fd, &raw mut event) }).map(drop)
    }

    /// Waits until something has happened and puts it into `events`, which stays empty when the time is over.
    pub fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        // Rounded up, so that the last fraction of a millisecond is not spent turning in circles.
        let milliseconds = timeout.map_or(-1, |time| {
            i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        let mut raw = [libc::epoll_event { events: 0, u64: 0 }; AT_ONCE];
        events.clear();
        // SAFETY: the pointer and length describe `raw`, which lives across the call.
        let waited = unsafe { libc::epoll_wait(self.0.as_raw_fd(), raw.as_mut_ptr(), AT_ONCE as i32, milliseconds) };
        let count = match check(waited) {
            Ok(count) => usize::try_from(count).unwrap_or(0),
            // The caller looks at its clock and waits again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        events.extend(raw.iter().take(count).map(|raw| {
            let has = |flags: libc::c_int| raw.events & flags.cast_unsigned() != 0;
            Event {
                token: raw.u64,
                read: has(libc::EPOLLIN),
                write: has(libc::EPOLLOUT),
                no_more: has(libc::EPOLLRDHUP),
                gone: has(libc::EPOLLHUP | libc::EPOLLERR),
            }
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn each_kind_of_report_comes_when_it_shall() {
        let set = Epoll::new().unwrap();
        let mut events = Vec::new();
        let mut wait = || {
            set.wait(&mut events, Some(Duration::ZERO)).unwrap();
            let mut seen: Vec<_> = events
                .iter()
                .map(|event| (event.token, event.read, event.write))
                .collect();
            seen.sort_unstable();
            seen
        };
        let pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
        let reports = [Report::WhileReadable, Report::Changes, Report::Ends];
        for (token, ((end, _), report)) in (0..).zip(pairs.iter().zip(reports)) {
            set.add(end, token, report).unwrap();
        }
        // A change reports what is there when it begins, and each only once.
        assert_eq!(wait(), [(1, false, true)]);
        assert_eq!(wait(), []);
        for (_, other) in &pairs {
            (&mut &*other).write_all(b"x").unwrap();
        }
        assert_eq!(wait(), [(0, true, false), (1, true, true)]);
        assert_eq!(wait(), [(0, true, false)]);
        (&pairs[0].0).read_exact(&mut [0]).unwrap();
        assert_eq!(wait(), []);
        for (_, other) in &pairs {
            other.shutdown(std::net::Shutdown::Write).unwrap();
        }
        assert_eq!(wait().len(), 3);
        assert_eq!(wait().len(), 1);
        set.remove(&pairs[0].0).unwrap();
        set.change(&pairs[2].0, 7, Report::Changes).unwrap();
        assert_eq!(wait(), [(7, true, true)]);
    }
}
