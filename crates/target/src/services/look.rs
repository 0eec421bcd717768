//! Service 4: looking into debuggees and changing them.

use farsight_types::registers::RegisterSets;
use farsight_types::{Address, AddressRange, OsPid, OsTid, Registers};
use farsight_wire::{Nothing, message, service};
use minicbor::{Decode, Encode};

use crate::{Image, ProcessRef, TargetError, ThreadRecord};

/// Most bytes that one read, write or stack request may ask for.
pub const MOST_BYTES: u64 = 8 << 20;

/// All threads of a process, in the order of creation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadList {
    /// One each.
    #[n(0)]
    pub threads: Vec<ThreadRecord>,
}

message!(ThreadList);

/// All images of a process; the program comes first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ImageList {
    /// One each.
    #[n(0)]
    pub images: Vec<Image>,
}

message!(ImageList);

/// One mapping of a process.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Region {
    /// Where.
    #[n(0)]
    pub range: AddressRange,
    /// Can be read.
    #[n(1)]
    pub read: bool,
    /// Can be written.
    #[n(2)]
    pub write: bool,
    /// Can be executed.
    #[n(3)]
    pub execute: bool,
    /// Shared with others.
    #[n(4)]
    pub shared: bool,
    /// The mapped file, or a name such as `[heap]`; empty for none.
    #[n(5)]
    pub path: String,
    /// Place in the file.
    #[n(6)]
    pub offset: u64,
}

/// All mappings of a process, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RegionList {
    /// One each.
    #[n(0)]
    pub regions: Vec<Region>,
}

message!(RegionList);

/// Memory to read; many ranges in one request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadRequest {
    /// Whose.
    #[n(0)]
    pub process: OsPid,
    /// Which; together at most [`MOST_BYTES`].
    #[n(1)]
    pub ranges: Vec<AddressRange>,
}

message!(ReadRequest);

/// What could be read. Trap bytes are never seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadReply {
    /// Bytes read of each range, from its start; short where memory ends.
    #[n(0)]
    pub lengths: Vec<u64>,
    /// The bytes, one range behind the other.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(ReadReply, bulk = bytes);

impl ReadReply {
    /// The bytes of each range, in the order of the request.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        self.lengths.iter().map_while(move |length| {
            let (part, behind) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
            rest = behind;
            Some(part)
        })
    }
}

/// Memory to write.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WriteRequest {
    /// Whose.
    #[n(0)]
    pub process: OsPid,
    /// Where.
    #[n(1)]
    pub address: Address,
    /// What; at most [`MOST_BYTES`].
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(WriteRequest, bulk = bytes);

/// What could be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WriteReply {
    /// Bytes written from the start.
    #[n(0)]
    pub length: u64,
}

message!(WriteReply);

/// A pattern to look for at the server.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SearchRequest {
    /// Whose memory.
    #[n(0)]
    pub process: OsPid,
    /// Where; memory that is not there is passed over.
    #[n(1)]
    pub range: AddressRange,
    /// Finds lie at multiples of this many bytes from the range's start; at least 1.
    #[n(2)]
    pub granularity: u32,
    /// Stop after this many finds.
    #[n(3)]
    pub most: u32,
    /// Only in writable memory.
    #[n(4)]
    pub writable_only: bool,
    /// The bytes to find, 1 to 4096.
    #[cbor(skip)]
    pub pattern: Vec<u8>,
}

message!(SearchRequest, bulk = pattern);

/// Where the pattern was found, ascending; overlapping finds included.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SearchReply {
    /// Starts of the finds.
    #[n(0)]
    pub found: Vec<Address>,
    /// Where to go on when `most` was reached.
    #[n(1)]
    pub next: Option<Address>,
}

message!(SearchReply);

/// Registers of several threads in one request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RegistersRequest {
    /// Whose process.
    #[n(0)]
    pub process: OsPid,
    /// Which threads.
    #[n(1)]
    pub threads: Vec<OsTid>,
    /// Which sets beside the general one.
    #[n(2)]
    pub sets: RegisterSets,
}

message!(RegistersRequest);

/// Registers in the order of the request; none for a thread that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RegistersReply {
    /// One each.
    #[n(0)]
    pub registers: Vec<Option<Registers>>,
}

message!(RegistersReply);

/// New registers for a thread.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SetRegistersRequest {
    /// Whose process.
    #[n(0)]
    pub process: OsPid,
    /// Which thread.
    #[n(1)]
    pub thread: OsTid,
    /// The general set is written whole; debug and vector sets where they are not empty.
    #[n(2)]
    pub registers: Registers,
}

message!(SetRegistersRequest);

/// Stacks of many threads at once: what backtraces of all of them need.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StacksRequest {
    /// Whose process.
    #[n(0)]
    pub process: OsPid,
    /// Which threads; empty means all.
    #[n(1)]
    pub threads: Vec<OsTid>,
    /// Bytes from each stack pointer up.
    #[n(2)]
    pub bytes: u32,
}

message!(StacksRequest);

/// One thread's part of a [`StacksReply`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadStack {
    /// The thread.
    #[n(0)]
    pub thread: OsTid,
    /// Its general registers.
    #[n(1)]
    pub registers: Registers,
    /// The stack bytes that could be read.
    #[n(2)]
    pub range: AddressRange,
}

/// Registers and stacks of many threads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StacksReply {
    /// One each, in the order of the request.
    #[n(0)]
    pub threads: Vec<ThreadStack>,
    /// The stacks, one behind the other.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(StacksReply, bulk = bytes);

service! {
    /// Looking into debuggees and changing them. Memory can be read and written while they run; registers cannot.
    pub trait Look = 4, proxy LookProxy, module look_service, error TargetError {
        /// Threads in the order of creation.
        1 reads threads / begin_threads(ProcessRef) -> ThreadList;
        /// Images with their build-ids and the places of their sections.
        2 reads images / begin_images(ProcessRef) -> ImageList;
        /// Mappings (DbgEng's `QueryVirtual`).
        3 reads regions / begin_regions(ProcessRef) -> RegionList;
        /// Reads memory (DbgEng's `ReadVirtual`). Short reads are results, not errors.
        4 reads read / begin_read(ReadRequest) -> ReadReply;
        /// Writes memory, read-only text included (DbgEng's `WriteVirtual`). Bytes under a trap are kept for it.
        5 changes write / begin_write(WriteRequest) -> WriteReply;
        /// Searches at the server (DbgEng's `SearchVirtual2`).
        6 reads search / begin_search(SearchRequest) -> SearchReply;
        /// Registers of threads at rest.
        7 reads registers / begin_registers(RegistersRequest) -> RegistersReply;
        /// Sets a thread's registers.
        8 changes set_registers / begin_set_registers(SetRegistersRequest) -> Nothing;
        /// Registers and stacks of many threads.
        9 reads stacks / begin_stacks(StacksRequest) -> StacksReply;
    }
}
