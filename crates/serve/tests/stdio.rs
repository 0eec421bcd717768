//! `dbgsrv -t stdio:`: one client over standard input and output, and an end when it has gone.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use farsight_target::{AbandonOrder, Acquire, AttachMode, Run};
use farsight_testkit::conformance::{attach_spec, attached_counter, launch, plan, resume, trap};
use farsight_testkit::{Deadline, PortClient, Session, proc, programs, wait_until};
use farsight_transport::Stream;
use farsight_types::OsPid;

/// What stands at the other ends of its standard input and output.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// One socket, as sshd gives it.
    Socket,
    /// Two pipes, as a shell gives them.
    Pipes,
}

/// A server and the stream to it.
fn start(ends: Ends) -> (Child, UnixStream) {
    let mut command = Command::new(programs::dbgsrv());
    command.args(["-t", "stdio:"]).stderr(Stdio::piped());
    let (near, far) = UnixStream::pair().unwrap();
    match ends {
        Ends::Socket => {
            let output: OwnedFd = far.try_clone().unwrap().into();
            let server = command.stdin(OwnedFd::from(far)).stdout(output).spawn().unwrap();
            (server, near)
        }
        Ends::Pipes => {
            let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (mut input, mut output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
            let (mut says, mut hears) = (far.try_clone().unwrap(), far);
            thread::spawn(move || relay(&mut says, &mut input));
            thread::spawn(move || {
                relay(&mut output, &mut hears);
                let _ = hears.shutdown(Shutdown::Both);
            });
            (server, near)
        }
    }
}

/// Carries until either side is gone. What the system copies by itself it holds back until there is more of it.
fn relay(from: &mut impl Read, to: &mut impl Write) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        if to.write_all(&chunk[..length]).is_err() {
            return;
        }
    }
}

fn session(stream: UnixStream) -> Session {
    Session::new(PortClient::open(Stream::from_unix(stream)))
}

/// Its exit status and what it had to say to people.
fn ended(mut server: Child) -> (ExitStatus, String) {
    wait_until("the server has ended", Deadline::usual(), || {
        server.try_wait().unwrap().is_some()
    });
    let mut said = String::new();
    server.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (server.wait().unwrap(), said)
}

#[test]
fn its_only_client_is_served_and_when_it_goes_the_server_lets_go_and_ends() {
    for ends in [Ends::Socket, Ends::Pipes] {
        let (server, stream) = start(ends);
        let mut client = session(stream);
        let (mut counter, _) = attached_counter(&mut client, 2);
        let mut at_step = trap(1, counter.pid(), counter.address("count_step"));
        at_step.passes = u64::MAX;
        resume(&mut client, plan(vec![at_step]));
        let address = counter.address("counter");
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
        let sessions = proc::children(server.id());
        assert_eq!(sessions.len(), 1, "{ends:?}");
        drop(client);
        let (status, said) = ended(server);
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{ends:?}");
        // It ended behind its session process, and that behind the letting go.
        assert!(!proc::alive(sessions[0]));
        proc::assert_clean(counter.pid().0, Deadline::usual());
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
    }
}

#[test]
fn what_it_launched_writes_to_its_terminal_and_never_into_the_stream() {
    let (server, stream) = start(Ends::Pipes);
    let mut client = session(stream);
    let stop = launch(&mut client, "counter", &["2"]);
    resume(&mut client, plan(Vec::new()));
    client.hear_until("the program", |client| client.text().contains("ready"));
    drop(client);
    assert!(ended(server).0.success());
    wait_until("the launched one is gone", Deadline::usual(), || {
        !proc::alive(stop.process.0)
    });
}

#[test]
fn who_says_nothing_of_ours_is_left_and_the_server_ends() {
    for (said, ends) in [
        (&b""[..], Ends::Socket),
        (b"", Ends::Pipes),
        (b"GET / HTTP/1.1\r\n\r\n", Ends::Socket),
        (b"GET / HTTP/1.1\r\n\r\n", Ends::Pipes),
    ] {
        let (server, mut stream) = start(ends);
        stream.write_all(said).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
        assert!(ended(server).0.success());
    }
}

#[test]
fn a_session_that_keeps_abandoned_debuggees_keeps_neither_server_nor_streams() {
    for ends in [Ends::Socket, Ends::Pipes] {
        let (server, stream) = start(ends);
        let mut client = session(stream);
        let (counter, _) = attached_counter(&mut client, 2);
        let keeper = proc::children(server.id())[0];
        let order = AbandonOrder {
            process: counter.pid(),
            release: false,
        };
        client.run().abandon(order).unwrap();
        drop(client);
        let (status, said) = ended(server);
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{ends:?}");
        assert_eq!(proc::tracer(counter.pid().0) != 0, proc::alive(keeper));
        adopt_and_leave(counter.pid(), keeper);
    }
}

/// Another server's client takes over what was abandoned; then its keeper ends.
fn adopt_and_leave(process: OsPid, keeper: u32) {
    let (server, stream) = start(Ends::Socket);
    let client = session(stream);
    let mut spec = attach_spec(process);
    spec.mode = Some(AttachMode::Existing);
    client.acquire().attach(spec).unwrap();
    wait_until("the keeper is gone", Deadline::usual(), || !proc::alive(keeper));
    drop(client);
    assert!(ended(server).0.success());
}

#[test]
fn a_terminal_is_refused_in_a_sentence() {
    let server = programs::dbgsrv();
    let line = format!("exec {} -t stdio:", server.display());
    let output = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("`script` of util-linux");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard input is a terminal; listen with"), "{said}");
}
