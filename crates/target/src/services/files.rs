//! Service 5: files of reported images, and launched programs' terminals.

use farsight_types::{FileOffset, OsPid};
use farsight_wire::{Nothing, message, service};
use minicbor::{Decode, Encode};

use crate::{TargetError, WindowSize};

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FileRange {
    /// First byte.
    #[n(0)]
    pub offset: FileOffset,
    /// Length in bytes.
    #[n(1)]
    pub length: u64,
}

/// Parts of a reported image's file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReadFileRequest {
    /// The process whose image it is.
    #[n(0)]
    pub process: OsPid,
    /// The image's path as reported.
    #[n(1)]
    pub path: String,
    /// Which parts; together at most [`crate::MOST_BYTES`].
    #[n(2)]
    pub ranges: Vec<FileRange>,
}

message!(ReadFileRequest);

/// What a program's user types.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TerminalInput {
    /// The program's process.
    #[n(0)]
    pub process: OsPid,
    /// End of file (Ctrl-D at the start of a line) after the bytes.
    #[n(1)]
    pub end: bool,
    /// The bytes.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(TerminalInput, bulk = bytes);

/// A new size for a program's terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TerminalSize {
    /// The program's process.
    #[n(0)]
    pub process: OsPid,
    /// The size.
    #[n(1)]
    pub size: WindowSize,
}

message!(TerminalSize);

service! {
    /// Files and terminals.
    pub trait Files = 5, proxy FilesProxy, module files_service, error TargetError {
        /// Reads parts of the file of an image that this session was told of; nothing else can be read.
        1 reads read_file / begin_read_file(ReadFileRequest) -> crate::ReadReply;
        /// Types into a launched program's terminal.
        2 changes type_in / begin_type_in(TerminalInput) -> Nothing;
        /// Resizes a launched program's terminal.
        3 changes resize_terminal / begin_resize_terminal(TerminalSize) -> Nothing;
    }
}
