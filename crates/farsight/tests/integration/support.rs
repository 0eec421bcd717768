//! What these tests do again and again.

use std::ffi::OsString;

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, proc, programs};

/// The arguments of a smart client.
pub(crate) fn premote<'a>(connection: &str, rest: impl IntoIterator<Item = &'a str>) -> Vec<OsString> {
    let rest = rest.into_iter().map(OsString::from);
    ["-premote", connection]
        .into_iter()
        .map(OsString::from)
        .chain(rest)
        .collect()
}

/// A smart client that has attached to a debuggee and rests.
pub(crate) fn attached(connection: &str, debuggee: &Debuggee) -> Console {
    let mut console = Console::start(premote(connection, ["-p", &debuggee.pid().to_string()]));
    console.run(".echo attached");
    console
}

/// Whether each of these stands in a text, in this order.
#[track_caller]
pub(crate) fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for word in wanted {
        let Some((_, behind)) = rest.split_once(word) else {
            panic!("no {word:?} (in this order: {wanted:?}) in:\n{text}");
        };
        rest = behind;
    }
}

/// Nothing of a debugger is left on a debuggee, and it goes on.
#[track_caller]
pub(crate) fn assert_runs_clean(debuggee: &mut Debuggee, counter: &str) {
    let pid = debuggee.pid().0;
    proc::assert_clean(pid, Deadline::usual());
    let address = debuggee.address(counter);
    proc::assert_advances(pid, address, Deadline::usual());
}

/// A program that rests in the caller of `stop_here(number)`.
pub(crate) fn at_stop(connection: &str, program: &str, number: u32) -> Console {
    let path = programs::debuggee(program);
    let mut console = Console::start(premote(connection, [path.to_str().unwrap()]));
    console.run("bp stop_here");
    // Stops are numbered by what they are called with, in the order that the program takes.
    for _ in 0..64 {
        let text = console.run("g; r rdi");
        assert!(text.contains("Breakpoint 0 hit"), "{text}");
        if text.contains(&format!("rdi={number:016x}")) {
            console.run(".frame 1");
            return console;
        }
    }
    panic!("{program} has no stop {number}");
}

/// What lines show at one stop.
#[track_caller]
pub(crate) fn shown(program: &str, number: u32, cases: &[(&str, &[&str])]) {
    let server = DbgSrv::start();
    let mut console = at_stop(server.connection(), program, number);
    for (line, expected) in cases {
        let text = console.run(line);
        assert_in_order(&text, expected);
    }
    // 1 where a line failed, as some are meant to.
    assert!(matches!(console.quit("q").code, Some(0 | 1)));
}
