//! What traps a system has, and how its next resume changes them.
//!
//! The server keeps the set; the engine sends deltas against the generation that the server last acknowledged, and the
//! full set where that is unknown.

use std::collections::BTreeMap;

use farsight_target::{Trap, TrapDelta, TrapId};
use farsight_types::{Generation, OsPid};

/// The traps that a server has acknowledged.
#[derive(Debug, Default)]
pub(crate) struct PlantedTraps {
    /// The acknowledged set; none before the first and when an answer was lost.
    acknowledged: Option<Generation>,
    planted: BTreeMap<TrapId, Trap>,
    last: Generation,
    /// Sent and not yet acknowledged.
    sent: Option<(Generation, BTreeMap<TrapId, Trap>)>,
}

impl PlantedTraps {
    /// The change that makes the server's set `wanted`.
    pub(crate) fn delta(&mut self, wanted: Vec<Trap>) -> TrapDelta {
        self.last = self.last.next();
        let wanted: BTreeMap<TrapId, Trap> = wanted.into_iter().map(|trap| (trap.id, trap)).collect();
        let delta = match self.acknowledged {
            None => TrapDelta {
                base: None,
                generation: self.last,
                remove: Vec::new(),
                set: wanted.values().cloned().collect(),
            },
            Some(base) => TrapDelta {
                base: Some(base),
                generation: self.last,
                remove: self
                    .planted
                    .keys()
                    .filter(|id| !wanted.contains_key(id))
                    .copied()
                    .collect(),
                set: wanted
                    .values()
                    .filter(|trap| self.planted.get(&trap.id) != Some(trap))
                    .cloned()
                    .collect(),
            },
        };
        self.sent = Some((self.last, wanted));
        delta
    }

    /// Whether the server's set is another than `wanted`.
    pub(crate) fn differs(&self, wanted: &[Trap]) -> bool {
        let same = wanted.iter().all(|trap| self.planted.get(&trap.id) == Some(trap));
        self.acknowledged.is_none() || !same || wanted.len() != self.planted.len()
    }

    /// The server has the set that was last sent.
    pub(crate) fn acknowledge(&mut self, generation: Generation) {
        match self.sent.take() {
            Some((sent, traps)) if sent == generation => {
                self.acknowledged = Some(generation);
                self.planted = traps;
            }
            _ => {
                self.forget();
            }
        }
    }

    /// What the server has is unknown: the next delta is the full set. Tells whether it was thought to be known.
    pub(crate) fn forget(&mut self) -> bool {
        self.planted.clear();
        self.sent = None;
        self.acknowledged.take().is_some()
    }

    /// Whether the server may have planted something in a process.
    pub(crate) fn may_have(&self, process: OsPid) -> bool {
        let sent = self.sent.iter().flat_map(|(_, traps)| traps.values());
        self.planted.values().chain(sent).any(|trap| trap.process == process)
    }

    /// The server has forgotten a process's traps, because it runs another program or is gone.
    pub(crate) fn forget_process(&mut self, process: OsPid) {
        self.planted.retain(|_, trap| trap.process != process);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farsight_target::TrapKind;
    use farsight_types::Address;

    fn trap(id: u32, address: u64) -> Trap {
        Trap {
            id: TrapId(id),
            process: OsPid(1),
            address: Address(address),
            kind: TrapKind::Software,
            passes: 1,
            thread: None,
            stack_at_least: None,
        }
    }

    #[test]
    fn only_changes_travel_once_the_server_has_answered() {
        let mut traps = PlantedTraps::default();
        let full = traps.delta(vec![trap(1, 0x10), trap(2, 0x20)]);
        assert_eq!((full.base, full.set.len()), (None, 2));
        traps.acknowledge(full.generation);
        let change = traps.delta(vec![trap(2, 0x20), trap(3, 0x30)]);
        assert_eq!(change.base, Some(full.generation));
        assert_eq!(change.remove, [TrapId(1)]);
        assert_eq!(change.set, [trap(3, 0x30)]);
    }

    #[test]
    fn an_unanswered_change_makes_the_next_one_full() {
        let mut traps = PlantedTraps::default();
        let first = traps.delta(vec![trap(1, 0x10)]);
        traps.acknowledge(first.generation);
        let _lost = traps.delta(Vec::new());
        traps.forget();
        assert_eq!(traps.delta(vec![trap(1, 0x10)]).base, None);
    }

    #[test]
    fn traps_of_a_replaced_program_are_set_again() {
        let mut traps = PlantedTraps::default();
        let first = traps.delta(vec![trap(1, 0x10)]);
        traps.acknowledge(first.generation);
        traps.forget_process(OsPid(1));
        let again = traps.delta(vec![trap(1, 0x10)]);
        assert_eq!(again.set, [trap(1, 0x10)]);
        assert_eq!(again.base, Some(first.generation));
    }
}
