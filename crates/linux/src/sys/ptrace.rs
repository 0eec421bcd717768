//! ptrace requests, one function each. All must be called by the thread that seized the tracee; from any other the
//! kernel answers ESRCH.

use std::io;
use std::mem::{MaybeUninit, size_of};

use libc::{c_int, c_long, c_void, pid_t, siginfo_t, user_regs_struct};

/// Options set at SEIZE: every way a tracee multiplies, changes its program or ends is an event.
pub(crate) const OPTIONS: c_int = libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEVFORKDONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_TRACESYSGOOD;

/// The tracee dies with its tracer.
pub(crate) const EXITKILL: c_int = libc::PTRACE_O_EXITKILL;

/// A request's number: the C libraries do not agree about its type.
#[cfg(target_env = "musl")]
type Request = c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;

/// Raw request. `address` and `data` are numbers or pointers, as the request wants.
fn request(request: Request, tid: pid_t, address: usize, data: usize) -> io::Result<c_long> {
    // SAFETY: callers pass pointers only to live, writable memory of the size that the request fills; the kernel
    // checks everything else and answers with an error.
    let result = unsafe { libc::ptrace(request, tid, address as *mut c_void, data as *mut c_void) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

pub(crate) fn seize(tid: pid_t, options: c_int) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, options as usize).map(drop)
}

pub(crate) fn set_options(tid: pid_t, options: c_int) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, options as usize).map(drop)
}

pub(crate) fn interrupt(tid: pid_t) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

pub(crate) fn listen(tid: pid_t) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0).map(drop)
}

pub(crate) fn cont(tid: pid_t, signal: c_int) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal as usize).map(drop)
}

pub(crate) fn single_step(tid: pid_t, signal: c_int) -> io::Result<()> {
    request(libc::PTRACE_SINGLESTEP, tid, 0, signal as usize).map(drop)
}

/// Runs until the next system call's entry or exit.
pub(crate) fn run_to_system_call(tid: pid_t) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, 0).map(drop)
}

pub(crate) fn detach(tid: pid_t, signal: c_int) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, signal as usize).map(drop)
}

/// What a PTRACE_EVENT stop is about: a new thread's id, an exit status.
pub(crate) fn event_message(tid: pid_t) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message as usize)?;
    Ok(message)
}

pub(crate) fn registers(tid: pid_t) -> io::Result<user_regs_struct> {
    let mut registers = MaybeUninit::<user_regs_struct>::uninit();
    request(libc::PTRACE_GETREGS, tid, 0, registers.as_mut_ptr() as usize)?;
    // SAFETY: the request succeeded, so the kernel filled the whole structure.
    Ok(unsafe { registers.assume_init() })
}

pub(crate) fn set_registers(tid: pid_t, registers: &user_regs_struct) -> io::Result<()> {
    request(libc::PTRACE_SETREGS, tid, 0, &raw const *registers as usize).map(drop)
}

/// Offset of `u_debugreg` in the kernel's `struct user`.
const DEBUG_REGISTERS: usize = std::mem::offset_of!(libc::user, u_debugreg);

pub(crate) fn debug_register(tid: pid_t, number: usize) -> io::Result<u64> {
    // Through the raw call, because libc's wrapper returns the word and -1 may be one.
    let mut word: c_long = 0;
    // SAFETY: PEEKUSER of the raw system call stores one word at `data`, which lives here.
    let result = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::PTRACE_PEEKUSER as c_long,
            tid as c_long,
            DEBUG_REGISTERS + number * 8,
            &raw mut word,
        )
    };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(word as u64)
    }
}

pub(crate) fn set_debug_register(tid: pid_t, number: usize, value: u64) -> io::Result<()> {
    request(libc::PTRACE_POKEUSER, tid, DEBUG_REGISTERS + number * 8, value as usize).map(drop)
}

/// ELF note type of the XSAVE area, `NT_X86_XSTATE`.
const XSTATE: usize = 0x202;

/// The XSAVE area: legacy region, header and extended components as the processor lays them out.
pub(crate) fn vector_state(tid: pid_t) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0u8; 16 << 10];
    let mut vector = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    request(libc::PTRACE_GETREGSET, tid, XSTATE, &raw mut vector as usize)?;
    bytes.truncate(vector.iov_len);
    Ok(bytes)
}

pub(crate) fn set_vector_state(tid: pid_t, bytes: &[u8]) -> io::Result<()> {
    let mut vector = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    request(libc::PTRACE_SETREGSET, tid, XSTATE, &raw mut vector as usize).map(drop)
}

/// The signal that a tracee has stopped for.
#[derive(Clone, Copy)]
pub(crate) struct SignalDetail(siginfo_t);

impl SignalDetail {
    pub(crate) fn of(tid: pid_t) -> io::Result<SignalDetail> {
        let mut detail = MaybeUninit::<siginfo_t>::zeroed();
        request(libc::PTRACE_GETSIGINFO, tid, 0, detail.as_mut_ptr() as usize)?;
        // SAFETY: zeroed is a valid siginfo_t, and the request succeeded.
        Ok(SignalDetail(unsafe { detail.assume_init() }))
    }

    /// Puts it in place of the signal that the tracee has stopped for.
    pub(crate) fn put(&self, tid: pid_t) -> io::Result<()> {
        request(libc::PTRACE_SETSIGINFO, tid, 0, &raw const self.0 as usize).map(drop)
    }

    pub(crate) fn number(&self) -> c_int {
        self.0.si_signo
    }

    pub(crate) fn code(&self) -> c_int {
        self.0.si_code
    }

    /// Whether it is that of a PTRACE_EVENT stop, whose code holds the event's number above the signal's.
    pub(crate) fn is_of_event(&self) -> bool {
        self.number() == libc::SIGTRAP && self.code() > 0xff
    }

    /// Changes why it was sent.
    pub(crate) fn set_code(&mut self, code: c_int) {
        self.0.si_code = code;
    }

    /// Faulting address of SEGV, BUS, ILL, FPE and TRAP.
    pub(crate) fn address(&self) -> u64 {
        // SAFETY: reads the union's pointer member; every bit pattern is a valid number.
        unsafe { self.0.si_addr() as u64 }
    }

    /// Sender of a signal that a process sent.
    pub(crate) fn sender(&self) -> pid_t {
        // SAFETY: reads the union's pid member; every bit pattern is a valid number.
        unsafe { self.0.si_pid() }
    }
}

/// Whether the thread's own queue holds a SIGTRAP that has not been reported: a breakpoint that an interrupt hid. One that
/// the thread blocks is none, for a breakpoint unblocks it, and is not going to be reported.
pub(crate) fn has_queued_trap(tid: pid_t) -> bool {
    holds_trap(tid) && blocked_signals(tid).is_ok_and(|blocked| blocked & 1 << (libc::SIGTRAP - 1) == 0)
}

/// The signals that a stopped thread blocks: bit `n - 1` is signal `n`.
fn blocked_signals(tid: pid_t) -> io::Result<u64> {
    const GETSIGMASK: Request = 0x420a;
    let mut mask = 0u64;
    request(GETSIGMASK, tid, size_of::<u64>(), &raw mut mask as usize)?;
    Ok(mask)
}

fn holds_trap(tid: pid_t) -> bool {
    const AT_ONCE: usize = 16;
    #[repr(C)]
    struct PeekArguments {
        offset: u64,
        flags: u32,
        count: i32,
    }
    let mut arguments = PeekArguments {
        offset: 0,
        flags: 0,
        count: AT_ONCE as i32,
    };
    let mut queued = [const { MaybeUninit::<siginfo_t>::zeroed() }; AT_ONCE];
    loop {
        let count = request(
            libc::PTRACE_PEEKSIGINFO,
            tid,
            &raw const arguments as usize,
            queued.as_mut_ptr() as usize,
        );
        let count = count.map_or(0, |count| count as usize);
        let is_trap = |detail: &MaybeUninit<siginfo_t>| {
            // SAFETY: zeroed is a valid siginfo_t, and the kernel filled the first `count`.
            unsafe { detail.assume_init_ref() }.si_signo == libc::SIGTRAP
        };
        if queued.iter().take(count).any(is_trap) {
            return true;
        }
        if count < AT_ONCE {
            return false;
        }
        // The queue of a stopped thread only grows, and the system limits it.
        arguments.offset += AT_ONCE as u64;
    }
}

const _: () = assert!(size_of::<user_regs_struct>() == 27 * 8);
