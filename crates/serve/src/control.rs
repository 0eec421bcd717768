//! The control socket between a listener and one session process: packets down and up, and its end, which each side
//! notices when the other is gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use farsight_transport::Stream;
use farsight_transport::sys::{recv_with_fd, send_with_fd, seqpacket_pair};
use zeroize::Zeroizing;

/// Longest packet: the first frame with its preamble, what a client has pipelined behind it, and of a sealed stream the
/// records that came with it.
const LONGEST: usize = 192 << 10;

/// First byte of a packet down: a stream is handed over, the bytes read from it so far follow.
const STREAM: u8 = 1;
/// The same, from a program that is no listener and hears nothing.
const LOCAL_STREAM: u8 = 3;
/// First byte of a packet down: who else holds targets, a line each.
const HOLDERS: u8 = 4;
/// First byte of a packet up: the client asks the whole server to end.
const END_SERVER: u8 = 2;
/// First byte of a packet up: what the session holds, in words; no words for nothing.
const HOLDS: u8 = 5;
/// First byte of a packet up: who else holds targets?
const WHO_HOLDS: u8 = 6;

/// First byte of a packet up: the client is gone, and the session only keeps what it abandoned.
const CLIENT_GONE: u8 = 7;

/// One end of a control socket.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

/// What a listener hears from a session process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The client asks the server to end.
    EndServer,
    /// What it holds now.
    Holds(String),
    /// It asks who else holds targets.
    WhoHolds,
    /// Its client is gone, and it only keeps what that abandoned.
    ClientGone,
    /// The session process is gone.
    Gone,
}

/// What a session process hears from the one that started it.
pub(crate) enum Ordered {
    /// A client's stream, the bytes read from it, and whether there is a listener that hears.
    Serve {
        stream: Stream,
        read_so_far: Vec<u8>,
        has_listener: bool,
    },
    /// Who else holds targets.
    Holders(Vec<String>),
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
        let state = stream.state();
        let length = (state.len() as u32).to_le_bytes();
        // Its keys are in it.
        let packet = Zeroizing::new([&[STREAM], &length[..], &state, read_so_far].concat());
        send_with_fd(&self.0, &packet, Some(stream.as_fd())).map(drop)
    }

    /// Hands a stream to a session process of this program's own, which is not listened to.
    pub(crate) fn hand_over_locally(&self, stream: &Stream) -> io::Result<()> {
        send_with_fd(&self.0, &[LOCAL_STREAM], Some(stream.as_fd())).map(drop)
    }

    /// Tells a session process who else holds targets.
    pub(crate) fn tell_holders(&self, holders: &[&str]) -> io::Result<()> {
        let mut packet = [&[HOLDERS], holders.join("\n").as_bytes()].concat();
        packet.truncate(LONGEST);
        send_with_fd(&self.0, &packet, None).map(drop)
    }

    /// Waits for an order; none when the listener is gone.
    pub(crate) fn receive(&self) -> io::Result<Option<Ordered>> {
        let (packet, fd) = recv_with_fd(&self.0, LONGEST)?;
        match (packet.split_first(), fd) {
            (None, _) => Ok(None),
            (Some((&LOCAL_STREAM, _)), Some(fd)) => Ok(Some(Ordered::Serve {
                stream: Stream::from_fd(fd)?,
                read_so_far: Vec::new(),
                has_listener: false,
            })),
            (Some((&STREAM, bytes)), Some(fd)) => {
                let split = bytes.split_first_chunk::<4>();
                let split =
                    split.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
                let (state, read_so_far) = split.ok_or_else(senseless)?;
                Ok(Some(Ordered::Serve {
                    stream: Stream::taken_over(fd, state)?,
                    read_so_far: read_so_far.to_vec(),
                    has_listener: true,
                }))
            }
            (Some((&HOLDERS, text)), None) => {
                let text = String::from_utf8_lossy(text);
                Ok(Some(Ordered::Holders(text.lines().map(str::to_owned).collect())))
            }
            _ => Err(senseless()),
        }
    }

    /// Tells the listener what this session holds.
    pub(crate) fn tell_holds(&self, targets: &str) -> io::Result<()> {
        let mut packet = [&[HOLDS], targets.as_bytes()].concat();
        packet.truncate(LONGEST);
        send_with_fd(&self.0, &packet, None).map(drop)
    }

    /// Asks the listener who else holds targets.
    pub(crate) fn ask_who_holds(&self) -> io::Result<()> {
        send_with_fd(&self.0, &[WHO_HOLDS], None).map(drop)
    }

    /// Tells the listener that the client is gone.
    pub(crate) fn tell_client_gone(&self) -> io::Result<()> {
        send_with_fd(&self.0, &[CLIENT_GONE], None).map(drop)
    }

    /// Asks the listener to end.
    pub(crate) fn ask_to_end(&self) -> io::Result<()> {
        send_with_fd(&self.0, &[END_SERVER], None).map(drop)
    }

    /// Takes what a session process says, when the socket is readable.
    pub(crate) fn hear(&self) -> Heard {
        match recv_with_fd(&self.0, LONGEST) {
            Ok((packet, _)) => match packet.split_first() {
                Some((&END_SERVER, _)) => Heard::EndServer,
                Some((&WHO_HOLDS, _)) => Heard::WhoHolds,
                Some((&CLIENT_GONE, _)) => Heard::ClientGone,
                Some((&HOLDS, text)) => Heard::Holds(String::from_utf8_lossy(text).into_owned()),
                _ => Heard::Gone,
            },
            Err(_) => Heard::Gone,
        }
    }
}

fn senseless() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the listener sent a packet that makes no sense",
    )
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
