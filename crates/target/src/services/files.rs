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

/// A part of a file on its way to the server. Parts come in order; requests may be pipelined.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FilePart {
    /// Where the file shall be: an absolute path at the server.
    #[n(0)]
    pub path: String,
    /// Place of the bytes in the file; 0 begins anew.
    #[n(1)]
    pub offset: u64,
    /// With the last part: what the whole must be. Only then does the file appear under its name.
    #[n(2)]
    pub end: Option<FileSeal>,
    /// The bytes; at most [`crate::MOST_BYTES`].
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(FilePart, bulk = bytes);

/// What a whole file must be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FileSeal {
    /// Size in bytes.
    #[n(0)]
    pub size: u64,
    /// SHA-256 of its bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub checksum: Vec<u8>,
    /// Replace a file that is there (`-f`).
    #[n(2)]
    pub replace: bool,
    /// Permission bits, such as 0o755.
    #[n(3)]
    pub mode: u32,
}

/// A file to fetch from the server, in pieces.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FileFetch {
    /// An absolute path at the server.
    #[n(0)]
    pub path: String,
    /// Place of the first byte.
    #[n(1)]
    pub offset: u64,
    /// Most bytes of this piece; at most [`crate::MOST_BYTES`].
    #[n(2)]
    pub length: u64,
    /// Answer with the seal of the whole file as well.
    #[n(3)]
    pub seal: bool,
}

message!(FileFetch);

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FilePiece {
    /// The whole file, where asked for.
    #[n(0)]
    pub seal: Option<FileSeal>,
    /// The bytes; short at the file's end.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(FilePiece, bulk = bytes);

service! {
    /// Files and terminals.
    pub trait Files = 5, proxy FilesProxy, module files_service, error TargetError {
        /// Reads parts of the file of an image that this session was told of; nothing else can be read.
        1 reads read_file / begin_read_file(ReadFileRequest) -> crate::ReadReply;
        /// Types into a launched program's terminal.
        2 changes type_in / begin_type_in(TerminalInput) -> Nothing;
        /// Resizes a launched program's terminal.
        3 changes resize_terminal / begin_resize_terminal(TerminalSize) -> Nothing;
        /// Takes a part of a file (`.send_file`). Never overwrites unless the seal says so; a file whose checksum is
        /// wrong never appears.
        4 changes write_file / begin_write_file(FilePart) -> Nothing;
        /// Gives a piece of any file that the server's user can read.
        5 reads fetch_file / begin_fetch_file(FileFetch) -> FilePiece;
    }
}
