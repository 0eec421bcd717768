//! The one debuggee: its threads, its memory, and what it was told to do.

use farsight_target::plan::StepMachine;
use farsight_target::{ExitStatus, ImageDelta, ResumePlan, StopDetail, ThreadDelta, ThreadRecord};
use farsight_types::{Address, AddressRange, OsPid, OsTid};

use super::processor::{Memory, Thread};
use super::toy::{self, Toy};

/// Bytes of code around the pc that come with a stop: as many before as behind.
const CODE_AROUND: u64 = 64;
/// Rounds of a launched program.
const ROUNDS_OF_A_LAUNCH: u64 = 3;

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
}

#[derive(Debug)]
pub(super) struct Debuggee {
    pub(super) pid: OsPid,
    pub(super) launched: bool,
    pub(super) memory: Memory,
    pub(super) threads: Vec<Thread>,
    pub(super) state: State,
    pub(super) plan: ResumePlan,
    pub(super) stepping: Option<Stepping>,
    /// The thread that stopped the target and where it is: it leaves that place without another hit.
    pub(super) rests: Option<(OsTid, Address)>,
    /// The thread whose turn it is.
    pub(super) turn: usize,
    /// Debug registers and the XSAVE area, which all threads of this machine share.
    pub(super) debug_registers: Vec<u64>,
    pub(super) vector: Vec<u8>,
    told_threads: Vec<OsTid>,
    told_images: bool,
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
    fn new(pid: OsPid, toy: &Toy) -> Debuggee {
        Debuggee {
            pid,
            launched: false,
            memory: Memory::of(toy),
            threads: Vec::new(),
            state: State::AtRest,
            plan: ResumePlan::default(),
            stepping: None,
            rests: None,
            turn: 0,
            debug_registers: vec![0; 6],
            vector: xsave_area(),
            told_threads: Vec::new(),
            told_images: false,
        }
    }

    /// Process 4711 in the middle of its work.
    pub(super) fn running_toy(toy: &Toy) -> Debuggee {
        let mut debuggee = Debuggee::new(super::TOY, toy);
        debuggee.memory.write(Address(toy::LEFT), &u64::MAX.to_le_bytes());
        debuggee.start_thread("toy", toy.function("main"));
        debuggee
    }

    /// A new process before its first instruction.
    pub(super) fn launched_toy(toy: &Toy) -> Debuggee {
        let mut debuggee = Debuggee::new(super::LAUNCHED, toy);
        debuggee.launched = true;
        debuggee
            .memory
            .write(Address(toy::LEFT), &ROUNDS_OF_A_LAUNCH.to_le_bytes());
        debuggee.start_thread("toy", toy.function("_start"));
        debuggee
    }

    pub(super) fn start_thread(&mut self, name: &str, start: Address) {
        let index = self.threads.len() as u32;
        let tid = OsTid(self.pid.0 + index);
        self.threads
            .push(Thread::new(tid, name, u64::from(index), start, &mut self.memory));
    }

    pub(super) fn thread(&self, tid: OsTid) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.tid() == tid)
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

    pub(super) fn image_delta(&mut self, toy: &Toy) -> ImageDelta {
        let told = std::mem::replace(&mut self.told_images, true);
        ImageDelta {
            replaced: false,
            loaded: if told { Vec::new() } else { vec![toy.image.clone()] },
            unloaded: Vec::new(),
        }
    }

    /// Stack and code of a thread, as a stop carries them.
    pub(super) fn surroundings(&self, thread: &Thread, detail: StopDetail) -> (Vec<AddressRange>, Vec<u8>) {
        let pc = thread.registers.pc();
        let wanted = [
            AddressRange::new(thread.registers.sp(), u64::from(detail.stack_bytes)),
            AddressRange::new(Address(pc.0.saturating_sub(CODE_AROUND)), 2 * CODE_AROUND),
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
