//! Why no encrypted connection came of a plain one, in words and with the cure.

use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::connection_string::Thumbprint;

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// `pin=` names another certificate.
    #[error(
        "the other side shows a certificate with the thumbprint {shown}, and pin={pin} allows only another one: either the pin is out of \
         date, or somebody stands between; ask whoever runs the other side"
    )]
    WrongPin {
        /// What was asked for.
        pin: Thumbprint,
        /// What came.
        shown: Thumbprint,
    },

    /// Nothing says that this is the server.
    #[error(
        "the server shows a certificate with the thumbprint {shown}, which is not {wanted}, and no authority in {authorities} vouches \
         for it; if whoever runs the server says that it is the right one, give pin={shown}"
    )]
    Unknown {
        /// What would have been accepted.
        wanted: String,
        /// Where authorities were looked for.
        authorities: String,
        /// What came.
        shown: Thumbprint,
    },

    /// It has run out.
    #[error("the other side's certificate expired on {since}; it needs a new one (farsight -makecert NAME)")]
    Expired {
        /// Its last moment.
        since: String,
    },

    /// One of the two clocks is wrong.
    #[error("the other side's certificate is valid from {from} on, and here it is {now}: is one of the clocks wrong?")]
    NotYetValid {
        /// Its first moment.
        from: String,
        /// This machine's time.
        now: String,
    },

    /// An authority vouches for it, but for other machines.
    #[error(
        "the server's certificate (thumbprint {shown}) is genuine, but it is not for '{name}'{presented}: give server= as the \
         certificate has it, or pin={shown}"
    )]
    WrongName {
        /// As the server was called.
        name: String,
        /// What the certificate is for.
        presented: String,
        /// Which it is.
        shown: Thumbprint,
    },

    /// Its list of purposes leaves servers out.
    #[error("the server's certificate is not for servers: its extended key usage leaves them out")]
    NotForServers,

    /// A certificate that cannot be read.
    #[error("the other side's certificate cannot be read: {0}")]
    BadCertificate(String),

    /// Somebody shows a certificate that is not theirs.
    #[error("the other side cannot prove that the certificate it shows is its own")]
    NoProof,

    /// What answers is something else.
    #[error(
        "what listens there does not speak TLS: if it is a farsight server, it was started with tcp: or npipe:, which is then what to \
         use here; else check the port"
    )]
    NotTls,

    /// It hung up at the first bytes.
    #[error(
        "what listens there closed the connection at the first bytes of TLS: it may be a server without TLS (use tcp: or npipe:), or \
         no farsight server at all"
    )]
    ClosedAtOnce,

    /// Another program that speaks TLS.
    #[error("what listens there speaks TLS and is not a farsight server; check the port")]
    NotFarsight,

    /// It closed in the middle.
    #[error("the other side closed the connection in the middle of the TLS handshake")]
    Closed,

    /// Nothing came.
    #[error(
        "the connection was accepted and the TLS handshake not finished within {} s: is it an ssl: or spipe: server, and is it not stopped?",
        .after.as_secs()
    )]
    Silent {
        /// How long was waited.
        after: Duration,
    },

    /// It says no.
    #[error("the other side refused: {0}")]
    Refused(String),

    /// Older protocols are not offered.
    #[error("the other side does not speak TLS 1.3, and nothing older is used")]
    TooOld,

    /// Nobody needs so much for a handshake.
    #[error("the other side sent more than a handshake can need")]
    TooMuch,

    /// Bytes that TLS does not have.
    #[error("the other side does not keep to TLS: {0}")]
    Misbehaved(String),

    /// The connection below broke.
    #[error("the connection broke during the TLS handshake: {0}")]
    Broken(String),
}

impl TlsFault {
    /// What `rustls` found wrong. `heard` tells whether any of it was understood before.
    pub(super) fn of(error: &Error, heard: bool) -> TlsFault {
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref::<TlsFault>() {
                Some(fault) => fault.clone(),
                None => TlsFault::BadCertificate(other.to_string()),
            },
            Error::InvalidCertificate(CertificateError::BadSignature) => TlsFault::NoProof,
            Error::InvalidCertificate(error) => TlsFault::BadCertificate(error.to_string()),
            Error::AlertReceived(alert) => match alert {
                AlertDescription::NoApplicationProtocol => TlsFault::NotFarsight,
                AlertDescription::ProtocolVersion => TlsFault::TooOld,
                alert => TlsFault::Refused(meaning(*alert)),
            },
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls13RequiredForQuic
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => TlsFault::TooOld,
            Error::NoApplicationProtocol => TlsFault::NotFarsight,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooShort,
            ) if !heard => TlsFault::NotTls,
            Error::NoCertificatesPresented => TlsFault::Misbehaved("it shows no certificate".to_owned()),
            error => TlsFault::Misbehaved(error.to_string()),
        }
    }
}

/// What a server means by an alert, to its client.
fn meaning(alert: AlertDescription) -> String {
    let words = match alert {
        AlertDescription::CertificateRequired => {
            "it wants to see a certificate of this side (it was started with pin=): give certuser= with the name of one whose key is here"
        }
        AlertDescription::AccessDenied => {
            "the certificate that this side shows is not the one that the other side's pin= allows: give certuser= with the right one, or \
             have the other side started with pin= of this one"
        }
        AlertDescription::CertificateExpired => {
            "by its clock the certificate that this side shows has expired or is not valid yet"
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnknownCA => "it does not accept the certificate that this side shows",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it has no TLS 1.3 algorithm in common with this side"
        }
        AlertDescription::DecryptError => {
            "it could not verify what this side sent; something between may change the bytes"
        }
        AlertDescription::BadRecordMac | AlertDescription::DecodeError | AlertDescription::UnexpectedMessage => {
            "it did not understand what this side sent; something between may change the bytes"
        }
        AlertDescription::InternalError => "it failed by itself",
        other => return format!("TLS alert {other:?}"),
    };
    words.to_owned()
}
