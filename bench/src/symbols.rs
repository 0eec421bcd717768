//! What symbols cost, without a process: each debugger opens a file, answers one question and ends.
//!
//! Processor time is that of the children that were waited for (`/proc/self/stat`, in hundredths of a second, start and
//! end of the program included). Memory is sampled every two milliseconds from `/proc/PID/status`: the highest `RssAnon`
//! that was seen, and the last `VmHWM`, which counts pages of mapped files too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use farsight_testkit::programs;

use crate::debugger::Kind;

/// A question to a file.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    file: File,
    farsight: &'static str,
    gdb: &'static str,
    lldb: &'static str,
    /// What every answer holds, so that a refusal is not taken for a fast answer.
    answer: [&'static str; 3],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    /// A kernel's debug file: `FARSIGHT_BENCH_VMLINUX`.
    Kernel,
    /// Our own program with all debug information: `FARSIGHT_BENCH_RUST`.
    Rust,
}

pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        name: "symbols: breakpoint at start_kernel in vmlinux",
        file: File::Kernel,
        farsight: "bp start_kernel;bl",
        gdb: "break start_kernel",
        lldb: "breakpoint set --name start_kernel",
        answer: ["start_kernel", "Breakpoint 1 at", "where = "],
    },
    Question {
        name: "symbols: breakpoint at an inlined function of vmlinux, every copy",
        file: File::Kernel,
        farsight: "bp tcp_rwnd_init_bpf;bl",
        gdb: "break tcp_rwnd_init_bpf",
        lldb: "breakpoint set --name tcp_rwnd_init_bpf",
        answer: [" e ", "Breakpoint 1 at", "Breakpoint 1: "],
    },
    Question {
        name: "symbols: task_struct with its fields in vmlinux",
        file: File::Kernel,
        farsight: "dt task_struct",
        gdb: "ptype struct task_struct",
        lldb: "type lookup task_struct",
        answer: ["thread_info", "thread_info", "thread_info"],
    },
    Question {
        name: "symbols: breakpoint at a method in a Rust program",
        file: File::Rust,
        farsight: "bp farsight_engine::session::Session::evaluate_prefix;bl",
        gdb: "break farsight_engine::session::Session::evaluate_prefix",
        lldb: "breakpoint set --name evaluate_prefix",
        answer: [" e ", "Breakpoint 1 at", "Breakpoint 1: "],
    },
    Question {
        name: "symbols: fields of a struct in a Rust program",
        file: File::Rust,
        farsight: "dt farsight_engine::session::Session",
        gdb: "ptype farsight_engine::session::Session",
        lldb: "type lookup farsight_engine::session::Session",
        answer: ["mailbox", "mailbox", "mailbox"],
    },
];

/// What one debugger took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    wall: f64,
    cpu: f64,
    anonymous: u64,
    resident: u64,
    answered: bool,
}

/// One question's line.
pub(crate) struct Line {
    name: &'static str,
    costs: BTreeMap<Kind, Cost>,
}

impl Question {
    /// Asks all three; none where the file is not here.
    pub(crate) fn ask(&self, runs: usize) -> Option<Line> {
        let file = self.file.path()?;
        let mut costs = BTreeMap::new();
        for kind in Kind::ALL {
            let mut all: Vec<Cost> = (0..runs.max(1)).map(|_| self.run(kind, &file)).collect();
            all.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
            costs.insert(kind, all[all.len() / 2]);
        }
        Some(Line { name: self.name, costs })
    }

    fn run(&self, kind: Kind, file: &Path) -> Cost {
        let mut command = match kind {
            Kind::Farsight => Command::new(programs::farsight()),
            Kind::Gdb => Command::new("gdb"),
            Kind::Lldb => Command::new("lldb"),
        };
        match kind {
            Kind::Farsight => command
                .arg("-z")
                .arg(file)
                .args(["-c", &format!("{};q", self.farsight)]),
            Kind::Gdb => command
                .args(["-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", self.gdb])
                .arg(file),
            Kind::Lldb => command.args(["--no-lldbinit", "-b", "-o", self.lldb]).arg(file),
        };
        let log = std::env::temp_dir().join(format!("farsight-bench-{}", std::process::id()));
        let output = std::fs::File::create(&log).expect("a file for the answer");
        let errors = output.try_clone().expect("a file for the answer");
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let (before, start) = (children_time(), Instant::now());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
        let status = format!("/proc/{}/status", child.id());
        let (mut anonymous, mut resident) = (0, 0);
        while child.try_wait().expect("a child of ours").is_none() {
            if let Ok(text) = std::fs::read_to_string(&status) {
                anonymous = anonymous.max(field(&text, "RssAnon:"));
                resident = resident.max(field(&text, "VmHWM:"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let wall = start.elapsed().as_secs_f64();
        let cpu = children_time() - before;
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        // Left behind, it would only take room.
        let _ = std::fs::remove_file(&log);
        let wanted = self.answer[kind as usize];
        Cost {
            wall,
            cpu,
            anonymous,
            resident,
            answered: text.contains(wanted),
        }
    }
}

impl File {
    fn path(self) -> Option<PathBuf> {
        let name = match self {
            File::Kernel => "FARSIGHT_BENCH_VMLINUX",
            File::Rust => "FARSIGHT_BENCH_RUST",
        };
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_file().then_some(path)
    }
}

/// Seconds of processor time of all children that were waited for.
fn children_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = behind_name.split_whitespace().skip(13).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A field of `/proc/PID/status`, in bytes.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

impl Cost {
    fn shown(&self) -> String {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let text = format!(
            "{:.2} s cpu, {:.2} s, {:.0} MB anonymous, {:.0} MB in all",
            self.cpu,
            self.wall,
            mega(self.anonymous),
            mega(self.resident)
        );
        match self.answered {
            true => text,
            false => format!("no answer ({text})"),
        }
    }
}

impl Line {
    /// Of the peers that answered, the cheaper one's share of ours.
    fn ratio(&self, of: impl Fn(&Cost) -> f64) -> String {
        let ours = self.costs.get(&Kind::Farsight).filter(|cost| cost.answered).map(&of);
        let peers = [Kind::Gdb, Kind::Lldb].iter().filter_map(|kind| self.costs.get(kind));
        let best = peers
            .filter(|cost| cost.answered)
            .map(&of)
            .fold(f64::INFINITY, f64::min);
        match ours {
            Some(ours) if best.is_finite() && ours > 0.0 => format!("{:.1}", best / ours),
            _ => "-".into(),
        }
    }

    pub(crate) fn row(&self) -> String {
        let cell = |kind| self.costs.get(&kind).map_or("-".into(), Cost::shown);
        format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            self.name.trim_start_matches("symbols: "),
            cell(Kind::Farsight),
            cell(Kind::Gdb),
            cell(Kind::Lldb),
            self.ratio(|cost| cost.cpu),
            self.ratio(|cost| cost.anonymous as f64)
        )
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let costs = self.costs.iter().map(|(kind, cost)| {
            let cost = serde_json::json!({
                "cpu_seconds": cost.cpu,
                "seconds": cost.wall,
                "anonymous_bytes": cost.anonymous,
                "resident_bytes": cost.resident,
                "answered": cost.answered,
            });
            (kind.name().to_owned(), cost)
        });
        serde_json::json!({ "work": self.name, "costs": costs.collect::<serde_json::Map<_, _>>() })
    }
}

/// The table of all lines.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut out = String::new();
    if lines.is_empty() {
        return out;
    }
    out.push_str("\n| symbols, from start to end of the program | farsight | gdb | lldb | cpu: better peer / farsight | anonymous memory: better peer / farsight |\n|---|---|---|---|---|---|\n");
    for line in lines {
        let _ = write!(out, "{}", line.row());
    }
    out
}
