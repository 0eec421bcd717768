//! The one thread that serves all clients of an engine.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use farsight_engine::{ClientLoss, EngineMessage};
use farsight_render::visible;
use farsight_serve::strangers::{Met, Strangers};
use farsight_session::wire::notification_frame;
use farsight_session::{ClientEnd, ClientId, Content, Introduction, Notification, OutputMask, Request, Sink};
use farsight_transport::channel::Locks;
use farsight_transport::sys::{Ready, Wanted, poll};
use farsight_transport::{Host, Listener};
use farsight_types::{AccessRole, ServerId};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{Refusal, ServerKind, Welcome, opening_frame};
use farsight_wire::{Frame, FrameKind, Limits as FrameLimits};

use super::connection::{Broken, Connection};
use super::waker::Waker;

/// Clients at a time. Beyond that, who has not joined the session makes room for others.
const MOST_CLIENTS: usize = 256;

/// What is told goes out in pieces of about this many bytes where it comes fast.
const PIECE: usize = 64 << 10;

/// Output that comes faster than [`FLOOD`] bytes in this time is written once in this time, so that clients are not woken
/// for every line; the first of it is not held back.
const BREATH: Duration = Duration::from_millis(4);

/// See [`BREATH`]; no command that a user reads shows so much in so little time.
const FLOOD: usize = 8 << 10;

/// Orders that are followed before clients are looked at again.
const ORDERS_AT_ONCE: usize = 4096;

/// When it is looked first whether the engine has taken up requests of a client that is held back, though it has told
/// nothing; then after twice that, and so on.
const PACE: Duration = Duration::from_millis(10);

/// As [`PACE`], at the most: a running target may hold requests back for hours.
const SLOWEST_PACE: Duration = Duration::from_secs(1);

/// Who gives no name.
const NAMELESS: &str = "someone";

/// The longest request, in bytes of its body; there is no bulk.
const REQUEST: FrameLimits = FrameLimits { body: 1 << 20, bulk: 0 };

/// Most characters of a name that a client gives itself.
const NAME: usize = 64;

/// What is asked of the hub.
pub(super) enum Order {
    /// Listen.
    Open {
        server: ServerId,
        listener: Box<Listener>,
        role: AccessRole,
    },
    /// Listen no more, and say when that is so.
    Close {
        server: ServerId,
        cut_clients: bool,
        closed: Sender<()>,
    },
    /// Tell clients.
    Tell(Arc<[ClientId]>, Arc<Notification>),
    /// The engine has ended.
    End,
}

/// When a client that does not read is cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes that may wait for it.
    pub(super) queued: usize,
    /// How long it may take nothing while something waits.
    pub(super) stuck: Duration,
    /// How long clients may take to read the last words of a session.
    pub(super) last_words: Duration,
    /// How long one that has not joined and asks nothing keeps its place when others want it. Joining follows on the
    /// heels of connecting, but a program that looks at servers may do so without.
    pub(super) joining: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            queued: 64 << 20,
            stuck: Duration::from_secs(30),
            last_words: Duration::from_secs(2),
            joining: Duration::from_secs(10),
        }
    }
}

/// How fast output comes.
struct Flow {
    /// When the breath began.
    since: Instant,
    /// Bytes that were told in it.
    now: usize,
    /// Bytes that were told in the breath before.
    before: usize,
    /// Bytes that were told and not given to the streams.
    held: usize,
}

impl Flow {
    fn new(now: Instant) -> Flow {
        Flow {
            since: now,
            now: 0,
            before: 0,
            held: 0,
        }
    }

    fn told(&mut self, bytes: usize) {
        self.now += bytes;
        self.held += bytes;
    }

    /// Until when what was told is held back, so that more of it can be written together.
    fn held_until(&mut self, now: Instant) -> Option<Instant> {
        if now >= self.since + BREATH {
            let is_next = now < self.since + 2 * BREATH;
            self.before = if is_next { self.now } else { 0 };
            self.now = 0;
            self.since = now;
            return None;
        }
        let holds = self.before > FLOOD && (1..PIECE).contains(&self.held);
        holds.then_some(self.since + BREATH)
    }
}

/// What is told to the same clients in a row, which goes out as one piece.
struct Pending {
    to: Arc<[ClientId]>,
    piece: Vec<u8>,
    /// Text behind the piece, which goes on with the next of its kind: many lines are one notification.
    text: Option<(OutputMask, String)>,
}

impl Pending {
    fn new(to: &Arc<[ClientId]>) -> Pending {
        Pending {
            to: Arc::clone(to),
            piece: Vec::new(),
            text: None,
        }
    }

    /// Whether more for these clients goes into it.
    fn takes(&self, to: &Arc<[ClientId]>) -> bool {
        let text = self.text.as_ref().map_or(0, |(_, text)| text.len());
        // The engine need not keep one list for the same clients.
        (Arc::ptr_eq(&self.to, to) || self.to == *to) && self.piece.len() + text < PIECE
    }

    /// `number` is that of the last notification that was written.
    fn add(&mut self, number: &mut u64, told: &Notification) {
        let Notification::Output {
            mask,
            content: Content::Text(more),
        } = told
        else {
            self.end_text(number);
            return self.write(number, told);
        };
        match &mut self.text {
            Some((known, text)) if known == mask && more.len() < PIECE => text.push_str(more),
            _ => {
                self.end_text(number);
                self.text = Some((*mask, more.clone()));
            }
        }
    }

    fn end_text(&mut self, number: &mut u64) {
        if let Some((mask, text)) = self.text.take() {
            let content = Content::Text(text);
            self.write(number, &Notification::Output { mask, content });
        }
    }

    fn write(&mut self, number: &mut u64, told: &Notification) {
        *number += 1;
        self.piece.extend(frame_that_fits(*number, told).encode());
    }

    fn ended(mut self, number: &mut u64) -> (Arc<[ClientId]>, Vec<u8>) {
        self.end_text(number);
        (self.to, self.piece)
    }
}

struct Door {
    server: ServerId,
    listener: Listener,
    /// What it asks of clients.
    locks: Arc<Locks>,
    role: AccessRole,
}

pub(super) struct Hub {
    orders: Receiver<Order>,
    /// How many orders were followed; all that may ever come, once the hub has ended.
    followed: Arc<AtomicU64>,
    waker: Arc<Waker>,
    sink: Arc<dyn Sink>,
    engine: Sender<EngineMessage>,
    limits: Limits,
    doors: Vec<Door>,
    strangers: Strangers,
    clients: BTreeMap<ClientId, Connection>,
    next_client: u32,
    /// Nothing is accepted until then, for accepting has failed.
    rest_until: Option<Instant>,
    /// Numbers what was told.
    told: u64,
    flow: Flow,
    /// Between [`PACE`] and [`SLOWEST_PACE`].
    pace: Duration,
    /// The engine has ended; clients may read until then.
    ends_at: Option<Instant>,
}

impl Hub {
    pub(super) fn new(
        orders: Receiver<Order>,
        followed: Arc<AtomicU64>,
        waker: Arc<Waker>,
        sink: Arc<dyn Sink>,
        engine: Sender<EngineMessage>,
        limits: Limits,
    ) -> Hub {
        Hub {
            orders,
            followed,
            waker,
            sink,
            engine,
            limits,
            doors: Vec::new(),
            strangers: Strangers::default(),
            clients: BTreeMap::new(),
            // The engine's own console is 0.
            next_client: 1,
            rest_until: None,
            told: 0,
            flow: Flow::new(Instant::now()),
            pace: PACE,
            ends_at: None,
        }
    }

    /// Serves until the engine has ended and its clients know, or have had their time.
    pub(super) fn run(&mut self) {
        loop {
            self.follow_orders();
            let held = self.flow.held_until(Instant::now()).filter(|_| self.ends_at.is_none());
            if held.is_none() {
                self.write_all();
            }
            self.bring_requests();
            self.close_single_doors();
            if let Some(end) = self.ends_at
                && (self.clients.values().all(|client| !client.has_to_write()) || Instant::now() >= end)
            {
                return;
            }
            let until = match held {
                // What is told meanwhile can wait as well, so that nobody has to wake this thread.
                Some(until) => Some(until),
                None => {
                    self.waker.lie_down();
                    // What was ordered before the waker knew is not slept over.
                    self.follow_orders().then(Instant::now)
                }
            };
            if let Err(error) = self.wait(until, held.is_none()) {
                tracing::error!(%error, "clients are served no more");
                return;
            }
        }
    }

    /// Follows the orders that are there; whether there were any.
    fn follow_orders(&mut self) -> bool {
        let mut followed = false;
        let mut pending: Option<Pending> = None;
        for _ in 0..ORDERS_AT_ONCE {
            let order = self.orders.try_recv();
            if order.is_ok() {
                followed = true;
                self.followed.fetch_add(1, Ordering::Relaxed);
            }
            match order {
                Ok(Order::Tell(to, notification)) => {
                    if !pending.as_ref().is_some_and(|pending| pending.takes(&to)) {
                        self.tell(pending.take());
                    }
                    let pending_now = pending.get_or_insert_with(|| Pending::new(&to));
                    pending_now.add(&mut self.told, &notification);
                    if matches!(*notification, Notification::Ended { .. }) {
                        self.tell(pending.take());
                        for id in to.iter() {
                            if let Some(client) = self.clients.get_mut(id) {
                                client.is_leaving = true;
                            }
                        }
                    }
                }
                Ok(order) => {
                    self.tell(pending.take());
                    self.follow(order);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.follow(Order::End);
                    break;
                }
            }
        }
        self.tell(pending);
        followed
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Open { server, listener, role } => {
                let locks = Arc::new(listener.locks(true));
                self.doors.push(Door {
                    server,
                    listener: *listener,
                    locks,
                    role,
                });
            }
            Order::Close {
                server,
                cut_clients,
                closed,
            } => {
                self.doors.retain(|door| door.server != server);
                // Its port or name is free from here on. The engine may have stopped waiting.
                let _ = closed.send(());
                // What has failed was perhaps this one's; others try again at once.
                self.rest_until = None;
                self.strangers.forget(server.0 as usize);
                if cut_clients {
                    let theirs = self.clients.values().filter(|client| client.server == server);
                    for id in theirs.map(|client| client.id).collect::<Vec<_>>() {
                        self.cut_off(id, "its server was told to end");
                    }
                }
            }
            Order::End => {
                self.doors.clear();
                self.strangers = Strangers::default();
                self.ends_at.get_or_insert(Instant::now() + self.limits.last_words);
            }
            Order::Tell(..) => {}
        }
    }

    fn tell(&mut self, pending: Option<Pending>) {
        let Some(pending) = pending else { return };
        let (to, piece) = pending.ended(&mut self.told);
        self.flow.told(piece.len());
        let piece: Arc<[u8]> = piece.into();
        for id in to.iter() {
            // Behind its end nothing is told.
            if let Some(client) = self.clients.get_mut(id).filter(|client| !client.is_leaving) {
                client.tell(&piece);
            }
        }
    }

    /// Writes what streams take, and parts with those who take nothing.
    fn write_all(&mut self) {
        let now = Instant::now();
        self.flow.held = 0;
        let mut going = Vec::new();
        for client in self
            .clients
            .values_mut()
            .filter(|client| client.has_to_write() || client.is_leaving)
        {
            match client.write(now) {
                Err(broken) => going.push((client.id, Some(broken.into()))),
                Ok(()) if client.is_leaving && !client.has_to_write() => going.push((client.id, None)),
                Ok(()) if client.queued > self.limits.queued => {
                    let why = format!("{} MiB waited for it", client.queued >> 20);
                    going.push((client.id, Some(ClientLoss::CutOff(why))));
                }
                Ok(()) if client.stuck_since.is_some_and(|since| now >= since + self.limits.stuck) => {
                    let why = format!("it took nothing for {} s", self.limits.stuck.as_secs());
                    going.push((client.id, Some(ClientLoss::CutOff(why))));
                }
                Ok(()) => {}
            }
        }
        for (id, loss) in going {
            self.part(id, loss);
        }
    }

    /// Ends a client's visit: it gets what it was told until now, and why it ends; the others are told at once.
    fn cut_off(&mut self, id: ClientId, why: &str) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let content = Content::Text(format!("*** This client is cut off: {why}\n"));
        let mask = OutputMask::ERROR;
        for told in [
            Notification::Output { mask, content },
            Notification::Ended { clean: false },
        ] {
            self.told += 1;
            client.tell(&notification_frame(self.told, &told).encode().into());
        }
        client.is_leaving = true;
        let _ = self
            .engine
            .send(EngineMessage::Gone(id, ClientLoss::CutOff(why.to_owned())));
    }

    /// Parts with one that has not joined the session for the sake of those who want to come; whether there is one.
    fn make_room(&mut self) -> bool {
        let now = Instant::now();
        let silent = self.clients.values().filter(|client| {
            let is_idle = now.duration_since(client.last_asked) >= self.limits.joining;
            !client.has_joined && !client.is_leaving && is_idle
        });
        let Some(id) = silent.min_by_key(|client| client.last_asked).map(|client| client.id) else {
            return false;
        };
        self.cut_off(id, "it has not joined the session, and others want to come");
        if let Some(client) = self.clients.get_mut(&id) {
            // What its stream does not take at once it does not get.
            let _ = client.write(now);
        }
        self.part(id, None);
        true
    }

    /// Closes a connection, and tells the engine where it does not know.
    fn part(&mut self, id: ClientId, loss: Option<ClientLoss>) {
        if let Some(client) = self.clients.remove(&id) {
            // Its reader sees the end whoever else holds the socket.
            let _ = client.stream.shutdown(std::net::Shutdown::Both);
        }
        if let Some(loss) = loss {
            let _ = self.engine.send(EngineMessage::Gone(id, loss));
        }
    }

    /// Waits until something is to be done, at most until a moment; whether that streams take more is such a thing.
    fn wait(&mut self, until: Option<Instant>, writes: bool) -> std::io::Result<()> {
        let now = Instant::now();
        // A rest that is over is no deadline any more, whether anybody knocks or not.
        self.rest_until = self.rest_until.filter(|until| *until > now);
        let mut wanted = vec![Wanted::reading(self.waker.as_fd())];
        let full_until = self.strangers.full_until(now);
        let accepts = self.rest_until.is_none() && full_until.is_none();
        let mut counts = Vec::new();
        for door in self.doors.iter().filter(|_| accepts) {
            let descriptors = door.listener.descriptors();
            counts.push(descriptors.len());
            wanted.extend(descriptors.into_iter().map(Wanted::reading));
        }
        wanted.extend(self.strangers.descriptors().map(Wanted::reading));
        let strangers = self.strangers.listened_to();
        wanted.extend(self.clients.values().map(|client| Wanted {
            fd: client.stream.as_fd(),
            read: !client.is_held_back() && !client.is_leaving,
            write: writes && client.has_to_write(),
        }));
        let deadline = self.next_deadline().into_iter().chain(full_until).chain(until).min();
        let time = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let ready = poll(&wanted, time);
        self.waker.get_up();
        let ready = ready?;
        if !ready.iter().any(|ready| is_ready(ready) || ready.write) {
            self.pace = (2 * self.pace).min(SLOWEST_PACE);
        }
        let mut ready = ready.into_iter().skip(1);
        let mut knocking = Vec::new();
        for (index, count) in counts.into_iter().enumerate() {
            if ready.by_ref().take(count).filter(is_ready).count() > 0 {
                knocking.push(index);
            }
        }
        let for_strangers: Vec<bool> = ready.by_ref().take(strangers).map(|ready| is_ready(&ready)).collect();
        let clients: Vec<(ClientId, Ready)> = self.clients.keys().copied().zip(ready).collect();
        self.read_clients(clients);
        for met in self.strangers.read(&for_strangers, ServerKind::DebuggingServer) {
            self.welcome(met);
        }
        for index in knocking {
            let Some(door) = self.doors.get(index) else {
                continue;
            };
            let number = door.server.0 as usize;
            let accepted = self
                .strangers
                .accept(&door.listener, &door.locks, number, ServerKind::DebuggingServer);
            let rest = self.rest_until.filter(|until| *until > Instant::now());
            self.rest_until = accepted.rest_until.or(rest);
            for met in accepted.met {
                self.welcome(met);
            }
        }
        Ok(())
    }

    /// Closes servers whose only connection has ended: nobody comes through them any more.
    fn close_single_doors(&mut self) {
        let (strangers, clients) = (&self.strangers, &self.clients);
        let over = self.doors.extract_if(.., |door| {
            let server = door.server;
            let is_used = clients.values().any(|client| client.server == server);
            door.listener.is_over() && !is_used && !strangers.has_any_of(server.0 as usize)
        });
        for door in over {
            let _ = self.engine.send(EngineMessage::ServerOver(door.server));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let stuck = self.clients.values().filter_map(|client| client.stuck_since);
        let stuck = stuck.map(|since| since + self.limits.stuck);
        let held = self.clients.values().any(|client| client.is_held_back());
        stuck
            .chain(self.strangers.deadline())
            .chain(self.rest_until)
            .chain(self.ends_at)
            .chain(held.then(|| Instant::now() + self.pace))
            .min()
    }

    fn read_clients(&mut self, ready: Vec<(ClientId, Ready)>) {
        for (id, ready) in ready {
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            let read = match (ready.read, ready.ended) {
                (true, _) => client.read(),
                // What it has sent before is of no use to anybody any more.
                (false, true) => client.read().and(Err(Broken::Ended)),
                (false, false) => continue,
            };
            if let Err(broken) = read {
                self.part(id, Some(broken.into()));
            }
        }
    }

    /// Brings to the engine what clients have asked.
    fn bring_requests(&mut self) {
        let mut broken = Vec::new();
        for client in self.clients.values_mut() {
            loop {
                match client.next_request() {
                    Ok(None) => break,
                    Ok(Some(request)) => {
                        // The end of a client's input is the end of nothing but its visit.
                        let request = match request {
                            Request::EndOfInput => Request::Leave,
                            request => request,
                        };
                        let _ = self.engine.send(EngineMessage::Client(client.id, request));
                        self.pace = PACE;
                    }
                    Err(error) => {
                        broken.push((client.id, error));
                        break;
                    }
                }
            }
        }
        for (id, error) in broken {
            self.part(id, Some(error.into()));
        }
    }

    /// A connection has said that it is a debugging client.
    fn welcome(&mut self, met: Met) {
        let server = ServerId(u32::try_from(met.door).unwrap_or(u32::MAX));
        let door = self.doors.iter().find(|door| door.server == server);
        let Some(role) = door.map(|door| met.role.unwrap_or(door.role)) else {
            return;
        };
        if self.clients.len() >= MOST_CLIENTS && !self.make_room() {
            return met.refuse(&Refusal::Busy {
                sessions: MOST_CLIENTS as u32,
            });
        }
        let address = met.stream.peer().map(|peer| peer.to_string()).unwrap_or_default();
        let name: String = met.hello.identity.trim().chars().take(NAME).collect();
        let name = if name.is_empty() { NAMELESS } else { &name };
        let introduction = Introduction {
            identity: visible(name).into_owned(),
            address,
            role,
            server: Some(server),
        };
        let id = ClientId(self.next_client);
        self.next_client += 1;
        let mut decoder = met.decoder;
        decoder.set_limits(REQUEST);
        let taken: Arc<AtomicU64> = Arc::default();
        let mut client = Connection::new(id, server, met.stream, decoder, Arc::clone(&taken));
        let welcome = Welcome {
            version: met.version,
            server: ServerKind::DebuggingServer,
            product: farsight_serve::PRODUCT.into(),
            machine: Host::this_machine().to_string(),
            capabilities: vec![format!("role-{role}")],
            ticket: None,
        };
        let frame = opening_frame(FrameKind::Welcome, &welcome);
        client.tell(&Arc::from([&PREAMBLE[..], &frame.encode()].concat()));
        self.clients.insert(id, client);
        let _ = self.engine.send(EngineMessage::Join(ClientEnd {
            id,
            introduction,
            notifications: Arc::clone(&self.sink),
            taken,
        }));
        if let Err(error) = self.clients.get_mut(&id).map_or(Ok(()), Connection::read_arrived) {
            self.part(id, Some(error.into()));
        }
    }
}

impl From<Broken> for ClientLoss {
    fn from(broken: Broken) -> ClientLoss {
        match broken {
            Broken::Ended => ClientLoss::Vanished,
            Broken::TimedOut => ClientLoss::CutOff("the network could bring it nothing for too long".into()),
            Broken::Unreadable(error) => ClientLoss::CutOff(format!("it sent what cannot be read: {error}")),
        }
    }
}

/// Nobody waits for orders to be followed when there is nobody to follow them.
impl Drop for Hub {
    fn drop(&mut self) {
        self.followed.store(u64::MAX, Ordering::Relaxed);
    }
}

/// The frame of a notification, or of what is told instead of one that no client would read, for its length.
fn frame_that_fits(number: u64, notification: &Notification) -> Frame {
    let frame = notification_frame(number, notification);
    if frame.body.len() <= FrameLimits::SESSION.body as usize {
        return frame;
    }
    let instead = match notification {
        Notification::Completions { ticket, start, .. } => Notification::Completions {
            ticket: *ticket,
            start: *start,
            candidates: Vec::new(),
        },
        _ => {
            let size = frame.body.len() >> 20;
            let why = format!("output of {size} MiB is too large to be sent; narrow the command\n");
            Notification::Output {
                mask: OutputMask::ERROR,
                content: Content::Text(why),
            }
        }
    };
    notification_frame(number, &instead)
}

fn is_ready(ready: &Ready) -> bool {
    ready.read || ready.ended
}

#[cfg(test)]
mod tests;
