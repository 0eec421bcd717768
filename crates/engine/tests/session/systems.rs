//! Several systems in one session.

use farsight_engine::{Destination, EngineOptions};
use farsight_session::{CommandOutcome, Notification, Request, SessionState};

use crate::support::{Session, World, attach};

/// A session that begins at a process of this machine.
fn local() -> EngineOptions {
    EngineOptions {
        destination: Destination::Local,
        ..attach()
    }
}

#[test]
fn servers_of_a_machine_are_shown_by_kind() {
    let (mut session, _) = Session::start(World::with_files(), local());
    let debugging = "Debugger Server - npipe:Pipe=MainPipe\n";
    let process = "Remote Process Server - tcp:Port=5005\nRemote Kernel Debugger Server - npipe:Pipe=KernelPipe\n";
    let before = session.traffic.counts();
    for (machine, kinds, name, servers) in [
        ("", 3, "", [debugging, process]),
        (r"\\HERE", 3, "HERE", [debugging, process]),
        (r"\\HERE", 1, "HERE", [debugging, ""]),
        ("HERE", 2, "HERE", ["", process]),
    ] {
        let (shown, outcome) = session.list_servers(machine, kinds);
        assert_eq!(shown, format!("Servers on \\\\{name}:\n{}", servers.concat()));
        assert_eq!(outcome, CommandOutcome::Done);
    }
    for (machine, kinds, why) in [
        (r"\\HERE", 0, "0x0 is no kind of server"),
        (r"\\HERE", 7, "0x7 is no kind of server"),
        (r"\\THERE", 3, "'THERE' is another machine"),
    ] {
        let (shown, outcome) = session.list_servers(machine, kinds);
        assert!(shown.contains(why), "{shown}");
        assert_eq!(outcome, CommandOutcome::Failed);
    }
    // No target is asked, and one that runs is left alone.
    assert_eq!(session.traffic.counts(), before);
    let ticket = session.send("g");
    assert_eq!(session.list_servers("", 1).1, CommandOutcome::Done);
    session.request(Request::Interrupt);
    session.finish("g", ticket);
}

/// This machine and two process servers.
fn three() -> Session {
    let (mut session, _) = Session::start(World::with_files(), local());
    session.run(".attach -premote tcp:server=one,port=1 4711");
    assert_eq!(session.prompt.as_deref(), Some("||1:0:000> "));
    session.run(".create -premote tcp:server=two,port=1,password=secret /bin/toy 1 2");
    assert_eq!(session.prompt.as_deref(), Some("||2:0:000> "));
    session
}

fn shows(notification: &Notification, what: &str) -> bool {
    matches!(notification, Notification::Output { content, .. } if format!("{content:?}").contains(what))
}

fn is_running(notification: &Notification) -> bool {
    matches!(notification, Notification::State(SessionState::Running))
}

#[test]
fn systems_are_listed_and_selected() {
    let mut session = three();
    let shown = session.run("||");
    assert!(shown.contains("   0 Live user mode: <Local>"), "{shown}");
    assert!(
        shown.contains("   1 Live user mode: tcp:server=one,port=1\n"),
        "{shown}"
    );
    assert!(
        shown.contains(".  2 Live user mode: tcp:server=two,port=1,password=*"),
        "{shown}"
    );
    session.run("||1s");
    assert_eq!(session.prompt.as_deref(), Some("||1:0:000> "));
    session.run("~2s");
    for (line, prompt) in [
        ("||0s", "||0:0:000> "),
        ("||1s", "||1:0:002> "),
        ("||#s", "||2:0:000> "),
        ("||[1-1]s", "||0:0:000> "),
        ("||.s", "||0:0:000> "),
        ("||1|0s", "||1:0:002> "),
    ] {
        session.run(line);
        assert_eq!(session.prompt.as_deref(), Some(prompt), "{line}");
    }
    // A prefix chooses for one command.
    let shown = session.run("||2 |");
    assert!(shown.contains("id: 4800\tcreate"), "{shown}");
    let shown = session.run("||0~1 ? @$tid; ? @$dsid; ||2 ? @$dsid");
    assert!(
        shown.contains("= 0000000000000001") || shown.contains("`00000001"),
        "{shown}"
    );
    assert_eq!(session.prompt.as_deref(), Some("||1:0:002> "));
    let shown = session.run("||* |");
    assert!(
        shown.matches("Live user mode").count() == 3 && shown.contains("4800"),
        "{shown}"
    );
    for (line, error) in [
        ("||9s", "there is no system 9"),
        ("||*s", "one system must be named"),
        ("||1|7 k", "there is no process 7"),
        ("|9s", "there is no process 9"),
        ("||9 k", "there is no system 9"),
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(error), "{line}: {shown}");
    }
    assert_eq!(session.prompt.as_deref(), Some("||1:0:002> "));
}

#[test]
fn all_systems_run_and_stop_together() {
    let mut session = three();
    session.run("||0s; bp work; ||1s; bp work 3; ||2s; bp work");
    let mut seen = [false; 3];
    for _ in 0..40 {
        let shown = session.run("g");
        assert!(shown.contains("hit"), "{shown}");
        let prompt = session.prompt.clone().unwrap();
        let system: usize = prompt[2..3].parse().unwrap();
        assert!(shown.contains(&format!("Breakpoint {system} hit")), "{prompt}: {shown}");
        seen[system] = true;
        // All of them rest.
        let stacks = session.run("||0 k 1; ||1 k 1; ||2 k 1");
        assert_eq!(stacks.matches("Child-SP").count(), 3, "{stacks}");
        if seen == [true; 3] {
            return;
        }
    }
    panic!("only {seen:?} had an event");
}

#[test]
fn one_request_a_system_sets_them_going_and_they_are_asked_to_stop_together() {
    let mut session = three();
    session.run("||2 .detach; ||2s; .attach 4711; ||0s; bp work");
    let (shown, requests, trips) = session.cost("g");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    assert_eq!(requests, 3, "{shown}");
    assert!(trips <= 3, "{trips}: {shown}");
    // What the others answered to that is not shown.
    assert!(!shown.contains("Break-in"), "{shown}");
}

#[test]
fn a_step_is_one_of_its_own_system() {
    let mut session = three();
    session.run("||2 .detach; ||0s; g work");
    let prompt = session.prompt.clone();
    for _ in 0..5 {
        let before = session.run("r rip");
        let shown = session.run("t");
        assert!(!shown.contains("Break-in"), "{shown}");
        assert_eq!(session.prompt, prompt, "{shown}");
        assert_ne!(session.run("r rip"), before);
    }
    // The thread of a prefix runs, and nothing else does.
    let before = session.run("||1 r rip");
    session.run("~. t; ~. t");
    assert_eq!(session.run("||1 r rip"), before);
}

#[test]
fn breaking_in_stops_all() {
    let mut session = three();
    session.run("||2s; bc *; ||1s");
    let going = session.send("g; .echo rested");
    session.until("running", is_running);
    session.interrupt();
    let (shown, _) = session.finish("the break-in", going);
    assert!(shown.contains("rested"), "{shown}");
    let stacks = session.run("||0 k 1; ||1 k 1");
    assert_eq!(stacks.matches("Child-SP").count(), 2, "{stacks}");
}

#[test]
fn a_link_lost_at_rest_leaves_the_others_at_rest() {
    let mut session = three();
    session.cut_link("server=one");
    let shown = session.until("the loss", |notification| shows(notification, "4711"));
    assert!(
        shown.contains("connection to fakebox (system 1, tcp:server=one"),
        "{shown}"
    );
    let shown = session.run("||");
    assert!(!shown.contains("server=one") && shown.contains("server=two"), "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("||2:0:000> "));
    assert!(session.run("||0 k 1").contains("toy!"));
    session.cut_link("server=two");
    session.until("the loss", |notification| {
        matches!(notification, Notification::State(SessionState::Accessible { prompt }) if prompt == "0:000> ")
    });
    let shown = session.run("bp work; g");
    assert!(shown.contains("hit"), "{shown}");
}

#[test]
fn headings_mark_the_current_one_and_not_the_one_that_a_command_is_run_for() {
    let mut session = three();
    for line in ["||* k 1", "||1 |* k 1"] {
        let shown = session.run(line);
        let current = shown.lines().filter(|line| line.starts_with('.')).count();
        assert_eq!(current, usize::from(line.starts_with("||*")), "{shown}");
    }
}

#[test]
fn a_link_lost_while_they_run_leaves_the_others_running() {
    // None of them comes to rest by itself.
    let (mut session, _) = Session::start(World::with_files(), local());
    session.run(".attach -premote tcp:server=one,port=1 4711");
    session.run(".attach -premote tcp:server=two,port=1 4711");
    let going = session.send("g");
    session.until("running", is_running);
    session.cut_link("server=two");
    session.until("the loss", |notification| shows(notification, "was lost"));
    let shown = session.fail("k");
    assert!(shown.contains("needs the target to rest"), "{shown}");
    session.interrupt();
    let (shown, _) = session.finish("the break-in", going);
    assert!(shown.contains("toy!"), "{shown}");
    let stacks = session.run("||0 k 1; ||1 k 1");
    assert_eq!(stacks.matches("Child-SP").count(), 2, "{stacks}");
}

#[test]
fn what_cannot_be_had_leaves_everything_as_it_was() {
    let (mut session, _) = Session::start(World::with_files(), local());
    for (line, error) in [
        (
            ".attach -premote tcp:server=refuses,port=1 4711",
            "cannot connect: fakebox refuses",
        ),
        (".attach -premote tcp:server=one,port=1 99", "no process 99"),
        (
            ".attach -premote tcp:server=one,port=1 nobody",
            "no process named 'nobody'",
        ),
        (
            ".create -premote tcp:server=one,port=1 missing",
            "cannot start 'missing'",
        ),
        (".attach -premote", "-premote needs a connection string"),
        (".attach -e -v 4711", "-e and -v exclude each other"),
        (".attach -x 4711", "there is no option -x"),
        (".create -v /bin/toy", "there is no option -v"),
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(error), "{line}: {shown}");
        assert_eq!(session.prompt.as_deref(), Some("0:000> "), "{line}: {shown}");
    }
    assert_eq!(session.run("||").lines().count(), 1);
    session.run(".attach -premote tcp:server=one,port=1 toy");
    assert_eq!(
        session.prompt.as_deref(),
        Some("||1:0:000> "),
        "numbers are not used up"
    );
    let shown = session.fail(".attach 4711");
    assert!(
        shown.contains("already debugging it"),
        "it was the current system that was asked: {shown}"
    );
}

#[test]
fn a_target_without_initial_break_joins_those_that_run() {
    let (mut session, _) = Session::start(World::with_files(), local());
    let going = session.send(".attach -premote tcp:server=one,port=1 -b 4711");
    // Its modules are told before it is set going with the others.
    session.until("its modules", |notification| shows(notification, "ModuleLoaded"));
    session.interrupt();
    let (shown, _) = session.finish("the break-in", going);
    assert!(!shown.contains("Attached to"), "{shown}");
    let shown = session.run("||* |");
    assert_eq!(shown.matches("4711").count(), 2, "{shown}");
}

#[test]
fn a_link_stays_when_its_last_process_is_gone() {
    let mut session = three();
    let shown = session.run("||1s; .detach");
    assert!(shown.contains("Detached from process 4711"), "{shown}");
    let shown = session.run("||; ||1 .tlist; ||1 |");
    assert!(shown.contains("server=one") && shown.contains("4711 toy"), "{shown}");
    session.run("||1s");
    assert_eq!(session.prompt.as_deref(), Some("||1> "));
    assert!(session.fail("k").contains("No runnable debuggees"));
    assert!(session.run("||0 k 1").contains("toy!"));
    session.run(".attach 4711");
    assert_eq!(session.prompt.as_deref(), Some("||1:1:000> "));
    let shown = session.run("||2 .kill");
    assert!(shown.contains("Killed process 4800"), "{shown}");
    session.request(Request::EndOfInput);
    let (shown, clean) = session.end();
    assert!(
        clean && shown.matches("Detached from process 4711").count() == 2,
        "{shown}"
    );
}

#[test]
fn the_end_of_one_process_leaves_the_others() {
    let mut session = three();
    // The launched one stops when it is about to end.
    let mut shown = session.run("g");
    assert!(shown.contains("Exit process, code 0"), "{shown}");
    let going = session.send("g");
    shown = session.until("the end of one", |notification| shows(notification, "Exited"));
    assert!(shown.contains("The process is gone"), "{shown}");
    session.interrupt();
    session.finish("the break-in", going);
    assert!(session.run("||2 |").is_empty());
    assert!(session.run("||0 |").contains("4711"));
}

#[test]
fn every_process_is_let_go_at_the_end() {
    for (line, fates) in [
        ("q", ["Detached from process 4711", "Killed process 4800"]),
        ("qd", ["Detached from process 4711", "Detached from process 4800"]),
    ] {
        let mut session = three();
        session.send(line);
        let (shown, clean) = session.end();
        assert!(
            clean && fates.iter().all(|fate| shown.contains(fate)),
            "{line}: {shown}"
        );
        assert_eq!(shown.matches("process ").count(), 3, "{line}: {shown}");
    }
}

#[test]
fn one_server_ends_and_the_others_stay() {
    let mut session = three();
    let shown = session.run(".endpsrv");
    assert!(shown.contains("The server on fakebox ends."), "{shown}");
    assert!(
        shown.contains("4800 (toy) was launched: the server kills it"),
        "{shown}"
    );
    let shown = session.run("||");
    assert!(!shown.contains("server=two") && shown.contains("server=one"), "{shown}");
    let shown = session.fail("||0 .endpsrv");
    assert!(shown.contains("no process server"), "{shown}");
}

#[test]
fn a_program_is_started_again_with_its_breakpoints() {
    let (mut session, _) = Session::start(World::with_files(), crate::support::launch());
    session.run("bp3 work; bp5 leaf 40; bd 5; bp7 nowhere!nothing; g");
    let shown = session.run(".restart; bl");
    assert!(shown.contains("Killed process 4800"), "{shown}");
    assert!(shown.contains("toy!_start"), "it stops at once: {shown}");
    for row in [" 3 e", " 5 d", " 7 eu"] {
        assert!(shown.contains(row), "{row}: {shown}");
    }
    let shown = session.run("g");
    assert!(shown.contains("Breakpoint 3 hit"), "{shown}");
    // Also after its end.
    session.run("bd 3; g; g");
    assert_eq!(session.prompt, None);
    let shown = session.run(".restart; be 3; g");
    assert!(shown.contains("Breakpoint 3 hit"), "{shown}");

    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.fail(".restart");
    assert!(
        shown.contains("only a program that this session has started"),
        "{shown}"
    );
}

#[test]
fn what_a_program_starts_in_is_remembered() {
    let (mut session, _) = Session::start(World::with_files(), local());
    assert!(session.run(".createdir").contains("the server's directory"));
    assert!(
        session
            .run(".createdir -I /some where")
            .contains("Programs start in /some where")
    );
    assert!(session.run(".createdir \"\"").contains("the server's directory"));
    assert!(session.fail(".createdir -i").contains("never inherit"));
}

#[test]
fn others_are_held_until_something_happens_in_the_new_target() {
    let (mut session, _) = Session::start(World::with_files(), local());
    let before = session.run("r rip");
    let going = session.send(".attach -premote tcp:server=one,port=1 -f -b 4711");
    session.until("its modules", |notification| shows(notification, "ModuleLoaded"));
    session.interrupt();
    session.finish("the break-in", going);
    assert_eq!(session.prompt.as_deref(), Some("||1:0:000> "));
    assert_eq!(session.run("||0 r rip"), before, "it has not run");
    // From now on all of them run.
    session.run("||0s; bp work; g");
    assert_ne!(session.run("||0 r rip"), before);
}
