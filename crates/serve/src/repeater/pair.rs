//! One client's connection and its server's, and the bytes between them.
//!
//! Each direction keeps no more than one piece that its receiver has not taken, and reads nothing meanwhile. An end of
//! one direction is passed on as such, behind everything that came before it. Read [`Pair::pass`] first.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use farsight_transport::Stream;
use farsight_transport::sys::Event;

/// Pieces that one direction passes before others have their turn.
const PIECES_AT_ONCE: usize = 8;

/// More often than that the two sides take turns only in a session: before it there are at most the opening of a sealed
/// channel and the first frame.
const OPENING_TURNS: u32 = 2;

/// More than that a server sends only in a session.
const OPENING_BYTES: u64 = 4096;

/// Which end of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

/// Two connections that are one.
#[derive(Debug)]
pub(super) struct Pair {
    client: Stream,
    server: Stream,
    to_server: Way,
    to_client: Way,
    /// How often the client has spoken behind the server's last word.
    turns: u32,
    /// Bytes that the server has sent.
    answered: u64,
    /// Who has spoken last.
    last: Option<End>,
}

/// One direction.
#[derive(Debug)]
struct Way {
    /// What the receiver has not taken.
    pending: Vec<u8>,
    /// How much of it it has taken after all.
    taken: usize,
    /// The sender may have sent something.
    readable: bool,
    /// The sender has announced its end: it is read until there.
    ends: bool,
    /// The receiver may take something.
    writable: bool,
    /// Nothing more comes from the sender.
    at_end: bool,
    /// The receiver knows that, or takes nothing any more.
    closed: bool,
}

impl Way {
    /// Both ends may be ready: what they are is found out by trying.
    fn new() -> Way {
        Way {
            pending: Vec::new(),
            taken: 0,
            readable: true,
            ends: false,
            writable: true,
            at_end: false,
            closed: false,
        }
    }
}

/// What became of a way in its turn.
enum Turn {
    /// It waits for one of its ends, or is closed.
    Waits,
    /// It could go on at once.
    GoesOn,
}

impl Pair {
    /// Of two connections that answer `WouldBlock` instead of waiting.
    pub(super) fn new(client: Stream, server: Stream) -> Pair {
        Pair {
            client,
            server,
            to_server: Way::new(),
            to_client: Way::new(),
            turns: 0,
            answered: 0,
            last: None,
        }
    }

    /// The stream of an end.
    pub(super) fn stream(&self, end: End) -> &Stream {
        match end {
            End::Client => &self.client,
            End::Server => &self.server,
        }
    }

    /// Notes what has happened at an end.
    pub(super) fn note(&mut self, end: End, event: Event) {
        let (from, to) = match end {
            End::Client => (&mut self.to_server, &mut self.to_client),
            End::Server => (&mut self.to_client, &mut self.to_server),
        };
        from.readable |= event.read || event.no_more || event.gone;
        from.ends |= event.no_more || event.gone;
        to.writable |= event.write || event.gone;
        if event.gone {
            self.close(end.other());
        }
    }

    /// Passes on what can be, in both directions; whether it could go on at once.
    pub(super) fn pass(&mut self, buffer: &mut [u8]) -> bool {
        let to_server = self.pass_from(End::Client, buffer);
        let to_client = self.pass_from(End::Server, buffer);
        matches!(to_server, Turn::GoesOn) || matches!(to_client, Turn::GoesOn)
    }

    /// Whether nothing more can pass.
    pub(super) fn is_over(&self) -> bool {
        self.to_server.closed && self.to_client.closed
    }

    /// Whether everything that the server will ever send has passed.
    pub(super) fn server_has_ended(&self) -> bool {
        self.to_client.closed
    }

    /// Whether more has passed than strangers and refused clients exchange with a server.
    pub(super) fn was_session(&self) -> bool {
        self.turns > OPENING_TURNS || self.answered > OPENING_BYTES
    }

    fn way(&mut self, from: End) -> &mut Way {
        match from {
            End::Client => &mut self.to_server,
            End::Server => &mut self.to_client,
        }
    }

    fn pass_from(&mut self, from: End, buffer: &mut [u8]) -> Turn {
        for _ in 0..PIECES_AT_ONCE {
            let way = self.way(from);
            if way.closed {
                return Turn::Waits;
            }
            if way.taken < way.pending.len() {
                if !way.writable {
                    return Turn::Waits;
                }
                self.write_pending(from);
            } else if way.at_end {
                // The receiver may be gone already.
                let _ = self.stream(from.other()).shutdown(Shutdown::Write);
                self.way(from).closed = true;
            } else if way.readable {
                self.read(from, buffer);
            } else {
                return Turn::Waits;
            }
        }
        Turn::GoesOn
    }

    /// Reads a piece and gives the receiver what it takes of it.
    fn read(&mut self, from: End, buffer: &mut [u8]) {
        let read = self.stream(from).take_piece(buffer);
        let way = self.way(from);
        match read {
            Ok(0) => way.at_end = true,
            Ok(length) => {
                // A short piece was all that there is; more is a new event. An end that was announced before is not.
                way.readable = way.ends || length == buffer.len();
                way.pending.clear();
                way.taken = 0;
                let Some(piece) = buffer.get(..length) else {
                    return;
                };
                self.count(from, length);
                self.give(from, piece);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => way.readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                way.at_end = true;
                // It takes nothing any more either.
                self.close(from.other());
            }
        }
    }

    /// Gives the receiver a piece; what it does not take is kept.
    fn give(&mut self, from: End, piece: &[u8]) {
        match self.stream(from.other()).give_piece(piece) {
            Ok(taken) if taken == piece.len() => {}
            Ok(taken) => self.keep(from, piece.get(taken..).unwrap_or_default(), true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.keep(from, piece, false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.keep(from, piece, true),
            Err(_) => self.close(from),
        }
    }

    fn keep(&mut self, from: End, rest: &[u8], writable: bool) {
        let way = self.way(from);
        way.pending.extend_from_slice(rest);
        way.writable = writable;
    }

    fn write_pending(&mut self, from: End) {
        let (receiver, way) = match from {
            End::Client => (&self.server, &mut self.to_server),
            End::Server => (&self.client, &mut self.to_client),
        };
        match receiver.give_piece(way.pending.get(way.taken..).unwrap_or_default()) {
            Ok(taken) => way.taken += taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => way.writable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return self.close(from),
        }
        if way.taken == way.pending.len() {
            // Given back to the system: most pairs are silent most of the time.
            way.pending = Vec::new();
            way.taken = 0;
        }
    }

    /// The receiver of this direction takes nothing any more: the sender need not send.
    fn close(&mut self, from: End) {
        let way = self.way(from);
        if way.closed {
            return;
        }
        way.closed = true;
        way.pending = Vec::new();
        way.taken = 0;
        // The sender may be gone as well.
        let _ = self.stream(from).shutdown(Shutdown::Read);
    }

    fn count(&mut self, from: End, length: usize) {
        match from {
            End::Client if self.last != Some(End::Client) => self.turns += 1,
            End::Client => {}
            End::Server => self.answered = self.answered.saturating_add(length as u64),
        }
        self.last = Some(from);
    }
}

impl End {
    pub(super) fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

/// Reading and writing without a mutable stream.
trait Pieces {
    fn take_piece(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn give_piece(&self, piece: &[u8]) -> io::Result<usize>;
}

impl Pieces for Stream {
    fn take_piece(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.read(buffer)
    }

    fn give_piece(&self, piece: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.write(piece)
    }
}
