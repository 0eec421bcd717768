//! Making processes: the doorbell and launched programs; and sending them signals.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, pid_t};

use super::ptrace;

/// Sends a signal to one thread.
pub(crate) fn signal_thread(pid: pid_t, tid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, signal) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Sends a signal to a process.
pub(crate) fn signal_process(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::kill(pid, signal) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Starts a child that does nothing but wait for signals, and dies with this thread. It is seized by the caller, so
/// that signals to it wake the caller's `waitpid`.
pub(crate) fn spawn_doorbell() -> io::Result<pid_t> {
    // SAFETY: between fork and the endless pause the child makes only async-signal-safe system calls.
    unsafe {
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                libc::syscall(libc::SYS_close_range, 0, u32::MAX, 0);
                loop {
                    libc::pause();
                }
            }
            bell => {
                ptrace::seize(bell, ptrace::EXITKILL)?;
                Ok(bell)
            }
        }
    }
}

/// Everything a child needs, made before the fork because the child may not allocate.
pub(crate) struct PreparedProgram {
    pub(crate) path: CString,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
    pub(crate) directory: Option<CString>,
    pub(crate) randomize: bool,
    pub(crate) terminal: OwnedFd,
}

/// A child that waits before its exec until it is told to go.
pub(crate) struct WaitingChild {
    pub(crate) pid: pid_t,
    go: OwnedFd,
    failure: OwnedFd,
}

/// What a child could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildStep {
    Directory = 1,
    Exec = 2,
}

impl WaitingChild {
    /// Lets the child exec.
    pub(crate) fn go(&self) -> io::Result<()> {
        // SAFETY: writes one byte of a live array to a descriptor that this value owns.
        let written = unsafe { libc::write(self.go.as_raw_fd(), [1u8].as_ptr().cast(), 1) };
        if written == 1 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// What the child reported before it ended without an exec; to be asked after its end.
    pub(crate) fn failure(&self) -> Option<(ChildStep, io::Error)> {
        let mut report = [0u8; 8];
        // SAFETY: reads at most eight bytes into a live array of eight.
        let read = unsafe { libc::read(self.failure.as_raw_fd(), report.as_mut_ptr().cast(), 8) };
        if read != 8 {
            return None;
        }
        let [a, b, c, d, e, f, g, h] = report;
        let step = match i32::from_ne_bytes([a, b, c, d]) {
            1 => ChildStep::Directory,
            _ => ChildStep::Exec,
        };
        Some((step, io::Error::from_raw_os_error(i32::from_ne_bytes([e, f, g, h]))))
    }
}

/// Forks a child with the terminal as its controlling one, in its own session; it waits for [`WaitingChild::go`].
pub(crate) fn spawn_waiting(program: &PreparedProgram) -> io::Result<WaitingChild> {
    let (go_read, go) = pipe()?;
    let (failure, failure_write) = pipe()?;
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([std::ptr::null()])
            .collect()
    };
    let arguments = pointers(&program.arguments);
    let environment = pointers(&program.environment);
    let directory = program.directory.as_deref();
    // SAFETY: the child makes only async-signal-safe system calls on memory that was made before the fork, and never
    // returns from the block.
    unsafe {
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => run_child(
                program,
                &arguments,
                &environment,
                directory,
                go_read.as_raw_fd(),
                failure_write.as_raw_fd(),
            ),
            pid => Ok(WaitingChild { pid, go, failure }),
        }
    }
}

/// The child's side of [`spawn_waiting`].
///
/// # Safety
/// To be called in a forked child only; the pointer arrays end with null.
unsafe fn run_child(
    program: &PreparedProgram,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
    directory: Option<&CStr>,
    go: RawFd,
    failure: RawFd,
) -> ! {
    // SAFETY: async-signal-safe calls on live memory, as the caller promised.
    unsafe {
        let fail = |step: ChildStep| -> ! {
            let error = *libc::__errno_location();
            let report = [step as i32, error];
            libc::write(failure, report.as_ptr().cast(), 8);
            libc::_exit(127)
        };
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        let mut byte = 0u8;
        if libc::read(go, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(127);
        }
        // It is traced by now: EXITKILL has taken over, and the policy may want it to survive.
        libc::prctl(libc::PR_SET_PDEATHSIG, 0);
        libc::setsid();
        let terminal = program.terminal.as_raw_fd();
        libc::ioctl(terminal, libc::TIOCSCTTY, 0);
        for descriptor in 0..3 {
            libc::dup2(terminal, descriptor);
        }
        if let Some(directory) = directory
            && libc::chdir(directory.as_ptr()) != 0
        {
            fail(ChildStep::Directory);
        }
        if !program.randomize {
            let persona = libc::personality(0xffff_ffff);
            libc::personality((persona | libc::ADDR_NO_RANDOMIZE) as libc::c_ulong);
        }
        // The server's own signal settings are not the program's.
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execve(program.path.as_ptr(), arguments.as_ptr(), environment.as_ptr());
        fail(ChildStep::Exec)
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the call fills an array of two descriptors; on success both are ours alone.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// The user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Host name and kernel release.
pub(crate) fn machine_names() -> (String, String) {
    // SAFETY: zeroed is a valid utsname, and the call fills it with terminated strings.
    unsafe {
        let mut names = std::mem::zeroed::<libc::utsname>();
        if libc::uname(&mut names) != 0 {
            return ("unknown".into(), "unknown".into());
        }
        let text = |field: &[libc::c_char]| CStr::from_ptr(field.as_ptr()).to_string_lossy().into_owned();
        (text(&names.nodename), text(&names.release))
    }
}

/// Whether two processes share a kernel object, such as their memory. True where the kernel cannot tell: what shares
/// nothing is not harmed by being taken for shared.
pub(crate) fn same_kernel_object(one: pid_t, other: pid_t, kind: c_int) -> bool {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_kcmp, one, other, kind, 0, 0) };
    result == 0 || result == -1
}

/// Writes to a process's memory with the process's own rights to it; false where not all of it could be written.
pub(crate) fn write_as(pid: pid_t, address: u64, bytes: &[u8]) -> bool {
    let local = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let remote = libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: bytes.len(),
    };
    // SAFETY: reads `bytes`, which live across the call; the other side's addresses are checked by the kernel.
    let written = unsafe { libc::process_vm_writev(pid, &raw const local, 1, &raw const remote, 1, 0) };
    written == bytes.len() as isize
}

/// Starts a process that holds a terminal's master end, and reads and forgets what is written, until the last holder of
/// the other end is gone. It belongs to nobody here: its own parent ends at once.
pub(crate) fn spawn_terminal_holder(master: &OwnedFd) -> io::Result<()> {
    const STANDARD_OUTPUT: c_int = 1;
    let master = master.as_raw_fd();
    // SAFETY: both children make only async-signal-safe system calls on memory of their own, and never return.
    unsafe {
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                if libc::fork() != 0 {
                    libc::_exit(0);
                }
                libc::setsid();
                libc::dup2(master, STANDARD_OUTPUT);
                libc::close(0);
                libc::syscall(libc::SYS_close_range, 2, u32::MAX, 0);
                let mut poll = libc::pollfd {
                    fd: STANDARD_OUTPUT,
                    events: libc::POLLIN,
                    revents: 0,
                };
                let mut sink = [0u8; 4096];
                while libc::poll(&mut poll, 1, -1) > 0 {
                    let read = libc::read(STANDARD_OUTPUT, sink.as_mut_ptr().cast(), sink.len());
                    if read < 0 && *libc::__errno_location() != libc::EAGAIN {
                        break;
                    }
                }
                libc::_exit(0)
            }
            parent => {
                let mut status = 0;
                libc::waitpid(parent, &mut status, libc::__WALL);
                Ok(())
            }
        }
    }
}
