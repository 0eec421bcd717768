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
