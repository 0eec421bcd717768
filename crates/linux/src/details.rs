//! What the system says of a debuggee and its threads: times, states, and what it was started with. Reads `/proc` only.

use std::fs;

use farsight_target::{ProcessParameters, TargetError, ThreadDetail};
use farsight_types::{Address, OsPid, OsTid};

use crate::procfs::{self, AuxiliaryVector, Stat, parse_stat};
use crate::sys::clock;

/// What the tracer knows of a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownThread {
    pub(crate) tid: OsTid,
    pub(crate) suspended: u32,
    /// The pc at its birth.
    pub(crate) born_at: Option<u64>,
}

/// Describes those threads that are still there.
pub(crate) fn threads(pid: OsPid, known: &[KnownThread]) -> Vec<ThreadDetail> {
    let boot = boot();
    let entry = AuxiliaryVector::of(pid).unwrap_or_default().entry();
    let describe = |thread: &KnownThread| {
        let stat = stat(&format!("/proc/{pid}/task/{}/stat", thread.tid))?;
        let is_first = thread.tid.0 == pid.0;
        Some(ThreadDetail {
            tid: thread.tid,
            started: boot + stat.started,
            user: stat.user,
            kernel: stat.kernel,
            state: stat.state,
            processor: stat.processor,
            nice: stat.nice,
            suspended: thread.suspended,
            start: if is_first { entry } else { thread.born_at.map(Address) },
        })
    };
    known.iter().filter_map(describe).collect()
}

/// Describes a process.
pub(crate) fn process(pid: OsPid) -> Result<ProcessParameters, TargetError> {
    let stat = stat(&format!("/proc/{pid}/stat")).ok_or(TargetError::Ended { pid })?;
    let directory = fs::read_link(format!("/proc/{pid}/cwd")).ok();
    Ok(ProcessParameters {
        auxiliary: AuxiliaryVector::of(pid).unwrap_or_default().into_pairs(),
        environment: strings(&format!("/proc/{pid}/environ")),
        arguments: strings(&format!("/proc/{pid}/cmdline")),
        directory: directory.map(|path| path.to_string_lossy().into_owned()),
        executable: procfs::executable(pid).ok(),
        parent: OsPid(stat.parent),
        started: boot() + stat.started,
        user: stat.user,
        kernel: stat.kernel,
        now: clock::now(),
        uptime: clock::uptime(),
    })
}

fn stat(path: &str) -> Option<Stat> {
    parse_stat(&fs::read(path).ok()?)
}

/// When the machine was started, by its clock of today, to the tick: what is computed from it repeats.
fn boot() -> u64 {
    const TICK: u64 = 10_000;
    let boot = clock::now().saturating_sub(clock::uptime());
    (boot + TICK / 2) / TICK * TICK
}

/// The strings of a file, each ended by a zero.
fn strings(path: &str) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    let each = text.split(|byte| *byte == 0);
    each.map(|string| String::from_utf8_lossy(string).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_what_it_is() {
        let pid = OsPid(std::process::id());
        let parameters = process(pid).unwrap();
        assert_eq!(parameters.arguments, std::env::args().collect::<Vec<_>>());
        assert_eq!(
            parameters.directory.map(std::path::PathBuf::from),
            std::env::current_dir().ok()
        );
        assert!(parameters.started <= parameters.now && parameters.now - parameters.started < parameters.uptime);
        let page_size = parameters.auxiliary.iter().find(|(kind, _)| *kind == 6);
        assert_eq!(page_size, Some(&(6, 4096)));
    }
}
