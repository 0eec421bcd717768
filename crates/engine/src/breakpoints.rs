//! The breakpoints that the user set, and the traps behind them.
//!
//! Setting, changing and clearing asks nobody: the traps travel with the next resume. Pass counts live at the server,
//! which reports hits. Read [`Breakpoint`] first.

use std::collections::BTreeMap;

use farsight_target::{Trap, TrapHits, TrapId, TrapKind};
use farsight_types::{Address, OsPid, OsTid, ProcessId, SystemId, ThreadId};

use crate::rights::Rights;
use crate::session::is_shared_line;

/// Where one of a breakpoint's traps is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) address: Address,
    /// New whenever something about the trap changes, so that the server counts anew.
    trap: TrapId,
    /// Hits of this trap, as the server counts them.
    hits: u64,
}

/// What a breakpoint is set on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) system: SystemId,
    pub(crate) process: ProcessId,
    pub(crate) os: OsPid,
    /// The expression as typed; it is looked up again when modules come.
    pub(crate) expression: String,
    pub(crate) kind: TrapKind,
    /// Survives the module that it is in, and is looked up again when that comes back (`bu`).
    pub(crate) deferred: bool,
    /// Only this thread.
    pub(crate) thread: Option<(ThreadId, OsTid)>,
    pub(crate) passes: u64,
    /// Goes when it is hit.
    pub(crate) one_shot: bool,
    pub(crate) depth: Depth,
    /// Runs at a hit.
    pub(crate) commands: String,
    /// What the commands may do.
    pub(crate) rights: Rights,
}

/// How deep the calls are at a hit that counts; both limits are exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) below: Option<u32>,
    pub(crate) above: Option<u32>,
}

/// Debug registers of a thread that a breakpoint can use.
pub(crate) const DEBUG_REGISTERS: usize = 4;

/// One breakpoint.
#[derive(Clone, Debug)]
pub(crate) struct Breakpoint {
    pub(crate) id: u32,
    pub(crate) spec: Spec,
    pub(crate) enabled: bool,
    /// Empty while the expression names nothing; a source line may have become several places.
    pub(crate) places: Vec<Bound>,
    pub(crate) hits: u64,
    /// Hits before these traps, which the server does not know of.
    hits_before: u64,
    /// Why its trap could not be planted.
    pub(crate) trouble: Option<String>,
}

impl Breakpoint {
    /// Hits left until it stops, at least 1.
    pub(crate) fn remaining(&self) -> u64 {
        self.spec.passes.saturating_sub(self.hits).max(1)
    }

    /// The first of its places.
    pub(crate) fn address(&self) -> Option<Address> {
        self.places.first().map(|bound| bound.address)
    }

    /// All of its places.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Address> {
        self.places.iter().map(|bound| bound.address)
    }

    /// Whether a hit counts for the user. The server counts the passes of one trap; where there are several, each hit
    /// comes here to be counted with the others.
    pub(crate) fn is_due(&self) -> bool {
        self.places.len() < 2 || self.hits >= self.spec.passes
    }

    fn has_trap(&self, traps: &[TrapId]) -> bool {
        self.places.iter().any(|bound| traps.contains(&bound.trap))
    }
}

/// All breakpoints of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct BreakpointBook {
    breakpoints: BTreeMap<u32, Breakpoint>,
    last_trap: u32,
    /// Traps of `g ADDRESS`, gone at the next stop that is shown.
    temporary: Vec<(SystemId, ProcessId, Trap)>,
}

impl BreakpointBook {
    /// Whether the other book holds the same breakpoints, wherever their places are.
    pub(crate) fn are_those_of(&self, other: &BreakpointBook) -> bool {
        let of = |book: &BreakpointBook| -> Vec<(u32, bool, Spec)> {
            let all = book.breakpoints.iter();
            all.map(|(id, one)| (*id, one.enabled, one.spec.clone())).collect()
        };
        of(self) == of(other)
    }

    fn new_trap(&mut self) -> TrapId {
        self.last_trap += 1;
        TrapId(self.last_trap)
    }

    /// The lowest number that no breakpoint has.
    pub(crate) fn free_id(&self) -> u32 {
        (0..).find(|id| !self.breakpoints.contains_key(id)).unwrap_or(u32::MAX)
    }

    fn bound_at(&mut self, addresses: &[Address]) -> Vec<Bound> {
        let bound = addresses.iter().map(|address| Bound {
            address: *address,
            trap: self.new_trap(),
            hits: 0,
        });
        bound.collect()
    }

    /// Gives a breakpoint's places new traps: it goes on counting from where it is.
    fn renew(&mut self, id: u32) {
        let addresses: Vec<Address> = self.get(id).into_iter().flat_map(Breakpoint::addresses).collect();
        let places = self.bound_at(&addresses);
        if let Some(one) = self.breakpoints.get_mut(&id) {
            one.places = places;
            one.hits_before = one.hits;
        }
    }

    /// Sets a breakpoint; one with the same number goes.
    pub(crate) fn set(&mut self, id: u32, spec: Spec, addresses: &[Address]) {
        let places = self.bound_at(addresses);
        let breakpoint = Breakpoint {
            id,
            spec,
            enabled: true,
            places,
            hits: 0,
            hits_before: 0,
            trouble: None,
        };
        self.breakpoints.insert(id, breakpoint);
    }

    /// The breakpoints that hold a process's debug registers.
    pub(crate) fn hardware_of(&self, system: SystemId, process: ProcessId) -> Vec<u32> {
        let of_it = |one: &&Breakpoint| one.spec.system == system && one.spec.process == process;
        let held = self.iter().filter(of_it).filter(|one| one.enabled);
        held.filter(|one| one.spec.kind != TrapKind::Software)
            .map(|one| one.id)
            .collect()
    }

    /// Gives a breakpoint another number, which must be free; its trap goes on counting.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) {
        if let Some(mut one) = self.breakpoints.remove(&from) {
            one.id = to;
            self.breakpoints.insert(to, one);
        }
    }

    /// What runs at a hit from now on.
    pub(crate) fn set_commands(&mut self, id: u32, commands: String, rights: Rights) {
        if let Some(one) = self.breakpoints.get_mut(&id) {
            one.spec.commands = commands;
            one.spec.rights = rights;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Breakpoint> {
        self.breakpoints.values()
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Breakpoint> {
        self.breakpoints.get(&id)
    }

    pub(crate) fn clear(&mut self, id: u32) -> bool {
        self.breakpoints.remove(&id).is_some()
    }

    /// Enables or disables; a pass count goes on where it was.
    pub(crate) fn enable(&mut self, id: u32, enabled: bool) -> bool {
        let Some(breakpoint) = self.breakpoints.get_mut(&id) else {
            return false;
        };
        if breakpoint.enabled != enabled {
            breakpoint.enabled = enabled;
            self.renew(id);
        }
        true
    }

    /// A breakpoint's expression names these places now, or none any more.
    pub(crate) fn bind(&mut self, id: u32, addresses: &[Address]) {
        let same = self
            .get(id)
            .is_none_or(|one| one.addresses().eq(addresses.iter().copied()));
        if same {
            return;
        }
        let places = self.bound_at(addresses);
        if let Some(breakpoint) = self.breakpoints.get_mut(&id) {
            breakpoint.places = places;
            breakpoint.hits_before = breakpoint.hits;
            breakpoint.trouble = None;
        }
    }

    /// Whether a breakpoint waits for a module, for more places in those to come, or for the return of one that may be unloaded, as `stays` says of those
    /// that cannot be.
    pub(crate) fn wants_modules(&self, system: SystemId, stays: impl Fn(ProcessId, Address) -> bool) -> bool {
        let mut own = self.iter().filter(|one| one.enabled && one.spec.system == system);
        own.any(|one| {
            let goes = |address| one.spec.deferred && !stays(one.spec.process, address);
            one.places.is_empty() || is_shared_line(&one.spec.expression) || one.addresses().any(goes)
        })
    }

    /// Notes where the target shall stop once, whatever the user's breakpoints are.
    pub(crate) fn add_temporary(
        &mut self,
        (system, process): (SystemId, ProcessId),
        os: OsPid,
        address: Address,
        kind: TrapKind,
        thread: Option<OsTid>,
    ) {
        let id = self.new_trap();
        let trap = Trap {
            id,
            process: os,
            address,
            kind,
            passes: 1,
            thread,
            stack_at_least: None,
        };
        self.temporary.push((system, process, trap));
    }

    /// The others stay: the end of one process, or its new program, does not keep another from where it is to go.
    fn clear_temporary_of(&mut self, system: SystemId, process: ProcessId) {
        self.temporary
            .retain(|(of, whose, _)| (*of, *whose) != (system, process));
    }

    pub(crate) fn clear_temporary(&mut self) {
        self.temporary.clear();
    }

    /// Every trap that a system shall have.
    pub(crate) fn traps(&self, system: SystemId) -> Vec<Trap> {
        let own = self.breakpoints.values().filter(|one| one.spec.system == system);
        let own = own.filter(|one| one.enabled).flat_map(|one| {
            let passes = match one.places.len() {
                0 | 1 => one.spec.passes.saturating_sub(one.hits_before).max(1),
                _ => 1,
            };
            one.places.iter().map(move |bound| Trap {
                id: bound.trap,
                process: one.spec.os,
                address: bound.address,
                kind: one.spec.kind,
                passes,
                thread: one.spec.thread.map(|(_, os)| os),
                stack_at_least: None,
            })
        });
        let temporary = self.temporary.iter().filter(|(of, ..)| *of == system);
        own.chain(temporary.map(|(_, _, trap)| trap.clone())).collect()
    }

    /// Takes the server's counts.
    pub(crate) fn note_hits(&mut self, hits: &[TrapHits]) {
        for count in hits {
            for one in self.breakpoints.values_mut() {
                if let Some(bound) = one.places.iter_mut().find(|bound| bound.trap == count.id) {
                    bound.hits = count.hits;
                    let hits = one.places.iter().map(|bound| bound.hits).sum();
                    one.hits = one.hits_before.saturating_add(hits);
                }
            }
        }
    }

    /// The breakpoints behind traps; the flag says whether one was a temporary trap.
    pub(crate) fn behind(&self, traps: &[TrapId]) -> (Vec<u32>, bool) {
        let ids = self
            .breakpoints
            .values()
            .filter(|one| one.has_trap(traps))
            .map(|one| one.id)
            .collect();
        let temporary = self.temporary.iter().any(|(_, _, trap)| traps.contains(&trap.id));
        (ids, temporary)
    }

    /// Notes which breakpoints have a trap at a place where none can be.
    pub(crate) fn note_trouble(&mut self, at: Address, why: &str) -> Vec<u32> {
        let hit = self
            .breakpoints
            .values_mut()
            .filter(|one| one.addresses().any(|address| address == at));
        hit.map(|one| {
            one.trouble = Some(why.to_owned());
            one.id
        })
        .collect()
    }

    /// A process is gone, and its breakpoints with it.
    pub(crate) fn forget_process(&mut self, system: SystemId, process: ProcessId) {
        self.take_process(system, process);
    }

    /// A process is gone and a copy of it goes on: its breakpoints are the copy's now, with their counts. Those for one
    /// thread go with it. Returns what they were.
    pub(crate) fn hand_on(&mut self, system: SystemId, from: ProcessId, heir: (ProcessId, OsPid)) -> Vec<Breakpoint> {
        let of_it = |one: &&Breakpoint| one.spec.system == system && one.spec.process == from;
        let before: Vec<Breakpoint> = self.iter().filter(of_it).cloned().collect();
        for one in before.iter().filter(|one| one.spec.thread.is_none()) {
            if let Some(one) = self.breakpoints.get_mut(&one.id) {
                (one.spec.process, one.spec.os) = heir;
            }
            self.renew(one.id);
        }
        before
    }

    /// A process is gone; its breakpoints are for the one that takes its place.
    pub(crate) fn take_process(&mut self, system: SystemId, process: ProcessId) -> Vec<Breakpoint> {
        self.clear_temporary_of(system, process);
        let of_it = |one: &Breakpoint| one.spec.system == system && one.spec.process == process;
        let ids: Vec<u32> = self.iter().filter(|one| of_it(one)).map(|one| one.id).collect();
        ids.iter().filter_map(|id| self.breakpoints.remove(id)).collect()
    }

    /// Sets a breakpoint of a process that is gone for one that takes its place; where its number has been given away,
    /// under another. It counts anew, and its expression is looked up when modules come.
    pub(crate) fn put_back(&mut self, mut one: Breakpoint, system: SystemId, process: ProcessId, os: OsPid) {
        if self.breakpoints.contains_key(&one.id) {
            one.id = self.free_id();
        }
        one.spec = Spec {
            system,
            process,
            os,
            thread: None,
            ..one.spec
        };
        (one.hits, one.hits_before, one.trouble) = (0, 0, None);
        one.places.clear();
        self.breakpoints.insert(one.id, one);
    }

    /// A process has another program now: every place must be looked up again.
    pub(crate) fn unbind_process(&mut self, system: SystemId, process: ProcessId) {
        let ids: Vec<u32> = self
            .iter()
            .filter(|one| one.spec.system == system && one.spec.process == process)
            .map(|one| one.id)
            .collect();
        for id in ids {
            self.bind(id, &[]);
        }
        self.clear_temporary_of(system, process);
    }
}

#[cfg(test)]
mod tests;
