//! A repeater's way to its clients: a listener, or a call to a client that listens (`clicon=`).

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use farsight_transport::{ConnectError, Listener, ServerEndpoint, ServerTransport, Stream};

/// How long nobody is called after a call that came to nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Where clients' connections come from.
pub(super) struct Clients {
    transport: ServerTransport,
    /// The repeater calls.
    pub(super) are_called: bool,
    /// Listens, or calls; nothing while nobody is to be called.
    listener: Option<Listener>,
    /// Nobody is called before then.
    rests_until: Option<Instant>,
}

impl Clients {
    /// Binds; a client that is to be called is not called yet.
    pub(super) fn bind(transport: &ServerTransport) -> Result<Clients, ConnectError> {
        let are_called = matches!(
            transport.endpoint,
            ServerEndpoint::TcpReverse { .. } | ServerEndpoint::SslReverse { .. }
        );
        Ok(Clients {
            transport: transport.clone(),
            are_called,
            listener: match are_called {
                true => None,
                false => Some(Listener::bind(transport)?),
            },
            rests_until: None,
        })
    }

    /// Begins to call, unless that rests; true where it has begun.
    pub(super) fn call(&mut self) -> Result<bool, ConnectError> {
        if self.listener.is_some() || self.rests_until.is_some() {
            return Ok(false);
        }
        match Listener::bind(&self.transport) {
            Ok(listener) => {
                self.listener = Some(listener);
                Ok(true)
            }
            Err(error) => {
                self.rest();
                Err(error)
            }
        }
    }

    /// Calls nobody for a while.
    pub(super) fn rest(&mut self) {
        self.rests_until = self.are_called.then(|| Instant::now() + PAUSE);
    }

    /// Ends a rest that is over.
    pub(super) fn get_up(&mut self) {
        self.rests_until = self.rests_until.filter(|until| *until > Instant::now());
    }

    /// Until when nobody is called.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// Calls no more.
    pub(super) fn hang_up(&mut self) {
        if self.are_called {
            self.listener = None;
        }
    }

    /// Whether a client is being called.
    pub(super) fn is_calling(&self) -> bool {
        self.are_called && self.listener.is_some()
    }

    /// What to wait for until a connection may have come.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.listener.as_ref().map(Listener::descriptors).unwrap_or_default()
    }

    /// Takes a connection that is there.
    pub(super) fn take(&mut self) -> std::io::Result<Option<Stream>> {
        let Some(listener) = &self.listener else {
            return Ok(None);
        };
        let taken = listener.accept_ready()?.map(|(stream, _)| stream);
        if taken.is_some() {
            self.hang_up();
        }
        Ok(taken)
    }

    /// What clients give to come here.
    pub(super) fn client_string(&self) -> String {
        let called = || {
            let machine = self.transport.calls_as()?;
            self.transport.client_transport(&machine)
        };
        match &self.listener {
            Some(listener) => listener.client_string(),
            None => called().map_or_else(|| self.transport.to_string(), |client| client.to_string()),
        }
    }

    /// Where it is bound, if it is.
    pub(super) fn listener(&self) -> Option<&Listener> {
        self.listener.as_ref()
    }
}
