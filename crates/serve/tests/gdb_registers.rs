//! The same stops seen by gdb: registers and memory agree.
//!
//! A session stops the debuggee and reads it. Then, while all its threads are trapped, it is sent SIGSTOP and let go of: it
//! stops again before it runs a single instruction, and gdb attaches to the same process at the same stop.

// Helpers of tests are tests: a panic is how one fails, and what it prints shows when it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use farsight_target::*;
use farsight_testkit::conformance::{attach, break_in, detach, go, plan, read, registers, resume, step_plan, trap};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Output, Scratch, Session, proc, programs, wait_until};
use farsight_types::registers::{RegisterSets, amd64};
use farsight_types::{Address, OsPid};

/// Attaches, prints `NAME VALUE` for registers and the bytes at two addresses, detaches.
const SCRIPT: &str = r#"
import gdb
NAMES = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs fs_base gs_base orig_rax mxcsr".split()
class Look(gdb.Command):
    def __init__(self):
        super().__init__("look", gdb.COMMAND_USER)
    def invoke(self, arguments, from_tty):
        pid, *places = arguments.split()
        gdb.execute("attach " + pid, to_string=True)
        for name in NAMES + ["xmm%d.uint128" % number for number in range(16)]:
            print("look", name.split(".")[0], gdb.execute("p/x $" + name, to_string=True).split()[-1])
        for place in places:
            start, length = (int(part, 16) for part in place.split(":"))
            print("look", place, gdb.selected_inferior().read_memory(start, length).tobytes().hex())
        gdb.execute("detach", to_string=True)
        print("look", "end", flush=True)
Look()
"#;

struct Gdb {
    child: Child,
    input: ChildStdin,
    output: Output,
    _scratch: Scratch,
}

impl Gdb {
    fn start() -> Gdb {
        let scratch = Scratch::new();
        let script = scratch.path().join("look.py");
        std::fs::write(&script, SCRIPT).unwrap();
        let mut command = Command::new("gdb");
        command.args(["-q", "-nx", "-iex", "set debuginfod enabled off"]);
        for setting in ["pagination off", "confirm off", "auto-solib-add off", "width 0"] {
            command.args(["-ex", &format!("set {setting}")]);
        }
        let mut child = command
            .arg("-x")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gdb");
        Gdb {
            input: child.stdin.take().unwrap(),
            output: Output::of("gdb", child.stdout.take().unwrap()),
            child,
            _scratch: scratch,
        }
    }

    fn look(&mut self, process: OsPid, places: &[(Address, u64)]) -> BTreeMap<String, String> {
        let places: Vec<String> = places
            .iter()
            .map(|(start, length)| format!("{:x}:{length:x}", start.0))
            .collect();
        writeln!(self.input, "look {process} {}", places.join(" ")).unwrap();
        let text = self.output.expect("look end", Deadline::seconds(60));
        let words = text.lines().filter_map(|line| {
            let line = line.trim_start_matches("(gdb) ");
            let (name, value) = line.strip_prefix("look ")?.split_once(' ')?;
            Some((name.to_owned(), value.trim_start_matches("0x").to_owned()))
        });
        words.collect()
    }
}

impl Drop for Gdb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the services say, in the words of gdb.
fn look(session: &mut Session, stop: &Stop, places: &[(Address, u64)]) -> BTreeMap<String, String> {
    let request = RegistersRequest {
        process: stop.process,
        threads: vec![stop.thread],
        sets: RegisterSets {
            debug: false,
            vector: true,
        },
    };
    let reply = session.look().registers(request).expect("registers").registers;
    let now = reply[0].clone().expect("a thread");
    assert_eq!(now.general, registers(stop).general, "asked for and told with the stop");
    let mut seen = BTreeMap::new();
    for (name, value) in amd64::GENERAL.iter().zip(&now.general) {
        let name = if *name == "efl" { "eflags" } else { name };
        seen.insert(name.to_owned(), format!("{value:x}"));
    }
    // The legacy region of the XSAVE area: mxcsr at 24, sixteen registers of 16 bytes from 160 on.
    let area = &now.vector;
    let mxcsr = u32::from_le_bytes(*area[24..].first_chunk().unwrap());
    seen.insert("mxcsr".into(), format!("{mxcsr:x}"));
    for number in 0..16 {
        let value = u128::from_le_bytes(*area[160 + 16 * number..].first_chunk().unwrap());
        seen.insert(format!("xmm{number}"), format!("{value:x}"));
    }
    for (start, length) in places {
        let bytes = read(session, stop.process, *start, *length);
        assert_eq!(bytes.len() as u64, *length);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        seen.insert(format!("{:x}:{length:x}", start.0), hex);
    }
    seen
}

/// The way to one more stop.
fn next_stop(session: &mut Session, process: OsPid, first: &Stop, at: Address, number: u64) -> Stop {
    let step = |step| step_plan(first.thread, step, Vec::new());
    match number % 4 {
        0 => {
            resume(session, plan(Vec::new()));
            break_in(session)
        }
        1 => go(session, plan(vec![trap(1, process, at)])),
        2 => go(
            session,
            step(StepPlan::Into {
                count: 1 + number * 37 % 101,
            }),
        ),
        _ => go(
            session,
            step(StepPlan::Over {
                count: 1 + number * 13 % 47,
            }),
        ),
    }
}

#[test]
fn slow_registers_and_memory_are_those_of_gdb() {
    const STOPS: u64 = 100;
    const SOME: u64 = 4096;
    if !programs::has_peer("gdb") {
        return;
    }
    let mut gdb = Gdb::start();
    let server = DbgSrv::start();
    let mut session = server.connect();
    let mut deep = Debuggee::start("deep", &["80", "20"]);
    let (process, at) = (deep.pid(), deep.address("leaf"));
    let mut places = std::collections::BTreeSet::new();
    let mut different = Vec::new();
    for number in 0..STOPS {
        let first = attach(&mut session, process);
        let stop = next_stop(&mut session, process, &first, at, number);
        let shown = registers(&stop);
        places.insert(shown.pc());
        let data = session.look().regions(ProcessRef { process }).expect("regions").regions;
        let data = data.iter().find(|region| region.write).expect("data").range.start;
        let wanted = [(shown.sp(), SOME), (data, SOME), (shown.pc(), 64)];
        let ours = look(&mut session, &stop, &wanted);
        proc::signal(process.0, "STOP");
        detach(&mut session, process);
        wait_until("it stands where it was let go of", Deadline::usual(), || {
            proc::tracer(process.0) == 0 && proc::state(process.0) == Some('T')
        });
        let theirs = gdb.look(process, &wanted);
        assert_eq!(theirs.len(), ours.len(), "{theirs:?}");
        for (name, value) in &ours {
            if theirs.get(name) != Some(value) {
                different.push(format!(
                    "stop {number} ({:?}), {name}: {value}, gdb has {:?}",
                    stop.cause,
                    theirs.get(name)
                ));
            }
        }
        proc::signal(process.0, "CONT");
    }
    assert!(places.len() > 20, "only {} places", places.len());
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n")
    );
}
