//! Registers of threads at rest, through their cache, and stacks of many threads at once.

use farsight_target::{Look, LookProxy, RegistersRequest, SetRegistersRequest, StacksRequest, TargetError};
use farsight_types::registers::RegisterSets;
use farsight_types::{AccessRole, OsTid, Registers, ThreadId};

use super::Session;
use super::looks::ChosenFrame;
use crate::error::CommandError;

impl Session {
    /// The current thread's operating system number.
    pub(crate) fn os_tid(&self) -> Result<OsTid, CommandError> {
        let place = self.place()?;
        let thread = self.process()?.thread(place.thread);
        Ok(thread.ok_or(CommandError::NoDebuggee)?.os)
    }

    /// The current thread's general registers.
    pub(crate) fn registers(&mut self) -> Result<Registers, CommandError> {
        let thread = self.place()?.thread;
        self.registers_of(thread)
    }

    /// The general registers of a thread of the current process.
    pub(crate) fn registers_of(&mut self, thread: ThreadId) -> Result<Registers, CommandError> {
        let (link, process) = self.link_and_process()?;
        let os_process = process.os;
        let thread = process.thread_mut(thread).ok_or(CommandError::NoDebuggee)?;
        if let Some(registers) = &thread.registers {
            return Ok(registers.clone());
        }
        let request = RegistersRequest {
            process: os_process,
            threads: vec![thread.os],
            sets: RegisterSets::default(),
        };
        let reply = LookProxy(&link).registers(request)?;
        let registers = reply
            .registers
            .into_iter()
            .next()
            .flatten()
            .ok_or(TargetError::NoSuchThread { tid: thread.os })?;
        thread.registers = Some(registers.clone());
        Ok(registers)
    }

    /// Changes what is known of the current thread's general registers, before they are sent.
    pub(crate) fn stage_registers(&mut self, registers: Registers) -> Result<(), CommandError> {
        self.demand(AccessRole::Operator, "registers cannot be changed")?;
        let thread = self.place()?.thread;
        let thread = self.process_mut()?.thread_mut(thread);
        thread.ok_or(CommandError::NoDebuggee)?.registers = Some(registers);
        Ok(())
    }

    /// Forgets the current thread's general registers: what was staged did not come to be.
    pub(crate) fn unstage_registers(&mut self) {
        if let (Ok(place), Ok(process)) = (self.place(), self.process_mut())
            && let Some(thread) = process.thread_mut(place.thread)
        {
            thread.registers = None;
        }
    }

    /// The registers that expressions and `r` mean: the current thread's, or those of the frame that stands for it
    /// (`.frame /c`).
    pub(crate) fn scope_registers(&mut self) -> Result<Registers, CommandError> {
        match self.chosen_frame().and_then(|frame| frame.context.clone()) {
            Some(registers) => Ok(registers),
            None => self.registers(),
        }
    }

    /// The frame that was chosen and still is one.
    pub(crate) fn chosen_frame(&self) -> Option<&ChosenFrame> {
        let frame = self.memos.looks.frame.as_ref()?;
        let stop = self.system().ok()?.stop_number;
        (Some(frame.place) == self.current && frame.stop_number == stop && !self.is_running()).then_some(frame)
    }

    /// The number of the frame whose registers stand for the thread's.
    pub(crate) fn context_frame(&self) -> Option<usize> {
        let frame = self.chosen_frame()?;
        frame.context.as_ref().map(|_| frame.number)
    }

    /// Every set of the current thread's registers, asked for anew.
    pub(crate) fn all_registers(&mut self) -> Result<Registers, CommandError> {
        let (process, thread) = (self.os_pid()?, self.os_tid()?);
        let (link, _) = self.link_and_process()?;
        let request = RegistersRequest {
            process,
            threads: vec![thread],
            sets: RegisterSets {
                debug: true,
                vector: true,
            },
        };
        let reply = LookProxy(&link).registers(request)?;
        let found = reply.registers.into_iter().next().flatten();
        Ok(found.ok_or(TargetError::NoSuchThread { tid: thread })?)
    }

    /// Changes the current thread's registers.
    pub(crate) fn set_registers(&mut self, registers: Registers) -> Result<(), CommandError> {
        self.demand(AccessRole::Operator, "registers cannot be changed")?;
        let thread = self.place()?.thread;
        let tid = self.os_tid()?;
        let (link, process) = self.link_and_process()?;
        let request = SetRegistersRequest {
            process: process.os,
            thread: tid,
            registers: registers.clone(),
        };
        LookProxy(&link).set_registers(request)?;
        if let Some(thread) = process.thread_mut(thread) {
            let general = Registers {
                debug: Vec::new(),
                vector: Vec::new(),
                ..registers
            };
            thread.registers = Some(general);
        }
        Ok(())
    }

    /// Makes registers and the tops of the stacks of all threads of the current process known, in one round trip.
    pub(crate) fn fetch_stacks(&mut self, bytes: u32) -> Result<(), CommandError> {
        let (link, process) = self.link_and_process()?;
        if process.threads.iter().all(|thread| thread.registers.is_some()) {
            return Ok(());
        }
        let request = StacksRequest {
            process: process.os,
            threads: Vec::new(),
            bytes,
        };
        let reply = LookProxy(&link).stacks(request)?;
        let mut rest = reply.bytes.as_slice();
        for one in reply.threads {
            let length = usize::try_from(one.range.length).unwrap_or(usize::MAX);
            let Some((part, behind)) = rest.split_at_checked(length) else {
                break;
            };
            rest = behind;
            process.memory.fill(one.range.start, part);
            let id = process.thread_for(one.thread);
            if let Some(thread) = process.thread_mut(id) {
                thread.registers = Some(one.registers);
            }
        }
        Ok(())
    }
}
