//! What may come to a debugging server from clients that are broken, hostile or gone: the session goes on, the others
//! notice nothing but that somebody went, and nothing is left behind.

use std::io::Write;
use std::net::TcpStream;

use farsight_session::{CommandOutcome, Notification, Request, Ticket};
use farsight_testkit::raw_client::{Frame, FrameKind, Header, dial, opening};
use farsight_testkit::{Console, Deadline, Debuggee, DebuggingServer, RawClient, proc, wait_until};

use crate::support::assert_runs_clean;

const NOTHING: [&str; 0] = [];

/// What a server process holds while nobody is there.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    descriptors: usize,
}

fn held(pid: u32) -> Held {
    Held {
        threads: proc::threads(pid).len(),
        descriptors: proc::descriptors(pid),
    }
}

/// Waits until a server holds again what it held before.
#[track_caller]
fn assert_holds(pid: u32, before: &Held) {
    let mut last = held(pid);
    let deadline = Deadline::usual();
    while last != *before && !deadline.passed() {
        wait_until("it holds something else", deadline, || {
            held(pid) != last || last == *before
        });
        last = held(pid);
    }
    assert_eq!(last, *before);
}

/// A session works: a client joins, runs something and leaves, and the server's console works too.
#[track_caller]
fn assert_works(server: &mut DebuggingServer) {
    assert_takes_clients(server);
    let shown = server.console().run("? 4 * 5");
    assert!(shown.contains("Evaluate expression: 20"), "{shown}");
}

#[track_caller]
fn assert_takes_clients(server: &DebuggingServer) {
    let mut client = server.join("after");
    let (shown, outcome) = client.run("? 3 * 5");
    assert_eq!(outcome, CommandOutcome::Done, "{shown}");
    client.send(&Request::Leave);
    client.expect("its end", |told| *told == Notification::Ended { clean: true });
}

#[test]
fn a_port_or_pipe_that_is_taken_is_named_and_the_session_goes_on() {
    let mut first = DebuggingServer::start(NOTHING);
    let port = first.address().port().to_string();
    let mut on_pipe = DebuggingServer::start_on_pipe(NOTHING);
    let pipe = on_pipe
        .connection()
        .split("Pipe=")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    for (transport, named) in [
        (format!("tcp:port={port}"), &port),
        (format!("npipe:pipe={pipe}"), &pipe),
    ] {
        // Of the same debugger and of another one.
        for server in [&mut first, &mut on_pipe] {
            let shown = server.console().run(&format!(".server {transport}"));
            assert!(
                shown.contains("cannot start a server") && shown.contains(named.as_str()),
                "{shown}"
            );
            assert!(
                shown.contains("in use") || shown.contains("belongs to a server that is running"),
                "{shown}"
            );
            assert_works(server);
        }
        let ended = Console::start(["-server", &transport]).ended(Deadline::usual());
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert!(ended.text.contains("cannot start a server"), "{}", ended.text);
    }
}

#[test]
fn a_port_or_pipe_can_be_had_again_as_soon_as_its_server_has_ended() {
    let first = DebuggingServer::start(NOTHING);
    let port = first.address().port().to_string();
    first.into_console().quit("q");
    let mut server = DebuggingServer::start_on_pipe(NOTHING);
    let mut number = 0;
    for transport in [
        format!("tcp:port={port}"),
        format!("npipe:pipe=again-{}", std::process::id()),
    ] {
        // One line, so that no hand's slowness helps.
        let again: Vec<String> = (1..=4)
            .map(|times| format!(".server {transport}; .endsrv {}", number + times))
            .collect();
        let shown = server.console().run(&again.join("; "));
        assert!(!shown.contains("cannot start a server"), "{shown}");
        assert_eq!(shown.matches("It takes no more clients.").count(), 4, "{shown}");
        number += 4;
    }
    assert_works(&mut server);
}

#[test]
fn heavy_a_thousand_connections_in_a_second_leave_nothing_behind() {
    let mut server = DebuggingServer::start(NOTHING);
    assert_works(&mut server);
    let before = held(server.pid());
    let mut half_open: Vec<TcpStream> = Vec::new();
    for number in 0..1000 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let opening = opening("one of many");
        match number % 4 {
            // Silent; closed at once or held open.
            0 => {}
            1 => half_open.push(stream),
            // Half of a first frame, and a whole one whose client never joins.
            2 => {
                let _ = stream.write_all(&opening[..opening.len() / 2]);
                half_open.push(stream);
            }
            _ => {
                let _ = stream.write_all(&opening);
            }
        }
    }
    // While they are there others are served.
    assert_works(&mut server);
    drop(half_open);
    assert_holds(server.pid(), &before);
    assert_works(&mut server);
}

#[test]
fn heavy_everybody_is_welcome_of_many_who_come_at_once() {
    let mut server = DebuggingServer::start(NOTHING);
    assert_works(&mut server);
    let before = held(server.pid());
    // As when it is busy for a moment: all of them, as many as the system's queue holds, wait when it looks.
    proc::signal(server.pid(), "STOP");
    let newcomers: Vec<RawClient> = (0..120)
        .map(|number| RawClient::knock(server.connection(), &format!("newcomer-{number}")))
        .collect();
    proc::signal(server.pid(), "CONT");
    let newcomers: Vec<RawClient> = newcomers.into_iter().map(RawClient::welcomed).collect();
    for mut newcomer in newcomers {
        newcomer.send(&Request::ConnectSession {
            history: 0,
            announce: false,
        });
        assert_eq!(newcomer.run("? 1").1, CommandOutcome::Done);
    }
    assert_holds(server.pid(), &before);
    assert_works(&mut server);
}

#[test]
fn what_is_no_first_frame_is_dropped_and_what_is_wrong_behind_one_cuts_off() {
    let mut server = DebuggingServer::start(NOTHING);
    let mut witness = server.join("witness");
    witness.run(".echo there");
    let before = held(server.pid());
    let hello = opening("liar");
    let mut huge_hello = hello.clone();
    // The length of the body stands first behind the preamble.
    huge_hello[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let strangers: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0xff; 5000],
        &hello[8..],
        &huge_hello,
    ];
    for bytes in strangers {
        let mut stranger = RawClient::over(dial(server.connection()));
        // It may be closed before all of it is sent.
        let _ = stranger.send_bytes(bytes);
        stranger.expect_end(Deadline::usual());
    }
    assert_holds(server.pid(), &before);
    let frame = |kind, body: Vec<u8>| Frame::new(Header::new(kind), body).encode();
    let request = farsight_session::wire::request_frame(1, 0, &Request::Interrupt);
    let with = |change: &dyn Fn(&mut Frame)| {
        let mut frame = request.clone();
        change(&mut frame);
        frame.encode()
    };
    let wrong: [Vec<u8>; 7] = [
        vec![0xff; 5000],
        b"GET / HTTP/1.1\r\nHost: a.host.of.some.length\r\nAccept: */*\r\n\r\n".to_vec(),
        frame(FrameKind::Event, vec![]),
        frame(FrameKind::Request, vec![0xff; 100]),
        with(&|frame| frame.body = vec![0x9f; 70]),
        with(&|frame| frame.body = vec![0; (1 << 20) + 1]),
        with(&|frame| frame.bulk = vec![0; 1]),
    ];
    for (number, bytes) in wrong.iter().enumerate() {
        let name = format!("liar-{number}");
        let mut client = server.join(&name);
        client.run(".echo there");
        let _ = client.send_bytes(bytes);
        client.expect_end(Deadline::usual());
        let told = witness.expect_text("cut off (it sent what cannot be read");
        assert!(told.contains(&name), "{told}");
    }
    // What a newer release may ask for is passed over instead.
    let mut newer = server.join("newer");
    newer
        .send_bytes(&with(&|frame| frame.header.operation |= 0xee))
        .unwrap();
    assert_eq!(newer.run(".echo understood").1, CommandOutcome::Done);
    drop(newer);
    witness.expect_text("newer (tcp");
    witness.expect_text("lost at");
    assert_holds(server.pid(), &before);
    assert_works(&mut server);
}

/// What a client does wrong.
type Way<'w> = &'w dyn Fn(&mut RawClient);

#[test]
fn clients_that_vanish_at_the_wrong_moment_harm_nobody() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let address = counter.address("counter");
    let mut server = DebuggingServer::start(["-p", &counter.pid().to_string()]);
    let mut witness = server.join("witness");
    witness.run(".echo there");
    let before = held(server.pid());
    let half = {
        let request = Request::Execute {
            ticket: Ticket(1),
            line: "eb @rip 0".into(),
        };
        let whole = farsight_session::wire::request_frame(1, 0, &request).encode();
        whole[..whole.len() - 1].to_vec()
    };
    let ways: [(&str, Way<'_>); 4] = [
        ("its command runs", &|client| {
            client.execute(".for (r $t9 = 0; 1; r $t9 = @$t9 + 1) { .printf \"%d\\n\", @$t9 }");
        }),
        ("it is asked", &|client| {
            client.execute(&format!("eq {address}"));
            client.expect("that a line is wanted", |told| {
                matches!(told, Notification::InputWanted { .. })
            });
        }),
        ("half of a frame is sent", &|client| client.send_bytes(&half).unwrap()),
        ("it has sent much", &|client| {
            for _ in 0..1000 {
                client.execute("? 1");
            }
        }),
    ];
    for (what, way) in ways {
        let mut client = server.join("vanishing");
        client.run(".echo there");
        way(&mut client);
        drop(client);
        let told = witness.expect_text("vanishing (tcp");
        let told = told + &witness.expect_text("lost at");
        assert!(!told.contains("panicked"), "{what}: {told}");
        assert_eq!(witness.run("? 1").1, CommandOutcome::Done, "{what}");
        assert_holds(server.pid(), &before);
    }
    // While the target runs; what is sent then waits, but for an interrupt.
    let going = witness.execute("g");
    let mut client = server.join("busy");
    let waits = client.execute("? 77");
    wait_until("it runs", Deadline::usual(), || {
        !matches!(proc::state(counter.pid().0), Some('t'))
    });
    drop(server.join("vanishing"));
    client.expect_text("vanishing (tcp");
    client.expect_text("lost at");
    client.send(&Request::Interrupt);
    witness.expect(
        "its end",
        |told| matches!(told, Notification::Done { ticket, .. } if *ticket == going),
    );
    client.expect(
        "its turn",
        |told| matches!(told, Notification::Done { ticket, .. } if *ticket == waits),
    );
    drop(client);
    assert_holds(server.pid(), &before);
    assert_works(&mut server);
    drop(witness);
    assert_eq!(server.into_console().quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn heavy_who_floods_is_held_back_and_served_and_others_are_not_delayed() {
    const FLOOD: usize = 20_000;
    let mut server = DebuggingServer::start(NOTHING);
    let flooder = server.join("flooder");
    let mut other = server.join("other");
    other.run(".echo there");
    let (mut flooder, mut reader) = flooder.split();
    let sending = std::thread::spawn(move || {
        for _ in 0..FLOOD {
            flooder.execute("? 1");
        }
        flooder
    });
    // The other's lines come in between: they wait for no more than what is under way, not for all of the flood.
    let mut between = 0;
    while !sending.is_finished() {
        other.run(".echo in between");
        between += 1;
    }
    let flooder = sending.join().unwrap();
    assert!(between > 1, "{between}");
    reader_to_end(&mut reader, FLOOD);
    drop((flooder, reader));
    other.expect_text("lost at");
    assert_works(&mut server);
}

/// Reads the answers to so many requests.
fn reader_to_end(reader: &mut RawClient, count: usize) {
    let mut done = 0;
    while done < count {
        let told = reader
            .next(Deadline::usual())
            .unwrap_or_else(|| panic!("{done} of {count} were answered"));
        done += usize::from(matches!(told, Notification::Done { .. }));
    }
}

#[test]
#[ignore = "a minute: the hub's patience, or the network's; cargo xtask soak runs it"]
fn soak_who_never_reads_is_cut_off_and_the_engine_never_waits() {
    const LINES: usize = 4000;
    let server = DebuggingServer::start_silent(["-noio"]);
    let text = "x".repeat(4000);
    let flood = format!(".for (r $t9 = 0; @$t9 < 0n{LINES}; r $t9 = @$t9 + 1) {{ .echo {text} }}");
    let mut author = server.join("author");
    author.run(".echo there");
    let before = held(server.pid());
    let stalled = server.join("stalled");
    let ticket = author.execute(&flood);
    let mut lines = 0;
    let mut cut_off = false;
    loop {
        match author.next(Deadline::seconds(100)).expect("the flood") {
            Notification::Done { ticket: done, .. } if done == ticket => break,
            told => {
                let words = farsight_testkit::raw_client::words(&told);
                lines += words.lines().filter(|line| line.starts_with("xxx")).count();
                cut_off |= words.contains("stalled") && words.contains("cut off (");
            }
        }
    }
    assert_eq!(lines, LINES);
    while !cut_off {
        let told = author
            .next(Deadline::seconds(60))
            .expect("the end of the one who does not read");
        let words = farsight_testkit::raw_client::words(&told);
        cut_off = words.contains("stalled") && words.contains("cut off (");
    }
    drop(stalled);
    assert_holds(server.pid(), &before);
    assert_takes_clients(&server);
}
