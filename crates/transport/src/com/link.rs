//! One end of a serial line, sans-IO: bytes and time go in, bytes, events and a deadline come out.
//!
//! Connections of many channels share the line. What their users send comes out at the other end whole, once and in order,
//! whatever the line does to bytes; nothing is waited for that can be known sooner. The line is never given more than it
//! carries in a moment, so that what is urgent need not stand behind what is not. At rest nothing is sent, but for a
//! question every ten seconds while there are connections.
//!
//! Each end draws a number when it starts. The ends tell each other by hello; from then on their checksums begin with both
//! numbers, so that nothing of a former end is ever taken for the present one's, and an end that was started anew is noticed.

mod connections;
mod receiving;
mod sending;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub(crate) use self::connections::ConnectionId;
use self::connections::Connections;
use self::receiving::Receiving;
use self::sending::Sending;
pub(crate) use super::frame::Closed;
use super::frame::{
    Deframer, Frame, HELLO_SEED, LONGEST_BODY, MOST_DATA, Piece, RECORD_OVERHEAD, STUFFING, VERSION, Why,
};
use super::frame::{decode, encode, seed};

/// After that much silence the other end is asked whether it is there, as long as there are connections.
const ASK_AFTER: Duration = Duration::from_secs(10);

/// The most bytes that an end ever keeps for its connections, whatever comes.
pub(crate) const MOST_KEPT: usize = connections::MOST_KEPT + 2 * super::frame::WINDOW * (LONGEST_BODY + STUFFING);

/// Between two such questions.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// After that much silence it is taken for gone: as long as a cable may be out.
const GONE_AFTER: Duration = Duration::from_secs(40);

/// Between two hellos that nobody answers, at first and at most.
const HELLO_AGAIN: Duration = Duration::from_millis(150);
const HELLO_SELDOM: Duration = Duration::from_secs(1);

/// Between two hellos that answer noise.
const HELLO_TO_NOISE: Duration = Duration::from_millis(500);

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The other end has opened one to a channel that is served here.
    Incoming {
        /// The new connection.
        id: ConnectionId,
        /// The channel.
        channel: u8,
    },
    /// The other end serves it.
    Accepted {
        /// Which.
        id: ConnectionId,
    },
    /// No more comes behind what can be read of it.
    Finished {
        /// Which.
        id: ConnectionId,
    },
    /// It is over; what came before can still be read, then it is to be released.
    Closed {
        /// Which.
        id: ConnectionId,
        /// Why.
        why: Closed,
    },
}

impl Event {
    fn id(self) -> ConnectionId {
        match self {
            Event::Incoming { id, .. } | Event::Accepted { id } | Event::Finished { id } | Event::Closed { id, .. } => {
                id
            }
        }
    }
}

/// What has come over the line, to tell what is wrong with one that does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Bytes of any kind, and those of them that stand in texts.
    pub(crate) bytes: u64,
    pub(crate) of_text: u64,
    /// Whole frames.
    pub(crate) frames: u64,
    /// Hellos of this end itself.
    pub(crate) echoes: u64,
    /// The version that another release speaks.
    pub(crate) other_version: Option<u8>,
}

/// How fast a line is, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    byte: Duration,
}

impl Pace {
    /// Of a line with so many bits a second; a byte takes ten of them.
    pub(crate) fn of(baud: u32) -> Pace {
        Pace {
            byte: Duration::from_secs(10) / baud.max(1),
        }
    }

    /// How long the line takes for so many bytes.
    fn time(self, bytes: usize) -> Duration {
        self.byte * u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    fn bytes_in(self, time: Duration) -> usize {
        let nanoseconds = self.byte.as_nanos().max(1);
        usize::try_from(time.as_nanos() / nanoseconds).unwrap_or(usize::MAX)
    }

    /// The most data in a frame: what is urgent should not wait for long behind one.
    fn most_data(self) -> usize {
        self.bytes_in(Duration::from_millis(50))
            .clamp(RECORD_OVERHEAD + 64, RECORD_OVERHEAD + MOST_DATA)
            - RECORD_OVERHEAD
    }

    /// What may be on its way before the first of it is answered.
    fn bytes_on_their_way(self) -> usize {
        self.bytes_in(Duration::from_millis(250))
            .max(2 * (LONGEST_BODY + STUFFING))
    }

    /// How long an answer may wait for a record to travel with.
    fn answer_delay(self) -> Duration {
        Duration::from_millis(5) + self.time(40)
    }

    /// How much the line is given in advance, so that it does not rest whenever this computer is late.
    fn ahead(self) -> Duration {
        Duration::from_millis(8).max(self.byte)
    }
}

/// The other end.
#[derive(Clone, Copy, Debug)]
struct Peer {
    number: u32,
    /// It knows this end's number too.
    knows_us: bool,
}

/// One end of a line. All times are since a moment of the caller's choice, which is the same for all calls.
#[derive(Debug)]
pub(crate) struct Link {
    pace: Pace,
    number: u32,
    peer: Option<Peer>,
    deframer: Deframer,
    sending: Sending,
    receiving: Receiving,
    connections: Connections,
    events: VecDeque<Event>,
    heard: Heard,
    /// When the last whole frame came, or the first of the present connections was opened.
    last_heard: Duration,
    last_asked: Duration,
    /// When the line has carried all that it was given.
    free_at: Duration,
    hello_due: Option<Duration>,
    last_hello: Duration,
    hellos: u32,
}

impl Link {
    /// An end that starts now. `number` is drawn anew at each start and is not 0.
    pub(crate) fn new(pace: Pace, number: u32, now: Duration) -> Link {
        Link {
            pace,
            number: number.max(1),
            peer: None,
            deframer: Deframer::default(),
            sending: Sending::new(pace),
            receiving: Receiving::new(pace),
            connections: Connections::default(),
            events: VecDeque::new(),
            heard: Heard::default(),
            last_heard: now,
            last_asked: now,
            free_at: now,
            // Said unasked, for the other end may have connections to a former end here.
            hello_due: Some(now),
            last_hello: now,
            hellos: 0,
        }
    }

    /// Takes connections to a channel from now on.
    pub(crate) fn listen(&mut self, channel: u8) {
        self.connections.listen(channel);
    }

    /// Takes no more of them.
    pub(crate) fn stop_listening(&mut self, channel: u8) {
        self.connections.stop_listening(channel);
    }

    /// Opens a connection to a channel at the other end; none where there are too many.
    pub(crate) fn open(&mut self, channel: u8, now: Duration) -> Option<ConnectionId> {
        if !self.connections.is_any_alive() {
            self.last_heard = now;
        }
        self.connections.open(channel)
    }

    /// Takes what it can of a user's bytes and says how many.
    pub(crate) fn send(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        self.connections.send(id, bytes)
    }

    /// How many bytes it would take.
    pub(crate) fn room(&self, id: ConnectionId) -> usize {
        self.connections.room(id)
    }

    /// Its user sends no more; what was taken is still sent.
    pub(crate) fn finish(&mut self, id: ConnectionId) {
        self.connections.finish(id);
    }

    /// Its user is gone; what was taken is still sent. The id is of no use any more.
    pub(crate) fn release(&mut self, id: ConnectionId) {
        self.connections.release(id, false);
        self.events.retain(|event| event.id() != id);
    }

    /// As [`Link::release`], and what was taken is dropped.
    pub(crate) fn abandon(&mut self, id: ConnectionId) {
        self.connections.release(id, true);
        self.events.retain(|event| event.id() != id);
    }

    /// What has come for its user and was not consumed.
    pub(crate) fn incoming(&self, id: ConnectionId) -> &[u8] {
        self.connections.incoming(id)
    }

    /// Its user has taken that much.
    pub(crate) fn consume(&mut self, id: ConnectionId, count: usize) {
        self.connections.consume(id, count);
    }

    /// Whether anything has happened that was not asked for yet.
    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// What has happened.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When the last whole frame came.
    pub(crate) fn last_heard(&self) -> Duration {
        self.last_heard
    }

    /// What has come over the line so far.
    pub(crate) fn heard(&self) -> Heard {
        self.heard
    }

    /// Whether no connection is left, not even one whose end the other side has yet to hear of.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.connections.is_empty()
    }

    /// Takes bytes from the line.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Duration) {
        for byte in bytes {
            self.heard.bytes += 1;
            self.heard.of_text += u64::from(matches!(byte, b' '..=b'~' | b'\r' | b'\n' | 0x1B));
            match self.deframer.push(*byte) {
                None => {}
                Some(Piece::Damaged) => self.damaged(now),
                Some(Piece::Body(body)) => {
                    let seed = self.peer.map(|peer| seed(peer.number, self.number));
                    match decode(&body, seed) {
                        Some(frame) => self.take(frame, now),
                        None => self.damaged(now),
                    }
                }
            }
        }
    }

    fn damaged(&mut self, now: Duration) {
        if self.knows_each_other() {
            self.receiving.damaged(now);
        } else {
            // Somebody may speak who takes this end for a former one.
            let due = now.max(self.last_hello + HELLO_TO_NOISE);
            self.hello_due = self.hello_due.or(Some(due));
        }
    }

    fn take(&mut self, frame: Frame, now: Duration) {
        self.heard.frames += 1;
        match frame {
            Frame::Hello {
                version,
                asks,
                from,
                to,
            } => {
                if from == self.number {
                    self.heard.echoes += 1;
                } else if version != VERSION {
                    self.heard.other_version = Some(version);
                } else {
                    self.last_heard = now;
                    self.greeted(from, to, asks, now);
                }
            }
            Frame::Heard { next, beyond, why } => {
                self.receiving.whole();
                self.spoken_to(now);
                self.sending.heard(next, beyond, now);
                match why {
                    Why::Told => {}
                    Why::Damaged => self.sending.damaged(now),
                    Why::Asks => self.receiving.say(now, Why::Told),
                }
            }
            Frame::Record {
                sequence,
                next,
                connection,
                record,
            } => {
                self.spoken_to(now);
                self.sending.heard(next, 0, now);
                for (connection, record) in self.receiving.take(sequence, connection, record, now) {
                    self.connections.take(connection, record, &mut self.events);
                }
            }
        }
    }

    /// Something came whose checksum begins with this end's number.
    fn spoken_to(&mut self, now: Duration) {
        self.last_heard = now;
        if let Some(peer) = &mut self.peer {
            peer.knows_us = true;
        }
    }

    fn greeted(&mut self, from: u32, to: u32, asks: bool, now: Duration) {
        if self.peer.is_none_or(|peer| peer.number != from) {
            self.lose(Closed::Restarted);
            self.peer = Some(Peer {
                number: from,
                knows_us: false,
            });
        }
        if to == self.number
            && let Some(peer) = &mut self.peer
        {
            peer.knows_us = true;
        }
        if asks || to != self.number {
            self.hello_due = Some(now);
        }
    }

    /// Forgets the other end and all that was agreed with it.
    fn lose(&mut self, why: Closed) {
        self.peer = None;
        self.sending = Sending::new(self.pace);
        self.receiving = Receiving::new(self.pace);
        self.connections.end_all(why, &mut self.events);
        self.hellos = 0;
    }

    fn knows_each_other(&self) -> bool {
        self.peer.is_some_and(|peer| peer.knows_us)
    }

    /// Gives what the line should carry now, perhaps nothing. To be called whenever anything went in or the deadline is over.
    pub(crate) fn transmit(&mut self, now: Duration, onto: &mut Vec<u8>) {
        self.keep_time(now);
        while self.free_at <= now + self.pace.ahead() {
            let start = onto.len();
            if self.free_at < now {
                // After a rest: whatever noise was caught meanwhile ends here.
                onto.push(0);
            }
            if !self.next_frame(now, onto) {
                onto.truncate(start);
                return;
            }
            self.free_at = self.free_at.max(now) + self.pace.time(onto.len() - start);
        }
    }

    fn next_frame(&mut self, now: Duration, onto: &mut Vec<u8>) -> bool {
        if self.hello_due.is_some_and(|due| due <= now) {
            self.say_hello(now, onto);
            return true;
        }
        let Some(peer) = self.peer else { return false };
        let seed = seed(self.number, peer.number);
        let due = self.receiving.is_due(now);
        let must_say = due.is_some_and(|why| why != Why::Told) || (due.is_some() && self.receiving.has_gap());
        if !must_say
            && peer.knows_us
            && let Some((sequence, connection, record)) = self.next_record(now)
        {
            let next = self.receiving.next();
            self.receiving.said_in_passing();
            let frame = Frame::Record {
                sequence,
                next,
                connection,
                record,
            };
            encode(&frame, seed, onto);
            return true;
        }
        let Some(why) = due else { return false };
        let (next, beyond) = (self.receiving.next(), self.receiving.beyond());
        self.receiving.said();
        encode(&Frame::Heard { next, beyond, why }, seed, onto);
        true
    }

    fn next_record(&mut self, now: Duration) -> Option<(u8, u8, super::frame::Record)> {
        let start = self.free_at.max(now);
        let pace = self.pace;
        let on_the_line = move |record: &super::frame::Record| start + pace.time(record.on_the_line());
        if let Some(again) = self.sending.again(on_the_line) {
            return Some(again);
        }
        if !self.sending.may_send_more() {
            return None;
        }
        let (connection, record) = self.connections.next_record(self.sending.most_data())?;
        let sequence = self.sending.send(connection, &record, on_the_line(&record));
        Some((sequence, connection, record))
    }

    fn say_hello(&mut self, now: Duration, onto: &mut Vec<u8>) {
        let asks = !self.knows_each_other();
        let frame = Frame::Hello {
            version: VERSION,
            asks,
            from: self.number,
            to: self.peer.map_or(0, |peer| peer.number),
        };
        encode(&frame, HELLO_SEED, onto);
        self.last_hello = now;
        let again = (HELLO_AGAIN * 2_u32.pow(self.hellos.min(4))).min(HELLO_SELDOM) + self.pace.time(64);
        self.hellos += 1;
        let is_needed = asks && self.connections.is_any_alive();
        self.hello_due = is_needed.then_some(now + again);
    }

    /// Does what is due by time alone.
    fn keep_time(&mut self, now: Duration) {
        if self.sending.deadline().is_some_and(|deadline| deadline <= now) {
            self.sending.time_out(now);
        }
        if !self.connections.is_any_alive() {
            return;
        }
        if self.knows_each_other() && now >= self.last_heard + GONE_AFTER {
            self.lose(Closed::Silent);
            self.last_heard = now;
        }
        if !self.connections.is_any_alive() {
            return;
        }
        if !self.knows_each_other() {
            self.hello_due = self.hello_due.or(Some(now));
        } else if now >= self.ask_at() {
            self.last_asked = now;
            self.receiving.say(now, Why::Asks);
        }
    }

    fn ask_at(&self) -> Duration {
        (self.last_heard + ASK_AFTER).max(self.last_asked + ASK_AGAIN)
    }

    /// When [`Link::transmit`] is to be called even if nothing goes in.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let gate = self.free_at.saturating_sub(self.pace.ahead());
        let has_more = self.sending.may_send_more() && self.connections.has_record();
        let has_frame = self.knows_each_other() && (self.sending.has_lost() || has_more);
        let alive = self.connections.is_any_alive();
        let watch = (alive && self.knows_each_other()).then(|| self.ask_at().min(self.last_heard + GONE_AFTER));
        let greet = (alive && !self.knows_each_other() && self.hello_due.is_none()).then_some(gate);
        let due = self.receiving.deadline().filter(|_| self.peer.is_some());
        [
            has_frame.then_some(gate),
            self.hello_due.map(|due| due.max(gate)),
            due.map(|due| due.max(gate)),
            self.sending.deadline(),
            watch,
            greet,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How much memory what was sent, received and waits takes.
    pub(crate) fn bytes_kept(&self) -> usize {
        self.connections.bytes_kept() + self.sending.bytes_kept() + self.receiving.bytes_kept()
    }
}
