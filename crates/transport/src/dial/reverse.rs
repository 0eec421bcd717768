//! A client that its server calls (`clicon=` at the client): it listens, on one port, for one connection.
//!
//! Only the machine that `clicon=` names may call; connections from elsewhere are dropped and the wait goes on. That is no
//! proof of anything, so off loopback it takes a credential or the word `insecure`. Read [`Awaiting`] first.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::connection_string::{BindAddress, ClientEndpoint, ClientTransport, Host};
use crate::error::ConnectError;
use crate::listen::tcp::Plan;
use crate::stream::Stream;
use crate::sys;

/// Who waits: is told sentences that the user should know, and may end a wait that has no limit.
pub struct Wait<'w> {
    /// Told what was done on the way, or who is waited for and where.
    pub tell: &'w dyn Fn(String),
    /// Readable, or at its end, when the wait shall end.
    pub end: BorrowedFd<'w>,
}

/// Listens for a server that calls.
#[derive(Debug)]
pub struct Awaiting {
    listeners: Vec<TcpListener>,
    server: Host,
    port: u16,
    from: Origin,
}

impl Awaiting {
    /// Binds: loopback for a server on this machine, all addresses for one elsewhere, or what `server=` says. At most
    /// `timeout` is spent on the server's name.
    pub fn bind(transport: &ClientTransport, timeout: Duration) -> Result<Awaiting, ConnectError> {
        transport.require_supported()?;
        let (server, ports, bind, only_ipv6, is_proven) = match &transport.endpoint {
            ClientEndpoint::TcpReverse {
                server,
                ports,
                bind,
                only_ipv6,
                insecure,
            } => {
                let is_proven = *insecure || transport.credential.is_some();
                (server, *ports, *bind, *only_ipv6, is_proven)
            }
            // TLS proves the server always.
            ClientEndpoint::SslReverse {
                server, ports, bind, ..
            } => (server, *ports, *bind, false, true),
            _ => {
                return Err(ConnectError::NotInThisBuild {
                    what: "reversed connections of this kind",
                    text: transport.to_string(),
                });
            }
        };
        let found = super::addresses(server, ports.first(), false, timeout)?;
        let from = Origin::new(found.iter().map(SocketAddr::ip));
        let usual = match from.is_loopback() {
            true => BindAddress::Loopback,
            false => BindAddress::All,
        };
        let plan = Plan {
            ports,
            bind: bind.unwrap_or(usual),
            only_ipv6,
        };
        if !plan.is_loopback() && !is_proven {
            return Err(ConnectError::Unproven {
                text: transport.to_string(),
            });
        }
        let (listeners, port) = plan.bind()?;
        Ok(Awaiting {
            listeners,
            server: server.clone(),
            port,
            from,
        })
    }

    /// The machine that is waited for.
    pub fn server(&self) -> &Host {
        &self.server
    }

    /// The port that was found free.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The addresses that are bound.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// The descriptors to wait on; when one is readable, call [`Awaiting::accept_ready`].
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.listeners.iter().map(AsFd::as_fd).collect()
    }

    /// Takes a connection of the awaited machine that is there, without waiting. Others are dropped and not heard of.
    pub fn accept_ready(&self) -> io::Result<Option<Stream>> {
        for listener in &self.listeners {
            while let Some((socket, address)) = crate::listen::accept_one(|| listener.accept())? {
                if self.from.includes(address.ip()) {
                    return Stream::from_tcp(socket).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Waits for the server: until the wait is ended, or without one until the deadline.
    pub(super) fn wait(&self, deadline: Instant, wait: Option<&Wait<'_>>) -> Result<Stream, ConnectError> {
        let (server, port) = (self.server.clone(), self.port);
        let start = Instant::now();
        if let Some(wait) = wait {
            (wait.tell)(format!("waiting for {server} at port {port}; CTRL+C ends the wait"));
        }
        let mut descriptors = self.descriptors();
        descriptors.extend(wait.map(|wait| wait.end));
        let fail = |source| ConnectError::Unreachable {
            server: self.server.clone(),
            port: self.port,
            source,
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let ready = sys::poll_readable(&descriptors, wait.is_none().then_some(left)).map_err(fail)?;
            if wait.is_some() && ready.last() == Some(&true) {
                return Err(ConnectError::WaitEnded { server, port });
            }
            if let Some(stream) = self.accept_ready().map_err(fail)? {
                return Ok(stream);
            }
            if wait.is_none() && deadline <= Instant::now() {
                let after = deadline.saturating_duration_since(start);
                return Err(ConnectError::NotCalled { server, port, after });
            }
        }
    }
}

/// From where connections are taken.
#[derive(Debug)]
struct Origin {
    addresses: Vec<IpAddr>,
    /// The machine is this one, which may call from any of its addresses.
    is_here: bool,
}

impl Origin {
    fn new(addresses: impl Iterator<Item = IpAddr>) -> Origin {
        let addresses: Vec<IpAddr> = addresses.map(|address| address.to_canonical()).collect();
        let is_here = addresses.iter().any(|address| is_of_this_machine(*address));
        Origin { addresses, is_here }
    }

    fn is_loopback(&self) -> bool {
        self.addresses.iter().all(IpAddr::is_loopback)
    }

    fn includes(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses.contains(&address) || (self.is_here && is_of_this_machine(address))
    }
}

/// Whether the address is one of this machine's own: only then it is also where packets to it come from.
fn is_of_this_machine(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting such a socket sends nothing.
    let from = || {
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((address, 9)).ok()?;
        socket.local_addr().ok()
    };
    address.is_loopback() || from().is_some_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests;
