//! One debuggee and its threads, as the tracer knows them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use farsight_target::{ChildPolicy, ExitStatus, ImageDelta, SignalInfo, ThreadDelta, TrapId};
use farsight_types::{Address, OsPid, OsTid};
use libc::{c_int, pid_t, user_regs_struct};

use super::hardware::Hardware;
use crate::images::{ImageBook, Loader};
use crate::memory::ProcessMemory;
use crate::procfs::AuxiliaryVector;
use crate::sys::ptrace::{self, SignalDetail};
use crate::terminal::Terminal;

/// Where a thread is, as far as ptrace is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Born, its first stop not seen yet.
    New,
    /// Runs.
    Running,
    /// In a ptrace stop.
    Stopped,
    /// In a job-control stop under PTRACE_LISTEN: for the world it is stopped, for us it runs.
    Listening,
    /// Its end was seen; the status waits in the backlog.
    Gone,
}

/// One thread.
pub(super) struct Thread {
    pub(super) tid: pid_t,
    /// The debuggee whose memory it runs in.
    pub(super) pid: OsPid,
    pub(super) state: State,
    /// A vfork child or another process that shares the memory: never shown, its hits do not count.
    pub(super) borrower: bool,
    registers: Option<user_regs_struct>,
    /// With what it was set going, where that was known.
    pub(super) went_from: Option<user_regs_struct>,
    /// The trap at this place was dealt with: the thread goes past it when it goes on.
    pub(super) past_trap: Option<u64>,
    /// Place and stack pointer of a trap hit that was counted, but whose instruction faulted: it will be hit again when
    /// the handler returns, and must not count twice.
    pub(super) counted: Option<(u64, u64)>,
    /// Signal to deliver when it goes on; it is in that signal's delivery stop.
    pub(super) deliver: c_int,
    /// The last signal delivered to it: what an end by the same signal is the second chance of.
    pub(super) last_signal: c_int,
    /// The last signal that came to it, as it was told: an end by it tells the same.
    pub(super) came: SignalInfo,
    /// A status of it waits in the backlog.
    pub(super) deferred: bool,
    /// That status was put off as it came: it can be a trap's that is to be taken back.
    pub(super) unsorted: bool,
    /// Signals that came while it was taken past a trap.
    pub(super) held: VecDeque<SignalDetail>,
    /// In a job-control stop: goes on by PTRACE_LISTEN.
    pub(super) job_stopped: bool,
    /// To be interrupted as soon as it runs, for it may have been taken out of a job-control stop by a step.
    pub(super) check_job_stop: bool,
    /// Its first stop has not been judged yet.
    pub(super) fresh: bool,
    /// Waits in the kernel until its vfork child has its own memory, and cannot be stopped before.
    pub(super) in_vfork: bool,
    /// The thread that waits like that for this one.
    pub(super) vfork_parent: Option<pid_t>,
    /// Did not stop when it was asked to, and will say so itself when it can.
    pub(super) stuck: bool,
    /// At or past its exit event.
    pub(super) exiting: bool,
    /// Its end was noted for the next stop.
    pub(super) end_told: bool,
    /// The plan says hold.
    pub(super) on_hold: bool,
    /// Its suspend count.
    pub(super) suspended: u32,
    /// The generation of the debuggee's hardware traps that its debug registers hold; 0 is none.
    pub(super) armed: u32,
    /// Its debug registers were written by us.
    pub(super) touched: bool,
    /// Hardware traps that it has hit, counted and due, and still to be shown.
    pub(super) due: Vec<TrapId>,
    /// The pc at its birth, where that was seen.
    pub(super) born_at: Option<u64>,
}

impl Thread {
    /// Rests at a break instruction of the program's own, whose SIGTRAP would be delivered.
    pub(super) fn is_at_own_trap(&self) -> bool {
        self.deliver == libc::SIGTRAP && self.came.number == libc::SIGTRAP && self.came.code == libc::TRAP_BRKPT
    }

    /// Whether it rests in a stop that may have come before a trap's, with nothing else to be said of it.
    pub(super) fn may_hide_trap(&self) -> bool {
        self.state == State::Stopped && !self.deferred && !self.exiting && self.deliver == 0
    }

    pub(super) fn new(tid: pid_t, pid: OsPid, state: State) -> Thread {
        Thread {
            tid,
            pid,
            state,
            borrower: false,
            registers: None,
            went_from: None,
            past_trap: None,
            counted: None,
            deliver: 0,
            last_signal: 0,
            came: SignalInfo::default(),
            deferred: false,
            unsorted: false,
            held: VecDeque::new(),
            job_stopped: false,
            check_job_stop: false,
            fresh: state == State::New,
            in_vfork: false,
            vfork_parent: None,
            stuck: false,
            exiting: false,
            end_told: false,
            on_hold: false,
            suspended: 0,
            armed: 0,
            touched: false,
            due: Vec::new(),
            born_at: None,
        }
    }

    /// The registers of a stopped thread; read once a stop.
    pub(super) fn registers(&mut self) -> std::io::Result<user_regs_struct> {
        match self.registers {
            Some(registers) => Ok(registers),
            None => {
                let registers = ptrace::registers(self.tid)?;
                self.registers = Some(registers);
                Ok(registers)
            }
        }
    }

    pub(super) fn set_registers(&mut self, registers: &user_regs_struct) -> std::io::Result<()> {
        ptrace::set_registers(self.tid, registers)?;
        self.registers = Some(*registers);
        Ok(())
    }

    /// Moves the program counter of a stopped thread.
    pub(super) fn set_pc(&mut self, pc: u64) -> std::io::Result<()> {
        let mut registers = self.registers()?;
        registers.rip = pc;
        self.set_registers(&registers)
    }

    /// It was set going: what was known of it is old.
    pub(super) fn went(&mut self, state: State) {
        self.state = state;
        self.went_from = self.registers;
        self.registers = None;
    }

    pub(super) fn stopped(&mut self) {
        let is_birth = self.state == State::New;
        self.state = State::Stopped;
        self.registers = None;
        if is_birth {
            self.born_at = self.registers().ok().map(|registers| registers.rip);
        }
        self.job_stopped = false;
        self.in_vfork = false;
        self.stuck = false;
    }

    /// Whether it stays where it is while others run. Whoever ends is never held: others wait for its end.
    pub(super) fn is_held(&self) -> bool {
        (self.on_hold || self.suspended > 0) && !self.exiting
    }

    /// Whether it must stop before the session is at rest. A thread past its exit event runs no code of the program
    /// any more; a leader that ended before its threads would never stop at all.
    pub(super) fn is_loose(&self) -> bool {
        !self.exiting
            && !self.in_vfork
            && !self.stuck
            && matches!(self.state, State::New | State::Running | State::Listening)
    }
}

/// How a debuggee is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Debugged.
    Debugged,
    /// Seized and stopped, to be looked at.
    Looked,
    /// Not seized at all.
    Unseized {
        /// The debugger that had it when it was attached to.
        tracer: Option<OsPid>,
    },
}

/// One process.
pub(super) struct Debuggee {
    pub(super) hold: Hold,
    pub(super) memory: Arc<ProcessMemory>,
    pub(super) launched: bool,
    pub(super) auxv: AuxiliaryVector,
    pub(super) loader: Option<Loader>,
    pub(super) images: ImageBook,
    /// What the next stop tells of.
    pub(super) thread_news: ThreadDelta,
    pub(super) image_news: ImageDelta,
    pub(super) terminal: Option<Arc<Terminal>>,
    /// The exit event was shown.
    pub(super) exit_shown: bool,
    /// What becomes of the processes that it makes.
    pub(super) children: ChildPolicy,
    /// The process that made it, of a followed child that has run no program of its own yet.
    pub(super) copy_of: Option<OsPid>,
    /// Its birth is to be told by a stop of its own.
    pub(super) newborn: bool,
    /// The next SIGCONT is ours and not for the program.
    pub(super) drop_cont: bool,
    /// The next resume ends its job-control stop.
    pub(super) continue_first: bool,
    /// What its threads' debug registers shall hold.
    pub(super) hardware: Hardware,
}

impl Debuggee {
    pub(super) fn new(memory: Arc<ProcessMemory>, launched: bool) -> Debuggee {
        Debuggee {
            hold: Hold::Debugged,
            memory,
            launched,
            auxv: AuxiliaryVector::default(),
            loader: None,
            images: ImageBook::default(),
            thread_news: ThreadDelta::default(),
            image_news: ImageDelta::default(),
            terminal: None,
            exit_shown: false,
            children: ChildPolicy::Leave,
            copy_of: None,
            newborn: false,
            drop_cont: false,
            continue_first: false,
            hardware: Hardware::default(),
        }
    }

    /// A followed child of this one, `parent`, with this memory: it has the same images, and writes to the same terminal.
    pub(super) fn child(&self, parent: OsPid, memory: Arc<ProcessMemory>) -> Debuggee {
        Debuggee {
            auxv: self.auxv.clone(),
            loader: self.loader,
            images: self.images.clone(),
            terminal: self.terminal.clone(),
            children: self.children,
            hardware: self.hardware.clone(),
            copy_of: Some(parent),
            ..Debuggee::new(memory, self.launched)
        }
    }

    /// What the next stop is to tell of its threads and images, if anything.
    pub(super) fn take_news(&mut self) -> Option<(ThreadDelta, ImageDelta)> {
        let (threads, images) = (&self.thread_news, &self.image_news);
        let quiet = threads.started.is_empty()
            && threads.ended.is_empty()
            && images.loaded.is_empty()
            && images.unloaded.is_empty()
            && !images.replaced;
        (!quiet).then(|| {
            (
                std::mem::take(&mut self.thread_news),
                std::mem::take(&mut self.image_news),
            )
        })
    }

    /// Notes a thread's end for the next stop; one that was never told of is forgotten.
    pub(super) fn thread_ended(&mut self, tid: OsTid) {
        let before = self.thread_news.started.len();
        self.thread_news.started.retain(|record| record.tid != tid);
        if self.thread_news.started.len() == before {
            self.thread_news.ended.push(tid);
        }
    }

    /// Looks for images that came and went, and notes them for the next stop. Returns the paths of those
    /// that came and of those that went.
    pub(super) fn refresh_images(&mut self, pid: OsPid) -> (Vec<String>, Vec<String>) {
        let paths: BTreeMap<Address, String> = self
            .images
            .all()
            .map(|image| (image.base, image.path.clone()))
            .collect();
        let (loaded, unloaded) = self.images.refresh(pid, &self.memory, &self.auxv, self.loader.as_ref());
        let names = loaded.iter().map(|image| image.path.clone()).collect();
        let gone = unloaded.iter().filter_map(|base| paths.get(base).cloned()).collect();
        for base in unloaded {
            let before = self.image_news.loaded.len();
            self.image_news.loaded.retain(|image| image.base != base);
            if self.image_news.loaded.len() == before {
                self.image_news.unloaded.push(base);
            }
        }
        self.image_news.loaded.extend(loaded);
        (names, gone)
    }
}

/// The status that an exit event or a wait tells, as the seam says it.
pub(super) fn exit_status(wait_status: c_int) -> ExitStatus {
    if libc::WIFSIGNALED(wait_status) {
        ExitStatus::Signal {
            number: libc::WTERMSIG(wait_status),
        }
    } else {
        ExitStatus::Code {
            code: libc::WEXITSTATUS(wait_status),
        }
    }
}
