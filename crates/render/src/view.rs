//! How a viewer wants to see records.

/// A viewer's width and taste.
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

/// What a piece of text is, for those who see colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// The heading of a table.
    Heading,
    /// The current thread, process or system.
    Current,
    /// A symbol above code.
    Label,
    /// Something that may be wrong.
    Warning,
}

impl View {
    /// Text as the viewer sees it: in colour, or as it is. `text` is fit for a terminal already.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Heading => "2",
            Paint::Current => "1",
            Paint::Label => "36",
            Paint::Warning => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
