//! Which trap hits count, and which of them stop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use farsight_types::{Address, OsPid, OsTid};

use crate::{Trap, TrapDelta, TrapHits, TrapId};

/// What a hit comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Show it: these traps are due.
    Stop(Vec<TrapId>),
    /// Counted or filtered; the thread goes on.
    Pass,
}

/// The engine's traps with their counts.
#[derive(Clone, Debug, Default)]
pub struct HitBook {
    traps: BTreeMap<TrapId, (Trap, u64)>,
    places: HashMap<(OsPid, Address), Vec<TrapId>>,
    changed: BTreeSet<TrapId>,
}

impl HitBook {
    /// Applies a delta and returns the traps that went, replaced ones included.
    pub fn apply(&mut self, delta: &TrapDelta) -> Vec<Trap> {
        let stale: Vec<TrapId> = match delta.base {
            None => self.traps.keys().copied().collect(),
            Some(_) => delta.remove.clone(),
        };
        let mut gone: Vec<Trap> = stale.into_iter().filter_map(|id| self.remove(id)).collect();
        for trap in &delta.set {
            gone.extend(self.remove(trap.id));
            self.places
                .entry((trap.process, trap.address))
                .or_default()
                .push(trap.id);
            self.traps.insert(trap.id, (trap.clone(), 0));
        }
        gone
    }

    /// Takes one trap away.
    pub fn remove(&mut self, id: TrapId) -> Option<Trap> {
        let (trap, _) = self.traps.remove(&id)?;
        self.changed.remove(&id);
        let place = (trap.process, trap.address);
        if let Some(ids) = self.places.get_mut(&place) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.places.remove(&place);
            }
        }
        Some(trap)
    }

    /// Forgets the traps of a process that is gone or runs another program.
    pub fn forget(&mut self, process: OsPid) {
        let ids: Vec<TrapId> = self
            .traps()
            .filter(|trap| trap.process == process)
            .map(|trap| trap.id)
            .collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// All traps, by ascending id.
    pub fn traps(&self) -> impl Iterator<Item = &Trap> {
        self.traps.values().map(|(trap, _)| trap)
    }

    /// Counts a hit of `thread` at `address` and judges it.
    pub fn hit(&mut self, process: OsPid, address: Address, thread: OsTid, sp: Address) -> Verdict {
        let mut due = Vec::new();
        for id in self.places.get(&(process, address)).into_iter().flatten() {
            let Some((trap, hits)) = self.traps.get_mut(id) else {
                continue;
            };
            let counts =
                trap.thread.is_none_or(|only| only == thread) && trap.stack_at_least.is_none_or(|least| sp >= least);
            if counts {
                *hits += 1;
                self.changed.insert(*id);
                if *hits >= trap.passes {
                    due.push(*id);
                }
            }
        }
        if due.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Stop(due)
        }
    }

    /// Counts that changed since the last call.
    pub fn take_changes(&mut self) -> Vec<TrapHits> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .filter_map(|id| self.traps.get(&id).map(|(_, hits)| TrapHits { id, hits: *hits }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrapKind;
    use farsight_types::Generation;

    const PROCESS: OsPid = OsPid(7);
    const PLACE: Address = Address(0x4000);

    fn trap(id: u32, passes: u64) -> Trap {
        Trap {
            id: TrapId(id),
            process: PROCESS,
            address: PLACE,
            kind: TrapKind::Software,
            passes,
            thread: None,
            stack_at_least: None,
        }
    }

    fn book(traps: Vec<Trap>) -> HitBook {
        let mut book = HitBook::default();
        book.apply(&TrapDelta {
            base: None,
            generation: Generation(1),
            remove: Vec::new(),
            set: traps,
        });
        book
    }

    fn hit(book: &mut HitBook, thread: u32, sp: u64) -> Verdict {
        book.hit(PROCESS, PLACE, OsTid(thread), Address(sp))
    }

    #[test]
    fn a_pass_count_stops_at_its_hit_and_at_each_later_one() {
        let mut book = book(vec![trap(1, 3)]);
        assert_eq!(hit(&mut book, 1, 0), Verdict::Pass);
        assert_eq!(hit(&mut book, 2, 0), Verdict::Pass);
        assert_eq!(hit(&mut book, 1, 0), Verdict::Stop(vec![TrapId(1)]));
        assert_eq!(hit(&mut book, 1, 0), Verdict::Stop(vec![TrapId(1)]));
        assert_eq!(book.take_changes(), vec![TrapHits { id: TrapId(1), hits: 4 }]);
        assert_eq!(book.take_changes(), vec![]);
    }

    #[test]
    fn filters_leave_the_count_alone() {
        let mut filtered = trap(1, 1);
        filtered.thread = Some(OsTid(5));
        filtered.stack_at_least = Some(Address(0x1000));
        let mut book = book(vec![filtered]);
        assert_eq!(hit(&mut book, 6, 0x1000), Verdict::Pass);
        assert_eq!(hit(&mut book, 5, 0xfff), Verdict::Pass);
        assert_eq!(book.take_changes(), vec![]);
        assert_eq!(hit(&mut book, 5, 0x1000), Verdict::Stop(vec![TrapId(1)]));
    }

    #[test]
    fn two_traps_at_one_place_are_judged_apart() {
        let mut book = book(vec![trap(1, 2), trap(2, 1)]);
        assert_eq!(hit(&mut book, 1, 0), Verdict::Stop(vec![TrapId(2)]));
        assert_eq!(hit(&mut book, 1, 0), Verdict::Stop(vec![TrapId(1), TrapId(2)]));
    }

    #[test]
    fn a_full_set_replaces_and_a_delta_does_not() {
        let mut book = book(vec![trap(1, 1)]);
        let delta = TrapDelta {
            base: Some(Generation(1)),
            generation: Generation(2),
            remove: Vec::new(),
            set: vec![trap(2, 1)],
        };
        assert_eq!(book.apply(&delta), vec![]);
        assert_eq!(book.traps().count(), 2);
        let full = TrapDelta { base: None, ..delta };
        assert_eq!(book.apply(&full).len(), 2);
        assert_eq!(book.traps().count(), 1);
    }
}
