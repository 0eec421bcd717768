//! One session over several machines, and over many processes of one.

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, programs};

use crate::support::assert_runs_clean;

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
