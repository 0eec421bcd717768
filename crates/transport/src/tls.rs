//! TLS 1.3 over any stream: certificates from a store of files, exactly one peer accepted, and a thread that carries the
//! bytes between the encrypted connection and one end of a socket pair, so that everything above sees a plain stream.
//!
//! It decides nothing about sessions, and trusts nothing but what the connection string and the store name: no roots of
//! the web, no first use. Read [`ServerSide`] and [`ClientSide`] first: who listens for `ssl:` and `spipe:`, who dials
//! them and whatever reverses them makes streams with these two.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod carrier;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
pub mod certificates;
#[cfg(feature = "tls")]
mod fault;
#[cfg(feature = "tls")]
mod handshake;
#[cfg(feature = "tls")]
mod sides;
#[cfg(feature = "tls")]
mod trust;

#[cfg(not(feature = "tls"))]
pub(crate) use absent::{ClientSide, ServerSide};
#[cfg(feature = "tls")]
pub use certificates::CertificateFault;
#[cfg(feature = "tls")]
pub use fault::TlsFault;
#[cfg(feature = "tls")]
pub(crate) use handshake::Handshake;
#[cfg(feature = "tls")]
pub(crate) use sides::{ClientSide, ServerSide};

#[cfg(feature = "tls")]
#[cfg(test)]
mod tests;
