//! Long steps on one processor: the tracer and the stepping thread hand over to each other some ten times faster there
//! than across two.

use libc::pid_t;

use super::Tracer;
use crate::sys::processors::{Processors, current};

/// Moves of a step plan from which on it is worth the while.
pub(super) const WORTH_PINNING: u32 = 32;

/// Two threads that share a processor, and where they ran before.
pub(super) struct Pinned {
    stepping: pid_t,
    on: Processors,
    stepping_before: Processors,
    tracer_before: Processors,
}

impl Tracer {
    /// Puts the stepping thread on the tracer's processor, and keeps both there. What does not work is left as it is:
    /// it would only have been faster.
    pub(super) fn pin(&mut self, stepping: pid_t) {
        self.unpin();
        let (Ok(stepping_before), Ok(tracer_before)) = (Processors::of(stepping), Processors::of(0)) else {
            return;
        };
        let Some(on) = current().and_then(|here| stepping_before.common(tracer_before, here)) else {
            return;
        };
        if on.set(0).is_err() {
            return;
        }
        if on.set(stepping).is_err() {
            let _ = tracer_before.set(0);
            return;
        }
        self.pinned = Some(Pinned {
            stepping,
            on,
            stepping_before,
            tracer_before,
        });
    }

    /// Ends that. A thread that has chosen processors for itself meanwhile keeps them.
    pub(super) fn unpin(&mut self) {
        if let Some(pinned) = self.pinned.take() {
            let _ = pinned.tracer_before.set(0);
            if Processors::of(pinned.stepping).is_ok_and(|now| now == pinned.on) {
                let _ = pinned.stepping_before.set(pinned.stepping);
            }
        }
    }

    /// A child of a pinned thread was born pinned.
    pub(super) fn unpin_child(&self, child: pid_t) {
        if let Some(pinned) = &self.pinned
            && Processors::of(child).is_ok_and(|now| now == pinned.on)
        {
            let _ = pinned.stepping_before.set(child);
        }
    }
}
