//! The threads of this process that carry the bytes of streams which are no sockets of their own.
//!
//! What was written to such a stream is on its way only when its carrier has passed it on. A program that ends therefore
//! waits for its carriers, which end soon after their streams are closed: [`settle`].

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How many there are. They belong to the process and not to anything in it, for its end is what they are counted for.
static LIVE: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// Held by a carrier as long as it lives.
#[derive(Debug)]
pub(crate) struct Carrying(());

impl Carrying {
    pub(crate) fn begin() -> Carrying {
        *LIVE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Carrying(())
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        *LIVE.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_all();
    }
}

/// How many carriers there are.
pub(crate) fn live() -> usize {
    *LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits, at most so long, until nothing that was written to a stream is still here. To be called last, with all
/// streams closed: a carrier whose stream is open has no end to come to.
pub fn settle(time: Duration) {
    let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    // Whether they have all ended or the time has, the program ends now.
    let _ = ENDED.wait_timeout_while(live, time, |live| *live > 0);
}
