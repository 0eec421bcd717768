//! Frames: a fixed header, a CBOR body, and raw bulk bytes behind the body.
//!
//! All integers are little-endian. Every stream opens, in each direction, with [`PREAMBLE`]; then come frames:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | length of the body, bytes |
//! | 4 | 4 | length of the bulk, bytes |
//! | 8 | 1 | kind ([`FrameKind`]) |
//! | 9 | 1 | status of a reply ([`crate::CallStatus`]), else 0 |
//! | 10 | 2 | operation of a request, reply, urgent or event, else 0 |
//! | 12 | 4 | zero; ignored on reading |
//! | 16 | 8 | session id, 0 before there is one |
//! | 24 | 8 | number: of the request (requests, replies, urgent), of the event (events), of the ping (ping, pong) |
//! | 32 | 8 | number of the last event that the sender has seen |
//! | 40 | 8 | every reply up to this request number has reached the sender |

use crate::WireError;

/// What each side sends first. The first byte is no printable character, no TLS record and no telnet command, so that
/// nothing which speaks another protocol is taken for ours.
pub const PREAMBLE: [u8; 8] = *b"\xfaSIGHT\x01\n";

/// Length of a header in bytes.
pub const HEADER_LENGTH: usize = 48;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Client's first frame.
    Hello = 1,
    /// Server's answer: the session is open.
    Welcome = 2,
    /// Server's answer: there will be none.
    Refused = 3,
    /// Asks for an operation.
    Request = 4,
    /// Answers a request by its number.
    Reply = 5,
    /// Tells something; expects no answer.
    Event = 6,
    /// A request that overtakes all others and is not answered, such as break-in.
    Urgent = 7,
    /// Asks whether the peer is there.
    Ping = 8,
    /// Answers a ping by its number.
    Pong = 9,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<FrameKind> {
        use FrameKind::*;
        [Hello, Welcome, Refused, Request, Reply, Event, Urgent, Ping, Pong]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// The fields of a header other than the lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub kind: FrameKind,
    /// Status of a reply.
    pub status: u8,
    /// Operation number.
    pub operation: u16,
    /// Session id.
    pub session: u64,
    /// Request, event or ping number.
    pub number: u64,
    /// Last event seen by the sender.
    pub last_event: u64,
    /// All replies up to this request have reached the sender.
    pub last_reply: u64,
}

impl Header {
    /// A header with all numbers zero.
    pub fn new(kind: FrameKind) -> Header {
        Header {
            kind,
            status: 0,
            operation: 0,
            session: 0,
            number: 0,
            last_event: 0,
            last_reply: 0,
        }
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Everything but the lengths.
    pub header: Header,
    /// CBOR.
    pub body: Vec<u8>,
    /// Raw bytes, such as memory.
    pub bulk: Vec<u8>,
}

impl Frame {
    /// A frame without bulk.
    pub fn new(header: Header, body: Vec<u8>) -> Frame {
        Frame {
            header,
            body,
            bulk: Vec::new(),
        }
    }

    /// Header and body as they go out; the bulk follows them as it is, so that it need not be copied.
    pub fn encode_head(&self) -> Vec<u8> {
        let header = &self.header;
        let mut out = Vec::with_capacity(HEADER_LENGTH + self.body.len());
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.bulk.len() as u32).to_le_bytes());
        out.push(header.kind as u8);
        out.push(header.status);
        out.extend_from_slice(&header.operation.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        for number in [header.session, header.number, header.last_event, header.last_reply] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.body);
        out
    }

    /// The whole frame as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_head();
        out.extend_from_slice(&self.bulk);
        out
    }
}

/// How long a frame may be, in bytes. Checked before anything is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body.
    pub body: u32,
    /// Longest bulk.
    pub bulk: u32,
}

impl Limits {
    /// Until the peer is known: the first frame is small and carries no bulk.
    pub const FIRST_FRAME: Limits = Limits { body: 4096, bulk: 0 };
    /// In a session.
    pub const SESSION: Limits = Limits {
        body: 16 << 20,
        bulk: 16 << 20,
    };
}

/// Makes frames of bytes that arrive in any pieces.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    consumed: usize,
    limits: Limits,
    preamble_seen: bool,
}

impl Decoder {
    /// Expects the preamble and then one frame within [`Limits::FIRST_FRAME`].
    pub fn new() -> Decoder {
        Decoder {
            buffer: Vec::new(),
            consumed: 0,
            limits: Limits::FIRST_FRAME,
            preamble_seen: false,
        }
    }

    /// Sets the limits for the frames that follow.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes bytes from the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that were fed and are not part of any frame returned so far.
    pub fn unconsumed(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// The next whole frame; none while bytes are missing. After an error the stream is of no more use.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        if !self.preamble_seen {
            let bytes = self.unconsumed();
            let known = bytes.len().min(PREAMBLE.len());
            if bytes[..known] != PREAMBLE[..known] {
                return Err(WireError::NotOurs);
            }
            if known < PREAMBLE.len() {
                return Ok(None);
            }
            self.consumed += PREAMBLE.len();
            self.preamble_seen = true;
        }
        let bytes = self.unconsumed();
        let Some(head) = bytes.first_chunk::<HEADER_LENGTH>() else {
            return Ok(None);
        };
        let (body_length, bulk_length, header) = parse_header(head)?;
        check(body_length, self.limits.body)?;
        check(bulk_length, self.limits.bulk)?;
        let body_end = HEADER_LENGTH + body_length as usize;
        let end = body_end + bulk_length as usize;
        if bytes.len() < end {
            let missing = end - bytes.len();
            self.buffer.reserve(missing);
            return Ok(None);
        }
        let frame = Frame {
            header,
            body: bytes[HEADER_LENGTH..body_end].to_vec(),
            bulk: bytes[body_end..end].to_vec(),
        };
        self.consumed += end;
        Ok(Some(frame))
    }
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

fn check(claimed: u32, limit: u32) -> Result<(), WireError> {
    if claimed > limit {
        return Err(WireError::TooLong {
            claimed: u64::from(claimed),
            limit: u64::from(limit),
        });
    }
    Ok(())
}

fn parse_header(head: &[u8; HEADER_LENGTH]) -> Result<(u32, u32, Header), WireError> {
    let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    let kind = FrameKind::from_number(head[8]).ok_or(WireError::Unexpected {
        kind: head[8],
        phase: "reading a frame header",
    })?;
    let header = Header {
        kind,
        status: head[9],
        operation: u16::from_le_bytes([head[10], head[11]]),
        session: u64_at(16),
        number: u64_at(24),
        last_event: u64_at(32),
        last_reply: u64_at(40),
    };
    Ok((u32_at(0), u32_at(4), header))
}

#[cfg(test)]
mod tests;
