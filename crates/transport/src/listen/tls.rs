//! Listening for `ssl:` and `spipe:`: one thread accepts and drives every handshake that is not finished, so that a
//! stranger costs neither a thread nor more than a bounded number of bytes; who has finished is brought to the listener.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::arrivals::{Bringer, arrivals};
use super::pipe::PipeListener;
use super::{Brought, Carrier, Sockets, accept_one, may_connect, tcp};
use crate::connection_string::{BindAddress, PipeTemplate, Ports, ServerTransport, Tls};
use crate::error::ConnectError;
use crate::stream::Stream;
use crate::sys::{self, Ready, Wanted};
use crate::tls::{Handshake, ServerSide};
use crate::{carriers, pipe_directory};

/// Handshakes at a time. Where more come, the oldest of those that have said nothing is dropped, or else the oldest.
const MOST_HANDSHAKES: usize = 64;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Connections that are carried at a time; while there are as many, others wait in the system's queue.
const MOST_CARRIED: usize = 512;

/// How long nothing is accepted after accepting failed, or where too many are carried.
const REST: Duration = Duration::from_millis(100);

/// Connections that are accepted before everything else is looked at again.
const AT_ONCE: usize = 16;

/// Binds `ssl:`.
pub(super) fn bind(
    transport: &ServerTransport,
    tls: &Tls,
    ports: Ports,
    bind: BindAddress,
) -> Result<(ServerTransport, Sockets), ConnectError> {
    let side = ServerSide::load(tls)?;
    let plan = tcp::Plan {
        ports,
        bind,
        only_ipv6: false,
    };
    // The certificate proves the server to its clients, and nothing of them to it.
    let knows_clients = tls.pin.is_some() || transport.options.credential.is_some();
    if !plan.is_loopback() && !knows_clients && !transport.options.insecure {
        return Err(ConnectError::UnprovenClients {
            text: transport.to_string(),
        });
    }
    let (listeners, port) = plan.bind()?;
    let addresses = listeners.iter().filter_map(|socket| socket.local_addr().ok()).collect();
    let sockets = start(&side, Source::Tcp(listeners), addresses)?;
    Ok((transport.with_port(port), sockets))
}

/// Binds `spipe:`.
pub(super) fn bind_pipe(
    transport: &ServerTransport,
    tls: &Tls,
    name: &PipeTemplate,
) -> Result<(ServerTransport, Sockets), ConnectError> {
    let side = ServerSide::load(tls)?;
    let name = name.expand(std::process::id(), sys::thread_id());
    let pipe = PipeListener::bind(&pipe_directory::pipe_directory(), &name)?;
    let sockets = start(&side, Source::Pipe(pipe), Vec::new())?;
    Ok((transport.with_pipe(&name), sockets))
}

fn start(side: &ServerSide, source: Source, addresses: Vec<SocketAddr>) -> Result<Sockets, ConnectError> {
    let setup = |source: io::Error| ConnectError::Os {
        what: "begin to listen",
        source,
    };
    let (arrivals, bringer) = arrivals().map_err(setup)?;
    let (stop, stopped) = UnixStream::pair().map_err(setup)?;
    let door = Door {
        side: side.clone(),
        source,
        stopped,
        bringer,
        guests: Vec::new(),
        rest_until: None,
    };
    let builder = thread::Builder::new().name("tls-door".to_owned());
    let thread = builder.spawn(move || door.run()).map_err(setup)?;
    Ok(Sockets::Brought(Brought {
        arrivals,
        is_single: false,
        addresses,
        certificate: Some(side.thumbprint().clone()),
        _carrier: Box::new(DoorHandle {
            stop: Some(stop),
            thread: Some(thread),
        }),
    }))
}

/// Ends the door's thread, and waits until the ports and names are free.
#[derive(Debug)]
struct DoorHandle {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Carrier for DoorHandle {}

impl Drop for DoorHandle {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where connections come from.
enum Source {
    Tcp(Vec<TcpListener>),
    Pipe(PipeListener),
}

impl Source {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Source::Tcp(listeners) => listeners.iter().map(|listener| listener.as_fd()).collect(),
            Source::Pipe(pipe) => vec![pipe.as_fd()],
        }
    }

    /// Takes a connection from the socket at that place; `None` where none waits.
    fn accept(&self, place: usize) -> io::Result<Option<Stream>> {
        match self {
            Source::Tcp(listeners) => {
                let Some(listener) = listeners.get(place) else {
                    return Ok(None);
                };
                let accepted = accept_one(|| listener.accept())?;
                accepted.map(|(socket, _)| Stream::from_tcp(socket)).transpose()
            }
            Source::Pipe(pipe) => {
                while let Some((socket, _)) = accept_one(|| pipe.socket().accept())? {
                    let who = sys::peer_credentials(&socket)?;
                    if may_connect(who.uid, sys::effective_uid()) {
                        return Ok(Some(Stream::from_unix(socket)));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// What the thread has.
struct Door {
    side: ServerSide,
    source: Source,
    /// Ends when the listener does.
    stopped: UnixStream,
    bringer: Bringer,
    /// In the order in which they came.
    guests: Vec<Guest>,
    /// Nothing is accepted until then.
    rest_until: Option<Instant>,
}

struct Guest {
    handshake: Handshake,
    deadline: Instant,
}

impl Door {
    fn run(mut self) {
        while let Some((guests, sources)) = self.wait() {
            let now = Instant::now();
            let mut ready = guests.into_iter();
            for guest in std::mem::take(&mut self.guests) {
                let is_ready = ready
                    .next()
                    .is_some_and(|ready| ready.read || ready.write || ready.ended);
                if is_ready {
                    self.advance(guest);
                } else if guest.deadline > now {
                    self.guests.push(guest);
                }
            }
            for (place, ready) in sources.into_iter().enumerate() {
                if ready.read || ready.ended {
                    self.accept(place);
                }
            }
        }
    }

    /// What the guests and the listening sockets are ready for; `None` when the listener is gone.
    fn wait(&mut self) -> Option<(Vec<Ready>, Vec<Ready>)> {
        let now = Instant::now();
        if carriers::live() >= MOST_CARRIED {
            self.rest_until = Some(now + REST);
        }
        self.rest_until = self.rest_until.filter(|until| *until > now);
        let mut wanted = vec![Wanted::reading(self.stopped.as_fd())];
        wanted.extend(self.guests.iter().map(|guest| guest.handshake.wanted()));
        if self.rest_until.is_none() {
            wanted.extend(self.source.descriptors().into_iter().map(Wanted::reading));
        }
        let deadlines = self.guests.iter().map(|guest| guest.deadline);
        let next = deadlines.chain(self.rest_until).min();
        let time = next.map(|next| next.saturating_duration_since(now));
        let mut ready = sys::poll(&wanted, time).ok()?.into_iter();
        let stopped = ready.next()?;
        let guests = ready.by_ref().take(self.guests.len()).collect();
        (!stopped.read && !stopped.ended).then(|| (guests, ready.collect()))
    }

    fn accept(&mut self, place: usize) {
        for _ in 0..AT_ONCE {
            match self.source.accept(place) {
                Ok(Some(stream)) => {
                    let Ok(handshake) = self.side.begin(stream) else {
                        continue;
                    };
                    if self.guests.len() == MOST_HANDSHAKES {
                        let silent = self.guests.iter().position(|guest| !guest.handshake.has_heard());
                        self.guests.remove(silent.unwrap_or(0));
                    }
                    self.advance(Guest {
                        handshake,
                        deadline: Instant::now() + HANDSHAKE,
                    });
                }
                Ok(None) => return,
                Err(_) => {
                    self.rest_until = Some(Instant::now() + REST);
                    return;
                }
            }
        }
    }

    /// Goes on with one; who fails is gone.
    fn advance(&mut self, mut guest: Guest) {
        match guest.handshake.advance() {
            // However much it sends, its time is over at the end of it.
            Ok(false) if guest.deadline <= Instant::now() => {}
            Ok(false) => self.guests.push(guest),
            Ok(true) => {
                let peer = guest.handshake.peer();
                if let Ok(stream) = guest.handshake.carry() {
                    // A listener that is gone shows at the next turn.
                    let _ = self.bringer.bring(stream, peer);
                }
            }
            Err(_) => {}
        }
    }
}
