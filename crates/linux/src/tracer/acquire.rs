//! Getting hold of debuggees: attaching and launching.

use std::sync::Arc;
use std::time::Duration;

use farsight_target::{
    Acquired, AttachMode, AttachSpec, LaunchSpec, LettingGo, Obstacle, ResumePlan, SignalOrder, StopCause, TargetError,
    ThreadRecord,
};
use farsight_types::OsPid;
use libc::{c_int, pid_t};

use super::debuggee::{Debuggee, Hold, State, Thread};
use super::{Run, Tracer};
use crate::launch::{self, PreparedLaunch};
use crate::memory::ProcessMemory;
use crate::sys::child::ChildStep;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace, wait};
use crate::terminal::Terminal;
use crate::{permission, procfs};

/// Rounds of listing threads until no new one shows: each new one comes of one already seized, so few are needed.
const MOST_ROUNDS: usize = 64;

/// How often, and at what distance, it is looked whether a thread that another debugger holds is let go of.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

impl Tracer {
    /// Attaches; a program that is to be started with it is held before its first instruction until that has succeeded,
    /// and runs undebugged from then on. With no process to attach to, the program itself is debugged.
    pub(crate) fn attach(&mut self, spec: &AttachSpec) -> Result<Acquired, TargetError> {
        self.at_rest()?;
        let Some(start) = &spec.start else {
            return self.attach_to(spec);
        };
        if spec.process == OsPid(0) {
            return self.launch(start.clone());
        }
        let PreparedLaunch { program, master } = launch::prepare(start, &self.shared.machine)?;
        let failed = |why: String| TargetError::Launch {
            program: start.program.clone(),
            machine: self.shared.machine.clone(),
            why,
        };
        let waiting = child::spawn_waiting(&program).map_err(|error| failed(format!("fork: {error}")))?;
        drop(program);
        let attached = self.attach_to(spec);
        if attached.is_err() || waiting.go().is_err() {
            let _ = child::signal_process(waiting.pid, libc::SIGKILL);
            let _ = wait::one(waiting.pid);
            return attached;
        }
        if let Some((_, error)) = waiting.failure() {
            let why = launch::explain_exec(&start.program, &error);
            self.trouble(format!("cannot start '{}': {why}", start.program));
        }
        let process = OsPid(waiting.pid as u32);
        let terminal = Terminal::start(process, master, self.shared.events.clone());
        self.undebugged.insert(waiting.pid, terminal);
        attached
    }

    /// Seizes every thread of a process and brings it to rest.
    fn attach_to(&mut self, spec: &AttachSpec) -> Result<Acquired, TargetError> {
        let pid = spec.process;
        if self.debuggees.contains_key(&pid) {
            return Err(TargetError::Invalid {
                why: format!("process {pid} is debugged in this session already"),
            });
        }
        let mode = spec.mode.unwrap_or_default();
        let only_look = matches!(mode, AttachMode::Noninvasive | AttachMode::NoninvasiveNoSuspend);
        match permission::check(pid, &self.shared.machine) {
            Err(TargetError::Denied {
                obstacle: Obstacle::Tracer { .. },
                ..
            }) if only_look => return self.look_at(spec),
            Err(TargetError::Denied {
                obstacle: Obstacle::ThirtyTwoBit,
                ..
            }) if mode == AttachMode::NoninvasiveNoSuspend => {}
            checked => checked?,
        }
        match mode {
            AttachMode::NoninvasiveNoSuspend => return self.look_at(spec),
            AttachMode::Existing => self.check_abandoned(pid)?,
            AttachMode::Invasive | AttachMode::Noninvasive | AttachMode::ResumeStopped => {}
        }
        let memory = match only_look {
            true => ProcessMemory::open_to_read(pid),
            false => ProcessMemory::open(pid),
        };
        let memory = memory.map_err(|error| permission::explain(pid, &self.shared.machine, &error))?;
        // What is only looked at survives this session, whatever the policy.
        let options = if only_look {
            ptrace::OPTIONS
        } else {
            self.options(false)
        };
        let memory = Arc::new(memory);
        if let Err(why) = self.seize_threads(pid, options) {
            if self.has_threads(pid) {
                self.debuggees.insert(pid, Debuggee::new(memory, false));
                let _ = self.detach(pid, SignalOrder::Deliver);
            }
            return Err(why);
        }
        self.shared.set_memory(pid, Some(memory.clone()));
        let mut debuggee = Debuggee::new(memory, false);
        debuggee.children = spec.children.unwrap_or_default();
        if only_look {
            debuggee.hold = Hold::Looked;
        }
        self.debuggees.insert(pid, debuggee);
        if let Some(signals) = spec.signals {
            self.signals = signals;
        }
        let plan = ResumePlan {
            detail: spec.detail,
            ..ResumePlan::default()
        };
        self.start_run(Run {
            plan,
            stepper: None,
            starting: None,
        });
        self.halt(None);
        let first = self.name_threads(pid);
        let Some(first) = first else {
            self.end_run();
            self.forget(pid);
            return Err(TargetError::Ended { pid });
        };
        match mode {
            AttachMode::Existing => self.end_job_stop(pid),
            AttachMode::ResumeStopped => {
                let stopped = self
                    .threads
                    .values()
                    .any(|thread| thread.pid == pid && thread.job_stopped);
                if let Some(debuggee) = self.debuggees.get_mut(&pid) {
                    debuggee.continue_first = stopped;
                }
            }
            _ => {}
        }
        self.look_around(pid);
        let acquired = self.acquired(pid);
        self.tell_targets();
        self.report(first, StopCause::Attached);
        Ok(acquired)
    }

    /// Seizes until no unseized thread is left; threads born meanwhile are seized by the kernel. Half of a process is worth
    /// nothing: its other half would run into the traps. One that is being let go of is waited for.
    fn seize_threads(&mut self, pid: OsPid, options: c_int) -> Result<(), TargetError> {
        let (mut rounds, mut looks) = (0, 0);
        loop {
            let (mut news, mut refusal) = (false, None);
            for tid in procfs::threads(pid).unwrap_or_default() {
                let tid = tid.0 as pid_t;
                if self.threads.contains_key(&tid) {
                    continue;
                }
                match ptrace::seize(tid, options) {
                    Ok(()) => {
                        news = true;
                        self.threads.insert(tid, Thread::new(tid, pid, State::Running));
                    }
                    // Born of a seized thread, it is ours already and its first stop is on its way.
                    Err(_) if self.is_ours_already(tid) => {
                        news = true;
                        let state = if self.strangers.remove(&tid).is_some() {
                            State::Stopped
                        } else {
                            State::New
                        };
                        self.threads.insert(tid, Thread::new(tid, pid, state));
                    }
                    Err(error) => {
                        let why = permission::explain_thread(pid, tid as u32, &self.shared.machine, &error);
                        // Whoever has the first thread has the process.
                        if is_alive(tid) && !self.has_threads(pid) {
                            return Err(why);
                        }
                        if refusal.is_none() || is_alive(tid) {
                            refusal = Some((why, tid));
                        }
                    }
                }
            }
            rounds += 1;
            match refusal {
                Some((why, tid)) if is_alive(tid) => {
                    looks += 1;
                    if looks > LOOKS {
                        return Err(why);
                    }
                    std::thread::park_timeout(PAUSE);
                }
                _ if news && rounds < MOST_ROUNDS => {}
                _ if self.has_threads(pid) => return Ok(()),
                Some((why, _)) => return Err(why),
                None => {
                    return Err(TargetError::NoSuchProcess {
                        pid,
                        machine: self.shared.machine.clone(),
                    });
                }
            }
        }
    }

    fn has_threads(&self, pid: OsPid) -> bool {
        self.threads.values().any(|thread| thread.pid == pid)
    }

    /// The tracer that `/proc` names is a thread of ours.
    fn is_ours_already(&self, tid: pid_t) -> bool {
        let tracer = procfs::status(tid as u32).ok().and_then(|status| status.tracer);
        tracer.is_some_and(|tracer| std::fs::exists(format!("/proc/self/task/{tracer}")).unwrap_or(false))
    }

    /// Notes all threads for the first stop; returns the leader, or the first thread where the leader has ended.
    fn name_threads(&mut self, pid: OsPid) -> Option<pid_t> {
        let tids: Vec<pid_t> = self
            .threads
            .values()
            .filter(|thread| thread.pid == pid && !thread.borrower && thread.state == State::Stopped)
            .map(|thread| thread.tid)
            .collect();
        let debuggee = self.debuggees.get_mut(&pid)?;
        debuggee.thread_news.started = tids
            .iter()
            .map(|tid| farsight_types::OsTid(*tid as u32))
            .map(|tid| ThreadRecord {
                tid,
                name: procfs::thread_name(pid, tid),
            })
            .collect();
        let leader = tids.iter().find(|tid| **tid == pid.0 as pid_t);
        leader.or(tids.first()).copied()
    }

    /// Starts a program in its own session on a terminal of its own; it rests when its libraries are mapped.
    pub(crate) fn launch(&mut self, spec: LaunchSpec) -> Result<Acquired, TargetError> {
        self.at_rest()?;
        let PreparedLaunch { program, master } = launch::prepare(&spec, &self.shared.machine)?;
        let (name, machine) = (spec.program.clone(), self.shared.machine.clone());
        let failed = |why: String| TargetError::Launch {
            program: name.clone(),
            machine: machine.clone(),
            why,
        };
        let waiting = child::spawn_waiting(&program).map_err(|error| failed(format!("fork: {error}")))?;
        let tid = waiting.pid;
        let pid = OsPid(tid as u32);
        let seized = ptrace::seize(tid, self.options(true)).and_then(|()| waiting.go());
        if let Err(error) = seized {
            let _ = child::signal_process(tid, libc::SIGKILL);
            let _ = wait::one(tid);
            return Err(failed(format!("the system forbids tracing it: {error}")));
        }
        // The child's own copy keeps the terminal open; ours would keep its end from being seen.
        drop(program);
        match self.wait_for_exec(tid) {
            Ok(true) => {}
            Ok(false) => {
                let why = match waiting.failure() {
                    Some((ChildStep::Directory, error)) => {
                        format!(
                            "its directory '{}': {error}",
                            spec.directory.clone().unwrap_or_default()
                        )
                    }
                    Some((ChildStep::Exec, error)) => launch::explain_exec(&spec.program, &error),
                    None => "it was killed before it started".into(),
                };
                return Err(failed(why));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
        let memory = ProcessMemory::open(pid).map_err(|error| {
            let _ = child::signal_process(tid, libc::SIGKILL);
            failed(format!("its memory cannot be opened: {error}"))
        })?;
        let memory = Arc::new(memory);
        self.shared.set_memory(pid, Some(memory.clone()));
        let mut debuggee = Debuggee::new(memory, true);
        debuggee.terminal = Some(Arc::new(Terminal::start(pid, master, self.shared.events.clone())));
        debuggee.children = spec.children.unwrap_or_default();
        self.debuggees.insert(pid, debuggee);
        self.threads.insert(tid, Thread::new(tid, pid, State::Stopped));
        if let Some(signals) = spec.signals {
            self.signals = signals;
        }
        self.name_threads(pid);
        self.look_around(pid);
        self.tell_targets();
        let acquired = self.acquired(pid);
        let plan = ResumePlan {
            detail: spec.detail,
            ..ResumePlan::default()
        };
        self.start_run(Run {
            plan,
            stepper: None,
            starting: Some(pid),
        });
        // A program without a dynamic linker rests right at its entry point.
        if self.debuggee(pid).is_ok_and(|debuggee| debuggee.loader.is_none()) {
            self.report(tid, StopCause::Launched);
        } else {
            self.let_run(tid);
        }
        Ok(acquired)
    }

    /// Waits for a child's exec; false where it ended instead.
    fn wait_for_exec(&mut self, tid: pid_t) -> std::io::Result<bool> {
        loop {
            match wait::one(tid)? {
                Waited::Stopped {
                    event: libc::PTRACE_EVENT_EXEC,
                    ..
                } => return Ok(true),
                Waited::Stopped { signal, event } => {
                    let signal = if event == 0 && signal != libc::SIGTRAP {
                        signal
                    } else {
                        0
                    };
                    ptrace::cont(tid, signal)?;
                }
                Waited::Exited(_) | Waited::Killed(_) => return Ok(false),
            }
        }
    }

    pub(super) fn acquired(&self, pid: OsPid) -> Acquired {
        Acquired {
            process: pid,
            path: procfs::executable(pid).unwrap_or_default(),
            machine: self.shared.machine.clone(),
        }
    }

    /// Launched programs die with their tracer when that is the policy, whatever happens to it.
    pub(super) fn options(&self, launched: bool) -> c_int {
        let fate = if launched {
            self.loss.launched
        } else {
            self.loss.attached
        };
        match fate {
            LettingGo::Kill => ptrace::OPTIONS | ptrace::EXITKILL,
            LettingGo::Detach => ptrace::OPTIONS,
        }
    }
}

/// Whether a thread can still run code of its program.
fn is_alive(tid: pid_t) -> bool {
    procfs::status(tid as u32).is_ok_and(|status| !matches!(status.state, 'Z' | 'X'))
}
