//! How fast secrets may be tried at a listener: each place from which somebody comes has a few tries at once and earns
//! new ones slowly, and so have all together. Who knows the secret gives the try back at once and waits for nobody.
//!
//! It owns no clock: time comes in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::peer::Peer;

/// Tries at once from one place.
const AT_ONCE: f64 = 8.0;

/// New ones a second.
const A_SECOND: f64 = 0.5;

/// As [`AT_ONCE`], from all places together.
const ALL_AT_ONCE: f64 = 64.0;

/// As [`A_SECOND`], from all places together.
const ALL_A_SECOND: f64 = 4.0;

/// Places that are remembered; those that have their tries back are forgotten first.
const MOST_PLACES: usize = 1024;

/// Where somebody comes from, as coarse as it costs somebody to have another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// Of a peer: the address of IPv4, the network of IPv6, the user of a pipe.
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
        })
    }
}

/// Tries that are left, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Tries {
    left: f64,
    at: Instant,
}

impl Tries {
    fn now(self, now: Instant, a_second: f64, most: f64) -> f64 {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * a_second;
        (self.left + earned).min(most)
    }
}

/// The tries at one listener, or at several that share them.
#[derive(Debug)]
pub struct Attempts {
    all: Tries,
    places: BTreeMap<Place, Tries>,
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
            all: Tries {
                left: ALL_AT_ONCE,
                at: now,
            },
            places: BTreeMap::new(),
        }
    }

    /// Takes a try, or says after how long there will be one.
    pub fn take(&mut self, place: &Place, now: Instant) -> Result<(), Duration> {
        let all = self.all.now(now, ALL_A_SECOND, ALL_AT_ONCE);
        let own = self.own(place, now);
        let missing = |left: f64, a_second: f64| (1.0 - left).max(0.0) / a_second;
        let wait = missing(all, ALL_A_SECOND).max(missing(own, A_SECOND));
        if wait > 0.0 {
            return Err(Duration::from_secs_f64(wait));
        }
        self.set(place, all - 1.0, own - 1.0, now);
        Ok(())
    }

    /// Gives a try back: who took it knew the secret.
    pub fn give_back(&mut self, place: &Place, now: Instant) {
        let all = self.all.now(now, ALL_A_SECOND, ALL_AT_ONCE);
        let own = self.own(place, now);
        self.set(place, (all + 1.0).min(ALL_AT_ONCE), (own + 1.0).min(AT_ONCE), now);
    }

    fn own(&self, place: &Place, now: Instant) -> f64 {
        let known = self.places.get(place);
        known.map_or(AT_ONCE, |tries| tries.now(now, A_SECOND, AT_ONCE))
    }

    fn set(&mut self, place: &Place, all: f64, own: f64, now: Instant) {
        self.all = Tries { left: all, at: now };
        if own >= AT_ONCE {
            self.places.remove(place);
            return;
        }
        if self.places.len() >= MOST_PLACES && !self.places.contains_key(place) {
            self.places
                .retain(|_, tries| tries.now(now, A_SECOND, AT_ONCE) < AT_ONCE);
        }
        // Beyond that what all have together counts.
        if self.places.len() < MOST_PLACES || self.places.contains_key(place) {
            self.places.insert(place.clone(), Tries { left: own, at: now });
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
}
