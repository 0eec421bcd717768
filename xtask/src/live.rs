//! Real processes that chores start: a process server, a debuggee; and what the kernel says about a process.
//!
//! Each is ended when its value is dropped, so a chore that fails leaves nothing behind.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::run::{Done, Failure, Naming as _, failure, shown};

/// How long anything that should happen at once may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A child that does not outlive its value.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of a stream, read by a thread of their own so that waiting for one has a deadline.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    /// Starts reading. Every line is also given to `show`, as it arrives.
    pub(crate) fn of(stream: ChildStdout, show: impl Fn(&str) + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                show(&line);
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next line, or `None` at the end of the stream or when `deadline` has passed.
    pub(crate) fn next_before(&self, deadline: Instant) -> Option<String> {
        self.0
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .ok()
    }

    /// The lines up to the first that `wanted` accepts; a failure shows what came instead.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Done<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Some(line) = self.next_before(deadline) {
            seen.push(line);
            if seen.last().is_some_and(|line| wanted(line)) {
                return Ok(seen);
            }
        }
        failure(format!("waited in vain for {what}; this came:\n{}", seen.join("\n")))
    }
}

/// A running `dbgsrv`.
pub(crate) struct Server {
    /// Its process.
    pub(crate) process: Ended,
    /// What to give `-premote`.
    pub(crate) transport: String,
    /// Its whole announcement.
    pub(crate) announcement: Vec<String>,
    /// From the start of the program until the announcement had been read.
    pub(crate) took: Duration,
    _lines: Lines,
}

impl Server {
    /// Starts one on a free TCP port of this machine's loopback address.
    pub(crate) fn start(program: &Path) -> Done<Self> {
        let mut command = Command::new(program);
        command
            .args(["-t", "tcp:port=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0);
        let start = Instant::now();
        let mut process = spawn(&mut command)?;
        let lines = Lines::of(output_of(&mut process)?, |_| ());
        let announcement = lines.until("the line with -premote from dbgsrv", |line| line.contains("-premote "))?;
        let took = start.elapsed();
        let transport = announcement
            .last()
            .and_then(|line| line.split_once("-premote "))
            .map(|(_, rest)| rest.trim());
        let transport = transport.unwrap_or_default().to_owned();
        Ok(Self {
            process,
            transport,
            announcement,
            took,
            _lines: lines,
        })
    }
}

/// A running debuggee.
pub(crate) struct Debuggee {
    /// Its process.
    pub(crate) process: Ended,
    addresses: Vec<(String, u64)>,
    _lines: Lines,
}

impl Debuggee {
    /// Starts one and waits until it is ready and has told `addresses` addresses.
    pub(crate) fn start(program: &Path, arguments: &[&str], addresses: usize) -> Done<Self> {
        let mut command = Command::new(program);
        command.args(arguments).env("FARSIGHT_DEBUGGEE_SECONDS", "3600");
        // A group of its own: Ctrl-C at a live prompt is for the debugger, not for what it debugs.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut process = spawn(&mut command)?;
        let lines = Lines::of(output_of(&mut process)?, |_| ());
        lines.until("the debuggee's ready line", |line| line.starts_with("ready "))?;
        let mut known = Vec::new();
        while known.len() < addresses {
            let seen = lines.until("a debuggee's address line", |line| line.starts_with("address "))?;
            let mut words = seen
                .last()
                .map(|line| line.split_whitespace())
                .into_iter()
                .flatten()
                .skip(1);
            let (Some(name), Some(address)) = (words.next(), words.next()) else {
                continue;
            };
            let address = u64::from_str_radix(address.trim_start_matches("0x"), 16);
            known.push((name.to_owned(), address.map_err(|error| Failure(error.to_string()))?));
        }
        Ok(Self {
            process,
            addresses: known,
            _lines: lines,
        })
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Bytes of its memory, read without any debugger, at a variable it told the address of.
    pub(crate) fn memory<const N: usize>(&self, variable: &str) -> Done<[u8; N]> {
        let Some((_, address)) = self.addresses.iter().find(|(name, _)| name == variable) else {
            return failure(format!("the debuggee told no address of {variable}"));
        };
        let path = format!("/proc/{}/mem", self.pid());
        let path = Path::new(&path);
        let mut bytes = [0; N];
        File::open(path)
            .and_then(|file| file.read_exact_at(&mut bytes, *address))
            .naming("read", path)?;
        Ok(bytes)
    }

    /// A counter of eight bytes.
    pub(crate) fn counter(&self, variable: &str) -> Done<u64> {
        Ok(u64::from_le_bytes(self.memory(variable)?))
    }

    /// Waits until a counter has moved on.
    pub(crate) fn advances(&self, variable: &str) -> Done<(u64, u64)> {
        let before = self.counter(variable)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let now = self.counter(variable)?;
            if now > before {
                return Ok((before, now));
            }
            std::thread::yield_now();
        }
        failure(format!("{variable} stays at {before}: the program does not go on"))
    }

    /// Fails where a debugger left something behind: itself, a stop, a queued signal, or a changed byte of code.
    pub(crate) fn is_clean(&self) -> Done {
        let pid = self.pid();
        let value = |name: &str| status_field(pid, name);
        if value("TracerPid")? != "0" {
            return failure(format!("process {pid} still has the tracer {}", value("TracerPid")?));
        }
        if value("State")?.starts_with(['T', 't']) {
            return failure(format!("process {pid} was left stopped"));
        }
        for queue in ["SigPnd", "ShdPnd"] {
            let signals = value(queue)?;
            if signals.chars().any(|digit| digit != '0') {
                return failure(format!("process {pid} has signals left in {queue}: {signals}"));
            }
        }
        self.code_equals_file()
    }

    fn code_equals_file(&self) -> Done {
        let proc = format!("/proc/{}", self.pid());
        let (maps, exe, mem) = (format!("{proc}/maps"), format!("{proc}/exe"), format!("{proc}/mem"));
        let program = fs::read_link(&exe).naming("read", Path::new(&exe))?;
        let file = fs::read(&program).naming("read", &program)?;
        let memory = File::open(&mem).naming("open", Path::new(&mem))?;
        let mut compared = 0_usize;
        for line in fs::read_to_string(&maps).naming("read", Path::new(&maps))?.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [range, access, offset, _, _, path] = words[..] else {
                continue;
            };
            if !access.contains('x') || Path::new(path) != program {
                continue;
            }
            let hex =
                |text: &str| usize::from_str_radix(text, 16).map_err(|_| Failure(format!("cannot read `{line}`")));
            let (start, end) = range.split_once('-').unwrap_or((range, range));
            let (start, end, offset) = (hex(start)?, hex(end)?, hex(offset)?);
            let in_file = file.get(offset..).unwrap_or_default();
            let mut now = vec![0; end.saturating_sub(start).min(in_file.len())];
            memory
                .read_exact_at(&mut now, start as u64)
                .naming("read", Path::new(&mem))?;
            if let Some(at) = now.iter().zip(in_file).position(|(now, then)| now != then) {
                return failure(format!(
                    "the code at {:#x} of process {} was left changed",
                    start + at,
                    self.pid()
                ));
            }
            compared += now.len();
        }
        if compared == 0 {
            failure("no code was found to compare with the file")
        } else {
            Ok(())
        }
    }
}

/// A line of `/proc/PID/status`.
pub(crate) fn status_field(pid: u32, name: &str) -> Done<String> {
    let path = format!("/proc/{pid}/status");
    let mut text = String::new();
    let path = Path::new(&path);
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .naming("read", path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| Failure(format!("{} has no {name}", path.display())))
}

/// Starts a program that ends with its value.
pub(crate) fn spawn(command: &mut Command) -> Done<Ended> {
    command
        .spawn()
        .map(Ended)
        .map_err(|error| Failure(format!("cannot run `{}`: {error}", shown(command))))
}

/// The reading end of a child's standard output.
pub(crate) fn output_of(process: &mut Ended) -> Done<ChildStdout> {
    process
        .0
        .stdout
        .take()
        .ok_or_else(|| Failure("a child without standard output".to_owned()))
}
