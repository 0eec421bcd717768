//! Connecting to a server, and saying plainly why it did not work.
//!
//! The only place where names are resolved. A client that its server calls (`clicon=`) does not dial but waits; who dials
//! then is the server's listener, from here as well.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::client::{proof, secure};
use crate::connection_string::{ClientEndpoint, ClientTransport, Host, PipeName};
use crate::error::ConnectError;
use crate::stream::Stream;
use crate::tls::ClientSide;
use crate::{pipe_directory, sys};

mod reverse;
mod ssh;

#[doc(hidden)]
pub use ssh::read_words;

mod com;

#[cfg(test)]
mod tests;

pub use reverse::{Awaiting, Wait};

/// Connects to what the transport says, spending at most `timeout` on name, addresses and all, and proves the password or
/// key that it has: the stream of one that has is sealed. A client that its server calls waits no longer either.
pub fn dial(transport: &ClientTransport, timeout: Duration) -> Result<Stream, ConnectError> {
    dial_or_wait(transport, timeout, None)
}

/// As [`dial`], but a client that its server calls (`clicon=`) waits for it until the wait is ended: people walk from
/// machine to machine to start servers. It is told what was done on the way that the user should know.
pub fn dial_or_wait(
    transport: &ClientTransport,
    timeout: Duration,
    wait: Option<&Wait<'_>>,
) -> Result<Stream, ConnectError> {
    transport.require_supported()?;
    let proof = transport.credential.as_ref().map(proof).transpose()?;
    let stream = connect(transport, timeout, wait)?;
    match proof {
        // Whoever listens may take its time anew: a wait before it must not shorten this.
        Some(proof) => secure(stream, &proof, Instant::now() + timeout),
        None => Ok(stream),
    }
}

fn connect(transport: &ClientTransport, timeout: Duration, wait: Option<&Wait<'_>>) -> Result<Stream, ConnectError> {
    match &transport.endpoint {
        ClientEndpoint::Tcp {
            server,
            port,
            only_ipv6,
        } => call(server, *port, *only_ipv6, timeout),
        ClientEndpoint::TcpReverse { .. } => {
            let deadline = Instant::now() + timeout;
            Awaiting::bind(transport, timeout)?.wait(deadline, wait)
        }
        ClientEndpoint::SslReverse { tls, server, .. } => {
            let side = ClientSide::load(tls, server)?;
            let deadline = Instant::now() + timeout;
            let stream = Awaiting::bind(transport, timeout)?.wait(deadline, wait)?;
            // However long was waited for the call, it is a call of now.
            side.wrap(stream, timeout)
        }
        ClientEndpoint::Pipe { server, name } => dial_pipe_of(server, name, timeout),
        ClientEndpoint::Ssl { tls, server, port } => {
            let start = Instant::now();
            // What is wrong with this side's certificate is said before anybody is called.
            let side = ClientSide::load(tls, server)?;
            let stream = call(server, *port, false, timeout)?;
            side.wrap(stream, timeout.saturating_sub(start.elapsed()))
        }
        ClientEndpoint::SecurePipe { tls, server, name } => {
            let start = Instant::now();
            let side = ClientSide::load(tls, server)?;
            let stream = dial_pipe_of(server, name, timeout)?;
            side.wrap(stream, timeout.saturating_sub(start.elapsed()))
        }
        ClientEndpoint::Ssh {
            user,
            server,
            port,
            pipe,
        } => {
            let login = ssh::Login {
                user: user.as_deref(),
                server,
                port: *port,
                pipe: pipe.as_ref(),
            };
            let nobody: &dyn Fn(String) = &|_| {};
            let tell = wait.map_or(nobody, |wait| wait.tell);
            ssh::dial(login, timeout, tell)
        }
        ClientEndpoint::Com { port, baud, channel } => com::dial(port, *baud, *channel, timeout),
        // `require_supported` has refused everything else.
        _ => Err(ConnectError::NotInThisBuild {
            what: "connections of this kind",
            text: transport.to_string(),
        }),
    }
}

/// Calls a machine's port, spending at most `timeout`.
pub(crate) fn call(server: &Host, port: u16, only_ipv6: bool, timeout: Duration) -> Result<Stream, ConnectError> {
    let start = Instant::now();
    let dialling = Dialling {
        server,
        port,
        only_ipv6,
        timeout,
        start,
    };
    dialling.dial()
}

/// Every address of a machine.
pub(crate) fn addresses(
    server: &Host,
    port: u16,
    only_ipv6: bool,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let start = Instant::now();
    let dialling = Dialling {
        server,
        port,
        only_ipv6,
        timeout,
        start,
    };
    dialling.addresses()
}

struct Dialling<'t> {
    server: &'t Host,
    port: u16,
    only_ipv6: bool,
    timeout: Duration,
    start: Instant,
}

impl Dialling<'_> {
    fn dial(&self) -> Result<Stream, ConnectError> {
        let addresses = self.addresses()?;
        let mut failure = None;
        for (index, address) in addresses.iter().enumerate() {
            // One address that swallows packets must not use up the time of those after it.
            let share = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let time = self.left()? / share;
            match connect_to_another(address, time.max(Duration::from_millis(1))).and_then(Stream::from_tcp) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(more_telling(failure, error)),
            }
        }
        Err(self.explain(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())))
    }

    fn left(&self) -> Result<Duration, ConnectError> {
        match self.timeout.checked_sub(self.start.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(self.timed_out()),
        }
    }

    /// Every address of the machine; `localhost` is not asked of a resolver, which may not know it.
    fn addresses(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        let name = self.server.as_str();
        let found = if name.eq_ignore_ascii_case("localhost") || name == "." {
            let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            both.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect()
        } else if let Ok(ip) = name.parse::<IpAddr>() {
            vec![SocketAddr::new(ip, self.port)]
        } else {
            self.resolve(name)?
        };
        let mut wanted: Vec<SocketAddr> = Vec::new();
        for address in found {
            if (address.is_ipv6() || !self.only_ipv6) && !wanted.contains(&address) {
                wanted.push(address);
            }
        }
        match wanted.is_empty() {
            true => {
                let source = io::Error::new(io::ErrorKind::NotFound, "it has no address of the wanted IP version");
                Err(ConnectError::UnknownHost {
                    server: self.server.clone(),
                    source,
                })
            }
            false => Ok(wanted),
        }
    }

    /// Asks the resolver on a thread of its own: it takes no deadline, and may take half a minute to give up.
    fn resolve(&self, name: &str) -> Result<Vec<SocketAddr>, ConnectError> {
        let (sender, receiver) = mpsc::channel();
        let (name, port) = (name.to_owned(), self.port);
        let unknown = |source| ConnectError::UnknownHost {
            server: self.server.clone(),
            source,
        };
        let ask = move || {
            let answer = (name.as_str(), port).to_socket_addrs().map(|found| found.collect());
            // Nobody waits any more when the time was over.
            let _ = sender.send(answer);
        };
        thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(ask)
            .map_err(unknown)?;
        match receiver.recv_timeout(self.left()?) {
            Ok(answer) => answer.map_err(unknown),
            Err(_) => Err(unknown(io::Error::new(
                io::ErrorKind::TimedOut,
                "the resolver did not answer in time",
            ))),
        }
    }

    fn timed_out(&self) -> ConnectError {
        ConnectError::TimedOut {
            server: self.server.clone(),
            port: self.port,
            after: self.timeout,
        }
    }

    fn explain(&self, source: io::Error) -> ConnectError {
        let (server, port) = (self.server.clone(), self.port);
        match source.kind() {
            io::ErrorKind::ConnectionRefused => ConnectError::Refused { server, port, source },
            io::ErrorKind::TimedOut => self.timed_out(),
            _ => ConnectError::Unreachable { server, port, source },
        }
    }
}

/// Connects, but not to this very socket: that is what comes, now and then, of calling a port of this machine at which
/// nobody listens, and from which the system lets the call go out.
fn connect_to_another(address: &SocketAddr, time: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(address, time)?;
    match socket.local_addr()? == socket.peer_addr()? {
        true => Err(io::ErrorKind::ConnectionRefused.into()),
        false => Ok(socket),
    }
}

/// A machine that refused is there; one that was silent may be; an unreachable address says least.
fn more_telling(before: Option<io::Error>, now: io::Error) -> io::Error {
    let worth = |error: &io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => 2,
        io::ErrorKind::TimedOut => 1,
        _ => 0,
    };
    match before {
        Some(before) if worth(&before) >= worth(&now) => before,
        _ => now,
    }
}

/// Whether a name given with `npipe:` means this machine. A longer name than the machine's own may mean another one.
pub(crate) fn is_this_machine(server: &Host, own: Option<&str>) -> bool {
    let Some(own) = own else {
        return server.is_loopback();
    };
    let short = own.split('.').next().unwrap_or(own);
    let given = server.as_str();
    server.is_loopback() || given.eq_ignore_ascii_case(own) || given.eq_ignore_ascii_case(short)
}

fn dial_pipe_of(server: &Host, name: &PipeName, timeout: Duration) -> Result<Stream, ConnectError> {
    if !is_this_machine(server, sys::host_name().as_deref()) {
        return Err(ConnectError::OtherMachine { server: server.clone() });
    }
    dial_pipe(&pipe_directory::pipe_directory(), name, timeout)
}

pub(crate) fn dial_pipe(directory: &Path, name: &PipeName, timeout: Duration) -> Result<Stream, ConnectError> {
    let files = pipe_directory::pipe_files(directory, name)?;
    pipe_directory::verify(directory)?;
    let path = files.socket;
    let socket = match sys::connect_unix(&path, timeout) {
        Ok(fd) => UnixStream::from(fd),
        Err(source) => {
            let name = name.clone();
            return Err(match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ConnectError::NoSuchPipe { name, path, source }
                }
                io::ErrorKind::WouldBlock => {
                    let source = io::Error::new(io::ErrorKind::TimedOut, "the server does not accept connections");
                    ConnectError::Pipe { name, path, source }
                }
                _ => ConnectError::Pipe { name, path, source },
            });
        }
    };
    Ok(Stream::from_unix(socket))
}
