//! The target services of the fake machine.

use farsight_target::plan::StepMachine;
use farsight_target::*;
use farsight_types::{AddressRange, Architecture, FileOffset, OperatingSystem, OsPid, OsTid, Registers};
use farsight_wire::Nothing;

use super::debuggee::{Debuggee, State, Stepping, hardware_refusal};
use super::{FakeTarget, HELD, HOLDER, INIT, TOY};
use super::{changes, toy};

/// The server's own process.
const SERVER: OsPid = OsPid(2);
/// The machine's clock, in microseconds of Unix time, and when everything on it began.
const NOW: u64 = 1_795_000_000_000_000;
const BEGAN: u64 = NOW - 3_600_000_000;

type Result<T> = std::result::Result<T, TargetError>;

fn invalid(why: &str) -> TargetError {
    TargetError::Invalid { why: why.into() }
}

impl FakeTarget {
    fn debugged(&mut self, pid: OsPid) -> Result<&mut Debuggee> {
        let debuggee = self.debuggees.iter_mut().find(|debuggee| debuggee.pid == pid);
        debuggee.ok_or(TargetError::NotDebugged { pid })
    }

    fn at_rest(&mut self, pid: OsPid) -> Result<&mut Debuggee> {
        let debuggee = self.debugged(pid)?;
        match debuggee.state {
            State::Running => Err(TargetError::Running),
            State::AtRest | State::Ending(_) => Ok(debuggee),
        }
    }

    /// A debuggee at rest that more can be done with than looking at it without stopping it.
    fn stopped(&mut self, pid: OsPid) -> Result<&mut Debuggee> {
        let debuggee = self.at_rest(pid)?;
        match debuggee.mode {
            AttachMode::NoninvasiveNoSuspend => Err(noninvasive(debuggee)),
            _ => Ok(debuggee),
        }
    }

    fn is_debugged(&self, pid: OsPid) -> bool {
        self.debuggees.iter().any(|debuggee| debuggee.pid == pid)
    }

    fn process(&self, pid: OsPid, verbose: bool) -> ProcessDescription {
        let debuggee = self.debuggees.iter().chain(&self.abandoned).find(|one| one.pid == pid);
        let program = debuggee.map_or(&self.toy, |debuggee| &debuggee.program);
        let (name, path) = match pid {
            INIT => ("init".to_owned(), None),
            HELD => ("held".to_owned(), Some("/opt/toy/held".to_owned())),
            _ => (program.name().to_owned(), Some(program.image.path.clone())),
        };
        let tracer = match pid {
            HELD => Some(HOLDER),
            _ => debuggee.map(|_| SERVER),
        };
        let threads = match (pid, debuggee) {
            (INIT | HELD, None) => 1,
            (_, None) => 3,
            (_, Some(debuggee)) => debuggee.threads.len() as u32,
        };
        let command_line = path.clone().unwrap_or_else(|| name.clone());
        ProcessDescription {
            pid,
            command_line: verbose.then_some(command_line).into_iter().collect(),
            path,
            user: if pid == INIT { 0 } else { 1000 },
            parent: match debuggee {
                Some(debuggee) => debuggee.parent,
                None if pid == INIT => OsPid(0),
                None => INIT,
            },
            threads,
            state: if tracer.is_some() { 't' } else { 'S' },
            tracer,
            name,
        }
    }

    fn pids(&self) -> Vec<OsPid> {
        let ours = self
            .debuggees
            .iter()
            .chain(&self.abandoned)
            .map(|debuggee| debuggee.pid);
        let mut pids: Vec<OsPid> = [INIT, TOY, HELD].into_iter().chain(ours).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    fn must_rest(&self) -> Result<()> {
        match self.is_running() {
            true => Err(TargetError::Running),
            false => Ok(()),
        }
    }

    fn acquired(&mut self, debuggee: Debuggee, detail: StopDetail, cause: StopCause) -> Acquired {
        let (process, tid) = (debuggee.pid, debuggee.threads[0].tid());
        let path = debuggee.program.image.path.clone();
        self.plan.detail = detail;
        self.debuggees.push(debuggee);
        self.stop(tid, cause);
        Acquired {
            process,
            path,
            machine: self.machine.clone(),
        }
    }

    /// A process that runs already, in the middle of its work: all three threads are there.
    fn in_the_middle(&mut self, pid: OsPid) -> Debuggee {
        let others = std::mem::take(&mut self.debuggees);
        let (plan, book) = (std::mem::take(&mut self.plan), std::mem::take(&mut self.book));
        let (rests, events) = (self.rests.take(), std::mem::take(&mut self.events));
        self.debuggees = vec![Debuggee::running(pid, &self.toy)];
        self.debuggees[0].state = State::Running;
        while self.debuggees[0].threads.len() < 3 {
            self.run_slice(1);
        }
        self.run_slice(100);
        let mut made = std::mem::replace(&mut self.debuggees, others);
        (self.plan, self.book, self.rests, self.events) = (plan, book, rests, events);
        made.remove(0)
    }

    fn launched(&mut self, spec: &LaunchSpec) -> Result<Debuggee> {
        if spec.program.contains("missing") {
            return Err(TargetError::Launch {
                program: spec.program.clone(),
                machine: self.machine.clone(),
                why: "there is no such file".into(),
            });
        }
        let pid = self.take_pid();
        let mut debuggee = Debuggee::launched(pid, &self.program_at(&spec.program));
        debuggee.children = spec.children.unwrap_or_default();
        Ok(debuggee)
    }

    /// What a process may be attached to as, or why not.
    fn may_attach(&self, pid: OsPid, mode: AttachMode) -> Result<AttachMode> {
        let machine = self.machine.clone();
        let denied = |obstacle| {
            Err(TargetError::Denied {
                pid,
                machine: self.machine.clone(),
                obstacle,
            })
        };
        let tracer = |pid, name: &str| Obstacle::Tracer { pid, name: name.into() };
        match pid {
            INIT => denied(Obstacle::OtherUser { owner: 0, ours: 1000 }),
            _ if self.is_debugged(pid) => denied(tracer(SERVER, "dbgsrv")),
            HELD => match mode {
                AttachMode::Noninvasive | AttachMode::NoninvasiveNoSuspend => Ok(AttachMode::NoninvasiveNoSuspend),
                _ => denied(tracer(HOLDER, "gdb")),
            },
            TOY => Ok(mode),
            pid => Err(TargetError::NoSuchProcess { pid, machine }),
        }
    }
}

fn noninvasive(debuggee: &Debuggee) -> TargetError {
    TargetError::Noninvasive {
        pid: debuggee.pid,
        tracer: debuggee.tracer,
    }
}

impl Machine for FakeTarget {
    fn describe(&mut self, _: Nothing) -> Result<MachineDescription> {
        Ok(MachineDescription {
            name: self.machine.clone(),
            system: OperatingSystem::Linux,
            release: "6.1.0-fake".into(),
            architecture: Architecture::Amd64,
            processors: 1,
            page_size: 4096,
            user: 1000,
            server_pid: SERVER,
            product: "farsight-testkit".into(),
        })
    }

    fn list_processes(&mut self, query: ProcessQuery) -> Result<ProcessList> {
        if let Some(pid) = query.pid.filter(|pid| !self.pids().contains(pid)) {
            let machine = self.machine.clone();
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
        let (name, machine) = (query.name, self.machine.clone());
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
        self.debuggees.clear();
        let why = "the server was asked to end".into();
        self.events.push_back(Event::End(SessionEnd { why }));
        Ok(Nothing {})
    }
}

impl Acquire for FakeTarget {
    fn launch(&mut self, spec: LaunchSpec) -> Result<Acquired> {
        self.must_rest()?;
        let debuggee = self.launched(&spec)?;
        self.signals = spec.signals.or(self.signals);
        Ok(self.acquired(debuggee, spec.detail, StopCause::Launched))
    }

    fn attach(&mut self, spec: AttachSpec) -> Result<Acquired> {
        self.must_rest()?;
        let (pid, mode) = (spec.process, spec.mode.unwrap_or_default());
        if mode == AttachMode::Existing {
            let index = self.abandoned.iter().position(|debuggee| debuggee.pid == pid);
            let index = index.ok_or_else(|| invalid("no session has abandoned that process"))?;
            let mut debuggee = self.abandoned.remove(index);
            debuggee.forget_told();
            self.signals = spec.signals.or(self.signals);
            return Ok(self.acquired(debuggee, spec.detail, StopCause::Attached));
        }
        let mode = self.may_attach(pid, mode)?;
        let started = spec.start.as_ref().map(|start| self.launched(start)).transpose()?;
        let mut debuggee = self.in_the_middle(pid);
        debuggee.mode = mode;
        debuggee.tracer = (pid == HELD).then_some(HOLDER);
        debuggee.children = spec.children.unwrap_or_default();
        self.signals = spec.signals.or(self.signals);
        // What is started beside it runs undebugged: nothing more is seen of it.
        drop(started);
        Ok(self.acquired(debuggee, spec.detail, StopCause::Attached))
    }
}

impl Run for FakeTarget {
    fn abandon(&mut self, order: AbandonOrder) -> Result<Nothing> {
        let debuggee = self.at_rest(order.process)?;
        if debuggee.is_held() {
            return Err(noninvasive(debuggee));
        }
        self.book.forget(order.process);
        let index = self.debuggees.iter().position(|debuggee| debuggee.pid == order.process);
        let debuggee = index.map(|index| self.debuggees.remove(index));
        self.abandoned.extend(debuggee.filter(|_| !order.release));
        Ok(Nothing {})
    }

    fn set_process_options(&mut self, options: ProcessOptions) -> Result<Nothing> {
        self.debugged(options.process)?.children = options.children;
        Ok(Nothing {})
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<Resumed> {
        self.must_rest()?;
        let looked_at = self.debuggees.iter().find(|debuggee| debuggee.is_held());
        if self.debuggees.iter().all(Debuggee::is_held) {
            return Err(looked_at.map_or(TargetError::NotRunning, noninvasive));
        }
        if let Some(order) = &plan.step {
            let tid = order.thread;
            let index = self.index_of_thread(tid).ok_or(TargetError::NoSuchThread { tid })?;
            let debuggee = &mut self.debuggees[index];
            if debuggee.is_held() {
                return Err(noninvasive(debuggee));
            }
        }
        let resumed = self.update_traps(TrapUpdate {
            traps: plan.traps.clone(),
        })?;
        let broken_off = self.broken_off.take();
        let index = plan.step.as_ref().and_then(|order| self.index_of_thread(order.thread));
        if let (Some(index), Some(order)) = (index, plan.step.clone()) {
            let goes_on = order.goes_on == Some(true);
            let same = broken_off.filter(|broken| goes_on && broken.thread == order.thread);
            self.debuggees[index].stepping = Some(same.unwrap_or_else(|| Stepping {
                thread: order.thread,
                machine: StepMachine::new(order),
                until: None,
                from: None,
            }));
        }
        self.signals = plan.signals.or(self.signals);
        self.plan = plan;
        let stops = self.stops;
        self.take_signal(self.plan.signal);
        if self.stops == stops {
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
            let debuggee = self.debugged(trap.process)?;
            if debuggee.is_held() {
                return Err(noninvasive(debuggee));
            }
            if debuggee.memory.read(range).is_empty() {
                let why = "there is no memory".into();
                return Err(TargetError::Trap { at: trap.address, why });
            }
        }
        let mut book = self.book.clone();
        book.apply(&delta);
        for debuggee in &self.debuggees {
            let traps: Vec<_> = book
                .traps_in(debuggee.pid)
                .map(|trap| (trap.address, trap.kind))
                .collect();
            if let Some((at, why)) = hardware_refusal(&traps) {
                return Err(TargetError::Trap { at, why });
            }
        }
        self.book = book;
        self.generation = delta.generation;
        Ok(Resumed {
            generation: self.generation,
        })
    }

    fn detach(&mut self, order: DetachOrder) -> Result<Nothing> {
        self.debugged(order.process)?;
        self.book.forget(order.process);
        self.debuggees.retain(|debuggee| debuggee.pid != order.process);
        self.turn = 0;
        Ok(Nothing {})
    }

    fn terminate(&mut self, order: ProcessRef) -> Result<Nothing> {
        let debuggee = self.debugged(order.process)?;
        if debuggee.is_held() {
            return Err(noninvasive(debuggee));
        }
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
        changes::allocate(&mut self.stopped(request.process)?.memory, request)
    }

    fn free(&mut self, order: Allocation) -> Result<Nothing> {
        changes::free(&mut self.stopped(order.process)?.memory, order)
    }

    fn change_suspend_counts(&mut self, order: SuspendOrder) -> Result<SuspendCounts> {
        let debuggee = self.stopped(order.process)?;
        let mut counts = Vec::new();
        for tid in wanted(debuggee, &order.threads) {
            let thread = debuggee.thread_mut(tid).ok_or(TargetError::NoSuchThread { tid })?;
            thread.suspended = thread.suspended.saturating_add_signed(order.change);
            counts.push((tid, thread.suspended));
        }
        Ok(SuspendCounts { counts })
    }

    fn describe_threads(&mut self, request: ThreadsRequest) -> Result<ThreadDetails> {
        let debuggee = self.debugged(request.process)?;
        let threads = wanted(debuggee, &request.threads);
        let state = if debuggee.state == State::Running { 'R' } else { 't' };
        let threads = threads.into_iter().filter_map(|tid| debuggee.thread(tid));
        let threads = threads.map(|thread| ThreadDetail {
            tid: thread.tid(),
            started: BEGAN,
            user: 1_250_000,
            kernel: 750_000,
            state,
            processor: 0,
            nice: 0,
            suspended: thread.suspended,
            start: Some(thread.start),
        });
        Ok(ThreadDetails {
            threads: threads.collect(),
        })
    }

    fn describe_process(&mut self, order: ProcessRef) -> Result<ProcessParameters> {
        const PAGE_SIZE: u64 = 6;
        const ENTRY: u64 = 9;
        let debuggee = self.debugged(order.process)?;
        let (path, entry) = (debuggee.program.image.path.clone(), debuggee.program.image.entry);
        Ok(ProcessParameters {
            auxiliary: vec![(PAGE_SIZE, 4096), (ENTRY, entry.map_or(0, |entry| entry.0)), (0, 0)],
            environment: vec!["HOME=/home/toy".into(), "PATH=/usr/bin:/bin".into()],
            arguments: vec![path.clone()],
            directory: Some("/opt/toy".into()),
            executable: Some(path),
            parent: debuggee.parent,
            started: BEGAN,
            user: 2_500_000,
            kernel: 1_500_000,
            now: NOW,
            uptime: 86_400_000_000,
        })
    }

    fn threads(&mut self, order: ProcessRef) -> Result<ThreadList> {
        let debuggee = self.debugged(order.process)?;
        let threads = debuggee.threads.iter().map(|thread| thread.record.clone()).collect();
        Ok(ThreadList { threads })
    }

    fn images(&mut self, order: ProcessRef) -> Result<ImageList> {
        Ok(ImageList {
            images: self.debugged(order.process)?.images(),
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
            offset: match region.path.is_empty() || region.start >= toy::END {
                true => 0,
                false => region.start - toy::BASE,
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
        let debuggee = self.debugged(request.process)?;
        if debuggee.mode == AttachMode::NoninvasiveNoSuspend {
            return Err(noninvasive(debuggee));
        }
        let length = debuggee.memory.write(request.address, &request.bytes);
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
        let no_suspend = debuggee.mode == AttachMode::NoninvasiveNoSuspend;
        let one = |tid: &OsTid| {
            let mut registers = debuggee.thread(*tid)?.registers.clone();
            if no_suspend {
                // Only where a sleeping thread is can be seen of it.
                let (pc, sp) = (registers.pc(), registers.sp());
                registers = Registers::zeroed(Architecture::Amd64);
                registers.set_pc(pc);
                registers.set_by_name("rsp", sp.0);
            }
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
        let debuggee = self.stopped(request.process)?;
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

/// The threads that a request is about, in its order; all where it names none.
fn wanted(debuggee: &Debuggee, threads: &[OsTid]) -> Vec<OsTid> {
    match threads.is_empty() {
        true => debuggee.threads.iter().map(|thread| thread.tid()).collect(),
        false => threads.to_vec(),
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
        let machine = self.machine.clone();
        let debuggee = self.debugged(request.process)?;
        let program = std::sync::Arc::clone(&debuggee.program);
        if request.path != program.image.path {
            return Err(TargetError::File {
                path: request.path,
                machine,
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
                .and_then(|offset| program.file.get(offset..));
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
