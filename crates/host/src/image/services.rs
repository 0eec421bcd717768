//! What an image file answers to the requests of target services.

use farsight_symbols::{Image as _, ImageFile};
use farsight_target::*;
use farsight_types::{Address, AddressRange, Architecture, OperatingSystem, OsPid, OsTid, Registers, Rva};
use farsight_wire::Nothing;

use super::IMAGE_PROCESS;

/// What stands where other targets have their machine's name.
pub(super) const MACHINE: &str = "an image file";
const THREAD: OsTid = OsTid(1);

type Result<T> = std::result::Result<T, TargetError>;

/// One image that is mapped where it was linked to.
pub(super) struct ImageTarget {
    path: String,
    file: ImageFile,
    stop: Option<Stop>,
}

fn refused<T>(what: &str) -> Result<T> {
    Err(TargetError::System {
        operation: what.into(),
        machine: MACHINE.into(),
        why: "an image file does not run; start the program itself for that".into(),
    })
}

impl ImageTarget {
    pub(super) fn new(path: String, file: ImageFile) -> ImageTarget {
        ImageTarget { path, file, stop: None }
    }

    /// The stop that the last request led to.
    pub(super) fn take_stop(&mut self) -> Option<Stop> {
        self.stop.take()
    }

    fn image(&self) -> Image {
        let layout = self.file.layout();
        Image {
            base: Address(layout.link_base.0),
            size: layout.size,
            bias: 0,
            path: self.path.clone(),
            build_id: layout.build_id.clone(),
            debug_link: layout.debug_link.as_ref().map(|link| link.name.clone()),
            debug_link_crc: layout.debug_link.as_ref().map(|link| link.crc),
            sections: Vec::new(),
            is_program: true,
            entry: layout.entry.map(|entry| Address(entry.0)),
            file_size: Some(self.file.bytes().len() as u64),
        }
    }

    fn thread(&self) -> ThreadRecord {
        ThreadRecord {
            tid: THREAD,
            name: "image".into(),
        }
    }

    /// The program counter at the entry, everything else zero.
    fn at_entry(&self) -> Registers {
        let mut registers = Registers::zeroed(Architecture::Amd64);
        let layout = self.file.layout();
        registers.set_pc(Address(layout.entry.unwrap_or(layout.link_base).0));
        registers
    }

    fn bytes(&self, range: AddressRange) -> Vec<u8> {
        let length = usize::try_from(range.length.min(MOST_BYTES)).unwrap_or(0);
        self.file.bytes_at(Rva(range.start.0), length).to_vec()
    }

    fn is_it(&self, process: OsPid) -> Result<()> {
        match process == IMAGE_PROCESS {
            true => Ok(()),
            false => Err(TargetError::NotDebugged { pid: process }),
        }
    }

    fn process(&self) -> ProcessDescription {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        ProcessDescription {
            pid: IMAGE_PROCESS,
            name: name.into(),
            path: Some(self.path.clone()),
            command_line: Vec::new(),
            user: 0,
            parent: OsPid(0),
            threads: 1,
            tracer: None,
            state: 't',
        }
    }
}

impl Machine for ImageTarget {
    fn describe(&mut self, _: Nothing) -> Result<MachineDescription> {
        Ok(MachineDescription {
            name: MACHINE.into(),
            system: OperatingSystem::Linux,
            release: String::new(),
            architecture: Architecture::Amd64,
            processors: 1,
            page_size: 4096,
            user: 0,
            server_pid: OsPid(0),
            product: MACHINE.into(),
        })
    }

    fn list_processes(&mut self, _: ProcessQuery) -> Result<ProcessList> {
        Ok(ProcessList {
            processes: vec![self.process()],
        })
    }

    fn find_by_name(&mut self, query: NameQuery) -> Result<ProcessRef> {
        let process = self.process();
        match query.name == process.name || query.name == self.path {
            true => Ok(ProcessRef { process: IMAGE_PROCESS }),
            false => Err(TargetError::NoSuchName {
                name: query.name,
                machine: MACHINE.into(),
            }),
        }
    }

    fn end_server(&mut self, _: EndServerOrder) -> Result<Nothing> {
        refused("ending the server")
    }
}

impl Acquire for ImageTarget {
    fn launch(&mut self, _: LaunchSpec) -> Result<Acquired> {
        refused("starting a program")
    }

    fn attach(&mut self, spec: AttachSpec) -> Result<Acquired> {
        if spec.process != IMAGE_PROCESS {
            let machine = MACHINE.into();
            return Err(TargetError::NoSuchProcess {
                pid: spec.process,
                machine,
            });
        }
        self.stop = Some(Stop {
            number: 1,
            process: IMAGE_PROCESS,
            thread: THREAD,
            cause: StopCause::Attached,
            registers: Some(self.at_entry()),
            memory: Vec::new(),
            bytes: Vec::new(),
            threads: ThreadDelta {
                started: vec![self.thread()],
                ended: Vec::new(),
            },
            images: ImageDelta {
                replaced: false,
                loaded: vec![self.image()],
                unloaded: Vec::new(),
            },
            hits: Vec::new(),
            family: None,
            marks: None,
        });
        Ok(Acquired {
            process: IMAGE_PROCESS,
            path: self.path.clone(),
            machine: MACHINE.into(),
        })
    }
}

impl Run for ImageTarget {
    fn resume(&mut self, _: ResumePlan) -> Result<Resumed> {
        refused("running")
    }

    fn update_traps(&mut self, _: TrapUpdate) -> Result<Resumed> {
        refused("planting traps")
    }

    fn detach(&mut self, order: DetachOrder) -> Result<Nothing> {
        self.is_it(order.process).map(|()| Nothing {})
    }

    fn terminate(&mut self, order: ProcessRef) -> Result<Nothing> {
        self.is_it(order.process).map(|()| Nothing {})
    }

    fn set_loss_policy(&mut self, _: LossPolicy) -> Result<Nothing> {
        Ok(Nothing {})
    }

    fn abandon(&mut self, _: AbandonOrder) -> Result<Nothing> {
        refused("abandoning")
    }

    fn set_process_options(&mut self, _: ProcessOptions) -> Result<Nothing> {
        Ok(Nothing {})
    }
}

impl Look for ImageTarget {
    fn threads(&mut self, order: ProcessRef) -> Result<ThreadList> {
        self.is_it(order.process)?;
        Ok(ThreadList {
            threads: vec![self.thread()],
        })
    }

    fn images(&mut self, order: ProcessRef) -> Result<ImageList> {
        self.is_it(order.process)?;
        Ok(ImageList {
            images: vec![self.image()],
        })
    }

    fn regions(&mut self, order: ProcessRef) -> Result<RegionList> {
        self.is_it(order.process)?;
        let layout = self.file.layout();
        let regions = layout.segments.iter().map(|segment| Region {
            range: AddressRange::new(Address(segment.address.0), segment.file_size),
            read: true,
            write: false,
            execute: false,
            shared: false,
            path: self.path.clone(),
            offset: segment.file_offset,
        });
        Ok(RegionList {
            regions: regions.collect(),
        })
    }

    fn read(&mut self, request: ReadRequest) -> Result<ReadReply> {
        self.is_it(request.process)?;
        let mut reply = ReadReply::default();
        for range in request.ranges {
            let bytes = self.bytes(range);
            if (reply.bytes.len() + bytes.len()) as u64 > MOST_BYTES {
                let why = "too many bytes in one request".into();
                return Err(TargetError::Invalid { why });
            }
            reply.lengths.push(bytes.len() as u64);
            reply.bytes.extend(bytes);
        }
        Ok(reply)
    }

    fn write(&mut self, _: WriteRequest) -> Result<WriteReply> {
        refused("writing memory")
    }

    fn search(&mut self, _: SearchRequest) -> Result<SearchReply> {
        refused("searching memory")
    }

    fn registers(&mut self, request: RegistersRequest) -> Result<RegistersReply> {
        self.is_it(request.process)?;
        let of = |tid: &OsTid| (*tid == THREAD).then(|| self.at_entry());
        Ok(RegistersReply {
            registers: request.threads.iter().map(of).collect(),
        })
    }

    fn set_registers(&mut self, _: SetRegistersRequest) -> Result<Nothing> {
        refused("changing registers")
    }

    fn stacks(&mut self, request: StacksRequest) -> Result<StacksReply> {
        self.is_it(request.process)?;
        Ok(StacksReply {
            threads: Vec::new(),
            bytes: Vec::new(),
        })
    }

    fn fill(&mut self, _: FillRequest) -> Result<WriteReply> {
        refused("writing memory")
    }

    fn allocate(&mut self, _: AllocateRequest) -> Result<Allocation> {
        refused("allocating memory")
    }

    fn free(&mut self, _: Allocation) -> Result<Nothing> {
        refused("freeing memory")
    }

    fn change_suspend_counts(&mut self, _: SuspendOrder) -> Result<SuspendCounts> {
        refused("suspending threads")
    }

    fn describe_threads(&mut self, _: ThreadsRequest) -> Result<ThreadDetails> {
        refused("telling of threads")
    }

    fn describe_process(&mut self, _: ProcessRef) -> Result<ProcessParameters> {
        refused("telling of a process")
    }
}

impl Files for ImageTarget {
    fn read_file(&mut self, _: ReadFileRequest) -> Result<ReadReply> {
        refused("reading files")
    }

    fn type_in(&mut self, _: TerminalInput) -> Result<Nothing> {
        refused("typing")
    }

    fn resize_terminal(&mut self, _: TerminalSize) -> Result<Nothing> {
        refused("resizing a terminal")
    }

    fn write_file(&mut self, _: FilePart) -> Result<Nothing> {
        refused("writing files")
    }

    fn fetch_file(&mut self, _: FileFetch) -> Result<FilePiece> {
        refused("fetching files")
    }
}
