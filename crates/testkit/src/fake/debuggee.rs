//! One debuggee: its program, its threads, its memory, and how it is held.

use std::sync::Arc;

use farsight_target::plan::StepMachine;
use farsight_target::{
    AttachMode, ChildPolicy, ExitStatus, Image, ImageDelta, StopDetail, ThreadDelta, ThreadRecord, TrapKind,
};
use farsight_types::{Address, AddressRange, FileOffset, OsPid, OsTid};

use super::processor::{Memory, Region, Thread};
use super::toy::{self, Toy};

/// Bytes of code around the pc that come with a stop: as many before as behind.
const CODE_AROUND: u64 = 64;
/// Bytes below the stack pointer, as a Linux server sends them.
const RED_ZONE_BYTES: u64 = 512;
/// Rounds of a launched program.
const ROUNDS_OF_A_LAUNCH: u64 = 3;
/// Places for hardware traps.
const HARDWARE_PLACES: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    AtRest,
    Running,
    /// Stopped at its exit: the next resume ends it.
    Ending(ExitStatus),
}

/// A step in progress.
#[derive(Debug)]
pub(super) struct Stepping {
    pub(super) thread: OsTid,
    pub(super) machine: StepMachine,
    /// Where the thread runs to; none when it goes by single steps.
    pub(super) until: Option<(Address, Address)>,
    /// Where the move in progress began; none before the first.
    pub(super) from: Option<Address>,
}

#[derive(Debug)]
pub(super) struct Debuggee {
    pub(super) pid: OsPid,
    pub(super) parent: OsPid,
    pub(super) program: Arc<Toy>,
    /// Whether it has a terminal here.
    pub(super) launched: bool,
    /// Whether it is a copy made by `fork` that runs its parent's program.
    pub(super) copy: bool,
    pub(super) mode: AttachMode,
    /// The debugger that holds it, where that is not us.
    pub(super) tracer: Option<OsPid>,
    pub(super) children: ChildPolicy,
    pub(super) memory: Memory,
    pub(super) threads: Vec<Thread>,
    pub(super) state: State,
    pub(super) stepping: Option<Stepping>,
    /// The thread whose turn it is.
    pub(super) turn: usize,
    /// Debug registers and the XSAVE area, which all threads of this machine share.
    pub(super) debug_registers: Vec<u64>,
    pub(super) vector: Vec<u8>,
    plugin: bool,
    told_threads: Vec<OsTid>,
    /// Whether the program was told of, and the plugin.
    told_images: (bool, bool),
    /// It runs another program than was told.
    replaced: bool,
}

/// The area of a processor with AVX and without AVX-512, in its initial state.
fn xsave_area() -> Vec<u8> {
    let mut area = vec![0; 832];
    area[0] = 0x7f;
    area[1] = 0x03;
    area[24] = 0x80;
    area[25] = 0x1f;
    area[464] = 7;
    area
}

impl Debuggee {
    pub(super) fn new(pid: OsPid, program: &Arc<Toy>) -> Debuggee {
        Debuggee {
            pid,
            parent: super::INIT,
            program: Arc::clone(program),
            launched: false,
            copy: false,
            mode: AttachMode::Invasive,
            tracer: None,
            children: ChildPolicy::Leave,
            memory: Memory::of(program),
            threads: Vec::new(),
            state: State::AtRest,
            stepping: None,
            turn: 0,
            debug_registers: vec![0; 6],
            vector: xsave_area(),
            plugin: false,
            told_threads: Vec::new(),
            told_images: (false, false),
            replaced: false,
        }
    }

    /// A process that runs already, at its `main`, which never ends.
    pub(super) fn running(pid: OsPid, program: &Arc<Toy>) -> Debuggee {
        let mut debuggee = Debuggee::new(pid, program);
        debuggee.memory.write(Address(toy::LEFT), &u64::MAX.to_le_bytes());
        debuggee.start_thread("toy", program.function("main"));
        debuggee
    }

    /// A new process before its first instruction.
    pub(super) fn launched(pid: OsPid, program: &Arc<Toy>) -> Debuggee {
        let mut debuggee = Debuggee::new(pid, program);
        debuggee.launched = true;
        debuggee.begin();
        debuggee
    }

    fn begin(&mut self) {
        self.memory.write(Address(toy::LEFT), &ROUNDS_OF_A_LAUNCH.to_le_bytes());
        let program = Arc::clone(&self.program);
        self.start_thread(program.name(), program.function("_start"));
    }

    /// Runs another program in the place of its own.
    pub(super) fn replace_program(&mut self, program: &Arc<Toy>) {
        self.program = Arc::clone(program);
        self.memory = Memory::of(program);
        self.threads.clear();
        self.begin();
        (self.told_images, self.replaced, self.copy, self.plugin) = ((false, false), true, false, false);
        self.turn = 0;
    }

    /// A copy of this process made by one of its threads, which is its only one.
    pub(super) fn fork(&self, pid: OsPid, thread: OsTid) -> Debuggee {
        let mut child = Debuggee::new(pid, &self.program);
        child.parent = self.pid;
        child.copy = true;
        child.children = self.children;
        child.memory = self.memory.clone();
        child.threads = self.thread(thread).cloned().into_iter().collect();
        for copy in &mut child.threads {
            copy.record.tid = OsTid(pid.0);
        }
        child.plugin = self.plugin;
        // It is born with its parent's images, and its birth tells of its thread.
        child.told_images = (true, self.plugin);
        child.told_threads = vec![OsTid(pid.0)];
        child.state = State::Running;
        child
    }

    pub(super) fn start_thread(&mut self, name: &str, start: Address) -> OsTid {
        let index = self.threads.len() as u32;
        let tid = OsTid(self.pid.0 + index);
        self.threads
            .push(Thread::new(tid, name, u64::from(index), start, &mut self.memory));
        tid
    }

    pub(super) fn thread(&self, tid: OsTid) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.tid() == tid)
    }

    pub(super) fn thread_mut(&mut self, tid: OsTid) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|thread| thread.tid() == tid)
    }

    /// Everything is news to the session that takes it over.
    pub(super) fn forget_told(&mut self) {
        self.told_images = (false, false);
        self.told_threads.clear();
    }

    /// Takes threads away that have ended.
    pub(super) fn bury_threads(&mut self) {
        let before = self.threads.len();
        self.threads.retain(|thread| !thread.ending);
        if self.threads.len() < before {
            self.turn = 0;
        }
    }

    /// Whether it is only looked at, and so never set going.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.mode, AttachMode::Noninvasive | AttachMode::NoninvasiveNoSuspend)
    }

    /// Maps or unmaps the plugin, which has no symbols.
    pub(super) fn set_plugin(&mut self, mapped: bool) {
        self.plugin = mapped;
        self.memory.0.retain(|region| region.start != toy::PLUGIN);
        if mapped {
            self.memory.0.push(Region {
                start: toy::PLUGIN,
                bytes: vec![0x90; 0x1000],
                write: false,
                execute: true,
                path: toy::PLUGIN_PATH.into(),
            });
            self.memory.0.sort_by_key(|region| region.start);
        }
    }

    pub(super) fn images(&self) -> Vec<Image> {
        let program = self.program.image.clone();
        let plugin = self.plugin.then(|| Image {
            base: Address(toy::PLUGIN),
            size: 0x1000,
            bias: toy::PLUGIN,
            path: toy::PLUGIN_PATH.into(),
            build_id: None,
            debug_link: None,
            debug_link_crc: None,
            sections: vec![toy::section(".text", 0, FileOffset(0).0, 0x1000, 6, 1)],
            is_program: false,
            entry: None,
            file_size: Some(0x1000),
        });
        [program].into_iter().chain(plugin).collect()
    }

    /// What the list of threads has become since it was last told.
    pub(super) fn thread_delta(&mut self) -> ThreadDelta {
        let now: Vec<ThreadRecord> = self.threads.iter().map(|thread| thread.record.clone()).collect();
        let told = std::mem::replace(&mut self.told_threads, now.iter().map(|record| record.tid).collect());
        ThreadDelta {
            ended: told
                .iter()
                .copied()
                .filter(|tid| now.iter().all(|record| record.tid != *tid))
                .collect(),
            started: now.into_iter().filter(|record| !told.contains(&record.tid)).collect(),
        }
    }

    pub(super) fn image_delta(&mut self) -> ImageDelta {
        let (program, plugin) = std::mem::replace(&mut self.told_images, (true, self.plugin));
        let images = self.images().into_iter();
        let is_new = |image: &Image| match image.is_program {
            true => !program,
            false => !plugin,
        };
        let unloaded = plugin && !self.plugin;
        ImageDelta {
            replaced: std::mem::take(&mut self.replaced),
            loaded: images.filter(is_new).collect(),
            unloaded: unloaded.then_some(Address(toy::PLUGIN)).into_iter().collect(),
        }
    }

    /// Stack and code of a thread, as a stop carries them.
    pub(super) fn surroundings(&self, thread: &Thread, detail: StopDetail) -> (Vec<AddressRange>, Vec<u8>) {
        let pc = thread.registers.pc();
        let wanted = [
            AddressRange::new(thread.registers.sp(), u64::from(detail.stack_bytes)),
            AddressRange::new(Address(pc.0.saturating_sub(CODE_AROUND)), 2 * CODE_AROUND),
            AddressRange::new(
                Address(thread.registers.sp().0.saturating_sub(RED_ZONE_BYTES)),
                RED_ZONE_BYTES,
            ),
        ];
        let (mut ranges, mut bytes) = (Vec::new(), Vec::new());
        for range in wanted {
            let part = self.memory.read(range);
            ranges.push(AddressRange::new(range.start, part.len() as u64));
            bytes.extend(part);
        }
        (ranges, bytes)
    }
}

/// Why the hardware traps of one process cannot be set, by a processor's rules.
pub(super) fn hardware_refusal(traps: &[(Address, TrapKind)]) -> Option<(Address, String)> {
    let mut places: Vec<(Address, TrapKind)> = Vec::new();
    for (at, kind) in traps {
        match kind {
            TrapKind::Software => continue,
            TrapKind::HardwareData { size, .. } if !matches!(size, 1 | 2 | 4 | 8) => {
                return Some((*at, format!("{size} bytes cannot be watched, only 1, 2, 4 or 8")));
            }
            TrapKind::HardwareData { size, .. } if at.0 % u64::from(*size) != 0 => {
                return Some((*at, format!("{size} bytes are only watched at a multiple of {size}")));
            }
            _ => {}
        }
        if !places.contains(&(*at, *kind)) {
            places.push((*at, *kind));
        }
        if places.len() > HARDWARE_PLACES {
            return Some((*at, "all four debug registers are in use".into()));
        }
    }
    None
}
