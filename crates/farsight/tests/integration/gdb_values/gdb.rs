//! gdb's side: it runs a debuggee under `values.py`, whose text is read here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use farsight_testkit::Scratch;

use super::stops::{Choice, Frame, Kind, Stop, Variable, plain};

/// What gdb calls itself.
pub(super) fn version() -> String {
    let said = Command::new("gdb").args(["-nx", "--version"]).output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    said.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// All stops of a program, of those that are chosen. The program gets these variables and no others.
pub(super) fn stops(program: &Path, environment: &[(String, String)], choice: Choice) -> Vec<Stop> {
    let scratch = Scratch::new();
    let (script, text) = (scratch.path().join("values.py"), scratch.path().join("stops"));
    std::fs::write(&script, include_str!("values.py")).unwrap();
    let done = Command::new("gdb")
        .args(["-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x"])
        .arg(&script)
        .arg(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("STEPS", choice.steps.to_string())
        .env("ONE_IN", choice.one_in.to_string())
        .env("FIRST", choice.first().to_string())
        .env("OUT", &text)
        .env("PRINTERS", printers())
        .stdin(Stdio::null())
        .output()
        .expect("gdb");
    let text = std::fs::read_to_string(&text).unwrap_or_default();
    let complaints = String::from_utf8_lossy(&done.stderr);
    let end = text.strip_suffix("end\n");
    read(end.unwrap_or_else(|| panic!("gdb did not come to the end: {complaints}")))
}

/// Where Rust keeps its printers for gdb.
fn printers() -> PathBuf {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .expect("rustc");
    let folder = String::from_utf8(said.stdout).expect("a path");
    Path::new(folder.trim()).join("lib/rustlib/etc")
}

fn read(text: &str) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for line in text.lines() {
        let (head, rest) = line.split_once(' ').expect("a word and more");
        let mut words = rest.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("too short: {line}"));
        match head {
            "stop" => stops.push(Stop {
                label: word().to_owned(),
                pc: hex(word()),
                sp: hex(word()),
                frames: Vec::new(),
            }),
            "frame" => stops.last_mut().expect("a stop").frames.push(Frame {
                kind: match word() {
                    "inline" => Kind::Inline,
                    "tail" => Kind::Tail,
                    _ => Kind::Real,
                },
                pc: hex(word()),
                place: word().to_owned(),
                name: plain(word()),
                variables: Vec::new(),
            }),
            "data" => {
                let frame = stops.last_mut().and_then(|stop| stop.frames.last_mut());
                let variable = frame.and_then(|frame| frame.variables.last_mut());
                variable.expect("a variable").data = Some(rest.to_owned());
            }
            _ => {
                let (name, value) = rest.rsplit_once(' ').expect("a name and a value");
                let frame = stops.last_mut().and_then(|stop| stop.frames.last_mut());
                frame.expect("a frame").variables.push(Variable {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    ..Variable::default()
                });
            }
        }
    }
    stops
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or_else(|_| panic!("'{text}' is no number"))
}
