//! The client's handle and what it asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, Sender};
use std::time::Duration;

use crate::{Notification, OutputMask};

/// Names a client of a session; the engine's own console is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// Names a request of one client, so that its answer can be told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a client asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Runs a command line; [`Notification::Done`] with the ticket says that it is over.
    Execute {
        /// Names the request.
        ticket: Ticket,
        /// The line as typed.
        line: String,
    },
    /// Breaks into a running target, or cancels the running command (DbgEng's `SetInterrupt`).
    Interrupt,
    /// Answers [`Notification::InputWanted`].
    AnswerInput {
        /// The line.
        text: String,
    },
    /// Types into the launched program's terminal.
    ProgramInput {
        /// The bytes.
        bytes: Vec<u8>,
        /// End of file behind them.
        end: bool,
    },
    /// What the client wants to see, and how wide it is in characters.
    SetOutput {
        /// Kinds of output.
        mask: OutputMask,
        /// Characters a line.
        width: u16,
    },
    /// Candidates to complete a word with; answered by [`Notification::Completions`].
    Complete {
        /// Names the request.
        ticket: Ticket,
        /// The line up to the cursor.
        line: String,
    },
    /// The client is going.
    Leave,
    /// The client's input ended or its terminal hung up: as `q`.
    EndOfInput,
}

/// Brings a client's requests to the engine: into its inbox, or over a wire.
pub type Deliver = Arc<dyn Fn(ClientId, Request) + Send + Sync>;

/// One user of a session.
pub struct Client {
    id: ClientId,
    deliver: Deliver,
    notifications: Receiver<Notification>,
    /// How many notifications wait in the channel.
    waiting: Arc<AtomicUsize>,
    last_ticket: u64,
}

/// The engine's side of a client.
#[derive(Debug)]
pub struct ClientEnd {
    /// The client.
    pub id: ClientId,
    /// Where its notifications go.
    pub notifications: Outbox,
}

/// The engine's way of telling a client. Sending never waits; how much the client has not read yet can be asked, so
/// that the engine does not outrun it without limit.
#[derive(Debug)]
pub struct Outbox {
    sender: Sender<Notification>,
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Tells the client; an error means that it is gone.
    pub fn send(&self, notification: Notification) -> Result<(), SendError<Notification>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.send(notification)
    }

    /// How many notifications the client has not taken yet.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Nobody waits for a client that reads no more.
impl Drop for Client {
    fn drop(&mut self) {
        self.waiting.store(0, Ordering::Relaxed);
    }
}

impl Client {
    /// A client whose requests are brought to the engine by `deliver`, and the engine's end of it. A request to an
    /// engine that has ended goes nowhere; its end shows in the notifications.
    pub fn new(id: ClientId, deliver: Deliver) -> (Client, ClientEnd) {
        let (sender, notifications) = std::sync::mpsc::channel();
        let waiting = Arc::default();
        let client = Client {
            id,
            deliver,
            notifications,
            waiting: Arc::clone(&waiting),
            last_ticket: 0,
        };
        let notifications = Outbox { sender, waiting };
        (client, ClientEnd { id, notifications })
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

    /// How many notifications have come that were not taken yet.
    pub fn unread(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The next notification; none when the engine has ended.
    pub fn next(&self) -> Option<Notification> {
        let notification = self.notifications.recv().ok()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(notification)
    }

    /// The next notification within a time; the inner none means that the engine has ended.
    pub fn next_within(&self, time: Duration) -> Option<Option<Notification>> {
        match self.notifications.recv_timeout(time) {
            Ok(notification) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                Some(Some(notification))
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(None),
        }
    }
}
