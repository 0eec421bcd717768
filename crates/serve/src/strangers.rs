//! Connections that have not said who they are yet: what every listener does with them.
//!
//! What does not speak our protocol is dropped at its first wrong byte, what stays silent is dropped in time, and there
//! are never many of them. Nobody is dropped whose first frame has come, however many come at once. Where a listener asks for a
//! secret, who does not prove to know it is told nothing but that, and tries of passwords are limited in rate: who has to wait
//! for a try keeps a place only while the connection lives, and the newest has the next.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use farsight_transport::channel::{Attempts, ChannelError, Locks, PREAMBLE as SECURE, Place, Responder};
use farsight_transport::{Listener, Stream};
use farsight_types::AccessRole;
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Refusal, ServerKind};
use farsight_wire::{Decoder, FrameKind};

use crate::session::FIRST_FRAME_TIME;

/// Connections that have not said who they are. Where more come, the oldest are dropped, but none before [`GRACE`].
const MOST_STRANGERS: usize = 256;

/// How long a connection has in any case. Its first frame follows on its heels, as far as the network's way is long;
/// while as many as there may be are younger, others wait in the system's queue.
const GRACE: Duration = Duration::from_millis(250);

/// Connections of one place that wait for a try; where more come, the oldest of them are turned away.
const MOST_HELD: usize = 64;

/// Connections that are accepted before the caller looks again at everything else.
const AT_ONCE: usize = 64;

/// How long nothing is accepted after accepting failed.
const REST: Duration = Duration::from_millis(100);

/// So many bytes begin both what speaks in clear and what proves that it knows a secret.
const COMMON: usize = 2;

/// All of them, at one listener or at several.
#[derive(Default)]
pub struct Strangers {
    #[expect(
        clippy::vec_box,
        reason = "each goes by hand from turn to turn, and in results, which are to be small"
    )]
    waiting: Vec<Box<Stranger>>,
    attempts: Attempts,
}

/// A connection whose first frame is not complete.
struct Stranger {
    stream: Stream,
    phase: Phase,
    decoder: Decoder,
    read: Vec<u8>,
    /// How much of it the decoder has.
    fed: usize,
    since: Instant,
    /// This side has made the connection: it may be silent until there is somebody at the other end.
    is_called: bool,
    /// Which listener it came through, by the caller's count.
    door: usize,
    /// What that listener asks for.
    locks: Arc<Locks>,
    /// Where it comes from.
    place: Place,
    /// What its key opens beside what the listener does.
    role: Option<AccessRole>,
}

/// How far a stranger has come.
enum Phase {
    /// It may begin in clear or with a secret.
    First,
    /// It wants to prove that it knows the secret.
    Proving,
    /// Its opening waits until there may be another try. Nothing more comes from it before it is answered but its end.
    Held(Responder),
    /// It was answered; its first record shows whether it knows the secret, which gives back the try that it has taken.
    Answered { has_try: bool },
    /// It speaks, in clear or sealed by who knows the secret.
    Speaks,
}

/// A connection whose first frame was valid.
pub struct Met {
    /// Answers `WouldBlock` instead of waiting.
    pub stream: Stream,
    /// All bytes that came, the first frame's among them.
    pub read: Vec<u8>,
    /// May hold frames that came behind the first.
    pub decoder: Decoder,
    /// The first frame.
    pub hello: Hello,
    /// The version of everything that follows.
    pub version: u32,
    /// Which listener it came through, by the caller's count.
    pub door: usize,
    /// The role of the key that it has shown; none where it is the listener's.
    pub role: Option<AccessRole>,
}

/// What a look at a listener has brought.
pub struct Accepted {
    /// Those who have said who they are already.
    pub met: Vec<Met>,
    /// Accepting failed, and nothing should be accepted before then: without free descriptors the sockets stay readable,
    /// and trying again at once would burn the processor.
    pub rest_until: Option<Instant>,
}

/// What became of a stranger's bytes.
enum FirstFrame {
    Incomplete,
    Valid(Box<Hello>, u32),
    Refused(Refusal),
    NotOurs,
}

impl Strangers {
    /// Takes connections that wait at a listener, at most so many that the others are not held up, and reads what they have
    /// sent; gives out those that a server of this kind serves. `door` is the caller's number of the listener, `locks` what
    /// it asks for.
    pub fn accept(&mut self, listener: &Listener, locks: &Arc<Locks>, door: usize, kind: ServerKind) -> Accepted {
        let mut met = Vec::new();
        for _ in 0..AT_ONCE {
            let now = Instant::now();
            if self.full_until(now).is_some() {
                break;
            }
            let (stream, peer) = match listener.accept_ready() {
                Ok(Some(accepted)) => accepted,
                Ok(None) => break,
                Err(_) => {
                    let rest_until = Some(now + REST);
                    return Accepted { met, rest_until };
                }
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.waiting.len() == MOST_STRANGERS {
                // What has come since it was last looked at counts.
                let oldest = self.waiting.remove(0);
                met.extend(oldest.hear(kind, &mut self.attempts).ok().flatten());
            }
            let stranger = Box::new(Stranger {
                stream,
                phase: Phase::First,
                decoder: Decoder::new(),
                read: Vec::new(),
                fed: 0,
                since: now,
                is_called: listener.is_single(),
                door,
                locks: Arc::clone(locks),
                place: Place::of(&peer),
                role: None,
            });
            let heard = stranger.hear(kind, &mut self.attempts);
            self.take(heard, &mut met);
        }
        Accepted { met, rest_until: None }
    }

    /// Until when nobody more is taken, because there are as many as there may be and each came just now.
    pub fn full_until(&self, now: Instant) -> Option<Instant> {
        let oldest = self.waiting.first().filter(|_| self.waiting.len() >= MOST_STRANGERS)?;
        Some(oldest.since + GRACE).filter(|until| *until > now)
    }

    fn take(&mut self, heard: Result<Option<Met>, Box<Stranger>>, met: &mut Vec<Met>) {
        match heard {
            Ok(served) => met.extend(served),
            Err(stranger) => self.waiting.push(stranger),
        }
    }

    /// How many of them there is to wait for.
    pub fn listened_to(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one has come through this listener.
    pub fn has_any_of(&self, door: usize) -> bool {
        self.waiting.iter().any(|stranger| stranger.door == door)
    }

    /// What to wait for, [`Strangers::listened_to`] of them.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.waiting.iter().map(|stranger| stranger.stream.as_fd())
    }

    /// When the next of them has been silent for too long, or may prove itself.
    pub fn deadline(&self) -> Option<Instant> {
        let ends = self.waiting.iter().filter_map(|stranger| stranger.end());
        let now = Instant::now();
        let held = self.waiting.iter().filter(|stranger| stranger.is_held());
        ends.chain(held.map(|stranger| now + self.attempts.wait(&stranger.place, now)))
            .min()
    }

    /// Drops those who came through a listener that is no more.
    pub fn forget(&mut self, door: usize) {
        self.waiting.retain(|stranger| stranger.door != door);
    }

    /// Reads from those that are ready, in the order of [`Strangers::descriptors`], and gives out those that a server of
    /// this kind serves.
    pub fn read(&mut self, ready: &[bool], kind: ServerKind) -> Vec<Met> {
        let now = Instant::now();
        let mut met = Vec::new();
        let mut ready = ready.iter();
        for stranger in std::mem::take(&mut self.waiting) {
            let heard = match ready.next() {
                Some(true) => stranger.hear(kind, &mut self.attempts),
                _ => Err(stranger),
            };
            self.take(heard.or_else(|stranger| stranger.unless_late(now)), &mut met);
        }
        self.try_held(kind, &mut met);
        met
    }

    /// Answers those who wait for a try, the newest first, as far as there are tries: many that were left behind do not
    /// keep out who comes now.
    fn try_held(&mut self, kind: ServerKind, met: &mut Vec<Met>) {
        let now = Instant::now();
        let mut held: BTreeMap<Place, usize> = BTreeMap::new();
        for index in (0..self.waiting.len()).rev() {
            let Some(stranger) = self.waiting.get(index).filter(|stranger| stranger.is_held()) else {
                continue;
            };
            if self.attempts.wait(&stranger.place, now).is_zero() {
                let stranger = self.waiting.remove(index);
                match stranger.answer_held(kind, &mut self.attempts) {
                    Ok(served) => met.extend(served),
                    Err(stranger) => self.waiting.insert(index, stranger),
                }
                continue;
            }
            let held = held.entry(stranger.place.clone()).or_default();
            *held += 1;
            if *held > MOST_HELD {
                self.waiting.remove(index).turn_away(ChannelError::TooMany);
            }
        }
    }
}

impl Stranger {
    /// When it has been silent for too long.
    fn end(&self) -> Option<Instant> {
        (!self.is_called).then(|| self.since + FIRST_FRAME_TIME)
    }

    fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Held(_))
    }

    fn unless_late(self: Box<Self>, now: Instant) -> Result<Option<Met>, Box<Stranger>> {
        if self.end().is_none_or(|end| end > now) {
            return Err(self);
        }
        if self.is_held() {
            self.turn_away(ChannelError::TooMany);
        }
        Ok(None)
    }

    /// Goes on with one that waited for a try, if there is one now.
    fn answer_held(
        mut self: Box<Self>,
        kind: ServerKind,
        attempts: &mut Attempts,
    ) -> Result<Option<Met>, Box<Stranger>> {
        self = match std::mem::replace(&mut self.phase, Phase::First) {
            Phase::Held(responder) => match self.answer(responder, attempts) {
                Ok(stranger) => stranger,
                Err(ended) => return ended.map_or(Ok(None), Err),
            },
            phase => {
                self.phase = phase;
                return Err(self);
            }
        };
        self.hear(kind, attempts)
    }

    /// Reads what has come. The stranger itself is answered while its first frame is not whole; nobody where it is one
    /// that is not served.
    fn hear(mut self: Box<Self>, kind: ServerKind, attempts: &mut Attempts) -> Result<Option<Met>, Box<Stranger>> {
        loop {
            self = match self.prove(attempts) {
                Ok(stranger) => stranger,
                Err(ended) => return ended.map_or(Ok(None), Err),
            };
            let heard = self.read(kind, attempts);
            match heard {
                // A whole opening can be answered, and what is behind it has arrived already.
                FirstFrame::Incomplete if matches!(self.phase, Phase::Proving) && self.opening_is_whole() => {}
                FirstFrame::Incomplete if self.stream.has_arrived() => {}
                FirstFrame::Incomplete => return Err(self),
                FirstFrame::NotOurs => return Ok(None),
                FirstFrame::Refused(refusal) => {
                    refuse(&self.stream, &refusal);
                    return Ok(None);
                }
                FirstFrame::Valid(hello, version) => {
                    return Ok(Some(Met {
                        stream: self.stream,
                        read: self.read,
                        decoder: self.decoder,
                        hello: *hello,
                        version,
                        door: self.door,
                        role: self.role,
                    }));
                }
            }
        }
    }

    fn opening_is_whole(&self) -> bool {
        // What cannot be read is over as well.
        !matches!(Responder::read(&self.read), Ok(None))
    }

    /// Answers an opening that is whole, if there may be a try now. Who is not to go on, or has to wait, comes as an error.
    fn prove(mut self: Box<Self>, attempts: &mut Attempts) -> Result<Box<Stranger>, Option<Box<Stranger>>> {
        let responder = match std::mem::replace(&mut self.phase, Phase::Proving) {
            Phase::Proving => match Responder::read(&self.read) {
                Ok(None) => return Ok(self),
                Ok(Some(responder)) => responder,
                Err(error) => return Err(self.turn_away(error)),
            },
            phase => {
                self.phase = phase;
                return Ok(self);
            }
        };
        self.answer(responder, attempts)
    }

    /// As [`Stranger::prove`], with the opening.
    fn answer(
        mut self: Box<Self>,
        responder: Responder,
        attempts: &mut Attempts,
    ) -> Result<Box<Stranger>, Option<Box<Stranger>>> {
        if self.locks.is_empty() {
            return Err(self.turn_away(ChannelError::NotLocked));
        }
        let has_try = responder.guesses(&self.locks);
        if has_try && attempts.take(&self.place, Instant::now()).is_err() {
            self.phase = Phase::Held(responder);
            return Err(Some(self));
        }
        self.read.clear();
        let answered = self
            .stream
            .try_clone()
            .map_err(|_| ChannelError::NotOurs)
            .and_then(|stream| responder.answer_on(stream, &self.locks));
        self.phase = Phase::Answered { has_try };
        match answered {
            Ok((stream, role)) => {
                self.stream = stream;
                self.role = role;
                Ok(self)
            }
            Err(error) => Err(self.turn_away(error)),
        }
    }

    /// Says why, where it speaks our language, and is done.
    fn turn_away(self: Box<Self>, error: ChannelError) -> Option<Box<Stranger>> {
        if error != ChannelError::NotOurs {
            let _ = (&self.stream).write_all(&error.message());
        }
        None
    }

    fn read(&mut self, kind: ServerKind, attempts: &mut Attempts) -> FirstFrame {
        let mut buffer = [0; 4096];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => return FirstFrame::NotOurs,
            Ok(read) => {
                self.read.extend_from_slice(&buffer[..read]);
                if std::mem::take(&mut self.is_called) {
                    // Somebody is there now, and has as much time as everybody.
                    self.since = Instant::now();
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return FirstFrame::Incomplete;
            }
            Err(_) => return FirstFrame::NotOurs,
        }
        match self.phase {
            // Both ways to begin have the same first bytes.
            Phase::First => {
                let known = self.read.len().min(SECURE.len());
                match SECURE[..known] == self.read[..known] {
                    true if known > COMMON => self.phase = Phase::Proving,
                    true => return FirstFrame::Incomplete,
                    false => self.phase = Phase::Speaks,
                }
            }
            // It speaks before it is answered.
            Phase::Held(_) => return FirstFrame::NotOurs,
            Phase::Answered { has_try } => {
                // What was opened was sealed by somebody who knows the secret.
                if has_try {
                    attempts.give_back(&self.place, Instant::now());
                }
                self.phase = Phase::Speaks;
            }
            _ => {}
        }
        if matches!(self.phase, Phase::Proving) {
            return FirstFrame::Incomplete;
        }
        self.decoder.feed(self.read.get(self.fed..).unwrap_or_default());
        self.fed = self.read.len();
        self.first_frame(kind)
    }

    fn first_frame(&mut self, kind: ServerKind) -> FirstFrame {
        let hello = match self.decoder.next_frame() {
            Ok(None) => return FirstFrame::Incomplete,
            Ok(Some(frame)) => handshake::read_hello(&frame),
            Err(_) => return FirstFrame::NotOurs,
        };
        let Ok(hello) = hello else {
            return FirstFrame::NotOurs;
        };
        if !self.locks.is_empty() && !self.stream.is_sealed() {
            let password = self.locks.wants_password();
            return FirstFrame::Refused(Refusal::Locked { password });
        }
        match handshake::judge(&hello, kind) {
            Ok(version) => FirstFrame::Valid(Box::new(hello), version),
            Err(refusal) => FirstFrame::Refused(refusal),
        }
    }
}

impl Met {
    /// Says why it is not served after all, and hangs up.
    pub fn refuse(&self, refusal: &Refusal) {
        refuse(&self.stream, refusal);
    }
}

/// Says why and hangs up. A socket that takes no few bytes at once does not get them.
fn refuse(mut stream: &Stream, refusal: &Refusal) {
    let frame = handshake::opening_frame(FrameKind::Refused, refusal);
    let _ = stream.write_all(&[&PREAMBLE[..], &frame.encode()].concat());
}

#[cfg(test)]
mod tests;
