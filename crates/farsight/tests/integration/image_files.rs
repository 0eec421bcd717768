//! `-z FILE`: every command answers or says why it cannot, and the end says nothing false.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use farsight_engine::command_rows;
use farsight_testkit::{Scratch, programs};

const DEADLINE: Duration = Duration::from_secs(60);

/// Commands that end the session or what it looks at, or never end with a condition that holds.
const OTHERS: [&str; 7] = ["q", "qd", ".detach", ".kill", ".abandon", ".endpsrv", "z"];

/// What the console shows for lines that are typed; none where it did not end by itself.
fn typed(image: &str, lines: &str) -> Option<String> {
    // Some commands write files where they are.
    let folder = Scratch::new();
    let mut child = Command::new(programs::farsight())
        .arg("-z")
        .arg(programs::debuggee(image))
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A console that has ended reads no more.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let (mut output, (done, ended)) = (child.stdout.take().unwrap(), channel());
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = output.read_to_end(&mut text);
        // Who waits may have given up.
        let _ = done.send(String::from_utf8_lossy(&text).into_owned());
    });
    let text = ended.recv_timeout(DEADLINE).ok();
    if text.is_none() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    reader.join().unwrap();
    // A failed command gives 1, and a panic 101.
    text.filter(|_| matches!(status.code(), Some(0 | 1)))
}

#[test]
fn slow_every_command_answers_about_a_file() {
    let mut rows: Vec<&str> = command_rows().filter_map(|row| row.names.first().copied()).collect();
    rows.retain(|name| !OTHERS.contains(name));
    assert!(rows.len() > 100);
    for name in rows {
        // The empty line ends what asks for values.
        let shown = typed("hello", &format!("{name} main\n\n{name}\n.echo still here\nq\n"));
        let shown = shown.unwrap_or_else(|| panic!("{name} does not come to an end"));
        let said = shown.matches("still here").count();
        assert!(said >= 1, "{name}: {shown}");
        assert!(!shown.contains("; it runs on"), "{name}: {shown}");
    }
}

#[test]
fn what_needs_a_process_says_that_there_is_none() {
    for command in ["g", "t", "p", "eb main 90", "s main L10 90", "r rax=1", "~0 g"] {
        let shown = typed("hello", &format!("{command}\nq\n")).unwrap();
        assert!(shown.contains("an image file does not run"), "{command}: {shown}");
    }
    for last in ["q", "qd", ".kill", ".detach"] {
        let shown = typed("hello", &format!("{last}\nq\n")).unwrap();
        assert!(shown.contains("Closed the image file hello"), "{last}: {shown}");
        assert!(
            !shown.contains("; it runs on") && !shown.contains("Killed"),
            "{last}: {shown}"
        );
    }
}

#[test]
fn an_object_that_no_linker_has_seen_is_laid_out_and_read() {
    let commands =
        "x units_o!main\nbp carry\nbl\nu main L8\nln main+4\ndt units_o!parcel\n?? sizeof(struct parcel)\n.reload\nq\n";
    let shown = typed("units.o", commands).unwrap();
    for wanted in [
        "units_o!main\n",
        "units_o!carry [",
        "units.c @ 17]",
        "call    units_o!set_up (00000000`",
        "units_o!main+0x4",
        "   +0x000 weight ",
        "unsigned long 0x28",
    ] {
        assert!(shown.contains(wanted), "{wanted} is not in {shown}");
    }
}
