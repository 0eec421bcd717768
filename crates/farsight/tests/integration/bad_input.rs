//! What can be wrong: each is a clear message, nothing hangs, no target notices.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, Proxy, ProxyPlan, Scratch, proc, programs, wait_until};

use crate::support::{assert_runs_clean, attached, premote};

/// Runs `farsight` to its end without input.
#[track_caller]
fn fails_with(arguments: Vec<std::ffi::OsString>, code: i32, words: &[&str]) {
    let mut console = Console::start(&arguments);
    let ended = console.ended(Deadline::usual());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.text);
    for word in words {
        assert!(
            ended.text.contains(word),
            "{arguments:?}: no {word:?} in:\n{}",
            ended.text
        );
    }
    assert!(!ended.text.contains("panicked"), "{}", ended.text);
}

#[test]
fn processes_that_cannot_be_attached_to_are_named_with_the_reason() {
    let server = DbgSrv::start();
    let connection = server.connection();
    fails_with(
        premote(connection, ["-p", "2147483632"]),
        3,
        &["no process 2147483632", ".tlist"],
    );
    fails_with(
        premote(connection, ["-pn", "no-such-name"]),
        3,
        &["no process named 'no-such-name'"],
    );
    let own = server.pid().to_string();
    fails_with(premote(connection, ["-p", &own]), 3, &[&own, "the server"]);

    let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let zombie = child.id();
    wait_until("it is a zombie", Deadline::usual(), || proc::state(zombie) == Some('Z'));
    fails_with(
        premote(connection, ["-p", &zombie.to_string()]),
        3,
        &["has ended already"],
    );
    child.wait().unwrap();

    let mut counter = Debuggee::start("counter", &["2"]);
    let holder = attached(connection, &counter);
    let pid = counter.pid().to_string();
    fails_with(
        premote(connection, ["-p", &pid]),
        3,
        &[&pid, "already debugging it", "dbgsrv"],
    );
    assert_eq!(holder.quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn ambiguous_names_list_the_candidates() {
    let server = DbgSrv::start();
    let scratch = Scratch::new();
    let path = scratch.copy_of(&programs::debuggee("counter"));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let twins = [Debuggee::start_program(&path, &[]), Debuggee::start_program(&path, &[])];
    let pids = [twins[0].pid().to_string(), twins[1].pid().to_string()];
    fails_with(
        premote(server.connection(), ["-pn", &name]),
        3,
        &["not unique", &pids[0], &pids[1]],
    );
}

#[test]
fn programs_that_cannot_be_started_are_named_with_the_reason() {
    let server = DbgSrv::start();
    fails_with(
        premote(server.connection(), ["/no/such/program"]),
        3,
        &["/no/such/program", "no such file"],
    );
}

#[test]
fn refused_connections_say_where_and_why() {
    // A port that was free a moment ago and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let connection = format!("tcp:server=127.0.0.1,port={port}");
    fails_with(
        premote(&connection, ["-p", "1"]),
        3,
        &["127.0.0.1", &port.to_string(), "refused"],
    );
    fails_with(premote("tcp:server=127.0.0.1", []), 2, &["port"]);
    fails_with(premote("tcp:server=127.0.0.1,prot=5", []), 2, &["prot"]);
    fails_with(premote("carrier-pigeon:port=1", []), 2, &["carrier-pigeon"]);
}

#[test]
fn servers_of_other_protocols_are_not_taken_for_ours() {
    for greeting in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-x\r\n", b""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // It answers and hangs up.
                let _ = std::io::Write::write_all(&mut stream.unwrap(), greeting);
            }
        });
        let connection = format!("tcp:server=127.0.0.1,port={port}");
        fails_with(premote(&connection, ["-p", "1"]), 3, &[]);
    }
}

#[test]
fn a_killed_server_is_told_and_ends_the_session() {
    for kill in [true, false] {
        let mut server = DbgSrv::start();
        let mut counter = Debuggee::start("counter", &["3"]);
        let mut console = attached(server.connection(), &counter);
        console.run("bp count_step; g");
        if kill {
            server.kill()
        } else {
            server.terminate()
        }
        assert_runs_clean(&mut counter, "counter");
        console.send("k");
        console.send("g");
        let ended = console.finish();
        assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
        let text = ended.text.to_lowercase();
        assert!(text.contains("lost") || text.contains("server ended"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn a_server_killed_while_the_target_runs_is_told_at_once() {
    let mut server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["3"]);
    let mut console = attached(server.connection(), &counter);
    let address = counter.address("counter");
    console.send("g");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    server.kill();
    let text = console.run(".echo still here");
    assert!(
        text.to_lowercase().contains("lost") || text.contains("server ended"),
        "{text}"
    );
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_cut_connection_is_told_and_the_debuggee_runs_clean() {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    let mut counter = Debuggee::start("counter", &["3"]);
    let mut console = attached(&proxy.connection(), &counter);
    console.run("bp count_step; g");
    proxy.cut();
    assert_runs_clean(&mut counter, "counter");
    console.send("db counter");
    let ended = console.finish();
    assert!(matches!(ended.code, Some(1 | 4)), "{}", ended.text);
    assert!(ended.text.to_lowercase().contains("lost"), "{}", ended.text);
}

#[test]
fn a_debuggee_killed_between_two_commands_is_told() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["4"]);
    let mut console = attached(server.connection(), &counter);
    console.run("bp count_step; g");
    counter.kill();
    for command in ["r", "~*k", "db counter", "p", "g", "k", "bl", ".echo alive"] {
        let text = console.run(command);
        assert!(!text.contains("panicked"), "{text}");
    }
    console.quit("q");
    // The server is of use for others.
    let mut counter = Debuggee::start("counter", &["2"]);
    assert_eq!(attached(server.connection(), &counter).quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_debuggee_killed_while_it_runs_is_told() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["4"]);
    let mut console = attached(server.connection(), &counter);
    let address = counter.address("counter");
    console.send("g");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    counter.kill();
    let text = console.run(".echo told");
    assert!(
        text.contains(&counter.pid().to_string()) || text.to_lowercase().contains("exit"),
        "{text}"
    );
}

#[test]
fn a_client_that_is_killed_leaves_its_debuggees_by_the_rules() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["4"]);
    let mut console = attached(server.connection(), &counter);
    console.run("bp count_step; g");
    console.kill();
    assert_runs_clean(&mut counter, "counter");
    wait_until("the session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
}

#[test]
fn a_client_that_is_told_to_end_lets_go_first() {
    for (signal, code) in [("TERM", 128 + 15), ("HUP", 128 + 1)] {
        let server = DbgSrv::start();
        let mut counter = Debuggee::start("counter", &["4"]);
        let mut console = attached(server.connection(), &counter);
        console.run("bp count_step; g");
        proc::signal(console.pid(), signal);
        let ended = console.ended(Deadline::usual());
        assert_eq!(ended.code, Some(code), "{}", ended.text);
        assert_runs_clean(&mut counter, "counter");
    }
}
