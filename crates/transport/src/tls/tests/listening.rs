//! Listeners for `ssl:`, by way of their connection strings.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::LONG;
use super::making::{Scratch, usual};
use crate::connection_string::{ClientRole, ClientTransport, ServerRole, ServerTransport};
use crate::error::ConnectError;
use crate::listen::Listener;
use crate::peer::Peer;

fn bind(text: &str) -> Result<Listener, ConnectError> {
    Listener::bind(&ServerTransport::parse(text, ServerRole::ProcessServer).unwrap())
}

fn dial(text: &str, time: Duration) -> Result<crate::stream::Stream, ConnectError> {
    crate::dial(&ClientTransport::parse(text, ClientRole::SmartClient).unwrap(), time)
}

#[test]
fn a_listener_for_other_machines_wants_to_know_its_clients() {
    let own = usual();
    let store = Scratch::with("own", &own);
    let path = store.folder.join("own.pem").display().to_string();
    for address in ["*", "0.0.0.0", "::"] {
        let refused = bind(&format!("ssl:certuser={path},port=0,server={address}")).unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, ConnectError::UnprovenClients { .. }), "{text}");
        assert!(text.contains("pin=") && text.contains("insecure"), "{text}");
    }
    for more in [
        &format!("pin={}", own.thumbprint),
        "insecure",
        "password=long enough",
        "key=new",
    ] {
        let listener = bind(&format!("ssl:certuser={path},port=0,server=*,{more}")).unwrap();
        assert!(
            listener
                .local_addresses()
                .iter()
                .any(|address| address.ip().is_unspecified()),
            "{more}"
        );
    }
    let listener = bind(&format!("ssl:certuser={path},port=0")).unwrap();
    assert!(!listener.local_addresses().is_empty());
    assert!(
        listener
            .local_addresses()
            .iter()
            .all(|address| address.ip().is_loopback())
    );
}

#[test]
fn the_client_is_told_the_certificate_and_lists_show_what_the_server_was_given() {
    let (own, client) = (usual(), usual());
    let store = Scratch::with("own", &own);
    let path = store.folder.join("own.pem").display().to_string();
    let listener = bind(&format!("ssl:certuser={path},pin={},port=0", client.thumbprint)).unwrap();
    let port = listener.local_addresses()[0].port();
    let pasted = format!(
        "ssl:Proto=tls1,CertUser={},Pin={},Port={port},Server=localhost",
        client.thumbprint, own.thumbprint
    );
    assert_eq!(listener.client_string(), pasted);
    let here = listener.for_clients_here().to_string();
    assert_eq!(format!("{here},Server=localhost"), pasted);
    let listed = listener.listed_transport().to_string();
    assert_eq!(listed, format!("ssl:Proto=tls1,CertUser={path},Port={port}"));
    // The port is free when the listener is gone.
    drop(listener);
    bind(&format!("ssl:certuser={path},port={port}")).unwrap();
}

#[test]
fn handshakes_that_are_never_finished_keep_nobody_out_and_are_over_in_time() {
    let own = usual();
    let store = Scratch::with("own", &own);
    let path = store.folder.join("own.pem").display().to_string();
    let listener = bind(&format!("ssl:certuser={path},port=0")).unwrap();
    let address = listener.local_addresses()[0];
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut first = &silent[0];
    let connection = listener.client_string();
    for _ in 0..3 {
        let mut client = dial(&connection, LONG).unwrap();
        let (mut server, peer) = listener.accept().unwrap();
        assert!(
            matches!(&peer, Peer::Over { words, .. } if words.starts_with("ssl ")),
            "{peer}"
        );
        assert_eq!(server.peer().unwrap(), peer);
        client.write_all(b"in").unwrap();
        let mut word = [0; 2];
        server.read_exact(&mut word).unwrap();
    }
    // The oldest made room.
    first.set_read_timeout(Some(LONG)).unwrap();
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)));
    drop(listener);
    // The last of them, too, are gone with the listener.
    let mut last = &silent[99];
    last.set_read_timeout(Some(LONG)).unwrap();
    let ended = last.read(&mut [0]);
    assert!(
        !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
        "{ended:?}"
    );
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let own = usual();
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let connection = format!("ssl:pin={},server=127.0.0.1,port={port}", own.thumbprint);
    let error = dial(&connection, Duration::from_millis(100)).unwrap_err();
    assert!(error.to_string().contains("TLS handshake not finished"), "{error}");
}
