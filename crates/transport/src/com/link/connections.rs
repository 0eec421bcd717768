//! The connections of a link: what waits to be sent and to be read, how much the other end still takes of each, and
//! whose turn it is.
//!
//! Memory is bounded: each keeps a window of bytes in either direction and no more, and there are at most as many as
//! numbers for them. One whose user reads nothing stops itself and nobody else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Event;
use crate::com::frame::{Closed, Record};

/// Bytes of one connection that may be on their way to the user at the other end.
pub(crate) const WINDOW: usize = 32 << 10;

/// Bytes that wait for their turn on the line; more wait at the user.
const WAITING: usize = 4 << 10;

/// This bit of a connection's number says that the speaker has opened it.
const OPENED: u8 = 0x80;

/// Connections that one end may open.
const NUMBERS: u8 = 0x80;

/// Connections at a time, those included whose rest is still being read.
const MOST: usize = 2 * NUMBERS as usize;

/// Bytes that all of them keep at most.
pub(super) const MOST_KEPT: usize = MOST * (WINDOW + WAITING);

/// A connection as the user of a link knows it; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(u32);

#[derive(Debug, Default)]
struct Connection {
    /// Its number on the line as this end says it; none when it is over on the line.
    number: Option<u8>,
    channel: u8,
    /// To be told to the other end, in this order.
    open: Option<u8>,
    accept: bool,
    finish: bool,
    close: Option<Closed>,
    /// The other end has taken it.
    is_open: bool,
    close_sent: bool,
    close_heard: bool,
    finish_sent: bool,
    /// The user wants nothing more of it.
    is_released: bool,
    /// Waits to be sent, and how much of it the other end takes.
    outgoing: VecDeque<u8>,
    credit: usize,
    /// Waits to be read, and how much was read that the other end does not know of.
    incoming: VecDeque<u8>,
    owed: usize,
    /// What it has had of the line, for justice: who has had least is next.
    had: u64,
}

/// All connections of one end.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnectionId, Connection>,
    numbers: BTreeMap<u8, ConnectionId>,
    listening: BTreeSet<u8>,
    last_id: u32,
    last_number: u8,
    /// What those who had least have had.
    least: u64,
}

impl Connections {
    pub(super) fn listen(&mut self, channel: u8) {
        self.listening.insert(channel);
    }

    pub(super) fn stop_listening(&mut self, channel: u8) {
        self.listening.remove(&channel);
    }

    /// Opens one; none where all numbers are taken.
    pub(super) fn open(&mut self, channel: u8) -> Option<ConnectionId> {
        let is_free = |number: &u8| !self.numbers.contains_key(&(number | OPENED));
        let mut round = (1..=NUMBERS).map(|step| self.last_number.wrapping_add(step) % NUMBERS);
        let number = round.find(is_free).filter(|_| self.all.len() < MOST)?;
        self.last_number = number;
        Some(self.add(number | OPENED, |connection| {
            connection.open = Some(channel);
            connection.channel = channel;
        }))
    }

    fn add(&mut self, number: u8, set_up: impl FnOnce(&mut Connection)) -> ConnectionId {
        self.last_id += 1;
        let id = ConnectionId(self.last_id);
        let mut connection = Connection {
            number: Some(number),
            credit: WINDOW,
            had: self.least,
            ..Connection::default()
        };
        set_up(&mut connection);
        self.all.insert(id, connection);
        self.numbers.insert(number, id);
        id
    }

    /// Whether the line has something to carry for any.
    pub(super) fn is_any_alive(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether any is still known.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes what fits of a user's bytes and says how many.
    pub(super) fn send(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        let Some(connection) = self.all.get_mut(&id).filter(|connection| connection.may_send()) else {
            // Nobody takes them, and nobody shall wait for that.
            return bytes.len();
        };
        let room = WAITING.saturating_sub(connection.outgoing.len()).min(bytes.len());
        if connection.outgoing.is_empty() {
            connection.had = connection.had.max(self.least);
        }
        connection.outgoing.extend(bytes.iter().take(room));
        room
    }

    /// How many bytes of the user would be taken now.
    pub(super) fn room(&self, id: ConnectionId) -> usize {
        let connection = self.all.get(&id).filter(|connection| connection.may_send());
        connection.map_or(0, |connection| WAITING.saturating_sub(connection.outgoing.len()))
    }

    pub(super) fn finish(&mut self, id: ConnectionId) {
        if let Some(connection) = self.all.get_mut(&id) {
            connection.finish = true;
        }
    }

    /// The user wants nothing more of it. What is still to be sent is sent, unless it is to be dropped.
    pub(super) fn release(&mut self, id: ConnectionId, drop_rest: bool) {
        let Some(connection) = self.all.get_mut(&id) else {
            return;
        };
        connection.is_released = true;
        connection.close = connection.close.or(Some(Closed::Done));
        connection.incoming = VecDeque::new();
        if drop_rest {
            connection.outgoing = VecDeque::new();
        }
        self.forget_if_over(id);
    }

    /// What has come and waits to be read.
    pub(super) fn incoming(&self, id: ConnectionId) -> &[u8] {
        self.all
            .get(&id)
            .map_or(&[], |connection| connection.incoming.as_slices().0)
    }

    /// The user has read that much.
    pub(super) fn consume(&mut self, id: ConnectionId, count: usize) {
        if let Some(connection) = self.all.get_mut(&id) {
            let count = count.min(connection.incoming.len());
            connection.incoming.drain(..count);
            connection.owed += count;
        }
    }

    /// Takes a record from the other end.
    pub(super) fn take(&mut self, number: u8, record: Record, events: &mut VecDeque<Event>) {
        // What the other end has opened is not opened by this one.
        let number = number ^ OPENED;
        let id = self.numbers.get(&number).copied();
        match (record, id) {
            (Record::Open { channel }, None) if number & OPENED == 0 => self.opened(number, channel, events),
            (record, Some(id)) => {
                if let Some(connection) = self.all.get_mut(&id) {
                    connection.take(id, record, events);
                }
                self.forget_if_over(id);
            }
            // Of one that is over, or none at all.
            (_, None) => {}
        }
    }

    fn opened(&mut self, number: u8, channel: u8, events: &mut VecDeque<Event>) {
        let refusal = if !self.listening.contains(&channel) {
            Some(Closed::NobodyServes)
        } else if self.all.len() >= MOST {
            Some(Closed::Full)
        } else {
            None
        };
        let id = self.add(number, |connection| match refusal {
            Some(why) => {
                connection.close = Some(why);
                connection.is_released = true;
            }
            None => {
                connection.accept = true;
                connection.is_open = true;
            }
        });
        if refusal.is_none() {
            events.push_back(Event::Incoming { id, channel });
        }
    }

    /// The other end is another one now, or none: what is left of connections can be read, and that is all. Those that it
    /// has not taken are asked for again.
    pub(super) fn end_all(&mut self, why: Closed, events: &mut VecDeque<Event>) {
        for (number, id) in std::mem::take(&mut self.numbers) {
            let Some(connection) = self.all.get_mut(&id) else {
                continue;
            };
            if !connection.is_open && number & OPENED != 0 && connection.close.is_none() {
                connection.open = Some(connection.channel);
                self.numbers.insert(number, id);
                continue;
            }
            connection.number = None;
            connection.outgoing = VecDeque::new();
            if connection.is_released {
                self.all.remove(&id);
            } else if !connection.close_heard {
                connection.close_heard = true;
                events.push_back(Event::Closed { id, why });
            }
        }
    }

    fn forget_if_over(&mut self, id: ConnectionId) {
        let Some(connection) = self.all.get_mut(&id) else {
            return;
        };
        if connection.close_sent
            && connection.close_heard
            && let Some(number) = connection.number.take()
        {
            self.numbers.remove(&number);
        }
        // One that was never told to the other end need not be ended there.
        if connection.is_released
            && connection.open.take().is_some()
            && let Some(number) = connection.number.take()
        {
            self.numbers.remove(&number);
        }
        if connection.is_released && connection.number.is_none() {
            self.all.remove(&id);
        }
    }

    /// Whether a record waits.
    pub(super) fn has_record(&self) -> bool {
        self.numbers
            .values()
            .any(|id| self.all.get(id).is_some_and(Connection::has_record))
    }

    /// The next record, with at most so many bytes of data: words about connections first, then whose connection has had
    /// least of the line. So a small message never waits behind much of another's.
    pub(super) fn next_record(&mut self, most_data: usize) -> Option<(u8, Record)> {
        let ready = self.numbers.values().filter_map(|id| Some((*id, self.all.get(id)?)));
        let (id, _) = ready
            .filter(|(_, connection)| connection.has_record())
            .min_by_key(|(_, connection)| (!connection.has_word(), connection.had))?;
        let connection = self.all.get_mut(&id)?;
        let number = connection.number?;
        let record = connection.next_record(most_data)?;
        connection.had += record.on_the_line() as u64;
        if matches!(record, Record::Data(_)) {
            self.least = self
                .least
                .max(connection.had.saturating_sub(record.on_the_line() as u64));
        }
        self.forget_if_over(id);
        Some((number, record))
    }

    pub(super) fn bytes_kept(&self) -> usize {
        let kept = self.all.values().map(|one| one.outgoing.len() + one.incoming.len());
        kept.sum()
    }
}

impl Connection {
    fn may_send(&self) -> bool {
        self.number.is_some() && !self.finish && self.close.is_none() && !self.close_heard
    }

    fn take(&mut self, id: ConnectionId, record: Record, events: &mut VecDeque<Event>) {
        // Who has released it hears no more of it.
        let mut tell = |event, is_released: bool| {
            if !is_released {
                events.push_back(event);
            }
        };
        match record {
            // None is taken once this end has closed it.
            Record::Data(bytes) if self.close.is_none() => {
                if self.incoming.len() + self.owed + bytes.len() > WINDOW {
                    self.close = Some(Closed::Fault);
                    self.outgoing = VecDeque::new();
                    tell(Event::Closed { id, why: Closed::Fault }, self.is_released);
                    return;
                }
                self.incoming.extend(bytes);
            }
            Record::Accept if !self.is_open => {
                self.is_open = true;
                tell(Event::Accepted { id }, self.is_released);
            }
            // What is given twice is of no use to anybody: a window is never exceeded by more than it.
            Record::Credit(more) => self.credit = (self.credit + usize::from(more)).min(WINDOW),
            Record::Finish => tell(Event::Finished { id }, self.is_released),
            Record::Close(why) if !self.close_heard => {
                self.close_heard = true;
                self.outgoing = VecDeque::new();
                self.close = self.close.or(Some(Closed::Done));
                tell(Event::Closed { id, why }, self.is_released);
            }
            Record::Close(_) => self.close_heard = true,
            _ => {}
        }
    }

    fn owes(&self) -> bool {
        self.owed >= WINDOW / 2 && !self.close_heard && !self.is_released
    }

    /// Something that is not data.
    fn has_word(&self) -> bool {
        self.open.is_some() || (self.accept && !self.close_sent) || self.owes()
    }

    fn has_data(&self) -> bool {
        self.is_open && !self.outgoing.is_empty() && self.credit > 0 && !self.close_sent
    }

    fn has_record(&self) -> bool {
        let is_done = self.outgoing.is_empty() && self.open.is_none() && !self.accept;
        let ends = (self.finish && !self.finish_sent && !self.close_heard && self.is_open) || self.close.is_some();
        self.has_word() || self.has_data() || (is_done && ends && !self.close_sent)
    }

    fn next_record(&mut self, most_data: usize) -> Option<Record> {
        if let Some(channel) = self.open.take() {
            return Some(Record::Open { channel });
        }
        if self.close_sent {
            return None;
        }
        if std::mem::take(&mut self.accept) {
            return Some(Record::Accept);
        }
        if self.owes() {
            let more = u16::try_from(std::mem::take(&mut self.owed)).unwrap_or(u16::MAX);
            return Some(Record::Credit(more));
        }
        if self.has_data() {
            let length = self.outgoing.len().min(self.credit).min(most_data);
            self.credit -= length;
            return Some(Record::Data(self.outgoing.drain(..length).collect()));
        }
        if !self.outgoing.is_empty() {
            return None;
        }
        if self.finish && !self.finish_sent && self.close.is_none() {
            self.finish_sent = true;
            return Some(Record::Finish);
        }
        self.close_sent = self.close.is_some();
        self.close.map(Record::Close)
    }
}
