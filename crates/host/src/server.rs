//! The role debugging server: clients elsewhere share this engine's session.
//!
//! One thread ([`hub`]) listens, reads what clients ask and writes what the engine tells, for all servers and all clients
//! of the engine together; it knows no command. The engine gives it a notification once, however many clients there
//! are, and never waits for it. Read [`DebuggingServers`] first.

mod connection;
mod hub;
mod waker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farsight_engine::{ConnectFailure, DebuggingServer, EngineMessage, Invitation};
use farsight_serve::PRODUCT;
use farsight_session::{ClientId, Gone, Notification, Sink};
use farsight_transport::registry::{Registration, RegistryError};
use farsight_transport::{Listener, ServerEndpoint, ServerRole, ServerTransport};
use farsight_types::{AccessRole, ServerId};

use self::hub::{Hub, Limits, Order};
use self::waker::Waker;

/// How long the engine waits for a server of its own to close. The hub waits for nobody, so it is a matter of
/// milliseconds, but for a machine that is very busy.
const CLOSING: Duration = Duration::from_secs(2);

/// All debugging servers of one engine.
#[derive(Default)]
pub(crate) struct DebuggingServers {
    hub: Option<(HubHandle, JoinHandle<()>)>,
}

impl std::fmt::Debug for DebuggingServers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebuggingServers")
            .field("running", &self.hub.is_some())
            .finish()
    }
}

/// Gives the hub its orders.
#[derive(Clone)]
pub(crate) struct HubHandle {
    orders: Sender<Order>,
    given: Arc<AtomicU64>,
    followed: Arc<AtomicU64>,
    waker: Arc<Waker>,
}

impl HubHandle {
    fn order(&self, order: Order) -> Result<(), Gone> {
        // Counted first, so that no more is followed than was given.
        self.given.fetch_add(1, Ordering::Relaxed);
        self.orders.send(order).map_err(|_| Gone)?;
        self.waker.wake();
        Ok(())
    }
}

impl Sink for HubHandle {
    fn tell(&self, to: &Arc<[ClientId]>, notification: Arc<Notification>) -> Result<(), Gone> {
        self.order(Order::Tell(Arc::clone(to), notification))
    }

    /// What the hub has not taken up yet, so that the engine does not outrun it. The engine never waits for clients: the
    /// hub cuts off those that take nothing.
    fn waiting(&self) -> usize {
        let followed = self.followed.load(Ordering::Relaxed);
        let behind = self.given.load(Ordering::Relaxed).saturating_sub(followed);
        usize::try_from(behind).unwrap_or(usize::MAX)
    }
}

impl DebuggingServers {
    /// Binds and begins to listen.
    pub(crate) fn start(
        &mut self,
        text: &str,
        server: ServerId,
        inbox: Sender<EngineMessage>,
    ) -> Result<Box<dyn DebuggingServer>, ConnectFailure> {
        let fail = |error: &dyn std::fmt::Display| ConnectFailure(format!("cannot start a server: {error}"));
        let transport = ServerTransport::parse(text, ServerRole::DebuggingServer)
            .map_err(|error| fail(&format!("{error}\n{}", error.caret())))?;
        if transport.endpoint == ServerEndpoint::Stdio {
            // Also without a console: its session would go on with nobody left who could reach it.
            return Err(fail(
                &"standard input and output are this debugger's own; listen with npipe:pipe=NAME or tcp:port=P, which ssh \
                  can tunnel (stdio: is for dbgsrv)",
            ));
        }
        let listener = Listener::bind(&transport).map_err(|error| fail(&error))?;
        let hub = match &self.hub {
            Some((hub, _)) => hub.clone(),
            None => {
                let started = start_hub(inbox, Limits::default()).map_err(|error| fail(&error))?;
                let hub = started.0.clone();
                self.hub = Some(started);
                hub
            }
        };
        let role = transport.options.role.unwrap_or(AccessRole::Owner);
        let running = RunningServer {
            server,
            role,
            listing: listener.for_clients_here().to_string(),
            invitations: invitations(&listener),
            is_hidden: transport.options.hidden,
            registration: Some(Registration::publish(ServerRole::DebuggingServer, &listener, PRODUCT)),
            is_open: true,
            hub,
        };
        let opened = running.hub.order(Order::Open {
            server,
            listener: Box::new(listener),
            role,
        });
        opened.map_err(|Gone| fail(&"the thread that serves clients has ended"))?;
        Ok(Box::new(running))
    }

    /// Lets clients take what they were told last, for a while, and ends.
    pub(crate) fn end(&mut self) {
        if let Some((hub, thread)) = self.hub.take() {
            // It may have ended already; a panic of it has told of itself on standard error.
            let _ = hub.order(Order::End);
            let _ = thread.join();
        }
    }
}

/// What clients paste; keys that the listener has drawn open a role each.
fn invitations(listener: &Listener) -> Vec<Invitation> {
    let invitations = listener.invitations(true).into_iter();
    let invitations = invitations.map(|(role, string)| Invitation {
        string: string.to_string(),
        role,
        has_secret: role.is_some(),
    });
    invitations.collect()
}

fn start_hub(inbox: Sender<EngineMessage>, limits: Limits) -> std::io::Result<(HubHandle, JoinHandle<()>)> {
    let (orders, ordered) = channel();
    let waker = Arc::new(Waker::new()?);
    let followed: Arc<AtomicU64> = Arc::default();
    let handle = HubHandle {
        orders,
        given: Arc::default(),
        followed: Arc::clone(&followed),
        waker: Arc::clone(&waker),
    };
    let sink: Arc<dyn Sink> = Arc::new(handle.clone());
    let mut hub = Hub::new(ordered, followed, waker, sink, inbox, limits);
    let thread = thread::Builder::new().name("clients".into()).spawn(move || hub.run())?;
    Ok((handle, thread))
}

/// The engine's hold on one of its servers.
struct RunningServer {
    server: ServerId,
    role: AccessRole,
    listing: String,
    invitations: Vec<Invitation>,
    is_hidden: bool,
    /// Its place in the list of this machine's servers, until it is told to end.
    registration: Option<Result<Registration, RegistryError>>,
    /// It was not told to end yet.
    is_open: bool,
    hub: HubHandle,
}

impl DebuggingServer for RunningServer {
    fn listing(&self) -> String {
        self.listing.clone()
    }

    fn invitations(&self) -> Vec<Invitation> {
        self.invitations.clone()
    }

    fn role(&self) -> AccessRole {
        self.role
    }

    fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    fn trouble(&self) -> Option<String> {
        let error = self.registration.as_ref()?.as_ref().err()?;
        Some(format!("farsight -QR will not show this server: {error}"))
    }

    fn stop(&mut self, cut_clients: bool) -> bool {
        // A hub that has ended has closed everything, and so has one that drops what it was to answer.
        let closed = self.close(cut_clients).recv_timeout(CLOSING);
        closed != Err(RecvTimeoutError::Timeout)
    }
}

impl RunningServer {
    /// Orders it closed; there it is said when that is done.
    fn close(&mut self, cut_clients: bool) -> Receiver<()> {
        self.registration = None;
        self.is_open = false;
        let (closed, when_closed) = channel();
        let server = self.server;
        // A hub that has ended listens to nobody.
        let _ = self.hub.order(Order::Close {
            server,
            cut_clients,
            closed,
        });
        when_closed
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if self.is_open {
            self.close(false);
        }
    }
}
