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

/// Memory to fill with a repeated pattern.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FillRequest {
    /// Whose.
    #[n(0)]
    pub process: OsPid,
    /// Where; a last pattern is cut short at its end.
    #[n(1)]
    pub range: AddressRange,
    /// What; 1 to 65536 bytes.
    #[cbor(skip)]
    pub pattern: Vec<u8>,
}

message!(FillRequest, bulk = pattern);

/// Memory to be made in a debuggee, readable, writable and executable, zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AllocateRequest {
    /// Whose.
    #[n(0)]
    pub process: OsPid,
    /// Bytes; rounded up to pages.
    #[n(1)]
    pub size: u64,
    /// Exactly there, where nothing is mapped yet; none leaves it to the system.
    #[n(2)]
    pub at: Option<Address>,
}

message!(AllocateRequest);

/// Memory made or to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Allocation {
    /// Whose.
    #[n(0)]
    pub process: OsPid,
    /// Where, in whole pages.
    #[n(1)]
    pub range: AddressRange,
}

message!(Allocation);

/// Changes suspend counts; a thread whose count is above 0 stays where it is while the others run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SuspendOrder {
    /// Whose process.
    #[n(0)]
    pub process: OsPid,
    /// Which threads; empty means all.
    #[n(1)]
    pub threads: Vec<OsTid>,
    /// Added to each count; counts do not fall below 0.
    #[n(2)]
    pub change: i32,
}

message!(SuspendOrder);

/// Suspend counts in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SuspendCounts {
    /// One each.
    #[n(0)]
    pub counts: Vec<(OsTid, u32)>,
}

message!(SuspendCounts);

/// Threads to describe.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadsRequest {
    /// Whose process.
    #[n(0)]
    pub process: OsPid,
    /// Which threads; empty means all.
    #[n(1)]
    pub threads: Vec<OsTid>,
}

message!(ThreadsRequest);

/// What the system says of one thread.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadDetail {
    /// Which.
    #[n(0)]
    pub tid: OsTid,
    /// Its start, in microseconds of Unix time.
    #[n(1)]
    pub started: u64,
    /// Time spent in user mode, in microseconds.
    #[n(2)]
    pub user: u64,
    /// Time spent in the kernel, in microseconds.
    #[n(3)]
    pub kernel: u64,
    /// State letter of `/proc/PID/task/TID/stat`.
    #[n(4)]
    pub state: char,
    /// The processor that it last ran on.
    #[n(5)]
    pub processor: u32,
    /// Nice value.
    #[n(6)]
    pub nice: i32,
    /// Suspend count.
    #[n(7)]
    pub suspended: u32,
    /// Where it began, as far as the server knows: the program's entry for the first thread, the pc at its birth for a
    /// thread that was born while debugged.
    #[n(8)]
    pub start: Option<Address>,
}

/// Threads in the order of the request; those that are gone are missing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ThreadDetails {
    /// One each.
    #[n(0)]
    pub threads: Vec<ThreadDetail>,
}

message!(ThreadDetails);

/// What a process was started with, and its times.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessParameters {
    /// The auxiliary vector, type and value.
    #[n(0)]
    pub auxiliary: Vec<(u64, u64)>,
    /// The environment that it was started with, `NAME=value` each.
    #[n(1)]
    pub environment: Vec<String>,
    /// Its arguments.
    #[n(2)]
    pub arguments: Vec<String>,
    /// Its working directory.
    #[n(3)]
    pub directory: Option<String>,
    /// Its executable.
    #[n(4)]
    pub executable: Option<String>,
    /// Its parent.
    #[n(5)]
    pub parent: OsPid,
    /// Its start, in microseconds of Unix time.
    #[n(6)]
    pub started: u64,
    /// Time spent in user mode, in microseconds.
    #[n(7)]
    pub user: u64,
    /// Time spent in the kernel, in microseconds.
    #[n(8)]
    pub kernel: u64,
    /// The server's clock, in microseconds of Unix time.
    #[n(9)]
    pub now: u64,
    /// How long the server's machine has been up, in microseconds.
    #[n(10)]
    pub uptime: u64,
}

message!(ProcessParameters);

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
        /// Fills memory with a pattern (DbgEng's `FillVirtual`); partial success is success. Bytes under a trap are kept for it.
        10 changes fill / begin_fill(FillRequest) -> WriteReply;
        /// Makes memory in a debuggee at rest (`.dvalloc`).
        11 changes allocate / begin_allocate(AllocateRequest) -> Allocation;
        /// Gives memory of a debuggee at rest back (`.dvfree`).
        12 changes free / begin_free(Allocation) -> Nothing;
        /// Changes suspend counts (`~n`, `~m`).
        13 changes change_suspend_counts / begin_change_suspend_counts(SuspendOrder) -> SuspendCounts;
        /// Times, states and start addresses of threads, also while they run.
        14 reads describe_threads / begin_describe_threads(ThreadsRequest) -> ThreadDetails;
        /// What a debuggee was started with, and its times.
        15 reads describe_process / begin_describe_process(ProcessRef) -> ProcessParameters;
    }
}
