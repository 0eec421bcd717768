//! Signals, modules and threads by the user's filters, and watched data, on real processes.

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, programs, wait_until};

use crate::support::{assert_in_order, attached, premote};

/// A smart client that has launched a debuggee and rests.
fn launched(server: &DbgSrv, options: &[&str], program: &str, arguments: &[&str]) -> Console {
    let path = programs::debuggee(program);
    let words = options.iter().copied().chain([path.to_str().unwrap()]);
    let mut console = Console::start(premote(server.connection(), words.chain(arguments.iter().copied())));
    console.run(".echo launched");
    console
}

#[test]
fn a_fault_has_a_first_and_a_second_chance() {
    let server = DbgSrv::start();
    let mut console = launched(&server, &[], "faults", &["segv"]);
    let text = console.run("g");
    assert_in_order(
        &text,
        &[
            "Segmentation fault - SIGSEGV (11)",
            "(first chance)",
            "faults!raise_segv",
        ],
    );
    let text = console.run(".exr -1; .ecxr; .lastevent");
    assert_in_order(
        &text,
        &[
            "faults!raise_segv",
            "SEGV_MAPERR",
            "Attempt to access address 00000000`00000000",
            "rip=",
            "SIGSEGV",
        ],
    );
    // Handled: the instruction is carried out again, and faults again.
    assert!(console.run("gh").contains("(first chance)"));
    let text = console.run("gn");
    assert_in_order(&text, &["SIGSEGV", "!!! second chance !!!"]);
    let text = console.run("gn; .eventlog");
    assert_in_order(&text, &["The process is gone, by signal SIGSEGV"]);
    console.quit("q");
}

#[test]
fn commands_of_both_chances_run_and_the_first_may_vote() {
    let server = DbgSrv::start();
    let mut console = launched(&server, &["-xd", "av"], "faults", &["fpe"]);
    let text = console.run("sxe -c \".echo one; gn\" -c2 \".echo two\" dz; g");
    assert_in_order(&text, &["one", "two", "!!! second chance !!!"]);
    assert!(!text.contains("First chance exceptions"), "{text}");
    console.quit("q");
    // The option makes the first chance of a fault only told.
    let mut console = launched(&server, &["-x"], "faults", &["segv"]);
    let text = console.run("g");
    assert_in_order(&text, &["(first chance)", "!!! second chance !!!"]);
    console.quit("q");
}

#[test]
fn ignored_signals_make_no_stop_and_handled_ones_never_arrive() {
    let server = DbgSrv::start();
    let mut faults = Debuggee::start("faults", &["usr1"]);
    let mut console = attached(server.connection(), &faults);
    console.run("sxi usr1");
    let before = faults.number("handled");
    console.send("g");
    wait_until("signals are handled", Deadline::usual(), || {
        faults.number("handled") > before + 50
    });
    console.interrupt();
    let text = console.run(".eventlog");
    assert!(text.contains("Break-in") && !text.contains("SIGUSR1"), "{text}");

    console.run("sxe -h usr1");
    let (sent, handled) = (faults.number("sent"), faults.number("handled"));
    console.send("g");
    wait_until("signals are sent", Deadline::usual(), || {
        faults.number("sent") > sent + 50
    });
    console.interrupt();
    console.run(".echo");
    // One may have been on its way.
    assert!(faults.number("handled") <= handled + 1, "{handled}");
    console.run("sxn usr1; sxi -h usr1");
    console.send("g");
    console.expect("SIGUSR1");
    console.interrupt();
    console.run(".echo");
    console.run("sxe usr1");
    assert_in_order(
        &console.run("g"),
        &["User-defined signal 1 - SIGUSR1 (10)", "(first chance)"],
    );
    console.quit("qd");
}

#[test]
fn modules_stop_the_target_by_their_names() {
    let server = DbgSrv::start();
    let mut loader = Debuggee::start("loader", &[]);
    let mut console = attached(server.connection(), &loader);
    console.run("sxe ld:zebra*; sxe ld:plug*");
    console.send("g; .echo first");
    loader.send("load");
    console.expect("plugin.so");
    console.expect("first");
    console.run("bp plugin!plugin_work; bu plugin!plugin_work+1; sxi ld; sxe -c \".echo went\" ud:plugin.so");
    console.send("g; .echo second");
    loader.send("unload");
    console.expect("went");
    let text = console.expect("second");
    assert!(text.contains("Unload module") && text.contains("plugin.so"), "{text}");
    let text = console.run("bl");
    assert_in_order(&text, &["1 eu", "(plugin!plugin_work+1)"]);
    assert!(!text.contains(" 0 e"), "{text}");
    console.send("sxi ud; g; .echo third");
    loader.send("load");
    loader.send("call");
    console.expect("Breakpoint 1 hit");
    console.expect("third");
    console.quit("qd");
}

#[test]
fn output_of_a_program_stops_it() {
    let server = DbgSrv::start();
    let mut console = launched(&server, &["-xe", "out:ready *"], "counter", &["2"]);
    let text = console.run("g; .eventlog");
    assert_in_order(&text, &["Debuggee output: ready ", "Event "]);
    let text = console.run("sxe -c \".echo heard; gc\" out; bp count_step; g");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    console.quit("q");
}

#[test]
fn threads_that_start_and_end_are_told_or_stop() {
    let server = DbgSrv::start();
    let mut threads = Debuggee::start("threads", &["churn", "4"]);
    let mut console = attached(server.connection(), &threads);
    console.run("sxe ct");
    for _ in 0..3 {
        assert!(console.run("g").contains("Create thread"));
    }
    console.run("sxi ct; sxe et");
    assert!(console.run("g").contains("Exit thread"));
    console.run("sxn ct; sxi et");
    console.send("g");
    console.expect("Create thread");
    console.interrupt();
    console.run(".echo");
    console.run("sxi ct");
    let born = threads.number("born");
    console.send("g");
    wait_until("threads are born", Deadline::usual(), || {
        threads.number("born") > born + 20
    });
    console.interrupt();
    console.run(".echo");
    console.quit("qd");
}

#[test]
fn children_stop_where_they_begin_and_count_as_their_parents() {
    let server = DbgSrv::start();
    let mut console = launched(&server, &["-o"], "forker", &["fork", "20", "0"]);
    let text = console.run("bp child_step 0n10000; sxe cpr; g; |");
    assert_eq!(text.matches("Create process").count(), 1, "{text}");
    assert!(text.contains("child"), "{text}");
    // Each child makes 42 steps.
    let text = console.run("sxi cpr; g; bl");
    let left = format!("{:04x} (2710)", 10_000 - 20 * 42);
    assert_in_order(&text, &["Exit process, code 0", &left]);
    console.quit("q");

    let mut console = launched(&server, &["-o"], "family", &["exec", "1", "1"]);
    let text = console.run("g; |; .lastevent");
    assert_in_order(&text, &["runs", "family now", "child", "Last event"]);
    let text = console.run("bp family!step; g; k 2");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    console.quit("q");
}

#[test]
fn suspended_threads_stay() {
    let server = DbgSrv::start();
    let counter = Debuggee::start("counter", &["2"]);
    let mut console = attached(server.connection(), &counter);
    let text = console.run("~0n; ~0n; ~0m; ~; ~0");
    assert_in_order(&text, &["Suspend: 1", "Start: ", "State: "]);
    let text = console.run("~0m; ~");
    assert!(!text.contains("Suspend"), "{text}");
    console.quit("qd");
}

/// Writes that `watched` makes to `shared`: 8 threads, and one before them.
const WRITES: u64 = 8 * 12_500;

#[test]
fn heavy_eight_threads_write_to_watched_data_and_none_is_missed() {
    let server = DbgSrv::start();
    let mut watched = Debuggee::start("watched", &["8", "12500"]);
    let mut console = attached(server.connection(), &watched);
    let total = WRITES + 1;
    console.run(&format!(
        "ba w8 shared 0n{total} \".echo due\"; ba w4 shared 0n{}; r $t0 = shared",
        total + 7
    ));
    watched.send("");
    let text = console.run_until("g", Deadline::seconds(300));
    assert_in_order(&text, &["due", "Breakpoint 0 hit"]);
    // Its own count comes behind the write.
    assert_eq!(watched.number("written"), WRITES - 1);
    let text = console.run("bl; ~#");
    assert_in_order(&text, &["w 8 0001", "w 4 0007"]);
    let text = console.run("bc *; g");
    assert!(text.contains("Exit process, code 0"), "{text}");
    assert_eq!(watched.number("written"), WRITES);
    console.quit("q");
}
