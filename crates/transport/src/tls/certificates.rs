//! The stores of certificates: folders of pairs `NAME.pem` (a certificate, and behind it those that vouch for it) and
//! `NAME.key`, with a folder `ca` of authorities beside them. The user's is `~/.config/farsight/certs`, the machine's
//! `/etc/farsight/certs`.
//!
//! Nothing is taken from a file that somebody else could have written, nor a key from one that somebody else can read.

mod fault;
mod folder;
mod pem;

pub use super::certificate::{Facts, date, now};
pub use fault::{CertificateFault, Exposure, PemFault};
pub use folder::{Added, Certificates};
pub(super) use folder::{Found, Wanted};
pub use pem::{read_certificates, read_key};
