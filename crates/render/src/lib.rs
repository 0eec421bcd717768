//! Records to text, for a client's own width and taste.
//!
//! Pure: a record and a view in, text out. Read [`render`] first. No string that came from a target leaves here without
//! going through [`visible`].

mod visible;

use farsight_session::Record;

pub use visible::visible;

/// How a viewer wants to see records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Characters a line; a hint.
    pub width: u16,
    /// Whether the viewer's terminal shows colours.
    pub colour: bool,
}

impl Default for View {
    fn default() -> View {
        View {
            width: 80,
            colour: false,
        }
    }
}

/// The text of a record: whole lines, each with its line end.
pub fn render(record: &Record, view: &View) -> String {
    let _ = view;
    match record {
        Record::Lines(lines) => lines.iter().map(|line| format!("{}\n", visible(line))).collect(),
        other => format!("{other:?}\n"),
    }
}
