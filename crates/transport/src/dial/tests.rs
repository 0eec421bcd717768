//! Each way in which a connection can fail has its own variant and its cure.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use super::*;
use crate::connection_string::ClientRole;
use crate::listen::tests::TestDirectory;

const LONG: Duration = Duration::from_secs(20);

fn transport(text: &str) -> ClientTransport {
    ClientTransport::parse(text, ClientRole::SmartClient).unwrap()
}

fn failure(text: &str) -> ConnectError {
    dial(&transport(text), LONG).unwrap_err()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn pipe_name(text: &str) -> PipeName {
    let ClientEndpoint::Pipe { name, .. } = transport(&format!("npipe:server=.,pipe={text}")).endpoint else {
        panic!("no pipe")
    };
    name
}

#[test]
fn a_refused_connection_names_machine_port_and_cure() {
    let port = free_port();
    let error = failure(&format!("tcp:server=127.0.0.1,port={port}"));
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    let message = error.to_string();
    for part in [
        "127.0.0.1",
        &port.to_string(),
        "nothing listens there",
        "is the server running",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nobody_is_connected_to_himself() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let ports: Vec<u32> = range.split_whitespace().map(|port| port.parse().unwrap()).collect();
    // Calls go out from the even ones in turn, and others are listened at.
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port() & !1);
    for _ in ports[0]..ports[1] {
        if let Ok(socket) = connect_to_another(&address, LONG) {
            // Somebody does listen there.
            assert_ne!(socket.local_addr().unwrap(), socket.peer_addr().unwrap());
            return;
        }
    }
}

#[test]
fn every_address_of_a_name_is_tried() {
    // Only the address that is tried last listens.
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let port = listener.local_addr().unwrap().port();
        dial(&transport(&format!("tcp:server=localhost,port={port}")), LONG).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    dial(&transport(&format!("tcp:server=localhost,port={port}")), LONG).unwrap();
    let error = failure(&format!("tcp:server=localhost,port={port},ipversion=6"));
    assert!(!matches!(error, ConnectError::UnknownHost { .. }), "{error}");
    let error = failure(&format!("tcp:server=127.0.0.1,port={port},ipversion=6"));
    assert!(matches!(error, ConnectError::UnknownHost { .. }), "{error}");
}

#[test]
fn an_unknown_machine_is_named() {
    let error = failure("tcp:server=no-such-machine.invalid,port=5005");
    assert!(matches!(error, ConnectError::UnknownHost { .. }), "{error}");
    assert!(error.to_string().contains("no-such-machine.invalid"));
}

#[test]
fn no_time_is_a_time_out() {
    let error = dial(&transport("tcp:server=127.0.0.1,port=1"), Duration::ZERO).unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
}

#[test]
fn a_pipe_on_another_machine_points_to_tcp() {
    let error = failure("npipe:server=box17.example,pipe=p");
    assert!(matches!(error, ConnectError::OtherMachine { .. }), "{error}");
    assert!(error.to_string().contains("tcp:server=box17.example") && !error.to_string().contains("ssh:"));
    let means_us = |given: &str| is_this_machine(&Host::new(given).unwrap(), Some("box17.lan"));
    assert!(
        ["localhost", ".", "127.0.0.1", "::1", "BOX17", "box17.lan"]
            .into_iter()
            .all(means_us)
    );
    assert!(!means_us("box18") && !means_us("box17.lan.example") && !means_us("10.0.0.7"));
}

#[test]
fn a_missing_or_abandoned_pipe_is_named() {
    let directory = TestDirectory::new();
    let missing = dial_pipe(directory.path(), &pipe_name("rabbit"), LONG).unwrap_err();
    assert!(matches!(missing, ConnectError::NoSuchPipe { .. }), "{missing}");
    drop(UnixListener::bind(directory.path().join("rabbit.pipe")).unwrap());
    let abandoned = dial_pipe(directory.path(), &pipe_name("rabbit"), LONG).unwrap_err();
    assert!(matches!(abandoned, ConnectError::NoSuchPipe { .. }), "{abandoned}");
    let nowhere = dial_pipe(&directory.path().join("none"), &pipe_name("rabbit"), LONG).unwrap_err();
    assert!(matches!(nowhere, ConnectError::NoSuchPipe { .. }), "{nowhere}");
}

#[test]
fn a_server_that_does_not_accept_does_not_hang_its_client() {
    let directory = TestDirectory::new();
    let _listener = UnixListener::bind(directory.path().join("deaf.pipe")).unwrap();
    // The queue is as long as the machine allows; beyond it the client would wait for ever.
    let full =
        (0..100_000).find_map(|_| dial_pipe(directory.path(), &pipe_name("deaf"), Duration::from_millis(20)).err());
    let full = full.unwrap();
    assert!(matches!(full, ConnectError::Pipe { .. }), "{full}");
}

#[test]
fn what_this_build_lacks_is_refused_at_dial() {
    let refused = failure("gdb:server=h,port=1");
    assert!(matches!(refused, ConnectError::NotInThisBuild { .. }), "{refused}");
}
