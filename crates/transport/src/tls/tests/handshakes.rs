//! Who accepts whom, and what both sides are told where they do not.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use super::making::{Authority, Scratch, expired, for_clients_only, not_yet, pair, self_made, usual};
use super::{ClientSide, LONG, ServerSide, handshake, tcp_pair, tls};
use crate::connection_string::Host;

#[test]
fn a_server_is_accepted_by_pin_by_the_same_parameter_and_by_an_authority() {
    let (own, authority) = (usual(), Authority::new());
    let signed = authority.sign("box17.lab", |_| ());
    let at_server = Scratch::with("own", &own);
    let openssl = pair("localhost", self_made);
    at_server.add("openssl", &openssl);
    at_server.add("signed", &signed);
    let with_both = Scratch::with("own", &own);
    let with_certificate = Scratch::new();
    with_certificate.put("own.pem", &own.certificate, 0o644);
    let with_authority = Scratch::new();
    with_authority.put("ca/lab.pem", &authority.pem(), 0o644);
    let empty = Scratch::new();
    let path = with_certificate.folder.join("own.pem");
    let spaced = own
        .thumbprint
        .as_bytes()
        .chunks(2)
        .map(|two| std::str::from_utf8(two).unwrap());
    let spaced = spaced.collect::<Vec<_>>().join(" ");
    for (server, at_client, client, pin, host) in [
        ("own", &empty, "", own.thumbprint.as_str(), "elsewhere"),
        ("own", &empty, "nobody", &own.thumbprint, "elsewhere"),
        ("openssl", &empty, "", &openssl.thumbprint, "elsewhere"),
        ("openssl", &at_server, "openssl", "", "elsewhere"),
        ("own", &with_both, "own", "", "elsewhere"),
        ("own", &with_certificate, "own", "", "elsewhere"),
        ("own", &empty, path.to_str().unwrap(), "", "elsewhere"),
        ("own", &empty, &spaced, "", "elsewhere"),
        ("own", &with_both, &own.thumbprint, "", "elsewhere"),
        ("signed", &with_authority, "any", "", "box17.lab"),
        ("signed", &with_authority, "any", "", "BOX17.lab"),
        ("signed", &empty, "", &signed.thumbprint, "elsewhere"),
    ] {
        let (server, client) = handshake(
            (&at_server.store, tls(server, "")),
            (&at_client.store, tls(client, pin)),
            host,
        );
        let (mut server, mut client) = (server.unwrap(), client.unwrap());
        client.write_all(b"hello").unwrap();
        let mut word = [0; 5];
        server.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"hello");
        assert!(server.peer().unwrap().to_string().starts_with("ssl 127.0.0.1:"));
    }
}

#[test]
fn a_server_that_is_not_the_right_one_is_refused_and_its_client_told_why() {
    let authority = Authority::new();
    let (own, other) = (usual(), usual());
    let at_server = Scratch::with("own", &own);
    at_server.add("signed", &authority.sign("box17.lab", |_| ()));
    at_server.add("other", &other);
    let openssl = pair("localhost", self_made);
    at_server.add("openssl", &openssl);
    let known = Scratch::with("own", &other);
    known.put("ca/lab.pem", &authority.pem(), 0o644);
    known.put("ca/openssl.pem", &openssl.certificate, 0o644);
    let empty = Scratch::new();
    let foreign = Scratch::new();
    foreign.put("ca/foreign.pem", &Authority::new().pem(), 0o644);
    let pin = own.thumbprint.as_str();
    for (server, at_client, client, pin, host, words) in [
        (
            "other",
            &empty,
            "",
            pin,
            "localhost",
            &["allows only another one", pin, &other.thumbprint][..],
        ),
        ("signed", &known, "x", pin, "box17.lab", &["allows only another one"]),
        (
            "own",
            &known,
            "own",
            "",
            "localhost",
            &["which is not", "own.pem", "no authority in", "give pin=", pin],
        ),
        (
            "own",
            &empty,
            &other.thumbprint,
            "",
            "localhost",
            &["which is not the one with", &other.thumbprint],
        ),
        (
            "own",
            &foreign,
            "any",
            "",
            "localhost",
            &["which is not 'any' (which is not here)"],
        ),
        (
            "signed",
            &known,
            "any",
            "",
            "box18.lab",
            &["is not for 'box18.lab'", "but for", "box17.lab"],
        ),
        ("signed", &known, "any", "", "127.0.0.1", &["is not for '127.0.0.1'"]),
        (
            "openssl",
            &known,
            "any",
            "",
            "localhost",
            &["no authority in", "give pin=", &openssl.thumbprint],
        ),
    ] {
        let store = (&at_client.store, tls(client, pin));
        let (server, client) = handshake((&at_server.store, tls(server, "")), store, host);
        let error = client.unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no {word:?} in: {error}");
        }
        let server = server.unwrap_err().to_string();
        assert!(server.contains("refused"), "{server}");
    }
    let missing = ClientSide::load_from(&empty.store, &tls("any", ""), &Host::localhost());
    let missing = missing.unwrap_err().to_string();
    assert!(missing.contains("no certificate 'any'"), "{missing}");
}

/// The server's own check would stop it, so what a client sees of bad times and purposes comes from servers without.
#[test]
fn the_time_and_the_purpose_of_a_certificate_count_always() {
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    let authority = Authority::new();
    let store = Scratch::new();
    store.put("ca/lab.pem", &authority.pem(), 0o644);
    let cases = [
        (pair("localhost", expired), "expired on 2020-02-29"),
        (pair("localhost", not_yet), "valid from 3000-01-01"),
        (pair("localhost", for_clients_only), "is not for servers"),
        (authority.sign("localhost", expired), "expired on 2020-02-29"),
        (authority.sign("localhost", not_yet), "valid from 3000-01-01"),
        (authority.sign("localhost", for_clients_only), "is not for servers"),
    ];
    for (number, (pair, words)) in cases.iter().enumerate() {
        let name = format!("case{number}");
        store.put(&format!("{name}.pem"), &pair.certificate, 0o644);
        for (certificate, pin) in [("", pair.thumbprint.as_str()), (name.as_str(), ""), ("any", "")] {
            if certificate == "any" && number < 3 {
                continue;
            }
            let (near, far) = tcp_pair();
            let (chain, key) = (pair.certificate.clone(), pair.key.clone());
            let server = thread::spawn(move || {
                let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
                let chain = crate::tls::certificates::read_certificates(chain.as_bytes()).unwrap();
                let key = crate::tls::certificates::read_key(key.as_bytes()).unwrap().unwrap();
                let certified = CertifiedKey::from_der(chain, key, &provider).unwrap();
                let builder = rustls::ServerConfig::builder_with_provider(provider);
                let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
                let resolver = std::sync::Arc::new(SingleCertAndKey::from(certified));
                let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
                config.alpn_protocols = vec![b"farsight".to_vec()];
                let mut connection = rustls::ServerConnection::new(config.into()).unwrap();
                let _ = connection.complete_io(&mut &far);
            });
            let side = ClientSide::load_from(&store.store, &tls(certificate, pin), &Host::localhost()).unwrap();
            let error = side.wrap(near, LONG).unwrap_err().to_string();
            assert!(error.contains(words), "{number} {certificate}: {error}");
            server.join().unwrap();
        }
    }
}

#[test]
fn a_server_with_a_pin_accepts_that_client_and_tells_others_while_they_dial() {
    let (server, client, other) = (usual(), usual(), usual());
    let at_server = Scratch::with("server", &server);
    let at_client = Scratch::with("client", &client);
    at_client.add("other", &other);
    at_client.put("nokey.pem", &client.certificate, 0o644);
    let old = pair("localhost", expired);
    let mutual = tls("server", &client.thumbprint);
    for name in ["client", &client.thumbprint] {
        let store = (&at_client.store, tls(name, &server.thumbprint));
        let (server, client) = handshake((&at_server.store, mutual.clone()), store, "x");
        let (mut server, mut client) = (server.unwrap(), client.unwrap());
        let words = server.peer().unwrap().to_string();
        assert!(
            words.ends_with(&format!(" certificate {}", &at_client.thumbprint_of("client")[..16])),
            "{words}"
        );
        server.write_all(b"+first").unwrap();
        let mut word = [0; 6];
        client.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"+first");
    }
    for (name, words) in [
        ("", "wants to see a certificate of this side"),
        ("nokey", "wants to see a certificate of this side"),
        ("absent", "there is no certificate 'absent'"),
        ("other", "not the one that the other side's pin= allows"),
    ] {
        let store = (&at_client.store, tls(name, &server.thumbprint));
        let (refused, told) = handshake((&at_server.store, mutual.clone()), store, "x");
        let told = told.unwrap_err().to_string();
        assert!(told.contains("refused") && told.contains(words), "{name}: {told}");
        assert!(refused.is_err());
    }
    // An own certificate that is out of date is found before anybody is called.
    at_client.put("old.pem", &old.certificate, 0o644);
    at_client.put("old.key", &old.key, 0o600);
    let side = ClientSide::load_from(&at_client.store, &tls("old", &server.thumbprint), &Host::localhost());
    assert!(side.unwrap_err().to_string().contains("expired on"));
}

#[test]
fn what_is_no_tls_is_named_as_such_on_both_sides() {
    let own = usual();
    let store = Scratch::with("own", &own);
    let side = ServerSide::load_from(&store.store, &tls("own", "")).unwrap();
    for (bytes, words) in [
        (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], "does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS"),
        (b"FARSIGHT plain preamble of ours", "does not speak TLS"),
        (&[0; 64], "does not speak TLS"),
        (b"", "closed the connection at the first bytes"),
    ] {
        let (mut near, far) = tcp_pair();
        near.write_all(bytes).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let error = side.wrap(far, LONG).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        // The stranger gets an alert at most, and then the end.
        let mut answer = Vec::new();
        let _ = near.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(&[0x15, 3]), "{answer:?}");
        let client = ClientSide::load_from(&store.store, &tls("own", ""), &Host::localhost()).unwrap();
        let (near, mut far) = tcp_pair();
        far.write_all(bytes).unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let error = client.wrap(near, LONG).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_handshake_is_bounded_in_time_and_bytes() {
    let store = Scratch::with("own", &usual());
    let side = ServerSide::load_from(&store.store, &tls("own", "")).unwrap();
    let (mut near, far) = tcp_pair();
    // The beginning of a ClientHello, and never its end.
    near.write_all(&[0x16, 3, 1, 1, 0, 1, 0]).unwrap();
    let error = side.wrap(far, Duration::from_millis(50)).unwrap_err().to_string();
    assert!(error.contains("not finished within"), "{error}");
    // A handshake message without end, in records that are all right by themselves.
    let (mut near, far) = tcp_pair();
    let flood = thread::spawn(move || {
        let mut record = vec![0x16, 3, 1, 0x40, 0];
        record.extend(std::iter::repeat_n(1, 0x4000));
        let sent = (0..1000).take_while(|_| near.write_all(&record).is_ok()).count();
        // Until the other side is gone, so that what it says first is heard.
        sent
    });
    let error = side.wrap(far, LONG).unwrap_err().to_string();
    assert!(!error.contains("within"), "{error}");
    assert!(flood.join().unwrap() < 1000, "{error}");
}

#[test]
fn another_program_that_speaks_tls_is_no_farsight_server() {
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    let own = usual();
    let store = Scratch::with("own", &own);
    for protocol in [None, Some(b"http/1.1".to_vec())] {
        let (near, far) = tcp_pair();
        let pems = (own.certificate.clone(), own.key.clone());
        let server = thread::spawn(move || {
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let chain = crate::tls::certificates::read_certificates(pems.0.as_bytes()).unwrap();
            let key = crate::tls::certificates::read_key(pems.1.as_bytes()).unwrap().unwrap();
            let certified = CertifiedKey::from_der(chain, key, &provider).unwrap();
            let builder = rustls::ServerConfig::builder_with_provider(provider);
            let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
            let resolver = std::sync::Arc::new(SingleCertAndKey::from(certified));
            let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
            config.alpn_protocols = protocol.into_iter().collect();
            let mut connection = rustls::ServerConnection::new(config.into()).unwrap();
            let _ = connection.complete_io(&mut &far);
            let _ = connection.complete_io(&mut &far);
        });
        let side = ClientSide::load_from(&store.store, &tls("own", ""), &Host::localhost()).unwrap();
        let error = side.wrap(near, LONG).unwrap_err().to_string();
        assert!(error.contains("is not a farsight server"), "{error}");
        server.join().unwrap();
    }
}
