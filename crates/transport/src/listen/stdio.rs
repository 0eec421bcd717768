//! `stdio:`: the program's own standard input and output as the only connection that ever comes.
//!
//! Whoever started the program holds the other ends: ssh, another tunnel, a script. Where both are one socket it is the
//! stream, and nobody copies anything; otherwise a thread carries bytes between them and a socket pair.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::arrivals::arrivals;
use super::{Brought, Carrier};
use crate::connection_string::PipeName;
use crate::dial::dial_pipe;
use crate::error::ConnectError;
use crate::peer::Peer;
use crate::stream::Stream;
use crate::sys::{Ready, Wanted};
use crate::{pipe_directory, sys};

/// What is on its way in one direction, at most.
const ROOM: usize = 64 << 10;

/// How long the other end may take to take the last that was written, once nobody listens any more.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long a server of this machine may take to take a connection.
const RELAY_TIME: Duration = Duration::from_secs(10);

/// Takes standard input and output; what is printed to them from now on goes nowhere.
pub(super) fn bind() -> Result<Brought, ConnectError> {
    for (is_terminal, which) in [
        (io::stdin().is_terminal(), "input"),
        (io::stdout().is_terminal(), "output"),
    ] {
        if is_terminal {
            return Err(ConnectError::StandardTerminal { which });
        }
    }
    let fault = |source| ConnectError::StandardStreams { source };
    let (input, output) = sys::take_standard_streams().map_err(fault)?;
    bring(input, output).map_err(fault)
}

/// Carries standard input and output to the server that has a pipe of this machine, and back, until it or whoever stands at
/// the other ends is gone. Once the server is there, `begin` is called; what it writes comes before what the server says.
pub fn relay_standard_streams(name: &PipeName, begin: impl FnOnce() -> io::Result<()>) -> Result<(), ConnectError> {
    let fault = |source| ConnectError::StandardStreams { source };
    let socket = dial_pipe(&pipe_directory::pipe_directory(), name, RELAY_TIME)?;
    begin().map_err(fault)?;
    let (input, output) = sys::take_standard_streams().map_err(fault)?;
    let carry = Carry::over(input, output, socket.into_fd().into()).map_err(fault)?;
    let (_bell, rope) = UnixStream::pair().map_err(fault)?;
    carry.run(&rope);
    Ok(())
}

fn bring(input: OwnedFd, output: OwnedFd) -> io::Result<Brought> {
    let (arrivals, bringer) = arrivals()?;
    let peer = Peer::Carried("standard input and output".to_owned());
    let (stream, carrier) = match is_one_socket(&input, &output)? {
        true => (Stream::from_fd(input)?, Standard::default()),
        false => {
            let (near, far) = UnixStream::pair()?;
            (
                Stream::carried(near, peer.clone()),
                Standard::start(input, output, far)?,
            )
        }
    };
    // The other end of the queue is here still.
    let _ = bringer.bring(stream, peer);
    Ok(Brought {
        arrivals,
        is_single: true,
        addresses: Vec::new(),
        certificate: None,
        _carrier: Box::new(carrier),
    })
}

fn is_one_socket(input: &OwnedFd, output: &OwnedFd) -> io::Result<bool> {
    let place = |fd: &OwnedFd| {
        let found = File::from(fd.try_clone()?).metadata()?;
        io::Result::Ok((found.dev(), found.ino()))
    };
    Ok(sys::socket_family(input).is_ok() && place(input)? == place(output)?)
}

/// Ends the thread, if there is one, as soon as all has been taken that was written.
#[derive(Debug, Default)]
struct Standard {
    thread: Option<(UnixStream, JoinHandle<()>)>,
}

impl Carrier for Standard {}

impl Standard {
    fn start(input: OwnedFd, output: OwnedFd, socket: UnixStream) -> io::Result<Standard> {
        let (bell, rope) = UnixStream::pair()?;
        let carry = Carry::over(input, output, socket)?;
        let thread = thread::Builder::new()
            .name("stdio".to_owned())
            .stack_size(64 << 10)
            .spawn(move || carry.run(&rope))?;
        Ok(Standard {
            thread: Some((bell, thread)),
        })
    }
}

impl Drop for Standard {
    fn drop(&mut self) {
        if let Some((bell, thread)) = self.thread.take() {
            drop(bell);
            // A panic in it has told of itself.
            let _ = thread.join();
        }
    }
}

/// Bytes that were read on one side and not yet written on the other.
struct Buffer {
    bytes: Box<[u8]>,
    written: usize,
    filled: usize,
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer {
            bytes: vec![0; ROOM].into(),
            written: 0,
            filled: 0,
        }
    }
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.written == self.filled
    }

    fn clear(&mut self) {
        (self.written, self.filled) = (0, 0);
    }

    /// Reads once, into an empty buffer; false at the end.
    fn fill(&mut self, mut from: impl Read) -> bool {
        let read = match from.read(&mut self.bytes) {
            Ok(read) => Some(read),
            Err(error) if is_passing(&error) => None,
            Err(_) => Some(0),
        };
        (self.written, self.filled) = (0, read.unwrap_or(0));
        read != Some(0)
    }

    /// Writes once; false where nobody takes it any more.
    fn empty(&mut self, mut to: impl Write) -> bool {
        match to.write(self.bytes.get(self.written..self.filled).unwrap_or_default()) {
            Ok(written) => {
                self.written += written;
                true
            }
            Err(error) => is_passing(&error),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Carries both ways, and the ends of both.
struct Carry {
    /// None once it has ended, or nobody takes what it says.
    input: Option<File>,
    /// None once everything is said.
    output: Option<File>,
    socket: UnixStream,
    inward: Buffer,
    outward: Buffer,
    /// Nobody listens any more: only what is written already is carried, and not for longer.
    last_words_until: Option<Instant>,
}

impl Carry {
    fn over(input: OwnedFd, output: OwnedFd, socket: UnixStream) -> io::Result<Carry> {
        for fd in [input.as_fd(), output.as_fd(), socket.as_fd()] {
            sys::set_nonblocking(fd)?;
        }
        Ok(Carry {
            input: Some(File::from(input)),
            output: Some(File::from(output)),
            socket,
            inward: Buffer::default(),
            outward: Buffer::default(),
            last_words_until: None,
        })
    }

    /// Carries until nothing more is said outward: with its answers a session is over.
    fn run(mut self, rope: &UnixStream) {
        while self.output.is_some() {
            let left = self
                .last_words_until
                .map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            let Some(ready) = self.wait(rope, left) else { return };
            let [input, output, socket, ending] = ready;
            self.carry_in(input, socket);
            self.carry_out(output, socket);
            if self.last_words_until.is_none() && (ending.read || ending.ended) {
                self.input = None;
                self.last_words_until = Some(Instant::now() + LAST_WORDS);
            }
            if self.last_words_until.is_some() && self.outward.is_empty() && !self.has_more() {
                return;
            }
        }
    }

    /// Waits for whatever can go on.
    fn wait(&self, rope: &UnixStream, time: Option<Duration>) -> Option<[Ready; 4]> {
        let socket = Wanted {
            fd: self.socket.as_fd(),
            read: self.output.is_some() && self.outward.is_empty(),
            write: !self.inward.is_empty(),
        };
        let places = [
            self.input
                .as_ref()
                .filter(|_| self.inward.is_empty())
                .map(|input| Wanted::reading(input.as_fd())),
            // Looked at even with nothing to write: it shows that the other end is gone.
            self.output.as_ref().map(|output| Wanted {
                fd: output.as_fd(),
                read: false,
                write: !self.outward.is_empty(),
            }),
            (socket.read || socket.write).then_some(socket),
            self.last_words_until.is_none().then(|| Wanted::reading(rope.as_fd())),
        ];
        let wanted: Vec<Wanted<'_>> = places.iter().flatten().copied().collect();
        let mut found = sys::poll(&wanted, time).ok()?.into_iter();
        Some(places.map(|place| place.and_then(|_| found.next()).unwrap_or_default()))
    }

    fn carry_in(&mut self, input: Ready, socket: Ready) {
        if (input.read || input.ended) && self.inward.is_empty() {
            let goes_on = self.input.as_ref().is_some_and(|input| self.inward.fill(input));
            if !goes_on {
                self.input = None;
            }
        }
        let can_write = socket.write || socket.ended || input.read;
        if !self.inward.is_empty() && can_write && !self.inward.empty(&self.socket) {
            self.inward.clear();
            self.input = None;
        }
        if self.input.is_none() && self.inward.is_empty() {
            // Already done, or gone: the same.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }

    fn carry_out(&mut self, output: Ready, socket: Ready) {
        let Some(to) = &self.output else { return };
        if self.outward.is_empty() && (socket.read || socket.ended) && !self.outward.fill(&self.socket) {
            self.output = None;
            return;
        }
        let is_gone = output.ended || (!self.outward.is_empty() && !self.outward.empty(to));
        if is_gone {
            // Whoever cannot hear is not served any more, whatever may still come from there.
            self.output = None;
            self.input = None;
            self.inward.clear();
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }

    /// Whether something is written already that was not carried.
    fn has_more(&mut self) -> bool {
        self.output.is_some() && self.outward.fill(&self.socket) && !self.outward.is_empty()
    }
}

#[cfg(test)]
mod tests;
