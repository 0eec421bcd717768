//! A TLS handshake on a stream that never blocks: it is advanced when the stream is ready, so that one thread can hold
//! many, and it is bounded in bytes.
//!
//! A client of TLS 1.3 is done before the server has judged its certificate. Where the server asks for one it therefore
//! says when it is content, with one byte, and the client waits for that; so a refusal is told while dialling.

use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Connection, ServerConnection};

use super::carrier;
use super::fault::TlsFault;
use super::sides::is_ours;
use crate::connection_string::Thumbprint;
use crate::peer::Peer;
use crate::stream::Stream;
use crate::sys::{self, Wanted};

/// No handshake needs more bytes; the longest chain of certificates has a quarter of it.
const MOST_BYTES: usize = 256 << 10;

/// The server's word that it accepts the client's certificate.
const CONTENT: u8 = b'+';

/// A handshake that may not be finished.
#[derive(Debug)]
pub(crate) struct Handshake {
    connection: Connection,
    stream: Stream,
    /// Bytes that came.
    read: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// This side serves; `says_content` where it asks for a certificate.
    Server { says_content: bool },
    /// This side calls, and may be asked for a certificate.
    Client { was_asked: Arc<AtomicBool> },
    /// Only what is left to be written keeps it from being done.
    Done,
}

impl Handshake {
    pub(super) fn server(connection: ServerConnection, stream: Stream, is_mutual: bool) -> Result<Handshake, TlsFault> {
        let stage = Stage::Server {
            says_content: is_mutual,
        };
        Handshake::new(connection.into(), stream, stage)
    }

    pub(super) fn client(
        connection: ClientConnection,
        stream: Stream,
        was_asked: Arc<AtomicBool>,
    ) -> Result<Handshake, TlsFault> {
        Handshake::new(connection.into(), stream, Stage::Client { was_asked })
    }

    fn new(connection: Connection, stream: Stream, stage: Stage) -> Result<Handshake, TlsFault> {
        stream.set_nonblocking(true).map_err(broken)?;
        Ok(Handshake {
            connection,
            stream,
            read: 0,
            stage,
        })
    }

    /// Whether anything has come from the other side.
    pub(crate) fn has_heard(&self) -> bool {
        self.read > 0
    }

    /// What it waits for.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            fd: self.as_fd(),
            read: true,
            write: self.connection.wants_write(),
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Does what can be done without waiting; true when it is finished.
    pub(crate) fn advance(&mut self) -> Result<bool, TlsFault> {
        loop {
            self.write()?;
            if self.is_finished()? {
                return Ok(true);
            }
            match self.connection.read_tls(&mut &self.stream) {
                Ok(0) => return Err(self.ended()),
                Ok(length) => self.read += length,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::ConnectionReset => return Err(self.ended()),
                    _ => return Err(broken(error)),
                },
            }
            let heard = self.connection.protocol_version().is_some();
            if let Err(error) = self.connection.process_new_packets() {
                // The other side is told why, if it takes that at once.
                let _ = self.write();
                let _ = self.stream.shutdown(std::net::Shutdown::Write);
                return Err(TlsFault::of(&error, heard));
            }
            if self.read > MOST_BYTES {
                return Err(TlsFault::TooMuch);
            }
        }
    }

    fn write(&mut self) -> Result<(), TlsFault> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut &self.stream) {
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::Interrupted => {}
                    // What the other side said before it closed tells more.
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => return Ok(()),
                    _ => return Err(broken(error)),
                },
            }
        }
        Ok(())
    }

    fn is_finished(&mut self) -> Result<bool, TlsFault> {
        if self.connection.is_handshaking() {
            return Ok(false);
        }
        match &self.stage {
            Stage::Server { says_content } => {
                if *says_content {
                    self.connection.writer().write_all(&[CONTENT]).map_err(broken)?;
                }
                self.stage = Stage::Done;
                self.write()?;
            }
            Stage::Client { was_asked } => {
                if !is_ours(self.connection.alpn_protocol()) {
                    return Err(TlsFault::NotFarsight);
                }
                if was_asked.load(Ordering::Relaxed) {
                    let mut word = [0];
                    match self.connection.reader().read(&mut word) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                        Ok(1) if word == [CONTENT] => {}
                        Ok(0) | Err(_) => return Err(TlsFault::Closed),
                        Ok(_) => return Err(TlsFault::NotFarsight),
                    }
                }
                self.stage = Stage::Done;
            }
            Stage::Done => {}
        }
        Ok(!self.connection.wants_write())
    }

    fn ended(&self) -> TlsFault {
        match self.has_heard() {
            true => TlsFault::Closed,
            false => TlsFault::ClosedAtOnce,
        }
    }

    /// Waits until it is finished, at most so long.
    pub(super) fn run(mut self, time: Duration) -> Result<Handshake, TlsFault> {
        let deadline = Instant::now() + time;
        loop {
            if self.advance()? {
                return Ok(self);
            }
            // Looked at even where there is always something to read: it may come a byte at a time.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TlsFault::Silent { after: time });
            }
            sys::poll(&[self.wanted()], Some(left)).map_err(broken)?;
        }
    }

    /// Who is at the other end: where it is, and the certificate that it had to show.
    pub(crate) fn peer(&self) -> Peer {
        let Ok(from) = self.stream.peer() else {
            return Peer::Carried("ssl".to_owned());
        };
        let place = match &from {
            Peer::Tcp(_) => from.to_string().replacen("tcp", "ssl", 1),
            Peer::Pipe { .. } => from.to_string().replacen("npipe", "spipe", 1),
            Peer::Carried(_) | Peer::Over { .. } => format!("ssl over {from}"),
        };
        let shown = self.connection.peer_certificates().and_then(|chain| chain.first());
        let words = match (&self.connection, shown) {
            (Connection::Server(_), Some(certificate)) => {
                let thumbprint = Thumbprint::of(certificate).to_string();
                format!("{place} certificate {}", thumbprint.get(..16).unwrap_or_default())
            }
            _ => place,
        };
        let from = Box::new(from);
        Peer::Over { words, from }
    }

    /// Starts the thread that carries the bytes, and gives out the plain end.
    pub(crate) fn carry(self) -> Result<Stream, TlsFault> {
        let peer = self.peer();
        let plain = carrier::start(self.connection, self.stream).map_err(broken)?;
        Ok(Stream::carried(plain, peer))
    }
}

fn broken(error: io::Error) -> TlsFault {
    TlsFault::Broken(error.to_string())
}
