//! The tracer: the one thread that calls ptrace for a session, and the state of all its debuggees.
//!
//! It blocks in `waitpid`. Other threads queue a [`Job`] and ring the doorbell, a traced child whose signal wakes that
//! wait; SIGSTOP is never used. The session is either at rest, every thread of every debuggee stopped, or running under
//! one [`Run`]. `resume.rs` sets it going, `events.rs` judges what happens, `rest.rs` brings it to rest and says so,
//! `step_over.rs` takes threads past traps, `acquire.rs` and `let_go.rs` are the two ends. Read [`Tracer`] first.

mod abandon;
mod acquire;
mod allocate;
mod births;
mod debuggee;
mod emulate;
mod events;
mod hardware;
mod let_go;
mod look;
mod noninvasive;
mod pinning;
mod rest;
mod resume;
mod step_over;
mod suspend;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use farsight_target::plan::{HitBook, StepMachine};
use farsight_target::{
    Event, LossPolicy, Note, ProcessBirth, ResumePlan, SessionEnd, SignalPolicy, SignalSet, StepMark, TargetError,
};
use farsight_types::{Generation, OsPid};
use libc::pid_t;

use crate::memory::ProcessMemory;
use crate::sys::wait::Waited;
use crate::sys::{child, ptrace, wait};
use crate::terminal::Terminal;
use debuggee::{Debuggee, Thread};

/// Where events go. Called by the tracer's thread and by terminals' threads.
pub trait Events: Send + Sync {
    /// Sends an event, in the order of the calls. Does not wait for the client.
    fn tell(&self, event: Event);

    /// Waits while too much program output is under way; false when nobody will ever take any more.
    fn wait_for_room(&self) -> bool;

    /// Says which processes the session holds, in words; empty for none.
    fn holds(&self, targets: String);
}

type Job = Box<dyn FnOnce(&mut Tracer) + Send>;

/// What the tracer's thread and the threads that serve requests both see.
pub(crate) struct Shared {
    /// This machine's name, for errors.
    pub(crate) machine: String,
    pub(crate) events: Arc<dyn Events>,
    break_in: AtomicBool,
    memories: Mutex<BTreeMap<OsPid, Arc<ProcessMemory>>>,
}

impl Shared {
    pub(crate) fn memory(&self, pid: OsPid) -> Result<Arc<ProcessMemory>, TargetError> {
        let memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.get(&pid).cloned().ok_or(TargetError::NotDebugged { pid })
    }

    fn set_memory(&self, pid: OsPid, memory: Option<Arc<ProcessMemory>>) {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        match memory {
            Some(memory) => memories.insert(pid, memory),
            None => memories.remove(&pid),
        };
    }
}

/// Rings the tracer; can be given to any thread.
#[derive(Clone)]
pub struct BreakIn {
    shared: Arc<Shared>,
    bell: pid_t,
}

impl BreakIn {
    /// Asks a running session to come to rest. A session at rest forgets it.
    pub fn ask(&self) {
        self.shared.break_in.store(true, Ordering::SeqCst);
        // The bell can only be gone with the whole session.
        let _ = child::signal_thread(self.bell, self.bell, libc::SIGUSR1);
    }
}

/// Another thread's handle to the tracer.
pub(crate) struct TracerHandle {
    caller: TracerCaller,
    pub(crate) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Gives jobs to the tracer.
#[derive(Clone)]
pub(crate) struct TracerCaller {
    jobs: Sender<Job>,
    bell: pid_t,
    shared: Arc<Shared>,
}

impl TracerHandle {
    /// Starts the tracer's thread.
    pub(crate) fn start(machine: String, events: Arc<dyn Events>) -> std::io::Result<TracerHandle> {
        let shared = Arc::new(Shared {
            machine,
            events,
            break_in: AtomicBool::new(false),
            memories: Mutex::default(),
        });
        let (jobs, job_queue) = channel();
        let (started, start) = channel();
        let for_thread = Arc::clone(&shared);
        // Stepping needs little; a session process is meant to stay small.
        let builder = std::thread::Builder::new().name("tracer".into()).stack_size(512 << 10);
        let thread = builder.spawn(move || match child::spawn_doorbell() {
            Ok(bell) => {
                let _ = started.send(Ok(bell));
                Tracer::new(bell, job_queue, for_thread).run();
            }
            Err(error) => drop(started.send(Err(error))),
        })?;
        let bell = start.recv().map_err(std::io::Error::other)??;
        let caller = TracerCaller {
            jobs,
            bell,
            shared: Arc::clone(&shared),
        };
        Ok(TracerHandle {
            caller,
            shared,
            thread: Some(thread),
        })
    }

    pub(crate) fn break_in(&self) -> BreakIn {
        BreakIn {
            shared: Arc::clone(&self.shared),
            bell: self.caller.bell,
        }
    }

    /// What gives jobs from another thread.
    pub(crate) fn caller(&self) -> TracerCaller {
        self.caller.clone()
    }

    /// As [`TracerCaller::call`].
    pub(crate) fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tracer) -> Result<R, TargetError> + Send + 'static,
    ) -> Result<R, TargetError> {
        self.caller.call(job)
    }

    /// Lets go of everything by the policy and ends the thread.
    pub(crate) fn finish(&mut self) {
        let _ = self.call(|tracer| {
            tracer.let_go_of_all();
            tracer.quit = true;
            Ok(())
        });
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl TracerCaller {
    /// Runs a job on the tracer's thread and waits for its result.
    pub(crate) fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tracer) -> Result<R, TargetError> + Send + 'static,
    ) -> Result<R, TargetError> {
        let (done, result) = channel();
        let job: Job = Box::new(move |tracer| drop(done.send(job(tracer))));
        if self.jobs.send(job).is_err() {
            return Err(self.dead());
        }
        let _ = child::signal_thread(self.bell, self.bell, libc::SIGUSR1);
        result.recv().unwrap_or_else(|_| Err(self.dead()))
    }

    fn dead(&self) -> TargetError {
        TargetError::System {
            operation: "tracing".into(),
            machine: self.shared.machine.clone(),
            why: "the session's tracer has failed and let go of its debuggees".into(),
        }
    }
}

/// The step of one thread in progress.
struct Stepper {
    tid: pid_t,
    machine: StepMachine,
    phase: Phase,
    /// Landings where traps are planted beside the phase's.
    landed: Vec<u64>,
    /// Moves made.
    moves: u32,
    /// Where the last move began.
    from: u64,
}

/// What the stepping thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// One instruction.
    Step,
    /// Running to a place of the plan, where a trap is planted for it.
    RunTo { address: u64, stack_at_least: u64 },
    /// Running a signal handler until it comes back to where it interrupted the step.
    Detour { address: u64, stack_at_least: u64 },
}

impl Phase {
    fn trap(self) -> Option<(u64, u64)> {
        match self {
            Phase::Step => None,
            Phase::RunTo {
                address,
                stack_at_least,
            }
            | Phase::Detour {
                address,
                stack_at_least,
            } => Some((address, stack_at_least)),
        }
    }
}

/// A session that is running, and why.
struct Run {
    plan: ResumePlan,
    stepper: Option<Stepper>,
    /// Waiting for a launched program to have its libraries mapped.
    starting: Option<OsPid>,
}

/// Everything the tracer's thread owns.
pub(crate) struct Tracer {
    bell: pid_t,
    jobs: Receiver<Job>,
    shared: Arc<Shared>,
    debuggees: BTreeMap<OsPid, Debuggee>,
    /// Left stopped for another debugger; nothing of them is ours any more but their threads.
    kept: BTreeMap<OsPid, Debuggee>,
    /// The step that the last stop broke off.
    broken_off: Option<Stepper>,
    /// Answers that those who took over are still to get.
    owed: u32,
    /// Programs that were started with an attachment and are children of this thread, but no debuggees.
    undebugged: BTreeMap<pid_t, Terminal>,
    /// Dropped when nothing is kept.
    waiting: Option<Sender<()>>,
    threads: BTreeMap<pid_t, Thread>,
    /// First stops of threads and children whose parent's event has not come yet.
    strangers: BTreeMap<pid_t, Waited>,
    /// Forked children that must be cleaned of traps and let go at their first stop, and whose copy they are.
    forked: BTreeMap<pid_t, births::Forked>,
    /// Threads of processes that were let go of while they waited in the kernel, or before the stop of a trap that they
    /// had hit.
    leaving: BTreeMap<pid_t, let_go::Leaving>,
    /// Statuses that came while the session was being brought to rest; they are judged when it runs again.
    backlog: VecDeque<(pid_t, Waited)>,
    /// Births that the next stop tells of.
    births: Vec<ProcessBirth>,
    run: Option<Run>,
    book: HitBook,
    generation: Generation,
    signals: SignalPolicy,
    /// How long threads may take to stop.
    patience: std::time::Duration,
    loss: LossPolicy,
    stops: u64,
    /// What the step plan of the run that has just ended noted.
    marks: Option<Vec<StepMark>>,
    /// The stepping thread and this one share a processor.
    pinned: Option<pinning::Pinned>,
    /// The thread that the last stop was about.
    event_thread: pid_t,
    quit: bool,
}

impl Tracer {
    fn new(bell: pid_t, jobs: Receiver<Job>, shared: Arc<Shared>) -> Tracer {
        Tracer {
            bell,
            jobs,
            shared,
            debuggees: BTreeMap::new(),
            kept: BTreeMap::new(),
            broken_off: None,
            owed: 0,
            undebugged: BTreeMap::new(),
            waiting: None,
            threads: BTreeMap::new(),
            strangers: BTreeMap::new(),
            forked: BTreeMap::new(),
            leaving: BTreeMap::new(),
            backlog: VecDeque::new(),
            births: Vec::new(),
            run: None,
            book: HitBook::default(),
            generation: Generation::default(),
            signals: default_signals(),
            patience: rest::PATIENCE,
            loss: LossPolicy::default(),
            stops: 0,
            marks: None,
            pinned: None,
            event_thread: 0,
            quit: false,
        }
    }

    fn run(mut self) {
        // A panic must be caught in this very thread: when it ends, the kernel kills or releases what it traces.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
        if outcome.is_err() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.let_go_of_all()));
            self.shared.events.tell(Event::End(SessionEnd {
                why: "the session failed at the server and let go of its debuggees".into(),
            }));
        }
        let _ = child::signal_process(self.bell, libc::SIGKILL);
    }

    fn serve(&mut self) {
        while !self.quit {
            while let Ok(job) = self.jobs.try_recv() {
                job(self);
            }
            if self.quit {
                break;
            }
            if self.run.is_some() {
                if self.shared.break_in.swap(false, Ordering::SeqCst) {
                    self.stop_for_break_in();
                    continue;
                }
                if let Some((tid, waited)) = self.backlog.pop_front() {
                    self.judge(tid, waited);
                    continue;
                }
            }
            match wait::any() {
                Ok((tid, waited)) => self.arrived(tid, waited),
                // Without even the bell there is nothing to wait for: the session cannot go on.
                Err(error) => self.give_up(format!("waiting for debuggees failed: {error}")),
            }
        }
    }

    /// Takes a status from the kernel outside of any gathering.
    fn arrived(&mut self, tid: pid_t, waited: Waited) {
        if tid == self.bell {
            self.answer_bell(waited);
        } else if self.run.is_some() {
            self.judge(tid, waited);
        } else {
            self.note_at_rest(tid, waited);
        }
    }

    /// The bell only wakes; jobs and flags say what for.
    fn answer_bell(&mut self, waited: Waited) {
        match waited {
            Waited::Stopped { .. } => drop(ptrace::cont(self.bell, 0)),
            Waited::Exited(_) | Waited::Killed(_) => {
                self.give_up("the session's doorbell process was killed".into());
            }
        }
    }

    /// Something that the session needs is gone: it lets go of everything and says why.
    fn give_up(&mut self, why: String) {
        if !self.quit {
            self.quit = true;
            self.let_go_of_all();
            self.shared.events.tell(Event::End(SessionEnd { why }));
        }
    }

    /// The session has taken a target, or one is gone.
    fn tell_targets(&self) {
        self.shared.events.holds(self.describe_targets());
    }

    fn trouble(&self, text: String) {
        self.shared.events.tell(Event::Note(Note::Trouble { text }));
    }

    fn debuggee(&self, pid: OsPid) -> Result<&Debuggee, TargetError> {
        self.debuggees.get(&pid).ok_or(TargetError::NotDebugged { pid })
    }

    fn at_rest(&self) -> Result<(), TargetError> {
        if self.run.is_some() {
            Err(TargetError::Running)
        } else {
            Ok(())
        }
    }
}

/// DbgEng's defaults on Linux: the faults break, the noise passes unseen, the rest is told and passed.
pub(crate) fn default_signals() -> SignalPolicy {
    let stop = SignalSet::of(&[
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGABRT,
        libc::SIGTRAP,
    ]);
    let silent = SignalSet::of(&[
        libc::SIGCHLD,
        libc::SIGALRM,
        libc::SIGWINCH,
        libc::SIGCONT,
        libc::SIGURG,
    ]);
    SignalPolicy {
        stop,
        report: SignalSet(!(stop.0 | silent.0)),
        stop_second: SignalSet(u64::MAX),
        drop: None,
    }
}
