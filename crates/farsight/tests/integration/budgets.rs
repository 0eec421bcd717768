//! The round trips that actions may cost, counted at a proxy on a link of 50 milliseconds, and the time they take.

use std::time::{Duration, Instant};

use farsight_testkit::{Console, Counts, DbgSrv, Debuggee, Proxy, ProxyPlan, programs};

use crate::support::premote;

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Time limits are for the best of so many runs: the machine does other work as well.
const RUNS: usize = 3;

/// What one run of an action cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    counts: Counts,
    time: Duration,
}

/// Measures an action over the slow link and over a fast one, and holds it to its budget.
#[track_caller]
fn assert_within(budget: u64, mut action: impl FnMut(ProxyPlan) -> Cost) {
    let near: Vec<Cost> = (0..RUNS).map(|_| action(ProxyPlan::default())).collect();
    let local = near.iter().map(|cost| cost.time).max().unwrap();
    let far: Vec<Cost> = (0..RUNS).map(|_| action(ProxyPlan::far_away())).collect();
    for cost in &far {
        let trips = cost.counts.round_trips();
        assert!(trips <= budget, "{trips} round trips, the budget is {budget}: {cost:?}");
        let requests = cost.counts.requests;
        assert!(
            requests <= 4 * budget,
            "{requests} requests, allowed are {}: {cost:?}",
            4 * budget
        );
    }
    let best = far.iter().map(|cost| cost.time).min().unwrap();
    let limit = ROUND_TRIP * (budget as u32 + 1) + local;
    assert!(
        best <= limit,
        "{best:?}, allowed are {limit:?} of which {local:?} are local work"
    );
}

/// A command in a session that has been prepared.
fn command(plan: ProxyPlan, arguments: &[&str], prepare: &[&str], line: &str, wanted: &str) -> Cost {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), plan);
    let mut console = Console::start(premote(&proxy.connection(), arguments.iter().copied()));
    for line in prepare {
        console.run(line);
    }
    proxy.take_counts();
    let start = Instant::now();
    let text = console.run(line);
    let time = start.elapsed();
    let counts = proxy.take_counts();
    assert!(text.contains(wanted), "no {wanted:?} in {text}");
    // Whoever pauses between its sessions must not leave the debuggee stopped for the next.
    console.quit("qd");
    Cost { counts, time }
}

/// From the start of the program to the end of the first commands.
fn start(plan: ProxyPlan, arguments: &[&str], line: &str, wanted: &str) -> Cost {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), plan);
    let start = Instant::now();
    let mut console = Console::start(premote(&proxy.connection(), arguments.iter().copied()));
    let text = console.run(line);
    let time = start.elapsed();
    let counts = proxy.take_counts();
    assert!(text.contains(wanted), "no {wanted:?} in {text}");
    console.quit("qd");
    Cost { counts, time }
}

#[test]
fn heavy_attach_to_fifty_threads_and_first_backtrace_cost_three() {
    let threads = Debuggee::start("threads", &["49"]);
    let pid = threads.pid().to_string();
    assert_within(3, |plan| start(plan, &["-p", &pid], "k", "threads!main"));
}

#[test]
fn heavy_launch_to_main_costs_three() {
    let hello = programs::debuggee("hello");
    let hello = hello.to_str().unwrap();
    assert_within(3, |plan| start(plan, &[hello], "bp main; g", "Breakpoint 0 hit"));
}

#[test]
fn heavy_a_stop_with_thirty_frames_costs_one() {
    let deep = Debuggee::start("deep", &["30"]);
    let pid = deep.pid().to_string();
    let prepare = ["bp leaf; g", "k"];
    assert_within(1, |plan| {
        command(plan, &["-p", &pid], &prepare, "g; k 0n40", "deep!main")
    });
}

#[test]
fn heavy_a_stop_with_thirty_frames_and_all_locals_costs_one() {
    let deep = Debuggee::start("deep", &["30"]);
    let pid = deep.pid().to_string();
    let prepare = ["bp leaf; g", "k; dv; kp"];
    for (line, wanted) in [
        ("g; k 0n40; .frame 0n30; dv; .frame 0n31; dv", "depth = 0n"),
        ("g; dv; kp 0n40; !for_each_frame dv", "argc = 0n"),
    ] {
        assert_within(1, |plan| command(plan, &["-p", &pid], &prepare, line, wanted));
    }
}

#[test]
fn heavy_locals_cost_one_more_for_a_level_of_pointers() {
    let program = programs::debuggee("tour-cpp");
    let program = program.to_str().unwrap();
    let prepare = ["bp `tour.cpp:39`; g", "k; dv; .frame 1; dv", "bc *; bp `tour.cpp:40`"];
    assert_within(2, |plan| command(plan, &[program], &prepare, "g; k; dv", "order = 0x"));
}

#[test]
fn heavy_all_locals_of_thirty_frames_cost_one_more_for_a_level_of_pointers() {
    let laden = Debuggee::start("laden", &["30"]);
    let pid = laden.pid().to_string();
    let prepare = ["bp leaf; g", "k 0n40; !for_each_frame dv"];
    for (line, budget) in [
        ("g; k 0n40; !for_each_frame dv", 2),
        // What is not asked for costs nothing.
        ("g; !for_each_frame dv depth", 1),
    ] {
        assert_within(budget, |plan| {
            command(plan, &["-p", &pid], &prepare, line, "depth = 0n30")
        });
    }
}

#[test]
fn heavy_steps_cost_one_each_with_their_counts() {
    let deep = Debuggee::start("deep", &["5"]);
    let pid = deep.pid().to_string();
    for line in ["p", "t", "p 5", "t 3", "gu", "th", "th 2", "wt"] {
        let prepare = ["bp leaf; g", "bc *"];
        assert_within(1, |plan| command(plan, &["-p", &pid], &prepare, line, "deep!"));
    }
}

#[test]
fn heavy_steps_of_source_lines_cost_one_each_with_their_counts() {
    let calls = Debuggee::start("calls", &["1", "1000", "forever"]);
    let pid = calls.pid().to_string();
    for (line, at) in [("p", "21"), ("p 5", "21"), ("t", "15"), ("t 4", "22")] {
        let prepare = ["l+t; l-s", "bp `calls.c:22`; g", "bc *"];
        let wanted = format!("calls.c({at})");
        assert_within(1, |plan| command(plan, &["-p", &pid], &prepare, line, &wanted));
    }
}

#[test]
fn heavy_backtraces_of_two_hundred_threads_cost_two() {
    let threads = Debuggee::start("threads", &["199"]);
    let pid = threads.pid().to_string();
    assert_within(2, |plan| {
        command(plan, &["-p", &pid], &["k"], "~*k", "threads!wait_at_bottom")
    });
}

#[test]
fn heavy_a_thousand_breakpoints_and_going_cost_one() {
    let deep = Debuggee::start("deep", &["5"]);
    let pid = deep.pid().to_string();
    // All in one function of libc that the debuggee does not call while it sleeps; then one that it does.
    let mut lines: Vec<String> = (0..20)
        .map(|row| {
            let breakpoints = (0..50).map(|column| format!("bp printf+{:x}", row * 50 + column + 0x1000));
            breakpoints.collect::<Vec<_>>().join("; ")
        })
        .collect();
    lines.push("bp leaf".into());
    let mut prepare: Vec<&str> = vec!["k"];
    prepare.extend(lines.iter().map(String::as_str));
    assert_within(1, |plan| command(plan, &["-p", &pid], &prepare, "g", "hit"));
}

#[test]
fn heavy_a_search_costs_one() {
    let mut search = Debuggee::start("search", &["64"]);
    let line = search.output().line(farsight_testkit::Deadline::usual()).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let (start, size) = (words[1].trim_start_matches("0x"), words[2].trim_start_matches("0x"));
    let pid = search.pid().to_string();
    let line = format!("s -a {start} L?{size} \"FARSIGHT-NEEDLE!\"");
    assert_within(1, |plan| command(plan, &["-p", &pid], &["k"], &line, "FARSIGHT-NEEDLE"));
}

#[test]
fn heavy_a_breakpoint_that_passes_costs_nothing() {
    let deep = Debuggee::start("deep", &["5", "100"]);
    let pid = deep.pid().to_string();
    let prepare = ["bp leaf 0n500"];
    assert_within(1, |plan| command(plan, &["-p", &pid], &prepare, "g", "hit"));
}

/// Commands, each with the round trips that it may cost and a text that it shows.
type Costs = &'static [(&'static str, u64, &'static str)];

#[test]
fn heavy_containers_cost_one_and_one_more_for_each_level_of_pointers() {
    // The objects' own bytes came with the stop; then what they point to, and what that does.
    let cases: &[(&str, u32, Costs)] = &[
        (
            "cxxvalues_o0",
            16,
            &[
                ("dv", 1, "{ size=301 }"),
                ("dx numbers", 1, "[4]"),
                ("dx -r2 words", 2, "a word that does not fit in place"),
                ("dx -r2 rows", 2, "{ size=2 }"),
                ("dx list", 2, "[2]              : 30"),
                ("dx deque", 2, "201 more"),
            ],
        ),
        (
            "cxxvalues_o0",
            17,
            &[
                ("dv", 1, "(\"bob\", 41)"),
                ("dx ages", 2, "[\"cyd\"]"),
                ("dx -r2 set", 2, "[4]"),
                ("dx names", 2, "[3]"),
            ],
        ),
        (
            "rustvalues_o0",
            11,
            &[
                ("dv", 1, "{ size=40 }"),
                ("dx ring", 1, "[6]              : 102"),
                ("dx tree", 2, "\"three\""),
                ("dx big", 2, "[39]"),
                ("dx -r2 map", 2, "[\"two\"]"),
                ("dx words", 2, "\"bc\""),
            ],
        ),
    ];
    for (program, number, cases) in cases {
        let path = programs::debuggee(program);
        let path = path.to_str().unwrap();
        let server = DbgSrv::start();
        let proxy = Proxy::start(server.address(), ProxyPlan::default());
        let mut console = Console::start(premote(&proxy.connection(), [path]));
        console.run(&format!(
            "bp stop_here \".if (@edi != 0n{number}) {{gc}}\"; g; .frame 1; dv"
        ));
        for (line, budget, wanted) in *cases {
            // After a step nothing is known any more of memory; what types are is.
            console.run(line);
            console.run("p; .frame 1");
            proxy.take_counts();
            let text = console.run(line);
            let trips = proxy.take_counts().round_trips();
            assert!(text.contains(wanted), "no {wanted:?} in {text}");
            assert!(trips <= *budget, "'{line}' costs {trips}, the budget is {budget}");
        }
        console.quit("q");
    }
}

#[test]
fn heavy_lists_cost_one_for_each_page_that_has_a_link() {
    let path = programs::debuggee("units");
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    let mut console = Console::start(premote(&proxy.connection(), [path.to_str().unwrap()]));
    console.run("bp stop_here; g; dt parcel @@c++(&first_parcel) -l next");
    console.run("g");
    proxy.take_counts();
    let text = console.run("dt parcel weight @@c++(&first_parcel) -l next");
    let trips = proxy.take_counts().round_trips();
    assert!(text.contains("0n10") && text.contains("0n20"), "{text}");
    assert!(trips <= 1, "{trips} round trips: {text}");
    console.quit("q");
}
