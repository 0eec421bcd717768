//! Rules about single source files.

use crate::none;
use crate::project::{Source, sources};

/// More lines than this do not belong into one file.
const MOST_LINES: usize = 800;

/// Crates that may have a `sys` module, the only place of `unsafe`.
const WITH_SYS: &[&str] = &["linux", "transport", "host"];

/// How far above an `unsafe` block its reason may stand.
const REASON_WITHIN: usize = 8;

/// Crates that are pure: what they look at is given to them.
const WITHOUT_IO: &[&str] = &["types", "wire", "session", "target", "symbols", "render", "engine"];

/// Where printing is the purpose.
const PRINTERS: &[&str] = &[
    "crates/host/src/console",
    "crates/farsight/src/",
    "crates/serve/src/bin/",
    "xtask/",
    "fuzz/",
];

/// What code must not say, where it may all the same, and why it must not.
const NEVER_SAID: &[(&str, &[&str], &str)] = &[
    ("Mutex", &["linux", "transport"], "threads own, channels carry"),
    ("RwLock", &["linux", "transport"], "threads own, channels carry"),
    ("is_remote", &[], "nothing asks where its target is"),
    ("PTRACE_ATTACH", &[], "it stops by SIGSTOP; seize instead"),
    ("PTRACE_TRACEME", &[], "it cannot be interrupted; seize instead"),
];

/// Runs a rule over every file.
fn hold(rule: &str, check: fn(&Source) -> Vec<String>) {
    none(rule, sources().iter().flat_map(check).collect());
}

#[test]
fn files_are_short() {
    hold("a file is too long", long_file);
}

#[test]
fn modules_say_what_they_are() {
    hold("a file does not open with `//!`", silent_file);
}

#[test]
fn modules_stand_beside_their_folders() {
    hold("a module is named mod.rs", |source| {
        if source.path.ends_with("/mod.rs") {
            vec![source.path.clone()]
        } else {
            Vec::new()
        }
    });
}

#[test]
fn unsafe_stands_in_sys_modules_with_its_reason() {
    hold("`unsafe` where it may not be, or without `SAFETY:`", misplaced_unsafe);
}

#[test]
fn only_consoles_print() {
    hold("a print outside the console and the programs", stray_print);
}

#[test]
fn tests_wait_for_events() {
    hold("a test sleeps", sleeping_test);
}

#[test]
fn pure_crates_do_no_io() {
    hold("input, output or the host's nature in a pure crate", impurity);
}

#[test]
fn some_things_are_never_said() {
    hold("code that says what it must not", said_all_the_same);
}

#[test]
fn no_work_is_left_behind_in_comments() {
    hold("a note of unfinished work", unfinished);
}

#[test]
fn the_source_rules_can_fail() {
    let at = |path: &str, text: &str| Source::invented(path, text);
    assert_eq!(
        long_file(&at("crates/a/src/b.rs", &"x\n".repeat(MOST_LINES + 1))).len(),
        1
    );
    assert_eq!(silent_file(&at("crates/a/src/b.rs", "use x;\n")).len(), 1);
    assert_eq!(
        misplaced_unsafe(&at("crates/linux/src/b.rs", "    unsafe { f() }\n")).len(),
        1
    );
    assert_eq!(
        misplaced_unsafe(&at("crates/linux/src/sys/b.rs", "    unsafe { f() }\n")).len(),
        1
    );
    assert_eq!(
        misplaced_unsafe(&at(
            "crates/linux/src/sys/b.rs",
            "    // SAFETY: so\n    unsafe { f() }\n"
        ))
        .len(),
        0
    );
    assert_eq!(
        misplaced_unsafe(&at("crates/linux/src/b.rs", "#![allow(unsafe_code)]\n")).len(),
        0
    );
    assert_eq!(
        stray_print(&at("crates/engine/src/b.rs", "    println!(\"x\");\n")).len(),
        1
    );
    assert_eq!(
        stray_print(&at(
            "crates/engine/src/b.rs",
            "#[cfg(test)]\nmod tests { println!() }\n"
        ))
        .len(),
        0
    );
    let sleep = concat!("thread", "::sleep(x);\n");
    assert_eq!(sleeping_test(&at("crates/host/tests/b.rs", sleep)).len(), 1);
    assert_eq!(sleeping_test(&at("crates/host/src/b.rs", sleep)).len(), 0);
    assert_eq!(
        sleeping_test(&at("crates/host/src/b.rs", &format!("#[cfg(test)]\nmod t {{\n{sleep}"))).len(),
        1
    );
    assert_eq!(
        impurity(&at("crates/symbols/src/b.rs", "use std::fs::File;\n")).len(),
        1
    );
    assert_eq!(
        impurity(&at("crates/symbols/src/b.rs", "use std::{fmt, fs};\n")).len(),
        1
    );
    assert_eq!(impurity(&at("crates/host/src/b.rs", "use std::fs::File;\n")).len(), 0);
    assert_eq!(
        unfinished(&at("crates/a/src/b.rs", concat!("// TO", "DO later\n"))).len(),
        1
    );
}

fn long_file(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= MOST_LINES || source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    vec![format!("{} has {lines} lines", source.path)]
}

fn silent_file(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        Vec::new()
    } else {
        vec![source.path.clone()]
    }
}

fn misplaced_unsafe(source: &Source) -> Vec<String> {
    let in_sys = WITH_SYS.iter().any(|name| {
        let src = format!("crates/{name}/src/");
        source
            .path
            .strip_prefix(&src)
            .is_some_and(|rest| rest.starts_with("sys/") || rest == "sys.rs")
    });
    // Fuzz targets get theirs from a macro, tests of `sys` stand beside it.
    let lines: Vec<&str> = source.text.lines().collect();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !has_word(code_of(line), "unsafe") {
            continue;
        }
        if !in_sys {
            complaints.push(source.at(index + 1, "`unsafe` outside the sys modules"));
            continue;
        }
        let above = &lines[index.saturating_sub(REASON_WITHIN)..=index];
        let needs_reason = line.contains("unsafe {") || line.contains("unsafe impl");
        if needs_reason && !above.iter().any(|line| line.contains("SAFETY:")) {
            complaints.push(source.at(index + 1, "no `SAFETY:` above"));
        }
    }
    complaints
}

fn stray_print(source: &Source) -> Vec<String> {
    if PRINTERS.iter().any(|place| source.path.starts_with(place)) {
        return Vec::new();
    }
    let prints = |line: &str| {
        ["println!", "eprintln!", "print!", "eprint!"]
            .iter()
            .any(|name| line.contains(name))
    };
    let lines = source.shipped_lines().filter(|(_, line)| prints(code_of(line)));
    lines.map(|(number, line)| source.at(number, line.trim())).collect()
}

fn sleeping_test(source: &Source) -> Vec<String> {
    let sleeping = source
        .test_lines()
        .filter(|(_, line)| code_of(line).contains(concat!("thread", "::sleep")));
    sleeping.map(|(number, line)| source.at(number, line.trim())).collect()
}

fn impurity(source: &Source) -> Vec<String> {
    if !WITHOUT_IO
        .iter()
        .any(|name| source.path.starts_with(&format!("crates/{name}/src/")))
    {
        return Vec::new();
    }
    let forbidden = ["fs", "net", "process", "os", "env"];
    let impure = |line: &str| {
        let code = code_of(line);
        let direct = forbidden
            .iter()
            .any(|name| code.contains(&format!("std::{name}::")) || code.contains(&format!("use std::{name};")));
        let listed = code.trim().strip_prefix("use std::{").is_some_and(|list| {
            let words: Vec<&str> = list.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            forbidden.iter().any(|name| words.contains(name))
        });
        direct || listed || code.contains("target_os") || code.contains("target_arch")
    };
    source
        .shipped_lines()
        .filter(|(_, line)| impure(line))
        .map(|(number, line)| source.at(number, line.trim()))
        .collect()
}

fn said_all_the_same(source: &Source) -> Vec<String> {
    let Some(name) = source
        .path
        .strip_prefix("crates/")
        .and_then(|path| path.split('/').next())
    else {
        return Vec::new();
    };
    let mut complaints = Vec::new();
    for (word, _, why) in NEVER_SAID.iter().filter(|(_, allowed, _)| !allowed.contains(&name)) {
        let said = source.shipped_lines().filter(|(_, line)| has_word(code_of(line), word));
        complaints.extend(said.map(|(number, _)| source.at(number, &format!("`{word}`: {why}"))));
    }
    complaints
}

fn unfinished(source: &Source) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X ")];
    let lines = source.text.lines().enumerate();
    let left = lines.filter(|(_, line)| line.contains("//") && marks.iter().any(|mark| line.contains(mark)));
    left.map(|(index, line)| source.at(index + 1, line.trim())).collect()
}

/// The line without a comment that ends it, and without its text literals.
fn code_of(line: &str) -> &str {
    let line = line.split_once("//").map_or(line, |(code, _)| code);
    line.split_once('"').map_or(line, |(code, _)| code)
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|found| found == word)
}
