//! Whom this side accepts: the verifiers that `rustls` asks.
//!
//! A server is accepted that shows the pinned certificate, or the very certificate that this side's parameter names, or
//! one that an authority of the store vouches for and that is for the machine that was called. A client is accepted
//! that shows the pinned certificate. Nobody else is, and a certificate's time counts always.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};

use super::certificate::{Age, Facts, moment};
use super::fault::TlsFault;
use crate::connection_string::Thumbprint;

/// Which server a client accepts.
#[derive(Debug)]
pub(super) struct ServerTrust {
    pub(super) accepted: Accepted,
    /// As the server is called, where that can stand in a certificate.
    pub(super) name: Option<ServerName<'static>>,
    /// As the server is called.
    pub(super) called: String,
    pub(super) provider: Arc<CryptoProvider>,
}

/// The certificates that are accepted.
#[derive(Debug)]
pub(super) enum Accepted {
    /// Only this one (`pin=`).
    Pinned(Thumbprint),
    /// The one that the parameter names, or what the authorities vouch for.
    Known {
        own: Own,
        authorities: Option<Arc<WebPkiServerVerifier>>,
        /// Where authorities are looked for.
        folder: String,
    },
}

/// The certificate that the client's own parameter names.
#[derive(Debug)]
pub(super) enum Own {
    Certificate {
        der: CertificateDer<'static>,
        path: String,
    },
    Thumbprint(Thumbprint),
    /// The parameter names nothing that is here.
    Nothing(String),
}

impl Own {
    fn is(&self, certificate: &CertificateDer<'_>) -> bool {
        match self {
            Own::Certificate { der, .. } => der == certificate,
            Own::Thumbprint(thumbprint) => thumbprint.is_of(certificate),
            Own::Nothing(_) => false,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Own::Certificate { path, .. } => path.clone(),
            Own::Thumbprint(thumbprint) => format!("the one with the thumbprint {thumbprint} that was asked for"),
            Own::Nothing(name) => format!("'{name}' (which is not here)"),
        }
    }
}

fn refuse(fault: TlsFault) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
}

impl ServerTrust {
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        behind: &[CertificateDer<'_>],
        ocsp: &[u8],
        time: UnixTime,
    ) -> Result<(), TlsFault> {
        let shown = Thumbprint::of(certificate);
        match &self.accepted {
            Accepted::Pinned(pin) if pin.is_of(certificate) => in_time(certificate, time, true),
            Accepted::Pinned(pin) => Err(TlsFault::WrongPin {
                pin: pin.clone(),
                shown,
            }),
            Accepted::Known { own, .. } if own.is(certificate) => in_time(certificate, time, true),
            Accepted::Known {
                own,
                authorities,
                folder,
            } => {
                let unknown = || TlsFault::Unknown {
                    wanted: own.in_words(),
                    authorities: folder.clone(),
                    shown: shown.clone(),
                };
                let authorities = authorities.as_ref().ok_or_else(unknown)?;
                // What cannot stand in a certificate is in none.
                let unnamed = ServerName::try_from("unnamed.invalid").map_err(|_| unknown())?;
                let name = self.name.as_ref().unwrap_or(&unnamed);
                let verified = authorities.verify_server_cert(certificate, behind, name, ocsp, time);
                verified.map(|_| ()).map_err(|error| match error {
                    // An authority of the same name with another key is another authority, and one that signed itself has none
                    // ("other": it is an authority, and shown as a server's).
                    Error::InvalidCertificate(
                        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
                    ) => unknown(),
                    error => self.explain(error, shown.clone()),
                })
            }
        }
    }

    /// An authority's certificate that will not do.
    fn explain(&self, error: Error, shown: Thumbprint) -> TlsFault {
        let seconds = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let Error::InvalidCertificate(error) = error else {
            return TlsFault::of(&error, true);
        };
        match error {
            CertificateError::ExpiredContext { not_after, .. } => TlsFault::Expired {
                since: moment(seconds(not_after)),
            },
            CertificateError::NotValidYetContext { time, not_before } => TlsFault::NotYetValid {
                from: moment(seconds(not_before)),
                now: moment(seconds(time)),
            },
            CertificateError::NotValidForName => TlsFault::WrongName {
                name: self.called.clone(),
                presented: String::new(),
                shown,
            },
            CertificateError::NotValidForNameContext { presented, .. } => TlsFault::WrongName {
                name: self.called.clone(),
                presented: match presented.as_slice() {
                    [] => String::new(),
                    names => format!(" but for {}", harmless(&names.join(", "))),
                },
                shown,
            },
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                TlsFault::NotForServers
            }
            error => TlsFault::of(&Error::InvalidCertificate(error), true),
        }
    }
}

/// What a stranger's certificate says, without what would reach a terminal as more than text.
fn harmless(text: &str) -> String {
    let plain = |character: char| if character.is_control() { '?' } else { character };
    text.chars().take(200).map(plain).collect()
}

fn in_time(certificate: &CertificateDer<'_>, time: UnixTime, is_server: bool) -> Result<(), TlsFault> {
    let unreadable = || TlsFault::BadCertificate("it is not an X.509 certificate".to_owned());
    let facts = Facts::read(certificate).ok_or_else(unreadable)?;
    let now = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match facts.age(now) {
        Age::Expired => Err(TlsFault::Expired {
            since: moment(facts.not_after),
        }),
        Age::NotYet => Err(TlsFault::NotYetValid {
            from: moment(facts.not_before),
            now: moment(now),
        }),
        Age::Valid if is_server && !facts.for_servers => Err(TlsFault::NotForServers),
        Age::Valid => Ok(()),
    }
}

/// Neither verifier is ever asked for TLS 1.2.
fn never() -> Error {
    Error::General("TLS 1.2 is not used".to_owned())
}

impl ServerCertVerifier for ServerTrust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.check(end_entity, intermediates, ocsp_response, now);
        checked.map(|()| ServerCertVerified::assertion()).map_err(refuse)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(never())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Which client a server accepts.
#[derive(Debug)]
pub(super) struct ClientTrust {
    pub(super) pin: Thumbprint,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for ClientTrust {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// The errors are those whose alerts tell the client best what is wrong with it.
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if !self.pin.is_of(end_entity) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        match in_time(end_entity, now, false) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(TlsFault::Expired { .. }) => Err(CertificateError::Expired.into()),
            Err(TlsFault::NotYetValid { .. }) => Err(CertificateError::NotValidYet.into()),
            Err(_) => Err(CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(never())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
