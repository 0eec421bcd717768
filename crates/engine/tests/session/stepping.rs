//! What steps cost, and how long ones end.

use crate::support::{Session, World, attach};

#[test]
fn each_step_command_costs_one_request_whatever_it_shows() {
    let (mut session, _) = Session::start(World::without_files(), attach());
    session.run("g 401040");
    // Names and code are known from here on.
    session.run("u 401040 L4; u 401060 L4; u 401070 L4; k; t 0n30");
    for (line, wanted) in [
        ("g 401040; t 0n20", "toy!leaf"),
        ("g 401040; p 5", "toy!work+0x9"),
        ("g 401040; ta 401060", "toy!leaf:"),
        ("g 401040; pct 2", "ret"),
        ("g 401040; th 3", "ret"),
        ("g 401040; wt", "toy!leaf"),
        ("g 401040; wt -l 1 -or", "rax"),
    ] {
        let (shown, requests, trips) = session.cost(line);
        assert!(shown.contains(wanted), "{line}: {shown}");
        assert_eq!((requests, trips), (2, 2), "{line}: {shown}");
    }
}

#[test]
fn of_many_steps_the_last_are_shown_and_the_others_counted() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("g work");
    let shown = session.run("t 0n10000");
    assert!(shown.contains("(9744 earlier steps are not shown)"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("00000000`")).count(), 256);
}

#[test]
fn a_breakpoint_ends_steps_and_a_trace_and_what_was_done_is_shown() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("g work; bp leaf+b");
    let shown = session.run("~. t 0n1000");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert!(shown.contains("toy!work+0x4:"), "{shown}");
    session.run("bd 0; g work; be 0");
    let shown = session.run("~. wt");
    assert!(
        shown.contains("    3     0 [  1]   toy!leaf\n    3     3 [  0] toy!work"),
        "{shown}"
    );
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
}
