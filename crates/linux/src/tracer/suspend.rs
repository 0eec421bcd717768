//! Suspend counts: a thread whose count is above 0 stays where it is, through resumes and steps of others.

use farsight_target::{SuspendCounts, SuspendOrder, TargetError};
use libc::pid_t;

use super::Tracer;
use super::debuggee::State;
use super::look::{MOST_THREADS, check_count};
use crate::details::KnownThread;
use farsight_types::{OsPid, OsTid};

impl Tracer {
    /// Changes the counts, at rest or running; a change of 0 only tells them.
    pub(crate) fn change_suspend_counts(&mut self, order: &SuspendOrder) -> Result<SuspendCounts, TargetError> {
        let pid = order.process;
        self.debugged(pid)?;
        let threads = self.known_threads(pid, &order.threads)?;
        if let Some(missing) = order
            .threads
            .iter()
            .find(|tid| !threads.iter().any(|known| known.tid == **tid))
        {
            return Err(TargetError::NoSuchThread { tid: *missing });
        }
        let moves = self.run.is_some() && order.change != 0;
        if moves {
            self.halt(Some(pid));
        }
        let mut counts = Vec::with_capacity(threads.len());
        for known in threads {
            // One that has ended in the halt keeps its last count.
            let mut count = known.suspended;
            if let Some(thread) = self.threads.get_mut(&(known.tid.0 as pid_t)) {
                thread.suspended = thread.suspended.saturating_add_signed(order.change);
                count = thread.suspended;
            }
            counts.push((known.tid, count));
        }
        if moves {
            let ours = self.threads.values().filter(|thread| thread.pid == pid);
            let stopped: Vec<pid_t> = ours
                .filter(|thread| thread.state == State::Stopped)
                .map(|thread| thread.tid)
                .collect();
            self.set_on(&stopped, 0);
        }
        Ok(SuspendCounts { counts })
    }

    /// What is known of threads of a process, in the order of the request; of all where it names none.
    pub(crate) fn known_threads(&self, pid: OsPid, only: &[OsTid]) -> Result<Vec<KnownThread>, TargetError> {
        check_count(only, MOST_THREADS)?;
        let all = self.thread_list(pid)?.into_iter().map(|record| record.tid);
        let known = |tid: OsTid| {
            let thread = self.threads.get(&(tid.0 as pid_t));
            KnownThread {
                tid,
                suspended: thread.map_or(0, |thread| thread.suspended),
                born_at: thread.and_then(|thread| thread.born_at),
            }
        };
        if only.is_empty() {
            return Ok(all.map(known).collect());
        }
        let all: std::collections::BTreeSet<OsTid> = all.collect();
        Ok(only
            .iter()
            .copied()
            .filter(|tid| all.contains(tid))
            .map(known)
            .collect())
    }
}
