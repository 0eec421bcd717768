//! `farsight doctor` on the machine that the tests run on.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output};

use farsight_testkit::{DbgSrv, Debuggee, programs};

use crate::support::attached;

fn doctor(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(programs::farsight())
        .arg("doctor")
        .args(arguments)
        .output();
    told(output.expect("farsight"))
}

fn told(output: Output) -> (Option<i32>, String) {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // The exit code is what the lines say.
    let failed = text.lines().any(|line| line.starts_with("fail"));
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{text}");
    for line in text.lines() {
        let verdict = line.split(' ').next().unwrap();
        assert!(["ok", "warn", "fail", ""].contains(&verdict), "{line}");
    }
    (output.status.code(), text)
}

/// The verdict about a thing, and what is said of it.
#[track_caller]
fn verdict<'t>(text: &'t str, what: &str) -> (&'t str, &'t str) {
    let found = text.lines().find_map(|line| {
        let (verdict, rest) = line.split_once(' ')?;
        let said = rest.trim_start().strip_prefix(what)?.strip_prefix("  ")?;
        Some((verdict, said.trim_start()))
    });
    found.unwrap_or_else(|| panic!("nothing about {what} in\n{text}"))
}

#[test]
fn this_machine_can_be_debugged_on_and_so_can_a_process_of_it() {
    let counter = Debuggee::start("counter", &["2"]);
    let (code, text) = doctor(&[&counter.pid().to_string()]);
    assert_eq!(code, Some(0), "{text}");
    for what in [
        "kernel",
        "ptrace_scope",
        "seccomp",
        "/proc",
        "runtime directory",
        "debugging",
        "dbgsrv",
        "process",
        "its debugger",
        "its user",
        "its protection",
        "attaching",
    ] {
        assert_ne!(verdict(&text, what).0, "fail", "{text}");
    }
    assert!(verdict(&text, "process").1.ends_with(" (counter)"), "{text}");
    // It was not disturbed.
    assert_eq!(farsight_testkit::proc::tracer(counter.pid().0), 0);
}

#[test]
fn who_debugs_a_process_already_is_named() {
    let counter = Debuggee::start("counter", &["2"]);
    let server = DbgSrv::start();
    let console = attached(server.connection(), &counter);
    let (code, text) = doctor(&[&counter.pid().to_string()]);
    assert_eq!(code, Some(1));
    let (found, said) = verdict(&text, "its debugger");
    assert!(found == "fail" && said.contains("(dbgsrv-session)"), "{text}");
    assert!(text.contains("only look (-pvr)"), "{text}");
    console.quit("q");
    let (_, text) = doctor(&["999999999"]);
    assert_eq!(verdict(&text, "process").0, "fail");
}

#[test]
fn another_users_process_is_not_for_this_one() {
    if std::fs::metadata("/proc/self").expect("/proc").uid() != 0 {
        // Nobody to be whom this user could start programs as: the checks' own tests have this case.
        return;
    }
    let counter = Debuggee::start("counter", &["2"]);
    // Where anybody may run it.
    let folder = farsight_testkit::Scratch::new();
    let program = folder.copy_of(&programs::farsight());
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["doctor", &counter.pid().to_string()])
        .env_remove("XDG_RUNTIME_DIR")
        .output();
    let (code, text) = told(output.expect("setpriv of util-linux"));
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(verdict(&text, "its user"), ("fail", "0, and this is 65534"), "{text}");
    assert_eq!(verdict(&text, "attaching").0, "fail", "{text}");
}

#[test]
fn a_server_is_called_and_what_it_is_limited_to_is_told() {
    let server = DbgSrv::start_with(&["-t", "tcp:port=0", "-readonly"]);
    let (code, text) = doctor(&[server.connection()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(verdict(&text, "server").1.starts_with("farsight "), "{text}");
    assert!(verdict(&text, "versions").1.contains("of the protocol"), "{text}");
    assert!(verdict(&text, "limits").1.ends_with("-readonly"), "{text}");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let locked = DbgSrv::start_with(&["-t", "tcp:port=0,password=secret-of-the-test"]);
    let locked = format!("tcp:port={}", locked.address().port());
    for (connection, wanted) in [
        (format!("tcp:port={port}"), "nothing listens there"),
        ("tcp:port=x".to_owned(), "port"),
        ("npipe:pipe=no-such-pipe-anywhere".to_owned(), "no server has a pipe"),
        (locked, ""),
    ] {
        let (code, text) = doctor(&[&connection]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(wanted) && !text.contains("secret-of-the-test"), "{text}");
    }
}
