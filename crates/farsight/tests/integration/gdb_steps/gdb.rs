//! gdb's side: it runs a debuggee under `steps.py`, whose text is read here.

use std::path::Path;
use std::process::{Command, Stdio};

use farsight_testkit::Scratch;

use super::walks::{Kind, Place, Rank, Walk};
use crate::gdb_values::stops::plain;

/// All walks of a program, or none where there is no gdb. The program gets these variables and no others; calls of
/// `stop_here` with even numbers are followed by steps of this kind.
pub(super) fn walks(program: &Path, environment: &[(String, String)], steps: usize, even: Kind) -> Option<Vec<Walk>> {
    let scratch = Scratch::new();
    let (script, text) = (scratch.path().join("steps.py"), scratch.path().join("walks"));
    std::fs::write(&script, include_str!("steps.py")).unwrap();
    let done = Command::new("gdb")
        .args(["-q", "-nx", "-batch", "-iex", "set debuginfod enabled off"])
        // Neither steps into the C library.
        .args(["-iex", "set debug-file-directory /nonexistent", "-x"])
        .arg(&script)
        .arg(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("STEPS", steps.to_string())
        .env("FIRST", if even == Kind::Into { "0" } else { "1" })
        .env("OUT", &text)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = std::fs::read_to_string(&text).unwrap_or_default();
    let complaints = String::from_utf8_lossy(&done.stderr);
    let end = text.strip_suffix("end\n");
    Some(read(
        end.unwrap_or_else(|| panic!("gdb did not come to the end: {complaints}")),
    ))
}

fn read(text: &str) -> Vec<Walk> {
    let mut walks: Vec<Walk> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("too short: {line}"));
        match word() {
            "walk" => {
                let kind = if word() == "step" { Kind::Into } else { Kind::Over };
                let key = (kind, hex(word()), word().parse().expect("a number"));
                walks.push(Walk {
                    key,
                    places: Vec::new(),
                });
            }
            rank => walks.last_mut().expect("a walk").places.push(Place {
                rank: match rank {
                    "middle" => Rank::Middle,
                    "call" => Rank::Call,
                    _ => Rank::Line,
                },
                pc: hex(word()),
                line: word().to_owned(),
                function: plain(word()),
            }),
        }
    }
    walks
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or_else(|_| panic!("'{text}' is no number"))
}
