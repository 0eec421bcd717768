//! Secrets from descriptors and variables: read once, whole, and passed on to nothing that is started.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use farsight_testkit::{Console, DbgSrv, DebuggingServer, Scratch, proc, programs};

use super::with;
use crate::support::premote;

const WORD: &str = "Swordfish";

/// A program that is started with a file open as descriptor 3.
fn with_descriptor(file: &Path, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 3<\"$0\""]).arg(file).arg(program);
    command
}

/// A process, what it has started, and so on.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        all.extend(proc::children(*pid));
        next += 1;
    }
    all
}

#[track_caller]
fn assert_nobody_has(family: &[u32], least: usize, file: &Path) {
    assert!(family.len() >= least, "{family:?}");
    for pid in family {
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            let open = std::fs::read_link(entry.path());
            assert!(
                open.is_ok_and(|open| open != file),
                "{:?} has the password's file",
                proc::name(*pid)
            );
        }
    }
}

fn has_word(pid: u32) -> bool {
    let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    variables.windows(WORD.len()).any(|window| window == WORD.as_bytes())
}

#[test]
fn a_descriptor_is_closed_behind_the_password() {
    let scratch = Scratch::new();
    let file = scratch
        .path()
        .join("word")
        .canonicalize()
        .unwrap_or(scratch.path().join("word"));
    std::fs::write(&file, format!("{WORD}\nmore\n")).unwrap();
    let counter = programs::debuggee("counter");
    let counter = counter.to_str().unwrap();
    // The process server, its session process and what that starts.
    let mut command = with_descriptor(&file, &programs::dbgsrv());
    command.args(["-t", "tcp:port=0,password=fd:3"]);
    let server = DbgSrv::spawn(command);
    let right = with(server.connection(), &format!("password={WORD}"));
    let mut console = Console::start(premote(&right, [counter]));
    console.run("|");
    assert_nobody_has(&family(server.pid()), 3, &file);
    console.quit("q");
    // The debugging server, whose debuggee is started before anybody listens; and the client.
    let mut command = with_descriptor(&file, &programs::farsight());
    command.args(["-server", "tcp:port=0,password=fd:3", counter]);
    let mut server = Console::spawn(command);
    let printed = DebuggingServer::told(&mut server);
    server.run("|");
    assert_nobody_has(&family(server.pid()), 3, &file);
    let mut command = with_descriptor(&file, &programs::farsight());
    command.args(["-remote", &with(&printed, "password=fd:3")]);
    let mut client = Console::spawn(command);
    assert!(client.run("? 0n4711").contains("1267"));
    assert_nobody_has(&family(client.pid()), 1, &file);
    client.finish();
    // One of the program's own descriptors is not taken from it.
    let shown = server.run(".server tcp:port=0,password=fd:4");
    assert!(shown.contains("descriptor 4 cannot be read"), "{shown}");
    server.quit("q");
}

/// The session process has been started with the variable, for nobody knew yet what it holds.
#[test]
fn a_variable_is_kept_from_what_is_started_again() {
    let mut command = Command::new(programs::farsight());
    command
        .arg(programs::debuggee("counter"))
        .env("FARSIGHT_TEST_WORD", WORD);
    let mut console = Console::spawn(command);
    console.run("|");
    let debuggee = |console: &Console| *family(console.pid()).last().unwrap();
    let first = debuggee(&console);
    assert!(has_word(first), "the variable is one like others until it is used");
    console.run(".server tcp:port=0,password=env:FARSIGHT_TEST_WORD");
    console.run(".restart");
    let second = debuggee(&console);
    assert_ne!(first, second);
    assert!(!has_word(second));
    console.quit("q");
}

fn fed(arguments: &[&str], input: &str) -> (Output, String) {
    let mut child = Command::new(programs::farsight())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses may have ended before it has read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output, text)
}

#[test]
fn commands_behind_the_password_are_commands() {
    let server = DbgSrv::start_with(&["-t", &format!("tcp:port=0,password={WORD}")]);
    let connection = with(server.connection(), "password=fd:0");
    let (output, text) = fed(
        &["-premote", &connection],
        &format!("{WORD}\n.echo it is \"read\"\nq\n"),
    );
    assert!(
        output.status.success() && text.contains("it is") && !text.contains(WORD),
        "{text}"
    );
    // What is too long is not cut.
    let long = "x".repeat(1024);
    let server = DbgSrv::start_with(&["-t", &format!("tcp:port=0,password={long}")]);
    let connection = with(server.connection(), "password=fd:0");
    let (output, text) = fed(&["-premote", &connection, "-c", "q"], &format!("{long}y\n"));
    assert!(
        !output.status.success() && text.contains("at most 1024 bytes"),
        "{text}"
    );
    let (output, text) = fed(&["-premote", &connection, "-c", "q"], &format!("{long}\n"));
    assert!(output.status.success(), "{text}");
}

/// A key of the user's is one that a server has drawn, and is not shown again.
#[test]
fn a_key_that_is_given_is_a_drawn_one_and_is_not_printed() {
    let drawn = DbgSrv::start_with(&["-t", "tcp:port=0,key=new"]);
    let key = drawn.value("key").unwrap();
    let start = |key: &str| {
        let mut command = Command::new(programs::dbgsrv());
        command
            .args(["-t", "tcp:port=0,key=env:FARSIGHT_TEST_KEY"])
            .env("FARSIGHT_TEST_KEY", key);
        command
    };
    let mut server = DbgSrv::spawn(start(key));
    assert_eq!(server.value("key"), Some("*"));
    let text = server.output().text().to_owned();
    assert!(!text.contains(key), "{text}");
    let right = with(server.connection(), &format!("key={key}"));
    assert_eq!(Console::start(premote(&right, ["-c", "q"])).finish().code, Some(0));
    // Neither words of one's own nor words that mean something elsewhere open a server, or leave it open.
    for wrong in ["correcthorsebatterystaplecorr", "new", "env:HOME", "*", ""] {
        let refused = start(wrong).stdin(Stdio::null()).output().unwrap();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && words.contains("key"), "{wrong}: {words}");
    }
}
