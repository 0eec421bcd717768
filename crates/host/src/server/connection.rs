//! One client's connection at a debugging server.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use farsight_session::wire::read_request;
use farsight_session::{ClientId, Request};
use farsight_transport::Stream;
use farsight_types::ServerId;
use farsight_wire::{Decoder, FrameKind, WireError};

/// How much is asked of the stream at once, in bytes.
const CHUNK: usize = 16 << 10;

/// Pieces that are written in one call.
const TOGETHER: usize = 16;

/// Requests that a client may have under way; more are not read from its stream until the engine has taken some up.
const MOST_UNDER_WAY: usize = 256;

/// As [`MOST_UNDER_WAY`], in bytes of their bodies; the request that reaches it is the last.
const MOST_BYTES_UNDER_WAY: usize = 1 << 20;

pub(super) struct Connection {
    pub(super) id: ClientId,
    pub(super) server: ServerId,
    pub(super) stream: Stream,
    decoder: Decoder,
    /// What it is still to be told; pieces are shared with other clients.
    queue: VecDeque<Arc<[u8]>>,
    /// How much of the first piece is written.
    written: usize,
    /// Bytes in the queue.
    pub(super) queued: usize,
    /// Since when the stream has taken nothing.
    pub(super) stuck_since: Option<Instant>,
    /// The lengths of the requests that were brought to the engine and, when that was last looked at, not taken up.
    under_way: VecDeque<usize>,
    /// Their sum.
    bytes_under_way: usize,
    /// How many requests before them were taken up.
    settled: u64,
    taken: Arc<AtomicU64>,
    /// It is part of the session.
    pub(super) has_joined: bool,
    /// When it last asked for anything, or came.
    pub(super) last_asked: Instant,
    /// It was told the end: when that is written, its connection ends.
    pub(super) is_leaving: bool,
}

/// Why a connection is at its end.
pub(super) enum Broken {
    /// The other side closed it, or the network did.
    Ended,
    /// What was sent has not been taken for so long that the network gave up.
    TimedOut,
    /// It sent what cannot be read.
    Unreadable(WireError),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        match error.kind() {
            io::ErrorKind::TimedOut => Broken::TimedOut,
            _ => Broken::Ended,
        }
    }
}

impl Connection {
    pub(super) fn new(
        id: ClientId,
        server: ServerId,
        stream: Stream,
        decoder: Decoder,
        taken: Arc<AtomicU64>,
    ) -> Connection {
        Connection {
            id,
            server,
            stream,
            decoder,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            stuck_since: None,
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            settled: 0,
            taken,
            has_joined: false,
            last_asked: Instant::now(),
            is_leaving: false,
        }
    }

    /// Whether the engine has so many of its requests that no more are read.
    pub(super) fn is_held_back(&self) -> bool {
        self.under_way.len() >= MOST_UNDER_WAY || self.bytes_under_way >= MOST_BYTES_UNDER_WAY
    }

    /// Looks at what the engine has taken up.
    fn settle(&mut self) {
        let taken = self.taken.load(Ordering::Acquire);
        while self.settled < taken
            && let Some(bytes) = self.under_way.pop_front()
        {
            self.settled += 1;
            self.bytes_under_way -= bytes;
        }
    }

    pub(super) fn has_to_write(&self) -> bool {
        !self.queue.is_empty() || self.stream.has_unwritten()
    }

    /// Queues what it is told.
    pub(super) fn tell(&mut self, piece: &Arc<[u8]>) {
        self.queued += piece.len();
        self.queue.push_back(Arc::clone(piece));
    }

    /// Writes what the stream takes without waiting.
    pub(super) fn write(&mut self, now: Instant) -> Result<(), Broken> {
        while self.has_to_write() {
            match self.write_once() {
                Ok(()) => self.stuck_since = None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_since.get_or_insert(now);
                    return Ok(());
                }
                Err(error) => return Err(Broken::from(error)),
            }
        }
        Ok(())
    }

    fn write_once(&mut self) -> io::Result<()> {
        let Some(first) = self.queue.front() else {
            return (&self.stream).flush();
        };
        let mut slices = Vec::with_capacity(TOGETHER);
        slices.push(IoSlice::new(first.get(self.written..).unwrap_or_default()));
        slices.extend(
            self.queue
                .iter()
                .skip(1)
                .take(TOGETHER - 1)
                .map(|piece| IoSlice::new(piece)),
        );
        match (&self.stream).write_vectored(&slices)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => {
                self.took(written);
                Ok(())
            }
        }
    }

    fn took(&mut self, mut written: usize) {
        self.queued -= written;
        while let Some(first) = self.queue.front() {
            let left = first.len() - self.written;
            if written < left {
                self.written += written;
                return;
            }
            written -= left;
            self.written = 0;
            self.queue.pop_front();
        }
    }

    /// Reads once from the stream, which has something, and what has come with that.
    pub(super) fn read(&mut self) -> Result<(), Broken> {
        self.read_once(&mut [0; CHUNK])?;
        self.read_arrived()
    }

    /// Reads what has come already, though nobody would see the stream become ready for it.
    pub(super) fn read_arrived(&mut self) -> Result<(), Broken> {
        while self.stream.has_arrived() {
            self.read_once(&mut [0; CHUNK])?;
        }
        Ok(())
    }

    fn read_once(&mut self, chunk: &mut [u8]) -> Result<(), Broken> {
        match (&self.stream).read(chunk) {
            Ok(0) => Err(Broken::Ended),
            Ok(length) => {
                self.decoder.feed(&chunk[..length]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(Broken::from(error)),
        }
    }

    /// The next request that has arrived whole; none while bytes are missing or the client is held back.
    pub(super) fn next_request(&mut self) -> Result<Option<Request>, Broken> {
        self.settle();
        while !self.is_held_back() && !self.is_leaving {
            let Some(frame) = self.decoder.next_frame().map_err(Broken::Unreadable)? else {
                return Ok(None);
            };
            if frame.header.kind == FrameKind::Ping {
                continue;
            }
            // What a newer release asks for beyond that is passed over.
            if let Some(request) = read_request(&frame).map_err(Broken::Unreadable)? {
                self.under_way.push_back(frame.body.len());
                self.bytes_under_way += frame.body.len();
                self.has_joined |= matches!(request, Request::ConnectSession { .. });
                self.last_asked = Instant::now();
                return Ok(Some(request));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
