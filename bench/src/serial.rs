//! What a stop costs over a serial line: from `g` to the breakpoint hit and a backtrace of 6 or 30 frames shown, over a simulated
//! cable that carries as many bits a second as its ports are set to.
//!
//! No peer is set beside it: what gdb and lldb send for the same is in the first table, and the line carries 11,520 bytes a second.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use farsight_testkit::{Cable, CablePlan, Console, DbgSrv, Debuggee};

/// A program, its arguments, where it stops, and what the backtrace shows.
const PROGRAMS: [(&str, [&str; 2], &str, &str); 2] = [
    ("counter", ["1", "5000"], "count_step", "6 frames"),
    ("deep", ["27", "0"], "leaf", "30 frames"),
];

/// Programs, rates, and how many of ten thousand bytes are hurt.
const LINES: [(usize, u32, u32); 4] = [(0, 115_200, 0), (1, 115_200, 0), (0, 115_200, 10), (0, 921_600, 0)];

/// What is measured on one line.
pub(crate) struct Stops {
    frames: &'static str,
    baud: u32,
    hurt: u32,
    attach: Duration,
    stop: Duration,
    up: u64,
    down: u64,
}

/// Measures every line, so many stops each, and keeps the median stop.
pub(crate) fn measure(runs: usize) -> Vec<Stops> {
    LINES.iter().map(|line| one(*line, runs.max(1))).collect()
}

fn one((program, baud, hurt): (usize, u32, u32), runs: usize) -> Stops {
    let (name, arguments, place, frames) = PROGRAMS[program];
    let cable = Cable::new(CablePlan {
        baud: Some(baud),
        hurt,
        seed: 1,
    });
    let debuggee = Debuggee::start(name, &arguments);
    let _server = DbgSrv::start_with(&["-t", &cable.transport(0, baud, 1)]);
    let start = Instant::now();
    let pid = debuggee.pid().to_string();
    let mut console = Console::start(["-premote", &cable.transport(1, baud, 1), "-p", &pid]);
    console.run(".echo attached");
    let attach = start.elapsed();
    // The first stop reads symbols.
    let first = console.run(&format!("bp {place}; g; k 0n30"));
    assert!(first.contains("Call Site"), "{first}");
    let mut stops: Vec<Stops> = (0..runs)
        .map(|_| {
            let before = [0, 1].map(|end| cable.carried(end));
            let start = Instant::now();
            let shown = console.run("g; k 0n30");
            let stop = start.elapsed();
            assert!(
                shown.contains("Breakpoint 0 hit") && shown.contains("Call Site"),
                "{shown}"
            );
            let [down, up] = [0, 1].map(|end| cable.carried(end) - before[end]);
            Stops {
                frames,
                baud,
                hurt,
                attach,
                stop,
                up,
                down,
            }
        })
        .collect();
    stops.sort_by_key(|stops| stops.stop);
    let middle = stops.len() / 2;
    stops.swap_remove(middle)
}

/// The table of a report.
pub(crate) fn table(lines: &[Stops]) -> String {
    let mut text = String::from(
        "| serial line | bytes hurt | attach to prompt | `g` to hit and backtrace shown | of | sent | received |\n|---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} baud | {} of 10,000 | {:.2} s | {:.2} s | {} | {} B | {} B |",
            line.baud,
            line.hurt,
            line.attach.as_secs_f64(),
            line.stop.as_secs_f64(),
            line.frames,
            line.up,
            line.down
        );
    }
    text
}
