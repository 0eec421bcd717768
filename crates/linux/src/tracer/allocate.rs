//! Memory made in a debuggee and given back: a system call is run in one of its threads at rest, which afterwards is as it
//! was, its registers, its interrupted system call and the signals on their way to it included.

use std::io;

use farsight_target::{AllocateRequest, Allocation, TargetError};
use farsight_types::{Address, AddressRange, OsPid};
use libc::pid_t;

use super::Tracer;
use super::debuggee::{State, Thread};
use super::step_over::Past;
use crate::memory::ProcessMemory;
use crate::procfs;
use crate::sys::child;
use crate::sys::ptrace::SignalDetail;

const PAGE: u64 = 4096;

/// The instruction `syscall`.
const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];

/// Most bytes of one mapping that are searched for that instruction; the vdso and the start of a C library have it.
const MOST_SEARCHED: u64 = 2 << 20;

impl Tracer {
    /// Maps memory, readable, writable and executable.
    pub(crate) fn allocate(&mut self, request: &AllocateRequest) -> Result<Allocation, TargetError> {
        let pid = request.process;
        let size = request.size.checked_next_multiple_of(PAGE).filter(|size| *size != 0);
        let size = size.ok_or_else(|| invalid(format!("{:#x} bytes cannot be made", request.size)))?;
        let mut flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        if let Some(at) = request.at {
            check_page(at)?;
            flags |= libc::MAP_FIXED_NOREPLACE;
        }
        let at = request.at.unwrap_or(Address(0));
        let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let arguments = [at.0, size, protection as u64, flags as u64, u64::MAX, 0];
        let what = || match request.at {
            Some(at) => format!("making {size:#x} bytes at {at} in process {pid}"),
            None => format!("making {size:#x} bytes in process {pid}"),
        };
        let start = self.run_system_call(pid, libc::SYS_mmap, arguments, &what)?;
        let range = AddressRange::new(Address(start), size);
        if request.at.is_some_and(|at| at.0 != start) {
            // A kernel before 4.17 takes the place for a wish.
            self.free(&Allocation { process: pid, range })?;
            return Err(self.failed(&what, &io::Error::from_raw_os_error(libc::EEXIST)));
        }
        Ok(Allocation { process: pid, range })
    }

    /// Unmaps memory, all of which must be there.
    pub(crate) fn free(&mut self, order: &Allocation) -> Result<(), TargetError> {
        let (pid, range) = (order.process, order.range);
        self.debuggee(pid)?;
        check_page(range.start)?;
        let length = range.length;
        let end = range.start.0.checked_add(length).filter(|_| length != 0);
        let end = end.filter(|end| end % PAGE == 0);
        let end = end.ok_or_else(|| invalid(format!("{length:#x} bytes are no whole pages")))?;
        let mut mapped = range.start.0;
        for mapping in procfs::mappings(pid).unwrap_or_default() {
            if mapping.range.contains(Address(mapped)) {
                mapped = mapping.range.start.0.saturating_add(mapping.range.length);
            }
        }
        if mapped < end {
            return Err(invalid(format!("no memory is mapped at {}", Address(mapped))));
        }
        let what = || format!("giving back {length:#x} bytes at {} of process {pid}", range.start);
        let arguments = [range.start.0, length, 0, 0, 0, 0];
        self.run_system_call(pid, libc::SYS_munmap, arguments, &what)?;
        if let Ok(debuggee) = self.debuggee(pid) {
            debuggee
                .memory
                .forget_unmapped(&procfs::mappings(pid).unwrap_or_default());
        }
        Ok(())
    }

    /// Runs a system call in a thread of a process at rest, and answers what it returned.
    fn run_system_call(
        &mut self,
        pid: OsPid,
        number: i64,
        arguments: [u64; 6],
        what: &dyn Fn() -> String,
    ) -> Result<u64, TargetError> {
        self.debugged(pid)?;
        let memory = self.debuggee(pid)?.memory.clone();
        self.at_rest()?;
        let tid = self.free_thread(pid).ok_or_else(|| {
            invalid(format!(
                "no thread of process {pid} can be used for it: all wait in the kernel or end"
            ))
        })?;
        let (place, borrowed) = find_system_call(pid, &memory)
            .ok_or_else(|| invalid(format!("process {pid} has no code of its own to do it with")))?;
        if let Some(original) = borrowed {
            memory.write(place, &SYSTEM_CALL);
            let result = self.run_at(tid, place, number, arguments);
            memory.write(place, &original);
            self.answer_of(result, what)
        } else {
            let result = self.run_at(tid, place, number, arguments);
            self.answer_of(result, what)
        }
    }

    fn answer_of(&self, result: io::Result<u64>, what: &dyn Fn() -> String) -> Result<u64, TargetError> {
        const LAST_ERROR: i64 = -4095;
        let failure = match result {
            Ok(value) if (LAST_ERROR..0).contains(&(value as i64)) => {
                io::Error::from_raw_os_error((value as i64).unsigned_abs() as i32)
            }
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        Err(self.failed(what, &failure))
    }

    fn failed(&self, what: &dyn Fn() -> String, error: &io::Error) -> TargetError {
        TargetError::System {
            operation: what(),
            machine: self.shared.machine.clone(),
            why: error.to_string(),
        }
    }

    /// The thread that is disturbed the least: best one that runs program code and has no signal to get.
    fn free_thread(&mut self, pid: OsPid) -> Option<pid_t> {
        let usable = |thread: &&mut Thread| {
            thread.pid == pid
                && !thread.borrower
                && !thread.exiting
                && !thread.deferred
                && thread.state == State::Stopped
        };
        let threads = self.threads.values_mut().filter(usable);
        let ranked = threads.filter_map(|thread| {
            let in_system_call = (thread.registers().ok()?.orig_rax as i64) >= 0;
            let rank = (thread.deliver != 0, in_system_call, thread.job_stopped, thread.tid);
            Some(rank)
        });
        ranked.min().map(|(.., tid)| tid)
    }

    /// Runs the system call instruction at a place with these registers, and sets the thread back.
    fn run_at(&mut self, tid: pid_t, place: Address, number: i64, arguments: [u64; 6]) -> io::Result<u64> {
        let gone = || io::Error::from_raw_os_error(libc::ESRCH);
        let thread = self.threads.get_mut(&tid).ok_or_else(gone)?;
        let before = thread.registers()?;
        let (past_trap, job_stopped) = (thread.past_trap.take(), thread.job_stopped);
        let signal = SignalDetail::of(tid).ok().filter(|_| thread.deliver != 0);
        let mut registers = before;
        registers.rip = place.0;
        registers.rax = number as u64;
        // Not inside a system call: the kernel must not restart the one that was interrupted.
        registers.orig_rax = u64::MAX;
        [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ] = arguments;
        thread.set_registers(&registers)?;
        let past = self.step_in_place(tid, registers, false);
        let thread = self.threads.get_mut(&tid).ok_or_else(gone)?;
        let after = thread.registers();
        thread.past_trap = past_trap;
        thread.check_job_stop |= job_stopped;
        thread.set_registers(&before)?;
        if let Some(signal) = signal {
            // The stop that the call ended in stands for that of the signal to be delivered; what came meanwhile waits.
            signal.put(tid)?;
            for held in thread.held.drain(..) {
                let _ = child::signal_thread(thread.pid.0 as pid_t, tid, held.number());
            }
        }
        match past {
            Past::Done if after.as_ref().is_ok_and(|after| after.rip == place.0 + 2) => Ok(after?.rax),
            _ => Err(io::Error::other(
                "the thread that was to do it was disturbed; try again",
            )),
        }
    }
}

/// Where a process has the instruction, away from traps; else a place to borrow for it, with what stands there.
fn find_system_call(pid: OsPid, memory: &ProcessMemory) -> Option<(Address, Option<[u8; 2]>)> {
    let mappings = procfs::mappings(pid).ok()?;
    let is_free = |place: Address| !memory.is_planted(place) && !memory.is_planted(place.wrapping_add(1));
    let mut code: Vec<_> = mappings
        .iter()
        .filter(|mapping| mapping.execute && mapping.read)
        .collect();
    code.sort_by_key(|mapping| mapping.path != "[vdso]");
    for mapping in &code {
        let length = mapping.range.length.min(MOST_SEARCHED) as usize;
        let bytes = memory.read(mapping.range.start, length);
        let found = bytes.windows(2).enumerate().filter(|(_, pair)| *pair == SYSTEM_CALL);
        let mut places = found.map(|(offset, _)| mapping.range.start.wrapping_add(offset as u64));
        if let Some(place) = places.find(|place| is_free(*place)) {
            return Some((place, None));
        }
    }
    // Bytes of a shared mapping would be borrowed of a file.
    let own = code
        .iter()
        .find(|mapping| !mapping.shared && is_free(mapping.range.start))?;
    let original = memory.read(own.range.start, 2).try_into().ok()?;
    Some((own.range.start, Some(original)))
}

fn check_page(at: Address) -> Result<(), TargetError> {
    if at.0.is_multiple_of(PAGE) {
        Ok(())
    } else {
        Err(invalid(format!("{at} is not the start of a page")))
    }
}

fn invalid(why: String) -> TargetError {
    TargetError::Invalid { why }
}
