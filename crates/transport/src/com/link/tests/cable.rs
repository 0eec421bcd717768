//! Two ends and the cable between them in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::com::link::{Closed, ConnectionId, Event, Link, Pace};

/// A generator of numbers that tests can repeat from the seed that they print.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        // Many zeroes, as in memory.
        (0..count)
            .map(|_| self.roll(256) as u8 & 0u8.wrapping_sub(self.roll(2) as u8))
            .collect()
    }
}

/// What happens to so many bytes in ten thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noise {
    pub(super) lost: u64,
    pub(super) changed: u64,
    pub(super) doubled: u64,
    pub(super) inserted: u64,
}

impl Noise {
    pub(super) fn evenly(each: u64) -> Noise {
        Noise {
            lost: each,
            changed: each,
            doubled: each,
            inserted: each,
        }
    }
}

/// One direction.
#[derive(Debug)]
struct Wire {
    bytes: VecDeque<(Duration, u8)>,
    free_at: Duration,
    dice: Dice,
    carried: u64,
}

/// A user of one end: sends what it is told to, keeps what comes.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) to_send: VecDeque<u8>,
    pub(super) then_finish: bool,
    pub(super) then_close: bool,
    pub(super) reads: bool,
    pub(super) echoes: bool,
    pub(super) got: Vec<u8>,
    pub(super) channel: u8,
    pub(super) accepted: bool,
    pub(super) finished: bool,
    pub(super) closed: Option<Closed>,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) link: Link,
    pub(super) users: BTreeMap<ConnectionId, User>,
    /// Users of incoming connections send back what they get.
    pub(super) echoes: bool,
    pub(super) most_kept: usize,
}

#[derive(Debug)]
pub(super) struct Cable {
    pub(super) now: Duration,
    pub(super) ends: [End; 2],
    wires: [Wire; 2],
    pub(super) noise: Noise,
    pub(super) is_cut: bool,
    baud: u32,
    pub(super) latency: Duration,
    starts: u32,
}

impl Cable {
    pub(super) fn new(baud: u32, seed: u64) -> Cable {
        let end = |number| End {
            link: Link::new(Pace::of(baud), number, Duration::ZERO),
            users: BTreeMap::new(),
            echoes: true,
            most_kept: 0,
        };
        let wire = |seed| Wire {
            bytes: VecDeque::new(),
            free_at: Duration::ZERO,
            dice: Dice::new(seed),
            carried: 0,
        };
        Cable {
            now: Duration::ZERO,
            ends: [end(11), end(12)],
            wires: [wire(seed), wire(seed ^ 0xABCD_EF01)],
            noise: Noise::default(),
            is_cut: false,
            baud,
            latency: Duration::from_millis(1),
            starts: 20,
        }
    }

    /// Bytes that have gone over the cable from one end.
    pub(super) fn carried(&self, from: usize) -> u64 {
        self.wires[from].carried
    }

    /// One end is started anew: all that it knew is gone.
    pub(super) fn restart(&mut self, end: usize) {
        self.starts += 1;
        self.ends[end].link = Link::new(Pace::of(self.baud), self.starts, self.now);
        self.ends[end].users.clear();
    }

    pub(super) fn open(&mut self, end: usize, channel: u8, user: User) -> ConnectionId {
        let now = self.now;
        let id = self.ends[end].link.open(channel, now).expect("a free number");
        self.ends[end].users.insert(id, User { channel, ..user });
        id
    }

    pub(super) fn user(&mut self, end: usize, id: ConnectionId) -> &mut User {
        self.ends[end].users.get_mut(&id).expect("a user")
    }

    /// The user at an end whose connection is to that channel.
    pub(super) fn user_of(&mut self, end: usize, channel: u8) -> Option<&mut User> {
        self.ends[end].users.values_mut().rfind(|user| user.channel == channel)
    }

    /// Something comes out of the cable that nobody put in.
    pub(super) fn inject(&mut self, from: usize, bytes: &[u8]) {
        let at = self.now;
        self.wires[from].bytes.extend(bytes.iter().map(|byte| (at, *byte)));
    }

    /// Lets things happen until a condition holds; false where the time is over, or nothing more will happen.
    pub(super) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Cable) -> bool) -> bool {
        let end = self.now + limit;
        let mut turns_without_time = 0;
        loop {
            self.work();
            if done(self) {
                return true;
            }
            let deadlines = self.ends.iter().filter_map(|end| end.link.deadline());
            let arrivals = self
                .wires
                .iter()
                .filter_map(|wire| wire.bytes.front().map(|(at, _)| *at));
            let Some(next) = deadlines.chain(arrivals).min() else {
                return false;
            };
            turns_without_time = if next > self.now { 0 } else { turns_without_time + 1 };
            assert!(turns_without_time < 100, "the ends turn in circles: {self:#?}");
            self.now = self.now.max(next);
            if self.now > end {
                self.now = end;
                return false;
            }
        }
    }

    fn work(&mut self) {
        for (from, to) in [(0, 1), (1, 0)] {
            let wire = &mut self.wires[from];
            let mut came = Vec::new();
            while wire.bytes.front().is_some_and(|(at, _)| *at <= self.now) {
                came.extend(wire.bytes.pop_front().map(|(_, byte)| byte));
            }
            if !came.is_empty() && !self.is_cut {
                self.ends[to].link.receive(&came, self.now);
            }
        }
        for end in &mut self.ends {
            end.work();
        }
        for (from, end) in self.ends.iter_mut().enumerate() {
            let mut out = Vec::new();
            end.link.transmit(self.now, &mut out);
            // Time alone ends connections too.
            end.work();
            end.most_kept = end.most_kept.max(end.link.bytes_kept());
            self.wires[from].carry(&out, self.now, self.baud, self.latency, self.noise);
        }
    }
}

impl Wire {
    fn carry(&mut self, bytes: &[u8], now: Duration, baud: u32, latency: Duration, noise: Noise) {
        self.carried += bytes.len() as u64;
        for byte in bytes {
            self.free_at = self.free_at.max(now) + Duration::from_secs(10) / baud;
            // It comes out in pieces, as from the buffer of a port.
            let piece = (Duration::from_secs(80) / baud)
                .max(Duration::from_millis(1))
                .as_nanos();
            let pieces = (self.free_at + latency).as_nanos().div_ceil(piece);
            let at = Duration::from_nanos(u64::try_from(pieces * piece).expect("a short time"));
            let mut happens = |often: u64| self.dice.roll(10_000) < often;
            let (lost, changed, doubled, inserted) = (
                happens(noise.lost),
                happens(noise.changed),
                happens(noise.doubled),
                happens(noise.inserted),
            );
            let byte = if changed {
                byte ^ (1 << self.dice.roll(8))
            } else {
                *byte
            };
            let copies = usize::from(!lost) + usize::from(doubled);
            self.bytes.extend(std::iter::repeat_n((at, byte), copies));
            if inserted {
                self.bytes.push_back((at, self.dice.roll(256) as u8));
            }
        }
    }
}

impl End {
    fn work(&mut self) {
        while let Some(event) = self.link.next_event() {
            match event {
                Event::Incoming { id, channel } => {
                    let user = User {
                        channel,
                        reads: true,
                        accepted: true,
                        echoes: self.echoes,
                        then_finish: self.echoes,
                        ..User::default()
                    };
                    self.users.insert(id, user);
                }
                Event::Accepted { id } => self.users.get_mut(&id).expect("a user").accepted = true,
                Event::Finished { id } => self.users.get_mut(&id).expect("a user").finished = true,
                Event::Closed { id, why } => self.users.get_mut(&id).expect("a user").closed = Some(why),
            }
        }
        for (id, user) in &mut self.users {
            while user.reads && !self.link.incoming(*id).is_empty() {
                let bytes = self.link.incoming(*id).to_vec();
                self.link.consume(*id, bytes.len());
                user.got.extend(&bytes);
                if user.echoes {
                    user.to_send.extend(bytes);
                }
            }
            if user.accepted {
                let waiting = user.to_send.make_contiguous();
                let taken = self.link.send(*id, waiting);
                user.to_send.drain(..taken);
                let all_in = user.to_send.is_empty() && (!user.echoes || user.finished);
                if all_in && std::mem::take(&mut user.then_finish) {
                    self.link.finish(*id);
                }
                if all_in && std::mem::take(&mut user.then_close) {
                    self.link.release(*id);
                }
            }
        }
        // Who has heard the end of a connection lets go of it.
        self.users.retain(|id, user| {
            if user.closed.is_some() && user.echoes {
                self.link.release(*id);
            }
            !(user.closed.is_some() && user.echoes)
        });
    }
}
