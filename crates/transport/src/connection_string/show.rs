//! Writes transports in the canonical form: keys capitalised, values protected where they hold commas.

use std::fmt::{self, Display, Formatter, Write};

use super::keys::Key;
use super::values::{BindAddress, CertificateStore, Credential, Secret, Tls};

/// Writes `protocol:` and then keys and flags with commas between them.
pub(super) struct Show<'a, 'f> {
    f: &'a mut Formatter<'f>,
    first: bool,
}

impl<'a, 'f> Show<'a, 'f> {
    pub(super) fn start(f: &'a mut Formatter<'f>, protocol: &str) -> Result<Show<'a, 'f>, fmt::Error> {
        f.write_str(protocol)?;
        f.write_char(':')?;
        Ok(Show { f, first: true })
    }

    fn comma(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.first) {
            Ok(())
        } else {
            self.f.write_char(',')
        }
    }

    pub(super) fn pair(&mut self, key: Key, value: impl Display) -> fmt::Result {
        let value = value.to_string();
        if value.contains(',') || value.starts_with("@{") || value.trim() != value {
            return self.braced(key, value);
        }
        self.comma()?;
        write!(self.f, "{}={value}", key.shown())
    }

    pub(super) fn braced(&mut self, key: Key, value: impl Display) -> fmt::Result {
        self.comma()?;
        write!(self.f, "{}=@{{{value}}}", key.shown())
    }

    pub(super) fn optional(&mut self, key: Key, value: Option<impl Display>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.pair(key, value))
    }

    pub(super) fn flag(&mut self, key: Key, given: bool) -> fmt::Result {
        if !given {
            return Ok(());
        }
        self.comma()?;
        self.f.write_str(key.shown())
    }

    pub(super) fn bind(&mut self, bind: BindAddress) -> fmt::Result {
        match bind {
            BindAddress::Loopback => Ok(()),
            BindAddress::All => self.pair(Key::Server, "*"),
            BindAddress::Address(address) => self.pair(Key::Server, address),
        }
    }

    /// As [`Show::bind`], for a side that binds something else where it is not told.
    pub(super) fn chosen_bind(&mut self, bind: Option<BindAddress>) -> fmt::Result {
        match bind {
            None => Ok(()),
            Some(BindAddress::Loopback) => self.pair(Key::Server, "localhost"),
            Some(bind) => self.bind(bind),
        }
    }

    pub(super) fn ip_version(&mut self, only_ipv6: bool) -> fmt::Result {
        self.optional(Key::IpVersion, only_ipv6.then_some(6))
    }

    pub(super) fn tls(&mut self, tls: &Tls) -> fmt::Result {
        self.pair(Key::Proto, "tls1")?;
        if let Some(certificate) = &tls.certificate {
            let key = match certificate.store {
                CertificateStore::User => Key::CertUser,
                CertificateStore::Machine => Key::MachUser,
            };
            self.pair(key, &certificate.name)?;
        }
        self.optional(Key::Pin, tls.pin.as_ref())
    }

    pub(super) fn credential(&mut self, credential: Option<&Credential>) -> fmt::Result {
        match credential {
            None => Ok(()),
            Some(Credential::Password(secret)) => self.secret(Key::Password, secret),
            Some(Credential::Key(secret)) => self.secret(Key::Secret, secret),
        }
    }

    /// A star, but for the one line that a client pastes (`{:#}`, which only `reveal` writes).
    fn secret(&mut self, key: Key, secret: &Secret) -> fmt::Result {
        match self.f.alternate() {
            true => self.pair(key, secret.expose()),
            false => self.pair(key, secret),
        }
    }
}
