//! Breaking in while names of a large program are being indexed, as Ctrl-C does.

use std::path::PathBuf;
use std::time::Duration;

use farsight_testkit::{Console, DbgSrv, Deadline, programs, wait_until};

use crate::support::{assert_in_order, premote};

/// How long a debug build may take for all names of a debug build, while the machine does other work.
const WHOLE_INDEX: Duration = Duration::from_secs(300);

/// Whether a process has a thread that builds an index.
fn is_indexing(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    let names = threads.flatten().map(|thread| thread.path().join("comm"));
    names
        .filter_map(|name: PathBuf| std::fs::read_to_string(name).ok())
        .any(|name| name.trim_end() == "index")
}

#[test]
fn heavy_an_index_that_is_waited_for_can_be_broken_off_and_asked_again() {
    let server = DbgSrv::start();
    // The largest program at hand with all its debug information is the debugger itself.
    let program = programs::farsight();
    let program = program.to_str().unwrap();
    let start = || {
        let mut console = Console::start(premote(server.connection(), [program, "-version"]));
        console.run(".echo launched");
        console
    };
    // What was begun goes on, so that an index that is being built tells of the first command only.
    let mut broken_off = ["x farsight!*no_such_name*", "bp farsight!no_such_name_at_all"].map(|line| {
        let mut console = start();
        console.send(line);
        let pid = console.pid();
        wait_until("an index is being built", Deadline::usual(), || is_indexing(pid));
        console.interrupt();
        console.expect("interrupted");
        assert_in_order(&console.run("? 1 + 1"), &["= 00000000`00000002"]);
        console
    });
    // The next one who asks has it.
    let [_, console] = &mut broken_off;
    let text = console.run_until("x farsight!*::main", Deadline::within(WHOLE_INDEX));
    assert_in_order(&text, &["farsight!farsight::main"]);
    let text = console.run("bc *; bp farsight!farsight::main; g; k 1");
    assert_in_order(&text, &["Breakpoint", "hit", "farsight!farsight::main"]);
    for console in broken_off {
        console.quit("q");
    }
}
