//! What a PEM file (RFC 7468) holds for us: certificates, and one private key without a passphrase.

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Facts, PemFault};

/// More certificates than any chain has.
const MOST: usize = 16;

/// The certificates of a PEM file in their order, at least one, each of which can be read.
pub fn read_certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let mut certificates = Vec::new();
    for found in CertificateDer::pem_slice_iter(text) {
        let certificate: CertificateDer<'static> = found.map_err(broken)?;
        if certificates.len() == MOST {
            return Err(PemFault::TooMany { most: MOST });
        }
        let number = certificates.len() + 1;
        if Facts::read(&certificate).is_none() {
            return Err(PemFault::NotACertificate { number });
        }
        certificates.push(certificate);
    }
    match certificates.is_empty() {
        true => Err(PemFault::NoCertificate),
        false => Ok(certificates),
    }
}

/// The first private key of a PEM file; `None` where it holds no key at all.
pub fn read_key(text: &[u8]) -> Result<Option<PrivateKeyDer<'static>>, PemFault> {
    match PrivateKeyDer::from_pem_slice(text) {
        Ok(key) => Ok(Some(key)),
        Err(pem::Error::NoItemsFound) if holds(text, b"BEGIN ENCRYPTED PRIVATE KEY") => Err(PemFault::EncryptedKey),
        Err(pem::Error::NoItemsFound) => Ok(None),
        Err(error) => Err(broken(error)),
    }
}

fn holds(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

fn broken(error: pem::Error) -> PemFault {
    PemFault::Broken(match error {
        pem::Error::MissingSectionEnd { .. } => "a BEGIN line has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "between BEGIN and END stands something else than base64",
        _ => "it cannot be read",
    })
}
