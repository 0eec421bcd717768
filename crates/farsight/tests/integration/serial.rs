//! Debugging over serial lines: real programs, pseudo-terminals for ports, and a cable that can be slow, bad or out.

use std::path::Path;
use std::process::Command;

use farsight_testkit::{Cable, CablePlan, Console, DbgSrv, Deadline, Debuggee, DebuggingServer, programs, wait_until};

use crate::support::{assert_in_order, assert_runs_clean, attached, premote};

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
    wait_until("the client's line ends", Deadline::usual(), || {
        line_processes(cable.port(1)).is_empty()
    });
    let lines = line_processes(cable.port(0));
    assert_eq!(lines.len(), 1);
    drop(server);
    wait_until("the server's line ends", Deadline::usual(), || {
        line_processes(cable.port(0)).is_empty()
    });
}
