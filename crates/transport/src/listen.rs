//! A listener: everything that one server transport binds, accepted from as one.
//!
//! It accepts and says who came; it reads no byte. It asks a resolver only where it calls its client (`clicon=`).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use farsight_types::{AccessRole, OsPid};
use zeroize::Zeroizing;

use crate::channel::handshake::ChannelError;
use crate::channel::key::Key;
use crate::channel::locks::{Locks, lesser_keys};
use crate::connection_string::{
    ClientTransport, Credential, Host, NEW_KEY, Ports, Secret, ServerEndpoint, ServerTransport, Thumbprint,
};
use crate::error::ConnectError;
use crate::peer::Peer;
use crate::stream::Stream;
use crate::tls::ServerSide;
use crate::{pipe_directory, secrets, sys};

pub use stdio::relay_standard_streams;

mod arrivals;
mod com;
mod pipe;
mod reverse;
mod stdio;
pub(crate) mod tcp;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use com::peer as com_peer;

#[cfg(test)]
pub(crate) mod tests;

/// The sockets of one server transport. Dropping it frees the ports, or removes the pipe.
#[derive(Debug)]
pub struct Listener {
    bound: ServerTransport,
    /// The ports that were asked for.
    ports: Option<Ports>,
    /// The key that clients must know was drawn for this listener: its user does not know it yet.
    has_drawn_key: bool,
    sockets: Sockets,
}

#[derive(Debug)]
enum Sockets {
    Tcp {
        listeners: Vec<TcpListener>,
        /// Where the next look begins, so that a busy socket cannot starve the other.
        next: AtomicUsize,
    },
    Pipe(pipe::PipeListener),
    Brought(Brought),
}

/// Connections that need work of ours before they are streams.
#[derive(Debug)]
pub(crate) struct Brought {
    arrivals: arrivals::Arrivals,
    /// No more than one connection ever comes.
    is_single: bool,
    /// The TCP addresses that are bound for them.
    addresses: Vec<SocketAddr>,
    /// The certificate that clients are shown.
    certificate: Option<Thumbprint>,
    /// What brings them; dropping it ends that, and frees what it holds.
    _carrier: Box<dyn Carrier>,
}

/// Brings connections to a listener as long as it is not dropped.
pub(crate) trait Carrier: std::fmt::Debug + Send {}

impl Listener {
    /// Binds what the transport says: loopback unless it names an address, the first free port of a range.
    pub fn bind(transport: &ServerTransport) -> Result<Listener, ConnectError> {
        transport.require_supported()?;
        let has_drawn_key =
            matches!(&transport.options.credential, Some(Credential::Key(key)) if key.expose() == NEW_KEY);
        let mut secured = transport.clone();
        secured.options.credential = transport.options.credential.as_ref().map(own_secret).transpose()?;
        let transport = &secured;
        let (bound, sockets) = match &transport.endpoint {
            ServerEndpoint::Tcp { ports, bind, only_ipv6 } => {
                let open = transport.options.insecure || transport.options.credential.is_some();
                let plan = tcp::Plan {
                    ports: *ports,
                    bind: *bind,
                    only_ipv6: *only_ipv6,
                };
                if !plan.is_loopback() && !open {
                    return Err(ConnectError::Unprotected {
                        text: transport.to_string(),
                    });
                }
                let (listeners, port) = plan.bind()?;
                (
                    transport.with_port(port),
                    Sockets::Tcp {
                        listeners,
                        next: AtomicUsize::new(0),
                    },
                )
            }
            ServerEndpoint::Pipe { name } => {
                let name = name.expand(std::process::id(), sys::thread_id());
                let pipe = pipe::PipeListener::bind(&pipe_directory::pipe_directory(), &name)?;
                (transport.with_pipe(&name), Sockets::Pipe(pipe))
            }
            ServerEndpoint::TcpReverse {
                port,
                client,
                only_ipv6,
            } => {
                let open = transport.options.insecure || transport.options.credential.is_some();
                let is_loopback = reverse::is_loopback(client, *port, *only_ipv6)?;
                if !is_loopback && !open {
                    return Err(ConnectError::UnprotectedCall {
                        text: transport.to_string(),
                    });
                }
                let brought = reverse::call(client, *port, *only_ipv6, None)?;
                (transport.clone(), Sockets::Brought(brought))
            }
            ServerEndpoint::SslReverse { tls, port, client } => {
                let side = ServerSide::load(tls)?;
                let knows_clients = tls.pin.is_some() || transport.options.credential.is_some();
                if !knows_clients && !transport.options.insecure && !reverse::is_loopback(client, *port, false)? {
                    return Err(ConnectError::UnprotectedCall {
                        text: transport.to_string(),
                    });
                }
                let brought = reverse::call(client, *port, false, Some(side))?;
                (transport.clone(), Sockets::Brought(brought))
            }
            #[cfg(feature = "tls")]
            ServerEndpoint::Ssl { tls, ports, bind } => tls::bind(transport, tls, *ports, *bind)?,
            #[cfg(feature = "tls")]
            ServerEndpoint::SecurePipe { tls, name } => tls::bind_pipe(transport, tls, name)?,
            #[cfg(not(feature = "tls"))]
            ServerEndpoint::Ssl { tls, .. } | ServerEndpoint::SecurePipe { tls, .. } => match ServerSide::load(tls)? {},
            ServerEndpoint::Stdio => (transport.clone(), Sockets::Brought(stdio::bind()?)),
            ServerEndpoint::Com { port, baud, channel } => {
                (transport.clone(), Sockets::Brought(com::bind(port, *baud, *channel)?))
            }
        };
        let ports = match &transport.endpoint {
            ServerEndpoint::Tcp { ports, .. } | ServerEndpoint::Ssl { ports, .. } => Some(*ports),
            _ => None,
        };
        Ok(Listener {
            bound,
            ports,
            has_drawn_key,
            sockets,
        })
    }

    /// The transport as it is bound: the port that was found, the pipe's final name.
    pub fn transport(&self) -> &ServerTransport {
        &self.bound
    }

    /// The transport as listings of servers show it: the port that was found, and behind it the end of the range that was
    /// asked for.
    pub fn listed_transport(&self) -> ServerTransport {
        let listed = self.ports.map(|asked| self.bound.with_range(asked));
        listed.unwrap_or_else(|| self.bound.clone()).without_pin()
    }

    /// What of the transport a client on this machine gives to come here.
    pub fn for_clients_here(&self) -> ServerTransport {
        let mut short = self.bound.for_clients_here();
        if let (Some(shown), Some(tls)) = (self.certificate(), short.tls_mut()) {
            *tls = tls.for_clients(shown);
        }
        short
    }

    /// The certificate that clients are shown, where they are shown one.
    fn certificate(&self) -> Option<&Thumbprint> {
        match &self.sockets {
            Sockets::Brought(brought) => brought.certificate.as_ref(),
            _ => None,
        }
    }

    /// What a client is given to reach this listener; `machine` is what other machines call this one.
    pub fn client_transport(&self, machine: &Host) -> Option<ClientTransport> {
        let mut client = self.bound.client_transport(machine)?;
        if let (Some(shown), Some(tls)) = (self.certificate(), client.tls_mut()) {
            *tls = tls.for_clients(shown);
        }
        Some(client)
    }

    /// What clients must know; `has_roles` where they may be of lesser roles than the listener's.
    pub fn locks(&self, has_roles: bool) -> Locks {
        Locks::of(&self.bound.options, has_roles)
    }

    /// The strings that clients paste to come here, each with the role that it opens where they differ: for the user alone who
    /// owns the server. Keys of this listener's own drawing are in them; one that the user gave is not, for the user knows it.
    pub fn invitations(&self, has_roles: bool) -> Vec<(Option<AccessRole>, Zeroizing<String>)> {
        let own = Key::read(match &self.bound.options.credential {
            Some(Credential::Key(written)) if self.has_drawn_key => written.expose(),
            _ => "",
        });
        let Some((own, client)) = own.zip(self.client_transport(&self.machine())) else {
            return vec![(None, Zeroizing::new(self.client_string()))];
        };
        let with = |key: &Key| {
            let mut client = client.clone();
            client.credential = Some(Credential::Key(Secret::new(&key.write())));
            client.reveal()
        };
        if !has_roles {
            return vec![(None, with(&own))];
        }
        let role = self.bound.options.role;
        let lesser = lesser_keys(&own, role).map(|(role, key)| (Some(role), with(&key)));
        std::iter::once((Some(role.unwrap_or(AccessRole::Owner)), with(&own)))
            .chain(lesser)
            .collect()
    }

    /// What clients call this machine; a listener that only this machine reaches says so.
    fn machine(&self) -> Host {
        let loopback = self.local_addresses().iter().all(|address| address.ip().is_loopback());
        match self.bound.calls_as() {
            Some(machine) => machine,
            None if loopback => Host::localhost(),
            None => Host::this_machine(),
        }
    }

    /// What a client gives to come here, as a connection string; a listener that only this machine reaches says so.
    pub fn client_string(&self) -> String {
        let client = self.client_transport(&self.machine());
        client.map_or_else(|| self.bound.to_string(), |client| client.to_string())
    }

    /// The TCP addresses that are bound; none for a pipe.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        match &self.sockets {
            Sockets::Tcp { listeners, .. } => listeners.iter().filter_map(|socket| socket.local_addr().ok()).collect(),
            Sockets::Pipe(_) => Vec::new(),
            Sockets::Brought(brought) => brought.addresses.clone(),
        }
    }

    /// The descriptors to wait on in an outer poll; when one is readable, call [`accept_ready`](Self::accept_ready).
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.sockets {
            Sockets::Tcp { listeners, .. } => listeners.iter().map(AsFd::as_fd).collect(),
            Sockets::Pipe(pipe) => vec![pipe.as_fd()],
            Sockets::Brought(brought) => vec![brought.arrivals.as_fd()],
        }
    }

    /// Whether no more than one connection ever comes: a server is done when that has ended.
    pub fn is_single(&self) -> bool {
        matches!(&self.sockets, Sockets::Brought(brought) if brought.is_single)
    }

    /// Whether the only connection that ever comes has come.
    pub fn is_over(&self) -> bool {
        matches!(&self.sockets, Sockets::Brought(brought) if brought.is_single && brought.arrivals.has_given())
    }

    /// Waits for the next connection.
    ///
    /// An error (for instance that no descriptor is left) does not harm the listener; wait before trying again.
    pub fn accept(&self) -> io::Result<(Stream, Peer)> {
        loop {
            sys::poll_readable(&self.descriptors(), None)?;
            if let Some(accepted) = self.accept_ready()? {
                return Ok(accepted);
            }
        }
    }

    /// Takes a connection that is already there, without waiting.
    ///
    /// Strangers at a pipe (neither this user nor root) are dropped here and are not heard of.
    pub fn accept_ready(&self) -> io::Result<Option<(Stream, Peer)>> {
        match &self.sockets {
            Sockets::Tcp { listeners, next } => {
                let first = next.load(Ordering::Relaxed);
                for (turn, listener) in (first..).zip(listeners.iter().cycle().skip(first).take(listeners.len())) {
                    if let Some((socket, address)) = accept_one(|| listener.accept())? {
                        next.store((turn + 1) % listeners.len(), Ordering::Relaxed);
                        return Ok(Some((Stream::from_tcp(socket)?, Peer::Tcp(address))));
                    }
                }
                Ok(None)
            }
            Sockets::Brought(brought) => brought.arrivals.take(),
            Sockets::Pipe(pipe) => {
                while let Some((socket, _)) = accept_one(|| pipe.socket().accept())? {
                    let who = sys::peer_credentials(&socket)?;
                    if may_connect(who.uid, sys::effective_uid()) {
                        let peer = Peer::Pipe {
                            process: OsPid(who.process),
                            uid: who.uid,
                        };
                        return Ok(Some((Stream::from_unix(socket), peer)));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// The secret that clients must know: where it says `new`, one is drawn.
fn own_secret(credential: &Credential) -> Result<Credential, ConnectError> {
    match credential {
        Credential::Key(written) if written.expose() == NEW_KEY => {
            let key = Key::draw().map_err(|_| ChannelError::NoRandomness)?;
            Ok(Credential::Key(Secret::new(&key.write())))
        }
        credential => secrets::resolve(credential),
    }
}

/// Whom a pipe serves: the server's own user, and root, who could do anything to the server anyway.
fn may_connect(uid: u32, own: u32) -> bool {
    uid == own || uid == 0
}

/// Accepts without waiting; connections that died in the queue are not the caller's business.
pub(crate) fn accept_one<T>(mut accept: impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    loop {
        match accept() {
            Ok(accepted) => return Ok(Some(accepted)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if is_transient(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Linux passes errors of the not yet accepted connection through accept; they mean "try the next one".
fn is_transient(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0);
    matches!(
        code,
        libc::EINTR
            | libc::ECONNABORTED
            | libc::ENETDOWN
            | libc::EPROTO
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::ENETUNREACH
    )
}
