//! The control socket between a listener and one session process: packets down and up, and its end, which each side
//! notices when the other is gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use farsight_transport::Stream;
use farsight_transport::sys::{recv_with_fd, send_with_fd, seqpacket_pair};

/// Longest packet: the first frame with its preamble, and what a client has pipelined behind it.
const LONGEST: usize = 64 << 10;

/// First byte of a packet down: a stream is handed over, the bytes read from it so far follow.
const STREAM: u8 = 1;
/// First byte of a packet up: the client asks the whole server to end.
const END_SERVER: u8 = 2;

/// One end of a control socket.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

/// What a listener hears from a session process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The client asks the server to end.
    EndServer,
    /// The session process is gone.
    Gone,
}

impl Control {
    pub(crate) fn pair() -> io::Result<(Control, Control)> {
        let (ours, theirs) = seqpacket_pair()?;
        Ok((Control(ours), Control(theirs)))
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> Control {
        Control(fd)
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub(crate) fn try_clone(&self) -> io::Result<Control> {
        self.0.try_clone().map(Control)
    }

    /// Hands a stream to a session process.
    pub(crate) fn hand_over(&self, stream: &Stream, read_so_far: &[u8]) -> io::Result<()> {
        let packet = [&[STREAM], read_so_far].concat();
        send_with_fd(&self.0, &packet, Some(stream.as_fd())).map(drop)
    }

    /// Waits for a stream; none when the listener is gone.
    pub(crate) fn receive(&self) -> io::Result<Option<(Stream, Vec<u8>)>> {
        let (packet, fd) = recv_with_fd(&self.0, LONGEST)?;
        match (packet.split_first(), fd) {
            (None, _) => Ok(None),
            (Some((&STREAM, bytes)), Some(fd)) => Ok(Some((Stream::from_fd(fd)?, bytes.to_vec()))),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the listener sent a packet that makes no sense",
            )),
        }
    }

    /// Asks the listener to end.
    pub(crate) fn ask_to_end(&self) -> io::Result<()> {
        send_with_fd(&self.0, &[END_SERVER], None).map(drop)
    }

    /// Takes what a session process says, when the socket is readable.
    pub(crate) fn hear(&self) -> Heard {
        match recv_with_fd(&self.0, LONGEST) {
            Ok((packet, _)) if packet.first() == Some(&END_SERVER) => Heard::EndServer,
            _ => Heard::Gone,
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
