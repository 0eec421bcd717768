//! What a process server was told not to do (`-attach-only`, `-only`, `-readonly`), and what that forbids.
//!
//! The rules hold in the session process, for every request, whatever the client believes: see [`services`]. They are given to
//! session processes on their command lines.

mod services;

pub(crate) use services::Limited;

use std::fs;

use farsight_linux::procfs::{parse_stat, status};
use farsight_types::OsPid;

/// How far up a process's ancestors are looked at: parents can change while they are.
const MOST_ANCESTORS: usize = 64;

/// What may not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerLimits {
    /// Nothing is launched and no file is written.
    pub attach_only: bool,
    /// Nothing is changed at all: processes are looked at while they run.
    pub read_only: bool,
    /// Nothing but these processes is seen; none is no such limit.
    pub only: Vec<Only>,
    /// Processes that those of `only` have made count as well.
    pub children: bool,
}

/// A process that may be debugged. A later process of its number is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Only {
    process: OsPid,
    started: u64,
}

impl Only {
    /// The process that has this number now.
    pub fn now(process: OsPid) -> Option<Only> {
        let started = started(process)?;
        Some(Only { process, started })
    }

    fn is(self, process: OsPid) -> bool {
        self.process == process && started(process) == Some(self.started)
    }
}

/// When a process was started; none where there is none.
fn started(process: OsPid) -> Option<u64> {
    let is_process = status(process.0).ok()?.process == process;
    let text = fs::read(format!("/proc/{process}/stat")).ok().filter(|_| is_process)?;
    Some(parse_stat(&text)?.started)
}

impl ServerLimits {
    /// Whether anything is forbidden.
    pub fn is_any(&self) -> bool {
        self.attach_only || self.read_only || !self.only.is_empty()
    }

    /// Whether a process may be seen and attached to.
    pub(crate) fn allows(&self, process: OsPid) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| only.is(process))
            || (self.children && self.is_child(process))
    }

    fn is_child(&self, process: OsPid) -> bool {
        let mut current = process;
        for _ in 0..MOST_ANCESTORS {
            match status(current.0) {
                Ok(status) if status.parent.0 > 1 => current = status.parent,
                _ => return false,
            }
            if self.only.iter().any(|only| only.is(current)) {
                return true;
            }
        }
        false
    }

    /// The arguments that give them to a session process.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let flags = [
            (self.attach_only, "-attach-only"),
            (self.read_only, "-readonly"),
            (self.children, "-children"),
        ];
        let flags = flags.into_iter().filter(|(given, _)| *given);
        let only = self
            .only
            .iter()
            .map(|only| format!("{}@{}", only.process, only.started));
        flags.map(|(_, flag)| flag.to_owned()).chain(only).collect()
    }

    /// Reads what [`ServerLimits::arguments`] wrote; none where it makes no sense, and then nothing must be served.
    pub(crate) fn of_arguments(arguments: impl Iterator<Item = String>) -> Option<ServerLimits> {
        let mut limits = ServerLimits::default();
        for argument in arguments {
            match argument.as_str() {
                "-attach-only" => limits.attach_only = true,
                "-readonly" => limits.read_only = true,
                "-children" => limits.children = true,
                only => {
                    let (process, started) = only.split_once('@')?;
                    limits.only.push(Only {
                        process: OsPid(process.parse().ok()?),
                        started: started.parse().ok()?,
                    });
                }
            }
        }
        Some(limits)
    }

    /// What clients are told in the first exchange, beside the capabilities that the server has.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        let limits = [
            (self.attach_only, "limited-attach-only"),
            (!self.only.is_empty(), "limited-only"),
            (self.read_only, "limited-readonly"),
        ];
        limits
            .into_iter()
            .filter(|(given, _)| *given)
            .map(|(_, name)| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_reach_session_processes_as_they_are() {
        let this = Only::now(OsPid(std::process::id())).unwrap();
        for bits in 0..16_u8 {
            let limits = ServerLimits {
                attach_only: bits & 1 != 0,
                read_only: bits & 2 != 0,
                only: if bits & 4 != 0 { vec![this, this] } else { Vec::new() },
                children: bits & 8 != 0,
            };
            assert_eq!(ServerLimits::of_arguments(limits.arguments().into_iter()), Some(limits));
        }
        for wrong in ["-unheard", "1", "1@", "@2", "1@2@3", ""] {
            assert_eq!(
                ServerLimits::of_arguments(std::iter::once(wrong.to_owned())),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_later_process_of_the_same_number_is_another_one() {
        let this = OsPid(std::process::id());
        let mut only = Only::now(this).unwrap();
        let allows = |only| {
            let limits = ServerLimits {
                only: vec![only],
                children: true,
                ..ServerLimits::default()
            };
            limits.allows(this)
        };
        assert!(allows(only));
        only.started += 1;
        assert!(!allows(only));
        assert_eq!(Only::now(OsPid(u32::MAX)), None);
    }
}
