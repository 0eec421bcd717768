//! Checks of launched programs: their surroundings and their terminal.

use farsight_target::*;
use farsight_types::OsPid;

use super::Connect;
use super::hands::*;
use crate::{Scratch, Session, programs};

/// Arguments, environment, directory, terminal and its size are as ordered.
pub fn gives_a_launched_program_its_surroundings(connect: Connect<'_>) {
    let mut session = connect();
    let scratch = Scratch::new();
    let folder = scratch.path().canonicalize().unwrap();
    let arguments = [
        "",
        "with space",
        "env",
        "FARSIGHT_SET",
        "env",
        "PATH",
        "env",
        "HOME",
        "code",
        "5",
    ];
    let mut spec = launch_spec(&programs::debuggee("hello"), &arguments);
    spec.directory = Some(folder.display().to_string());
    spec.environment.set = vec![("FARSIGHT_SET".into(), "a value = this".into())];
    spec.environment.remove = vec!["HOME".into()];
    spec.terminal = Some(WindowSize { rows: 50, columns: 132 });
    launch_as(&mut session, spec);
    let status = ExitStatus::Code { code: 5 };
    assert_eq!(go(&mut session, plan(Vec::new())).cause, StopCause::Exited { status });
    session.hear_until("the end of the terminal", |session| session.output_ended);
    let text = session.text();
    for line in [
        "arg 1=\n",
        "arg 2=with space\n",
        &format!("cwd={}\n", folder.display()),
        "tty=111\n",
        "size=50x132\n",
        "env FARSIGHT_SET=a value = this\n",
        "env PATH=",
        "env HOME is not set\n",
        "out: hello\n",
        "err: hello\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}

fn type_in(session: &Session, process: OsPid, bytes: &[u8], end: bool) {
    let input = TerminalInput {
        process,
        end,
        bytes: bytes.to_vec(),
    };
    session.files().type_in(input).expect("to be typed");
}

/// What is typed reaches the program, and so does the end of it.
pub fn types_into_a_terminal(connect: Connect<'_>) {
    let mut session = connect();
    let process = launch(&mut session, "hello", &["ask", "ask"]).process;
    resume(&mut session, plan(Vec::new()));
    session.hear_until("the question", |session| session.text().contains("name? "));
    let size = WindowSize { rows: 10, columns: 20 };
    session.files().resize_terminal(TerminalSize { process, size }).unwrap();
    type_in(&session, process, b"far", false);
    type_in(&session, process, b"sight\n", false);
    session.hear_until("the answer", |session| session.text().contains("hello, farsight\n"));
    type_in(&session, process, b"", true);
    let status = ExitStatus::Code { code: 0 };
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Exited { status });
    session.hear_until("the end of the terminal", |session| session.output_ended);
    assert!(session.text().contains("no more input\n"), "{}", session.text());
    let gone = TerminalInput {
        process,
        end: false,
        bytes: b"x".to_vec(),
    };
    assert!(session.files().type_in(gone).is_err());
}

/// Output of a megabyte comes whole, whatever the terminal's buffer is.
pub fn carries_much_output(connect: Connect<'_>) {
    let mut session = connect();
    launch(&mut session, "hello", &["bytes", "1000000"]);
    let status = ExitStatus::Code { code: 0 };
    assert_eq!(go(&mut session, plan(Vec::new())).cause, StopCause::Exited { status });
    session.hear_until("the end of the terminal", |session| session.output_ended);
    let text = session.text();
    let (_, printed) = text.split_once("out: hello\n").expect("what comes before");
    let printed = printed.replace("err: hello\n", "");
    assert_eq!(printed.len(), 1_000_000);
    let right = |(i, byte): (usize, u8)| {
        let i = i + 1;
        byte == if i % 64 == 0 || i == 1_000_000 {
            b'\n'
        } else {
            b'a' + (i % 26) as u8
        }
    };
    assert!(printed.bytes().enumerate().all(right));
}
