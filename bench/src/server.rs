//! The debuggers' servers, and the links to them.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use farsight_testkit::{DbgSrv, Deadline, Proxy, ProxyPlan, deadline, programs};

use crate::debugger::Kind;
use crate::table::Footprint;

/// How far a server is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Loopback, through a proxy without delay, which counts.
    Near,
    /// A proxy that adds a round trip of 50 ms.
    Far,
}

impl Link {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Link::Near => "loopback",
            Link::Far => "50 ms",
        }
    }

    pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

    fn plan(self) -> ProxyPlan {
        match self {
            Link::Near => ProxyPlan::default(),
            Link::Far => ProxyPlan {
                round_trip: Link::ROUND_TRIP,
                ..ProxyPlan::default()
            },
        }
    }
}

/// What a server is started with.
pub(crate) enum Task<'a> {
    /// To attach to a process.
    Attach(u32),
    /// To start a program.
    Launch(&'a Path),
}

/// A running server behind its link.
pub(crate) struct Server {
    pub(crate) proxy: Proxy,
    _process: Process,
}

/// Held until the measurement is over.
#[expect(dead_code, reason = "dropping it ends the server")]
enum Process {
    Ours(DbgSrv),
    Peer(Ended),
}

/// A child that does not outlive its value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts a server. lldb-server does its part of the task at once, before anything is measured, because no platform
    /// mode of it can be reached through one port; the other two do theirs when they are asked.
    pub(crate) fn start(kind: Kind, link: Link, task: &Task<'_>) -> Server {
        let (address, process) = match kind {
            Kind::Farsight => {
                let server = DbgSrv::start();
                (server.address(), Process::Ours(server))
            }
            Kind::Gdb => {
                let port = free_port();
                let mut command = Command::new("gdbserver");
                command.args(["--multi", "--no-startup-with-shell", &format!("127.0.0.1:{port}")]);
                (local(port), Process::Peer(listening(command, port)))
            }
            Kind::Lldb => {
                let port = free_port();
                let mut command = Command::new("lldb-server");
                command.args(["gdbserver", &format!("127.0.0.1:{port}")]);
                match task {
                    Task::Attach(pid) => command.args(["--attach", &pid.to_string()]),
                    Task::Launch(program) => command.arg("--").arg(program),
                };
                (local(port), Process::Peer(listening(command, port)))
            }
        };
        Server {
            proxy: Proxy::start(address, link.plan()),
            _process: process,
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// Starts a peer's server and waits until it listens, without connecting: it serves one connection only.
fn listening(mut command: Command, port: u16) -> Ended {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = Ended(
        quiet
            .spawn()
            .unwrap_or_else(|error| panic!("{quiet:?}: {error}; cargo xtask bench installs it")),
    );
    let wanted = format!(":{port:04X}");
    deadline::wait_until("a server that listens", Deadline::usual(), || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        table.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let here = words.next().is_some_and(|local| local.ends_with(&wanted));
            here && words.nth(1) == Some("0A")
        })
    });
    child
}

/// Size, memory and start-up time of a server that waits for its first client.
pub(crate) fn footprint(kind: Kind) -> Footprint {
    let program = match kind {
        Kind::Farsight => programs::dbgsrv(),
        Kind::Gdb => in_path("gdbserver"),
        Kind::Lldb => in_path("lldb-server"),
    };
    let port = free_port();
    let mut command = Command::new(&program);
    match kind {
        Kind::Farsight => command.args(["-t", &format!("tcp:port={port}")]),
        Kind::Gdb => command.args(["--multi", &format!("127.0.0.1:{port}")]),
        Kind::Lldb => command.args(["gdbserver", &format!("127.0.0.1:{port}")]),
    };
    let mut times: Vec<Duration> = Vec::new();
    let mut resident = 0;
    for _ in 0..5 {
        let start = Instant::now();
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = Ended(quiet.spawn().expect("the server"));
        // The first connection that is accepted is the moment; polling faster than anything that is told apart here.
        let connected = deadline::poll(Deadline::usual(), || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap_or_default();
            resident = field(&status, "VmRSS:").unwrap_or(resident);
            TcpStream::connect(local(port)).ok()
        });
        times.push(start.elapsed());
        assert!(connected.is_some(), "{} does not listen", kind.name());
    }
    times.sort_unstable();
    Footprint {
        kind,
        file: size(&program),
        libraries: libraries(&program).iter().map(|path| size(path)).sum(),
        resident: resident * 1024,
        listens: times[times.len() / 2],
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

fn in_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    let found = found.unwrap_or_else(|| panic!("{name} is not installed; cargo xtask bench installs it"));
    found.canonicalize().unwrap_or(found)
}

/// The files of the shared libraries that a program needs; none for a static one.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let Ok(output) = Command::new("ldd").arg(program).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text.lines().filter_map(|line| {
        let path = line.split_whitespace().find(|word| word.starts_with('/'))?;
        Path::new(path).canonicalize().ok()
    });
    paths.collect()
}
