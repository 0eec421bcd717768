//! What is wrong with a connection string, where, and how the right form looks.
//!
//! The text it quotes never holds a password or key, and never a control character.

use std::fmt;

use super::keys::Key;

/// How much of a long string an error quotes.
const QUOTED: usize = 160;
/// How much a caret line shows to either side of the place.
const AROUND: usize = 60;

/// A connection string that cannot be used as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStringError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    fault: Fault,
    at: usize,
    /// The text with secrets masked, and the place in it, counted in characters.
    shown: String,
    column: usize,
    form: Option<String>,
}

/// The kind of mistake; keys are spelled as the table has them, unknown ones as they were written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was given.
    #[error("the connection string is empty")]
    Empty,
    /// A quotation mark opens the string and none closes it.
    #[error("the quotation mark is not closed")]
    UnclosedQuote,
    /// There is no `PROTOCOL:` in front.
    #[error("a connection string starts with a protocol and a colon")]
    NoProtocol,
    /// No such protocol.
    #[error("unknown protocol '{protocol}'; known here: {known}")]
    UnknownProtocol {
        /// What was written.
        protocol: String,
        /// What this role could use.
        known: String,
    },
    /// The protocol exists, but not for this role.
    #[error("{protocol} is not for {role}; usable there: {usable}")]
    WrongRole {
        /// The protocol.
        protocol: String,
        /// The role that was asked for.
        role: &'static str,
        /// What this role could use.
        usable: String,
    },
    /// No protocol has such a key.
    #[error("unknown key '{key}'{}", .meant.map(|meant| format!("; did you mean '{meant}'?")).unwrap_or_default())]
    UnknownKey {
        /// What was written.
        key: String,
        /// The nearest key that fits here.
        meant: Option<&'static str>,
    },
    /// The key exists, but not in this form.
    #[error("key '{key}' {why}")]
    WrongKey {
        /// The key.
        key: &'static str,
        /// Where it would belong.
        why: String,
    },
    /// A key that the form demands is not there.
    #[error("key '{key}' is missing")]
    MissingKey {
        /// The key, or the keys of which one is needed.
        key: String,
    },
    /// A key was given twice.
    #[error("key '{key}' is given twice")]
    DuplicateKey {
        /// The key.
        key: &'static str,
    },
    /// Two keys exclude each other.
    #[error("keys '{key}' and '{other}' exclude each other")]
    Conflict {
        /// The key at the place.
        key: &'static str,
        /// The other one.
        other: &'static str,
    },
    /// The key needs a value.
    #[error("key '{key}' needs a value")]
    ValueMissing {
        /// The key.
        key: &'static str,
    },
    /// The key is a flag.
    #[error("'{key}' is a flag and takes no value")]
    ValueUnwanted {
        /// The key.
        key: &'static str,
    },
    /// The value cannot be used.
    #[error("key '{key}': {why}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// An `@{` without its `}`.
    #[error("key '{key}': the @{{ is not closed by a }}")]
    UnclosedBrace {
        /// The key.
        key: String,
    },
    /// Something other than a comma follows the `}` of a value.
    #[error("key '{key}': only a comma may follow the }}")]
    TextAfterBrace {
        /// The key.
        key: String,
    },
    /// A comma with nothing behind it.
    #[error("a key is expected here")]
    EmptyParameter,
}

impl ConnectionStringError {
    pub(super) fn new(whole: &str, at: usize, fault: Fault) -> ConnectionStringError {
        let (shown, column) = mask(whole, at);
        let fault = fault.shortened();
        ConnectionStringError(Box::new(Inner {
            fault,
            at: at.min(whole.len()),
            shown,
            column,
            form: None,
        }))
    }

    pub(super) fn with_form(mut self, form: String) -> ConnectionStringError {
        self.0.form = Some(form);
        self
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// The key that is wrong, missing or unknown.
    pub fn key(&self) -> Option<&str> {
        match &self.0.fault {
            Fault::UnknownKey { key, .. }
            | Fault::MissingKey { key }
            | Fault::UnclosedBrace { key }
            | Fault::TextAfterBrace { key } => Some(key),
            Fault::WrongKey { key, .. }
            | Fault::DuplicateKey { key }
            | Fault::Conflict { key, .. }
            | Fault::ValueMissing { key }
            | Fault::ValueUnwanted { key }
            | Fault::BadValue { key, .. } => Some(key),
            Fault::Empty
            | Fault::UnclosedQuote
            | Fault::NoProtocol
            | Fault::UnknownProtocol { .. }
            | Fault::WrongRole { .. }
            | Fault::EmptyParameter => None,
        }
    }

    /// The place, as a byte offset into the text that was parsed.
    pub fn at(&self) -> usize {
        self.0.at
    }

    /// The right form for this protocol and role.
    pub fn form(&self) -> Option<&str> {
        self.0.form.as_deref()
    }

    /// Two lines: the text (secrets masked) and a caret below the place.
    pub fn caret(&self) -> String {
        let Inner { shown, column, .. } = &*self.0;
        let first = column.saturating_sub(AROUND);
        let text: String = shown.chars().skip(first).take(2 * AROUND).collect();
        format!("{text}\n{:indent$}^", "", indent = column - first)
    }
}

impl fmt::Display for ConnectionStringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            fault, at, shown, form, ..
        } = &*self.0;
        write!(f, "{fault}")?;
        if !shown.is_empty() {
            let quoted: String = shown.chars().take(QUOTED).collect();
            let more = if shown.len() > quoted.len() { "..." } else { "" };
            write!(f, " (column {} of \"{quoted}{more}\")", at.saturating_add(1))?;
        }
        match form {
            Some(form) => write!(f, "\nthe form is {form}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConnectionStringError {}

impl Fault {
    /// Words that came from the outside are cut to a length that a message can carry, and made harmless.
    fn shortened(self) -> Fault {
        match self {
            Fault::UnknownProtocol { protocol, known } => Fault::UnknownProtocol {
                protocol: harmless(&protocol),
                known,
            },
            Fault::UnknownKey { key, meant } => Fault::UnknownKey {
                key: harmless(&key),
                meant,
            },
            Fault::UnclosedBrace { key } => Fault::UnclosedBrace { key: harmless(&key) },
            Fault::TextAfterBrace { key } => Fault::TextAfterBrace { key: harmless(&key) },
            other => other,
        }
    }
}

/// At most forty characters of `text`, none of them a control character.
pub(super) fn harmless(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(visible).collect();
    if text.chars().nth(40).is_some() {
        short.push_str("...");
    }
    short
}

fn visible(character: char) -> char {
    if character.is_control() { '?' } else { character }
}

/// The text with the values of `password=`, `key=` and keys that nobody knows, which may be one of them mistyped, replaced
/// by `*`, and where `at` went.
fn mask(whole: &str, at: usize) -> (String, usize) {
    let mut shown: Vec<char> = Vec::new();
    let mut column = None;
    let mut previous = ',';
    let mut rest = whole;
    while let Some(character) = rest.chars().next() {
        let position = whole.len() - rest.len();
        if column.is_none() && position >= at {
            column = Some(shown.len());
        }
        let fresh = matches!(previous, ',' | ':' | '{' | '"' | '\'') || previous.is_whitespace();
        if fresh && let Some(key_length) = secret_key(rest) {
            let (key, value) = rest.split_at(key_length);
            if column.is_none() && at < position + key_length {
                let inside = key
                    .char_indices()
                    .take_while(|(index, _)| position + index < at)
                    .count();
                column = Some(shown.len() + inside);
            }
            shown.extend(key.chars().map(visible));
            let value_length = secret_length(value);
            if value_length > 0 {
                if column.is_none() && at < position + key_length + value_length {
                    column = Some(shown.len());
                }
                shown.push('*');
            }
            rest = value.get(value_length..).unwrap_or("");
            previous = '*';
            continue;
        }
        shown.push(visible(character));
        previous = character;
        rest = rest.get(character.len_utf8()..).unwrap_or("");
    }
    let end = shown.len();
    (shown.into_iter().collect(), column.unwrap_or(end))
}

/// The length of a leading key that is `password`, `key` or unknown, with `=` and blanks.
fn secret_key(text: &str) -> Option<usize> {
    let length = text.find(['=', ',', ':', '{', '}', '"', '\''])?;
    let key = text
        .get(..length)
        .filter(|_| text.get(length..).is_some_and(|rest| rest.starts_with('=')))?;
    // Blanks in front are no part of it.
    let is_key = !key.is_empty() && !key.starts_with(char::is_whitespace);
    let is_secret = matches!(Key::find(key.trim_end()), None | Some(Key::Password | Key::Secret));
    (is_key && is_secret).then_some(length + 1)
}

/// How far a secret reaches: rather too far than too short, so that nothing of it is ever shown.
fn secret_length(text: &str) -> usize {
    if text.trim_start().starts_with("@{") {
        return text.rfind('}').map_or(text.len(), |at| at + 1);
    }
    text.find(',').unwrap_or(text.len())
}
