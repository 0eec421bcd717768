//! gdb's side: it runs a debuggee under `values.py`, whose text is read here.

use std::path::Path;
use std::process::{Command, Stdio};

use farsight_testkit::Scratch;

use super::stops::{Frame, Kind, Stop, Variable, plain};

/// The variable that says that there may be no gdb, whatever its value; without it, that is a failure.
const MAY_BE_MISSING: &str = "FARSIGHT_WITHOUT_GDB";

/// What gdb calls itself.
pub(super) fn version() -> String {
    let said = Command::new("gdb").args(["-nx", "--version"]).output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    said.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// All stops of a program; none where there is no gdb and need not be one. The program gets these variables and no
/// others.
///
/// # Panics
/// Where there is no gdb.
pub(super) fn stops(program: &Path, environment: &[(String, String)], steps: usize) -> Option<Vec<Stop>> {
    if version().is_empty() {
        assert!(
            std::env::var_os(MAY_BE_MISSING).is_some(),
            "there is no gdb to compare with: install it, as `cargo xtask test` does, or set {MAY_BE_MISSING}=1 to leave this out"
        );
        eprintln!("skipped: there is no gdb, and {MAY_BE_MISSING} is set");
        return None;
    }
    let scratch = Scratch::new();
    let (script, text) = (scratch.path().join("values.py"), scratch.path().join("stops"));
    std::fs::write(&script, include_str!("values.py")).unwrap();
    let done = Command::new("gdb")
        .args(["-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x"])
        .arg(&script)
        .arg(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("STEPS", steps.to_string())
        .env("OUT", &text)
        .stdin(Stdio::null())
        .output()
        .expect("gdb");
    let text = std::fs::read_to_string(&text).unwrap_or_default();
    let complaints = String::from_utf8_lossy(&done.stderr);
    let end = text.strip_suffix("end\n");
    Some(read(
        end.unwrap_or_else(|| panic!("gdb did not come to the end: {complaints}")),
    ))
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
            "in" => {
                let frame = stops.last_mut().and_then(|stop| stop.frames.last_mut());
                let variable = frame.and_then(|frame| frame.variables.last_mut());
                variable.expect("a variable").registers = rest.split(' ').map(str::to_owned).collect();
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
