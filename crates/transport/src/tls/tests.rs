//! Both ends of TLS connections, with certificates that are made here.

mod carrying;
mod handshakes;
mod listening;
mod making;
mod stores;

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::certificates::Certificates;
use super::sides::{ClientSide, ServerSide};
use crate::connection_string::{Certificate, CertificateStore, Host, Tls};
use crate::error::ConnectError;
use crate::stream::Stream;

/// Long enough for any machine.
const LONG: Duration = Duration::from_secs(20);

/// What `certuser=` and `pin=` say.
fn tls(certificate: &str, pin: &str) -> Tls {
    let named = |name: &str| Certificate {
        store: CertificateStore::User,
        name: name.to_owned(),
    };
    Tls {
        certificate: Some(certificate).filter(|name| !name.is_empty()).map(named),
        pin: Some(pin)
            .filter(|pin| !pin.is_empty())
            .map(|pin| crate::connection_string::Thumbprint::parse(pin).unwrap()),
    }
}

fn tcp_pair() -> (Stream, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    (Stream::from_tcp(near).unwrap(), Stream::from_tcp(far).unwrap())
}

/// Both ends of a handshake: what comes of it at the server, and at the client who called `host`.
fn handshake(
    (at_server, server): (&Certificates, Tls),
    (at_client, client): (&Certificates, Tls),
    host: &str,
) -> (Result<Stream, ConnectError>, Result<Stream, ConnectError>) {
    let (near, far) = tcp_pair();
    let server = ServerSide::load_from(at_server, &server).unwrap();
    let server = thread::spawn(move || server.wrap(far, LONG));
    let client = ClientSide::load_from(at_client, &client, &Host::new(host).unwrap());
    let client = match client {
        Ok(client) => client.wrap(near, LONG),
        Err(fault) => {
            drop(near);
            Err(fault)
        }
    };
    (server.join().unwrap(), client)
}
