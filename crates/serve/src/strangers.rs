//! Connections that have not said who they are yet: what every listener does with them.
//!
//! What does not speak our protocol is dropped at its first wrong byte, what stays silent is dropped in time, and there
//! are never many of them. Nobody is dropped whose first frame has come, however many come at once.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use farsight_transport::{Listener, Stream};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Refusal, ServerKind};
use farsight_wire::{Decoder, FrameKind};

use crate::session::FIRST_FRAME_TIME;

/// Connections that have not said who they are. Where more come, the oldest are dropped, but none before [`GRACE`].
const MOST_STRANGERS: usize = 256;

/// How long a connection has in any case. Its first frame follows on its heels, as far as the network's way is long;
/// while as many as there may be are younger, others wait in the system's queue.
const GRACE: Duration = Duration::from_millis(250);

/// Connections that are accepted before the caller looks again at everything else.
const AT_ONCE: usize = 64;

/// How long nothing is accepted after accepting failed.
const REST: Duration = Duration::from_millis(100);

/// All of them, at one listener or at several.
#[derive(Default)]
pub struct Strangers {
    waiting: Vec<Stranger>,
}

/// A connection whose first frame is not complete.
struct Stranger {
    stream: Stream,
    decoder: Decoder,
    read: Vec<u8>,
    since: Instant,
    /// Which listener it came through, by the caller's count.
    door: usize,
}

/// A connection whose first frame was valid.
pub struct Met {
    /// Answers `WouldBlock` instead of waiting.
    pub stream: Stream,
    /// All bytes that came, the first frame's among them.
    pub read: Vec<u8>,
    /// May hold frames that came behind the first.
    pub decoder: Decoder,
    /// The first frame.
    pub hello: Hello,
    /// The version of everything that follows.
    pub version: u32,
    /// Which listener it came through, by the caller's count.
    pub door: usize,
}

/// What a look at a listener has brought.
pub struct Accepted {
    /// Those who have said who they are already.
    pub met: Vec<Met>,
    /// Accepting failed, and nothing should be accepted before then: without free descriptors the sockets stay readable,
    /// and trying again at once would burn the processor.
    pub rest_until: Option<Instant>,
}

/// What became of a stranger's bytes.
enum FirstFrame {
    Incomplete,
    Valid(Box<Hello>, u32),
    Refused(Refusal),
    NotOurs,
}

impl Strangers {
    /// Takes connections that wait at a listener, at most so many that the others are not held up, and reads what they have
    /// sent; gives out those that a server of this kind serves. `door` is the caller's number of the listener.
    pub fn accept(&mut self, listener: &Listener, door: usize, kind: ServerKind) -> Accepted {
        let mut met = Vec::new();
        for _ in 0..AT_ONCE {
            let now = Instant::now();
            if self.full_until(now).is_some() {
                break;
            }
            let stream = match listener.accept_ready() {
                Ok(Some((stream, _))) => stream,
                Ok(None) => break,
                Err(_) => {
                    let rest_until = Some(now + REST);
                    return Accepted { met, rest_until };
                }
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.waiting.len() == MOST_STRANGERS {
                // What has come since it was last looked at counts.
                met.extend(self.waiting.remove(0).hear(kind).ok().flatten());
            }
            let stranger = Stranger {
                stream,
                decoder: Decoder::new(),
                read: Vec::new(),
                since: now,
                door,
            };
            self.take(stranger.hear(kind), &mut met);
        }
        Accepted { met, rest_until: None }
    }

    /// Until when nobody more is taken, because there are as many as there may be and each came just now.
    pub fn full_until(&self, now: Instant) -> Option<Instant> {
        let oldest = self.waiting.first().filter(|_| self.waiting.len() >= MOST_STRANGERS)?;
        Some(oldest.since + GRACE).filter(|until| *until > now)
    }

    fn take(&mut self, heard: Result<Option<Met>, Stranger>, met: &mut Vec<Met>) {
        match heard {
            Ok(served) => met.extend(served),
            Err(stranger) => self.waiting.push(stranger),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What to wait for, one each.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.waiting.iter().map(|stranger| stranger.stream.as_fd())
    }

    /// When the next of them has been silent for too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(Stranger::deadline).min()
    }

    /// Drops those who came through a listener that is no more.
    pub fn forget(&mut self, door: usize) {
        self.waiting.retain(|stranger| stranger.door != door);
    }

    /// Reads from those that are ready, in the order of [`Strangers::descriptors`], and gives out those that a server of
    /// this kind serves.
    pub fn read(&mut self, ready: &[bool], kind: ServerKind) -> Vec<Met> {
        let now = Instant::now();
        let mut met = Vec::new();
        for (index, stranger) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            let heard = match ready.get(index) == Some(&true) {
                true => stranger.hear(kind),
                false => Err(stranger),
            };
            self.take(heard.or_else(|stranger| stranger.unless_late(now)), &mut met);
        }
        met
    }
}

impl Stranger {
    /// When it has been silent for too long.
    fn deadline(&self) -> Instant {
        self.since + FIRST_FRAME_TIME
    }

    fn unless_late(self, now: Instant) -> Result<Option<Met>, Stranger> {
        match self.deadline() > now {
            true => Err(self),
            false => Ok(None),
        }
    }

    /// Reads what has come. The stranger itself is answered while its first frame is not whole; nobody where it is one
    /// that is not served.
    fn hear(mut self, kind: ServerKind) -> Result<Option<Met>, Stranger> {
        match self.read(kind) {
            FirstFrame::Incomplete => Err(self),
            FirstFrame::NotOurs => Ok(None),
            FirstFrame::Refused(refusal) => {
                refuse(&self.stream, &refusal);
                Ok(None)
            }
            FirstFrame::Valid(hello, version) => Ok(Some(Met {
                stream: self.stream,
                read: self.read,
                decoder: self.decoder,
                hello: *hello,
                version,
                door: self.door,
            })),
        }
    }

    fn read(&mut self, kind: ServerKind) -> FirstFrame {
        let mut buffer = [0; 4096];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => return FirstFrame::NotOurs,
            Ok(read) => {
                self.decoder.feed(&buffer[..read]);
                self.read.extend_from_slice(&buffer[..read]);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return FirstFrame::Incomplete;
            }
            Err(_) => return FirstFrame::NotOurs,
        }
        match self.decoder.next_frame() {
            Ok(None) => FirstFrame::Incomplete,
            Ok(Some(frame)) => match handshake::read_hello(&frame) {
                Ok(hello) => match handshake::judge(&hello, kind) {
                    Ok(version) => FirstFrame::Valid(Box::new(hello), version),
                    Err(refusal) => FirstFrame::Refused(refusal),
                },
                Err(_) => FirstFrame::NotOurs,
            },
            Err(_) => FirstFrame::NotOurs,
        }
    }
}

impl Met {
    /// Says why it is not served after all, and hangs up.
    pub fn refuse(&self, refusal: &Refusal) {
        refuse(&self.stream, refusal);
    }
}

/// Says why and hangs up. A socket that takes no few bytes at once does not get them.
fn refuse(mut stream: &Stream, refusal: &Refusal) {
    let frame = handshake::opening_frame(FrameKind::Refused, refusal);
    let _ = stream.write_all(&[&PREAMBLE[..], &frame.encode()].concat());
}

#[cfg(test)]
mod tests;
