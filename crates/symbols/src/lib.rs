//! Images, symbols and unwinding; pure over read closures.
//!
//! Bytes come in, knowledge comes out: nothing here opens a file, asks a clock or talks to a debuggee, so the same code
//! serves an image that lies at the host, one whose sections came over the wire, and the vdso read from memory. Every
//! parser takes bytes from strangers: hostile input gives an error or less knowledge, never a panic and never unbounded
//! work.
//!
//! Places inside an image are [`Rva`](farsight_types::Rva)s, which are *link-time virtual addresses* (`st_value`,
//! `p_vaddr`): `rva = address - bias`, where the bias is zero for an image that is not position-independent. A loaded
//! module's bias follows from where its first byte lies and [`ImageLayout::link_base`]; [`ImageLayout::bias_at`] does
//! the sum.
//!
//! Read [`Image`] first, then [`SymbolTable`], [`Unwinder`] and [`DebugInfo`].

mod bytes;
mod debug;
mod demangle;
mod embedded;
mod image;
mod pattern;
mod search;
mod symtab;
mod unwind;

pub use bytes::{ImageBytes, SharedBytes};
pub use debug::{
    BitRange, Damage, Definition, Encoding, Enumerator, Generic, Language, Member, MemberKind, MemberPlace, Members,
    Qualifier, RecordKind, SplitFiles, SplitUnit, Type, TypeId, TypeKind, TypeRef, Variant, VariantPart,
};
pub use debug::{
    Bits, Place, RegisterOutcome, Stored, ValueContext, ValueError, ValueFrame, ValueFrames, element_count, locate,
    locate_member, register_name,
};
pub use debug::{
    CallParameter, CallSite, CallSites, CallTarget, FileId, Scope, Scopes, SourcePlace, TailCall, Variable,
    VariableKind, Variables,
};
pub use debug::{Cancelled, NameIndex, NameKind, Named, NamedEnumerator, Role, Watch, own_part};
pub use debug::{
    DebugError, DebugInfo, DebugReader, DieId, FilePattern, LinePlace, LinePlaces, LineRow, SourceFile, UnitId,
};
pub use demangle::{demangle, demangle_short};
pub use embedded::{EmbeddedError, embedded_symbols};
pub use image::ThreadStorage;
pub use image::{
    DebugAltLink, DebugLink, FileRange, Image, ImageError, ImageFile, ImageKind, ImageLayout, ImageParts, PartsReader,
    PartsStep, Section, Segment,
};
pub use pattern::Pattern;
pub use search::{
    Candidate, DEFAULT_DEBUG_ROOT, Why, crc_matches, crc_of, debug_file_candidates, image_candidates,
    shared_file_candidates,
};
pub use symtab::{Binding, SymbolKind, SymbolRef, SymbolTable};
pub use unwind::{
    EndReason, Frame, FrameRegisters, LoadedUnwind, ModuleLookup, ModuleUnwind, ReadOutcome, Step, Trust,
    UnwindContext, Unwinder,
};
