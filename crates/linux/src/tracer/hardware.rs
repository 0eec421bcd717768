//! Hardware traps: what the debug registers of a debuggee's threads hold, and what their status tells.
//!
//! A process has at most four places. A change reaches its stopped threads at once and every other thread before it next
//! runs, those born later included; the kernel gives no thread its parent's registers. The hits that a thread's status
//! register tells of are taken from it exactly once, at the SIGTRAP that they came with, whoever saw that first: an access
//! cannot be undone, so a hit of a thread that stops beside the event thread counts at once and is shown, where it is due,
//! by the next resume. An execution trap comes before its instruction and is hit again instead. What the kernel accesses
//! in a system call raises no SIGTRAP and does not count.

use farsight_target::plan::Verdict;
use farsight_target::{DataAccess, StopCause, TargetError, Trap, TrapDelta, TrapKind};
use farsight_types::registers::amd64;
use farsight_types::{Address, OsPid, OsTid};
use libc::pid_t;

use super::Tracer;
use super::debuggee::{State, Thread};
use crate::sys::ptrace;

/// Places that a processor can watch.
const PLACES: usize = 4;

const STATUS: usize = 6;
const CONTROL: usize = 7;

/// Resume flag: the next instruction hits no execution trap.
const RESUME_FLAG: u64 = 1 << 16;

/// What the debug registers of a process's threads shall hold. A followed child starts with a copy of its parent's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hardware {
    places: [Option<(Address, TrapKind)>; PLACES],
    /// Counts changes; 0 is before the first.
    generation: u32,
}

impl Hardware {
    /// Puts a trap into a register, the same as others of its place and kind; false when all are taken.
    fn add(&mut self, place: (Address, TrapKind), old: &Hardware) -> bool {
        if self.places.contains(&Some(place)) {
            return true;
        }
        // One that stays keeps its register.
        let kept = old.places.iter().position(|known| *known == Some(place));
        let free = |number: &usize| self.places[*number].is_none();
        let number = kept.filter(free).or_else(|| (0..PLACES).find(free));
        number.map(|number| self.places[number] = Some(place)).is_some()
    }

    /// Whether bytes overlap a place whose data is watched.
    pub(super) fn watches(&self, address: u64, length: u64) -> bool {
        self.places.iter().flatten().any(|(place, kind)| match kind {
            TrapKind::HardwareData { size, .. } => {
                address < place.0.saturating_add(u64::from(*size)) && place.0 < address.saturating_add(length)
            }
            _ => false,
        })
    }

    fn executes_at(&self, pc: u64) -> bool {
        self.places.contains(&Some((Address(pc), TrapKind::HardwareExecute)))
    }

    /// Bits of the control register, and which bits are those of the places in use.
    ///
    /// | bits | meaning |
    /// |---|---|
    /// | 2n | place n is enabled |
    /// | 16+4n, 2 bits | 0 execute, 1 write, 3 read or write |
    /// | 18+4n, 2 bits | length 1, 2, 8, 4 bytes |
    fn control(&self) -> (u64, u64) {
        let (mut value, mut mask) = (0, 0);
        for (number, place) in self.places.iter().enumerate() {
            let Some((_, kind)) = place else { continue };
            let condition = match kind {
                TrapKind::HardwareData { access, size } => {
                    let access = match access {
                        DataAccess::Write => 1,
                        DataAccess::ReadWrite => 3,
                    };
                    let length = match size {
                        1 => 0,
                        2 => 1,
                        4 => 3,
                        _ => 2,
                    };
                    access | length << 2
                }
                TrapKind::HardwareExecute | TrapKind::Software => 0,
            };
            value |= 1 << (2 * number) | condition << (16 + 4 * number);
            mask |= 3 << (2 * number) | 0xf << (16 + 4 * number);
        }
        (value, mask)
    }
}

/// Why a trap can be in no register, whatever the others hold.
fn check(trap: &Trap) -> Result<(), TargetError> {
    let TrapKind::HardwareData { size, .. } = trap.kind else {
        return Ok(());
    };
    let why = if !matches!(size, 1 | 2 | 4 | 8) {
        format!("{size} bytes cannot be watched, only 1, 2, 4 or 8")
    } else if !trap.address.0.is_multiple_of(u64::from(size)) {
        format!("{size} bytes are only watched at a multiple of {size}")
    } else {
        return Ok(());
    };
    Err(refused(trap.address, why))
}

fn refused(at: Address, why: String) -> TargetError {
    TargetError::Trap { at, why }
}

/// Makes a thread's registers those of its process. Places that the user filled by hand stay.
fn arm(thread: &mut Thread, old: &Hardware, new: &Hardware) -> std::io::Result<()> {
    let tid = thread.tid;
    let ours = if thread.armed == 0 { 0 } else { old.control().1 };
    let (value, mask) = new.control();
    // What an untouched thread shows is a copy of its parent's; nothing stands behind it.
    let foreign = if thread.touched {
        ptrace::debug_register(tid, CONTROL)? & !ours
    } else {
        0
    };
    if foreign & mask != 0 {
        return Err(std::io::Error::other(format!(
            "thread {tid} has its debug registers set by hand"
        )));
    }
    thread.touched = true;
    ptrace::set_debug_register(tid, CONTROL, foreign)?;
    for (number, place) in new.places.iter().enumerate() {
        if let Some((address, _)) = place {
            ptrace::set_debug_register(tid, number, address.0)?;
        }
    }
    ptrace::set_debug_register(tid, CONTROL, foreign | value)?;
    thread.armed = new.generation;
    Ok(())
}

impl Tracer {
    /// What each process's registers shall hold after a change of the traps; only those that differ. `set` are the traps
    /// that the change sets, once for each process.
    pub(super) fn plan_hardware(&self, delta: &TrapDelta, set: &[Trap]) -> Result<Vec<(OsPid, Hardware)>, TargetError> {
        let stays = |trap: &&Trap| {
            delta.base.is_some()
                && !delta.remove.contains(&trap.id)
                && !delta.set.iter().any(|replacing| replacing.id == trap.id)
        };
        let mut plans = Vec::new();
        for (pid, debuggee) in &self.debuggees {
            let old = &debuggee.hardware;
            let mut plan = Hardware {
                generation: old.generation,
                ..Hardware::default()
            };
            let staying = self.book.traps_in(*pid).filter(stays);
            let new = set.iter().filter(|trap| trap.process == *pid);
            for trap in staying.chain(new).filter(|trap| trap.kind != TrapKind::Software) {
                check(trap)?;
                if !plan.add((trap.address, trap.kind), old) {
                    let why = format!("all {PLACES} debug registers are in use; take another ba breakpoint away");
                    return Err(refused(trap.address, why));
                }
            }
            if plan != *old {
                plans.push((*pid, plan));
            }
        }
        Ok(plans)
    }

    /// Carries plans out. Where a register cannot be set, none is changed. Returns the threads that had to be stopped for
    /// it, to be set on when the trap book is changed too.
    pub(super) fn set_hardware(&mut self, plans: Vec<(OsPid, Hardware)>) -> Result<Vec<pid_t>, TargetError> {
        let mut halted = Vec::new();
        let mut undo = Vec::new();
        for (pid, mut plan) in plans {
            if self.run.is_some() {
                halted.extend(self.halt(Some(pid)));
                self.collect_hidden_hits(pid);
            }
            plan.generation = plan.generation.wrapping_add(1).max(1);
            let failure = self.arm_process(pid, &plan);
            if let Some(debuggee) = self.debuggees.get_mut(&pid) {
                let old = std::mem::replace(&mut debuggee.hardware, plan);
                undo.push((pid, old));
            }
            if let Some(why) = failure {
                let at = self.first_new_place(pid, &undo);
                for (pid, mut old) in undo {
                    let Some(debuggee) = self.debuggees.get_mut(&pid) else {
                        continue;
                    };
                    old.generation = debuggee.hardware.generation.wrapping_add(1).max(1);
                    let _ = self.arm_process(pid, &old);
                    if let Some(debuggee) = self.debuggees.get_mut(&pid) {
                        debuggee.hardware = old;
                    }
                }
                self.set_on(&halted, 0);
                return Err(refused(at, why));
            }
        }
        Ok(halted)
    }

    /// What a failed change was for.
    fn first_new_place(&self, pid: OsPid, undo: &[(OsPid, Hardware)]) -> Address {
        let old = undo.last().map(|(_, old)| old.places).unwrap_or_default();
        let new = self.debuggee(pid).map(|debuggee| debuggee.hardware.places);
        let mut new = new.unwrap_or_default().into_iter().flatten();
        new.find(|place| !old.contains(&Some(*place)))
            .map_or(Address(0), |(address, _)| address)
    }

    /// Sets the registers of every stopped thread; says why one cannot be.
    fn arm_process(&mut self, pid: OsPid, new: &Hardware) -> Option<String> {
        let old = &self.debuggees.get(&pid)?.hardware;
        let mut failure = None;
        for thread in self.threads.values_mut() {
            if thread.pid == pid
                && !thread.borrower
                && !thread.exiting
                && thread.state == State::Stopped
                && let Err(error) = arm(thread, old, new)
                // A thread that was killed in its stop has no registers any more.
                && error.raw_os_error() != Some(libc::ESRCH)
            {
                failure = failure.or(Some(error.to_string()));
            }
        }
        failure
    }

    /// Before a thread goes on: its registers are made its process's, and an execution trap that it has dealt with is not
    /// hit again.
    pub(super) fn prepare(&mut self, tid: pid_t) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        let Some(debuggee) = self.debuggees.get(&thread.pid) else {
            return;
        };
        let hardware = &debuggee.hardware;
        if hardware.generation == 0 || thread.borrower {
            return;
        }
        if thread.in_vfork {
            // Nobody can reach it in there, not even to clear its registers when it is let go of. It gets them back when it
            // comes out, before it runs code of the program.
            if thread.armed != 0 {
                disarm(thread);
            }
            return;
        }
        let mut failure = None;
        if thread.armed != hardware.generation && !thread.exiting {
            let blank = Hardware::default();
            // What a thread that was not there for the last change holds is unknown but for being ours.
            let all = Hardware {
                places: [Some((Address(0), TrapKind::HardwareExecute)); PLACES],
                generation: 0,
            };
            let old = if thread.armed == 0 { &blank } else { &all };
            failure = arm(thread, old, hardware).err();
        }
        if let Some(place) = thread.past_trap
            && hardware.executes_at(place)
            && let Ok(mut registers) = thread.registers()
            && registers.rip == place
            && registers.eflags & RESUME_FLAG == 0
        {
            registers.eflags |= RESUME_FLAG;
            let _ = thread.set_registers(&registers);
        }
        if let Some(error) = failure.filter(|error| error.raw_os_error() != Some(libc::ESRCH)) {
            self.trouble(format!("thread {tid} runs without its hardware traps: {error}"));
        }
    }

    /// Counts a thread that comes to a place on all traps that wait for its execution there, whichever it met first.
    ///
    /// An execution trap comes before a breakpoint instruction at the same place, but not always: where the processor
    /// faults on the way to the instruction, as on a page that was just copied, it sets the resume flag itself.
    pub(super) fn executed_hit(&mut self, pid: OsPid, place: Address, name: OsTid, sp: Address) -> Verdict {
        let mut due = Vec::new();
        for kind in [TrapKind::Software, TrapKind::HardwareExecute] {
            if let Verdict::Stop(ids) = self.book.hit_kind(pid, place, kind, name, sp) {
                due.extend(ids);
            }
        }
        due.sort_unstable();
        if due.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Stop(due)
        }
    }

    /// Takes the hits that a thread in a SIGTRAP stop has in its status register, and counts them; those that are due
    /// wait in [`Thread::due`]. `again` sets it back before execution traps instead, as one that stops beside the event.
    pub(super) fn collect_hits(&mut self, tid: pid_t, again: bool) {
        let Some(thread) = self.threads.get_mut(&tid).filter(|thread| thread.armed != 0) else {
            return;
        };
        let Some(debuggee) = self.debuggees.get(&thread.pid) else {
            return;
        };
        let status = ptrace::debug_register(tid, STATUS).unwrap_or(0);
        let hit = |number: &usize| status & 1 << number != 0;
        let numbers = (0..PLACES).filter(|number| debuggee.hardware.places[*number].is_some());
        let numbers: Vec<usize> = numbers.filter(hit).collect();
        if numbers.is_empty() {
            return;
        }
        let ours = numbers.iter().fold(0, |bits, number| bits | 1 << number);
        let _ = ptrace::set_debug_register(tid, STATUS, status & !ours);
        let Ok(mut registers) = thread.registers() else { return };
        let (pid, name, sp) = (thread.pid, OsTid(tid as u32), Address(registers.rsp));
        let places = debuggee.hardware.places;
        for number in numbers {
            let (Some((address, kind)), Some(thread)) = (places[number], self.threads.get_mut(&tid)) else {
                continue;
            };
            let verdict = if kind == TrapKind::HardwareExecute {
                if again {
                    registers.eflags &= !RESUME_FLAG;
                    let _ = thread.set_registers(&registers);
                    continue;
                }
                thread.past_trap = Some(registers.rip);
                self.executed_hit(pid, address, name, sp)
            } else {
                self.book.hit_kind(pid, address, kind, name, sp)
            };
            if let Verdict::Stop(ids) = verdict
                && let Some(thread) = self.threads.get_mut(&tid)
            {
                thread.due.extend(ids);
            }
        }
    }

    /// Mends a SIGTRAP stop whose status register was lost on its way: in a virtual machine a debug exception can arrive
    /// with an empty one, which the kernel takes for an `int1` instruction. Where the process watches one place of data,
    /// and no such instruction stands behind the pc, that place is what was accessed.
    pub(super) fn restore_lost_status(&mut self, tid: pid_t) {
        const STATES: u64 = 0xf | 1 << 14;
        const INT1: u8 = 0xf1;
        let Some(thread) = self.threads.get_mut(&tid).filter(|thread| thread.armed != 0) else {
            return;
        };
        let Some(debuggee) = self.debuggees.get(&thread.pid) else {
            return;
        };
        let mut used = (0..PLACES).filter(|number| debuggee.hardware.places[*number].is_some());
        let (Some(number), None) = (used.next(), used.next()) else {
            return;
        };
        let watches_data = matches!(
            debuggee.hardware.places[number],
            Some((_, TrapKind::HardwareData { .. }))
        );
        let (Ok(mut detail), Ok(status), Ok(registers)) = (
            ptrace::SignalDetail::of(tid),
            ptrace::debug_register(tid, STATUS),
            thread.registers(),
        ) else {
            return;
        };
        let lost = detail.number() == libc::SIGTRAP && detail.code() == libc::TRAP_BRKPT && status & STATES == 0;
        let before = Address(registers.rip.wrapping_sub(1));
        let memory = debuggee.memory.clone();
        if watches_data && lost && memory.read(before, 1) != [INT1] {
            let _ = ptrace::set_debug_register(tid, STATUS, status | 1 << number);
            detail.set_code(libc::TRAP_HWBKPT);
            let _ = detail.put(tid);
        }
    }

    /// As [`Tracer::collect_hits`] for a thread at its exit event that was killed with its SIGTRAP on the way: in the queue, or in a stop that
    /// the kill ended before it was waited for. There is nothing to show of it any more.
    pub(super) fn collect_last_hits(&mut self, tid: pid_t) {
        let Some(thread) = self.threads.get_mut(&tid).filter(|thread| thread.armed != 0) else {
            return;
        };
        // Inside a system call the status can be that of an access of the kernel's.
        let was_in_program = thread
            .registers()
            .is_ok_and(|registers| (registers.orig_rax as i64) < 0);
        if was_in_program || ptrace::has_queued_trap(tid) {
            self.collect_hits(tid, true);
            if let Some(thread) = self.threads.get_mut(&tid) {
                thread.due.clear();
            }
        }
    }

    /// The same for threads whose SIGTRAP an interrupt has hidden: their status is about to change its meaning.
    fn collect_hidden_hits(&mut self, pid: OsPid) {
        let stopped = |thread: &&Thread| thread.pid == pid && thread.state == State::Stopped && thread.armed != 0;
        let tids: Vec<pid_t> = self.threads.values().filter(stopped).map(|thread| thread.tid).collect();
        for tid in tids {
            if ptrace::has_queued_trap(tid) {
                self.collect_hits(tid, false);
            }
        }
    }

    /// Whether a SIGTRAP of the debug registers has nothing more to tell: its hits were collected, or their trap is gone.
    /// Places that the user filled by hand are the program's own business.
    pub(super) fn is_spent_hit(&self, tid: pid_t) -> bool {
        const HITS: u64 = 0xf;
        self.threads.get(&tid).is_some_and(|thread| thread.armed != 0)
            && ptrace::debug_register(tid, STATUS).is_ok_and(|status| status & HITS == 0)
    }

    /// Refuses to change debug registers by hand that hold traps.
    pub(super) fn check_debug_registers(&self, tid: pid_t, values: &[u64]) -> Result<(), TargetError> {
        let thread = self.threads.get(&tid).filter(|thread| thread.armed != 0);
        let hardware = thread.and_then(|thread| self.debuggees.get(&thread.pid));
        if values.is_empty() {
            return Ok(());
        }
        let invalid = |why: String| Err(TargetError::Invalid { why });
        let &[.., control] = values else { return Ok(()) };
        if values.len() != amd64::DEBUG.len() {
            return invalid(format!(
                "there are {} debug registers, not {}",
                amd64::DEBUG.len(),
                values.len()
            ));
        }
        let Some(hardware) = hardware.map(|debuggee| &debuggee.hardware) else {
            return Ok(());
        };
        let (ours, mask) = hardware.control();
        let mut held = hardware.places.iter().zip(values).enumerate();
        let held = held.find_map(|(number, (place, value))| {
            let (address, _) = (*place)?;
            (address.0 != *value).then_some(number)
        });
        match held {
            Some(number) => invalid(format!("dr{number} holds a ba breakpoint; clear that first")),
            None if control & mask != ours => {
                invalid("dr7 enables ba breakpoints; clear those first to change their bits".into())
            }
            None => Ok(()),
        }
    }

    /// Shows hits of a stopped thread that are due, if their traps are still there. Whether it did.
    pub(super) fn report_due(&mut self, tid: pid_t) -> bool {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return false;
        };
        let mut ids = std::mem::take(&mut thread.due);
        ids.retain(|id| self.book.knows(*id));
        if ids.is_empty() {
            return false;
        }
        ids.sort_unstable();
        ids.dedup();
        self.report(tid, StopCause::Traps { ids });
        true
    }
}

/// Writes debug registers as the user wants them: dr0 to dr3, dr6, dr7.
pub(super) fn set_debug_registers(thread: &mut Thread, values: &[u64]) -> std::io::Result<()> {
    let &[zero, one, two, three, status, control] = values else {
        return Ok(());
    };
    let now = super::rest::debug_registers(thread.tid);
    if now == values {
        return Ok(());
    }
    thread.touched = true;
    // The kernel checks an address against what the control register says of it: addresses change while none is used.
    if now.get(..4) != values.get(..4) {
        ptrace::set_debug_register(thread.tid, CONTROL, 0)?;
    }
    for (number, value) in [
        (0, zero),
        (1, one),
        (2, two),
        (3, three),
        (STATUS, status),
        (CONTROL, control),
    ] {
        ptrace::set_debug_register(thread.tid, number, value)?;
    }
    Ok(())
}

/// Leaves nothing in the debug registers of a thread that is about to be let go of; says where that cannot be done.
pub(super) fn disarm(thread: &mut Thread) -> bool {
    if !std::mem::take(&mut thread.touched) {
        return true;
    }
    thread.armed = 0;
    disarm_registers(thread.tid)
}

/// As [`disarm`], for a thread of which nothing is known any more.
pub(super) fn disarm_registers(tid: pid_t) -> bool {
    // The control register first: no place may be watched while it changes.
    [CONTROL, 0, 1, 2, 3, STATUS]
        .iter()
        .all(|number| ptrace::set_debug_register(tid, *number, 0).is_ok())
        && ptrace::debug_register(tid, CONTROL).is_ok_and(|control| control == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(address: u64, size: u8) -> (Address, TrapKind) {
        let access = DataAccess::Write;
        (Address(address), TrapKind::HardwareData { access, size })
    }

    #[test]
    fn the_control_register_follows_the_table() {
        let mut hardware = Hardware::default();
        let old = Hardware::default();
        assert!(hardware.add(watch(0x1000, 8), &old));
        assert!(hardware.add((Address(0x2000), TrapKind::HardwareExecute), &old));
        let access = DataAccess::ReadWrite;
        assert!(hardware.add((Address(0x3000), TrapKind::HardwareData { access, size: 4 }), &old));
        let (value, mask) = hardware.control();
        assert_eq!(value, 0b01_01_01 | 0b1001 << 16 | 0b1111 << 24);
        assert_eq!(mask, 0b11_11_11 | 0xfff << 16);
    }

    #[test]
    fn a_place_is_shared_kept_and_refused_when_there_are_four() {
        let mut old = Hardware::default();
        for place in 0..4 {
            assert!(old.clone().add(watch(place * 8, 8), &Hardware::default()));
            assert!(old.add(watch(place * 8, 8), &Hardware::default()));
        }
        assert!(old.add(watch(8, 8), &Hardware::default()), "the same place once more");
        let before = old.clone();
        assert!(!old.add(watch(8, 4), &before), "a fifth place");
        let mut new = Hardware::default();
        assert!(new.add(watch(16, 8), &before) && new.add(watch(64, 8), &before));
        assert_eq!(new.places[2], Some(watch(16, 8)), "it keeps its register");
        assert_eq!(new.places[0], Some(watch(64, 8)));
    }

    #[test]
    fn overlaps_are_seen_at_both_ends() {
        let mut hardware = Hardware::default();
        assert!(hardware.add(watch(0x1000, 8), &Hardware::default()));
        let cases = [
            (0xff8, 8, false),
            (0xff9, 8, true),
            (0x1007, 1, true),
            (0x1008, 8, false),
        ];
        for (address, length, overlaps) in cases {
            assert_eq!(hardware.watches(address, length), overlaps, "{address:x}");
        }
        assert!(!hardware.executes_at(0x1000));
    }
}
