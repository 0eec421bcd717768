//! The target services of the fake machine.

use farsight_target::plan::StepMachine;
use farsight_target::*;
use farsight_types::{AddressRange, Architecture, FileOffset, OperatingSystem, OsPid, OsTid};
use farsight_wire::Nothing;

use super::changes;
use super::debuggee::{Debuggee, State, Stepping};
use super::{FakeTarget, INIT, MACHINE, TOY, toy};

type Result<T> = std::result::Result<T, TargetError>;

fn invalid(why: &str) -> TargetError {
    TargetError::Invalid { why: why.into() }
}

impl FakeTarget {
    fn debugged(&mut self, pid: OsPid) -> Result<&mut Debuggee> {
        let debuggee = self.debuggee.as_mut().filter(|debuggee| debuggee.pid == pid);
        debuggee.ok_or(TargetError::NotDebugged { pid })
    }

    fn at_rest(&mut self, pid: OsPid) -> Result<&mut Debuggee> {
        let debuggee = self.debugged(pid)?;
        match debuggee.state {
            State::Running => Err(TargetError::Running),
            State::AtRest | State::Ending(_) => Ok(debuggee),
        }
    }

    fn process(&self, pid: OsPid, verbose: bool) -> ProcessDescription {
        let held = self.debuggee.as_ref().is_some_and(|debuggee| debuggee.pid == pid);
        let (name, path) = if pid == INIT {
            ("init", None)
        } else {
            ("toy", Some(toy::PATH.to_owned()))
        };
        ProcessDescription {
            pid,
            name: name.into(),
            command_line: if verbose {
                vec![path.clone().unwrap_or_else(|| name.into())]
            } else {
                Vec::new()
            },
            path,
            user: if pid == INIT { 0 } else { 1000 },
            parent: if pid == INIT { OsPid(0) } else { INIT },
            threads: if pid == INIT { 1 } else { 3 },
            tracer: held.then_some(OsPid(2)),
            state: if held { 't' } else { 'S' },
        }
    }

    fn pids(&self) -> Vec<OsPid> {
        let launched = self.debuggee.as_ref().filter(|debuggee| debuggee.launched);
        [INIT, TOY]
            .into_iter()
            .chain(launched.map(|debuggee| debuggee.pid))
            .collect()
    }

    fn acquired(&mut self, debuggee: Debuggee, detail: StopDetail, cause: StopCause) -> Acquired {
        let (process, tid) = (debuggee.pid, debuggee.threads[0].tid());
        self.debuggee = Some(debuggee);
        if cause == StopCause::Attached {
            // Into the middle of its work: all three threads are there.
            while self
                .debuggee
                .as_ref()
                .is_some_and(|debuggee| debuggee.threads.len() < 3)
            {
                self.set_going();
                self.run_slice(1);
            }
            self.run_slice(100);
        }
        if let Some(debuggee) = &mut self.debuggee {
            debuggee.plan.detail = detail;
        }
        self.stop(tid, cause);
        Acquired {
            process,
            path: toy::PATH.into(),
            machine: MACHINE.into(),
        }
    }
}

impl Machine for FakeTarget {
    fn describe(&mut self, _: Nothing) -> Result<MachineDescription> {
        Ok(MachineDescription {
            name: MACHINE.into(),
            system: OperatingSystem::Linux,
            release: "6.1.0-fake".into(),
            architecture: Architecture::Amd64,
            processors: 1,
            page_size: 4096,
            user: 1000,
            server_pid: OsPid(2),
            product: "farsight-testkit".into(),
        })
    }

    fn list_processes(&mut self, query: ProcessQuery) -> Result<ProcessList> {
        if let Some(pid) = query.pid.filter(|pid| !self.pids().contains(pid)) {
            let machine = MACHINE.into();
            return Err(TargetError::NoSuchProcess { pid, machine });
        }
        let pids = self
            .pids()
            .into_iter()
            .filter(|pid| query.pid.is_none_or(|only| only == *pid));
        let processes = pids.map(|pid| self.process(pid, query.verbose)).collect();
        Ok(ProcessList { processes })
    }

    fn find_by_name(&mut self, query: NameQuery) -> Result<ProcessRef> {
        let found: Vec<OsPid> = self
            .pids()
            .into_iter()
            .filter(|pid| {
                let process = self.process(*pid, false);
                query.name == process.name || process.path.as_deref() == Some(&query.name)
            })
            .collect();
        let (name, machine) = (query.name, MACHINE.into());
        match found.as_slice() {
            [] => Err(TargetError::NoSuchName { name, machine }),
            [process] => Ok(ProcessRef { process: *process }),
            _ => Err(TargetError::Ambiguous {
                name,
                candidates: found,
                machine,
            }),
        }
    }

    fn end_server(&mut self, _: EndServerOrder) -> Result<Nothing> {
        self.debuggee = None;
        let why = "the server was asked to end".into();
        self.events.push_back(Event::End(SessionEnd { why }));
        Ok(Nothing {})
    }
}

impl Acquire for FakeTarget {
    fn launch(&mut self, spec: LaunchSpec) -> Result<Acquired> {
        if self.debuggee.is_some() {
            return Err(invalid("this machine debugs one process at a time"));
        }
        if spec.program.contains("missing") {
            return Err(TargetError::Launch {
                program: spec.program,
                machine: MACHINE.into(),
                why: "there is no such file".into(),
            });
        }
        let debuggee = Debuggee::launched_toy(&self.toy);
        Ok(self.acquired(debuggee, spec.detail, StopCause::Launched))
    }

    fn attach(&mut self, spec: AttachSpec) -> Result<Acquired> {
        if self.debuggee.is_some() {
            return Err(invalid("this machine debugs one process at a time"));
        }
        let (pid, machine) = (spec.process, MACHINE.to_owned());
        if pid == INIT {
            let obstacle = Obstacle::OtherUser { owner: 0, ours: 1000 };
            return Err(TargetError::Denied { pid, machine, obstacle });
        }
        if pid != TOY {
            return Err(TargetError::NoSuchProcess { pid, machine });
        }
        let debuggee = Debuggee::running_toy(&self.toy);
        Ok(self.acquired(debuggee, spec.detail, StopCause::Attached))
    }
}

impl Run for FakeTarget {
    fn abandon(&mut self, _: AbandonOrder) -> Result<Nothing> {
        Err(TargetError::Unsupported)
    }

    fn set_process_options(&mut self, _: ProcessOptions) -> Result<Nothing> {
        Err(TargetError::Unsupported)
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<Resumed> {
        let pid = self.debuggee.as_ref().ok_or(TargetError::NotRunning)?.pid;
        let debuggee = self.at_rest(pid)?;
        if let Some(order) = &plan.step
            && debuggee.thread(order.thread).is_none()
        {
            return Err(TargetError::NoSuchThread { tid: order.thread });
        }
        debuggee.stepping = plan.step.clone().map(|order| Stepping {
            thread: order.thread,
            machine: StepMachine::new(order),
            until: None,
        });
        debuggee.plan = plan.clone();
        let resumed = self.update_traps(TrapUpdate { traps: plan.traps })?;
        if !self.dies_of_signal(plan.signal) {
            self.set_going();
        }
        Ok(resumed)
    }

    fn update_traps(&mut self, update: TrapUpdate) -> Result<Resumed> {
        let delta = update.traps;
        if delta.base.is_some_and(|base| base != self.generation) {
            return Err(invalid("the trap set was changed since"));
        }
        for trap in &delta.set {
            let range = AddressRange::new(trap.address, 1);
            if self.debugged(trap.process)?.memory.read(range).is_empty() {
                let why = "there is no memory".into();
                return Err(TargetError::Trap { at: trap.address, why });
            }
        }
        self.book.apply(&delta);
        self.generation = delta.generation;
        Ok(Resumed {
            generation: self.generation,
        })
    }

    fn detach(&mut self, order: DetachOrder) -> Result<Nothing> {
        self.debugged(order.process)?;
        self.book.forget(order.process);
        self.debuggee = None;
        Ok(Nothing {})
    }

    fn terminate(&mut self, order: ProcessRef) -> Result<Nothing> {
        self.detach(DetachOrder {
            process: order.process,
            signal: SignalOrder::Drop,
        })
    }

    fn set_loss_policy(&mut self, policy: LossPolicy) -> Result<Nothing> {
        self.policy = policy;
        Ok(Nothing {})
    }
}

impl Look for FakeTarget {
    fn fill(&mut self, request: FillRequest) -> Result<WriteReply> {
        changes::fill(&mut self.debugged(request.process)?.memory, &request)
    }

    fn allocate(&mut self, request: AllocateRequest) -> Result<Allocation> {
        changes::allocate(&mut self.at_rest(request.process)?.memory, request)
    }

    fn free(&mut self, order: Allocation) -> Result<Nothing> {
        changes::free(&mut self.at_rest(order.process)?.memory, order)
    }

    fn change_suspend_counts(&mut self, _: SuspendOrder) -> Result<SuspendCounts> {
        Err(TargetError::Unsupported)
    }

    fn describe_threads(&mut self, _: ThreadsRequest) -> Result<ThreadDetails> {
        Err(TargetError::Unsupported)
    }

    fn describe_process(&mut self, _: ProcessRef) -> Result<ProcessParameters> {
        Err(TargetError::Unsupported)
    }

    fn threads(&mut self, order: ProcessRef) -> Result<ThreadList> {
        let debuggee = self.debugged(order.process)?;
        let threads = debuggee.threads.iter().map(|thread| thread.record.clone()).collect();
        Ok(ThreadList { threads })
    }

    fn images(&mut self, order: ProcessRef) -> Result<ImageList> {
        self.debugged(order.process)?;
        Ok(ImageList {
            images: vec![self.toy.image.clone()],
        })
    }

    fn regions(&mut self, order: ProcessRef) -> Result<RegionList> {
        let regions = self.debugged(order.process)?.memory.0.iter().map(|region| Region {
            range: region.range(),
            read: true,
            write: region.write,
            execute: region.execute,
            shared: false,
            path: region.path.clone(),
            offset: if region.path == toy::PATH {
                region.start - toy::BASE
            } else {
                0
            },
        });
        Ok(RegionList {
            regions: regions.collect(),
        })
    }

    fn read(&mut self, request: ReadRequest) -> Result<ReadReply> {
        let wanted = request
            .ranges
            .iter()
            .try_fold(0_u64, |sum, range| sum.checked_add(range.length));
        if wanted.is_none_or(|wanted| wanted > MOST_BYTES) {
            return Err(invalid("too many bytes in one request"));
        }
        let memory = &self.debugged(request.process)?.memory;
        let mut reply = ReadReply::default();
        for range in request.ranges {
            let bytes = memory.read(range);
            reply.lengths.push(bytes.len() as u64);
            reply.bytes.extend(bytes);
        }
        Ok(reply)
    }

    fn write(&mut self, request: WriteRequest) -> Result<WriteReply> {
        let length = self
            .debugged(request.process)?
            .memory
            .write(request.address, &request.bytes);
        if length == 0 && !request.bytes.is_empty() {
            return Err(TargetError::Unwritable { at: request.address });
        }
        Ok(WriteReply { length })
    }

    fn search(&mut self, request: SearchRequest) -> Result<SearchReply> {
        if request.pattern.is_empty() || request.pattern.len() > 4096 || request.granularity == 0 {
            return Err(invalid("a pattern of 1 to 4096 bytes and a granularity of at least 1"));
        }
        let mut reply = SearchReply {
            found: Vec::new(),
            next: None,
        };
        for region in &self.debugged(request.process)?.memory.0 {
            let Some(part) = region.range().intersection(request.range) else {
                continue;
            };
            if request.writable_only && !region.write {
                continue;
            }
            let from = (part.start.0 - region.start) as usize;
            let bytes = &region.bytes[from..from + part.length as usize];
            for (at, window) in bytes.windows(request.pattern.len()).enumerate() {
                let address = part.start.wrapping_add(at as u64);
                let offset = address.0 - request.range.start.0;
                let aligned = offset.is_multiple_of(u64::from(request.granularity));
                if !aligned || window != request.pattern {
                    continue;
                }
                if reply.found.len() == request.most as usize {
                    reply.next = Some(address);
                    return Ok(reply);
                }
                reply.found.push(address);
            }
        }
        Ok(reply)
    }

    fn registers(&mut self, request: RegistersRequest) -> Result<RegistersReply> {
        let debuggee = self.at_rest(request.process)?;
        let one = |tid: &OsTid| {
            let mut registers = debuggee.thread(*tid)?.registers.clone();
            if request.sets.debug {
                registers.debug = debuggee.debug_registers.clone();
            }
            if request.sets.vector {
                registers.vector = debuggee.vector.clone();
            }
            Some(registers)
        };
        Ok(RegistersReply {
            registers: request.threads.iter().map(one).collect(),
        })
    }

    fn set_registers(&mut self, request: SetRegistersRequest) -> Result<Nothing> {
        let debuggee = self.at_rest(request.process)?;
        let tid = request.thread;
        let thread = debuggee.threads.iter_mut().find(|thread| thread.tid() == tid);
        let thread = thread.ok_or(TargetError::NoSuchThread { tid })?;
        if request.registers.general.len() != thread.registers.general.len() {
            return Err(invalid("the general set is written whole"));
        }
        thread.registers.general = request.registers.general;
        if !request.registers.debug.is_empty() {
            debuggee.debug_registers = request.registers.debug;
        }
        if !request.registers.vector.is_empty() {
            debuggee.vector = request.registers.vector;
        }
        Ok(Nothing {})
    }

    fn stacks(&mut self, request: StacksRequest) -> Result<StacksReply> {
        let debuggee = self.at_rest(request.process)?;
        let mut reply = StacksReply {
            threads: Vec::new(),
            bytes: Vec::new(),
        };
        for thread in &debuggee.threads {
            if !request.threads.is_empty() && !request.threads.contains(&thread.tid()) {
                continue;
            }
            let wanted = AddressRange::new(thread.registers.sp(), u64::from(request.bytes));
            let bytes = debuggee.memory.read(wanted);
            reply.threads.push(ThreadStack {
                thread: thread.tid(),
                registers: thread.registers.clone(),
                range: AddressRange::new(wanted.start, bytes.len() as u64),
            });
            reply.bytes.extend(bytes);
        }
        Ok(reply)
    }
}

impl Files for FakeTarget {
    fn write_file(&mut self, part: FilePart) -> Result<Nothing> {
        changes::write_file(self, part)
    }

    fn fetch_file(&mut self, fetch: FileFetch) -> Result<FilePiece> {
        changes::fetch_file(self, &fetch)
    }

    fn read_file(&mut self, request: ReadFileRequest) -> Result<ReadReply> {
        self.debugged(request.process)?;
        if request.path != toy::PATH {
            return Err(TargetError::File {
                path: request.path,
                machine: MACHINE.into(),
                why: "it is no image of the debuggee".into(),
            });
        }
        let mut reply = ReadReply::default();
        for FileRange {
            offset: FileOffset(offset),
            length,
        } in request.ranges
        {
            let rest = usize::try_from(offset)
                .ok()
                .and_then(|offset| self.toy.file.get(offset..));
            let rest = rest.unwrap_or_default();
            let part = &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
            reply.lengths.push(part.len() as u64);
            reply.bytes.extend(part);
        }
        Ok(reply)
    }

    fn type_in(&mut self, input: TerminalInput) -> Result<Nothing> {
        let debuggee = self.debugged(input.process)?;
        if !debuggee.launched {
            return Err(invalid("only a launched program has a terminal here"));
        }
        let (process, bytes) = (input.process, input.bytes);
        // A terminal echoes what is typed.
        self.events.push_back(Event::Output(OutputChunk { process, bytes }));
        Ok(Nothing {})
    }

    fn resize_terminal(&mut self, size: TerminalSize) -> Result<Nothing> {
        self.debugged(size.process).map(|_| Nothing {})
    }
}
