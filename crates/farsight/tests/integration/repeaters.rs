//! Repeaters and reversed connections between separate programs: the worked topologies of the specification (8.5-8.7),
//! one line after the other, and what becomes of them when somebody is refused, killed or leaves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use farsight_testkit::{
    Cable, CablePlan, Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Proxy, ProxyPlan, RawClient, Repeater,
    Scratch, deadline, proc, programs,
};

use crate::support::{assert_in_order, assert_runs_clean, attached, premote};

const NOTHING: [&str; 0] = [];

/// How long it is watched that nothing happens.
const WATCHED: Duration = Duration::from_millis(300);

/// The value of a key in a connection string.
fn value<'a>(connection: &'a str, key: &str) -> &'a str {
    let (_, rest) = connection
        .split_once(&format!("{key}="))
        .unwrap_or_else(|| panic!("{connection}"));
    rest.split(',').next().unwrap()
}

/// The port at which a console waits for its server.
fn awaited_port(console: &mut Console) -> String {
    console.expect("waiting for ");
    let line = console.output().line(Deadline::usual()).unwrap();
    assert!(line.trim_end().ends_with("; CTRL+C ends the wait"), "{line}");
    let (_, port) = line.split_once(" at port ").unwrap();
    port.split(';').next().unwrap().to_owned()
}

/// A smart client that waits for its server, with a target, and the port where it waits.
fn waiting(transport: &str, debuggee: &Debuggee) -> (Console, String) {
    let mut console = Console::start(premote(transport, ["-p", &debuggee.pid().to_string()]));
    let port = awaited_port(&mut console);
    (console, port)
}

/// A port of an address on which nobody listens.
fn free_port(address: &str) -> u16 {
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Stops at a breakpoint, looks around, and lets go.
#[track_caller]
fn debugs(mut console: Console, counter: &mut Debuggee) {
    let text = console.run("bp counter!count_step; g; k 2; da greeting");
    assert_in_order(
        &text,
        &[
            "Breakpoint 0 hit",
            "counter!count_step",
            "greetings from read-only memory",
        ],
    );
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(counter, "counter");
}

#[track_caller]
fn stays(repeater: &mut Repeater) {
    let ended = deadline::poll(Deadline::within(WATCHED), || (!repeater.runs()).then_some(()));
    assert!(ended.is_none(), "{}", repeater.output().text());
}

/// 8.5, with what the specification finds bad made better: a refused client does not end the repeater.
#[test]
fn a_repeater_changes_the_transport_and_lets_nobody_in_by_itself() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let mut server = DebuggingServer::start_at("tcp:port=0,password=Password", ["-p", &pid]);
    let port = value(server.connection(), "Port").to_owned();
    let mut repeater = Repeater::start(&format!("tcp:server=localhost,port={port}"), &Repeater::new_pipe());
    let pipe = repeater.connection().to_owned();
    for wrong in [pipe.clone(), format!("{pipe},password=Passwort")] {
        let mut refused = DebuggingServer::client_of(&wrong, "eve");
        let ended = refused.ended(Deadline::usual());
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert!(ended.text.contains("password"), "{}", ended.text);
        stays(&mut repeater);
    }
    let mut client = DebuggingServer::client_of(&format!("{pipe},password=Password"), "cat");
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_in_order(&client.run("da greeting"), &["greetings from read-only memory"]);
    let text = server.console().run(".clients");
    assert_in_order(&text, &[&format!("cat@{}", machine.trim()), "tcp 127.0.0.1:"]);
    // The end of the session reaches everybody.
    client.send("qq");
    assert_eq!(client.ended(Deadline::usual()).code, Some(0));
    assert!(repeater.wait(Deadline::usual()).success());
    drop(server);
    assert_runs_clean(&mut counter, "counter");
}

/// 8.6: connections are opened only from 10 to 20 to 30.
#[test]
fn everything_reversed_is_one_session_and_nowhere_listed() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let (client, port) = waiting("tcp:clicon=127.0.0.20,port=0,server=127.0.0.30", &counter);
    let to_client = format!("tcp:port={port},clicon=127.0.0.30");
    let mut repeater = Repeater::start("tcp:clicon=127.0.0.10,port=0,server=127.0.0.20", &to_client);
    let called = repeater.called_port().to_owned();
    let mut server = DbgSrv::start_with(&["-t", &format!("tcp:port={called},clicon=127.0.0.20")]);
    let listed = Command::new(programs::farsight()).arg("-QR").output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for port in [&port, &called] {
        assert!(!listed.contains(&format!("={port}")), "{listed}");
    }
    debugs(client, &mut counter);
    // A break means starting 10 and 20 again, and they say so by ending.
    assert!(repeater.wait(Deadline::usual()).success());
    assert!(server.wait(Deadline::usual()).success());
    let text = server.output().to_end(Deadline::usual());
    assert!(text.contains("start it again for another one"), "{text}");
}

/// 8.7, with a process server: A and C both call B, in either order, and the technician needs no password.
#[test]
fn two_firewalls_then_five_computers() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let between = Repeater::start_persistent(
        "tcp:port=0,clicon=127.0.10.10,server=127.0.20.20",
        "tcp:port=0,server=127.0.20.20",
    );
    let a = format!(
        "tcp:port={},clicon=127.0.20.20,password=Password",
        between.called_port()
    );
    let c = format!(
        "tcp:server=127.0.20.20,port={},password=Password",
        value(between.connection(), "Port")
    );
    let start_a = || DbgSrv::start_with(&["-t", &a]);
    let start_c = || Console::start(premote(&c, ["-p", &pid]));
    let server = start_a();
    debugs(start_c(), &mut counter);
    drop(server);
    // C waits for A.
    let client = start_c();
    let server = start_a();
    debugs(client, &mut counter);
    drop(server);
    let _server = start_a();
    let host = DebuggingServer::start_at(&Repeater::new_pipe(), premote(&c, ["-p", &pid]));
    let mut technician = host.client("technician");
    assert_in_order(
        &technician.run("da greeting; .clients"),
        &["greetings from", "technician@"],
    );
    technician.send(".remote_exit");
    assert_eq!(technician.finish().code, Some(0));
    assert_eq!(host.into_console().quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_reversed_server_may_be_first_and_serves_one_client() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let port = free_port("127.0.0.1");
    let mut server = DbgSrv::start_with(&["-t", &format!("tcp:port={port},clicon=localhost")]);
    assert_eq!(server.connection(), format!("tcp:Port={port},CliCon=localhost"));
    // What it prints is what the client is given.
    let (client, _) = waiting(server.connection(), &counter);
    debugs(client, &mut counter);
    assert!(server.wait(Deadline::usual()).success());
    // With a key, which the line holds, and through a client that dies.
    let mut server = DbgSrv::start_with(&["-t", &format!("tcp:port={port},clicon=localhost,key=new")]);
    let (mut client, _) = waiting(server.connection(), &counter);
    client.run(".echo attached");
    client.kill();
    assert!(server.wait(Deadline::usual()).success());
    assert_runs_clean(&mut counter, "counter");
    // One that wants something else is refused, and the server is done.
    let mut server = DbgSrv::start_with(&["-t", &format!("tcp:port={port},clicon=localhost")]);
    let mut wrong = DebuggingServer::client_of(server.connection(), "wrong");
    let ended = wrong.ended(Deadline::usual());
    assert!(ended.text.contains("process server"), "{}", ended.text);
    assert!(server.wait(Deadline::usual()).success());
}

#[test]
fn a_wait_for_a_server_ends_at_an_interrupt_and_leaves_the_rest_alone() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let (mut client, _) = waiting("tcp:clicon=localhost,port=0,server=127.0.0.96", &counter);
    client.interrupt();
    let ended = client.ended(Deadline::usual());
    assert!(
        ended.text.contains("interrupted") && ended.code != Some(0),
        "{}",
        ended.text
    );
    let mut guest = Console::start(["-remote", "tcp:clicon=localhost,port=0,server=127.0.0.96"]);
    awaited_port(&mut guest);
    guest.interrupt();
    assert_ne!(guest.ended(Deadline::usual()).code, Some(0));
    // The engine that waits has another target, which it keeps.
    let server = DbgSrv::start();
    let mut console = attached(server.connection(), &counter);
    console.send(".attach -premote tcp:clicon=localhost,port=0,server=127.0.0.96 1");
    let port = awaited_port(&mut console);
    console.interrupt();
    console.expect("interrupted");
    let text = console.run("da greeting");
    assert!(text.contains("greetings from read-only memory"), "{text}");
    // A line has failed.
    assert_eq!(console.quit("qd").code, Some(1));
    assert_runs_clean(&mut counter, "counter");
    // Nobody listens there any more.
    assert!(TcpStream::connect(format!("127.0.0.96:{port}")).is_err());
}

#[test]
fn a_reversed_debugging_server_is_over_with_its_only_client() {
    let counter = Debuggee::start("counter", &["2"]);
    let mut console = Console::start(["-p", &counter.pid().to_string()]);
    let mut client = Console::start(["-remote", "tcp:clicon=localhost,port=0,server=127.0.0.97"]);
    let port = awaited_port(&mut client);
    console.run(&format!(".server tcp:port={port},clicon=127.0.0.97"));
    assert_in_order(&client.run("da greeting"), &["greetings from read-only memory"]);
    assert_in_order(
        &console.run(".servers"),
        &[&format!("tcp:Port={port},CliCon=127.0.0.97")],
    );
    client.send(".remote_exit");
    assert_eq!(client.finish().code, Some(0));
    console.expect("Server 0 has ended");
    let text = console.run(".servers");
    assert!(text.contains("0 - <Disabled, exit pending>"), "{text}");
    assert_eq!(console.quit("qd").code, Some(0));
}

#[test]
fn what_the_server_refuses_is_told_through_repeaters_and_ends_none() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let server = DbgSrv::start();
    let mut near = Repeater::start(server.connection(), &Repeater::new_pipe());
    let mut far = Repeater::start(near.connection(), "tcp:port=0");
    let mut wrong = DebuggingServer::client_of(far.connection(), "wrong");
    let ended = wrong.ended(Deadline::usual());
    assert_eq!(ended.code, Some(3));
    assert!(ended.text.contains("process server"), "{}", ended.text);
    let mut browser = TcpStream::connect(far.address()).unwrap();
    browser.set_read_timeout(Some(Deadline::usual().left())).unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A reset says the same.
    let _ = browser.read_to_end(&mut answer);
    assert_eq!(answer, b"");
    drop(browser);
    stays(&mut near);
    stays(&mut far);
    debugs(attached(far.connection(), &counter), &mut counter);
    assert!(near.wait(Deadline::usual()).success() && far.wait(Deadline::usual()).success());
}

#[test]
fn debuggees_are_let_go_whoever_between_is_killed() {
    for killed in ["client", "repeater", "server"] {
        let mut counter = Debuggee::start("counter", &["2"]);
        let mut server = DbgSrv::start();
        let mut repeater = Repeater::start(server.connection(), &Repeater::new_pipe());
        let mut console = attached(repeater.connection(), &counter);
        console.run("bp count_step");
        match killed {
            "client" => console.kill(),
            "repeater" => repeater.kill(),
            _ => server.kill(),
        }
        if killed != "client" {
            // A smart client stays: it may have other systems.
            let end = if killed == "server" {
                "ended the session"
            } else {
                "was lost"
            };
            console.expect(end);
        }
        assert_runs_clean(&mut counter, "counter");
        repeater.wait(Deadline::usual());
    }
}

#[test]
fn fifty_clients_share_a_session_through_one_repeater() {
    let counter = Debuggee::start("counter", &["2"]);
    let mut server = DebuggingServer::start(["-p", &counter.pid().to_string()]);
    let repeater = Repeater::start(server.connection(), "tcp:port=0");
    let mut clients: Vec<RawClient> = (0..50)
        .map(|number| RawClient::join(repeater.connection(), &format!("client{number}")))
        .collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.execute(&format!(".echo word-{number}-said"));
    }
    for client in &mut clients {
        client.expect_text("word-49-said");
    }
    let text = server.console().run(".clients");
    assert!(text.matches("client").count() >= 50, "{text}");
    assert_eq!(server.into_console().quit("qd").code, Some(0));
}

#[test]
fn sixty_four_megabytes_come_whole_through_two_repeaters() {
    let mut search = Debuggee::start("search", &["64"]);
    let line = search.output().line(Deadline::usual()).unwrap();
    let start = line.split(' ').nth(1).unwrap().trim_start_matches("0x").to_owned();
    let server = DbgSrv::start();
    let near = Repeater::start(server.connection(), &Repeater::new_pipe());
    let far = Repeater::start(near.connection(), "tcp:port=0");
    let mut console = attached(far.connection(), &search);
    let scratch = Scratch::new();
    let file = scratch.path().join("memory");
    let dumped = format!(".writemem {} 0x{start} L4000000", file.display());
    console.run_until(&dumped, Deadline::seconds(120));
    let at = farsight_testkit::running::parse_address(&start);
    let there = proc::read_memory(search.pid().0, at, 64 << 20);
    assert!(std::fs::read(&file).unwrap() == there);
    assert_eq!(console.quit("qd").code, Some(0));
}

/// Both kinds of ends of a serial line, between hops of other kinds.
#[test]
fn a_serial_line_between_two_repeaters_passes_a_session() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let server = DbgSrv::start();
    let cable = Cable::new(CablePlan::default());
    let [near_port, far_port] = [0, 1].map(|end| cable.transport(end, 921_600, 7));
    let mut near = Repeater::start(server.connection(), &near_port);
    let mut far = Repeater::start(&far_port, &Repeater::new_pipe());
    debugs(attached(far.connection(), &counter), &mut counter);
    assert!(far.wait(Deadline::usual()).success() && near.wait(Deadline::usual()).success());
}

#[test]
fn round_trips_are_as_many_through_a_repeater() {
    let counter = Debuggee::start("counter", &["2"]);
    let server = DbgSrv::start();
    let repeater = Repeater::start_persistent(server.connection(), "tcp:port=0");
    let [direct, repeated] = [server.address(), repeater.address()].map(|address| {
        let proxy = Proxy::start(address, ProxyPlan::far_away());
        let mut console = Console::start(premote(&proxy.connection(), ["-p", &counter.pid().to_string()]));
        let text = console.run("k; bp count_step; g; k; ~*k");
        assert!(text.contains("Breakpoint 0 hit"), "{text}");
        let counts = proxy.take_counts();
        console.quit("qd");
        (counts.round_trips(), counts.requests)
    });
    assert_eq!(direct, repeated);
}

#[test]
fn a_repeater_that_does_not_reach_its_server_is_named_as_a_cause() {
    let port = free_port("127.0.0.95");
    let repeater = Repeater::start(&format!("tcp:server=127.0.0.95,port={port}"), "tcp:port=0");
    let mut early = Console::start(premote(repeater.connection(), NOTHING));
    let ended = early.ended(Deadline::usual());
    assert!(
        ended.text.contains("a repeater that does not reach its server"),
        "{}",
        ended.text
    );
}
