//! Sessions through a real ssh and a real sshd: the server over there is started by ssh, and brought along where it is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use farsight_testkit::{
    Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Proxy, ProxyPlan, Repeater, Sshd, proc, programs, wait_until,
};

use crate::support::{assert_in_order, assert_runs_clean, premote};

/// A smart client by way of ssh.
fn client(sshd: &Sshd, connection: &str, rest: &[&str]) -> Console {
    let mut command = sshd.client();
    command.args(premote(connection, rest.iter().copied()));
    Console::spawn(command)
}

/// What a client says that cannot connect, and its exit code.
fn failure(sshd: &Sshd, connection: &str) -> String {
    let mut console = client(sshd, connection, &[]);
    let ended = console.ended(Deadline::usual());
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    ended.text
}

/// Nothing of a session is left over there.
fn assert_nothing_runs(sshd: &Sshd) {
    wait_until("nothing runs over there", Deadline::usual(), || {
        sshd.running("dbgsrv").is_empty() && sshd.running("sh").is_empty()
    });
}

/// The copy of the server over there.
fn copies(sshd: &Sshd) -> Vec<PathBuf> {
    let folder = sshd.path("home").join(".cache/farsight");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn a_session_by_way_of_ssh_costs_one_connection_and_leaves_nothing() {
    let Some(sshd) = Sshd::start("") else { return };
    sshd.install_server();
    let mut counter = Debuggee::start("counter", &["2"]);
    let mut console = client(&sshd, &sshd.connection(), &["-p", &counter.pid().to_string()]);
    console.run("bp count_step");
    let text = console.run("g; k");
    assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step"]);
    assert!(!text.contains("copied"), "{text}");
    // What the terminal sends to all that runs at it is not for ssh.
    let ssh = proc::children(console.pid())
        .into_iter()
        .find(|pid| proc::name(*pid).as_deref() == Some("ssh"));
    proc::signal(ssh.expect("an ssh"), "INT");
    let text = console.run("g; k");
    assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step"]);
    assert_eq!(console.quit("q").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
    assert_nothing_runs(&sshd);
    assert_eq!((sshd.connections(), copies(&sshd).len()), (1, 0));
}

/// One ssh for each client of a repeater.
#[test]
fn a_repeater_reaches_its_server_by_way_of_ssh() {
    let Some(sshd) = Sshd::start("") else { return };
    sshd.install_server();
    let mut command = Command::new(programs::dbengprx());
    for (name, value) in sshd.client().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["-c", &sshd.connection(), "-s", "tcp:port=0"]);
    let mut repeater = Repeater::spawn(command);
    let mut counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let mut console = Console::start(premote(repeater.connection(), ["-p", &pid]));
    let text = console.run("bp count_step; g; k");
    assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step"]);
    assert_eq!(console.quit("qd").code, Some(0));
    assert!(repeater.wait(Deadline::usual()).success());
    assert_runs_clean(&mut counter, "counter");
    assert_nothing_runs(&sshd);
}

#[test]
fn a_missing_server_is_brought_along_once_and_what_was_changed_there_is_refused() {
    let Some(sshd) = Sshd::start("") else { return };
    let counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let mut console = client(&sshd, &sshd.connection(), &["-p", &pid]);
    let text = console.run("k");
    assert_in_order(
        &text,
        &[
            "copied dbgsrv (",
            "bytes) to 127.0.0.1:~/.cache/farsight/dbgsrv-",
            "counter!",
        ],
    );
    assert_eq!(console.quit("q").code, Some(0));
    let copy = copies(&sshd).pop().expect("a copy");
    assert_eq!(
        fs::read(&copy).unwrap(),
        fs::read(farsight_testkit::programs::dbgsrv()).unwrap()
    );
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o700);

    let mut console = client(&sshd, &sshd.connection(), &["-p", &pid]);
    let text = console.run("k");
    assert!(text.contains("counter!") && !text.contains("copied"), "{text}");
    assert_eq!(console.quit("q").code, Some(0));
    assert_eq!(sshd.connections(), 2);

    // What runs cannot be changed.
    assert_nothing_runs(&sshd);
    let mut bytes = fs::read(&copy).unwrap();
    bytes.extend_from_slice(b"and something more");
    fs::write(&copy, &bytes).unwrap();
    let text = failure(&sshd, &sshd.connection());
    assert_in_order(
        &text,
        &[
            "the file ",
            ".cache/farsight/dbgsrv-",
            "is not replaced: look at it and remove it",
        ],
    );
    assert_eq!(fs::read(&copy).unwrap(), bytes);
    assert_nothing_runs(&sshd);
}

/// Whoever is gone in the middle of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Client,
    Ssh,
    Connection,
    Server,
}

#[test]
fn whoever_of_the_chain_is_killed_the_debuggee_runs_on_clean() {
    let Some(sshd) = Sshd::start("") else { return };
    sshd.install_server();
    for gone in [Gone::Client, Gone::Ssh, Gone::Connection, Gone::Server] {
        let mut counter = Debuggee::start("counter", &["2"]);
        let mut console = client(&sshd, &sshd.connection(), &["-p", &counter.pid().to_string()]);
        console.run("bp count_step");
        console.run("g");
        let ssh = proc::children(console.pid())
            .into_iter()
            .find(|pid| proc::name(*pid).as_deref() == Some("ssh"));
        let ssh = ssh.expect("an ssh");
        match gone {
            Gone::Client => console.kill(),
            Gone::Ssh => proc::signal(ssh, "KILL"),
            Gone::Connection => sshd.cut(),
            Gone::Server => proc::signal(sshd.running("dbgsrv")[0], "KILL"),
        }
        assert_runs_clean(&mut counter, "counter");
        wait_until("ssh is gone", Deadline::usual(), || !proc::alive(ssh));
        if gone != Gone::Client {
            console.expect("lost");
            console.kill();
        }
        assert_nothing_runs(&sshd);
    }
}

#[test]
fn what_ssh_refuses_is_told_in_its_words_with_a_cure() {
    let Some(sshd) = Sshd::start("") else { return };
    sshd.install_server();
    let connection = sshd.connection();
    type Case<'c> = (&'c dyn Fn(), String, &'c [&'c str]);
    let cases: &[Case<'_>] = &[
        (
            &|| (),
            connection.replace("127.0.0.1", "nobody-of-this-name@127.0.0.1"),
            &[
                "ssh to nobody-of-this-name@127.0.0.1: ",
                "Permission denied (publickey)",
                "check the user and the key",
            ],
        ),
        (
            &|| sshd.configure("stranger_key"),
            connection.clone(),
            &["Permission denied (publickey)"],
        ),
        (
            &|| sshd.trust(""),
            connection.clone(),
            &[
                "Host key verification failed",
                "log in once by hand with ssh and compare the key",
            ],
        ),
        (
            &|| sshd.trust("stranger_key"),
            connection.clone(),
            &[
                "Host key verification failed",
                "find out why before you remove the old one",
            ],
        ),
        (
            &|| (),
            "ssh:server=127.0.0.1,port=1".to_owned(),
            &["Connection refused", "is sshd running there, and at this port?"],
        ),
        (
            &|| (),
            "ssh:server=no-such-machine.invalid".to_owned(),
            &["Could not resolve hostname", "check the machine's name"],
        ),
        (
            &|| fs::remove_file(sshd.path("bin/ssh")).unwrap(),
            connection.clone(),
            &["there is no ssh on this machine: install it"],
        ),
    ];
    for (prepare, connection, wanted) in cases {
        sshd.configure("key");
        sshd.trust("host_key");
        prepare();
        let mut command = sshd.client();
        if wanted[0].contains("no ssh") {
            command.env("PATH", sshd.path("bin"));
        }
        command.args(premote(connection, []));
        let ended = Console::spawn(command).ended(Deadline::usual());
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert_in_order(&ended.text, wanted);
        assert_nothing_runs(&sshd);
    }
}

#[test]
fn what_cannot_serve_over_there_is_told_with_a_cure() {
    let Some(sshd) = Sshd::start("ForceCommand /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\nPermitTTY no") else {
        return;
    };
    let connection = sshd.connection();
    sshd.program("there", "uname", "echo Linux riscv64");
    assert_in_order(
        &failure(&sshd, &connection),
        &["that machine is 'Linux riscv64'", "FARSIGHT_DBGSRV"],
    );
    sshd.program("there", "sha256sum", "exit 1");
    sshd.program("there", "shasum", "exit 1");
    sshd.program("there", "openssl", "exit 1");
    sshd.program("there", "uname", "echo Linux x86_64");
    assert_in_order(
        &failure(&sshd, &connection),
        &["dbgsrv could not be copied", "no sha256sum"],
    );
    sshd.program(
        "there",
        "head",
        "cat >/dev/null & echo 'head: out of space' >&2; exit 1",
    );
    assert_in_order(
        &failure(&sshd, &connection),
        &["dbgsrv could not be copied", "install dbgsrv there"],
    );
    assert!(copies(&sshd).is_empty());
    // Somebody's start-up file says more than we would ever read.
    sshd.program("there", "sh", "yes hello");
    let text = failure(&sshd, &connection);
    assert!(text.contains("ssh to 127.0.0.1: "), "{text}");
    let mut command = sshd.client();
    command
        .env("FARSIGHT_DBGSRV", "/etc/passwd")
        .args(premote(&connection, []));
    let ended = Console::spawn(command).ended(Deadline::usual());
    assert_in_order(
        &ended.text,
        &["/etc/passwd (FARSIGHT_DBGSRV) cannot be copied: it is not a Linux program"],
    );
}

#[test]
fn servers_that_run_over_there_are_reached_by_their_pipes() {
    let Some(sshd) = Sshd::start("") else { return };
    let counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let server = DbgSrv::start_on_pipe();
    let connection = format!("{},pipe={}", sshd.connection(), server.value("pipe").unwrap());
    // The relay is the server's program, and comes along as that does.
    let mut console = client(&sshd, &connection, &["-p", &pid]);
    assert_in_order(&console.run("k"), &["copied dbgsrv", "counter!"]);
    assert_eq!(server.sessions().len(), 1);
    assert_eq!(console.quit("q").code, Some(0));
    let text = failure(&sshd, &connection.replace("pipe=", "pipe=no-"));
    assert_in_order(&text, &["over there: no server has a pipe 'no-", "is it running"]);

    let shared = DebuggingServer::start_on_pipe(["-p", &pid]);
    let pipe = shared
        .connection()
        .split("Pipe=")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let pipe = pipe.expect("a pipe");
    let mut command = sshd.client();
    command.args(["-remote", &format!("{},pipe={pipe}", sshd.connection())]);
    let mut guest = Console::spawn(command);
    assert_in_order(&guest.run("k"), &["counter!"]);
    guest.quit(".remote_exit");
    assert_nothing_runs(&sshd);
}

#[test]
fn heavy_round_trips_are_those_of_tcp() {
    let Some(sshd) = Sshd::start("") else { return };
    sshd.install_server();
    let counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let time = |plan: ProxyPlan| {
        let proxy = Proxy::start(sshd.address(), plan);
        let port = sshd.address().port().to_string();
        let connection = sshd.connection().replace(&port, &proxy.address().port().to_string());
        // The proxy has a port of its own, and the same key behind it.
        let known = fs::read_to_string(sshd.path("known_hosts")).unwrap();
        let own = known.replace(&port, &proxy.address().port().to_string());
        fs::write(sshd.path("known_hosts"), own).unwrap();
        let mut console = client(&sshd, &connection, &["-p", &pid]);
        console.run("bp count_step");
        console.run("g; k");
        let best = (0..8).map(|_| {
            let start = Instant::now();
            let text = console.run("g; k");
            assert!(text.contains("counter!count_step"), "{text}");
            start.elapsed()
        });
        let best = best.min().unwrap();
        console.quit("qd");
        fs::write(sshd.path("known_hosts"), known).unwrap();
        best
    };
    let near = time(ProxyPlan::default());
    let far = time(ProxyPlan::far_away());
    let limit = Duration::from_millis(50) * 2 + near;
    assert!(far <= limit, "{far:?}, allowed are {limit:?}");
}
