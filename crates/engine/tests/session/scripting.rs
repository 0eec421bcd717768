//! Control flow: lines that wait at any depth, and what ends them.

use std::time::{Duration, Instant};

use farsight_session::{Content, Notification, SessionState};
use farsight_types::AccessRole;

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn control_flow_runs_what_its_conditions_say() {
    let mut session = session();
    for (line, shown) in [
        (".if (1) { .echo a } .else { .echo b }; .echo c", "a\nc\n"),
        (
            ".if (0) { .echo a } .elsif (2 == 2) { .echo b } .else { .echo c }",
            "b\n",
        ),
        (".if (0) { .echo a };.else;{ .echo b; }; .echo c", "b\nc\n"),
        (".for (r $t0 = 0; @$t0 < 3; r $t0 = @$t0 + 1) { .echo x }", "x\nx\nx\n"),
        ("r $t0 = 2; .while (@$t0) { r $t0 = @$t0 - 1; .echo w }", "w\nw\n"),
        ("r $t0 = 0; .do { .echo d } (@$t0)", "d\n"),
        (
            ".for (r $t0 = 0; 1; r $t0 = @$t0 + 1) { .if (@$t0 == 1) { .continue }; .if (@$t0 == 3) { .break }; .echo t; ? @$t0 } ; .echo e",
            "t\nEvaluate expression: 0 = 00000000`00000000\nt\nEvaluate expression: 2 = 00000000`00000002\ne\n",
        ),
        (".block { .echo in }; .echo out", "in\nout\n"),
        (".catch { .echo a; .leave; .echo b } ; .echo c", "a\nc\n"),
        ("r $t0 = 3", ""),
        (".echo z; r $t0 = @$t0 - 1; z(@$t0)", "z\nz\nz\n"),
        ("j 1 '.echo yes; .echo yes' ; '.echo no'", "yes\nyes\n"),
        ("j 0 '.echo yes' ; '.echo no'", "no\n"),
        ("j 0 '.echo yes'", ""),
        (
            ".foreach (x { .echo one two; .echo three }) { .echo <${x}> x }",
            "<one> one\n<two> two\n<three> three\n",
        ),
        (".foreach /s (x \"a b c d\") { .echo x }", "a\nb\nc\nd\n"),
        (".foreach /pS 1 /ps 1 /s (x \"a b c d e\") { .echo x }", "b\nd\n"),
        (
            ".foreach /s (x \"1 2\") { .foreach /s (y \"3 4\") { .if (x + y == 5) { .echo x y } } }",
            "1 4\n2 3\n",
        ),
        (
            ".foreach (x { .foreach (y { .echo a b }) { .echo y y } }) { .echo [x] ${x} }",
            "[x] a\n[x] a\n[x] b\n[x] b\n",
        ),
        (".foreach (x { }) { .echo never }", ""),
    ] {
        assert_eq!(session.run(line), shown, "{line}");
    }
}

#[test]
fn targets_run_at_any_depth_and_the_line_goes_on_behind_their_stop() {
    let mut session = session();
    session.run("bp leaf");
    let shown = session
        .run(".for (r $t0 = 0; @$t0 < 3; r $t0 = @$t0 + 1) { .if (1) { .block { g; .echo stopped } } } ; .echo done");
    assert_eq!(shown.matches("Breakpoint 0 hit").count(), 3, "{shown}");
    assert_eq!(shown.matches("stopped\n").count(), 3, "{shown}");
    assert!(shown.ends_with("stopped\ndone\n"), "{shown}");
    let shown = session.run(".foreach /s (x \"a b\") { g; .echo at x }");
    assert!(shown.contains("at a\n") && shown.contains("at b\n"), "{shown}");
    // What commands show is captured, what a stop in their middle shows is not.
    let shown = session.run(".foreach (x { .echo one; g; .echo two }) { .echo <${x}> }");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert!(shown.ends_with("<one>\n<two>\n"), "{shown}");
    session.run("r $t0 = 3");
    let shown = session.run("t; r $t0 = @$t0 - 1; z(@$t0); .echo end");
    assert!(shown.ends_with("end\n"), "{shown}");
}

#[test]
fn control_flow_works_inside_an_event() {
    let mut session = session();
    session.run("r $t0 = 0; bp leaf \"r $t0 = @$t0 + 1; .if (@$t0 < 5) { g; .echo never } .else { .echo enough }\"");
    let shown = session.run("g; ? @$t0");
    assert!(shown.contains("enough\n") && !shown.contains("never"), "{shown}");
    assert!(shown.contains("Evaluate expression: 5"), "{shown}");
}

#[test]
fn errors_end_what_they_must_and_no_more() {
    let mut session = session();
    let shown = session.fail(".if (1) { .echo a; bogus; .echo b } ; .echo c");
    assert!(shown.starts_with("a\n") && !shown.contains("b\n"), "{shown}");
    let shown = session.run(".catch { .echo a; .block { bogus }; .echo b } ; .echo c");
    assert!(
        shown.contains("'bogus' is no command") && shown.ends_with("c\n") && !shown.contains("b\n"),
        "{shown}"
    );
    let shown = session.fail(".foreach (x { .echo a; bogus }) { .echo x }; .echo b");
    assert!(!shown.contains("a\n") && !shown.contains("b\n"), "{shown}");
    // The capture ended with the error.
    assert_eq!(session.run(".echo seen"), "seen\n");
    let line = ".if (1) { .while (1 + ) { k } }";
    let shown = session.fail(line);
    assert!(shown.starts_with(&format!("{line}\n{}^", " ".repeat(22))), "{shown}");
    for (line, what) in [
        (".break", "stands in no loop"),
        (".continue", "stands in no loop"),
        (".leave", "stands in no .catch"),
        (".if (1) k", "needs a block"),
        (".if 1 {k}", "must stand in brackets"),
        (".while (1", ") is missing"),
        (".block { .echo a", "} is missing"),
        ("~0 .if (1) { k }", "takes no prefix"),
        ("~0 j 1 'k'", "takes no prefix"),
        ("~0 $$><file", "takes no prefix"),
        (".foreach /z (x {k}) {}", "Extra character"),
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(what), "{line}: {shown}");
    }
    let deep = format!("{}k{}", ".block {".repeat(400), "}".repeat(400));
    assert!(session.fail(&deep).contains("nested deeper than"), "{deep}");
    let long = ".echo ".to_owned() + &"x".repeat(4096);
    assert!(session.fail(&long).contains("more than 4096"));
}

#[test]
fn an_endless_loop_ends_at_an_interrupt() {
    let mut session = session();
    for line in [
        ".while (1) { }",
        ".echo x; z(1)",
        ".catch { .while (1) { .catch { r $t0 = 1 } } }; .echo after",
    ] {
        let going = session.send(&format!(".echo begun; {line}"));
        session.until("the loop's beginning", |notification| {
            matches!(notification, Notification::Output { .. })
        });
        session.interrupt();
        let (shown, _) = session.finish("the interrupt", going);
        assert!(
            shown.contains("interrupted") && !shown.contains("after"),
            "{line}: {shown}"
        );
    }
    // One that runs the target ends at its next turn after a break-in.
    for line in [".while (1) { g }", "g; z(1)", ".while (1) { p }"] {
        let going = session.send(line);
        session.until("running", |notification| {
            matches!(notification, Notification::State(SessionState::Running))
        });
        session.interrupt();
        let (shown, _) = session.finish("the break-in", going);
        assert!(shown.ends_with("interrupted\n"), "{line}: {shown}");
    }
    let going = session.send(".while (1) { g }");
    session.until("running", |notification| {
        matches!(notification, Notification::State(SessionState::Running))
    });
    session.run(".echo beside; .if (1) { .echo too }");
    assert!(session.fail(".block { g }").contains("needs the target to rest"));
    session.request(farsight_session::Request::EndOfInput);
    let (_, outcome) = session.finish("the end", going);
    assert_eq!(outcome, farsight_session::CommandOutcome::Failed);
}

#[test]
fn commands_for_each_thread_go_on_behind_errors_and_leave_the_thread_as_it_was() {
    let mut session = session();
    let shown = session.run("~* e .if (@$dtid == 1) { .echo one } .else { .echo other }");
    assert_eq!(shown.matches("other\n").count(), shown.lines().count() - 1, "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:000> "));
    let shown = session.fail("~* e .echo a; bogus");
    assert!(shown.matches("a\n").count() > 1, "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:000> "));
    assert!(session.fail("~* e g").contains("cannot be run for each thread"));
}

#[test]
fn a_script_and_a_log_begin_with_the_session() {
    let mut world = World::with_files();
    world.files.insert(
        "/script".into(),
        b".echo from the script\nbogus\n.echo on it goes".to_vec(),
    );
    let written = world.written.clone();
    let mut options = attach();
    options.script = Some(("/script".into(), false));
    options.log = Some(("/log".into(), false));
    options.command = Some(".echo from the command".into());
    let (mut session, _) = Session::start(world, options);
    session.run(".echo typed; ? main");
    session.send("q");
    session.end();
    let log = String::from_utf8(written.lock().unwrap()[std::path::Path::new("/log")].clone()).unwrap();
    let mut rest = log.as_str();
    for part in [
        "Opened log file '/log'\n",
        "ModLoad",
        "0:000> .echo from the script\nfrom the script\n",
        "'bogus' is no command",
        "on it goes\n",
        "0:000> .echo from the command\nfrom the command\n",
        "0:000> .echo typed; ? main\ntyped\nEvaluate expression:",
        "0:000> q\n",
        "Detached from process 4711",
        "Closing open log file /log\n",
    ] {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part:?} is not in order in {log}"));
        rest = behind;
    }
}

#[test]
fn commands_at_each_stop_come_before_the_line_goes_on_and_cannot_run_the_target() {
    let mut session = session();
    session.run("bp leaf; .pcmd -s \".echo stopped\"");
    let shown = session.run("g; .echo behind");
    assert!(shown.ends_with("stopped\nbehind\n"), "{shown}");
    let shown = session.run(".pcmd -s \"g\"; g; .echo behind");
    assert!(
        shown.contains("cannot run or leave the target") && shown.ends_with("behind\n"),
        "{shown}"
    );
}

#[test]
fn scripts_that_call_themselves_end_before_they_take_all_memory() {
    let mut world = World::with_files();
    let script = format!("$$ {}\n$$>a</long", "x".repeat(1_000_000));
    world.files.insert("/long".into(), script.into_bytes());
    let commands = format!(".echo {}\n$$>a</wide", "x".repeat(1_000_000));
    world.files.insert("/wide".into(), commands.into_bytes());
    let (mut session, _) = Session::start(world, attach());
    assert!(session.fail("$$>a</long").contains("nested deeper"));
    assert!(session.fail("$$>a</wide").contains("bytes together"));
}

/// Invariant: the engine does not outrun a client that does not read, and still obeys it.
#[test]
fn a_flood_waits_for_its_reader() {
    const BOUND: usize = 5000;
    let mut session = session();
    let going = session.send(".for (r $t0 = 0; @$t0 < 8000; r $t0 = @$t0 + 1) { .echo x }");
    let full = Instant::now() + Duration::from_secs(20);
    while session.client().unread() <= 4096 {
        assert!(Instant::now() < full, "the loop shows nothing");
        std::thread::yield_now();
    }
    let later = Instant::now() + Duration::from_millis(200);
    while Instant::now() < later {
        assert!(session.client().unread() < BOUND);
        std::thread::yield_now();
    }
    // It goes on as it is read, and to the end.
    let (shown, _) = session.finish("the loop", going);
    assert_eq!(shown.len(), 2 * 0x8000);

    let endless = session.send(".while (1) { .echo x }");
    while session.client().unread() <= 4096 {
        std::thread::yield_now();
    }
    session.interrupt();
    let (shown, _) = session.finish("the interrupt", endless);
    assert!(shown.len() < 4 * BOUND && shown.contains("interrupted"));
}

/// Invariant: a console that stands still holds up nobody else, takes no memory without end, and is told what it missed.
#[test]
fn a_console_that_stands_still_is_left_behind_by_the_others() {
    const LINES: usize = 0x11000;
    let mut session = session();
    let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
    let shown = ann.run(".for (r $t0 = 0; @$t0 < 11000; r $t0 = @$t0 + 1) { .echo x }");
    assert_eq!(shown.len(), 2 * LINES);
    let unread = session.client().unread();
    assert!((1 << 16..LINES).contains(&unread), "{unread}");
    ann.run(".echo more");
    // It reads again.
    let mut seen = 0;
    while session.client().unread() > 0 {
        let told = session.client().next().unwrap();
        seen += usize::from(matches!(told, Notification::Output { content: Content::Text(text), .. } if text == "x\n"));
    }
    let shown = session.run(".echo behind");
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(
        (words.first(), words.last()),
        (Some(&"***"), Some(&"behind")),
        "{shown}"
    );
    // Two more were missed: the line of the other's .echo, and what it showed.
    let missed = words.get(1).and_then(|count| count.parse().ok());
    assert_eq!(missed, Some(LINES - seen + 2), "{shown}");
}
