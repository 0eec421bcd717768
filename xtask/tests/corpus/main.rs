//! Replays the fuzzers' corpus as ordinary tests: each input as it is, cut short, and with bytes changed.
//!
//! The changes follow from a fixed seed, so that a failure comes again; `cargo xtask fuzz` looks further.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/src/parsers.rs"]
#[allow(unreachable_pub)]
mod parsers;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parsers::{PARSERS, Parser};

/// How many changed copies of each input are tried.
const CHANGED: usize = 100;

/// At how many places each input is cut.
const CUTS: usize = 50;

/// Parsers that take milliseconds for one input, of which a fifth is tried.
const SLOW: [&str; 2] = ["debug_split", "formatted_values"];

#[test]
fn connection_strings() {
    replay("connection_string");
}

#[test]
fn what_ssh_says() {
    replay("ssh_words");
}

#[test]
fn certificates_and_keys() {
    replay("certificates");
}

#[test]
fn secure_channels() {
    replay("secure_channel");
}

#[test]
fn wire_frames() {
    replay("wire_frames");
}

#[test]
fn first_frames() {
    replay("handshake");
}

#[test]
fn messages_of_the_target_services() {
    replay("target_messages");
}

#[test]
fn messages_of_debugging_servers_and_clients() {
    replay("session_messages");
}

#[test]
fn files_of_running_servers() {
    replay("registered_server");
}

#[test]
fn images() {
    replay("image");
}

#[test]
fn embedded_symbols() {
    replay("embedded_symbols");
}

#[test]
fn unwind_tables() {
    replay("unwind");
}

#[test]
fn expressions() {
    replay("expression");
}

#[test]
fn cpp_expressions() {
    replay("cpp_expression");
}

#[test]
fn formatters() {
    replay("formatters");
}

#[test]
fn command_lines() {
    replay("command_line");
}

#[test]
fn instructions() {
    replay("disassembly");
}

#[test]
fn mangled_names() {
    replay("demangle");
}

#[test]
fn what_the_kernel_says() {
    replay("procfs");
}

#[test]
fn areas_of_vector_registers() {
    replay("vector_area");
}

#[test]
fn step_plans() {
    replay("step_plan");
}

#[test]
fn formats_and_events() {
    replay("words_of_commands");
}

#[test]
fn line_programs() {
    replay("debug_lines");
}

#[test]
fn types() {
    replay("debug_types");
}

#[test]
fn names_of_debug_information() {
    replay("debug_names");
}

#[test]
fn location_expressions() {
    replay("debug_locations");
}

#[test]
fn functions_and_inlined_calls() {
    replay("debug_scopes");
}

#[test]
fn places_of_debug_files() {
    replay("debug_file_search");
}

#[test]
fn split_units_packages_and_supplementary_files() {
    replay("debug_split");
}

#[test]
fn values_with_formatters() {
    // What the fuzzer begins with is shown by formatters, and not refused before one of them has read anything.
    for path in fs::read_dir(fuzz().join("corpus/formatted_values")).unwrap() {
        let path = path.unwrap().path();
        let is_seed = path.file_name().unwrap().to_string_lossy().starts_with("seed-");
        let taken = parsers::formatted(&fs::read(&path).unwrap());
        assert!(!is_seed || taken > 0, "no formatter took a value of {}", path.display());
    }
    replay("formatted_values");
}

#[test]
fn frames_of_serial_lines() {
    replay("serial_frames");
}

#[test]
fn ends_of_serial_lines() {
    replay("serial_line");
}

#[test]
fn every_parser_has_a_target_a_corpus_and_a_test() {
    let names: BTreeSet<String> = PARSERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, in_folder("targets"), "fuzz/targets and PARSERS differ");
    assert_eq!(names, in_folder("corpus"), "fuzz/corpus and PARSERS differ");
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let this_file = include_str!("main.rs");
    for name in &names {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "fuzz/Cargo.toml does not build {name}"
        );
        assert!(
            this_file.contains(&format!("replay(\"{name}\")")),
            "no test replays {name}"
        );
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn in_folder(name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(name)).unwrap();
    entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// Feeds a parser its corpus, and says which input it was that failed.
#[track_caller]
fn replay(name: &str) {
    let parser = PARSERS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a row in PARSERS");
    let mut inputs: Vec<PathBuf> = fs::read_dir(fuzz().join("corpus").join(name))
        .expect("a corpus")
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "the corpus of {name} is empty");
    let share = if SLOW.contains(&name) { 5 } else { 1 };
    for path in inputs {
        let input = fs::read(&path).unwrap();
        feed(parser, &input, || format!("{}", path.display()));
        let mut random = Random(0x5eed ^ input.len() as u64);
        for _ in 0..(CUTS / share).min(input.len()) {
            let length = random.below(input.len());
            feed(parser, &input[..length], || {
                format!("the first {length} bytes of {}", path.display())
            });
        }
        for _ in 0..CHANGED / share {
            let changed = random.changed(&input);
            feed(parser, &changed, || {
                format!("{} changed to {changed:02x?}", path.display())
            });
        }
    }
}

#[track_caller]
fn feed((name, parse): &Parser, input: &[u8], shown: impl Fn() -> String) {
    if catch_unwind(AssertUnwindSafe(|| parse(input))).is_err() {
        panic!("{name} failed on {}", shown());
    }
}

/// A small generator: xorshift, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }

    /// A copy with up to four bytes set to telling values, or with a run of it doubled.
    fn changed(&mut self, input: &[u8]) -> Vec<u8> {
        const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'=', b',', b'{'];
        let mut changed = input.to_vec();
        if changed.is_empty() {
            return changed;
        }
        for _ in 0..=self.below(4) {
            let place = self.below(changed.len());
            changed[place] = match self.below(3) {
                0 => TELLING[self.below(TELLING.len())],
                1 => changed[place] ^ (1 << self.below(8)),
                _ => self.next().to_le_bytes()[0],
            };
        }
        if self.below(4) == 0 {
            let start = self.below(changed.len());
            let end = (start + self.below(64)).min(changed.len());
            let run = changed[start..end].to_vec();
            changed.splice(start..start, run);
        }
        changed
    }
}
