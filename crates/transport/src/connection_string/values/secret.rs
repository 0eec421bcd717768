//! Passwords and keys: text that is compared and used, and never shown.

use std::fmt;

use super::Parsed;

/// Text that prints as `*`, in `Debug` too.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that derives a key from it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(in crate::connection_string) fn parse(text: &str) -> Parsed<Secret> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Secret(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*")
    }
}

/// What the two ends must share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `password=`: chosen by a person, of any length.
    Password(Secret),
    /// `key=`: printed by a server, used once.
    Key(Secret),
}
