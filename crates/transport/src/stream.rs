//! A connected byte stream, whatever carries it.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use farsight_types::OsPid;

use crate::peer::Peer;
use crate::sys;

/// A connected stream; a TCP one never delays small writes.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    /// Who is at the other end, where the socket itself does not know: something of ours carries the bytes on.
    carried_to: Option<Peer>,
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
        }
    }

    fn over(socket: Socket) -> Stream {
        Stream {
            socket,
            carried_to: None,
        }
    }

    /// Two ends that are connected to each other.
    pub fn pair() -> io::Result<(Stream, Stream)> {
        let (one, other) = UnixStream::pair()?;
        Ok((Stream::from_unix(one), Stream::from_unix(other)))
    }

    /// Takes a connected socket that came from elsewhere, such as another process; what is not a stream is refused.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Stream> {
        match sys::socket_family(&fd)? {
            sys::Family::Tcp => Stream::from_tcp(TcpStream::from(fd)),
            sys::Family::Unix => Ok(Stream::from_unix(UnixStream::from(fd))),
        }
    }

    /// Gives up the socket, for instance to hand it to another process.
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

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(&self.socket, socket => (&*socket).read(buffer))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        either!(&self.socket, socket => (&*socket).read_vectored(buffers))
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(&self.socket, socket => (&*socket).write(bytes))
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(&self.socket, socket => (&*socket).write_vectored(buffers))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
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
        Ok(())
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
