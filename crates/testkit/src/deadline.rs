//! Deadlines, and waiting for what nobody sends a message about.

use std::thread;
use std::time::{Duration, Instant};

/// A moment by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

/// Between two looks at a condition that only polling can see, such as a file of the kernel.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

impl Deadline {
    /// That many seconds from now.
    pub fn seconds(seconds: u64) -> Deadline {
        Deadline(Instant::now() + Duration::from_secs(seconds))
    }

    /// That long from now.
    pub fn within(time: Duration) -> Deadline {
        Deadline(Instant::now() + time)
    }

    /// What a test allows for a single event on a loaded machine.
    pub fn usual() -> Deadline {
        Deadline::seconds(40)
    }

    /// Time that is left; zero afterwards.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it is over.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Asks again and again until there is an answer; none when the deadline passes first.
pub fn poll<T>(deadline: Deadline, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        // Looked at once more after the deadline: a loaded machine may have kept this thread from running.
        let late = deadline.passed();
        let found = look();
        if found.is_some() || late {
            return found;
        }
        thread::park_timeout(BETWEEN_LOOKS);
    }
}

/// Waits until a condition holds.
///
/// # Panics
/// When it does not within the deadline.
#[track_caller]
pub fn wait_until(what: &str, deadline: Deadline, mut condition: impl FnMut() -> bool) {
    let held = poll(deadline, || condition().then_some(()));
    assert!(held.is_some(), "waited in vain until {what}");
}
