//! What a password or a key costs: the same work in clear and sealed, over loopback, with nothing between.
//!
//! gdb and lldb have no such thing, so that the figures stand against our own in clear.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use farsight_testkit::conformance::{attach, read};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, PortClient, Scratch, Session, port_client, programs};
use farsight_types::Address;

use crate::debugger::{Debugger, Kind};

/// How a server is reached, in words; what it is started with, and what its client adds to the string that it prints.
const WAYS: [(&str, &str, &str); 3] = [
    ("clear", "tcp:port=0", ""),
    ("key", "tcp:port=0,key=new", ""),
    ("password", "tcp:port=0,password=Swordfish", "Swordfish"),
];

/// Requests whose time is measured one by one.
const REQUESTS: usize = 20_000;

/// Starts of which the median counts.
const STARTS: usize = 31;

const MIB: u64 = 256;

/// What one way costs.
pub(crate) struct Cost {
    way: &'static str,
    dump: Duration,
    request: Duration,
    start: Duration,
}

/// Measures each way; the ways take turns, so that whatever else the machine does falls on all of them.
pub(crate) fn measure(runs: usize) -> Vec<Cost> {
    let servers = WAYS.map(|(_, transport, _)| DbgSrv::start_with(&["-t", transport]));
    let connections: Vec<String> = servers
        .iter()
        .zip(WAYS)
        .map(|(server, (_, _, word))| server.connection().replace("Password=*", &format!("password={word}")))
        .collect();
    let mut debuggee = Debuggee::start("search", &[&MIB.to_string()]);
    let (start, size) = region(&mut debuggee);
    let medians = |measure: &dyn Fn(&str) -> Duration, runs: usize| -> Vec<Duration> {
        let mut times = vec![Vec::new(); WAYS.len()];
        for _ in 0..runs {
            for (times, connection) in times.iter_mut().zip(&connections) {
                times.push(measure(connection));
            }
        }
        let median = |mut times: Vec<Duration>| {
            times.sort_unstable();
            times[times.len() / 2]
        };
        times.into_iter().map(median).collect()
    };
    let runs = runs.max(5);
    let dumps = medians(&|connection| dump(connection, &debuggee, start, size), runs);
    let requests = medians(&|connection| request(connection, &debuggee, start), runs);
    let starts = medians(&begin, STARTS);
    let costs = WAYS.iter().zip(dumps).zip(requests).zip(starts);
    costs
        .map(|(((way, dump), request), start)| Cost {
            way: way.0,
            dump,
            request,
            start,
        })
        .collect()
}

fn region(debuggee: &mut Debuggee) -> (u64, u64) {
    let line = debuggee.output().line(Deadline::usual()).expect("where the region is");
    let mut words = line.split(' ').skip(1).map(|word| word.trim_start_matches("0x"));
    let mut number = || u64::from_str_radix(words.next().expect("a number"), 16).expect("a number");
    (number(), number())
}

/// The whole program writes the region to a file.
fn dump(connection: &str, debuggee: &Debuggee, start: u64, size: u64) -> Duration {
    let scratch = Scratch::new();
    let file = scratch.path().join("dump");
    let pid = debuggee.pid().to_string();
    let mut debugger = Debugger::start(Kind::Farsight, &["-premote", connection, "-pv", "-p", &pid]);
    debugger.run(".echo there");
    let begin = Instant::now();
    debugger.run(&format!(".writemem {} 0x{start:x} L?0x{size:x}", file.display()));
    let time = begin.elapsed();
    let written = std::fs::metadata(&file).map_or(0, |about| about.len());
    assert_eq!(written, size, "another amount was written: {}", debugger.settle());
    time
}

/// The mean of many small requests, each of which waits for the one before.
fn request(connection: &str, debuggee: &Debuggee, start: u64) -> Duration {
    let mut session = Session::new(PortClient::open(port_client::dial(connection)));
    attach(&mut session, debuggee.pid());
    let begin = Instant::now();
    for _ in 0..REQUESTS {
        read(&mut session, debuggee.pid(), Address(start), 64);
    }
    begin.elapsed() / REQUESTS as u32
}

/// From the program's start to its end, with a session and nothing done in it.
fn begin(connection: &str) -> Duration {
    let mut command = Command::new(programs::farsight());
    command.args(["-premote", connection, "-c", ".tlist nobody; q"]);
    let begin = Instant::now();
    let output = command.output().expect("farsight");
    let time = begin.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    time
}

/// Its part of the report.
pub(crate) fn table(costs: &[Cost]) -> String {
    let Some(clear) = costs.first() else {
        return String::new();
    };
    let mut out = String::from(
        "\n| connection | dump of 256 MiB | of clear | small request | more than clear | start to end | more than clear |\n|---|---|---|---|---|---|---|\n",
    );
    for cost in costs {
        let seconds = cost.dump.as_secs_f64();
        let more = |time: Duration, clear: Duration| time.as_secs_f64() - clear.as_secs_f64();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {:.0} MiB/s | {:.0} % | {:.1} us | {:+.1} us | {:.1} ms | {:+.1} ms |",
            cost.way,
            MIB as f64 / seconds,
            100.0 * clear.dump.as_secs_f64() / seconds,
            cost.request.as_secs_f64() * 1e6,
            more(cost.request, clear.request) * 1e6,
            cost.start.as_secs_f64() * 1e3,
            more(cost.start, clear.start) * 1e3,
        );
    }
    out
}

/// The same as data.
pub(crate) fn json(costs: &[Cost]) -> serde_json::Value {
    let rows = costs.iter().map(|cost| {
        serde_json::json!({
            "connection": cost.way, "dump_seconds": cost.dump.as_secs_f64(),
            "request_seconds": cost.request.as_secs_f64(), "start_seconds": cost.start.as_secs_f64(),
        })
    });
    serde_json::Value::Array(rows.collect())
}
