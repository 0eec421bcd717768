//! Instructions, registers and stacks as data.

use farsight_types::{Address, Architecture};
use minicbor::{Decode, Encode};

use super::{Place, SourceOfPlace, SourcePosition, SymbolName, ValueNode};

/// One instruction of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct InstructionLine {
    /// Where it is, with the symbol whose code it belongs to.
    #[n(0)]
    pub place: Place,
    /// Its bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Mnemonic and operands; `???` for bytes that are no instruction.
    #[n(2)]
    pub text: String,
    /// The source line that its code begins, shown above it.
    #[n(3)]
    pub source: Option<SourceOfPlace>,
}

/// `u`, `ub`. A label line is shown above the first instruction and wherever another symbol begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Listing {
    /// In ascending order.
    #[n(0)]
    pub lines: Vec<InstructionLine>,
    /// Where memory ended before the listing did.
    #[n(1)]
    pub unreadable_at: Option<Address>,
}

/// Where a thread stands: a label line and an instruction, as at every stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Location {
    /// Where it stands.
    #[n(0)]
    pub place: Place,
    /// The instruction there; none where its bytes cannot be read.
    #[n(1)]
    pub instruction: Option<InstructionLine>,
    /// Its source line.
    #[n(2)]
    pub source: Option<SourceOfPlace>,
    /// The function that `place` was inlined into.
    #[cbor(n(3), default)]
    pub inlined_in: Option<SymbolName>,
}

/// What a register is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ElementKind {
    /// `ib`.
    #[n(0)]
    SignedByte,
    /// `ub`.
    #[n(1)]
    Byte,
    /// `iw`: 16 bits.
    #[n(2)]
    SignedWord,
    /// `uw`.
    #[n(3)]
    Word,
    /// `id`: 32 bits.
    #[n(4)]
    SignedDoubleWord,
    /// `ud`.
    #[n(5)]
    DoubleWord,
    /// `iq`: 64 bits.
    #[n(6)]
    SignedQuadWord,
    /// `uq`.
    #[n(7)]
    QuadWord,
    /// `f`: 32-bit floating point.
    #[n(8)]
    Single,
    /// `d`: 64-bit floating point.
    #[n(9)]
    Double,
}

impl ElementKind {
    /// Bytes of one.
    pub fn size(self) -> usize {
        match self {
            ElementKind::SignedByte | ElementKind::Byte => 1,
            ElementKind::SignedWord | ElementKind::Word => 2,
            ElementKind::SignedDoubleWord | ElementKind::DoubleWord | ElementKind::Single => 4,
            ElementKind::SignedQuadWord | ElementKind::QuadWord | ElementKind::Double => 8,
        }
    }
}

/// A register's value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RegisterBits {
    /// Up to 64 bits.
    #[n(0)]
    Word {
        /// The value.
        #[n(0)]
        value: u64,
        /// How many bits the register has.
        #[n(1)]
        bits: u8,
    },
    /// Elements of a register, as `r xmm0:4f` cuts it.
    #[n(2)]
    Elements {
        /// What they are.
        #[n(0)]
        kind: ElementKind,
        /// Lowest byte first; whole elements.
        #[cbor(n(1), with = "minicbor::bytes")]
        bytes: Vec<u8>,
    },
    /// An x87 register: 80 bits.
    #[n(3)]
    Extended {
        /// Lowest byte first.
        #[cbor(n(0), with = "minicbor::bytes")]
        bytes: Vec<u8>,
    },
    /// A vector register.
    #[n(1)]
    Vector {
        /// Lowest byte first.
        #[cbor(n(0), with = "minicbor::bytes")]
        bytes: Vec<u8>,
    },
}

/// One register.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RegisterValue {
    /// Its name, lower case, without `@`; pseudo-registers with their `$`.
    #[n(0)]
    pub name: String,
    /// Its value.
    #[n(1)]
    pub bits: RegisterBits,
}

impl RegisterValue {
    /// A register of 64 bits.
    pub fn word(name: impl Into<String>, value: u64) -> RegisterValue {
        RegisterValue {
            name: name.into(),
            bits: RegisterBits::Word { value, bits: 64 },
        }
    }
}

/// What `r` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RegisterLayout {
    /// The processor's block: general registers, flags in words, segments.
    #[n(0)]
    #[default]
    Block,
    /// Just the registers that were named, as many to a line as fit.
    #[n(1)]
    Named,
}

/// `r`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RegisterDump {
    /// Whose block.
    #[n(0)]
    pub architecture: Architecture,
    /// Block or names.
    #[n(1)]
    pub layout: RegisterLayout,
    /// The values; a block wants all of the general table, those missing are left out.
    #[n(2)]
    pub values: Vec<RegisterValue>,
    /// Shown below a block.
    #[n(3)]
    pub location: Option<Location>,
}

impl RegisterDump {
    /// A register's value by its name, where it is one of up to 64 bits.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.values.iter().find_map(|value| match value.bits {
            RegisterBits::Word { value: bits, .. } if value.name == name => Some(bits),
            _ => None,
        })
    }
}

/// How a frame was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum FrameTrust {
    /// By the thread's registers or by unwind tables: exact.
    #[n(0)]
    #[default]
    Exact,
    /// By the byte pattern of code, or as the caller of an address that is no code.
    #[n(1)]
    Pattern,
    /// By the chain of frame pointers.
    #[n(2)]
    FramePointer,
    /// By looking through the stack.
    #[n(3)]
    Scanned,
}

/// What a frame stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum FrameKind {
    /// A call, or where a thread began.
    #[n(0)]
    #[default]
    Called,
    /// A call that was inlined: it has no part of the stack.
    #[n(1)]
    Inlined,
    /// A function that gave its place to the one that it called last: it has no part of the stack any more.
    #[n(2)]
    TailCall,
}

/// One stack frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StackFrame {
    /// Its number, 0 for the innermost.
    #[n(0)]
    pub number: u32,
    /// The stack pointer in the frame; none where it could not be found.
    #[n(1)]
    pub child_sp: Option<Address>,
    /// Where it returns to; none for the outermost.
    #[n(2)]
    pub return_address: Option<Address>,
    /// Where it executes.
    #[n(3)]
    pub site: Place,
    /// For `kb` and `kv`: words that may be arguments; a none could not be read.
    #[n(4)]
    pub arguments: Vec<Option<u64>>,
    /// How it was found.
    #[n(5)]
    pub trust: FrameTrust,
    /// It is the trampoline of a signal handler; its caller was interrupted, not calling.
    #[n(6)]
    pub signal: bool,
    /// What it stands for.
    #[cbor(n(7), default)]
    pub kind: FrameKind,
    /// The source line that it executes; none where it is not known or not wanted.
    #[n(8)]
    pub source: Option<SourcePosition>,
    /// Its parameters, where they were asked for and the debug information knows them.
    #[n(9)]
    pub parameters: Option<Vec<ValueNode>>,
}

/// What a stack listing has beside the call sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct StackColumns {
    /// Frame numbers (`n`).
    #[n(0)]
    pub numbers: bool,
    /// Words that may be arguments (`b`, `v`).
    #[n(1)]
    pub arguments: bool,
    /// Bytes from one frame to the next (`f`).
    #[n(2)]
    pub sizes: bool,
    /// Call sites alone (`c`).
    #[n(3)]
    pub clean: bool,
    /// No line above that names the columns (`.frame`).
    #[cbor(n(4), default)]
    pub headless: bool,
    /// Each parameter on a line of its own (`P`).
    #[cbor(n(5), default)]
    pub parameter_lines: bool,
}

/// `k`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Stack {
    /// Its columns.
    #[n(0)]
    pub columns: StackColumns,
    /// The innermost first.
    #[n(1)]
    pub frames: Vec<StackFrame>,
    /// Why there are no more frames, when it is not that the stack ends there.
    #[n(2)]
    pub cut_short: Option<String>,
}

/// `? expr`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Evaluation {
    /// The value.
    #[n(0)]
    pub value: u64,
    /// What is there, where something is.
    #[n(1)]
    pub symbol: Option<SymbolName>,
}
