//! The main job: attach and launch through a server, look, change, step, go on, break in, let go.

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, Scratch, proc, programs, wait_until};

use crate::support::{assert_in_order, assert_runs_clean, attached, premote};

/// Everything that is done to an attached `counter`, whoever serves it.
fn walk_through(mut console: Console, mut counter: Debuggee) {
    let text = console.run("bp count_step; bl");
    assert_in_order(&text, &["0 e", "counter!count_step"]);
    let text = console.run("g");
    assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step", "push    rbp"]);

    let text = console.run("k");
    assert_in_order(&text, &["Child-SP", "counter!count_step", "counter!worker+0x"]);
    assert!(
        text.contains("libc!start_thread") || text.contains("counter!main"),
        "{text}"
    );
    let text = console.run("r");
    assert_in_order(&text, &["rax=", "rip=", "efl="]);
    let text = console.run("~");
    assert_eq!(text.matches("Id: ").count(), 4, "{text}");
    let text = console.run("lm");
    for module in ["counter", "libc", "vdso"] {
        assert!(text.contains(module), "no {module} in {text}");
    }

    let text = console.run("da greeting");
    assert!(text.contains("greetings from read-only memory"), "{text}");
    console.run("eb buffer 46 61 72 00");
    let buffer = counter.address("buffer");
    assert_eq!(proc::read_memory(counter.pid().0, buffer, 4), b"Far\0");
    let text = console.run("da buffer");
    assert!(text.contains("\"Far\""), "{text}");
    let text = console.run("? poi(counter)");
    let value = counter.number("counter");
    assert!(text.contains(&format!("{value} = ")), "no {value} in {text}");
    console.run("r r10=1122334455667788");
    let text = console.run("r r10");
    assert!(text.contains("r10=1122334455667788"), "{text}");

    // Other threads come by while one steps.
    console.run("bc *");
    let text = console.run("t");
    assert!(text.contains("counter!count_step+0x1"), "{text}");
    let text = console.run("p");
    assert!(text.contains("counter!count_step+0x4"), "{text}");
    let text = console.run("gu");
    assert!(text.contains("counter!worker+0x"), "{text}");
    let text = console.run("u count_step l2");
    assert_in_order(&text, &["push    rbp", "mov     rbp,rsp"]);

    let address = counter.address("counter");
    console.send("g");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    console.interrupt();
    let text = console.run(".lastevent");
    assert!(text.contains(&format!("{}.", counter.pid())), "{text}");
    let before = counter.number("counter");
    assert_eq!(counter.number("counter"), before);

    let ended = console.quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn attaches_by_pid_through_a_server() {
    let server = DbgSrv::start();
    let counter = Debuggee::start("counter", &["4"]);
    walk_through(attached(server.connection(), &counter), counter);
}

#[test]
fn attaches_by_pid_through_a_pipe() {
    let server = DbgSrv::start_on_pipe();
    let counter = Debuggee::start("counter", &["4"]);
    walk_through(attached(server.connection(), &counter), counter);
}

#[test]
fn attaches_on_this_machine_with_the_same_engine() {
    let counter = Debuggee::start("counter", &["4"]);
    let mut console = Console::start(["-p", &counter.pid().to_string()]);
    console.run(".echo attached");
    walk_through(console, counter);
}

#[test]
fn attaches_by_name_and_lets_go_at_the_end_of_input() {
    let server = DbgSrv::start();
    let scratch = Scratch::new();
    let path = scratch.copy_of(&programs::debuggee("counter"));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut counter = Debuggee::start_program(&path, &["3"]);
    let mut console = Console::start(premote(server.connection(), ["-pn", &name]));
    let text = console.run("~");
    assert_eq!(text.matches("Id: ").count(), 3, "{text}");
    let ended = console.finish();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
}

fn launches(connection: Option<&str>) {
    let hello = programs::debuggee("hello");
    let hello = hello.to_str().unwrap();
    let arguments = [hello, "first", "code", "7"];
    let mut console = match connection {
        Some(connection) => Console::start(premote(connection, arguments)),
        None => Console::start(arguments),
    };
    let text = console.run("bp main; g");
    assert_in_order(&text, &["Breakpoint 0 hit", "hello!main"]);
    assert!(!console.output().text().contains("out: hello"));
    let text = console.run("k");
    assert_in_order(&text, &["hello!main", "libc!"]);
    console.run("g");
    console.run("g");
    let ended = console.quit("q");
    assert_in_order(&ended.text, &["arg 1=first", "out: hello"]);
    assert!(ended.text.contains("err: hello"), "{}", ended.text);
}

#[test]
fn launches_through_a_server_and_runs_to_exit() {
    let server = DbgSrv::start();
    launches(Some(server.connection()));
}

#[test]
fn launches_on_this_machine_and_runs_to_exit() {
    launches(None);
}

#[test]
fn quitting_kills_what_was_launched_and_runs_on_what_was_attached_to() {
    let server = DbgSrv::start();
    let counter = programs::debuggee("counter");
    let mut console = Console::start(premote(server.connection(), [counter.to_str().unwrap(), "2"]));
    console.run(".echo launched");
    let [session] = server.sessions()[..] else {
        panic!("one session")
    };
    let wait_for_child = || {
        proc::processes()
            .into_iter()
            .find(|pid| proc::parent(*pid) == Some(session))
    };
    let launched = wait_for_child();
    let ended = console.quit("q");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    if let Some(launched) = launched {
        wait_until("the launched one is gone", Deadline::usual(), || !proc::alive(launched));
    }
    wait_until("the session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });

    let mut counter = Debuggee::start("counter", &["2"]);
    let ended = attached(server.connection(), &counter).quit("q");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn commands_of_the_command_line_run_first_and_suspend_at_g() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter", &["2"]);
    let pid = counter.pid().to_string();
    let commands = "bp count_step; g; .echo stopped; k; bc *; .detach";
    let console = Console::start(premote(server.connection(), ["-p", &pid, "-c", commands]));
    let ended = console.finish();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_in_order(&ended.text, &["Breakpoint 0 hit", "stopped", "counter!worker"]);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn a_failed_command_shows_in_the_exit_code() {
    let server = DbgSrv::start();
    let counter = Debuggee::start("counter", &["2"]);
    let mut console = attached(server.connection(), &counter);
    console.run("bp no_such_function_anywhere_at_all; .no_such_command");
    let ended = console.quit("qd");
    assert_eq!(ended.code, Some(1), "{}", ended.text);
}

#[test]
fn breaks_in_to_a_program_blocked_in_the_kernel_and_to_a_busy_one() {
    let server = DbgSrv::start();
    for (name, counter) in [("blocked", None), ("spin", Some("spins"))] {
        let mut debuggee = Debuggee::start(name, &[]);
        let mut console = attached(server.connection(), &debuggee);
        for _ in 0..3 {
            console.send("g");
            let pid = debuggee.pid().0;
            wait_until("it runs", Deadline::usual(), || !matches!(proc::state(pid), Some('t')));
            console.interrupt();
            let text = console.run("~*k");
            assert!(text.contains("Child-SP"), "{text}");
        }
        let ended = console.quit("qd");
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        proc::assert_clean(debuggee.pid().0, Deadline::usual());
        if let Some(counter) = counter {
            assert_runs_clean(&mut debuggee, counter);
        } else {
            debuggee.send("");
            debuggee.output().expect("disturbed=0\n", Deadline::usual());
        }
    }
}

#[test]
fn conditions_of_time_and_place_pass_counts_and_one_thread() {
    let server = DbgSrv::start();
    let mut calls = Debuggee::start("calls", &["8", "500"]);
    let mut console = attached(server.connection(), &calls);
    // 0n makes the count decimal whatever the radix is.
    console.run("bp counted 0n3000");
    console.send("g");
    calls.send("");
    console.expect("Breakpoint 0 hit");
    console.run(".echo stopped");
    let total = calls.number("total");
    assert!((2992..3000).contains(&total), "{total}");
    let text = console.run("bl");
    assert!(text.contains("counted"), "{text}");
    console.run("bc *");
    let ended = console.quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    calls.output().expect("calls=4000\n", Deadline::usual());
}

#[test]
fn an_unhandled_fault_is_shown_twice_and_then_the_end() {
    let server = DbgSrv::start();
    let mut faults = Debuggee::start("faults", &["segv", "wait"]);
    let mut console = attached(server.connection(), &faults);
    console.send("g");
    faults.send("");
    console.expect("first chance");
    let text = console.run("k");
    assert_in_order(&text, &["faults!raise_segv", "faults!main"]);
    let text = console.run("gn");
    assert!(text.to_lowercase().contains("second chance"), "{text}");
    console.run("g");
    let ended = console.quit("q");
    assert!(!ended.text.contains("panicked"), "{}", ended.text);
}
