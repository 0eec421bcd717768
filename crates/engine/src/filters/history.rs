//! What happened so far: the last events, and the last exception in full.

use std::collections::VecDeque;

use farsight_session::record::EventReport;
use farsight_target::{Chance, SignalInfo};
use farsight_types::Address;

use crate::model::Place;

/// Events that are kept.
const KEPT: usize = 100;

/// The last exception (`.exr -1`, `$exr_code` and its like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExceptionRecord {
    pub(crate) signal: SignalInfo,
    pub(crate) chance: Chance,
    /// Whose it is.
    pub(crate) place: Place,
    /// Where the thread stood.
    pub(crate) pc: Option<Address>,
}

/// The last events, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    events: VecDeque<(u64, EventReport)>,
    count: u64,
    pub(crate) exception: Option<ExceptionRecord>,
}

impl History {
    pub(crate) fn note(&mut self, event: EventReport) {
        self.count += 1;
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back((self.count, event));
    }

    /// The kept events with their numbers, from 1.
    pub(crate) fn events(&self) -> impl Iterator<Item = &(u64, EventReport)> {
        self.events.iter()
    }
}
