//! Text that was put together of our own words and a target's.

use minicbor::{Decode, Encode};

/// `.printf`: text that may begin and end anywhere in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PrintedText {
    /// What it is made of, in order.
    #[n(0)]
    pub parts: Vec<PrintedPart>,
}

/// A part of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PrintedPart {
    /// The text, as it came.
    #[n(0)]
    pub text: String,
    /// Whether it came from a target; else line ends and tabs in it are meant.
    #[n(1)]
    pub of_target: bool,
}
