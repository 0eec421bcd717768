//! One session over several machines, and over many processes of one.

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, programs};

use crate::support::{assert_in_order, assert_runs_clean};

/// Runs to the next hit and tells in which system it was.
fn hit(console: &mut Console) -> usize {
    let text = console.run("g");
    assert!(text.contains("hit\n"), "{text}");
    let text = console.run("? @$dsid");
    let behind = text.rsplit("Evaluate expression: ").next().unwrap_or_default();
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no system in {text}"))
}

#[test]
fn heavy_one_server_of_three_systems_is_killed_and_the_others_go_on() {
    let mut servers = [DbgSrv::start(), DbgSrv::start_on_pipe()];
    let mut counters = [(); 3].map(|()| Debuggee::start("counter", &["1", "2000"]));
    let pids = counters.each_ref().map(|counter| counter.pid().to_string());
    let mut console = Console::start(["-p", &pids[0]]);
    for (server, pid) in servers.iter().zip(&pids[1..]) {
        let text = console.run(&format!(".attach -premote {} {pid}", server.connection()));
        assert!(text.contains("Attached to"), "{text}");
    }
    let text = console.run("||");
    for line in [
        "   0 Live user mode: <Local>".to_owned(),
        format!("   1 Live user mode: {}", servers[0].connection()),
        format!(".  2 Live user mode: {}", servers[1].connection()),
    ] {
        assert!(text.contains(&line), "no {line:?} in {text}");
    }
    console.run("||0s; bp count_step; ||1s; bp count_step; ||2s; bp count_step");
    let mut seen = [0; 3];
    for _ in 0..60 {
        seen[hit(&mut console)] += 1;
        if seen.iter().all(|times| *times > 0) {
            break;
        }
    }
    assert!(seen.iter().all(|times| *times > 0), "hits by system: {seen:?}");

    servers[0].kill();
    console.expect("*** Process ");
    let text = console.run("||");
    assert!(!text.contains(servers[0].connection()), "{text}");
    let mut seen = [0; 3];
    for _ in 0..60 {
        seen[hit(&mut console)] += 1;
        if seen[0] > 0 && seen[2] > 0 {
            break;
        }
    }
    assert!(seen[0] > 0 && seen[1] == 0 && seen[2] > 0, "hits by system: {seen:?}");
    let ended = console.quit("q");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    for counter in &mut counters {
        assert_runs_clean(counter, "counter");
    }
}

#[test]
fn heavy_a_storm_of_a_thousand_children_is_followed_and_none_is_lost() {
    let server = DbgSrv::start();
    let path = programs::debuggee("family");
    let arguments = [
        "-premote",
        server.connection(),
        "-o",
        path.to_str().unwrap(),
        "storm",
        "1000",
        "16",
    ];
    let mut console = Console::start(arguments);
    console.run("sxn cpr; sxn exec; sxn epr");
    let text = console.run_until("g", Deadline::seconds(120));
    // Every tenth makes a grandchild.
    let started = text.matches("Create process, made by").count();
    let ended = text.matches("The process is gone").count();
    let end = &text[text.len().saturating_sub(2000)..];
    assert_eq!((started, ended), (1100, 1101), "{end}");
    assert!(text.contains("bad=0"), "{end}");
    let text = console.run("|");
    assert!(!text.contains("id: "), "{text}");
    let ended = console.quit("q");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

#[test]
fn an_abandoned_process_is_taken_over_by_another_session() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["1", "2000"]);
    let pid = counter.pid().to_string();
    let mut first = Console::start(["-premote", server.connection(), "-p", &pid]);
    let text = first.run(".abandon");
    assert!(
        text.contains("it stays stopped until a session takes it over"),
        "{text}"
    );
    let ended = first.quit("q");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let mut second = Console::start(["-premote", server.connection()]);
    let text = second.run(&format!(".attach -e {pid}"));
    assert!(text.contains("counter"), "{text}");
    let text = second.run("bp count_step; g");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    second.quit("qd");
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_process_that_is_only_looked_at_cannot_be_set_going() {
    let mut counter = Debuggee::start("counter", &["1", "2000"]);
    let pid = counter.pid().to_string();
    for option in ["-pv", "-pvr"] {
        let mut console = Console::start([option, "-p", &pid]);
        let text = console.run("| ; g");
        assert!(text.contains("observe"), "{option}: {text}");
        let wanted = "The debugger is not attached, so process execution cannot be monitored.";
        assert!(text.contains(wanted), "{option}: {text}");
        let ended = console.quit("q");
        assert!(ended.text.contains("Detached from process"), "{option}: {}", ended.text);
        assert_runs_clean(&mut counter, "counter");
    }
}

#[test]
fn a_server_that_others_use_ends_only_by_force() {
    let mut server = DbgSrv::start();
    let counter = Debuggee::start("counter", &["1", "2000"]);
    let mut other = Console::start(["-premote", server.connection(), "-p", &counter.pid().to_string()]);
    other.run(".echo there");
    let mut console = Console::start(["-premote", server.connection()]);
    let text = console.run(".endpsrv");
    assert!(text.contains("is in use"), "{text}");
    let text = console.run(".endpsrv /f");
    assert!(text.contains("The server on"), "{text}");
    server.wait(Deadline::usual());
    assert_eq!(console.quit("q").code, Some(1), "a line of its script has failed");
}

#[test]
fn children_are_followed_where_the_session_says_so() {
    let path = programs::debuggee("family");
    let mut console = Console::start([path.to_str().unwrap(), "exec", "1", "1"]);
    let text = console.run(".childdbg; .childdbg 1; bp step; g main; g; |");
    assert!(text.contains("will not be debugged"), "{text}");
    assert!(
        text.contains("Processes created by the current process will be debugged"),
        "{text}"
    );
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    // The program that a copy begins is where it begins for the user.
    console.run("bc *; sxn epr");
    let text = console.run("g; |; |#s; lm; |0 lm");
    assert!(text.contains("The process runs"), "{text}");
    assert_in_order(&text, &["   0\tid: ", "create", ".  1\tid: ", "child", "name: family"]);
    // Its maker has its own modules still.
    assert!(
        text.matches("ld_linux_x86_64").count() >= 2 && text.contains("libc"),
        "{text}"
    );
    let text = console.run("g");
    assert!(text.matches("The process is gone").count() == 2, "{text}");
    assert_eq!(console.quit("q").code, Some(0));
}
