//! Passwords and keys: text that is compared and used, and never shown.

use std::fmt;

use zeroize::Zeroizing;

use super::Parsed;
use crate::channel::key::{Key, WRITTEN};

/// Text that prints as `*`, in `Debug` too.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself, for the one place that derives a key from it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: &str) -> Secret {
        Secret(Zeroizing::new(text.to_owned()))
    }

    /// Where it is to be had.
    pub fn source(&self) -> SecretSource<'_> {
        match (self.0.split_once(':'), self.0.as_str()) {
            (Some(("env", name)), _) => SecretSource::Environment(name),
            (Some(("fd", number)), _) => SecretSource::Descriptor(number),
            (_, "*") => SecretSource::Prompt,
            _ => SecretSource::Given,
        }
    }

    /// Text that is only shown and passed on.
    pub(in crate::connection_string) fn parse_text(text: &str) -> Parsed<Secret> {
        match text {
            "" => Err("it is empty".to_owned()),
            text => Ok(Secret::new(text)),
        }
    }

    pub(in crate::connection_string) fn parse_password(text: &str) -> Parsed<Secret> {
        let secret = Secret::new(text);
        match secret.source() {
            _ if text.is_empty() => Err("it is empty; '*' asks for it".to_owned()),
            SecretSource::Environment("") => Err("env: needs the name of a variable".to_owned()),
            SecretSource::Descriptor(number) if number.parse::<u16>().is_err() => {
                Err("fd: needs the number of an open descriptor".to_owned())
            }
            _ => Ok(secret),
        }
    }

    pub(in crate::connection_string) fn parse_clients_key(text: &str) -> Parsed<Secret> {
        match text {
            NEW_KEY => Err("a client gives the key that the server printed".to_owned()),
            text => Secret::parse_key(text),
        }
    }

    pub(crate) fn parse_key(text: &str) -> Parsed<Secret> {
        let secret = Secret::parse_password(text)?;
        match secret.source() {
            SecretSource::Given if text != NEW_KEY => Secret::parse_written_key(text),
            _ => Ok(secret),
        }
    }

    /// The key itself.
    pub(crate) fn parse_written_key(text: &str) -> Parsed<Secret> {
        match (Key::read(text), text.len()) {
            (Some(_), _) => Ok(Secret::new(text)),
            (None, WRITTEN) => Err(
                "no server has drawn this key: it is mistyped, or somebody's own words, which are a password"
                    .to_owned(),
            ),
            _ => Err(
                "a key is the 29 letters and digits that a server printed (key=new at the server); words of your own \
                 are a password"
                    .to_owned(),
            ),
        }
    }
}

/// Where a secret is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource<'s> {
    /// It is here.
    Given,
    /// `env:NAME`: a variable of the environment.
    Environment(&'s str),
    /// `fd:N`: the first line that an open descriptor gives.
    Descriptor(&'s str),
    /// `*`: the user types it.
    Prompt,
}

/// `key=new`: the server draws a key and prints it.
pub(crate) const NEW_KEY: &str = "new";

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
