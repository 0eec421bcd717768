//! How fast secrets may be tried at a listener: each place from which somebody comes has a few tries at once and earns
//! new ones slowly, and so have all together. Who knows the secret gives the try back at once and waits for nobody.
//!
//! It owns no clock: time comes in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::peer::Peer;

/// Tries at once, and how long it takes to earn a new one.
struct Allowance {
    at_once: u32,
    each: Duration,
}

/// What each place may try.
const OWN: Allowance = Allowance {
    at_once: 8,
    each: Duration::from_secs(2),
};

/// What all places together may try.
const ALL: Allowance = Allowance {
    at_once: 64,
    each: Duration::from_millis(250),
};

/// Places that are remembered; those that have their tries back are forgotten first.
const MOST_PLACES: usize = 1024;

/// Where somebody comes from, as coarse as it costs somebody to have another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// Of a peer: the address of IPv4, the network of IPv6, the user of a pipe; what is below TLS and the channels of a line.
    pub fn of(peer: &Peer) -> Place {
        Place(match peer {
            Peer::Tcp(address) => match address.ip().to_canonical() {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => {
                    let [a, b, c, d, ..] = address.segments();
                    format!("{a:x}:{b:x}:{c:x}:{d:x}::")
                }
            },
            Peer::Pipe { uid, .. } => format!("uid {uid}"),
            Peer::Carried(words) => words.clone(),
            Peer::Over { from, .. } => return Place::of(from),
        })
    }
}

/// Tries that were taken, as the time that it takes to earn them back, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Taken {
    owed: Duration,
    at: Instant,
}

impl Taken {
    fn nothing(now: Instant) -> Taken {
        let owed = Duration::ZERO;
        Taken { owed, at: now }
    }

    /// What is owed now.
    fn now(self, now: Instant) -> Duration {
        self.owed.saturating_sub(now.saturating_duration_since(self.at))
    }
}

impl Allowance {
    /// How long until one more may be taken, where so much is owed.
    fn wait(&self, owed: Duration) -> Duration {
        (owed + self.each).saturating_sub(self.each * self.at_once)
    }
}

/// The tries at one listener, or at several that share them.
#[derive(Debug)]
pub struct Attempts {
    all: Taken,
    places: BTreeMap<Place, Taken>,
}

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts::new(Instant::now())
    }
}

impl Attempts {
    /// Nobody has tried yet.
    pub fn new(now: Instant) -> Attempts {
        Attempts {
            all: Taken::nothing(now),
            places: BTreeMap::new(),
        }
    }

    /// Takes a try, or says after how long there will be one.
    pub fn take(&mut self, place: &Place, now: Instant) -> Result<(), Duration> {
        let (all, own) = (self.all.now(now), self.own(place, now));
        let wait = self.wait(place, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.set(place, all + ALL.each, own + OWN.each, now);
        Ok(())
    }

    /// How long until there will be a try.
    pub fn wait(&self, place: &Place, now: Instant) -> Duration {
        ALL.wait(self.all.now(now)).max(OWN.wait(self.own(place, now)))
    }

    /// Gives a try back: who took it knew the secret.
    pub fn give_back(&mut self, place: &Place, now: Instant) {
        let all = self.all.now(now).saturating_sub(ALL.each);
        let own = self.own(place, now).saturating_sub(OWN.each);
        self.set(place, all, own, now);
    }

    fn own(&self, place: &Place, now: Instant) -> Duration {
        self.places.get(place).map_or(Duration::ZERO, |taken| taken.now(now))
    }

    fn set(&mut self, place: &Place, all: Duration, own: Duration, now: Instant) {
        self.all = Taken { owed: all, at: now };
        if own.is_zero() {
            self.places.remove(place);
            return;
        }
        if self.places.len() >= MOST_PLACES && !self.places.contains_key(place) {
            self.places.retain(|_, taken| !taken.now(now).is_zero());
        }
        // Beyond that what all have together counts.
        if self.places.len() < MOST_PLACES || self.places.contains_key(place) {
            self.places.insert(place.clone(), Taken { owed: own, at: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> Place {
        Place::of(&Peer::Pipe {
            process: farsight_types::OsPid(1),
            uid: number,
        })
    }

    #[test]
    fn a_place_has_few_tries_at_once_and_earns_them_slowly() {
        let begin = Instant::now();
        let mut attempts = Attempts::new(begin);
        let taken = |attempts: &mut Attempts, now: Instant| {
            (0..1000).take_while(|_| attempts.take(&place(1), now).is_ok()).count()
        };
        assert_eq!(taken(&mut attempts, begin), 8);
        let wait = attempts.take(&place(1), begin).unwrap_err();
        assert_eq!(taken(&mut attempts, begin + wait), 1);
        assert_eq!(taken(&mut attempts, begin + wait + Duration::from_secs(10)), 5);
        assert_eq!(taken(&mut attempts, begin + Duration::from_secs(3600)), 8);
    }

    #[test]
    fn who_knows_the_secret_is_never_held_up() {
        let now = Instant::now();
        let mut attempts = Attempts::new(now);
        for _ in 0..10_000 {
            attempts.take(&place(1), now).unwrap();
            attempts.give_back(&place(1), now);
        }
    }

    #[test]
    fn many_places_together_have_their_limit_and_cost_little() {
        let now = Instant::now();
        let mut attempts = Attempts::new(now);
        let taken = (0..100_000)
            .filter(|number| attempts.take(&place(*number), now).is_ok())
            .count();
        assert_eq!(taken, 64);
        for second in 0..20_000 {
            let _ = attempts.take(&place(second), now + Duration::from_secs(u64::from(second)));
        }
        assert!(attempts.places.len() <= MOST_PLACES);
    }

    #[test]
    fn neighbours_in_a_network_of_ipv6_are_one_place() {
        let place = |text: &str| Place::of(&Peer::Tcp(text.parse().unwrap()));
        assert_eq!(place("[2001:db8:1:2::1]:5"), place("[2001:db8:1:2:ffff::2]:6"));
        assert_ne!(place("[2001:db8:1:2::1]:5"), place("[2001:db8:1:3::1]:5"));
        assert_eq!(place("[::ffff:10.0.0.1]:5"), place("10.0.0.1:6"));
    }

    #[test]
    fn what_carries_somebody_is_no_other_place() {
        let plain = |text: &str| Peer::Tcp(text.parse().unwrap());
        let over = |words: &str, from: Peer| {
            let (words, from) = (words.to_owned(), Box::new(from));
            Place::of(&Peer::Over { words, from })
        };
        let address = Place::of(&plain("10.0.0.1:5"));
        assert_eq!(over("ssl 10.0.0.1:6 certificate 12", plain("10.0.0.1:6")), address);
        assert_ne!(over("ssl 10.0.0.2:5", plain("10.0.0.2:5")), address);
    }
}
