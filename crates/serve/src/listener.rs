//! The listener of a process server: accepts, reads first frames, hands streams to session processes, watches them.
//!
//! One thread, one poll loop. A connection gets a session process only after a whole valid first frame; what does not
//! speak our protocol is dropped at its first wrong byte, and what stays silent is dropped in time. The listener never
//! traces and never touches a target.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farsight_transport::channel::Locks;
use farsight_transport::registry::{Registration, RegistryError};
use farsight_transport::sys::poll_readable;
use farsight_transport::{Listener, ServerRole, ServerTransport};
use farsight_wire::handshake::{Refusal, ServerKind};
use zeroize::Zeroizing;

use crate::PRODUCT;
use crate::control::{Control, Heard};
use crate::limits::ServerLimits;
use crate::spawn::session_process;
use crate::strangers::{Met, Strangers};

/// Sessions at a time.
const MOST_SESSIONS: usize = 256;

/// A process server that is listening.
pub struct ProcessServer {
    listener: Listener,
    /// What it asks of clients.
    locks: Arc<Locks>,
    /// Its place in the list of this machine's servers.
    registration: Option<Registration>,
    strangers: Strangers,
    sessions: Vec<Session>,
    /// Nothing is accepted until then, for accepting has failed.
    rest_until: Option<Instant>,
    /// What sessions may not do.
    limits: ServerLimits,
    /// How long it waits for clients.
    idle: Option<Duration>,
    /// Since when nobody has been connected.
    idle_since: Instant,
}

/// Why a server does not listen any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfServing {
    /// A client asked for it.
    Asked,
    /// The only connection that ever comes has ended.
    Single,
    /// Nobody has been connected for as long as it waits.
    Idle,
}

struct Session {
    child: Child,
    control: Control,
    /// Which targets it holds, in words; empty for none.
    holds: String,
    /// It has no client any more and only keeps what that abandoned.
    is_keeper: bool,
}

impl ProcessServer {
    /// Binds; nothing is accepted before [`ProcessServer::run`].
    pub fn bind(transport: &ServerTransport) -> Result<ProcessServer, farsight_transport::ConnectError> {
        let listener = Listener::bind(transport)?;
        Ok(ProcessServer {
            locks: Arc::new(listener.locks(false)),
            listener,
            registration: None,
            strangers: Strangers::default(),
            sessions: Vec::new(),
            rest_until: None,
            limits: ServerLimits::default(),
            idle: None,
            idle_since: Instant::now(),
        })
    }

    /// What clients may not do.
    pub fn limit(&mut self, limits: ServerLimits) {
        self.limits = limits;
    }

    /// Has it end when no client has been connected for so long.
    pub fn end_when_idle(&mut self, time: Duration) {
        self.idle = Some(time);
    }

    /// When it ends unless a client connects; none while one is connected, or where it waits for ever.
    fn idle_until(&self) -> Option<Instant> {
        let has_client = self.sessions.iter().any(|session| !session.is_keeper);
        self.idle.filter(|_| !has_client).map(|time| self.idle_since + time)
    }

    /// Puts it into the list of this machine's servers, as long as it lives. One that cannot be listed serves all the same,
    /// and one that serves a single connection is not listed: nobody else can come.
    pub fn list(&mut self) -> Result<(), RegistryError> {
        if self.listener.is_single() {
            return Ok(());
        }
        let registration = Registration::publish(ServerRole::ProcessServer, &self.listener, PRODUCT)?;
        self.registration = Some(registration);
        Ok(())
    }

    /// What clients give behind `-premote` to come here, the key that the server has drawn included.
    pub fn invitation(&self) -> Zeroizing<String> {
        let mut invitations = self.listener.invitations(false);
        invitations.pop().map(|(_, string)| string).unwrap_or_default()
    }

    /// Whether a single connection has come, and is over: there will be no other.
    fn is_done(&self) -> bool {
        let is_over = self.strangers.is_empty() && self.sessions.iter().all(|session| session.is_keeper);
        self.listener.is_over() && is_over
    }

    /// Serves until a client asks the server to end, or nobody can come any more. Dropping the server tells every session
    /// that it is gone.
    pub fn run(mut self) -> io::Result<EndOfServing> {
        loop {
            let (ready, listening) = self.wait()?;
            let strangers = self.strangers.listened_to();
            let (for_listener, rest) = ready.split_at(listening);
            let (for_strangers, for_sessions) = rest.split_at(strangers);
            if self.hear_sessions(for_sessions) {
                return Ok(EndOfServing::Asked);
            }
            self.read_strangers(for_strangers);
            if for_listener.contains(&true) {
                self.accept();
            }
            if self.is_done() {
                return Ok(EndOfServing::Single);
            }
            if self.idle_until().is_some_and(|until| until <= Instant::now()) {
                return Ok(EndOfServing::Idle);
            }
        }
    }

    /// Waits for the listening sockets, strangers and sessions, and says which are ready, in this order; and how many of
    /// the first kind there are.
    fn wait(&self) -> io::Result<(Vec<bool>, usize)> {
        let mut descriptors: Vec<BorrowedFd<'_>> = self.listening();
        let listening = descriptors.len();
        descriptors.extend(self.strangers.descriptors());
        descriptors.extend(self.sessions.iter().map(|session| session.control.as_fd()));
        let deadlines = self.strangers.deadline().into_iter().chain(self.rests_until());
        let deadline = deadlines.chain(self.idle_until()).min();
        let time = deadline.map(|deadline| {
            // One more millisecond, for the wait is rounded down.
            deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1)
        });
        poll_readable(&descriptors, time).map(|ready| (ready, listening))
    }

    /// Until when accepting rests.
    fn rests_until(&self) -> Option<Instant> {
        let now = Instant::now();
        let rest = self.rest_until.filter(|until| *until > now);
        rest.into_iter().chain(self.strangers.full_until(now)).max()
    }

    /// The listening sockets, none while accepting rests.
    fn listening(&self) -> Vec<BorrowedFd<'_>> {
        match self.rests_until() {
            Some(_) => Vec::new(),
            None => self.listener.descriptors(),
        }
    }

    fn accept(&mut self) {
        let accepted = self
            .strangers
            .accept(&self.listener, &self.locks, 0, ServerKind::ProcessServer);
        self.rest_until = accepted.rest_until;
        for met in accepted.met {
            self.open_session(&met);
        }
    }

    fn read_strangers(&mut self, ready: &[bool]) {
        for met in self.strangers.read(ready, ServerKind::ProcessServer) {
            self.open_session(&met);
        }
    }

    fn open_session(&mut self, stranger: &Met) {
        if self.sessions.len() >= MOST_SESSIONS {
            return stranger.refuse(&Refusal::Busy {
                sessions: MOST_SESSIONS as u32,
            });
        }
        let opened = stranger.stream.set_nonblocking(false).and_then(|()| {
            let (child, control) = session_process(&self.limits)?;
            control.hand_over(&stranger.stream, &stranger.read)?;
            Ok(Session {
                child,
                control,
                holds: String::new(),
                is_keeper: false,
            })
        });
        match opened {
            Ok(session) => self.sessions.push(session),
            Err(error) => stranger.refuse(&Refusal::Failed { why: error.to_string() }),
        }
    }

    /// Hears sessions that have something to say; true where one asks the server to end.
    fn hear_sessions(&mut self, ready: &[bool]) -> bool {
        let mut end = false;
        let mut index = 0;
        let mut asking = Vec::new();
        self.sessions.retain_mut(|session| {
            let readable = ready.get(index) == Some(&true);
            index += 1;
            match readable.then(|| session.control.hear()) {
                None => {}
                Some(Heard::EndServer) => end = true,
                Some(Heard::Holds(targets)) => session.holds = targets,
                Some(Heard::ClientGone) => {
                    session.is_keeper = true;
                    self.idle_since = Instant::now();
                }
                Some(Heard::WhoHolds) => asking.push(session.child.id()),
                Some(Heard::Gone) => {
                    // Its socket closes with its last thread: this does not wait for long.
                    let _ = session.child.wait();
                    if !session.is_keeper {
                        self.idle_since = Instant::now();
                    }
                    return false;
                }
            }
            true
        });
        for asking in asking {
            self.tell_holders(asking);
        }
        end
    }

    /// Tells one session who else holds targets.
    fn tell_holders(&self, asking: u32) {
        let is_other = |session: &&Session| session.child.id() != asking && !session.holds.is_empty();
        let holders: Vec<&str> = self
            .sessions
            .iter()
            .filter(is_other)
            .map(|session| session.holds.as_str())
            .collect();
        if let Some(session) = self.sessions.iter().find(|session| session.child.id() == asking) {
            // One that is gone does not need to know.
            let _ = session.control.tell_holders(&holders);
        }
    }
}
