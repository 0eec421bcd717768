//! Programs whose debug information is damaged, lies or is missing: sessions on them live, within bounds, say what is wrong,
//! and everything else of the program works.

use std::fs;
use std::path::{Path, PathBuf};

use farsight_testkit::{Console, DbgSrv, Deadline, Scratch, programs};
use object::{Object as _, ObjectSection as _};

use crate::support::{assert_in_order, premote};

/// What a session on a damaged file may need at most.
const MOST_MEMORY_KIB: u64 = 512 << 10;

/// Programs, and a function of each that is called early.
const PROGRAMS: &[(&str, &str)] = &[
    ("cvalues_o2", "stop_here"),
    ("tour-cpp", "main"),
    ("units-zlib", "carry"),
    ("cxxvalues_o0", "main"),
    ("units_o2", "carry"),
    ("tour-rust", "main"),
];

/// What everybody does in a session.
const SCRIPT: &[&str] = &[
    "k",
    "kP",
    ".frame 1",
    "dv /t /V",
    "dx -r2 line",
    "dx -r2 shop",
    "dt line",
    "dt -r2 point",
    "dt *!*a*",
    "?? sizeof(line)",
    "x *!of_*",
    "ls",
    "lsa .",
    "u . l4",
    ".frame 0",
    "dv",
    "p",
    "p",
    "gu",
    "k",
    "dv",
    "bl",
    "lm",
];

/// Marsaglia's xorshift: a seed says what is damaged.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Where the debug sections of a file lie.
fn debug_sections(file: &[u8]) -> Vec<(String, usize, usize)> {
    let parsed = object::File::parse(file).unwrap();
    let sections = parsed.sections().filter_map(|section| {
        let name = section.name().ok()?.to_owned();
        let (start, length) = section.file_range()?;
        (name.starts_with(".debug_") && length > 0).then_some((name, start as usize, length as usize))
    });
    sections.collect()
}

/// The same program with other bytes in its debug information, or without its end; nothing that is loaded changes.
fn damaged(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    random.below(1);
    let mut bytes = whole.to_vec();
    let sections = debug_sections(whole);
    let (_, start, length) = sections[random.below(sections.len())];
    match random.below(8) {
        // Cut off in the middle of the debug information: the headers of sections are gone too.
        0 => bytes.truncate(start + random.below(length)),
        // The headers of sections.
        1 => {
            let at = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
            for _ in 0..1 + random.below(8) {
                let at = at + random.below(whole.len() - at);
                bytes[at] = random.below(256) as u8;
            }
        }
        // A run of one byte, or the end of a section.
        2 | 3 => {
            let from = random.below(length);
            let end = match random.below(2) {
                0 => length,
                _ => length.min(from + 1 + random.below(256)),
            };
            let byte = [0, 0xff, 0x80, 0x16][random.below(4)];
            bytes[start + from..start + end].fill(byte);
        }
        _ => {
            for _ in 0..1 + random.below(64) {
                let (_, start, length) = sections[random.below(sections.len())];
                bytes[start + random.below(length)] = random.below(256) as u8;
            }
        }
    }
    bytes
}

/// A program at a path of its own.
fn put(scratch: &Scratch, name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch.copy_of(&programs::debuggee(name));
    fs::write(&path, bytes).unwrap();
    path
}

fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

fn started(server: &DbgSrv, path: &Path) -> Console {
    let mut console = Console::start(premote(server.connection(), [path.to_str().unwrap()]));
    console.run(".echo launched");
    console
}

/// A whole session on one damaged copy.
fn survive(server: &DbgSrv, (name, function): (&str, &str), seed: u64) {
    eprintln!("{name}, again with FARSIGHT_SEED={seed}");
    let scratch = Scratch::new();
    let whole = fs::read(programs::debuggee(name)).unwrap();
    let path = put(&scratch, name, &damaged(&whole, seed));
    let mut console = started(server, &path);
    let stem = path.file_name().unwrap().to_str().unwrap().replace(['-', '.'], "_");
    let first = [format!("bp {function}"), "g".to_owned(), format!("!chksym {stem}")];
    // A file without the headers of its sections has no names either: the program runs to its end.
    let mut stopped = false;
    for line in first.iter().map(String::as_str).chain(SCRIPT.iter().copied()) {
        let text = console.run_until(line, Deadline::seconds(60));
        stopped |= text.contains("Breakpoint 0 hit");
        assert!(!text.contains("panicked"), "{name}, seed {seed}, '{line}': {text}");
    }
    // What needs no debug information works, whatever became of it.
    let text = console.run("r rip; db @rsp l4");
    let wanted = if stopped { "rip=" } else { "" };
    assert_in_order(&text, &[wanted]);
    assert_in_order(&console.run(".echo alive"), &["alive"]);
    let peak = peak_kib(console.pid());
    assert!(peak < MOST_MEMORY_KIB, "{name}, seed {seed}: {peak} KiB");
    let ended = console.quit("q");
    // Of a script, some of whose commands failed, the code is 1.
    assert!(matches!(ended.code, Some(0 | 1)), "{name}, seed {seed}: {ended:?}");
}

#[test]
fn slow_sessions_on_damaged_files_live() {
    let server = DbgSrv::start();
    let seed = u64::from(std::process::id());
    for (number, program) in PROGRAMS.iter().take(4).enumerate() {
        survive(&server, *program, seed + number as u64);
    }
}

#[test]
#[ignore = "soak: takes minutes"]
fn heavy_sessions_on_hundreds_of_damaged_files_live() {
    let server = DbgSrv::start();
    let named = std::env::var("FARSIGHT_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u64>().ok());
    let seed = named.unwrap_or_else(|| u64::from(std::process::id()));
    for (number, program) in PROGRAMS.iter().cycle().take(300).enumerate() {
        survive(&server, *program, seed.wrapping_add(number as u64));
    }
}

#[test]
fn packed_sections_that_claim_terabytes_are_named_and_the_rest_works() {
    let server = DbgSrv::start();
    for name in ["units-zlib", "units-zstd"] {
        let scratch = Scratch::new();
        let mut bytes = fs::read(programs::debuggee(name)).unwrap();
        let (_, start, _) = debug_sections(&bytes)
            .into_iter()
            .find(|(name, ..)| name == ".debug_info")
            .unwrap();
        // Elf64_Chdr: how long it is unpacked stands behind the kind and padding.
        bytes[start + 8..start + 16].copy_from_slice(&(5u64 << 40).to_le_bytes());
        let path = put(&scratch, name, &bytes);
        let stem = path.file_name().unwrap().to_str().unwrap().replace(['-', '.'], "_");
        let mut console = started(&server, &path);
        let text = console.run(&format!("bp carry; g; !chksym {stem}; u carry l1; k"));
        assert_in_order(
            &text,
            &[
                "Breakpoint 0 hit",
                "Trouble: .debug_info is damaged, or compressed",
                "carry",
            ],
        );
        assert!(peak_kib(console.pid()) < MOST_MEMORY_KIB);
        assert_eq!(console.quit("q").code, Some(0));
    }
}

#[test]
fn a_unit_that_lies_about_its_length_is_named_and_the_rest_works() {
    let server = DbgSrv::start();
    let scratch = Scratch::new();
    let mut bytes = fs::read(programs::debuggee("units")).unwrap();
    let (_, start, _) = debug_sections(&bytes)
        .into_iter()
        .find(|(name, ..)| name == ".debug_info")
        .unwrap();
    bytes[start..start + 4].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
    let path = put(&scratch, "units", &bytes);
    let stem = path.file_name().unwrap().to_str().unwrap().replace(['-', '.'], "_");
    let mut console = started(&server, &path);
    let text = console.run(&format!("bp carry; g; !chksym {stem}; k; dv"));
    assert_in_order(
        &text,
        &["Breakpoint 0 hit", "Trouble: damaged debug information", "carry"],
    );
    assert_eq!(console.quit("q").code, Some(0));
}

#[test]
fn what_damage_hides_is_not_said_to_be_missing() {
    type Spoil = fn(&mut [u8]);
    let zeros: Spoil = |bytes| bytes.fill(0);
    let cases: &[(&str, Spoil, &str, &str)] = &[
        (".debug_abbrev", zeros, "units.c:30", "units that cannot be read: 2"),
        (
            ".debug_line",
            zeros,
            "units.c:30",
            "units whose line tables cannot be read to their end: 2",
        ),
        (
            ".debug_rnglists",
            zeros,
            "nosuch.c:30",
            "units that do not say where their code is: 1",
        ),
        // The end of the last sequence becomes an instruction that is longer than its section.
        (
            ".debug_line",
            |bytes| {
                let at = bytes.len() - 2;
                bytes[at] = 0x7f;
            },
            "units_more.c:10",
            "units whose line tables cannot be read to their end: 1",
        ),
    ];
    for (section, spoil, line, said) in cases {
        let scratch = Scratch::new();
        let mut bytes = fs::read(programs::debuggee("units_o2")).unwrap();
        let sections = debug_sections(&bytes);
        let (_, start, length) = sections.iter().find(|(name, ..)| name == section).unwrap();
        spoil(&mut bytes[*start..*start + *length]);
        let path = put(&scratch, "units_o2", &bytes);
        let stem = path.file_name().unwrap().to_str().unwrap().replace(['-', '.'], "_");
        let mut console = Console::start(["-z", path.to_str().unwrap()]);
        assert_in_order(&console.run(&format!("!chksym {stem}")), &["Trouble: ", said]);
        let text = console.run(&format!("bp `{line}`"));
        assert_in_order(&text, &[&format!("{stem}: damaged debug information: "), said]);
        console.quit("q");
        // Without a look at all of it as well.
        let mut console = Console::start(["-z", path.to_str().unwrap()]);
        assert_in_order(&console.run(&format!("bp `{line}`")), &[said]);
        console.quit("q");
    }
}

#[test]
fn a_split_unit_that_is_missing_is_named_with_what_to_do() {
    let program = programs::debuggee("units-split");
    let Ok(mut bytes) = fs::read(&program) else {
        eprintln!("skipped: units-split takes a program to make that is not installed");
        return;
    };
    // The folder that the compiler ran in still has the files: only another name is not there.
    let name = b"units-split-1.dwo";
    let at = bytes.windows(name.len()).position(|part| part == name).unwrap();
    bytes[at..at + name.len()].copy_from_slice(b"units-never-1.dwo");
    let server = DbgSrv::start();
    let scratch = Scratch::new();
    let path = put(&scratch, "units-split", &bytes);
    let stem = path.file_name().unwrap().to_str().unwrap().replace(['-', '.'], "_");
    let mut console = started(&server, &path);
    let text = console.run(&format!("bp carry; g; k; dv; x {stem}!*carry*; !chksym {stem}"));
    assert_in_order(&text, &["Breakpoint 0 hit", "carry"]);
    assert_in_order(
        &text,
        &[
            "units-never-1.dwo - not there",
            "1 split units were not found, such as units-never-1.dwo",
            ".sympath",
        ],
    );
    assert_eq!(console.quit("q").code, Some(0));
}

#[test]
fn what_stands_in_the_place_of_a_debug_file_is_told_and_the_next_place_tried() {
    let program = programs::debuggee("units-debuglink");
    let right = program.parent().unwrap().join("symbols/units-debuglink.debug");
    type Put = fn(&Path);
    let wrong: &[(&str, Put, &str)] = &[
        (
            "a directory",
            |at| fs::create_dir(at).unwrap(),
            "not a regular file, or",
        ),
        (
            "a pipe",
            |at| assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success()),
            "not a regular file, or",
        ),
        (
            "a device",
            |at| std::os::unix::fs::symlink("/dev/zero", at).unwrap(),
            "not a regular file, or",
        ),
        (
            "a circle of links",
            |at| std::os::unix::fs::symlink(at, at).unwrap(),
            "not there",
        ),
        (
            "a huge file of zeros",
            |at| fs::File::create(at).unwrap().set_len(1 << 40).unwrap(),
            "no ELF",
        ),
        (
            "a huge image",
            |at| {
                fs::copy(programs::debuggee("units-no-build-id"), at).unwrap();
                fs::File::options()
                    .write(true)
                    .open(at)
                    .unwrap()
                    .set_len(1 << 40)
                    .unwrap();
            },
            "0x10000000000 bytes are too large to compare",
        ),
    ];
    for (what, put, why) in wrong {
        let scratch = Scratch::new();
        let copy = scratch.path().join("units-debuglink");
        fs::copy(&program, &copy).unwrap();
        put(&scratch.path().join("units-debuglink.debug"));
        fs::create_dir(scratch.path().join("right")).unwrap();
        fs::copy(&right, scratch.path().join("right/units-debuglink.debug")).unwrap();
        let symbols = scratch.path().join("right").display().to_string();
        let mut console = Console::start(["-y", &symbols, copy.to_str().unwrap()]);
        let text = console.run("bp carry; g; !chksym units_debuglink; lm m units_debuglink");
        assert_in_order(
            &text,
            &[
                "Breakpoint 0 hit",
                &format!("/units-debuglink.debug - {why}"),
                "right/units-debuglink.debug - taken",
                "(dwarf symbols)",
            ],
        );
        assert!(peak_kib(console.pid()) < MOST_MEMORY_KIB, "{what}");
        console.run(".kill");
    }
}
