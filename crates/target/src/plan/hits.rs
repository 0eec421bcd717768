//! Which trap hits count, and which of them stop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use farsight_types::{Address, OsPid, OsTid};

use crate::{Trap, TrapDelta, TrapHits, TrapId, TrapKind};

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
    traps: BTreeMap<TrapId, Entry>,
    places: HashMap<(OsPid, Address), Vec<TrapId>>,
    changed: BTreeSet<TrapId>,
    /// Last counts of traps that went with their process.
    parting: Vec<TrapHits>,
}

/// One trap, in every process that it is planted in.
#[derive(Clone, Debug)]
struct Entry {
    trap: Trap,
    hits: u64,
    /// The process it was set in, while that has it, and those that were born with it.
    processes: BTreeSet<OsPid>,
}

impl Entry {
    /// The trap as it is in each process.
    fn everywhere(self) -> impl Iterator<Item = Trap> {
        let trap = self.trap;
        self.processes.into_iter().map(move |process| Trap {
            process,
            ..trap.clone()
        })
    }
}

impl HitBook {
    /// Applies a delta and returns the traps that went, replaced ones included, once for each process that had them.
    ///
    /// A trap that replaces itself at the same place stays in all processes that were born with it.
    pub fn apply(&mut self, delta: &TrapDelta) -> Vec<Trap> {
        let set: Vec<(&Trap, BTreeSet<OsPid>)> = delta.set.iter().map(|trap| (trap, self.processes_of(trap))).collect();
        let stale: Vec<TrapId> = match delta.base {
            None => self.traps.keys().copied().collect(),
            Some(_) => delta.remove.clone(),
        };
        let mut gone: Vec<Trap> = stale.into_iter().flat_map(|id| self.remove(id)).collect();
        for (trap, processes) in set {
            gone.extend(self.remove(trap.id));
            for process in &processes {
                let ids = self.places.entry((*process, trap.address)).or_default();
                ids.push(trap.id);
            }
            let entry = Entry {
                trap: trap.clone(),
                hits: 0,
                processes,
            };
            self.traps.insert(trap.id, entry);
        }
        gone
    }

    /// The processes that a trap is to be planted in when it is set: its own, and where it only replaces itself, those
    /// that have it.
    pub fn processes_of(&self, trap: &Trap) -> BTreeSet<OsPid> {
        let known = self.traps.get(&trap.id);
        let same = known.filter(|known| {
            let place = (known.trap.process, known.trap.address, known.trap.kind);
            place == (trap.process, trap.address, trap.kind)
        });
        match same {
            Some(known) => known.processes.clone(),
            None => BTreeSet::from([trap.process]),
        }
    }

    /// A process is born with the traps of its parent, which are returned as they are in the child.
    pub fn inherit(&mut self, parent: OsPid, child: OsPid) -> Vec<Trap> {
        let mut inherited = Vec::new();
        for (id, entry) in &mut self.traps {
            if entry.processes.contains(&parent) && entry.processes.insert(child) {
                let ids = self.places.entry((child, entry.trap.address)).or_default();
                ids.push(*id);
                inherited.push(Trap {
                    process: child,
                    ..entry.trap.clone()
                });
            }
        }
        inherited
    }

    /// Takes one trap away; returns it once for each process that had it.
    pub fn remove(&mut self, id: TrapId) -> Vec<Trap> {
        let Some(entry) = self.traps.remove(&id) else {
            return Vec::new();
        };
        self.changed.remove(&id);
        for process in &entry.processes {
            self.leave(id, (*process, entry.trap.address));
        }
        entry.everywhere().collect()
    }

    fn leave(&mut self, id: TrapId, place: (OsPid, Address)) {
        if let Some(ids) = self.places.get_mut(&place) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.places.remove(&place);
            }
        }
    }

    /// Forgets the traps of a process that is gone or runs another program, and returns them. Others that were born with
    /// them keep them.
    pub fn forget(&mut self, process: OsPid) -> Vec<Trap> {
        let had: Vec<TrapId> = self
            .traps
            .iter()
            .filter(|(_, entry)| entry.processes.contains(&process))
            .map(|(id, _)| *id)
            .collect();
        let mut gone = Vec::new();
        for id in had {
            let Some(entry) = self.traps.get_mut(&id) else { continue };
            entry.processes.remove(&process);
            let trap = Trap {
                process,
                ..entry.trap.clone()
            };
            let unused = entry.processes.is_empty();
            self.leave(id, (process, trap.address));
            if unused
                && let Some(entry) = self.traps.remove(&id)
                && self.changed.remove(&id)
            {
                self.parting.push(TrapHits { id, hits: entry.hits });
            }
            gone.push(trap);
        }
        gone
    }

    /// All traps, by ascending id, each as it was set.
    pub fn traps(&self) -> impl Iterator<Item = &Trap> {
        self.traps.values().map(|entry| &entry.trap)
    }

    /// The traps that a process has, by ascending id.
    pub fn traps_in(&self, process: OsPid) -> impl Iterator<Item = &Trap> {
        let entries = self.traps.values();
        entries
            .filter(move |entry| entry.processes.contains(&process))
            .map(|entry| &entry.trap)
    }

    /// Counts a hit of `thread` on the software traps at `address` and judges it.
    pub fn hit(&mut self, process: OsPid, address: Address, thread: OsTid, sp: Address) -> Verdict {
        self.hit_kind(process, address, TrapKind::Software, thread, sp)
    }

    /// Counts a hit of `thread` on the traps of one kind at `address` and judges it.
    pub fn hit_kind(
        &mut self,
        process: OsPid,
        address: Address,
        kind: TrapKind,
        thread: OsTid,
        sp: Address,
    ) -> Verdict {
        let mut due = Vec::new();
        for id in self.places.get(&(process, address)).into_iter().flatten() {
            let Some(Entry { trap, hits, .. }) = self.traps.get_mut(id) else {
                continue;
            };
            let counts = trap.kind == kind
                && trap.thread.is_none_or(|only| only == thread)
                && trap.stack_at_least.is_none_or(|least| sp >= least);
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

    /// Whether a trap is still set.
    pub fn knows(&self, id: TrapId) -> bool {
        self.traps.contains_key(&id)
    }

    /// Counts that changed since the last call.
    pub fn take_changes(&mut self) -> Vec<TrapHits> {
        let mut changes = std::mem::take(&mut self.parting);
        let changed = std::mem::take(&mut self.changed).into_iter();
        changes.extend(changed.filter_map(|id| self.traps.get(&id).map(|entry| TrapHits { id, hits: entry.hits })));
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataAccess;
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
    fn children_are_born_with_traps_that_go_everywhere_at_once() {
        const CHILD: OsPid = OsPid(8);
        let mut book = book(vec![trap(1, 1)]);
        assert_eq!(book.inherit(PROCESS, CHILD).len(), 1);
        let in_child = |book: &mut HitBook| book.hit(CHILD, PLACE, OsTid(8), Address(0));
        assert_eq!(in_child(&mut book), Verdict::Stop(vec![TrapId(1)]));
        let again = TrapDelta {
            base: None,
            generation: Generation(2),
            remove: Vec::new(),
            set: vec![trap(1, 2)],
        };
        assert_eq!(book.processes_of(&trap(1, 2)).len(), 2);
        assert_eq!(book.apply(&again).len(), 2);
        assert_eq!(in_child(&mut book), Verdict::Pass);
        assert_eq!(book.forget(PROCESS).len(), 1);
        assert_eq!(hit(&mut book, 1, 0), Verdict::Pass);
        assert_eq!(in_child(&mut book), Verdict::Stop(vec![TrapId(1)]));
        let mut ended = book.clone();
        ended.forget(CHILD);
        assert_eq!(ended.take_changes(), vec![TrapHits { id: TrapId(1), hits: 2 }]);
        let gone = book.remove(TrapId(1));
        assert_eq!(gone.iter().map(|trap| trap.process).collect::<Vec<_>>(), [CHILD]);
        assert_eq!(in_child(&mut book), Verdict::Pass);
    }

    #[test]
    fn kinds_at_one_place_are_counted_apart() {
        let watch = |size| TrapKind::HardwareData {
            access: DataAccess::Write,
            size,
        };
        let of_kind = |id, kind| Trap { kind, ..trap(id, 1) };
        let mut book = book(vec![trap(1, 1), of_kind(2, watch(4)), of_kind(3, watch(8))]);
        assert_eq!(hit(&mut book, 1, 0), Verdict::Stop(vec![TrapId(1)]));
        let mut hit = |kind| book.hit_kind(PROCESS, PLACE, kind, OsTid(1), Address(0));
        assert_eq!(hit(watch(8)), Verdict::Stop(vec![TrapId(3)]));
        assert_eq!(hit(TrapKind::HardwareExecute), Verdict::Pass);
        let hits = |id| TrapHits {
            id: TrapId(id),
            hits: 1,
        };
        assert_eq!(book.take_changes(), vec![hits(1), hits(3)]);
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
