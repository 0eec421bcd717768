//! The client's handle and what it asks for.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use farsight_types::{AccessRole, ServerId};
use minicbor::{Decode, Encode};

use crate::record::ServerKinds;
use crate::{Notification, OutputMask};

/// Names a client of a session; the engine's own console is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ClientId(#[n(0)] pub u32);

/// Names a request of one client, so that its answer can be told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Ticket(#[n(0)] pub u64);

/// Numbers what commands of a session ask for, so that an answer is taken for nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct QuestionId(#[n(0)] pub u64);

/// What a client asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Runs a command line; [`Notification::Done`] with the ticket says that it is over.
    #[n(0)]
    Execute {
        /// Names the request.
        #[n(0)]
        ticket: Ticket,
        /// The line as typed.
        #[n(1)]
        line: String,
    },
    /// Breaks into a running target, or cancels the running command (DbgEng's `SetInterrupt`).
    #[n(1)]
    Interrupt,
    /// Answers [`Notification::InputWanted`].
    #[n(2)]
    AnswerInput {
        /// The line.
        #[n(0)]
        text: String,
        /// What it answers; none (an older release) is whatever is asked when it comes.
        #[n(1)]
        question: Option<QuestionId>,
    },
    /// Types into the launched program's terminal.
    #[n(3)]
    ProgramInput {
        /// The bytes.
        #[cbor(n(0), with = "minicbor::bytes")]
        bytes: Vec<u8>,
        /// End of file behind them.
        #[n(1)]
        end: bool,
    },
    /// What the client wants to see, and how wide it is in characters.
    #[n(4)]
    SetOutput {
        /// Kinds of output.
        #[n(0)]
        mask: OutputMask,
        /// Characters a line.
        #[n(1)]
        width: u16,
    },
    /// Candidates to complete a word with; answered by [`Notification::Completions`].
    #[n(5)]
    Complete {
        /// Names the request.
        #[n(0)]
        ticket: Ticket,
        /// The line up to the cursor.
        #[n(1)]
        line: String,
    },
    /// The client is going; it is told [`Notification::Ended`], and the session goes on without it.
    #[n(6)]
    Leave,
    /// The client's input ended or its terminal hung up: as `q`.
    #[n(7)]
    EndOfInput,
    /// Joins the session (DbgEng's `ConnectSession`): from now on it is told what all are told, and it is in `.clients`.
    #[n(8)]
    ConnectSession {
        /// How much of what was shown before is shown to it, in characters.
        #[n(0)]
        history: u32,
        /// Whether the others are told.
        #[n(1)]
        announce: bool,
    },
    /// Shows the servers of the engine's machine (DbgEng's `OutputServers`) to the client that asks, which need not have
    /// joined, and to no other; [`Notification::Done`] with the ticket says that it is over.
    #[n(9)]
    #[doc(alias = "OutputServers")]
    ListServers {
        /// Names the request.
        #[n(0)]
        ticket: Ticket,
        /// The machine, such as `\\BOX17`; the engine's own where it is empty.
        #[n(1)]
        machine: String,
        /// Which.
        #[n(2)]
        kinds: ServerKinds,
    },
}

/// Brings a client's requests to the engine: into its inbox, or over a wire.
pub type Deliver = Arc<dyn Fn(ClientId, Request) + Send + Sync>;

/// One user of a session.
pub struct Client {
    id: ClientId,
    deliver: Deliver,
    notifications: Receiver<Arc<Notification>>,
    unread: Arc<Unread>,
    last_ticket: u64,
}

/// Who a client is, to the engine and to the session's other users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// User and machine, such as `ann@desk`, fit for a terminal.
    pub identity: String,
    /// How it came, such as `tcp 127.0.0.1:63141`; empty for the engine's own console.
    pub address: String,
    /// What it may do.
    pub role: AccessRole,
    /// The server that it came through; none for the engine's own console.
    pub server: Option<ServerId>,
}

impl Introduction {
    /// The engine's own console: it owns the session and came through no server.
    pub fn console(identity: impl Into<String>) -> Introduction {
        Introduction {
            identity: identity.into(),
            address: String::new(),
            role: AccessRole::Owner,
            server: None,
        }
    }
}

/// Where the engine's notifications to one or to several clients go. Telling never waits.
pub trait Sink: Send + Sync {
    /// Tells some of its clients; an error means that none of them is there any more.
    fn tell(&self, to: &Arc<[ClientId]>, notification: Arc<Notification>) -> Result<(), Gone>;

    /// How many notifications its clients have not taken yet, where the engine shall wait for them; else 0.
    fn waiting(&self) -> usize;
}

/// Nobody reads any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone")]
pub struct Gone;

/// The engine's side of a client.
#[derive(Clone)]
pub struct ClientEnd {
    /// The client.
    pub id: ClientId,
    /// Who it is.
    pub introduction: Introduction,
    /// Where its notifications go. Clients that share one are told together.
    pub notifications: Arc<dyn Sink>,
    /// How many of its requests the engine has taken up, for whoever must not bring ever more of them.
    pub taken: Arc<AtomicU64>,
}

impl std::fmt::Debug for ClientEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ClientEnd");
        shown.field("id", &self.id).field("introduction", &self.introduction);
        shown.finish_non_exhaustive()
    }
}

/// Tells the one client at the other end of a channel; how much it has not read yet can be asked, so that the engine
/// does not outrun it without limit.
#[derive(Debug)]
pub struct Outbox {
    sender: Sender<Arc<Notification>>,
    unread: Arc<Unread>,
}

impl Outbox {
    /// Tells the client; an error means that it is gone.
    pub fn send(&self, notification: Arc<Notification>) -> Result<(), Gone> {
        self.unread.waiting.fetch_add(1, Ordering::SeqCst);
        self.sender.send(notification).map_err(|_| Gone)
    }

    /// Waits until the client has at most so much left to read, or is gone. Always by the same thread.
    pub fn wait_for_reader(&self, most: usize) {
        self.unread.wait_until(most);
    }
}

/// How much a client has left to read.
#[derive(Debug, Default)]
struct Unread {
    waiting: AtomicUsize,
    /// The client reads no more.
    gone: AtomicBool,
    /// Its thread sleeps until less is left.
    is_awaited: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Unread {
    /// What is worth waiting for.
    fn left(&self) -> usize {
        match self.gone.load(Ordering::SeqCst) {
            true => 0,
            false => self.waiting.load(Ordering::SeqCst),
        }
    }

    /// Less is left now.
    fn wake(&self) {
        if self.is_awaited.swap(false, Ordering::SeqCst)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    fn wait_until(&self, most: usize) {
        let own = self.sleeper.get_or_init(thread::current);
        debug_assert_eq!(own.id(), thread::current().id(), "one thread waits");
        loop {
            self.is_awaited.store(true, Ordering::SeqCst);
            if self.left() <= most {
                return;
            }
            thread::park();
        }
    }
}

/// A notification that a client has been given; it counts as unread until this is dropped.
#[derive(Debug)]
pub struct Told {
    /// What it is told.
    pub notification: Notification,
    _reading: Option<Reading>,
}

/// One that nobody waits for.
impl From<Notification> for Told {
    fn from(notification: Notification) -> Told {
        Told {
            notification,
            _reading: None,
        }
    }
}

#[derive(Debug)]
struct Reading(Arc<Unread>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.wake();
    }
}

impl Sink for Outbox {
    fn tell(&self, _: &Arc<[ClientId]>, notification: Arc<Notification>) -> Result<(), Gone> {
        self.send(notification)
    }

    fn waiting(&self) -> usize {
        self.unread.left()
    }
}

/// Nobody waits for a client that reads no more.
impl Drop for Client {
    fn drop(&mut self) {
        self.unread.gone.store(true, Ordering::SeqCst);
        self.unread.wake();
    }
}

impl Client {
    /// A client whose requests are brought to the engine by `deliver`, and the engine's end of it. A request to an
    /// engine that has ended goes nowhere; its end shows in the notifications.
    pub fn new(id: ClientId, introduction: Introduction, deliver: Deliver) -> (Client, ClientEnd) {
        let (client, notifications) = Client::over(id, deliver);
        let end = ClientEnd {
            id,
            introduction,
            notifications: Arc::new(notifications),
            taken: Arc::default(),
        };
        (client, end)
    }

    /// A client whose engine is reached by other means, such as a wire: what comes from there is put into the outbox.
    pub fn over(id: ClientId, deliver: Deliver) -> (Client, Outbox) {
        let (sender, notifications) = std::sync::mpsc::channel();
        let unread = Arc::default();
        let client = Client {
            id,
            deliver,
            notifications,
            unread: Arc::clone(&unread),
            last_ticket: 0,
        };
        (client, Outbox { sender, unread })
    }

    /// The client's number.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Asks to run a command line.
    pub fn execute(&mut self, line: impl Into<String>) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.send(Request::Execute {
            ticket,
            line: line.into(),
        });
        ticket
    }

    /// Breaks in or cancels.
    pub fn interrupt(&self) {
        self.send(Request::Interrupt);
    }

    /// Sends any request.
    pub fn send(&self, request: Request) {
        (self.deliver)(self.id, request);
    }

    /// A handle that other threads can send requests with, such as a signal handler's.
    pub fn sender(&self) -> impl Fn(Request) + Send + 'static {
        let (id, deliver) = (self.id, Arc::clone(&self.deliver));
        move |request| deliver(id, request)
    }

    /// How many notifications have come that were not dealt with yet.
    pub fn unread(&self) -> usize {
        self.unread.left()
    }

    /// The next notification; none when the engine has ended.
    pub fn next(&self) -> Option<Notification> {
        Some(self.next_told()?.notification)
    }

    /// As [`Client::next`], for a client that deals with it later: it counts as unread until then.
    pub fn next_told(&self) -> Option<Told> {
        self.notifications
            .recv()
            .ok()
            .map(|notification| self.told(notification))
    }

    /// The next notification within a time; the inner none means that the engine has ended.
    pub fn next_within(&self, time: Duration) -> Option<Option<Notification>> {
        match self.notifications.recv_timeout(time) {
            Ok(notification) => Some(Some(self.told(notification).notification)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(None),
        }
    }

    fn told(&self, notification: Arc<Notification>) -> Told {
        Told {
            notification: Arc::unwrap_or_clone(notification),
            _reading: Some(Reading(Arc::clone(&self.unread))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Client, Outbox) {
        Client::over(ClientId(1), Arc::new(|_, _| {}))
    }

    #[test]
    fn what_is_dealt_with_later_counts_until_then() {
        let (client, outbox) = pair();
        for _ in 0..3 {
            outbox.send(Arc::new(Notification::InputTaken)).unwrap();
        }
        let held = client.next_told().unwrap();
        assert!(client.next().is_some());
        assert_eq!((client.unread(), outbox.waiting()), (2, 2));
        drop(held);
        assert_eq!(outbox.waiting(), 1);
    }

    #[test]
    fn whoever_waits_for_a_reader_goes_on_when_it_reads_or_goes() {
        let (client, outbox) = pair();
        outbox.send(Arc::new(Notification::InputTaken)).unwrap();
        outbox.send(Arc::new(Notification::InputTaken)).unwrap();
        let (sent, heard) = std::sync::mpsc::channel();
        let waiter = thread::spawn(move || {
            for most in [2, 1, 0] {
                outbox.wait_for_reader(most);
                sent.send(most).unwrap();
            }
            outbox.waiting()
        });
        assert_eq!(heard.recv(), Ok(2));
        let told = client.next_told();
        assert!(heard.try_recv().is_err());
        drop(told);
        assert_eq!(heard.recv(), Ok(1));
        drop(client);
        assert_eq!(heard.recv(), Ok(0));
        assert_eq!(waiter.join().unwrap(), 0);
    }
}
