//! What users of a shared session cost: one and fifty debugging clients, a flood of lines, and silence.
//!
//! There is no peer that does the same work: gdb and lldb have no session of several users, and a terminal that is shared
//! (tmux, screen) copies one screen, not what was shown. So the figures stand against those of one client.
//!
//! The server's console is silent, so that it is not what is measured; the clients read and look at nothing but the end.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use farsight_testkit::raw_client::{RawClient, words};
use farsight_testkit::{Deadline, DebuggingServer, Proxy, ProxyPlan, Stream, proc};

/// Numbers of clients that are set side by side.
const CLIENTS: [usize; 2] = [1, 50];

const LINES: usize = 100_000;

/// What every line of the flood shows.
const LINE: &str = "the quick brown fox jumps over the lazy dog and goes home again";

/// The last line.
const END: &str = "this was the flood";

/// How long it is watched that nothing happens.
const WATCHED: Duration = Duration::from_secs(2);

/// What a flood cost with so many clients.
pub(crate) struct Flood {
    clients: usize,
    /// Until the engine had shown the last line, by its own clock.
    engine: Duration,
    /// Until the last client had read the last line.
    last: Duration,
    /// What each client read.
    bytes: u64,
}

/// All that is measured of shared sessions.
pub(crate) struct Sharing {
    floods: Vec<Flood>,
    /// How often the thread that serves clients woke up while all were idle, and what one of them was sent.
    idle: (u64, u64),
    /// From a command to its output, over a link of 50 ms.
    command: Duration,
}

/// Measures everything, each flood so often, and keeps the median.
pub(crate) fn measure(runs: usize) -> Sharing {
    let floods = CLIENTS.map(|clients| {
        let mut floods: Vec<Flood> = (0..runs.max(1)).map(|_| flood(clients)).collect();
        floods.sort_by_key(|flood| flood.engine);
        floods.swap_remove(floods.len() / 2)
    });
    Sharing {
        floods: floods.into(),
        idle: idle(),
        command: command(),
    }
}

fn flood(clients: usize) -> Flood {
    let server = DebuggingServer::start_silent(["-noio"]);
    let mut author = server.join("author");
    author.run(".echo there");
    let ready = Arc::new(Barrier::new(clients + 1));
    let readers: Vec<_> = (0..clients)
        .map(|number| {
            let mut reader = server.join(&format!("reader-{number}"));
            reader.run(".echo there");
            let ready = Arc::clone(&ready);
            thread::spawn(move || {
                ready.wait();
                read_to_the_end(reader)
            })
        })
        .collect();
    // The readers' own words come before the flood.
    author.run(".echo there");
    let (mut author, mut answers) = author.split();
    ready.wait();
    let start = Instant::now();
    author.execute(".echotime");
    author.execute(&format!(
        ".for (r $t9 = 0; @$t9 < 0n{LINES}; r $t9 = @$t9 + 1) {{ .echo {LINE} }}; .echo {END}"
    ));
    author.execute(".echotime");
    let mut times = Vec::new();
    while times.len() < 2 {
        let told = answers.next(Deadline::seconds(300)).expect("the flood");
        times.extend(
            words(&told)
                .strip_prefix("Debugger (not debuggee) time: ")
                .and_then(seconds),
        );
    }
    let read: Vec<(Instant, u64, Stream)> = readers
        .into_iter()
        .map(|reader| reader.join().expect("a reader"))
        .collect();
    let last = read.iter().map(|(end, ..)| *end).max().expect("a client");
    Flood {
        clients,
        engine: Duration::from_secs_f64(times[1] - times[0]),
        last: last - start,
        bytes: read[0].1,
    }
}

/// Reads until the last line; when that was, how many bytes came, and the stream: were it closed at once, the others would be
/// told so while they are measured.
fn read_to_the_end(reader: RawClient) -> (Instant, u64, Stream) {
    let mut stream = reader.into_stream();
    let mut chunk = vec![0; 256 << 10];
    // The end may come in two pieces.
    let mut tail = Vec::new();
    let mut bytes = 0;
    let wanted = format!("{END}\n");
    loop {
        let length = stream.read(&mut chunk).expect("a stream");
        assert!(length > 0, "the reader was cut off after {bytes} bytes");
        bytes += length as u64;
        // What may follow the end is small.
        tail.extend_from_slice(&chunk[length.saturating_sub(4096)..length]);
        tail.drain(..tail.len().saturating_sub(8192));
        if tail.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
            return (Instant::now(), bytes, stream);
        }
    }
}

/// Seconds of the day in a line such as `Mon Nov 23 02:27:39.123 2026 (UTC)`.
fn seconds(moment: &str) -> Option<f64> {
    let mut parts = moment.split_whitespace().find(|word| word.contains(':'))?.split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next()?)
}

fn idle() -> (u64, u64) {
    let server = DebuggingServer::start(["-noio"; 0]);
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    let connection = proxy.connection();
    let mut clients: Vec<RawClient> = (0..CLIENTS[1]).map(|_| RawClient::join(&connection, "idle")).collect();
    for client in &mut clients {
        client.run(".echo there");
    }
    let (last, others) = clients.split_last_mut().expect("clients");
    for client in others {
        while client.next(Deadline::within(Duration::from_millis(50))).is_some() {}
    }
    proxy.take_counts();
    let before = proc::sleeps(server.pid(), "clients");
    let quiet = last.next(Deadline::within(WATCHED)).is_none();
    assert!(quiet, "an idle client was told something");
    (
        proc::sleeps(server.pid(), "clients") - before,
        proxy.take_counts().bytes_down,
    )
}

fn command() -> Duration {
    let server = DebuggingServer::start(["-noio"; 0]);
    let proxy = Proxy::start(server.address(), ProxyPlan::far_away());
    let mut client = RawClient::join(&proxy.connection(), "far");
    client.run(".echo there");
    let mut times: Vec<Duration> = (0..10)
        .map(|_| {
            let start = Instant::now();
            client.run("? 3 * 5");
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

impl Sharing {
    /// Its part of the report.
    pub(crate) fn table(&self) -> String {
        let mut out = String::from(
            "\n| debugging clients | engine, 100,000 lines | lines/s | engine against one client | last client's last line | against one client | read by each |\n|---|---|---|---|---|---|---|\n",
        );
        let one = &self.floods[0];
        for flood in &self.floods {
            let (engine, last) = (flood.engine.as_secs_f64(), flood.last.as_secs_f64());
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "| {} | {engine:.2} s | {:.0} | {:.0} % | {last:.2} s | {:.2} x | {:.1} MB |",
                flood.clients,
                LINES as f64 / engine,
                100.0 * one.engine.as_secs_f64() / engine,
                last / one.last.as_secs_f64(),
                flood.bytes as f64 / 1e6,
            );
        }
        let (woken, bytes) = self.idle;
        let _ = writeln!(
            out,
            "\n{} idle clients, {} s: the serving thread woke up {woken} times and {bytes} bytes were sent. A command to its output over 50 ms: {:.1} ms.",
            CLIENTS[1],
            WATCHED.as_secs(),
            self.command.as_secs_f64() * 1e3
        );
        out
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let floods = self.floods.iter().map(|flood| {
            serde_json::json!({
                "clients": flood.clients, "lines": LINES, "engine_seconds": flood.engine.as_secs_f64(),
                "last_line_seconds": flood.last.as_secs_f64(), "bytes": flood.bytes,
            })
        });
        serde_json::json!({
            "floods": floods.collect::<Vec<_>>(),
            "idle_wakeups": self.idle.0, "idle_bytes": self.idle.1,
            "command_seconds": self.command.as_secs_f64(),
        })
    }
}
