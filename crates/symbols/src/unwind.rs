//! From a thread's registers to its callers', frame by frame, with every callee-saved register.
//!
//! Read [`Unwinder`] first. What the walk lacks it asks for ([`Step::NeedMemory`], [`Step::NeedModule`]) and goes on
//! when asked again, so that the caller may fetch over a network in batches.

use std::sync::Arc;

use farsight_types::{Address, AddressRange};

mod module;
mod registers;

pub use module::ModuleUnwind;
pub use registers::FrameRegisters;

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
    /// pc for an interrupted frame.
    pub fn lookup_address(&self) -> Address {
        match self.trust {
            Trust::Context | Trust::SignalFrame => self.pc,
            _ => Address(self.pc.0.wrapping_sub(1)),
        }
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
#[derive(Debug, Clone)]
pub struct Unwinder {
    registers: FrameRegisters,
}

impl Unwinder {
    /// A walk that begins with a thread's own registers.
    pub fn new(registers: FrameRegisters) -> Unwinder {
        Unwinder { registers }
    }

    /// The next frame, or what is missing to find it. The first is the thread's own.
    pub fn step(&mut self, context: &mut dyn UnwindContext) -> Step {
        let _ = (&self.registers, context);
        Step::End(EndReason::NoCaller)
    }
}
