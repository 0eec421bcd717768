//! What is measured: plain functions over a debugger, its server and a debuggee. Read [`WORKS`] first.
//!
//! Each function does its set-up first and answers what the measured part took. Names of commands are each debugger's
//! own; what they show is the same.

use std::path::PathBuf;
use std::time::Instant;

use farsight_testkit::{Debuggee, Scratch, programs};

use crate::debugger::{Debugger, Kind};
use crate::server::{Link, Server, Task};

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) seconds: f64,
    pub(crate) turns: u64,
    pub(crate) bytes_up: u64,
    pub(crate) bytes_down: u64,
    /// Not measured, but reckoned from the turns.
    pub(crate) reckoned: bool,
}

/// Something to measure.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// How much of what it does, for a rate.
    pub(crate) amount: Option<(f64, &'static str)>,
    run: fn(Kind, Link) -> Measurement,
}

const fn work(name: &'static str, run: fn(Kind, Link) -> Measurement) -> Work {
    Work {
        name,
        amount: None,
        run,
    }
}

const fn rated(name: &'static str, amount: f64, unit: &'static str, run: fn(Kind, Link) -> Measurement) -> Work {
    Work {
        name,
        amount: Some((amount, unit)),
        run,
    }
}

const STEPS: u32 = 2000;
const SINGLE_STEPS: u32 = 20;
const STOPS: u32 = 20;
const MIB: u64 = 256;
const BREAKPOINTS: usize = 1000;

/// Everything that is measured.
pub(crate) const WORKS: &[Work] = &[
    work("attach to first backtrace, 1 thread", |kind, link| {
        attach(kind, link, 1)
    }),
    work("attach to first backtrace, 50 threads", |kind, link| {
        attach(kind, link, 50)
    }),
    work("attach to first backtrace, 1000 threads", |kind, link| {
        attach(kind, link, 1000)
    }),
    work("launch to main", launch),
    rated("stop and 30 frames, 20 times", STOPS as f64, "stops", stops),
    rated("2000 instructions in one command", STEPS as f64, "steps", many_steps),
    rated(
        "20 single steps, a command each",
        SINGLE_STEPS as f64,
        "steps",
        single_steps,
    ),
    rated("dump 256 MiB to a file", MIB as f64, "MiB", dump),
    rated("search 256 MiB", MIB as f64, "MiB", search),
    work("backtraces of 200 threads", backtraces),
    work("1000 breakpoints, then go to one", breakpoints),
];

/// The longest that a measurement over a far link may take, in seconds; a longer one is reckoned.
const PATIENCE: f64 = 20.0;

/// Measures a work over loopback: the median.
pub(crate) fn near(work: &Work, kind: Kind, runs: usize) -> Measurement {
    let mut results: Vec<Measurement> = (0..runs.max(1)).map(|_| (work.run)(kind, Link::Near)).collect();
    results.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    results[results.len() / 2]
}

/// Measures a work once over a far link, or reckons from what it took over loopback where that would take too long.
pub(crate) fn far(work: &Work, kind: Kind, near: Measurement) -> Measurement {
    let reckoned = near.seconds + near.turns as f64 * Link::ROUND_TRIP.as_secs_f64();
    if reckoned > PATIENCE {
        return Measurement {
            seconds: reckoned,
            reckoned: true,
            ..near
        };
    }
    (work.run)(kind, Link::Far)
}

/// Times the part that counts.
fn timed(server: &Server, run: impl FnOnce()) -> Measurement {
    server.proxy.take_counts();
    let start = Instant::now();
    run();
    let seconds = start.elapsed().as_secs_f64();
    let counts = server.proxy.counts();
    Measurement {
        seconds,
        turns: counts.turns,
        bytes_up: counts.bytes_up,
        bytes_down: counts.bytes_down,
        reckoned: false,
    }
}

/// Connects a debugger that runs already to its server and gets hold of a process.
fn get_hold(debugger: &mut Debugger, kind: Kind, server: &Server, debuggee: &Debuggee) {
    let address = server.proxy.address();
    match kind {
        // Connected and attached by its command line.
        Kind::Farsight => {}
        Kind::Gdb => {
            debugger.send(&format!("target extended-remote {address}"));
            debugger.send(&format!("attach {}", debuggee.pid().0));
        }
        Kind::Lldb => {
            debugger.run_to_stop(&format!("gdb-remote {address}"));
        }
    }
}

/// A debugger at rest in a debuggee.
fn attached(kind: Kind, link: Link, debuggee: &Debuggee) -> (Debugger, Server) {
    let server = Server::start(kind, link, &Task::Attach(debuggee.pid().0));
    let mut debugger = ready(kind, &server, debuggee);
    get_hold(&mut debugger, kind, &server, debuggee);
    debugger.settle();
    (debugger, server)
}

/// A debugger that knows its program, before it connects; ours connects and attaches at its start.
fn ready(kind: Kind, server: &Server, debuggee: &Debuggee) -> Debugger {
    let pid = debuggee.pid().0.to_string();
    let mut debugger = match kind {
        Kind::Farsight => Debugger::start(kind, &["-premote", &server.proxy.connection(), "-p", &pid]),
        Kind::Gdb | Kind::Lldb => Debugger::start(kind, &[]),
    };
    let file = debuggee.path().display();
    match kind {
        Kind::Farsight => {}
        Kind::Gdb => {
            debugger.run(&format!("file {file}"));
        }
        Kind::Lldb => {
            debugger.run(&format!("target create {file}"));
        }
    }
    debugger
}

/// The peers run already and know the program's symbols; ours starts within the measured time.
fn attach(kind: Kind, link: Link, threads: u32) -> Measurement {
    // One of them is the first.
    let count = (threads - 1).to_string();
    let debuggee = Debuggee::start("threads", &[&count]);
    let server = Server::start(kind, link, &Task::Attach(debuggee.pid().0));
    let mut early = match kind {
        Kind::Farsight => None,
        Kind::Gdb | Kind::Lldb => Some(ready(kind, &server, &debuggee)),
    };
    timed(&server, || {
        let debugger = early.get_or_insert_with(|| ready(kind, &server, &debuggee));
        get_hold(debugger, kind, &server, &debuggee);
        debugger.send(match kind {
            Kind::Farsight => "k",
            Kind::Gdb | Kind::Lldb => "bt",
        });
        let shown = debugger.settle();
        assert!(shown.contains("pause"), "no backtrace: {shown}");
    })
}

fn launch(kind: Kind, link: Link) -> Measurement {
    let program = programs::debuggee("counter");
    let file = program.display().to_string();
    let server = Server::start(kind, link, &Task::Launch(&program));
    let address = server.proxy.address();
    let mut early = match kind {
        Kind::Farsight => None,
        Kind::Gdb => {
            let mut gdb = Debugger::start(kind, &[]);
            gdb.run(&format!("file {file}"));
            Some(gdb)
        }
        Kind::Lldb => {
            let mut lldb = Debugger::start(kind, &[]);
            lldb.run(&format!("target create {file}"));
            Some(lldb)
        }
    };
    timed(&server, || {
        let start = || Debugger::start(kind, &["-premote", &server.proxy.connection(), &file]);
        let debugger = early.get_or_insert_with(start);
        let shown = match kind {
            Kind::Farsight => debugger.run_to_stop("g main"),
            Kind::Gdb => {
                debugger.send(&format!("target extended-remote {address}"));
                debugger.send(&format!("set remote exec-file {file}"));
                debugger.send("break main");
                debugger.run_to_stop("run")
            }
            Kind::Lldb => {
                debugger.send("breakpoint set -n main");
                // At its first instruction.
                debugger.run_to_stop(&format!("gdb-remote {address}"));
                debugger.run_to_stop("continue")
            }
        };
        assert!(shown.contains("main"), "not at main: {shown}");
    })
}

fn stops(kind: Kind, link: Link) -> Measurement {
    let debuggee = Debuggee::start("deep", &["27", "0"]);
    let (mut debugger, server) = attached(kind, link, &debuggee);
    let (set, go, walk) = match kind {
        Kind::Farsight => ("bp leaf", "g", "k 0n30"),
        Kind::Gdb => ("break leaf", "continue", "bt 30"),
        Kind::Lldb => ("breakpoint set -n leaf", "continue", "bt 30"),
    };
    debugger.run(set);
    debugger.run_to_stop(go);
    timed(&server, || {
        for _ in 0..STOPS {
            debugger.run_to_stop(go);
            let shown = debugger.run(walk);
            assert!(shown.contains("main"), "no backtrace: {shown}");
        }
    })
}

fn many_steps(kind: Kind, link: Link) -> Measurement {
    let debuggee = Debuggee::start("calls", &["1", "1000", "forever"]);
    let (mut debugger, server) = attached(kind, link, &debuggee);
    to_counted(&mut debugger, kind);
    timed(&server, || {
        debugger.run_to_stop(&match kind {
            Kind::Farsight => format!("t 0n{STEPS}"),
            Kind::Gdb => format!("stepi {STEPS}"),
            Kind::Lldb => format!("thread step-inst --count {STEPS}"),
        });
    })
}

/// To a place where a thread is busy.
fn to_counted(debugger: &mut Debugger, kind: Kind) {
    let (set, go, clear) = match kind {
        Kind::Farsight => ("bp counted", "g", "bc *"),
        Kind::Gdb => ("break counted", "continue", "delete"),
        Kind::Lldb => ("breakpoint set -n counted", "continue", "breakpoint delete --force"),
    };
    debugger.run(set);
    debugger.run_to_stop(go);
    debugger.run(clear);
}

fn single_steps(kind: Kind, link: Link) -> Measurement {
    let debuggee = Debuggee::start("calls", &["1", "1000", "forever"]);
    let (mut debugger, server) = attached(kind, link, &debuggee);
    to_counted(&mut debugger, kind);
    timed(&server, || {
        for _ in 0..SINGLE_STEPS {
            debugger.run_to_stop(match kind {
                Kind::Farsight => "t",
                Kind::Gdb => "stepi",
                Kind::Lldb => "thread step-inst",
            });
        }
    })
}

/// A debuggee with a large region, where that is, and where the last needle lies.
fn searched() -> (Debuggee, u64, u64) {
    let mut debuggee = Debuggee::start("search", &[&MIB.to_string()]);
    let output = debuggee.output();
    let line = output.line(farsight_testkit::Deadline::usual()).unwrap();
    let mut words = line.split(' ').skip(1).map(|word| word.trim_start_matches("0x"));
    let mut number = || u64::from_str_radix(words.next().unwrap(), 16).unwrap();
    let (start, size) = (number(), number());
    (debuggee, start, size)
}

fn dump(kind: Kind, link: Link) -> Measurement {
    let (debuggee, start, size) = searched();
    let scratch = Scratch::new();
    let file: PathBuf = scratch.path().join("dump");
    let (mut debugger, server) = attached(kind, link, &debuggee);
    let (path, end) = (file.display(), start + size);
    let result = timed(&server, || {
        debugger.run(&match kind {
            Kind::Farsight => format!(".writemem {path} 0x{start:x} L?0x{size:x}"),
            Kind::Gdb => format!("dump binary memory {path} 0x{start:x} 0x{end:x}"),
            Kind::Lldb => format!("memory read --force --binary --outfile {path} 0x{start:x} 0x{end:x}"),
        });
    });
    let written = std::fs::metadata(&file).map_or(0, |about| about.len());
    assert_eq!(
        written,
        size,
        "{} wrote another amount: {}",
        kind.name(),
        debugger.settle()
    );
    result
}

fn search(kind: Kind, link: Link) -> Measurement {
    let (debuggee, start, size) = searched();
    let (mut debugger, server) = attached(kind, link, &debuggee);
    let end = start + size;
    let last = end - 16;
    timed(&server, || {
        let shown = debugger.run(&match kind {
            Kind::Farsight => format!("s -a 0x{start:x} L?0x{size:x} \"FARSIGHT-NEEDLE!\""),
            Kind::Gdb => {
                let needle: Vec<String> = "FARSIGHT-NEEDLE!".chars().map(|letter| format!("'{letter}'")).collect();
                format!("find /b 0x{start:x}, +0x{size:x}, {}", needle.join(", "))
            }
            Kind::Lldb => format!("memory find -c 10 -s \"FARSIGHT-NEEDLE!\" 0x{start:x} 0x{end:x}"),
        });
        let digits = format!("{last:x}");
        let shown = shown.replace('`', "");
        assert!(shown.contains(&digits), "the last needle was not found: {shown}");
    })
}

fn backtraces(kind: Kind, link: Link) -> Measurement {
    let debuggee = Debuggee::start("threads", &["199", "10"]);
    let (mut debugger, server) = attached(kind, link, &debuggee);
    timed(&server, || {
        let shown = debugger.run(match kind {
            Kind::Farsight => "~*k",
            Kind::Gdb => "thread apply all bt",
            Kind::Lldb => "thread backtrace all",
        });
        let walked = shown.matches("waiter").count();
        assert!(walked >= 199, "{walked} backtraces: {shown}");
    })
}

fn breakpoints(kind: Kind, link: Link) -> Measurement {
    let debuggee = Debuggee::start("many", &[]);
    let (mut debugger, server) = attached(kind, link, &debuggee);
    timed(&server, || {
        for number in 0..BREAKPOINTS {
            debugger.send(&match kind {
                Kind::Farsight => format!("bp place_{number:03x}"),
                Kind::Gdb => format!("break place_{number:03x}"),
                Kind::Lldb => format!("breakpoint set -n place_{number:03x}"),
            });
        }
        let shown = debugger.run_to_stop(match kind {
            Kind::Farsight => "g",
            Kind::Gdb | Kind::Lldb => "continue",
        });
        assert!(shown.contains("place_"), "no hit: {shown}");
    })
}
