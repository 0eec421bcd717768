//! What passed a proxy.

use std::sync::{Arc, Mutex};

use farsight_wire::{Decoder, Frame, FrameKind, Limits};

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections made. Each costs a round trip before the first byte.
    pub connections: u64,
    /// Bursts of the client that were followed by a burst of the server.
    pub alternations: u64,
    /// Requests, the hello and urgent ones included.
    pub requests: u64,
    /// Replies, the welcome included.
    pub replies: u64,
    /// Events.
    pub events: u64,
    /// Bytes from the client.
    pub bytes_up: u64,
    /// Bytes to the client.
    pub bytes_down: u64,
    /// Bursts of bytes from the client that bytes to it followed, whatever the protocol.
    pub turns: u64,
}

impl Counts {
    /// Round trips as the budgets mean them: dependencies of the client on the server, connecting included.
    pub fn round_trips(&self) -> u64 {
        self.connections + self.alternations
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    asked: bool,
    /// The last bytes came from the client.
    bytes_asked: bool,
    /// What passed, where that is kept.
    recorded: Option<Recorded>,
}

/// What passed in each direction, as it was.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// From clients.
    pub up: Vec<u8>,
    /// From the server.
    pub down: Vec<u8>,
}

impl Counter {
    pub(super) fn counts(&self) -> Counts {
        self.0.lock().unwrap().counts
    }

    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut self.0.lock().unwrap().counts)
    }

    pub(super) fn connected(&self) {
        self.0.lock().unwrap().counts.connections += 1;
    }

    /// Keeps what passes from now on; what was kept until now.
    pub(super) fn record(&self) -> Recorded {
        self.0
            .lock()
            .unwrap()
            .recorded
            .replace(Recorded::default())
            .unwrap_or_default()
    }

    fn bytes(&self, direction: Direction, chunk: &[u8]) {
        let length = chunk.len();
        let mut inner = self.0.lock().unwrap();
        if let Some(recorded) = &mut inner.recorded {
            match direction {
                Direction::Up => recorded.up.extend_from_slice(chunk),
                Direction::Down => recorded.down.extend_from_slice(chunk),
            }
        }
        match direction {
            Direction::Up => {
                inner.counts.bytes_up += length as u64;
                inner.bytes_asked = true;
            }
            Direction::Down => {
                inner.counts.bytes_down += length as u64;
                inner.counts.turns += u64::from(std::mem::take(&mut inner.bytes_asked));
            }
        }
    }

    fn frame(&self, kind: FrameKind) {
        let mut inner = self.0.lock().unwrap();
        match kind {
            FrameKind::Hello | FrameKind::Request | FrameKind::Urgent => {
                inner.counts.requests += 1;
                inner.asked = true;
            }
            FrameKind::Welcome | FrameKind::Refused | FrameKind::Reply => inner.counts.replies += 1,
            FrameKind::Event => inner.counts.events += 1,
            FrameKind::Ping | FrameKind::Pong => return,
        }
        let answers = matches!(
            kind,
            FrameKind::Welcome | FrameKind::Refused | FrameKind::Reply | FrameKind::Event
        );
        if answers && std::mem::take(&mut inner.asked) {
            inner.counts.alternations += 1;
        }
    }
}

/// Reads one direction of a connection for the counter.
#[derive(Debug)]
pub(super) struct Meter {
    counter: Counter,
    direction: Direction,
    decoder: Decoder,
    frames: u64,
    readable: bool,
}

impl Meter {
    pub(super) fn new(counter: &Counter, direction: Direction) -> Meter {
        Meter {
            counter: counter.clone(),
            direction,
            decoder: Decoder::new(),
            frames: 0,
            readable: true,
        }
    }

    /// Counts a chunk. Returns how much of it belongs to the first `most` frames, when that many are over with it.
    pub(super) fn feed(&mut self, chunk: &[u8], most: Option<u64>) -> Option<usize> {
        self.counter.bytes(self.direction, chunk);
        if !self.readable {
            return None;
        }
        self.decoder.feed(chunk);
        loop {
            if most.is_some_and(|most| self.frames >= most) {
                return Some(chunk.len() - self.decoder.unconsumed().len().min(chunk.len()));
            }
            match self.decoder.next_frame() {
                Ok(Some(Frame { header, .. })) => {
                    self.decoder.set_limits(Limits::SESSION);
                    self.frames += 1;
                    self.counter.frame(header.kind);
                }
                Ok(None) => return None,
                // Not our protocol: passed on, no longer looked into.
                Err(_) => {
                    self.readable = false;
                    return None;
                }
            }
        }
    }
}
