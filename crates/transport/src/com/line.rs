//! The line process: holds a port and carries its connections to and from the programs of this machine.
//!
//! One thread, one poll loop around a [`Link`]. Programs reach it at a Unix socket in their user's directory; each makes a
//! request ([`door`](super::door)). It ends when nobody uses the port, and takes every connection with it when the device
//! is gone.

mod users;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use self::users::Users;
use super::link::{Link, Pace};
use crate::sys::{self, Wanted};

/// How long the rest of connections may take to get over the line when nobody uses it any more and the other end is silent,
/// and at all.
const LAST_WORDS: Duration = Duration::from_secs(3);
const MOST_LAST_WORDS: Duration = Duration::from_secs(60);

/// How long whoever has started it may take to come.
const FIRST_USER: Duration = Duration::from_secs(10);

/// Read from the device at a time.
const READ: usize = 4096;

/// What a line process is given.
#[derive(Debug)]
pub(super) struct Line {
    /// The open port.
    pub(super) device: File,
    /// Where programs come.
    pub(super) door: UnixListener,
    pub(super) baud: u32,
    /// Called when it takes no more programs: the door's name is to be free then.
    pub(super) close_door: fn(&std::path::Path),
    /// The door's name.
    pub(super) path: std::path::PathBuf,
}

impl Line {
    /// Serves until nobody uses the port, or it is gone.
    pub(super) fn serve(self) -> io::Result<()> {
        sys::set_nonblocking(self.device.as_fd())?;
        self.door.set_nonblocking(true)?;
        let start = Instant::now();
        let mut serving = Serving {
            link: Link::new(Pace::of(self.baud), draw_number(), Duration::ZERO),
            users: Users::new(self.baud),
            start,
            to_device: Vec::new(),
            idle_since: Some(Duration::ZERO),
            had_users: false,
        };
        let result = serving.run(&self);
        // Later ones find no door and open the port themselves; whoever is at it now sees it close and comes again.
        (self.close_door)(&self.path);
        let _ = sys::share_port(&self.device);
        result
    }
}

struct Serving {
    link: Link,
    users: Users,
    start: Instant,
    /// Taken from the link and not yet by the device.
    to_device: Vec<u8>,
    /// Since when nobody uses the port.
    idle_since: Option<Duration>,
    had_users: bool,
}

impl Serving {
    fn run(&mut self, line: &Line) -> io::Result<()> {
        let mut read = [0; READ];
        loop {
            let now = self.start.elapsed();
            self.write(line, now)?;
            self.users.work(&mut self.link, now);
            if self.is_over(line, now) {
                return Ok(());
            }
            // What users gave just now, and what time brought.
            self.write(line, now)?;
            let (device, door) = self.wait(line, now)?;
            if device {
                match (&line.device).read(&mut read) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(length) => self
                        .link
                        .receive(read.get(..length).unwrap_or(&[]), self.start.elapsed()),
                    Err(error) if is_later(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if door {
                self.users.accept(&line.door);
            }
        }
    }

    /// Gives the device what it takes.
    fn write(&mut self, line: &Line, now: Duration) -> io::Result<()> {
        loop {
            if self.to_device.is_empty() {
                self.link.transmit(now, &mut self.to_device);
            }
            if self.to_device.is_empty() {
                return Ok(());
            }
            match (&line.device).write(&self.to_device) {
                Ok(length) => drop(self.to_device.drain(..length)),
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for anything to do; whether the device and the door have something.
    fn wait(&mut self, line: &Line, now: Duration) -> io::Result<(bool, bool)> {
        let is_full = !self.to_device.is_empty();
        // A device that takes nothing is waited for itself.
        let deadline = self.link.deadline().filter(|_| !is_full);
        let last_words = self
            .idle_since
            .map(|since| (since + LAST_WORDS).max(now + Duration::from_millis(100)));
        let deadlines = [deadline, self.users.deadline(&self.link), last_words];
        let time = deadlines.into_iter().flatten().min();
        let time = time.map(|deadline| deadline.saturating_sub(self.start.elapsed()));
        // Time has ended connections: their users are told first.
        let time = if self.link.has_event() {
            Some(Duration::ZERO)
        } else {
            time
        };
        let mut wanted = vec![
            Wanted {
                fd: line.device.as_fd(),
                read: true,
                write: is_full,
            },
            Wanted::reading(line.door.as_fd()),
        ];
        let before = wanted.len();
        wanted.extend(self.users.wanted(&self.link));
        let ready = sys::poll(&wanted, time)?;
        let (ours, theirs) = ready.split_at(before);
        self.users.note(theirs);
        let is_ready = |index: usize| ours.get(index).is_some_and(|ready| ready.read || ready.ended);
        Ok((is_ready(0), is_ready(1)))
    }

    fn is_over(&mut self, line: &Line, now: Duration) -> bool {
        if self.users.is_empty() {
            // Who has just come keeps it going.
            self.users.accept(&line.door);
        }
        if !self.users.is_empty() {
            self.idle_since = None;
            self.had_users = true;
            return false;
        }
        if !self.had_users {
            return now >= FIRST_USER;
        }
        let since = *self.idle_since.get_or_insert(now);
        let silent_since = since.max(self.link.last_heard());
        let is_said = self.link.is_at_rest() && self.to_device.is_empty();
        is_said || now >= silent_since + LAST_WORDS || now >= since + MOST_LAST_WORDS
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// A number for this start of this end, which no other start has but by chance.
fn draw_number() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each of these anew, from the operating system's randomness.
    let drawn = std::hash::RandomState::new().build_hasher().finish();
    (drawn as u32) | 1
}
