//! The engine's inbox, and the links that wait on it.
//!
//! One thread reads the inbox. While it waits for one answer, everything else that arrives is kept in order for later,
//! except a user's interrupt, which ends the wait. Read [`Mailbox`] first.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use farsight_session::{ClientId, Request};
use farsight_target::changes_state;
use farsight_types::AccessRole;
use farsight_wire::{Call, CallStatus, Frame, FrameKind, Header, Operation, Port, PortError, Reply, Requests};

use crate::{EngineMessage, LinkId, LinkNews, LinkSender};

/// Everything that wakes the engine, in order of arrival.
pub(crate) struct Mailbox {
    messages: Receiver<EngineMessage>,
    backlog: RefCell<VecDeque<EngineMessage>>,
    links: RefCell<BTreeMap<LinkId, Rc<LinkState>>>,
    interrupted: Cell<bool>,
    /// One of those who interrupted may break into targets.
    breaks_in: Cell<bool>,
    /// Clients that have joined and not left, as far as messages have arrived.
    clients: RefCell<BTreeMap<ClientId, Heard>>,
    /// Nothing that changes a target may be asked for now.
    only_look: Cell<bool>,
    /// Whose command runs.
    author: Cell<Option<ClientId>>,
    /// Its author may leave it behind.
    can_be_left: Cell<bool>,
    /// Clients that have left in good order, until that has its turn.
    left: RefCell<BTreeSet<ClientId>>,
    /// The end of the session has arrived and waits its turn: what runs shall end.
    departing: Cell<bool>,
    /// Waits are not ended by interrupts, which stay noted.
    patient: Cell<bool>,
    /// Who interrupted.
    interrupter: Cell<Option<ClientId>>,
    /// Something was kept that [`Mailbox::take_beside`] has not seen, and is about.
    has_news: Cell<bool>,
}

/// What has to be known of a client before its messages have their turn.
struct Heard {
    role: AccessRole,
    /// It is the debugger's own, whose end of input is the session's.
    is_console: bool,
    /// It is part of the session, or will be when its request has its turn.
    joined: bool,
    /// Counts its requests that the engine has done with.
    taken: Arc<AtomicU64>,
}

/// One link's unanswered requests and unread answers.
struct LinkState {
    id: LinkId,
    sender: RefCell<Option<Box<dyn LinkSender>>>,
    requests: RefCell<Requests>,
    events_seen: Cell<u64>,
    replies: RefCell<BTreeMap<u64, Reply>>,
    /// Requests whose answers nobody wants any more.
    abandoned: RefCell<BTreeSet<u64>>,
    /// Requests whose answers wake the main loop.
    watched: RefCell<BTreeSet<u64>>,
    lost: Cell<bool>,
}

impl Mailbox {
    pub(crate) fn new(messages: Receiver<EngineMessage>) -> Rc<Mailbox> {
        Rc::new(Mailbox {
            messages,
            backlog: RefCell::default(),
            links: RefCell::default(),
            interrupted: Cell::new(false),
            breaks_in: Cell::new(false),
            clients: RefCell::default(),
            only_look: Cell::new(false),
            author: Cell::new(None),
            can_be_left: Cell::new(false),
            left: RefCell::default(),
            departing: Cell::new(false),
            patient: Cell::new(false),
            interrupter: Cell::new(None),
            has_news: Cell::new(false),
        })
    }

    /// The next thing to do; none when nobody can send any more. Answers come up only for watched requests.
    pub(crate) fn next(&self) -> Option<EngineMessage> {
        let first = self.backlog.borrow_mut().pop_front();
        if let Some(message) = first {
            if matches!(
                message,
                EngineMessage::Client(_, Request::EndOfInput | Request::Leave) | EngineMessage::Gone(..)
            ) {
                // Another end may wait behind this one.
                let still = self.backlog.borrow().iter().any(|message| self.ends_session(message));
                self.departing.set(still);
            }
            return Some(self.taken(message));
        }
        let message = self.next_beside()?;
        Some(self.taken(message))
    }

    /// Counts a request of a client that is dealt with now.
    fn taken(&self, message: EngineMessage) -> EngineMessage {
        if let EngineMessage::Client(client, _) = &message {
            self.done_with(*client);
        }
        message
    }

    /// A request of a client that [`Mailbox::next_beside`] gave does not wait for its turn.
    pub(crate) fn done_with(&self, client: ClientId) {
        if let Some(heard) = self.clients.borrow().get(&client) {
            heard.taken.fetch_add(1, Ordering::Release);
        }
    }

    /// Whether a user wants the running command to end. Looks at what has arrived, waits for nothing.
    pub(crate) fn is_interrupted(&self) -> bool {
        loop {
            match self.messages.try_recv() {
                Ok(message) => self.keep(message),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return self.shall_end(),
            }
        }
    }

    /// As [`Mailbox::is_interrupted`], but waits a while for something to arrive.
    pub(crate) fn is_interrupted_within(&self, time: Duration) -> bool {
        match self.messages.recv_timeout(time) {
            Ok(message) => {
                self.keep(message);
                self.shall_end()
            }
            // Nobody is left who could read or interrupt.
            Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => false,
        }
    }

    /// Waits for what arrives next, for a command that waits for a user. The caller hands back what is not for it.
    pub(crate) fn next_beside(&self) -> Option<EngineMessage> {
        loop {
            let message = self.messages.recv().ok()?;
            if let Some(message) = self.sort(message) {
                return Some(message);
            }
        }
    }

    /// Keeps a message of [`Mailbox::next_beside`] for its turn.
    pub(crate) fn postpone(&self, message: EngineMessage) {
        self.queue(message);
    }

    /// As [`Mailbox::is_interrupted`], without a look at what has arrived since.
    pub(crate) fn shall_end(&self) -> bool {
        self.interrupted.get() || self.departing.get() || self.is_author_gone()
    }

    /// Whether what runs is the command of somebody who is not there any more: it ends with them.
    pub(crate) fn is_author_gone(&self) -> bool {
        self.author.get().is_some_and(|author| {
            let is_left = self.can_be_left.get() && self.left.borrow().contains(&author);
            !self.is_here(author) && !is_left
        })
    }

    /// Whether a client has not gone, as far as messages have arrived.
    pub(crate) fn is_here(&self, client: ClientId) -> bool {
        self.clients.borrow().contains_key(&client)
    }

    /// Who wanted the running command to end, where somebody did.
    pub(crate) fn interrupter(&self) -> Option<ClientId> {
        self.interrupter.get()
    }

    /// Who interrupts from now on interrupts something else.
    pub(crate) fn forget_interrupter(&self) {
        self.interrupter.set(None);
    }

    /// The running command ends, because a client wants that; targets are not broken into.
    pub(crate) fn end_for(&self, client: ClientId) {
        self.interrupted.set(true);
        self.interrupter.set(Some(client));
    }

    /// Runs something whose waits no interrupt ends: what is waited for is certain to come, or must be known.
    pub(crate) fn patiently<T>(&self, run: impl FnOnce() -> T) -> T {
        let before = self.patient.replace(true);
        let result = run();
        self.patient.set(before);
        result
    }

    /// Whether an interrupt came while something else was waited for, of somebody who may break into targets.
    pub(crate) fn take_interrupt(&self) -> bool {
        let breaks_in = self.breaks_in.replace(false);
        self.interrupted.replace(false) && breaks_in
    }

    /// Forgets an interrupt that was acted on.
    pub(crate) fn clear_interrupt(&self) {
        self.interrupted.set(false);
        self.breaks_in.set(false);
        self.interrupter.set(None);
    }

    /// Takes a message that arrives while a command runs: an interrupt of one who may is noted, the rest waits its turn.
    /// The end of the session, or of the author's visit, ends what runs as an interrupt does, and has its turn then.
    fn keep(&self, message: EngineMessage) {
        if let EngineMessage::Client(client, Request::Interrupt) = message
            && self.may_interrupt(client)
        {
            self.end_for(client);
            if let Some(heard) = self.clients.borrow().get(&client) {
                self.breaks_in
                    .set(self.breaks_in.get() || heard.role > AccessRole::Observer);
            }
            self.done_with(client);
            return;
        }
        if let Some(message) = self.sort(message) {
            self.queue(message);
        }
    }

    /// Whether a client may end what runs: its own command, or, unless it only looks on, whatever it is.
    pub(crate) fn may_interrupt(&self, client: ClientId) -> bool {
        let clients = self.clients.borrow();
        let may_change = |heard: &Heard| heard.joined && heard.role > AccessRole::Observer;
        clients.get(&client).is_some_and(may_change) || self.author.get() == Some(client)
    }

    /// Whose command runs from now on.
    pub(crate) fn set_author(&self, author: Option<ClientId>) {
        if self.author.replace(author) != author && !self.backlog.borrow().is_empty() {
            // What was kept for the sake of another need not wait for this one's.
            self.has_news.set(true);
            self.heed_kicks();
        }
    }

    /// Whether what runs from now on goes on where its author leaves in good order; whether that was so before.
    pub(crate) fn set_can_be_left(&self, can_be_left: bool) -> bool {
        self.can_be_left.replace(can_be_left)
    }

    /// Whether requests that change a target are refused from now on.
    pub(crate) fn set_only_look(&self, only_look: bool) {
        self.only_look.set(only_look);
    }

    /// A client is part of the session no more, whatever still arrives from it.
    pub(crate) fn forget(&self, client: ClientId) {
        self.clients.borrow_mut().remove(&client);
        self.left.borrow_mut().remove(&client);
    }

    /// Whether the session ends when this has its turn.
    pub(crate) fn ends_session(&self, message: &EngineMessage) -> bool {
        let clients = self.clients.borrow();
        match message {
            EngineMessage::Client(client, Request::EndOfInput) => {
                clients.is_empty() || clients.get(client).is_some_and(|heard| heard.is_console)
            }
            EngineMessage::Client(_, Request::Leave) | EngineMessage::Gone(..) => clients.is_empty(),
            _ => false,
        }
    }

    /// What was kept and need not wait for the end of what runs, in order: who comes and goes, what somebody wants to be
    /// told, and answers that nothing waited for. What else a client has asked before that is not overtaken. None where nothing new was kept.
    pub(crate) fn take_beside(&self) -> Option<Vec<EngineMessage>> {
        if !self.has_news.replace(false) {
            return None;
        }
        let mut waiting = BTreeSet::new();
        let (beside, rest) = self
            .backlog
            .take()
            .into_iter()
            .partition(|message| self.goes_beside(message, &mut waiting));
        self.backlog.replace(rest);
        Some(Vec::from(beside))
    }

    /// See [`Mailbox::take_beside`]; `waiting` are those clients with something that waits.
    fn goes_beside(&self, message: &EngineMessage, waiting: &mut BTreeSet<ClientId>) -> bool {
        let may_go = |client: ClientId| self.author.get() != Some(client) && !self.ends_session(message);
        match message {
            EngineMessage::Join(_) => true,
            EngineMessage::Gone(client, _) => may_go(*client),
            EngineMessage::Client(client, request) => {
                let goes = !waiting.contains(client)
                    && match request {
                        Request::ConnectSession { .. }
                        | Request::SetOutput { .. }
                        | Request::AnswerInput { .. }
                        | Request::Complete { .. } => true,
                        Request::Leave | Request::EndOfInput => may_go(*client),
                        _ => false,
                    };
                if !goes {
                    waiting.insert(*client);
                }
                goes
            }
            EngineMessage::Link(..) | EngineMessage::ServerOver(_) | EngineMessage::Worked => false,
        }
    }

    /// What runs ends where an owner's line waits behind it that shows its author out: it would wait for what it is to end.
    fn heed_kicks(&self) {
        let Some(author) = self.author.get() else {
            return;
        };
        let clients = self.clients.borrow();
        let is_owner = |client| clients.get(client).is_some_and(|heard| heard.role == AccessRole::Owner);
        let backlog = self.backlog.borrow();
        let owner = backlog.iter().find_map(|message| match message {
            EngineMessage::Client(client, Request::Execute { line, .. })
                if shows_out(line, author) && is_owner(client) =>
            {
                Some(*client)
            }
            _ => None,
        });
        if let Some(owner) = owner {
            self.end_for(owner);
        }
    }

    fn queue(&self, message: EngineMessage) {
        let is_kick = matches!(&message, EngineMessage::Client(_, Request::Execute { line, .. }) if is_kick(line));
        // Most of what is kept is lines, and may be much.
        let is_news = match &message {
            EngineMessage::Client(_, request) => !matches!(request, Request::Execute { .. }),
            EngineMessage::Join(_) | EngineMessage::Gone(..) => true,
            EngineMessage::Link(..) | EngineMessage::ServerOver(_) | EngineMessage::Worked => false,
        };
        self.has_news.set(self.has_news.get() || is_news);
        if self.ends_session(&message) {
            self.departing.set(true);
        }
        self.backlog.borrow_mut().push_back(message);
        if is_kick {
            self.heed_kicks();
        }
    }

    /// Files answers with their links; gives back everything else.
    fn sort(&self, message: EngineMessage) -> Option<EngineMessage> {
        let (id, news) = match &message {
            EngineMessage::Link(id, news) => (id, news),
            EngineMessage::Join(end) => {
                let heard = Heard {
                    role: end.introduction.role,
                    is_console: end.introduction.server.is_none(),
                    joined: end.introduction.server.is_none(),
                    taken: Arc::clone(&end.taken),
                };
                self.clients.borrow_mut().insert(end.id, heard);
                return Some(message);
            }
            EngineMessage::Gone(client, _) => {
                self.clients.borrow_mut().remove(client);
                return Some(message);
            }
            EngineMessage::Client(client, Request::Leave) => {
                self.clients.borrow_mut().remove(client);
                self.left.borrow_mut().insert(*client);
                return Some(message);
            }
            EngineMessage::Client(client, Request::EndOfInput) => {
                let mut clients = self.clients.borrow_mut();
                if clients.get(client).is_some_and(|heard| !heard.is_console) {
                    clients.remove(client);
                    self.left.borrow_mut().insert(*client);
                }
                return Some(message);
            }
            EngineMessage::Client(client, Request::ConnectSession { .. }) => {
                if let Some(heard) = self.clients.borrow_mut().get_mut(client) {
                    heard.joined = true;
                }
                return Some(message);
            }
            EngineMessage::Client(..) | EngineMessage::ServerOver(_) => return Some(message),
            EngineMessage::Worked => return None,
        };
        let state = self.links.borrow().get(id).cloned()?;
        match news {
            LinkNews::Reply { number, .. } => {
                let number = *number;
                let EngineMessage::Link(id, LinkNews::Reply { reply, .. }) = message else {
                    return None;
                };
                if !state.requests.borrow_mut().answered(number) || state.abandoned.borrow_mut().remove(&number) {
                    return None;
                }
                state.replies.borrow_mut().insert(number, reply);
                // The answer itself is read by whoever waits for it, be it before this message's turn or at it.
                let reply = Reply::bare(CallStatus::Done);
                let watched = state.watched.borrow_mut().remove(&number);
                return watched.then_some(EngineMessage::Link(id, LinkNews::Reply { number, reply }));
            }
            LinkNews::Event(_) => state.events_seen.set(state.events_seen.get() + 1),
            LinkNews::Lost { .. } | LinkNews::Failed(_) => {
                state.lost.set(true);
                state.sender.borrow_mut().take();
            }
            LinkNews::Open(_) | LinkNews::Told(_) => {}
        }
        Some(message)
    }
}

/// Whether a line begins with showing somebody out.
fn is_kick(line: &str) -> bool {
    line.trim_start_matches([' ', '\t', ';']).starts_with(".kick")
}

/// Whether a line begins with showing that client out.
fn shows_out(line: &str, client: ClientId) -> bool {
    let mut words = line.split([' ', '\t', ';']).filter(|word| !word.is_empty());
    words.next() == Some(".kick") && words.next().and_then(|number| number.parse().ok()) == Some(client.0)
}

/// Where requests for one system go. Clones are the same link.
#[derive(Clone)]
pub(crate) struct Link {
    state: Rc<LinkState>,
    mailbox: Rc<Mailbox>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("lost", &self.state.lost.get()).finish()
    }
}

impl Link {
    /// A link whose news carry `id`. The sender follows, because connecting needs the id first.
    pub(crate) fn new(id: LinkId, mailbox: &Rc<Mailbox>) -> Link {
        let state = Rc::new(LinkState {
            id,
            sender: RefCell::new(None),
            requests: RefCell::default(),
            events_seen: Cell::new(0),
            replies: RefCell::default(),
            abandoned: RefCell::default(),
            watched: RefCell::default(),
            lost: Cell::new(false),
        });
        mailbox.links.borrow_mut().insert(id, Rc::clone(&state));
        Link {
            state,
            mailbox: Rc::clone(mailbox),
        }
    }

    /// The number that its news carry.
    pub(crate) fn id(&self) -> LinkId {
        self.state.id
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state.lost.get()
    }

    pub(crate) fn set_sender(&self, sender: Box<dyn LinkSender>) {
        *self.state.sender.borrow_mut() = Some(sender);
    }

    /// Closes the link: dropping the sender does it.
    pub(crate) fn close(&self) {
        self.state.lost.set(true);
        self.state.sender.borrow_mut().take();
    }

    /// The answer to this request will wake the main loop instead of being waited for.
    pub(crate) fn watch(&self, number: u64) {
        self.state.watched.borrow_mut().insert(number);
    }

    /// Nobody will wait for the answer to this request.
    pub(crate) fn abandon(&self, number: u64) {
        // The answer may be here already.
        if self.state.replies.borrow_mut().remove(&number).is_none() {
            self.state.abandoned.borrow_mut().insert(number);
        }
    }

    fn header(&self, kind: FrameKind, operation: Operation, number: u64) -> Header {
        let mut header = Header::new(kind);
        header.operation = operation.0;
        header.number = number;
        header.last_event = self.state.events_seen.get();
        header.last_reply = self.state.requests.borrow().acknowledged();
        header
    }

    fn put(&self, frame: Frame) -> Result<(), PortError> {
        match &*self.state.sender.borrow() {
            Some(sender) if !self.state.lost.get() => sender.send(frame),
            _ => Err(PortError::Lost),
        }
    }
}

impl Port for Link {
    fn send(&self, call: Call) -> Result<u64, PortError> {
        if self.mailbox.only_look.get() && changes_state(call.operation) {
            return Err(PortError::Forbidden);
        }
        // What is acknowledged is what came before this request.
        let mut header = self.header(FrameKind::Request, call.operation, 0);
        header.number = self.state.requests.borrow_mut().begin();
        let number = header.number;
        tracing::debug!(target: "farsight::request", number, operation = call.operation.0, bytes = call.body.len() + call.bulk.len());
        let mut frame = Frame::new(header, call.body);
        frame.bulk = call.bulk;
        self.put(frame)?;
        Ok(number)
    }

    fn wait(&self, number: u64) -> Result<Reply, PortError> {
        let span = tracing::debug_span!(target: "farsight::request", "wait", number);
        let _inside = span.enter();
        loop {
            if let Some(reply) = self.state.replies.borrow_mut().remove(&number) {
                return Ok(reply);
            }
            if self.state.lost.get() {
                return Err(PortError::Lost);
            }
            if self.mailbox.shall_end() && !self.mailbox.patient.get() {
                self.abandon(number);
                return Err(PortError::Cancelled);
            }
            match self.mailbox.messages.recv() {
                Ok(message) => self.mailbox.keep(message),
                Err(_) => return Err(PortError::Lost),
            }
        }
    }

    fn urgent(&self, operation: Operation) -> Result<(), PortError> {
        if self.mailbox.only_look.get() {
            return Err(PortError::Forbidden);
        }
        self.put(Frame::new(self.header(FrameKind::Urgent, operation, 0), Vec::new()))
    }
}

#[cfg(test)]
mod tests;
