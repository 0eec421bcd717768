//! From a thread's registers to its callers', frame by frame, with every callee-saved register.
//!
//! Read [`Unwinder`] first. What the walk lacks it asks for ([`Step::NeedMemory`], [`Step::NeedModule`]) and goes on
//! when asked again, so that the caller may fetch over a network in batches.

use std::sync::Arc;

use farsight_types::{Address, AddressRange};

mod guess;
mod header;
mod landings;
mod module;
mod registers;
mod rules;

pub use module::ModuleUnwind;
pub use registers::FrameRegisters;
use rules::Stuck;

/// How a frame was found, which is how far its registers can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The thread's own registers.
    Context,
    /// By the call frame information of the frame it called.
    Cfi,
    /// Restored from what the kernel saved when a signal interrupted it: exact, every register known.
    SignalFrame,
    /// By the byte pattern of the called function's start or end, or as the caller of an address that is not code (a
    /// call through a null pointer).
    Guessed,
    /// By the chain of frame pointers, without call frame information.
    FramePointer,
    /// By looking through the stack for something that may be a return address.
    Scanned,
}

impl Trust {
    /// Whether nothing was guessed to find this frame from the one it called.
    pub fn is_exact(self) -> bool {
        matches!(self, Trust::Context | Trust::Cfi | Trust::SignalFrame)
    }

    /// Whether the frame was interrupted anywhere, rather than waiting behind a call instruction.
    fn is_interrupted(self) -> bool {
        matches!(self, Trust::Context | Trust::SignalFrame)
    }

    /// The address inside the instruction that a frame at `pc` executes: a return address may be the first one of
    /// another function, where the call was the last instruction of its own.
    fn lookup(self, pc: Address) -> Address {
        match self.is_interrupted() {
            true => pc,
            false => Address(pc.0.wrapping_sub(1)),
        }
    }
}

/// One stack frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it executes: for a caller, its return address.
    pub pc: Address,
    /// The canonical frame address (the caller's stack pointer before the call), where it is known.
    pub cfa: Option<Address>,
    /// The registers as they are in this frame.
    pub registers: FrameRegisters,
    /// How it was found.
    pub trust: Trust,
    /// Whether this is the trampoline that a signal handler returns to; its caller was interrupted, not calling.
    pub is_signal_frame: bool,
}

impl Frame {
    /// The address that names this frame's function and line: the call instruction's last byte for a caller, the exact
    /// pc for an interrupted frame and for a trampoline, which nobody calls: its start is returned to.
    pub fn lookup_address(&self) -> Address {
        if self.is_signal_frame {
            return self.pc;
        }
        self.trust.lookup(self.pc)
    }
}

/// A module's unwind tables, and where the module lies.
#[derive(Debug, Clone)]
pub struct LoadedUnwind {
    /// The address of the module's first byte: the start of its lowest mapping.
    pub base: Address,
    /// The tables.
    pub unwind: Arc<ModuleUnwind>,
}

/// An answer to [`UnwindContext::module_at`].
#[derive(Debug, Clone)]
pub enum ModuleLookup {
    /// The module and its tables (possibly empty ones, where it has none).
    Found(LoadedUnwind),
    /// There is no module: the address is in generated code, in data, or nowhere.
    Nowhere,
    /// There is one, whose tables are not here yet: the walk ends with [`Step::NeedModule`].
    NotYet,
}

/// An answer to [`UnwindContext::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// All bytes are there.
    Read,
    /// The target has said that it has no such memory.
    Unreadable,
    /// Not fetched yet: the walk ends with [`Step::NeedMemory`].
    NotYet,
}

/// What an [`Unwinder`] asks while it walks. Answers come from what is already here; nothing waits.
pub trait UnwindContext {
    /// The module that holds an address.
    fn module_at(&mut self, address: Address) -> ModuleLookup;

    /// Fills `into` from the debuggee's memory, stack or code, with trap bytes hidden. `into` is meaningless unless the
    /// answer is [`ReadOutcome::Read`].
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome;

    /// Whether an address is mapped executable.
    fn is_code(&mut self, address: Address) -> bool;

    /// Where the function that holds an address starts, as far as symbols tell. Only asked where no table says
    /// anything, to know whether a thread stands on a function's first instruction.
    fn function_start(&mut self, address: Address) -> Option<Address> {
        let _ = address;
        None
    }
}

/// Why a walk is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The outermost frame: its return address is undefined or zero.
    Outermost,
    /// The stack cannot be read where the next frame should be.
    Unreadable {
        /// First byte of the read that failed.
        at: Address,
    },
    /// No way, not even a guess, leads to a caller.
    NoCaller,
    /// The next frame would lie no further up the stack: the stack is damaged.
    NoProgress,
}

/// What [`Unwinder::step`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The next frame.
    Frame(Frame),
    /// Fetch at least this memory, then step again; nothing is lost.
    NeedMemory(AddressRange),
    /// Load the tables of the module at this address (or learn that there is none), then step again.
    NeedModule(Address),
    /// There are no more frames; stepping again says the same.
    End(EndReason),
}

/// A walk up one thread's stack, one frame per [`Unwinder::step`].
///
/// Invariant: a step that needs something changes nothing, so that it can be taken again.
#[derive(Debug, Clone)]
pub struct Unwinder {
    state: State,
    /// The last frame's CFA, unless a signal may have switched stacks since.
    below: Option<Address>,
    signal_frames: u32,
    scratch: module::Scratch,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The registers of a frame that has not been reported.
    At(FrameRegisters, Trust),
    Over(EndReason),
}

/// What is found out about a frame from its own place in the code.
struct Found {
    cfa: Option<Address>,
    is_signal_frame: bool,
    next: State,
}

/// What keeps a frame from being found.
enum Need {
    Memory(AddressRange),
    Module(Address),
}

/// Signals within signals beyond this are a damaged stack that leads in circles.
const MAX_SIGNAL_FRAMES: u32 = 256;

impl Unwinder {
    /// A walk that begins with a thread's own registers.
    pub fn new(registers: FrameRegisters) -> Unwinder {
        Unwinder {
            state: State::At(registers, Trust::Context),
            below: None,
            signal_frames: 0,
            scratch: module::Scratch::new(),
        }
    }

    /// The next frame, or what is missing to find it. The first is the thread's own.
    pub fn step(&mut self, context: &mut dyn UnwindContext) -> Step {
        let (registers, trust) = match self.state {
            State::At(registers, trust) => (registers, trust),
            State::Over(reason) => return Step::End(reason),
        };
        let Some(pc) = registers.pc() else {
            return self.end(EndReason::NoCaller);
        };
        let found = match self.look(&registers, pc, trust, context) {
            Ok(found) => found,
            Err(Need::Memory(range)) => return Step::NeedMemory(range),
            Err(Need::Module(address)) => return Step::NeedModule(address),
        };
        if !found.is_signal_frame
            && let (Some(below), Some(cfa)) = (self.below, found.cfa)
            && cfa <= below
        {
            return self.end(EndReason::NoProgress);
        }
        self.below = found.cfa.filter(|_| !found.is_signal_frame);
        self.state = found.next;
        if found.is_signal_frame {
            self.signal_frames += 1;
            if self.signal_frames > MAX_SIGNAL_FRAMES {
                self.state = State::Over(EndReason::NoProgress);
            }
        }
        Step::Frame(Frame {
            pc,
            cfa: found.cfa,
            registers,
            trust,
            is_signal_frame: found.is_signal_frame,
        })
    }

    fn end(&mut self, reason: EndReason) -> Step {
        self.state = State::Over(reason);
        Step::End(reason)
    }

    /// Finds a frame's CFA and its caller: by the tables or, where they say nothing, by a guess.
    fn look(
        &mut self,
        registers: &FrameRegisters,
        pc: Address,
        trust: Trust,
        context: &mut dyn UnwindContext,
    ) -> Result<Found, Need> {
        let place = trust.lookup(pc);
        match context.module_at(place) {
            ModuleLookup::NotYet => return Err(Need::Module(place)),
            ModuleLookup::Nowhere => {}
            ModuleLookup::Found(loaded) => {
                let bias = loaded.base.0.wrapping_sub(loaded.unwind.link_base().0);
                let rva = place.0.wrapping_sub(bias);
                let rules = loaded.unwind.rules(rva, &mut self.scratch);
                let outcome = rules.map(|rules| {
                    let caller = rules.evaluate(registers, bias, context);
                    (caller, rules.is_signal_frame)
                });
                match outcome {
                    Some((Ok(caller), is_signal_frame)) => {
                        return Ok(by_rules(caller, is_signal_frame));
                    }
                    Some((Err(Stuck::NeedMemory(range)), _)) => return Err(Need::Memory(range)),
                    // The rules lead nowhere (after a guess, a register that they build on may be lost).
                    Some((Err(Stuck::Unreadable(_) | Stuck::Unknown), _)) | None => {}
                }
            }
        }
        match guess::caller(registers, pc, trust.is_interrupted(), context) {
            Ok(guess) => Ok(Found {
                cfa: guess.cfa,
                is_signal_frame: guess.is_signal_frame,
                next: match guess.caller {
                    Some((caller, trust)) => State::At(caller, trust),
                    None => State::Over(guess.end),
                },
            }),
            Err(range) => Err(Need::Memory(range)),
        }
    }
}

fn by_rules(caller: rules::Caller, is_signal_frame: bool) -> Found {
    let trust = match is_signal_frame {
        true => Trust::SignalFrame,
        false => Trust::Cfi,
    };
    let next = match caller.registers {
        // A call to nowhere is where threads begin; a signal may well interrupt one.
        Ok(registers) if registers.pc() == Some(Address(0)) && !is_signal_frame => State::Over(EndReason::Outermost),
        Ok(registers) => State::At(registers, trust),
        Err(None) => State::Over(EndReason::Outermost),
        Err(Some(Stuck::Unreadable(at))) => State::Over(EndReason::Unreadable { at }),
        Err(Some(_)) => State::Over(EndReason::NoCaller),
    };
    Found {
        cfa: Some(caller.cfa),
        is_signal_frame,
        next,
    }
}

#[cfg(test)]
mod tests;
