//! Getting hold of targets, running them, and letting go.

use farsight_engine::{Acquisition, Target};
use farsight_session::{Notification, Request, SessionState};

use crate::support::{Session, World, attach, launch};

#[test]
fn attaching_shows_where_the_target_stands() {
    let (mut session, shown) = Session::start(World::with_files(), attach());
    assert!(shown.contains("ModLoad: "), "{shown}");
    assert!(shown.contains("toy!"), "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:000> "));
    // The request travels right behind the handshake.
    assert_eq!(session.traffic.counts(), (1, 0));
    let (stack, requests, _) = session.cost("k");
    assert!(stack.contains("toy!work") && stack.contains("toy!main"), "{stack}");
    assert_eq!(requests, 0, "{stack}");
    let (shown, clean) = {
        session.request(Request::EndOfInput);
        session.end()
    };
    assert!(shown.contains("Detached from process 4711"), "{shown}");
    assert!(clean);
}

#[test]
fn a_breakpoint_costs_nothing_until_the_target_runs() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (_, requests, _) = session.cost("bp work; bl");
    assert_eq!(requests, 0);
    let (shown, requests, trips) = session.cost("g");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert!(shown.contains("toy!work:"), "{shown}");
    assert_eq!((requests, trips), (1, 1), "{shown}");
    let (shown, requests, trips) = session.cost("p 3; t; gu; k");
    assert!(shown.contains("toy!main"), "{shown}");
    assert_eq!((requests, trips), (3, 3), "{shown}");
}

#[test]
fn a_thousand_breakpoints_travel_with_one_resume() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let line: String = (0..1000)
        .map(|index| format!("bp {:#x} \"g\";", 0x40_1800 + index))
        .collect();
    let mut sent = 0;
    for part in line.split_inclusive(';').collect::<Vec<_>>().chunks(200) {
        let (_, requests, _) = session.cost(&part.concat());
        sent += requests;
    }
    assert_eq!(sent, 0);
    let (shown, requests, trips) = session.cost("g work");
    assert!(shown.contains("toy!work:"), "{shown}");
    assert_eq!((requests, trips), (1, 1));
}

#[test]
fn a_launched_program_runs_to_its_end() {
    let (mut session, shown) = Session::start(World::with_files(), launch());
    assert!(shown.contains("toy!_start"), "{shown}");
    let (shown, _, trips) = session.cost("g main");
    assert!(shown.contains("toy!main:"), "{shown}");
    assert_eq!(trips, 1);
    let shown = session.run("g");
    assert!(shown.contains("code 0") || shown.contains("exit"), "{shown}");
    assert_eq!(session.program_output, b"hello from toy\r\n");
    let shown = session.run("g");
    assert!(shown.contains("The process is gone"), "{shown}");
    assert_eq!(session.prompt, None);
    let shown = session.fail("k");
    assert!(shown.contains("No runnable debuggees error"), "{shown}");
    session.send("q");
    let (_, clean) = session.end();
    assert!(clean);
}

#[test]
fn a_running_target_is_broken_into_and_refuses_what_needs_rest() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let going = session.send("g; .echo rested");
    session.until("running", |notification| {
        matches!(notification, Notification::State(SessionState::Running))
    });
    let shown = session.fail("k");
    assert!(shown.contains("needs the target to rest"), "{shown}");
    session.run("bp leaf; bd 0; bl; .echo beside");
    session.interrupt();
    let (shown, _) = session.finish("the break-in", going);
    assert!(shown.contains("rested"), "{shown}");
    assert!(session.prompt.is_some());
}

#[test]
fn commands_of_a_breakpoint_run_at_each_hit_and_their_go_drops_the_rest() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("r $t0 = 0; bp work 1 \"r $t0 = @$t0 + 1; g; .echo never\"; bp leaf 5");
    let shown = session.run("g; ? @$t0");
    assert!(!shown.contains("never"), "{shown}");
    assert!(shown.contains("Breakpoint 1 hit"), "{shown}");
    let count = shown.rsplit("Evaluate expression: ").next().unwrap();
    let count: u64 = count.split(' ').next().unwrap().parse().unwrap();
    assert!(count >= 5 - 3, "{shown}");
}

#[test]
fn a_pass_count_is_kept_at_the_server() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (shown, requests, _) = session.cost("bp leaf 64; g; bl");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert_eq!(requests, 1);
    assert!(shown.contains("(0064)"), "{shown}");
    // The hits are the debuggee's own count.
    let before = session.run("? poi(counter)");
    assert!(before.contains("Evaluate expression"), "{before}");
}

#[test]
fn errors_point_at_their_place() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.fail("bp /x main");
    assert!(shown.contains("bp /x main\n   ^ "), "{shown}");
    let shown = session.fail("frobnicate 3");
    assert!(shown.contains("'frobnicate' is no command"), "{shown}");
    let shown = session.fail("a 401000");
    assert!(shown.contains("not in this build"), "{shown}");
    let shown = session.fail(".echo one; bogus; .echo two");
    assert!(shown.contains("one") && !shown.contains("two"), "{shown}");
}

#[test]
fn a_name_in_quotation_marks_stays_whole() {
    let mut session = Session::start(World::with_files(), attach()).0;
    let shown = session.run("bp @!\"(anonymous namespace)::no such\" \".echo hit\"");
    assert!(shown.contains("adding deferred bp"), "{shown}");
    session.run("bp @!\"main\" 2 \".echo there\"");
    let shown = session.run(".bpcmds");
    let again = "bu0 @!\"(anonymous namespace)::no such\" \".echo hit\";\nbp1 ";
    assert!(
        shown.starts_with(again) && shown.contains(" 0x2 \".echo there\""),
        "{shown}"
    );
    let shown = session.run("bl");
    assert!(shown.contains("toy!main"), "{shown}");
}

#[test]
fn a_deferred_breakpoint_waits_for_its_module() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("bp nowhere!nothing");
    assert!(shown.contains("adding deferred bp"), "{shown}");
    assert!(!shown.contains("similar"), "{shown}");
    assert!(session.run("bl").contains("nowhere!nothing"));
    let shown = session.run("bp toy!wor");
    assert!(shown.contains("similar: toy!work, toy!worker"), "{shown}");
    assert!(session.run("bp wor").contains("similar: toy!work"));
}

#[test]
fn a_lost_link_says_what_became_of_the_processes() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.cut();
    let shown = session.until("the loss", |notification| {
        matches!(notification, Notification::State(SessionState::NoDebuggee))
    });
    assert!(shown.contains("connection to fakebox was lost"), "{shown}");
    assert!(shown.contains("Process 4711"), "{shown}");
    let shown = session.fail("k");
    assert!(shown.contains("No runnable debuggees"), "{shown}");
    // The engine is alive, and can connect again.
    let shown = session.run(".attach 4711");
    assert!(shown.contains("toy!"), "{shown}");
}

#[test]
fn a_link_lost_over_planted_traps_promises_nothing() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("bp work; g");
    session.cut();
    let shown = session.until("the loss", |notification| {
        matches!(notification, Notification::State(SessionState::NoDebuggee))
    });
    assert!(
        shown.contains("may die at a breakpoint that was left planted"),
        "{shown}"
    );
}

#[test]
fn ending_the_server_says_what_becomes_of_its_processes() {
    for (options, fate) in [
        (attach(), "4711 (toy) is let go"),
        (launch(), "4800 (toy) was launched: the server kills it"),
    ] {
        let (mut session, _) = Session::start(World::with_files(), options);
        let shown = session.run(".endpsrv");
        assert!(shown.contains("The server on fakebox ends."), "{shown}");
        assert!(shown.contains(fate), "{shown}");
        assert!(session.fail("k").contains("No runnable debuggees"));
        session.send("q");
        let (shown, clean) = session.end();
        assert!(clean, "{shown}");
    }
}

#[test]
fn a_process_let_go_is_said_to_get_the_signal_it_stopped_for() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    // An undefined instruction.
    let shown = session.run("eb work f 0b; g");
    assert!(shown.contains("SIGILL"), "{shown}");
    session.send("qd");
    let (shown, clean) = session.end();
    assert!(shown.contains("it runs on and gets its SIGILL"), "{shown}");
    assert!(clean, "{shown}");
}

#[test]
fn what_cannot_start_ends_with_failure() {
    let mut world = World::with_files();
    world.refuses = true;
    let (shown, clean) = Session::begin(world, attach()).end();
    assert!(shown.contains("cannot connect: fakebox refuses"), "{shown}");
    assert!(!clean);

    let mut options = attach();
    options.acquisition = Acquisition::of(Target::Process(farsight_types::OsPid(99)));
    let (shown, clean) = Session::begin(World::with_files(), options).end();
    assert!(shown.contains("no process 99"), "{shown}");
    assert!(!clean);
}

#[test]
fn the_initial_command_runs_after_the_first_stop_and_decides_the_end() {
    let mut options = attach();
    options.command = Some("k; q".into());
    let (shown, clean) = Session::begin(World::with_files(), options.clone()).end();
    assert!(shown.contains("toy!main"), "{shown}");
    assert!(clean);
    options.command = Some("bogus; q".into());
    let mut session = Session::begin(World::with_files(), options);
    session.run("q");
    let (_, clean) = session.end();
    assert!(!clean, "a start command that failed is a failure");
}

#[test]
fn detaching_lets_go_and_quitting_kills_what_was_launched() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run(".detach");
    assert!(shown.contains("Detached from process 4711"), "{shown}");
    assert_eq!(session.prompt, None);

    let (mut session, _) = Session::start(World::with_files(), launch());
    session.send("q");
    let shown = session.until("the end", |notification| {
        matches!(notification, Notification::Ended { .. })
    });
    assert!(shown.contains("Killed process 4800"), "{shown}");
    let (mut session, _) = Session::start(World::with_files(), launch());
    session.send("qd");
    let shown = session.until("the end", |notification| {
        matches!(notification, Notification::Ended { .. })
    });
    assert!(shown.contains("Detached from process 4800"), "{shown}");
}

#[test]
fn without_initial_and_final_break_a_program_runs_through() {
    let mut options = launch();
    (options.initial_break, options.final_break) = (false, false);
    let mut session = Session::begin(World::with_files(), options);
    let shown = session.until("the end of the program", |notification| {
        matches!(notification, Notification::State(SessionState::NoDebuggee))
    });
    assert!(shown.contains("The process is gone"), "{shown}");
}

#[test]
fn a_breakpoint_of_one_thread_stops_that_thread_alone() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("~2 bp leaf; bl; g; ~.");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:002> "), "{shown}");
    session.run("bc 0; ~1 bp leaf; g");
    assert_eq!(session.prompt.as_deref(), Some("0:001> "));
}

#[test]
fn a_one_shot_breakpoint_goes_with_its_hit_and_a_disabled_one_is_not_hit() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("bp /1 work; bp leaf; bd 1; g");
    let shown = session.run("bl");
    assert!(!shown.contains("work") && shown.contains(" 1 d "), "{shown}");
    let shown = session.run("bp0 worker; bp5 work; g; bl");
    assert!(shown.contains("Breakpoint 5 hit"), "{shown}");
    let shown = session.fail("bc 7");
    assert!(shown.contains("there is no breakpoint 7"), "{shown}");
    session.run("bc 0-9");
    assert_eq!(session.run("bl"), "");
}

#[test]
fn a_breakpoint_set_while_the_target_runs_is_hit() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let going = session.send("g");
    session.until("running", |notification| {
        matches!(notification, Notification::State(SessionState::Running))
    });
    session.run("bp leaf");
    let (shown, _) = session.finish("the hit", going);
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
}

#[test]
fn going_up_leaves_the_function() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("g leaf");
    let before = session.run("k 2");
    let shown = session.run("gu");
    assert!(shown.contains("toy!work+"), "{before}{shown}");
}

#[test]
fn freezing_holds_a_thread_back() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("~1f; ~2f; ~; bp leaf; g; ~0f; ~1u; g");
    assert!(shown.contains("Frozen"), "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:001> "), "{shown}");
}

#[test]
fn a_hit_of_a_cleared_breakpoint_is_passed_in_silence() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    // The commands clear the breakpoint that they belong to, and go on.
    let shown = session.run("bp leaf \"bc 0; g\"; bp work 20; g; bl");
    assert!(shown.contains("Breakpoint 1 hit") && !shown.contains("leaf"), "{shown}");
}

#[test]
fn the_end_of_input_ends_a_running_session() {
    let (mut session, _) = Session::start(World::with_files(), launch());
    session.send("bc *; g");
    session.until("running", |notification| {
        matches!(notification, Notification::State(SessionState::Running))
    });
    session.request(Request::EndOfInput);
    let (shown, clean) = session.end();
    assert!(clean, "{shown}");
}

#[test]
fn a_break_in_is_not_lost_between_hits_that_go_on_by_themselves() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run("bp leaf \"g\"; bp work \"g\"");
    for round in 0..50 {
        let going = session.send("g");
        session.until("running", |notification| {
            matches!(notification, Notification::State(SessionState::Running))
        });
        session.interrupt();
        let (shown, _) = session.finish("the break-in", going);
        assert!(shown.contains("toy!"), "round {round}: {shown}");
    }
}
