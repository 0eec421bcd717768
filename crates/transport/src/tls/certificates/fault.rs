//! What can be wrong with the certificate of this side, and the cure.

use std::io;
use std::path::PathBuf;

use crate::connection_string::Thumbprint;

/// Why a certificate of this side cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    /// There is no user's store.
    #[error(
        "the store of this user's certificates is not known: HOME is not set; use machuser=, or give the path of a PEM file"
    )]
    NoHome,

    /// The parameter names nothing.
    #[error(
        "there is no certificate '{name}' in {}: put {name}.pem and {name}.key there, or make them with \
         farsight -makecert NAME{}",
        .folder.display(),
        others(.known)
    )]
    NotThere {
        /// As it was asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What is there.
        known: Vec<String>,
    },

    /// No certificate of the store has the thumbprint.
    #[error(
        "no certificate in {} has the thumbprint {thumbprint}; farsight -makecert NAME makes one and shows its own",
        .folder.display()
    )]
    NoThumbprint {
        /// What was asked for.
        thumbprint: Thumbprint,
        /// Where it was looked for.
        folder: PathBuf,
    },

    /// A file or folder cannot be opened.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// A file or folder cannot be made.
    #[error("{} cannot be made: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// It is never replaced.
    #[error("{} is there already and is not overwritten; choose another name, or remove it", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },

    /// A new certificate needs a name that can be a file's.
    #[error("'{0}' cannot name a certificate: letters, digits, '-', '_' and '.' can, at most 64 and no dot first")]
    BadName(String),

    /// Others could read the key, or put in another certificate.
    #[error("{} {exposure}", .path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and how it is mended.
        exposure: Exposure,
    },

    /// A file is not what it should be.
    #[error("{} {fault}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: PemFault,
    },

    /// There is a certificate and no key.
    #[error(
        "the certificate {} has no key: {} is missing, without which this side cannot prove that the certificate is its own",
        .certificate.display(), .key.display()
    )]
    NoKey {
        /// The certificate.
        certificate: PathBuf,
        /// Where the key should be.
        key: PathBuf,
    },

    /// They do not belong together.
    #[error(
        "the key {} does not belong to the certificate {}: one of them is another pair's",
        .key.display(), .certificate.display()
    )]
    OtherKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },

    /// Keys that TLS 1.3 has no use for.
    #[error("the key {} cannot be used: {why}; ECDSA (P-256, P-384), Ed25519 and RSA keys of 2048 bits or more can", .key.display())]
    UnusableKey {
        /// The key.
        key: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// Nobody would accept it.
    #[error("the certificate {} expired on {since}; make another one (farsight -makecert NAME)", .certificate.display())]
    Expired {
        /// The certificate.
        certificate: PathBuf,
        /// Its last moment.
        since: String,
    },

    /// Nobody would accept it yet.
    #[error("the certificate {} is valid from {from} on; is this machine's clock right (it says {now})?", .certificate.display())]
    NotYetValid {
        /// The certificate.
        certificate: PathBuf,
        /// Its first moment.
        from: String,
        /// This machine's time.
        now: String,
    },

    /// Its list of purposes leaves servers out.
    #[error("the certificate {} is not for servers: its extended key usage leaves 'TLS Web Server Authentication' out", .certificate.display())]
    NotForServers {
        /// The certificate.
        certificate: PathBuf,
    },

    /// The computing part failed.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Who else gets at a file that only its user should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exposure {
    /// Somebody else owns it.
    #[error("belongs to uid {owner}, not to uid {expected} or root: take it over (chown), or use a copy")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who this is.
        expected: u32,
    },
    /// A key that others read is nobody's own.
    #[error(
        "can be read by others (mode {mode:03o}): chmod 600 it, and if others have used this machine make another key"
    )]
    Readable {
        /// Its permissions.
        mode: u32,
    },
    /// Others could put in a certificate of theirs.
    #[error("can be written by others (mode {mode:03o}): chmod go-w it, after a look at what it holds")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
}

/// What is wrong with a file of certificates or keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// Perhaps it is DER.
    #[error(
        "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); openssl x509 -inform der makes that of a DER file"
    )]
    NoCertificate,
    /// It is damaged.
    #[error("is damaged: {0}")]
    Broken(&'static str),
    /// A certificate in it is none.
    #[error("is damaged: what should be its certificate number {number} is none")]
    NotACertificate {
        /// Counted from 1.
        number: usize,
    },
    /// It is not a chain.
    #[error("holds more than {most} certificates, which is no chain of one server's")]
    TooMany {
        /// How many may be there.
        most: usize,
    },
    /// Nobody could type a passphrase.
    #[error(
        "holds a key that needs a passphrase, which a server has nobody to ask for: openssl pkey writes it without one"
    )]
    EncryptedKey,
    /// It is not a regular file, or far too long.
    #[error("is not a file of at most {most} bytes")]
    NotAFile {
        /// How long it may be.
        most: u64,
    },
}

fn others(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!(" (there are: {})", known.join(", ")),
    }
}
