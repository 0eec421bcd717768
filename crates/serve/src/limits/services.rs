//! The target services below a server's limits: every operation decides, and none can be forgotten, for each is a method here.

use farsight_linux::LinuxServices;
use farsight_target::{
    AbandonOrder, Acquire, Acquired, AllocateRequest, Allocation, AttachMode, AttachSpec, ChildPolicy, DetachOrder,
    EndServerOrder, FileFetch, FilePart, FilePiece, Files, FillRequest, ImageList, LaunchSpec, LettingGo, Look,
    LossPolicy, Machine, MachineDescription, NameQuery, ProcessDescription, ProcessList, ProcessOptions,
    ProcessParameters, ProcessQuery, ProcessRef, ReadFileRequest, ReadReply, ReadRequest, RegionList, RegistersReply,
    RegistersRequest, ResumePlan, Resumed, Run, SearchReply, SearchRequest, SetRegistersRequest, SignalOrder,
    StacksReply, StacksRequest, SuspendCounts, SuspendOrder, TargetError, TerminalInput, TerminalSize, ThreadDetails,
    ThreadList, ThreadsRequest, TrapUpdate, WriteReply, WriteRequest,
};
use farsight_types::OsPid;
use farsight_wire::Nothing;

use super::ServerLimits;

/// Services that do no more than they may.
pub(crate) struct Limited {
    pub(crate) services: LinuxServices,
    pub(crate) limits: ServerLimits,
    pub(crate) machine: String,
}

const ATTACH_ONLY: &str = "-attach-only";
const READ_ONLY: &str = "-readonly";
const ONLY: &str = "-only";

type Done<T> = Result<T, TargetError>;

impl Limited {
    fn refused<T>(&self, what: &str, limit: &str, cure: &str) -> Done<T> {
        Err(TargetError::Limited {
            what: what.to_owned(),
            machine: self.machine.clone(),
            limit: limit.to_owned(),
            cure: cure.to_owned(),
        })
    }

    /// For what changes a process that is debugged, or sets it going.
    fn may_change(&self, what: &str) -> Done<()> {
        match self.limits.read_only {
            true => self.refused(what, READ_ONLY, "a server without it does this"),
            false => Ok(()),
        }
    }

    fn may_launch(&self) -> Done<()> {
        let limits = [
            (self.limits.attach_only, ATTACH_ONLY),
            (self.limits.read_only, READ_ONLY),
            (!self.limits.only.is_empty(), ONLY),
        ];
        match limits.iter().find(|(given, _)| *given) {
            Some((_, limit)) => self.refused("starting a program", limit, "start it by hand there and attach to it"),
            None => Ok(()),
        }
    }

    fn may_see(&self, process: OsPid) -> Done<()> {
        match self.limits.allows(process) {
            true => Ok(()),
            false => self.refused(
                &format!("looking at process {process}"),
                ONLY,
                ".tlist shows those that it lets debug; start dbgsrv with another -only for others",
            ),
        }
    }

    fn may_follow(&self, children: Option<ChildPolicy>) -> Done<()> {
        let follows = children == Some(ChildPolicy::Follow);
        if follows && !self.limits.only.is_empty() && !self.limits.children {
            return self.refused(
                "following the processes it makes",
                ONLY,
                "start dbgsrv with -children as well",
            );
        }
        if follows && self.limits.read_only {
            return self.refused(
                "following the processes it makes",
                READ_ONLY,
                "a server without it does this",
            );
        }
        Ok(())
    }
}

impl Machine for Limited {
    fn describe(&mut self, request: Nothing) -> Done<MachineDescription> {
        self.services.describe(request)
    }

    /// What may not be debugged is not seen either.
    fn list_processes(&mut self, query: ProcessQuery) -> Done<ProcessList> {
        if let Some(pid) = query.pid {
            self.may_see(pid)?;
        }
        let mut list = self.services.list_processes(query)?;
        list.processes.retain(|process| self.limits.allows(process.pid));
        Ok(list)
    }

    fn find_by_name(&mut self, query: NameQuery) -> Done<ProcessRef> {
        if self.limits.only.is_empty() {
            return self.services.find_by_name(query);
        }
        // Among those that may be seen, so that others are not told apart from none.
        let all = self.list_processes(ProcessQuery::default())?.processes;
        let has_name = |process: &&ProcessDescription| match query.name.contains('/') {
            true => process.path.as_deref() == Some(query.name.as_str()),
            false => process.name == query.name && process.state != 'Z',
        };
        let machine = self.machine.clone();
        let found: Vec<OsPid> = all.iter().filter(has_name).map(|process| process.pid).collect();
        match found.as_slice() {
            [process] => Ok(ProcessRef { process: *process }),
            [] => Err(TargetError::NoSuchName {
                name: query.name,
                machine,
            }),
            _ => Err(TargetError::Ambiguous {
                name: query.name,
                candidates: found,
                machine,
            }),
        }
    }

    fn end_server(&mut self, order: EndServerOrder) -> Done<Nothing> {
        self.may_change("ending the server")?;
        self.services.end_server(order)
    }
}

impl Acquire for Limited {
    fn launch(&mut self, spec: LaunchSpec) -> Done<Acquired> {
        self.may_launch()?;
        self.services.launch(spec)
    }

    fn attach(&mut self, spec: AttachSpec) -> Done<Acquired> {
        if spec.start.is_some() {
            self.may_launch()?;
        }
        self.may_see(spec.process)?;
        self.may_follow(spec.children)?;
        if self.limits.read_only && spec.mode != Some(AttachMode::NoninvasiveNoSuspend) {
            return self.refused(
                "stopping or debugging a process",
                READ_ONLY,
                "look at it while it runs: farsight -pvr, .attach -vr",
            );
        }
        let acquired = self.services.attach(spec)?;
        // The number may have got a new owner between the look and the attaching.
        match self.may_see(acquired.process) {
            Ok(()) => Ok(acquired),
            Err(refused) => {
                let order = DetachOrder {
                    process: acquired.process,
                    signal: SignalOrder::Deliver,
                };
                self.services.detach(order)?;
                Err(refused)
            }
        }
    }
}

impl Run for Limited {
    fn resume(&mut self, plan: ResumePlan) -> Done<Resumed> {
        self.may_change("setting a process going")?;
        self.services.resume(plan)
    }

    fn update_traps(&mut self, update: TrapUpdate) -> Done<Resumed> {
        self.may_change("planting breakpoints")?;
        self.services.update_traps(update)
    }

    fn detach(&mut self, order: DetachOrder) -> Done<Nothing> {
        self.services.detach(order)
    }

    fn terminate(&mut self, process: ProcessRef) -> Done<Nothing> {
        self.may_change("killing a process")?;
        self.services.terminate(process)
    }

    fn set_loss_policy(&mut self, policy: LossPolicy) -> Done<Nothing> {
        if policy.attached != LettingGo::Detach {
            self.may_change("having processes killed when the connection is lost")?;
        }
        self.services.set_loss_policy(policy)
    }

    fn abandon(&mut self, order: AbandonOrder) -> Done<Nothing> {
        self.may_change("leaving a process stopped")?;
        self.services.abandon(order)
    }

    fn set_process_options(&mut self, options: ProcessOptions) -> Done<Nothing> {
        self.may_follow(Some(options.children))?;
        self.may_change("changing how a process is treated")?;
        self.services.set_process_options(options)
    }
}

/// Processes that the session does not have are refused below; those that it has, it may see.
impl Look for Limited {
    fn threads(&mut self, process: ProcessRef) -> Done<ThreadList> {
        self.services.threads(process)
    }

    fn images(&mut self, process: ProcessRef) -> Done<ImageList> {
        self.services.images(process)
    }

    fn regions(&mut self, process: ProcessRef) -> Done<RegionList> {
        self.services.regions(process)
    }

    fn read(&mut self, request: ReadRequest) -> Done<ReadReply> {
        self.services.read(request)
    }

    fn write(&mut self, request: WriteRequest) -> Done<WriteReply> {
        self.may_change("writing memory")?;
        self.services.write(request)
    }

    fn search(&mut self, request: SearchRequest) -> Done<SearchReply> {
        self.services.search(request)
    }

    fn registers(&mut self, request: RegistersRequest) -> Done<RegistersReply> {
        self.services.registers(request)
    }

    fn set_registers(&mut self, request: SetRegistersRequest) -> Done<Nothing> {
        self.may_change("setting registers")?;
        self.services.set_registers(request)
    }

    fn stacks(&mut self, request: StacksRequest) -> Done<StacksReply> {
        self.services.stacks(request)
    }

    fn fill(&mut self, request: FillRequest) -> Done<WriteReply> {
        self.may_change("writing memory")?;
        self.services.fill(request)
    }

    fn allocate(&mut self, request: AllocateRequest) -> Done<Allocation> {
        self.may_change("allocating memory")?;
        self.services.allocate(request)
    }

    fn free(&mut self, order: Allocation) -> Done<Nothing> {
        self.may_change("freeing memory")?;
        self.services.free(order)
    }

    fn change_suspend_counts(&mut self, order: SuspendOrder) -> Done<SuspendCounts> {
        self.may_change("suspending threads")?;
        self.services.change_suspend_counts(order)
    }

    fn describe_threads(&mut self, request: ThreadsRequest) -> Done<ThreadDetails> {
        self.services.describe_threads(request)
    }

    fn describe_process(&mut self, process: ProcessRef) -> Done<ProcessParameters> {
        self.services.describe_process(process)
    }
}

impl Files for Limited {
    /// Files of images of the session's own processes, and no others.
    fn read_file(&mut self, request: ReadFileRequest) -> Done<ReadReply> {
        self.services.read_file(request)
    }

    fn type_in(&mut self, input: TerminalInput) -> Done<Nothing> {
        self.may_change("typing into a program's terminal")?;
        self.services.type_in(input)
    }

    fn resize_terminal(&mut self, size: TerminalSize) -> Done<Nothing> {
        self.may_change("resizing a program's terminal")?;
        self.services.resize_terminal(size)
    }

    fn write_file(&mut self, part: FilePart) -> Done<Nothing> {
        let limits = [
            (self.limits.attach_only, ATTACH_ONLY),
            (self.limits.read_only, READ_ONLY),
            (!self.limits.only.is_empty(), ONLY),
        ];
        match limits.iter().find(|(given, _)| *given) {
            Some((_, limit)) => self.refused("writing a file", limit, "copy it another way, such as scp"),
            None => self.services.write_file(part),
        }
    }

    fn fetch_file(&mut self, fetch: FileFetch) -> Done<FilePiece> {
        let limits = [(self.limits.read_only, READ_ONLY), (!self.limits.only.is_empty(), ONLY)];
        match limits.iter().find(|(given, _)| *given) {
            Some((_, limit)) => self.refused("reading any file but images of the processes", limit, "use scp"),
            None => self.services.fetch_file(fetch),
        }
    }
}
