//! Source lines: which are meant, never what is in them. Source files are read where the viewer sits.

use minicbor::{Decode, Encode};

/// A line of a source file, as the debug information names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SourcePosition {
    /// The file's path on the machine that built it.
    #[n(0)]
    pub path: String,
    /// From 1.
    #[n(1)]
    pub line: u32,
    /// From 1; none where it is not known.
    #[n(2)]
    pub column: Option<u32>,
}

/// Lines of a source file. The viewer's side finds and reads the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SourceLines {
    /// The file's path on the machine that built it.
    #[n(0)]
    pub path: String,
    /// Of its contents when it was compiled, where the compiler noted it.
    #[n(1)]
    pub md5: Option<[u8; 16]>,
    /// The first line, from 1.
    #[n(2)]
    pub first: u32,
    /// How many.
    #[n(3)]
    pub count: u32,
    /// The line that is marked.
    #[n(4)]
    pub current: Option<u32>,
    /// Folders to look in (`.srcpath`), in order.
    #[n(5)]
    pub search: Vec<String>,
    /// Nothing is said of a file that is not there.
    #[n(6)]
    pub quiet: bool,
}

/// The source of the place where a thread stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SourceOfPlace {
    /// Which line.
    #[n(0)]
    pub position: SourcePosition,
    /// Bytes from where the line's code begins.
    #[n(1)]
    pub displacement: u64,
    /// The position is shown (`l+l`).
    #[n(2)]
    pub shows_position: bool,
    /// What is shown of the file (`l+s`).
    #[n(3)]
    pub lines: Option<SourceLines>,
    /// Neither symbol nor instruction are shown where the file is there (`l+o`).
    #[n(4)]
    pub alone: bool,
}
