//! Results of commands as data. One module of `render` makes the text of each.

/// A command's result.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Lines that have no structure of their own.
    Lines(Vec<String>),
}
