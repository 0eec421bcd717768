//! `ssl:` and `spipe:` between separate programs: who gets in, what everybody else is told, and what can be seen between.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use farsight_testkit::{
    Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Repeater, Scratch, proc, programs, raw_client, wait_until,
};

use crate::support::{assert_in_order, assert_runs_clean};

/// A user's configuration of its own, with certificates in it.
struct Home {
    scratch: Scratch,
}

impl Home {
    fn new() -> Home {
        Home {
            scratch: Scratch::new(),
        }
    }

    /// One that has made certificates of these names; their thumbprints.
    fn with<const N: usize>(names: [&str; N]) -> (Home, [String; N]) {
        let home = Home::new();
        let thumbprints = names.map(|name| home.make(name));
        (home, thumbprints)
    }

    fn store(&self) -> PathBuf {
        self.scratch.path().join("farsight/certs")
    }

    /// A program that has this configuration.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.env("XDG_CONFIG_HOME", self.scratch.path());
        command
    }

    fn farsight<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command(programs::farsight());
        command.args(arguments);
        command
    }

    fn make(&self, name: &str) -> String {
        let made = self.farsight(["-makecert", name]).output().unwrap();
        let text = String::from_utf8(made.stdout).unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (_, rest) = text.split_once("thumbprint   ").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    fn dbgsrv(&self, transport: &str) -> DbgSrv {
        let mut command = self.command(programs::dbgsrv_tls());
        command.args(["-t", transport]);
        DbgSrv::spawn(command)
    }

    /// A debugging server at a target, and what to put behind its clients' `-remote`.
    fn debugger(&self, transport: &str, target: &Debuggee) -> (Console, String) {
        let pid = target.pid().to_string();
        let mut console = Console::spawn(self.farsight(["-server", transport, "-p", &pid]));
        let connection = DebuggingServer::told(&mut console);
        (console, connection)
    }

    /// What a client that cannot get in is told.
    fn refused(&self, option: &str, connection: &str) -> String {
        let mut console = Console::spawn(self.farsight([option, connection]));
        let ended = console.ended(Deadline::usual());
        assert_ne!(ended.code, Some(0), "{}", ended.text);
        ended.text
    }
}

fn pipe_name(word: &str) -> String {
    let unique = Scratch::new();
    let name = unique.path().file_name().unwrap().to_str().unwrap();
    format!("{word}-{name}")
}

fn attach(home: &Home, connection: &str, debuggee: &Debuggee) -> Console {
    let pid = debuggee.pid().to_string();
    let mut console = Console::spawn(home.farsight(["-premote", connection, "-p", &pid]));
    console.run(".echo attached");
    console
}

fn look(console: &mut Console) {
    let text = console.run("da greeting; lm");
    assert_in_order(&text, &["greetings from read-only memory", "counter"]);
}

#[test]
fn the_printed_line_is_all_that_a_client_pastes() {
    let (server_home, _) = Home::with(["box"]);
    let client_home = Home::new();
    let mut counter = Debuggee::start("counter", &["2"]);
    for transport in [
        "ssl:certuser=box,port=0",
        &format!("spipe:certuser=box,pipe={}", pipe_name("p")),
    ] {
        let server = server_home.dbgsrv(transport);
        assert!(server.connection().contains("Pin="), "{}", server.connection());
        let mut console = attach(&client_home, server.connection(), &counter);
        look(&mut console);
        let text = console.run("bp count_step; g; k; bc *");
        assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step", "counter!worker+0x"]);
        let ended = console.quit("qd");
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert_runs_clean(&mut counter, "counter");
        drop(server);

        let (mut host, connection) = server_home.debugger(transport, &counter);
        let mut client = Console::spawn(client_home.farsight(["-remote", &connection]));
        look(&mut client);
        let text = host.run(".clients");
        let kind = transport.split(':').next().unwrap();
        assert!(
            text.contains(&format!(" {kind} ")) || text.contains(&format!("({kind} ")),
            "{text}"
        );
        client.send(".remote_exit");
        assert_eq!(client.finish().code, Some(0));
        // The end of the session reaches who is still there.
        let mut other = Console::spawn(client_home.farsight(["-remote", &connection]));
        look(&mut other);
        assert_eq!(host.quit("qd").code, Some(0));
        let ended = other.ended(Deadline::usual());
        assert!(ended.text.contains("it runs on"), "{}", ended.text);
        assert_runs_clean(&mut counter, "counter");
    }
}

#[test]
fn client_and_server_may_give_the_identical_parameter_as_in_the_documentation() {
    let (home, [thumbprint]) = Home::with(["box"]);
    let counter = Debuggee::start("counter", &["2"]);
    let spaced: Vec<&str> = (0..64).step_by(2).map(|at| &thumbprint[at..at + 2]).collect();
    let spaced = spaced.join(" ");
    let elsewhere = Home::new();
    for (client, parameter) in [(&home, "box"), (&home, &thumbprint), (&elsewhere, &spaced)] {
        let server = home.dbgsrv(&format!("ssl:proto=tls1,certuser={parameter},port=0").replace(
            &format!("certuser={parameter}"),
            &format!("certuser={}", if parameter == "box" { "box" } else { &spaced }),
        ));
        let port = server.address().port();
        let connection = format!("ssl:proto=tls1,certuser={parameter},server=localhost,port={port}");
        let mut console = attach(client, &connection, &counter);
        look(&mut console);
        assert_eq!(console.quit("qd").code, Some(0));
    }
}

#[test]
fn a_server_with_a_pin_serves_that_client_alone() {
    let (server_home, [_, strange]) = Home::with(["box", "strange"]);
    let (client_home, [ann, _]) = Home::with(["ann", "bob"]);
    let counter = Debuggee::start("counter", &["2"]);
    let server = server_home.dbgsrv(&format!("ssl:certuser=box,pin={ann},port=0"));
    // The line names the client's own certificate, which is the one thing that the client must have.
    let line = server.connection();
    assert!(line.contains(&format!("CertUser={ann},Pin=")), "{line}");
    let mut console = attach(&client_home, line, &counter);
    look(&mut console);
    assert_eq!(console.quit("qd").code, Some(0));
    let shown = server.value("pin").unwrap();
    let port = server.address().port();
    for (certificate, words) in [
        ("", "it wants to see a certificate of this side"),
        ("certuser=bob,", "is not the one that the other side's pin= allows"),
    ] {
        let connection = format!("ssl:{certificate}pin={shown},server=localhost,port={port}");
        let text = client_home.refused("-premote", &connection);
        assert!(text.contains(words), "{text}");
    }
    assert!(server.sessions().is_empty());
    let connection = format!("ssl:certuser=ann,pin={strange},server=localhost,port={port}");
    let text = client_home.refused("-premote", &connection);
    assert!(text.contains(&strange) && text.contains(shown), "{text}");
}

#[test]
fn who_cannot_get_in_is_told_why_and_how() {
    let (home, [_, other]) = Home::with(["box", "other"]);
    let stranger = Home::new();
    let server = home.dbgsrv("ssl:certuser=box,port=0");
    let port = server.address().port();
    let plain = DbgSrv::start();
    let plain_port = plain.address().port();
    let pipe = pipe_name("s");
    let _secure_pipe = home.dbgsrv(&format!("spipe:certuser=box,pipe={pipe}"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    let cases = [
        (
            &stranger,
            format!("ssl:pin={other},port={port}"),
            "allows only another one",
        ),
        (
            &stranger,
            format!("ssl:certuser=box,port={port}"),
            "there is no certificate 'box'",
        ),
        (&home, format!("ssl:certuser=other,port={port}"), "no authority in"),
        (&home, format!("tcp:port={port}"), "speaks TLS: use ssl:"),
        (&home, format!("npipe:pipe={pipe}"), "speaks TLS: use ssl:"),
        (
            &home,
            format!("ssl:certuser=box,port={plain_port}"),
            "it may be a server without TLS",
        ),
        (
            &home,
            format!("ssl:certuser=box,port={closed_port}"),
            "nothing listens there",
        ),
        (
            &home,
            format!("ssl:proto=ssl3,certuser=box,port={port}"),
            "ssl3 is broken",
        ),
        (&home, format!("ssl:port={port}"), "pin"),
    ];
    for (home, connection, words) in &cases {
        for option in ["-premote", "-remote"] {
            let text = home.refused(option, connection);
            assert!(text.contains(words), "{connection}: {text}");
        }
    }
    assert!(server.sessions().is_empty() && plain.sessions().is_empty());
}

#[test]
fn a_server_without_a_good_certificate_does_not_start_and_says_what_to_do() {
    let (home, _) = Home::with(["box", "naked"]);
    std::fs::remove_file(home.store().join("naked.key")).unwrap();
    let key = home.store().join("box.key");
    let cases = [
        ("ssl:port=0", "certuser"),
        ("ssl:certuser=nobody,port=0", "farsight -makecert"),
        ("ssl:certuser=naked,port=0", "naked.key is missing"),
        ("spipe:certuser=naked,pipe=x", "naked.key is missing"),
        ("ssl:certuser=box,port=0,server=*", "Add pin= with the thumbprint"),
        (
            "ssl:certuser=box,port=0,server=192.0.2.7",
            "Add pin= with the thumbprint",
        ),
    ];
    let run = |mut command: Command| {
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    };
    let dbgsrv = |program: PathBuf, transport: &str| {
        let mut command = home.command(program);
        command.args(["-t", transport]);
        run(command)
    };
    for (transport, words) in cases {
        let text = dbgsrv(programs::dbgsrv_tls(), transport);
        assert!(text.contains(words), "{transport}: {text}");
        let text = run(home.farsight(["-server", transport, "-c", "q"]));
        assert!(text.contains(words), "{transport}: {text}");
    }
    // The small server says where TLS is.
    for transport in ["ssl:certuser=box,port=0", "spipe:certuser=box,pipe=x"] {
        let text = dbgsrv(programs::dbgsrv(), transport);
        assert_in_order(&text, &["this build has no TLS", "use dbgsrv-tls", "password= or key="]);
    }
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let text = dbgsrv(programs::dbgsrv_tls(), "ssl:certuser=box,port=0");
    assert!(
        text.contains("box.key can be read by others (mode 644): chmod 600"),
        "{text}"
    );
    let again = run(home.farsight(["-makecert", "box"]));
    assert!(again.contains("is not overwritten"), "{again}");
}

#[test]
fn a_password_inside_tls_proves_the_client() {
    let (home, _) = Home::with(["box"]);
    let counter = Debuggee::start("counter", &["2"]);
    let server = home.dbgsrv("ssl:certuser=box,port=0,password=correct horse");
    let bare = server.connection().split(",Password").next().unwrap().to_owned();
    let mut console = attach(&home, &format!("{bare},password=correct horse"), &counter);
    look(&mut console);
    assert_eq!(console.quit("qd").code, Some(0));
    for connection in [bare.clone(), format!("{bare},password=wrong")] {
        home.refused("-premote", &connection);
    }
    assert!(server.sessions().is_empty());
}

/// TLS makes no new place of every connection: after eight tries at once there is one every two seconds.
#[test]
fn tries_of_passwords_inside_tls_are_limited_in_rate() {
    let (home, _) = Home::with(["box"]);
    let server = home.dbgsrv("ssl:certuser=box,port=0,password=correct horse");
    let bare = server.connection().split(",Password").next().unwrap().to_owned();
    let begin = Instant::now();
    for _ in 0..10 {
        let error = raw_client::try_dial(&format!("{bare},password=wrong")).unwrap_err();
        assert!(error.to_string().contains("password"), "{error}");
    }
    assert!(begin.elapsed() > Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[test]
fn strangers_at_the_port_cost_little_and_keep_nobody_out() {
    let (home, _) = Home::with(["box"]);
    let counter = Debuggee::start("counter", &["2"]);
    let server = home.dbgsrv("ssl:certuser=box,port=0");
    let threads = || {
        std::fs::read_dir(format!("/proc/{}/task", server.pid()))
            .unwrap()
            .count()
    };
    let before = threads();
    let stranger = |bytes: &[u8]| {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(bytes).unwrap();
        socket
    };
    // Half open in every way: nothing said, a first byte, a record that is never finished.
    let beginnings = [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1, 0, 1]];
    let half_open: Vec<TcpStream> = (0..51).map(|number| stranger(beginnings[number % 3])).collect();
    // Answered at once, with an alert at most.
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"SSH-2.0-x\r\n",
        &[0; 100],
    ] {
        let mut answer = Vec::new();
        let mut socket = stranger(bytes);
        socket.set_read_timeout(Some(Deadline::usual().left())).unwrap();
        let _ = socket.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(&[0x15, 3]), "{answer:?}");
    }
    let mut console = attach(&home, server.connection(), &counter);
    look(&mut console);
    // More than may be there at once: the oldest that have said nothing make room.
    let more: Vec<TcpStream> = (0..80).map(|_| stranger(b"")).collect();
    look(&mut console);
    let mut second = Console::spawn(home.farsight(["-premote", server.connection()]));
    second.run(".echo in");
    assert_eq!(second.quit("q").code, Some(0));
    // Of all of these only the two clients had a thread.
    assert!(threads() <= before + 2, "{} threads, {before} before", threads());
    drop((half_open, more));
    assert_eq!(console.quit("qd").code, Some(0));
    wait_until("nothing of it is left", Deadline::usual(), || {
        server.sessions().is_empty() && threads() == before
    });
}

/// Joins clients to a server and keeps all that passes.
struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn before(server: SocketAddr) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let record = Arc::clone(&record);
                    thread::spawn(move || {
                        let mut piece = [0; 65536];
                        while let Ok(length @ 1..) = from.read(&mut piece) {
                            record.lock().unwrap().extend_from_slice(&piece[..length]);
                            if to.write_all(&piece[..length]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Recorder { address, seen }
    }

    /// Runs of eight bytes of a text that were seen.
    fn runs_of(&self, plain: &[u8]) -> usize {
        let seen = self.seen.lock().unwrap();
        assert!(seen.len() > 2000, "{} bytes", seen.len());
        let runs = plain.windows(8);
        runs.filter(|run| seen.windows(8).any(|other| other == *run)).count()
    }
}

#[test]
fn a_capture_of_a_session_holds_nothing_that_was_read_or_written() {
    let (home, _) = Home::with(["box"]);
    let mut counter = Debuggee::start("counter", &["2"]);
    let path = counter.path().to_str().unwrap().as_bytes().to_vec();
    let buffer = counter.address("buffer");
    for (transport, is_open) in [("tcp:port=0", true), ("ssl:certuser=box,port=0", false)] {
        let server = home.dbgsrv(transport);
        let recorder = Recorder::before(server.address());
        let port = server.address().port().to_string();
        let between = recorder.address.port().to_string();
        let connection = server.connection().replace(&port, &between);
        let mut console = attach(&home, &connection, &counter);
        look(&mut console);
        console.run("ea buffer \"written by hand\"");
        assert_eq!(proc::read_memory(counter.pid().0, buffer, 7), b"written");
        assert_eq!(console.quit("qd").code, Some(0));
        for plain in [
            &b"greetings from read-only memory"[..],
            b"written by hand",
            &path,
            b"arsight 0.1",
        ] {
            let runs = recorder.runs_of(plain);
            assert_eq!(
                runs > 0,
                is_open,
                "{transport}: {runs} runs of {}",
                String::from_utf8_lossy(plain)
            );
        }
    }
}

#[test]
fn the_end_of_a_server_or_its_client_is_noticed_through_tls() {
    let (home, _) = Home::with(["box"]);
    let mut counter = Debuggee::start("counter", &["2"]);
    // A server that is ended from inside says so.
    let mut server = home.dbgsrv("ssl:certuser=box,port=0");
    let mut console = attach(&home, server.connection(), &counter);
    console.send(".endpsrv");
    console.expect("is let go by the server and runs on");
    server.wait(Deadline::usual());
    drop(console);
    assert_runs_clean(&mut counter, "counter");
    // One that is killed is lost, and lets go.
    let mut server = home.dbgsrv("ssl:certuser=box,port=0");
    let mut console = attach(&home, server.connection(), &counter);
    server.kill();
    console.expect("lost");
    drop(console);
    assert_runs_clean(&mut counter, "counter");
    // A client that is killed leaves nothing.
    let server = home.dbgsrv("ssl:certuser=box,port=0");
    let mut console = attach(&home, server.connection(), &counter);
    console.kill();
    wait_until("its session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
    assert_runs_clean(&mut counter, "counter");
}

/// The server calls, and is still the one that shows its certificate; a repeater between does not see into it.
#[test]
fn reversed_connections_are_sealed_as_others_are() {
    let (server_home, [thumbprint]) = Home::with(["box"]);
    let client_home = Home::new();
    let mut counter = Debuggee::start("counter", &["2"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = server_home.dbgsrv(&format!("ssl:certuser=box,port={port},clicon=localhost"));
    let expected = format!("ssl:Proto=tls1,Pin={thumbprint},Port={port},CliCon=localhost");
    assert_eq!(server.connection(), expected);
    let mut console = attach(&client_home, server.connection(), &counter);
    look(&mut console);
    assert_eq!(console.quit("qd").code, Some(0));
    assert!(server.wait(Deadline::usual()).success());
    assert_runs_clean(&mut counter, "counter");

    let repeater = Repeater::start("tcp:clicon=localhost,port=0", "tcp:port=0");
    let called = repeater.called_port();
    let _server = server_home.dbgsrv(&format!("ssl:certuser=box,port={called},clicon=localhost"));
    let recorder = Recorder::before(repeater.address());
    let port = recorder.address.port();
    let connection = format!("ssl:pin={thumbprint},server=localhost,port={port}");
    let mut console = attach(&client_home, &connection, &counter);
    look(&mut console);
    assert_eq!(console.quit("qd").code, Some(0));
    assert_eq!(recorder.runs_of(b"greetings from read-only memory"), 0);
    assert_runs_clean(&mut counter, "counter");
}
