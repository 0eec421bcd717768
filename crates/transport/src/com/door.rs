//! What a line process and the programs that use its port say to each other, over Unix sockets of one user.
//!
//! A program connects and makes one request. It is answered once; then the socket is the connection (for a call), or the
//! place where connections arrive, a descriptor with each answer (for a server), or only a reason to stay (for a holder).

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::SerialError;
use super::frame::VERSION;
use super::port::Port;

/// How a request begins: what it is for, and the version of both protocols.
const MAGIC: [u8; 4] = [b'F', b'L', 1, VERSION];

/// Bytes of a request and of an answer.
pub(super) const REQUEST: usize = 14;
pub(super) const ANSWER: usize = 5;

/// What a program wants of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) wish: Wish,
    /// The rate that it thinks the line has.
    pub(super) baud: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Connections to a channel of this end.
    Serve { channel: u8 },
    /// A connection to a channel of the other end, within a time.
    Call { channel: u8, within: Duration },
    /// That the line stays open.
    Hold,
}

impl Request {
    pub(super) fn encode(self) -> [u8; REQUEST] {
        let (kind, channel, within) = match self.wish {
            Wish::Serve { channel } => (1, channel, Duration::ZERO),
            Wish::Call { channel, within } => (2, channel, within),
            Wish::Hold => (3, 0, Duration::ZERO),
        };
        let mut bytes = [0; REQUEST];
        let milliseconds = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        let fields = MAGIC.into_iter().chain(self.baud.to_le_bytes()).chain([kind, channel]);
        for (to, from) in bytes.iter_mut().zip(fields.chain(milliseconds.to_le_bytes())) {
            *to = from;
        }
        bytes
    }

    /// Reads a request; nothing for one of another release.
    pub(super) fn read(bytes: [u8; REQUEST]) -> Option<Request> {
        let [m0, m1, m2, m3, b0, b1, b2, b3, kind, channel, t0, t1, t2, t3] = bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return None;
        }
        let within = Duration::from_millis(u32::from_le_bytes([t0, t1, t2, t3]).into());
        let wish = match kind {
            1 => Wish::Serve { channel },
            2 => Wish::Call { channel, within },
            3 => Wish::Hold,
            _ => return None,
        };
        Some(Request {
            wish,
            baud: u32::from_le_bytes([b0, b1, b2, b3]),
        })
    }
}

/// What a line process answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is done.
    Done,
    /// The line has another rate.
    OtherBaud(u32),
    /// That process serves the channel.
    ChannelTaken(u32),
    NobodyServes,
    Nothing,
    Text,
    Noise,
    Echo,
    OtherRelease(u32),
    Full,
    TimedOut,
    /// The request cannot be read.
    Unknown,
}

impl Answer {
    pub(super) fn encode(self) -> [u8; ANSWER] {
        let (code, number) = match self {
            Answer::Done => (0, 0),
            Answer::OtherBaud(baud) => (1, baud),
            Answer::ChannelTaken(process) => (2, process),
            Answer::NobodyServes => (3, 0),
            Answer::Nothing => (4, 0),
            Answer::Text => (5, 0),
            Answer::Noise => (6, 0),
            Answer::Echo => (7, 0),
            Answer::OtherRelease(version) => (8, version),
            Answer::Full => (9, 0),
            Answer::TimedOut => (10, 0),
            Answer::Unknown => (11, 0),
        };
        let [n0, n1, n2, n3] = u32::to_le_bytes(number);
        [code, n0, n1, n2, n3]
    }

    pub(super) fn read(bytes: [u8; ANSWER]) -> Answer {
        let [code, n0, n1, n2, n3] = bytes;
        let number = u32::from_le_bytes([n0, n1, n2, n3]);
        match code {
            0 => Answer::Done,
            1 => Answer::OtherBaud(number),
            2 => Answer::ChannelTaken(number),
            3 => Answer::NobodyServes,
            4 => Answer::Nothing,
            5 => Answer::Text,
            6 => Answer::Noise,
            7 => Answer::Echo,
            8 => Answer::OtherRelease(number),
            9 => Answer::Full,
            10 => Answer::TimedOut,
            _ => Answer::Unknown,
        }
    }

    /// The answer in words for the user who asked for that.
    pub(super) fn result(self, port: &Port, request: Request) -> Result<(), SerialError> {
        let (channel, after) = match request.wish {
            Wish::Serve { channel } => (channel, Duration::ZERO),
            Wish::Call { channel, within } => (channel, within),
            Wish::Hold => (0, Duration::ZERO),
        };
        let (port, baud): (PathBuf, u32) = (port.path.clone(), request.baud);
        Err(match self {
            Answer::Done => return Ok(()),
            Answer::OtherBaud(open) => SerialError::OtherBaud {
                port,
                open,
                asked: baud,
            },
            Answer::ChannelTaken(process) => SerialError::ChannelTaken { port, channel, process },
            Answer::NobodyServes => SerialError::NobodyServes { port, channel },
            Answer::Nothing => SerialError::Nothing { port, baud },
            Answer::Text => SerialError::Text { port },
            Answer::Noise => SerialError::Noise { port, baud },
            Answer::Echo => SerialError::Echo { port },
            Answer::OtherRelease(version) => SerialError::OtherRelease {
                port,
                version: u8::try_from(version).unwrap_or(u8::MAX),
            },
            Answer::Full => SerialError::Full { port },
            Answer::TimedOut => SerialError::TimedOut { port, after },
            Answer::Unknown => SerialError::OtherReleaseHere { port },
        })
    }
}

/// Asks and waits for the answer, as long as the socket's time-outs allow.
pub(super) fn ask(mut socket: impl Read + Write, request: Request) -> io::Result<Answer> {
    socket.write_all(&request.encode())?;
    let mut answer = [0; ANSWER];
    socket.read_exact(&mut answer)?;
    Ok(Answer::read(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_come_through_and_others_do_not() {
        let wishes = [
            Wish::Serve { channel: 254 },
            Wish::Call {
                channel: 0,
                within: Duration::from_millis(10_000),
            },
            Wish::Hold,
        ];
        for wish in wishes {
            let request = Request { wish, baud: 115_200 };
            assert_eq!(Request::read(request.encode()), Some(request));
            for at in [0, 1, 2, 3, 8] {
                let mut changed = request.encode();
                changed[at] ^= 0x40;
                assert_eq!(Request::read(changed), None);
            }
        }
        for code in 0..=11 {
            let answer = Answer::read([code, 1, 0, 0, 0]);
            assert_eq!(answer.encode()[0], code);
            let port = Port {
                path: "/dev/ttyS0".into(),
            };
            let request = Request {
                wish: Wish::Serve { channel: 7 },
                baud: 9_600,
            };
            let shown = answer.result(&port, request);
            assert_eq!(shown.is_ok(), code == 0);
            assert!(shown.err().is_none_or(|error| error.to_string().contains("/dev/ttyS0")));
        }
    }
}
