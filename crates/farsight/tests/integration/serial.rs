//! Debugging over serial lines: real programs, pseudo-terminals for ports, and a cable that can be slow, bad or out.

use std::path::Path;
use std::process::{Command, Stdio};

use farsight_testkit::{Cable, CablePlan, Console, DbgSrv, Deadline, Debuggee, DebuggingServer, programs, wait_until};

use crate::support::{assert_in_order, assert_runs_clean, attached};

const FAST: u32 = 4_000_000;

fn at(cable: &Cable, end: usize, channel: u8) -> String {
    cable.transport(end, FAST, channel)
}

/// What `farsight` says about a connection that it cannot have.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let mut console = Console::start(arguments);
    let ended = console.ended(Deadline::usual());
    assert!(ended.code.is_some_and(|code| code != 0), "{}", ended.text);
    ended.text
}

/// The processes that hold a port.
fn line_processes(port: &Path) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_line = |process: &u32| {
        let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let open = std::fs::read_dir(format!("/proc/{process}/fd"))
            .into_iter()
            .flatten()
            .flatten();
        words.starts_with(b"farsight-line\0")
            && open
                .flat_map(|fd| std::fs::read_link(fd.path()))
                .any(|file| file == port)
    };
    numbers.filter(is_line).collect()
}

#[test]
fn a_smart_client_debugs_over_a_cable() {
    let cable = Cable::new(CablePlan::default());
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let told = format!("com:Port={},Baud={FAST},Channel=3", cable.port(0).display());
    assert_eq!(server.connection(), told);
    let mut console = attached(&at(&cable, 1, 3), &counter);
    let shown = console.run("bp count_step; g; k");
    assert_in_order(&shown, &["Breakpoint 0 hit", "count_step"]);
    let shown = console.run(".echo still-here; bc *; dv; lm");
    assert_in_order(&shown, &["still-here", "counter"]);
    let ended = console.quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
    // Nothing of it is left but the server's own line.
    let ends = |end| {
        wait_until("a line ends", Deadline::usual(), || {
            line_processes(cable.port(end)).is_empty()
        })
    };
    ends(1);
    assert_eq!(line_processes(cable.port(0)).len(), 1);
    drop(server);
    ends(0);
}

/// A process server and a debugging client at one end; at the other a debugger that uses the one and serves the other.
#[test]
fn both_ends_serve_and_call_by_channels_of_one_cable() {
    let cable = Cable::new(CablePlan::default());
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let pid = counter.pid().to_string();
    let mut host = DebuggingServer::start_at(&at(&cable, 1, 254), ["-premote", &at(&cable, 1, 3), "-p", &pid]);
    host.console().run(".echo attached");
    // One after the other, for they are listed in the order in which they came.
    let mut guests = ["anna", "otto"].map(|name| {
        let mut guest = DebuggingServer::client_of(&at(&cable, 0, 254), name);
        guest.run(".echo here");
        guest
    });
    let shown = guests[0].run("bp count_step; g; k; .clients");
    assert_in_order(&shown, &["Breakpoint 0 hit", "count_step", "anna", "otto"]);
    assert_eq!(line_processes(cable.port(0)).len(), 1);
    let list = host.console().run(".servers");
    assert_in_order(&list, &["0 - Debugger Server - com:Port=", "Channel=254"]);
    let listed = Command::new(programs::farsight()).arg("-QR").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for (end, channel) in [(0, 3), (1, 254)] {
        let transport = format!("com:Port={},Baud={FAST},Channel={channel}", cable.port(end).display());
        assert!(listed.contains(&transport), "{transport} is not in {listed}");
    }
    host.console().run("bc *");
    let ended = host.into_console().quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    for mut guest in guests {
        guest.ended(Deadline::usual());
    }
    assert_runs_clean(&mut counter, "counter");
    drop(server);
}

#[test]
fn a_session_passes_over_a_line_that_hurts_one_byte_in_a_hundred() {
    let seed = std::process::id().into();
    eprintln!("seed {seed}");
    let cable = Cable::new(CablePlan {
        baud: Some(FAST),
        hurt: 100,
        seed,
    });
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let _server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let mut console = attached(&at(&cable, 1, 3), &counter);
    let shown = console.run("bp count_step; g; k; r; db @rsp L200; ~*k; g; g; bc *; .echo all-done");
    assert_in_order(
        &shown,
        &[
            "Breakpoint 0 hit",
            "count_step",
            "rip=",
            "Breakpoint 0 hit",
            "Breakpoint 0 hit",
            "all-done",
        ],
    );
    let ended = console.quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_cable_that_was_out_for_a_while_carries_on() {
    let cable = Cable::new(CablePlan::default());
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let _server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let mut console = attached(&at(&cable, 1, 3), &counter);
    let before = cable.carried(1);
    cable.pull_out();
    console.send("bp count_step; g; k; .echo all-done");
    // It is tried again and again.
    wait_until("three attempts", Deadline::usual(), || {
        cable.carried(1) > before + 3 * 40
    });
    cable.plug_in();
    let shown = console.run(".echo and-on");
    assert_in_order(&shown, &["Breakpoint 0 hit", "count_step", "all-done", "and-on"]);
    console.run("bc *");
    console.quit("qd");
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn either_end_may_be_started_anew() {
    let cable = Cable::new(CablePlan::default());
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let mut server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let kill = |end| {
        for process in line_processes(cable.port(end)) {
            farsight_testkit::proc::signal(process, "KILL");
        }
    };
    // The client's line: its console is told, and the server lets go of the debuggee.
    let mut console = attached(&at(&cable, 1, 3), &counter);
    kill(1);
    console.expect("lost");
    console.kill();
    // The next call opens the line anew, and so tells the server, which then lets go of the debuggee.
    refused(&["-remote", &at(&cable, 1, 4)]);
    farsight_testkit::proc::assert_clean(counter.pid().0, Deadline::usual());
    let mut again = attached(&at(&cable, 1, 3), &counter);
    // The server's line: the same, and the server opens it again.
    kill(0);
    again.expect("lost");
    again.kill();
    wait_until("the port is open again", Deadline::usual(), || {
        !line_processes(cable.port(0)).is_empty()
    });
    farsight_testkit::proc::assert_clean(counter.pid().0, Deadline::usual());
    let mut console = attached(&at(&cable, 1, 3), &counter);
    // The whole server.
    server.kill();
    console.expect("ended the session");
    console.kill();
    assert_runs_clean(&mut counter, "counter");
    let _server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let console = attached(&at(&cable, 1, 3), &counter);
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn what_cannot_be_is_refused_in_plain_words_and_in_time() {
    let cable = Cable::new(CablePlan::default());
    let other = Cable::new(CablePlan::default());
    let _server = DbgSrv::start_with(&["-t", &at(&cable, 0, 3)]);
    let dbgsrv = |transport: &str| {
        let output = Command::new(programs::dbgsrv())
            .args(["-t", transport])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let port = |cable: &Cable, end| cable.port(end).display().to_string();
    let connect = |transport: String| refused(&["-remote", &transport]);
    let mut texts = Vec::new();
    let mut says = |text: String, wanted: &str| texts.push((text, wanted.to_owned()));
    says(connect(at(&cable, 1, 4)), "answers, but nobody serves channel 4 there");
    says(connect(at(&other, 1, 3)), "nothing came over ");
    says(
        connect("com:port=/dev/ttyNONE1,baud=9600,channel=3".into()),
        "there is no serial port /dev/ttyNONE1 here",
    );
    says(
        connect("com:port=/dev/null,baud=9600,channel=3".into()),
        "/dev/null is not a serial port",
    );
    says(
        dbgsrv(&at(&cable, 0, 3)),
        &format!("channel 3 of {} is served by process", port(&cable, 0)),
    );
    let slow = cable.transport(0, 9_600, 4);
    says(dbgsrv(&slow), &format!("is open at {FAST} baud for other connections"));
    // Another program has the port.
    let held = std::fs::File::open(other.port(0)).unwrap();
    held.lock().unwrap();
    says(
        dbgsrv(&at(&other, 0, 3)),
        &format!("is in use by process {} (", std::process::id()),
    );
    // A login console is at the other end; something else is.
    // The line of the one before must not be taken for its own.
    wait_until("no line", Deadline::usual(), || {
        line_processes(other.port(1)).is_empty()
    });
    let called = other.carried(1);
    let mut console = Console::start(["-remote", &at(&other, 1, 3)]);
    wait_until("it calls", Deadline::usual(), || other.carried(1) > called);
    other.say(1, b"\r\nDebian GNU/Linux 12 box ttyS0\r\n\r\nbox login: ");
    says(console.ended(Deadline::usual()).text, "is text and not farsight's");
    // The line of the one before must not be taken for its own.
    wait_until("no line", Deadline::usual(), || {
        line_processes(other.port(1)).is_empty()
    });
    let called = other.carried(1);
    let mut console = Console::start(["-remote", &at(&other, 1, 3)]);
    wait_until("it calls", Deadline::usual(), || other.carried(1) > called);
    other.say(1, &[0x80, 0xF8, 0x00, 0x9E, 0xE6, 0xFE].repeat(10));
    says(
        console.ended(Deadline::usual()).text,
        "does the other end run at 4000000 baud too",
    );
    for (text, wanted) in texts {
        assert!(text.contains(&wanted), "no {wanted:?} in: {text}");
    }
}
