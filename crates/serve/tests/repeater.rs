//! The repeater as a process of its own, between sockets of the test: what passes, what it costs, and when it ends.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use farsight_testkit::{Deadline, Repeater, deadline, proc, programs, wait_until};

/// How long it is watched that nothing happens.
const WATCHED: Duration = Duration::from_millis(300);

/// A server of the test's own behind a repeater that listens on tcp.
struct Rig {
    server: TcpListener,
    repeater: Repeater,
}

impl Rig {
    fn new(options: &[&str]) -> Rig {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let hops = ["-c", &format!("tcp:server=127.0.0.1,port={port}"), "-s", "tcp:port=0"];
        let repeater = Repeater::start_with(&[options, &hops].concat());
        Rig { server, repeater }
    }

    fn client(&self) -> TcpStream {
        patient(TcpStream::connect(self.repeater.address()).unwrap())
    }

    /// A client and its server's end.
    fn pair(&self) -> (TcpStream, TcpStream) {
        let client = self.client();
        (client, patient(self.server.accept().unwrap().0))
    }
}

/// A stream on which no test hangs for ever.
fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Deadline::usual().left())).unwrap();
    stream.set_write_timeout(Some(Deadline::usual().left())).unwrap();
    stream
}

fn to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Says a word each way, so often that it is a session.
fn talk(mut client: &TcpStream, mut server: &TcpStream) {
    for _ in 0..4 {
        let mut word = [0; 4];
        client.write_all(b"word").unwrap();
        server.read_exact(&mut word).unwrap();
        server.write_all(&word).unwrap();
        client.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"word");
    }
}

/// Bytes that repeat nowhere near.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

/// Processor time that a process has used, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn all_bytes_pass_both_ways_at_once_and_each_end_is_passed_on_behind_them() {
    let rig = Rig::new(&[]);
    let (client, server) = rig.pair();
    let (there, back) = (noise(20_000_001, 1), noise(15_000_003, 2));
    std::thread::scope(|scope| {
        for (stream, bytes) in [(&client, &there), (&server, &back)] {
            scope.spawn(move || {
                let mut stream = stream;
                stream.write_all(bytes).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            });
        }
        let arrived = scope.spawn(|| to_end(&server));
        assert!(to_end(&client) == back);
        assert!(arrived.join().unwrap() == there);
    });
}

#[test]
fn one_direction_goes_on_when_the_other_has_ended() {
    let mut rig = Rig::new(&[]);
    let (client, mut server) = rig.pair();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&server), b"");
    server.write_all(&noise(5000, 3)).unwrap();
    let mut some = vec![0; 5000];
    (&client).read_exact(&mut some).unwrap();
    assert!(some == noise(5000, 3));
    drop(server);
    assert_eq!(to_end(&client), b"");
    // All connections of its session have ended.
    assert!(rig.repeater.wait(Deadline::usual()).success());
    assert_eq!(rig.repeater.output().to_end(Deadline::usual()).lines().count(), 1);
}

#[test]
fn who_takes_nothing_holds_the_sender_and_not_the_memory() {
    let rig = Rig::new(&[]);
    let (mut client, server) = rig.pair();
    // Others do not notice.
    let (other, others_server) = rig.pair();
    client.set_nonblocking(true).unwrap();
    let piece = noise(1 << 20, 4);
    let mut sent = 0_usize;
    // What the systems at both ends keep is bounded as well: after a while nothing is taken for long.
    let mut silent_since = Deadline::within(WATCHED);
    while !silent_since.passed() {
        talk(&other, &others_server);
        if let Ok(length) = client.write(&piece) {
            sent += length;
            silent_since = Deadline::within(WATCHED);
        }
        assert!(sent < 256 << 20, "it takes without end");
    }
    let resident = proc::resident_kib(rig.repeater.pid()).unwrap();
    assert!(resident < 8 << 10, "{resident} KiB for {sent} bytes");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&server).len(), sent);
}

#[test]
fn two_hundred_and_fifty_six_clients_pass_at_once_and_cost_nothing_when_silent() {
    let rig = Rig::new(&["-p"]);
    let pairs: Vec<_> = (0..256).map(|_| rig.pair()).collect();
    std::thread::scope(|scope| {
        for pairs in pairs.chunks(64) {
            scope.spawn(move || pairs.iter().for_each(|(client, server)| talk(client, server)));
        }
    });
    let before = ticks(rig.repeater.pid());
    // No event of it can be waited for.
    assert!(deadline::poll(Deadline::within(WATCHED), || None::<()>).is_none());
    assert!(ticks(rig.repeater.pid()) - before <= 1);
    let resident = proc::resident_kib(rig.repeater.pid()).unwrap();
    assert!(resident < 8 << 10, "{resident} KiB");
    // With its connections all that it held for them goes.
    drop(pairs);
    wait_until("they are gone", Deadline::usual(), || {
        proc::descriptors(rig.repeater.pid()) < 20
    });
}

#[test]
fn clients_and_servers_that_die_end_their_pair_and_no_other() {
    let rig = Rig::new(&["-p"]);
    let (stays, stays_server) = rig.pair();
    for dies in ["client", "server", "client with unread bytes"] {
        let (client, mut server) = rig.pair();
        talk(&client, &server);
        match dies {
            "server" => {
                drop(server);
                assert_eq!(to_end(&client), b"", "{dies}");
            }
            _ => {
                if dies != "client" {
                    // Its system answers with a reset.
                    server.write_all(b"never read").unwrap();
                    (&client).read_exact(&mut [0; 1]).unwrap();
                }
                drop(client);
                let mut rest = Vec::new();
                // An error says the same.
                let _ = server.read_to_end(&mut rest);
                assert_eq!(rest, b"", "{dies}");
            }
        }
        talk(&stays, &stays_server);
    }
}

#[test]
fn what_a_server_says_before_it_goes_arrives_though_its_client_still_sends() {
    let rig = Rig::new(&[]);
    for _ in 0..20 {
        let (mut client, mut server) = rig.pair();
        client.write_all(&noise(3000, 5)).unwrap();
        server.read_exact(&mut [0; 10]).unwrap();
        server.write_all(b"refused").unwrap();
        // The rest is unread: its system answers with a reset.
        drop(server);
        let mut said = [0; 7];
        client.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"refused");
    }
}

#[test]
fn a_client_that_does_not_heed_the_end_of_its_server_is_cut_off() {
    let mut rig = Rig::new(&[]);
    let (mut client, server) = rig.pair();
    talk(&client, &server);
    drop(server);
    assert_eq!(to_end(&client), b"");
    assert!(rig.repeater.wait(Deadline::usual()).success());
    client.write_all(b"x").unwrap();
    // Nobody is there: at the latest the second write shows it.
    let refused = deadline::poll(Deadline::usual(), || client.write_all(b"x").err());
    assert!(refused.is_some());
}

#[test]
fn strangers_and_refused_clients_do_not_end_it_and_the_end_of_a_session_does() {
    for (options, ends) in [(&[][..], true), (&["-p"][..], false)] {
        let mut rig = Rig::new(options);
        // A look at the port, a stranger whom the server drops, a refusal, a refusal behind a password.
        drop(rig.pair());
        let (mut client, mut server) = rig.pair();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        drop(server);
        let _ = client.read(&mut [0; 4]);
        for turns in 1..=2 {
            let (mut client, mut server) = rig.pair();
            for _ in 0..turns {
                client.write_all(&[7; 200]).unwrap();
                server.read_exact(&mut [0; 200]).unwrap();
                server.write_all(&[8; 200]).unwrap();
                client.read_exact(&mut [0; 200]).unwrap();
            }
            drop(server);
            assert_eq!(to_end(&client), b"");
        }
        assert!(deadline::poll(Deadline::within(WATCHED), || (!rig.repeater.runs()).then_some(())).is_none());
        let (client, server) = rig.pair();
        talk(&client, &server);
        drop((client, server));
        if ends {
            assert!(rig.repeater.wait(Deadline::usual()).success());
        } else {
            let (client, server) = rig.pair();
            talk(&client, &server);
        }
    }
}

#[test]
fn a_client_that_comes_before_the_server_is_sent_away_and_the_next_is_served() {
    // An address of this test's own, at which no other takes the port.
    let server = TcpListener::bind("127.0.0.94:0").unwrap();
    let address = server.local_addr().unwrap();
    drop(server);
    let mut repeater = Repeater::start(&format!("tcp:server=127.0.0.94,port={}", address.port()), "tcp:port=0");
    let early = patient(TcpStream::connect(repeater.address()).unwrap());
    assert_eq!(to_end(&early), b"");
    repeater.output().expect("refused the connection", Deadline::usual());
    let server = TcpListener::bind(address).unwrap();
    let rig = Rig { server, repeater };
    let (client, server) = rig.pair();
    talk(&client, &server);
}

#[test]
fn a_signal_ends_it_with_everything_that_is_its() {
    for signal in ["TERM", "INT", "HUP"] {
        let rig = Rig::new(&["-p"]);
        let (client, server) = rig.pair();
        let Rig { mut repeater, .. } = rig;
        talk(&client, &server);
        proc::signal(repeater.pid(), signal);
        assert_eq!(repeater.wait(Deadline::usual()).code(), Some(0), "{signal}");
        assert_eq!((to_end(&client), to_end(&server)), (Vec::new(), Vec::new()));
        assert_eq!(repeater.output().to_end(Deadline::usual()).lines().count(), 1);
    }
    let mut piped = Repeater::start("tcp:server=localhost,port=9", &Repeater::new_pipe());
    let dial = |connection: &str| farsight_testkit::raw_client::try_dial(connection).is_ok();
    assert!(dial(piped.connection()));
    piped.terminate();
    piped.wait(Deadline::usual());
    assert!(!dial(piped.connection()));
    let mut killed = Rig::new(&[]);
    let (client, server) = killed.pair();
    talk(&client, &server);
    killed.repeater.kill();
    assert_eq!((to_end(&client), to_end(&server)), (Vec::new(), Vec::new()));
}

/// What it says when it cannot be what it is asked to be, and its exit code.
fn refusal(arguments: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(programs::dbengprx()).args(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code(),
    )
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let here = format!("tcp:port={port}");
    let itself = Repeater::new_pipe();
    for (server, clients, code, reason) in [
        (
            "tcp:server=a,port=1",
            "tcp:port=0,server=*",
            1,
            "asks for a password= or key=",
        ),
        (
            "tcp:clicon=192.0.2.1,port=0",
            "tcp:port=0",
            1,
            "asks for a password= or key=",
        ),
        ("tcp:server=a,port=1", &here, 1, "choose another port"),
        (
            "com:port=2,baud=9600,channel=1",
            "com:port=COM2,baud=9600,channel=1",
            2,
            "serial port",
        ),
        ("tcp:server=a,port=1", "tcp:port=x", 2, "port"),
        ("gdb:server=a,port=1", "tcp:port=1", 2, "repeater"),
        (&itself, &itself, 1, "itself"),
    ] {
        let (why, exit) = refusal(&["-c", server, "-s", clients]);
        assert!(
            why.contains(reason) && exit == Some(code),
            "{server} {clients}: {exit:?} {why}"
        );
    }
    let (why, code) = refusal(&["-x"]);
    assert!(why.contains("'-x'") && code == Some(2));
}

#[test]
fn reversed_hops_connect_in_their_one_direction_once_or_again_with_p() {
    for persists in [false, true] {
        let client = TcpListener::bind("127.0.0.1:0").unwrap();
        let to_client = format!("tcp:port={},clicon=127.0.0.1", client.local_addr().unwrap().port());
        let hops = ["-c", "tcp:clicon=127.0.0.10,port=0,server=127.0.0.20", "-s", &to_client];
        let mut repeater = Repeater::start_with(&[if persists { &["-p"][..] } else { &[] }, &hops].concat());
        assert!(
            repeater.greeting().contains("are called when they wait with this"),
            "{}",
            repeater.greeting()
        );
        let called: u16 = repeater.called_port().parse().unwrap();
        for _ in 0..1 + u8::from(persists) {
            // Nobody is called before the server has called.
            client.set_nonblocking(true).unwrap();
            assert!(deadline::poll(Deadline::within(WATCHED), || client.accept().ok()).is_none());
            client.set_nonblocking(false).unwrap();
            let server = patient(TcpStream::connect(("127.0.0.20", called)).unwrap());
            let (client, _) = client.accept().unwrap();
            let client = patient(client);
            talk(&client, &server);
        }
        match persists {
            true => assert!(repeater.runs()),
            false => assert!(repeater.wait(Deadline::usual()).success()),
        }
    }
}

#[test]
fn a_client_waits_for_a_server_that_calls_and_a_server_for_a_client() {
    let repeater = Repeater::start_persistent("tcp:clicon=localhost,port=0", "tcp:port=0");
    let called: u16 = repeater.called_port().parse().unwrap();
    let call = || patient(TcpStream::connect(("127.0.0.1", called)).unwrap());
    let connect = || patient(TcpStream::connect(repeater.address()).unwrap());
    let client = connect();
    talk(&client, &call());
    let server = call();
    talk(&connect(), &server);
    // Who goes away while it waits is nobody's other side.
    let descriptors = proc::descriptors(repeater.pid());
    for gone in [call(), connect()] {
        drop(gone);
        wait_until("it is gone", Deadline::usual(), || {
            proc::descriptors(repeater.pid()) <= descriptors
        });
    }
    let server = call();
    talk(&connect(), &server);
}
