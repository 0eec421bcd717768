//! Connections that have not said who they are yet: what every listener does with them.
//!
//! What does not speak our protocol is dropped at its first wrong byte, what stays silent is dropped in time, and there
//! are never many of them.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use farsight_transport::{Listener, Stream};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Refusal, ServerKind};
use farsight_wire::{Decoder, FrameKind};

use crate::session::FIRST_FRAME_TIME;

/// Connections that have not said who they are. More are dropped, the oldest first.
const MOST_STRANGERS: usize = 64;

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
    deadline: Instant,
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

/// What became of a stranger's bytes.
enum FirstFrame {
    Incomplete,
    Valid(Box<Hello>, u32),
    Refused(Refusal),
    NotOurs,
}

impl Strangers {
    /// Takes all connections that wait at a listener. Where accepting fails, nothing should be accepted before the moment
    /// answered: without free descriptors the sockets stay readable, and trying again at once would burn the processor.
    pub fn accept(&mut self, listener: &Listener) -> Option<Instant> {
        self.accept_at(listener, 0)
    }

    /// As [`Strangers::accept`], for one of several listeners.
    pub fn accept_at(&mut self, listener: &Listener, door: usize) -> Option<Instant> {
        loop {
            let stream = match listener.accept_ready() {
                Ok(Some((stream, _))) => stream,
                Ok(None) => return None,
                Err(_) => return Some(Instant::now() + REST),
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.waiting.len() == MOST_STRANGERS {
                self.waiting.remove(0);
            }
            self.waiting.push(Stranger {
                stream,
                decoder: Decoder::new(),
                read: Vec::new(),
                deadline: Instant::now() + FIRST_FRAME_TIME,
                door,
            });
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
        self.waiting.iter().map(|stranger| stranger.deadline).min()
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
        for (index, mut stranger) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            let outcome = match ready.get(index) == Some(&true) {
                true => stranger.read(kind),
                false => FirstFrame::Incomplete,
            };
            match outcome {
                FirstFrame::Incomplete if stranger.deadline > now => self.waiting.push(stranger),
                FirstFrame::Incomplete | FirstFrame::NotOurs => {}
                FirstFrame::Refused(refusal) => refuse(&stranger.stream, &refusal),
                FirstFrame::Valid(hello, version) => met.push(Met {
                    stream: stranger.stream,
                    read: stranger.read,
                    decoder: stranger.decoder,
                    hello: *hello,
                    version,
                    door: stranger.door,
                }),
            }
        }
        met
    }
}

impl Stranger {
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
