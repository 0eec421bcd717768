//! The values that keys can have, each a type that only its own parser can make.
//!
//! Parsers answer a sentence fragment that says what is wrong and what would be right; the caller adds key and place.

use std::fmt;
use std::net::IpAddr;

mod names;
mod secret;

pub use names::{ComPort, Host, PipeName, PipeTemplate};
pub(crate) use secret::NEW_KEY;
pub use secret::{Credential, Secret, SecretSource};

use farsight_types::AccessRole;

use super::error::harmless;

/// The answer of a value parser: the value, or why not.
pub(super) type Parsed<T> = Result<T, String>;

/// One port or an inclusive range; a listener takes the first that is free. Port 0 asks for any free port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Exactly this port.
    pub const fn single(port: u16) -> Ports {
        Ports {
            first: port,
            last: port,
        }
    }

    /// The lowest port.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// All of them in the order in which they are tried.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    /// The rest of these from a port on that was found free; only that port where any would have done.
    pub(crate) fn from(self, found: u16) -> Ports {
        Ports {
            first: found,
            last: self.last.max(found),
        }
    }

    /// For the side that listens: `lo:hi` is allowed, and 0 alone is any free port.
    pub(super) fn parse(text: &str) -> Parsed<Ports> {
        let Some((first, last)) = text.split_once(':') else {
            let port = number::<u16>(text, "a port from 1 to 65535, 0 for any free one, or a range LOW:HIGH")?;
            return Ok(Ports::single(port));
        };
        let first = parse_port(first)?;
        let last = parse_port(last)?;
        if first > last {
            return Err(format!("the range {first}:{last} is empty; the lower port comes first"));
        }
        Ok(Ports { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

/// For the side that connects: one port, not 0.
pub(super) fn parse_port(text: &str) -> Parsed<u16> {
    let wanted = "a port from 1 to 65535";
    match number::<u16>(text, wanted)? {
        0 => Err(format!("'0' is not {wanted}")),
        port => Ok(port),
    }
}

/// As [`parse_port`], with a word about ranges, which belong to the listening side.
pub(super) fn parse_dialled_port(text: &str) -> Parsed<u16> {
    if text.contains(':') {
        return Err("a range belongs to the side that listens; give the port that it printed".to_owned());
    }
    parse_port(text)
}

/// A decimal number without sign, or a sentence with what was wanted.
pub(super) fn number<T: std::str::FromStr>(text: &str, wanted: &str) -> Parsed<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("'{}' is not {wanted}", harmless(text)))
}

/// Where a listener binds: `server=` on the side that listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindAddress {
    /// 127.0.0.1 and ::1, the default.
    #[default]
    Loopback,
    /// Every address of the machine (`*`).
    All,
    /// One address of the machine.
    Address(IpAddr),
}

impl BindAddress {
    pub(super) fn parse(text: &str) -> Parsed<BindAddress> {
        let text = bare_address(text);
        if text == "*" {
            return Ok(BindAddress::All);
        }
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(BindAddress::Loopback);
        }
        text.parse::<IpAddr>().map(|address| BindAddress::Address(address.to_canonical())).map_err(|_| {
            format!(
                "a listener takes a numeric address of this machine, '*' for all, or 'localhost'; '{}' is none of them",
                harmless(text)
            )
        })
    }
}

/// An address without the brackets that IPv6 addresses wear in URLs.
pub(super) fn bare_address(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text)
}

/// Reads `role=`.
pub(super) fn parse_access_role(text: &str) -> Parsed<AccessRole> {
    AccessRole::named(text).ok_or_else(|| format!("'{}' is not observer, operator or owner", harmless(text)))
}

/// What `ssl` and `spipe` need: always TLS 1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate that this side shows.
    pub certificate: Option<Certificate>,
    /// The only certificate that this side accepts (`pin=`).
    pub pin: Option<Thumbprint>,
}

impl Tls {
    /// What the clients of a server that says this give: exactly the certificate that it shows and, where it demands one
    /// of them, which of theirs.
    pub(crate) fn for_clients(&self, shown: &Thumbprint) -> Tls {
        let own = |pin: &Thumbprint| Certificate {
            store: CertificateStore::User,
            name: pin.to_string(),
        };
        Tls {
            certificate: self.pin.as_ref().map(own),
            pin: Some(shown.clone()),
        }
    }
}

/// Checks `proto=`: `tls1` means TLS 1.3, and the protocols that are broken today are refused by name.
pub(super) fn parse_tls_protocol(text: &str) -> Parsed<()> {
    let broken = ["pct1", "ssl2", "ssl3"]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(text));
    match broken {
        Some(name) => Err(format!(
            "{name} is broken and not offered; tls1 (TLS 1.3) is, or leave proto out"
        )),
        None if text.eq_ignore_ascii_case("tls1") => Ok(()),
        None => Err(format!(
            "'{}' is unknown; tls1 (TLS 1.3) is the only one, or leave proto out",
            harmless(text)
        )),
    }
}

/// A certificate of this side, by name or thumbprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Where it is kept.
    pub store: CertificateStore,
    /// Its name or thumbprint as written.
    pub name: String,
}

/// Where a certificate is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStore {
    /// `certuser=`.
    User,
    /// `machuser=`.
    Machine,
}

pub(super) fn parse_certificate_name(text: &str) -> Parsed<String> {
    if text.is_empty() || text.contains(['{', '}']) || text.chars().any(char::is_control) {
        return Err("a certificate's name or thumbprint is needed, without braces".to_owned());
    }
    Ok(text.to_owned())
}

/// A certificate's SHA-1 (20 bytes) or SHA-256 (32 bytes), in hexadecimal, with or without blanks or colons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbprint(Vec<u8>);

impl Thumbprint {
    /// The digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a digest came to.
    #[cfg(feature = "tls")]
    pub(crate) fn from_digest(digest: &[u8]) -> Thumbprint {
        Thumbprint(digest.to_vec())
    }

    pub(crate) fn parse(text: &str) -> Parsed<Thumbprint> {
        let digits: Option<Vec<u32>> = text
            .chars()
            .filter(|character| !character.is_whitespace() && *character != ':')
            .map(|character| character.to_digit(16))
            .collect();
        let bytes: Option<Vec<u8>> = digits
            .filter(|digits| matches!(digits.len(), 40 | 64))
            .and_then(|digits| {
                digits
                    .chunks_exact(2)
                    .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
                    .collect()
            });
        bytes
            .map(Thumbprint)
            .ok_or_else(|| "a thumbprint is 40 or 64 hexadecimal digits".to_owned())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
