//! Stripped programs with their symbols at the client only, C++, Rust and python3.

use std::path::Path;

use farsight_testkit::Deadline;
use farsight_testkit::{Console, DbgSrv, Debuggee, proc, programs};

use crate::support::{assert_in_order, assert_runs_clean, premote};

fn symbols_folder() -> String {
    // Beside the stripped programs, where only a debugger that is told of it looks.
    let stripped = programs::debuggee("counter-stripped");
    stripped.parent().unwrap().join("symbols").display().to_string()
}

fn console_on(server: &DbgSrv, debuggee: &Debuggee, options: &[&str]) -> Console {
    let pid = debuggee.pid().to_string();
    let options = options.iter().copied().chain(["-p", &pid]);
    let mut console = Console::start(premote(server.connection(), options));
    console.run(".echo attached");
    console
}

#[test]
fn a_stripped_program_has_the_names_of_the_clients_symbols() {
    let server = DbgSrv::start();
    let folder = symbols_folder();
    for name in ["counter-stripped", "counter-debuglink"] {
        let mut counter = Debuggee::start(name, &["3"]);
        let mut console = console_on(&server, &counter, &["-y", &folder]);
        let text = console.run("bp count_step; g");
        assert_in_order(&text, &["Breakpoint 0 hit", "!count_step"]);
        let text = console.run("k");
        assert_in_order(&text, &["!count_step", "!worker+0x"]);
        let text = console.run("da greeting");
        assert!(text.contains("greetings from read-only memory"), "{text}");
        assert_eq!(console.quit("qd").code, Some(0));
        assert_runs_clean(&mut counter, "counter");
    }
}

#[test]
fn a_stripped_program_without_symbols_still_unwinds() {
    let server = DbgSrv::start();
    let mut counter = Debuggee::start("counter-stripped", &["3"]);
    let at = counter.address("count_step");
    let mut console = console_on(&server, &counter, &[]);
    let text = console.run(&format!("bp {:x}; g", at.0));
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    let text = console.run("k");
    assert!(!text.contains("!worker"), "{text}");
    assert!(
        text.contains("libc!start_thread") || text.contains("libc!__libc_start"),
        "{text}"
    );
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn rust_names_are_readable() {
    let server = DbgSrv::start();
    let mut walker = Debuggee::start("walker", &[]);
    let mut console = console_on(&server, &walker, &[]);
    let text = console.run("x walker!*one_round*");
    assert!(text.contains("walker::one_round"), "{text}");
    let text = console.run("bp walker!walker::one_round; g");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    let text = console.run("k");
    assert_in_order(&text, &["walker::one_round", "libc!start_thread"]);
    assert!(!text.contains("_ZN"), "mangled names in {text}");
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(&mut walker, "ROUNDS_DONE");
}

#[test]
fn cpp_names_are_readable() {
    let server = DbgSrv::start();
    let mut shapes = Debuggee::start("shapes", &[]);
    let mut console = console_on(&server, &shapes, &[]);
    let text = console.run("bp shapes!geometry::Circle::area; g");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    let text = console.run("k");
    assert!(text.contains("geometry::Circle::area"), "{text}");
    assert_in_order(&text, &["one_round", "start_thread"]);
    assert!(!text.contains("_ZN"), "mangled names in {text}");
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(&mut shapes, "rounds_done");
}

#[test]
fn python_has_the_names_of_its_symbol_package() {
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        eprintln!("skipped: there is no {}", python.display());
        return;
    }
    let server = DbgSrv::start();
    let script = "import os\n\
                  print('ready', os.getpid(), flush=True)\n\
                  def spin(n):\n    return sum(i * i for i in range(n))\n\
                  while True: spin(1000)\n";
    let python = Debuggee::start_program(python, &["-c", script]);
    let mut console = console_on(&server, &python, &[]);
    let text = console.run("k");
    assert!(text.contains("main") && text.contains("libc!__libc_start"), "{text}");
    let text = console.run("bp _PyEval_EvalFrameDefault; g");
    assert!(text.contains("Breakpoint 0 hit"), "{text}");
    let text = console.run("k");
    assert_in_order(&text, &["_PyEval_EvalFrameDefault", "Py_RunMain", "libc!__libc_start"]);
    assert_eq!(console.quit("qd").code, Some(0));
    proc::assert_clean(python.pid().0, Deadline::usual());
}
