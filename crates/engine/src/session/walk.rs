//! Walks up stacks: many threads at once, fetching what all of them lack together.

use farsight_symbols::{
    EndReason, Frame, FrameRegisters, LoadedUnwind, ModuleLookup, ReadOutcome, Step, UnwindContext, Unwinder,
};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange, Registers, ThreadId};

use super::Session;
use crate::error::CommandError;
use crate::memory::Cached;
use crate::model::Process;

/// Bytes of stack that are fetched when a walk lacks some.
const DEEPER: u64 = 32 << 10;
/// Bytes of stack that are searched for modules that callers are in.
const SCANNED: u64 = 16 << 10;

/// A walk that is over.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) frames: Vec<Frame>,
    /// Why there are no more; none when as many were found as were wanted.
    pub(crate) end: Option<EndReason>,
}

struct Walk {
    unwinder: Unwinder,
    sp: Address,
    walked: Walked,
    over: bool,
}

impl Session {
    /// The stack of a thread of the current process, at most `most` frames.
    pub(crate) fn walk(&mut self, thread: ThreadId, most: usize) -> Result<Walked, CommandError> {
        let registers = self.registers_of(thread)?;
        let mut walked = self.walk_all(&[registers], most)?;
        walked.pop().ok_or(CommandError::NoDebuggee)
    }

    /// Walks from several register sets of the current process at once; a round trip fetches for all of them.
    pub(crate) fn walk_all(&mut self, starts: &[Registers], most: usize) -> Result<Vec<Walked>, CommandError> {
        let mut walks: Vec<Walk> = starts.iter().map(Walk::new).collect();
        loop {
            self.check_interrupt()?;
            let process = self.process()?;
            let mut needs = Needs::default();
            for walk in &mut walks {
                walk.advance(process, most, &mut needs);
            }
            if needs.is_empty() {
                return Ok(walks.into_iter().map(|walk| walk.walked).collect());
            }
            if !needs.modules.is_empty() {
                let stacks = walks.iter().filter(|walk| !walk.over).map(|walk| walk.sp);
                needs.modules.extend(touched(process, stacks));
            }
            self.satisfy(needs)?;
        }
    }

    /// As much of the current thread's stack as can be walked without asking the target.
    pub(crate) fn walk_here(&mut self, most: usize) -> Result<Vec<Frame>, CommandError> {
        let mut walk = Walk::new(&self.registers()?);
        loop {
            let mut needs = Needs::default();
            walk.advance(self.process()?, most, &mut needs);
            let Some(index) = needs.modules.first().copied() else {
                return Ok(walk.walked.frames);
            };
            self.load_at_host(index)?;
            let modules = &self.process()?.modules;
            if modules.get(index).is_none_or(|module| module.loaded().is_none()) {
                return Ok(walk.walked.frames);
            }
        }
    }

    fn satisfy(&mut self, mut needs: Needs) -> Result<(), CommandError> {
        needs.modules.sort_unstable();
        needs.modules.dedup();
        // All requests are out before the first answer is waited for.
        let reads = self.begin_fetch(&needs.memory)?;
        self.load_symbols(&needs.modules)?;
        self.finish_fetch(reads)
    }

    /// Loads the symbols of the modules that the current thread's stack touches: what showing where it stands, and its
    /// callers, needs.
    pub(crate) fn load_touched(&mut self) -> Result<(), CommandError> {
        let registers = self.registers()?;
        let process = self.process()?;
        let here = process.module_index_at(registers.pc());
        let Some(here) = here.filter(|index| process.modules.get(*index).is_some_and(|m| m.loaded().is_none())) else {
            return Ok(());
        };
        // Where the file of the innermost module is at hand, the others can wait until somebody asks.
        self.load_at_host(here)?;
        let process = self.process()?;
        if process
            .modules
            .get(here)
            .is_some_and(|module| module.loaded().is_some())
        {
            return Ok(());
        }
        let mut modules = touched(process, [registers.sp()]);
        modules.push(here);
        modules.sort_unstable();
        modules.dedup();
        self.load_symbols(&modules)
    }
}

impl Walk {
    fn new(registers: &Registers) -> Walk {
        Walk {
            unwinder: Unwinder::new(FrameRegisters::from(registers)),
            sp: Address(registers.value(amd64::RSP)),
            walked: Walked {
                frames: Vec::new(),
                end: None,
            },
            over: false,
        }
    }

    /// Goes on until something is missing or the walk is over.
    fn advance(&mut self, process: &Process, most: usize, needs: &mut Needs) {
        let mut context = Context { process };
        while !self.over {
            if self.walked.frames.len() >= most {
                self.over = true;
                return;
            }
            match self.unwinder.step(&mut context) {
                Step::Frame(frame) => self.walked.frames.push(frame),
                Step::NeedMemory(range) => {
                    // Stacks grow down: what the next frames need lies behind what this one needs.
                    let length = range.length.max(DEEPER);
                    needs.memory.push(AddressRange::new(range.start, length));
                    return;
                }
                Step::NeedModule(address) => {
                    match process.module_index_at(address) {
                        Some(index) => needs.modules.push(index),
                        // The unwinder was told that there is none; it cannot ask for it.
                        None => self.over = true,
                    }
                    return;
                }
                Step::End(reason) => {
                    self.walked.end = Some(reason);
                    self.over = true;
                }
            }
        }
    }
}

#[derive(Default)]
struct Needs {
    memory: Vec<AddressRange>,
    modules: Vec<usize>,
}

impl Needs {
    fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.modules.is_empty()
    }
}

/// Modules without symbols that words on these stacks point into the code of.
fn touched(process: &Process, stacks: impl IntoIterator<Item = Address>) -> Vec<usize> {
    let mut found = Vec::new();
    for sp in stacks {
        let start = sp.align_down(8);
        for at in (0..SCANNED).step_by(8) {
            let mut word = [0; 8];
            if process.memory.read(start.wrapping_add(at), &mut word) != Cached::All {
                break;
            }
            let address = Address(u64::from_le_bytes(word));
            let Some(index) = process.module_index_at(address) else {
                continue;
            };
            let wanted = process
                .modules
                .get(index)
                .is_some_and(|module| module.loaded().is_none() && module.is_code(address));
            if wanted && !found.contains(&index) {
                found.push(index);
            }
        }
    }
    found
}

/// What is here of a process while nothing waits.
struct Context<'a> {
    process: &'a Process,
}

impl UnwindContext for Context<'_> {
    fn module_at(&mut self, address: Address) -> ModuleLookup {
        let Some(module) = self.process.module_at(address) else {
            return ModuleLookup::Nowhere;
        };
        match module.loaded() {
            Some(symbols) => ModuleLookup::Found(LoadedUnwind {
                base: module.image.base,
                unwind: symbols.unwind.clone(),
            }),
            None => ModuleLookup::NotYet,
        }
    }

    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        match self.process.memory.read(address, into) {
            Cached::All => ReadOutcome::Read,
            Cached::Until(_) => ReadOutcome::Unreadable,
            Cached::Missing => {
                // Code is in the file as it is in memory, and the file may be at hand.
                let module = self.process.module_at(address).filter(|module| module.is_code(address));
                let code = module.and_then(|module| {
                    let bytes = module.loaded()?.code(module.rva(address), into.len())?;
                    (bytes.len() == into.len()).then_some(bytes)
                });
                match code {
                    Some(code) => {
                        into.copy_from_slice(&code);
                        ReadOutcome::Read
                    }
                    None => ReadOutcome::NotYet,
                }
            }
        }
    }

    fn function_start(&mut self, address: Address) -> Option<Address> {
        let module = self.process.module_at(address)?;
        let (_, distance) = module.loaded()?.table().at(module.rva(address))?;
        address.checked_sub(distance)
    }

    fn is_code(&mut self, address: Address) -> bool {
        match self.process.module_at(address) {
            Some(module) => module.is_code(address),
            None => self.process.regions.as_ref().is_some_and(|regions| {
                regions
                    .iter()
                    .any(|region| region.execute && region.range.contains(address))
            }),
        }
    }
}
