//! A connected byte stream, whatever carries it.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use farsight_seal::Sealing;
use farsight_types::OsPid;
use zeroize::Zeroizing;

use crate::channel::Channel;
use crate::channel::handshake::Finished;
use crate::peer::Peer;
use crate::sys;

/// Characters of a carried peer's name that another process is told.
const LONGEST_WORDS: usize = 256;

/// A connected stream; a TCP one never delays small writes.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    /// Who is at the other end, where the socket itself does not know: something of ours carries the bytes on.
    carried_to: Option<Peer>,
    /// Everything that goes through the socket is sealed.
    channel: Option<Arc<Channel>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Calls the same method on whichever socket it is.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Socket::Tcp($socket) => $call,
            Socket::Unix($socket) => $call,
        }
    };
}

impl Stream {
    /// Takes a TCP connection and sets it up as all streams are.
    pub fn from_tcp(socket: TcpStream) -> io::Result<Stream> {
        socket.set_nodelay(true)?;
        // Without it a peer whose machine vanished would never be missed, and its debuggees be held for ever.
        sys::keep_alive(&socket)?;
        Ok(Stream::over(Socket::Tcp(socket)))
    }

    /// Takes a connection through a Unix socket.
    pub fn from_unix(socket: UnixStream) -> Stream {
        Stream::over(Socket::Unix(socket))
    }

    /// Takes one end of a pair whose other end a thread or a process of ours carries on to `peer`.
    pub fn carried(socket: UnixStream, peer: Peer) -> Stream {
        Stream {
            socket: Socket::Unix(socket),
            carried_to: Some(peer),
            channel: None,
        }
    }

    fn over(socket: Socket) -> Stream {
        Stream {
            socket,
            carried_to: None,
            channel: None,
        }
    }

    /// Two ends that are connected to each other.
    pub fn pair() -> io::Result<(Stream, Stream)> {
        let (one, other) = UnixStream::pair()?;
        Ok((Stream::from_unix(one), Stream::from_unix(other)))
    }

    /// The same stream with everything sealed from now on, for all handles that are made of it.
    pub(crate) fn sealed(mut self, finished: Finished) -> Stream {
        self.channel = Some(Arc::new(Channel::new(finished.keys, &finished.rest)));
        self
    }

    /// Whether password or key protect it.
    pub fn is_sealed(&self) -> bool {
        self.channel.is_some()
    }

    /// What another process of ours needs beside the socket to go on with it. From then on this one must not use it.
    pub fn state(&self) -> Zeroizing<Vec<u8>> {
        let words = match &self.carried_to {
            Some(peer) => peer.to_string(),
            None => String::new(),
        };
        let words: String = words.chars().take(LONGEST_WORDS).collect();
        let mut state = Zeroizing::new((words.len() as u16).to_le_bytes().to_vec());
        state.extend_from_slice(words.as_bytes());
        if let Some(channel) = &self.channel {
            state.extend_from_slice(&channel.state());
        }
        state
    }

    /// Goes on with a stream of another process of ours, from its socket and its [`Stream::state`].
    pub fn taken_over(fd: OwnedFd, state: &[u8]) -> io::Result<Stream> {
        let odd = || io::Error::new(io::ErrorKind::InvalidData, "the state of a stream makes no sense");
        let (length, rest) = state.split_first_chunk::<2>().ok_or_else(odd)?;
        let words = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)));
        let (words, channel) = words.ok_or_else(odd)?;
        let mut stream = Stream::from_fd(fd)?;
        if !words.is_empty() {
            stream.carried_to = Some(Peer::Carried(String::from_utf8_lossy(words).into_owned()));
        }
        if !channel.is_empty() {
            stream.channel = Some(Arc::new(Channel::from_state(channel).ok_or_else(odd)?));
        }
        Ok(stream)
    }

    /// Whether a read would find bytes that have arrived already, so that nobody need wait for the socket.
    pub fn has_arrived(&self) -> bool {
        let channel = self.channel.as_ref();
        channel.is_some_and(|channel| channel.opening().has_something())
    }

    /// Whether bytes that were taken have not gone out: a socket that does not wait was full. They go before anything
    /// else, with the next write or flush.
    pub fn has_unwritten(&self) -> bool {
        let channel = self.channel.as_ref();
        channel.is_some_and(|channel| !channel.sealing().unwritten().is_empty())
    }

    /// Takes a connected socket that came from elsewhere, such as another process; what is not a stream is refused.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Stream> {
        match sys::socket_family(&fd)? {
            sys::Family::Tcp => Stream::from_tcp(TcpStream::from(fd)),
            sys::Family::Unix => Ok(Stream::from_unix(UnixStream::from(fd))),
        }
    }

    /// Gives up the socket of a stream that is not sealed, for instance to hand it to another process.
    pub fn into_fd(self) -> OwnedFd {
        either!(self.socket, socket => socket.into())
    }

    /// A second handle on the same connection.
    pub fn try_clone(&self) -> io::Result<Stream> {
        let socket = match &self.socket {
            Socket::Tcp(socket) => Socket::Tcp(socket.try_clone()?),
            Socket::Unix(socket) => Socket::Unix(socket.try_clone()?),
        };
        Ok(Stream {
            socket,
            carried_to: self.carried_to.clone(),
            channel: self.channel.clone(),
        })
    }

    /// Ends one or both directions for all handles on the connection; a blocked read elsewhere returns.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        either!(&self.socket, socket => socket.shutdown(how))
    }

    /// Who is at the other end.
    pub fn peer(&self) -> io::Result<Peer> {
        if let Some(peer) = &self.carried_to {
            return Ok(peer.clone());
        }
        match &self.socket {
            Socket::Tcp(socket) => Ok(Peer::Tcp(socket.peer_addr()?)),
            Socket::Unix(socket) => {
                let credentials = sys::peer_credentials(socket)?;
                Ok(Peer::Pipe {
                    process: OsPid(credentials.process),
                    uid: credentials.uid,
                })
            }
        }
    }

    /// How long a read may block; `None` is for ever, zero is refused.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        either!(&self.socket, socket => socket.set_read_timeout(timeout))
    }

    /// How long a write may block; `None` is for ever, zero is refused.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        either!(&self.socket, socket => socket.set_write_timeout(timeout))
    }

    /// Whether reads and writes answer `WouldBlock` instead of waiting; holds for all handles on the connection.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        either!(&self.socket, socket => socket.set_nonblocking(nonblocking))
    }
}

impl Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => { let mut socket = socket; socket.read(buffer) })
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, socket => { let mut socket = socket; socket.write(bytes) })
    }

    /// Reads through a channel: nothing is given out that was not sealed by the peer.
    fn read_sealed(&self, channel: &Channel, buffer: &mut [u8]) -> io::Result<usize> {
        let broken = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut opening = channel.opening();
        loop {
            match opening.take(buffer).map_err(broken)? {
                0 if buffer.is_empty() => return Ok(0),
                0 => {}
                length => return Ok(length),
            }
            match self.read(opening.room(buffer.len()))? {
                0 if opening.is_within_record() => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => return Ok(0),
                length => opening.received(length),
            }
        }
    }

    /// Writes through a channel. What is sealed counts as written, though a socket that does not wait may not take all of
    /// it: the rest goes first next time.
    fn write_sealed(&self, channel: &Channel, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut sealing = channel.sealing();
        self.write_out(&mut sealing)?;
        let sealed = sealing.seal(slices);
        match self.write_out(&mut sealing) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(sealed),
        }
    }

    fn write_out(&self, sealing: &mut Sealing) -> io::Result<()> {
        while !sealing.unwritten().is_empty() {
            match self.write(sealing.unwritten()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => sealing.wrote(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.channel {
            Some(channel) => self.socket.read_sealed(channel, buffer),
            None => self.socket.read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.channel {
            Some(channel) => self.socket.write_sealed(channel, &[IoSlice::new(bytes)]),
            None => self.socket.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.channel {
            Some(channel) => self.socket.write_sealed(channel, slices),
            None => either!(&self.socket, socket => { let mut socket = socket; socket.write_vectored(slices) }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.channel {
            Some(channel) => self.socket.write_out(&mut channel.sealing()),
            None => Ok(()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(&self.socket, socket => socket.as_fd())
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        either!(&self.socket, socket => socket.as_raw_fd())
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> OwnedFd {
        stream.into_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn tcp_pair() -> (Stream, Stream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        (Stream::from_tcp(near).unwrap(), Stream::from_tcp(far).unwrap())
    }

    #[test]
    fn a_stream_survives_the_way_through_a_descriptor() {
        for (near, far) in [tcp_pair(), Stream::pair().unwrap()] {
            let tcp = matches!(near.socket, Socket::Tcp(_));
            let near = Stream::from_fd(near.into_fd()).unwrap();
            assert_eq!(tcp, matches!(near.socket, Socket::Tcp(_)));
            (&near).write_all(b"hello").unwrap();
            let mut bytes = [0; 5];
            (&far).read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"hello");
        }
    }

    #[test]
    fn what_is_not_a_connected_stream_is_refused() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(Stream::from_fd(file.into()).is_err());
        let (datagrams, _other) = sys::seqpacket_pair().unwrap();
        assert!(Stream::from_fd(datagrams).is_err());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(Stream::from_fd(listener.into()).is_err());
    }

    #[test]
    fn small_writes_are_never_delayed() {
        let (near, far) = tcp_pair();
        let (Socket::Tcp(near), Socket::Tcp(far)) = (near.socket, far.socket) else {
            panic!("not tcp")
        };
        assert!(near.nodelay().unwrap() && far.nodelay().unwrap());
    }

    #[test]
    fn shutdown_wakes_a_reader_on_another_handle() {
        let (near, _far) = Stream::pair().unwrap();
        let reader = near.try_clone().unwrap();
        let thread = std::thread::spawn(move || (&reader).read(&mut [0; 8]));
        near.shutdown(Shutdown::Both).unwrap();
        assert_eq!(thread.join().unwrap().unwrap(), 0);
    }

    #[test]
    fn a_pipe_peer_is_this_process() {
        let (near, _far) = Stream::pair().unwrap();
        let Peer::Pipe { process, .. } = near.peer().unwrap() else {
            panic!("not a pipe")
        };
        assert_eq!(process.0, std::process::id());
    }

    #[test]
    fn a_read_times_out() {
        let (near, _far) = tcp_pair();
        near.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let error = (&near).read(&mut [0; 1]).unwrap_err();
        assert!(matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        ));
    }
}
