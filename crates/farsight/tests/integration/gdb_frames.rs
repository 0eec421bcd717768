//! The same stops seen by gdb: physical frames (program counter and canonical frame address) agree.
//!
//! The debuggee is stopped with SIGSTOP, so that it is in the same place when one debugger after the other looks. One
//! `farsight` and one gdb stay for the whole test and attach anew each time.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, Output, Scratch, proc, programs, wait_until};

use crate::support::premote;

/// Attaches, prints `frame SP PC` for each physical frame of each thread behind `thread TID`, detaches.
const SCRIPT: &str = r#"
import gdb
class Frames(gdb.Command):
    def __init__(self):
        super().__init__("frames", gdb.COMMAND_USER)
    def invoke(self, pid, from_tty):
        gdb.execute("attach " + pid, to_string=True)
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.ptid[1]):
            thread.switch()
            print("thread", thread.ptid[1])
            frame = gdb.newest_frame()
            while frame is not None:
                if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                    sp = int(frame.read_register("rsp")) & 0xffffffffffffffff
                    print("frame %x %x" % (sp, frame.pc()))
                try:
                    frame = frame.older()
                except gdb.error:
                    frame = None
        gdb.execute("detach", to_string=True)
        print("frames", "end", flush=True)
Frames()
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
        let script = scratch.path().join("frames.py");
        std::fs::write(&script, SCRIPT).unwrap();
        let mut child = Command::new("gdb")
            .args([
                "-q",
                "-nx",
                "-iex",
                "set debuginfod enabled off",
                "-ex",
                "set pagination off",
                "-ex",
            ])
            .args([
                "set confirm off",
                "-ex",
                "set backtrace past-main on",
                "-ex",
                "set backtrace past-entry off",
            ])
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

    fn frames(&mut self, pid: u32) -> Vec<Frame> {
        writeln!(self.input, "frames {pid}").unwrap();
        let text = self.output.expect("frames end", Deadline::seconds(60));
        let mut frames = Vec::new();
        let (mut thread, mut level) = (0, 0);
        for line in text.lines() {
            let line = line.trim_start_matches("(gdb) ");
            if let Some(tid) = line.strip_prefix("thread ") {
                (thread, level) = (tid.trim().parse().unwrap(), 0);
            } else if let Some((sp, pc)) = line.strip_prefix("frame ").and_then(|rest| rest.split_once(' ')) {
                let (sp, pc) = (hex(sp), hex(pc.trim()));
                frames.push(Frame { thread, level, sp, pc });
                level += 1;
            }
        }
        frames
    }
}

impl Drop for Gdb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stack pointer says what a canonical frame address says: the address of one frame is the stack pointer of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Frame {
    thread: u32,
    level: usize,
    sp: u64,
    pc: u64,
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(&text.replace('`', ""), 16).unwrap_or_else(|_| panic!("'{text}' is no number"))
}

/// Reads what `~*k` and `~*r rip` print.
fn farsight_frames(console: &mut Console) -> (Vec<Frame>, String) {
    let stacks = console.run("~*k 0n200");
    let pcs = console.run("~*r rip");
    let mut threads = Vec::new();
    for line in stacks.lines() {
        if let Some((_, rest)) = line.split_once("Id: ") {
            let tid = rest.split(['.', ' ']).nth(1).and_then(|tid| tid.parse::<u32>().ok());
            threads.push((tid.unwrap_or_else(|| panic!("no thread id in {line:?}")), Vec::new()));
        }
        let mut words = line.split_whitespace();
        let (Some(sp), Some(back)) = (words.next(), words.next()) else {
            continue;
        };
        if sp.len() == 17 && sp.contains('`') && back.contains('`') {
            threads
                .last_mut()
                .expect("a thread's heading")
                .1
                .push((hex(sp), hex(back)));
        }
    }
    let pcs: Vec<u64> = pcs.split("rip=").skip(1).map(|rest| hex(&rest[..16])).collect();
    assert_eq!(pcs.len(), threads.len(), "a pc for each thread");
    let mut frames = Vec::new();
    for ((thread, rows), mut pc) in threads.into_iter().zip(pcs) {
        for (level, (sp, back)) in rows.into_iter().enumerate() {
            frames.push(Frame { thread, level, sp, pc });
            pc = back;
        }
    }
    frames.sort_unstable();
    (frames, stacks)
}

/// Compares that many stops at random moments, and lists the frames that differ.
fn compare(debuggee: &Debuggee, stops: u32) -> Agreement {
    if !programs::has_peer("gdb") {
        return Agreement::default();
    }
    let mut gdb = Gdb::start();
    let server = DbgSrv::start();
    let mut console = Console::start(premote(server.connection(), []));
    let pid = debuggee.pid().0;
    let (mut same, mut different) = (0_u64, Vec::new());
    for stop in 0..stops {
        // Of no importance for how long, only that it is somewhere else each time.
        thread::park_timeout(Duration::from_micros(u64::from(stop * 7919 % 5000)));
        proc::signal(pid, "STOP");
        wait_until("it is stopped", Deadline::usual(), || proc::state(pid) == Some('T'));
        console.run(&format!(".attach {pid}"));
        let (ours, shown) = farsight_frames(&mut console);
        console.run(".detach");
        wait_until("it is let go", Deadline::usual(), || proc::tracer(pid) == 0);
        let theirs = gdb.frames(pid);
        proc::signal(pid, "CONT");
        let known = different.len();
        let longest = ours.len().max(theirs.len());
        for frame in &theirs {
            if ours.contains(frame) {
                same += 1;
            } else {
                different.push(format!("stop {stop}: gdb has {frame:x?}"));
            }
        }
        let extra = ours.iter().filter(|frame| !theirs.contains(frame));
        different.extend(extra.map(|frame| format!("stop {stop}: farsight has {frame:x?}")));
        assert!(longest > 0, "no frames at all");
        if different.len() > known {
            different.push(shown);
        }
    }
    let total = same + different.iter().filter(|line| line.starts_with("stop ")).count() as u64;
    for line in different.iter().take(60) {
        eprintln!("{line}");
    }
    assert_eq!(console.quit("q").code, Some(0));
    Agreement { same, total }
}

/// How many frames gdb and farsight had, and how many of them both.
#[derive(Clone, Copy, Default)]
struct Agreement {
    same: u64,
    total: u64,
}

impl Agreement {
    fn and(self, other: Agreement) -> Agreement {
        Agreement {
            same: self.same + other.same,
            total: self.total + other.total,
        }
    }

    #[track_caller]
    fn assert_at_least(self, least: f64) {
        let percent = 100.0 * self.same as f64 / self.total.max(1) as f64;
        eprintln!("{} of {} frames are the same: {percent:.2} %", self.same, self.total);
        assert!(
            self.total == 0 || percent >= least,
            "{percent:.2} % of the frames are the same, {least} % are asked"
        );
    }
}

/// Stops in each program: few in every run, many in the soak.
const STOPS: u32 = 40;
const STOPS_OF_A_SOAK: u32 = 170;
/// What is asked of few stops. A single stop while the C++ runtime rewrites its own return address, where no table is
/// right, makes ten different frames.
const FEW: f64 = 96.0;
/// What is asked of all stops of a soak together.
const MANY: f64 = 99.0;

/// A python that does a bit of everything, in a loop.
const SCRIPT_IN_PYTHON: &str = "\
import os, re, json
print('ready', os.getpid(), flush=True)
def deep(n):
    return json.dumps([n]) if n == 0 else deep(n - 1) + str(n)
while True:
    deep(20)
    re.sub('a+', lambda m: str(len(m.group())), 'baab' * 50)
    sorted(range(500), key=lambda i: -i)
";

fn compare_python(stops: u32) -> Agreement {
    let python = Path::new("/usr/bin/python3");
    if !programs::has_peer("python3") {
        return Agreement::default();
    }
    compare(&Debuggee::start_program(python, &["-c", SCRIPT_IN_PYTHON]), stops)
}

#[test]
fn slow_frames_of_cpp_are_those_of_gdb() {
    compare(&Debuggee::start("shapes", &[]), STOPS).assert_at_least(FEW);
}

#[test]
fn slow_frames_of_rust_are_those_of_gdb() {
    compare(&Debuggee::start("walker", &[]), STOPS).assert_at_least(FEW);
}

#[test]
fn slow_frames_of_python_are_those_of_gdb() {
    compare_python(STOPS).assert_at_least(FEW);
}

#[test]
#[ignore = "soak: takes minutes"]
fn soak_frames_are_those_of_gdb() {
    compare(&Debuggee::start("shapes", &[]), STOPS_OF_A_SOAK)
        .and(compare(&Debuggee::start("walker", &[]), STOPS_OF_A_SOAK))
        .and(compare_python(STOPS_OF_A_SOAK))
        .assert_at_least(MANY);
}
