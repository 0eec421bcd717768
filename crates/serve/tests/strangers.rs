//! What is no client of ours, and a client that says nothing, have no effect on any target and hold nobody up.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use farsight_target::{Machine, MachineProxy};
use farsight_testkit::conformance::{attach, attached_counter, break_in, detach, plan, resume, trap};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, PortClient, Session, port_client, proc, wait_until};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Role, VERSIONS};
use farsight_wire::{Call, Frame, FrameKind, Header, Nothing, Operation, Port, PortError};

/// A server with a client that holds a running debuggee with a trap in its code.
struct Busy {
    server: DbgSrv,
    session: Session,
    counter: Debuggee,
}

impl Busy {
    fn start() -> Busy {
        let server = DbgSrv::start();
        let mut session = server.connect();
        let (mut counter, _) = attached_counter(&mut session, 3);
        let mut passing = trap(1, counter.pid(), counter.address("count_step"));
        passing.passes = u64::MAX;
        resume(&mut session, plan(vec![passing]));
        Busy {
            server,
            session,
            counter,
        }
    }

    /// The client, its debuggee and the server go on as if nothing had been.
    fn assert_undisturbed(mut self) {
        assert_eq!(self.server.sessions().len(), 1);
        let counter = self.counter.address("counter");
        proc::assert_advances(self.counter.pid().0, counter, Deadline::usual());
        break_in(&mut self.session);
        let other = self.server.connect();
        assert!(other.machine().describe(Nothing {}).is_ok());
        detach(&mut self.session, self.counter.pid());
        proc::assert_clean(self.counter.pid().0, Deadline::usual());
        proc::assert_advances(self.counter.pid().0, counter, Deadline::usual());
    }
}

/// Sends bytes and waits until the server hangs up, without having said anything.
#[track_caller]
fn is_dropped(server: &DbgSrv, bytes: &[u8]) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    // The server may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => assert_eq!(answer, [], "the server answered a stranger"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
}

fn hello(role: Role) -> Vec<u8> {
    let hello = Hello {
        versions: VERSIONS,
        role,
        product: "strangers".into(),
        identity: "test@here".into(),
        resume: None,
    };
    let frame = handshake::opening_frame(FrameKind::Hello, &hello);
    [&PREAMBLE[..], &frame.encode()].concat()
}

/// A header that claims a body of that many bytes.
fn header_claiming(kind: FrameKind, body: u32, bulk: u32) -> Vec<u8> {
    let mut head = Frame::new(Header::new(kind), Vec::new()).encode();
    head[..4].copy_from_slice(&body.to_le_bytes());
    head[4..8].copy_from_slice(&bulk.to_le_bytes());
    head
}

#[test]
fn other_protocols_are_dropped_without_effect() {
    let busy = Busy::start();
    let mut noise = vec![0_u8; 100_000];
    // A fixed generator, so that a failure repeats.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for byte in &mut noise {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state as u8;
    }
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\xff\xfb\x1f\xff\xfb\x20",
        b"\n",
        b"\xfaSIGHT\x02\n",
        &noise,
        &[&PREAMBLE[..], &noise].concat(),
        &[&PREAMBLE[..], &header_claiming(FrameKind::Hello, u32::MAX, 0)].concat(),
        &[&PREAMBLE[..], &header_claiming(FrameKind::Hello, 10, u32::MAX)].concat(),
        &[&PREAMBLE[..], &header_claiming(FrameKind::Request, 0, 0)].concat(),
        &[
            &PREAMBLE[..],
            &Frame::new(Header::new(FrameKind::Hello), vec![0xff; 40]).encode(),
        ]
        .concat(),
        &[
            &PREAMBLE[..],
            &PREAMBLE[..],
            &PREAMBLE[..],
            &PREAMBLE[..],
            &PREAMBLE[..],
            &PREAMBLE[..],
            &PREAMBLE[..],
        ]
        .concat(),
    ] {
        is_dropped(&busy.server, bytes);
    }
    busy.assert_undisturbed();
}

#[test]
fn a_port_scan_leaves_no_trace() {
    let busy = Busy::start();
    for round in 0..200 {
        let stream = TcpStream::connect(busy.server.address()).unwrap();
        if round % 2 == 0 {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    busy.assert_undisturbed();
}

#[test]
fn half_a_hello_holds_nobody_up_and_is_dropped_in_time() {
    let busy = Busy::start();
    let whole = hello(Role::SmartClient);
    let mut halves: Vec<TcpStream> = Vec::new();
    for length in (0..whole.len()).step_by(5) {
        let mut stream = TcpStream::connect(busy.server.address()).unwrap();
        stream.write_all(&whole[..length]).unwrap();
        halves.push(stream);
    }
    // Meanwhile others are served.
    let other = busy.server.connect();
    assert!(other.machine().describe(Nothing {}).is_ok());
    drop(other);
    for mut stream in halves {
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, []);
    }
    busy.assert_undisturbed();
}

#[test]
fn many_silent_connections_do_not_shut_others_out() {
    let busy = Busy::start();
    let silent: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(busy.server.address()).unwrap())
        .collect();
    let other = busy.server.connect();
    assert!(other.machine().describe(Nothing {}).is_ok());
    drop((other, silent));
    wait_until("the other session is over", Deadline::usual(), || {
        busy.server.sessions().len() == 1
    });
    busy.assert_undisturbed();
}

#[test]
fn a_client_of_another_role_is_told_what_is_there() {
    let server = DbgSrv::start();
    for role in [Role::DebuggingClient, Role::KernelClient] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.write_all(&hello(role)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let mut decoder = farsight_wire::Decoder::new();
        decoder.feed(&answer);
        let frame = decoder.next_frame().unwrap().expect("an answer");
        let refusal = handshake::read_welcome(&frame).unwrap().unwrap_err();
        assert!(refusal.to_string().contains("-premote"), "{refusal}");
    }
    assert_eq!(server.sessions(), [0_u32; 0]);
}

#[test]
fn a_connection_alone_has_no_effect_on_a_target() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["3"]);
    let address = counter.address("counter");
    let session = server.connect();
    let before = proc::mappings(counter.pid().0).len();
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    assert_eq!(proc::traces_of_a_debugger(counter.pid().0), Ok(()));
    session.port.close();
    wait_until("the session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
    assert_eq!(proc::traces_of_a_debugger(counter.pid().0), Ok(()));
    assert_eq!(proc::mappings(counter.pid().0).len(), before);
}

/// What ends a session when it comes in the middle of one.
fn ends_its_session(poison: impl Fn(&mut std::net::TcpStream)) {
    let busy = Busy::start();
    let stream = TcpStream::connect(busy.server.address()).unwrap();
    let mut raw = stream.try_clone().unwrap();
    let mut session = Session::new(PortClient::open(farsight_testkit::Stream::from_tcp(stream).unwrap()));
    let mut victim = Debuggee::start("counter", &["3"]);
    let address = victim.address("counter");
    let mut passing = trap(1, victim.pid(), victim.address("count_step"));
    passing.passes = u64::MAX;
    attach(&mut session, victim.pid());
    resume(&mut session, plan(vec![passing]));
    proc::assert_advances(victim.pid().0, address, Deadline::usual());
    poison(&mut raw);
    proc::assert_clean(victim.pid().0, Deadline::usual());
    proc::assert_advances(victim.pid().0, address, Deadline::usual());
    wait_until("the session is over", Deadline::usual(), || {
        busy.server.sessions().len() == 1
    });
    busy.assert_undisturbed();
}

#[test]
fn a_frame_of_four_gibibytes_ends_its_session_only() {
    ends_its_session(|stream| {
        stream
            .write_all(&header_claiming(FrameKind::Request, u32::MAX, u32::MAX))
            .unwrap();
        // As many bytes as the server takes before it hangs up.
        while stream.write_all(&[0; 4096]).is_ok() {}
    });
}

#[test]
fn bytes_that_are_no_frame_end_their_session_only() {
    ends_its_session(|stream| {
        let _ = stream.write_all(&[0xff; 500]);
    });
}

#[test]
fn half_a_frame_and_the_end_of_the_stream_end_their_session_only() {
    ends_its_session(|stream| {
        let head = header_claiming(FrameKind::Request, 1000, 0);
        stream.write_all(&head).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    });
}

#[test]
fn unknown_requests_are_answered_by_number() {
    let server = DbgSrv::start();
    let session = Session::new(PortClient::open(port_client::dial(server.connection())));
    for operation in [
        Operation::new(1, 200),
        Operation::new(77, 1),
        Operation(0),
        Operation(u16::MAX),
    ] {
        let call = Call {
            operation,
            body: vec![0xa0],
            bulk: vec![1, 2, 3],
        };
        let number = session.port.send(call).unwrap();
        let reply = session.port.wait(number).unwrap();
        assert_eq!(reply.status, farsight_wire::CallStatus::Unsupported, "{operation:?}");
    }
    // A known request with a body that is none.
    let call = Call {
        operation: Operation::new(1, 2),
        body: vec![0xff, 0x00],
        bulk: Vec::new(),
    };
    let number = session.port.send(call).unwrap();
    assert_eq!(
        session.port.wait(number).unwrap().status,
        farsight_wire::CallStatus::Malformed
    );
    assert_eq!(session.port.urgent(Operation::new(9, 9)), Ok::<(), PortError>(()));
    assert!(MachineProxy(&session.port).describe(Nothing {}).is_ok());
}
