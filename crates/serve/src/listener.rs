//! The listener of a process server: accepts, reads first frames, hands streams to session processes, watches them.
//!
//! One thread, one poll loop. A connection gets a session process only after a whole valid first frame; what does not
//! speak our protocol is dropped at its first wrong byte, and what stays silent is dropped in time. The listener never
//! traces and never touches a target.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Child;
use std::time::{Duration, Instant};

use farsight_transport::sys::poll_readable;
use farsight_transport::{Host, Listener, ServerTransport, Stream};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Refusal, ServerKind};
use farsight_wire::{Decoder, FrameKind};

use crate::control::{Control, Heard};
use crate::session::FIRST_FRAME_TIME;
use crate::spawn::session_process;

/// Connections that have not said who they are. More are dropped, the oldest first.
const MOST_STRANGERS: usize = 64;
/// How long nothing is accepted after accepting failed.
const REST: Duration = Duration::from_millis(100);
/// Sessions at a time.
const MOST_SESSIONS: usize = 256;

/// A process server that is listening.
pub struct ProcessServer {
    listener: Listener,
    strangers: Vec<Stranger>,
    sessions: Vec<Session>,
    /// Nothing is accepted until then, for accepting has failed.
    rest_until: Option<Instant>,
}

/// A connection whose first frame is not complete.
struct Stranger {
    stream: Stream,
    decoder: Decoder,
    read: Vec<u8>,
    deadline: Instant,
}

struct Session {
    child: Child,
    control: Control,
    /// Which targets it holds, in words; empty for none.
    holds: String,
}

/// What became of a stranger's bytes.
enum FirstFrame {
    Incomplete,
    Valid,
    Refused(Refusal),
    NotOurs,
}

impl ProcessServer {
    /// Binds; nothing is accepted before [`ProcessServer::run`].
    pub fn bind(transport: &ServerTransport) -> Result<ProcessServer, farsight_transport::ConnectError> {
        Ok(ProcessServer {
            listener: Listener::bind(transport)?,
            strangers: Vec::new(),
            sessions: Vec::new(),
            rest_until: None,
        })
    }

    /// What a client gives behind `-premote` to come here.
    pub fn client_string(&self) -> String {
        let loopback = self
            .listener
            .local_addresses()
            .iter()
            .all(|address| address.ip().is_loopback());
        let machine = if loopback {
            Host::localhost()
        } else {
            Host::this_machine()
        };
        self.listener
            .client_transport(&machine)
            .map_or_else(|| self.listener.transport().to_string(), |client| client.to_string())
    }

    /// Serves until a client asks the server to end. Dropping the server tells every session that it is gone.
    pub fn run(mut self) -> io::Result<()> {
        loop {
            let (ready, listening) = self.wait()?;
            let strangers = self.strangers.len();
            let (for_listener, rest) = ready.split_at(listening);
            let (for_strangers, for_sessions) = rest.split_at(strangers);
            if self.hear_sessions(for_sessions) {
                return Ok(());
            }
            self.read_strangers(for_strangers);
            if for_listener.contains(&true) {
                self.accept();
            }
        }
    }

    /// Waits for the listening sockets, strangers and sessions, and says which are ready, in this order; and how many of
    /// the first kind there are.
    fn wait(&self) -> io::Result<(Vec<bool>, usize)> {
        let mut descriptors: Vec<BorrowedFd<'_>> = self.listening();
        let listening = descriptors.len();
        descriptors.extend(self.strangers.iter().map(|stranger| stranger.stream.as_fd()));
        descriptors.extend(self.sessions.iter().map(|session| session.control.as_fd()));
        let deadlines = self.strangers.iter().map(|stranger| stranger.deadline);
        let deadline = deadlines.chain(self.rest_until).min();
        let time = deadline.map(|deadline| {
            // One more millisecond, for the wait is rounded down.
            deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1)
        });
        poll_readable(&descriptors, time).map(|ready| (ready, listening))
    }

    /// The listening sockets, none while accepting rests.
    fn listening(&self) -> Vec<BorrowedFd<'_>> {
        match self.rest_until {
            Some(until) if until > Instant::now() => Vec::new(),
            _ => self.listener.descriptors(),
        }
    }

    fn accept(&mut self) {
        self.rest_until = None;
        loop {
            let stream = match self.listener.accept_ready() {
                Ok(Some((stream, _))) => stream,
                Ok(None) => break,
                // Without free descriptors the sockets stay readable: trying again at once would burn the processor.
                Err(_) => {
                    self.rest_until = Some(Instant::now() + REST);
                    break;
                }
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.strangers.len() == MOST_STRANGERS {
                self.strangers.remove(0);
            }
            self.strangers.push(Stranger {
                stream,
                decoder: Decoder::new(),
                read: Vec::new(),
                deadline: Instant::now() + FIRST_FRAME_TIME,
            });
        }
    }

    fn read_strangers(&mut self, ready: &[bool]) {
        let now = Instant::now();
        let strangers = std::mem::take(&mut self.strangers);
        for (index, mut stranger) in strangers.into_iter().enumerate() {
            let readable = ready.get(index) == Some(&true);
            let outcome = if readable {
                stranger.read()
            } else {
                FirstFrame::Incomplete
            };
            match outcome {
                FirstFrame::Incomplete if stranger.deadline > now => self.strangers.push(stranger),
                FirstFrame::Incomplete | FirstFrame::NotOurs => {}
                FirstFrame::Refused(refusal) => stranger.refuse(&refusal),
                FirstFrame::Valid => self.open_session(&stranger),
            }
        }
    }

    fn open_session(&mut self, stranger: &Stranger) {
        if self.sessions.len() >= MOST_SESSIONS {
            return stranger.refuse(&Refusal::Busy {
                sessions: MOST_SESSIONS as u32,
            });
        }
        let opened = stranger.stream.set_nonblocking(false).and_then(|()| {
            let (child, control) = session_process()?;
            control.hand_over(&stranger.stream, &stranger.read)?;
            Ok(Session {
                child,
                control,
                holds: String::new(),
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
                Some(Heard::WhoHolds) => asking.push(session.child.id()),
                Some(Heard::Gone) => {
                    // Its socket closes with its last thread: this does not wait for long.
                    let _ = session.child.wait();
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

impl Stranger {
    fn read(&mut self) -> FirstFrame {
        let mut buffer = [0; 4096];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => return FirstFrame::NotOurs,
            Ok(read) => {
                self.decoder.feed(&buffer[..read]);
                self.read.extend_from_slice(&buffer[..read]);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return FirstFrame::Incomplete;
            }
            Err(_) => return FirstFrame::NotOurs,
        }
        match self.decoder.next_frame() {
            Ok(None) => FirstFrame::Incomplete,
            Ok(Some(frame)) => match handshake::read_hello(&frame) {
                Ok(hello) => match handshake::judge(&hello, ServerKind::ProcessServer) {
                    Ok(_) => FirstFrame::Valid,
                    Err(refusal) => FirstFrame::Refused(refusal),
                },
                Err(_) => FirstFrame::NotOurs,
            },
            Err(_) => FirstFrame::NotOurs,
        }
    }

    /// Says why and hangs up. A socket that takes no few bytes at once does not get them.
    fn refuse(&self, refusal: &Refusal) {
        let frame = handshake::opening_frame(FrameKind::Refused, refusal);
        let _ = (&self.stream).write_all(&[&PREAMBLE[..], &frame.encode()].concat());
    }
}
