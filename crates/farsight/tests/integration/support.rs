//! What these tests do again and again.

use std::ffi::OsString;

use farsight_testkit::{Console, Deadline, Debuggee, proc};

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
