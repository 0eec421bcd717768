//! A repeater's way to its server: a call for each client, or the server's own call (`clicon=`).

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use farsight_transport::sys::poll_readable;
use farsight_transport::{Awaiting, ClientEndpoint, ClientTransport, ConnectError, Stream, dial};

/// How long a call may take: less than a client waits for its first answer, so that it is told of an end and does not
/// have to guess.
const CALL: Duration = Duration::from_secs(8);

/// Between two calls of a server that a client who was called waits for.
const PAUSE: Duration = Duration::from_millis(100);

/// Where servers' connections come from.
pub(super) enum Servers {
    /// The repeater calls.
    Called(Caller),
    /// The server calls.
    Awaited(Awaiting),
}

impl Servers {
    /// Binds where the server calls; nothing is called yet.
    pub(super) fn bind(transport: &ClientTransport) -> Result<Servers, ConnectError> {
        transport.require_supported()?;
        match transport.endpoint {
            ClientEndpoint::TcpReverse { .. } => Awaiting::bind(transport, CALL).map(Servers::Awaited),
            _ => {
                let caller = Caller::new(transport.clone());
                caller
                    .map(Servers::Called)
                    .map_err(|source| no_thread(transport, source))
            }
        }
    }

    /// What to wait for until a connection may have come.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Servers::Called(caller) => vec![caller.bell.as_fd()],
            Servers::Awaited(awaiting) => awaiting.descriptors(),
        }
    }
}

/// Calls the server, each time on a thread of its own: names and far machines take their time.
pub(super) struct Caller {
    transport: ClientTransport,
    called: Receiver<Called>,
    /// Given to the threads.
    results: Sender<Called>,
    /// Readable when something was called.
    bell: UnixStream,
    rope: Arc<UnixStream>,
    /// At its end when this is dropped.
    end: UnixStream,
    _end: UnixStream,
}

/// What came of a call.
pub(super) struct Called {
    /// For which client, by the repeater's count.
    pub(super) client: usize,
    /// The connection.
    pub(super) result: Result<Stream, ConnectError>,
}

impl Caller {
    fn new(transport: ClientTransport) -> io::Result<Caller> {
        let (bell, rope) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let (end, other) = UnixStream::pair()?;
        let (results, called) = channel();
        Ok(Caller {
            transport,
            called,
            results,
            bell,
            rope: Arc::new(rope),
            end,
            _end: other,
        })
    }

    /// Calls for a client; a patient one waits a while for a server that is not there yet.
    pub(super) fn call(&self, client: usize, is_patient: bool) -> Result<(), ConnectError> {
        let fail = |source| no_thread(&self.transport, source);
        let (transport, results, rope) = (self.transport.clone(), self.results.clone(), Arc::clone(&self.rope));
        let end = self.end.try_clone().map_err(fail)?;
        let work = move || {
            let patience = if is_patient { CALL } else { Duration::ZERO };
            let result = call(&transport, patience, &end);
            // The repeater may have ended.
            if results.send(Called { client, result }).is_ok() {
                let _ = (&*rope).write_all(&[0]);
            }
        };
        let started = thread::Builder::new().name("server-call".into()).spawn(work);
        started.map(drop).map_err(fail)
    }

    /// The next call that came to something.
    pub(super) fn take(&self) -> Option<Called> {
        // Rings that are left over are looked at in vain later.
        let _ = (&self.bell).read(&mut [0; 64]);
        self.called.try_recv().ok()
    }
}

/// Calls until somebody is there or the patience is over.
fn call(transport: &ClientTransport, patience: Duration, end: &UnixStream) -> Result<Stream, ConnectError> {
    let deadline = Instant::now() + patience;
    loop {
        match dial(transport, CALL) {
            Err(error) if Instant::now() + PAUSE < deadline => {
                let ended = poll_readable(&[end.as_fd()], Some(PAUSE));
                if ended.is_ok_and(|ended| ended.contains(&true)) {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
}

fn no_thread(transport: &ClientTransport, source: io::Error) -> ConnectError {
    ConnectError::NoMeans {
        text: transport.to_string(),
        source,
    }
}
