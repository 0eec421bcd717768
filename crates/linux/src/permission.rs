//! Why a process may not be debugged, found out before trying and when trying failed.

use std::io;

use farsight_target::{Obstacle, TargetError};
use farsight_types::OsPid;

use crate::procfs;
use crate::sys::child::effective_user;

/// Refuses by name what must not or cannot be attached to.
pub(crate) fn check(pid: OsPid, machine: &str) -> Result<(), TargetError> {
    let status = procfs::status(pid.0).ok().filter(|status| status.process == pid);
    let Some(status) = status else {
        return Err(TargetError::NoSuchProcess {
            pid,
            machine: machine.into(),
        });
    };
    let obstacle = if is_self_or_ancestor(pid) {
        Some(Obstacle::Ourselves)
    } else if matches!(status.state, 'Z' | 'X') && procfs::threads(pid).is_ok_and(|threads| threads.len() < 2) {
        Some(Obstacle::Zombie)
    } else if !status.has_memory && status.state != 'Z' {
        Some(Obstacle::KernelThread)
    } else if let Some(tracer) = status.tracer {
        Some(held_by(tracer))
    } else if procfs::is_thirty_two_bit(pid) {
        Some(Obstacle::ThirtyTwoBit)
    } else {
        None
    };
    obstacle.map_or(Ok(()), |obstacle| Err(denied(pid, machine, obstacle)))
}

/// What a failed SEIZE means.
pub(crate) fn explain(pid: OsPid, machine: &str, error: &io::Error) -> TargetError {
    explain_thread(pid, pid.0, machine, error)
}

/// As [`explain`], for one thread of a process.
pub(crate) fn explain_thread(pid: OsPid, thread: u32, machine: &str, error: &io::Error) -> TargetError {
    let status = procfs::status(thread).ok();
    let Some(status) = status.filter(|_| error.raw_os_error() != Some(libc::ESRCH)) else {
        return TargetError::NoSuchProcess {
            pid,
            machine: machine.into(),
        };
    };
    let ours = effective_user();
    let obstacle = if let Some(tracer) = status.tracer {
        held_by(tracer)
    } else if ours != 0 && status.user != ours {
        Obstacle::OtherUser {
            owner: status.user,
            ours,
        }
    } else if ours != 0 && procfs::ptrace_scope() > 0 || procfs::ptrace_scope() == 3 {
        Obstacle::PtraceScope {
            level: procfs::ptrace_scope(),
        }
    } else if ours != 0 {
        Obstacle::MissingCapability
    } else {
        Obstacle::Unknown
    };
    denied(pid, machine, obstacle)
}

fn denied(pid: OsPid, machine: &str, obstacle: Obstacle) -> TargetError {
    TargetError::Denied {
        pid,
        machine: machine.into(),
        obstacle,
    }
}

/// The tracer's id is a thread's; people know the process.
fn held_by(tracer: OsPid) -> Obstacle {
    let process = procfs::process_of(tracer);
    let name = procfs::status(process.0).unwrap_or_default().name;
    Obstacle::Tracer { pid: process, name }
}

fn is_self_or_ancestor(pid: OsPid) -> bool {
    let mut current = OsPid(std::process::id());
    // Bounded, because parents can change while we look.
    for _ in 0..64 {
        if current == pid {
            return true;
        }
        match procfs::status(current.0) {
            Ok(status) if status.parent.0 != 0 => current = status.parent,
            _ => return false,
        }
    }
    false
}
