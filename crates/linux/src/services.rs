//! The service tables over this machine.

use farsight_target::{
    AbandonOrder, Acquire, Acquired, AllocateRequest, Allocation, AttachMode, AttachSpec, DetachOrder, EndServerOrder,
    FileFetch, FilePart, FilePiece, Files, FillRequest, ImageList, LaunchSpec, Look, LossPolicy, MOST_BYTES, Machine,
    MachineDescription, NameQuery, ProcessList, ProcessOptions, ProcessParameters, ProcessQuery, ProcessRef,
    ReadFileRequest, ReadReply, ReadRequest, Region, RegionList, RegistersReply, RegistersRequest, ResumePlan, Resumed,
    Run, SearchReply, SearchRequest, SetRegistersRequest, StacksReply, StacksRequest, SuspendCounts, SuspendOrder,
    TargetError, TerminalInput, TerminalSize, ThreadDetails, ThreadList, ThreadsRequest, TrapUpdate, WriteReply,
    WriteRequest,
};
use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, channel};

use farsight_types::OsPid;
use farsight_wire::Nothing;

use crate::memory::ProcessMemory;
use crate::tracer::{BreakIn, Events, Tracer, TracerCaller, TracerHandle};
use crate::{details, images, inventory, procfs, search, transfer};

/// One session's services: its debuggees, and the machine they are on.
pub struct LinuxServices {
    tracer: TracerHandle,
    transfers: transfer::Transfers,
    machine: String,
    product: String,
    server: Box<dyn Server>,
}

/// What a session asks of the server around it.
pub trait Server: Send {
    /// Asks whoever listens for clients to end; where only an unused server is to end, says who uses it.
    fn end(&self, only_unused: bool) -> Result<(), Vec<String>>;

    /// Lets other sessions ask for abandoned debuggees from now on.
    fn open_door(&self, door: Door) -> std::io::Result<()>;

    /// Asks the session process `holder` for a debuggee that it keeps; the error says why it is not to be had, none where
    /// no session process answers under that number.
    fn ask_holder(&self, holder: OsPid, process: OsPid) -> Result<(), Option<String>>;
}

/// Where abandoned debuggees are handed over; can be given to any thread.
#[derive(Clone)]
pub struct Door(TracerCaller);

impl Door {
    /// Lets go of an abandoned debuggee, which stays stopped.
    pub fn hand_over(&self, process: OsPid) -> Result<(), TargetError> {
        self.0.call(move |tracer| {
            tracer.hand_over(process)?;
            tracer.owe_answer();
            Ok(())
        })
    }

    /// Whoever asked has been answered: with nothing left to keep, the session process may end.
    pub fn answered(&self) {
        let _ = self.0.call(|tracer| {
            tracer.give_answer();
            Ok(())
        });
    }
}

impl LinuxServices {
    /// Starts a session without debuggees. `events` is called from other threads; `product` is for
    /// [`Machine::describe`].
    pub fn start(product: &str, events: Arc<dyn Events>, server: Box<dyn Server>) -> std::io::Result<LinuxServices> {
        let machine = inventory::machine_name();
        Ok(LinuxServices {
            tracer: TracerHandle::start(machine.clone(), events)?,
            transfers: transfer::Transfers::default(),
            machine,
            product: product.to_owned(),
            server,
        })
    }

    /// What an urgent break-in rings.
    pub fn break_in(&self) -> BreakIn {
        self.tracer.break_in()
    }

    /// The client or the server is gone: lets go of every debuggee by the policy.
    pub fn let_go(&mut self) {
        self.transfers.clear();
        let _ = self.tracer.call(|tracer| {
            tracer.let_go_of_all();
            Ok(())
        });
    }

    /// Waits until other sessions have taken over what was abandoned, then ends the tracer; `keeps` is called before a wait.
    pub fn end(mut self, keeps: impl FnOnce()) {
        let (waiting, done) = channel();
        let asked = self.tracer.call(move |tracer| {
            tracer.when_nothing_is_kept(waiting);
            Ok(())
        });
        // It only ever ends by being dropped.
        if asked.is_ok() && done.try_recv() == Err(TryRecvError::Empty) {
            keeps();
            let _ = done.recv();
        }
        self.tracer.finish();
    }

    /// Gets an abandoned debuggee out of the hands of the session that keeps it.
    fn ask_for(&self, process: OsPid) -> Result<(), TargetError> {
        let tracer = procfs::status(process.0).ok().and_then(|status| status.tracer);
        let Some(holder) = tracer.map(procfs::process_of) else {
            return Ok(());
        };
        if holder.0 == std::process::id() {
            return self.tracer.call(move |tracer| tracer.hand_over(process));
        }
        match self.server.ask_holder(holder, process) {
            Ok(()) => Ok(()),
            Err(Some(why)) => Err(TargetError::Invalid {
                why: format!(
                    "process {process} on {} is held by session process {holder}: {why}",
                    self.machine
                ),
            }),
            // Attaching says who holds it.
            Err(None) => Ok(()),
        }
    }

    fn check_size(&self, sizes: impl Iterator<Item = u64>) -> Result<(), TargetError> {
        let total = sizes.fold(0u64, u64::saturating_add);
        if total > MOST_BYTES {
            return Err(TargetError::Invalid {
                why: format!("one request reads at most {MOST_BYTES} bytes, not {total}"),
            });
        }
        Ok(())
    }

    /// The memory of a process that may be changed.
    fn memory_to_change(&self, pid: OsPid) -> Result<Arc<ProcessMemory>, TargetError> {
        let memory = self.tracer.shared.memory(pid)?;
        if !memory.changes {
            self.tracer.call(move |tracer| tracer.debugged(pid))?;
        }
        Ok(memory)
    }

    fn mappings(&self, pid: OsPid) -> Result<Vec<procfs::Mapping>, TargetError> {
        procfs::mappings(pid).map_err(|_| TargetError::Ended { pid })
    }

    fn terminal_failure(&self, error: std::io::Error) -> TargetError {
        TargetError::System {
            operation: "writing to the program's terminal".into(),
            machine: self.machine.clone(),
            why: error.to_string(),
        }
    }
}

impl Machine for LinuxServices {
    fn describe(&mut self, _: Nothing) -> Result<MachineDescription, TargetError> {
        Ok(inventory::describe(&self.product))
    }

    fn list_processes(&mut self, query: ProcessQuery) -> Result<ProcessList, TargetError> {
        inventory::list(&query, &self.machine).map(|processes| ProcessList { processes })
    }

    fn find_by_name(&mut self, query: NameQuery) -> Result<ProcessRef, TargetError> {
        inventory::find_by_name(&query, &self.machine).map(|process| ProcessRef { process })
    }

    fn end_server(&mut self, order: EndServerOrder) -> Result<Nothing, TargetError> {
        let ended = self.server.end(order.only_unused == Some(true));
        ended.map(|()| Nothing {}).map_err(|holders| TargetError::InUse {
            machine: self.machine.clone(),
            holders,
        })
    }
}

impl Acquire for LinuxServices {
    fn launch(&mut self, spec: LaunchSpec) -> Result<Acquired, TargetError> {
        self.tracer.call(move |tracer| tracer.launch(spec))
    }

    fn attach(&mut self, spec: AttachSpec) -> Result<Acquired, TargetError> {
        if spec.mode == Some(AttachMode::Existing) {
            self.ask_for(spec.process)?;
        }
        self.tracer.call(move |tracer| tracer.attach(&spec))
    }
}

impl Run for LinuxServices {
    fn resume(&mut self, plan: ResumePlan) -> Result<Resumed, TargetError> {
        self.tracer.call(move |tracer| tracer.resume(plan))
    }

    fn update_traps(&mut self, update: TrapUpdate) -> Result<Resumed, TargetError> {
        self.tracer.call(move |tracer| {
            let generation = tracer.change_traps(&update.traps)?;
            Ok(Resumed { generation })
        })
    }

    fn detach(&mut self, order: DetachOrder) -> Result<Nothing, TargetError> {
        self.tracer
            .call(move |tracer| tracer.detach(order.process, order.signal))?;
        Ok(Nothing {})
    }

    fn terminate(&mut self, process: ProcessRef) -> Result<Nothing, TargetError> {
        self.tracer.call(move |tracer| tracer.terminate(process.process))?;
        Ok(Nothing {})
    }

    fn set_loss_policy(&mut self, policy: LossPolicy) -> Result<Nothing, TargetError> {
        self.tracer.call(move |tracer| {
            tracer.set_loss_policy(policy);
            Ok(Nothing {})
        })
    }

    fn abandon(&mut self, order: AbandonOrder) -> Result<Nothing, TargetError> {
        if !order.release {
            // First the door, so that nothing is ever kept behind none.
            let opened = self.server.open_door(Door(self.tracer.caller()));
            opened.map_err(|error| TargetError::System {
                operation: "opening a socket for those who take over".into(),
                machine: self.machine.clone(),
                why: error.to_string(),
            })?;
        }
        self.tracer
            .call(move |tracer| tracer.abandon(order.process, order.release))?;
        Ok(Nothing {})
    }

    fn set_process_options(&mut self, options: ProcessOptions) -> Result<Nothing, TargetError> {
        self.tracer
            .call(move |tracer| tracer.set_children(options.process, options.children))?;
        Ok(Nothing {})
    }
}

impl Look for LinuxServices {
    fn threads(&mut self, process: ProcessRef) -> Result<ThreadList, TargetError> {
        let threads = self.tracer.call(move |tracer| tracer.thread_list(process.process))?;
        Ok(ThreadList { threads })
    }

    fn images(&mut self, process: ProcessRef) -> Result<ImageList, TargetError> {
        let images = self.tracer.call(move |tracer| tracer.image_list(process.process))?;
        Ok(ImageList { images })
    }

    fn regions(&mut self, process: ProcessRef) -> Result<RegionList, TargetError> {
        self.tracer.shared.memory(process.process)?;
        let regions = self.mappings(process.process)?.into_iter().map(|mapping| Region {
            range: mapping.range,
            read: mapping.read,
            write: mapping.write,
            execute: mapping.execute,
            shared: mapping.shared,
            path: mapping.path,
            offset: mapping.offset,
        });
        Ok(RegionList {
            regions: regions.collect(),
        })
    }

    fn read(&mut self, request: ReadRequest) -> Result<ReadReply, TargetError> {
        self.check_size(request.ranges.iter().map(|range| range.length))?;
        let memory = self.tracer.shared.memory(request.process)?;
        let mut reply = ReadReply::default();
        for range in &request.ranges {
            let start = reply.bytes.len();
            reply.bytes.resize(start + range.length as usize, 0);
            let read = memory.read_into(range.start, &mut reply.bytes[start..]);
            reply.bytes.truncate(start + read);
            reply.lengths.push(read as u64);
        }
        Ok(reply)
    }

    fn write(&mut self, request: WriteRequest) -> Result<WriteReply, TargetError> {
        let memory = self.memory_to_change(request.process)?;
        let written = memory.write(request.address, &request.bytes) as u64;
        if written == 0 && !request.bytes.is_empty() {
            return Err(TargetError::Unwritable { at: request.address });
        }
        Ok(WriteReply { length: written })
    }

    fn search(&mut self, request: SearchRequest) -> Result<SearchReply, TargetError> {
        let memory = self.tracer.shared.memory(request.process)?;
        search::search(&memory, &self.mappings(request.process)?, &request)
    }

    fn registers(&mut self, request: RegistersRequest) -> Result<RegistersReply, TargetError> {
        self.tracer.call(move |tracer| tracer.registers_of(&request))
    }

    fn set_registers(&mut self, request: SetRegistersRequest) -> Result<Nothing, TargetError> {
        self.tracer.call(move |tracer| tracer.set_registers_of(&request))?;
        Ok(Nothing {})
    }

    fn stacks(&mut self, request: StacksRequest) -> Result<StacksReply, TargetError> {
        self.tracer.call(move |tracer| tracer.stacks_of(&request))
    }

    fn fill(&mut self, request: FillRequest) -> Result<WriteReply, TargetError> {
        let memory = self.memory_to_change(request.process)?;
        let length = memory.fill(request.range, &request.pattern)?;
        Ok(WriteReply { length })
    }

    fn allocate(&mut self, request: AllocateRequest) -> Result<Allocation, TargetError> {
        self.tracer.call(move |tracer| {
            tracer.debugged(request.process)?;
            tracer.allocate(&request)
        })
    }

    fn free(&mut self, order: Allocation) -> Result<Nothing, TargetError> {
        self.tracer.call(move |tracer| {
            tracer.debugged(order.process)?;
            tracer.free(&order)
        })?;
        Ok(Nothing {})
    }

    fn change_suspend_counts(&mut self, order: SuspendOrder) -> Result<SuspendCounts, TargetError> {
        self.tracer.call(move |tracer| {
            tracer.debugged(order.process)?;
            tracer.change_suspend_counts(&order)
        })
    }

    fn describe_threads(&mut self, request: ThreadsRequest) -> Result<ThreadDetails, TargetError> {
        let pid = request.process;
        let known = move |tracer: &mut Tracer| tracer.known_threads(pid, &request.threads);
        let threads = details::threads(pid, &self.tracer.call(known)?);
        Ok(ThreadDetails { threads })
    }

    fn describe_process(&mut self, process: ProcessRef) -> Result<ProcessParameters, TargetError> {
        self.tracer.shared.memory(process.process)?;
        details::process(process.process)
    }
}

impl Files for LinuxServices {
    fn read_file(&mut self, request: ReadFileRequest) -> Result<ReadReply, TargetError> {
        self.check_size(request.ranges.iter().map(|range| range.length))?;
        let (pid, path) = (request.process, request.path.clone());
        let refused = |why: String| TargetError::File {
            path: request.path.clone(),
            machine: self.machine.clone(),
            why,
        };
        if !self.tracer.call(move |tracer| tracer.reported_image(pid, &path))? {
            return Err(refused(
                "only files of images that this session was told of can be read".into(),
            ));
        }
        let file = images::open_image(pid, &request.path).map_err(|error| refused(error.to_string()))?;
        let mut reply = ReadReply::default();
        for range in &request.ranges {
            let bytes = images::read_file(&file, range.offset.0, range.length as usize);
            reply.lengths.push(bytes.len() as u64);
            reply.bytes.extend_from_slice(&bytes);
        }
        Ok(reply)
    }

    fn type_in(&mut self, input: TerminalInput) -> Result<Nothing, TargetError> {
        let terminal = self.tracer.call(move |tracer| tracer.terminal_of(input.process))?;
        let typed = terminal.type_in(&input.bytes, input.end);
        typed.map_err(|error| self.terminal_failure(error))?;
        Ok(Nothing {})
    }

    fn resize_terminal(&mut self, size: TerminalSize) -> Result<Nothing, TargetError> {
        let terminal = self.tracer.call(move |tracer| tracer.terminal_of(size.process))?;
        terminal
            .resize(size.size)
            .map_err(|error| self.terminal_failure(error))?;
        Ok(Nothing {})
    }

    fn write_file(&mut self, part: FilePart) -> Result<Nothing, TargetError> {
        self.transfers.take(part, &self.machine)?;
        Ok(Nothing {})
    }

    fn fetch_file(&mut self, order: FileFetch) -> Result<FilePiece, TargetError> {
        transfer::fetch(&order, &self.machine)
    }
}
