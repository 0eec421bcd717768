//! Waiting for tracees and children of the calling thread.

use std::io;
use std::time::{Duration, Instant};

use libc::{c_int, pid_t};

/// What `waitpid` told of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Ended by itself with a code.
    Exited(c_int),
    /// Ended by a signal.
    Killed(c_int),
    /// In a ptrace stop: the stop signal, and the PTRACE_EVENT number or 0.
    Stopped { signal: c_int, event: c_int },
}

impl Waited {
    pub(crate) fn from_status(status: c_int) -> Waited {
        if libc::WIFEXITED(status) {
            Waited::Exited(libc::WEXITSTATUS(status))
        } else if libc::WIFSIGNALED(status) {
            Waited::Killed(libc::WTERMSIG(status))
        } else {
            Waited::Stopped {
                signal: libc::WSTOPSIG(status),
                event: status >> 16,
            }
        }
    }
}

/// Waits for any tracee or child of this thread.
pub(crate) fn any() -> io::Result<(pid_t, Waited)> {
    wait(-1, 0)
}

/// Waits for one thread.
pub(crate) fn one(tid: pid_t) -> io::Result<Waited> {
    wait(tid, 0).map(|(_, waited)| waited)
}

/// Looks whether one thread has something to say. With many tracees this is far cheaper than asking for any: the kernel
/// finds the one by its number, and the first that is ready by going through all.
pub(crate) fn look(tid: pid_t) -> io::Result<Option<Waited>> {
    wait(tid, libc::WNOHANG).map(|(ready, waited)| (ready > 0).then_some(waited))
}

/// Waits for any tracee or child of this thread until a deadline; none when it passes.
///
/// There is no `waitpid` with a time. What is waited for here comes within microseconds as a rule, so it is asked for
/// at growing distances.
pub(crate) fn within(deadline: Instant) -> io::Result<Option<(pid_t, Waited)>> {
    const QUICK_LOOKS: u32 = 50;
    const LONGEST_PAUSE: Duration = Duration::from_millis(2);
    let mut pause = Duration::from_micros(20);
    for look in 0u32.. {
        let (tid, waited) = wait(-1, libc::WNOHANG)?;
        if tid > 0 {
            return Ok(Some((tid, waited)));
        }
        if Instant::now() >= deadline {
            break;
        }
        if look < QUICK_LOOKS {
            std::thread::yield_now();
        } else {
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(None)
}

fn wait(tid: pid_t, flags: c_int) -> io::Result<(pid_t, Waited)> {
    loop {
        let mut status: c_int = 0;
        // SAFETY: `status` lives here and is written by the call.
        let result = unsafe { libc::waitpid(tid, &mut status, libc::__WALL | libc::__WNOTHREAD | flags) };
        if result >= 0 {
            return Ok((result, Waited::from_status(status)));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
