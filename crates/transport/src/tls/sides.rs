//! The two sides of TLS connections, made from what a connection string says: read once, used for every connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, Error, InconsistentKeys, RootCertStore, ServerConfig, ServerConnection,
    SignatureScheme,
};

use super::certificate::{Age, moment, now};
use super::certificates::{CertificateFault, Certificates, Facts, Found, Wanted};
use super::fault::TlsFault;
use super::handshake::Handshake;
use super::trust::{Accepted, ClientTrust, Own, ServerTrust};
use crate::connection_string::{Certificate, CertificateStore, Host, Thumbprint, Tls};
use crate::error::ConnectError;
use crate::stream::Stream;

/// What both sides say they will speak, so that no other TLS server or client is taken for one of ours.
const PROTOCOL: &[u8] = b"farsight";

/// The side that shows its certificate in any case: a server, whoever dialled.
#[derive(Clone, Debug)]
pub(crate) struct ServerSide {
    config: Arc<ServerConfig>,
    thumbprint: Thumbprint,
    /// The client must show a certificate, and is told when it is accepted.
    is_mutual: bool,
}

/// The side that decides whether it is the right server: a client, whoever dialled.
#[derive(Clone, Debug)]
pub(crate) struct ClientSide {
    trust: Arc<ServerTrust>,
    identity: Option<Arc<CertifiedKey>>,
    /// Why there is no identity although one was named.
    missing: Option<String>,
}

fn setup(error: impl ToString) -> ConnectError {
    CertificateFault::Setup(error.to_string()).into()
}

fn store_of(certificate: Option<&Certificate>) -> CertificateStore {
    certificate.map_or(CertificateStore::User, |certificate| certificate.store)
}

/// The key of a certificate that was found, unless something is wrong with either of them.
fn certified(found: Found, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateFault> {
    let Found {
        path: certificate,
        chain,
        key_path,
        key,
    } = found;
    let Some(key) = key else {
        return Err(CertificateFault::NoKey {
            certificate,
            key: key_path,
        });
    };
    let facts = chain.first().and_then(|first| Facts::read(first));
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => CertificateFault::OtherKey {
            certificate: certificate.clone(),
            key: key_path,
        },
        error => CertificateFault::UnusableKey {
            key: key_path,
            why: match error {
                Error::General(why) => why,
                error => error.to_string(),
            },
        },
    })?;
    let now = now();
    match facts {
        Some(facts) if facts.age(now) == Age::Expired => Err(CertificateFault::Expired {
            certificate,
            since: moment(facts.not_after),
        }),
        Some(facts) if facts.age(now) == Age::NotYet => Err(CertificateFault::NotYetValid {
            certificate,
            from: moment(facts.not_before),
            now: moment(now),
        }),
        _ => Ok(certified),
    }
}

impl ServerSide {
    /// Reads the certificate and its key.
    pub(crate) fn load(tls: &Tls) -> Result<ServerSide, ConnectError> {
        let store = Certificates::of(store_of(tls.certificate.as_ref()))?;
        ServerSide::load_from(&store, tls)
    }

    pub(super) fn load_from(store: &Certificates, tls: &Tls) -> Result<ServerSide, ConnectError> {
        let provider = Arc::new(ring::default_provider());
        // The grammar lets no server be without.
        let name = tls.certificate.as_ref().map_or("", |certificate| &certificate.name);
        let found = store.find(&Wanted::read(name))?;
        let path = found.path.clone();
        let facts = found.chain.first().and_then(|first| Facts::read(first));
        let certified = certified(found, &provider)?;
        if facts.is_some_and(|facts| !facts.for_servers) {
            return Err(CertificateFault::NotForServers { certificate: path }.into());
        }
        let first = certified.end_entity_cert().map_err(setup)?;
        let thumbprint = Thumbprint::of(first);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&[&TLS13]).map_err(setup)?;
        let builder = match &tls.pin {
            None => builder.with_no_client_auth(),
            Some(pin) => builder.with_client_cert_verifier(Arc::new(ClientTrust {
                pin: pin.clone(),
                provider,
            })),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Sessions are not resumed: each connection proves itself anew.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(ServerSide {
            config: Arc::new(config),
            thumbprint,
            is_mutual: tls.pin.is_some(),
        })
    }

    /// The thumbprint of the certificate that is shown.
    pub(crate) fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// Begins a handshake on a stream that then belongs to it; nothing is waited for.
    pub(crate) fn begin(&self, stream: Stream) -> Result<Handshake, TlsFault> {
        let connection = ServerConnection::new(Arc::clone(&self.config));
        let connection = connection.map_err(|error| TlsFault::of(&error, false))?;
        Handshake::server(connection, stream, self.is_mutual)
    }

    /// Makes a stream of a connected one: the handshake, within that time, and then a thread that carries the bytes. For
    /// those who dial their clients.
    pub(crate) fn wrap(&self, stream: Stream, time: Duration) -> Result<Stream, ConnectError> {
        Ok(self.begin(stream)?.run(time)?.carry()?)
    }
}

/// Shows this side's certificate where the server asks for one, and remembers that it did.
#[derive(Debug)]
struct Identity {
    key: Option<Arc<CertifiedKey>>,
    was_asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        let key = self.key.as_ref()?;
        key.key.choose_scheme(schemes).map(|_| Arc::clone(key))
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

impl ClientSide {
    /// Reads what says whom to accept when `server` is called, and the certificate that is shown when asked for one.
    pub(crate) fn load(tls: &Tls, server: &Host) -> Result<ClientSide, ConnectError> {
        let store = match Certificates::of(store_of(tls.certificate.as_ref())) {
            // A pin needs no store.
            Err(_) if tls.certificate.is_none() => Certificates::at("/nonexistent"),
            store => store?,
        };
        ClientSide::load_from(&store, tls, server)
    }

    pub(super) fn load_from(store: &Certificates, tls: &Tls, server: &Host) -> Result<ClientSide, ConnectError> {
        let provider = Arc::new(ring::default_provider());
        let mut own = Own::Nothing(String::new());
        let mut identity = None;
        let mut missing: Option<CertificateFault> = None;
        if let Some(certificate) = &tls.certificate {
            let wanted = Wanted::read(&certificate.name);
            match store.find(&wanted) {
                Ok(found) => {
                    if let Some(der) = found.chain.first().cloned() {
                        let path = found.path.display().to_string();
                        own = Own::Certificate { der, path };
                    }
                    // Without a key it only says whom to accept.
                    if found.key.is_some() {
                        identity = Some(Arc::new(certified(found, &provider)?));
                    }
                }
                Err(fault @ (CertificateFault::NotThere { .. } | CertificateFault::NoThumbprint { .. })) => {
                    own = match wanted {
                        // It says exactly which certificate the server is to show.
                        Wanted::Thumbprint(thumbprint) => Own::Thumbprint(thumbprint),
                        _ => Own::Nothing(certificate.name.clone()),
                    };
                    missing = Some(fault);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        let told = missing.as_ref().map(CertificateFault::to_string);
        let accepted = match &tls.pin {
            Some(pin) => Accepted::Pinned(pin.clone()),
            None => {
                let authorities = authorities(store, &provider)?;
                match missing {
                    Some(fault) if authorities.is_none() && matches!(own, Own::Nothing(_)) => return Err(fault.into()),
                    _ => Accepted::Known {
                        own,
                        authorities,
                        folder: store.authorities_folder().display().to_string(),
                    },
                }
            }
        };
        Ok(ClientSide {
            trust: Arc::new(ServerTrust {
                accepted,
                name: server_name(server),
                called: server.to_string(),
                provider,
            }),
            identity,
            missing: told,
        })
    }

    /// Makes a stream of a connected one: the handshake, within that time, and then a thread that carries the bytes.
    pub(crate) fn wrap(&self, stream: Stream, time: Duration) -> Result<Stream, ConnectError> {
        let was_asked = Arc::new(AtomicBool::new(false));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.trust.provider));
        let builder = builder.with_protocol_versions(&[&TLS13]).map_err(setup)?;
        // "Dangerous" is only that the verifier is ours: it accepts less than the usual one.
        let trust = Arc::clone(&self.trust);
        let builder = builder.dangerous().with_custom_certificate_verifier(trust);
        let mut config = builder.with_client_cert_resolver(Arc::new(Identity {
            key: self.identity.clone(),
            was_asked: Arc::clone(&was_asked),
        }));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = Resumption::disabled();
        // The server's name is nobody's business in between.
        config.enable_sni = false;
        let name = ServerName::try_from("farsight.invalid").map_err(setup)?;
        let connection = ClientConnection::new(Arc::new(config), name).map_err(setup)?;
        let finished = Handshake::client(connection, stream, was_asked)?.run(time);
        let finished = finished.map_err(|fault| match (fault, &self.missing) {
            (TlsFault::Refused(why), Some(missing)) => TlsFault::Refused(format!("{why} ({missing})")),
            (fault, _) => fault,
        });
        Ok(finished?.carry()?)
    }
}

/// What vouches for servers, if the store has any.
fn authorities(
    store: &Certificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, ConnectError> {
    let found = store.authorities()?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for certificate in found {
        roots.add(certificate).map_err(setup)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    verifier.build().map(Some).map_err(setup)
}

/// The name or address as certificates have it.
fn server_name(server: &Host) -> Option<ServerName<'static>> {
    let name = match server.as_str() {
        "." => "localhost",
        name => name.split('%').next().unwrap_or(name),
    };
    ServerName::try_from(name.to_owned()).ok()
}

/// The protocol that both sides must have agreed on.
pub(super) fn is_ours(protocol: Option<&[u8]>) -> bool {
    protocol == Some(PROTOCOL)
}
