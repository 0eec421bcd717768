//! Source lines on real processes over a process server: lines of several modules and of modules to come, source files that
//! are missing or no text, and steps that something else ends.

use std::fs::File;

use farsight_testkit::{Console, DbgSrv, Scratch, programs};

use crate::support::{assert_in_order, premote};

/// A smart client that has launched a debuggee and rests; source lines are stepped, and shown alone.
fn launched(server: &DbgSrv, program: &str, arguments: &[&str]) -> Console {
    let path = programs::debuggee(program);
    let words = [path.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    let mut console = Console::start(premote(server.connection(), words));
    console.run("l+t; l+o");
    console
}

#[test]
fn a_pending_line_is_bound_when_its_library_comes_and_a_header_s_in_all_modules() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "late", &["1"]);
    let text = console.run("bu `late_library.c:6`; bp `late.h:7`; bl");
    assert_in_order(&text, &[" 0 eu", "(`late_library.c:6`)", "late!late_twice"]);
    assert!(!text.contains("late_library!"), "{text}");
    assert!(console.run("g").contains("Breakpoint 1 hit"));
    // It comes with its library, and so does the header's other place.
    assert_in_order(
        &console.run("g"),
        &["Breakpoint 0 hit", "int square = number * number;"],
    );
    let text = console.run("bl");
    let places = [
        " 0 e",
        "late_library!late_square",
        " 1 e",
        "late!late_twice",
        "late_library!late_twice",
    ];
    assert_in_order(&text, &places);
    let text = console.run("bc 0; g; k 1");
    assert_in_order(&text, &["Breakpoint 1 hit", "late_library!late_twice"]);
    // One that is set now has both at once.
    let text = console.run("bc *; bp `late.h:8`; bl");
    assert_in_order(&text, &["late!late_twice", "late_library!late_twice"]);
    assert_in_order(&console.run("g; k 1"), &["Breakpoint 0 hit", "late_library!late_twice"]);
    // The library goes, and its place with it.
    let text = console.run("bp `late.c:41`; g; bl");
    assert_in_order(&text, &["return 0;", "late!late_twice"]);
    assert!(!text.contains("late_library!"), "{text}");
    console.quit("q");
}

#[test]
fn a_header_s_line_is_bound_in_a_library_when_that_comes() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "late", &["1"]);
    // Nothing else stops between the two.
    let text = console.run("bp `late.h:7`; g; k 1; g; k 1; bl");
    let seen = [
        "Breakpoint 0 hit",
        "late!late_twice",
        "Breakpoint 0 hit",
        "late_library!late_twice",
    ];
    assert_in_order(&text, &seen);
    console.quit("q");
}

#[test]
fn source_files_are_told_by_what_is_wrong_with_them() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "calls", &["1", "1000", "forever"]);
    console.run("bp caller; g");
    assert!(console.run("lsc").contains("calls.c(19)"), "lsc");
    let scratch = Scratch::new();
    let folder = scratch.path();
    let file = folder.join("calls.c");
    console.run(&format!(".srcpath {}", folder.display()));
    // Another file of that name is mapped, told once, and what is in it cannot reach the terminal.
    std::fs::write(&file, "one\ntwo \x1b[31mred\x07\x08\u{9b}2J\nthree\n".repeat(30)).unwrap();
    let text = console.run("lsa `calls.c:20`");
    assert!(text.contains("calls.c is "), "{text}");
    assert!(text.contains("[31mred"), "{text}");
    let is_safe = |letter: char| letter == '\n' || !letter.is_control();
    assert!(text.chars().all(is_safe), "{text:?}");
    assert!(!console.run("lsa `calls.c:20`").contains("calls.c is "), "told twice");
    // Neither a very large file nor one that is no text is read; the one of the build is, where it is there.
    let original = |console: &mut Console| console.run("lsa `calls.c:22`").contains("counted();");
    File::create(&file).unwrap().set_len(100 << 20).unwrap();
    assert!(original(&mut console));
    std::fs::write(&file, b"\x7fELF\0\0\0").unwrap();
    assert!(original(&mut console));
    std::fs::remove_file(&file).unwrap();
    assert!(original(&mut console));
    let text = console.run("lsf nowhere.c; lsa `nowhere.c:3`");
    assert!(text.contains("nowhere.c"), "{text}");
    console.quit("q");
}

#[test]
fn functions_of_the_step_filter_are_stepped_over() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "calls", &["1", "1000", "forever"]);
    console.run("bp `calls.c:22`; g; bc *");
    assert!(console.run("t").contains("__atomic_add_fetch"), "entered");
    let text = console.run("gu; .step_filter \"calls!count*\"; p; t");
    assert_in_order(&text, &["counted();", "for (long i = 0"]);
    assert!(!text.contains("__atomic"), "{text}");
    let text = console.run(".step_filter /c; p; t");
    assert_in_order(&text, &["counted();", "__atomic_add_fetch"]);
    console.quit("q");
}

#[test]
fn a_step_by_line_does_not_go_into_a_signal_s_handler() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "faults", &["usr1"]);
    console.run("sxi usr1; bp `faults.c:105`; g; bc *");
    for step in ["p", "t"] {
        for _ in 0..3 {
            for line in ["usleep(1000);", "sent++;", "raise(SIGUSR1);"] {
                let text = console.run(step);
                assert!(text.contains(line), "{step}: {text}, not {line}");
            }
        }
    }
    // One that stops breaks the step off, and says so; the next step goes on.
    let text = console.run("sxe usr1; p");
    assert!(text.contains("SIGUSR1") && text.contains("first chance"), "{text}");
    assert!(
        console
            .run("? poi(handled) > 5; sxi usr1; g `faults.c:106`")
            .contains("usleep(1000);")
    );
    console.quit("q");
}

#[test]
fn another_thread_s_breakpoint_ends_a_step_and_children_do_not() {
    let server = DbgSrv::start();
    let mut console = launched(&server, "threads", &["churn", "2"]);
    console.run("bp `threads.c:53`; g; bc *; bp short_life");
    let mut text = console.run("p");
    // The thread may have been there before.
    while !text.contains("Breakpoint 0 hit") {
        text = console.run("p");
    }
    assert!(console.run("k 1").contains("threads!short_life"), "another thread's");
    console.quit("q");
    for kind in ["fork", "vfork"] {
        let mut console = launched(&server, "forker", &[kind, "3", "0"]);
        console.run("bp make_child; g; bc *; g `:58`");
        let text = console.run("bp `forker.c:44`; g; bc *; p; p; p; p; p");
        assert_in_order(&text, &["child = ", "return child;"]);
        console.quit("q");
    }
}
