//! What only the tracer's thread can look at: registers and stacks of stopped threads, thread and image lists.

use farsight_target::{
    Image, RegistersReply, RegistersRequest, SetRegistersRequest, StacksReply, StacksRequest, TargetError,
    ThreadRecord, ThreadStack,
};
use farsight_types::{AddressRange, OsPid, OsTid};
use libc::pid_t;

use super::Tracer;
use super::debuggee::State;
use super::hardware::set_debug_registers;
use super::noninvasive::partial_registers;
use super::rest::debug_registers;
use crate::procfs;
use crate::registers::{apply, to_registers};
use crate::sys::ptrace;

/// Threads that one request may name.
pub(super) const MOST_THREADS: usize = 16_384;

impl Tracer {
    pub(crate) fn thread_list(&self, pid: OsPid) -> Result<Vec<ThreadRecord>, TargetError> {
        self.debuggee(pid)?;
        if self.is_unseized(pid) {
            return Ok(self.seen_threads(pid));
        }
        Ok(self
            .shown_threads(pid)
            .into_iter()
            .map(|tid| OsTid(tid as u32))
            .map(|tid| ThreadRecord {
                tid,
                name: procfs::thread_name(pid, tid),
            })
            .collect())
    }

    /// Thread ids ascend in the order of creation until they wrap; the leader comes first all the same.
    fn shown_threads(&self, pid: OsPid) -> Vec<pid_t> {
        let mut tids: Vec<pid_t> = self
            .threads
            .values()
            .filter(|thread| thread.pid == pid && !thread.borrower && !thread.end_told)
            .map(|thread| thread.tid)
            .collect();
        tids.sort_by_key(|tid| (*tid != pid.0 as pid_t, *tid));
        tids
    }

    pub(crate) fn image_list(&self, pid: OsPid) -> Result<Vec<Image>, TargetError> {
        Ok(self.debuggee(pid)?.images.all().cloned().collect())
    }

    /// Whether the file of an image of this process was reported to the client.
    pub(crate) fn reported_image(&self, pid: OsPid, path: &str) -> Result<bool, TargetError> {
        Ok(self.debuggee(pid)?.images.knows_path(path))
    }

    pub(crate) fn registers_of(&mut self, request: &RegistersRequest) -> Result<RegistersReply, TargetError> {
        const MOST_WITH_VECTORS: usize = 1024;
        self.debuggee(request.process)?;
        self.at_rest()?;
        let most = if request.sets.vector {
            MOST_WITH_VECTORS
        } else {
            MOST_THREADS
        };
        check_count(&request.threads, most)?;
        let mut reply = RegistersReply { registers: Vec::new() };
        if self.is_unseized(request.process) {
            let places = request
                .threads
                .iter()
                .map(|tid| partial_registers(request.process, *tid));
            reply.registers = places.collect();
            return Ok(reply);
        }
        for tid in &request.threads {
            let tid = tid.0 as pid_t;
            let thread = self.threads.get_mut(&tid);
            let general = thread
                .filter(|thread| thread.pid == request.process && thread.state == State::Stopped)
                .and_then(|thread| thread.registers().ok());
            reply.registers.push(general.map(|general| {
                let mut registers = to_registers(&general);
                if request.sets.debug {
                    registers.debug = debug_registers(tid);
                }
                if request.sets.vector {
                    registers.vector = ptrace::vector_state(tid).unwrap_or_default();
                }
                registers
            }));
        }
        Ok(reply)
    }

    pub(crate) fn set_registers_of(&mut self, request: &SetRegistersRequest) -> Result<(), TargetError> {
        self.debugged(request.process)?;
        self.at_rest()?;
        let tid = request.thread.0 as pid_t;
        let gone = TargetError::NoSuchThread { tid: request.thread };
        self.check_debug_registers(tid, &request.registers.debug)?;
        check_vector_state(tid, &request.registers.vector)?;
        let machine = self.shared.machine.clone();
        let thread = self
            .threads
            .get_mut(&tid)
            .filter(|thread| thread.pid == request.process && thread.state == State::Stopped)
            .ok_or(gone)?;
        let failed = |error: std::io::Error| TargetError::System {
            operation: format!("setting registers of thread {tid}"),
            machine: machine.clone(),
            why: error.to_string(),
        };
        let mut kernel = thread.registers().map_err(failed)?;
        let old_pc = kernel.rip;
        if !apply(&request.registers, &mut kernel) {
            return Err(TargetError::Invalid {
                why: "the general registers are not those of this machine".into(),
            });
        }
        thread.set_registers(&kernel).map_err(failed)?;
        if kernel.rip != old_pc {
            // Whoever moves a thread onto a trap means to run what is under it.
            thread.past_trap = Some(kernel.rip);
        }
        set_debug_registers(thread, &request.registers.debug).map_err(failed)?;
        if !request.registers.vector.is_empty() {
            ptrace::set_vector_state(tid, &request.registers.vector).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn stacks_of(&mut self, request: &StacksRequest) -> Result<StacksReply, TargetError> {
        let memory = self.debuggee(request.process)?.memory.clone();
        self.at_rest()?;
        check_count(&request.threads, MOST_THREADS)?;
        let unseized = self.is_unseized(request.process);
        let tids = if request.threads.is_empty() && unseized {
            let tids = procfs::threads(request.process).unwrap_or_default();
            tids.into_iter().map(|tid| tid.0 as pid_t).collect()
        } else if request.threads.is_empty() {
            self.shown_threads(request.process)
        } else {
            request.threads.iter().map(|tid| tid.0 as pid_t).collect()
        };
        let most = farsight_target::MOST_BYTES as usize;
        let each = (request.bytes as usize).min(most / tids.len().max(1));
        let mut reply = StacksReply {
            threads: Vec::new(),
            bytes: Vec::new(),
        };
        for tid in tids {
            let registers = if unseized {
                partial_registers(request.process, OsTid(tid as u32))
            } else {
                let thread = self.threads.get_mut(&tid);
                thread
                    .filter(|thread| thread.pid == request.process && thread.state == State::Stopped)
                    .and_then(|thread| thread.registers().ok())
                    .map(|registers| to_registers(&registers))
            };
            let Some(registers) = registers else { continue };
            let stack = memory.read(registers.sp(), each);
            reply.threads.push(ThreadStack {
                thread: OsTid(tid as u32),
                range: AddressRange::new(registers.sp(), stack.len() as u64),
                registers,
            });
            reply.bytes.extend_from_slice(&stack);
        }
        Ok(reply)
    }

    pub(crate) fn terminal_of(&self, pid: OsPid) -> Result<crate::terminal::TerminalHandle, TargetError> {
        let terminal = self.debuggee(pid)?.terminal.as_ref();
        terminal
            .map(|terminal| terminal.handle())
            .ok_or_else(|| TargetError::Invalid {
                why: format!("process {pid} was not launched here and has no terminal of ours"),
            })
    }
}

/// A request may name threads that do not exist, and one again and again.
pub(super) fn check_count(threads: &[OsTid], most: usize) -> Result<(), TargetError> {
    if threads.len() <= most {
        return Ok(());
    }
    let why = format!("at most {most} threads in one request, not {}", threads.len());
    Err(TargetError::Invalid { why })
}

/// The vector state is taken in the size that this processor has, or not at all.
fn check_vector_state(tid: pid_t, bytes: &[u8]) -> Result<(), TargetError> {
    let size = || ptrace::vector_state(tid).map_or(0, |state| state.len());
    if bytes.is_empty() || bytes.len() == size() {
        return Ok(());
    }
    let why = format!(
        "the vector state of this machine has {} bytes, not {}",
        size(),
        bytes.len()
    );
    Err(TargetError::Invalid { why })
}
