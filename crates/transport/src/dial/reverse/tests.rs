//! Clients that listen: what they bind, whom they take, how their wait ends.

use std::cell::RefCell;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::*;
use crate::connection_string::ClientRole;
use crate::{Peer, dial, dial_or_wait};

const LONG: Duration = Duration::from_secs(20);

fn transport(text: &str) -> ClientTransport {
    ClientTransport::parse(text, ClientRole::SmartClient).unwrap()
}

fn bind(text: &str) -> Result<Awaiting, ConnectError> {
    Awaiting::bind(&transport(text), LONG)
}

#[test]
fn it_binds_loopback_unless_the_server_is_elsewhere_or_its_string_says_otherwise() {
    for (text, is_loopback) in [
        ("tcp:clicon=localhost,port=0", true),
        ("tcp:clicon=127.0.0.20,port=0", true),
        ("tcp:clicon=192.0.2.1,port=0,server=localhost", true),
        ("tcp:clicon=192.0.2.1,port=0,server=127.0.0.9", true),
        ("tcp:clicon=192.0.2.1,port=0,insecure", false),
        ("tcp:clicon=127.0.0.20,port=0,server=*,insecure", false),
    ] {
        let bound = bind(text).unwrap().local_addresses();
        assert!(!bound.is_empty());
        let loopback = bound.iter().all(|address| address.ip().is_loopback());
        assert_eq!(loopback, is_loopback, "{text}: {bound:?}");
    }
}

#[test]
fn off_loopback_a_server_that_nothing_proves_takes_a_word() {
    for text in [
        "tcp:clicon=192.0.2.1,port=0",
        "tcp:clicon=127.0.0.1,port=0,server=*",
        "tcp:clicon=127.0.0.1,port=0,server=0.0.0.0",
    ] {
        let error = bind(text).unwrap_err();
        assert!(matches!(error, ConnectError::Unproven { .. }), "{text}: {error}");
        assert!(error.to_string().contains("'insecure'"), "{error}");
    }
}

#[test]
fn ports_are_tried_in_order() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let last = port.saturating_add(9);
    let awaiting = bind(&format!("tcp:clicon=localhost,port={port}:{last}")).unwrap();
    assert!(awaiting.port() > port && awaiting.port() <= last);
    let error = bind(&format!("tcp:clicon=localhost,port={port}")).unwrap_err();
    assert!(matches!(error, ConnectError::PortInUse { .. }), "{error}");
}

#[test]
fn any_address_of_this_machine_may_call_for_one_of_its_own() {
    let awaiting = bind("tcp:clicon=127.0.0.20,port=0,server=127.0.0.30").unwrap();
    let call = TcpStream::connect(awaiting.local_addresses()[0]).unwrap();
    let stream = awaiting.wait(Instant::now() + LONG, None).unwrap();
    assert_eq!(stream.peer().unwrap(), Peer::Tcp(call.local_addr().unwrap()));
}

#[test]
fn a_connection_from_elsewhere_is_dropped_and_the_wait_goes_on() {
    let elsewhere = bind("tcp:clicon=192.0.2.1,port=0,server=127.0.0.1").unwrap();
    let mut call = TcpStream::connect(elsewhere.local_addresses()[0]).unwrap();
    let error = elsewhere.wait(Instant::now() + Duration::from_millis(50), None);
    let error = error.unwrap_err();
    assert!(matches!(error, ConnectError::NotCalled { .. }), "{error}");
    call.set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(io::Read::read(&mut call, &mut [0]).unwrap(), 0);
    let both = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse::<IpAddr>().unwrap());
    let origin = Origin::new(both.into_iter());
    for (address, is_taken) in [
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", true),
        ("2001:db8::1", true),
        ("192.0.2.3", false),
        ("127.0.0.1", false),
        ("::1", false),
    ] {
        assert_eq!(origin.includes(address.parse().unwrap()), is_taken, "{address}");
    }
}

#[test]
fn a_wait_says_for_whom_and_where_and_ends_when_it_is_ended() {
    let (end, rope) = UnixStream::pair().unwrap();
    let told = RefCell::new(String::new());
    let tell = |text: String| {
        *told.borrow_mut() = text;
        // Whoever is told may end it at once.
        rope.shutdown(std::net::Shutdown::Both).unwrap();
    };
    let wait = Wait {
        tell: &tell,
        end: end.as_fd(),
    };
    // The time is for the name alone.
    let time = Duration::from_millis(1);
    let error = dial_or_wait(&transport("tcp:clicon=localhost,port=0"), time, Some(&wait)).unwrap_err();
    let ConnectError::WaitEnded { port, .. } = error else {
        panic!("{error}")
    };
    let expected = format!("waiting for localhost at port {port}; CTRL+C ends the wait");
    assert_eq!(told.take(), expected);
}

#[test]
fn without_a_wait_there_is_a_limit() {
    let error = dial(&transport("tcp:clicon=localhost,port=0"), Duration::from_millis(20));
    let error = error.unwrap_err();
    assert!(matches!(error, ConnectError::NotCalled { .. }), "{error}");
    assert!(error.to_string().contains("clicon=THIS-MACHINE"), "{error}");
}
