//! The same frames as gdb: pc, CFA, callee-saved registers.

use std::sync::Arc;

use farsight_symbols::{Image, ImageFile, Trust};

use crate::images;
use crate::snapshot::Snapshot;
use crate::support::{self, Scratch};

/// How many moments each program is stopped at.
const STOPS: usize = 60;

const RECURSION: &str = r#"
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) int leaf(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
__attribute__((noinline)) int recurse(int depth, long a, long b, long c, const char *name) {
    char buffer[64 + depth * 8];
    snprintf(buffer, sizeof buffer, "%s %d", name, depth);
    int below = depth == 0 ? leaf((int)(a + b + c)) : recurse(depth - 1, b * 3, c ^ a, a + depth, buffer);
    return below + (int)strlen(buffer) + (int)(a * b - c);
}
int main(int argc, char **argv) { return recurse(20, argc, 7, 9, argv[0]) & 1; }
"#;

fn snapshot(source: &str, flags: &[&str], commands: &str) -> Option<Snapshot> {
    let scratch = Scratch::new();
    let program = scratch.compile("gcc", source, flags)?;
    Snapshot::take(&[program.to_str()?], commands)
}

#[test]
fn a_recursion_has_gdbs_frames() {
    for flags in [
        &["-O2", "-g"][..],
        &["-O2", "-g", "-no-pie"],
        &["-O0", "-g"],
        &["-O2", "-fno-omit-frame-pointer"],
        // Only .debug_frame describes the program itself.
        &["-O2", "-g", "-fno-asynchronous-unwind-tables"],
        &["-O2", "-g", "-Wl,--no-eh-frame-hdr"],
        &["-O2", "-g", "-static"],
    ] {
        let Some(mut snapshot) = snapshot(RECURSION, flags, "break leaf;run") else {
            return;
        };
        let frames = snapshot.assert_frames_equal_gdbs();
        assert!(frames.len() > 22, "{flags:?}: {} frames", frames.len());
        let guessed = frames[1..].iter().filter(|frame| frame.trust != Trust::Cfi);
        assert_eq!(guessed.count(), 0, "{flags:?}");
    }
}

#[test]
fn a_walk_that_has_to_ask_for_everything_finds_the_same_frames() {
    let Some(mut snapshot) = snapshot(RECURSION, &["-O2", "-g"], "break leaf;run") else {
        return;
    };
    let (known, fetches) = snapshot.walk();
    assert_eq!(fetches, 0);
    snapshot.forget();
    let (asked, fetches) = snapshot.walk();
    assert_eq!(known, asked);
    // The program, the C library, and a page of stack or two.
    assert!((3..=8).contains(&fetches), "{fetches} fetches");
}

const SIGNALS: &str = r#"
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
__attribute__((noinline)) int leaf(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
void handler(int number) { leaf(number); }
__attribute__((noinline)) int middle(int x) { raise(SIGUSR1); return x * 2; }
__attribute__((noinline)) int fault(volatile int *where) { return *where + 1; }
int main(int argc, char **argv) {
    stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
    sigaltstack(&stack, 0);
    struct sigaction action = { .sa_handler = handler, .sa_flags = ALTERNATE };
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    return argc > 1 ? fault((int *)8) : middle(argc);
}
"#;

#[test]
fn signal_frames_are_passed_on_both_stacks() {
    for alternate in ["-DALTERNATE=0", "-DALTERNATE=SA_ONSTACK"] {
        let flags = ["-O2", "-g", alternate];
        let commands = "handle SIGUSR1 nostop noprint pass;break leaf;run";
        let Some(mut snapshot) = snapshot(SIGNALS, &flags, commands) else {
            return;
        };
        let frames = snapshot.assert_frames_equal_gdbs();
        let at = frames.iter().position(|frame| frame.is_signal_frame).unwrap();
        assert_eq!(frames[at + 1].trust, Trust::SignalFrame);
        assert!(frames[at + 1].registers.by_name("rax").is_some());
    }
}

#[test]
fn a_fault_is_looked_up_at_its_exact_instruction() {
    let commands = "handle SIGSEGV nostop noprint pass;break leaf;run x";
    let flags = ["-O2", "-g", "-DALTERNATE=SA_ONSTACK"];
    if let Some(mut snapshot) = snapshot(SIGNALS, &flags, commands) {
        snapshot.assert_frames_equal_gdbs();
    }
}

const NULL_CALL: &str = r#"
#include <stdlib.h>
void (*volatile nothing)(void);
__attribute__((noinline)) int middle(int x) { nothing(); return x * 2; }
int main(int argc, char **argv) { return middle(argc); }
"#;

#[test]
fn a_call_through_a_null_pointer_leads_to_its_caller() {
    let Some(mut snapshot) = snapshot(NULL_CALL, &["-O2", "-g"], "run") else {
        return;
    };
    let frames = snapshot.assert_frames_equal_gdbs();
    assert_eq!(frames[0].pc.0, 0);
    assert_eq!(frames[1].trust, Trust::Guessed);
    assert_eq!(frames[2].trust, Trust::Cfi);
}

const CALLS: &str = r#"
#include <stdlib.h>
#include <time.h>
int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return abs(rand()) & 1;
}
"#;

#[test]
fn every_instruction_of_a_stub_and_of_the_loader_behind_it_has_gdbs_frames() {
    for (binding, last) in [("-Wl,-z,lazy", 6), ("-Wl,-z,now", 1)] {
        for steps in 0..=last {
            let commands = format!("break *'rand@plt';run;stepi {steps}");
            let commands = commands.replace("stepi 0", "info registers rip");
            let flags = ["-O2", "-fcf-protection=none", "-no-pie", binding];
            if let Some(mut snapshot) = snapshot(CALLS, &flags, &commands) {
                snapshot.assert_frames_equal_gdbs();
            }
        }
    }
}

#[test]
fn the_vdso_has_gdbs_frames() {
    let commands = "break main;run;break __vdso_clock_gettime;continue;stepi 3";
    if let Some(mut snapshot) = snapshot(CALLS, &["-O2"], commands) {
        snapshot.assert_frames_equal_gdbs();
    }
}

#[test]
fn the_first_instruction_of_all_has_no_caller() {
    if let Some(mut snapshot) = snapshot(CALLS, &["-O2"], "starti") {
        let (frames, _) = snapshot.walk();
        assert_eq!(frames.len(), 1, "{frames:#x?}");
    }
}

#[test]
fn without_tables_the_frame_pointers_lead_up() {
    let source = RECURSION.replace("int main", "int program");
    let start = r#"
        int program(int, char **);
        __attribute__((noreturn)) void _start(void) { char *n = "x"; program(1, &n); __builtin_trap(); }
    "#;
    let source = source.replace(
        "snprintf(buffer, sizeof buffer, \"%s %d\", name, depth);",
        "buffer[0] = *name; buffer[1] = 0;",
    );
    let source = source.replace("(int)strlen(buffer)", "buffer[0]");
    let flags = [
        "-O1",
        "-nostdlib",
        "-fno-asynchronous-unwind-tables",
        "-fno-omit-frame-pointer",
        "-fno-stack-protector",
    ];
    let Some(mut snapshot) = snapshot(&(source + start), &flags, "break leaf;run") else {
        return;
    };
    let (frames, _) = snapshot.walk();
    let ours: Vec<u64> = frames.iter().map(|frame| frame.pc.0).collect();
    let theirs: Vec<u64> = snapshot.gdb_frames.iter().map(|frame| frame.pc).collect();
    assert!(ours.len() > 20, "{ours:x?}");
    assert_eq!(ours[..21], theirs[..21]);
    assert!(frames[3..20].iter().all(|frame| frame.trust == Trust::FramePointer));
}

#[test]
fn other_images_of_the_same_modules_lead_to_the_same_frames() {
    let Some(mut snapshot) = snapshot(RECURSION, &["-O2", "-g"], "break leaf;run") else {
        return;
    };
    let (frames, _) = snapshot.walk();
    let names = snapshot.names(&frames);
    assert_eq!(names[..3], ["leaf", "recurse", "recurse"]);

    // Pieces that came over a wire.
    snapshot.know_modules_by(|file| {
        let size = file.bytes().len() as u64;
        images::fetched(file.bytes(), Some(size)).0
    });
    assert_eq!(snapshot.walk().0, frames);
    assert_eq!(snapshot.names(&frames), names);

    // No section table: the program headers tell enough.
    snapshot.know_modules_by(|file| {
        patched(file, |bytes| {
            bytes[40..48].fill(0);
            bytes[60..64].fill(0);
        })
    });
    assert_eq!(snapshot.walk().0, frames);

    // A search table whose entries lead nowhere, and one that is out of order.
    for damage in [wild_descriptions, wild_order] {
        snapshot.know_modules_by(|file| {
            let layout = file.layout();
            let Some(section) = layout.section_index(".eh_frame_hdr") else {
                return patched(file, |_| {});
            };
            let section = &layout.sections[section];
            let start = section.file_offset as usize;
            let table = start + 12..start + section.size as usize;
            patched(file, |bytes| damage(&mut bytes[table.clone()]))
        });
        assert_eq!(snapshot.walk().0, frames);
    }
}

fn patched(file: &ImageFile, patch: impl Fn(&mut [u8])) -> Arc<dyn Image> {
    let mut bytes = file.bytes().to_vec();
    patch(&mut bytes);
    Arc::new(ImageFile::parse(Arc::new(bytes)).unwrap())
}

fn wild_descriptions(table: &mut [u8]) {
    for entry in table.chunks_exact_mut(8) {
        entry[4..].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
    }
}

fn wild_order(table: &mut [u8]) {
    table.reverse();
}

const OWN_RESTORER: &str = r#"
#include <signal.h>
#include <unistd.h>
#include <sys/syscall.h>
__attribute__((noinline)) int leaf(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
void handler(int number) { leaf(number); leaf(number); }
void restorer(void);
__asm__(".text\nnop\nrestorer: mov $15, %eax\nsyscall\n");
struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action =
    { (void *)handler, 0x04000000, (void *)restorer, 0 };
int main(void) {
    syscall(SYS_rt_sigaction, SIGUSR1, &action, 0, 8);
    raise(SIGUSR1);
    return 0;
}
"#;

#[test]
fn a_trampoline_without_tables_is_known_by_its_instructions() {
    let commands = "handle SIGUSR1 nostop noprint pass;break leaf;run";
    if let Some(mut snapshot) = snapshot(OWN_RESTORER, &["-O1", "-g"], commands) {
        let (frames, _) = snapshot.walk();
        let at = frames.iter().position(|frame| frame.is_signal_frame).unwrap();
        // As where tables describe a trampoline. (gdb does not take one with a name of its own for one.)
        assert_eq!(frames[at].cfa, frames[at + 1].registers.sp());
        let names = snapshot.names(&frames);
        assert_eq!(names[..3], ["leaf", "handler", "restorer"]);
        assert!(names[at + 1..].contains(&"main".to_owned()), "{names:?}");
        assert_eq!(frames[at + 1].trust, Trust::SignalFrame);
        assert!(frames[at + 1].registers.by_name("rcx").is_some());
    }
}

#[test]
fn without_tables_or_frame_pointers_the_stack_is_searched() {
    let source = r#"
        __attribute__((noinline)) int leaf(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
        __attribute__((noinline)) int recurse(int depth) { return depth ? recurse(depth - 1) * 3 + 1 : leaf(depth) + 2; }
        __attribute__((noreturn)) void _start(void) { recurse(12); __builtin_trap(); }
    "#;
    let flags = [
        "-O1",
        "-nostdlib",
        "-fno-asynchronous-unwind-tables",
        "-fomit-frame-pointer",
        "-fno-optimize-sibling-calls",
        "-static",
    ];
    // Without a loader, which would leave return addresses of its own on the stack.
    let Some(mut snapshot) = snapshot(source, &flags, "break *leaf;run") else {
        return;
    };
    let (frames, _) = snapshot.walk();
    let mut expected = vec!["leaf"];
    expected.extend(["recurse"; 13]);
    expected.push("_start");
    assert_eq!(snapshot.names(&frames), expected, "{frames:#x?}");
    assert_eq!(frames[1].trust, Trust::Guessed);
    assert!(frames[2..].iter().all(|frame| frame.trust == Trust::Scanned));
}

/// Stops programs at arbitrary moments. Takes minutes: `cargo test -p farsight-symbols -- --ignored random_stops`.
#[test]
#[ignore = "minutes of gdb"]
fn random_stops_have_gdbs_frames() {
    let scratch = Scratch::new();
    let source = r#"
        #include <algorithm>
        #include <map>
        #include <string>
        #include <vector>
        #include <functional>
        int deep(int n, const std::function<int(int)> &f) { return n ? deep(n - 1, f) + f(n) : f(0); }
        int main() {
            std::map<std::string, int> counts; unsigned seed = 1; long total = 0;
            for (;;) {
                std::vector<std::string> words;
                for (int i = 0; i < 100; i++) words.push_back(std::to_string(seed = seed * 1103515245 + 12345));
                std::sort(words.begin(), words.end());
                for (auto &word : words) counts[word.substr(0, 3)]++;
                total += deep(20, [&](int n) { return counts[std::to_string(n)]++; });
                try { if (total % 3) throw std::string("x"); } catch (std::string &) { total++; }
            }
        }
    "#;
    let python = "import json\nx = {str(i): list(range(i % 50)) for i in range(300)}\n\
        while True: json.loads(json.dumps(x, indent=1)); sorted(x, key=lambda k: x[k])\n";
    let script = scratch.path("script.py");
    std::fs::write(&script, python).unwrap();
    let mut programs: Vec<Vec<String>> = vec![
        vec!["/usr/bin/python3".into(), script.display().to_string()],
        vec!["/usr/bin/sha256sum".into(), "/dev/zero".into()],
    ];
    if let Some(path) = scratch.compile("g++", source, &["-O2", "-g"]) {
        programs.push(vec![path.display().to_string()]);
    }
    let rust = r#"
        use std::collections::HashMap;
        fn deep(n: u32, f: &mut dyn FnMut(u32) -> u64) -> u64 { if n == 0 { f(0) } else { deep(n - 1, f) + f(n) } }
        fn main() {
            let mut counts: HashMap<String, u64> = HashMap::new();
            let mut seed = 1u32;
            loop {
                let mut words: Vec<String> = (0..100).map(|_| { seed = seed.wrapping_mul(1103515245).wrapping_add(12345); format!("{seed}") }).collect();
                words.sort();
                for word in &words { *counts.entry(word[..word.len().min(3)].to_owned()).or_default() += 1; }
                let total = deep(20, &mut |n| { let c = counts.entry(n.to_string()).or_default(); *c += 1; *c });
                let _ = std::panic::catch_unwind(|| std::hint::black_box(total));
            }
        }
    "#;
    let (rust_source, rust_program) = (scratch.path("program.rs"), scratch.path("rust-program"));
    std::fs::write(&rust_source, rust).unwrap();
    let mut rustc = std::process::Command::new("rustc");
    rustc.args(["-O", "-g", "-o"]).args([&rust_program, &rust_source]);
    if support::run(&mut rustc).is_some_and(|done| done.status.success()) {
        programs.push(vec![rust_program.display().to_string()]);
    }
    for program in programs.iter().rev() {
        let words: Vec<&str> = program.iter().map(String::as_str).collect();
        let (mut agree, mut all, mut stops) = (0, 0, 0);
        for stop in 0..STOPS {
            let commands = format!("starti;wait {}", 300 + stop * 7);
            let Some(mut snapshot) = Snapshot::take(&words, &commands) else {
                return;
            };
            let (same, of) = snapshot.agreement();
            (agree, all, stops) = (agree + same, all + of, stops + 1);
        }
        eprintln!("{}: {agree} of {all} frames at {stops} stops", program[0]);
        assert!(all > stops, "no frames");
        assert!(agree * 100 >= all * 99, "{}: {agree} of {all}", program[0]);
    }
}
